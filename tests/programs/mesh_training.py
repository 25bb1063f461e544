"""Train on a mesh of all devices there are, as one of several processes, and print what came of it as JSON.

Usage: mesh_training.py FOLDER HOST:PORT PROCESSES PROCESS_ID
"""

import json
import sys
from pathlib import Path

import numpy as np

from autograd_core.errors import AutogradError
from nn import MLP, BatchNorm, Dropout, EarlyStopping, Layer, Sequential, fit, losses, metrics, optim, regularise
from nn.processes import join, leave
from nn.rendezvous import Meeting

X = np.random.default_rng(0).normal(size=(23, 3))
T = np.sin(X[:, 0]) - 0.5 * X[:, 1]


def line(rng=0):
    return MLP(3, [8, 1], activation="tanh", rng=rng)


def noisy():
    """Return a network whose samples depend on each other, and that draws numbers: whole mini-batches are recorded.

    The first layer has no bias, for batch normalisation takes it away again: its gradient would be rounding and nothing
    else, which Adam makes as large as any other.
    """
    hidden = Layer(3, 4, activation="identity", bias=False, rng=0)
    return Sequential(hidden, BatchNorm(4), Dropout(drop=0.25, rng=1), Layer(4, 1, rng=2), lambda row: row[0])


def l2(strength):
    return lambda model: regularise.l2(model, strength)


RUNS = {
    "plain": (line, {}),
    "stopped early": (
        line,
        {"epochs": 40, "validation": 0.2, "early_stopping": EarlyStopping(2), "metrics": {"r2": metrics.r2}},
    ),
    "weighted": (line, {"sample_weight": np.arange(23.0), "reduction": "sum", "penalty": l2(0.01)}),
    "whole batches": (noisy, {"epochs": 3}),
}


def outcome(make, **options):
    """Return the weights, the losses, and why the run ended, or its error; batches of 5, the last one of 3."""
    model = make()
    adam = optim.Adam(model.parameters(), lr=0.03)
    options = {"epochs": 6, "batch_size": 5, "rng": 3, "progress": False} | options
    try:
        history = fit(model, X, T, loss=losses.squared_error, optimiser=adam, **options)
    except (AutogradError, OSError) as fault:
        return [type(fault).__name__, str(fault)]
    weights = np.concatenate([array.ravel() for array in model.state_dict().values()])
    return {
        "weights": weights.tolist(),
        "losses": history.step_loss + history.validation_loss,
        "metrics": history.metrics,
        "stopped": history.stopped,
    }


def rule(asked):
    """Return a rule that shares out, by hidden neurons, the parameters with a row for each; it notes what it is asked."""
    from jax.sharding import PartitionSpec

    def of(name, shape):
        asked[name] = shape
        return PartitionSpec("batch") if shape[0] == 8 else None

    return of


def of_several(folder, mesh, me, everybody):
    """Return what is for several processes alone: checkpoints, and what one process does otherwise than the others."""
    import jax

    def only_in_process_1(epoch):
        if me == 1 and epoch.number == 2:
            raise OSError("the disk of process 1 is full")

    def remove(epoch):
        if me == 0 and epoch.number == 2:
            (folder / "gone" / "run").unlink()
            (folder / "gone").rmdir()

    if me == 0:
        (folder / "gone").mkdir()
    with everybody.together():  # the folder is there
        pass
    own = {"backend": "jax", "mesh": jax.sharding.Mesh(np.array(jax.local_devices()), ("batch",))}
    return {
        "written": outcome(line, **mesh, epochs=3, checkpoint=folder / "by several"),
        "resumed": outcome(line, **mesh, resume=folder / "by one"),
        "no rng": outcome(line, **mesh, rng=None),
        "another seed": outcome(line, **mesh, rng=me),
        "other weights": outcome(lambda: line(me), **mesh),
        "another penalty": outcome(line, **mesh, penalty=l2(0.1 + me)),
        "other epochs": outcome(line, **mesh, epochs=2 + me),
        "stopped by one": outcome(line, **mesh, callbacks=[lambda epoch: me == 1 and epoch.number == 2]),
        "failed in one": outcome(line, **mesh, callbacks=[only_in_process_1]),
        "not found by one": outcome(line, **mesh, resume=folder / ("by one" if me == 0 else "nowhere")),
        "not written": outcome(line, **mesh, callbacks=[remove], checkpoint=folder / "gone" / "run"),
        "own devices": outcome(line, **own, epochs=2 + me),
    }


def main(folder, coordinator, count, index):
    everybody = join(Meeting(coordinator, count, index), {})
    import jax

    mesh = {"backend": "jax", "mesh": jax.make_mesh((jax.device_count(),), ("batch",))}
    found = {name: outcome(make, **options, **mesh) for name, (make, options) in RUNS.items()}
    found["asked"] = {}
    found["sharded"] = outcome(line, **mesh, shard=rule(found["asked"]))
    if count > 1:
        found |= of_several(folder, mesh, index, everybody)
    print(json.dumps(found | {"devices": jax.device_count()}))
    leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
