"""Tidy: the recorded graph with what was computed twice merged, and long sums and products written as the rows they are.

``w0*x0 + w1*x1 + w2*x2 + b`` is a chain of binary nodes, each of another depth; as ``dot(w, x) + b`` it is what a neuron
of `nn` records, and its gradient nodes are those of a neuron too. The numbers stay the same but for rounding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

from autograd_core import ops
from autograd_core.chain import rule_of
from autograd_core.errors import ArgumentError
from autograd_core.graph import walk
from autograd_core.value import Row, Value

__all__ = ["tidied"]


ROWS = {ops.sum, ops.mean, ops.dot, ops.max, ops.min, ops.logsumexp}
"""The ops of rows that lifting knows."""


def tidied(roots: Sequence[Value]) -> list[Value]:
    """Return the same results on a graph in which equal nodes are one, and chains of sums are rows.

    Raises
    ------
    ArgumentError : an op of rows is a stranger, and does not expand to others.
    """
    return _with_rows(_merged(roots))


def _merged(roots: Sequence[Value]) -> list[Value]:
    """Merge nodes of the same op on the same operands; leaves stay as they are, but equal constants become one."""
    twin: dict[Value, Value] = {}
    rows: dict[int, Row] = {}
    known: dict[object, Value] = {}
    row_of: dict[tuple[Value, ...], Row] = {}

    def merged_row(row: Row) -> Row:
        if id(row) not in rows:
            new = tuple([twin[v] for v in row])
            if all([a is b for a, b in zip(new, row, strict=True)]):
                new = row
            rows[id(row)] = row_of.setdefault(new, new)
        return rows[id(row)]

    for v in walk(tuple(roots))[0]:
        if v.op is None:
            key = ("constant", v._primal.hex()) if v.is_constant else v
            twin[v] = known.setdefault(key, v)
            continue
        operands = tuple([merged_row(o) if isinstance(o, tuple) else twin[o] for o in v.operands])
        key = (v.op, *[id(o) if isinstance(o, tuple) else o for o in operands])
        twin[v] = known[key] if key in known else known.setdefault(key, _on(v, operands))
    return [twin[root] for root in roots]


def _on(v: Value, operands: tuple[Value | Row, ...]) -> Value:
    """Return the node of the same op on other operands; itself if they are its own, and lifting knows the op."""
    known = not rule_of(v).takes_rows or v.op in ROWS
    if known and all([a is b for a, b in zip(operands, v.operands, strict=True)]):
        return v
    rule = rule_of(v)
    if not known:
        if rule.expands is None:
            raise ArgumentError(
                f"{rule.name} is an op of rows that lift does not know, and it does not say what it expands to: give it an "
                "expands"
            )
        new = cast("Value", rule.expands(*operands))
    else:
        new = Value.apply_op(rule, operands)
    if v.label:
        new.label = v.label
    return new


def _with_rows(roots: Sequence[Value]) -> list[Value]:
    """Write sums of three terms and more as rows, and those of products as rows of factors."""
    order = walk(tuple(roots))[0]
    uses = Counter([w for v in order for w in v.inputs])
    uses.update(roots)
    inner = {w for v in order if v.op is ops.add for w in v.inputs if w.op is ops.add and uses[w] == 1}
    twin: dict[Value, Value] = {}
    rows: dict[int, Row] = {}
    terms: dict[Value, list[Value]] = {}

    def changed_row(row: Row) -> Row:
        if id(row) not in rows:
            new = tuple([twin[w] for w in row])
            rows[id(row)] = row if all([a is b for a, b in zip(new, row, strict=True)]) else new
        return rows[id(row)]

    for v in order:
        if v.op is None:
            twin[v] = v
            continue
        if v.op is ops.add:
            terms[v] = _joined([terms.pop(w) if w in inner else [w] for w in v.inputs])
            if v in inner:
                twin[v] = v  # its terms go on in the sum that it is part of
                continue
            if len(terms[v]) > 2:
                twin[v] = _labelled(v, _sum_of(terms[v], uses, twin))
                continue
        if v.op is ops.sum and len(v.inputs) > 1 and all([_is_product(w, uses) for w in v.inputs]):
            twin[v] = _labelled(v, _sum_of(list(v.inputs), uses, twin))
            continue
        operands = tuple([changed_row(o) if isinstance(o, tuple) else twin[o] for o in v.operands])
        twin[v] = _on(v, operands)
    return [twin[root] for root in roots]


def _joined(parts: list[list[Value]]) -> list[Value]:
    """Return the longer of two lists with the other put before or after it: a chain stays linear in its length."""
    left, right = parts
    if len(left) >= len(right):
        left += right
        return left
    right[:0] = left
    return right


def _is_product(v: Value, uses: Counter[Value]) -> bool:
    return v.op is ops.mul and uses[v] == 1


def _sum_of(terms: list[Value], uses: Counter[Value], twin: dict[Value, Value]) -> Value:
    """Return the sum of terms: a row of products that nothing else uses, and a row of the rest. Rows start from 0.0."""
    terms = [v for v in terms if not (v.is_constant and v._primal == 0.0)]
    products = [v for v in terms if _is_product(v, uses)]
    if len(products) < 2:
        return ops.sum([twin[v] for v in terms])
    pairs = [[twin[w] for w in cast("tuple[Value, Value]", v.operands)] for v in products]
    total = ops.dot([a for a, _ in pairs], [b for _, b in pairs])
    rest = [twin[v] for v in terms if not _is_product(v, uses)]
    if not rest:
        return total
    return total + (rest[0] if len(rest) == 1 else ops.sum(rest))


def _labelled(old: Value, new: Value) -> Value:
    if old.label:
        new.label = old.label
    return new
