"""What a replay could get wrong without a word is refused: decisions by numbers, changed constants, replaced parameters."""

import copy
import math
from pathlib import Path

import numpy as np
import pytest
from messages import message_of

import nn
from autograd_core import (
    ArgumentError,
    GraphCutError,
    OperandTypeError,
    StaleGraphError,
    Value,
    lift,
    relu,
    tanh,
    where,
)
from autograd_core.ops import step

HERE = str(Path(__file__))
W = Value(0.5, label="w")


def line_of(text):
    """Return where a line of this file is."""
    lines = Path(HERE).read_text(encoding="utf-8").splitlines()
    (number,) = [i for i, line in enumerate(lines, start=1) if line.strip() == text]
    return f"{HERE}:{number} ({text})"


def compares(x):
    return x if x > 0.0 else -x


def compares_a_result(x):
    y = tanh(x * W)
    return -y if y <= x else x


def asks_for_the_truth(x):
    return x * 2.0 if relu(x) else x


def rounds(x):
    return x * round(x)


def makes_a_whole_number(x):
    return x * int(x)


def converts(x):
    return x * math.floor(x)


def reads_the_number(x):
    return x * x.data


def takes_the_least(x):
    return x * min(x, x * W)


def by_the_parameter(x):
    return x * 2.0 if W > 0.0 else x


DECISIONS = {
    compares: ("comparing", "return x if x > 0.0 else -x"),
    compares_a_result: ("comparing", "return -y if y <= x else x"),
    asks_for_the_truth: ("asking for the truth", "return x * 2.0 if relu(x) else x"),
    rounds: ("rounding or converting", "return x * round(x)"),
    makes_a_whole_number: ("rounding or converting", "return x * int(x)"),
    converts: ("rounding or converting", "return x * math.floor(x)"),
    reads_the_number: ("reading the number", "return x * x.data"),
    takes_the_least: ("comparing", "return x * min(x, x * W)"),
    by_the_parameter: ("comparing", "return x * 2.0 if W > 0.0 else x"),
}


@pytest.mark.parametrize("f", DECISIONS, ids=lambda f: f.__name__)
def test_a_number_that_varies_cannot_decide_anything_and_the_line_is_named(f):
    deed, line = DECISIONS[f]
    assert message_of(GraphCutError, lambda: lift(f, inputs={"x": ()}, params={"w": W})) == (
        f"{deed} of a number that depends on an input or a parameter, while f is being lifted, at {line_of(line)}: a replay "
        "would take the same branch whatever the number is; use autograd_core.where, maximum or clip"
    )


def test_where_takes_the_branch_of_the_number_at_hand():
    program = lift(lambda x: where(step(x), x * W, -x), inputs={"x": ()}, params={"w": W})
    assert program(x=[2.0, -2.0]).tolist() == [1.0, 2.0]
    assert program.per_sample_grad(x=[2.0, -2.0])["w"].tolist() == [2.0, 0.0]


def test_constants_may_decide():
    half = Value(0.5)

    def f(x):
        scale = half * 2.0
        return x * W if scale >= 1.0 and half and half.data == 0.5 else x

    assert lift(f, inputs={"x": ()}, params={"w": W})(x=[4.0]).tolist() == [2.0]


def test_the_guard_ends_with_the_trace():
    lift(lambda x: x * W, inputs={"x": ()}, params={"w": W})
    assert (W > 0.0, bool(W), W.data) == (True, True, 0.5)
    with pytest.raises(GraphCutError):
        lift(compares, inputs={"x": ()}, params={"w": W})
    assert W > 0.0


def test_an_untaken_branch_with_an_infinite_derivative_contributes_nothing():
    w = Value(2.0)
    program = lift(lambda x: where(step(x), (w * x).log(), w * x), inputs={"x": ()}, params={"w": w})
    with np.errstate(all="raise"):
        assert program.per_sample_grad(x=[4.0, 0.0])["w"].tolist() == [0.5, 0.0]


def test_the_flat_side_of_a_kink_blocks_an_infinite_derivative():
    w = Value(-1.0)
    program = lift(lambda x: relu(w * x).log(), inputs={"x": ()}, params={"w": w})
    assert program(x=[2.0, -2.0]).tolist() == [-math.inf, math.log(2.0)]
    assert program.per_sample_grad(x=[2.0, -2.0])["w"].tolist() == [0.0, -1.0]


# ---------------------------------------------------------------- what changes afterwards


def test_a_parameter_that_is_set_counts_at_the_next_call():
    w = Value(2.0)
    program = lift(lambda x: x * w, inputs={"x": ()}, params={"w": w})
    assert program(x=[3.0]).tolist() == [6.0]
    w.data = 5.0
    assert program(x=[3.0]).tolist() == [15.0]


