"""Losses: functions of Values that give one Value to minimise, for one sample.

Outputs are added up over the components of a sample. What becomes of a batch is `nn.fit`'s business: it multiplies each
sample's loss by its ``sample_weight`` w, which is 1 unless given, and takes Σ w loss, or with ``reduction="mean"``
Σ w loss / Σ w. Logarithms are natural. The forms on logits (scores before the sigmoid or softmax) are the ones to train
with: they neither overflow nor lose digits, where log(sigmoid(z)) is -inf. Which activation each loss wants below it is
in `nn.pairing`, and how labels are written in `nn.labels`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, SupportsIndex, TypeAlias, TypeGuard, cast

import numpy as np

from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.op import as_float
from autograd_core.ops import dot, log, logsumexp, relu, softplus, square, strong_mul, sub, sum
from autograd_core.value import Number, Row, Value, as_row
from nn.labels import decide

__all__ = [
    "Loss",
    "half_squared_error",
    "hinge",
    "nll",
    "nll_with_logits",
    "nllm",
    "nllm_with_logits",
    "squared_error",
    "zero_one",
]

Outputs: TypeAlias = Number | Iterable[Number]
Label: TypeAlias = Number | Iterable[Number]
Loss: TypeAlias = Callable[..., Value]


def squared_error(outputs: Outputs, targets: Outputs) -> Value:
    """Return Σ (output - target)², without a factor of ½.

    Parameters
    ----------
    outputs, targets : one number each, or equally many of each.

    Raises
    ------
    ArgumentError : outputs and targets differ in number.

    >>> squared_error([Value(1.0), Value(2.0)], [0.0, 0.0]).data
    5.0
    """
    ys, ts = _pair(outputs, targets)
    squares = [square(sub(y, t)) for y, t in zip(ys, ts, strict=True)]
    return squares[0] if len(squares) == 1 else sum(squares)


def half_squared_error(outputs: Outputs, targets: Outputs) -> Value:
    """Return ½ Σ (output - target)², whose derivative by an output is output - target.

    The parameters, and what is raised, are those of `squared_error`.

    >>> half_squared_error([Value(1.0), Value(2.0)], [0.0, 0.0]).data
    2.5
    """
    return 0.5 * squared_error(outputs, targets)


def hinge(score: Outputs, label: Label) -> Value:
    """Return max(0, 1 - label score).

    Parameters
    ----------
    score : the output of the network, before any activation; a row of one will do, as a Layer with one neuron has it.
    label : -1 or 1; a row of one will do.

    Raises
    ------
    ArgumentError : another label, or several outputs.

    >>> hinge(Value(0.25), -1).data
    1.25
    """
    t = _label(label, (-1.0, 1.0), "hinge")
    return relu(1.0 - t * _output(score, "hinge"))


def nll(probability: Outputs, label: Label) -> Value:
    """Return the negative log-likelihood of a binary label: -log p for label 1, -log(1 - p) for label 0.

    Parameters
    ----------
    probability : of label 1, in (0, 1): the output of a sigmoid; a row of one will do.
    label : 0 or 1, or a probability in between; a row of one will do.

    Raises
    ------
    ArgumentError : another label, or several outputs.

    >>> round(nll(Value(0.25), 1).data, 4)
    1.3863
    """
    t, p = _probability(label, "nll"), _output(probability, "nll")
    # Strong products: 0 log 0 is 0 here, so a certain and right prediction costs nothing.
    return -(strong_mul(t, log(p)) + strong_mul(1.0 - t, log(1.0 - p)))


def nll_with_logits(logit: Outputs, label: Label) -> Value:
    """Return nll(sigmoid(logit), label) in a form that is exact for every logit z: label log(1 + e**-z) + (1 - label) log(1 + e**z).

    Parameters
    ----------
    logit : the output of the network, before the sigmoid; a row of one will do.
    label : 0 or 1, or a probability in between; a row of one will do.

    Raises
    ------
    ArgumentError : another label, or several outputs.

    >>> nll_with_logits(Value(-1000.0), 1).data
    1000.0
    """
    t, z = _probability(label, "nll_with_logits"), _output(logit, "nll_with_logits")
    return strong_mul(t, softplus(-z)) + strong_mul(1.0 - t, softplus(z))


def nllm(probabilities: Iterable[Number], target: SupportsIndex | Iterable[Number]) -> Value:
    """Return the negative log-likelihood of one of several classes: -Σ target log p.

    Parameters
    ----------
    probabilities : one for each class, adding up to 1: the output of a softmax.
    target : the number of the class, counted from 0; or one number for each class, such as a one-hot row.

    Raises
    ------
    ArgumentError : no such class, or not one target for each class.

    >>> round(nllm([Value(0.5), Value(0.25), Value(0.25)], 0).data, 4)
    0.6931
    """
    ps = as_row(probabilities)
    if _is_class(target):
        return -log(ps[_class(target, ps)])
    ts = _targets(cast("Iterable[Number]", target), ps)
    return -sum([strong_mul(t, log(p)) for t, p in zip(ts, ps, strict=True)])


def nllm_with_logits(logits: Iterable[Number], target: SupportsIndex | Iterable[Number]) -> Value:
    """Return nllm(softmax(logits), target) in a form that cannot overflow: log Σ e**z - Σ target z.

    It is off by no more than the rounding of the largest logit.

    Parameters
    ----------
    logits : one score for each class, before the softmax.
    target : the number of the class, counted from 0; or one number for each class, such as a one-hot row.

    Raises
    ------
    ArgumentError : no such class, or not one target for each class.

    >>> round(nllm_with_logits([Value(1000.0), Value(0.0)], 1).data, 4)
    1000.0
    """
    zs = as_row(logits)
    if _is_class(target):
        return logsumexp(zs) - zs[_class(target, zs)]
    ts = _targets(cast("Iterable[Number]", target), zs)
    # A class that is not the target has no part, not even with a logit of -inf, which masks it out.
    meant = [(t, z) for t, z in zip(ts, zs, strict=True) if not t.is_constant or t.data != 0.0]
    return sum(ts) * logsumexp(zs) - dot([t for t, _ in meant], [z for _, z in meant])


def zero_one(
    outputs: Outputs,
    target: float | SupportsIndex | Iterable[Number],
    *,
    threshold: float | None = None,
) -> float:
    """Return 0 for a right classification and 1 for a wrong one, as a plain number: for evaluation, not for training.

    One output decides between two labels: the upper one is for outputs above the threshold, and right at it the lower
    one is decided for. Of several outputs the largest decides, of equal ones the first. An output that is nan is wrong.

    Parameters
    ----------
    outputs : one number, also as a row of one, or one for each class: probabilities, logits or scores.
    target : of one output, 0 or 1, or -1 or 1; of several, the number of the class or its one-hot row.
    threshold : 0.5 unless given, which is for probabilities and the labels 0 and 1. Logits and scores need 0.0.

    Raises
    ------
    ArgumentError : no such label or class, or a label of -1 without a threshold.

    >>> zero_one(Value(0.7), 1), zero_one(Value(-0.2), 1, threshold=0.0), zero_one([0.1, 0.7, 0.2], 2)
    (0.0, 1.0, 1.0)
    """
    ys = _row(outputs)
    if len(ys) != 1:
        several = cast("SupportsIndex | Iterable[Number]", target)
        right = _class(several, ys) if _is_class(several) else _one_hot(cast("Iterable[Number]", several), ys)
    else:
        label = as_float(_label(cast("Label", target), (-1.0, 0.0, 1.0), "zero_one"))
        if label == -1.0 and threshold is None:
            raise ArgumentError(
                "zero_one compares with 0.5, which is for the labels 0 and 1: with -1 and 1 pass threshold=0.0"
            )
        right = int(label == 1.0)
    decided = decide([y.data for y in ys], 0.5 if threshold is None else threshold)
    return float(decided != right)


def _one_hot(target: Iterable[Number], outputs: Row) -> int:
    ts = [t.data for t in _targets(target, outputs)]
    if sorted(ts) != [0.0] * (len(ts) - 1) + [1.0]:
        raise ArgumentError(f"the target is {ts}: zero_one takes the number of a class, or a row of 0s with one 1")
    return ts.index(1.0)


def _pair(outputs: Outputs, targets: Outputs) -> tuple[Row, Row]:
    ys, ts = _row(outputs), _row(targets)
    if len(ys) != len(ts) or not ys:
        raise ArgumentError(f"there are {len(ys)} outputs and {len(ts)} targets: pass one target for each output")
    return ys, ts


def _is_row(x: object) -> TypeGuard[Iterable[Any]]:
    """Tell whether x is a row of numbers, not one; NumPy's arrays of no dimensions are iterable in name."""
    return isinstance(x, Iterable) and not isinstance(x, str) and getattr(cast("object", x), "shape", None) != ()


