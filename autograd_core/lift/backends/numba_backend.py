"""Numba: the routine as loops, compiled for this machine when it is first called."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from autograd_core.lift.backends import Compiled, Compiler
from autograd_core.lift.ir import Routine

__all__ = ["compiler"]

MOST_STATEMENTS = 2000


def compiler() -> Compiler:
    """Return the compiler of this backend; it has no options."""
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
            f"the program has {len(routine.statements)} statements, and Numba would take minutes to compile more than "
            f"{MOST_STATEMENTS}: choose the numpy backend"
        )
    return _Function(routine, vector=vector)


@cache
def _dispatcher(text: str) -> Any:
    """Return the function of a source, which Numba compiles when it is called; one for the same source."""
    numba: Any = load("numba", "jit", "the numba backend")
    kernels = import_module("autograd_core.lift.backends.numba_kernels")
    namespace = {name: getattr(kernels, name) for name in kernels.__all__}
    exec(compile(text, "<lifted>", "exec"), namespace)  # noqa: S102 - our own printer wrote it, from ops and shapes
    return numba.njit(namespace["f"], error_model="numpy", fastmath={"contract"}, nogil=True)


class _Function:
    """A compiled routine, and scratch memory that is kept from call to call, one for each thread that is in it."""

    def __init__(self, routine: Routine, *, vector: bool) -> None:
        source: Any = import_module("autograd_core.lift.backends.numba_source")
        self._loops = source.looped(routine)
        self._run = _dispatcher(self._loops.text)
        self._vector = vector
        self._free: list[NDArray[np.float64]] = []
        given = [routine.arrays[i] for i in routine.given()]
        self._inputs = sum([array.kind == "input" for array in given])
        self._batched = next((k for k, array in enumerate(given) if array.batched), None)
        starts = source.gradients_in(routine)
        ends = [*starts.values(), sum([prod(routine.outputs[k].shape) for k in starts])]
        self._outputs = routine.outputs
        self._gradients = dict(zip(starts, pairwise(ends), strict=True))
        self._count = ends[-1]

    def __call__(self, *arrays: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        inputs, parameters = arrays[: self._inputs], arrays[self._inputs :]
        n = 0 if self._batched is None else len(arrays[self._batched])
        theta = parameters[0] if self._vector else np.concatenate([np.zeros(0), *[p.reshape(-1) for p in parameters]])
        gradient = np.empty(self._count)
        others = {
            k: np.empty((n, prod(output.shape)) if output.batched else prod(output.shape))
            for k, output in enumerate(self._outputs)
            if k not in self._gradients
        }
        scratch = self._scratch(n)
        self._run(*inputs, theta, *self._loops.tables, scratch, *others.values(), gradient)
        self._free.append(scratch)
        shaped = {k: array.reshape((n, *o.shape) if o.batched else o.shape) for k, array in others.items() for o in [self._outputs[k]]}
        if self._vector:
            return *shaped.values(), gradient
        shaped |= {k: gradient[start:stop].reshape(self._outputs[k].shape) for k, (start, stop) in self._gradients.items()}
        return tuple([shaped[k] for k in range(len(self._outputs))])

    def _scratch(self, n: int) -> NDArray[np.float64]:
        """Return scratch memory for a batch that no other thread has."""
        size = self._loops.numbers + self._loops.rows * n
        try:
            scratch = self._free.pop()
        except IndexError:
            return np.empty(size)
        return scratch if len(scratch) >= size else np.empty(size)
