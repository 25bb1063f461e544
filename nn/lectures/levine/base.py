"""Levine §2: the chain rule, and the slopes of one layer, which is logistic regression."""
# pyright: reportUnusedFunction=false
# The registry holds the items; nothing calls them by name.

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import cast

import numpy as np

from autograd_core.ops import dot, log, log_sigmoid
from autograd_core.ops import sigmoid as sigmoid_op
from autograd_core.value import Number, Value
from nn.lectures.graph import Nested, affine, central, data, jacobian, slopes, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, item
from nn.lectures.levine.lifted import bias_slopes_lifted, pre_activation_slopes_lifted, weight_slopes_lifted
from nn.lectures.levine.nets import NEGATIVE, NETS, POSITIVE, Net, from_z, varied
from nn.lectures.levine.network import (
    backward,
    bias_slope,
    forward,
    log_likelihood,
    output_slope,
    pre_activation_slope,
    pre_synaptic,
    weight_slope,
)
from nn.lectures.levine.pieces import chain, chain_component, weight_slope_component, z_component

__all__: list[str] = []

_LAYER = Net([POSITIVE.weights[0]], [POSITIVE.biases[0]], POSITIVE.x, np.array([[1.0], [0.0]]))
"""The first layer of the lecture's net alone: logistic regression with two outputs."""

_A = np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 3.0]])
_B = np.array([[2.0, 0.0], [1.0, -1.0], [0.3, 4.0]])


@item(
    "levine.base.chain.scalar",
    kind="example",
    where="§2",
    latex=r"f(y) = ay,\; g(x) = bx \;\Rightarrow\; \frac{df}{dx} = \frac{df}{dg}\frac{dg}{dx} = ab",
    statement="The slope of a composition is the product of the slopes.",
)
def _chain_of_numbers() -> Iterator[Evidence]:
    a, b = 1.7, -0.6
    for x in (0.3, -2.0):
        product = chain(np.array([[a]]), np.array([[b]]))[0, 0]
        yield three_ways(f"df/dx at {x}", lambda x: a * (b * x), x, product)


@item(
    "levine.base.chain.matrix",
    kind="example",
    where="§2",
    latex=r"f(\mathbf y) = \mathbf{Ay},\; g(\mathbf x) = \mathbf{Bx} \;\Rightarrow\;"
    r" \left(\frac{df}{d\mathbf x}\right)_{i,j} = \sum_k \mathbf A_{i,k} \mathbf B_{k,j}",
    statement="For vectors the slopes are matrices and the product is a matrix product, results down and inputs across.",
    shapes="A: (2, 3), B: (3, 2), df/dx: (2, 2)",
    notes="numerator layout; elsewhere in the lecture a gradient has the shape of what it is taken by, which is the transpose",
    errata=("E-LEV-4",),
)
def _chain_of_matrices() -> Iterator[Evidence]:
    for A, B in ((_A, _B), (_A.T + 0.1, _B.T[:, :1] - 0.2)):
        x = np.arange(1.0, B.shape[1] + 1.0)
        leaves = values(x, "x")
        f = cast("list[Value]", affine(A.tolist(), affine(B.tolist(), leaves)))
        rows = [central(partial(_row_of, A, B, i), x) for i in range(len(A))]
        yield Comparison("df/dx, one sweep for each row", chain(A, B), jacobian(f, leaves), np.array(rows))
        components = [[chain_component(A, B, i, j) for j in range(B.shape[1])] for i in range(len(A))]
        yield Comparison("df/dx by components", np.array(components), jacobian(f, leaves))


def _row_of(A: Array, B: Array, i: int, x: Nested) -> Number:
    return affine(A.tolist(), affine(B.tolist(), x))[i]


