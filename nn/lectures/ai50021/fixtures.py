"""The numbers that the lecture's formulas are tried on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nn.lectures.item import Array

__all__ = ["BATCH", "NETS", "SCORES", "WORKED", "Batch", "Net", "labels", "random_net"]


@dataclass(frozen=True)
class Net:
    """A layered network with data: W in the layout (source, target), samples in rows, labels ±1."""

    weights: list[Array]
    biases: list[Array | None]
    activations: list[str]
    x: Array
    y: Array


@dataclass(frozen=True)
class Batch:
    """A fully connected layer on a batch, and a loss E = Σ R∘Y + ½ Σ Y² on top of it."""

    X: Array
    W: Array
    b: Array
    R: Array


def labels(classes: Sequence[int], count: int) -> Array:
    """Return the lecture's labels of some classes, counted from 0: +1 for the class, -1 for the others.

    >>> labels([1], 3).tolist()
    [[-1.0, 1.0, -1.0]]
    """
    return 2.0 * np.eye(count)[list(classes)] - 1.0


def random_net(
    sizes: Sequence[int], activations: Sequence[str], samples: int, seed: int, *, biased: bool = True
) -> Net:
    """Return a network of these sizes with numbers from a seed; every layer has another width, so no shape fits by luck."""
    rng = np.random.default_rng(seed)
    pairs = list(pairwise(sizes))
    return Net(
        [rng.normal(0.0, 1.0, pair) for pair in pairs],
        [rng.normal(0.0, 0.5, target) if biased else None for _, target in pairs],
        list(activations),
        rng.normal(0.0, 1.0, (samples, sizes[0])),
        labels(rng.integers(0, sizes[-1], samples).tolist(), sizes[-1]),
    )


WORKED = Net(
    [np.array([[0.2, -0.1], [0.4, 0.9]]).T, np.array([[0.3, -0.4], [0.5, 0.6], [-0.7, 0.8]]).T],
    [None, None],
    ["tanh", "tanh"],
    np.array([[1.0, -0.5], [0.3, 0.8]]),
    labels([1, 0], 3),
)
"""The lecture's net of inputs z_6, z_7, hidden z_4, z_5 and outputs z_1, z_2, z_3, with two samples."""

NETS = [
    WORKED,
    random_net([3, 2], ["sigmoid"], 4, 11),
    random_net([2, 4, 3], ["sigmoid", "identity"], 3, 12),
    random_net([3, 5, 2, 4], ["relu", "tanh", "sigmoid"], 5, 13),
    random_net([4, 3, 5, 2, 3], ["tanh", "relu", "sigmoid", "tanh"], 2, 14, biased=False),
]
"""The worked net and others, of one to four layers."""

SCORES = np.array([0.2, -0.5, 1.3])
"""Three outputs z_1, z_2, z_3."""

BATCH = Batch(
    np.array([[0.1 * (i + 1) * (-1) ** (i + j) + 0.2 * j for j in range(3)] for i in range(5)]),
    np.array([[0.3, -0.2], [0.5, 0.7], [-0.4, 0.1]]),
    np.array([0.05, -0.15]),
    np.array([[0.4, -0.3], [0.2, 0.6], [-0.5, 0.1], [0.9, -0.8], [0.0, 0.35]]),
)
"""Five samples through a layer of three inputs and two neurons."""