def test_a_constant_that_is_changed_is_noticed():
    w, c = Value(2.0), Value(3.0, label="c")
    program = lift(lambda x: x * w + c, inputs={"x": ()}, params={"w": w})
    assert program(x=[1.0]).tolist() == [5.0]
    c.data = 4.0
    assert message_of(StaleGraphError, lambda: program(x=[1.0])) == (
        "Value(data=4.0, grad=0.0, label='c') was 3.0 when f was lifted, as a constant: lift f again, or name it among the "
        "parameters"
    )
    c.data = 3.0
    assert program(x=[1.0]).tolist() == [5.0]


REPLACED = "the parameters are not the Values that f was lifted with: lift it again"


def test_a_layer_of_another_size_is_noticed():
    model = nn.MLP(2, [3, 1], rng=0)
    program = lift(model, inputs={"x": 2}, params=model)
    layers = copy.copy(model.layers)
    model.layers[0] = nn.Layer(2, 4, rng=0)
    assert message_of(StaleGraphError, lambda: program(x=[[1.0, 2.0]])) == REPLACED
    model.layers = layers
    assert program(x=[[1.0, 2.0]]).shape == (1,)


def test_a_value_put_in_the_place_of_another_is_noticed():
    ws = [Value(1.0), Value(2.0)]
    program = lift(lambda x: x * ws[0] + ws[1], inputs={"x": ()}, params={"w": ws})
    assert program(x=[1.0]).tolist() == [3.0]
    ws[1] = Value(2.0)
    assert message_of(StaleGraphError, lambda: program(x=[1.0])) == REPLACED
    assert program(x=[1.0], params={"w": [1.0, 2.0]}).tolist() == [3.0]  # nothing is read from the Values then


# ---------------------------------------------------------------- what cannot be lifted

MISTAKES = {
    "a name that is no identifier": (
        lambda: lift(lambda **xs: W, inputs={"a b": 1}, params={}),
        ArgumentError,
        "an input is named 'a b': take an identifier that is none of params, reduce, self, tangents, vectors, weights",
    ),
    "a name that calls take": (
        lambda: lift(lambda reduce: W, inputs={"reduce": 1}, params={}),
        ArgumentError,
        "an input is named 'reduce': take an identifier that is none of params, reduce, self, tangents, vectors, weights",
    ),
    "a size of nothing": (
        lambda: lift(lambda x: x, inputs={"x": 0}, params={}),
        ArgumentError,
        "the size of the input x is 0: pass a whole number from 1 up, or a tuple of them",
    ),
    "an input by the name of a parameter": (
        lambda: lift(lambda w: w, inputs={"w": ()}, params={"w": W}),
        ArgumentError,
        "'w' is both an input and a parameter: give one of them another name",
    ),
    "dropout in training": (
        lambda: lift(nn.Dropout(drop=0.5, rng=0), inputs={"x": 1}, params={}),
        ArgumentError,
        (
            "numbers are drawn at random while f is being lifted, and would be the same ever after: put the model in "
            "evaluation mode with model.eval(), or pass what is drawn as an input"
        ),
    ),
    "several results": (
        lambda: lift(lambda x: x, inputs={"x": 2}, params={}),
        ArgumentError,
        "f returned (Value(data=0.5, grad=0.0, label='x'), Value(data=0.5, grad= of type tuple: return one Value, such as a loss",
    ),
    "a plain number": (
        lambda: lift(lambda x: 3.0, inputs={"x": 2}, params={}),
        ArgumentError,
        "f returned 3.0 of type float: return one Value, such as a loss",
    ),
    "rows of different lengths": (
        lambda: lift(lambda x: x, inputs={"x": ()}, params={"w": [[Value(1.0)], [Value(1.0), Value(2.0)]]}),
        ArgumentError,
        "the rows of the parameter w have the shapes [(1,), (2,)]: make them equally long",
    ),
    "a parameter of numbers": (
        lambda: lift(lambda x: x, inputs={"x": ()}, params={"w": [1.0]}),
        OperandTypeError,
        "the parameter w holds 1.0 of type float: pass a Value, or nested lists of them",
    ),
    "a parameter that is a result": (
        lambda: lift(lambda x: x, inputs={"x": ()}, params={"w": [W + 1.0]}),
        ArgumentError,
        "Value(data=1.5, grad=0.0) of the parameter w is a result or a constant: pass leaves",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_mend(mistake):
    call, error, message = MISTAKES[mistake]
    assert message_of(error, call) == message
