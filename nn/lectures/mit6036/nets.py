"""Networks to try the chapter's formulas on, and the graph's side of them: scalar ops on nested lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np

from autograd_core.op import Unary, find
from autograd_core.ops import log, softmax, square, sum
from autograd_core.value import Number
from nn.lectures.graph import Nested, affine, data, transposed, values
from nn.lectures.item import Array

__all__ = [
    "FIXTURE",
    "NETS",
    "Net",
    "activated",
    "flat",
    "graph_of",
    "graph_loss",
    "graph_outputs",
    "loss_named",
    "nll_loss",
    "nllm_loss",
    "random_net",
    "squared_loss",
]


@dataclass(frozen=True)
class Net:
    """A network with data: weights (in, out), offsets (out, 1), one column of x and y for each data point."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    x: Array
    y: Array
    activations: tuple[str, ...]


def _column(*numbers: float) -> Array:
    return np.array(numbers).reshape(-1, 1)


FIXTURE = Net(
    weights=(
        np.array([[0.1, -0.2], [0.3, 0.4], [-0.5, 0.6]]),
        np.array([[0.7, -0.8, 0.9], [0.2, 0.5, -0.4]]),
        np.array([[0.3, -0.6], [0.8, 0.1], [-0.2, 0.4]]),
    ),
    biases=(_column(0.05, -0.1), _column(0.2, 0.0, -0.3), _column(0.1, -0.2)),
    x=_column(0.5, -1.0, 2.0),
    y=_column(1.0, -0.5),
    activations=("tanh", "sigmoid", "identity"),
)
"""3-2-3-2 with one data point, small enough to do by hand."""


def random_net(sizes: Sequence[int], activations: Sequence[str], points: int, seed: int) -> Net:
    """Return a network with normal weights and data, and targets that suit its last activation."""
    rng = np.random.default_rng(seed)
    pairs = list(pairwise(sizes))
    weights = tuple([rng.normal(size=pair) for pair in pairs])
    biases = tuple([rng.normal(size=(n, 1)) for _, n in pairs])
    x = rng.normal(size=(sizes[0], points))
    y = rng.normal(size=(sizes[-1], points))
    if activations[-1] == "sigmoid":
        y = np.asarray(y > 0.0, dtype=np.float64)
    if activations[-1] == "softmax":
        y = np.eye(sizes[-1])[:, rng.integers(sizes[-1], size=points)]
    return Net(weights, biases, x, y, tuple(activations))


NETS = (
    FIXTURE,
    random_net((2, 4, 3), ("relu", "softmax"), points=3, seed=1),
    random_net((3, 2, 2), ("tanh", "sigmoid"), points=4, seed=11),
    random_net((2, 3, 2, 3, 1, 2), ("tanh", "relu", "identity", "sigmoid", "tanh"), points=2, seed=3),
    random_net((4, 2), ("identity",), points=3, seed=4),
)
"""The fixture, and a few that differ in depth, widths, activations, loss and the number of data points."""


# ---------------------------------------------------------------- the graph's side


def activated(name: str, zs: Sequence[Number]) -> list[Number]:
    """Return the activation of a row of numbers, as ops of the table."""
    if name == "softmax":
        return cast("list[Number]", softmax(cast("list[Any]", zs)))
    f = cast("Unary", find(name))
    return [f(cast("Any", z)) for z in zs]


def squared_loss(guess: Sequence[Number], actual: Sequence[Number]) -> Number:
    """Return Σ (guess - actual)²."""
    return sum([square(cast("Any", g - a)) for g, a in zip(guess, actual, strict=True)])


def nll_loss(guess: Sequence[Number], actual: Sequence[float]) -> Number:
    """Return -Σ (actual log guess + (1 - actual) log(1 - guess))."""
    terms: list[Any] = [
        -(a * log(cast("Any", g)) + (1.0 - a) * log(1.0 - g)) for g, a in zip(guess, actual, strict=True)
    ]
    return sum(terms)


def nllm_loss(guess: Sequence[Number], actual: Sequence[float]) -> Number:
    """Return -Σ actual log guess."""
    terms: list[Any] = [-(a * log(cast("Any", g))) for g, a in zip(guess, actual, strict=True)]
    return sum(terms)


def loss_named(activation: str) -> Callable[[Sequence[Number], Sequence[float]], Number]:
    """Return the loss that belongs to an output activation: NLL for sigmoid, NLLM for softmax, squared for the others."""
    return {"sigmoid": nll_loss, "softmax": nllm_loss}.get(activation, squared_loss)


def graph_outputs(weights: Nested, biases: Nested, x: Nested, activations: Sequence[str]) -> tuple[Nested, Nested]:
    """Return Z and A of each layer for one data point, given as lists: weights (in, out), offsets and x flat."""
    Z: list[Nested] = []
    A: list[Nested] = [x]
    for W, W0, f in zip(weights, biases, activations, strict=True):
        Z.append(affine(transposed(W), A[-1], W0))
        A.append(activated(f, Z[-1]))
    return Z, A


def graph_loss(weights: Nested, biases: Nested, net: Net) -> Number:
    """Return the loss of a network with other weights and offsets on its data, summed over the data points."""
    loss = loss_named(net.activations[-1])
    points = zip(net.x.T.tolist(), net.y.T.tolist(), strict=True)
    return sum([cast("Any", loss(graph_outputs(weights, biases, x, net.activations)[1][-1], y)) for x, y in points])


def graph_of(net: Net) -> tuple[list[Nested], list[Nested]]:
    """Return the weights and offsets of a network as leaves of a graph to come."""
    weights = [values(W, f"W{layer}") for layer, W in enumerate(net.weights, start=1)]
    return weights, [values(W0[:, 0], f"W{layer}_0") for layer, W0 in enumerate(net.biases, start=1)]


def flat(biases: Sequence[Array]) -> list[list[float]]:
    """Return offsets as flat lists of numbers."""
    return [data(W0[:, 0].tolist()).tolist() for W0 in biases]
