"""All items and errata, of all lectures or of one; the lectures' modules are loaded when they are first asked for."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

from autograd_core.errors import ArgumentError
from nn.lectures.item import ERRATA, ITEMS, LECTURES, Erratum, Item

__all__ = ["checked_lecture", "errata_of", "item_of", "items_of"]


def checked_lecture(lecture: str) -> str:
    """Return the name of a lecture, or raise ArgumentError with those that there are."""
    if lecture not in LECTURES:
        near = get_close_matches(lecture, LECTURES, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ArgumentError(f"there is no lecture {lecture!r}: {hint}choose one of {', '.join(LECTURES)}")
    return lecture


def _load(lecture: str | None) -> list[str]:
    names = list(LECTURES) if lecture is None else [checked_lecture(lecture)]
    for name in names:
        import_module(f"nn.lectures.{name}")
    return names


def items_of(lecture: str | None = None) -> list[Item]:
    """Return the items of one lecture, or of all, in the order of the lectures.

    >>> [item.id for item in items_of("levine")][:1]
    ['levine.conv.h0']
    """
    names = _load(lecture)
    return sorted([i for i in ITEMS.values() if i.lecture in names], key=lambda i: names.index(i.lecture))


def item_of(id: str) -> Item:
    """Return the item of that id; ArgumentError if there is none."""
    _load(None)
    try:
        return ITEMS[id]
    except KeyError:
        near = get_close_matches(id, ITEMS, n=3)
        raise ArgumentError(f"there is no item {id!r}: {f'did you mean {near}?' if near else 'see items()'}") from None


def errata_of(lecture: str | None = None) -> list[Erratum]:
    """Return the errata of one lecture, or of all."""
    names = _load(lecture)
    return sorted([e for e in ERRATA.values() if e.lecture in names], key=lambda e: names.index(e.lecture))
