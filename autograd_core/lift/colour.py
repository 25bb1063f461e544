"""Colour: nodes that compute the same thing in different places get one colour, and become one array.

The colour of a leaf is its array's name; that of a result is its op and the colours of its operands. So all neurons of
a layer share a colour, and so do all their deltas: two nodes have the same colour if and only if the formulas below them
are the same but for which members of the named arrays they read. Nothing else about a node is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, permutations

import numpy as np
from numpy.typing import NDArray

from autograd_core.graph import walk
from autograd_core.lift.axes import Indices, digits_of
from autograd_core.lift.trace import Shape
from autograd_core.op import Op
from autograd_core.ops import pow
from autograd_core.value import Row, Value

__all__ = ["CONSTANT", "Class", "Colouring", "Indices", "Operand", "Segment", "coloured"]

MOST_ORDERS = 6

CONSTANT = 0
"""The colour of every number that depends on no input and no parameter."""


@dataclass(frozen=True)
class Operand:
    """What one operand of a class reads: for each member a place in another class, or for each a row of places.

    Parameters
    ----------
    source : the class that is read.
    places : which of its members, of shape (members,), or (members, columns) of a row.
    """

    source: int
    places: Indices


@dataclass(frozen=True)
class Segment:
    """The columns of a row, or of a pair of rows, that read from the same classes: one operand, or two."""

    operands: tuple[Operand, ...]


@dataclass
class Class:
    """All nodes of one colour.

    Parameters
    ----------
    op : what each member is the result of; None for leaves.
    size : how many members there are, after those that are the same have been merged.
    name, shape : of an array of leaves.
    operands : what its members read, operand by operand; empty for an op of rows.
    segments : what they read, segment by segment; empty for an op of single numbers.
    example : one of the members.
    numbers : the members of the class of constants.
    """

    op: Op | None
    size: int = 0
    name: str = ""
    shape: Shape | None = None
    operands: tuple[Operand, ...] = ()
    segments: tuple[Segment, ...] = ()
    example: Value | None = None
    numbers: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Colouring:
    """The classes of a graph, each after those it reads, and where each node of interest has its place.

    Parameters
    ----------
    classes : the constants first, then the named arrays, then what is computed.
    colour, place : of each node, by its number.
    number : of each node.
    """

    classes: list[Class]
    colour: Indices
    place: Indices
    number: dict[Value, int]

    def where(self, nodes: Sequence[Value]) -> tuple[Indices, Indices]:
        """Return the colours and the places of some nodes."""
        numbers = np.fromiter(map(self.number.__getitem__, nodes), np.int64, len(nodes))
        return self.colour[numbers], self.place[numbers]


@dataclass
class _Members:
    """What is known of the members of a class while nodes are gone through: their numbers and those of their operands."""

    op: Op
    numbers: list[int] = field(default_factory=list[int])
    operands: tuple[list[int], ...] = ()


def coloured(roots: Sequence[Value], arrays: Mapping[str, tuple[Shape, Sequence[Value]]]) -> Colouring:
    """Return the classes of everything that the roots depend on.

    Parameters
    ----------
    roots : what is to be computed.
    arrays : the leaves that vary, by the name of the array that they belong to, with its shape.
    """
    order = walk(tuple(roots))[0]
    number = {v: i for i, v in enumerate(order)}
    colours = [CONSTANT] * len(order)
    places = np.zeros(len(order), np.int64)
    classes = [Class(None, name="constant"), *_named(arrays, number, colours, places)]
    found, rows = _by_colour(order, number, colours, len(classes))
    numbers = np.array([v._primal for v in order])
    _place_constants(classes[0], np.array(colours), places, numbers)
    colour = np.array(colours, np.int64)
    for members in found:
        made = _class(members, colour, places, rows, len(arrays))
        made.example = order[members.numbers[0]]
        classes.append(made)
    return Colouring(classes, colour, places, number)


def _named(
    arrays: Mapping[str, tuple[Shape, Sequence[Value]]],
    number: Mapping[Value, int],
    colours: list[int],
    places: Indices,
) -> Iterable[Class]:
    """Yield the class of each named array, and note the colours and places of its leaves."""
    for colour, (name, (shape, leaves)) in enumerate(arrays.items(), start=1):
        for place, leaf in enumerate(leaves):
            i = number.get(leaf)
            if i is not None and colours[i] == CONSTANT:  # a leaf in two arrays goes by the first
                colours[i], places[i] = colour, place
        yield Class(None, len(leaves), name, shape)


def _by_colour(
    order: Sequence[Value], number: Mapping[Value, int], colours: list[int], known: int
) -> tuple[list[_Members], list[list[int]]]:
    """Give every result its colour, and return the members of each new class, and all rows as numbers of nodes."""
    found: list[_Members] = []
    rows = _Rows(number, colours)
    classes: dict[object, int] = {}
    for i, v in enumerate(order):
        if v._rule is None:
            continue
        if v._rule.takes_rows:
            operands = tuple([rows.number(row) for row in v.operands])  # pyright: ignore[reportArgumentType] - rows are tuples
            mixture = rows.mixture(operands)
            key, constant = (v._rule, mixture), mixture == rows.constant(len(operands))
        else:
            operands = tuple([number[w] for w in v.operands])  # pyright: ignore[reportArgumentType]
            if len(operands) == 2 and "commutative" in v._rule.laws and colours[operands[0]] < colours[operands[1]]:
                operands = operands[::-1]  # what is computed last comes first
            key = (v._rule, *[colours[j] for j in operands])
            constant = not any(key[1:])
            if v._rule is pow and key[-1] == CONSTANT:  # a power is known by its exponent: a square is no cube
                key = (*key, order[operands[1]]._primal)
        if constant:
            continue
        colour = classes.get(key)
        if colour is None:
            colour = classes[key] = known + len(found)
            found.append(_Members(v._rule, operands=tuple([[] for _ in operands])))
        colours[i] = colour
        members = found[colour - known]
        members.numbers.append(i)
        for column, operand in zip(members.operands, operands):  # noqa: B905 - equally long by their colour
            column.append(operand)
    return found, rows.members


class _Rows:
    """The rows that ops are given. All such ops add or compare, so the order of a row makes no difference to its colour.

    Parameters
    ----------
    number, colours : of each node.
    """

    def __init__(self, number: Mapping[Value, int], colours: Sequence[int]) -> None:
        self._number, self._colours = number, colours
        self._known: dict[int, int] = {}
        self._mixtures: dict[tuple[int, ...], int] = {}
        self._table: dict[object, int] = {}
        self.members: list[list[int]] = []

    def number(self, row: Row) -> int:
        """Return which of the rows this one is; the same tuple is the same row."""
        found = self._known.get(id(row))
        if found is None:
            found = self._known[id(row)] = len(self.members)
            self.members.append([self._number[v] for v in row])
        return found

    def mixture(self, rows: tuple[int, ...]) -> int:
        """Return a number for how often each colour, or each pair of colours, comes in a row, or in two that are paired."""
        found = self._mixtures.get(rows)
        if found is None:
            colours = [[self._colours[i] for i in self.members[row]] for row in rows]
            counts = Counter(colours[0]) if len(rows) == 1 else self._pairs(*colours)
            if not any([any(pair) if isinstance(pair, tuple) else pair for pair in counts]):
                found = self.constant(len(rows))
            else:
                found = self._table.setdefault(frozenset(counts.items()), len(self._table))
            self._mixtures[rows] = found
        return found

    def _pairs(self, left: Sequence[int], right: Sequence[int]) -> Counter[tuple[int, int]]:
        counts: Counter[tuple[int, int]] = Counter()
        for (a, b), count in Counter(zip(left, right, strict=True)).items():
            counts[(a, b) if a >= b else (b, a)] += count
        return counts

    def constant(self, rows: int) -> int:
        """Return the mixture of rows of nothing but constants."""
        return -rows


def _place_constants(constants: Class, colours: Indices, places: Indices, numbers: NDArray[np.float64]) -> None:
    """Give each constant a place among those that differ, to the last bit; nan and -0.0 are told apart too."""
    which = np.flatnonzero(colours == CONSTANT)
    _, first, place = np.unique(numbers[which].view(np.int64), return_index=True, return_inverse=True)
    places[which] = place
    constants.numbers, constants.size = numbers[which][first], len(first)


# ---------------------------------------------------------------- the members of one class, in order


def _class(members: _Members, colour: Indices, places: Indices, rows: list[list[int]], leaves: int) -> Class:
    """Return a class: what it reads, its members in the order of what they read, and the same ones merged."""
    if members.op.takes_rows:
        tables = [np.array([rows[r] for r in column], np.int64) for column in members.operands]
        segments = _segments(tables, colour, places)
        columns = [operand for segment in segments for operand in segment.operands]
    else:
        segments = []
        columns = [Operand(int(colour[column[0]]), places[np.array(column, np.int64)]) for column in members.operands]
    kept, place = _best_order(columns, len(members.numbers), leaves)
    places[np.array(members.numbers, np.int64)] = place
    made = Class(members.op, len(kept))
    if members.op.takes_rows:
        made.segments = tuple(
            [Segment(tuple([Operand(o.source, o.places[kept]) for o in s.operands])) for s in segments]
        )
    else:
        made.operands = tuple([Operand(o.source, o.places[kept]) for o in columns])
    return made


def _best_order(columns: list[Operand], size: int, leaves: int) -> tuple[Indices, Indices]:
    """Return which members to keep, in an order in which what they read counts in digits, and which of them each one is.

    At first those operands count that are computed, then the leaves as they are named, so that samples and steps come
    before the units of a layer. Places of constants say nothing about the order that is meant.
    """
    keys = sorted(columns, key=lambda o: leaves + 1 if o.source == CONSTANT else o.source if o.source <= leaves else 0)
    first = _ordered([o.places for o in keys], size)
    heads = np.stack([o.places.reshape(size, -1)[:, 0] for o in columns], axis=1)
    if digits_of(heads[first[0]]) is not None:
        return first
    for others in islice(permutations(keys), 1, MOST_ORDERS):
        order = _ordered([o.places for o in others], size)
        if digits_of(heads[order[0]]) is not None:
            return order
    return first


def _segments(tables: list[Indices], colour: Indices, places: Indices) -> list[Segment]:
    """Split rows by the colours of their columns; within a segment columns are in the order of what they read."""
    if len(tables) == 2:
        a, b = tables
        turned = colour[a] < colour[b]
        tables = [np.where(turned, b, a), np.where(turned, a, b)]
    # The last key counts most: first come the colours, then the places that are read.
    keys = [places[table] * (colour[table] != CONSTANT) for table in tables[::-1]]
    keys += [-colour[table] for table in tables[::-1]]
    order = np.lexsort([key[0] for key in keys])
    if _is_sorted([key[:, order] for key in keys]):
        tables = [table[:, order] for table in tables]
    else:
        each = np.lexsort(keys, axis=1)
        tables = [np.take_along_axis(table, each, axis=1) for table in tables]
    colours = np.stack([colour[table[0]] for table in tables])
    groups: dict[tuple[int, ...], list[int]] = {}
    for k in range(colours.shape[1]):
        groups.setdefault(tuple(colours[:, k].tolist()), []).append(k)
    return [
        Segment(tuple([Operand(s, places[table[:, columns]]) for s, table in zip(sources, tables, strict=True)]))
        for sources, columns in groups.items()
    ]


def _is_sorted(keys: Sequence[Indices]) -> bool:
    """Tell whether columns are in order in every row, the last key counting most."""
    tied = np.ones(keys[0][:, 1:].shape, np.bool_)
    for key in keys[::-1]:
        step = key[:, 1:] - key[:, :-1]
        if (tied & (step < 0)).any():
            return False
        tied &= step == 0
    return True


def _ordered(columns: list[Indices], size: int) -> tuple[Indices, Indices]:
    """Return which members to keep, in the order of their operands' places, and which of these each member is."""
    table = np.concatenate([c.reshape(size, -1) for c in columns], axis=1)
    if size == 1:
        return np.zeros(1, np.int64), np.zeros(1, np.int64)
    differs = table[1:] != table[:-1]
    first = differs.argmax(axis=1)
    rows = np.arange(size - 1)
    if (table[1:][rows, first] > table[:-1][rows, first]).all():
        everyone = np.arange(size)
        return everyone, everyone
    # Big-endian bytes compare as the numbers do, a whole row at once.
    keys = np.ascontiguousarray(table.astype(">i4")).view(np.dtype((np.void, 4 * table.shape[1])))[:, 0]
    _, kept, place = np.unique(keys, return_index=True, return_inverse=True)
    return kept, place.reshape(size)
