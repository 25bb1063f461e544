"""A graph as a picture: values are boxes, ops are circles, and scopes are frames or boxes of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import Context
from typing import TYPE_CHECKING

from autograd_core.backward import gradients
from autograd_core.errors import ArgumentError, MissingExtraError
from autograd_core.expand import expanded
from autograd_core.graph import walk
from autograd_core.labels import shown
from autograd_core.render import FORMATS, PICTURES, checked_format, picture_bundle, render, wanted
from autograd_core.sketch import Sketch, checked_roots, sketch
from autograd_core.value import Row, Value

if TYPE_CHECKING:
    from os import PathLike

    from graphviz import Digraph  # pyright: ignore[reportMissingTypeStubs] - it has none

__all__ = ["Sketch", "draw", "save", "shown", "sketch"]


def draw(
    y: Value | Sequence[Value],
    *,
    format: str = "svg",
    rankdir: str = "LR",
    depth: int | None = None,
    expand: bool = False,
    color_by: str | None = None,
    partials: bool = False,
    backward: bool = False,
    max_nodes: int | None = 150,
) -> Digraph:
    """Draw the graph below y: each value a box with its label, data and grad, each op a circle, each scope a frame.

    A notebook shows what is returned; ``.source`` is its DOT text, and ``.render()`` writes it to a file. An unknown
    gradient is drawn as ``grad -``.

    Parameters
    ----------
    y : a result, or several.
    format : what ``.render()`` and ``.pipe()`` make of it: "svg", "png", "pdf" or "dot".
    rankdir : which way it goes: "LR", "RL", "TB" or "BT".
    depth : how many levels of scopes are open. Each one further in is a box of its own, those that are alike together:
        0 shows a model as one box, 1 its layers. None opens all.
    expand : whether a ``dot`` is drawn as its products and their sum.
    color_by : "data" or "grad" fills the boxes by size and sign, and marks what is 0, infinite, nan or flat.
    partials : whether each edge shows its derivative.
    backward : whether the graph of the gradients is drawn too; for one y.
    max_nodes : the most boxes. A larger drawing folds by itself, and says so. None sets no limit.

    Raises
    ------
    ArgumentError : an option that there is not, or ``backward`` of several results.

    >>> a, b = Value(2.0, label="a"), Value(-0.5, label="b")
    >>> print(draw(a * b, format="dot").pipe(encoding="utf-8").splitlines()[0])
    digraph values {
    """
    checked_format(format)
    roots = checked_roots(y)
    variables = _variables(roots) if backward else []
    if backward:
        roots = (*roots, *Context().run(gradients, roots[0], variables))  # recorded in whatever mode the caller is
    if expand:
        roots = expanded(roots)
    names = _names(roots, variables) if backward else {}
    graph = sketch(
        roots, rankdir=rankdir, depth=depth, max_nodes=max_nodes, color_by=color_by, partials=partials, names=names
    ).graph
    graph.format = format
    return graph


def _variables(roots: Row) -> list[Value]:
    """Return the leaves that the one result has derivatives by."""
    if len(roots) != 1:
        raise ArgumentError(f"backward=True draws the gradients of one result, not of {len(roots)}: draw one at a time")
    return [leaf for leaf in walk(roots)[1] if not leaf.is_constant]


def _names(roots: Row, variables: list[Value]) -> dict[Value, str]:
    """Return what a result's gradients are called: ∂y/∂a, after the label that a value may have had before."""
    y, *slopes = roots
    number = {v: n for n, v in enumerate(walk(roots)[0])}
    names: dict[Value, str] = {}
    for variable, slope in zip(variables, slopes, strict=True):
        name = f"∂{y.label or 'y'}/∂{variable.label or f'v{number[variable]}'}"
        before = names.get(slope, slope.label)
        names[slope] = f"{before} = {name}" if before else name
    return names


def save(
    y: Value | Sequence[Value],
    path: str | PathLike[str],
    *,
    rankdir: str = "LR",
    depth: int | None = None,
    expand: bool = False,
    color_by: str | None = None,
    partials: bool = False,
    backward: bool = False,
    max_nodes: int | None = 150,
) -> None:
    """Write the drawing of y to a file, whole or not at all.

    Parameters
    ----------
    path : where to; it ends in .svg, .png, .pdf or .dot, which says what is written.

    The others, and what is raised, are those of `draw`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Value(2.0) * 3.0, f"{folder}/graph.dot")
    """
    from pathlib import Path  # noqa: PLC0415 - only those who write files wait for it

    from autograd_core.files import write_whole  # noqa: PLC0415

    path = Path(path)
    format = path.suffix.lower().removeprefix(".")
    if format not in FORMATS:
        raise ArgumentError(f"{str(path)!r} does not say what to write: end it in .svg, .png, .pdf or .dot")
    graph = draw(
        y, rankdir=rankdir, depth=depth, expand=expand, color_by=color_by, partials=partials, backward=backward,
        max_nodes=max_nodes,
    )  # fmt: skip
    write_whole(path, render(graph.source, format))


def _repr_mimebundle(
    self: Value, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
) -> dict[str, str | bytes]:
    """Show the graph in Jupyter, where a dot can be found; else the number alone."""
    kinds = wanted(["text/plain", *PICTURES], include, exclude)
    bundle: dict[str, str | bytes] = {}
    if "text/plain" in kinds:
        bundle["text/plain"] = repr(self)
    try:
        return bundle | picture_bundle(sketch(self).graph.source, kinds)
    except MissingExtraError:
        return bundle


Value._repr_mimebundle_ = _repr_mimebundle  # pyright: ignore[reportAttributeAccessIssue] - drawing is not Value's business
