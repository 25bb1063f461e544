"""The XOR problem: two networks that solve it, what their tables round away, and whether one can be learnt."""
# pyright: reportUnusedFunction=false
# The decorators register what is declared here.

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np

from autograd_core.ops import add, dot, mul, tanh
from autograd_core.value import Number
from nn.lectures.ai50021 import network
from nn.lectures.ai50021.fixtures import labels
from nn.lectures.graph import Nested, data, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item

__all__ = [
    "BLUE",
    "CORNERS",
    "RED",
    "inputs_of_net1",
    "inputs_of_net2",
    "net1",
    "net1_slope",
    "net2",
    "net2_slope",
    "noisy",
    "pushed",
]

BLUE = np.array([[-1.0, -1.0], [1.0, 1.0]])
RED = np.array([[-1.0, 1.0], [1.0, -1.0]])
CORNERS = np.vstack([BLUE, RED])
"""The four points that samples lie around, the blue ones first."""

OTHER = np.array([[0.35, -0.6], [-0.8, 0.15], [0.45, 0.7]])
"""Points that are no corners, where no two numbers are equal."""


# ---------------------------------------------------------------- the lecture's nets, (z_1, z_2) in rows


@closed_form
def pushed(x: Array) -> Array:
    """Return z_1 = tanh(10 x_1) and z_2 = tanh(10 x_2)."""
    return np.tanh(10.0 * x)


@closed_form
def inputs_of_net1(z: Array) -> Array:
    """Return the pre-activations z_1 + z_2 - 1 and -(z_1 + z_2) - 1."""
    z1, z2 = z.T
    return np.stack([z1 + z2 - 1.0, -(z1 + z2) - 1.0], axis=1)


@closed_form
def net1(z: Array) -> Array:
    """Return z_3 + z_4 of the first net."""
    z3, z4 = np.tanh(inputs_of_net1(z)).T
    return z3 + z4


@closed_form
def net1_slope(z: Array) -> Array:
    """Return the derivatives of the first net's output by z_1 and z_2, which are equal."""
    g3, g4 = network.tanh_derivative(inputs_of_net1(z)).T
    return np.stack([g3 - g4, g3 - g4], axis=1)


@closed_form
def inputs_of_net2(z: Array) -> Array:
    """Return the pre-activations 1 + (z_1 - z_2) and 1 - (z_1 - z_2)."""
    z1, z2 = z.T
    return np.stack([1.0 + (z1 - z2), 1.0 - (z1 - z2)], axis=1)


@closed_form
def net2(z: Array) -> Array:
    """Return z_3 + z_4 of the second net."""
    z3, z4 = np.tanh(inputs_of_net2(z)).T
    return z3 + z4


@closed_form
def net2_slope(z: Array) -> Array:
    """Return the derivatives of the second net's output by z_1 and z_2, which differ in sign alone."""
    g3, g4 = network.tanh_derivative(inputs_of_net2(z)).T
    return np.stack([g3 - g4, g4 - g3], axis=1)


# ---------------------------------------------------------------- the same as graphs


def _pushed(x: Nested) -> list[Number]:
    return [tanh(mul(10.0, v)) for v in x]


def _graph_inputs(signs: Sequence[Sequence[float]], bias: float, z: Nested) -> list[Number]:
    return [add(dot(row, z), bias) for row in signs]


def _graph1(z: Nested) -> list[Number]:
    return _graph_inputs([[1.0, 1.0], [-1.0, -1.0]], -1.0, z)


def _graph2(z: Nested) -> list[Number]:
    return _graph_inputs([[1.0, -1.0], [-1.0, 1.0]], 1.0, z)


def _output(graph: Callable[[Nested], list[Number]], z: Nested) -> Number:
    g = cast("Callable[[Number], Number]", tanh)
    z3, z4 = graph(z)
    return g(z3) + g(z4)


def _outputs(graph: Callable[[Nested], list[Number]], points: Array) -> Array:
    return data([_output(graph, z) for z in values(points)])


def noisy(count: int) -> tuple[Array, Array]:
    """Return samples around the corners, and whether each is blue; noise of σ = .25, cut off at ±.8.

    >>> x, blue = noisy(3)
    >>> x.shape, int(blue.sum())
    ((12, 2), 6)
    """
    noise = np.clip(np.random.default_rng(31).normal(0.0, 0.25, (4 * count, 2)), -0.8, 0.8)
    return np.repeat(CORNERS, count, axis=0) + noise, np.repeat([True, True, False, False], count)


# ---------------------------------------------------------------- items


