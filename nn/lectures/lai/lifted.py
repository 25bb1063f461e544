"""Lai's matrix formulas beside programs lifted from scalars: samples in rows, weights (in, out), L the mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import cast

from autograd_core.ops import dot, logsumexp
from autograd_core.value import Value
from nn.lectures.algebra import Formula, name, ones
from nn.lectures.graph import Nested
from nn.lectures.item import Lifted
from nn.lectures.lai.nets import entropy, layers
from nn.lectures.lifted import LiftedNet, derivative, lifted_net

__all__ = ["gradients_lifted", "hidden_deltas_lifted", "output_deltas_lifted"]

M = name("m", scalar=True)


# ---------------------------------------------------------------- the lecture's formulas


def layer(a: Formula, W: Formula, b: Formula | None) -> Formula:
    """Return z = a W + b, in every row."""
    assert b is not None
    return a @ W + ones() @ b.T


def delta_output(yhat: Formula, y: Formula) -> Formula:
    """Return δ = ŷ - y."""
    return yhat - y


def delta_hidden(delta: Formula, W: Formula, slope: Formula) -> Formula:
    """Return δ = (δ' W'ᵀ) ⊙ g'(z)."""
    return (delta @ W.T) * slope


def weight_gradient(a: Formula, delta: Formula) -> Formula:
    """Return (1/m) aᵀ δ."""
    return a.T @ delta / M


def bias_gradient(delta: Formula) -> Formula:
    """Return the row of (1/m) aᵀ δ that belongs to the dummy, as a column."""
    return (ones().T @ delta / M).T


# ---------------------------------------------------------------- the networks


@cache
def _nets() -> tuple[LiftedNet, ...]:
    """Return networks of one to four layers, with softmax and with logistic outputs in turn."""
    hidden = ("tanh", "relu", "sigmoid")
    outputs = ("softmax", "sigmoid", "softmax", "sigmoid")
    activations = [(*hidden[:depth], output) for depth, output in enumerate(outputs)]
    return tuple([_net(own) for own in activations])


def _net(activations: Sequence[str]) -> LiftedNet:
    def loss(weights: Sequence[Nested], biases: Sequence[Nested], x: Nested, y: Nested) -> Value:
        z, a = layers(weights, biases, x, activations)
        if activations[-1] == "softmax":  # with its cross-entropy in one piece, which holds for labels that add up to 1
            return cast("Value", logsumexp(z[-1]) - dot(y, z[-1]))
        return entropy(a[-1], y, activations[-1])

    return lifted_net(loss, activations, out_in=False, columns=False)


def _deltas(net: LiftedNet) -> tuple[list[Formula], list[Formula]]:
    """Return δ of each layer, and a of each with x before them."""
    z, a = net.states(layer)
    deltas = [delta_output(a[-1], net.y)]
    for i in range(net.depth - 2, -1, -1):
        slope = derivative(net.activations[i], a[i + 1], z[i])
        deltas.insert(0, delta_hidden(deltas[0], net.weights[i + 1], slope))
    return deltas, a


def output_deltas_lifted() -> Iterator[Lifted]:
    """Yield δ of the outputs."""
    for net in _nets():
        yield net.holds(f"δ of {net.activations[-1]} outputs", "δ = ŷ - y", _deltas(net)[0][-1:])


def hidden_deltas_lifted() -> Iterator[Lifted]:
    """Yield δ of the hidden layers."""
    for net in _nets()[1:]:
        yield net.holds("δ of hidden layers", "δ[i] = (δ[i+1] W[i+1]ᵀ) ⊙ g'(z[i])", _deltas(net)[0][:-1])


def gradients_lifted() -> Iterator[Lifted]:
    """Yield the gradients by weights and by biases; the program adds up over the samples, and L is their mean."""
    for net in _nets():
        deltas, a = _deltas(net)
        by_weights = [weight_gradient(below, delta) for below, delta in zip(a[:-1], deltas, strict=True)]
        yield net.has_gradients("∂L/∂W", "(1/m) a[i-1]ᵀ δ[i]", by_weights, of="W", scale=M)
        yield net.has_gradients("∂L/∂b", "(1/m) 1ᵀ δ[i]", list(map(bias_gradient, deltas)), of="b", scale=M)
