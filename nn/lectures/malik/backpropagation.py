"""§3.3 to §3.6: δ, its base case and its recursion, and the algorithm that they make."""

# pyright: reportUnusedFunction=false
# Evidence is called by the registry that the decorator puts it in.

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import cast

import numpy as np

from autograd_core.ops import sum
from nn.lectures.graph import Nested, data, jacobian, slopes, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, item
from nn.lectures.malik import forms, network
from nn.lectures.malik.lifted import gradients_lifted, hidden_deltas_lifted, output_deltas_lifted
from nn.lectures.malik.nets import FIXTURE, NETS, Net, activated, added, error, error_from, layers, loss_of, weighted
from nn.lectures.malik.training import edges_of, growth, on_paper
from nn.losses import squared_error

__all__ = ["passes"]

MIXED = ("tanh", "relu", "sigmoid")


def passes(net: Net) -> tuple[network.Trace, network.Slopes]:
    """Return what the closed forms' forward and backward pass leave behind."""
    x, y = net.rows
    trace = network.forward(net.weights, net.biases, x, net.activations)
    return trace, network.backward(net.weights, net.biases, x, y, net.activations)


@item(
    "malik.delta.def",
    kind="definition",
    where="§3.3",
    statement="δ of a node is the derivative of the error with respect to its total input.",
    latex=r"\delta_j^{(l)} = \frac{\partial e}{\partial S_j^{(l)}}",
    shapes="δ^(l): (d^(l),)",
)
def _delta() -> Iterator[Evidence]:
    for net in NETS:
        trace, slopes_of = passes(net)
        for layer, (s, delta) in enumerate(zip(trace.pre_activations, slopes_of.deltas, strict=True), start=1):
            yield three_ways(f"δ of layer {layer}, {net.activation}", partial(error_from, net, layer), s[0], delta[0])


@item(
    "malik.grad.w",
    kind="gradient",
    where="§3.3",
    statement="The derivative by a weight is δ of the node that its edge goes to, times the output that it comes from.",
    latex=r"\frac{\partial e}{\partial w_{ij}^{(l)}} = \delta_j^{(l)} \frac{\partial S_j^{(l)}}{\partial w_{ij}^{(l)}}"
    r" = \delta_j^{(l)} x_i^{(l-1)}",
    shapes="x δᵀ: (d^(l-1), d^(l))",
)
def _weights() -> Iterator[Evidence]:
    for net in NETS:
        trace, slopes_of = passes(net)
        for layer, w in enumerate(net.weights, start=1):
            formula = forms.weight_gradient(trace.activations[layer - 1], slopes_of.deltas[layer - 1])
            yield three_ways(f"∂e/∂w of layer {layer}, {net.activation}", partial(loss_of, net, layer), w, formula)
    yield from gradients_lifted()


@item(
    "malik.delta.single_output",
    kind="definition",
    where="§3.4",
    statement="The induction starts at the outputs: each output node has a δ, known after a forward pass.",
    latex=r"\delta_j^{(L)} = \frac{\partial e}{\partial S_j^{(L)}}",
    shapes="δ^(L): (d^(L),)",
    errata=("E-MAL-12",),
)
def _base_case() -> Iterator[Evidence]:
    for net in NETS:
        trace, _ = passes(net)
        delta = forms.delta_output(net.activation, trace.pre_activations[-1], net.rows[1])[0]
        what = f"one δ for each output node, {net.activation}"
        yield Finding(what, f"{len(delta)} δ, {len(net.y)} outputs", len(delta) == len(net.y))
        for j in range(len(net.y)):
            leaves = values(trace.pre_activations[-1][0], "S")
            slope = slopes(error_from(net, len(net.weights), leaves), leaves)
            yield Comparison(f"δ of output {j + 1}", delta[j], slope[j])


