"""Samples for a program over arrays: what a recorded loss is given in the place of each target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np

from autograd_core.errors import ArgumentError
from autograd_core.op import as_float
from autograd_core.value import Value
from nn.losses import Loss
from nn.module import Array
from nn.plan import numbers_of
from nn.steps import no_value

__all__ = ["as_array", "encoded", "members"]


def as_array(what: str, rows: Sequence[Any]) -> Array:
    """Return what there is for each sample as one array.

    Raises
    ------
    ArgumentError : there are no numbers for each, or not equally many.

    >>> as_array("targets", [True, Value(2.0)]).tolist()
    [1.0, 2.0]
    """
    try:
        array = np.array(numbers_of(list(rows)))
    except ValueError:  # a ragged list
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise ArgumentError(
            f"the {what} make no array of numbers: pass a number, or equally many, for each sample, or leave backend out"
        )
    return array.astype(np.float64)


def members(output: Any) -> list[Any]:
    """Return the numbers that make up an output, one after the other.

    >>> members([1.0, [2.0, 3.0]])
    [1.0, 2.0, 3.0]
    """
    if not isinstance(output, Iterable):
        return [output]
    return [member for part in cast("Iterable[Any]", output) for member in members(part)]


def encoded(loss: Loss, output: Any, targets: Sequence[Any]) -> Array:
    """Return targets as a recorded loss can have them: as numbers, or rows of them; the numbers of classes, if need be, one-hot.

    The loss is called with every different target, as it is and as Values, and has to give the same.

    Parameters
    ----------
    loss : called with an output and a target.
    output : of the model, for one sample.
    targets : one for each sample.

    Raises
    ------
    ArgumentError : targets that are no numbers, or a loss that needs more of them than ops.

    >>> from nn.losses import nllm
    >>> encoded(nllm, (Value(0.0), Value(0.0)), [1, 0]).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    numbers = as_array("targets", targets)
    different: list[int] = np.unique(numbers.reshape(len(numbers), -1), axis=0, return_index=True)[1].tolist()
    probe = _probe(output)
    expected = [_number(loss(probe, targets[i])) for i in different]
    why = ""
    for coding in (numbers, _one_hot(numbers, len(members(output)))):
        try:
            costs = [loss(probe, _values(coding[i])) for i in different]
        except Exception as fault:  # noqa: BLE001 - whatever a user's loss raises for a Value where it knows numbers
            why = why or str(fault)
            continue
        for cost in costs:
            if not isinstance(cost, Value):  # pyright: ignore[reportUnnecessaryIsInstance] - a user's own loss
                raise ArgumentError(no_value(cost))
        if np.allclose([cost.data for cost in costs], expected, rtol=1e-9, atol=1e-12, equal_nan=True):
            return coding
        why = why or "it gives another number for a target that is a Value, as happens with =="
    raise ArgumentError(
        f"the loss cannot be recorded ({why}): compute it from outputs and targets with ops, and choose with "
        "autograd_core.where in place of if; or leave backend out"
    )


def _probe(output: Any) -> Any:
    """Return an output of the same make whose numbers all differ and lie in (0, 1), where probabilities do."""
    count = len(members(output)) + 1
    numbers = iter([Value((i + 1) / (count + 0.5)) for i in range(count)])

    def made(part: Any) -> Any:
        return tuple(map(made, cast("Iterable[Any]", part))) if isinstance(part, Iterable) else next(numbers)

    return made(output)


def _values(numbers: Array) -> Any:
    return Value(float(numbers)) if not numbers.shape else tuple(map(_values, numbers))


def _one_hot(numbers: Array, classes: int) -> Array:
    """Return the numbers of classes as one-hot rows; what is none as it is."""
    whole = numbers.ndim == 1 and np.isin(numbers, np.arange(classes)).all()
    return np.eye(classes)[numbers.astype(np.int64)] if whole and classes > 1 else numbers


def _number(cost: object) -> float:
    return cost.data if isinstance(cost, Value) else as_float(cost)
