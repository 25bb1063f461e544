"""Lower: classes of scalars become arrays, and what their members read becomes views, products and sums of arrays."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import reduce
from math import prod

import numpy as np

from autograd_core import ops
from autograd_core.lift.axes import Indices, coordinates, fit, is_identity, joint
from autograd_core.lift.colour import CONSTANT, Class, Colouring, Operand, Segment
from autograd_core.lift.ir import (
    Apply,
    Array,
    Contract,
    Expression,
    Fold,
    Number,
    Output,
    Routine,
    Statement,
    View,
    is_batched,
    whole,
)
from autograd_core.lift.trace import Shape
from autograd_core.op import Op
from autograd_core.value import Value

__all__ = ["SEED", "Result", "lowered"]

MOST_TERMS = 32
"""How many segments of a row are joined in one statement."""

SEED = "the weight of a sample"
"""The name of the array that every loss is multiplied by; no parameter's name begins like that."""

FOLDS: dict[Op, Fold] = {
    ops.sum: "sum",
    ops.mean: "sum",
    ops.dot: "sum",
    ops.max: "max",
    ops.min: "min",
    ops.logsumexp: "logsumexp",
}
JOINS = {"sum": ops.add, "max": ops.maximum, "min": ops.minimum}
LINEAR: set[Op | None] = {ops.mul, ops.dot, ops.sum}


class Result:
    """What is asked for: some nodes that make up an array, each sample's, or summed over the batch."""

    def __init__(self, name: str, shape: Shape, nodes: Sequence[Value], *, summed: bool = False) -> None:
        self.name, self.shape, self.nodes, self.summed = name, shape, nodes, summed


def lowered(
    colouring: Colouring,
    results: Sequence[Result],
    *,
    inputs: Collection[str],
    batched: Collection[str],
    scale: float | None = None,
) -> Routine:
    """Return the routine that computes some results.

    Parameters
    ----------
    colouring : of a graph that holds them all.
    results : what the routine returns.
    inputs, batched : the names of the arrays that are inputs, and of those that have a batch axis.
    scale : what the array named SEED is: a number, or None for one over the batch size. It is an input if it is in inputs.
    """
    return _Lowering(colouring, results, inputs, batched, scale).routine


