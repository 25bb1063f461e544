"""Run lifted programs on a mesh of all devices there are, and print as JSON how far they are from NumPy's at most."""

import json
import math

import jax
import numpy as np
from jax.sharding import PartitionSpec

from autograd_core import Value, lift, ops
from nn import MLP, losses

SIZES = (1, 3, 8, 13, 16)
KINDS = {
    "replicated": {},
    "sharded": {"shard": lambda name, shape: PartitionSpec("batch") if shape and shape[0] % 8 == 0 else None},
}


def distance(found, expected):
    """Return the largest difference of nested results, infinite if they are not of one shape."""
    if isinstance(expected, dict):
        return max([distance(found[name], array) for name, array in expected.items()])
    if isinstance(expected, tuple):
        return max([distance(f, e) for f, e in zip(found, expected, strict=True)])
    found, expected = np.asarray(found), np.asarray(expected)
    return float(np.abs(found - expected).max()) if found.shape == expected.shape else math.inf


def network():
    model = MLP(3, [8, 2], activation="tanh", rng=0)

    def loss(x, y):
        scores = model(x)
        return losses.nllm_with_logits(scores, y), scores

    return lift(loss, inputs={"x": 3, "y": 2}, params=model, has_aux=True)


def asked(program, size):
    """Return all that can be asked of a program, for a batch of this size."""
    rng = np.random.default_rng(size)
    given = {"x": rng.normal(size=(size, 3)), "y": np.eye(2)[rng.integers(0, 2, size)]}
    vectors = {name: rng.normal(size=shape) for name, shape in program.params.items()}
    theta = np.concatenate([array.ravel() for array in program.arrays().values()])
    weights = rng.uniform(0.0, 2.0, size)
    return {
        "call": program(**given),
        "mean": program.value_and_grad(**given),
        "sum": program.value_and_grad(reduce="sum", **given),
        "weighted": program.value_and_grad(weights=weights, **given),
        "per sample": program.per_sample_grad(**given),
        "jvp": program.jvp(vectors, **given),
        "hvp": program.hvp(vectors, **given),
        "on vectors": tuple(program.on_vectors()(*given.values(), theta)),
        "on vectors, weighted": tuple(program.on_vectors(weighted=True)(*given.values(), weights, theta)),
    }


def blown_up(mesh):
    """Return the gradient of a loss that is not finite at 0, which a batch must not be filled up with."""
    w = Value(2.0)
    program = lift(lambda x: ops.log(x[0]) * w, inputs={"x": 1}, params={"w": w}).to("jax", mesh=mesh)
    return program.value_and_grad(x=[[1.0], [math.e], [1.0]], reduce="sum")[1]["w"].item()


def whole_batch(mesh):
    """Return how far a program that sees a whole batch itself is from NumPy's."""
    w = [Value(0.5), Value(-1.0)]
    program = lift(
        lambda x: ops.logsumexp([ops.dot(w, row) for row in x]), inputs={"x": (8, 2)}, params={"w": w}, batch=False
    )
    x = np.random.default_rng(0).normal(size=(8, 2))
    return distance(program.to("jax", mesh=mesh).value_and_grad(x=x), program.value_and_grad(x=x))


def main():
    mesh, program = jax.make_mesh((jax.device_count(),), ("batch",)), network()
    found = {"devices": jax.device_count(), "blown up": blown_up(mesh), "whole batch": whole_batch(mesh)}
    for kind, options in KINDS.items():
        on_mesh = program.to("jax", mesh=mesh, **options)
        found[kind] = {}
        for size in SIZES:
            expected = asked(program, size)
            for what, result in asked(on_mesh, size).items():
                found[kind][f"{what} {size}"] = distance(result, expected[what])
    grid = jax.sharding.Mesh(mesh.devices.reshape(-1, 2), ("batch", "neurons"))
    rule = {"shard": lambda name, shape: PartitionSpec("neurons") if shape[0] == 8 else None}
    found["grid"] = distance(asked(program.to("jax", mesh=grid, **rule), 13)["mean"], asked(program, 13)["mean"])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