@item(
    "levine.base.likelihood",
    kind="formula",
    where="§2",
    latex=r"\log p(y \mid \mathbf x) = \begin{cases} \log h & y = 1 \\ \log(1 - h) & y = 0 \end{cases}",
    statement="A binary label is as likely as the output says: h for 1, 1 - h for 0.",
    notes="with several outputs, which the lecture allows without a likelihood, each is taken to be a label of its own",
)
def _likelihood() -> Iterator[Evidence]:
    for h, y in ((0.6157725986, 1.0), (0.6157725986, 0.0), (0.2, 1.0)):
        p = log_likelihood(np.array([h]), np.array([y]))
        p_op = y * log(Value(h)) + (1.0 - y) * log(1.0 - Value(h))
        yield Comparison(f"log p({y:.0f}) at h = {h}", np.array(p), np.array(p_op.data))


@item(
    "levine.base.dh",
    kind="gradient",
    where="§2",
    latex=r"\frac{d\mathcal L}{dh} = \begin{cases} \frac{1}{h} & y = 1 \\ \frac{-1}{1 - h} & y = 0 \end{cases}",
    statement="The less likely the output made the label, the steeper the log-likelihood by the output.",
)
def _slope_by_output() -> Iterator[Evidence]:
    for h, y in ((0.6157725986441663, 1.0), (0.6157725986441663, 0.0), (0.2, 1.0), (0.3, 0.0)):
        formula = output_slope(np.array(h), np.array(y))
        yield three_ways(f"dL/dh at h = {h:.4f}, y = {y:.0f}", lambda h, y=y: log(h if y else 1.0 - h), h, formula)


@item(
    "levine.base.dh.claim",
    kind="gradient",
    where="§2, sentence after the chain rule",
    latex=r"\frac{d\mathcal L}{dh^{(1)}} \in \left\{\frac{1}{h}, \frac{-1}{1 - h}\right\}",
    statement="What is known of dL/dh when the chain rule is applied is 1/h or -1/(1 - h), and not its sign alone.",
    errata=("E-LEV-2",),
)
def _slope_by_output_is_no_sign() -> Iterator[Evidence]:
    for net in (POSITIVE, NEGATIVE):
        h = forward(net.weights, net.biases, net.x).activations[-1]
        slope = output_slope(h, net.y)
        sign = np.where(net.y == 1.0, 1.0, -1.0)
        off = float(np.abs(slope - sign).max())
        yield Finding(
            f"take the sign alone, {sign.item():+.0f}, for the slope at y = {net.y.item():.0f}",
            f"the slope is {slope.item():.3f}, which is {off:.3f} off",
            off > 0.6,
        )
        likelihood = log if net.y.item() else _log_of_the_rest
        yield three_ways("dL/dh of the node", likelihood, h.item(), slope.reshape(()))


def _log_of_the_rest(h: Number) -> Number:
    return log(1.0 - h)


@item(
    "levine.base.dz",
    kind="gradient",
    where="§2",
    latex=r"\frac{d\mathcal L}{dz_i} = \frac{d\mathcal L}{dh_i} \sigma(z_i)(1 - \sigma(z_i))",
    statement="Each entry of dL/dh times the slope of its own sigmoid; at the output this collapses to y - h.",
    notes="where h rounds to 1 and y is 0, 1/(1 - h) has no value: train on the fused form, whose slope is y - h",
)
def _slope_by_z() -> Iterator[Evidence]:
    for net in NETS:
        trace = forward(net.weights, net.biases, net.x)
        z, h = trace.pre_activations[-1], trace.activations[-1]
        formula = pre_activation_slope(output_slope(h, net.y), z)
        yield three_ways("dL/dz(L)", partial(from_z, net, len(net.weights) - 1), z, formula)
        yield Comparison("y - h", net.y - h, formula)
    leaves = values([0.3, -1.1, 2.0], "z")
    cross = jacobian([z.sigmoid() for z in leaves], leaves)
    yield Finding(
        "does one h depend on another z?",
        f"dh/dz = {cross.round(3).tolist()}",
        not (cross - np.diag(np.diag(cross))).any(),
    )
    saturated = Value(40.0)
    (slope,) = slopes(log_sigmoid(-saturated), [saturated])
    yield Finding(
        "at z = 40 and y = 0, σ(z) is exactly 1 in float64, and log(1 - σ(z)) is lost; the fused log σ(-z) is not",
        f"1 - σ(40) = {1.0 - sigmoid_op(40.0)}, fused slope {slope}",
        sigmoid_op(40.0) == 1.0 and slope == -1.0,
    )
    yield from pre_activation_slopes_lifted()


