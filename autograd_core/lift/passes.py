"""Passes: small functions from routine to routine, each of which leaves the numbers as they are, but for rounding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeGuard, cast

from autograd_core import ops
from autograd_core.lift.ir import (
    Apply,
    Array,
    Contract,
    Expression,
    Number,
    Routine,
    Statement,
    View,
    children,
    operations,
    rebuilt,
    views_in,
    whole,
)
from autograd_core.lift.trace import Shape

__all__ = [
    "PASSES",
    "aliased",
    "fused",
    "inlined",
    "optimised",
    "ordered",
    "pruned",
    "shared",
    "simplified",
    "with_one_softmax",
]

LONGEST = 8
"""How many ops an expression may have before it is left in statements of their own."""


def optimised(routine: Routine) -> Routine:
    """Return a routine after all passes, in their order."""
    for one in PASSES:
        routine = one(routine)
    return routine


# ---------------------------------------------------------------- algebra


def simplified(routine: Routine) -> Routine:
    """Compute what is constant, and leave out what changes nothing, to the last bit of IEEE 754.

    x·1, x/1 and x - 0 are x, and signs move outwards; x + 0 stays, since it turns -0 into 0, and so does x·0. Where two
    numbers multiply something, they are multiplied with each other first, which is rounded differently.
    """
    return routine.changed([replace(s, expression=rebuilt(s.expression, _simpler)) for s in routine.statements])


def _simpler(e: Expression) -> Expression:
    if not isinstance(e, Apply):
        return e
    numbers = [o.value for o in e.operands if isinstance(o, Number)]
    if len(numbers) == len(e.operands):
        return Number(e.op.value(*numbers))
    if e.op in (ops.identity, ops.detach):
        return e.operands[0]
    if e.op is ops.neg:
        return _inner(e.operands[0]) if _is(e.operands[0], ops.neg) else e
    if len(e.operands) == 2:
        return _RULES.get(e.op, lambda a, b: Apply(e.op, (a, b)))(*e.operands)
    return e


def _sum(a: Expression, b: Expression) -> Expression:
    if _is(b, ops.neg):
        return Apply(ops.sub, (a, _inner(b)))
    return Apply(ops.sub, (b, _inner(a))) if _is(a, ops.neg) else Apply(ops.add, (a, b))


def _difference(a: Expression, b: Expression) -> Expression:
    if b == Number(0.0):
        return a
    return Apply(ops.add, (a, _inner(b))) if _is(b, ops.neg) else Apply(ops.sub, (a, b))


def _product(a: Expression, b: Expression) -> Expression:
    for one, other in ((a, b), (b, a)):
        if one == Number(1.0):
            return other
        if one == Number(-1.0):
            return _negative(other)
        if _is(one, ops.neg):
            return _negative(_product(*((_inner(one), other) if one is a else (other, _inner(one)))))
    if isinstance(b, Number) and not isinstance(a, Number):
        a, b = b, a
    inner = children(b)[0] if _is(b, ops.mul) else None
    if isinstance(a, Number) and isinstance(inner, Number):  # two numbers are multiplied first
        return _product(Number(a.value * inner.value), children(b)[1])
    return Apply(ops.square, (a,)) if a == b else Apply(ops.mul, (a, b))


def _quotient(a: Expression, b: Expression) -> Expression:
    if b == Number(1.0):
        return a
    return _negative(Apply(ops.div, (_inner(a), b))) if _is(a, ops.neg) else Apply(ops.div, (a, b))


def _strong_product(a: Expression, b: Expression) -> Expression:
    if isinstance(a, Number) and a.value:
        return _product(a, b)
    return Apply(ops.strong_mul, (a, b))


def _power(a: Expression, b: Expression) -> Expression:
    if b == Number(1.0):
        return a
    return Apply(ops.square, (a,)) if b == Number(2.0) else Apply(ops.pow, (a, b))


_RULES: dict[object, Callable[[Expression, Expression], Expression]] = {
    ops.add: _sum,
    ops.sub: _difference,
    ops.mul: _product,
    ops.div: _quotient,
    ops.strong_mul: _strong_product,
    ops.pow: _power,
}


def _negative(e: Expression) -> Expression:
    return _inner(e) if _is(e, ops.neg) else Apply(ops.neg, (e,))


def _is(e: Expression, op: object) -> TypeGuard[Apply]:
    return isinstance(e, Apply) and e.op is op


def _inner(e: Expression) -> Expression:
    return children(e)[0]


# ---------------------------------------------------------------- statements


def aliased(routine: Routine) -> Routine:
    """Read an array itself where a statement only repeats it, and a number where it is one."""
    stands_for: dict[int, int | Number | Apply] = {}
    kept: list[Statement] = []
    outputs = {part for output in routine.outputs for part in output.parts}
    for statement in routine.statements:
        e = _renamed(statement.expression, stands_for)
        if isinstance(e, View) and _is_whole(e, routine.arrays, routine.arrays[statement.out].shape):
            stands_for[statement.out] = e.array
            continue
        if isinstance(e, Number) or _is_minus_scalar(e, routine.arrays):
            stands_for[statement.out] = e
        if statement.out not in stands_for or statement.out in outputs:
            kept.append(Statement(statement.out, e))
    return _with_outputs(routine.changed(kept), stands_for)


def _is_minus_scalar(e: Expression, arrays: Sequence[Array]) -> TypeGuard[Apply]:
    """Tell whether an expression is minus an array without axes, which reads the same wherever it stands."""
    return _is(e, ops.neg) and isinstance(inner := _inner(e), View) and arrays[inner.array].shape == ()


def shared(routine: Routine) -> Routine:
    """Compute an expression once: later statements of the same one read the first one's array."""
    stands_for: dict[int, int] = {}
    known: dict[tuple[Expression, Shape], int] = {}
    kept: list[Statement] = []
    for statement in routine.statements:
        e = _renamed(statement.expression, stands_for)
        first = known.setdefault((e, routine.arrays[statement.out].shape), statement.out)
        if first != statement.out:
            stands_for[statement.out] = first
        else:
            kept.append(Statement(statement.out, e))
    return _with_outputs(routine.changed(kept), stands_for)


