"""Batches of samples, in an order that a seed decides."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from autograd_core.errors import ArgumentError
from nn.checks import whole_from_one

__all__ = ["batches", "split"]


def batches(n: int, size: int, rng: Random) -> Iterator[list[int]]:
    """Yield the numbers 0 to n-1 in a random order, so many at a time; the last batch may be shorter.

    Parameters
    ----------
    n : how many samples there are.
    size : how many make a batch.
    rng : the generator that shuffles them.

    Raises
    ------
    ArgumentError : a size below 1.

    >>> sorted(len(batch) for batch in batches(10, 4, Random(0)))
    [2, 4, 4]
    """
    size = whole_from_one("size", size)
    order = list(range(n))
    rng.shuffle(order)
    for start in range(0, n, size):
        yield order[start : start + size]


def split(n: int, held_out: float, rng: Random) -> tuple[list[int], list[int]]:
    """Split the numbers 0 to n-1 at random into those to train on and those held out, both in ascending order.

    Parameters
    ----------
    n : how many samples there are.
    held_out : which part of them is held out, in (0, 1); rounded to whole samples.
    rng : the generator that chooses them.

    Raises
    ------
    ArgumentError : one of the two parts would be empty.

    >>> train, test = split(10, 0.2, Random(0))
    >>> len(train), len(test)
    (8, 2)
    """
    count = round(n * held_out) if 0.0 < held_out < 1.0 else 0
    if not 0 < count < n:
        raise ArgumentError(f"holding out {held_out!r} of {n} samples leaves one part empty: choose another part")
    chosen = set(rng.sample(range(n), count))
    return [i for i in range(n) if i not in chosen], sorted(chosen)
