"""Samples, and batches of them in an order that a seed decides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar, cast

import numpy as np

from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.op import as_float
from autograd_core.value import Number, Row, as_row
from nn.checks import whole_from_one

__all__ = ["Samples", "batches", "listed", "split"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Samples:
    """Inputs with their targets and weights, checked.

    Parameters
    ----------
    rows : the inputs of each sample.
    targets : one for each sample, as the loss takes them.
    weights : how much each sample counts; None where all count the same.
    """

    rows: list[Row]
    targets: Sequence[Any]
    weights: list[float] | None = None

    @classmethod
    def of(
        cls, inputs: Iterable[Iterable[Number]], targets: Iterable[Any], weights: Iterable[float] | None = None
    ) -> Samples:
        """Return the samples of a table of inputs.

        Raises
        ------
        ArgumentError : no samples, not one target and one weight for each, or weights that are negative, not finite,
            or all 0.
        OperandTypeError : inputs, targets or weights that are no list of such things.

        >>> len(Samples.of([[0.0, 1.0], [1.0, 0.0]], [0, 1]))
        2
        """
        rows = [as_row(row) for row in listed("inputs", inputs)]
        targets = listed("targets", targets)
        if not rows or len(rows) != len(targets):
            raise ArgumentError(
                f"there are {len(rows)} samples and {len(targets)} targets: pass one target for each sample"
            )
        return cls(rows, targets, None if weights is None else _weights(weights, len(rows)))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def weight(self) -> float:
        """The weights' sum: how many samples there are, if all count the same."""
        return self.weight_of(range(len(self)))

    def weight_of(self, chosen: Sequence[int]) -> float:
        """Return the sum of the weights of the samples of these numbers."""
        return float(len(chosen)) if self.weights is None else math.fsum([self.weights[i] for i in chosen])

    def pick(self, chosen: Iterable[int]) -> Samples:
        """Return the samples of these numbers, in this order."""
        chosen = list(chosen)
        weights = None if self.weights is None else [self.weights[i] for i in chosen]
        return Samples([self.rows[i] for i in chosen], [self.targets[i] for i in chosen], weights)


def listed(what: str, members: Iterable[_T]) -> list[_T]:
    """Return a list of what there is one of for each sample; of an array or a table of pandas the rows, by their places.

    >>> listed("targets", iter([1.0, 2.0]))
    [1.0, 2.0]
    """
    if hasattr(members, "__array__"):  # a pandas table would be gone through by its columns, and indexed by its labels
        members = cast("Iterable[_T]", np.asarray(members))
    if not isinstance(members, Iterable) or getattr(members, "shape", None) == ():  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
        raise OperandTypeError(f"{what} is {members!r}: pass a list or an array with one for each sample")
    return list(members)


def _weights(weights: Iterable[float], n: int) -> list[float]:
    found = [as_float(w) for w in listed("sample_weight", weights)]
    if len(found) != n:
        raise ArgumentError(f"there are {n} samples and {len(found)} weights: pass one weight for each sample")
    for i, w in enumerate(found):
        if not 0.0 <= w < math.inf:
            raise ArgumentError(f"the weight of sample {i} is {w!r}: pass finite numbers from 0 up")
    if not any(found):
        raise ArgumentError("every sample has the weight 0: let one count at least")
    return found


def batches(n: int, size: int, rng: Random | None) -> Iterator[list[int]]:
    """Yield the numbers 0 to n-1 in a random order, so many at a time; the last batch may be shorter.

    Parameters
    ----------
    n : how many samples there are.
    size : how many make a batch.
    rng : the generator that shuffles them; without one they keep their order.

    Source: mit.opt.minibatch.algo.

    Raises
    ------
    ArgumentError : a size below 1.

    >>> sorted(len(batch) for batch in batches(10, 4, Random(0)))
    [2, 4, 4]
    """
    size = whole_from_one("size", size)
    order = list(range(n))
    if rng is not None:
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
