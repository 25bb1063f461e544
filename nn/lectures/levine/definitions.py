"""Levine §1 and the opening of §2: what a network is, and what its numbers are called."""
# pyright: reportUnusedFunction=false
# The registry holds the items; nothing calls them by name.

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import cast

import numpy as np

from autograd_core.graph import topological_order
from autograd_core.ops import exp, log
from autograd_core.ops import sigmoid as sigmoid_op
from autograd_core.value import Value
from nn.lectures.graph import central, data, jacobian, slopes, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, item
from nn.lectures.levine.nets import DATA, NEGATIVE, NETS, POSITIVE, as_values, likelihood, model, propagate
from nn.lectures.levine.network import backward, forward, one_minus_sigma, sigmoid, sigmoid_slope, three_layers
from nn.lectures.levine.pieces import flat, number_of_parameters, one_hot

__all__: list[str] = []

POINTS = np.linspace(-6.0, 6.0, 25)


@item(
    "levine.conv.h0",
    kind="convention",
    where="§1",
    latex=r"h^{(0)} = \mathbf x",
    statement="The input counts as layer 0 and the output is layer L, so the number of a layer is that of its weights.",
    shapes="x: (M_0,), h^(L): (M_L,)",
)
def _input_is_layer_0() -> Iterator[Evidence]:
    for net in NETS:
        trace = forward(net.weights, net.biases, net.x)
        yield Comparison("h(0) is x, untouched", trace.activations[0], net.x)
        layers, outputs = len(model(net).layers), len(trace.activations[-1])
        yield Finding(
            f"a network of the sizes {net.sizes} has one layer of weights fewer than sizes",
            f"{layers} layers of weights, {outputs} outputs",
            layers == len(net.sizes) - 1 == len(trace.pre_activations) and outputs == net.sizes[-1],
        )


@item(
    "levine.fwd.layer",
    kind="formula",
    where="§1, again §2",
    latex=r"h^{(\ell)} = \sigma(\mathbf W^{(\ell)} h^{(\ell-1)} + \mathbf b^{(\ell)})",
    statement="A layer weighs the activations of the one before, adds a bias, and bends the sum by σ.",
    shapes="W: (out, in), h of the layer before: (in,), b and h: (out,)",
)
def _layer() -> Iterator[Evidence]:
    for net in NETS:
        trace = forward(net.weights, net.biases, net.x, ["sigmoid"] * len(net.weights))
        columns = [propagate(*as_values(net), x)[1] for x in net.x.T.tolist()]
        for layer, h in enumerate(trace.activations):
            yield Comparison(f"h({layer})", h, np.array([data(column[layer]) for column in columns]).T)


@item(
    "levine.act.sigmoid",
    kind="definition",
    where="§1",
    latex=r"\sigma(z) = \frac{1}{1 + \exp(-z)}",
    statement="The sigmoid squeezes any number into (0, 1).",
    notes="exp(-z) overflows from z = -710 down; its limit, 0, is still what comes out",
)
def _sigmoid() -> Iterator[Evidence]:
    yield Comparison("σ(z)", sigmoid(POINTS), data([sigmoid_op(z) for z in values(POINTS)]))
    yield Comparison("σ(0)", sigmoid(np.zeros(1)), np.array([0.5]))
    yield Comparison("σ(-z) = 1 - σ(z)", sigmoid(-POINTS), 1.0 - sigmoid(POINTS))
    low = float(sigmoid(np.array(-1000.0)))
    yield Finding("far out, σ(-1000) is its limit and no error", f"{low}", low == sigmoid_op(-1000.0) == 0.0)


@item(
    "levine.fwd.3layer",
    kind="formula",
    where="§1",
    latex=r"h^{(3)} = \sigma(\mathbf W^{(3)} \sigma(\mathbf W^{(2)} \sigma(\mathbf W^{(1)} h^{(0)} + \mathbf b^{(1)})"
    r" + \mathbf b^{(2)}) + \mathbf b^{(3)})",
    statement="Three layers of weights, written as one nested expression, are the recursion unrolled.",
)
def _three_layers() -> Iterator[Evidence]:
    for net in (DATA, NETS[-1]):
        nested = three_layers(net.weights, net.biases, net.x)
        columns = [propagate(*as_values(net), x)[1][-1] for x in net.x.T.tolist()]
        yield Comparison("h(3), nested and as a graph", nested, np.array([data(column) for column in columns]).T)
        recursive = forward(net.weights, net.biases, net.x).activations[-1]
        yield Comparison("h(3), nested and by recursion", nested, recursive)


