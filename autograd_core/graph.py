"""Walks over the graph: topological order, and copies. Nothing here recurses, so a chain may be a million deep."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

from autograd_core.errors import OperandTypeError
from autograd_core.modes import Scope, Site
from autograd_core.value import CONSTANT, OUTDATED, UNSWEPT, Operand, Row, Value

__all__ = ["copied", "outdates", "topological_order", "walk"]


def topological_order(y: Value) -> list[Value]:
    """Return every Value that y depends on, each after its inputs; y comes last.

    A node's place in the list is its number in everything drawn or printed: the same in each run.

    >>> a = Value(2.0, label="a")
    >>> b = a + a
    >>> [v.data for v in topological_order(b * a)]
    [2.0, 4.0, 8.0]
    """
    if not isinstance(y, Value):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
        raise OperandTypeError(f"{y!r} of type {type(y).__name__} has no graph: pass a Value")
    return walk(y)[0]


def walk(root: Value | Row) -> tuple[list[Value], list[Value]]:
    """Return the topological order of everything below root, or below a row of roots, and the leaves among it.

    A depth-first search with a stack of its own. A node is emitted when the None above it is popped, by which time
    all its inputs have been. A row is expanded once however many nodes share it; it counts as seen only when its
    turn comes, since until then its members may still be waiting further down the stack.
    """
    order: list[Value] = []
    leaves: list[Value] = []
    seen: set[Value] = set()
    seen_rows: set[int] = set()
    stack: list[Value | Row | None] = [root]
    pop, push, emit, see = stack.pop, stack.append, order.append, seen.add
    while stack:
        item = pop()
        if item is None:
            emit(cast("Value", pop()))
        elif isinstance(item, tuple):
            if id(item) not in seen_rows:
                seen_rows.add(id(item))
                stack += item[::-1]
        elif item not in seen:
            see(item)
            if item._rule is None:
                emit(item)
                leaves.append(item)
                continue
            push(item)
            push(None)
            a, b = item._a, item._b  # pushed last to first, so that the first is looked into first
            if b is not None and (isinstance(b, tuple) or b not in seen):
                push(b)
            if isinstance(a, tuple) or a not in seen:
                push(a)
    return order, leaves


def outdates(v: Value, node: Value) -> bool:
    """Tell whether v is a leaf that was changed after the node had used it."""
    return v._rule is None and v._tick >= 0 and v._tick > node._tick


# ---------------------------------------------------------------- copy and pickle

_Place: TypeAlias = int | tuple[int, ...]
"""The number of a node in topological order, or those of a row."""


_new = Value.__new__


def _made(primal: float, adjoint: float, label: str, origin: Scope | Site | None) -> Value:
    """Return a leaf with this origin, or with none, whatever scope it is being made in."""
    leaf = _new(Value)
    leaf._primal, leaf._adjoint, leaf._tick = primal, adjoint, 0
    leaf._rule = leaf._a = leaf._b = None
    if label:
        leaf._label = label
    if origin is not None:
        leaf._origin = origin
    return leaf


def copied(node: Value, a: Operand, b: Operand) -> Value:
    """Return a new node like this one, on other operands."""
    twin = _made(node._primal, node._adjoint, node.label, node.origin)
    twin._rule, twin._tick = node._rule, node._tick
    twin._a, twin._b = a, b
    return twin


def _copy(self: Value) -> Value:
    """Return a new node on the same inputs."""
    return copied(self, self._a, self._b)


def _deepcopy(self: Value, memo: dict[int, object]) -> Value:
    """Copy the whole graph below, leaves included; what the memo knows already is shared."""
    rows: dict[int, Row] = {}

    def twin_of(arg: Operand) -> Operand:
        if arg is None:
            return None
        if isinstance(arg, Value):
            return memo[id(arg)]  # pyright: ignore[reportReturnType] - a Value's copy is a Value
        if id(arg) not in rows:
            rows[id(arg)] = tuple([memo[id(v)] for v in arg])  # pyright: ignore[reportArgumentType]
        return rows[id(arg)]

    for node in walk(self)[0]:
        if id(node) not in memo:
            memo[id(node)] = copied(node, twin_of(node._a), twin_of(node._b))
    return memo[id(self)]  # pyright: ignore[reportReturnType] - a Value's copy is a Value


def _reduce(self: Value) -> tuple[object, ...]:
    """Pickle as flat columns. Leaves go in as they are, so a leaf that other objects hold stays one leaf.

    A result does not: pickle cannot take it apart without recursion, so two results pickled together come back as two
    graphs on the same leaves. (deepcopy keeps them one.)
    """
    if self._rule is None:
        return _leaf, (self._primal, _kept(self), self.label, self.origin, self.is_constant)
    order, leaves = walk(self)
    position = {node: i for i, node in enumerate(order)}
    rows: dict[int, tuple[int, ...]] = {}

    def place_of(operand: Value | Row) -> _Place:
        if isinstance(operand, Value):
            return position[operand]
        if id(operand) not in rows:
            rows[id(operand)] = tuple([position[v] for v in operand])
        return rows[id(operand)]

    columns = (
        [node._rule for node in order],
        [node._primal for node in order],
        [_kept(node) for node in order],
        [node.label for node in order],
        [node.origin for node in order],
        [_tick_when_rebuilt(node) for node in order],
        [tuple([place_of(operand) for operand in node.operands]) for node in order],
    )
    return _graph, ({position[leaf]: leaf for leaf in leaves if not leaf.is_constant}, *columns)


def _kept(node: Value) -> float | None:
    """Return the gradient as it is pickled: None for one that no sweep has reached, which is told by its identity."""
    return node._adjoint if node.swept else None


def _tick_when_rebuilt(node: Value) -> int:
    """Return a time by which a rebuilt node is as fresh or as stale as this one: its leaves are as old as time."""
    if node._rule is None:
        return node._tick
    return OUTDATED if any([outdates(v, node) for v in node.inputs]) else 0


def _leaf(primal: float, adjoint: float | None, label: str, origin: Scope | Site | None, constant: bool) -> Value:
    leaf = _made(primal, UNSWEPT if adjoint is None else adjoint, label, origin)
    if constant:
        leaf._tick = CONSTANT
    return leaf


def _graph(variables: dict[int, Value], *columns: list[Any]) -> Value:
    """Rebuild a pickled graph and return its last node."""
    nodes: list[Value] = []
    rows: dict[int, Row] = {}

    def operand_at(place: _Place) -> Value | Row:
        if isinstance(place, int):
            return nodes[place]
        if id(place) not in rows:
            rows[id(place)] = tuple([nodes[i] for i in place])
        return rows[id(place)]

    for i, (rule, primal, adjoint, label, origin, tick, places) in enumerate(zip(*columns, strict=True)):
        node = variables.get(i)
        if node is None:
            node = _made(primal, UNSWEPT if adjoint is None else adjoint, label, origin)
            node._rule, node._tick = rule, tick
            operands = tuple(map(operand_at, places))
            node._a, node._b = (cast("Row", operands), None) if len(operands) == 3 else (*operands, None, None)[:2]
        nodes.append(node)
    return nodes[-1]


Value.__copy__ = _copy  # pyright: ignore[reportAttributeAccessIssue] - given to Value from here, since walking
Value.__deepcopy__ = _deepcopy  # pyright: ignore[reportAttributeAccessIssue] - a graph is not Value's business
Value.__reduce__ = _reduce  # pyright: ignore[reportAttributeAccessIssue]
