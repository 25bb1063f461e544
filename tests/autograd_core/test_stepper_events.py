"""The stepper's events: one for each node forward, one for each edge backward, with the engine's own numbers."""

import math
from dataclasses import asdict

import pytest
from expressions import OURS, programs
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_core import (
    OperandTypeError,
    StaleGraphError,
    Value,
    dot,
    logsumexp,
    relu,
    scope,
    tanh,
    topological_order,
    where,
)
from autograd_core.stepper import Backward, Forward, Node, step


def lecture_example():
    a, b, c = Value(2.0, label="a"), Value(-0.5, label="b"), Value(0.3, label="c")
    return tanh(a * b + c)


def test_each_node_is_computed_once_then_each_edge_is_followed_once():
    steps = step(lecture_example())
    assert [type(event).__name__ for event in steps] == ["Forward"] * 6 + ["Backward"] * 5
    assert [event.node for event in steps[:6]] == [0, 1, 2, 3, 4, 5]
    assert [(event.node, event.input, event.position) for event in steps[6:]] == [
        (5, 4, 0), (4, 2, 0), (4, 3, 1), (2, 0, 0), (2, 1, 1),
    ]  # fmt: skip


def test_nodes_are_plain_data():
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    steps = step(a * b + 1.0)
    assert steps.nodes == (
        Node(0, "a", None, (), 2.0, is_constant=False),
        Node(1, "b", None, (), 3.0, is_constant=False),
        Node(2, "v2", "mul", (0, 1), 6.0, is_constant=False),
        Node(3, "v3", None, (), 1.0, is_constant=True),
        Node(4, "v4", "add", (2, 3), 7.0, is_constant=False),
    )
    assert asdict(steps.nodes[2]) == {
        "number": 2, "name": "v2", "op": "mul", "inputs": (0, 1), "data": 6.0, "is_constant": False,
    }  # fmt: skip


def test_formulas_are_the_tables_own_in_the_names_of_the_graph():
    steps = step(lecture_example())
    assert [event.formula for event in steps] == [
        "", "", "a * b", "", "v2 + c", "tanh(v4)", "1.0 - v5 * v5", "1.0", "1.0", "b", "a",
    ]  # fmt: skip


def test_a_backward_event_holds_every_number_of_its_product():
    steps = step(lecture_example())
    slope = 1.0 - math.tanh(-0.7) ** 2
    assert steps[6] == Backward(5, 4, 0, "1.0 - v5 * v5", 1.0, slope, slope, slope)
    assert steps[9] == Backward(2, 0, 0, "b", slope, -0.5, slope * -0.5, slope * -0.5)


def test_a_shared_node_accumulates_one_use_at_a_time():
    a = Value(3.0, label="a")
    b = a + a
    steps = step(b + b)
    assert [(e.adjoint, e.contribution, e.total) for e in steps if isinstance(e, Backward)] == [
        (1.0, 1.0, 1.0), (1.0, 1.0, 2.0), (2.0, 2.0, 2.0), (2.0, 2.0, 4.0),
    ]  # fmt: skip


def test_rows_are_followed_in_pairs_as_the_engine_does():
    w = [Value(1.0, label="w0"), Value(2.0, label="w1")]
    x = [Value(3.0, label="x0"), Value(4.0, label="x1")]
    steps = step(dot(w, x))
    assert [(steps.nodes[e.input].name, e.formula) for e in steps if isinstance(e, Backward)] == [
        ("w0", "x0"), ("x0", "w0"), ("w1", "x1"), ("x1", "w1"),
    ]  # fmt: skip


def test_nothing_flows_to_a_constant_nor_where_the_op_says_so():
    x = Value(2.0, label="x")
    power = [e for e in step(x**3.0) if isinstance(e, Backward)]
    assert [(e.partial, e.contribution, e.total) for e in power] == [(12.0, 12.0, 12.0), (None, 0.0, 0.0)]
    chosen = [e for e in step(where(x, x * 1.0, 5.0)) if isinstance(e, Backward)]
    assert (chosen[0].formula, chosen[0].partial, chosen[0].total) == ("", None, 0.0)


def test_an_adjoint_of_zero_and_the_flat_side_of_a_kink_block_even_an_infinity():
    x = Value(0.0, label="x")
    steps = step(relu(-1.0 * (x.sqrt() + 1.0)))
    assert [e.contribution for e in steps if isinstance(e, Backward)] == [0.0] * 6
    blocked = {e.formula: (e.partial, e.contribution, e.total) for e in steps if isinstance(e, Backward)}
    assert blocked["0.5 / v2"] == (math.inf, 0.0, 0.0)
    assert blocked["step(v5)"] == (0.0, 0.0, 0.0)


