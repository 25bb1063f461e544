"""Plan: what defines a training run, apart from its model, its optimiser and its generator."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Literal, TypeAlias, cast

from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.value import Value
from nn.checks import whole_from_one
from nn.data import Samples, split
from nn.losses import Loss
from nn.metrics import Metric, named
from nn.stopping import EarlyStopping

__all__ = ["Plan", "Reduction", "numbers_of"]

Reduction: TypeAlias = Literal["mean", "sum"]


@dataclass(frozen=True)
class Plan:
    """The arguments of `nn.fit` that a resumed run must share with the one that it goes on from; see there."""

    loss: Loss
    batch_size: int | None
    shuffle: bool
    reduction: Reduction
    penalty: Callable[[Any], Value] | None
    held_out: float | Samples | None
    metrics: Mapping[str, Metric]
    early_stopping: EarlyStopping | None

    def __post_init__(self) -> None:
        if not callable(self.loss):
            raise OperandTypeError(f"loss is {self.loss!r}: pass a function, such as nn.losses.squared_error")
        if self.batch_size is not None:
            whole_from_one("batch_size", self.batch_size)
        if self.reduction not in ("mean", "sum"):
            raise ArgumentError(f"reduction is {self.reduction!r}: choose 'mean' or 'sum'")
        named(self.metrics)
        if self.early_stopping is not None and not isinstance(self.early_stopping, EarlyStopping):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
            raise OperandTypeError(f"early_stopping is {self.early_stopping!r}: pass nn.EarlyStopping(patience=10)")
        if self.early_stopping is not None and self.held_out is None:
            raise ArgumentError("early stopping watches the validation loss: pass validation, such as validation=0.2")

    def split(self, n: int, rng: Random) -> list[bool]:
        """Return for each of n samples whether it is held out from training."""
        chosen = set(split(n, self.held_out, rng)[1]) if isinstance(self.held_out, float) else set[int]()
        return [i in chosen for i in range(n)]

    def settings(self, samples: Samples) -> dict[str, object]:
        """Return what a run must have in common with the one that it goes on from, as numbers and text."""
        other = self.held_out if isinstance(self.held_out, Samples) else None
        return {
            "the samples": _digest(samples),
            "validation": self.held_out if other is None else _digest(other),
            "loss": _name(self.loss),
            "batch_size": self.batch_size and int(self.batch_size),
            "shuffle": bool(self.shuffle),
            "reduction": self.reduction,
            "penalty": self.penalty and _name(self.penalty),
            "metrics": {name: _name(metric) for name, metric in self.metrics.items()},
            "early_stopping": self.early_stopping and asdict(self.early_stopping),
        }


def _name(function: object) -> str:
    return getattr(function, "__qualname__", type(function).__qualname__)


def _digest(samples: Samples) -> str:
    """Return a fingerprint of samples: the same numbers in the same order give the same one."""
    text = repr((numbers_of(samples.rows), numbers_of(samples.targets), samples.weights))
    return f"{len(samples)} samples, SHA-256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def numbers_of(target: object) -> object:
    """Return numbers as they are, without their gradients or the kind of list or array that holds them.

    >>> numbers_of((1, [Value(2.0)]))
    [1, [2.0]]
    """
    if isinstance(target, Value):
        return target.data
    if hasattr(target, "tolist"):  # NumPy's
        return numbers_of(cast("Any", target).tolist())
    if isinstance(target, list | tuple):
        return [numbers_of(member) for member in cast("list[object]", target)]
    return target
