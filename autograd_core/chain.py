"""The chain rule at one node, over floats or over Values: what both sweeps, reverse and forward, are made of.

A derivative is a sum of terms, one for each edge: an outer derivative times a partial. Over floats the terms are
added up; over Values the sum is recorded, as one product or one ``dot``, so that it can be differentiated again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from autograd_core.errors import AnomalyError
from autograd_core.modes import current_mode
from autograd_core.op import Op, Partial
from autograd_core.ops import dot, mul, strong_mul, sum
from autograd_core.value import Number, Value, describe_call

__all__ = ["FLOATS", "VALUES", "Arithmetic", "Term", "edges", "partials_of", "rule_of"]

Term: TypeAlias = tuple[Number, Number]


@dataclass(frozen=True)
class Arithmetic:
    """How derivatives are computed.

    Parameters
    ----------
    operands : what a node's partials are computed from, the result last.
    term : the two factors that an edge contributes; None where that is 0 whatever the other factor is.
        Called with the node, the input, the outer derivative and the partial.
    total : the sum of the terms' products.
    """

    operands: Callable[[Value], Sequence[object]]
    term: Callable[[Value, Value, Number, Number], Term | None]
    total: Callable[[Sequence[Term]], Number]


def rule_of(node: Value) -> Op:
    """Return the op of a node that is known to have one."""
    return cast("Op", node.op)


def edges(node: Value, operands: Sequence[object], wanted: Callable[[Value], bool]) -> Iterator[tuple[Value, Number]]:
    """Yield each wanted input of a node with the partial derivative towards it; no other partial is computed."""
    for arg, partial in zip(node.operands, rule_of(node).partials, strict=True):
        if partial is None:
            continue
        if isinstance(arg, tuple):
            wants = [wanted(v) for v in arg]
            if any(wants):
                row = cast("Sequence[Number]", _computed(node, partial, operands))
                yield from [(v, p) for v, p, want in zip(arg, row, wants, strict=True) if want]
        elif wanted(arg):
            yield arg, cast("Number", _computed(node, partial, operands))


def partials_of(node: Value) -> list[float | None]:
    """Return a node's partial derivative towards each of its inputs, as a float; None where the op lets nothing flow."""
    found = edges(node, FLOATS.operands(node), lambda _: True)
    return [
        cast("float", next(found)[1]) if partial is not None else None
        for arg, partial in zip(node.operands, rule_of(node).partials, strict=True)
        for _ in (arg if isinstance(arg, tuple) else (arg,))
    ]


def _computed(node: Value, partial: Partial, operands: Sequence[object]) -> object:
    try:
        return partial(*operands)
    except AnomalyError as fault:
        raise AnomalyError(
            f"while differentiating {describe_call(rule_of(node), node.inputs)}{_site(node)}: {fault}"
        ) from None


def _check_finite(node: Value, v: Value, outer: float, partial: float) -> None:
    """Raise AnomalyError if a term is not finite, naming the node whose derivative it is."""
    if not math.isfinite(outer * partial):
        raise AnomalyError(
            f"the derivative of {describe_call(rule_of(node), node.inputs)} with respect to {v.label or repr(v.data)} "
            f"is {partial!r}, times the adjoint {outer!r}{_site(node)}: "
            "keep the inputs away from where the derivative blows up"
        )


def _site(node: Value) -> str:
    return f", recorded at {node.source}" if node.source else ""


# ---------------------------------------------------------------- floats


def _primals(node: Value) -> list[float | list[float]]:
    numbers: list[float | list[float]] = [
        [v._primal for v in arg] if isinstance(arg, tuple) else arg._primal for arg in node.operands
    ]
    numbers.append(node._primal)
    return numbers


def _float_term(node: Value, v: Value, outer: Number, partial: Number) -> Term | None:
    """Let a zero outer derivative win over an infinite partial, and the flat side of a kink over both."""
    if outer == 0.0 or (partial == 0.0 and rule_of(node).kink):
        return None
    if current_mode().anomaly:
        _check_finite(node, v, cast("float", outer), cast("float", partial))
    return outer, partial


def _float_total(terms: Sequence[Term]) -> float:
    total = 0.0
    for outer, partial in cast("Sequence[tuple[float, float]]", terms):
        total += outer * partial
    return total


FLOATS = Arithmetic(_primals, _float_term, _float_total)


# ---------------------------------------------------------------- Values


def _recorded(node: Value) -> Sequence[object]:
    return (*node.operands, node)


def _value_term(node: Value, v: Value, outer: Number, partial: Number) -> Term | None:
    """Do as over floats, but leave out constant zeros alone: a zero that can vary still has a derivative."""
    if _is_zero_constant(outer) or _is_zero_constant(partial):
        return None
    a, b = _number(outer), _number(partial)
    if math.isnan(a * b):
        if a == 0.0:
            return strong_mul(cast("Value", outer), partial), 1.0
        if b == 0.0 and rule_of(node).kink:
            return strong_mul(cast("Value", partial), outer), 1.0
    if current_mode().anomaly:
        _check_finite(node, v, a, b)
    return outer, partial


def _value_total(terms: Sequence[Term]) -> Number:
    if all([_is_one(partial) for _, partial in terms]):
        return terms[0][0] if len(terms) == 1 else sum([outer for outer, _ in terms])
    if len(terms) == 1:
        ((outer, partial),) = terms
        return partial if _is_one(outer) else mul(cast("Value", outer), partial)
    return dot([outer for outer, _ in terms], [partial for _, partial in terms])


def _is_one(x: Number) -> bool:
    return not isinstance(x, Value) and x == 1.0


def _is_zero_constant(x: Number) -> bool:
    return x.is_constant and x._primal == 0.0 if isinstance(x, Value) else x == 0.0


def _number(x: Number) -> float:
    return x._primal if isinstance(x, Value) else x


VALUES = Arithmetic(_recorded, _value_term, _value_total)
