"""What several rooms ask of their arguments."""

from __future__ import annotations

from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray

from autograd_core.errors import ArgumentError

__all__ = ["array_of", "whole_from_one"]


def whole_from_one(what: str, number: SupportsIndex) -> int:
    """Return a whole number from 1 up; ArgumentError for anything else.

    >>> whole_from_one("epochs", 3)
    3
    """
    if not isinstance(number, SupportsIndex) or number.__index__() < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(f"{what} is {number!r}: pass a whole number from 1 up")
    return number.__index__()


def array_of(name: str, numbers: object, shape: tuple[int, ...] | None, *, owner: str) -> NDArray[np.float64]:
    """Return finite numbers of one shape as an array; ArgumentError, with the name and whose shape it is, for others.

    >>> array_of("bias", [1, 2], (2,), owner="model")
    array([1., 2.])
    """
    try:
        array = np.asarray(numbers)
    except ValueError:  # a ragged list
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise ArgumentError(f"{name} is no array of real numbers: {numbers!r:.60}")
    if array.shape != shape:
        raise ArgumentError(f"{name} has the shape {array.shape}: the {owner}'s is {shape}")
    if not np.isfinite(array).all():
        raise ArgumentError(f"{name} holds numbers that are not finite: load those of a run that went well")
    return array.astype(np.float64)
