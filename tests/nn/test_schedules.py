"""Schedules: the learning rate of step t, counted from 1, as each formula has it."""

import copy
import functools
import itertools
import json
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError, OperandTypeError
from nn import schedules
from nn.schedules import constant, cosine, exponential, inverse, step, warm_up

SCHEDULES = {
    "constant": (constant(0.3), {"lr": 0.3}),
    "step": (step(0.3, 4, 0.5), {"lr": 0.3, "every": 4, "factor": 0.5}),
    "exponential": (exponential(0.3, 0.9), {"lr": 0.3, "factor": 0.9}),
    "inverse": (inverse(0.3, 0.1, 0.5), {"lr": 0.3, "decay": 0.1, "power": 0.5}),
    "cosine": (cosine(0.3, 10, 0.1), {"lr": 0.3, "steps": 10, "floor": 0.1}),
    "warm_up": (
        warm_up(4, cosine(0.3, 10, 0.1)),
        {"steps": 4, "then": {"schedule": "cosine", "lr": 0.3, "steps": 10, "floor": 0.1}},
    ),
}
every_schedule = pytest.mark.parametrize(("schedule", "numbers"), SCHEDULES.values(), ids=SCHEDULES)

rates = st.floats(0.0, 10.0)
steps = st.integers(1, 1000)


# ---------------------------------------------------------------- formulas


@given(rates, steps)
def test_a_constant_is_the_same_at_every_step(lr, t):
    assert constant(lr)(t) == lr


@given(rates, steps, steps, st.floats(0.01, 1.0))
def test_a_step_schedule_falls_by_a_factor_after_every_so_many_steps(lr, every, t, factor):
    falls = len(range(every + 1, t + 1, every))  # before the steps every + 1, 2 every + 1, …
    assert step(lr, every, factor)(t) == pytest.approx(lr * math.prod([factor] * falls), rel=1e-12, abs=1e-300)


def test_a_step_schedule_falls_to_a_tenth_by_default():
    assert [step(1.0, 2)(t) for t in range(1, 6)] == pytest.approx([1.0, 1.0, 0.1, 0.1, 0.01], abs=1e-15)


@given(rates, steps, st.floats(0.01, 1.0))
def test_an_exponential_schedule_falls_by_a_factor_at_each_step(lr, t, factor):
    schedule = exponential(lr, factor)
    assert schedule(1) == lr
    assert schedule(t + 1) == pytest.approx(schedule(t) * factor, rel=1e-12, abs=1e-300)


@given(st.floats(1e-3, 10.0), st.floats(0.0, 10.0), steps)
def test_an_inverse_schedule_adds_the_same_to_the_inverse_of_its_rate_at_each_step(lr, decay, t):
    schedule = inverse(lr, decay)
    assert 1.0 / schedule(t + 1) - 1.0 / schedule(t) == pytest.approx(decay / lr, rel=1e-9, abs=1e-9)
    assert schedule(1) == lr


@given(st.floats(0.0, 2.0), steps)
def test_an_inverse_schedule_with_a_power_is_invscaling(power, t):
    assert inverse(0.1, power=power)(t) == pytest.approx(0.1 / t**power, rel=1e-12)


def test_invscaling_is_scikit_learns():
    from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

    theirs, ours = (
        SGDOptimizer([], learning_rate_init=0.1, lr_schedule="invscaling", power_t=0.7),
        inverse(0.1, power=0.7),
    )
    for t in range(1, 50):
        assert ours(t) == pytest.approx(theirs.learning_rate, rel=1e-14)
        theirs.iteration_ends(t)


@given(st.floats(0.1, 10.0), st.integers(1, 100), st.floats(0.0, 0.1))
def test_a_cosine_falls_from_its_rate_to_its_floor_and_stays(lr, n, floor):
    schedule = cosine(lr, n, floor)
    found = [schedule(t) for t in range(1, n + 3)]
    assert found[0] == pytest.approx(lr, rel=1e-15)
    assert found[n] == found[n + 1] == floor
    for t in range(n + 1):
        assert found[t] + found[n - t] == pytest.approx(lr + floor, rel=1e-12)  # half a wave is odd about its middle
        half = math.sin(math.pi * t / (2 * n)) ** 2
        assert lr - found[t] == pytest.approx((lr - floor) * half, abs=1e-12 * lr)


@given(st.integers(1, 50), steps)
def test_a_warm_up_climbs_evenly_to_the_first_rate_of_what_follows_from_its_start(n, t):
    then = inverse(0.5, 0.1)
    schedule = warm_up(n, then)
    climb = [0.0] + [schedule(i) for i in range(1, n + 2)]
    assert [b - a for a, b in itertools.pairwise(climb)] == pytest.approx([0.5 / (n + 1)] * (n + 1), abs=1e-15)
    assert schedule(n + t) == then(t)


