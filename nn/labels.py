"""Labels in their four codings: classes counted from 0, one-hot rows, 0 and 1, and -1 and 1.

`nll` takes 0 and 1, `hinge` takes -1 and 1, `nllm` takes classes or one-hot rows. Each conversion checks what it is given
and returns a new NumPy array of all samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_core.errors import ArgumentError, OperandTypeError
from nn.checks import whole_from_one
from nn.module import Array

__all__ = ["bits", "classes", "decide", "one_hot", "signs"]


def one_hot(labels: ArrayLike, count: int | None = None) -> Array:
    """Return a row for each label: 1 at the place of its class, and 0 elsewhere.

    Parameters
    ----------
    labels : the class of each sample, counted from 0.
    count : how many classes there are; without it, as many as the largest label asks for.

    Raises
    ------
    ArgumentError : a label that is no such class, or not one label for each sample.

    >>> one_hot([0, 2, 1], 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    array = _numbers(labels)
    if array.ndim != 1:
        raise ArgumentError(f"labels has the shape {array.shape}: pass one class for each sample")
    if count is None:
        count = int(np.max(array, initial=0.0)) + 1 if np.isfinite(array).all() else 1
    count = whole_from_one("count", count)
    _check(array, np.isin(array, np.arange(count)), f"number the classes from 0 to {count - 1}")
    return np.eye(count)[array.astype(np.int64)]


def classes(rows: ArrayLike) -> NDArray[np.int64]:
    """Return the class of each one-hot row, counted from 0.

    Parameters
    ----------
    rows : one row for each sample, of 0s with one 1; or of -1s with one 1.

    Raises
    ------
    ArgumentError : a row that is neither.

    >>> classes([[1, 0, 0], [0, 0, 1]]).tolist()
    [0, 2]
    """
    array = _numbers(rows)
    if array.ndim != 2:
        raise ArgumentError(f"labels has the shape {array.shape}: pass a row for each sample, with one number a class")
    low = -1.0 if -1.0 in array else 0.0
    good = ((array == low) | (array == 1.0)).all(axis=1) & ((array == 1.0).sum(axis=1) == 1)
    if not good.all():
        i = int(np.argmin(good))
        raise ArgumentError(
            f"labels[{i}] is {array[i].tolist()}: a row needs one 1, and {low:g} everywhere else; for probabilities "
            "take the largest, as in np.argmax(rows, axis=1)"
        )
    return np.argmax(array, axis=1)


def signs(labels: ArrayLike) -> Array:
    """Return labels 0 and 1 as -1 and 1; one-hot rows too.

    Raises
    ------
    ArgumentError : another label.

    >>> signs([0, 1, 1]).tolist()
    [-1.0, 1.0, 1.0]
    """
    array = _numbers(labels)
    _check(array, (array == 0.0) | (array == 1.0), "pass labels of 0 and 1")
    return np.where(array == 0.0, -1.0, 1.0)


def bits(labels: ArrayLike) -> Array:
    """Return labels -1 and 1 as 0 and 1; rows of them too.

    Raises
    ------
    ArgumentError : another label.

    >>> bits([-1, 1, 1]).tolist()
    [0.0, 1.0, 1.0]
    """
    array = _numbers(labels)
    _check(array, (array == -1.0) | (array == 1.0), "pass labels of -1 and 1")
    return np.where(array == -1.0, 0.0, 1.0)


def decide(outputs: Sequence[float], threshold: float = 0.5) -> int:
    """Return the class that one sample's outputs decide for.

    Parameters
    ----------
    outputs : one number, or one for each class.
    threshold : one number decides for class 1 if it is above this, and else for 0. Of several the largest decides, and
        of equal ones the first. If any is nan nothing is decided, which is called class -1.

    >>> decide([0.5]), decide([0.51]), decide([0.2, 0.4, 0.4])
    (0, 1, 1)
    """
    if any([y != y for y in outputs]):  # noqa: PLR0124 - nan alone differs from itself
        return -1
    if len(outputs) == 1:
        return int(outputs[0] > threshold)
    return list(outputs).index(max(outputs))


def _numbers(labels: ArrayLike) -> Array:
    try:
        array = np.asarray(labels)
    except ValueError:  # a ragged list
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise OperandTypeError(
            f"labels are {labels!r:.60}, no array of numbers: number the classes first, as in "
            "names, labels = np.unique(labels, return_inverse=True)"
        )
    return array.astype(np.float64)


def _check(array: Array, good: NDArray[np.bool_], mend: str) -> None:
    """Name the first label that is not good."""
    if not good.all():
        index = tuple(map(int, np.unravel_index(int(np.argmin(good)), good.shape)))
        where = f"labels[{', '.join(map(str, index))}]" if index else "the label"
        raise ArgumentError(f"{where} is {float(array[index]):g}: {mend}")
