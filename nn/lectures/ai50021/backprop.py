"""Backpropagation as an algorithm: the chain rule from the top down, with terms used again."""
# pyright: reportUnusedFunction=false
# The decorators register what is declared here.

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TypeAlias, cast

import numpy as np

from autograd_core.draw import draw
from autograd_core.graph import topological_order
from autograd_core.ops import dot, sum, tanh
from autograd_core.value import Number, Value
from nn.lectures.ai50021 import network
from nn.lectures.ai50021.fixtures import NETS, WORKED, Net, random_net
from nn.lectures.ai50021.neurons import feed_forward_order
from nn.lectures.ai50021.scalar import error, layers, leaves, nll, plain
from nn.lectures.graph import Nested, data, slopes, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item
from nn.optim import SGD

__all__ = ["assembled", "from_paths", "from_recursion", "general_slopes", "shared_slope"]

Edges: TypeAlias = Mapping[str, Mapping[str, float]]
"""For each neuron the weights of its inputs, by their names."""


# ---------------------------------------------------------------- closed forms


@closed_form
def assembled(weights: Sequence[Array], biases: Sequence[Array | None]) -> Array:
    """Return weights, or their gradients, as one vector: for each layer W source by source, then b."""
    parts: list[Array] = []
    for W, b in zip(weights, biases, strict=True):
        parts += [W.ravel()] if b is None else [W.ravel(), b]
    return np.concatenate(parts)


@closed_form
def shared_slope(slope: Array, places: Sequence[tuple[int, int]]) -> float:
    """Return ∂E/∂w_v = Σ_z ∂E/∂z ∂z/∂w_v for a weight that several edges of a layer share."""
    return float(np.sum([slope[place] for place in places]))


@closed_form
def from_recursion(top: Array, jacobians: Sequence[Array]) -> Array:
    """Return ∂E/∂z^(0) from ∂E/∂z^(N) and each ∂z^(k)/∂z^(k-1), of shape (k-1, k): one layer after the other."""
    dz = top
    for J in jacobians[::-1]:
        dz = J @ dz
    return dz


@closed_form
def from_paths(top: Array, jacobians: Sequence[Array], start: int) -> float:
    """Return one component of the same as a sum over all paths, each a product of its own."""
    width = len(top)
    total = 0.0
    for path in product(range(width), repeat=len(jacobians)):
        sources = (start, *path)
        total += top[path[-1]] * np.prod([J[sources[k], path[k]] for k, J in enumerate(jacobians)])
    return float(total)


@closed_form
def general_slopes(
    edges: Edges, z: Mapping[str, float], top: Mapping[str, float], order: Sequence[str]
) -> dict[str, float]:
    """Return ∂E/∂z of every neuron of a graph without layers, from ∂E/∂z of its outputs; g = tanh.

    A neuron's is the sum over all neurons that take it as an input: ∂E/∂z_j g'(a_j) w_ij.
    """
    dz = dict.fromkeys(order, 0.0) | dict(top)
    for target in reversed(order):
        for source, w in edges[target].items():
            dz[source] += dz[target] * (1.0 - z[target] ** 2) * w
    return dz


# ---------------------------------------------------------------- evidence for whole networks


def _by_hand(net: Net) -> network.Slopes:
    return network.backward(net.weights, net.biases, net.x, net.y, net.activations)


def _with(members: list[Nested], i: int, new: Nested) -> list[Nested]:
    return [*members[:i], new, *members[i + 1 :]]


def _activations(net: Net) -> Iterator[Evidence]:
    """Yield ∂E/∂z of every layer: what is above it is a network by itself, with z as its input."""
    weights, biases = plain(net)
    z = network.forward(net.weights, net.biases, net.x, net.activations).activations
    found = _by_hand(net)
    for i, formula in enumerate([found.inputs, *found.deltas]):

        def above(z: Nested, i: int = i) -> Number:
            return error(weights[i:], biases[i:], z, net.y.tolist(), net.activations[i:])

        yield three_ways(f"∂E/∂z^({i})", above, z[i], formula)


