"""Each pass alone: what it makes of a small graph or routine, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_core import Value, dot, exp, lift, ops, sum, tanh, topological_order
from autograd_core.lift.axes import coordinates, digits_of, fit, joint
from autograd_core.lift.colour import coloured
from autograd_core.lift.ir import Apply, Array, Contract, Number, Output, Routine, Statement, View, whole
from autograd_core.lift.naming import array_names
from autograd_core.lift.passes import aliased, fused, inlined, ordered, pruned, shared, simplified, with_one_softmax
from autograd_core.lift.source import written
from autograd_core.lift.sweep import pullback, pushforward
from autograd_core.lift.tidy import tidied

# ---------------------------------------------------------------- tidy


def spelled(y):
    """Return a graph as nested text."""
    text = {}
    for v in topological_order(y):
        inner = ", ".join([f"[{', '.join(map(text.get, o))}]" if isinstance(o, tuple) else text[o] for o in v.operands])
        text[v] = f"{v.op.name}({inner})" if v.op else v.label or f"{v.data:g}"
    return text[y]


a, b, c, d = [Value(0.5, label=name) for name in "abcd"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (a + b, "add(a, b)"),
        (a + b + c, "sum([a, b, c])"),
        (a * b + c, "add(mul(a, b), c)"),
        (a * b + c * d + b, "add(dot([a, c], [b, d]), b)"),
        (0.0 + a * b + c * d, "dot([a, c], [b, d])"),
        (a + (b + (c + d)), "sum([a, b, c, d])"),
        (sum([a * b, c * d]), "dot([a, c], [b, d])"),
        (sum([a * b, c]), "sum([mul(a, b), c])"),
        (tanh(a * b) * tanh(a * b), "mul(tanh(mul(a, b)), tanh(mul(a, b)))"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_chains_of_sums_become_rows(before, after):
    (found,) = tidied([before])
    assert spelled(found) == after
    assert found.data == before.data


def test_nodes_that_compute_the_same_thing_become_one():
    y = exp(a * b) + exp(a * b)
    assert len(topological_order(y)) == 7
    (found,) = tidied([y])
    assert len(topological_order(found)) == 5
    assert found.operands[0] is found.operands[1]


def test_what_is_used_elsewhere_is_not_taken_apart():
    partial = a + b + c
    total, same = tidied([partial + d, partial])
    assert (spelled(total), spelled(same)) == ("add(sum([a, b, c]), d)", "sum([a, b, c])")
    assert total.operands[0] is same


# ---------------------------------------------------------------- sweep


def test_the_recorded_sweep_is_made_of_the_tables_partials():
    adjoints = pullback(tanh(a * b), [a])
    assert spelled(adjoints[a]) == "mul(sub(1, mul(tanh(mul(a, b)), tanh(mul(a, b)))), b)"


def test_where_a_mask_meets_a_pole_zero_wins():
    adjoints = pullback(ops.where(ops.step(a), ops.log(a), a), [a])
    assert "strong_mul(where(step(a), 1, 0), reciprocal(a))" in spelled(adjoints[a])
    (slope,) = pushforward([ops.relu(ops.log(a))], {a: b})
    assert "strong_mul" in spelled(slope)


@pytest.mark.parametrize(
    "y", [tanh(a) / (1.0 + exp(-ops.square(b))), ops.logsumexp([a, b]), ops.sqrt(ops.square(a) + 1e-5)]
)
def test_quotients_that_stay_finite_need_no_guard(y):
    adjoints = pullback(ops.relu(a) * y, [a, b])
    assert "strong_mul" not in "".join(map(spelled, adjoints.values()))


# ---------------------------------------------------------------- colour


def classes_of(y, **arrays):
    """Return the ops and sizes of what is computed."""
    known = {name: ((len(values),), values) for name, values in arrays.items()}
    return [(c.op.name, c.size) for c in coloured([y], known).classes if c.op is not None]


def test_all_neurons_of_a_layer_share_a_colour():
    w, x = [[Value(0.1) for _ in range(3)] for _ in range(4)], [Value(0.2) for _ in range(3)]
    y = sum([tanh(dot(row, x)) for row in w])
    assert classes_of(y, w=[v for row in w for v in row], x=x) == [("dot", 4), ("tanh", 4), ("sum", 1)]


def test_nodes_above_different_arrays_have_different_colours():
    x, z = [Value(0.1), Value(0.2)], [Value(0.3)]
    assert classes_of(tanh(x[0]) * tanh(x[1]) * tanh(z[0]), x=x, z=z) == [
        ("tanh", 2),
        ("mul", 1),
        ("tanh", 1),
        ("mul", 1),
    ]


def test_neither_the_order_of_a_row_nor_that_of_factors_matters():
    x = [Value(0.1 * i) for i in range(4)]
    y = sum([tanh(x[0]), x[1]]) * sum([x[2], tanh(x[3])]) + (x[0] * tanh(x[1])) * (tanh(x[2]) * x[3])
    assert classes_of(y, x=x) == [("tanh", 4), ("sum", 2), ("mul", 1), ("mul", 2), ("mul", 1), ("add", 1)]


def test_constants_are_folded_and_kept_with_their_bits():
    x = [Value(0.5)]
    y = x[0] * (Value(2.0) * 3.0) + -0.0
    colouring = coloured([y], {"x": ((1,), x)})
    assert [(c.op.name, c.size) for c in colouring.classes if c.op] == [("mul", 1), ("add", 1)]
    assert sorted(map(str, colouring.classes[0].numbers.tolist())) == ["-0.0", "2.0", "3.0", "6.0"]


# ---------------------------------------------------------------- axes


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(2, 4), st.integers(-9, 9)), min_size=1, max_size=3), st.integers(0, 5))
def test_places_that_count_in_digits_are_found_again(digits, base):
    sizes = tuple([size for size, _ in digits])
    grid = np.indices(sizes)
    places = base + np.tensordot([step for _, step in digits], grid, 1)
    table = places.reshape(-1, 1)
    found = digits_of(table)
    assert found is not None
    assert np.prod(found) == len(table)
    affine = fit(table, found)
    again = affine.base[0] + np.tensordot(affine.steps[0], np.indices(found), 1)
    assert (again.reshape(-1) == places.reshape(-1)).all()


def test_places_that_count_in_nothing_are_told():
    assert digits_of(np.array([[0], [1], [3], [2], [7]])) is None
    assert fit(np.array([[0], [1], [3], [2]]), (2, 2)) is None


def test_digits_are_those_that_most_operands_count_in():
    rows, columns = np.indices((2, 3)).reshape(2, -1, 1)
    jumble = np.array([0, 5, 1, 1, 4, 2]).reshape(-1, 1)
    assert joint([rows, columns]) == ((2, 3), [])
    assert joint([rows, jumble, columns]) == ((2, 3), [1])
    assert joint([jumble]) == ((6,), [0])


def test_coordinates_are_those_of_the_array_that_is_read():
    assert coordinates(np.array([0, 5, 2]), (2, 3)).tolist() == [[0, 0], [1, 2], [0, 2]]
    assert coordinates(np.array([0, 0]), ()).shape == (2, 0)


# ---------------------------------------------------------------- routines

SHAPE = (3,)


def routine(*statements, outputs=None, shapes=()):
    """Return a routine on x and y with these statements, which fill the arrays 2, 3 and so on."""
    arrays = [Array("x", SHAPE, batched=True, kind="input"), Array("y", SHAPE, batched=True, kind="input")]
    for i, _ in enumerate(statements):
        shape = shapes[i] if i < len(shapes) else SHAPE
        arrays.append(Array(f"t{i + 2}", shape, batched=True))
    lines = [Statement(i, e) for i, e in enumerate(statements, start=2)]
    outputs = outputs or [len(arrays) - 1]
    results = [Output(f"o{i}", arrays[i].shape, (i,), None, batched=True, summed=False) for i in outputs]
    return Routine(arrays, lines, results)


def read(i):
    return whole(i, SHAPE)


def apply(op, *operands):
    return Apply(
        op, tuple([Number(o) if isinstance(o, float) else read(o) if isinstance(o, int) else o for o in operands])
    )


def lines(r):
    return [line.strip() for line in written(r).text.splitlines()[1:-1]]


ALGEBRA = {
    "times one": (apply(ops.mul, 0, 1.0), "x"),
    "times minus one": (apply(ops.mul, -1.0, 0), "-x"),
    "over one": (apply(ops.div, 0, 1.0), "x"),
    "minus zero": (apply(ops.sub, 0, 0.0), "x"),
    "plus zero stays, for the sake of minus zero": (apply(ops.add, 0, 0.0), "x + 0.0"),
    "times zero stays, for the sake of infinity": (apply(ops.mul, 0, 0.0), "0.0 * x"),
    "minus minus": (apply(ops.neg, apply(ops.neg, 0)), "x"),
    "plus a minus": (apply(ops.add, 0, apply(ops.neg, 1)), "x - y"),
    "a minus plus": (apply(ops.add, apply(ops.neg, 0), 1), "y - x"),
    "minus a minus": (apply(ops.sub, 0, apply(ops.neg, 1)), "x + y"),
    "signs move outwards": (apply(ops.mul, apply(ops.neg, 0), apply(ops.neg, 1)), "x * y"),
    "numbers are computed": (apply(ops.mul, 0, apply(ops.exp, 0.0)), "x"),
    "numbers come first": (apply(ops.mul, 0, 3.0), "3.0 * x"),
    "numbers are multiplied first": (apply(ops.mul, 0.5, apply(ops.mul, 2.0, 0)), "x"),
    "a number is never zero by a mask": (apply(ops.strong_mul, 2.0, 0), "2.0 * x"),
    "zero stays strong": (apply(ops.strong_mul, 0.0, 0), "strong_mul(0.0, x)"),
    "the second power": (apply(ops.pow, 0, 2.0), "x**2"),
    "the first power": (apply(ops.pow, 0, 1.0), "x"),
    "a square": (apply(ops.mul, 0, 0), "x**2"),
}


@pytest.mark.parametrize("rule", ALGEBRA)
def test_algebra_keeps_every_bit(rule):
    before, after = ALGEBRA[rule]
    assert lines(simplified(routine(before))) == [f"t2 = {after}"]


def test_what_only_repeats_an_array_is_read_from_it():
    r = routine(read(0), apply(ops.exp, 2), apply(ops.mul, 2, 3))
    assert lines(aliased(r)) == ["t3 = np.exp(x)", "t4 = x * t3"]


def test_a_statement_that_is_a_number_is_read_as_one():
    r = routine(Number(2.0), apply(ops.mul, 2, 0))
    assert lines(aliased(r)) == ["t3 = 2.0 * x"]


def test_the_same_expression_is_computed_once():
    r = routine(apply(ops.exp, 0), apply(ops.exp, 0), apply(ops.add, 2, 3))
    assert lines(shared(r)) == ["t2 = np.exp(x)", "t4 = t2 + t2"]


def test_what_no_output_needs_is_left_out():
    r = routine(apply(ops.exp, 0), apply(ops.log, 0), apply(ops.add, 2, 1))
    assert lines(pruned(r)) == ["t2 = np.exp(x)", "t4 = t2 + y"]


def test_what_is_read_once_is_written_where_it_is_read_and_what_is_read_twice_is_not():
    r = routine(apply(ops.exp, 0), apply(ops.add, 2, 1), apply(ops.mul, 3, 3))
    assert lines(inlined(r)) == ["t3 = np.exp(x) + y", "t4 = t3 * t3"]


def test_long_expressions_stay_in_several_statements():
    chain = routine(apply(ops.tanh, 0), *[apply(ops.tanh, i) for i in range(2, 31)])
    assert [line.count("np.tanh") for line in lines(inlined(chain))] == [8, 8, 8, 6]


def test_statements_come_right_before_they_are_needed():
    r = routine(apply(ops.exp, 0), apply(ops.log, 1), apply(ops.neg, 3), apply(ops.neg, 2), outputs=[4, 5])
    assert lines(ordered(r)) == ["t3 = np.log(y)", "t4 = -t3", "t2 = np.exp(x)", "t5 = -t2"]


FIRST = View(2, (0,), ((0, 1),))
"""An array of three, read along the second of two digits."""


def test_a_sum_of_products_is_contracted_at_once():
    r = routine(apply(ops.mul, 0, 1), Contract("sum", (FIRST,), (3,)), shapes=(SHAPE, (1,)))
    assert lines(fused(r)) == ["t3 = (x * y).sum(1, keepdims=True)"]
    (statement,) = fused(r).statements
    assert statement.expression == Contract("sum", (View(0, (0,), ((0, 1),)), View(1, (0,), ((0, 1),))), (3,))


def test_a_logsumexp_takes_its_exponentials_from_the_softmax():
    x = View(0, (0,), ((0, 1),))
    wide = View(3, (0,), ((0,),))
    r = routine(
        Contract("logsumexp", (x,), (3,)),
        Contract("max", (x,), (3,)),
        Apply(ops.sub, (read(0), wide)),
        apply(ops.exp, 4),
        Contract("sum", (View(5, (0,), ((0, 1),)),), (3,)),
        apply(ops.div, 5, 5),
        outputs=[2, 7],
        shapes=((1,), (1,), SHAPE, SHAPE, (1,)),
    )
    assert lines(with_one_softmax(r)) == [
        "t3 = x.max(1, keepdims=True)",
        "t4 = x - t3",
        "t5 = np.exp(t4)",
        "t6 = t5.sum(1, keepdims=True)",
        "t2 = np.log(t6) + t3",
        "t7 = t5 / t5",
    ]


# ---------------------------------------------------------------- names


def test_parameters_are_called_as_on_the_page():
    names = array_names(
        ["layers.0.weight", "layers.0.bias", "layers.1.weight", "gamma", "lambda", "2.x y"], ["x", "W1"]
    )
    assert names == {
        "x": "x", "W1": "W1", "layers.0.weight": "W1_2", "layers.0.bias": "b1", "layers.1.weight": "W2",
        "gamma": "gamma", "lambda": "lambda_2", "2.x y": "x_y1",
    }  # fmt: skip


def test_labels_name_what_they_label():
    w = [Value(0.1), Value(0.2)]

    def f(x):
        score = dot(w, x)
        score.label = "score"
        return tanh(score) * score

    source = lift(f, inputs={"x": 2}, params={"w": w}).source
    assert "score = (x @ w)[:, None]" in source
    assert "dscore" in source