@item(
    "ai50021.xor.data",
    kind="example",
    where='"The XOR problem"',
    statement="Blue samples lie around (-1, -1) and (1, 1), red ones around (-1, 1) and (1, -1): no straight line parts them.",
)
def _data() -> Iterator[Evidence]:
    angles, offsets = np.linspace(0.0, 2.0 * np.pi, 181), np.linspace(-3.0, 3.0, 61)
    side = CORNERS @ np.array([np.cos(angles), np.sin(angles)])
    fires = side[:, :, None] + offsets > 0.0
    blue = np.array([True, True, False, False])[:, None, None]
    best = int(np.sum(fires == blue, axis=0).max())
    yield Finding("181 x 61 lines, each a linear unit", f"the best gets {best} of 4 corners right", best == 3)


@item(
    "ai50021.xor.layer1",
    kind="formula",
    where='"The XOR problem"',
    statement="A steep tanh pushes samples towards the corners.",
    latex=r"z_1 = \tanh(10 x_1), \qquad z_2 = \tanh(10 x_2)",
)
def _layer1() -> Iterator[Evidence]:
    x = np.array([[0.03, -0.11], [0.2, 1.0]])
    yield Comparison("z_1, z_2", pushed(x), data([_pushed(row) for row in values(x)]))
    least = float(np.abs(pushed(np.linspace(0.2, 1.8, 33))).min())
    yield Finding("|z| wherever |x| is at least .2", f"at least {least:.3f}", least > 0.96)


def _net(
    what: str,
    form: Callable[[Array], Array],
    slope: Callable[[Array], Array],
    graph: Callable[[Nested], list[Number]],
    cut: float,
) -> Iterator[Evidence]:
    points = np.vstack([CORNERS, OTHER])
    yield Comparison(f"{what}: z_3 + z_4", form(points), _outputs(graph, points))
    yield Comparison(
        f"{what} from x, its first layer included",
        form(pushed(points)),
        data([_output(graph, _pushed(x)) for x in values(points)]),
    )
    for z in OTHER:
        yield three_ways(f"{what}: ∂(z_3 + z_4)/∂z", lambda at: _output(graph, at), z, slope(z[None])[0])
    x, blue = noisy(200)
    right = np.count_nonzero((form(pushed(x)) > cut) == blue) / len(x)
    yield Finding(f"{what} on 800 noisy samples, blue above {cut:g}", f"{right:.1%} right", right == 1.0)


@item(
    "ai50021.xor.net1",
    kind="example",
    where='"The XOR problem"',
    statement="One neuron fires for (1, 1) and one for (-1, -1); their sum is larger for blue samples than for red ones.",
    latex=r"z_3 = \tanh(z_1 + z_2 - 1), \quad z_4 = \tanh(-(z_1 + z_2) - 1), \quad z_3 + z_4",
)
def _net1() -> Iterator[Evidence]:
    yield from _net("net 1", net1, net1_slope, _graph1, -1.0)


def _table(
    form: Callable[[Array], Array], graph: Callable[[Nested], list[Number]], printed: list[list[float]]
) -> Iterator[Evidence]:
    graph_side = data([graph(z) for z in values(CORNERS)])
    yield Comparison("pre-activations of z_3 and z_4", form(CORNERS), graph_side)
    off = float(np.abs(form(CORNERS) - printed).max())
    yield Finding("the printed pre-activations", f"differ by {off:g}", off == 0.0)
    signs = bool(np.all(np.sign(np.tanh(graph_side)) == np.sign(printed)))
    yield Finding("the printed tanh columns, ±1", f"have the right signs: {signs}", signs)


@item(
    "ai50021.xor.net1.table",
    kind="table",
    where='"The XOR problem"',
    statement="At the corners: -3, -1 and 1, 1; 1, 1 and -3, -1; -1, -1 and -1, -1 for both red ones, each pre-activation with its tanh rounded.",
    notes="the rounded tanh is the limit of tanh(c a) for a large gain c",
    errata=("E-AI-4",),
)
def _net1_table() -> Iterator[Evidence]:
    yield from _table(inputs_of_net1, _graph1, [[-3.0, 1.0], [1.0, -3.0], [-1.0, -1.0], [-1.0, -1.0]])
    steep = np.tanh(5.0 * inputs_of_net1(CORNERS)).sum(axis=1)
    near = float(np.abs(steep - [0.0, 0.0, -2.0, -2.0]).max())
    yield Finding("with tanh(5a) in place of tanh(a)", f"the printed sums 0 and -2 are met to {near:.1e}", near < 1e-3)


@item(
    "ai50021.xor.net2",
    kind="example",
    where='"The XOR problem"',
    statement="Other weights part the same samples: here the sum is 2 in the limit for blue and 0 for red.",
    latex=r"z_3 = \tanh(1 + (z_1 - z_2)), \quad z_4 = \tanh(1 - (z_1 - z_2)), \quad z_3 + z_4",
)
def _net2() -> Iterator[Evidence]:
    yield from _net("net 2", net2, net2_slope, _graph2, 1.0)


