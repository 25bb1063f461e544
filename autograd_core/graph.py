"""Walks over the graph: topological order, and copies. Nothing here recurses, so a chain may be a million deep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, cast

from autograd_core.errors import OperandTypeError
from autograd_core.modes import Scope, Site
from autograd_core.op import Op
from autograd_core.value import Operand, Row, Value

__all__ = ["topological_order", "walk"]


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


def walk(root: Value) -> tuple[list[Value], list[Value]]:
    """Return the topological order of everything below root, and the leaves among it.

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
            a, b, c = item._a, item._b, item._c  # pushed last to first, so that the first is looked into first
            if c is not None:
                push(c)
            if b is not None and (isinstance(b, tuple) or b not in seen):
                push(b)
            if isinstance(a, tuple) or a not in seen:
                push(a)
    return order, leaves


# ---------------------------------------------------------------- copy and pickle

_Position: TypeAlias = int | tuple[int, ...]
_Record: TypeAlias = tuple[Op, float, float, str, "Scope | Site | None", bool, tuple[_Position, ...]]


def _is_stale(node: Value) -> bool:
    return any(v._rule is None and v._tick > node._tick for v in node.inputs)


def _copied(node: Value, operands: Iterable[Operand]) -> Value:
    twin = Value(node._primal, node.label)
    twin._adjoint, twin._rule, twin._tick, twin._where = node._adjoint, node._rule, node._tick, node._where
    twin._a, twin._b, twin._c = operands
    return twin


def _copy(self: Value) -> Value:
    """Return a new node on the same inputs."""
    return _copied(self, (self._a, self._b, self._c))


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
            memo[id(node)] = _copied(node, [twin_of(arg) for arg in (node._a, node._b, node._c)])
    return memo[id(self)]  # pyright: ignore[reportReturnType] - a Value's copy is a Value


def _reduce(self: Value) -> tuple[object, ...]:
    """Pickle as a flat list. Leaves go in as they are, so a leaf that other objects hold stays one leaf."""
    if self._rule is None:
        return _leaf, (self._primal, self._adjoint, self.label, self._where, self.is_constant)
    order, leaves = walk(self)
    position = {leaf: i for i, leaf in enumerate(leaves)}
    rows: dict[int, tuple[int, ...]] = {}
    records: list[_Record] = []

    def position_of(arg: Value | Row) -> _Position:
        if isinstance(arg, Value):
            return position[arg]
        if id(arg) not in rows:
            rows[id(arg)] = tuple([position[v] for v in arg])
        return rows[id(arg)]

    for node in order:
        if node._rule is not None:
            position[node] = len(leaves) + len(records)
            places = tuple([position_of(arg) for arg in node.operands])
            records.append((node._rule, node._primal, node._adjoint, node.label, node._where, _is_stale(node), places))
    return _graph, (leaves, records)


def _leaf(primal: float, adjoint: float, label: str, where: Scope | Site | None, constant: bool) -> Value:
    leaf = Value(primal, label)
    leaf._adjoint, leaf._where = adjoint, where
    if constant:
        leaf._tick = -1
    return leaf


def _graph(leaves: list[Value], records: list[_Record]) -> Value:
    """Rebuild a pickled graph and return its last node."""
    nodes = list(leaves)
    rows: dict[int, Row] = {}

    def operand_at(place: _Position) -> Value | Row:
        if isinstance(place, int):
            return nodes[place]
        if id(place) not in rows:
            rows[id(place)] = tuple([nodes[i] for i in place])
        return rows[id(place)]

    newest = max([leaf._tick for leaf in leaves])
    for rule, primal, adjoint, label, where, stale, places in records:
        node = Value(primal, label)
        node._adjoint, node._rule, node._where = adjoint, rule, where
        node._a, node._b, node._c = [*map(operand_at, places), None, None][:3]
        node._tick = -1 if stale else newest
        nodes.append(node)
    return nodes[-1]


Value.__copy__ = _copy  # pyright: ignore[reportAttributeAccessIssue] - given to Value from here, since walking
Value.__deepcopy__ = _deepcopy  # pyright: ignore[reportAttributeAccessIssue] - a graph is not Value's business
Value.__reduce__ = _reduce  # pyright: ignore[reportAttributeAccessIssue]
