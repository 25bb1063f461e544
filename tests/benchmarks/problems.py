"""The problems of the benchmark of lifted programs: a batch, and the first weights of an MLP with two hidden layers."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from benchmarks import moons as two_moons
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Problem(NamedTuple):
    """One step is ``p -= lr * dp`` for the mean loss over the batch plus ``l2`` times the sum of all squared weights.

    Weights are W1, b1, W2, b2, W3, b3 with ``z = x @ W.T + b``. The loss is softmax with NLL for one-hot rows of Y, or
    the hinge loss for labels of -1 and 1.
    """

    X: Array
    Y: Array
    weights: list[Array]
    hinge: bool = False
    l2: float = 0.0
    lr: float = 0.1

    def copies(self) -> list[Array]:
        return [p.copy() for p in self.weights]

    @property
    def sizes(self) -> list[int]:
        return [self.X.shape[1], *(len(bias) for bias in self.weights[1::2])]


def moons() -> Problem:
    """Return all 100 points of the two moons, for an MLP 2-16-16-1 with hinge loss and L2."""
    labels = np.array(two_moons.LABELS)[:, None]
    return Problem(two_moons.POINTS, labels, first_weights(2, 16, 16, 1), hinge=True, l2=1e-4)


def digits() -> Problem:
    """Return a batch of 32 of the size of the digits, for an MLP 64-128-64-10."""
    return classes(32, 64, 128, 64, 10)


def wide() -> Problem:
    """Return a batch of 128 of the size of MNIST, for an MLP 784-512-256-10."""
    return classes(128, 784, 512, 256, 10)


def classes(batch: int, *sizes: int) -> Problem:
    rng = np.random.default_rng(0)
    one_hot = np.eye(sizes[-1])[rng.integers(sizes[-1], size=batch)]
    return Problem(rng.normal(size=(batch, sizes[0])), one_hot, first_weights(*sizes))


def first_weights(*sizes: int) -> list[Array]:
    """Return W and b of each layer, both from N(0, 1 / fan_in)."""
    rng = np.random.default_rng(1)
    weights: list[Array] = []
    for ins, outs in pairwise(sizes):
        weights += [rng.normal(size=shape) / np.sqrt(ins) for shape in [(outs, ins), outs]]
    return weights