@item(
    "levine.conv.layer_count",
    kind="convention",
    where="§1",
    statement="A network of three layers has three layers of weights and two of hidden activations: the counts differ by one.",
    notes="others count the same network differently: see E-X-9",
)
def _layers_are_counted_by_weights() -> Iterator[Evidence]:
    mlp = model(DATA)
    hidden = len(forward(DATA.weights, DATA.biases, DATA.x).activations) - 2
    yield Finding(
        "count the layers of the network of §1: weights, then activations that are neither input nor output",
        f"{len(mlp.layers)} layers of weights, {hidden} hidden",
        (len(mlp.layers), hidden) == (3, 2),
    )


@item(
    "levine.data.onehot",
    kind="definition",
    where='§1, Q "What is the data?"',
    statement="A feature with M values becomes M inputs, one of them 1 and the others 0; so each value has weights of its own.",
    shapes="one-hot: (M,)",
)
def _one_hot_inputs() -> Iterator[Evidence]:
    W, b, y = POSITIVE.weights[0], POSITIVE.biases[0], np.array([[1.0], [0.0]])
    for k in range(3):
        x = one_hot(k, 3)
        yield Finding(f"one_hot({k}, 3) says which and adds up to 1", f"{x}", x.sum() == 1.0 and int(np.argmax(x)) == k)
        yield Comparison(
            f"We{k + 1} is column {k + 1} of W", W @ x, data(propagate([values(W)], [[0.0, 0.0]], x)[0][0])
        )
        found = three_ways(
            f"dL/dW for x = e{k + 1}",
            lambda W, x=x: likelihood([W], [b.tolist()], [x.tolist()], y),
            W,
            backward([W], [b], x[:, None], y).weights[0],
        )
        yield found
        touched = np.flatnonzero(np.abs(found.formula).sum(axis=0)).tolist()
        yield Finding("only the column of W that the value picks learns from it", f"columns {touched}", touched == [k])


@item(
    "levine.params.theta",
    kind="definition",
    where="§1",
    latex=r"\theta = \{\mathbf W^{(1)}, \mathbf b^{(1)}, \dots, \mathbf W^{(L)}, \mathbf b^{(L)}\}",
    statement="All weights and biases together define the network; sizes M give Σ M_ℓ (M_{ℓ-1} + 1) numbers.",
)
def _parameters() -> Iterator[Evidence]:
    for net in NETS:
        formula, counted = number_of_parameters(net.sizes), len(model(net).parameters())
        yield Finding(f"count the parameters of {net.sizes}", f"{formula} and {counted}", formula == counted)


@item(
    "levine.flat.order",
    kind="convention",
    where="§1, displayed vector",
    latex=r"\nabla\mathcal L = \left(\mathrm{vec}\,\tfrac{d\mathcal L}{d\mathbf W^{(1)}}, \tfrac{d\mathcal L}{d\mathbf b^{(1)}},"
    r" \dots, \tfrac{d\mathcal L}{d\mathbf b^{(L)}}\right)",
    statement="The long gradient vector takes each W column by column, then its b, layer after layer.",
    notes="a model's parameters() go row by row: a third order is neuron by neuron",
)
def _flat_order() -> Iterator[Evidence]:
    for net in NETS:
        found = backward(net.weights, net.biases, net.x, net.y)
        leaves, biases = as_values(net)
        y = cast("Value", likelihood(leaves, biases, net.x.T.tolist(), net.y))
        by_column = [pick for W, b in zip(leaves, biases, strict=True) for pick in [*_columns(W), *b]]
        vector = flat(found.weights, [b for b in found.biases if b is not None])
        yield Comparison("∇L, one long vector", vector, slopes(y, by_column))
    slope = backward(NEGATIVE.weights, NEGATIVE.biases, NEGATIVE.x, NEGATIVE.y)
    rows = np.concatenate(
        [p.ravel() for W, b in zip(slope.weights, slope.biases, strict=True) for p in (W, cast("Array", b))]
    )
    off = float(np.abs(rows - flat(slope.weights, cast("list[Array]", slope.biases))).max())
    yield Finding(
        "row by row instead, the same numbers stand in other places", f"up to {off:.3f} apart", 0.155 < off < 0.157
    )


def _columns(W: list[list[Value]]) -> list[Value]:
    return [W[i][j] for j in range(len(W[0])) for i in range(len(W))]


