"""The demo: handwritten digits, classified by a network whose every weight and every product is a Value."""

# ruff: noqa: N803, N806 - matrices have capital letters

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from autograd_core import lift
from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from autograd_core.modes import no_grad
from autograd_core.ops import dot, logsumexp, mean, tanh
from autograd_core.value import Row, Value, as_row
from nn import losses, optim
from nn.data import split
from nn.neuron import MLP
from nn.train import History, fit

__all__ = ["run"]

SEED = 0
SIZES, SMALL_SIZES = [128, 64, 10], [16, 10]
EPOCHS, FAST_EPOCHS = 200, 20
SMALL_EPOCHS, FAST_SMALL_EPOCHS = 5, 2
BATCH = 16
STEP = 1e-5
SAME = 1e-10

Matrix = Sequence[Row]


def loss(x: Row, y: Row, W1: Matrix, b1: Row, W2: Matrix, b2: Row, W3: Matrix, b3: Row) -> Value:
    H1 = [tanh(dot(w, x) + b) for w, b in zip(W1, b1, strict=True)]
    H2 = [tanh(dot(w, H1) + b) for w, b in zip(W2, b2, strict=True)]
    Z3 = [dot(w, H2) + b for w, b in zip(W3, b3, strict=True)]
    return logsumexp(Z3) - dot(y, Z3)


def run(out: Path, *, fast: bool = False) -> None:
    """Train a 64-128-64-10 network on scikit-learn's digits, print how well it does, and check 30 of its gradients.

    It is trained by a program over arrays, which its graph of scalars is lifted to. A 64-16-10 network is trained both by
    such a program and by its graph, to see that the losses are the same. What differs from run to run, the times that a
    step takes, goes to standard error.

    Parameters
    ----------
    out : the folder in which ``loss.png`` is written; made if need be.
    fast : whether to stop after a tenth and a fifth of the epochs.

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
    samples = [rows[i] for i in train], [digits[i] for i in train]
    model = _network(SIZES, rng)
    print(f"{len(train)} scans to train on, {len(test)} held out; {len(model.parameters())} weights, each a Value\n")
    print(_two_forms(model))
    history = _trained(model, *samples, FAST_EPOCHS if fast else EPOCHS, rng, "numpy")
    if not history.interrupted:
        _compare(*samples, FAST_SMALL_EPOCHS if fast else SMALL_EPOCHS)
    right = _count_right(model, [rows[i] for i in test], [digits[i] for i in test])
    print(f"held-out accuracy: {right / len(test):.2%} ({right} of {len(test)})\n")
    checked = test[:5]
    print(_gradient_table(model, [rows[i] for i in checked], [digits[i] for i in checked], rng))
    _plot(history, math.ceil(len(train) / BATCH), out / "loss.png")
    print(f"\nwrote {out / 'loss.png'}")


def _network(sizes: list[int], rng: Random) -> MLP:
    return MLP(64, sizes, activation="tanh", init="glorot", rng=rng)


def _two_forms(model: MLP) -> str:
    """Return the loss of one scan as it may be written, and the program that its graph is lifted to."""
    names = ("W1", "b1", "W2", "b2", "W3", "b3")
    arrays: dict[str, Any] = {name: array for name, (_, array) in zip(names, model.named_tensors(), strict=True)}
    program = lift(partial(loss, **arrays), inputs={"x": 64, "y": 10}, params=arrays)
    return f"""what is written, for the scalars of one scan:

{inspect.getsource(loss)}
what it is lifted to, for a batch of scans and with the gradient of each weight:

{program.source}"""


def _trained(
    model: MLP, rows: Sequence[Row], digits: Sequence[int], epochs: int, rng: Random, backend: str | None
) -> History:
    start = perf_counter()
    history = fit(
        model,
        rows,
        digits,
        loss=losses.nllm_with_logits,
        optimiser=optim.SGD(model.parameters(), lr=0.3),
        epochs=epochs,
        batch_size=BATCH,
        rng=rng,
        backend=backend,
    )
    steps = len(history.step_loss)
    if history.interrupted:
        print(f"stopped by Ctrl-C after {steps} steps; what follows is what was learnt by then")
    sizes = "-".join(map(str, [64, *[len(layer.neurons) for layer in model.layers]]))
    how = "a graph of scalars" if backend is None else "the lifted program"
    microseconds = (perf_counter() - start) / max(steps, 1) * 1e6
    print(f"{sizes}, {BATCH} samples a step, by {how}: {microseconds:,.0f} µs a step", file=sys.stderr)
    return history


def _compare(rows: Sequence[Row], digits: Sequence[int], epochs: int) -> None:
    """Train a small network by the graph of each step and by the lifted program, and compare the losses."""
    histories: list[History] = []
    for backend in ("numpy", None):
        rng = Random(SEED)
        histories.append(_trained(_network(SMALL_SIZES, rng), rows, digits, epochs, rng, backend))
        if histories[-1].interrupted:
            return
    lifted, graph = [history.step_loss for history in histories]
    apart = max([abs(a - b) for a, b in zip(lifted, graph, strict=True)])
    verdict = f"no more than {SAME:g}" if apart <= SAME else f"up to {apart:.1e}"
    print(f"64-16-10 by the lifted program and by its graph: losses of {len(graph)} steps are apart by {verdict}")


def _count_right(model: MLP, rows: Iterable[Row], digits: Iterable[int]) -> int:
    right = 0
    with no_grad():
        for row, digit in zip(rows, digits, strict=True):
            scores = [score.data for score in model(row)]
            right += scores.index(max(scores)) == digit
    return right


def _gradient_table(model: MLP, rows: Sequence[Row], digits: Sequence[int], rng: Random) -> str:
    """Compare the gradient of ten weights of each layer with central differences of the loss."""

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
