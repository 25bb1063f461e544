"""The reverse sweep: ``y.backward()``, and ``gradients(y, xs)`` whose results can be differentiated again.

The chain rule, read from the result towards the leaves: the adjoint of a node is the sum, over the nodes that use it,
of their adjoint times their partial derivative. The partials come from the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, cast

from autograd_core import ops
from autograd_core.chain import FLOATS, VALUES, Arithmetic, Term, edges, rule_of
from autograd_core.errors import OperandTypeError, StaleGraphError, UnconnectedError
from autograd_core.graph import outdates, walk
from autograd_core.ieee import step
from autograd_core.modes import current_mode
from autograd_core.op import Op
from autograd_core.value import Number, Row, Value, constant

__all__ = ["adjoints", "backward", "gradients"]

# ---------------------------------------------------------------- backward(): floats, kept on the nodes


def backward(y: Value) -> None:
    """Add the derivative of y with respect to every leaf to that leaf's ``.grad``.

    Calling it twice adds exactly twice as much; ``zero_grad()`` or ``x.grad = 0.0`` starts afresh. The ``.grad`` of a
    result in between is its adjoint in the latest sweep alone. An adjoint of 0 contributes exactly 0.

    Raises
    ------
    StaleGraphError : a leaf was changed after an op had used it.
    AnomalyError : under detect_anomaly, a derivative that is not finite.

    >>> x = Value(3.0)
    >>> (x * x).backward()
    >>> x.grad
    6.0
    """
    order, leaves = walk(y)
    check_fresh(order, leaves)
    pull_of: dict[Op, Callable[[Any, float], None]] = {} if current_mode().anomaly else _HOT
    accumulated = [leaf._adjoint for leaf in leaves]
    before: list[float] = []
    try:
        for node in order:
            before.append(node._adjoint)
            node._adjoint = 0.0
        y._adjoint = 1.0
        for node in reversed(order):
            adjoint = node._adjoint
            if adjoint and node._rule is not None:
                pull_of.get(node._rule, _pull)(node, adjoint)
        for leaf, grad in zip(leaves, accumulated, strict=True):
            leaf._adjoint = 0.0 if leaf.is_constant else grad + leaf._adjoint
    except BaseException:  # a sweep cut short, even by Ctrl-C, leaves every gradient as it was
        for node, grad in zip(order, before, strict=False):
            node._adjoint = grad
        raise


def check_fresh(order: list[Value], leaves: list[Value]) -> None:
    """Raise StaleGraphError if an op used a leaf that has been changed since."""
    newest = max([leaf._tick for leaf in leaves])
    if newest <= min([node._tick for node in order if node._rule is not None], default=newest):
        return
    for node in order:
        for leaf in node.inputs:
            if outdates(leaf, node):
                raise StaleGraphError(
                    f"{leaf!r} was changed after {rule_of(node).name} had used it: compute the result again before "
                    "differentiating it, and change leaves afterwards"
                )


def _is_variable(v: Value) -> bool:
    return not v.is_constant


def _pull(node: Value, adjoint: float) -> None:
    """Pass a node's adjoint on to its inputs."""
    for v, partial in edges(node, FLOATS.operands(node), _is_variable):
        if FLOATS.term(node, v, adjoint, partial):
            v._adjoint += adjoint * cast("float", partial)


# ---------------------------------------------------------------- the same steps by hand, for the ops that run most


class _Unary(Protocol):
    _a: Value


class _Binary(_Unary, Protocol):
    _b: Value


class _Reduction(Protocol):
    _a: Row


class _Pairing(_Reduction, Protocol):
    _b: Row


def _pull_add(node: _Binary, adjoint: float) -> None:
    node._a._adjoint += adjoint
    node._b._adjoint += adjoint


def _pull_sub(node: _Binary, adjoint: float) -> None:
    node._a._adjoint += adjoint
    node._b._adjoint -= adjoint


def _pull_mul(node: _Binary, adjoint: float) -> None:
    a, b = node._a, node._b
    a._adjoint += adjoint * b._primal
    b._adjoint += adjoint * a._primal


def _pull_neg(node: _Unary, adjoint: float) -> None:
    node._a._adjoint -= adjoint


