"""Value by itself: what a node is made from, what it shows, and which operators and methods it has."""

import math
from fractions import Fraction

import pytest

from autograd_core import Value, add, dot, exp, maximum, pow, scope, sum
from autograd_core.op import OPS, Binary, Parametric, Ternary, Unary

OPERATORS = {
    "__add__": (lambda a, b: a + b, 3.5),
    "__sub__": (lambda a, b: a - b, 1.5),
    "__mul__": (lambda a, b: a * b, 2.5),
    "__truediv__": (lambda a, b: a / b, 2.5),
    "__pow__": (lambda a, b: a**b, 2.5),
}


def test_a_leaf_shows_its_number_its_label_and_nothing_else():
    x = Value(2, label="x")
    assert (x.data, x.grad, x.label) == (2.0, 0.0, "x")
    assert (x.op, x.inputs, x.operands, x.scope, x.source, x.is_constant) == (None, (), (), None, None, False)
    assert repr(x) == "Value(data=2.0, grad=0.0, label='x')"
    assert repr(Value(-0.5)) == "Value(data=-0.5, grad=0.0)"


def test_a_result_shows_its_op_and_inputs():
    a, b = Value(2.0), Value(3.0)
    y = dot((a, b), (b, a))
    assert y.op is OPS["dot"]
    assert y.operands == ((a, b), (b, a))
    assert y.inputs == y._prev == (a, b, b, a)
    assert (y.data, y.label, y.is_constant) == (12.0, "", False)


def test_a_row_is_kept_as_the_tuple_that_it_is():
    row = (Value(2.0), Value(3.0))
    assert sum(row).operands[0] is row
    assert dot(row, row).operands[0] is dot(row, row).operands[1] is row


def test_a_row_with_plain_numbers_gets_constants_in_their_places():
    x = Value(2.0)
    first, second, third = sum([x, 1, True]).inputs
    assert first is x
    assert [(v.data, v.is_constant) for v in (second, third)] == [(1.0, True), (1.0, True)]


@pytest.mark.parametrize("number", [3, True, 2.5, Fraction(1, 3), -0.0, math.inf, 2**1000])
def test_a_value_is_made_from_any_real_number_and_holds_a_float(number):
    v = Value(number)
    assert type(v.data) is float
    assert v.data == float(number)
    v.data = number
    v.grad = number
    assert (type(v.data), type(v.grad)) == (float, float)


def test_values_hold_nan_too():
    assert math.isnan(Value(math.nan).data)


def test_a_leaf_can_be_updated_in_place():
    w = Value(2.0)
    w.data -= 0.5
    w.grad += 1.0
    assert (w.data, w.grad) == (1.5, 1.0)


def test_augmented_assignment_makes_a_new_node():
    x = before = Value(2.0)
    x += 1
    x *= 3
    assert (before.data, x.data) == (2.0, 9.0)
    assert x.inputs[0].inputs[0] is before


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_work_between_values_and_numbers_on_either_side(name):
    operator, right = OPERATORS[name]
    left = 1.5
    expected = operator(left, right)
    for a, b in ((Value(left), Value(right)), (Value(left), right), (left, Value(right))):
        y = operator(a, b)
        assert y.data == pytest.approx(expected, rel=1e-15)
        assert [v.data for v in y.inputs] == [left, right]
        assert [v.is_constant for v in y.inputs] == [not isinstance(x, Value) for x in (a, b)]
        assert y.op.operator == name.strip("_")


def test_unary_operators():
    x = Value(-2.0)
    assert [(-x).data, (+x).data, abs(x).data] == [2.0, -2.0, 2.0]
    assert [y.op.name for y in (-x, +x, abs(x))] == ["neg", "identity", "abs"]


@pytest.mark.parametrize("op", [op for op in OPS.values() if isinstance(op, Unary | Binary | Parametric | Ternary)])
def test_every_op_of_single_numbers_is_a_method(op):
    operands = [Value(0.5), Value(0.25), Value(0.75)][: len(op.domain)]
    by_method = getattr(operands[0], op.name)(*operands[1:])
    by_function = op(*operands)
    assert by_method.op is by_function.op is op
    assert by_method.operands == by_function.operands == tuple(operands)
    assert by_method.data == by_function.data == op.value(*[v.data for v in operands])
    assert getattr(Value, op.name).__doc__ == op.__doc__


def test_a_shape_parameter_has_its_usual_value():
    x = Value(-2.0)
    assert (x.leaky_relu().data, x.leaky_relu(0.5).data) == (-0.02, -1.0)
    assert x.elu().data == math.expm1(-2.0)


def test_functions_take_values_and_numbers_in_any_place():
    x = Value(2.0)
    assert [f.data for f in (add(x, 1), add(1, x), pow(3, x), maximum(5, x))] == [3.0, 3.0, 9.0, 5.0]
    assert sum(v for v in (x, 1.0)).data == 3.0
    assert exp(x).inputs == (x,)


def test_a_label_may_be_given_later():
    y = Value(2.0) * 3
    y.label = "y"
    assert repr(y) == "Value(data=6.0, grad=0.0, label='y')"


def test_a_result_knows_its_scope():
    with scope("part") as here:
        y = Value(2.0) * 3.0
    assert y.scope is here


def test_a_value_has_no_room_for_other_attributes():
    v = Value(2.0)
    with pytest.raises(AttributeError) as fault:
        v.gard = 1.0
    assert "'gard'" in str(fault.value)  # the other words differ between versions of Python
