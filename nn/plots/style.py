"""What the pictures share: colours that the colour-blind can tell apart, and files that are the same each time."""

from __future__ import annotations

import io
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from autograd_core.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = ["BLUE", "COLOURS", "GREEN", "GREY", "MARKERS", "ORANGE", "new_figure", "save", "tidy", "whole_ticks"]

BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#f0e442"
GREY = "#666666"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

_DATES = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def new_figure(width: float = 6.0, height: float = 4.0) -> Figure:
    """Return an empty figure, so many inches wide and high."""
    return load("matplotlib.figure", "plot", "a picture").Figure(figsize=(width, height), layout="constrained")


def tidy(axes: Axes, x: str, y: str) -> None:
    """Name what is along the axes, and draw a faint grid."""
    axes.set(xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)  # pyright: ignore[reportUnknownMemberType]


def whole_ticks(*along: Axis) -> None:
    """Let ticks stand at whole numbers alone."""
    for axis in along:
        axis.set_major_locator(load("matplotlib.ticker", "plot", "a picture").MaxNLocator(integer=True, min_n_ticks=1))


def save(figure: Figure, path: str | PathLike[str], *, dpi: float = 150.0) -> None:
    """Write a figure to a file, whole or not at all; the same picture gives the same bytes.

    Parameters
    ----------
    figure : from one of the functions here, or any other.
    path : where to; it ends in .png, .svg or .pdf, which says what is written.
    dpi : how many dots an inch of a PNG has.

    Raises
    ------
    ArgumentError : another ending, or the file cannot be written; what was there before is as it was.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(new_figure(), f"{folder}/empty.png")
    """
    path = Path(path)
    format = path.suffix.lower().removeprefix(".")
    if format not in _DATES:
        raise ArgumentError(f"{str(path)!r} does not say what to write: end it in .png, .svg or .pdf")
    matplotlib, picture = load("matplotlib", "plot", "a picture"), io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "autograd-core"}):  # else the ids in an SVG are drawn by lot
        figure.savefig(picture, format=format, dpi=dpi, metadata=_DATES[format])  # pyright: ignore[reportUnknownMemberType]
    try:
        write_whole(path, picture.getvalue())
    except OSError as fault:
        raise ArgumentError(f"{path} cannot be written ({fault.strerror}): choose another place") from None