def _parameters(net: Net) -> Iterator[Evidence]:
    weights, biases = plain(net)
    x, y, g, found = net.x.tolist(), net.y.tolist(), net.activations, _by_hand(net)
    for i, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        yield three_ways(
            f"∂E/∂W^({i + 1})", lambda v, i=i: error(_with(weights, i, v), biases, x, y, g), W, found.weights[i]
        )
        if b is not None:
            yield three_ways(
                f"∂E/∂b^({i + 1})",
                lambda v, i=i: error(weights, _with(biases, i, v), x, y, g),
                b,
                cast("Array", found.biases[i]),
            )


def _flat(weights: list[list[list[Value]]], biases: list[list[Value] | None]) -> list[Value]:
    """Return the leaves in the order of `assembled`."""
    layers = zip(weights, biases, strict=True)
    return [v for W, b in layers for row in [*W, *([] if b is None else [b])] for v in row]


def _trained(net: Net, rate: float, steps: int) -> Iterator[tuple[Array, Array]]:
    """Yield all parameters after each step of gradient descent, by hand and by the engine."""
    weights, biases = net.weights, net.biases
    graph_W, graph_b = leaves(net)
    flat = _flat(graph_W, graph_b)
    optimiser = SGD(flat, lr=rate)
    for _ in range(steps):
        found = network.backward(weights, biases, net.x, net.y, net.activations)
        weights, biases = network.descend(weights, biases, found, rate)
        optimiser.zero_grad()
        cast("Value", error(graph_W, graph_b, net.x.tolist(), net.y.tolist(), net.activations)).backward()
        optimiser.step()
        yield assembled(weights, biases), data(flat)


@item(
    "ai50021.learn.recipe",
    kind="algorithm",
    where='"how to learn"',
    statement="Choose a loss on the outputs, compute its gradient by all weights, and descend.",
    latex=r"w \leftarrow w - \eta \frac{\partial E(f(x), y)}{\partial w}",
    notes="minimises: descent",
)
def _recipe() -> Iterator[Evidence]:
    before = _by_hand(WORKED)
    W, b = network.descend(WORKED.weights, WORKED.biases, before, 0.1)
    after = network.backward(W, b, WORKED.x, WORKED.y, WORKED.activations).loss
    yield Finding(
        "one step of 0.1 on the worked net", f"E goes from {before.loss:.6f} to {after:.6f}", after < before.loss
    )
    for step, (by_hand, by_engine) in enumerate(_trained(WORKED, 0.1, 5), start=1):
        yield Comparison(f"all weights after step {step}", by_hand, by_engine)


@item(
    "ai50021.bp.takeaway1",
    kind="algorithm",
    where='"Backprop Takeaway 1"',
    statement="Start with the loss by the top layer, go down by the chain rule, and at a layer take the derivative by its weights.",
    latex=r"\frac{\partial E}{\partial z^{(k)}} = \sum_{z^{(k+1)}} \frac{\partial E}{\partial z^{(k+1)}} \frac{\partial z^{(k+1)}}{\partial z^{(k)}}, \qquad "
    r"\frac{\partial E}{\partial w_v^{(l)}} = \sum_{z^{(l)}} \frac{\partial E}{\partial z^{(l)}} \frac{\partial z^{(l)}}{\partial w_v^{(l)}}",
    notes="the sum of the last row has more than one term only where neurons share a weight",
)
def _takeaway1() -> Iterator[Evidence]:
    for net in NETS:
        yield from _activations(net)
    places = [(0, 0), (1, 1)]
    formula = shared_slope(_by_hand(WORKED).weights[0], places)
    (first, second), biases = plain(WORKED)

    def tied(change: Nested) -> Number:
        shared = [[w + change if (i, j) in places else w for j, w in enumerate(row)] for i, row in enumerate(first)]
        return error([shared, second], biases, WORKED.x.tolist(), WORKED.y.tolist(), WORKED.activations)

    yield three_ways("a weight that two neurons share", tied, 0.0, formula)