def test_what_follows_a_warm_up_may_be_a_number_or_any_function():
    assert warm_up(1, 0.5) == warm_up(1, constant(0.5))
    assert [warm_up(1, lambda t: 8.0 * t)(t) for t in (1, 2, 3)] == [4.0, 8.0, 16.0]


# ---------------------------------------------------------------- what they are


def test_a_number_is_a_constant_and_a_function_is_a_schedule_as_it_is():
    assert schedules.of(0.1) == constant(0.1)
    assert schedules.of(len) is len


@every_schedule
def test_a_schedule_describes_itself_as_json(schedule, numbers):
    described = schedule.settings()
    assert described == {"schedule": type(schedule).__name__} | numbers == schedules.describe(schedule)
    assert json.loads(json.dumps(described)) == described


@every_schedule
def test_schedules_of_the_same_numbers_are_equal_and_cannot_change(schedule, numbers):
    for twin in (copy.deepcopy(schedule), pickle.loads(pickle.dumps(schedule))):
        assert twin == schedule
        assert hash(twin) == hash(schedule)
        assert [twin(t) for t in range(1, 20)] == [schedule(t) for t in range(1, 20)]
    with pytest.raises(AttributeError):
        schedule.lr = 0.5


def test_a_function_is_described_by_its_name():
    def triangle(t):
        return abs(t % 10 - 5)

    name = "test_a_function_is_described_by_its_name.<locals>.triangle"
    assert schedules.describe(triangle) == {"schedule": name}
    assert schedules.describe(functools.partial(triangle)) == {"schedule": "partial"}
    assert warm_up(2, triangle).settings() == {"schedule": "warm_up", "steps": 2, "then": {"schedule": name}}


RATE = "the learning rate is {}: pass a finite number from 0 up"
REFUSED = {
    "a negative constant": (lambda: constant(-0.1), RATE.format(-0.1)),
    "an infinite constant": (lambda: constant(math.inf), RATE.format("inf")),
    "step, lr": (lambda: step(math.nan, 3), RATE.format("nan")),
    "step, every": (lambda: step(0.1, 0), "every is 0: pass a whole number from 1 up"),
    "step, every half": (lambda: step(0.1, 0.5), "every is 0.5: pass a whole number from 1 up"),
    "step, factor": (lambda: step(0.1, 1, 1.5), "factor is 1.5: pass a number in (0, 1]"),
    "step, a factor just above 1": (
        lambda: step(0.1, 1, math.nextafter(1.0, 2.0)),
        "factor is 1.0000000000000002: pass a number in (0, 1]",
    ),
    "exponential, lr": (lambda: exponential(-1.0, 0.5), RATE.format(-1.0)),
    "exponential, factor": (lambda: exponential(0.1, 0.0), "factor is 0.0: pass a number in (0, 1]"),
    "inverse, lr": (lambda: inverse(-1.0), RATE.format(-1.0)),
    "inverse, decay": (lambda: inverse(0.1, -0.5), "decay is -0.5: pass a finite number from 0 up"),
    "inverse, power": (lambda: inverse(0.1, power=math.nan), "power is nan: pass a finite number from 0 up"),
    "cosine, lr": (lambda: cosine(-1.0, 3), RATE.format(-1.0)),
    "cosine, steps": (lambda: cosine(0.1, 0), "steps is 0: pass a whole number from 1 up"),
    "cosine, floor": (lambda: cosine(0.1, 3, -0.1), "floor is -0.1: pass a finite number from 0 up"),
    "warm_up, steps": (lambda: warm_up(0, 0.1), "steps is 0: pass a whole number from 1 up"),
    "warm_up, then": (lambda: warm_up(2, -0.1), RATE.format(-0.1)),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_numbers_that_cannot_work_are_refused(make, message):
    assert message_of(ArgumentError, make) == message


def test_a_factor_may_be_as_small_as_it_likes_and_1():
    assert exponential(0.5, 5e-324)(2) == 0.0
    assert exponential(0.5, 1)(1000) == 0.5


def test_a_rate_that_is_no_number_is_refused():
    message = message_of(OperandTypeError, lambda: schedules.of("0.1"))
    assert message == "'0.1' of type str is no real number: convert it first, with float(...)"


@given(st.floats(0.0, 1e300), st.floats(0.0, 1e300), st.integers(1, 10**6), st.integers(1, 10))
def test_cosine_begins_with_its_rate_and_ends_with_its_floor_to_the_last_bit(lr, floor, steps, beyond):
    schedule = schedules.cosine(lr, steps, floor)
    assert (schedule(1), schedule(steps + beyond)) == (lr, floor)
