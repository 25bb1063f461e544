"""A graph with its composite ops written out: a ``dot`` as products and their sum, a ``mean`` as a sum divided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context
from typing import cast, overload

from autograd_core.backward import backward
from autograd_core.chain import rule_of
from autograd_core.graph import copied, walk
from autograd_core.op import Generic
from autograd_core.value import Operand, Row, Value

__all__ = ["expanded"]


@overload
def expanded(y: Value) -> Value: ...
@overload
def expanded(y: Sequence[Value]) -> Row: ...
def expanded(y: Value | Sequence[Value]) -> Value | Row:
    """Return the graph below y, or below several, in which every op that says how it expands has been written out.

    Leaves are the same objects. Every result is a copy with its number, gradient, label and scope; what comes in
    between has the gradient that the chain rule gives it.

    >>> from autograd_core import dot
    >>> a, b = Value(2.0), Value(3.0)
    >>> [v.op.name for v in expanded(dot([a, b], [b, a])).inputs]
    ['mul', 'mul']
    """
    roots = (y,) if isinstance(y, Value) else tuple(y)
    twins: dict[Value, Value] = {}
    for node in walk(roots)[0]:
        if node.op is None:
            twins[node] = node
        elif node.op.expands is None or not node.inputs:
            twins[node] = _twin(node, twins)
        else:
            twins[node] = _written_out(node, twins)
    return twins[y] if isinstance(y, Value) else tuple([twins[root] for root in roots])


def _twin(node: Value, twins: dict[Value, Value]) -> Value:
    def twin_of(arg: Operand) -> Operand:
        if isinstance(arg, tuple):
            return tuple([twins[v] for v in arg])
        return None if arg is None else twins[arg]

    return copied(node, twin_of(node._a), twin_of(node._b))


def _written_out(node: Value, twins: dict[Value, Value]) -> Value:
    """Return a node like this one, on the twins of its inputs, by way of smaller ops.

    They are recorded and swept on stand-ins for the inputs, in a context of its own: whatever mode the caller is in.
    """
    stand_ins = {v: Value(v.data) for v in node.inputs}
    rows = [tuple([stand_ins[v] for v in row]) for row in cast("tuple[Row, ...]", node.operands)]
    result = cast("Value", Context().run(cast("Callable[..., Generic]", rule_of(node).expands), *rows))
    Context().run(backward, result)
    inner = {stand_in: twins[v] for v, stand_in in stand_ins.items()}
    for part in walk(result)[0]:
        if part.op is None:
            inner.setdefault(part, part)
        else:
            inner[part] = twin = _twin(part, inner)
            twin._adjoint = _times(node, part._adjoint)
            twin._tick = node._tick
            if node.origin is not None:
                twin._origin = node.origin
    twin = inner[result]
    twin._primal, twin._adjoint, twin.label = node._primal, node._adjoint, node.label
    return twin


def _times(node: Value, derivative: float) -> float:
    """Return a node's gradient times the derivative of the node: 0 times anything is 0, and unknown stays unknown."""
    return derivative * node._adjoint if node._adjoint else node._adjoint
