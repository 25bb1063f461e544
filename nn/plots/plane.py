"""A classifier of two inputs as a map: which class it decides for, and how surely."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from nn.checks import whole_from_one
from nn.evaluate import predict
from nn.labels import classes
from nn.module import Array
from nn.plots.style import COLOURS, MARKERS, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["boundary"]


def boundary(
    model: Callable[..., Any],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    threshold: float = 0.5,
    resolution: int = 60,
    names: Sequence[str] = ("first input", "second input"),
) -> Figure:
    """Return the plane of two inputs, coloured by what a classifier makes of it, with the samples on top.

    Parameters
    ----------
    model : with one output, or one for each class; it is called in evaluation mode, and records nothing.
    inputs : two numbers for each sample.
    targets : labels 0 and 1 or -1 and 1 for one output, also as a column; for several the class of each sample, or one-hot rows.
    threshold : where one output changes over: 0.5 is right for probabilities; pass 0 for scores before a sigmoid, and for
        labels of -1 and 1. Of several outputs the largest decides.
    resolution : how many points are computed along each axis.
    names : what the inputs are.

    Raises
    ------
    ArgumentError : not two inputs or one target for each sample, targets that the outputs do not tell apart, or an
        output that is not finite.
    MissingExtraError : matplotlib is not installed.

    >>> from nn import MLP
    >>> figure = boundary(MLP(2, [1], output="sigmoid", rng=0), [[0.0, 0.0], [1.0, 1.0]], [0, 1], resolution=9)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['class 0', 'class 1']
    """
    points, labels = _samples(inputs, targets)
    if whole_from_one("resolution", resolution) < 2:
        raise ArgumentError("resolution is 1: a map takes 2 points along each axis, and better 60")
    if len(names) != 2:
        raise ArgumentError(f"names is {names!r}: pass one for each of the two inputs")
    x, y = [_around(points[:, i], resolution) for i in range(2)]
    rows = [(float(a), float(b)) for b in y for a in x]
    outputs = np.array(predict(model, rows), dtype=np.float64).reshape(resolution, resolution, -1)
    if not np.isfinite(outputs).all():
        raise ArgumentError("the model's output is nan or infinite for some inputs: draw one that was trained well")
    known = _known(labels, outputs.shape[2])
    figure = new_figure(6.2, 4.6)
    axes: Axes = figure.subplots()
    if outputs.shape[2] == 1:
        _shade(figure, axes, x, y, outputs[:, :, 0], threshold)
    else:
        _fill(axes, x, y, outputs)
    for k, label in enumerate(known):
        chosen = points[labels == label]
        axes.scatter(  # pyright: ignore[reportUnknownMemberType]
            chosen[:, 0], chosen[:, 1], s=26, c=COLOURS[k], marker=MARKERS[k], edgecolors="white", linewidths=0.8,
            label=f"class {label}", zorder=3,
        )  # fmt: skip
    tidy(axes, names[0], names[1])
    figure.legend(fontsize=9, loc="outside upper center", ncols=4, frameon=False)  # pyright: ignore[reportUnknownMemberType]
    return figure


def _samples(inputs: ArrayLike, targets: ArrayLike) -> tuple[Array, NDArray[Any]]:
    try:
        points, labels = np.asarray(inputs, dtype=np.float64), np.asarray(targets)
    except (TypeError, ValueError) as fault:
        raise ArgumentError(
            f"inputs and targets are no tables of numbers ({fault}): pass one row for each sample"
        ) from None
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ArgumentError(f"inputs has the shape {points.shape}: a map can be drawn of two numbers for each sample")
    if not np.isfinite(points).all():
        raise ArgumentError("inputs holds numbers that are not finite: leave those samples out")
    if labels.ndim == 2:
        labels = labels[:, 0] if labels.shape[1] == 1 else classes(labels)
    if labels.shape != points.shape[:1]:
        raise ArgumentError(
            f"there are {len(points)} samples and {labels.size} targets: pass one target for each sample"
        )
    return points, labels


def _known(labels: NDArray[Any], count: int) -> Sequence[int]:
    """Return the classes that so many outputs tell apart, having seen that the labels are among them."""
    if count > len(COLOURS):
        raise ArgumentError(f"the model has {count} outputs: a map can show {len(COLOURS)} classes at most")
    one = (-1, 1) if (labels == -1).any() else (0, 1)
    known, mend = (
        (one, "pass 0 and 1, or -1 and 1") if count == 1 else (range(count), f"pass classes from 0 to {count - 1}")
    )
    strange = labels[~np.isin(labels, known)].tolist()
    if strange:
        raise ArgumentError(
            f"targets holds {strange[0]!r}, and the model has {count} {'output' if count == 1 else 'outputs'}: {mend}"
        )
    return known


def _around(numbers: Array, resolution: int) -> Array:
    low, high = float(numbers.min()), float(numbers.max())
    margin = 0.08 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, resolution)


def _shade(figure: Figure, axes: Axes, x: Array, y: Array, scores: Array, threshold: float) -> None:
    """Colour each point by its score: white at the threshold, blue below and orange above."""
    colors = load("matplotlib.colors", "plot", "a picture")
    shades = colors.LinearSegmentedColormap.from_list("scores", ["#4d9cc9", "white", "#e28e4d"])
    reach = float(np.abs(scores - threshold).max()) or 1.0
    half = ((x[1] - x[0]) / 2.0, (y[1] - y[0]) / 2.0)
    picture = axes.imshow(  # pyright: ignore[reportUnknownMemberType]
        scores, cmap=shades, vmin=threshold - reach, vmax=threshold + reach, origin="lower", aspect="auto",
        interpolation="bilinear", extent=(x[0] - half[0], x[-1] + half[0], y[0] - half[1], y[-1] + half[1]),
    )  # fmt: skip
    figure.colorbar(picture, ax=axes, label="output of the model")  # pyright: ignore[reportUnknownMemberType]
    axes.contour(x, y, scores, levels=[threshold], colors="black", linewidths=1.4)  # pyright: ignore[reportUnknownMemberType]


def _fill(axes: Axes, x: Array, y: Array, outputs: Array) -> None:
    """Colour the region of each class faintly, where its output is larger than all the others."""
    for k in range(outputs.shape[2]):
        lead = outputs[:, :, k] - np.delete(outputs, k, axis=2).max(axis=2)
        if lead.max() > 0.0:
            axes.contourf(x, y, lead, levels=[0.0, np.inf], colors=[COLOURS[k]], alpha=0.3)  # pyright: ignore[reportUnknownMemberType]
            axes.contour(x, y, lead, levels=[0.0], colors="black", linewidths=0.8)  # pyright: ignore[reportUnknownMemberType]
