"""What a drawing shows: the boxes that values are put in, as plain data.

A box shows one value; or all of a scope, such as one layer; or several such that are alike, as the sixteen neurons of
a layer are. Nothing here knows about pictures, and nothing recurses.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TypeAlias

from autograd_core.chain import rule_of
from autograd_core.graph import walk
from autograd_core.modes import Scope
from autograd_core.value import Value

__all__ = ["Box", "Folding", "Path", "fold"]

Path: TypeAlias = tuple[str, ...]
"""The names of nested scopes, from the outside in."""

_FEW = 4
"""So many leaves with the same consumers are drawn one by one, even where the rest is folded."""


@dataclass(frozen=True)
class Box:
    """One box of a drawing.

    Parameters
    ----------
    members : the numbers of the values that it shows, in order.
    path : the open scopes that it stands in.
    name : what it is called if it is folded; one that shows its only value as such has no name.
    times : how many parts of the graph, all alike, it stands for.
    counted : whether what is inside is worth counting; it is not where the name or the times say it.
    """

    members: tuple[int, ...]
    path: Path = ()
    name: str = ""
    times: int = 1
    counted: bool = True

    @property
    def id(self) -> str:
        """What it is called in DOT and SVG."""
        return f"{'f' if self.name else 'v'}{self.members[-1]}"


@dataclass(frozen=True)
class Folding:
    """A graph, put into boxes.

    Parameters
    ----------
    values : all values in topological order; a value's number is its place here.
    inputs : the numbers of each value's inputs, in order.
    results : the numbers of the values asked for.
    boxes : in topological order, as far as they have one.
    depth : how many levels of scopes are open; None if all are.
    by_itself : whether there were too many values for what was asked for.
    box_of : the place of each value's box among the boxes.
    """

    values: list[Value]
    inputs: list[tuple[int, ...]]
    results: tuple[int, ...]
    boxes: list[Box]
    depth: int | None
    by_itself: bool
    box_of: list[int] = field(init=False)

    def __post_init__(self) -> None:
        box_of = [0] * len(self.values)
        for place, box in enumerate(self.boxes):
            for n in box.members:
                box_of[n] = place
        object.__setattr__(self, "box_of", box_of)

    def outputs(self) -> set[int]:
        """Return the numbers of the values that another box uses, and of the results."""
        seen = set(self.results)
        for n, inputs in enumerate(self.inputs):
            seen.update([i for i in inputs if self.box_of[i] != self.box_of[n]])
        return seen


def fold(roots: Sequence[Value], depth: int | None = None, max_nodes: int | None = None) -> Folding:
    """Put the graph below some results into boxes.

    Parameters
    ----------
    roots : the results.
    depth : how many levels of scopes stay open. Each scope further in is one box; those that are alike are one
        together. None opens all.
    max_nodes : the most boxes. Where there would be more, fewer levels are opened and single values that are alike
        become one box; if that is not enough, so does all that comes first. None sets no limit.

    >>> from autograd_core import scope
    >>> a = Value(2.0)
    >>> with scope("layer"):
    ...     y = (a * a).tanh()
    >>> [box.name for box in fold([y], depth=0).boxes]
    ['', 'layer']
    """
    graph = _Numbered(roots)
    if max_nodes is None:
        return graph.folding(depth, by_itself=False)
    if depth is not None or len(graph.values) <= max_nodes:
        folding = graph.folding(depth, by_itself=False)
        if len(folding.boxes) <= max_nodes:
            return folding
    deepest = max([len(visits) for visits in graph.visits])
    low, high = 1, deepest if depth is None else min(depth, deepest)
    best = graph.folding(0, by_itself=True)
    if len(best.boxes) > max_nodes:
        return _cut(best, max_nodes)
    while low <= high:  # the more levels are open, the more boxes there are
        middle = (low + high + 1) // 2
        folding = graph.folding(middle, by_itself=True)
        if len(folding.boxes) <= max_nodes:
            best, low = folding, middle + 1
        else:
            high = middle - 1
    return best


def _cut(folding: Folding, most: int) -> Folding:
    """Put all but the last boxes into one. They come first in topological order, so that no circle arises."""
    cut = len(folding.boxes) - most + 1
    members = sorted([n for box in folding.boxes[:cut] for n in box.members])
    earlier = Box(tuple(members), name=f"… {len(members):,} earlier values", counted=False)
    boxes = [earlier, *folding.boxes[cut:]]
    return Folding(folding.values, folding.inputs, folding.results, boxes, folding.depth, folding.by_itself)


# ---------------------------------------------------------------- which values go together


@dataclass(slots=True)
class _Part:
    """What is never torn apart at some depth: one result, or those of one visit to a scope, which then has a name."""

    path: Path
    name: str = ""
    members: list[int] = field(default_factory=list[int])
    before: set[int] = field(default_factory=set[int])


class _Numbered:
    """A graph as numbers: what is looked at again for each depth that is tried."""

    def __init__(self, roots: Sequence[Value]) -> None:
        self.values = walk(tuple(roots))[0]
        number = {v: n for n, v in enumerate(self.values)}
        self.results = tuple([number[v] for v in roots])
        self.inputs = [tuple([number[v] for v in node.inputs]) for node in self.values]
        known: dict[Scope | None, tuple[Scope, ...]] = {None: ()}
        self.visits = [_visits(node.scope, known) for node in self.values]

    def folding(self, depth: int | None, *, by_itself: bool) -> Folding:
        """Put all values into boxes, with scopes open down to a depth."""
        parts, part_of = self._parts(depth)
        alike = self._alike(parts, part_of, by_itself=by_itself)
        place_of = {part: place for place, same in enumerate(alike) for part in same}
        users: dict[int, set[int]] = {n: set() for n, part in enumerate(part_of) if part < 0}
        for n, inputs in enumerate(self.inputs):
            for i in inputs:
                if part_of[i] < 0:
                    users[i].add(place_of[part_of[n]])
        members = [[n for part in same for n in parts[part].members] for same in alike]
        inside, outside = self._inside(users, [bool(parts[same[0]].name) or len(same) > 1 for same in alike])
        for n, place in inside:
            members[place].append(n)
        boxes = [self._box(sorted(ns), [parts[part] for part in same]) for ns, same in zip(members, alike, strict=True)]
        ranked = [(place, 1, box) for place, box in enumerate(boxes)]
        for place, numbers in self._rows(outside, users, apart=depth is None):
            ranked.append((place, 0, self._leaf_box(numbers, [boxes[user].path for user in users[numbers[0]]], depth)))
        ranked.sort(key=lambda entry: (entry[0], entry[1], entry[2].members[0]))
        return Folding(self.values, self.inputs, self.results, [box for *_, box in ranked], depth, by_itself)

    def _parts(self, depth: int | None) -> tuple[list[_Part], list[int]]:
        """Return the parts, and which of them each value is in: -1 for a leaf, which goes where its users are."""
        parts: list[_Part] = []
        part_of = [-1] * len(self.values)
        by_visit: dict[Scope, int] = {}
        for n, visits in enumerate(self.visits):
            if self.values[n].op is None:
                continue
            visit = visits[depth] if depth is not None and len(visits) > depth else None
            part = len(parts) if visit is None else by_visit.setdefault(visit, len(parts))
            if part == len(parts):
                parts.append(_Part(_names(visits[:depth]), "" if visit is None else visit.name or "scope"))
            part_of[n] = part
            parts[part].members.append(n)
            parts[part].before.update([part_of[i] for i in self.inputs[n]])
        for part, content in enumerate(parts):
            content.before -= {part, -1}
        return parts, part_of

    def _alike(self, parts: list[_Part], part_of: list[int], *, by_itself: bool) -> list[list[int]]:
        """Return the parts, those that are alike together, in topological order.

        Visits to scopes are alike that have the same path, but for a number at its end, the same ops inside, and
        come after the same; so are single values, if asked for, that are the same op of the same.
        """
        alike: list[list[int]] = []
        place_of: dict[int, int] = {-1: -1}  # a leaf does not tell parts from one another
        known: dict[Hashable, int] = {}
        for part in _in_order([content.before for content in parts]):
            content = parts[part]
            if content.name:
                before = frozenset([place_of.get(b, ~b) for b in content.before])
                ops = tuple([self.values[n].op for n in content.members])
                key: Hashable = (content.path, _family(content.name), before, ops)
            elif by_itself:
                (n,) = content.members
                before = tuple([place_of.get(part_of[i], ~part_of[i]) for i in self.inputs[n]])
                key = (content.path, before, self.values[n].op)
            else:
                key = part
            place_of[part] = known.setdefault(key, len(alike))
            if place_of[part] == len(alike):
                alike.append([])
            alike[place_of[part]].append(part)
        return alike

    def _inside(self, users: dict[int, set[int]], folded: list[bool]) -> tuple[list[tuple[int, int]], list[int]]:
        """Return the leaves that one folded box alone uses, each with its place, and all others.

        An input of the whole stays in sight all the same: only a constant, or what a module made, goes inside.
        """
        inside: list[tuple[int, int]] = []
        outside: list[int] = []
        for n, places in users.items():
            leaf = self.values[n]
            if len(places) == 1 and folded[min(places)] and (leaf.is_constant or leaf.scope is not None):
                inside.append((n, min(places)))
            else:
                outside.append(n)
        return inside, outside

    def _rows(self, leaves: list[int], users: dict[int, set[int]], *, apart: bool) -> list[tuple[int, list[int]]]:
        """Return the leaves in rows, which become one box each, with the place of the first box that uses them."""
        by_use: dict[Hashable, list[int]] = {}
        for n in leaves:
            leaf = self.values[n]
            key = n if apart else (frozenset(users[n]), leaf.is_constant, leaf.scope is None)
            by_use.setdefault(key, []).append(n)
        rows: list[list[int]] = []
        for row in by_use.values():
            rows += [row] if len(row) > _FEW else [[n] for n in row]
        return [(min(users[row[0]], default=len(self.values)), row) for row in rows]

    def _box(self, members: list[int], parts: list[_Part]) -> Box:
        name, times = parts[0].name, len(parts)
        if times > 1:
            name = _family(name) if name else rule_of(self.values[members[-1]]).symbol
        return Box(tuple(members), parts[0].path, name, times)

    def _leaf_box(self, row: list[int], paths: Sequence[Path], depth: int | None) -> Box:
        """Return a box of leaves. What a module made stands where it is used; an input stands outside."""
        first, last = self.values[row[0]], self.values[row[-1]]
        path = _common(paths) or _names(self.visits[row[0]][:depth])
        if first.scope is None and not first.is_constant:
            path = ()
        name = ""
        if len(row) > 1:
            name = f"{first.label} … {last.label}" if first.label and last.label else "leaves"
        return Box(tuple(row), path, name, len(row), counted=False)


def _visits(scope: Scope | None, known: dict[Scope | None, tuple[Scope, ...]]) -> tuple[Scope, ...]:
    """Return a scope and all around it, from the outside in."""
    if scope not in known:
        chain: list[Scope] = []
        here = scope
        while here is not None:
            chain.append(here)
            here = here.parent
        known[scope] = tuple(reversed(chain))
    return known[scope]


def _names(visits: Iterable[Scope]) -> Path:
    return tuple([visit.name for visit in visits])


def _family(name: str) -> str:
    """Return a name without the number at its end: ``neurons`` of ``neurons.3``."""
    head, _, tail = name.rpartition(".")
    return head if head and tail.isdecimal() else name


def _common(paths: Sequence[Path]) -> Path:
    """Return the names with which all of some paths start."""
    shared = min(paths, default=())
    for path in paths:
        while path[: len(shared)] != shared:
            shared = shared[:-1]
    return shared


def _in_order(before: list[set[int]]) -> list[int]:
    """Return all parts, each after those that come before it.

    Parts that go round in a circle, as scopes may that use each other's results, come in the order of their numbers.
    """
    after: list[list[int]] = [[] for _ in before]
    for part, others in enumerate(before):
        for other in others:
            after[other].append(part)
    missing = [len(others) for others in before]
    ready = [part for part, count in enumerate(missing) if not count]
    placed = [False] * len(before)
    order: list[int] = []
    first = 0
    while len(order) < len(before):
        if not ready:
            while placed[first]:
                first += 1
            ready = [first]
        part = heappop(ready)
        if placed[part]:
            continue
        placed[part] = True
        order.append(part)
        for other in after[part]:
            missing[other] -= 1
            if not missing[other]:
                heappush(ready, other)
    return order