@item(
    "levine.arch.param_objects",
    kind="architecture",
    where="§1 end",
    statement="Each weight can be an object that knows its own slope and takes its own step, or adds its slope to the long vector.",
)
def _parameters_are_objects() -> Iterator[Evidence]:
    leaves, biases = as_values(DATA)
    y = cast("Value", likelihood(leaves, biases, DATA.x.T.tolist(), DATA.y))
    y.backward()
    objects = [p for W, b in zip(leaves, biases, strict=True) for p in [*_columns(W), *b]]
    own = np.array([p.grad for p in objects])
    found = backward(DATA.weights, DATA.biases, DATA.x, DATA.y)
    vector = flat(found.weights, cast("list[Array]", found.biases))
    yield Comparison("each object's slope is its entry of ∇L", vector, own)
    before = data(objects)
    for p in objects:
        p.data += 0.1 * p.grad
    yield Comparison("each object's step is its entry of the long step", before + 0.1 * vector, data(objects))


@item(
    "levine.base.prepost",
    kind="definition",
    where="§2",
    latex=r"z^{(\ell)} = \mathbf W^{(\ell)} h^{(\ell-1)} + \mathbf b^{(\ell)}, \quad h^{(\ell)} = \sigma(z^{(\ell)})",
    statement="z stands before the synapse and h after it; both are nodes of the graph, each with its value and its slope.",
)
def _pre_and_post_synaptic() -> Iterator[Evidence]:
    for net in (POSITIVE, NEGATIVE):
        weights, biases = as_values(net)
        z, h = propagate(weights, biases, net.x[:, 0].tolist())
        y = cast("Value", log(h[-1][0]) if net.y[0, 0] == 1.0 else log(1.0 - h[-1][0]))
        trace, found = forward(net.weights, net.biases, net.x), backward(net.weights, net.biases, net.x, net.y)
        for layer, nodes in enumerate(z):
            yield Comparison(f"z({layer + 1})", trace.pre_activations[layer][:, 0], data(nodes))
            yield Comparison(f"dL/dz({layer + 1})", found.deltas[layer][:, 0], slopes(y, nodes))


@item(
    "levine.base.forward_backward",
    kind="definition",
    where="§2",
    statement="Forward propagation goes from the input to the output; backpropagation takes the chain rule the other way.",
)
def _forward_then_backward() -> Iterator[Evidence]:
    weights, biases = as_values(POSITIVE)
    z, h = propagate(weights, biases, values(POSITIVE.x[:, 0], "x"))
    order = topological_order(cast("Value", log(h[-1][0])))
    place = {node: i for i, node in enumerate(order)}
    late = [node for node in order for v in node.inputs if place[v] >= place[node]]
    yield Finding(
        "every node comes after what it is made of, so in reverse after all that use it",
        f"{len(late)} do not",
        not late,
    )
    layers = [[place[cast("Value", node)] for node in nodes] for nodes in z]
    ahead = all(max(a) < min(b) for a, b in pairwise(layers))
    yield Finding("the sweep back meets the layers in the order L to 1", f"places in the order: {layers}", ahead)
    trace = forward(POSITIVE.weights, POSITIVE.biases, POSITIVE.x)
    yield Comparison("h(L), going forward", trace.activations[-1][:, 0], data(h[-1]))


@item(
    "levine.base.dsigma",
    kind="gradient",
    where="§2",
    latex=r"\sigma'(z) = \frac{\exp(-z)}{(1 + \exp(-z))^2} = \sigma(z)(1 - \sigma(z))",
    statement="The slope of the sigmoid follows from its value; it is 1/4 at 0, where it is steepest.",
)
def _sigmoid_slope() -> Iterator[Evidence]:
    leaves = values(POINTS)
    formula = sigmoid_slope(POINTS)
    steps = np.array([central(sigmoid_op, z) for z in POINTS])
    composed = [Value(1.0) / (1.0 + exp(-z)) for z in leaves]
    yield Comparison("σ'(z), of one op", formula, np.diag(jacobian([z.sigmoid() for z in leaves], leaves)), steps)
    yield Comparison("σ'(z), of 1/(1 + exp(-z)) in single steps", formula, np.diag(jacobian(composed, leaves)), steps)
    yield Comparison("σ'(z) from σ(z)", formula, sigmoid(POINTS) * (1.0 - sigmoid(POINTS)))
    best = float(POINTS[int(np.argmax(formula))])
    yield Finding("where is it steepest?", f"{formula.max()} at {best}", (best, float(formula.max())) == (0.0, 0.25))


@item(
    "levine.base.one_minus_sigma",
    kind="formula",
    where="§2",
    latex=r"1 - \sigma(z) = \frac{\exp(-z)}{1 + \exp(-z)}",
    statement="What is left of 1 is the sigmoid of the opposite number.",
)
def _one_minus_sigma() -> Iterator[Evidence]:
    yield Comparison("1 - σ(z)", one_minus_sigma(POINTS), data([1.0 - sigmoid_op(z) for z in values(POINTS)]))
    yield Comparison("σ(-z)", one_minus_sigma(POINTS), data([sigmoid_op(-z) for z in values(POINTS)]))
