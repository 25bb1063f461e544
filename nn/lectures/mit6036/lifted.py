"""The chapter's matrix formulas beside programs lifted from scalars: points in columns, weights (in, out), sums of losses."""

# W, Z and A are matrices that the page writes large.
# pyright: reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import cast

from autograd_core.value import Value
from nn.lectures.algebra import Formula, ones
from nn.lectures.graph import Nested
from nn.lectures.item import Lifted
from nn.lectures.lifted import LiftedNet, derivative, lifted_net
from nn.lectures.mit6036.nets import graph_outputs, loss_named

__all__ = ["offset_gradients_lifted", "pre_activation_gradients_lifted", "weight_gradients_lifted"]


# ---------------------------------------------------------------- the chapter's formulas


def layer(A: Formula, W: Formula, W0: Formula | None) -> Formula:
    """Return Z = Wᵀ A + W_0, in every column."""
    assert W0 is not None
    return W.T @ A + W0 @ ones().T


def loss_slope(A: Formula, Y: Formula, activation: str) -> Formula:
    """Return ∂loss/∂A of the NLL for sigmoid outputs, and of the squared loss for others."""
    return (1.0 - Y) / (1.0 - A) - Y / A if activation == "sigmoid" else 2.0 * (A - Y)


def pre_activation_slope(weights: Sequence[Formula], slopes: Sequence[Formula], dA: Formula) -> Formula:
    """Return (8.3): ∂A/∂Z W ∂A/∂Z ... W ∂A/∂Z ∂loss/∂A; each ∂A/∂Z is diagonal, so that it multiplies entry by entry."""
    if not weights:
        return slopes[0] * dA
    return slopes[0] * (weights[0] @ pre_activation_slope(weights[1:], slopes[1:], dA))


def weight_gradient(A: Formula, dZ: Formula) -> Formula:
    """Return (8.1): A (∂loss/∂Z)ᵀ."""
    return A @ dZ.T


def offset_gradient(dZ: Formula) -> Formula:
    """Return ∂loss/∂Z, added up over the columns."""
    return dZ @ ones()


# ---------------------------------------------------------------- the networks


@cache
def _nets() -> tuple[LiftedNet, ...]:
    """Return networks of one to four layers, with linear and with sigmoid outputs in turn."""
    hidden = ("tanh", "sigmoid", "relu")
    outputs = ("identity", "sigmoid", "identity", "sigmoid")
    return tuple([_net((*hidden[:depth], output)) for depth, output in enumerate(outputs)])


def _net(activations: Sequence[str]) -> LiftedNet:
    def loss(weights: Sequence[Nested], biases: Sequence[Nested], x: Nested, y: Nested) -> Value:
        outputs = graph_outputs(weights, biases, x, activations)[1][-1]
        return cast("Value", loss_named(activations[-1])(outputs, y))

    return lifted_net(loss, activations, out_in=False, columns=True)


def _slopes(net: LiftedNet) -> tuple[list[Formula], list[Formula]]:
    """Return ∂loss/∂Z of each layer, and A of each with X before them."""
    Z, A = net.states(layer)
    slopes = [derivative(f, A[i + 1], Z[i]) for i, f in enumerate(net.activations)]
    dA = loss_slope(A[-1], net.y, net.activations[-1])
    return [pre_activation_slope(net.weights[i + 1 :], slopes[i:], dA) for i in range(net.depth)], A


def pre_activation_gradients_lifted() -> Iterator[Lifted]:
    """Yield (8.3) for all layers."""
    for net in _nets():
        formula = "∂A/∂Z(l) · W(l+1) · ∂A/∂Z(l+1) ⋯ W(L) · ∂A/∂Z(L) · ∂loss/∂A(L)"
        yield net.holds("∂loss/∂Z", formula, _slopes(net)[0])


def weight_gradients_lifted() -> Iterator[Lifted]:
    """Yield (8.1) for all layers."""
    for net in _nets():
        dZ, A = _slopes(net)
        formulas = [weight_gradient(below, slope) for below, slope in zip(A[:-1], dZ, strict=True)]
        yield net.has_gradients("∂loss/∂W", "A(l-1) (∂loss/∂Z(l))ᵀ", formulas, of="W")


def offset_gradients_lifted() -> Iterator[Lifted]:
    """Yield ∂loss/∂W_0 for all layers."""
    for net in _nets():
        formulas = list(map(offset_gradient, _slopes(net)[0]))
        yield net.has_gradients("∂loss/∂W_0", "∂loss/∂Z(l), over all columns", formulas, of="b")
