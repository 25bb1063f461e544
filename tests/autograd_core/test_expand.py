"""Expanding: the same numbers and gradients, by way of smaller ops."""

import math

import pytest

from autograd_core import (
    StaleGraphError,
    Value,
    detect_anomaly,
    dot,
    logsumexp,
    mean,
    no_grad,
    scope,
    topological_order,
    where,
)
from autograd_core.expand import expanded
from autograd_core.op import OPS


def described(y) -> list[tuple]:
    return [(v.op.name if v.op else v.label or v.data, v.data, v.grad) for v in topological_order(y)]


def test_a_dot_is_its_products_and_their_sum():
    w, x = [Value(2.0, "w0"), Value(3.0, "w1")], [Value(-1.0, "x0"), Value(0.5, "x1")]
    y = dot(w, x)
    z = expanded(y)
    assert described(z) == [
        ("w0", 2.0, 0.0), ("x0", -1.0, 0.0), ("mul", -2.0, 0.0), ("w1", 3.0, 0.0), ("x1", 0.5, 0.0), ("mul", 1.5, 0.0),
        ("sum", -0.5, 0.0),
    ]  # fmt: skip
    assert [v.swept for v in topological_order(z)] == [False] * 7


def test_a_mean_is_a_sum_divided():
    y = mean([Value(2.0, "a"), Value(4.0, "b")])
    assert [what for what, *_ in described(expanded(y))] == ["a", "b", "sum", 2.0, "div"]


def test_a_product_has_the_gradient_of_the_dot():
    a, b, c = Value(2.0, "a"), Value(3.0, "b"), Value(-1.0, "c")
    y = dot([a, b], [b, c]) * mean([a, b, c])
    y.backward()
    assert described(expanded(y)) == [
        ("a", 2.0, a.grad), ("b", 3.0, b.grad), ("mul", 6.0, 4 / 3), ("c", -1.0, c.grad), ("mul", -3.0, 4 / 3),
        ("sum", 3.0, 4 / 3), ("sum", 4.0, 1.0), (3.0, 3.0, 0.0), ("div", 4 / 3, 3.0), ("mul", 4.0, 1.0),
    ]  # fmt: skip


def test_the_expanded_graph_has_the_same_derivatives():
    xs = [Value(0.3 * i - 1.0) for i in range(6)]
    y = dot(xs[:3], xs[3:]).tanh() + mean(xs) * logsumexp(xs)
    y.backward()
    once = [x.grad for x in xs]
    for x in xs:
        x.grad = 0.0
    expanded(y).backward()
    assert [x.grad for x in xs] == pytest.approx(once, rel=1e-14)


def test_leaves_are_the_same_objects_and_results_are_not():
    a, b = Value(2.0), Value(3.0)
    y = where(a, a * b, b) + a
    z = expanded(y)
    before, after = topological_order(y), topological_order(z)
    assert [v.op for v in before] == [v.op for v in after]
    assert [v is w for v, w in zip(before, after, strict=True)] == [v.op is None for v in before]


def test_the_graph_that_was_expanded_is_unchanged():
    a = Value(2.0, "a")
    y = dot([a, a], [a, a])
    y.backward()
    before = described(y)
    expanded(y).backward()
    a.grad = 8.0
    assert described(y) == before


def test_labels_scopes_and_numbers_stay():
    xs = [Value(0.1)] * 10
    with scope("inner") as here:
        y = dot(xs, xs)
    y.label = "y"
    z = expanded(y)
    assert (z.label, z.data, z.scope) == ("y", y.data, here)
    assert {v.scope for v in z.inputs} == {here}


def test_a_stale_graph_stays_stale():
    a = Value(2.0)
    y = dot([a, 1.0], [3.0, a])
    a.data = 4.0
    with pytest.raises(StaleGraphError):
        expanded(y).backward()


def test_several_results_share_their_graph():
    a = Value(2.0)
    h = dot([a, a], [a, 3.0])
    first, second = expanded([h, h.exp()])
    assert second.inputs == (first,)


@pytest.mark.parametrize("mode", [no_grad, detect_anomaly, lambda: scope("elsewhere")])
def test_the_mode_of_the_caller_makes_no_difference(mode):
    y = dot([Value(1e300), Value(1.0)], [1e300, 2.0])
    with mode():
        z = expanded(y)
    assert [v.op.name for v in z.inputs] == ["mul", "mul"]
    assert [(v.data, v.scope) for v in z.inputs] == [(math.inf, None), (2.0, None)]


def test_every_expansion_in_the_table_computes_what_its_op_does():
    found = {op.name: op for op in OPS.values() if op.expands is not None}
    assert sorted(found) == ["dot", "mean"]
    for op in found.values():
        rows = [[0.5, -2.0, 3.0]] * len(op.partials)
        assert op.expands(*rows) == pytest.approx(op.value(*rows), rel=1e-15)


def test_a_chain_of_100_000_expands_without_recursing():
    v = Value(0.5)
    for _ in range(100_000):
        v = v.sin()
    assert expanded(v).data == v.data
