"""What happens in a graph, one event at a time: each node computed forward, each edge followed backward.

Events are plain data. Replayed in order they give what the engine gives: the numbers of every node, then the adjoints
of one reverse sweep that starts from zero, added up in the engine's own order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from autograd_core.backward import check_fresh
from autograd_core.chain import FLOATS, partials_of
from autograd_core.graph import walk
from autograd_core.names import names_of
from autograd_core.stepper.rules import Rule, fill, rules_of
from autograd_core.value import Value

__all__ = ["Backward", "Event", "Forward", "Node", "trace"]


@dataclass(frozen=True, slots=True)
class Node:
    """One value of the graph; its number is its place in the topological order."""

    number: int
    name: str
    op: str | None
    inputs: tuple[int, ...]
    data: float
    is_constant: bool


@dataclass(frozen=True, slots=True)
class Forward:
    """A node gets its number.

    Parameters
    ----------
    node : which one.
    formula : how, in symbols, such as ``"a * b"``; empty for a leaf.
    data : the result.
    """

    node: int
    formula: str
    data: float


@dataclass(frozen=True, slots=True)
class Backward:
    """An edge passes a node's adjoint on to one of the node's inputs.

    Parameters
    ----------
    node, input, position : the edge runs from ``node`` back to ``input``, which is its operand number ``position``.
    formula : the partial derivative of the node towards that operand, in symbols, such as ``"1 - y * y"``.
    adjoint : the node's adjoint, which is complete by then.
    partial : the partial derivative; None where nothing flows, because the op says so or the input is a constant.
    contribution : adjoint times partial, or 0.0 where one of them blocks the other: an adjoint of 0, a flat side of
        a kink.
    total : the input's adjoint so far, with this contribution in it.
    """

    node: int
    input: int
    position: int
    formula: str
    adjoint: float
    partial: float | None
    contribution: float
    total: float


Event: TypeAlias = Forward | Backward


def trace(y: Value) -> tuple[tuple[Node, ...], tuple[Event, ...]]:
    """Return the nodes below y in topological order, and every event of one forward and one backward pass.

    There is one forward event for each node, then one backward event for each edge, from y towards the leaves. The
    sweep's seed, an adjoint of 1.0 at y, comes with y's own forward event, the last of them.

    Raises
    ------
    StaleGraphError : a leaf was changed after an op had used it.
    """
    order, leaves = walk(y)
    check_fresh(order, leaves)
    position = {v: i for i, v in enumerate(order)}
    names = names_of(order)
    nodes = tuple(
        [
            Node(i, name, v.op and v.op.name, tuple([position[x] for x in v.inputs]), v.data, v.is_constant)
            for i, (v, name) in enumerate(zip(order, names, strict=True))
        ]
    )
    shown = [_as_operand(node) for node in nodes]
    rules = rules_of(order)
    return nodes, (*_forward(nodes, rules, shown), *_backward(order, nodes, rules, shown))


def _as_operand(node: Node) -> str:
    """Return a node as formulas write it: by name, or a constant as its number."""
    if not node.is_constant:
        return node.name
    return f"({node.data!r})" if repr(node.data).startswith("-") else repr(node.data)


def _forward(nodes: tuple[Node, ...], rules: list[Rule | None], shown: list[str]) -> Iterator[Forward]:
    for node, rule in zip(nodes, rules, strict=True):
        operands = [shown[i] for i in node.inputs]
        yield Forward(node.number, fill(rule.value.text, operands, shown[node.number]) if rule else "", node.data)


def _backward(
    order: list[Value], nodes: tuple[Node, ...], rules: list[Rule | None], shown: list[str]
) -> Iterator[Backward]:
    totals = [0.0] * len(order)
    totals[-1] = 1.0
    for i in range(len(order) - 1, -1, -1):
        rule, node = rules[i], nodes[i]
        if rule is None:
            continue
        partials = partials_of(order[i])
        operands = [shown[j] for j in node.inputs]
        for k in rule.order:
            j, partial = node.inputs[k], partials[k]
            if nodes[j].is_constant:
                partial = None
            contribution = 0.0
            if partial is not None and FLOATS.term(order[i], order[j], totals[i], partial):
                contribution = totals[i] * partial
                totals[j] += contribution
            slope = rule.partials[k]
            formula = fill(slope.text, operands, shown[i]) if slope else ""
            yield Backward(i, j, k, formula, totals[i], partial, contribution, totals[j])
