"""The rules of one node, in symbols: its value, and its partial derivatives, with slots for the operands' names.

A rule depends on the op and on how long its rows are, not on the node, so a network of a thousand neurons has only a
handful of them. They are made by running the table's own partials on Symbols that stand for slots.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from autograd_core.op import Op
from autograd_core.symbol import Symbol
from autograd_core.value import Value

__all__ = ["Formula", "Rule", "fill", "rules_of"]

RESULT = "y"


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula in two notations; ``⟦0⟧`` stands for operand 0, ``⟦y⟧`` for the result."""

    text: str
    mathml: str


@dataclass(frozen=True, slots=True)
class Rule:
    """An op on so many operands.

    Parameters
    ----------
    value : the op itself.
    partials : its derivative towards each operand; None where nothing flows.
    order : in which order a sweep follows the edges to the operands: two rows are gone through in pairs.
    """

    value: Formula
    partials: tuple[Formula | None, ...]
    order: tuple[int, ...]


def rules_of(order: Sequence[Value]) -> list[Rule | None]:
    """Return the rule of each node of a graph; None for a leaf."""
    known: dict[tuple[Op, tuple[int, ...]], Rule] = {}
    rules: list[Rule | None] = []
    for node in order:
        if node.op is None:
            rules.append(None)
            continue
        kind = node.op, tuple([len(arg) if isinstance(arg, tuple) else 1 for arg in node.operands])
        if kind not in known:
            known[kind] = _rule(*kind)
        rules.append(known[kind])
    return rules


def _rule(op: Op, lengths: tuple[int, ...]) -> Rule:
    count = 0
    args: list[Symbol | tuple[Symbol, ...]] = []
    for length in lengths:
        slots = tuple([_slot(str(count + i)) for i in range(length)])
        count += len(slots)
        args.append(slots if op.takes_rows else slots[0])
    result = _slot(RESULT)
    partials: list[Formula | None] = []
    for arg, partial in zip(args, op.partials, strict=True):
        slopes = partial(*args, result) if partial is not None else None
        if not isinstance(arg, tuple):
            partials.append(_formula(slopes))
        elif slopes is None:
            partials += [None] * len(arg)
        else:
            partials += [_formula(slope) for slope in cast("Sequence[object]", slopes)]
    pairs = len(args) == 2 and op.takes_rows
    order = sorted(range(count), key=lambda k: (k % lengths[0], k)) if pairs else range(count)
    return Rule(_formula_of(Symbol.apply_op(op, tuple(args))), tuple(partials), tuple(order))


def _slot(name: str) -> Symbol:
    return Symbol(f"⟦{name}⟧", latex=f"⟦{name}⟧", mathml=f"⟦{name}⟧")


def _formula(slope: object) -> Formula | None:
    if slope is None:
        return None
    return _formula_of(slope if isinstance(slope, Symbol) else Symbol.number(cast("float", slope)))


def _formula_of(symbol: Symbol) -> Formula:
    return Formula(symbol.text, symbol.mathml)


def fill(template: str, operands: Sequence[str], result: str) -> str:
    """Put names or numbers in the slots of a formula.

    >>> fill("⟦0⟧ * ⟦1⟧", ["a", "b"], "y")
    'a * b'
    """
    return re.sub("⟦([0-9]+|y)⟧", lambda slot: result if slot[1] == RESULT else operands[int(slot[1])], template)
