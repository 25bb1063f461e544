"""§1, the model: nodes, layers, and why something has to be bent."""

# pyright: reportUnusedFunction=false
# Evidence is called by the registry that the decorator puts it in.

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from autograd_core.ops import dot, relu, softplus, sum
from nn.lectures.graph import Nested, central, data, jacobian, slopes, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, item
from nn.lectures.malik import forms, network
from nn.lectures.malik.nets import FIXTURE, NETS, activated, added, layers, values_of, weighted
from nn.neuron import MLP

POINTS = np.array([-2.25, -0.7, 0.3, 1.3])
BITS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([0.0, 1.0, 1.0, 0.0])

# Three samples for one logistic node: a regression.
SAMPLES = np.array([[0.5, -1.0, 2.0], [-0.3, 0.8, 0.1], [1.0, 1.0, -1.0]])
LABELS = np.array([1.0, 0.0, 1.0])
START = np.array([0.2, -0.1, 0.4])


def regression_loss(w: Nested) -> Nested:
    """Return the cross-entropy of one logistic node over the three samples, from scalar nodes."""
    scores = [dot(w, x) for x in SAMPLES.tolist()]
    return sum([y * softplus(-z) + (1.0 - y) * softplus(z) for z, y in zip(scores, LABELS.tolist(), strict=True)])


@item(
    "malik.conv.index",
    kind="convention",
    where="§1.1",
    statement="A weight's first index is the node that its edge comes from, the second the node that it goes to.",
    latex=r"w_{12}:\ \text{input 1} \to \text{node 2}",
    shapes="w: (sources, destinations)",
    errata=("E-MAL-1",),
)
def _source_first() -> Iterator[Evidence]:
    w, x = values(FIXTURE.weights[0], "w"), FIXTURE.x
    s = weighted(w, x.tolist())
    moved = jacobian(s, w[0][1])
    yield Comparison("∂S/∂w_12, all nodes", np.array([0.0, x[0], 0.0, 0.0]), moved)
    yield Comparison("S = x w", forms.total_input(FIXTURE.weights[0], x), data(s))


@item(
    "malik.single.S",
    kind="formula",
    where="§1.1",
    statement="The total input of a node is the sum of its inputs, each times the weight of the edge from there.",
    latex=r"S_2 = \sum_{i=1}^n w_{i2} x_i",
    shapes="x: (n,), w: (n, nodes)",
)
def _total_input() -> Iterator[Evidence]:
    for net in NETS:
        w = net.weights[0]
        formula = forms.total_input(w, net.x)
        s = weighted(values(w), net.x.tolist())
        yield Comparison(f"S of {len(formula)} nodes with {len(net.x)} inputs", formula, data(s))


@item(
    "malik.single.out",
    kind="formula",
    where="§1.1",
    statement="A node decides by an activation function of its total input.",
    latex=r"v_2 = g(S_2)",
    errata=("E-MAL-2",),
)
def _output() -> Iterator[Evidence]:
    for net in NETS:
        pre, post = layers([values(net.weights[0])], net.x.tolist(), net.activations[:1])
        formula = forms.g(net.activation, forms.total_input(net.weights[0], net.x))
        yield Comparison(f"v = g(S), {net.activation}", formula, data(post[1]))
        off = abs(float(data(post[1])[1]) - net.x[1])
        what = f"the output of node 2 is not the input x_2, with the {net.activation}"
        yield Finding(
            what, f"S_2 = {data(pre[0])[1]:.4f}, v_2 = {data(post[1])[1]:.4f}, x_2 = {net.x[1]:.4f}", off > 1e-3
        )


@item(
    "malik.act.logistic",
    kind="definition",
    where="§1.1",
    statement="The logistic function takes every number into (0, 1).",
    latex=r"g(z) = \frac{1}{1 + e^{-z}}",
)
def _logistic() -> Iterator[Evidence]:
    zs = values(POINTS)
    gs = activated("sigmoid", zs)
    yield Comparison("g(z)", forms.logistic(POINTS), data(gs))
    slope = central(partial(added, "sigmoid"), POINTS)
    yield Comparison("g'(z)", forms.g_prime("sigmoid", POINTS), slopes(added("sigmoid", zs), zs), slope)
    high, low = forms.logistic(np.array([40.0, -800.0]))
    yield Finding(
        "far out it saturates, and nothing overflows",
        f"g(40) = {high}, g(-800) = {low}",
        bool(high == 1.0 and low == 0.0),
    )


@item(
    "malik.act.relu",
    kind="definition",
    where="§1.1",
    statement="The rectified linear unit passes what is positive and is 0 for the rest; at 0 it is 0.",
    latex=r"g(z) = \begin{cases} 0 & z \le 0 \\ z & z > 0 \end{cases}",
)
def _relu() -> Iterator[Evidence]:
    for z in (-2.25, 0.0, 0.3, 1.3):
        yield Comparison(f"g({z:g})", forms.relu(np.array([z])), data(activated("relu", values([z]))))
    zs = values(POINTS)
    slope = central(partial(added, "relu"), POINTS)
    yield Comparison("g'(z), z ≠ 0", forms.g_prime("relu", POINTS), slopes(added("relu", zs), zs), slope)


@item(
    "malik.single.logreg",
    kind="claim",
    where="§1.1, §2.1",
    statement="One layer with a logistic activation function is logistic regression.",
    latex=r"\nabla_w \mathcal L = X^T(\sigma(Xw) - y)",
    shapes="X: (samples, n), w: (n,), y: (samples,)",
    notes="the sum over samples, not the mean",
)
def _logistic_regression() -> Iterator[Evidence]:
    gradient = forms.regression_gradient(START, SAMPLES, LABELS)
    yield three_ways("∇ℒ of logistic regression", regression_loss, START, gradient)
    outputs = forms.g("sigmoid", forms.total_input(START[:, None], SAMPLES))[:, 0]
    node: list[Nested] = [activated("sigmoid", [dot(values(START), x)])[0] for x in SAMPLES.tolist()]
    yield Comparison("o = σ(Xw), one layer of one node", outputs, data(node))


