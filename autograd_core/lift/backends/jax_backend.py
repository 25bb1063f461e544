"""JAX: the source is traced and compiled once for each batch size, for the device that JAX takes by default, or for a mesh."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from autograd_core.lift.backends import Compiled, Compiler
from autograd_core.lift.backends.meshes import OnMesh
from autograd_core.lift.backends.vectors import Vectors
from autograd_core.lift.ir import Routine
from autograd_core.lift.source import written
from autograd_core.lift.spelling import JAX

__all__ = ["DTYPES", "Rule", "compiler"]

DTYPES = ("float64", "float32", "bfloat16")

Rule: TypeAlias = Callable[[str, tuple[int, ...]], Any]
"""Returns, for a parameter's name and shape, the PartitionSpec that it is sharded by; None to replicate it."""


def compiler(dtype: str = "float64", mesh: Any = None, shard: Rule | None = None) -> Compiler:
    """Return the compiler of this backend.

    Parameters
    ----------
    dtype : of all numbers: "float64", "float32" or "bfloat16", which has the range of a float32, so that losses need no
        scaling; results come as float32 then.
    mesh : a jax.sharding.Mesh. The batch is shared out along its first axis, and sums over it are XLA's. The processes of
        a run that has several are all given the same arrays, and each one feeds its own devices from them.
    shard : how parameters are shared out; without it, each device has them all.

    Raises
    ------
    ArgumentError : another dtype, something that is no mesh, or a rule without one.
    MissingExtraError : JAX is not installed.
    """
    if dtype not in DTYPES:
        raise ArgumentError(f"dtype is {dtype!r}: choose one of {', '.join(map(repr, DTYPES))}")
    jax: Any = load("jax", "jax", "the jax backend")
    if mesh is not None and not isinstance(mesh, jax.sharding.Mesh):
        raise ArgumentError(f"mesh is {mesh!r:.60}: pass a jax.sharding.Mesh, such as jax.make_mesh((8,), ('batch',))")
    if mesh is None and shard is not None:
        raise ArgumentError("shard says how parameters lie on a mesh, and there is none: pass mesh too")
    return partial(compiled, dtype=dtype, mesh=mesh, shard=shard)


def compiled(
    routine: Routine, *, vector: bool = False, dtype: str = "float64", mesh: Any = None, shard: Rule | None = None
) -> Compiled:
    """Return a routine as a function of NumPy arrays."""
    jax: Any = load("jax", "jax", "the jax backend")
    run = _traceable(routine)
    place = OnMesh(routine, mesh, shard) if mesh is not None else None
    if place:
        run = place.with_sharded_parameters(run)
    if vector:
        run = _of_vector(routine, run)
    jitted = place.jitted(run) if place else jax.jit(run)
    kind = jax.numpy.dtype(dtype)
    shown: Any = np.float64 if dtype == "float64" else np.float32

    def on_numpy(*arrays: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        # For this call and in this thread alone: the caller's configuration stays as it is.
        with jax.enable_x64(dtype == "float64"):
            given = [array.astype(kind, copy=False) for array in arrays]
            results: Any = place.call(jitted, given) if place else jitted(*given)
            return tuple([np.array(result, shown) for result in results])

    return on_numpy


def _traceable(routine: Routine) -> Callable[..., Any]:
    """Return a routine as a function that JAX can trace."""
    jax: Any = load("jax", "jax", "the jax backend")
    functions = import_module("autograd_core.lift.backends.jax_functions")
    source = written(routine, spelling=JAX)
    namespace: dict[str, Any] = {name: getattr(functions, name) for name in functions.__all__}
    namespace |= {"jnp": jax.numpy, **source.constants}
    exec(compile(source.text, "<lifted>", "exec"), namespace)  # noqa: S102 - our own printer wrote it, from ops and shapes
    return namespace["f"]


def _of_vector(routine: Routine, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same function of one vector of all parameters, and with one of all gradients."""
    jax: Any = load("jax", "jax", "the jax backend")
    vectors = Vectors(routine)

    def on_vector(*arrays: Any) -> tuple[Any, ...]:
        others, gradients = vectors.parted(run(*arrays[:-1], *vectors.split(arrays[-1])))
        return *others, jax.numpy.concatenate([g.reshape(-1) for g in gradients])

    return on_vector
