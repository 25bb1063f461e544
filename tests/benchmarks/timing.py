"""Interleaved timing: rivals take turns in one run, so that a busy machine slows them all alike.

Each rival lives in a process of its own. In a shared one Python's garbage collector would charge a rival for the
cycles that another has left behind.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection


def _worker(make: Callable[[], Callable[[], object]], pipe: Connection) -> None:
    run = make()
    while pipe.recv() == "run":
        start = time.perf_counter()
        run()
        pipe.send(time.perf_counter() - start)


def interleaved(rivals: dict[str, Callable[[], Callable[[], object]]], rounds: int) -> dict[str, float]:
    """Return each rival's median seconds over rounds in which each runs once; a round before that is not counted.

    ``rivals`` holds for each name a function of a module that returns the function to time.
    """
    context = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    processes = []
    for name, make in rivals.items():
        pipes[name], theirs = context.Pipe()
        processes.append(context.Process(target=_worker, args=(make, theirs), daemon=True))
        processes[-1].start()
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for number in range(rounds + 1):
        for name, pipe in pipes.items():
            pipe.send("run")
            seconds = pipe.recv()
            if number:
                times[name].append(seconds)
    for pipe, process in zip(pipes.values(), processes, strict=True):
        pipe.send("stop")
        process.join()
    return {name: statistics.median(spent) for name, spent in times.items()}


def table(medians: dict[str, float], base: str) -> str:
    """Return the medians as a table, with how many times faster each is than the base."""
    lines = [f"{'':<44}{'median':>12}{'ratio':>9}"]
    for name, seconds in medians.items():
        lines.append(f"{name:<44}{seconds * 1e3:>9.1f} ms{medians[base] / seconds:>8.1f}x")
    return "\n".join(lines)