@item(
    "ai50021.xor.net2.table",
    kind="table",
    where='"The XOR problem"',
    statement="At the corners: 1, 1 and 1, 1 for both blue ones; -1, -1 and 3, 1; 3, 1 and -1, -1, each pre-activation with its tanh rounded.",
    errata=("E-AI-5",),
)
def _net2_table() -> Iterator[Evidence]:
    yield from _table(inputs_of_net2, _graph2, [[1.0, 1.0], [1.0, 1.0], [-1.0, 3.0], [3.0, -1.0]])


@item(
    "ai50021.xor.multiple",
    kind="claim",
    where='"The XOR problem", on several solutions',
    statement="Different weights solve the same task, as a function can have several minima.",
    notes="the two nets are mirror images: net2(z_1, z_2) = -net1(z_1, -z_2)",
    errata=("E-AI-6",),
)
def _multiple() -> Iterator[Evidence]:
    axis = np.linspace(-1.0, 1.0, 9)
    grid = np.array([[z1, z2] for z1 in axis for z2 in axis])
    mirrored = grid * [1.0, -1.0]
    yield Comparison("net 2 as the mirror image of net 1, on a 9 x 9 grid", -net1(mirrored), _outputs(_graph2, grid))
    x, blue = noisy(50)
    z = pushed(x)
    both = bool(np.all((net1(z) > -1.0) == blue) and np.all((net2(z) > 1.0) == blue))
    gap = float(np.abs(net1(CORNERS) - net2(CORNERS)).min())
    yield Finding(
        "both nets on the same samples",
        f"both right: {both}, with outputs at least {gap:.2f} apart",
        both and gap > 1.0,
    )


def _train(seed: int, epochs: int = 150) -> float:
    """Return the mean loss that a 2-2-2 net of tanh reaches on the four corners from a random start."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0.0, 1.0, (2, 2)), rng.normal(0.0, 1.0, (2, 2))]
    biases: list[Array | None] = [np.zeros(2), np.zeros(2)]
    y, g = labels([0, 0, 1, 1], 2), ["tanh", "identity"]
    for _ in range(epochs):
        slopes = network.backward(weights, biases, CORNERS, y, g)
        weights, biases = network.descend(weights, biases, slopes, 0.5)
    return network.backward(weights, biases, CORNERS, y, g).loss / 4.0


@item(
    "ai50021.xor.train",
    kind="claim",
    where='"The XOR problem", that the net has learnt',
    statement="Neurons one behind the other can learn a map that is not linear; some starts get stuck on the way.",
    notes="two outputs under the lecture's softmax loss; plain gradient descent",
)
def _training() -> Iterator[Evidence]:
    reached = [_train(seed) for seed in range(10)]
    learnt, worst = len([loss for loss in reached if loss < 0.05]), max(reached)
    found = f"{learnt} of 10 starts get a mean loss below 0.05; the worst stops at {worst:.2f}"
    yield Finding("a 2-2-2 net on the four corners, 150 steps", found, 5 <= learnt < 10)
    rng = np.random.default_rng(0)
    line = network.backward([rng.normal(0.0, 1.0, (2, 2))], [None], CORNERS, labels([0, 0, 1, 1], 2), ["identity"])
    floor = 4.0 * np.log(2.0)
    yield Finding(
        "a net without a hidden layer",
        f"E = {line.loss:.3f}, and never below 4 log 2 = {floor:.3f}",
        line.loss >= floor,
    )


# ---------------------------------------------------------------- errata


@erratum(
    "E-AI-4",
    kind="m",
    lecture="ai50021",
    printed="tanh(±1) = ±1 and tanh(-3) = -1, so that z_3 + z_4 is 0 for blue and -2 for red samples",
    right="tanh(±1) = ±0.7616 and tanh(-3) = -0.9951: the sums are -0.2335 and -1.5232",
    lesson="tanh saturates slowly: at 1 it is a quarter short of 1. What separates is the order of the sums, which survives the rounding.",
)
def _rounded_table1() -> Iterator[Miss]:
    yield Miss(
        "z_3 + z_4 of net 1 at the corners", np.array([0.0, 0.0, -2.0, -2.0]), net1(CORNERS), _outputs(_graph1, CORNERS)
    )


@erratum(
    "E-AI-5",
    kind="m",
    lecture="ai50021",
    printed="z_3 + z_4 is 2 for blue and 0 for red samples",
    right="the sums are 1.5232 and 0.2335",
    lesson="The same rounding with the signs turned over: the cut belongs halfway between the true sums, and 1 happens to lie between both pairs.",
)
def _rounded_table2() -> Iterator[Miss]:
    yield Miss(
        "z_3 + z_4 of net 2 at the corners", np.array([2.0, 2.0, 0.0, 0.0]), net2(CORNERS), _outputs(_graph2, CORNERS)
    )


erratum(
    "E-AI-6",
    kind="n",
    lecture="ai50021",
    printed="several solutions are like several local maxima",
    right="like several local minima: the course minimises a loss E",
    lesson="Whoever maximises a likelihood climbs, whoever minimises its negative logarithm descends, to the same weights.",
)(None)