@item(
    "ai50021.bp.takeaway2",
    kind="claim",
    where='"Backprop Takeaway 2"',
    statement="The same way down gives the derivatives by the weights of all layers, not of one alone.",
)
def _takeaway2() -> Iterator[Evidence]:
    for net in NETS:
        weights, biases = leaves(net)
        cast("Value", error(weights, biases, net.x.tolist(), net.y.tolist(), net.activations)).backward()
        grads = [np.array([[w.grad for w in row] for row in W]) for W in weights]
        for i, (formula, grad) in enumerate(zip(_by_hand(net).weights, grads, strict=True), start=1):
            yield Comparison(f"∂E/∂W^({i}), all from one backward()", formula, grad)


@item(
    "ai50021.bp.algorithm",
    kind="algorithm",
    where='"Backpropagation as algorithm for layered NNs"',
    statement="From the top layer to the first: get ∂E/∂z, directly at the top and else from the layer above; then, in both cases, ∂E/∂w.",
    latex=r"\frac{\partial E}{\partial z_i^{(l)}} = \sum_j \frac{\partial E}{\partial z_j^{(l+1)}} \frac{\partial z_j^{(l+1)}}{\partial z_i^{(l)}}, \qquad "
    r"\frac{\partial E}{\partial w_{hi}^{(l)}} = \frac{\partial E}{\partial z_i^{(l)}} \frac{\partial z_i^{(l)}}{\partial w_{hi}^{(l)}}",
    shapes="w_hi leads from neuron h of layer l-1 to neuron i of layer l",
    errata=("E-AI-16",),
)
def _algorithm() -> Iterator[Evidence]:
    for net in NETS:
        graph = data([layers(*leaves(net), row, net.activations)[-1] for row in net.x.tolist()])
        trace = network.forward(net.weights, net.biases, net.x, net.activations)
        yield Comparison("z^(N), forward", trace.activations[-1], graph)
        yield from _parameters(net)
    for step, (by_hand, by_engine) in enumerate(_trained(NETS[2], 0.3, 5), start=1):
        yield Comparison(f"all parameters after step {step}", by_hand, by_engine)


@item(
    "ai50021.bp.assemble",
    kind="convention",
    where="after the algorithm",
    statement="All derivatives go into one long vector, and one descends in the space of all weights.",
    notes="the lecture leaves the order open; here layer by layer, W source by source, then b",
)
def _assemble() -> Iterator[Evidence]:
    for net in NETS:
        found = _by_hand(net)
        weights, biases = leaves(net)
        flat = _flat(weights, biases)
        E = cast("Value", error(weights, biases, net.x.tolist(), net.y.tolist(), net.activations))
        yield Comparison("the gradient as one vector", assembled(found.weights, found.biases), slopes(E, flat))
    net = NETS[2]
    found = _by_hand(net)
    moved = assembled(*network.descend(net.weights, net.biases, found, 0.25))
    at_once = assembled(net.weights, net.biases) - 0.25 * assembled(found.weights, found.biases)
    gap = float(np.abs(moved - at_once).max())
    yield Finding("a step on the vector against one on each matrix", f"differ by {gap:g}", gap == 0.0)


# ---------------------------------------------------------------- terms used again


def _chain() -> tuple[Array, list[Array], Number, Nested]:
    """Return ∂E/∂z^(N), the ∂z^(k)/∂z^(k-1), and E and x as a graph: five layers of four neurons."""
    net = random_net([4] * 6, ["tanh"] * 5, 1, 41, biased=False)
    trace = network.forward(net.weights, net.biases, net.x, net.activations)
    jacobians = [W * network.tanh_derivative(a) for W, a in zip(net.weights, trace.pre_activations, strict=True)]
    x = values(net.x[0], "x")
    E = nll(layers(net.weights, net.biases, x, net.activations)[-1], net.y[0].tolist())
    return _by_hand(net).deltas[-1][0], jacobians, E, x


