"""The demo: handwritten digits, classified by a network whose every weight and every product is a Value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from autograd_core.modes import no_grad
from autograd_core.ops import mean
from autograd_core.value import Row, Value, as_row
from nn import losses, optim
from nn.data import split
from nn.neuron import MLP
from nn.train import History, fit

__all__ = ["run"]

SEED = 0
EPOCHS, FAST_EPOCHS = 20, 4
BATCH = 16
STEP = 1e-5


def run(out: Path, *, fast: bool = False) -> None:
    """Train a 64-16-10 network on scikit-learn's digits, print how well it does, and check 20 of its gradients.

    Parameters
    ----------
    out : the folder in which ``loss.png`` is written; made if need be.
    fast : whether to stop after 4 epochs instead of 20.

    Raises
    ------
    MissingExtraError : scikit-learn, matplotlib or tqdm is not installed.
    ArgumentError : the folder cannot be made.
    """
    scans = load("sklearn.datasets", "demo", "the demo").load_digits()
    for module in ("matplotlib", "tqdm"):  # before any work is done
        load(module, "demo", "the demo")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise ArgumentError(f"no folder can be made at {out} ({fault.strerror}): choose another with --out") from None
    rng = Random(SEED)
    rows = [as_row([ink / 16.0 for ink in scan]) for scan in scans.data.tolist()]
    digits: list[int] = scans.target.tolist()
    train, test = split(len(rows), 0.2, rng)
    model = MLP(64, [16, 10], activation="tanh", init="glorot", rng=rng)
    print(f"{len(train)} scans to train on, {len(test)} held out; {len(model.parameters())} weights, each a Value")
    history = fit(
        model,
        [rows[i] for i in train],
        [digits[i] for i in train],
        loss=losses.nllm_with_logits,
        optimiser=optim.SGD(model.parameters(), lr=0.3),
        epochs=FAST_EPOCHS if fast else EPOCHS,
        batch_size=BATCH,
        rng=rng,
    )
    if history.interrupted:
        print(f"stopped by Ctrl-C after {len(history.step_loss)} steps; what follows is what was learnt by then")
    right = _count_right(model, [rows[i] for i in test], [digits[i] for i in test])
    print(f"held-out accuracy: {right / len(test):.2%} ({right} of {len(test)})\n")
    samples = test[:5]
    print(_gradient_table(model, [rows[i] for i in samples], [digits[i] for i in samples], rng))
    _plot(history, math.ceil(len(train) / BATCH), out / "loss.png")
    print(f"\nwrote {out / 'loss.png'}")


def _count_right(model: MLP, rows: Iterable[Row], digits: Iterable[int]) -> int:
    right = 0
    with no_grad():
        for row, digit in zip(rows, digits, strict=True):
            scores = [score.data for score in model(row)]
            right += scores.index(max(scores)) == digit
    return right


def _gradient_table(model: MLP, rows: Sequence[Row], digits: Sequence[int], rng: Random) -> str:
    """Compare the gradient of 20 weights with central differences of the loss."""

    def cost() -> Value:
        return mean([losses.nllm_with_logits(model(row), digit) for row, digit in zip(rows, digits, strict=True)])

    model.zero_grad()
    cost().backward()
    lines = [f"{'weight':<26}{'backward()':>16}{'difference':>16}{'apart by':>12}"]
    largest = 0.0
    for name, p in _ten_of_each_layer(model, rng):
        start, computed = p.data, p.grad
        with no_grad():
            p.data = start + STEP
            ahead = cost().data
            p.data = start - STEP
            behind = cost().data
            p.data = start
        difference = (ahead - behind) / (2.0 * STEP)
        apart = abs(computed - difference)
        largest = max(largest, apart)
        lines.append(f"{name:<26}{computed:>16.9f}{difference:>16.9f}{apart:>12.1e}")
    lines.append(f"largest difference: {largest:.1e} (central differences with a step of {STEP:g})")
    return "\n".join(lines)


def _ten_of_each_layer(model: MLP, rng: Random) -> list[tuple[str, Value]]:
    named = list(model.named_parameters())
    chosen = [
        named_p
        for path in model.children()
        for named_p in rng.sample([named_p for named_p in named if named_p[0].startswith(path)], 10)
    ]
    return sorted(chosen, key=named.index)


def _plot(history: History, steps_per_epoch: int, path: Path) -> None:
    figure = load("matplotlib.figure", "demo", "the demo's picture").Figure(figsize=(7.0, 4.0), layout="constrained")
    axes = figure.subplots()
    steps = range(1, len(history.step_loss) + 1)
    axes.plot(steps, history.step_loss, color="#9ecae1", linewidth=0.6, label="each mini-batch")
    if history.loss:
        ends = [steps_per_epoch * (i + 1) for i in range(len(history.loss))]
        axes.plot(ends, history.loss, color="#08519c", marker="o", markersize=3, label="mean of each epoch")
    axes.set(
        xlabel="step", ylabel="loss (negative log-likelihood)", title="Digits, learnt scalar by scalar", yscale="log"
    )
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
