"""The networks that the evidence is computed on, and the graph's side of them: scalar nodes, no closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np

from autograd_core.op import OPS
from autograd_core.ops import square, sum
from autograd_core.value import Number
from nn.lectures.graph import Nested, affine, transposed, values
from nn.lectures.item import Array

__all__ = [
    "FIXTURE",
    "NETS",
    "Net",
    "activated",
    "added",
    "error",
    "error_from",
    "layers",
    "loss_of",
    "values_of",
    "weighted",
]


@dataclass(frozen=True)
class Net:
    """A network without biases, one sample, and what it should give.

    Parameters
    ----------
    weights : one matrix for each layer, in the layout (in, out).
    x, y : one sample and its target.
    activation : that of every layer, as in §1.2.
    """

    weights: tuple[Array, ...]
    x: Array
    y: Array
    activation: str

    @property
    def activations(self) -> list[str]:
        """The activation of each weight layer."""
        return [self.activation] * len(self.weights)

    @property
    def biases(self) -> list[Array | None]:
        """None for each weight layer: the lecture has no biases."""
        return [None] * len(self.weights)

    @property
    def rows(self) -> tuple[Array, Array]:
        """The sample and its target as matrices of one row."""
        return self.x[None, :], self.y[None, :]


FIXTURE = Net(
    (
        np.array([[0.1, -0.2, 0.3, 0.4], [0.5, 0.6, -0.7, 0.8], [-0.9, 1.0, 0.2, -0.3]]),
        np.array([[0.4, -0.5], [0.6, 0.7], [-0.8, 0.9], [0.1, -0.2]]),
    ),
    np.array([0.5, -1.0, 2.0]),
    np.array([1.0, 0.0]),
    "sigmoid",
)


def _drawn(seed: int, sizes: Sequence[int], activation: str) -> Net:
    rng = np.random.default_rng(seed)
    weights = [rng.uniform(-1.0, 1.0, shape) for shape in pairwise(sizes)]
    return Net(tuple(weights), rng.uniform(-1.5, 1.5, sizes[0]), rng.uniform(0.1, 0.9, sizes[-1]), activation)


NETS = (FIXTURE, _drawn(2, (2, 3, 4, 2), "tanh"), _drawn(37, (4, 3, 5, 2), "relu"), _drawn(5, (2, 4, 1, 3), "identity"))


def weighted(w: Nested, x: Nested) -> Nested:
    """Return S_j = Σ_i w_ij x_i, one ``dot`` for each node."""
    return affine(transposed(w), x)


def activated(activation: str, s: Nested) -> Nested:
    """Return the activations of a row of numbers, by the op of that name."""
    op = cast("Callable[[Number], Number]", OPS[activation])
    return [op(number) for number in s]


def added(activation: str, s: Nested) -> Nested:
    """Return the sum of the activations of a row of numbers: its slopes are the slopes of each."""
    total: Nested = sum(activated(activation, s))
    return total


def layers(weights: Iterable[Nested], x: Nested, activations: Iterable[str]) -> tuple[list[Nested], list[Nested]]:
    """Return S and x of every layer as rows of numbers; the inputs are the first x."""
    pre: list[Nested] = []
    post: list[Nested] = [x]
    for w, activation in zip(weights, activations, strict=True):
        pre.append(weighted(w, post[-1]))
        post.append(activated(activation, pre[-1]))
    return pre, post


def error(outputs: Nested, y: Sequence[float]) -> Nested:
    """Return Σ ½ (o - y)² of a row of outputs."""
    return 0.5 * sum([square(o - t) for o, t in zip(outputs, y, strict=True)])


def values_of(weights: Iterable[Array]) -> list[Nested]:
    """Return each layer's weights as Values."""
    return [values(w) for w in weights]


def loss_of(net: Net, layer: int, w: Nested) -> Nested:
    """Return e of a network, the weights of one layer, counted from 1, replaced."""
    weights: list[Nested] = [own.tolist() for own in net.weights]
    weights[layer - 1] = w
    return error(layers(weights, net.x.tolist(), net.activations)[1][-1], net.y.tolist())


def error_from(net: Net, layer: int, s: Nested) -> Nested:
    """Return e of a network as a function of S of one layer, counted from 1."""
    rest = [w.tolist() for w in net.weights[layer:]]
    above = layers(rest, activated(net.activation, s), [net.activation] * len(rest))[1]
    return error(above[-1], net.y.tolist())
