"""What a lifted program runs on: one module a backend, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_core.errors import ArgumentError
from autograd_core.lift.ir import Routine

__all__ = ["BACKENDS", "Compiled", "Compiler", "compiler"]

Compiled: TypeAlias = Callable[..., tuple[NDArray[np.float64], ...]]
"""A routine as a function: of its arrays in the order of ``given()``, or of its inputs and one vector of all parameters."""


class Compiler(Protocol):
    """What makes a function of a routine."""

    def __call__(self, routine: Routine, *, vector: bool = False) -> Compiled:
        """Return a routine as a function.

        Parameters
        ----------
        vector : whether it takes the parameters as one vector, in the place of their arrays, and returns what bears their
            names as one vector too, after all else.
        """
        ...


BACKENDS: Mapping[str, tuple[str, ...]] = {
    "numpy": (),
    "numba": (),
    "jax": ("dtype", "mesh", "shard"),
    "torch": ("device", "dtype"),
}
"""The backends, and the options that each one has."""


def compiler(backend: str, options: Mapping[str, Any]) -> Compiler:
    """Return the compiler of a backend.

    Raises
    ------
    ArgumentError : there is no such backend, or it has no such option.
    MissingExtraError : it is not installed.
    """
    if backend not in BACKENDS:
        raise ArgumentError(f"there is no backend {backend!r}: choose one of {', '.join(BACKENDS)}")
    unknown = sorted(set(options) - set(BACKENDS[backend]))
    if unknown:
        known = ", ".join(BACKENDS[backend]) or "none"
        raise ArgumentError(f"the {backend} backend has no option {unknown[0]!r}: its options are {known}")
    return import_module(f"autograd_core.lift.backends.{backend}_backend").compiler(**options)
