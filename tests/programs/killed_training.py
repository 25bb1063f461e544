"""Train in a child process, kill it with SIGKILL again and again, resume, and print what came of it as JSON.

Usage: killed_training.py FOLDER KILLS SEED
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

from nn import BatchNorm, Dropout, EarlyStopping, Layer, Sequential, fit, io, losses, optim, schedules

EPOCHS = 300
X = np.random.default_rng(0).normal(size=(12, 2))
T = np.sin(X[:, 0]) - 0.5 * X[:, 1]


def train(checkpoint, resume):
    """Train with everything that has a state: moments, a schedule, masks, running statistics, early stopping."""
    model = Sequential(
        Layer(2, 3, activation="identity", rng=0),
        BatchNorm(3),
        Dropout(drop=0.25, rng=1),
        Layer(3, 1, activation="identity", rng=2),
        lambda row: row[0],
    )
    fit(
        model,
        X,
        T,
        loss=losses.squared_error,
        optimiser=optim.Adam(model.parameters(), lr=schedules.cosine(0.02, 3 * EPOCHS)),
        epochs=EPOCHS,
        batch_size=3,
        validation=0.25,
        early_stopping=EarlyStopping(patience=EPOCHS),
        checkpoint=checkpoint,
        resume=checkpoint if resume else None,
        rng=3,
        progress=False,
    )
    io.save(model, checkpoint.with_suffix(".weights"))


def child(checkpoint):
    """Return the process id of a child that trains, going on from the checkpoint if there is one."""
    pid = os.fork()
    if pid == 0:
        try:
            train(checkpoint, resume=checkpoint.exists())
        except BaseException as fault:  # noqa: BLE001 - whatever it is, the parent has to see it
            print(repr(fault), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return pid


def main(folder, kills, seed):
    rng = random.Random(seed)
    started = time.perf_counter()
    _, status = os.waitpid(child(folder / "undisturbed"), 0)
    duration = time.perf_counter() - started
    killed, epochs = 0, []
    while killed < kills:
        pid = child(folder / "killed")
        time.sleep(rng.uniform(0.0, 2.0 * duration / kills))
        os.kill(pid, signal.SIGKILL)
        _, ended = os.waitpid(pid, 0)
        killed += os.WIFSIGNALED(ended)
        if (folder / "killed").exists():
            arrays, _ = io.read(folder / "killed", kind="checkpoint")  # raises if it is not whole
            epochs.append(len(arrays["history/loss"]))
        if not os.WIFSIGNALED(ended):  # the run had come to its end: start another one
            (folder / "killed").unlink()
    _, last = os.waitpid(child(folder / "killed"), 0)
    same = (folder / "killed.weights").read_bytes() == (folder / "undisturbed.weights").read_bytes()
    whole = (folder / "killed").read_bytes() == (folder / "undisturbed").read_bytes()
    left = sorted(path.name for path in folder.iterdir())
    print(json.dumps({"ends": [status, last], "same": same, "whole": whole, "epochs": epochs, "left": left}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
