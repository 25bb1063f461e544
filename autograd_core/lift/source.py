"""Source: a routine written out as Python over an array namespace, as one would write it by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_core import ops
from autograd_core.lift.axes import Indices
from autograd_core.lift.definitions import definitions
from autograd_core.lift.ir import (
    Apply,
    Array,
    Contract,
    Expression,
    Number,
    Output,
    Routine,
    View,
    is_batched,
    views_in,
)
from autograd_core.lift.spelling import ATOM, MATRIX, MULTIPLY, NUMPY, UNARY, Spelling
from autograd_core.lift.trace import Shape

__all__ = ["Source", "written"]

_MUL, _SQUARE = ops.mul, ops.square

BATCH = -1
"""The batch axis, among the digits of an expression."""

UNIT = -2
"""An axis of length 1 of an array, which can stand for any digit."""

Digits = tuple[int, ...]


@dataclass(frozen=True)
class Source:
    """Source code, and the arrays of numbers that it names.

    Parameters
    ----------
    text : one function.
    constants : by the name that the text has for each: numbers, or places.
    """

    text: str
    constants: dict[str, NDArray[Any]]


def written(routine: Routine, name: str = "f", spelling: Spelling = NUMPY) -> Source:
    """Return a routine as the source of a function of that name; its arguments are the inputs and the parameters."""
    return _Writer(routine, spelling).function(name)


@dataclass(frozen=True)
class _Code:
    """A piece of source: an expression, how tightly it holds together, and which digit each of its axes stands for."""

    text: str
    tightness: int
    axes: Digits

    def at(self, tightness: int) -> str:
        return self.text if self.tightness >= tightness else f"({self.text})"

    @property
    def atom(self) -> str:
        return self.at(ATOM)


class _Writer:
    def __init__(self, routine: Routine, spelling: Spelling) -> None:
        self.routine, self.arrays, self.spelling = routine, routine.arrays, spelling
        self.constants: dict[str, NDArray[Any]] = {
            array.name: array.data for array in self.arrays if array.data is not None and array.name
        }

    def function(self, name: str) -> Source:
        given = [self.arrays[i].name for i in self.routine.given()]
        lines = [f"def {name}({', '.join(given)}):"]
        if any([array.kind == "batch size" for array in self.arrays]):
            first = next(array.name for array in self.arrays if array.batched)
            lines.append(f"    n = {first}.shape[0]")
        for statement in self.routine.statements:
            array = self.arrays[statement.out]
            digits = self._axes(array)
            code = self._expression(statement.expression, digits, array.shape)
            lines.append(f"    {array.name} = {self._exactly(code, digits)}")
        results = [self._output(output) for output in self.routine.outputs]
        lines.append(f"    return {', '.join(results)}{',' if len(results) == 1 else ''}")
        text = "\n".join(lines) + "\n"
        return Source("".join(definitions(self.routine, self.spelling)) + text, self.constants)

    def _axes(self, array: Array) -> Digits:
        return ((BATCH,) if array.batched else ()) + tuple(range(len(array.shape)))

    # ------------------------------------------------------------ expressions

    def _expression(self, e: Expression, digits: Digits, sizes: Shape) -> _Code:
        """Return an expression that broadcasts to these digits."""
        if isinstance(e, Number):
            text = repr(e.value) if math.isfinite(e.value) else f"{self.spelling.prefix}.{abs(e.value)!r}"
            if e.value == -math.inf:
                text = f"-{text}"
            return _Code(text, UNARY if text[0] == "-" else ATOM, ())
        if isinstance(e, View):
            return self._aligned(e, digits, sizes)
        if isinstance(e, Contract):
            return self._contract(e, digits, sizes)
        return self._apply(e, digits, sizes)

    def _apply(self, e: Apply, digits: Digits, sizes: Shape) -> _Code:
        operands = [self._expression(operand, digits, sizes) for operand in e.operands]
        rank = max([len(o.axes) for o in operands])
        axes = digits[len(digits) - rank :] if rank else ()
        if e.op.name == "mul" and (mask := self._mask(e, digits, sizes)):
            return _Code(mask, MULTIPLY, axes)
        template, tightness = self.spelling.op(e.op.name)
        if "{}, {}, {}" in template:
            template = template.replace("{}, {}, {}", ", ".join(["{}"] * len(operands)))
        if tightness == ATOM:
            if template == "{}":
                return operands[0]
            return _Code(template.format(*[o.text for o in operands]), ATOM, axes)
        # The right operand of - and / needs brackets even around its own kind, and so do powers and signs.
        left = operands[0].at(tightness if len(operands) == 2 else tightness + 1)
        right = [o.at(tightness + (e.op.name in ("sub", "div"))) for o in operands[1:]]
        return _Code(template.format(left, *right), tightness, axes)

    def _mask(self, e: Apply, digits: Digits, sizes: Shape) -> str:
        """Return a product with a step function as one with a comparison, which is the usual way of writing it."""
        for step, other in (e.operands[::-1], e.operands):
            if isinstance(step, Apply) and step.op.name == "step":
                x = self._expression(step.operands[0], digits, sizes)
                return f"{self._expression(other, digits, sizes).at(MULTIPLY)} * {self.spelling.mask.format(x.text)}"
        return ""

    # ------------------------------------------------------------ views

    def _aligned(self, view: View, digits: Digits, sizes: Shape, *, exact: bool = False) -> _Code:
        """Return an array as it is seen, with axes in the order of the digits, or the last of them.

        Parameters
        ----------
        exact : whether it must have an axis for each digit, of length 1 where it does not depend on it.
        """
        array = self.arrays[view.array]
        if view.table is not None:
            code = self._gathered(view, self.routine.tables[view.table])
        else:
            code = self._sliced(view, array, sizes)
        return self._arranged(code, digits, exact=exact)

    def _sliced(self, view: View, array: Array, sizes: Shape) -> _Code:
        """Return an array read along its axes: slices, reshapes and windows; or, if all else fails, a gather."""
        index: list[str] = [":"] if array.batched else []
        axes: list[list[int]] = [[BATCH]] if array.batched else []
        seen: set[int] = set()
        windows: list[tuple[int, int, int]] = []
        for length, base, steps in zip(array.shape, view.base, view.steps, strict=True):
            terms = [(d, s) for d, s in enumerate(steps) if s and sizes[d] > 1]
            if not seen.isdisjoint([d for d, _ in terms]):
                return self._gathered(view, _table_of(view, array.shape, sizes))
            seen.update([d for d, _ in terms])
            place = len(axes)
            if not terms:
                index.append(":" if length == 1 else str(base))
                if length == 1:
                    axes.append([UNIT])
                continue
            terms.sort(key=lambda term: -abs(term[1]))
            run = terms[-1][1]
            nested = all([outer[1] == inner[1] * sizes[inner[0]] for outer, inner in pairwise(terms)])
            if nested and (run > 0 or self.spelling.backwards):
                count = prod([sizes[d] for d, _ in terms])
                index.append(_slice(base, run, count, length))
            elif len(terms) == 2 and run == 1 and terms[0][1] > 0:
                (d, step), (k, _) = terms
                index.append(_slice(base, 1, step * (sizes[d] - 1) + sizes[k], length))
                windows.append((place, sizes[k], step))
            else:
                return self._gathered(view, _table_of(view, array.shape, sizes))
            axes.append([d for d, _ in terms])
        text = array.name + ("" if all([i == ":" for i in index]) else f"[{', '.join(index)}]")
        for place, size, step in reversed(windows):
            text = f"windows({text}, {size}, {step}, {place})"
        flat = [d for group in axes for d in group]
        if any([len(group) > 1 for i, group in enumerate(axes) if i not in [place for place, _, _ in windows]]):
            lengths = [self._length(d, sizes) for d in flat]
            text = f"{text}.reshape({', '.join(lengths)})"
        return _Code(text, ATOM, tuple(flat))

    def _length(self, digit: int, sizes: Shape) -> str:
        return "-1" if digit == BATCH else "1" if digit == UNIT else str(sizes[digit])

    def _gathered(self, view: View, table: Indices) -> _Code:
        """Return the places of an array that a table names; the table has an axis for each digit of the context."""
        array = self.arrays[view.array]
        kept = [d for d in range(table.ndim) if not (table == table.take([0], axis=d)).all()]
        for d in range(table.ndim - 1, -1, -1):
            if d not in kept:
                table = np.asarray(table.take(0, axis=d))
        name = self._constant("rows", table)
        if array.batched:
            flat = array.name if len(array.shape) == 1 else f"{array.name}.reshape(-1, {prod(array.shape)})"
            return _Code(f"{flat}[:, {name}]", ATOM, (BATCH, *kept))
        flat = array.name if len(array.shape) == 1 else f"{array.name}.reshape(-1)"
        return _Code(f"{flat}[{name}]", ATOM, tuple(kept))

    def _constant(self, stem: str, numbers: NDArray[Any]) -> str:
        for name, known in self.constants.items():
            if known.dtype == numbers.dtype and known.shape == numbers.shape and (known == numbers).all():
                return name
        name = f"{stem}{len(self.constants) + 1}"
        self.constants[name] = numbers
        return name

    def _arranged(self, code: _Code, digits: Digits, *, exact: bool) -> _Code:
        """Return code with its axes in the order of the digits; those of length 1 stand in for digits that it lacks."""
        spare = [d for d in digits if d not in code.axes]
        axes: list[int] = []
        dropped: list[str] = []
        for axis in code.axes[::-1]:  # the last digits first, as NumPy broadcasts
            if axis == UNIT and not spare:
                dropped.insert(0, "0")
                continue
            dropped.insert(0, ":")
            axes.insert(0, spare.pop() if axis == UNIT else axis)
        text = code.text
        if "0" in dropped:
            text = f"{code.atom}[{', '.join(dropped)}]"
        order = sorted(range(len(axes)), key=lambda i: digits.index(axes[i]))
        if order != list(range(len(axes))):
            text = text if text != code.text else code.atom
            text = f"{text}.T" if len(order) == 2 else self.spelling.transpose.format(text, ", ".join(map(str, order)))
        axes = [axes[i] for i in order]
        lacking = [d for d in digits if d not in axes]
        leading = len(digits) - len(axes)
        if lacking and exact and not axes:
            return _Code(self._exactly(code, digits), ATOM, digits)
        if lacking and (exact or lacking != list(digits[:leading])):
            text = text if text != code.text else code.atom
            text = f"{text}[{', '.join([':' if d in axes else 'None' for d in digits])}]"
            axes = list(digits)
        return _Code(text, code.tightness if text == code.text else ATOM, tuple(axes))

    def _exactly(self, code: _Code, digits: Digits) -> str:
        """Return code as a whole array of these digits: what is smaller is broadcast where it is used."""
        lacking = len(digits) - len(code.axes)
        if not lacking:
            return code.text
        if not code.axes:  # it may be a plain number, which has no axes to add to
            return self.spelling.full.format(self.spelling.prefix, f"({', '.join(['1'] * lacking)},)", code.text)
        return f"{code.atom}[{', '.join(['None'] * lacking + ['...'])}]"

    # ------------------------------------------------------------ contractions

    def _contract(self, e: Contract, digits: Digits, sizes: Shape) -> _Code:
        """Return a fold of one factor, or the product of two: of matrices if it is one."""
        sizes = sizes + e.sizes
        over = ((BATCH,) if e.batch else ()) + tuple(range(len(sizes) - len(e.sizes), len(sizes)))
        out = tuple([d for d in digits if d != BATCH]) if e.batch else digits
        if not is_batched(e, self.arrays):
            out = tuple([d for d in out if d != BATCH])
        if len(e.factors) == 2:
            a, b = e.factors
            product = self._matrix_product(a, b, out, over, sizes)
            if product is not None:
                return product
        return self._fold(e, out, over, sizes)

    def _fold(self, e: Contract, out: Digits, over: Digits, sizes: Shape) -> _Code:
        """Return a fold along axes; axes of the result that it does not depend on are kept as units if they can be."""
        a, *rest = e.factors
        product: Expression = a if not rest else Apply(_SQUARE, (a,)) if rest == [a] else Apply(_MUL, e.factors)
        used = self._depends(product, sizes)
        lacking = [d for d in out if d not in used]
        own = [d for d in over if d != BATCH]
        if own and len(lacking) == len(own) and BATCH not in over:  # the folded axes themselves are kept as units
            stand_in = dict(zip(lacking, own, strict=True))
            target, keep, result = tuple([stand_in.get(d, d) for d in out]), self.spelling.keep, out
        else:
            target, keep = self._natural(product, used, lacking, over, sizes), ""
            result = tuple([d for d in target if d not in over])
        code = self._full(self._expression(product, target, sizes), target)
        places = [target.index(d) for d in over]
        axis = str(places[0]) if len(places) == 1 else f"({', '.join(map(str, places))})"
        if len(places) == len(target) and not keep and e.fold != "logsumexp":
            axis = ""
        text = self.spelling.folds[e.fold].format(code.atom, axis, keep)
        return self._arranged(_Code(text, ATOM, result), out, exact=True)

    def _natural(self, e: Expression, used: set[int], lacking: list[int], over: Digits, sizes: Shape) -> Digits:
        """Return the digits that an expression has, in the order of the axes of the first array in it that has them all.

        Its axes of length 1 stand for digits that the expression lacks.
        """
        for view in views_in(e):
            if view.table is None and self._depends(view, sizes) >= used:
                spare = iter(lacking)
                own = self._sliced(view, self.arrays[view.array], sizes).axes
                axes = [d for d in [next(spare, UNIT) if d == UNIT else d for d in own] if d != UNIT]
                return (*axes, *[d for d in over if d not in axes])
        return tuple(sorted(used | set(over)))

    def _full(self, code: _Code, target: Digits) -> _Code:
        """Return code with an axis for each digit of the target."""
        return code if len(code.axes) == len(target) else _Code(self._exactly(code, target), ATOM, target)

    def _depends(self, e: Expression, sizes: Shape) -> set[int]:
        """Return the digits that an expression depends on."""
        if isinstance(e, View):
            if e.table is not None:
                table = self.routine.tables[e.table]
                found = {d for d in range(table.ndim) if not (table == table.take([0], axis=d)).all()}
            else:
                found = {d for steps in e.steps for d, s in enumerate(steps) if s and sizes[d] > 1}
            return found | ({BATCH} if self.arrays[e.array].batched else set())
        if isinstance(e, Apply):
            return {d for o in e.operands for d in self._depends(o, sizes)}
        if isinstance(e, Contract):
            inner = {d for factor in e.factors for d in self._depends(factor, sizes + e.sizes)}
            return {d for d in inner if d < len(sizes)} - ({BATCH} if e.batch else set())
        return set()

    def _units(self, e: Expression, sizes: Shape) -> int:
        """Return how many axes of length 1 a factor has that no digit moves along."""
        if not isinstance(e, View) or e.table is not None:
            return 0
        lengths = self.arrays[e.array].shape
        moved = [any([s and sizes[d] > 1 for d, s in enumerate(steps)]) for steps in e.steps]
        return sum([n == 1 and not moves for n, moves in zip(lengths, moved, strict=True)])

    def _matrix_product(self, a: Expression, b: Expression, out: Digits, over: Digits, sizes: Shape) -> _Code | None:
        """Return the product of two factors as one of matrices; None if it is none.

        It is one if each digit of the result is of one factor, and each contracted one of both.
        """
        read_a, read_b = self._depends(a, sizes), self._depends(b, sizes)
        spare_a, spare_b = self._units(a, sizes), self._units(b, sizes)
        inner = [d for d in over if d in read_a and d in read_b]
        units = [d for d in over if d not in read_a and d not in read_b]
        if len(inner) + len(units) != len(over) or any([d in read_a and d in read_b for d in out]):
            return None
        if units and (len(units) > 1 or inner):
            return None
        spare_a, spare_b = spare_a - len(units), spare_b - len(units)
        rows: list[int] = []
        columns: list[int] = []
        for d in out:
            if d in read_a:
                rows.append(d)
            elif d in read_b:
                columns.append(d)
            elif spare_a > 0:
                spare_a -= 1
                rows.append(d)
            elif spare_b > 0:
                spare_b -= 1
                columns.append(d)
        if not rows and not columns:
            return None
        if not rows or (columns and out.index(columns[0]) < out.index(rows[0])):
            a, b, rows, columns = b, a, columns, rows
        return self._multiplied(a, b, rows, columns, inner + units, out, sizes)

    def _multiplied(
        self,
        a: Expression,
        b: Expression,
        rows: list[int],
        columns: list[int],
        inner: list[int],
        out: Digits,
        sizes: Shape,
    ) -> _Code:
        left = self._matrix(a, tuple(rows), tuple(inner), sizes, flatten_first=False)
        right = self._matrix(b, tuple(inner), tuple(columns), sizes, flatten_first=True)
        code = _Code(f"{left} @ {right}", MATRIX, (*rows, *columns))
        if len(columns) > 1:
            lengths = [self._length(d, sizes) for d in code.axes]
            code = _Code(f"{code.atom}.reshape({', '.join(lengths)})", ATOM, code.axes)
        return self._arranged(code, out, exact=True)

    def _matrix(self, e: Expression, first: Digits, second: Digits, sizes: Shape, *, flatten_first: bool) -> str:
        """Return a factor with two groups of digits for axes; the contracted group, and columns, are flattened."""
        if isinstance(e, View):
            code = self._aligned(e, first + second, sizes, exact=True)
        else:
            code = self._full(self._expression(e, first + second, sizes), first + second)
        groups = [first, second]
        flattened = [len(first) > 1, len(second) > 1] if flatten_first else [False, len(second) > 1]
        if not any(flattened):
            return code.atom
        lengths: list[str] = []
        for group, flat in zip(groups, flattened, strict=True):
            if flat:
                lengths.append("-1" if BATCH in group else str(prod([sizes[d] for d in group])))
            else:
                lengths += [self._length(d, sizes) for d in group]
        if lengths.count("-1") > 1:
            raise AssertionError("one batch axis cannot stand in two places")
        return f"{code.atom}.reshape({', '.join(lengths)})"

    # ------------------------------------------------------------ outputs

    def _output(self, output: Output) -> str:
        """Return an output: one array in its shape, or parts of several put together."""
        if len(output.parts) == 1:
            (part,) = output.parts
            array = self.arrays[part.array]
            if output.order is None:
                return self._reshaped(array, output.shape)
            flat = self._reshaped(array, (prod(array.shape),))
        else:
            pieces = [self._piece(self.arrays[part.array], batched=output.batched) for part in output.parts]
            flat = f"{self.spelling.prefix}.concatenate([{', '.join(pieces)}], -1)"
        if output.order is not None:
            order = self._constant("order", output.order)
            flat = f"{flat}[:, {order}]" if output.batched else f"{flat}[{order}]"
        size = prod(output.shape)
        if output.shape == (size,):
            return flat
        lengths = (["-1"] if output.batched else []) + [str(s) for s in output.shape]
        return f"{flat}.reshape({', '.join(lengths) or '()'})"

    def _reshaped(self, array: Array, shape: Shape) -> str:
        if array.shape == shape:
            return array.name
        if array.shape == () and not array.batched:
            return self.spelling.full.format(self.spelling.prefix, shape, array.name)
        if array.shape == (1,) and shape == ():
            return f"{array.name}[:, 0]" if array.batched else f"{array.name}[0]"
        lengths = (["-1"] if array.batched else []) + [str(s) for s in shape]
        return f"{array.name}.reshape({', '.join(lengths) or '()'})"

    def _piece(self, array: Array, *, batched: bool) -> str:
        flat = self._reshaped(array, (prod(array.shape),))
        if batched and not array.batched:
            first = next(known.name for known in self.arrays if known.kind == "input")
            return f"{self.spelling.prefix}.broadcast_to({flat}, ({first}.shape[0], {prod(array.shape)}))"
        return flat


def _slice(base: int, step: int, count: int, length: int) -> str:
    """Return a slice of so many places from a base, in steps."""
    if base == 0 and step == 1 and count == length:
        return ":"
    stop = base + step * count
    if step > 0:
        return f"{base or ''}:{min(stop, length) if min(stop, length) < length else ''}" + (
            f":{step}" if step > 1 else ""
        )
    return f"{base if base < length - 1 else ''}:{stop if stop >= 0 else ''}:{step}"


def _table_of(view: View, shape: Shape, sizes: Shape) -> Indices:
    """Return the places in a flattened array that an affine view reads."""
    places: Indices = np.zeros(sizes, np.int64)
    weights = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    grid = np.indices(sizes)
    for base, steps, weight in zip(view.base, view.steps, weights, strict=True):
        places = places + weight * base
        for digit, step in enumerate(steps):
            places = places + weight * step * grid[digit]
    return places
