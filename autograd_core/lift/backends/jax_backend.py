"""JAX: the source is traced and compiled once for each batch size, for the device that JAX takes by default."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from autograd_core.lift.backends import Compiled, Compiler
from autograd_core.lift.backends.vectors import Vectors
from autograd_core.lift.ir import Routine
from autograd_core.lift.source import written
from autograd_core.lift.spelling import JAX

__all__ = ["compiler"]


def compiler(dtype: str = "float64") -> Compiler:
    """Return the compiler of this backend.

    Parameters
    ----------
    dtype : of all numbers, "float64" or "float32".

    Raises
    ------
    ArgumentError : another dtype.
    MissingExtraError : JAX is not installed.
    """
    if dtype not in ("float64", "float32"):
        raise ArgumentError(f"dtype is {dtype!r}: choose 'float64' or 'float32'")
    load("jax", "jax", "the jax backend")
    return partial(compiled, dtype=dtype)


def compiled(routine: Routine, *, vector: bool = False, dtype: str = "float64") -> Compiled:
    """Return a routine as a function of NumPy arrays."""
    jax: Any = load("jax", "jax", "the jax backend")
    functions = import_module("autograd_core.lift.backends.jax_functions")
    source = written(routine, spelling=JAX)
    namespace: dict[str, Any] = {name: getattr(functions, name) for name in functions.__all__}
    namespace |= {"jnp": jax.numpy, **source.constants}
    exec(compile(source.text, "<lifted>", "exec"), namespace)  # noqa: S102 - our own printer wrote it, from ops and shapes
    run = namespace["f"]
    if vector:
        vectors, on_arrays = Vectors(routine), run

        def run(*arrays: Any) -> tuple[Any, ...]:
            others, gradients = vectors.parted(on_arrays(*arrays[:-1], *vectors.split(arrays[-1])))
            return *others, jax.numpy.concatenate([g.reshape(-1) for g in gradients])

    jitted = jax.jit(run)

    def on_numpy(*arrays: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        # For this call and in this thread alone: the caller's configuration stays as it is.
        with jax.enable_x64(dtype == "float64"):
            results = jitted(*[array.astype(dtype, copy=False) for array in arrays])
        return tuple([np.array(result, dtype) for result in results])

    return on_numpy