@item(
    "levine.base.db",
    kind="gradient",
    where="§2",
    latex=r"\frac{d\mathcal L}{d\mathbf b_i} = \sum_j \frac{d\mathcal L}{dz_j}\frac{dz_j}{d\mathbf b_i} = \frac{d\mathcal L}{dz_i}",
    statement="A bias moves its own z one to one and no other, so their slopes are the same.",
    notes="for several data points, the sum of them",
)
def _slope_by_bias() -> Iterator[Evidence]:
    for net in (_LAYER, NETS[3]):
        dz = backward(net.weights, net.biases, net.x, net.y).deltas[0]
        _, (name, f, b) = varied(net)
        yield three_ways(name, f, b, bias_slope(dz))
        yield Comparison("one data point: dL/db is dL/dz", bias_slope(dz), dz[:, 0])
    yield from bias_slopes_lifted()


@item(
    "levine.base.z_components",
    kind="formula",
    where="§2",
    latex=r"z_i = \sum_{j=1}^{M_0} \mathbf W_{i,j} \mathbf x_j + \mathbf b_i",
    statement="One entry of z is a weighted sum of all inputs and a bias.",
)
def _z_by_components() -> Iterator[Evidence]:
    for net in NETS:
        W, b, x = net.weights[0], net.biases[0], net.x[:, 0]
        by_components = np.array([z_component(W, x, b, i) for i in range(len(b))])
        yield Comparison("z by components and as a graph", by_components, data(affine(values(W), x, values(b))))
        yield Comparison("Wx + b as a matrix product", pre_synaptic(W, x[:, None], b)[:, 0], by_components)


@item(
    "levine.base.dWij",
    kind="gradient",
    where="§2",
    latex=r"\frac{d\mathcal L}{d\mathbf W_{i,j}} = \sum_k \frac{d\mathcal L}{dz_k}\frac{dz_k}{d\mathbf W_{i,j}}"
    r" = \frac{d\mathcal L}{dz_i} \mathbf x_j",
    statement="A weight meets one input and one unit: its slope is the product of that input and that unit's dL/dz.",
    notes="z_i depends on the whole row W_i, j from 1 to M_0",
    errata=("E-LEV-3",),
)
def _slope_by_one_weight() -> Iterator[Evidence]:
    for net in (_LAYER, NETS[3]):
        dz, x = backward(net.weights, net.biases, net.x, net.y).deltas[0][:, 0], net.x[:, 0]
        (name, f, W), _ = varied(net)
        components = [[weight_slope_component(dz, x, i, j) for j in range(len(x))] for i in range(len(dz))]
        yield three_ways(f"{name}, weight by weight", f, W, components)
    row = values(_LAYER.weights[0][0], "W1")
    reached = slopes(cast("Value", dot(row, _LAYER.x[:, 0].tolist())), row)
    yield Finding(
        "which weights of its row does z_1 depend on?", f"dz_1/dW_1 = {reached.tolist()}", bool(reached.all())
    )


@item(
    "levine.base.dW",
    kind="gradient",
    where="§2 end",
    latex=r"\frac{d\mathcal L}{d\mathbf W^{(1)}} = \frac{d\mathcal L}{dz^{(1)}} \mathbf x^T",
    statement="All weight slopes of a layer are one outer product, in the shape of W.",
    shapes="(M_1, 1)(1, M_0) gives (M_1, M_0)",
)
def _slope_by_weights() -> Iterator[Evidence]:
    for net in (_LAYER, *NETS):
        (name, f, W), *_ = varied(net)
        dz = backward(net.weights, net.biases, net.x, net.y).deltas[0]
        yield three_ways(name, f, W, weight_slope(dz, net.x))
    yield from weight_slopes_lifted()
