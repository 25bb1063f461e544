"""Malik and Wan's formulas as matrices, beside programs lifted from scalars: a column for each sample, weights (in, out)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from autograd_core.value import Value
from nn.lectures.algebra import Formula
from nn.lectures.graph import Nested
from nn.lectures.item import Lifted
from nn.lectures.lifted import LiftedNet, derivative, lifted_net
from nn.lectures.malik.nets import error, layers

__all__ = ["gradients_lifted", "hidden_deltas_lifted", "output_deltas_lifted"]


# ---------------------------------------------------------------- the lecture's formulas


def layer(x: Formula, w: Formula, _: Formula | None) -> Formula:
    """Return S_j = Σ_i w_ij x_i for all j; there are no biases."""
    return w.T @ x


def delta_output(o: Formula, y: Formula, slope: Formula) -> Formula:
    """Return δ = (g(s) - y) g'(s)."""
    return (o - y) * slope


def delta_hidden(delta: Formula, w: Formula, slope: Formula) -> Formula:
    """Return δ_i = Σ_j δ_j w_ij g'(S_i) for all i."""
    return (w @ delta) * slope


def weight_gradient(x: Formula, delta: Formula) -> Formula:
    """Return x_i δ_j for all i and j, added up over the samples."""
    return x @ delta.T


# ---------------------------------------------------------------- the networks


@cache
def _nets() -> tuple[LiftedNet, ...]:
    """Return networks of one to four layers, with another activation function for each depth."""
    return tuple([_net([g] * depth) for depth, g in enumerate(("sigmoid", "tanh", "relu", "sigmoid"), start=1)])


def _net(activations: Sequence[str]) -> LiftedNet:
    def loss(weights: Sequence[Nested], _: Sequence[Nested], x: Nested, y: Nested) -> Value:
        return error(layers(weights, x, activations)[1][-1], y)

    return lifted_net(loss, activations, out_in=False, columns=True, biased=False)


def _deltas(net: LiftedNet) -> tuple[list[Formula], list[Formula]]:
    """Return δ of each layer, and x of each, the inputs before them."""
    s, x = net.states(layer)
    slopes = [derivative(g, x[i + 1], s[i]) for i, g in enumerate(net.activations)]
    deltas = [delta_output(x[-1], net.y, slopes[-1])]
    for i in range(net.depth - 2, -1, -1):
        deltas.insert(0, delta_hidden(deltas[0], net.weights[i + 1], slopes[i]))
    return deltas, x


def output_deltas_lifted() -> Iterator[Lifted]:
    """Yield δ of the outputs."""
    for net in _nets():
        yield net.holds("δ of the outputs", "δ(L) = (g(s) - y) ⊙ g'(s)", _deltas(net)[0][-1:])


def hidden_deltas_lifted() -> Iterator[Lifted]:
    """Yield δ of the hidden layers."""
    for net in _nets()[1:]:
        yield net.holds("δ of hidden layers", "δ(l-1) = (w(l) δ(l)) ⊙ g'(S(l-1))", _deltas(net)[0][:-1])


def gradients_lifted() -> Iterator[Lifted]:
    """Yield the gradients by weights."""
    for net in _nets():
        deltas, x = _deltas(net)
        formulas = [weight_gradient(below, delta) for below, delta in zip(x[:-1], deltas, strict=True)]
        yield net.has_gradients("∂e/∂w", "x(l-1) δ(l)ᵀ", formulas, of="W")
