"""What is found in the graphs: matrices, in as few statements as one would write by hand, whatever the net is wired like."""

import re
from itertools import pairwise

import pytest
from lifted import WIRINGS, Function, mlp, recurrent

import nn
from autograd_core import Value, dot, lift
from autograd_core.lift.ir import View, views_in


def lifted(function: Function):
    return lift(function.f, inputs=function.inputs, params=function.params)


def statements(program):
    return program.source.count("\n") - 2


def gathers(program):
    """Return how often a program reads through a table of places, or puts an output together by one."""
    routine = program._routine("source")
    views = [view for statement in routine.statements for view in views_in(statement.expression)]
    return sum([isinstance(v, View) and v.table is not None for v in views]) + sum(
        [output.order is not None for output in routine.outputs]
    )


SIZES = [
    [2, 16, 16, 1],
    [64, 128, 64, 10],
    [6, 6, 6, 6],
    [3, 1, 1, 1],
    [1, 1],
    [1, 5, 1],
    [4, 4],
    [2, 1, 3, 1, 2],
    [5, 4],
]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("loss", ["squares", "softmax", "hinge"])
def test_an_mlp_of_any_widths_has_three_products_a_layer_but_one_and_no_gather(sizes, activation, loss):
    program = lifted(mlp(sizes, activation, loss))
    layers = len(sizes) - 1
    assert program.source.count("@") == 3 * layers - 1
    assert gathers(program) == 0
    # Forward two, back one, and the gradients of weights and biases; the loss has at most nine of its own.
    assert statements(program) <= 5 * layers + 9


def test_the_number_of_statements_grows_with_layers_and_not_with_widths():
    counts = [statements(lifted(mlp([width] * 4))) for width in (2, 3, 8, 20)]
    assert len(set(counts)) == 1
    deeper = [statements(lifted(mlp([3] * layers))) for layers in (3, 4, 5, 6)]
    assert {b - a for a, b in pairwise(deeper)} == {4}


def test_the_source_is_what_one_would_write_by_hand():
    assert (
        lifted(mlp([3, 4, 2], "relu")).source
        == """\
def f(x, y, W1, b1, W2, b2):
    Z1 = x @ W1.T + b1
    H1 = np.maximum(Z1, 0.0)
    Z2 = H1 @ W2.T + b2
    t1 = Z2.max(1, keepdims=True)
    t2 = np.exp(Z2 - t1)
    t3 = t2.sum(1, keepdims=True)
    t4 = y.sum(1, keepdims=True)
    loss = (np.log(t3) + t1) * t4 - (Z2 * y).sum(1, keepdims=True)
    dZ2 = t2 / t3 * t4 - y
    dZ1 = (dZ2 @ W2) * (Z1 > 0.0)
    dW1 = dZ1.T @ x
    db1 = dZ1.sum(0)
    dW2 = dZ2.T @ H1
    db2 = dZ2.sum(0)
    return loss[:, 0], dW1, db1, dW2, db2
"""
    )


WAYS = {
    "a product of rows": lambda w, x, b: dot(w, x) + b,
    "factors the other way round": lambda w, x, b: b + dot(x, w),
    "micrograd's chain of sums": lambda w, x, b: sum([wi * xi for wi, xi in zip(w, x, strict=True)], b),
    "a chain from zero, the bias last": lambda w, x, b: sum([xi * wi for wi, xi in zip(w, x, strict=True)]) + b,
    "rows read backwards": lambda w, x, b: dot(w[::-1], x[::-1]) + b,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sizes", [[3, 4, 4, 2], [2, 2, 2], [5, 3]], ids=str)
def test_the_same_net_written_in_other_ways_lifts_to_the_same_source(way, sizes):
    expected = lifted(mlp(sizes)).source
    assert lifted(mlp(sizes, neuron=WAYS[way])).source == expected


@pytest.mark.parametrize("sizes", [[64, 128, 64, 10], [3, 3, 3], [2, 1]], ids=str)
def test_a_net_of_nn_lifts_to_the_source_of_one_written_by_hand(sizes):
    model = nn.MLP(sizes[0], sizes[1:], activation="tanh", rng=0)
    by_hand = mlp(sizes, loss="squares")
    program = lift(
        lambda x, y: nn.losses.squared_error(model(x), y), inputs={"x": sizes[0], "y": sizes[-1]}, params=model
    )
    assert program.source == lifted(by_hand).source


def test_twenty_recurrent_steps_take_less_than_three_statements_each():
    programs = [lifted(recurrent(steps)) for steps in (10, 20)]
    assert [gathers(program) for program in programs] == [0, 0]
    assert statements(programs[1]) - statements(programs[0]) == 20  # a state and its derivative for each further step
    assert statements(programs[1]) == 49


@pytest.mark.parametrize(
    ("wiring", "most", "products"),
    [("convolution", 4, 2), ("convolution_of_channels", 4, 2), ("two_convolutions", 10, None), ("siamese", 9, 4)],
)
def test_convolutions_and_siamese_nets_take_a_handful_of_statements(wiring, most, products):
    program = lifted(WIRINGS[wiring]())
    assert statements(program) <= most
    assert products is None or program.source.count("@") == products


def test_weights_stored_the_other_way_round_are_a_transpose():
    rows = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)], [Value(5.0), Value(6.0)]]  # (in, out)
    program = lift(
        lambda x: dot([1.0, -1.0], [dot([row[j] for row in rows], x).tanh() for j in range(2)]),
        inputs={"x": 3}, params={"W": rows},
    )  # fmt: skip
    assert re.search(r"Z?H?\w* = np.tanh\(x @ W\)\n", program.source)
    assert gathers(program) == 0


def test_a_power_is_known_by_its_exponent():
    w = [Value(2.0), Value(-1.0)]
    program = lift(lambda x, y: (dot(w, x) - y) ** 2 + (dot(w, x) - y) ** 3, inputs={"x": 2, "y": ()}, params={"w": w})
    assert (
        program.source
        == """\
def f(x, y, w):
    t1 = (x @ w)[:, None] - y[:, None]
    t2 = t1**2
    loss = np.power(t1, 3.0) + t2
    t3 = 2.0 * t1 + 3.0 * t2
    dw = x.T @ t3[:, 0]
    return loss[:, 0], dw
"""
    )


def test_a_network_of_unlike_neurons_is_right_and_small():
    """One neuron of each layer is of another kind, so a layer is two arrays."""
    a, b = Value(0.5), [Value(0.1 * i) for i in range(6)]
    program = lift(
        lambda x: dot(b, [*[(a * x[i]).tanh() for i in range(5)], (a * x[5]).sigmoid()]), inputs={"x": 6},
        params={"a": a, "b": b},
    )  # fmt: skip
    assert statements(program) <= 10