def _row(x: Outputs) -> Row:
    return as_row(x) if _is_row(x) else as_row([cast("Number", x)])


def _number(label: Label) -> Number:
    row = list(label) if _is_row(label) else [label]
    number = row[0] if len(row) == 1 else label
    return number if isinstance(number, Value) else as_float(number)


def _output(outputs: Outputs, loss: str) -> Value:
    row = _row(outputs)
    if len(row) != 1:
        raise ArgumentError(
            f"{loss} takes one output for each sample, and was given {len(row)}: for classes take nllm or nllm_with_logits"
        )
    return row[0]


def _targets(target: Iterable[Number], outputs: Row) -> Row:
    ts = as_row(target)
    if len(ts) != len(outputs):
        raise ArgumentError(f"there are {len(outputs)} classes and {len(ts)} targets: pass one target for each class")
    return ts


def _is_class(target: SupportsIndex | Iterable[Number]) -> TypeGuard[SupportsIndex]:
    return not _is_row(target)


def _class(target: SupportsIndex, outputs: Sequence[Value]) -> int:
    if isinstance(target, np.bool_):  # no index, as NumPy's whole numbers are
        target = bool(target)
    if not isinstance(target, SupportsIndex):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
        raise OperandTypeError(
            f"the target {target!r} of type {type(target).__name__} is neither the number of a class nor one number for "
            "each: pass a whole number or a list"
        )
    target = target.__index__()
    if not 0 <= target < len(outputs):
        raise ArgumentError(
            f"the target is class {target} of {len(outputs)}: count classes from 0 to {len(outputs) - 1}"
        )
    return target


def _label(label: Label, allowed: tuple[float, ...], loss: str) -> Number:
    number = _number(label)
    if not isinstance(number, Value) and number not in allowed:
        names = [f"{a:g}" for a in allowed]
        raise ArgumentError(f"{loss} takes a label of {', '.join(names[:-1])} or {names[-1]}, not {label!r}")
    return number


def _probability(label: Label, loss: str) -> Number:
    number = _number(label)
    if not isinstance(number, Value) and not 0.0 <= number <= 1.0:
        raise ArgumentError(f"{loss} takes a label of 0 or 1, or a probability in between, not {label!r}")
    return number
