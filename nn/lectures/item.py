"""What a lecture says, as something that can be run: items, errata, and the evidence for each.

An item is declared once, by a decorator on the function that yields its evidence; everything else reads the registry.
Evidence is numbers: a quantity computed in up to three ways that know nothing of each other, or something tried and
what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias, TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_core.errors import ArgumentError
from autograd_core.value import Value

__all__ = [
    "CLOSED_FORMS",
    "ERRATA",
    "ITEMS",
    "LECTURES",
    "Array",
    "Comparison",
    "Erratum",
    "Evidence",
    "Finding",
    "Item",
    "Kind",
    "Lifted",
    "Miss",
    "closed_form",
    "erratum",
    "item",
]

Array: TypeAlias = NDArray[np.float64]
Kind: TypeAlias = Literal[
    "definition", "formula", "gradient", "algorithm", "example", "table", "architecture", "convention", "study", "claim"
]

LECTURES = {
    "levine": "Levine, Week 5: Neural Networks",
    "ai50021": "AI 50.021, Neural Networks",
    "malik": "Malik and Wan, Backpropagation",
    "lai": "Lai, CS 114B",
    "mit6036": "MIT 6.036, chapter 8",
    "conventions": "What the five disagree on",
}
"""The lectures by the name of their module."""

RTOL = 1e-12
"""Two exact computations of the same number differ by a few roundings of its largest part."""

CENTRAL_TOL = 1e-7
"""A central difference with a step of 1e-6 is this good where numbers are of size 1."""


@dataclass(frozen=True)
class Comparison:
    """One quantity, computed in up to three ways that know nothing of each other.

    Parameters
    ----------
    quantity : what it is called in the lecture, such as ``"∂L/∂W2"``.
    formula : the lecture's closed form, in NumPy.
    autograd : the same from the graph; None where the quantity is no part of one.
    central : its central difference; None where it is no derivative.
    rtol : by how much formula and graph may differ, relative to the largest number among them (and absolutely below 1).
    graph : the node that was differentiated, to be drawn.
    """

    quantity: str
    formula: Array
    autograd: Array | None = None
    central: Array | None = None
    rtol: float = RTOL
    graph: Value | None = field(default=None, repr=False, compare=False)

    @cached_property
    def difference(self) -> float:
        """The largest difference between graph and formula, or between formula and central difference; nan if shapes differ."""
        return _largest(self.formula, self.central if self.autograd is None else self.autograd)

    @cached_property
    def ulps(self) -> float:
        """The same difference in units of the last place of the largest number."""
        return self.difference / float(np.spacing(_size(self.formula)))

    @cached_property
    def off_central(self) -> float:
        """The largest difference between the central difference and what it stands beside; 0 without one."""
        return 0.0 if self.central is None else _largest(self.formula, self.central)

    @property
    def agrees(self) -> bool:
        """Whether all the ways agree."""
        exact = self.autograd is None or self.difference <= self.rtol * max(1.0, _size(self.formula))
        return exact and self.off_central <= CENTRAL_TOL * max(1.0, _size(self.formula))


@dataclass(frozen=True)
class Finding:
    """Something that was tried, and whether it came out as it should.

    Parameters
    ----------
    what : what was tried, in words.
    found : what came out, in words and numbers.
    holds : whether that is what the lecture (as corrected) says.
    """

    what: str
    found: str
    holds: bool

    @property
    def agrees(self) -> bool:
        """The same as ``holds``, by the name that a comparison has for it."""
        return self.holds


@dataclass(frozen=True)
class Lifted:
    """A formula of a lecture beside lines of a program over arrays, found in a graph of scalars and equal symbol by symbol.

    Parameters
    ----------
    quantity : what the lecture calls it, and in which network.
    formula : how the lecture writes it.
    lines, latex : the program's lines that say the same, as source and typeset.
    holds : whether all of it was found.
    """

    quantity: str
    formula: str
    lines: tuple[str, ...]
    latex: tuple[str, ...]
    holds: bool

    @property
    def agrees(self) -> bool:
        """The same as ``holds``, by the name that a comparison has for it."""
        return self.holds


Evidence: TypeAlias = Comparison | Finding | Lifted


@dataclass(frozen=True)
class Item:
    """One thing that a lecture says.

    Parameters
    ----------
    id : its name in the catalogue, such as ``"levine.bp.W"``; the part before the dot names the lecture.
    kind : what sort of thing.
    where : the section that it stands in.
    statement : what it says, in our own words.
    latex : the formula, in the lecture's letters; empty where there is none.
    shapes : the shapes of what occurs in it.
    notes : conventions that a reader has to know: layout, ½ or not, sum or mean, ascent or descent.
    errata : the ids of what is wrong with the printed form.
    evidence : yields what shows it.
    """

    id: str
    kind: Kind
    where: str
    statement: str
    evidence: Callable[[], Iterable[Evidence]]
    lecture: str
    latex: str = ""
    shapes: str = ""
    notes: str = ""
    errata: tuple[str, ...] = ()


@dataclass(frozen=True)
class Miss:
    """A printed form that misses, and its correction that does not.

    Parameters
    ----------
    quantity : what both compute.
    printed, right : what the printed and the corrected form give.
    truth : what is so: from the graph, or from a difference quotient.
    tol : how near the corrected form comes: by default as near as two exact computations.
    """

    quantity: str
    printed: Array
    right: Array
    truth: Array
    tol: float = RTOL

    @property
    def shown(self) -> bool:
        """Whether the printed form misses by more than a thousandth and the corrected form holds."""
        size = max(1.0, _size(self.truth))
        return not _largest(self.printed, self.truth) <= 1e-3 and _largest(self.right, self.truth) <= self.tol * size


@dataclass(frozen=True)
class Erratum:
    """Something that a lecture prints and does not mean.

    Parameters
    ----------
    id : such as ``"E-LEV-1"``.
    kind : "m" for mathematics, "n" for notation and wording, "o" for what may come from reading the page by machine.
    printed, right : both forms, in our own words.
    lesson : what one can learn from the slip.
    misses : for kind "m", yields the numbers that show it.
    """

    id: str
    kind: Literal["m", "n", "o"]
    lecture: str
    printed: str
    right: str
    lesson: str = ""
    misses: Callable[[], Iterable[Miss]] | None = None


ITEMS: dict[str, Item] = {}
ERRATA: dict[str, Erratum] = {}
CLOSED_FORMS: dict[str, Callable[..., object]] = {}


def item(
    id: str,
    *,
    kind: Kind,
    where: str,
    statement: str,
    latex: str = "",
    shapes: str = "",
    notes: str = "",
    errata: tuple[str, ...] = (),
) -> Callable[[Callable[[], Iterable[Evidence]]], Callable[[], Iterable[Evidence]]]:
    """Declare an item; what is decorated yields its evidence. The parameters are those of `Item`."""
    if kind not in get_args(Kind):
        raise ArgumentError(f"{id} is of kind {kind!r}: choose one of {', '.join(get_args(Kind))}")

    def declare(evidence: Callable[[], Iterable[Evidence]]) -> Callable[[], Iterable[Evidence]]:
        if id in ITEMS:
            raise ArgumentError(f"there is an item {id!r} already: each is declared once")
        lecture = evidence.__module__.split(".")[2]
        ITEMS[id] = Item(id, kind, where, statement, evidence, lecture, latex, shapes, notes, errata)
        return evidence

    return declare


def erratum(
    id: str, *, kind: Literal["m", "n", "o"], lecture: str, printed: str, right: str, lesson: str = ""
) -> Callable[[Callable[[], Iterable[Miss]] | None], None]:
    """Declare an erratum; call the result with the function that yields its misses, or with None for kinds "n" and "o"."""

    def declare(misses: Callable[[], Iterable[Miss]] | None) -> None:
        if id in ERRATA:
            raise ArgumentError(f"there is an erratum {id!r} already: each is declared once")
        ERRATA[id] = Erratum(id, kind, lecture, printed, right, lesson, misses)

    return declare


Form = TypeVar("Form", bound=Callable[..., object])


def closed_form(form: Form) -> Form:
    """Mark a function as a lecture's closed form: NumPy alone, written from the page and never from the graph."""
    CLOSED_FORMS[f"{form.__module__}.{form.__name__}"] = form
    return form


def _size(a: ArrayLike) -> float:
    return float(np.max(np.abs(np.asarray(a, dtype=np.float64)), initial=0.0))


def _largest(a: Array, b: Array | None) -> float:
    if b is None or np.shape(a) != np.shape(b):
        return float("nan")
    return _size(np.asarray(a) - np.asarray(b))
