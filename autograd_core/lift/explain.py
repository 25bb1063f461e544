"""Explanation: which scalars became which array, and how each statement reads the others."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from autograd_core.graph import walk
from autograd_core.lift.colour import CONSTANT, Colouring
from autograd_core.lift.graph import Derivation
from autograd_core.lift.ir import Array, Contract, Expression, Routine, Statement, View, children, views_in
from autograd_core.lift.lower import SEED
from autograd_core.lift.matrices import BATCH, axes_read, is_matrix_product
from autograd_core.lift.trace import Shape
from autograd_core.notation import BRIEF
from autograd_core.symbol import Symbol
from autograd_core.value import Value

__all__ = [
    "Explanation",
    "Note",
    "count_batch_sums",
    "count_gathers",
    "count_matrix_products",
    "explanation",
    "expressions",
    "patterns",
]

DEEPEST = 6
"""How many ops that have no array of their own an example writes out."""


@dataclass(frozen=True)
class Note:
    """What is known of one array.

    Parameters
    ----------
    name, shape : of the array; the shape is that of one sample, with "batch" before it if each has its own.
    scalars : how many scalars of which ops it stands for, in words.
    example : one of them, as it was recorded.
    reads : how its operands are read, and what they make, in words.
    """

    name: str
    shape: tuple[int | str, ...]
    scalars: str
    example: str
    reads: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """How a graph of scalars became a program; it prints itself, and shows itself in a notebook.

    Parameters
    ----------
    scalars, classes : how many results there were, those of derivatives included, and of how many kinds.
    statements, matrix_products, batch_sums, gathers : how many the program has.
    notes : one for each array that is computed.
    """

    scalars: int
    classes: int
    statements: int
    matrix_products: int
    batch_sums: int
    gathers: int
    notes: tuple[Note, ...]

    @property
    def summary(self) -> str:
        """The counts in a sentence."""
        return (
            f"{_many(self.scalars, 'scalar')} of {_many(self.classes, 'kind')} became "
            f"{_many(self.statements, 'statement')}: {_many(self.matrix_products, 'matrix product')}, "
            f"{_many(self.batch_sums, 'sum')} over the batch, {_many(self.gathers, 'gather')}"
        )

    def __str__(self) -> str:
        lines = [self.summary]
        for note in self.notes:
            lines += ["", f"{note.name} {_shape(note.shape)}: {note.scalars}", f"    {note.example}"]
            lines += [f"    {read}" for read in note.reads]
        return "\n".join(lines)

    def _repr_markdown_(self) -> str:
        head = "| array | shape | scalars | one of them | how it reads |\n| --- | --- | --- | --- | --- |"
        rows = [
            f"| `{note.name}` | {_shape(note.shape)} | {note.scalars} | `{note.example}` | {'; '.join(note.reads)} |"
            for note in self.notes
        ]
        return "\n".join([self.summary, "", head, *rows])

    def _repr_html_(self) -> str:
        head = "".join([f"<th>{title}</th>" for title in ("array", "shape", "scalars", "one of them", "how it reads")])
        rows = [
            f"<tr><td><code>{html.escape(note.name)}</code></td><td>{_shape(note.shape)}</td><td>{html.escape(note.scalars)}</td>"
            f"<td><code>{html.escape(note.example)}</code></td><td>{'<br>'.join(map(html.escape, note.reads))}</td></tr>"
            for note in self.notes
        ]
        return f"<p>{self.summary}</p><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def explanation(routine: Routine, derivation: Derivation) -> Explanation:
    """Return the explanation of a routine.

    Parameters
    ----------
    derivation : the graph that the routine is of, with its colours.
    """
    teller = _Teller(routine, derivation)
    wanted = [v for output in routine.outputs for v in derivation.results[output.name][1]]
    results = [v for v in walk(tuple(wanted))[0] if v.op is not None]
    colours, _ = derivation.colouring.where(results)
    return Explanation(
        scalars=len(results),
        classes=len(np.unique(colours)),
        statements=len(routine.statements),
        matrix_products=count_matrix_products(routine),
        batch_sums=count_batch_sums(routine),
        gathers=count_gathers(routine),
        notes=tuple(map(teller.note, routine.statements)),
    )


def count_matrix_products(routine: Routine) -> int:
    """Return how many products of matrices a routine has, those of a matrix and a vector among them."""
    return len([1 for e, sizes in _all_expressions(routine) if is_matrix_product(e, routine, sizes)])


def count_batch_sums(routine: Routine) -> int:
    """Return how many sums run over the batch, alone or as a matrix product."""
    return len([1 for e, _ in _all_expressions(routine) if isinstance(e, Contract) and e.batch])


def count_gathers(routine: Routine) -> int:
    """Return how many times a routine reads an array by a table of places."""
    return len([1 for s in routine.statements for view in views_in(s.expression) if view.table is not None])


def _all_expressions(routine: Routine) -> Iterator[tuple[Expression, Shape]]:
    for statement in routine.statements:
        yield from expressions(statement, routine)


def expressions(statement: Statement, routine: Routine) -> Iterator[tuple[Expression, Shape]]:
    """Yield every expression in a statement, the outer ones first, with the sizes of the digits that it is read in."""
    stack: list[tuple[Expression, Shape]] = [(statement.expression, routine.arrays[statement.out].shape)]
    while stack:
        e, sizes = stack.pop()
        yield e, sizes
        inner = sizes + e.sizes if isinstance(e, Contract) else sizes
        stack += [(part, inner) for part in children(e)[::-1]]


# ---------------------------------------------------------------- how an array is read


def patterns(view: View, routine: Routine, sizes: Shape) -> list[str]:
    """Return in which ways a view of an array differs from the array as it is; empty if in none.

    Parameters
    ----------
    sizes : of the digits that it is read in.
    """
    array = routine.arrays[view.array]
    if view.table is not None:
        return ["gathered by a table of places"]
    axes = [
        (length, base, [(d, step) for d, step in enumerate(steps) if step and sizes[d] > 1])
        for length, base, steps in zip(array.shape, view.base, view.steps, strict=True)
    ]
    found: list[str] = []
    if any([_is_window(moving, sizes) for _, _, moving in axes]):
        found.append("in windows")
    elif any([len(moving) > 1 for _, _, moving in axes]):
        found.append("reshaped")
    if any([length > 1 and not _covers(length, base, moving, sizes) for length, base, moving in axes]):
        found.append("read in part")
    order = [d for _, _, moving in axes for d, _ in moving]
    if order != sorted(order):
        found.append("transposed")
    return found


def _is_window(moving: list[tuple[int, int]], sizes: Shape) -> bool:
    """Tell whether two digits move along an axis and overlap there."""
    ordered = sorted(moving, key=lambda term: -abs(term[1]))
    return any([outer != inner * sizes[d] for (_, outer), (d, inner) in pairwise(ordered)])


def _covers(length: int, base: int, moving: list[tuple[int, int]], sizes: Shape) -> bool:
    """Tell whether an axis is read from end to end."""
    places = {base}
    for d, step in moving:
        places = {place + step * k for place in places for k in range(sizes[d])}
    return len(places) == length


class _Teller:
    """Puts statements into words."""

    def __init__(self, routine: Routine, derivation: Derivation) -> None:
        self.routine, self.derivation = routine, derivation
        self.colouring: Colouring = derivation.colouring
        self.array_of = {array.origin: array for array in routine.arrays if array.origin >= 0 and array.name}
        self.inlined: set[int] = set()

    def note(self, statement: Statement) -> Note:
        """Return what there is to say of the array that a statement fills."""
        array = self.routine.arrays[statement.out]
        shape = ("batch", *array.shape) if array.batched else array.shape
        reads = tuple(self._reads(statement))
        members, summed = self._members(statement.out)
        if not members:
            return Note(array.name, shape, "made by the program", "", reads)
        (example, *_), colour = members, self._colour(members[0])
        if example.op is None:
            formula, scalars = self._symbol(example, 0), _many(len(members), "constant")
        elif summed and colour in self.array_of:
            formula, scalars = self._symbol(example, 0), f"{len(members)} of {self.array_of[colour].name}"
        else:
            self.inlined = {colour}
            formula, scalars = self._formula(example, 0), self._counts()
        place = np.unravel_index(0 if summed else self._place(example), array.shape)
        left = _indexed(array.name, tuple(map(int, place)))
        scalars += " a sample, added up over the batch" if summed else ""
        return Note(array.name, shape, scalars, f"{left} = {BRIEF.write(formula)}", reads)

    def _members(self, out: int) -> tuple[Sequence[Value], bool]:
        """Return some or all of the scalars behind an array, and whether they are those of one sample of many."""
        known = self.colouring.classes[self.routine.arrays[out].origin]
        if self.routine.arrays[out].origin >= 0 and known.example is not None:
            return [known.example], False
        for output in self.routine.outputs:
            for part, member in enumerate(output.parts):
                if member == out and output.name in self.derivation.results:
                    nodes = self.derivation.results[output.name][1]
                    colours, _ = self.colouring.where(nodes)
                    wanted = np.unique(colours)[part]
                    return [v for v, colour in zip(nodes, colours, strict=True) if colour == wanted], output.summed
        return [], False

    def _counts(self) -> str:
        """Return how many scalars of which ops have come together, the last ones first."""
        counts: Counter[str] = Counter()
        for colour in sorted(self.inlined, reverse=True):
            known = self.colouring.classes[colour]
            counts[known.op.name if known.op else ""] += known.size
        return ", ".join([f"{count} {name}" for name, count in counts.items()])

    # ------------------------------------------------------------ one scalar

    def _colour(self, v: Value) -> int:
        return int(self.colouring.colour[self.colouring.number[v]])

    def _place(self, v: Value) -> int:
        return int(self.colouring.place[self.colouring.number[v]])

    def _formula(self, v: Value, depth: int) -> Symbol:
        """Return a result as an op on what it was computed from."""
        assert v.op is not None
        operands = [
            tuple([self._symbol(w, depth + 1) for w in arg]) if isinstance(arg, tuple) else self._symbol(arg, depth + 1)
            for arg in v.operands
        ]
        return Symbol.apply_op(v.op, tuple(operands))

    def _symbol(self, v: Value, depth: int) -> Symbol:
        """Return a scalar by its place in an array, as a number, or written out if it has no array."""
        colour = self._colour(v)
        known = self.colouring.classes[colour]
        if colour == CONSTANT or known.name == SEED:
            return Symbol.number(v.data)
        if known.op is None:
            assert known.shape is not None
            place = np.unravel_index(self._place(v), known.shape) if known.shape else ()
            return Symbol(_indexed(self.derivation.given.get(known.name, known.name), tuple(map(int, place))))
        if colour in self.array_of:
            array = self.array_of[colour]
            return Symbol(_indexed(array.name, tuple(map(int, np.unravel_index(self._place(v), array.shape)))))
        if depth > DEEPEST:
            return Symbol("…")
        formula = self._formula(v, depth)
        if formula.operands and all([isinstance(operand, float) for operand in formula.operands]):
            return Symbol.number(v.data)
        if formula.op is v.op:  # and not simply an operand that is multiplied by 1
            self.inlined.add(colour)
        return formula

    # ------------------------------------------------------------ how a statement reads others

    def _reads(self, statement: Statement) -> Iterator[str]:
        """Yield what a statement does with the arrays that it reads, each thing once."""
        said: set[str] = set()
        for text in self._all_reads(statement):
            if text not in said:
                said.add(text)
                yield text

    def _all_reads(self, statement: Statement) -> Iterator[str]:
        out = self.routine.arrays[statement.out]
        for e, sizes in expressions(statement, self.routine):
            if isinstance(e, Contract):
                yield self._contraction(e, sizes)
            elif isinstance(e, View):
                found = patterns(e, self.routine, sizes)
                if len(sizes) == len(out.shape) and self._is_broadcast(e, out, sizes):
                    found = [*[p for p in found if p != "transposed"], "broadcast"]
                elif len(sizes) > len(out.shape):
                    found = [p for p in found if p != "transposed"]  # rows of one, columns of the other
                if found:
                    yield f"{self.routine.arrays[e.array].name} is {', '.join(found)}"

    def _is_broadcast(self, view: View, out: Array, sizes: Shape) -> bool:
        wanted = {d for d, size in enumerate(sizes) if size > 1} | ({BATCH} if out.batched else set[int]())
        return axes_read(view, self.routine, sizes) < wanted

    def _contraction(self, e: Contract, sizes: Shape) -> str:
        factors = [self._factor(factor) for factor in e.factors]
        terms = prod(e.sizes)
        if not is_matrix_product(e, self.routine, sizes):
            over = [f"{terms} terms"] if terms > 1 else []
            over += ["the batch"] if e.batch else []
            return f"{e.fold} of {' * '.join(factors)} over {' and '.join(over) or 'one term'}"
        if e.batch and terms == 1:
            return f"the outer products of {' and '.join(factors)}, added up over the batch, are a matrix product"
        if terms == 1:
            return f"an outer product of {' and '.join(factors)}"
        return f"the sums of {terms} products of {' and '.join(factors)} are a matrix product"

    def _factor(self, e: Expression) -> str:
        names = dict.fromkeys([self.routine.arrays[view.array].name for view in views_in(e)])
        return next(iter(names)) if isinstance(e, View) else f"({', '.join(names)})"


def _indexed(name: str, place: Sequence[int]) -> str:
    return f"{name}[{','.join(map(str, place))}]" if place else name


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


def _shape(shape: Sequence[int | str]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
