"""The data and networks that the evidence is computed on, and the graph's side of them: scalar nodes, no closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import numpy as np

from autograd_core.op import OPS
from autograd_core.ops import log, softmax, strong_mul, sum
from autograd_core.value import Number
from nn.lectures.graph import Nested, affine, transposed, values
from nn.lectures.item import Array

__all__ = [
    "BIAS",
    "FIXTURE",
    "NETS",
    "THETA",
    "WEIGHTS",
    "Net",
    "X",
    "Y",
    "activated",
    "entropy",
    "entropy_from",
    "layers",
    "leaves_of",
    "loss_of",
    "mean_entropy",
    "regression_loss",
    "weighted",
]


@dataclass(frozen=True)
class Net:
    """A network and the examples that it is shown.

    Parameters
    ----------
    weights, biases : of each layer, weights in the layout (in, out).
    x, y : examples and labels in rows.
    activations : one for each layer.
    """

    weights: list[Array]
    biases: list[Array]
    x: Array
    y: Array
    activations: list[str]

    def only(self, example: int) -> Net:
        """Return the network with one of the examples, counted from 0."""
        return replace(self, x=self.x[[example]], y=self.y[[example]])


X = np.array([[0.5, -1.0], [1.5, 0.3], [-0.7, 0.8], [0.2, 0.1]])
Y = np.eye(3)[[0, 2, 1, 2]]

# A single layer of softmax on these.
WEIGHTS = np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]])
BIAS = np.array([0.05, -0.1, 0.2])
THETA = np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6], [0.05, -0.1, 0.2]])

FIXTURE = Net(
    [
        np.array([[0.2, -0.4, 0.6], [0.8, 0.1, -0.3]]),
        np.array([[0.5, -0.6, 0.7], [-0.8, 0.9, 0.2], [0.3, -0.1, -0.5]]),
    ],
    [np.array([0.1, -0.2, 0.3]), np.array([0.0, 0.1, -0.1])],
    X,
    Y,
    ["sigmoid", "softmax"],
)


def _drawn(seed: int, sizes: Sequence[int], activations: list[str], labels: Array) -> Net:
    rng = np.random.default_rng(seed)
    weights = [rng.uniform(-1.0, 1.0, shape) for shape in pairwise(sizes)]
    biases = [rng.uniform(-0.5, 0.5, n) for n in sizes[1:]]
    return Net(weights, biases, rng.uniform(-1.5, 1.5, (len(labels), sizes[0])), labels, activations)


NETS = (
    FIXTURE,
    _drawn(1, (3, 4, 2), ["tanh", "sigmoid"], np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])),
    _drawn(2, (2, 4, 3, 4), ["relu", "tanh", "softmax"], np.eye(4)[[3, 1]]),
)


def weighted(W: Nested, a: Nested, b: Nested) -> Nested:
    """Return z_k = Σ_j W_jk a_j + b_k of one example, for weights of the layout (in, out)."""
    return affine(transposed(W), a, b)


def activated(activation: str, z: Nested) -> Nested:
    """Return the activations of a row of numbers: by the op of that name, or by softmax of them all."""
    if activation == "softmax":
        return softmax(z)
    op = cast("Callable[[Number], Number]", OPS[activation])
    return [op(number) for number in z]


def layers(
    weights: Iterable[Nested], biases: Iterable[Nested], x: Nested, activations: Iterable[str]
) -> tuple[list[Nested], list[Nested]]:
    """Return z and a of every layer for one example as rows of numbers; x is the first a."""
    pre: list[Nested] = []
    post: list[Nested] = [x]
    for W, b, activation in zip(weights, biases, activations, strict=True):
        pre.append(weighted(W, post[-1], b))
        post.append(activated(activation, pre[-1]))
    return pre, post


def entropy(outputs: Nested, y: Sequence[float], activation: str) -> Nested:
    """Return the cross-entropy of one example, of two terms where the outputs are logistic."""
    terms = [strong_mul(t, log(p)) for p, t in zip(outputs, y, strict=True)]
    if activation != "softmax":
        terms += [strong_mul(1.0 - t, log(1.0 - p)) for p, t in zip(outputs, y, strict=True)]
    return -sum(terms)


def mean_entropy(net: Net, weights: Sequence[Nested], biases: Sequence[Nested]) -> Nested:
    """Return L of a network with these weights and biases, the mean over its examples."""
    losses = [
        entropy(layers(weights, biases, x, net.activations)[1][-1], y, net.activations[-1])
        for x, y in zip(net.x.tolist(), net.y.tolist(), strict=True)
    ]
    return sum(losses) / len(losses)


def loss_of(net: Net, layer: int, theta: Nested) -> Nested:
    """Return L of a network, Θ of one layer, counted from 1, replaced: weights, and the bias as the last row."""
    weights: list[Nested] = [W.tolist() for W in net.weights]
    biases: list[Nested] = [b.tolist() for b in net.biases]
    weights[layer - 1], biases[layer - 1] = theta[:-1], theta[-1]
    return mean_entropy(net, weights, biases)


def entropy_from(net: Net, layer: int, z: Nested) -> Nested:
    """Return the cross-entropy of the first example as a function of z of one layer, counted from 1."""
    weights, biases = [[array.tolist() for array in arrays[layer:]] for arrays in (net.weights, net.biases)]
    a = activated(net.activations[layer - 1], z)
    outputs = layers(weights, biases, a, net.activations[layer:])[1][-1]
    return entropy(outputs, net.y[0].tolist(), net.activations[-1])


def regression_loss(theta: Nested, x: Nested) -> Nested:
    """Return the mean over the examples of the cross-entropy of a softmax of x Θ, whose x has its dummy."""
    losses = [
        entropy(activated("softmax", affine(transposed(theta), row)), y, "softmax")
        for row, y in zip(x, Y.tolist(), strict=True)
    ]
    return sum(losses) / len(losses)


def leaves_of(net: Net) -> tuple[list[Nested], list[Nested]]:
    """Return the weights and the biases of each layer as Values."""
    return [values(W, "W") for W in net.weights], [values(b, "b") for b in net.biases]
