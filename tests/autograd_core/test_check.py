"""gradcheck: passes for every op of the table, fails for a wrong derivative, and says what it cannot check."""

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autograd_core import (
    ArgumentError,
    GradcheckError,
    Value,
    abs,
    detach,
    dot,
    gradcheck,
    logsumexp,
    max,
    maximum,
    no_grad,
    relu,
    sigmoid,
    softmax,
    sqrt,
    tanh,
    where,
)
from autograd_core.op import OPS, Interval, Pairing, Reduction, Unary

CLEAR = 0.1  # of kinks and of the ends of domains


def inside(interval: Interval) -> st.SearchStrategy[float]:
    """Draw numbers of moderate size inside an interval, clear of its ends."""
    low = interval.low + CLEAR if interval.low > -2.0 else -2.0
    high = interval.high - CLEAR if interval.high < 2.0 else 2.0
    return st.floats(low, high)


@st.composite
def clear_points(draw, op):
    """Draw operands in the op's domain, clear of its kink and of what its constraint forbids."""
    if isinstance(op, Reduction | Pairing):
        length = draw(st.integers(1, 4))
        point = [draw(st.lists(inside(x), min_size=length, max_size=length)) for x in op.domain]
    else:
        point = [draw(inside(x)) for x in op.domain]
    assume(op.constraint is None or op.constraint[1](*point))
    assume(op.kink is None or not -CLEAR < op.kink.margin(*point) < CLEAR)
    if op.name in ("div", "reciprocal"):  # a pole
        assume(not -CLEAR < point[-1] < CLEAR)
    if op.name == "atan2":  # a jump from -π to π
        assume(point[1] > CLEAR or not -CLEAR < point[0] < CLEAR)
    return point


CUT = {"detach"}  # has a derivative on purpose other than its difference quotient


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("op", [op for op in OPS.values() if op.name not in CUT], ids=lambda op: op.name)
def test_every_op_passes(op, order):
    @settings(derandomize=True, deadline=None, max_examples=12 // order)
    @given(clear_points(op))
    def check(point):
        assert gradcheck(op, *point, order=order, rtol=1e-5, atol=1e-7) is True

    check()


def test_functions_of_nested_arguments_with_nested_results_pass():
    def network(weights, x):
        hidden = [tanh(dot(row, x)) for row in weights]
        return [softmax(hidden), [sigmoid(hidden[0] * hidden[1])]]

    assert gradcheck(network, [[0.1, -0.4], [0.7, 0.2]], (0.5, -1.5), order=2)


def test_values_are_taken_at_their_numbers():
    assert gradcheck(lambda x, y: x**2 * y, Value(3.0), 2, order=2)


def test_one_op_that_kinks_elsewhere_is_differenced_with_a_shorter_step():
    assert gradcheck(relu, 1e-6)
    assert gradcheck(lambda x: where(x, maximum(x, 0.3), 1.0), 0.3000001)


def test_a_kink_behind_a_detach_is_none():
    assert gradcheck(softmax, [0.0, 0.0], order=2)  # its largest operand, taken out as a constant, is a tie
    assert gradcheck(logsumexp, [0.0, 0.0], order=2)


# ---------------------------------------------------------------- what fails

NUMBER = r"-?[0-9.e-]+"


def difference(head: str) -> str:
    return (
        re.escape(head) + rf", but its finite difference is ({NUMBER}) \(uncertain by [0-9.]+e[-+][0-9]+\): "
        "check the partials of the ops in between"
    )


def failed(*args, **options) -> str:
    with pytest.raises(GradcheckError) as fault:
        gradcheck(*args, **options)
    return str(fault.value)


def test_a_wrong_derivative_fails():
    wrong = Unary(
        name="wrong_cube", value=lambda x: x * x * x, partials=(lambda x, _y: 2.9 * (x * x),),
        latex="{0}^3", code="{0}**3", group="test",
    )  # fmt: skip
    try:
        message = failed(wrong, 2.0)
    finally:
        del OPS["wrong_cube"]
    match = re.fullmatch(difference("the derivative of result 0 with respect to number 0 at 2.0 is 11.6"), message)
    assert match
    assert float(match[1]) == pytest.approx(12.0, rel=1e-9)


def test_a_derivative_wrong_by_one_in_a_million_fails_with_a_finer_tolerance():
    off = Unary(
        name="off", value=lambda x: x * x, partials=(lambda x, _y: (2.0 + 2e-7) * x,),
        latex="{0}^2", code="{0}**2", group="test",
    )  # fmt: skip
    try:
        assert gradcheck(off, 3.0)
        assert re.fullmatch(
            difference("the derivative of result 1 with respect to number 1 at 3.0 is 6.0000006"),
            failed(lambda x, y: [x, x + off(y)], 1.0, 3.0, rtol=1e-9, atol=0.0),
        )
    finally:
        del OPS["off"]


def test_a_derivative_of_the_derivative_that_is_wrong_fails_at_order_2_alone():
    """Its slope is right, but is cut off from x, so that the second derivative is 0."""
    cut = Unary(
        name="cut", value=lambda x: x * x, partials=(lambda x, _y: 2.0 * detach(x),),
        latex="{0}^2", code="{0}**2", group="test",
    )  # fmt: skip
    try:
        assert gradcheck(cut, 3.0)
        message = failed(cut, 3.0, order=2)
    finally:
        del OPS["cut"]
    match = re.fullmatch(
        difference("the second derivative of result 0 with respect to number 0 at 3.0 is 0.0"), message
    )
    assert match
    assert float(match[1]) == pytest.approx(2.0, rel=1e-9)


def test_a_function_that_cuts_its_graph_fails():
    def cut(x):
        with no_grad():
            return x * 2.0

    head = "the derivative of result 0 with respect to number 0 at 3.0 is 0.0"
    for f in (detach, lambda x: detach(x) * 1.0, cut):
        assert re.fullmatch(difference(head), failed(f, 3.0))


def test_a_kink_right_there_is_no_derivative_to_compare():
    for f in (abs, relu, lambda x: maximum(x, -x), lambda x: max([x, 0.0, -1.0])):
        assert failed(f, 0.0) == (
            "f has a kink at 0.0 along number 0, so there is no derivative to compare with: move that number a little"
        )


def test_a_number_outside_of_the_domain_fails():
    message = failed(sqrt, -1.0)
    assert message == (
        "the derivative of result 0 with respect to number 0 at -1.0 is nan, but its finite difference is nan "
        "(uncertain by nan): check the partials of the ops in between"
    )


@pytest.mark.parametrize("order", [0, 3, "2", None])
def test_only_two_orders_are_checked(order):
    with pytest.raises(ArgumentError) as fault:
        gradcheck(tanh, 1.0, order=order)
    assert str(fault.value) == f"order is {order!r}: pass 1 or 2"


def test_gradcheck_leaves_the_callers_values_alone():
    x = Value(3.0)
    x.grad = 0.5
    y = x * x
    gradcheck(lambda t: t**2, x)
    y.backward()
    assert (x.data, x.grad) == (3.0, 6.5)
