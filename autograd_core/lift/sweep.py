"""The sweeps as lifting records them: their shape depends on the ops alone, never on the numbers of the trace.

An eager sweep looks at the numbers it meets: an adjoint that is zero contributes zero, even where the partial beside it
is infinite, and so does the flat side of a kink beside an infinite adjoint. A recorded sweep is replayed on other numbers,
so the same promise is kept by ops: where one factor may be zero on a whole region, and the other may blow up, their
product is a ``strong_mul``, in which zero wins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from autograd_core import ops
from autograd_core.backward import adjoints
from autograd_core.chain import VALUES, Arithmetic, Term, edges, rule_of
from autograd_core.graph import walk
from autograd_core.value import Number, Value, constant

__all__ = ["pullback", "pushforward"]

MASKS = {ops.step, ops.sign, ops.same, ops.where, ops.strong_mul, ops.relu, ops.clip, ops.minimum, ops.maximum}
SINGULAR = {ops.reciprocal, ops.div, ops.log, ops.log1p, ops.pow, ops.exp, ops.expm1, ops.sinh, ops.cosh}


def pullback(y: Value, xs: Sequence[Value], seed: Number = 1.0) -> dict[Value, Value]:
    """Return the seed times the derivative of y by each node on the way from one of xs, recorded."""
    return {v: _as_value(adjoint) for v, adjoint in adjoints(y, xs, _arithmetic(), seed).items()}


def pushforward(ys: Sequence[Value], tangents: Mapping[Value, Value]) -> list[Value]:
    """Return the directional derivative of each of ys, recorded; the tangents are those of leaves."""
    arithmetic = _arithmetic()
    found: dict[Value, Number] = dict(tangents)
    for node in walk(tuple(ys))[0]:
        if node in found or node.op is None:
            continue
        terms = [
            arithmetic.term(node, v, found[v], partial)
            for v, partial in edges(node, arithmetic.operands(node), found.__contains__)
        ]
        factors = [term for term in terms if term]
        if factors:
            found[node] = arithmetic.total(factors)
    return [_as_value(found.get(y, 0.0)) for y in ys]


def _as_value(x: Number) -> Value:
    return x if isinstance(x, Value) else constant(x)


class _Structural:
    """The chain rule over Values, with an eye on which derivatives may be zero, or infinite, on whole regions."""

    def __init__(self) -> None:
        self._masked: set[Value] = set()
        self._infinite: set[Value] = set()

    def term(self, node: Value, _: Value, outer: Number, partial: Number) -> Term | None:
        """Return the factors of one edge; None where one is the constant 0."""
        if _is_zero(outer) or _is_zero(partial):
            return None
        infinite = partial if isinstance(partial, Value) and _may_be_infinite(partial, node) else None
        if infinite is not None and isinstance(outer, Value) and outer in self._masked:
            return self._blocked(outer, infinite), 1.0
        if outer in self._infinite and rule_of(node).kink and isinstance(partial, Value):
            return self._blocked(partial, outer), 1.0
        if infinite is not None:
            self._infinite.add(infinite)
        return outer, partial

    def _blocked(self, zero: Value, other: Number) -> Value:
        product = ops.strong_mul(zero, other)
        self._masked.add(product)
        return product

    def total(self, terms: Sequence[Term]) -> Number:
        """Return the sum of the terms' products."""
        result = VALUES.total(terms)
        if isinstance(result, Value):
            if any([factor in self._infinite for factors in terms for factor in factors]):
                self._infinite.add(result)
            if all([any([self._is_mask(factor) for factor in factors]) for factors in terms]):
                self._masked.add(result)
        return result

    def _is_mask(self, x: Number) -> bool:
        """Tell whether a factor may be exactly zero on a whole region: it has come through a mask, or is one."""
        if not isinstance(x, Value):
            return False
        return x in self._masked or x.op in MASKS or (x.op is ops.mul and any([v.op in MASKS for v in x.inputs]))


def _arithmetic() -> Arithmetic:
    structural = _Structural()
    return Arithmetic(VALUES.operands, structural.term, structural.total)


def _is_zero(x: Number) -> bool:
    return x.is_constant and x._primal == 0.0 if isinstance(x, Value) else x == 0.0


def _may_be_infinite(partial: Value, node: Value) -> bool:
    """Tell whether a partial derivative of a node can blow up: it divides, or takes a logarithm, on its way from the node."""
    if partial.op is None:
        return False
    if rule_of(node) is ops.dot:  # its partials are its own operands
        return partial.op in SINGULAR and not _is_bounded(partial)
    known = {node, *node.inputs}
    stack = [partial]
    while stack:
        v = stack.pop()
        if v.op in SINGULAR and not _is_bounded(v):
            return True
        if v not in known:
            known.add(v)
            stack += v.inputs
    return False


def _is_bounded(v: Value) -> bool:
    """Tell whether a result that may be infinite is not: its operand is kept away from where that happens."""
    rule, below = rule_of(v), v.inputs[-1]
    if rule in (ops.exp, ops.expm1):
        return _is_below(below)
    if rule not in (ops.reciprocal, ops.div):
        return False
    while below.op is ops.sqrt:
        below = cast("Value", below.operands[0])
    if below.op is ops.sum:
        return all([term.op is ops.exp for term in below.inputs])
    return (below.is_constant and below._primal != 0.0) or (
        below.op is ops.add and any([term.is_constant and term._primal > 0.0 for term in below.inputs])
    )


def _is_below(x: Value) -> bool:
    """Tell whether a number is never large: it is one of a row less the largest, the smaller of two, or minus a square."""
    first, last = (x.inputs[0], x.inputs[-1]) if x.inputs else (x, x)
    if x.op is ops.sub:
        while last.op in (ops.detach, ops.identity):
            last = last.inputs[0]
        return last.op in (ops.max, ops.logsumexp) and first in last.inputs
    if x.op is ops.neg:
        return first.op in (ops.abs, ops.square) or (first.op is ops.mul and len(set(first.inputs)) == 1)
    if x.op is ops.mul:
        signs = first.op is ops.neg and first.inputs[0] is last
        halves = first.is_constant and first._primal < 0.0
        return signs or (halves and (last.op is ops.square or (last.op is ops.mul and len(set(last.inputs)) == 1)))
    return x.op is ops.minimum
