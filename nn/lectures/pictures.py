"""Claims of the lectures as pictures, drawn from numbers that are computed there and then.

A picture is a matplotlib Figure of its own: nothing of pyplot, and so nothing global, is touched. The colours are told
apart by the colour-blind too, and lines that may lie on each other by their marks or dashes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import ArrayLike

from autograd_core.backward import gradients
from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from autograd_core.ops import sigmoid, square, step
from autograd_core.value import Number, Value
from nn.lectures.ai50021 import network as ai50021
from nn.lectures.ai50021.approximation import sup_error
from nn.lectures.ai50021.fixtures import labels
from nn.lectures.ai50021.neurons import neuron_input
from nn.lectures.ai50021.xor import CORNERS
from nn.lectures.item import Array
from nn.lectures.lai.nets import FIXTURE
from nn.lectures.lai.training import stepped
from nn.lectures.levine import network as levine
from nn.lectures.levine.nets import DATA, Net
from nn.lectures.levine.training import climbs
from nn.lectures.malik.training import edges_of, on_paper
from nn.lectures.mit6036 import network as mit6036
from nn.lectures.mit6036.batches import XOR_RAY, XOR_X, XOR_Y, XOR_ZERO, Weights, objective
from nn.lectures.mit6036.layers import total
from nn.lectures.mit6036.nets import random_net

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PICTURES", "picture"]

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#666666"


def _line(
    axes: Axes, x: ArrayLike, y: ArrayLike, label: str, colour: str, style: str = "-", width: float = 1.8
) -> None:
    axes.plot(x, y, style, label=label, color=colour, linewidth=width, markersize=5)  # pyright: ignore[reportUnknownMemberType]


def _named(axes: Axes, x: str, y: str, *, legend: bool = True, xscale: str = "linear", yscale: str = "linear") -> None:
    axes.set(xlabel=x, ylabel=y, xscale=xscale, yscale=yscale)
    axes.grid(alpha=0.3)  # pyright: ignore[reportUnknownMemberType]
    if legend:
        axes.legend(fontsize=9)  # pyright: ignore[reportUnknownMemberType]


# ---------------------------------------------------------------- what a gradient costs


def _cost(figure: Figure) -> None:
    axes, rng = figure.subplots(), np.random.default_rng(0)
    sizes, edges = [5 * hidden for hidden in (2, 4, 8, 16, 32, 64)], list[int]()
    for n in sizes:
        weights = [rng.normal(size=(4, n // 5)), rng.normal(size=(n // 5, 1))]
        edges.append(edges_of(on_paper(weights, rng.normal(size=4))[0]))
    passes = [(n + 1) * count for n, count in zip(sizes, edges, strict=True)]
    _line(axes, sizes, passes, "a difference quotient for each weight: n + 1 passes", ORANGE, "s-")
    _line(axes, sizes, edges, "backpropagation: one pass back", BLUE, "o-")
    _named(axes, "weights n", "edges gone along", xscale="log", yscale="log")


# ---------------------------------------------------------------- what a network can say


def _collapse(figure: Figure) -> None:
    axes, x = figure.subplots(), np.linspace(-0.6, 0.6, 61)
    net = random_net((1, 8, 8, 1), ("identity",) * 3, points=1, seed=2)
    for f, colour in (("tanh", ORANGE), ("relu", GREEN), ("identity", BLUE)):
        trace = mit6036.forward(net.weights, [None] * 3, x[None, :], (f, f, "identity"))
        _line(axes, x, trace.activations[-1][0], f"three layers, f = {f}", colour)
    few = x[::6]
    _line(axes, few, (total(net.weights) @ few[None, :])[0], "one layer of the weight $W^{total}$", GREY, "o")
    _named(axes, "input", "output")


def _universal(figure: Figure) -> None:
    axes, widths = figure.subplots(), (2, 4, 8, 16, 32)
    for g, colour, style in (("identity", GREY, "s-"), ("relu", GREEN, "^-"), ("tanh", BLUE, "o-")):
        _line(axes, widths, [sup_error(width, g) for width in widths], f"g = {g}", colour, style)
    axes.set_xscale("log", base=2)  # pyright: ignore[reportUnknownMemberType]
    _named(axes, "neurons in the hidden layer", "largest error for sin 2x on [-π, π]", xscale="log", yscale="log")
    axes.set_xticks(widths, [str(width) for width in widths])  # pyright: ignore[reportUnknownMemberType]
    axes.minorticks_off()


def _hyperplane(figure: Figure) -> None:
    w, b, x0, across = np.array([0.6, -0.8]), 0.2, np.array([0.3, 0.5]), np.array([0.8, 0.6])
    plane, along = cast("tuple[Axes, Axes]", figure.subplots(1, 2, width_ratios=(1.2, 1.0)))

    def z(x: Array) -> float:
        return float(ai50021.activate("tanh", np.asarray(neuron_input(x, w, b))))

    grid, t = np.linspace(-2.0, 2.0, 41), np.linspace(-1.5, 1.5, 31)
    heights = [[z(np.array([x1, x2])) for x1 in grid] for x2 in grid]
    levels = plane.contour(grid, grid, heights, levels=9, colors="#bbbbbb", linewidths=0.8)  # pyright: ignore[reportUnknownMemberType]
    plane.clabel(levels, fontsize=7)  # pyright: ignore[reportUnknownMemberType]
    for direction, label, colour, style in ((across, "at right angles to w", BLUE, "-"), (w, "along w", ORANGE, "--")):
        points = x0 + t[:, None] * direction
        _line(plane, points[:, 0], points[:, 1], label, colour, style)
        _line(along, t, [z(x) for x in points], label, colour, style)
    plane.set_aspect("equal")
    _named(plane, "$x_1$", "$x_2$")
    _named(along, "way gone from the crossing", "output z = tanh(w · x + b)", legend=False)


# ---------------------------------------------------------------- what training finds


def _from_zero(figure: Figure) -> None:
    panels, steps = cast("tuple[Axes, Axes]", figure.subplots(1, 2, sharey=True)), range(301)
    zero = replace(
        FIXTURE,
        weights=[np.zeros_like(W) for W in FIXTURE.weights],
        biases=[np.zeros_like(b) for b in FIXTURE.biases],
    )
    for axes, start, title in zip(
        panels, (FIXTURE, zero), ("from unequal weights", "from 0: all on one line"), strict=True
    ):
        nets = [start]
        for _ in steps[1:]:
            nets.append(stepped(nets[-1], 0.5))
        # Each thinner than the one before: where they lie on each other all can be seen.
        for j, (colour, width) in enumerate(((BLUE, 7.0), (ORANGE, 4.0), ("black", 1.2))):
            _line(axes, steps, [net.weights[0][0, j] for net in nets], f"neuron {j + 1}", colour, width=width)
        axes.set_title(title, fontsize=10)  # pyright: ignore[reportUnknownMemberType]
        _named(axes, "step", "first weight of each hidden neuron" if start is FIXTURE else "", legend=start is FIXTURE)


def _vanishing(figure: Figure) -> None:
    axes, depth, width = figure.subplots(), 10, 30
    layers = range(1, depth + 1)
    cases = (
        ("identity", 4.0, PURPLE, "D-"),
        ("relu", 2.0, GREEN, "^-"),
        ("tanh", 1.0, ORANGE, "s-"),
        ("sigmoid", 1.0, BLUE, "o-"),
    )
    for f, scale, colour, style in cases:
        rng = np.random.default_rng(3)
        Ws = [rng.normal(0.0, np.sqrt(scale / width), (width, width)) for _ in layers]
        x, y = rng.normal(size=(width, 1)), rng.normal(size=(width, 1))
        deltas = mit6036.backward(Ws, [None] * depth, x, y, [f] * (depth - 1) + ["identity"]).deltas
        sizes = np.array([np.linalg.norm(delta) for delta in deltas])
        _line(axes, layers, sizes / sizes[-1], f"{f}, Var(w) = {scale:g}/{width}", colour, style)
    _named(axes, "layer", "‖∂loss/∂Z‖ over that of the last layer", yscale="log")
    axes.set_xticks(layers)  # pyright: ignore[reportUnknownMemberType]


def _step_without_gradient(figure: Figure) -> None:
    above, below = cast("tuple[Axes, Axes]", figure.subplots(2, 1, sharex=True))
    ws = np.linspace(-6.0, 6.0, 240)  # an even number: none of them at the jump

    def jump(z: Number) -> Number:
        return 1.0 - cast("Value", step(-z))  # the chapter's, which is 1 at 0

    for f, label, colour, style in ((sigmoid, "sigmoid", ORANGE, "--"), (jump, "step", BLUE, "-")):
        leaves = [Value(w) for w in ws]
        losses = [cast("Value", square(0.8 * f(0.5 * w + 0.3) - 0.2)) for w in leaves]
        slopes = [gradients(loss, [w])[0].data for loss, w in zip(losses, leaves, strict=True)]
        _line(above, ws, [loss.data for loss in losses], f"below a {label}", colour, style)
        _line(below, ws, slopes, f"below a {label}", colour, style)
    _named(above, "", "loss")
    _named(below, "weight w", "∂loss/∂w", legend=False)


def _cannot_learn(figure: Figure) -> None:
    axes, y, g = figure.subplots(), labels([0, 0, 1, 1], 2), ["tanh", "identity"]
    unequal = [np.array([[1.1, -0.9], [0.8, -1.2]]), np.array([[0.5, -0.6], [0.7, -0.4]])]
    starts = (([np.zeros((2, 2))] * 2, "from weights of 0", ORANGE), (unequal, "from unequal weights", BLUE))
    for start, label, colour in starts:
        weights, biases, losses = list(start), list[Array | None]([np.zeros(2), np.zeros(2)]), list[float]()
        for _ in range(201):
            slopes = ai50021.backward(weights, biases, CORNERS, y, g)
            losses.append(slopes.loss)
            weights, biases = ai50021.descend(weights, biases, slopes, 0.2)
        _line(axes, range(201), losses, label, colour)
    _named(axes, "step", "E on XOR", yscale="log")


# ---------------------------------------------------------------- the shape of the objective


def _between(a: Net, b: Net, t: float) -> Net:
    """Return the net whose weights lie a share t of the way from those of one net to those of another."""
    return replace(
        a,
        weights=[(1.0 - t) * v + t * w for v, w in zip(a.weights, b.weights, strict=True)],
        biases=[(1.0 - t) * v + t * w for v, w in zip(a.biases, b.biases, strict=True)],
    )


def _nonconcave(figure: Figure) -> None:
    axes, ts = figure.subplots(), np.linspace(0.0, 1.0, 51)
    *_, best = climbs(DATA, 0.5, 400)
    (W1, W2, W3), (b1, b2, b3) = best.weights, best.biases
    swapped = replace(best, weights=[W1[::-1], W2[:, ::-1], W3], biases=[b1[::-1], b2, b3])
    nets = [_between(best, swapped, t) for t in ts.tolist()]
    heights = [levine.log_likelihood(levine.forward(n.weights, n.biases, n.x).activations[-1], n.y) for n in nets]
    ends = ts[[0, -1]], [heights[0], heights[-1]]
    _line(axes, *ends, "L, if it were concave,\nwould be above this", GREY, "o--")
    _line(axes, ts, heights, "L on the way", BLUE)
    _named(axes, "way from a trained net to the same with two units swapped", "log-likelihood L")


def _saddle(figure: Figure) -> None:
    axes, cs = figure.subplots(), np.linspace(-1.0, 1.0, 81)
    offset: Weights = [*XOR_ZERO[:3], np.full((1, 1), 0.5)]
    for direction, label, colour, style in (
        (offset, "along the last offset: up", ORANGE, "--"),
        (XOR_RAY, "along a ray that tells the neurons apart: down", BLUE, "-"),
    ):
        heights = [objective([(c * W).tolist() for W in direction], range(4), XOR_X, XOR_Y) for c in cs.tolist()]
        _line(axes, cs, cast("list[float]", heights), label, colour, style)
    _line(axes, [0.0], [objective([W.tolist() for W in XOR_ZERO], range(4), XOR_X, XOR_Y)], "∇J = 0", "black", "o")  # pyright: ignore[reportArgumentType] - floats in, a float out
    _named(axes, "way c from weights of 0", "J on XOR")


_DRAWN: dict[str, tuple[str, Callable[[Figure], None]]] = {
    "levine.nonconvex": ("Half way between two equally good networks lies a worse one", _nonconcave),
    "ai50021.act.hyperplane": ("A neuron is constant at right angles to w, and varies along w", _hyperplane),
    "ai50021.uat": ("A wider hidden layer comes nearer, unless g is the identity", _universal),
    "ai50021.uat.cannot_learn": ("The same network learns XOR, or never does: it is the start", _cannot_learn),
    "malik.cost": ("Backpropagation costs O(n), a quotient for each weight O(n²)", _cost),
    "lai.init.zero": ("Hidden neurons that start equal stay equal", _from_zero),
    "mit.linear.collapse": ("Linear layers on top of each other are one linear layer", _collapse),
    "mit.act.step.nograd": ("A step passes no gradient on: descent gets nowhere", _step_without_gradient),
    "mit.opt.sgd.convergence": ("Where the gradient vanishes need be no minimum: XOR's saddle", _saddle),
    "mit.grad.vanishing": ("On its way back a gradient vanishes, lasts or explodes", _vanishing),
}

PICTURES: tuple[str, ...] = tuple(_DRAWN)
"""The ids of the items that there is a picture of."""


def picture(id: str) -> Figure:
    """Return a claim as a picture, 6 by 4 inches; its numbers are computed anew.

    Parameters
    ----------
    id : one of `PICTURES`.

    Raises
    ------
    ArgumentError : there is no picture of that item.
    MissingExtraError : matplotlib is not installed.

    >>> [axes.get_ylabel() for axes in picture("malik.cost").axes]
    ['edges gone along']
    """
    if id not in _DRAWN:
        raise ArgumentError(f"there is no picture of {id!r}: choose one of {', '.join(PICTURES)}")
    title, draw = _DRAWN[id]
    figure: Figure = load("matplotlib.figure", "plot", "a picture of a claim").Figure(
        figsize=(6.0, 4.0), layout="constrained"
    )
    figure.suptitle(title, fontsize=12)  # pyright: ignore[reportUnknownMemberType]
    draw(figure)
    return figure