@item(
    "malik.loss.half_sq",
    kind="formula",
    where="§3.4",
    statement="The error of a sample is half the squared distance of the outputs from the targets.",
    latex=r"e = \sum_i \tfrac12 \big(g(s_i^{(L)}) - y_i\big)^2",
    notes="with a ½, which others leave out; the sum over outputs is implied",
    errata=("E-X-3",),
)
def _half_squared_error() -> Iterator[Evidence]:
    for net in NETS:
        o = passes(net)[0].activations[-1][0]
        leaves = values(o)
        doubled = squared_error(leaves, net.y.tolist())
        yield Comparison(f"e, {net.activation}", np.array(forms.half_squared_error(o, net.y)), data(doubled) / 2.0)
        f = partial(error, y=net.y.tolist())
        yield three_ways("∂e/∂o = o - y, half of what it is without the ½", f, o, slopes(doubled, leaves) / 2.0)


@item(
    "malik.delta.output",
    kind="gradient",
    where="§3.4",
    statement="δ of an output is its distance from the target times the slope of its activation function.",
    latex=r"\delta_i^{(L)} = \big(g(s_i^{(L)}) - y_i\big)\, g'(s_i^{(L)})",
    shapes="s, y: (d^(L),)",
    errata=("E-MAL-13",),
)
def _output_delta() -> Iterator[Evidence]:
    for net in NETS:
        s = passes(net)[0].pre_activations[-1][0]
        yield three_ways(
            f"δ of the outputs, {net.activation}",
            partial(error_from, net, len(net.weights)),
            s,
            forms.delta_output(net.activation, s, net.y),
        )
    yield from output_deltas_lifted()


@item(
    "malik.relu.derivative",
    kind="gradient",
    where="§3.4",
    statement="The slope of a ReLU is 1 for positive numbers and 0 for negative ones; at 0 it has none.",
    latex=r"g'(s) = \begin{cases} 1 & s > 0 \\ 0 & s < 0 \end{cases}",
    notes="at 0 every number in [0, 1] is a subgradient; the engine takes 0, as do PyTorch and TensorFlow",
    errata=("E-MAL-8",),
)
def _relu_slope() -> Iterator[Evidence]:
    points = np.array([-2.25, -0.4, 0.3, 1.7])
    yield three_ways("g'(s)", partial(added, "relu"), points, forms.relu_slope(points))
    zero = values([0.0])
    yield Comparison(
        "g'(0), the engine's choice", forms.relu_slope(np.zeros(1)), slopes(activated("relu", zero)[0], zero)
    )
    step = 1e-3
    right = forms.forward_quotient(0.0, float(forms.relu(np.array(step))), step)
    left = forms.forward_quotient(0.0, float(forms.relu(np.array(-step))), -step)
    found = f"{left + 0.0:g} from the left, {right:g} from the right, {(left + right) / 2.0:g} from both sides"
    yield Finding("difference quotients at 0", found, (left, right) == (0.0, 1.0))


@item(
    "malik.delta.hidden",
    kind="gradient",
    where="§3.5",
    statement="δ of a hidden node gathers δ of all nodes above it over the edges to them, times the slope of its own bend.",
    latex=r"\delta_i^{(l-1)} = \sum_j \delta_j^{(l)}\, w_{ij}^{(l)}\, g'(S_i^{(l-1)})",
    shapes="δ^(l): (d^(l),), W^(l): (d^(l-1), d^(l))",
    errata=("E-MAL-14", "E-MAL-15"),
)
def _hidden_delta() -> Iterator[Evidence]:
    for net in NETS:
        trace, slopes_of = passes(net)
        for layer in range(len(net.weights) - 1, 0, -1):
            s, w = trace.pre_activations[layer - 1], net.weights[layer]
            formula = forms.delta_hidden(slopes_of.deltas[layer], w, net.activation, s)[0]
            yield three_ways(f"δ of layer {layer}, {net.activation}", partial(error_from, net, layer), s[0], formula)
            yield from _factors(net, layer, s[0])
    yield from hidden_deltas_lifted()


def _factors(net: Net, layer: int, s: Array) -> Iterator[Evidence]:
    """Yield the two factors of the derivation that stand beside δ: ∂S/∂x = w and ∂x/∂S = g'."""
    leaves = values(s)
    own = activated(net.activation, leaves)
    upper = weighted(net.weights[layer].tolist(), own)
    yield Comparison(f"∂S_j/∂x_i from layer {layer} to {layer + 1} = w_ij", net.weights[layer].T, jacobian(upper, own))
    yield Comparison("∂x_i/∂S_i = g'(S_i)", np.diag(forms.g_prime(net.activation, s)), jacobian(own, leaves))