def fused(routine: Routine) -> Routine:
    """Contract at once where a sum runs over products, or over sums of products, that nothing else reads."""
    uses = _uses(routine)
    written = {s.out: s.expression for s in routine.statements}
    arrays = routine.arrays

    def change(e: Expression) -> Expression:
        if not (isinstance(e, Contract) and e.fold == "sum" and len(e.factors) == 1 and isinstance(e.factors[0], View)):
            return e
        view = e.factors[0]
        inner = written.get(view.array)
        if (
            inner is None
            or uses[view.array] > 1
            or view.table is not None
            or (e.batch and not arrays[view.array].batched)
        ):
            return e
        is_product = _is(inner, ops.mul) or _is(inner, ops.square)
        is_product = is_product or (isinstance(inner, Contract) and inner.fold == "sum" and not inner.batch)
        factors = children(inner) * (2 if _is(inner, ops.square) else 1)
        if not is_product or not all([isinstance(f, View) and f.table is None for f in factors]):
            return e
        sizes = inner.sizes if isinstance(inner, Contract) else ()
        if sizes and not all([_moves(cast("View", f), view, len(e.sizes)) for f in factors]):
            return e  # the inner sum is a product of matrices, which the outer one would take apart
        through = tuple([_through(cast("View", f), view, len(arrays[view.array].shape), len(sizes)) for f in factors])
        return Contract("sum", through, e.sizes + sizes, e.batch)

    return pruned(routine.changed([replace(s, expression=rebuilt(s.expression, change)) for s in routine.statements]))


def _through(inner: View, outer: View, axes: int, more: int) -> View:
    """Return an array as it is read through a view of what it is computed into; further digits of its own come last."""
    base: list[int] = []
    steps: list[tuple[int, ...]] = []
    digits = len(outer.steps[0]) if outer.steps else 0
    for start, moves in zip(inner.base, inner.steps, strict=True):
        base.append(start + sum([moves[axis] * outer.base[axis] for axis in range(axes)]))
        own = [sum([moves[axis] * outer.steps[axis][d] for axis in range(axes)]) for d in range(digits)]
        steps.append((*own, *moves[axes : axes + more]))
    return View(inner.array, tuple(base), tuple(steps))


def _moves(inner: View, outer: View, folded: int) -> bool:
    """Tell whether an array is moved along by each of the last digits of the view that it is read through."""
    first = len(outer.steps[0]) - folded if outer.steps else 0
    by_digit = [[axis for axis, steps in enumerate(outer.steps) if steps[first + d]] for d in range(folded)]
    return all([any([moves[axis] for moves in inner.steps for axis in axes]) for axes in by_digit])


def _uses(routine: Routine) -> Counter[int]:
    """Return how often each array is read, by statements and outputs."""
    uses = Counter([v.array for s in routine.statements for v in views_in(s.expression)])
    uses.update([part for output in routine.outputs for part in output.parts])
    return uses


def inlined(routine: Routine) -> Routine:
    """Put an expression in the place of an array that is read once, element by element, if it stays short."""
    uses = _uses(routine)
    arrays = routine.arrays
    pending: dict[int, Expression] = {}
    kept: list[Statement] = []
    for statement in routine.statements:
        out = arrays[statement.out]
        e = _filled(statement.expression, pending, arrays, out)
        once = uses[statement.out] == 1 and not any(
            [part == statement.out for output in routine.outputs for part in output.parts]
        )
        if once and operations(e) <= LONGEST:
            pending[statement.out] = e
        kept.append(Statement(statement.out, e))
    return pruned(routine.changed(kept))


