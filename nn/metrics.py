"""Metrics: how well the outputs for many samples agree with their targets, as plain numbers, for people to read.

Each takes the outputs that `nn.predict` returns - a float a sample, or a tuple of floats - and one target a sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from operator import sub
from typing import Any, TypeAlias

from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.op import as_float
from nn.losses import zero_one

__all__ = ["Metric", "Output", "accuracy", "mean_absolute_error", "measure", "named", "r2", "root_mean_squared_error"]

Output: TypeAlias = "float | tuple[float, ...]"
Metric: TypeAlias = Callable[[Sequence[Output], Sequence[Any]], float]

_TAKEN = ("loss", "validation loss", "rate")


def named(metrics: Mapping[str, Metric] | None) -> Mapping[str, Metric]:
    """Return metrics by name, as they are.

    Raises
    ------
    ArgumentError : a name that a series of the history has.
    OperandTypeError : what is no dict of functions.

    >>> list(named({"accuracy": accuracy}))
    ['accuracy']
    """
    metrics = {} if metrics is None else metrics
    if not isinstance(metrics, Mapping) or not all(map(callable, metrics.values())):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
        raise OperandTypeError(f"metrics is {metrics!r}: pass a dict of functions, such as {{'accuracy': accuracy}}")
    for name in _TAKEN:
        if name in metrics:
            raise ArgumentError(f"a metric is called {name!r}, as the {name} is: choose another name")
    return metrics


def measure(metrics: Mapping[str, Metric], outputs: Sequence[Output], targets: Sequence[Any]) -> dict[str, float]:
    """Return what each metric says of all outputs and all targets, by its name.

    Raises
    ------
    OperandTypeError : a metric that returns no number.

    >>> measure({"error": mean_absolute_error}, [1.0, 2.0], [1.0, 4.0])
    {'error': 1.0}
    """
    found = dict[str, float]()
    for name, metric in metrics.items():
        number = metric(outputs, targets)
        try:
            found[name] = as_float(number)
        except OperandTypeError as fault:
            raise OperandTypeError(f"the metric {name!r}: {fault}") from None
    return found


def accuracy(outputs: Sequence[Output], targets: Sequence[Any], *, threshold: float | None = None) -> float:
    """Return the share of samples whose class is guessed right; see `nn.losses.zero_one`.

    Parameters
    ----------
    outputs : of several numbers each, the guess is the number of the largest, the first of equal ones; of one number
        each, the guess is the upper class if it is above the threshold.
    targets : the number of the class, or a one-hot row; for outputs of one number a label, of which 1 is the upper one
        and 0 or -1 the lower.
    threshold : 0.5 unless it is said, which is right for probabilities; pass 0 for scores before a sigmoid, and for
        labels of -1 and 1.

    Raises
    ------
    ArgumentError : no outputs, or not one target for each, or a target that is no class.

    >>> accuracy([(0.1, 0.9), (0.8, 0.2)], [1, 1])
    0.5
    """
    _check(outputs, targets)
    wrong = sum(
        [zero_one(output, target, threshold=threshold) for output, target in zip(outputs, targets, strict=True)]
    )
    return (len(outputs) - wrong) / len(outputs)


def r2(outputs: Sequence[Output], targets: Sequence[Any]) -> float:
    """Return the coefficient of determination, 1 - Σ (t - y)² / Σ (t - mean t)²; several outputs are averaged.

    It is 1 for a perfect guess, 0 for one as good as the targets' mean. Where the targets do not vary it is 1 if they
    are met exactly, else 0.

    Raises
    ------
    ArgumentError : no outputs, or not one target for each.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.7857142857142857
    """
    scores: list[float] = []
    for ys, ts in _columns(outputs, targets):
        middle = sum(ts) / len(ts)
        left = sum([(t - y) * (t - y) for y, t in zip(ys, ts, strict=True)])
        spread = sum([(t - middle) * (t - middle) for t in ts])
        # Their mean may be off by a rounding, and the spread then no 0.
        varies = any([t != ts[0] for t in ts])
        scores.append(1.0 - left / spread if varies and spread else float(left == 0.0))
    return sum(scores) / len(scores)


def mean_absolute_error(outputs: Sequence[Output], targets: Sequence[Any]) -> float:
    """Return the mean of |y - t| over samples and outputs.

    Raises
    ------
    ArgumentError : no outputs, or not one target for each.

    >>> mean_absolute_error([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    errors = [abs(e) for ys, ts in _columns(outputs, targets) for e in map(sub, ys, ts)]
    return sum(errors) / len(errors)


def root_mean_squared_error(outputs: Sequence[Output], targets: Sequence[Any]) -> float:
    """Return the root of the mean of (y - t)² over samples and outputs.

    Raises
    ------
    ArgumentError : no outputs, or not one target for each.

    >>> root_mean_squared_error([1.0, 2.0], [1.0, 4.0])
    1.4142135623730951
    """
    squares = [e * e for ys, ts in _columns(outputs, targets) for e in map(sub, ys, ts)]
    return math.sqrt(sum(squares) / len(squares))


def _check(outputs: Sequence[Output], targets: Sequence[Any]) -> None:
    if len(outputs) != len(targets) or not len(outputs):
        raise ArgumentError(
            f"there are {len(outputs)} outputs and {len(targets)} targets: pass one target for each output"
        )


def _columns(outputs: Sequence[Output], targets: Sequence[Any]) -> list[tuple[list[float], list[float]]]:
    """Return for each number that a sample's output has all the outputs, and all the targets."""
    _check(outputs, targets)
    ys, ts = [_row(output) for output in outputs], [_row(target) for target in targets]
    widths = {len(row) for row in [*ys, *ts]}
    if len(widths) != 1:
        raise ArgumentError(f"outputs and targets have {sorted(widths)} numbers a sample: pass as many of each")
    return [([row[i] for row in ys], [row[i] for row in ts]) for i in range(widths.pop())]


def _row(numbers: Any) -> list[float]:
    return [float(x) for x in numbers] if hasattr(numbers, "__len__") else [float(numbers)]