def test_a_constant_in_a_formula_is_written_as_its_number():
    x = Value(2.0, label="x")
    assert [e.formula for e in step(x - -3.0) if e.formula] == ["x - (-3.0)", "1.0", "-1.0"]


def test_a_graph_of_one_leaf_has_one_event():
    assert list(step(Value(2.0, label="a"))) == [Forward(0, "", 2.0)]


def test_no_gradient_is_touched():
    y = lecture_example()
    y.backward()
    before = [v.grad for v in topological_order(y)]
    step(y)
    assert [v.grad for v in topological_order(y)] == before


def test_expanded_sums_of_products_have_events_for_each_product():
    w = [Value(1.0, label="w0"), Value(2.0, label="w1")]
    x = [Value(3.0, label="x0"), Value(4.0, label="x1")]
    with scope("neuron"):
        y = dot(w, x)
    steps = step(y, expand=True)
    assert [n.op for n in steps.nodes] == [None, None, "mul", None, None, "mul", "sum"]
    adjoints = {steps.nodes[e.input].name: e.total for e in steps if isinstance(e, Backward)}
    assert [adjoints[name] for name in ("w0", "x0", "w1", "x1")] == [3.0, 1.0, 4.0, 2.0]


def test_what_is_no_value_is_refused():
    with pytest.raises(OperandTypeError) as fault:
        step(2.0)
    assert str(fault.value) == "2.0 of type float has no graph: pass a Value"


def test_a_stale_graph_is_refused():
    x = Value(2.0, label="x")
    y = x * x
    x.data = 3.0
    with pytest.raises(StaleGraphError):
        step(y)


def test_a_deep_chain_is_traced_without_recursion():
    y = x = Value(1.0, label="x")
    for _ in range(20_000):
        y = y + x
    assert step(y)[-1].total == 20_001.0


# ---------------------------------------------------------------- against the engine


@st.composite
def graphs(draw):
    program = draw(programs())
    return program(OURS, [Value(x, label=f"x{i}") for i, x in enumerate(program.at)])[-1]


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_the_events_of_a_random_graph_replay_to_backward_exactly(y):
    steps = step(y)
    y.backward()
    order = topological_order(y)
    data = {e.node: e.data for e in steps if isinstance(e, Forward)}
    adjoint = {len(order) - 1: 1.0} | {e.input: e.total for e in steps if isinstance(e, Backward)}
    assert [data[i] for i in range(len(order))] == [v.data for v in order]
    assert [adjoint[i] for i in range(len(order))] == [v.grad for v in order]


@settings(deadline=None, max_examples=30)
@given(graphs())
def test_the_running_sums_of_a_random_graph_add_up(y):
    so_far: dict[int, float] = {}
    for e in step(y):
        if isinstance(e, Backward):
            assert e.contribution in (0.0, e.adjoint * (e.partial or 0.0))
            so_far[e.input] = so_far.get(e.input, 0.0) + e.contribution
            assert e.total == so_far[e.input]


@settings(deadline=None, max_examples=30)
@given(graphs())
def test_every_edge_has_its_event(y):
    steps = step(y)
    edges = [(n, k) for n, v in enumerate(topological_order(y)) for k in range(len(v.inputs))]
    assert sorted((e.node, e.position) for e in steps if isinstance(e, Backward)) == edges
    assert len(steps) == len(steps.nodes) + len(edges)


# ---------------------------------------------------------------- the table


def test_printed_the_events_are_a_table():
    a = Value(3.0, label="a")
    assert str(step(a * a)).splitlines() == [
        "step  phase     what       symbols     numbers       grad so far",
        "----  --------  ---------  ----------  ------------  -----------",
        "0     forward   a          given       = 3",
        "1     forward   v1         a * a       = 9           1",
        "2     backward  a from v1  ∂v1/∂a = a  += 1 · 3 = 3  3",
        "3     backward  a from v1  ∂v1/∂a = a  += 1 · 3 = 3  6",
    ]


def test_a_label_cannot_break_the_table():
    a = Value(3.0, label="two\nlines\x1b[31m")
    assert [line.split("given")[0].rstrip() for line in str(step(a)).splitlines()][2] == (
        "0     forward  two\\nlines\\x1b[31m"
    )


def test_a_long_formula_is_cut_to_its_column():
    row = [Value(float(i), label=f"operand{i}") for i in range(12)]
    lines = str(step(logsumexp(row))).splitlines()
    assert max(map(len, lines)) < 200
    assert any(["…" in line for line in lines])


def test_a_surrogate_in_a_label_is_shown_by_its_escape():
    assert "lone\\ud800" in str(step(Value(3.0, label="lone\ud800")))
