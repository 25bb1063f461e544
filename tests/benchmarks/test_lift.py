"""One training step of three networks in float64, against C by hand and the peers: SGD's update included, on one core.

Each contestant has a process of its own, and all are pinned to one core, where no library finds use for a second
thread; XLA's own flags would not keep it to one. Before it is timed, each takes three steps that have to be those of
NumPy by hand. C is step.c as gcc makes it with -O3 -march=native, IEEE to the letter; it is also there with
-ffast-math, as CasADi's C is. What is compared are medians of many rounds of one interleaved run for each problem.
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
ROUNDS = 101
PEERS = ["jax.jit", "torch", "torch.compile", "CasADi codegen", "ddx-ad"]
PACKAGES = ["numpy", "numba", "jax", "torch", "casadi", "ddx-ad", "scikit-learn"]


def turn(problem_name: str, contestant: str) -> Callable[[], None]:
    """Return a function that takes a turn's steps, of a contestant that agrees with NumPy by hand."""
    # glibc's malloc keeps large blocks once one of them was freed. Until then it may give every temporary array back to
    # the system, as it does for NumPy by hand on wide, and the next step pays for the pages anew.
    np.empty(4_000_000)
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
    return f"{cores}; CPython {platform.python_version()}, {versions}; gcc {gcc} {' '.join(GCC[1:3])}"


def test_c_by_hand_is_a_yardstick_no_peer_passes_on_moons_and_digits(medians, capsys):
    with capsys.disabled():
        print(f"\n\n{table(medians)}\n\nMedians of {ROUNDS} interleaved rounds on {machine()}.\n")
    for problem in ("moons", "digits"):
        assert medians[problem]["C by hand"] < fastest_peer(medians[problem])


@pytest.mark.parametrize("problem", ["moons", "digits"])
def test_numba_takes_at_most_two_and_a_half_times_as_long_as_c_by_hand(medians, problem):
    assert medians[problem]["lifted, Numba"] <= 2.5 * medians[problem]["C by hand"]


@pytest.mark.parametrize(("problem", "times"), [("moons", 3.0), ("digits", 1.5)])
def test_numba_is_times_faster_than_the_fastest_peer(medians, problem, times):
    assert fastest_peer(medians[problem]) >= times * medians[problem]["lifted, Numba"]


def test_numba_takes_at_most_a_fifth_longer_than_torch_where_matrices_are_large(medians):
    assert medians["wide"]["lifted, Numba"] <= 1.2 * medians["wide"]["torch"]


@pytest.mark.parametrize("problem", CONTESTANTS)
def test_numpy_takes_at_most_a_tenth_longer_than_numpy_by_hand(medians, problem):
    assert medians[problem]["lifted, NumPy"] <= 1.1 * medians[problem]["NumPy by hand"]


def fastest_peer(medians: dict[str, float]) -> float:
    return min([medians[name] for name in PEERS if name in medians])