class _Lowering:
    def __init__(
        self,
        colouring: Colouring,
        results: Sequence[Result],
        inputs: Collection[str],
        batched: Collection[str],
        scale: float | None,
    ) -> None:
        self.colouring = colouring
        self.numbers = {} if scale is None or SEED in inputs else {SEED: scale}
        self.classes = colouring.classes
        self.routine = Routine([], [], [], nodes=len(colouring.number))
        self.array_of: dict[int, int] = {}
        self.tables: dict[bytes, int] = {}
        self.size: int | None = None
        wanted = [(result, *colouring.where(result.nodes)) for result in results]
        self._place_leaves(inputs, batched)
        batched_classes = self._batched()
        readers = self._readers({int(c) for _, colours, _ in wanted for c in np.unique(colours)})
        direct = {
            int(c)
            for result, colours, _ in wanted
            for c in np.unique(colours)
            if result.summed and batched_classes[c] and self.classes[int(c)].op in LINEAR and not readers.get(int(c))
        }
        asked = {int(c) for result, colours, _ in wanted if not result.summed for c in np.unique(colours)}
        for c in sorted(readers):
            if self.classes[c].op is not None and (c not in direct or c in asked):
                self._materialise(c)
        for result, colours, places in wanted:
            self._output(result, colours, places, direct)

    # ------------------------------------------------------------ which classes

    def _place_leaves(self, inputs: Collection[str], batched: Collection[str]) -> None:
        for c, known in enumerate(self.classes):
            if known.op is not None or c == CONSTANT or known.name in self.numbers:
                continue
            if known.name == SEED and SEED not in inputs:
                self.array_of[c] = self._fill((), Apply(ops.reciprocal, (self._batch_size(),)), c)
                continue
            assert known.shape is not None
            kind = "input" if known.name in inputs else "parameter"
            self.array_of[c] = self._array(
                Array(known.name, known.shape, known.name in batched, kind, known.name, origin=c)
            )

    def _batched(self) -> list[bool]:
        found: list[bool] = []
        for c, known in enumerate(self.classes):
            if known.op is None:
                found.append(c in self.array_of and self.routine.arrays[self.array_of[c]].batched)
            else:
                found.append(any([found[s] for s in _sources(known)]))
        return found

    def _readers(self, roots: set[int]) -> dict[int, list[int]]:
        """Return the classes that the roots depend on, each with those that read it."""
        readers: dict[int, list[int]] = {c: [] for c in roots}
        for c in range(len(self.classes) - 1, -1, -1):
            if c in readers:
                for source in _sources(self.classes[c]):
                    readers.setdefault(source, []).append(c)
        return readers

    # ------------------------------------------------------------ arrays

    def _array(self, array: Array) -> int:
        self.routine.arrays.append(array)
        return len(self.routine.arrays) - 1

    def _table(self, places: Indices) -> int:
        key = np.array(places.shape).tobytes() + places.tobytes()
        if key not in self.tables:
            self.tables[key] = len(self.routine.tables)
            self.routine.tables.append(places)
        return self.tables[key]

    def _materialise(self, c: int) -> None:
        shape, expression = self._expression(self.classes[c])
        self.array_of[c] = self._fill(shape, expression, c)

    def _fill(self, shape: Shape, expression: Expression, origin: int = -1) -> int:
        batched = is_batched(expression, self.routine.arrays)
        out = self._array(Array("", shape, batched, origin=origin))
        self.routine.statements.append(Statement(out, expression))
        return out

    def _constants(self) -> int:
        """Return the array of all constants, of which only operands that vary from member to member are read."""
        if CONSTANT not in self.array_of:
            known = self.classes[CONSTANT]
            self.array_of[CONSTANT] = self._array(
                Array("constants", (known.size,), kind="constant", data=known.numbers)
            )
        return self.array_of[CONSTANT]

    def _batch_size(self) -> Expression:
        if self.size is None:
            self.size = self._array(Array("n", (), kind="batch size"))
        return View(self.size)

    # ------------------------------------------------------------ expressions

    def _expression(
        self, c: Class, places: Indices | None = None, hint: Shape | None = None, *, summed: bool = False
    ) -> tuple[Shape, Expression]:
        """Return the shape and the expression of a class, or of some of its members in another order.

        Parameters
        ----------
        places : which members.
        hint : the shape that they are to have, if they can.
        summed : whether over the batch.
        """
        chosen = slice(None) if places is None else places
        segments = c.segments or (Segment(c.operands),)
        picked = [Segment(tuple([Operand(o.source, o.places[chosen]) for o in s.operands])) for s in segments]
        size = c.size if places is None else len(places)
        shape = self._shape(picked, size, hint)
        assert c.op is not None
        if not c.segments:
            return shape, self._elementwise(c.op, picked[0].operands, shape, summed=summed)
        joined = self._joined([self._segment(c.op, segment, shape, summed=summed) for segment in picked], c.op, shape)
        if c.op is ops.mean:
            count = sum([s.operands[0].places.shape[1] for s in picked])
            joined = Apply(ops.div, (joined, Number(float(count))))
        return shape, joined

    def _joined(self, terms: Sequence[Expression], op: Op, shape: Shape) -> Expression:
        """Return what the segments of rows come to together; a long line of them in several statements."""
        joined = terms[0]
        for i, term in enumerate(terms[1:], start=1):
            if i % MOST_TERMS == 0:
                joined = whole(self._fill(shape, joined), shape)
            joined = _logaddexp(joined, term) if op is ops.logsumexp else Apply(JOINS[FOLDS[op]], (joined, term))
        return joined

    def _shape(self, segments: Sequence[Segment], size: int, hint: Shape | None) -> Shape:
        """Return the digits in which the members count, units of the arrays that they follow included."""
        operands = [o for s in segments for o in s.operands if not self._number(o)]
        heads = [(o.source, o.places if o.places.ndim == 1 else o.places[:, 0]) for o in operands]
        tables = [coordinates(places, self._shape_of(source)) for source, places in heads]
        if hint is not None:
            tables.insert(0, coordinates(np.arange(size), hint))
        digits = joint(tables)[0]
        batched = [(s, p) for s, p in heads if self._is_batched(s)]
        whole = (
            []
            if segments[0].operands[0].places.ndim == 2
            else [self._shape_of(s) for s, p in (batched or heads) if is_identity(p, prod(self._shape_of(s)))]
        )
        whole = [hint] if hint is not None else sorted(whole, key=len, reverse=True)
        for shape in whole:
            if tuple([n for n in shape if n > 1]) == digits:
                return shape
        return digits or ((1,) if batched else ())

    def _elementwise(self, op: Op, operands: Sequence[Operand], shape: Shape, *, summed: bool) -> Expression:
        read = [self._read(o, shape) for o in operands]
        if op is ops.mul:
            return self._product(read, shape, summed=summed)
        return Apply(op, tuple(read))

    def _product(self, read: Sequence[Expression], shape: Shape, *, summed: bool) -> Expression:
        """Return the product of two operands, over the batch if it is to be summed."""
        if summed:
            return self._summed(read, ())
        a, b = read
        if isinstance(a, View) and isinstance(b, View) and self._is_outer(a, b, shape):
            return Contract("sum", tuple([_with_digit(view) for view in (a, b)]), (1,))
        return Apply(ops.mul, (a, b))

    def _summed(self, read: Sequence[Expression], sizes: Shape) -> Expression:
        """Return the sum over the batch, and over digits, of a product."""
        numbers = [e for e in read if isinstance(e, Number)]
        rest = [e for e in read if not isinstance(e, Number)]
        outside: list[Expression] = [number for number in numbers if number.value != 1.0]
        if not sizes:  # what no sum runs over is multiplied afterwards
            outside += [e for e in rest if not is_batched(e, self.routine.arrays)]
            rest = [e for e in rest if is_batched(e, self.routine.arrays)]
        batch = any([is_batched(e, self.routine.arrays) for e in rest])
        if rest:
            outside.append(Contract("sum", tuple(rest), sizes, batch))
        if not batch:
            outside.insert(0, self._batch_size())
        return reduce(_times, outside)

    def _is_outer(self, a: View, b: View, shape: Shape) -> bool:
        """Tell whether a batch of single numbers meets a row or a column: a matrix product over one digit of size 1."""
        if self._array_batched(a) == self._array_batched(b) or a.table is not None or b.table is not None:
            return False
        units, matrix = (a, b) if self._array_batched(a) else (b, a)
        single = self.routine.arrays[units.array].shape == (1,)
        spare = [
            axis
            for axis, (n, steps) in enumerate(zip(self.routine.arrays[matrix.array].shape, matrix.steps, strict=True))
            if n == 1 and not any(steps)
        ]
        rank = len(self.routine.arrays[matrix.array].shape)
        return single and rank == 2 and bool(spare) and len(shape) == 1

    def _segment(self, op: Op, segment: Segment, shape: Shape, *, summed: bool) -> Expression:
        """Return what the columns of one segment contribute to a row's sum of products, or to its extreme."""
        columns = segment.operands[0].places.shape[1]
        if columns == 1:
            single = [Operand(o.source, o.places[:, 0]) for o in segment.operands]
            read = [self._read(o, shape) for o in single]
            if op is ops.dot:
                return self._product(read, shape, summed=summed)
            return self._summed(read, ()) if summed else read[0]
        sizes = self._row_digits(segment, columns)
        read = [self._read(o, shape + sizes) for o in segment.operands]
        read, sizes, repeats = self._without_repeats(read, shape, sizes)
        if op in (ops.max, ops.min):
            return Contract(FOLDS[op], tuple(read), sizes) if sizes else read[0]
        if op is ops.logsumexp:
            total = Contract("logsumexp", tuple(read), sizes) if sizes else read[0]
            return total if repeats == 1 else Apply(ops.add, (total, Number(math.log(repeats))))
        read = [*read, Number(float(repeats))] if repeats > 1 else read
        return self._summed(read, sizes) if summed else self._total(read, sizes)

    def _total(self, read: Sequence[Expression], sizes: Shape) -> Expression:
        """Return the sum over digits of a product; what is a number is multiplied afterwards."""
        outside: list[Expression] = [e for e in read if isinstance(e, Number) and e.value != 1.0]
        rest = tuple([e for e in read if not isinstance(e, Number)])
        if rest and sizes:
            outside.append(Contract("sum", rest, sizes))
        else:
            outside += rest
        return reduce(_times, outside) if outside else Number(1.0)

    def _without_repeats(
        self, read: Sequence[Expression], shape: Shape, sizes: Shape
    ) -> tuple[list[Expression], Shape, int]:
        """Leave out the digits of a row that no operand moves along; their sizes say how often each term comes."""
        first = len(shape)
        views = [e for e in read if isinstance(e, View)]
        kept = [d for d in range(len(sizes)) if any([self._moves(view, first + d) for view in views])]
        columns = [*range(first), *[first + d for d in kept]]
        narrowed = [self._narrowed(e, columns, first + len(sizes)) if isinstance(e, View) else e for e in read]
        return narrowed, tuple([sizes[d] for d in kept]), prod([n for d, n in enumerate(sizes) if d not in kept])

    def _moves(self, view: View, digit: int) -> bool:
        """Tell whether a digit makes a difference to what is read."""
        if view.table is None:
            return any([steps[digit] for steps in view.steps])
        table = self.routine.tables[view.table]
        return bool((table != table.take([0], axis=digit)).any())

    def _narrowed(self, view: View, digits: Sequence[int], count: int) -> View:
        """Return a view in some of its digits; it does not move along the others."""
        if view.table is None:
            return View(view.array, view.base, tuple([tuple([steps[d] for d in digits]) for steps in view.steps]))
        places = self.routine.tables[view.table][tuple([slice(None) if d in digits else 0 for d in range(count)])]
        return View(view.array, table=self._table(np.ascontiguousarray(places)))

    def _row_digits(self, segment: Segment, columns: int) -> Shape:
        tables = [coordinates(o.places[0], self._shape_of(o.source)) for o in segment.operands if not self._number(o)]
        return joint(tables)[0] or (columns,)

    def _read(self, operand: Operand, sizes: Shape) -> Expression:
        """Return an operand as a number, a view or a gather, in digits of these sizes."""
        number = self._number(operand)
        if number is not None:
            return number
        array = self._constants() if operand.source == CONSTANT else self.array_of[operand.source]
        shape = self.routine.arrays[array].shape
        affine = fit(coordinates(operand.places.reshape(-1), shape), sizes)
        if affine is not None:
            return View(array, affine.base, affine.steps)
        return View(array, table=self._table(operand.places.reshape(sizes)))

    def _number(self, operand: Operand) -> Number | None:
        """Return the one number that all members read, if it is a constant."""
        known = self.classes[operand.source]
        if known.name in self.numbers and known.op is None:
            return Number(self.numbers[known.name])
        if operand.source != CONSTANT:
            return None
        first = operand.places.flat[0]
        assert known.numbers is not None
        return Number(float(known.numbers[first])) if (operand.places == first).all() else None

    def _shape_of(self, source: int) -> Shape:
        if source == CONSTANT:
            return (self.classes[CONSTANT].size,)
        return self.routine.arrays[self.array_of[source]].shape

    def _is_batched(self, source: int) -> bool:
        return source in self.array_of and self.routine.arrays[self.array_of[source]].batched

    def _array_batched(self, view: View) -> bool:
        return self.routine.arrays[view.array].batched

    # ------------------------------------------------------------ outputs

    def _output(self, result: Result, colours: Indices, places: Indices, direct: set[int]) -> None:
        """Add an output: its numbers class by class, and in which order they come."""
        parts: list[int] = []
        order = np.empty(len(colours), np.int64)
        start = 0
        for c in np.unique(colours).tolist():
            which = np.flatnonzero(colours == c)
            hint = result.shape if len(which) == len(colours) else None
            part, count, found = self._part(result, c, places[which], hint, direct)
            parts.append(part)
            order[which] = start + found
            start += count
        batched = any([self.routine.arrays[part].batched for part in parts])
        chosen = None if is_identity(order, start) else order
        self.routine.outputs.append(Output(result.name, result.shape, tuple(parts), chosen, batched, result.summed))

    def _part(
        self, result: Result, c: int, places: Indices, hint: Shape | None, direct: set[int]
    ) -> tuple[int, int, Indices]:
        """Return an array that holds these members of a class, its size, and where in it they are."""
        distinct, which = np.unique(places, return_inverse=True)
        if len(distinct) < len(places):  # some come twice: they are computed once
            part, count, found = self._part(result, c, distinct, None, direct)
            return part, count, found[which]
        everyone = np.arange(len(places))
        known = self.classes[c]
        if c == CONSTANT or (known.op is None and known.name in self.numbers):
            data = (
                known.numbers[places] if known.numbers is not None else np.full(len(places), self.numbers[known.name])
            )
            constant = Array("", (len(places),), kind="constant", data=data)
            array = self._array(constant)
            if result.summed and data.any():
                view = View(array, (0,), ((1,),))
                array = self._fill((len(places),), _times(self._batch_size(), view))
            return array, len(places), everyone
        if c in direct and result.summed:
            shape, expression = self._expression(known, places, hint, summed=True)
            return self._fill(shape, expression), len(places), everyone
        array = self.array_of[c]
        shape = self.routine.arrays[array].shape
        if not result.summed:
            return array, prod(shape), places
        view = self._read(Operand(c, places), hint or (len(places),))
        return self._fill(hint or (len(places),), self._summed([view], ())), len(places), everyone


def _sources(c: Class) -> set[int]:
    operands = [*c.operands, *[o for s in c.segments for o in s.operands]]
    return {o.source for o in operands}


def _times(a: Expression, b: Expression) -> Expression:
    return Apply(ops.mul, (a, b))


def _with_digit(view: View) -> View:
    """Return a view that does not move along one more digit."""
    return View(view.array, view.base, tuple([(*steps, 0) for steps in view.steps]))


def _logaddexp(a: Expression, b: Expression) -> Expression:
    """Return log(e**a + e**b), the larger one taken out."""
    apart = Apply(ops.neg, (Apply(ops.abs, (Apply(ops.sub, (a, b)),)),))
    return Apply(ops.add, (Apply(ops.maximum, (a, b)), Apply(ops.softplus, (apart,))))
