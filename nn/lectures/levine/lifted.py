"""Levine's matrix formulas beside programs lifted from scalars: samples in columns, weights (out, in), ascent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import cast

from autograd_core.ops import log, sum
from autograd_core.value import Value
from nn.lectures.algebra import Formula, ones
from nn.lectures.graph import Nested
from nn.lectures.item import Lifted
from nn.lectures.levine.nets import propagate
from nn.lectures.lifted import LiftedNet, lifted_net

__all__ = ["activation_slopes_lifted", "bias_slopes_lifted", "pre_activation_slopes_lifted", "weight_slopes_lifted"]


# ---------------------------------------------------------------- the lecture's formulas


def layer(h: Formula, W: Formula, b: Formula | None) -> Formula:
    """Return z = Wh + b, in every column."""
    assert b is not None
    return W @ h + b @ ones().T


def output_slope(h: Formula, y: Formula) -> Formula:
    """Return dL/dh: 1/h where y is 1, and -1/(1 - h) where it is 0."""
    return y / h - (1.0 - y) / (1.0 - h)


def pre_activation_slope(dh: Formula, h: Formula) -> Formula:
    """Return dL/dz = dL/dh σ(z) (1 - σ(z)), entry by entry."""
    return dh * h * (1.0 - h)


def activation_slope(W: Formula, dz: Formula) -> Formula:
    """Return dL/dh of the layer before: Wᵀ dL/dz."""
    return W.T @ dz


def weight_slope(dz: Formula, h: Formula) -> Formula:
    """Return dL/dW = dL/dz hᵀ, which adds up over the columns."""
    return dz @ h.T


def bias_slope(dz: Formula) -> Formula:
    """Return dL/db = dL/dz, added up over the columns."""
    return dz @ ones()


# ---------------------------------------------------------------- the networks


@cache
def _nets() -> tuple[LiftedNet, ...]:
    """Return networks of one to four layers."""

    def loss(weights: Sequence[Nested], biases: Sequence[Nested], x: Nested, y: Nested) -> Value:
        outputs: Nested = propagate(weights, biases, x)[1][-1]
        terms: Nested = [t * log(h) + (1.0 - t) * log(1.0 - h) for h, t in zip(outputs, y, strict=True)]
        return cast("Value", sum(terms))

    return tuple([lifted_net(loss, ["sigmoid"] * depth, out_in=True, columns=True) for depth in (1, 2, 3, 4)])


def _slopes(net: LiftedNet) -> tuple[list[Formula], list[Formula], list[Formula]]:
    """Return dL/dz of each layer, dL/dh of each, and h of each with x before them."""
    _, h = net.states(layer)
    dh = [output_slope(h[-1], net.y)]
    dz = [pre_activation_slope(dh[0], h[-1])]
    for i in range(net.depth - 1, 0, -1):
        dh.insert(0, activation_slope(net.weights[i], dz[0]))
        dz.insert(0, pre_activation_slope(dh[0], h[i]))
    return dz, dh, h


def pre_activation_slopes_lifted() -> Iterator[Lifted]:
    """Yield dL/dz of all layers."""
    for net in _nets():
        yield net.holds("dL/dz", "dL/dz = dL/dh ⊙ σ(z) ⊙ (1 - σ(z))", _slopes(net)[0])


def activation_slopes_lifted() -> Iterator[Lifted]:
    """Yield dL/dh of all layers but the last."""
    for net in _nets()[1:]:
        yield net.holds("dL/dh of hidden layers", "dL/dh(l-1) = W(l)ᵀ dL/dz(l)", _slopes(net)[1][:-1])


def weight_slopes_lifted() -> Iterator[Lifted]:
    """Yield dL/dW of all layers."""
    for net in _nets():
        dz, _, h = _slopes(net)
        formulas = [weight_slope(slope, below) for slope, below in zip(dz, h[:-1], strict=True)]
        yield net.has_gradients("dL/dW", "dL/dW(l) = dL/dz(l) h(l-1)ᵀ", formulas, of="W")


def bias_slopes_lifted() -> Iterator[Lifted]:
    """Yield dL/db of all layers."""
    for net in _nets():
        formulas = list(map(bias_slope, _slopes(net)[0]))
        yield net.has_gradients("dL/db", "dL/db(l) = dL/dz(l), over all data points", formulas, of="b")