def _filled(e: Expression, pending: dict[int, Expression], arrays: Sequence[Array], out: Array) -> Expression:
    """Return an expression with the arrays that are pending written out, where they are read in full."""
    if isinstance(e, View):
        source = arrays[e.array]
        fits = e.array in pending and source.batched == out.batched and _is_whole(e, arrays, out.shape)
        return pending[e.array] if fits else e
    if not isinstance(e, Apply):
        return e
    operands = list(e.operands)
    for i, operand in enumerate(operands):
        inner = _filled(operand, pending, arrays, out)
        if sum([operations(o) for o in operands[:i]]) + operations(inner) < LONGEST:
            operands[i] = inner
    return Apply(e.op, tuple(operands))


def pruned(routine: Routine) -> Routine:
    """Leave out what no output depends on."""
    needed = {part for output in routine.outputs for part in output.parts}
    kept: list[Statement] = []
    for statement in reversed(routine.statements):
        if statement.out in needed:
            kept.append(statement)
            needed.update([view.array for view in views_in(statement.expression)])
    return routine.changed(kept[::-1])


def ordered(routine: Routine) -> Routine:
    """Put each statement before the first one that reads it, for one output after the other; leave out what none needs."""
    by_out = {s.out: s for s in routine.statements}
    done: set[int] = set()
    kept: list[Statement] = []
    stack = [part for output in routine.outputs[::-1] for part in output.parts[::-1] if part in by_out]
    while stack:
        here = by_out[stack[-1]]
        waits = [v.array for v in views_in(here.expression) if v.array in by_out and v.array not in done]
        if waits and here.out not in done:
            stack += waits[::-1]
            continue
        stack.pop()
        if here.out not in done:
            done.add(here.out)
            kept.append(here)
    return routine.changed(kept)


def with_one_softmax(routine: Routine) -> Routine:
    """Take the exponentials of a logsumexp from the softmax that its derivative computes anyway."""
    found = {s.expression: s.out for s in routine.statements}
    written = {s.out: s.expression for s in routine.statements}
    totals = [s for s in routine.statements if _is_sum_of_powers(s.expression, written)]
    kept: list[Statement] = []
    for statement in routine.statements:
        e = statement.expression
        if isinstance(e, Contract) and e.fold == "logsumexp":
            e = _from_softmax(e, totals, found, written, routine.arrays) or e
        kept.append(Statement(statement.out, e))
    return ordered(routine.changed(kept))


def _is_sum_of_powers(e: Expression, written: Mapping[int, Expression]) -> bool:
    return (
        isinstance(e, Contract)
        and e.fold == "sum"
        and len(e.factors) == 1
        and _is(_read(e.factors[0], written), ops.exp)
    )


def _read(e: Expression, written: Mapping[int, Expression]) -> Expression:
    """Return what an array is computed by, of one that is read; anything else as it is."""
    return written.get(e.array, e) if isinstance(e, View) else e


def _from_softmax(
    e: Contract,
    totals: Sequence[Statement],
    found: Mapping[Expression, int],
    written: Mapping[int, Expression],
    arrays: Sequence[Array],
) -> Expression | None:
    """Return log Σ e**(x - m) + m, if the largest x and the sum over the same digits are there."""
    largest = found.get(replace(e, fold="max"))
    for total in totals:
        contract = cast("Contract", total.expression)
        apart = _read(_inner(_read(contract.factors[0], written)), written)
        if largest is None or not _is(apart, ops.sub) or contract.sizes != e.sizes:
            continue
        x, m = children(apart)
        same = isinstance(x, View) and isinstance(m, View) and m.array == largest
        shape = arrays[total.out].shape
        if same and replace(cast("View", contract.factors[0]), array=cast("View", x).array) == e.factors[0]:
            return Apply(ops.add, (Apply(ops.log, (whole(total.out, shape),)), whole(largest, shape)))
    return None


# ---------------------------------------------------------------- what they share


def _is_whole(view: View, arrays: Sequence[Array], shape: Shape) -> bool:
    """Tell whether a view is its array as it is, in digits of this shape."""
    own = arrays[view.array].shape
    return view.table is None and own == shape and whole(view.array, own) == view


def _renamed(e: Expression, stands_for: Mapping[int, int | Number | Apply]) -> Expression:
    if not stands_for:
        return e

    def change(part: Expression) -> Expression:
        if not (isinstance(part, View) and part.array in stands_for):
            return part
        other = stands_for[part.array]
        return replace(part, array=other) if isinstance(other, int) else other

    return rebuilt(e, change)


def _with_outputs(routine: Routine, stands_for: Mapping[int, int | Number | Apply]) -> Routine:
    """Return a routine whose outputs read the arrays that others stand for."""
    others = {array: other for array, other in stands_for.items() if isinstance(other, int)}
    outputs = [replace(o, parts=tuple([others.get(part, part) for part in o.parts])) for o in routine.outputs]
    return replace(routine, outputs=outputs)


PASSES = (
    simplified,
    aliased,
    simplified,
    aliased,
    shared,
    with_one_softmax,
    pruned,
    fused,
    inlined,
    simplified,
    ordered,
)
"""All of them, in the order in which they are run."""
