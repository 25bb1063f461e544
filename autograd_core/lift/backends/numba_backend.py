"""Numba: the routine as loops, compiled for this machine when it is first called."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from autograd_core.lift.backends import Compiled, Compiler
from autograd_core.lift.backends.numba_memory import LANES, gradients_in
from autograd_core.lift.backends.numba_source import looped
from autograd_core.lift.ir import Routine

__all__ = ["compiler"]

Vector = NDArray[np.float64]

MOST_STATEMENTS = 2000


def compiler() -> Compiler:
    """Return the compiler of this backend; it has no options.

    Raises
    ------
    MissingExtraError : Numba is not installed.
    """
    load("numba", "jit", "the numba backend")
    return compiled


def compiled(routine: Routine, *, vector: bool = False) -> Compiled:
    """Return a routine as a function of NumPy arrays.

    Raises
    ------
    ArgumentError : the routine has so many statements that compiling it would take minutes.
    """
    if len(routine.statements) > MOST_STATEMENTS:
        raise ArgumentError(
            f"the program has {len(routine.statements)} statements, and Numba takes minutes to compile more than "
            f"{MOST_STATEMENTS}: choose the numpy backend"
        )
    return _Function(routine, vector=vector)


@cache
def _dispatcher(text: str) -> Any:
    """Return the function of a source, which Numba compiles when it is called; the same one for the same source."""
    numba: Any = load("numba", "jit", "the numba backend")
    from autograd_core.lift.backends import numba_kernels  # noqa: PLC0415 - it needs Numba

    namespace: dict[str, Any] = {name: getattr(numba_kernels, name) for name in numba_kernels.__all__}
    known = set(namespace)
    exec(compile(text, "<lifted>", "exec"), namespace)  # noqa: S102 - our own printer wrote it, from ops and shapes
    for name in set(namespace) - known - {"f", "__builtins__"}:  # ops that are defined by their formulas
        namespace[name] = numba.njit(namespace[name], error_model="numpy")
    return numba.njit(namespace["f"], error_model="numpy", fastmath={"contract"}, nogil=True)


class _Function:
    """A compiled routine, and scratch memory that is kept from call to call: as much as there are calls at a time."""

    def __init__(self, routine: Routine, *, vector: bool) -> None:
        self._vector = vector
        self._loops = looped(routine)
        self._run = _dispatcher(self._loops.text)
        self._free: list[Vector] = []
        given = [routine.arrays[i] for i in routine.given()]
        self._inputs = sum([array.kind == "input" for array in given])
        self._batch = next((k for k, array in enumerate(given) if array.batched), None)
        starts = gradients_in(routine)
        shapes = [routine.outputs[k].shape for k in starts]
        ends = [*starts.values(), sum(map(prod, shapes))]
        self._gradients = [(slice(*ends), shape) for ends, shape in zip(pairwise(ends), shapes, strict=True)]
        self._count = ends[-1]
        which = [k for k in range(len(routine.outputs)) if k not in starts]
        self._others = [(o.batched, prod(o.shape), o.shape) for o in [routine.outputs[k] for k in which]]
        self._order: list[int] = np.argsort([*which, *starts]).tolist()

    def __call__(self, *arrays: Vector) -> tuple[Vector, ...]:
        inputs, parameters = arrays[: self._inputs], arrays[self._inputs :]
        n = 0 if self._batch is None else len(arrays[self._batch])
        theta = parameters[0] if self._vector else np.concatenate([np.zeros(0), *[p.reshape(-1) for p in parameters]])
        others = [np.empty((n, size) if batched else size) for batched, size, _ in self._others]
        gradient = np.empty(self._count)
        scratch = self._scratch(n)
        self._run(*inputs, theta, *self._loops.tables, scratch, *others, gradient)
        self._free.append(scratch)
        shaped = [
            array.reshape((n, *shape) if batched else shape)
            for array, (batched, _, shape) in zip(others, self._others, strict=True)
        ]
        if self._vector:
            return *shaped, gradient
        shaped += [gradient[part].reshape(shape) for part, shape in self._gradients]
        return tuple([shaped[k] for k in self._order])

    def _scratch(self, n: int) -> Vector:
        """Return scratch memory for a batch, which no other call has meanwhile."""
        size = self._loops.numbers + self._loops.rows * (n + -n % LANES)
        try:
            scratch = self._free.pop()
        except IndexError:
            return _aligned(size)
        return scratch if len(scratch) >= size else _aligned(size)


def _aligned(size: int) -> Vector:
    """Return zeros that start where a line of the caches does, so that no register's numbers lie in two."""
    zeros = np.zeros(size + 8)
    start = -zeros.ctypes.data // 8 % 8
    return zeros[start : start + size]
