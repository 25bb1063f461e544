"""§3.1 and §3.2: the chain rule over several paths, and the notation for layers."""

# pyright: reportUnusedFunction=false
# Evidence is called by the registry that the decorator puts it in.

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograd_core.ops import sin, square
from nn.lectures.graph import Nested, central, data, jacobian, slopes, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, item
from nn.lectures.malik import forms, network
from nn.lectures.malik.nets import FIXTURE, NETS, error, layers, loss_of, values_of

__all__ = ["example", "example_by_path", "input_slope_on_graph"]

YS = (1.3, -0.7, 2.0)


def example(y: Nested) -> Nested:
    """Return f = x²z with x = 2y and z = sin y."""
    return _over(y[0], y[0])


def _over(first: Nested, second: Nested) -> Nested:
    """Return f with a y for each path: the first acts over x, the second over z."""
    return square(2.0 * first) * sin(second)


def example_by_path(y: float) -> tuple[float, float]:
    """Return df/dy along the path over x alone, and along that over z alone, by the engine."""
    (a,), (b,) = values([y]), values([y])
    f = _over(a, b)
    return float(slopes(f, [a])[0]), float(slopes(f, [b])[0])


@item(
    "malik.bp.idea",
    kind="claim",
    where="§3",
    statement="Compute δ at the outputs, from it δ at the hidden nodes, and so on down: what layers have in common is "
    "computed once.",
    notes="δ stops at the first hidden layer: no weight needs one at the inputs",
    errata=("E-MAL-10",),
)
def _backwards() -> Iterator[Evidence]:
    for net in NETS:
        slopes_of = network.backward(net.weights, net.biases, *net.rows, net.activations)
        count = len(slopes_of.deltas)
        engine = slopes(loss_of(net, 1, leaves := values(net.weights[0])), leaves)
        yield Comparison(
            f"∂e/∂w of layer 1 from {count} layers of δ, none of them at the inputs", slopes_of.weights[0], engine
        )
        formula = forms.input_slope(slopes_of.deltas[0], net.weights[0])[0]
        yield Comparison(
            "∂e/∂x at the inputs, which needs no g'",
            formula,
            input_slope_on_graph(net.weights, net.x, net.y, net.activation),
        )
        used = [w.shape[1] for w in net.weights]
        found = f"δ of {[d.shape[1] for d in slopes_of.deltas]} nodes"
        yield Finding("one δ for each node that weights lead to", found, [d.shape[1] for d in slopes_of.deltas] == used)


def input_slope_on_graph(weights: tuple[Array, ...], x: Array, y: Array, activation: str) -> Array:
    """Return ∂e/∂x of a network by the engine."""
    leaves = values(x)
    _, post = layers([w.tolist() for w in weights], leaves, [activation] * len(weights))
    return slopes(error(post[-1], y.tolist()), leaves)


@item(
    "malik.chain.example",
    kind="example",
    where="§3.1",
    statement="A derivative is the sum over all paths: f depends on y over x and, apart from that, over z.",
    latex=r"\frac{df}{dy} = \frac{\partial f}{\partial x}\frac{dx}{dy} + \frac{\partial f}{\partial z}\frac{dz}{dy}"
    r" = 8 y \sin y + 4 y^2 \cos y",
    notes="f = x²z, x = 2y, z = sin y",
    errata=("E-MAL-11",),
)
def _two_paths() -> Iterator[Evidence]:
    for y in YS:
        yield three_ways(f"df/dy at y = {y}", example, [y], forms.chain_example(np.array([y])))
        over_x, over_z = example_by_path(y)
        total = float(forms.chain_example(np.array(y)))
        found = f"{over_x:.6f} over x, {over_z:.6f} over z, {total:.6f} in all"
        yield Finding(
            f"both paths count at y = {y}", found, bool(np.isclose(over_x + over_z, total) and abs(over_z) > 1e-3)
        )


@item(
    "malik.notation.layers",
    kind="convention",
    where="§3.2",
    statement="A weight carries the number of the layer that its edge goes to; layers are numbered from 1 to L, inputs being 0.",
    latex=r"w^{(l)}_{ij}:\ i \text{ in layer } l - 1 \to j \text{ in layer } l",
    shapes="W^(l): (d^(l-1), d^(l))",
)
def _numbering() -> Iterator[Evidence]:
    for net in NETS:
        x, _ = net.rows
        trace = network.forward(net.weights, net.biases, x, net.activations)
        d = [nodes.shape[1] for nodes in trace.activations]
        shapes = [w.shape for w in net.weights]
        expected = [(d[layer - 1], d[layer]) for layer in range(1, len(d))]
        yield Finding(f"d = {d}, l = 1 to {len(d) - 1}", f"weights of shapes {shapes}", shapes == expected)


@item(
    "malik.layers.forward",
    kind="formula",
    where="§3.2",
    statement="Layer by layer: each node adds up the layer below, weighted, and bends the sum.",
    latex=r"S_j^{(l)} = \sum_{i=1}^{d^{(l-1)}} w_{ij}^{(l)} x_i^{(l-1)}, \quad x_j^{(l)} = g(S_j^{(l)})",
    shapes="x^(l), S^(l): (d^(l),)",
)
def _forward() -> Iterator[Evidence]:
    for net in NETS:
        x, _ = net.rows
        trace = network.forward(net.weights, net.biases, x, net.activations)
        pre, post = layers(values_of(net.weights), net.x.tolist(), net.activations)
        for layer, (s, o) in enumerate(zip(pre, post[1:], strict=True), start=1):
            yield Comparison(f"S of layer {layer}, {net.activation}", trace.pre_activations[layer - 1][0], data(s))
            yield Comparison(f"x of layer {layer}, {net.activation}", trace.activations[layer][0], data(o))
        leaves = values(net.x)
        ahead = layers([net.weights[0].tolist()], leaves, net.activations[:1])[0][0]
        yield Comparison("∂S/∂x of layer 1", net.weights[0].T, jacobian(ahead, leaves))
    slope = central(lambda w: layers([w], FIXTURE.x.tolist(), ["sigmoid"])[0][0][1], FIXTURE.weights[0])
    formula = np.zeros((3, 4))
    formula[:, 1] = FIXTURE.x
    yield Comparison("∂S_2/∂w of layer 1", formula, None, slope)