def _pull_relu(node: _Unary, adjoint: float) -> None:
    x = node._a
    if not x._primal <= 0.0:  # written so that a nan passes, and stays one
        x._adjoint += adjoint * step(x._primal)


def _pull_sum(node: _Reduction, adjoint: float) -> None:
    for x in node._a:
        x._adjoint += adjoint


def _pull_dot(node: _Pairing, adjoint: float) -> None:
    for w, x in zip(node._a, node._b):  # noqa: B905 - equally long since they were recorded; strict costs a tenth here
        w._adjoint += adjoint * x._primal
        x._adjoint += adjoint * w._primal


# Each takes the kind of node that its op makes, which a dict cannot say.
_HOT: dict[Op, Callable[[Any, float], None]] = {
    ops.add: _pull_add,
    ops.sub: _pull_sub,
    ops.mul: _pull_mul,
    ops.neg: _pull_neg,
    ops.relu: _pull_relu,
    ops.sum: _pull_sum,
    ops.dot: _pull_dot,
}

# ---------------------------------------------------------------- gradients(): floats or Values, kept beside the graph


def gradients(y: Value, xs: Iterable[Value], *, strict: bool = False) -> list[Value]:
    """Return the derivative of y with respect to each of xs, as Values that can be differentiated again.

    No ``.grad`` is touched. Any node of the graph may be asked for, not only leaves.

    Parameters
    ----------
    y : the result to differentiate.
    xs : what to differentiate with respect to.
    strict : whether an x that y does not depend on is an error; otherwise its derivative is 0.0.

    Raises
    ------
    UnconnectedError : strict, and y does not depend on one of xs.
    StaleGraphError : a leaf was changed after an op had used it.

    >>> x = Value(3.0)
    >>> (slope,) = gradients(x**3, [x])
    >>> (curvature,) = gradients(slope, [x])
    >>> slope.data, curvature.data
    (27.0, 18.0)
    """
    if not isinstance(xs, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
        raise OperandTypeError(
            f"xs is {xs!r} of type {type(xs).__name__}: put what to differentiate with respect to in a list"
        )
    xs = list(xs)
    for v in (y, *xs):
        if not isinstance(v, Value):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
            raise OperandTypeError(f"{v!r} of type {type(v).__name__} has no graph: pass Values")
    found = adjoints(y, xs, VALUES)
    if strict:
        for i, x in enumerate(xs):
            if x not in found:
                raise UnconnectedError(
                    f"{y!r} does not depend on {x!r}, number {i} of xs: leave it out, or take 0.0 with strict=False"
                )
    return [_as_value(found.get(x, 0.0)) for x in xs]


def _as_value(x: Number) -> Value:
    return x if isinstance(x, Value) else constant(x)


def adjoints(y: Value, xs: Sequence[Value], arithmetic: Arithmetic, seed: Number = 1.0) -> dict[Value, Number]:
    """Return the adjoint of each node on the way from one of xs to y, these included; that of y itself is the seed."""
    order, leaves = walk(y)
    check_fresh(order, leaves)
    on_the_way = _dependents(order, set(xs))
    terms: dict[Value, list[Term]] = {}
    found: dict[Value, Number] = {}
    targets = set(xs)
    for node in reversed(order):
        if node not in on_the_way:
            continue
        if node is y:
            adjoint: Number = seed
        elif node in terms:
            adjoint = arithmetic.total(terms.pop(node))
        elif node in targets:
            adjoint = 0.0
        else:
            continue
        found[node] = adjoint
        if node._rule is not None:
            for v, partial in edges(node, arithmetic.operands(node), on_the_way.__contains__):
                factors = arithmetic.term(node, v, adjoint, partial)
                if factors:
                    terms.setdefault(v, []).append(factors)
    return found


def _dependents(order: list[Value], sources: set[Value]) -> set[Value]:
    """Return the sources and every node that depends on one of them."""
    dependents = sources.intersection(order)
    for node in order:
        if node not in dependents:
            for arg in node.operands:
                members = arg if isinstance(arg, tuple) else (arg,)
                if not dependents.isdisjoint(members):
                    dependents.add(node)
                    break
    return dependents


Value.backward = backward  # pyright: ignore[reportAttributeAccessIssue] - declared there, given from here
