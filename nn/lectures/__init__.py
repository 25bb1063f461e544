"""The lectures, formula by formula, beside autograd.

An item is what a lecture says, with a closed form written from the page in NumPy; a graph computes the same; neither
knows the other. `compare` puts them side by side with a difference quotient.

>>> from nn import lectures
>>> lectures.compare(id="levine.fwd.layer").agrees
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograd_core.errors import ArgumentError
from nn.lectures.item import Comparison, Erratum, Evidence, Finding, Item, Lifted, Miss
from nn.lectures.registry import errata_of, item_of, items_of
from nn.lectures.report import Line, Remark, Report

if TYPE_CHECKING:
    from graphviz import Digraph  # pyright: ignore[reportMissingTypeStubs] - it has none
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from nn.module import Module

__all__ = [
    "Comparison",
    "Erratum",
    "Evidence",
    "Finding",
    "Item",
    "Lifted",
    "Line",
    "Miss",
    "Remark",
    "Report",
    "compare",
    "drawing",
    "errata",
    "items",
    "picture",
]


def items(lecture: str | None = None) -> list[Item]:
    """Return everything that one lecture says, or all of them, as far as a program can check it."""
    return items_of(lecture)


def compare(
    what: str | Module | None = None,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    notation: str | None = None,
    id: str | None = None,
) -> Report:
    """Compare autograd with the lectures' formulas.

    ``compare()`` runs all that there is, ``compare("malik")`` one lecture, ``compare(id="lai.ffnn.forward2")`` one item, and
    ``compare(model, x, y, notation="lai")`` your own network on your own data in that lecture's notation.

    Parameters
    ----------
    what : a lecture, or a model.
    x, y : with a model, the samples in rows and what they should give.
    notation : with a model, the lecture whose letters, layout and loss are used.
    id : one item alone.

    Raises
    ------
    ArgumentError : an unknown lecture or item; a model that the notation cannot express; data of the wrong shape or coding.

    >>> import nn
    >>> report = compare(nn.MLP(2, [3, 2], activation="sigmoid", rng=0), [[0.5, -1.0]], [1], notation="lai")
    >>> report.agrees
    True
    """
    from nn.module import Module  # noqa: PLC0415 - the lectures are no part of what a model needs

    if isinstance(what, Module):
        if x is None or y is None or notation is None:
            raise ArgumentError("a model is compared on data, in a notation: compare(model, x, y, notation='lai')")
        from nn.lectures.own import compare_own  # noqa: PLC0415

        return compare_own(what, x, y, notation)
    if what is not None and not isinstance(what, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
        raise ArgumentError(f"{what!r} is neither a lecture nor a Module: pass the name of one, or a model")
    chosen = items_of(what) if id is None else [item_of(id)]
    lines = [Line(item.id, evidence, item.latex, item.statement) for item in chosen for evidence in item.evidence()]
    return Report(id or what or "all lectures", tuple(lines))


def drawing(id: str) -> Digraph:
    """Return a picture of the graph that an item's first derivative was taken from, gradients and all.

    Raises
    ------
    ArgumentError : there is no such item, or its evidence is of another sort.

    >>> drawing("levine.base.dh.claim").source.count("class=op")
    1
    """
    from autograd_core.draw import draw  # noqa: PLC0415 - for those who look

    for evidence in item_of(id).evidence():
        if isinstance(evidence, Comparison) and evidence.graph is not None:
            evidence.graph.backward()
            return draw(evidence.graph)
    raise ArgumentError(f"the evidence for {id!r} is no derivative of one graph: compare(id={id!r}) shows what it is")


def picture(id: str) -> Figure:
    """Return a picture of a claim, drawn from numbers that are computed there and then.

    Raises
    ------
    ArgumentError : a claim without a picture; the message names those that have one.
    MissingExtraError : matplotlib is not installed.

    >>> picture("malik.cost").axes[0].get_xlabel()
    'weights n'
    """
    from nn.lectures.pictures import picture as draw  # noqa: PLC0415 - it loads all the lectures

    return draw(id)


def errata(lecture: str | None = None) -> Report:
    """Run every erratum of one lecture, or of all: the printed form misses, the corrected one holds."""
    lines: list[Line] = []
    for slip in errata_of(lecture):
        said = f"printed: {slip.printed}; right: {slip.right}. {slip.lesson}".rstrip()
        if slip.misses is None:
            lines.append(Line(slip.id, Remark(said)))
        lines += [Line(slip.id, miss, statement=said) for miss in (slip.misses() if slip.misses else ())]
    return Report(f"errata of {lecture or 'all lectures'}", tuple(lines))
