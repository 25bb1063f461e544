"""One training program on a mesh of devices: how long a step takes, and how many bytes the devices exchange for it.

Run as a program, with the number of virtual devices in the environment, and for several processes with
``HOST:PORT COUNT ID``; process 0 prints what was measured as JSON.
"""

import json
import re
import sys
from math import prod
from statistics import median
from time import perf_counter

import jax
import numpy as np

import nn
from autograd_core import lift
from autograd_core.lift.backends.jax_backend import _of_vector, _traceable
from autograd_core.lift.backends.meshes import OnMesh

NETS = {"64-128-64-10": (64, 128, 64, 10), "784-512-256-10": (784, 512, 256, 10)}
BATCH = 512
BYTES = {"f64": 8, "f32": 4, "bf16": 2, "s32": 4, "u32": 4, "pred": 1}


def exchanged(hlo: str) -> dict[str, int]:
    """Return how many bytes each kind of collective has for a result, over all of a compiled program."""
    found: dict[str, int] = {}
    for line in hlo.splitlines():
        match = re.search(
            r"= (.*?) (all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)(?:-start)?\(", line
        )
        if match:
            shapes = re.findall(r"(\w+)\[([\d,]*)\]", match[1])
            sizes = [BYTES[kind] * prod([int(n) for n in shape.split(",") if n]) for kind, shape in shapes]
            found[match[2]] = found.get(match[2], 0) + sum(sizes)
    return found


def measured(sizes: tuple[int, ...]) -> dict[str, object]:
    """Return figures of a step with the whole mesh: the median of its times, its collectives, and its gradient's bytes."""
    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("batch",))
    model = nn.MLP(sizes[0], list(sizes[1:]), rng=0)

    def loss(x, y):
        return nn.losses.nllm_with_logits(model(x), y)

    program = lift(loss, inputs={"x": sizes[0], "y": sizes[-1]}, params=model).to("jax", mesh=mesh)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(BATCH, sizes[0])), np.eye(sizes[-1])[rng.integers(sizes[-1], size=BATCH)]
    theta = np.concatenate([array.ravel() for array in program.arrays().values()])
    weights = np.full(BATCH, 1.0 / BATCH)
    routine = program._routine(("gradient", "weights"))
    place = OnMesh(routine, mesh, None)
    with jax.enable_x64(new_val=True):
        jitted = place.jitted(_of_vector(routine, _traceable(routine)))
        given = place.placed([x, y, weights, theta])
        compiled = jitted.lower(*given).compile()
        times = []
        for _ in range(15):
            start = perf_counter()
            jax.block_until_ready(compiled(*given))
            times.append(perf_counter() - start)
    return {"seconds": median(times), "exchanged": exchanged(compiled.as_text()), "gradient": theta.nbytes}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        jax.distributed.initialize(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    figures = {net: measured(sizes) for net, sizes in NETS.items()}
    if jax.process_index() == 0:
        print(json.dumps({"devices": len(jax.devices()), "processes": jax.process_count(), "nets": figures}))
