"""Initialisers draw from the distributions that they name, and from the generator that they are given alone."""

import math
from random import Random
from statistics import fmean

import pytest
from messages import message_of

from autograd_core import ArgumentError, OperandTypeError
from nn import init

DRAWS = 50_000
SIZES = [(1, 1), (2, 16), (64, 16), (300, 10)]


def draws(initialiser, nin, nout):
    rng = Random(0)
    return [initialiser(rng, nin, nout) for _ in range(DRAWS)]


def assert_mean_and_variance(xs, variance, kurtosis):
    """Allow five standard deviations of the sample mean and of the sample variance: one seed in two million fails."""
    assert abs(fmean(xs)) < 5.0 * math.sqrt(variance / DRAWS)
    found = fmean([x * x for x in xs])
    assert abs(found - variance) < 5.0 * variance * math.sqrt((kurtosis - 1.0) / DRAWS)


def share_within_one_deviation(xs, variance):
    return sum(abs(x) < math.sqrt(variance) for x in xs) / DRAWS


@pytest.mark.parametrize(("nin", "nout"), SIZES)
def test_he_draws_from_a_normal_distribution_of_variance_2_over_nin(nin, nout):
    xs = draws(init.he, nin, nout)
    assert_mean_and_variance(xs, 2.0 / nin, kurtosis=3.0)
    assert share_within_one_deviation(xs, 2.0 / nin) == pytest.approx(math.erf(math.sqrt(0.5)), abs=0.011)


@pytest.mark.parametrize(("nin", "nout"), SIZES)
def test_glorot_draws_evenly_with_variance_2_over_nin_plus_nout(nin, nout):
    xs, bound = draws(init.glorot, nin, nout), math.sqrt(6.0 / (nin + nout))
    assert_mean_and_variance(xs, 2.0 / (nin + nout), kurtosis=1.8)
    assert share_within_one_deviation(xs, 2.0 / (nin + nout)) == pytest.approx(math.sqrt(1.0 / 3.0), abs=0.011)
    assert 0.999 * bound < max(xs) <= bound
    assert -bound <= min(xs) < -0.999 * bound


@pytest.mark.parametrize(("nin", "nout"), SIZES)
def test_uniform_draws_evenly_between_minus_one_and_one_whatever_the_sizes(nin, nout):
    xs = draws(init.uniform, nin, nout)
    assert_mean_and_variance(xs, 1.0 / 3.0, kurtosis=1.8)
    assert share_within_one_deviation(xs, 1.0 / 3.0) == pytest.approx(math.sqrt(1.0 / 3.0), abs=0.011)
    assert 0.999 < max(xs) <= 1.0
    assert -1.0 <= min(xs) < -0.999


def test_zero_draws_nothing():
    rng = Random(0)
    assert init.zero(rng, 3, 4) == 0.0
    assert rng.random() == Random(0).random()


@pytest.mark.parametrize("initialiser", init.INITIALISERS.values(), ids=init.INITIALISERS)
def test_the_same_generator_gives_the_same_numbers(initialiser):
    rngs = Random(3), Random(3)
    assert [initialiser(rngs[0], 5, 2) for _ in range(9)] == [initialiser(rngs[1], 5, 2) for _ in range(9)]


@pytest.mark.parametrize("name", ["he", "glorot", "uniform", "zero"])
def test_an_initialiser_is_found_by_name(name):
    assert init.initialiser(name) is getattr(init, name)


def test_a_function_is_an_initialiser_as_it_is():
    def half(rng, nin, nout):
        return 0.5

    assert init.initialiser(half) is half


def test_an_unknown_initialiser_is_refused():
    message = message_of(ArgumentError, lambda: init.initialiser("lecun"))
    assert message == "there is no initialiser named 'lecun': choose one of he, glorot, uniform, zero"


def test_a_generator_is_used_as_it_is():
    rng = Random(1)
    assert init.generator(rng) is rng


@pytest.mark.parametrize("seed", [0, 7, -7, 2**70])
def test_a_seed_makes_a_generator_of_its_own(seed):
    assert init.generator(seed).random() == Random(seed).random()


def test_without_a_seed_generators_differ():
    assert init.generator(None).random() != init.generator(None).random()


REFUSED = {
    "float": (1.5, "1.5 of type float is no generator: pass a random.Random or an int seed"),
    "text": ("seed", "'seed' of type str is no generator: pass a random.Random or an int seed"),
    "a class": (Random, "<class 'random.Random'> of type type is no generator: pass a random.Random or an int seed"),
}


@pytest.mark.parametrize(("rng", "message"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_no_generator(rng, message):
    assert message_of(OperandTypeError, lambda: init.generator(rng)) == message
