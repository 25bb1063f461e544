"""Source: a routine written out as Python over an array namespace, as one would write it by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from numpy.typing import NDArray

from autograd_core import ops
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
from autograd_core.lift.views import BATCH, UNIT, Code, Digits, Reader

__all__ = ["Source", "written"]

_MUL, _SQUARE = ops.mul, ops.square


@dataclass(frozen=True)
class Source:
    """Source code, and the arrays of numbers that it names.

    Parameters
    ----------
    text : one function, after those of the ops that it defines.
    constants : by the name that the text has for each: numbers, or places.
    """

    text: str
    constants: dict[str, NDArray[Any]]


def written(routine: Routine, name: str = "f", spelling: Spelling = NUMPY) -> Source:
    """Return a routine as the source of a function of that name; its arguments are the inputs and the parameters."""
    return _Writer(routine, spelling).function(name)


class _Writer:
    def __init__(self, routine: Routine, spelling: Spelling) -> None:
        self.routine, self.arrays, self.spelling = routine, routine.arrays, spelling
        self.reader = Reader(routine, spelling)

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
            lines.append(f"    {array.name} = {self.reader.exactly(code, digits)}")
        results = [self._output(output) for output in self.routine.outputs]
        lines.append(f"    return {', '.join(results) or '()'}{',' if len(results) == 1 else ''}")
        text = "\n".join(lines) + "\n"
        return Source("".join(definitions(self.routine, self.spelling)) + text, self.reader.constants)

    def _axes(self, array: Array) -> Digits:
        return ((BATCH,) if array.batched else ()) + tuple(range(len(array.shape)))

    # ------------------------------------------------------------ expressions

    def _expression(self, e: Expression, digits: Digits, sizes: Shape) -> Code:
        """Return an expression that broadcasts to these digits."""
        if isinstance(e, Number):
            text = repr(e.value) if math.isfinite(e.value) else f"{self.spelling.prefix}.{abs(e.value)!r}"
            if e.value == -math.inf:
                text = f"-{text}"
            return Code(text, UNARY if text[0] == "-" else ATOM, ())
        if isinstance(e, View):
            return self.reader.aligned(e, digits, sizes)
        if isinstance(e, Contract):
            return self._contract(e, digits, sizes)
        return self._apply(e, digits, sizes)

    def _apply(self, e: Apply, digits: Digits, sizes: Shape) -> Code:
        operands = [self._expression(operand, digits, sizes) for operand in e.operands]
        rank = max([len(o.axes) for o in operands])
        axes = digits[len(digits) - rank :] if rank else ()
        if e.op.name == "mul" and (mask := self._mask(e, operands, digits, sizes)):
            return Code(mask, MULTIPLY, axes)
        template, tightness = self.spelling.op(e.op.name)
        if "{}, {}, {}" in template:
            template = template.replace("{}, {}, {}", ", ".join(["{}"] * len(operands)))
        if tightness == ATOM:
            if template == "{}":
                return operands[0]
            return Code(template.format(*[o.text for o in operands]), ATOM, axes)
        # The right operand of - and / needs brackets even around its own kind, and so do powers and signs.
        left = operands[0].at(tightness if len(operands) == 2 else tightness + 1)
        right = [o.at(tightness + (e.op.name in ("sub", "div"))) for o in operands[1:]]
        return Code(template.format(left, *right), tightness, axes)

    def _mask(self, e: Apply, operands: Sequence[Code], digits: Digits, sizes: Shape) -> str:
        """Return a product with a step function as one with a comparison, which is the usual way of writing it."""
        for step, other in zip(e.operands[::-1], operands, strict=True):
            if isinstance(step, Apply) and step.op.name == "step":
                x = self._expression(step.operands[0], digits, sizes)
                return f"{other.at(MULTIPLY)} * {self.spelling.mask.format(x.text)}"
        return ""

    # ------------------------------------------------------------ contractions

    def _contract(self, e: Contract, digits: Digits, sizes: Shape) -> Code:
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

    def _fold(self, e: Contract, out: Digits, over: Digits, sizes: Shape) -> Code:
        """Return a fold along axes; axes of the result that it does not depend on are kept as units if they can be."""
        a, *rest = e.factors
        product: Expression = a if not rest else Apply(_SQUARE, (a,)) if rest == [a] else Apply(_MUL, e.factors)
        used = self.reader.depends(product, sizes)
        lacking = [d for d in out if d not in used]
        own = [d for d in over if d != BATCH]
        if own and len(lacking) == len(own) and BATCH not in over:  # the folded axes themselves are kept as units
            stand_in = dict(zip(lacking, own, strict=True))
            target, keep, result = tuple([stand_in.get(d, d) for d in out]), self.spelling.keep, out
        else:
            target, keep = self._natural(product, used, lacking, over, sizes), ""
            result = tuple([d for d in target if d not in over])
        code = self.reader.full(self._expression(product, target, sizes), target)
        places = [target.index(d) for d in over]
        axis = str(places[0]) if len(places) == 1 else f"({', '.join(map(str, places))})"
        if len(places) == len(target) and not keep and e.fold != "logsumexp":
            axis = ""
        text = self.spelling.folds[e.fold].format(code.atom, axis, keep)
        return self.reader.arranged(Code(text, ATOM, result), out, exact=True)

    def _natural(self, e: Expression, used: set[int], lacking: list[int], over: Digits, sizes: Shape) -> Digits:
        """Return the digits that an expression has, in the order of the axes of the first array in it that has them all.

        Its axes of length 1 stand for digits that the expression lacks.
        """
        for view in views_in(e):
            if view.table is None and self.reader.depends(view, sizes) >= used:
                spare = iter(lacking)
                own = self.reader.sliced(view, self.arrays[view.array], sizes).axes
                axes = [d for d in [next(spare, UNIT) if d == UNIT else d for d in own] if d != UNIT]
                return (*axes, *[d for d in over if d not in axes])
        return tuple(sorted(used | set(over)))

    def _matrix_product(self, a: Expression, b: Expression, out: Digits, over: Digits, sizes: Shape) -> Code | None:
        """Return the product of two factors as one of matrices; None if it is none.

        It is one if each digit of the result is of one factor, and each contracted one of both.
        """
        read_a, read_b = self.reader.depends(a, sizes), self.reader.depends(b, sizes)
        spare_a, spare_b = self.reader.units(a, sizes), self.reader.units(b, sizes)
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
    ) -> Code:
        left = self._matrix(a, tuple(rows), tuple(inner), sizes, flatten_first=False)
        right = self._matrix(b, tuple(inner), tuple(columns), sizes, flatten_first=True)
        code = Code(f"{left} @ {right}", MATRIX, (*rows, *columns))
        if len(columns) > 1:
            moved = self.reader.depends(a, sizes) | self.reader.depends(b, sizes)
            lengths = [self.reader.length(d, sizes) if d in moved else "1" for d in code.axes]
            code = Code(f"{code.atom}.reshape({', '.join(lengths)})", ATOM, code.axes)
        return self.reader.arranged(code, out, exact=True)

    def _matrix(self, e: Expression, first: Digits, second: Digits, sizes: Shape, *, flatten_first: bool) -> str:
        """Return a factor with two groups of digits for axes; the contracted group, and columns, are flattened."""
        if isinstance(e, View):
            code = self.reader.aligned(e, first + second, sizes, exact=True)
        else:
            code = self.reader.full(self._expression(e, first + second, sizes), first + second)
        groups = [first, second]
        flattened = [len(first) > 1, len(second) > 1] if flatten_first else [False, len(second) > 1]
        if not any(flattened):
            return code.atom
        moved = self.reader.depends(e, sizes)
        lengths: list[str] = []
        for group, flat in zip(groups, flattened, strict=True):
            if flat:
                lengths.append("-1" if BATCH in group else str(prod([sizes[d] for d in group if d in moved])))
            else:
                lengths += [self.reader.length(d, sizes) if d in moved else "1" for d in group]
        if lengths.count("-1") > 1:
            raise AssertionError("one batch axis cannot stand in two places")
        return f"{code.atom}.reshape({', '.join(lengths)})"

    # ------------------------------------------------------------ outputs

    def _output(self, output: Output) -> str:
        """Return an output: one array in its shape, or parts of several put together."""
        if len(output.parts) == 1:
            (part,) = output.parts
            array = self.arrays[part]
            if output.order is None:
                return self._reshaped(array, output.shape)
            flat = self._reshaped(array, (prod(array.shape),))
        else:
            pieces = [self._piece(self.arrays[part], batched=output.batched) for part in output.parts]
            flat = f"{self.spelling.prefix}.concatenate([{', '.join(pieces)}], -1)"
        if output.order is not None:
            order = self.reader.constant("order", output.order)
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
