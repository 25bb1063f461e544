"""What lifting a network costs: recording its loss for one sample, finding the arrays, and the first gradient in NumPy.

The targets: less than 1 s for a network of the digits; for one of MNIST's size less than 20 s and a peak of less than
2 GiB; and a time that grows as the number of weights does. Each network is lifted in a process of its own, which has
lifted a small one before, so that modules are loaded. The model is not in the times, but in the peak. Needs Linux.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import nn
from autograd_core import lift

DIGITS = (64, 128, 64, 10)
GROWING = [(784, 128, 64, 10), (784, 256, 128, 10), (784, 512, 256, 10)]
ROUNDS = 3


class Cost(NamedTuple):
    seconds: float
    peak: float  # GiB


def cost(sizes: tuple[int, ...]) -> Cost:
    """Return what lifting an MLP costs this process."""
    seconds_to_lift((2, 2, 2, 2))
    return Cost(seconds_to_lift(sizes), peak())


def seconds_to_lift(sizes: tuple[int, ...]) -> float:
    ins, *layers = sizes
    model = nn.MLP(ins, layers, rng=0)
    x, y, theta = np.ones((1, ins)), np.eye(1, layers[-1]), np.ones(weights(sizes))
    start = time.perf_counter()
    program = lift(lambda x, y: nn.losses.nllm_with_logits(model(x), y), {"x": ins, "y": layers[-1]}, model)
    program.on_vectors()(x, y, theta)
    return time.perf_counter() - start


def weights(sizes: tuple[int, ...]) -> int:
    return sum([(ins + 1) * outs for ins, outs in pairwise(sizes)])


def peak() -> float:
    """Return the most memory this process has had, in GiB; what getrusage says would count its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**20


@pytest.fixture(scope="module")
def medians() -> dict[tuple[int, ...], Cost]:
    """Return each network's median costs over the rounds; the networks take turns."""
    networks = [DIGITS, *GROWING]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        rounds = [list(processes.map(cost, networks)) for _ in range(ROUNDS)]
    return {
        sizes: Cost(*map(statistics.median, zip(*costs, strict=True)))
        for sizes, costs in zip(networks, zip(*rounds, strict=True), strict=True)
    }


def test_a_network_of_the_digits_is_lifted_in_a_second(medians, capsys):
    with capsys.disabled():
        print(f"\n\n{table(medians)}\n")
    assert medians[DIGITS].seconds < 1.0


def test_a_network_of_mnist_s_size_is_lifted_in_20_seconds_and_2_gib(medians):
    assert medians[GROWING[-1]].seconds < 20.0
    assert medians[GROWING[-1]].peak < 2.0


def test_time_grows_as_the_number_of_weights_does(medians):
    each = [medians[sizes].seconds / weights(sizes) for sizes in GROWING]
    assert max(each) <= 1.5 * min(each)


def table(medians: dict[tuple[int, ...], Cost]) -> str:
    """Return the medians in Markdown."""
    lines = ["| lifted network | weights | time | a weight | peak memory |", "|---|---|---|---|---|"]
    for sizes, (seconds, gib) in medians.items():
        count = weights(sizes)
        name = "-".join(map(str, sizes))
        lines.append(f"| {name} | {count:,} | {seconds:.2f} s | {seconds / count * 1e6:.1f} µs | {gib:.2f} GiB |")
    return "\n".join(lines)
