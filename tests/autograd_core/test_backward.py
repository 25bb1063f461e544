"""The sweep in detail: what backward() does to .grad, its hand-tuned steps, and what happens when it is cut short."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_core import Value, dot, gradients, relu, sum, topological_order
from autograd_core.backward import _HOT, _pull
from autograd_core.op import OPS, Pairing, Reduction, Unary

moderate = st.floats(-100.0, 100.0)


def test_grads_are_added_to_what_was_there():
    x, y = Value(2.0), Value(3.0)
    x.grad = 10.0
    (x * y).backward()
    assert (x.grad, y.grad) == (13.0, 2.0)


def test_a_leaf_that_is_used_many_times_collects_every_term():
    x = Value(2.0)
    y = x * x * x + x - 3 * x + x / x + x**2
    y.backward()
    assert x.grad == 3 * 2.0**2 + 1 - 3 + 0 + 4


def test_a_leaf_that_the_result_does_not_use_keeps_its_grad():
    x, unused = Value(2.0), Value(3.0)
    unused.grad = 7.0
    (x * x).backward()
    assert unused.grad == 7.0


def test_a_leaf_twice_in_one_row():
    a, b = Value(2.0), Value(3.0)
    row = (a, b, a)
    dot(row, row).backward()
    assert (a.grad, b.grad) == (8.0, 6.0)
    sum([b, b, a]).backward()
    assert (a.grad, b.grad) == (9.0, 8.0)


def test_textbook_derivatives_by_hand():
    a, b = Value(3.0), Value(2.0)
    for y, expected in [
        (a + b, (1.0, 1.0)),
        (a - b, (1.0, -1.0)),
        (a * b, (2.0, 3.0)),
        (a / b, (0.5, -0.75)),
        (a**b, (6.0, 9.0 * math.log(3.0))),
        (-a + 0 * b, (-1.0, 0.0)),
    ]:
        y.backward()
        assert (a.grad, b.grad) == pytest.approx(expected, rel=1e-15)
        a.grad = b.grad = 0.0


@pytest.mark.parametrize("op", _HOT, ids=lambda op: op.name)
@settings(derandomize=True, deadline=None, max_examples=50)
@given(numbers=st.lists(moderate, min_size=4, max_size=4), adjoint=moderate)
def test_a_hand_tuned_step_is_the_generic_one_to_the_bit(op, numbers, adjoint):
    def pulled(pull) -> list[float]:
        values = [Value(x) for x in numbers]
        if isinstance(op, Pairing):
            operands = [values[:3], [values[3], values[0], values[1]]]
        else:
            operands = [values] if isinstance(op, Reduction) else values[: len(op.domain)]
        for i, v in enumerate(values):
            v.grad = 0.1 * i
        pull(op(*operands), adjoint)
        return [v.grad for v in values]

    assert pulled(_HOT[op]) == pulled(_pull)


@pytest.mark.parametrize("f", [relu, lambda x: x * 2.0, lambda x: sum([x, x]), lambda x: -x])
def test_backward_and_gradients_agree_about_nan_and_infinities(f):
    for at in (math.nan, math.inf, -math.inf):
        x = Value(at)
        y = f(x)
        (slope,) = gradients(y, [x])
        y.backward()
        assert repr(x.grad) == repr(slope.data)


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_a_sweep_cut_short_leaves_every_gradient_as_it_was(fault):
    def break_down(x, y):
        raise fault

    broken = Unary(name="broken", value=lambda x: x, partials=(break_down,), latex="{0}", code="{0}", group="test")
    try:
        x, w = Value(2.0), Value(3.0)
        h = x * w
        y = broken(h) + h
        for i, v in enumerate((x, w, h, y)):
            v.grad = i + 0.5
        with pytest.raises(fault):
            y.backward()
        assert [v.grad for v in (x, w, h, y)] == [0.5, 1.5, 2.5, 3.5]
        with pytest.raises(fault):
            gradients(y, [x])
        assert [v.grad for v in (x, w, h, y)] == [0.5, 1.5, 2.5, 3.5]
    finally:
        del OPS["broken"]


def test_gradients_skips_what_is_not_on_the_way():
    """Asking for one x computes no partial towards any other: the logarithm of a negative base stays unasked."""
    x, p = Value(-2.0), Value(3.0)
    y = x**p
    (slope,) = gradients(y, [x])
    assert slope.data == 12.0
    assert [v.op.name for v in topological_order(slope) if v.op and v.op.name == "log"] == []


def test_gradients_of_nothing_and_of_itself():
    x = Value(2.0)
    assert gradients(x * x, []) == []
    assert [s.data for s in gradients(x, [x])] == [1.0]


def test_gradients_takes_any_iterable():
    x, w = Value(2.0), Value(3.0)
    assert [s.data for s in gradients(x * w, (v for v in (x, w)))] == [3.0, 2.0]
    assert {v: s.data for v, s in zip({x: 0, w: 0}, gradients(x * w, {x: 0, w: 0}), strict=True)} == {x: 3.0, w: 2.0}
