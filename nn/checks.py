"""What several rooms ask of their arguments."""

from __future__ import annotations

from typing import SupportsIndex

from autograd_core.errors import ArgumentError

__all__ = ["whole_from_one"]


def whole_from_one(what: str, number: SupportsIndex) -> int:
    """Return a whole number from 1 up; ArgumentError for anything else.

    >>> whole_from_one("epochs", 3)
    3
    """
    if not isinstance(number, SupportsIndex) or number.__index__() < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(f"{what} is {number!r}: pass a whole number from 1 up")
    return number.__index__()
