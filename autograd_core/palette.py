"""Colours and marks of a drawing: the size and sign of a number, seen at a glance and without colours too."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograd_core.chain import FLOATS, edges, rule_of
from autograd_core.value import Value

__all__ = ["MARKS", "Scale", "extreme", "is_flat", "mark_of"]

_NEGATIVE, _ZERO, _POSITIVE = (107, 174, 214), (255, 255, 255), (253, 174, 97)
"""Blue, white and orange differ to every kind of eye, and black text can be read on all three."""

MARKS: dict[str, dict[str, str]] = {
    "zero": {"style": "filled,dashed"},
    "infinite": {"peripheries": "2"},
    "nan": {"shape": "octagon"},
}
"""What a box with such a number looks like, whatever its colour."""


def mark_of(x: float) -> str:
    """Return which of the marks a number has, or none.

    >>> mark_of(0.0), mark_of(1.0)
    ('zero', '')
    """
    if math.isnan(x):
        return "nan"
    if math.isinf(x):
        return "infinite"
    return "" if x else "zero"


def extreme(numbers: Sequence[float]) -> float:
    """Return the number that stands for several: a nan if there is one, else the largest either way.

    >>> extreme([0.5, -2.0])
    -2.0
    """
    return max(numbers, key=lambda x: (math.isnan(x), abs(x)))


@dataclass(frozen=True)
class Scale:
    """A scale from blue by white to orange, the same on both sides of 0; small numbers are told apart by their roots.

    Parameters
    ----------
    largest : the magnitude that has the full colour; all beyond it have that too.

    >>> Scale(4.0).colour(0.0), Scale(4.0).colour(-4.0)
    ('#ffffff', '#6baed6')
    """

    largest: float

    @classmethod
    def of(cls, numbers: Iterable[float]) -> Scale:
        """Return the scale that reaches as far as the finite ones of these numbers."""
        return cls(max([abs(x) for x in numbers if math.isfinite(x)], default=0.0))

    def colour(self, x: float) -> str:
        """Return the colour of a number; that of nan is white."""
        end = _NEGATIVE if x < 0.0 else _POSITIVE
        share = 0.0 if math.isnan(x) or not x else math.sqrt(min(abs(x) / self.largest, 1.0)) if self.largest else 1.0
        mixed = [round(white + share * (full - white)) for white, full in zip(_ZERO, end, strict=True)]
        return "#{:02x}{:02x}{:02x}".format(*mixed)


def is_flat(node: Value) -> bool:
    """Tell whether an op with a kink passes no derivative on at all, as a ReLU does below 0."""
    if rule_of(node).kink is None:
        return False
    partials = [partial for _, partial in edges(node, FLOATS.operands(node), lambda v: not v.is_constant)]
    return bool(partials) and all([partial == 0.0 for partial in partials])
