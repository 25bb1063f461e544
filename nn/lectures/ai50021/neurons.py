"""One neuron, its activation function, and what a network of neurons is."""
# pyright: reportUnusedFunction=false
# The decorators register what is declared here.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import numpy as np

from autograd_core.backward import gradients
from autograd_core.errors import ArgumentError
from autograd_core.op import OPS, Unary
from autograd_core.ops import add, mul, step, sum, tanh
from autograd_core.value import Number, Value
from nn.lectures.ai50021 import network
from nn.lectures.ai50021.fixtures import Net, random_net
from nn.lectures.ai50021.scalar import error, layers, leaves, neuron
from nn.lectures.graph import Nested, data, slopes, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, closed_form, erratum, item

__all__ = ["collapsed", "feed_forward_order", "neuron_input", "neuron_slope"]

POINTS = np.array([-2.3, -0.7, 0.4, 1.9])
"""Pre-activations on both sides of the kinks, and none on one."""


@closed_form
def neuron_input(z: Array, w: Array, b: float) -> float:
    """Return a_j = Σ_i z_i w_ij + b_j."""
    return float(np.sum(z * w) + b)


@closed_form
def neuron_slope(w: Array, slope: float) -> Array:
    """Return ∂z_j/∂z_i = g'(a_j) w_ij: it points along w."""
    return slope * w


@closed_form
def collapsed(weights: Sequence[Array], biases: Sequence[Array]) -> tuple[Array, Array]:
    """Return the one W and b that do what linear layers z -> zW + b do one after the other."""
    weight, bias = weights[0], biases[0]
    for W, b in zip(weights[1:], biases[1:], strict=True):
        weight, bias = weight @ W, bias @ W + b
    return weight, bias


