"""Numbers that have to lie in a range: rates, shares and the like."""

from __future__ import annotations

import math

from autograd_core.errors import ArgumentError
from autograd_core.op import as_float

__all__ = ["above_zero", "factor", "from_zero", "share"]


def from_zero(what: str, number: float) -> float:
    """Return a finite number from 0 up; ArgumentError for any other.

    >>> from_zero("weight_decay", 0)
    0.0
    """
    return _checked(what, number, 0.0 <= as_float(number) < math.inf, "a finite number from 0 up")


def above_zero(what: str, number: float) -> float:
    """Return a finite number above 0; ArgumentError for any other.

    >>> above_zero("eps", 1e-8)
    1e-08
    """
    return _checked(what, number, 0.0 < as_float(number) < math.inf, "a finite number above 0")


def share(what: str, number: float) -> float:
    """Return a number in [0, 1); ArgumentError for any other.

    >>> share("momentum", 0.9)
    0.9
    """
    return _checked(what, number, 0.0 <= as_float(number) < 1.0, "a number in [0, 1)")


def factor(what: str, number: float) -> float:
    """Return a number in (0, 1]; ArgumentError for any other.

    >>> factor("factor", 0.5)
    0.5
    """
    return _checked(what, number, 0.0 < as_float(number) <= 1.0, "a number in (0, 1]")


def _checked(what: str, number: float, lies_there: bool, mend: str) -> float:
    if not lies_there:
        raise ArgumentError(f"{what} is {number!r}: pass {mend}")
    return as_float(number)
