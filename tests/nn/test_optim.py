"""SGD: p - lr ∂L/∂p, and nothing more."""

import math

import numpy as np
import pytest
from messages import message_of

from autograd_core import ArgumentError, OperandTypeError, Value
from nn import MLP
from nn.losses import squared_error
from nn.optim import SGD


def test_a_step_moves_each_parameter_against_its_gradient():
    x, y = Value(1.0), Value(-2.0)
    x.grad, y.grad = 0.5, -3.0
    SGD([x, y], lr=0.1).step()
    assert (x.data, y.data) == (1.0 - 0.1 * 0.5, -2.0 + 0.1 * 3.0)


def test_a_step_leaves_gradients_as_they_are_and_zero_grad_sets_them_to_zero():
    x = Value(1.0)
    x.grad = 0.5
    optimiser = SGD([x], lr=0.1)
    optimiser.step()
    assert x.grad == 0.5
    optimiser.zero_grad()
    assert (x.grad, x.data) == (0.0, 0.95)


def test_on_a_parabola_the_distance_shrinks_by_the_same_factor_each_step():
    """For L = a (x - c)² / 2 the error after k steps is (1 - lr a)^k of what it was."""
    a, c, lr = 3.0, 0.5, 0.2
    x = Value(2.0)
    optimiser = SGD([x], lr=lr)
    for k in range(1, 30):
        optimiser.zero_grad()
        (0.5 * a * (x - c) ** 2).backward()
        optimiser.step()
        assert x.data - c == pytest.approx(1.5 * (1.0 - lr * a) ** k, abs=1e-15)


def test_a_step_of_a_network_is_p_minus_lr_times_g_to_the_bit():
    model = MLP(2, [3, 1], activation="tanh", rng=0)
    squared_error(model([0.5, -1.0]), 2.0).backward()
    expected = [p.data - 0.3 * p.grad for p in model.parameters()]
    SGD(model.parameters(), lr=0.3).step()
    assert [p.data for p in model.parameters()] == expected


def test_the_learning_rate_may_be_changed_between_steps():
    x = Value(1.0)
    optimiser = SGD([x], lr=0.5)
    x.grad = 1.0
    optimiser.step()
    optimiser.lr = 0.25
    optimiser.step()
    assert (optimiser.lr, x.data) == (0.25, 0.25)


def test_a_learning_rate_of_zero_changes_nothing():
    x = Value(1.0)
    x.grad = 5.0
    SGD([x], lr=0).step()
    assert x.data == 1.0


@pytest.mark.parametrize("lr", [0.5, np.float32(0.5), np.float64(0.5)])
def test_the_learning_rate_is_any_number_and_becomes_a_float(lr):
    assert type(SGD([Value(1.0)], lr=lr).lr) is float


def test_parameters_may_come_from_an_iterator():
    x, y = Value(1.0), Value(2.0)
    assert SGD(iter([x, y]), lr=0.1).parameters == [x, y]


RATES = {
    "negative": (-0.1, "the learning rate is -0.1: pass a finite number from 0 up"),
    "infinite": (math.inf, "the learning rate is inf: pass a finite number from 0 up"),
    "nan": (math.nan, "the learning rate is nan: pass a finite number from 0 up"),
}


@pytest.mark.parametrize(("lr", "message"), RATES.values(), ids=RATES)
def test_a_learning_rate_that_cannot_work_is_refused_and_the_old_one_kept(lr, message):
    assert message_of(ArgumentError, lambda: SGD([Value(1.0)], lr=lr)) == message
    optimiser = SGD([Value(1.0)], lr=0.1)
    assert message_of(ArgumentError, lambda: setattr(optimiser, "lr", lr)) == message
    assert optimiser.lr == 0.1


def test_a_learning_rate_that_is_no_number_is_refused():
    message = message_of(OperandTypeError, lambda: SGD([Value(1.0)], lr="0.1"))
    assert message == "'0.1' of type str is no real number: convert it first, with float(...)"


def test_no_parameters_are_refused():
    message = message_of(ArgumentError, lambda: SGD([], lr=0.1))
    assert message == "there are no parameters: pass those of a model, as in model.parameters()"


def test_a_parameter_that_comes_twice_is_refused():
    x = Value(1.0)
    message = message_of(ArgumentError, lambda: SGD([x, Value(1.0), x], lr=0.1))
    assert message == "a parameter is in the list twice and would be updated twice: pass each one once"


def test_a_parameter_that_is_no_value_is_refused():
    message = message_of(OperandTypeError, lambda: SGD([Value(1.0), 2.0], lr=0.1))
    assert message == "2.0 of type float is no parameter: pass Values"


def test_a_parameter_that_cannot_change_is_refused_before_any_other_has_changed():
    x = Value(1.0)
    x.grad = 1.0
    message = message_of(ArgumentError, lambda: SGD([x, x * 2.0], lr=0.1).step())
    assert message == "Value(data=2.0, grad=0.0) is a result or a constant, and cannot be changed: pass leaves"
    assert x.data == 1.0