@item(
    "ai50021.bp.reuse",
    kind="claim",
    where='"another Backprop Takeaway"',
    statement="∂z^(k)/∂z^(k-1) is computed once and used for the weights of all levels from k-1 down: that makes it fast.",
    errata=("E-AI-17",),
)
def _reuse() -> Iterator[Evidence]:
    top, jacobians, E, x = _chain()
    graph = slopes(cast("Value", E), x)
    yield Comparison("∂E/∂z^(0), layer by layer", from_recursion(top, jacobians), graph)
    yield Comparison("∂E/∂z_1^(0) as a sum over paths", np.asarray(from_paths(top, jacobians, 0)), graph[0])
    paths, once = 4 ** len(jacobians), len(jacobians) * 4 * 4
    each = paths * len(jacobians)
    found = f"{paths} paths take {each} multiplications for one input, the recursion {once} for all four"
    yield Finding("five layers of four neurons", found, each > 60 * once)


@item(
    "ai50021.bp.general",
    kind="algorithm",
    where='"Backpropagation in general"',
    statement="Without layers the same holds, with all neurons that take the present one as an input in place of the next layer.",
    latex=r"\frac{\partial E}{\partial z_i} = \sum_{j:\, i \to j} \frac{\partial E}{\partial z_j} \frac{\partial z_j}{\partial z_i}",
)
def _general() -> Iterator[Evidence]:
    for shortcut in (0.35, 0.0):
        yield three_ways(
            f"∂E/∂x with a shortcut from z_6 to z_2 of {shortcut:g}",
            lambda x, s=shortcut: _graph_with(s, x),
            WORKED.x[0],
            _slopes_with(shortcut),
        )


@item(
    "ai50021.bp.shortcuts",
    kind="claim",
    where='"Backprop Takeaway 1"',
    statement="Shortcuts between layers are left out for ease of writing, and can be treated in the same way.",
)
def _shortcuts() -> Iterator[Evidence]:
    yield three_ways("∂E/∂x with a shortcut", lambda x: _graph_with(0.35, x), WORKED.x[0], _slopes_with(0.35))
    z, top = _state_with(0.35)
    layered = general_slopes(_edges(0.0), z, top, feed_forward_order(_edges(0.35)))
    gap = float(np.abs(_slopes_with(0.35) - [layered["z6"], layered["z7"]]).max())
    yield Finding(
        "the layered formula on the same net", f"misses what flows along the shortcut: off by {gap:.3f}", gap > 1e-3
    )


@item(
    "ai50021.bp.flow",
    kind="claim",
    where='"Backpropagation in general", a figure that is not in the text',
    statement="Values flow along the edges up to the loss, and gradients flow from it against them.",
)
def _flow() -> Iterator[Evidence]:
    x = values(WORKED.x[0], "x")
    E = cast("Value", _graph_with(0.35, x))
    E.backward()
    order = topological_order(E)
    swept = [v for v in order if not v.is_constant]
    source = draw(E).source
    shown = len([v for v in swept if f"data {v.data:.5g}<" in source and f"grad {v.grad:.5g}<" in source])
    yield Finding("the drawing", f"shows data and grad of {shown} of {len(swept)} values", shown == len(swept))
    place = {v: i for i, v in enumerate(order)}
    forward = all(place[i] < place[v] for v in order for i in v.inputs)
    yield Finding(
        "each value after its inputs, so each gradient before them", f"{len(order)} nodes, all so: {forward}", forward
    )
    yield Comparison("what arrives at the inputs", _slopes_with(0.35), np.array([v.grad for v in x]))


