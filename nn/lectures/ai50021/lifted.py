"""The lecture's layers on a batch beside programs lifted from scalars: samples in rows, weights (source, target), sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import cast

from autograd_core.ops import square, sum
from autograd_core.value import Value
from nn.lectures.ai50021.scalar import layers
from nn.lectures.algebra import Formula, ones
from nn.lectures.graph import Nested
from nn.lectures.item import Lifted
from nn.lectures.lifted import LiftedNet, lifted_net

__all__ = ["activations_lifted", "inputs_lifted", "parameters_lifted"]


# ---------------------------------------------------------------- the lecture's formulas


def layer(X: Formula, W: Formula, b: Formula | None) -> Formula:
    """Return Y = XW + b of a fully connected layer."""
    assert b is not None
    return X @ W + ones() @ b.T


def activation_dX(dE_dY: Formula, Y: Formula) -> Formula:
    """Return dE/dX = dE/dY * Y * (1 - Y) of an activation layer."""
    return dE_dY * Y * (1.0 - Y)


def fully_connected_dX(dE_dY: Formula, W: Formula) -> Formula:
    """Return dE/dX = dE/dY Wᵀ."""
    return dE_dY @ W.T


def fully_connected_dW(dE_dY: Formula, X: Formula) -> Formula:
    """Return dE/dW = Xᵀ dE/dY."""
    return X.T @ dE_dY


def fully_connected_db(dE_dY: Formula) -> Formula:
    """Return dE/db, the sum of dE/dY over the samples, as a column."""
    return (ones().T @ dE_dY).T


# ---------------------------------------------------------------- the networks


@cache
def _nets() -> tuple[LiftedNet, ...]:
    """Return one to four fully connected layers, each with its activation layer, under E = ½ Σ (z - y)²."""
    return tuple([_net(["sigmoid"] * depth) for depth in (1, 2, 3, 4)])


def _net(activations: Sequence[str]) -> LiftedNet:
    def loss(weights: Sequence[Nested], biases: Sequence[Nested], x: Nested, y: Nested) -> Value:
        outputs: Nested = layers(weights, biases, x, activations)[-1]
        return cast("Value", 0.5 * sum([square(z - t) for z, t in zip(outputs, y, strict=True)]))

    return lifted_net(loss, activations, out_in=False, columns=False)


def _slopes(net: LiftedNet) -> tuple[list[Formula], list[Formula], list[Formula]]:
    """Return dE/dY of each fully connected layer, dE/dX of all but the first, and their inputs with the outputs last."""
    _, X = net.states(layer)
    dY = [activation_dX(X[-1] - net.y, X[-1])]
    dX: list[Formula] = []
    for i in range(net.depth - 1, 0, -1):
        dX.insert(0, fully_connected_dX(dY[0], net.weights[i]))
        dY.insert(0, activation_dX(dX[0], X[i]))
    return dY, dX, X


def activations_lifted() -> Iterator[Lifted]:
    """Yield dE/dX of the activation layers."""
    for net in _nets():
        yield net.holds("dE/dX of activation layers", "dE/dX = dE/dY * Y * (1 - Y)", _slopes(net)[0])


def inputs_lifted() -> Iterator[Lifted]:
    """Yield dE/dX of the fully connected layers above the first."""
    for net in _nets()[1:]:
        yield net.holds("dE/dX of fully connected layers", "dE/dX = dE/dY Wᵀ", _slopes(net)[1])


def parameters_lifted() -> Iterator[Lifted]:
    """Yield dE/dW and dE/db."""
    for net in _nets():
        dY, _, X = _slopes(net)
        formulas = [fully_connected_dW(slope, below) for slope, below in zip(dY, X[:-1], strict=True)]
        yield net.has_gradients("dE/dW", "Xᵀ dE/dY", formulas, of="W")
        yield net.has_gradients("dE/db", "Σ dE/dY over the samples", list(map(fully_connected_db, dY)), of="b")