@item(
    "malik.multi.forward",
    kind="formula",
    where="§1.2",
    statement="The outputs of a second stage are activations of weighted sums of activations of weighted sums.",
    latex=r"O_i = g\Big(\sum_j w^{(2)}_{ji}\, g\big(\sum_k w^{(1)}_{kj} x_k\big)\Big)",
    shapes="w1: (inputs, hidden), w2: (hidden, outputs)",
    notes="the subscripts are (source, destination), as §1.1 says and the print does not keep to",
    errata=("E-MAL-3",),
)
def _two_stages() -> Iterator[Evidence]:
    for net in NETS:
        w1, w2 = net.weights[:2]
        _, post = layers([values(w1), values(w2)], net.x.tolist(), net.activations[:2])
        yield Comparison(f"O, {net.activation}", forms.two_stages(w1, w2, net.x, net.activation), data(post[-1]))


@item(
    "malik.conv.layer_count",
    kind="convention",
    where="§1.2 / §2.2",
    statement="Inputs, hidden nodes and outputs are three layers of nodes with two layers of weights between them.",
    notes="§1.2 counts nodes, §2.2 and §3.2 count weights; this project counts weights",
    errata=("E-MAL-4",),
)
def _layer_count() -> Iterator[Evidence]:
    x, _ = FIXTURE.rows
    trace = network.forward(FIXTURE.weights, FIXTURE.biases, x, FIXTURE.activations)
    nodes, weights = len(trace.activations), len(trace.pre_activations)
    counted = len(MLP(3, [4, 2], rng=0).layers)
    found = f"{nodes} layers of nodes, {weights} of weights; nn.MLP(3, [4, 2]) has {counted} layers"
    yield Finding("the layers of a 3-4-2 network", found, (nodes, weights, counted) == (3, 2, 2))


@item(
    "malik.multi.same_g",
    kind="convention",
    where="§1.2",
    statement="All layers have the same activation function, the output layer too.",
    latex=r"x^{(l)} = g(S^{(l)}),\ l = 1 \dots L",
    notes="so targets have to lie in the range of g: in (0, 1) for the logistic function",
)
def _same_g() -> Iterator[Evidence]:
    for net in NETS:
        x, _ = net.rows
        o = network.forward(net.weights, net.biases, x, net.activations).activations[-1][0]
        yield Comparison(
            f"o, {net.activation} everywhere",
            o,
            data(layers(values_of(net.weights), net.x.tolist(), net.activations)[1][-1]),
        )
    inside, outside = _trained_towards(0.7), _trained_towards(2.0)
    found = f"e falls to {inside:.1e} for a target of 0.7, but only to {outside:.3f} for 2"
    yield Finding("a logistic output cannot reach a target outside of (0, 1)", found, inside < 1e-6 and outside > 0.5)


def _trained_towards(target: float) -> float:
    """Return the error of the fixture's network, its targets all the same, after some steps of descent."""
    weights, (x, y) = list(FIXTURE.weights), FIXTURE.rows
    y = np.full(y.shape, target)
    for _ in range(300):
        gradients = network.backward(weights, FIXTURE.biases, x, y, FIXTURE.activations).weights
        weights = [forms.descent_step(w, slope, 1.0) for w, slope in zip(weights, gradients, strict=True)]
    return network.backward(weights, FIXTURE.biases, x, y, FIXTURE.activations).loss


@item(
    "malik.linear.collapse",
    kind="claim",
    where="§1.2",
    statement="Two linear stages do no more than one: its weights are the product of theirs.",
    latex=r"(x W_1) W_2 = x (W_1 W_2)",
)
def _linear_collapse() -> Iterator[Evidence]:
    for net in NETS:
        w1, w2 = net.weights[:2]
        one = forms.collapsed(w1, w2)
        leaves = values(net.x)
        _, post = layers([w1.tolist(), w2.tolist()], leaves, ["identity", "identity"])
        yield Comparison("x W1 W2", forms.total_input(one, net.x), data(post[-1]))
        yield Comparison("∂o/∂x, the weights of one stage", one.T, jacobian(post[-1], leaves))


@item(
    "malik.relu.sufficient",
    kind="claim",
    where="§1.2",
    statement="The bend of a ReLU is enough: with it two stages compute XOR, which no linear stage comes near.",
    latex=r"\mathrm{relu}(a + b) - 2\,\mathrm{relu}(a + b - 1)",
    notes="what jumps at 0 is the slope; the ReLU itself is continuous",
    errata=("E-MAL-5",),
)
def _relu_is_enough() -> Iterator[Evidence]:
    formula = forms.relu_xor(BITS[:, 0], BITS[:, 1])
    graph = [relu(a + b) - 2.0 * relu(a + b - 1.0) for a, b in values(BITS)]
    yield Comparison("XOR by two ReLUs", formula, data(graph))
    yield Finding("XOR by two ReLUs is exact", f"{formula.tolist()} at {BITS.tolist()}", bool(np.all(formula == XOR)))
    # The columns of centred bits are orthonormal, so least squares with an offset is a projection.
    centred = BITS - BITS.mean(axis=0)
    best: Array = centred @ (centred.T @ (XOR - XOR.mean())) + XOR.mean()
    found = f"{np.round(best, 3).tolist()}, whose squared error is {np.sum((best - XOR) ** 2):.3f}"
    yield Finding("the best linear stage, with an offset, says a half everywhere", found, bool(np.allclose(best, 0.5)))