def _edges(shortcut: float) -> dict[str, dict[str, float]]:
    """Return the worked net, inputs first, with one more edge from z6 to z2 unless its weight is 0."""
    W_hidden, W_out = (W.tolist() for W in WORKED.weights)
    edges: dict[str, dict[str, float]] = {"z6": {}, "z7": {}}
    edges |= {f"z{j}": {f"z{i}": W_hidden[i - 6][j - 4] for i in (6, 7)} for j in (4, 5)}
    edges |= {f"z{k}": {f"z{j}": W_out[j - 4][k - 1] for j in (4, 5)} for k in (1, 2, 3)}
    if shortcut:
        edges["z2"]["z6"] = shortcut
    return edges


def _graph_with(shortcut: float, x: Nested) -> Number:
    z: dict[str, Number] = dict(zip(("z6", "z7"), x, strict=True))
    for name, inputs in _edges(shortcut).items():
        if inputs:
            z[name] = cast("Number", tanh(dot(list(inputs.values()), [z[source] for source in inputs])))
    return nll([z[name] for name in ("z1", "z2", "z3")], WORKED.y[0].tolist())


def _state_with(shortcut: float) -> tuple[dict[str, float], dict[str, float]]:
    """Return every z of the first sample, and ∂E/∂z of the outputs."""
    z: dict[str, float] = dict(zip(("z6", "z7"), WORKED.x[0].tolist(), strict=True))
    edges = _edges(shortcut)
    for name in feed_forward_order(edges):
        if edges[name]:
            z[name] = float(np.tanh(np.sum([w * z[source] for source, w in edges[name].items()])))
    p = network.softmax(np.array([z["z1"], z["z2"], z["z3"]]))
    dz = p - (WORKED.y[0] + 1.0) / 2.0
    return z, dict(zip(("z1", "z2", "z3"), dz.tolist(), strict=True))


def _slopes_with(shortcut: float) -> Array:
    edges = _edges(shortcut)
    z, top = _state_with(shortcut)
    dz = general_slopes(edges, z, top, feed_forward_order(edges))
    return np.array([dz["z6"], dz["z7"]])


# ---------------------------------------------------------------- errata

erratum(
    "E-AI-16",
    kind="o",
    lecture="ai50021",
    printed="the line for ∂E/∂w is indented under else, so the output layer's weights get no gradient; and its index is w_hi",
    right="the line holds for every layer l, N included; w_hi is (source, target), unlike w_{2,5}",
    lesson="An indent decides what a loop does: check an algorithm at its first step, where l = N.",
)(None)


@erratum(
    "E-AI-17",
    kind="m",
    lecture="ai50021",
    printed="∂z^(k)/∂z^(k-1) is used again for the weights of levels below k-1",
    right="of levels k-1 and below",
    lesson="The weights of level k-1 end in z^(k-1), so their way to the loss leads through ∂z^(k)/∂z^(k-1) as well.",
)
def _levels_that_use_it() -> Iterator[Miss]:
    net, k = NETS[4], 4
    weights, biases = leaves(net)
    parts: list[Number] = []
    for row, y in zip(net.x.tolist(), net.y.tolist(), strict=True):
        z = layers(weights[: k - 1], biases[: k - 1], row, net.activations[: k - 1])[-1]
        cut = [cast("Value", v).detach() for v in z]  # nothing flows along ∂z^(k)/∂z^(k-1)
        parts.append(nll(layers(weights[k - 1 :], biases[k - 1 :], cut, net.activations[k - 1 :])[-1], y))
    E = sum(parts)
    uses = np.array([float(not np.any(slopes(E, W))) for W in weights])
    printed = np.array([float(level < k - 1) for level in (1, 2, 3, 4)])
    right = np.array([float(level <= k - 1) for level in (1, 2, 3, 4)])
    yield Miss("whether ∂E/∂W^(l), l = 1...4, loses all without ∂z^(4)/∂z^(3)", printed, right, uses)
