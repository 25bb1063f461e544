"""All parameters in one vector, as optimisers see them, and the same of all gradients."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import TypeVar

from autograd_core.lift.ir import Routine

__all__ = ["Vectors"]

A = TypeVar("A")


class Vectors:
    """How the parameters of a routine lie in one vector: one after the other, each row by row.

    Parameters
    ----------
    routine : whose outputs may bear the parameters' names.
    """

    def __init__(self, routine: Routine) -> None:
        arrays = [routine.arrays[i] for i in routine.given()]
        parameters = [array for array in arrays if array.kind == "parameter"]
        self.shapes = [array.shape for array in parameters]
        ends = [0]
        for shape in self.shapes:
            ends.append(ends[-1] + prod(shape))
        self.parts = [slice(start, stop) for start, stop in pairwise(ends)]
        names = [output.name for output in routine.outputs]
        self.gradients = [names.index(array.key) for array in parameters if array.key in names]
        self.others = [i for i in range(len(names)) if i not in self.gradients]

    def split(self, theta: A) -> list[A]:
        """Return the parameters' arrays that a vector holds."""
        return [theta[part].reshape(shape) for part, shape in zip(self.parts, self.shapes, strict=True)]  # type: ignore[index]

    def parted(self, results: Sequence[A]) -> tuple[list[A], list[A]]:
        """Return the other results, and the gradients in the order of the parameters."""
        return [results[i] for i in self.others], [results[i] for i in self.gradients]
