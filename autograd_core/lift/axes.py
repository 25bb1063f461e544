"""Axes: the digits in which a row of places counts.

The members of a class stand in a row, and so do the places that each operand reads. If these places are affine in the
digits of a mixed-radix number - a base, plus so many steps for each digit - then the row is an array with one axis a
digit, and the operand is a view of another array: itself, a slice, a reshape, a transpose, a broadcast, or windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_core.lift.trace import Shape

__all__ = ["Affine", "Indices", "coordinates", "digits_of", "fit", "is_identity", "joint"]

Indices: TypeAlias = NDArray[np.int64]

MOST_DIGITS = 6


@dataclass(frozen=True)
class Affine:
    """Places that are affine in digits.

    Parameters
    ----------
    base : the coordinate along each axis of the array that is read, when all digits are 0.
    steps : for each axis of that array, by how much each digit moves it.
    """

    base: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]


def coordinates(places: Indices, shape: Shape) -> Indices:
    """Return places in an array as coordinates along its axes, one column an axis."""
    return np.stack(np.unravel_index(places, shape), axis=-1) if shape else np.zeros((*places.shape, 0), np.int64)


def digits_of(table: Indices) -> Shape | None:
    """Return the sizes of the digits, the slowest first, in which every column counts; None if there are none.

    The fastest digit runs for as long as every column goes on by the same step. The rest must repeat that run, and
    its heads are taken apart in the same way.

    Parameters
    ----------
    table : of shape (members, columns).

    >>> digits_of(np.array([[0], [1], [2], [10], [11], [12]]))
    (2, 3)
    """
    sizes: list[int] = []
    while len(table) > 1:
        run = _run(table)
        if run < 2 or len(sizes) == MOST_DIGITS:
            return None
        sizes.insert(0, run)
        table = table[::run]
    return tuple(sizes)


def _run(table: Indices) -> int:
    """Return how long the first run of equal steps is that all members repeat; 1 if there is none."""
    steps = np.diff(table, axis=0)
    broken = np.flatnonzero((steps != steps[0]).any(axis=1))
    longest = int(broken[0]) + 1 if len(broken) else len(table)
    for run in range(longest, 1, -1):
        if len(table) % run == 0:
            blocks = table.reshape(len(table) // run, run, -1)
            if (blocks - blocks[:, :1] == np.arange(run)[:, None] * steps[0]).all():
                return run
    return 1


def fit(table: Indices, sizes: Shape) -> Affine | None:
    """Return the base and the steps with which coordinates count in digits of these sizes; None if they do not.

    >>> fit(np.array([[0], [1], [2], [10], [11], [12]]), (2, 3))
    Affine(base=(0,), steps=((10, 1),))
    """
    blocks = table.reshape(*sizes, table.shape[-1])
    base = blocks[(0,) * len(sizes)]
    steps = [
        blocks[tuple([int(i == digit) for i in range(len(sizes))])] - base if size > 1 else np.zeros_like(base)
        for digit, size in enumerate(sizes)
    ]
    expected = base
    for digit, (size, step) in enumerate(zip(sizes, steps, strict=True)):
        counting = np.arange(size).reshape([-1 if i == digit else 1 for i in range(len(sizes))])
        expected = expected + counting[..., None] * step
    if not (blocks == expected).all():
        return None
    return Affine(tuple(base.tolist()), tuple([tuple([int(s[axis]) for s in steps]) for axis in range(len(base))]))


def is_identity(places: Indices, size: int) -> bool:
    """Tell whether places are those of a whole array, in order."""
    return len(places) == size and bool((places == np.arange(size)).all())


def joint(tables: Sequence[Indices]) -> tuple[Shape, list[int]]:
    """Return the digits in which as many tables as possible count together, and which ones do not.

    Those that count in no digits are left out first; then the last ones, until the rest agree.
    """
    size = len(tables[0]) if tables else 1
    kept = [i for i, table in enumerate(tables) if digits_of(table) is not None]
    while kept:
        sizes = digits_of(np.concatenate([tables[i] for i in kept], axis=1))
        if sizes is not None:
            return sizes, [i for i in range(len(tables)) if i not in kept]
        kept.pop()
    return ((size,) if size > 1 else ()), list(range(len(tables)))
