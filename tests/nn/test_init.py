"""Initialisers draw from the distributions that they name, and from the generator that they are given alone."""

import copy
import math
import pickle
from random import Random
from statistics import fmean, pvariance

import numpy as np
import pytest
from messages import message_of

from autograd_core import ArgumentError, OperandTypeError, no_grad
from nn import MLP, Layer, init
from nn.losses import squared_error

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
def test_he_uniform_draws_evenly_with_variance_2_over_nin(nin, nout):
    xs, bound = draws(init.he_uniform, nin, nout), math.sqrt(6.0 / nin)
    assert_mean_and_variance(xs, 2.0 / nin, kurtosis=1.8)
    assert 0.999 * bound < max(xs) <= bound
    assert -bound <= min(xs) < -0.999 * bound


NORMAL = {
    "glorot_normal": lambda _, total: 2.0 / total,
    "gaussian_variance": lambda nin, _: 1.0 / nin,
    "gaussian_deviation": lambda nin, _: 1.0 / nin**2,
    "normal": lambda *_: 1.0,
}


@pytest.mark.parametrize(("nin", "nout"), SIZES)
@pytest.mark.parametrize(("name", "formula"), NORMAL.items(), ids=NORMAL)
def test_the_others_draw_from_normal_distributions(name, formula, nin, nout):
    xs, variance = draws(init.initialiser(name), nin, nout), formula(nin, nin + nout)
    assert_mean_and_variance(xs, variance, kurtosis=3.0)
    assert share_within_one_deviation(xs, variance) == pytest.approx(math.erf(math.sqrt(0.5)), abs=0.011)


def spread_of_z(**options):
    """Return mean and variance of z of many neurons with 20 inputs of 1."""
    layer = Layer(20, 5000, "identity", rng=0, **options)
    with no_grad():
        zs = [z.data for z in layer([1.0] * 20)]
    return fmean(zs), pvariance(zs)


def test_inputs_of_1_give_z_the_variance_of_the_lecture():
    """Catalogue: mit.init.ones, mit.init.gaussian, E-MIT-11. Var(z) = m Var(w) + Var(b)."""
    for weights, variance in (("gaussian_variance", 2.0), ("gaussian_deviation", 1.05)):
        mean, found = spread_of_z(init=weights, bias_init="normal")
        assert mean == pytest.approx(0.0, abs=0.06)
        assert found == pytest.approx(variance, rel=0.06)
    assert spread_of_z(init="gaussian_variance")[1] == pytest.approx(1.0, rel=0.06)


def test_a_deviation_of_1_over_m_loses_the_signal_in_ten_layers():
    """Catalogue: E-MIT-11, 10 tanh layers, width 50: rms 3e-9 against .20."""
    sizes = {}
    for weights in ("gaussian_variance", "gaussian_deviation"):
        model = MLP(50, [50] * 10, "tanh", "tanh", init=weights, rng=5)
        rng = Random(6)
        with no_grad():
            outputs = [y.data for _ in range(2) for y in model([rng.gauss(0.0, 1.0) for _ in range(50)])]
        sizes[weights] = math.sqrt(fmean([y * y for y in outputs]))
    assert 0.1 < sizes["gaussian_variance"] < 0.4
    assert 1e-9 < sizes["gaussian_deviation"] < 1e-8


def test_a_constant_draws_nothing_and_is_kept_by_copies():
    rng, half = Random(0), init.constant(0.5)
    assert [half(rng, 3, 4), copy.deepcopy(half)(rng, 1, 1), pickle.loads(pickle.dumps(half))(rng, 1, 1)] == [0.5] * 3
    assert rng.random() == Random(0).random()


def test_neurons_that_start_equal_stay_equal():
    """Catalogue: mit.init.random_needed, lai.init.zero."""
    model = MLP(2, [3, 1], "tanh", init=init.constant(0.3), rng=0)
    for _ in range(20):
        model.zero_grad()
        for x, y in (([0.5, -1.0], 0.3), ([-0.2, 0.8], -0.6)):
            squared_error(model(x), y).backward()
        for p in model.parameters():
            p.data -= 0.05 * p.grad
    first, *others = model.state_dict()["layers.0.weight"].tolist()
    assert first != [0.3, 0.3]
    assert others == [first, first]


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_constant_that_is_not_finite_is_refused(number):
    message = message_of(ArgumentError, lambda: init.constant(number))
    assert message == f"the constant is {number!r}: pass a finite number"


def test_a_constant_that_is_no_number_is_refused():
    message = message_of(OperandTypeError, lambda: init.constant("1"))
    assert message == "'1' of type str is no real number: convert it first, with float(...)"


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


@pytest.mark.parametrize("name", ["he", "he_uniform", "glorot", "glorot_normal", *list(NORMAL)[1:], "uniform", "zero"])
def test_an_initialiser_is_found_by_name(name):
    assert init.initialiser(name) is getattr(init, name)


def test_a_function_is_an_initialiser_as_it_is():
    def half(rng, nin, nout):
        return 0.5

    assert init.initialiser(half) is half


def test_an_unknown_initialiser_is_refused():
    message = message_of(ArgumentError, lambda: init.initialiser("lecun"))
    assert message == (
        "there is no initialiser named 'lecun': choose one of he, he_uniform, glorot, glorot_normal, gaussian_variance, "
        "gaussian_deviation, normal, uniform, zero, or constant(number)"
    )


def test_a_generator_is_used_as_it_is():
    rng = Random(1)
    assert init.generator(rng) is rng


@pytest.mark.parametrize("seed", [0, 7, -7, 2**70, np.int64(-7), np.uint8(7)])
def test_a_seed_makes_a_generator_of_its_own(seed):
    assert init.generator(seed).random() == Random(int(seed)).random()


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
