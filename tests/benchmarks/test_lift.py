"""One training step of three networks in float64, against C by hand and the peers: SGD's update included, on one core.

Each contestant has a process of its own, and all are pinned to one core, where no library finds use for a second
thread; XLA's own flags would not keep it to one. Before it is timed, each takes three steps that have to be those of
NumPy by hand. C is step.c as gcc makes it with -O3 -march=native -ffast-math, and CasADi's C is compiled likewise.
Needs gcc, `pip install -e ".[bench]"` and torch; ddx-ad alone compiles the digits for more than a minute.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import problems
from benchmarks.contestants import CONTESTANTS, GCC, numpy_by_hand
from benchmarks.timing import interleaved

# So many steps are a turn, long enough for caches to be warm again.
TURN = {"moons": 300, "digits": 50, "wide": 3}
ROUNDS = 21
PACKAGES = ["numpy", "jax", "torch", "casadi", "ddx-ad", "scikit-learn"]


def turn(problem_name: str, contestant: str) -> Callable[[], None]:
    """Return a function that takes a turn's steps, of a contestant that agrees with NumPy by hand."""
    problem = getattr(problems, problem_name)()
    step, weights = CONTESTANTS[problem_name][contestant](problem)
    expected_step, expected_weights = numpy_by_hand(problem)
    for _ in range(3):
        np.testing.assert_allclose(step(), expected_step(), rtol=1e-9, err_msg=contestant)
    np.testing.assert_allclose(flat(weights()), flat(expected_weights()), rtol=1e-9, atol=1e-12, err_msg=contestant)

    def run() -> None:
        for _ in range(TURN[problem_name]):
            step()

    return run


def flat(arrays: Iterable[Any]) -> problems.Array:
    return np.concatenate([np.ravel(array) for array in arrays])


@contextmanager
def one_core():
    """Pin this process, and those it starts meanwhile, to one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def seconds_a_step(problem: str) -> dict[str, float]:
    """Return each contestant's median over the rounds."""
    rivals: dict[str, Callable[[], Callable[[], object]]] = {
        name: partial(turn, problem, name) for name in CONTESTANTS[problem]
    }
    with one_core():
        return {name: spent / TURN[problem] for name, spent in interleaved(rivals, ROUNDS).items()}


@pytest.fixture(scope="module")
def medians() -> dict[str, dict[str, float]]:
    return {problem: seconds_a_step(problem) for problem in CONTESTANTS}


def table(medians: dict[str, dict[str, float]]) -> str:
    """Return the medians in Markdown, with how many times C's each is."""
    lines = [f"| one training step, float64, one core | {' | '.join(medians)} |", "|---" * (1 + len(medians)) + "|"]
    for name in dict.fromkeys([name for column in medians.values() for name in column]):
        cells = [cell(column[name], column["C by hand"]) if name in column else "" for column in medians.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(seconds: float, c: float) -> str:
    return f"{seconds * 1e6:,.1f} µs ({seconds / c:.1f}x)"


def machine() -> str:
    """Return what the table was measured on and with."""
    cpu = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    gcc = subprocess.run([*GCC[:1], "-dumpfullversion"], check=True, capture_output=True, text=True).stdout.strip()
    versions = ", ".join([f"{name} {version(name)}" for name in PACKAGES])
    cores = f"1 of {os.cpu_count()} cores of an {cpu.split(': ')[1]}"
    return f"{cores}; CPython {platform.python_version()}, {versions}; gcc {gcc} {' '.join(GCC[1:4])}"


def test_c_by_hand_is_a_yardstick_no_peer_passes_on_moons_and_digits(medians, capsys):
    with capsys.disabled():
        print(f"\n\n{table(medians)}\n\nMedians of {ROUNDS} interleaved rounds on {machine()}.\n")
    for problem in ("moons", "digits"):
        assert min(medians[problem], key=medians[problem].__getitem__) == "C by hand"
