"""Colour: nodes that compute the same thing in different places get one colour, and become one array.

The colour of a leaf is its array's name; that of a result is its op and the colours of its operands. So all neurons of
a layer share a colour, and so do all their deltas: two nodes have the same colour if and only if the formulas below them
are the same but for which members of the named arrays they read. Nothing else about a node is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_core.graph import walk
from autograd_core.lift.trace import Shape
from autograd_core.op import Op
from autograd_core.value import Row, Value

__all__ = ["CONSTANT", "Class", "Colouring", "Indices", "Operand", "Segment", "coloured"]

Indices: TypeAlias = NDArray[np.int64]

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
        made = _class(members, colour, places, rows)
        made.example = order[members.numbers[0]]
        classes.append(made)
    return Colouring(classes, colour, places, number)


def _named(
    arrays: Mapping[str, tuple[Shape, Sequence[Value]]], number: Mapping[Value, int], colours: list[int], places: Indices
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
    table: dict[object, int] = {}
    found: list[_Members] = []
    rows: list[list[int]] = []
    seen: dict[int, tuple[int, int]] = {}  # the id of a row: which of the rows it is, and its own colour

    def row_of(row: Row) -> tuple[int, int]:
        if id(row) not in seen:
            members = [number[v] for v in row]
            runs = tuple([(c, sum(1 for _ in run)) for c, run in groupby([colours[i] for i in members])])
            seen[id(row)] = len(rows), -1 - table.setdefault(runs, len(table))
            rows.append(members)
        return seen[id(row)]

    classes: dict[object, int] = {}
    for i, v in enumerate(order):
        if v._rule is None:
            continue
        if v._rule.takes_rows:
            pairs = [row_of(row) for row in v.operands]  # pyright: ignore[reportArgumentType] - rows are tuples
            operands = tuple([place for place, _ in pairs])
            key = (v._rule, *[c for _, c in pairs])
            constant = all([colours[j] == CONSTANT for place in operands for j in rows[place]])
        else:
            operands = tuple([number[w] for w in v.operands])  # pyright: ignore[reportArgumentType]
            key = (v._rule, *[colours[j] for j in operands])
            constant = not any(key[1:])
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
    return found, rows


def _place_constants(constants: Class, colours: Indices, places: Indices, numbers: NDArray[np.float64]) -> None:
    """Give each constant a place among those that differ, to the last bit; nan and -0.0 are told apart too."""
    which = np.flatnonzero(colours == CONSTANT)
    _, first, place = np.unique(numbers[which].view(np.int64), return_index=True, return_inverse=True)
    places[which] = place
    constants.numbers, constants.size = numbers[which][first], len(first)


# ---------------------------------------------------------------- the members of one class, in order


def _class(members: _Members, colour: Indices, places: Indices, rows: list[list[int]]) -> Class:
    """Return a class: what it reads, its members in the order of what they read, and the same ones merged."""
    if members.op.takes_rows:
        tables = [np.array([rows[r] for r in column], np.int64) for column in members.operands]
        segments = _segments(tables, colour, places)
        columns = [operand for segment in segments for operand in segment.operands]
    else:
        segments = []
        columns = [
            Operand(int(colour[column[0]]), places[np.array(column, np.int64)]) for column in members.operands
        ]
    # Places of constants say nothing about the order that is meant, so they come last.
    keys = sorted(columns, key=lambda operand: operand.source == CONSTANT)
    kept, place = _ordered([operand.places for operand in keys], len(members.numbers))
    places[np.array(members.numbers, np.int64)] = place
    made = Class(members.op, len(kept))
    if members.op.takes_rows:
        made.segments = tuple(
            [Segment(tuple([Operand(o.source, o.places[kept]) for o in s.operands])) for s in segments]
        )
    else:
        made.operands = tuple([Operand(o.source, o.places[kept]) for o in columns])
    return made


def _segments(tables: list[Indices], colour: Indices, places: Indices) -> list[Segment]:
    """Split rows by the colours of their columns; within a segment columns are in the order of what they read.

    A sum, a product of rows and an extreme are the same in any order, but for rounding.
    """
    colours = np.stack([colour[table[0]] for table in tables])
    groups: dict[tuple[int, ...], list[int]] = {}
    for k in range(colours.shape[1]):
        groups.setdefault(tuple(colours[:, k].tolist()), []).append(k)
    segments: list[Segment] = []
    for sources, columns in groups.items():
        read = [places[table[:, columns]] for table in tables]
        firsts = [r[0] for source, r in zip(sources, read, strict=True) if source != CONSTANT] or [read[0][0]]
        order = np.lexsort(firsts[::-1])
        segments.append(Segment(tuple([Operand(s, r[:, order]) for s, r in zip(sources, read, strict=True)])))
    return segments


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