def feed_forward_order(sources: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the neurons of a directed graph in an order in which each comes after those that feed it.

    Parameters
    ----------
    sources : for each neuron those that it takes as inputs.

    Raises
    ------
    ArgumentError : the graph has a cycle, so it is a recurrent network.

    >>> feed_forward_order({"z": ["x"], "x": []})
    ['x', 'z']
    """
    waiting = {name: set(inputs) for name, inputs in sources.items()}
    order: list[str] = []
    while waiting:
        ready = [name for name, inputs in waiting.items() if inputs.isdisjoint(waiting)]
        if not ready:
            raise ArgumentError(
                f"there is a cycle among the neurons {', '.join(waiting)}: a feed-forward network has none, cut one edge"
            )
        order += ready
        for name in ready:
            del waiting[name]
    return order


# ---------------------------------------------------------------- a single neuron


@item(
    "ai50021.neuron.forward",
    kind="formula",
    where='"A single Neuron"',
    statement="A neuron adds up its weighted inputs and its bias, and puts the sum through a non-linear function.",
    latex=r"a_j = \sum_{i=1}^d z_i w_{ij} + b_j, \qquad z_j = g(a_j)",
    shapes="z: (d,), w: (d,), a_j, b_j and z_j: numbers",
    notes="a is the pre-activation and z the activation; w_ij leads from i to j",
    errata=("E-AI-1",),
)
def _neuron() -> Iterator[Evidence]:
    z, w, b = np.array([0.4, -1.3, 0.9]), np.array([0.7, 0.2, -0.6]), 0.35
    for bias in (b, b + 1.0):
        a = np.asarray(neuron_input(z, w, bias))
        for g in network.ACTIVATIONS:
            node = cast("Value", neuron(values(w), z.tolist(), Value(bias), g))
            yield Comparison(f"z_j for g = {g}", network.activate(g, a), data(node))


def _activation(g: str) -> Iterator[Evidence]:
    op = cast("Unary", OPS[g])
    yield Comparison(f"{g}(a)", network.activate(g, POINTS), data([op(v) for v in values(POINTS)]))
    yield three_ways(f"{g}'(a)", lambda a: sum([op(x) for x in a]), POINTS, network.derivative(g, POINTS))


@item(
    "ai50021.act.threshold",
    kind="definition",
    where='"activation functions"',
    statement="The threshold fires, with 1, when its input is above 0, and does not at 0 itself.",
    latex=r"g(a) = [a > 0]",
    notes="0 at 0; another lecture takes 1 there",
    errata=("E-X-1",),
)
def _threshold() -> Iterator[Evidence]:
    yield from _activation("step")
    at = np.array([-1.0, 0.0, 1.0])
    yield Comparison("g(-1), g(0), g(1)", network.threshold(at), data([step(v) for v in values(at)]))
    yield Finding(
        "the threshold at 0", f"{network.threshold(at).tolist()}", network.threshold(at).tolist() == [0, 0, 1]
    )


@item(
    "ai50021.act.sigmoid",
    kind="definition",
    where='"activation functions"',
    statement="The sigmoid, or logistic function, rises smoothly from 0 to 1.",
    latex=r"g(a) = \frac{1}{1 + e^{-a}}",
)
def _sigmoid() -> Iterator[Evidence]:
    yield from _activation("sigmoid")


@item(
    "ai50021.act.relu",
    kind="definition",
    where='"activation functions"',
    statement="The rectified linear unit lets positive numbers through, and gives 0 for others.",
    latex=r"g(a) = \max(0, a)",
    notes="the lecture gives no derivative; at 0 the engine takes 0",
)
def _relu() -> Iterator[Evidence]:
    yield from _activation("relu")


# ---------------------------------------------------------------- what an activation function is good for


@item(
    "ai50021.act.threshold.nograd",
    kind="claim",
    where='"activation functions", beside the plot of the threshold',
    statement="A threshold has no gradient to follow, so the weights below it do not learn.",
)
def _threshold_has_no_gradient() -> Iterator[Evidence]:
    at = np.array([-2.0, -0.5, 0.7, 3.0])
    yield three_ways("[a > 0]'", lambda a: sum([step(x) for x in a]), at, np.zeros(4))
    net = random_net([2, 3, 2], ["step", "identity"], 4, 21)
    weights, biases = leaves(net)
    E = cast("Value", error(weights, biases, net.x.tolist(), net.y.tolist(), net.activations))
    below, above = (float(np.abs(slopes(E, W)).max()) for W in weights)
    found = f"largest |∂E/∂w| below the threshold {below:g}, above it {above:.3f}"
    yield Finding("a hidden layer of thresholds", found, below == 0.0 < above)
    by_hand = network.backward(net.weights, net.biases, net.x, net.y, net.activations)
    moved, _ = network.descend(net.weights, net.biases, by_hand, 0.5)
    kept, learnt = (bool(np.array_equal(W, new)) for W, new in zip(net.weights, moved, strict=True))
    yield Finding(
        "a step of gradient descent", f"weights below stay: {kept}; weights above stay: {learnt}", kept and not learnt
    )


@item(
    "ai50021.act.relu_better",
    kind="claim",
    where='"activation functions"',
    statement="A ReLU is said to be better than a sigmoid: in a deep stack its gradient does not die out on the way down.",
    notes="no theorem: what can be measured is the size of gradients",
)
def _relu_is_better() -> Iterator[Evidence]:
    ratios: dict[str, float] = {}
    for g in ("sigmoid", "relu"):
        net = random_net([8] * 11, [g] * 10, 4, 22)
        weights = [W * np.sqrt(2.0 / 8.0) for W in net.weights]
        found = network.backward(weights, [np.zeros(8)] * 10, net.x, net.y, net.activations).weights
        ratios[g] = float(np.linalg.norm(found[0]) / np.linalg.norm(found[-1]))
    shown = ", ".join(f"{g} {ratio:.1e}" for g, ratio in ratios.items())
    yield Finding(
        "‖∂E/∂W^(1)‖ / ‖∂E/∂W^(10)‖ in ten layers of eight", shown, ratios["relu"] > 100.0 * ratios["sigmoid"]
    )


@item(
    "ai50021.act.monotone",
    kind="claim",
    where='"activation functions"',
    statement="An activation function takes a number to a number, and a larger input never makes the neuron fire less.",
    latex=r"g: \mathbb{R} \to \mathbb{R}",
)
def _monotone() -> Iterator[Evidence]:
    grid = np.linspace(-4.0, 4.0, 401)
    for g in network.ACTIVATIONS:
        op = cast("Unary", OPS[g])
        least = float(np.diff(data([op(v) for v in values(grid)])).min())
        rises = float(network.activate(g, grid[-1:])[0] - network.activate(g, grid[:1])[0])
        yield Finding(
            f"{g} on 401 points from -4 to 4",
            f"smallest rise {least:g}, from end to end {rises:g}",
            least >= 0.0 < rises,
        )


@item(
    "ai50021.act.hyperplane",
    kind="claim",
    where='"meaning of an activation function"',
    statement="A neuron's output is constant on planes at right angles to w, and varies along w: its gradient is parallel to w.",
    latex=r"\frac{\partial z}{\partial x} = g'(a)\, w",
    shapes="x, w: (d,)",
    errata=("E-AI-2",),
)
def _hyperplane() -> Iterator[Evidence]:
    w, b, x0, across = np.array([0.6, -0.8]), 0.2, np.array([0.3, 0.5]), np.array([0.8, 0.6])
    slope = float(network.tanh_derivative(np.asarray(neuron_input(x0, w, b))))
    yield three_ways("∂z/∂x", lambda x: neuron(w.tolist(), x, b, "tanh"), x0, neuron_slope(w, slope))

    def along(direction: Array) -> Array:
        points = [x0 + t * direction for t in np.linspace(0.0, 1.0, 11)]
        return data([neuron(values(w), x.tolist(), b, "tanh") for x in points])

    level, rising = along(across), along(w)
    spread = float(np.ptp(level))
    yield Finding("tanh neuron along (.8, .6), at right angles to w", f"varies by {spread:.0e}", spread <= 1e-12)
    yield Finding("along w", f"from {rising[0]:.6f} to {rising[-1]:.6f}", bool(np.all(np.diff(rising) > 0.0)))


# ---------------------------------------------------------------- networks


@item(
    "ai50021.graph.structure",
    kind="architecture",
    where='"A neural network is a graph structure"',
    statement="Neurons are the nodes of a graph: each can feed many and be fed by many, all of one form with weights of their own.",
    errata=("E-AI-3",),
)
def _graph() -> Iterator[Evidence]:
    def fan_out(z: Nested) -> Number:
        return sum([tanh(mul(0.7, z)), tanh(mul(-1.2, z)), mul(0.4, z)])

    z = 0.3
    parts = 0.7 * (1 - np.tanh(0.7 * z) ** 2) - 1.2 * (1 - np.tanh(1.2 * z) ** 2) + 0.4
    yield three_ways("a neuron that feeds three: ∂E/∂z adds up", fan_out, z, parts)
    first, second = Value(0.5), Value(-1.5)
    fed = [float(d.data) for d in gradients(add(first, second), [first, second])]
    yield Finding("a sum that is fed by two", f"a derivative of {fed} goes to each whole", fed == [1.0, 1.0])


@item(
    "ai50021.linear.collapse",
    kind="claim",
    where='"Non-linear activation function is important"',
    statement="Linear layers on top of each other are one linear layer; only a non-linear g makes depth worth anything.",
    latex=r"(z W^{(1)} + b^{(1)}) W^{(2)} + b^{(2)} = z\, W^{(1)} W^{(2)} + (b^{(1)} W^{(2)} + b^{(2)})",
    shapes="W: (in, out), z: a row",
)
def _collapse() -> Iterator[Evidence]:
    def outputs(net: Net) -> Array:
        return data([layers(*leaves(net), row, net.activations)[-1] for row in net.x.tolist()])

    linear = random_net([3, 4, 5, 2], ["identity"] * 3, 4, 23)
    W, b = collapsed(linear.weights, [b for b in linear.biases if b is not None])
    yield Comparison("three linear layers as one", linear.x @ W + b, outputs(linear))
    bent = random_net([3, 4, 5, 2], ["tanh", "tanh", "identity"], 4, 23)
    gap = float(np.abs(bent.x @ W + b - outputs(bent)).max())
    yield Finding("the same weights with tanh between", f"differ from the one layer by {gap:.2f}", gap > 0.1)


@item(
    "ai50021.def.nn",
    kind="definition",
    where='"Definition: Neural Network"',
    statement="Any directed graph of neurons is a network: feed-forward without cycles, recurrent with them.",
    notes="recurrent networks are not covered; Values cannot even be recorded in a cycle, as each is made after its inputs",
)
def _definition() -> Iterator[Evidence]:
    feed_forward = {"z1": ["z4", "z5"], "z5": ["z6", "z7"], "z4": ["z6"], "z6": [], "z7": []}
    order = feed_forward_order(feed_forward)
    after = all(order.index(s) < order.index(t) for t, sources in feed_forward.items() for s in sources)
    yield Finding("an acyclic graph has an order to compute in", " ".join(order), after)
    try:
        refusal = f"ordered as {feed_forward_order({**feed_forward, 'z7': ['z5']})}"
    except ArgumentError as error:
        refusal = str(error)
    yield Finding("with an edge from z5 back to z7", refusal, refusal.startswith("there is a cycle"))


# ---------------------------------------------------------------- errata

erratum(
    "E-AI-1",
    kind="n",
    lecture="ai50021",
    printed="a_j = Σ z_i w_ij + b, with a bias that has no index",
    right="a_j = Σ z_i w_ij + b_j: a bias of its own for each neuron, as the lecture says itself three slides later",
    lesson="An index tells what is shared: one b for all neurons would have the gradient Σ_j ∂E/∂a_j, b_j has its own ∂E/∂a_j.",
)(None)

erratum(
    "E-AI-2",
    kind="n",
    lecture="ai50021",
    printed="the output of the activation function is called a_j",
    right="the output is z_j = g(a_j); a_j is what goes in",
    lesson="Pre-activation and activation are best kept apart by their letters: other lectures use the same two the other way round.",
)(None)

erratum(
    "E-AI-3",
    kind="n",
    lecture="ai50021",
    printed="a neuron can receive input to many others",
    right="a neuron can receive input from many others",
    lesson="Edges have a direction: values flow along it, and gradients against it.",
)(None)
