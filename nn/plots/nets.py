"""Pictures of a network itself: its neurons and what runs between them, or its weights as maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from autograd_core.modes import no_grad
from autograd_core.value import Number, as_row
from nn.evaluate import evaluating
from nn.module import Array, Module
from nn.neuron import MLP, Layer, Sequential
from nn.plots.style import BLUE, GREY, ORANGE, new_figure, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

__all__ = ["network", "weights"]

MOST_WEIGHTS, MOST_IN_A_LAYER = 200, 16


def network(model: Module, inputs: Iterable[Number] | None = None) -> Figure:
    """Return a small network as its neurons and the weights between them.

    A line's width says how large its weight is; positive ones are blue and solid, negative ones orange and dashed. Below
    a neuron stands its bias, and in it, if there are inputs, what it puts out.

    Parameters
    ----------
    model : a Layer, an MLP, or a Sequential of Layers; modules without weights between them take part in what is put out.
    inputs : one sample's.

    Raises
    ------
    ArgumentError : another model, one that is too large to be seen, weights that are not finite, or inputs that do not
        fit it.
    MissingExtraError : matplotlib is not installed.

    >>> [text.get_text() for text in network(MLP(1, [1], init="zero"), [2.0]).axes[0].texts]
    ['2', 'inputs', '0', '+0', 'outputs']
    """
    modules = list(_in_a_row(model))
    layers = [module for module in modules if isinstance(module, Layer)]
    states = [layer.state_dict() for layer in layers]
    _check_size(model, [state["weight"] for state in states])
    sizes = [states[0]["weight"].shape[1], *[len(state["weight"]) for state in states]]
    rows = None if inputs is None else _outputs(model, modules, inputs)
    figure = new_figure(1.8 + 1.7 * len(sizes), 1.1 + 0.62 * max(sizes))
    axes: Axes = figure.subplots()
    places = [np.column_stack([np.full(n, float(i)), (n - 1) / 2.0 - np.arange(n)]) for i, n in enumerate(sizes)]
    said = "below a neuron: its bias" if rows is None else "in a neuron: its output; below it: its bias"
    _edges(axes, places, [state["weight"] for state in states], said)
    _nodes(axes, places, [state.get("bias") for state in states], rows)
    axes.set_axis_off()
    axes.set_aspect("auto")
    axes.set(xlim=(-0.5, len(sizes) - 0.5), ylim=(-max(sizes) / 2.0 - 0.45, max(sizes) / 2.0 + 0.35))
    return figure


def _in_a_row(model: object) -> Iterator[object]:
    """Yield what a network is made of, each on the output of the one before, in their order."""
    if isinstance(model, MLP | Sequential):
        for module in model.layers if isinstance(model, MLP) else model.modules:
            yield from _in_a_row(module)
    else:
        yield model


def _check_size(model: Module, arrays: Sequence[Array]) -> None:
    if not arrays or any([first.shape[0] != then.shape[1] for first, then in pairwise(arrays)]):
        raise ArgumentError(
            f"{type(model).__name__} is no row of layers, each on the outputs of the one before: pass a Layer, an MLP or a "
            "Sequential of Layers"
        )
    _check_finite({f"layer {i}": array for i, array in enumerate(arrays, 1)})
    count, widest = sum([array.size for array in arrays]), max([max(array.shape) for array in arrays])
    if count > MOST_WEIGHTS or widest > MOST_IN_A_LAYER:
        raise ArgumentError(
            f"the network has {count} weights and up to {widest} neurons side by side, and no more than {MOST_WEIGHTS} and "
            f"{MOST_IN_A_LAYER} can be told apart: draw nn.plots.weights(model)"
        )


def _check_finite(arrays: Mapping[str, Array]) -> None:
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ArgumentError(f"{name} holds numbers that are not finite: draw a model that was trained well")


def _outputs(model: Module, modules: Sequence[object], inputs: Iterable[Number]) -> list[list[float]]:
    """Return the inputs, and what each layer hands on to the next."""
    row = as_row(inputs)
    rows = [row]
    with evaluating(model), no_grad():
        for module in modules:
            row = as_row(module(row))  # pyright: ignore[reportCallIssue, reportUnknownVariableType, reportUnknownArgumentType]
            rows = [*rows, row] if isinstance(module, Layer) else [*rows[:-1], row]
    return [[v.data for v in as_row(row)] for row in rows]


def _edges(axes: Axes, places: Sequence[Array], arrays: Sequence[Array], title: str) -> None:
    """Draw the weights, the largest in magnitude 4 points wide, over all layers."""
    LineCollection = load("matplotlib.collections", "plot", "a picture").LineCollection  # noqa: N806 - a class
    largest = max([float(np.abs(array).max()) for array in arrays]) or 1.0
    lines = load("matplotlib.lines", "plot", "a picture").Line2D
    for positive, colour, dash, label in ((True, BLUE, "-", "positive"), (False, ORANGE, (0, (3, 1.5)), "negative")):
        chosen = [
            (float(array[k, j]), [places[i][j], places[i + 1][k]])
            for i, array in enumerate(arrays)
            for k in range(array.shape[0])
            for j in range(array.shape[1])
            if (array[k, j] > 0.0 if positive else array[k, j] < 0.0)
        ]
        widths = [4.0 * abs(weight) / largest for weight, _ in chosen]
        axes.add_collection(
            LineCollection(
                [ends for _, ends in chosen], linewidths=widths, colors=colour, linestyles=[dash], label=label
            )
        )
    handles = [
        lines([], [], color=BLUE, linewidth=2),
        lines([], [], color=ORANGE, linewidth=2, linestyle=(0, (3, 1.5))),
    ]
    axes.legend(  # pyright: ignore[reportUnknownMemberType]
        handles, ["positive weight", f"negative weight; the widest line is {largest:.3g}"], loc="upper center", ncols=2,
        bbox_to_anchor=(0.5, 0.0), fontsize=8, frameon=False, title=title, title_fontsize=8,
    )  # fmt: skip


def _nodes(
    axes: Axes, places: Sequence[Array], biases: Sequence[Array | None], rows: Sequence[Sequence[float]] | None
) -> None:
    for i, column in enumerate(places):
        axes.scatter(column[:, 0], column[:, 1], s=680, c="white", edgecolors="black", linewidths=1.2, zorder=2)  # pyright: ignore[reportUnknownMemberType]
        bias = biases[i - 1] if i else None
        for k, (x, y) in enumerate(column.tolist()):
            if rows is not None:
                number = f"{rows[i][k]:.2g}"
                _text(axes, x, y, number, 8.0 if len(number) < 6 else 6.0, "black")
            if bias is not None:
                _text(axes, x, y - 0.42, f"{bias[k]:+.2g}", 7.0, GREY)
        where = "inputs" if i == 0 else "outputs" if i == len(places) - 1 else f"layer {i}"
        axes.annotate(where, (i, 1.0), xycoords=("data", "axes fraction"), ha="center", fontsize=9)  # pyright: ignore[reportUnknownMemberType]


def _text(axes: Axes, x: float, y: float, text: str, size: float, colour: str) -> None:
    behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 0.5}
    axes.text(x, y, text, ha="center", va="center", fontsize=size, color=colour, zorder=3, bbox=behind)  # pyright: ignore[reportUnknownMemberType]


# ---------------------------------------------------------------- weights as maps


def weights(model: Module, *, shape: tuple[int, int] | None = None) -> Figure:
    """Return a map of every weight array: blue where it is negative, white at 0, red where it is positive.

    Parameters
    ----------
    model : any Module with weights.
    shape : rows and columns of the image that the inputs are. Then the weights of the first layer alone are shown, an image
        for each of its neurons, all with the same limits.

    Raises
    ------
    ArgumentError : the model has no array of weights or one that is not finite, or its first none of that many inputs.
    MissingExtraError : matplotlib is not installed.

    >>> [axes.get_title() for axes in weights(MLP(2, [3, 1], rng=0)).axes[:2]]
    ['layers.0.weight', 'layers.1.weight']
    """
    arrays = {name: array for name, array in model.state_dict().items() if array.ndim == 2}
    if not arrays:
        raise ArgumentError(f"{type(model).__name__} has no array of weights: pass a Layer, an MLP or the like")
    _check_finite(arrays)
    if shape is not None:
        return _tiles(*next(iter(arrays.items())), shape)
    across = min(len(arrays), 4)
    down = -(-len(arrays) // across)
    figure = new_figure(0.6 + 2.8 * across, 3.2 * down)
    panels: list[Axes] = list(figure.subplots(down, across, squeeze=False).flat)
    for axes in panels[len(arrays) :]:
        axes.set_axis_off()
    for axes, (name, array) in zip(panels, arrays.items(), strict=False):
        picture = _map(axes, array, float(np.abs(array).max()) or 1.0)
        figure.colorbar(picture, ax=axes, location="bottom", shrink=0.9)  # pyright: ignore[reportUnknownMemberType]
        axes.set(title=name, xlabel="input", ylabel="neuron")
        whole_ticks(axes.xaxis, axes.yaxis)
    return figure


def _tiles(name: str, array: Array, shape: tuple[int, int]) -> Figure:
    rows, columns = shape
    if min(shape) < 1 or rows * columns != array.shape[1]:
        raise ArgumentError(
            f"{name} has {array.shape[1]} inputs, and an image of {rows} by {columns} has {rows * columns}: pass the shape "
            "that the inputs have"
        )
    across = int(np.ceil(np.sqrt(len(array))))
    down = -(-len(array) // across)
    figure = new_figure(1.2 + 1.1 * across, 0.6 + 1.25 * down)
    panels: list[Axes] = list(figure.subplots(down, across, squeeze=False).flat)
    limit = float(np.abs(array).max()) or 1.0
    for axes in panels:
        axes.set_axis_off()
    pictures = [_map(axes, row.reshape(shape), limit, "equal") for axes, row in zip(panels, array, strict=False)]
    for k, (axes, _) in enumerate(zip(panels, pictures, strict=False)):
        axes.set_title(f"neuron {k}", fontsize=8)  # pyright: ignore[reportUnknownMemberType]
    figure.colorbar(pictures[0], ax=panels, label=name)  # pyright: ignore[reportUnknownMemberType]
    return figure


def _map(axes: Axes, array: Array, limit: float, aspect: Literal["auto", "equal"] = "auto") -> AxesImage:
    return axes.imshow(array, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest", aspect=aspect)  # pyright: ignore[reportUnknownMemberType]
