"""The graph's side: the same networks as scalar nodes, of floats or Values; no closed form comes in here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from autograd_core.op import OPS
from autograd_core.ops import logsumexp, sum
from autograd_core.value import Number
from nn.lectures.ai50021.fixtures import Net
from nn.lectures.graph import Nested, affine, transposed, values

__all__ = ["error", "layers", "leaves", "neuron", "nll", "plain"]


def neuron(w: Nested, x: Nested, b: Nested, g: str) -> Number:
    """Return g(Σ w x + b) for one neuron.

    >>> neuron([2.0], [3.0], -1.0, "relu")
    5.0
    """
    return _apply(g, affine([w], x, [b])[0])


def layers(weights: Nested, biases: Nested, row: Nested, activations: Sequence[str]) -> list[list[Number]]:
    """Return z of each layer for one sample, the sample itself first; W has the layout (source, target)."""
    z = [list(row)]
    for W, b, g in zip(weights, biases, activations, strict=True):
        z.append([_apply(g, a) for a in affine(transposed(W), z[-1], b)])
    return z


def nll(z: Sequence[Number], y: Sequence[float]) -> Number:
    """Return the negative log-likelihood of one sample: log Σ exp(z) - z_c, for every c with the label +1."""
    return cast("Number", sum([(label + 1.0) / 2.0 * (logsumexp(z) - out) for out, label in zip(z, y, strict=True)]))


def error(weights: Nested, biases: Nested, x: Nested, y: Nested, activations: Sequence[str]) -> Number:
    """Return E, the sum over samples."""
    rows = zip(x, y, strict=True)
    return cast("Number", sum([nll(layers(weights, biases, row, activations)[-1], labels) for row, labels in rows]))


def leaves(net: Net) -> tuple[Nested, Nested]:
    """Return the weights and biases of a network as Values."""
    weights = [values(W, f"W{i}") for i, W in enumerate(net.weights, start=1)]
    return weights, [None if b is None else values(b, f"b{i}") for i, b in enumerate(net.biases, start=1)]


def plain(net: Net) -> tuple[Nested, Nested]:
    """Return the weights and biases of a network as lists of floats."""
    return [W.tolist() for W in net.weights], [None if b is None else b.tolist() for b in net.biases]


def _apply(g: str, a: Number) -> Number:
    return cast("Callable[[Number], Number]", OPS[g])(a)
