"""The nets that Levine's items are tried on, and the same nets as graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from autograd_core.ops import log, sigmoid, sum
from autograd_core.value import Number
from nn.lectures.graph import Nested, affine, transposed, values
from nn.lectures.item import Array
from nn.neuron import MLP

__all__ = [
    "DATA",
    "NEGATIVE",
    "NETS",
    "POSITIVE",
    "Net",
    "as_values",
    "from_h",
    "from_z",
    "likelihood",
    "model",
    "propagate",
    "varied",
]


@dataclass(frozen=True)
class Net:
    """Weights and data in the lecture's layout: W (out, in), a column for each data point.

    Parameters
    ----------
    weights, biases : of layers 1 to L.
    x, y : the data and their labels, of shapes (M_0, N) and (M_L, N).
    """

    weights: Sequence[Array]
    biases: Sequence[Array]
    x: Array
    y: Array

    @property
    def sizes(self) -> list[int]:
        """The sizes M_0 to M_L."""
        return [len(self.x), *map(len, self.biases)]


_WEIGHTS = (
    np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]]),
    np.array([[0.7, -0.8], [-0.9, 1.0]]),
    np.array([[1.1, -1.2]]),
)
_BIASES = (np.array([0.05, -0.1]), np.array([0.2, -0.3]), np.array([0.15]))
_X = np.array([[0.5], [-1.0], [2.0]])

POSITIVE = Net(_WEIGHTS, _BIASES, _X, np.array([[1.0]]))
"""3-2-2-1, with one data point of label 1."""

NEGATIVE = Net(_WEIGHTS, _BIASES, _X, np.array([[0.0]]))
"""The same with label 0."""

DATA = Net(
    _WEIGHTS,
    _BIASES,
    np.array([[0.5, -0.3, 1.0], [-1.0, 0.8, 1.0], [2.0, 0.1, -1.0]]),
    np.array([[1.0, 0.0, 1.0]]),
)
"""The same on three data points."""


def _drawn(sizes: Sequence[int], points: int, seed: int) -> Net:
    rng = np.random.default_rng(seed)
    pairs = list(pairwise(sizes))
    return Net(
        [rng.normal(size=(m, n)) for n, m in pairs],
        [rng.normal(size=m) for _, m in pairs],
        rng.normal(size=(sizes[0], points)),
        (np.arange(sizes[-1] * points).reshape(sizes[-1], points) % 2).astype(float),
    )


NETS = (POSITIVE, NEGATIVE, DATA, _drawn((3, 2), 1, 1), _drawn((4, 3, 5, 2), 3, 2))
"""Also one layer with two outputs, and widths that all differ."""


# ---------------------------------------------------------------- as graphs


def propagate(weights: Nested, biases: Nested, x: Nested) -> tuple[list[list[Number]], list[list[Number]]]:
    """Return z of every layer and h of every layer, for one data point; numbers in, nodes or numbers out."""
    z: list[list[Number]] = []
    h: list[list[Number]] = [x]
    for W, b in zip(weights, biases, strict=True):
        z.append(affine(W, h[-1], b))
        h.append([sigmoid(entry) for entry in z[-1]])
    return z, h


def likelihood(weights: Nested, biases: Nested, columns: Nested, labels: Array) -> Number:
    """Return Σ log p(y | x) over the data points, given as one list each."""
    terms: list[Number] = []
    for x, y in zip(columns, labels.T, strict=True):
        terms += _log_p(propagate(weights, biases, x)[1][-1], y)
    return sum(terms)


def from_h(net: Net, layer: int, h: Nested) -> Number:
    """Return the log-likelihood of a net whose h of one layer is given, a column for each data point."""
    return likelihood(_lists(net.weights[layer:]), _lists(net.biases[layer:]), transposed(h), net.y)


def from_z(net: Net, layer: int, z: Nested) -> Number:
    """Return the log-likelihood of a net whose z of one layer, counted from 0, is given, a column for each data point."""
    return from_h(net, layer + 1, [[sigmoid(entry) for entry in row] for row in z])


def _log_p(outputs: Sequence[Number], labels: Array) -> list[Number]:
    return [log(h) if y == 1.0 else log(1.0 - h) for h, y in zip(outputs, labels, strict=True)]


def varied(net: Net) -> Iterator[tuple[str, Callable[[Nested], Number], Array]]:
    """Yield, for each W and b of a net, its name, the log-likelihood as a function of it alone, and where it stands."""
    weights, biases, columns = _lists(net.weights), _lists(net.biases), net.x.T.tolist()

    def of_weight(layer: int, W: Nested) -> Number:
        return likelihood([*weights[:layer], W, *weights[layer + 1 :]], biases, columns, net.y)

    def of_bias(layer: int, b: Nested) -> Number:
        return likelihood(weights, [*biases[:layer], b, *biases[layer + 1 :]], columns, net.y)

    for layer, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        yield f"dL/dW({layer + 1})", partial(of_weight, layer), W
        yield f"dL/db({layer + 1})", partial(of_bias, layer), b


def as_values(net: Net) -> tuple[Nested, Nested]:
    """Return the weights and the biases of a net as leaves."""
    return [values(W, "W") for W in net.weights], [values(b, "b") for b in net.biases]


def model(net: Net) -> MLP:
    """Return the same net as an MLP."""
    mlp = MLP(net.sizes[0], net.sizes[1:], activation="sigmoid", output="sigmoid", rng=0)
    mlp.load_state_dict(
        {f"layers.{i}.weight": W for i, W in enumerate(net.weights)}
        | {f"layers.{i}.bias": b for i, b in enumerate(net.biases)}
    )
    return mlp


def _lists(arrays: Sequence[Array]) -> list[Nested]:
    return [array.tolist() for array in arrays]
