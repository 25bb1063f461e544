"""Meshes: a routine on several devices, which may be those of several processes; sharing out and adding up is XLA's.

The batch is made as long as a multiple of the devices by samples that weigh nothing: the weights of samples, which every
sum over the batch has as a factor here, are 0 for them. What they are is the first sample again, so that nothing blows up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_core.errors import PeerError
from autograd_core.extras import load
from autograd_core.lift.ir import Routine
from autograd_core.lift.lower import SEED

__all__ = ["OnMesh", "lost"]

Array = NDArray[np.generic]


class OnMesh:
    """A routine whose batch lies along the first axis of a mesh.

    Parameters
    ----------
    routine : whose sums over the batch are all weighted.
    mesh : a jax.sharding.Mesh.
    shard : returns the PartitionSpec of a parameter, or None.
    """

    def __init__(self, routine: Routine, mesh: Any, shard: Callable[[str, tuple[int, ...]], Any] | None) -> None:
        self._jax: Any = load("jax", "jax", "the jax backend")
        # With these axis types, which are the usual ones, it is XLA that decides how results are shared out.
        self._mesh = self._jax.sharding.Mesh(mesh.devices, mesh.axis_names)
        self._shard = shard
        self._given = [routine.arrays[i] for i in routine.given()]
        self._inputs = [array for array in self._given if array.kind == "input"]
        self._parameters = [array for array in self._given if array.kind == "parameter"]
        self._outputs = routine.outputs
        self._devices: int = mesh.devices.shape[0]
        self._spec = self._jax.sharding.PartitionSpec

    def _sharding(self, *axes: str) -> Any:
        return self._jax.sharding.NamedSharding(self._mesh, self._spec(*axes))

    def with_sharded_parameters(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that shares its parameters out by the rule."""
        if self._shard is None:
            return run
        specs = [self._shard(array.key, array.shape) for array in self._parameters]
        shardings = [None if s is None else self._jax.sharding.NamedSharding(self._mesh, s) for s in specs]

        def sharded(*arrays: Any) -> Any:
            first = len(self._inputs)
            parameters = [
                array if sharding is None else self._jax.lax.with_sharding_constraint(array, sharding)
                for array, sharding in zip(arrays[first:], shardings, strict=True)
            ]
            return run(*arrays[:first], *parameters)

        return sharded

    def jitted(self, run: Callable[..., Any]) -> Any:
        """Return a function compiled for the mesh; every device, and so every process, has its results in full."""
        return self._jax.jit(run, out_shardings=self._sharding())

    def placed(self, arrays: Sequence[Array]) -> list[Any]:
        """Return arrays on the devices: batches shared out, all else on each one."""
        size = next((len(array) for array, known in zip(arrays, self._inputs, strict=False) if known.batched), 0)
        more = -size % self._devices
        found: list[Any] = []
        for i, array in enumerate(arrays):
            known = self._inputs[i] if i < len(self._inputs) else None
            if known is not None and known.batched and more:
                filled = np.zeros((more, *array.shape[1:]), array.dtype) if known.key == SEED else array[[0] * more]
                array = np.concatenate([array, filled])  # noqa: PLW2901 - the same, made longer
            along = known is not None and array.ndim and len(array) % self._devices == 0
            sharding = self._sharding(self._mesh.axis_names[0]) if along else self._sharding()
            found.append(self._jax.make_array_from_callback(array.shape, sharding, array.__getitem__))
        return found

    def call(self, jitted: Any, arrays: Sequence[Array]) -> list[Array]:
        """Return the results of a call on arrays of the whole batch.

        Raises
        ------
        PeerError : another process of the run is gone.
        """
        size = next((len(array) for array, known in zip(arrays, self._inputs, strict=False) if known.batched), 0)
        placed = self.placed(arrays)
        try:
            results = [np.asarray(result.addressable_data(0)) for result in jitted(*placed)]
        except Exception as fault:
            if self._jax.process_count() == 1:
                raise
            jitted.eval_shape(*placed)  # raises again what is the fault of the program and of no other process
            raise lost(fault) from None
        batched = {k for k, output in enumerate(self._outputs) if output.batched}
        return [result[:size] if k in batched else result for k, result in enumerate(results)]


def lost(fault: Exception) -> PeerError:
    """Return what is raised when JAX fails in a run of several processes.

    >>> print(lost(ValueError("Connection closed by peer")))
    another process of the run has ended, or cannot be reached (Connection closed by peer): start them all again, from the last checkpoint if there is one
    """
    return PeerError(
        f"another process of the run has ended, or cannot be reached ({[*str(fault).splitlines(), ''][0]:.200}): start "
        "them all again, from the last checkpoint if there is one"
    )
