"""fit: the training loop, with mini-batches, a progress bar and a history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from autograd_core.ops import mean
from autograd_core.value import Number, Row, Value, as_row
from nn.checks import whole_from_one
from nn.data import batches
from nn.init import generator
from nn.losses import Loss

__all__ = ["History", "fit"]


class Optimiser(Protocol):
    """What fit asks of an optimiser."""

    def zero_grad(self) -> None: ...
    def step(self) -> None: ...


class _Bar(Protocol):
    def update(self, n: int) -> object: ...
    def set_postfix_str(self, s: str) -> object: ...
    def close(self) -> object: ...


@dataclass
class History:
    """What a training run leaves behind.

    Parameters
    ----------
    loss : the mean loss of each epoch that was finished, over its samples as they were met.
    step_loss : the mean loss of each mini-batch, before the step that it led to.
    interrupted : whether Ctrl-C ended the run.
    """

    loss: list[float] = field(default_factory=list[float])
    step_loss: list[float] = field(default_factory=list[float])
    interrupted: bool = False


def fit(
    model: Callable[[Row], Any],
    inputs: Iterable[Iterable[Number]],
    targets: Sequence[Any],
    *,
    loss: Loss,
    optimiser: Optimiser,
    epochs: int,
    batch_size: int | None = None,
    rng: Random | int | None = None,
    progress: bool = True,
) -> History:
    """Train a model on samples, and return the history. Ctrl-C ends it early and keeps what was learnt.

    Every step takes the gradient of the mean loss over one mini-batch. The batches are shuffled anew in each epoch.

    Parameters
    ----------
    model : called with one sample's inputs, a tuple of Values.
    inputs : one row of numbers for each sample; a NumPy array will do.
    targets : one for each sample, as the loss takes them.
    loss : called with the model's output and the target; see `nn.losses`.
    optimiser : with the model's parameters; see `nn.optim`.
    epochs : how often all samples are gone through.
    batch_size : how many samples make a step; all of them by default. The last batch may be shorter.
    rng : a random.Random or an int seed, for the order of the samples. Without one it differs each time.
    progress : whether to show a bar on standard error.

    Raises
    ------
    ArgumentError : no samples, not one target for each sample, epochs or a batch size below 1, or a loss that is no
        Value.
    MissingExtraError : progress is wanted, and tqdm is not installed.

    >>> from nn import MLP, losses, optim
    >>> model = MLP(1, [1], rng=0)
    >>> sgd = optim.SGD(model.parameters(), lr=0.1)
    >>> history = fit(model, [[0.0], [1.0]], [1.0, 3.0], loss=losses.squared_error, optimiser=sgd,
    ...               epochs=200, rng=0, progress=False)
    >>> round(model([2.0]).data, 3)
    5.0
    """
    rows = [as_row(row) for row in inputs]
    n = len(rows)
    if not n or n != len(targets):
        raise ArgumentError(f"there are {n} samples and {len(targets)} targets: pass one target for each sample")
    epochs = whole_from_one("epochs", epochs)
    size = whole_from_one("batch_size", n if batch_size is None else batch_size)
    rng = generator(rng)
    history = History()
    bar = _bar(epochs * n) if progress else None
    try:
        for _ in range(epochs):
            total = 0.0
            for batch in batches(n, size, rng):
                cost = mean([loss(model(rows[i]), targets[i]) for i in batch])
                if not isinstance(cost, Value):  # pyright: ignore[reportUnnecessaryIsInstance] - a user's own loss
                    raise ArgumentError(
                        f"the loss is {cost!r}, a plain number: compute it from the model's output with ops"
                    )
                optimiser.zero_grad()
                cost.backward()
                optimiser.step()
                history.step_loss.append(cost.data)
                total += cost.data * len(batch)
                if bar:
                    bar.update(len(batch))
            history.loss.append(total / n)
            if bar:
                bar.set_postfix_str(f"loss {total / n:.4f}")
    except KeyboardInterrupt:
        history.interrupted = True
    finally:
        if bar:
            bar.close()
    return history


def _bar(total: int) -> _Bar:
    tqdm = load("tqdm.auto", "train", "the progress bar of fit (progress=False does without)")
    return tqdm.tqdm(total=total, unit=" samples")