@item(
    "malik.full.algorithm",
    kind="algorithm",
    where="§3.6",
    statement="Forward once; δ at the outputs; δ layer by layer down; then every weight's derivative is a product of two "
    "numbers that are known.",
    latex=r"\delta^{(L)} \to \delta^{(l)} \to \frac{\partial e}{\partial w_{ij}^{(l)}} = \delta_j^{(l)} x_i^{(l-1)}",
    errata=("E-MAL-16",),
)
def _algorithm() -> Iterator[Evidence]:
    for net in (*NETS, _with_other_data(FIXTURE)):
        _, slopes_of = passes(net)
        leaves = [values(w) for w in net.weights]
        e = error(layers(leaves, net.x.tolist(), net.activations)[1][-1], net.y.tolist())
        yield Comparison(f"e, {net.activation}", np.array(slopes_of.loss), data(e))
        for layer, w in enumerate(leaves, start=1):
            yield Comparison(f"∂e/∂w of layer {layer}, {net.activation}", slopes_of.weights[layer - 1], slopes(e, w))
    yield from _batch_with_biases()


def _with_other_data(net: Net) -> Net:
    return Net(net.weights, net.x[::-1] * 0.7, np.array([0.2, 0.9]), net.activation)


def _batch_with_biases() -> Iterator[Evidence]:
    """Yield the slopes of three samples together, biases being weights of edges from a node that is always 1."""
    x = np.array([[0.5, -1.0, 2.0], [-0.3, 0.8, 0.1], [1.1, 0.9, -1.2]])
    y = np.array([[0.9, 0.2, 0.4], [0.3, 0.6, 0.7], [0.1, 0.8, 0.5]])
    weights = [*FIXTURE.weights, np.array([[0.7, -0.4, 0.9], [-0.3, 0.6, 0.2]])]
    biases = [np.array([0.3, -0.2, 0.5, 0.1]), np.array([-0.4, 0.7]), np.array([0.2, -0.6, 0.8])]
    formula = network.backward(weights, biases, x, y, MIXED)
    leaves = [values(np.vstack([w, b])) for w, b in zip(weights, biases, strict=True)]
    e: Nested = sum([_lifted_error(leaves, row, target) for row, target in zip(x.tolist(), y.tolist(), strict=True)])
    yield Comparison("e over three samples", np.array(formula.loss), data(e))
    for layer, w in enumerate(leaves, start=1):
        both = np.vstack([formula.weights[layer - 1], cast("Array", formula.biases[layer - 1])])
        yield Comparison(f"∂e/∂w of layer {layer} over three samples, biases last", both, slopes(e, w))


def _lifted_error(leaves: list[Nested], row: Nested, target: list[float]) -> Nested:
    for w, activation in zip(leaves, MIXED, strict=True):
        row = activated(activation, weighted(w, [*row, 1.0]))
    return error(row, target)


@item(
    "malik.full.cost",
    kind="claim",
    where="§3.6",
    statement="Backpropagation costs as much as there are weights, which is more than there are nodes.",
    latex=r"O\Big(\sum_l d^{(l-1)} d^{(l)}\Big)",
)
def _cost_in_weights() -> Iterator[Evidence]:
    rng = np.random.default_rng(0)
    counts: list[int] = []
    widths = (4, 8, 16, 32)
    for h in widths:
        outputs = on_paper([rng.normal(size=(h, h)) for _ in range(2)], rng.normal(size=h))
        total = outputs[0]
        for o in outputs[1:]:
            total = total + o
        counts.append(edges_of(total))
    by_weights = growth([2.0 * h * h for h in widths], counts)
    by_nodes = growth([3.0 * h for h in widths], counts)
    found = f"{counts} edges: order {by_weights:.2f} in the weights, {by_nodes:.2f} in the nodes"
    linear = abs(by_weights - 1.0) < 0.05 and abs(by_nodes - 2.0) < 0.1
    yield Finding("the edges of networks with h inputs, h hidden nodes and h outputs, h = 4, 8, 16, 32", found, linear)
