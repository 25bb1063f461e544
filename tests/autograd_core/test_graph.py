"""The walk over a graph, and copies of single nodes."""

import copy
import random
import sys

import pytest

from autograd_core import OperandTypeError, Value, dot, no_grad, sum, topological_order


def tangle(size: int, seed: int) -> Value:
    """Return the last of many nodes, each of which uses earlier ones at random, alone or in shared rows."""
    rng = random.Random(seed)
    nodes = [Value(1.0, label="leaf 0"), Value(2.0, label="leaf 1")]
    rows = [tuple(nodes)]
    for _ in range(size):
        a, b = rng.choice(nodes), rng.choice(nodes)
        row, other = rng.choice(rows), rng.choice([r for r in rows if len(r) == len(rows[-1])])
        match rng.randrange(4):
            case 0:
                nodes.append(a + b)
            case 1:
                nodes.append(a * 0.5)
            case 2:
                nodes.append(sum(row))
            case 3:
                nodes.append(dot(rows[-1], other))
        rows.append(tuple(rng.choices(nodes, k=rng.choice([2, 3]))))
    return sum(nodes)


def test_each_value_comes_once_after_its_inputs_and_the_result_last():
    for seed in range(20):
        y = tangle(100, seed)
        order = topological_order(y)
        place = {v: i for i, v in enumerate(order)}
        assert order[-1] is y
        assert len(place) == len(order)
        assert all(place[v] < place[node] for node in order for v in node.inputs)


def test_everything_below_the_result_is_in_the_order_and_nothing_else():
    a, b = Value(1.0), Value(2.0)
    c = a * b
    above, beside = c + 1.0, a.exp()
    order = topological_order(c)
    assert order == [a, b, c]
    assert above not in order
    assert beside not in order


def test_inputs_are_visited_from_left_to_right():
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    left, right = b * c, a - b
    y = left / right
    assert topological_order(y) == [b, c, left, a, right, y]


def test_rows_are_visited_from_left_to_right():
    a, b, c, d = (Value(x) for x in (1.0, 2.0, 3.0, 4.0))
    y = dot((c, a), (d, b))
    assert topological_order(y) == [c, a, d, b, y]


def test_the_same_graph_has_the_same_order_each_time():
    first, second = tangle(200, seed=1), tangle(200, seed=1)
    described = [
        [(v.label, v._op, v.data, [order.index(x) for x in v.inputs]) for v in order]
        for order in (topological_order(first), topological_order(second), topological_order(first))
    ]
    assert described[0] == described[1] == described[2]


def test_a_leaf_is_its_own_order():
    x = Value(3.0)
    assert topological_order(x) == [x]
    with no_grad():
        unrecorded = x * 2.0
    assert topological_order(unrecorded) == [unrecorded]


def test_a_graph_deeper_than_the_recursion_limit_is_walked():
    y = x = Value(0.0)
    for _ in range(10 * sys.getrecursionlimit()):
        y = y + x
    order = topological_order(y)
    assert len(order) == 1 + 10 * sys.getrecursionlimit()
    assert order[0] is x


def test_a_graph_with_exponentially_many_paths_is_walked_in_linear_time():
    y = Value(1.0)
    for _ in range(200):
        y = y + y
    assert len(topological_order(y)) == 201
    y.backward()
    assert topological_order(y)[0].grad == 2.0**200


def test_only_a_value_has_an_order():
    with pytest.raises(OperandTypeError) as fault:
        topological_order(3.0)
    assert str(fault.value) == "3.0 of type float has no graph: pass a Value"


def test_copy_makes_a_new_node_on_the_same_inputs():
    x = Value(3.0, label="x")
    y = x * x
    y.label = "y"
    y.backward()
    twin = copy.copy(y)
    assert twin is not y
    assert twin.inputs == y.inputs == (x, x)
    assert (twin.op, twin.data, twin.grad, twin.label, twin.scope) == (y.op, 9.0, 1.0, "y", None)
    twin.backward()
    assert x.grad == 12.0


def test_the_copy_of_a_leaf_is_a_leaf_of_its_own():
    x = Value(3.0, label="x")
    x.grad = 5.0
    twin = copy.copy(x)
    twin.data = 4.0
    twin.grad = 6.0
    assert (x.data, x.grad, x.label) == (3.0, 5.0, "x")
    assert (twin.data, twin.grad, twin.label) == (4.0, 6.0, "x")


def test_the_copy_of_a_constant_is_a_constant():
    x = Value(3.0)
    two = (x * 2.0).inputs[1]
    assert two.is_constant
    assert copy.copy(two).is_constant
    assert not copy.copy(x).is_constant
