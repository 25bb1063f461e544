"""Dropout and noise: what is drawn, what becomes of it in the graph, and that evaluation is left alone."""

import copy
import itertools
import math
from random import Random
from statistics import fmean, pvariance

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError, OperandTypeError, Value, gradcheck, no_grad
from nn import MLP, Layer, Neuron, Sequential, optim
from nn.dropout import Dropout, Noise
from nn.losses import squared_error

reproducibly = settings(derandomize=True, deadline=None, max_examples=50)


class Scripted(Random):
    """A generator that keeps and drops, or gives deviates, by a list that it goes through again and again."""

    def __new__(cls, *_):
        return super().__new__(cls, 0)

    def __init__(self, numbers):
        super().__init__(0)
        self.numbers = itertools.cycle(numbers)

    def random(self):
        """Return a number below any probability of keeping for a 1, and above for a 0."""
        return 0.0 if next(self.numbers) else math.nextafter(1.0, 0.0)

    def gauss(self, mu=0.0, sigma=1.0):
        return mu + sigma * next(self.numbers)


def numbers(row):
    return [y.data for y in row]


# ---------------------------------------------------------------- training


@reproducibly
@given(st.lists(st.floats(-10.0, 10.0), max_size=6), st.floats(0.05, 1.0), st.booleans(), st.integers(0, 99))
def test_each_unit_is_kept_or_is_0_as_the_generator_has_it(xs, keep, inverted, seed):
    rng = Random(seed)
    kept = [rng.random() < keep for _ in xs]
    found = numbers(Dropout(keep=keep, inverted=inverted, rng=seed)(xs))
    assert found == pytest.approx(
        [x / (keep if inverted else 1.0) if k else 0.0 for x, k in zip(xs, kept, strict=True)]
    )


@pytest.mark.parametrize("options", [{"drop": 0.2}, {"keep": 0.8}], ids=["drop", "keep"])
def test_drop_and_keep_are_two_names_for_one_thing(options):
    units = 20_000
    row = Dropout(rng=0, **options)([1.0] * units)
    share = sum(y.data == 0.0 for y in row) / units
    assert share == pytest.approx(0.2, abs=5.0 * math.sqrt(0.16 / units))
    assert {y.data for y in row} == {0.0, 1.25}


def test_each_sample_of_a_batch_has_a_mask_of_its_own():
    rows = Dropout(drop=0.5, rng=0).on_batch([[1.0] * 20] * 3)
    assert len({tuple(numbers(row)) for row in rows}) == 3
    rng = Random(0)
    assert [numbers(row) for row in rows] == [[2.0 * (rng.random() < 0.5) for _ in range(20)] for _ in range(3)]


def test_nothing_is_dropped_where_everything_is_kept():
    assert (
        numbers(Dropout(drop=0.0)([1.0, -2.0])) == numbers(Dropout(keep=1, inverted=False)([1.0, -2.0])) == [1.0, -2.0]
    )


@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize("drop", [0.2, 0.5, 0.7])
def test_the_mean_over_all_masks_in_training_is_what_evaluation_gives(drop, inverted):
    """Catalogue: mit.reg.dropout, E-MIT-20. A bias beside it is not scaled."""
    a, w, b = [1.0, 2.0, 3.0, 4.0], [0.5, -0.25, 0.1, 0.3], 0.4
    neuron = Neuron(4, "identity", init="zero")
    neuron.load_state_dict({"weight": w, "bias": b})
    mean = 0.0
    for mask in itertools.product((0, 1), repeat=4):
        chance = math.prod(1.0 - drop if kept else drop for kept in mask)
        mean += chance * Sequential(Dropout(drop=drop, inverted=inverted, rng=Scripted(mask)), neuron)(a).data
    model = Sequential(Dropout(drop=drop, inverted=inverted), neuron).eval()
    assert model(a).data == pytest.approx(mean, abs=1e-14)
    unscaled = sum(x * y for x, y in zip(a, w, strict=True))
    assert mean == pytest.approx(b + (unscaled if inverted else (1.0 - drop) * unscaled), abs=1e-14)


def test_the_figures_of_the_lecture():
    """Catalogue: mit.reg.dropout, p = .2: (1-p)·w: 1.2000, and about that on average over drawn masks."""
    a, w = [1.0, 2.0, 3.0, 4.0], [0.5, -0.25, 0.1, 0.3]
    neuron = Neuron(4, "identity", bias=False, init="zero")
    neuron.load_state_dict({"weight": w})
    model = Sequential(Dropout(drop=0.2, inverted=False, rng=0), neuron)
    with no_grad():
        drawn = fmean([model(a).data for _ in range(20_000)])
        assert drawn == pytest.approx(1.2, abs=0.02)
        assert model.eval()(a).data == pytest.approx(1.2, abs=1e-15)


# ---------------------------------------------------------------- gradients


@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize("activation", ["sigmoid", "relu", "tanh", "identity"])
def test_the_mask_multiplies_the_gradient(activation, inverted):
    """Catalogue: mit.reg.dropout.backward, E-MIT-21: z = (.6, -.4, .9), d = (1, 0, 0)."""
    zs = [Value(z) for z in (0.6, -0.4, 0.9)]
    layer = Dropout(keep=0.5, inverted=inverted, rng=Scripted([1, 0, 0]))
    for unit, delta in zip(layer([getattr(z, activation)() for z in zs]), (1.0, 2.0, 3.0), strict=True):
        (unit * delta).backward()
    slopes = {
        "sigmoid": math.exp(-0.6) / (1.0 + math.exp(-0.6)) ** 2,
        "relu": 1.0,
        "tanh": 1.0 - math.tanh(0.6) ** 2,
        "identity": 1.0,
    }
    assert [z.grad for z in zs] == [pytest.approx(slopes[activation] * (2.0 if inverted else 1.0), rel=1e-14), 0.0, 0.0]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("inverted", [True, False])
def test_the_gradient_is_that_of_finite_differences(inverted, training):
    def f(xs):
        return list(Dropout(drop=0.4, inverted=inverted, rng=3).train(training)([x.tanh() for x in xs]))

    assert gradcheck(lambda xs: f([x + Value(0.0) for x in xs]), [0.3, -0.8, 0.5, 1.2], order=2)


def dropped_network():
    """Return a net of the lecture's study whose hidden units 1 and 3, from 0, are dropped."""
    model = Sequential(
        Layer(2, 4, "tanh", rng=0), Dropout(drop=0.5, rng=Scripted([1, 0, 1, 0])), Layer(4, 2, "identity", rng=1)
    )
    return model, *model.children().values()


def test_weights_into_and_out_of_a_dropped_unit_stay_under_sgd():
    """Catalogue: mit.reg.dropout.noupdate: exact zeros in column and row."""
    model, below, _, above = dropped_network()
    before = model.state_dict()
    squared_error(model([0.9, -0.4]), [0.5, -1.0]).backward()
    for i in (1, 3):
        assert [p.grad for p in below.neurons[i].parameters()] == [0.0] * 3
        assert [neuron.w[i].grad for neuron in above.neurons] == [0.0] * 2
    optim.SGD(model.parameters(), lr=0.1).step()
    moved = {name: array - before[name] for name, array in model.state_dict().items()}
    assert not moved["0.weight"][[1, 3]].any()
    assert not moved["0.bias"][[1, 3]].any()
    assert not moved["2.weight"][:, [1, 3]].any()
    assert moved["0.weight"][[0, 2]].all()
    assert moved["2.weight"][:, [0, 2]].all()


# ---------------------------------------------------------------- modes, generators, copies


@pytest.mark.parametrize("make", [lambda rng: Dropout(drop=0.5, rng=rng), lambda rng: Noise(0.5, rng)])
def test_in_evaluation_nothing_is_drawn_and_inputs_pass(make):
    rng = Random(0)
    row = tuple(Value(x) for x in (1.0, 2.0))
    layer = make(rng)
    assert layer.eval()(row) is row
    assert rng.random() == Random(0).random()
    assert numbers(layer.train()(row)) != [1.0, 2.0]


@pytest.mark.parametrize("make", [lambda rng: Dropout(drop=0.5, rng=rng), lambda rng: Noise(0.5, rng)])
def test_the_generator_is_found_by_name_and_takes_up_where_it_was(make):
    model = Sequential(Layer(2, 8, rng=0), make(7))
    ((name, rng),) = model.named_generators()
    assert name == "1.rng"
    model([1.0, 2.0])
    state, twin = rng.getstate(), copy.deepcopy(model)
    following = numbers(model([1.0, 2.0]))
    assert numbers(twin([1.0, 2.0])) == following
    rng.setstate(state)
    assert numbers(model([1.0, 2.0])) == following


@pytest.mark.parametrize("layer", [Dropout(drop=0.5), Noise(0.5)])
def test_there_is_nothing_to_train_or_to_save(layer):
    assert layer.parameters() == []
    assert layer.state_dict() == {}


def test_repr_says_what_is_kept():
    assert repr(Sequential(Dropout(drop=0.5), Dropout(keep=0.8, inverted=False), Noise(0.1))) == (
        "Sequential(Dropout(keep=0.5), Dropout(keep=0.8, inverted=False), Noise(0.1))"
    )


# ---------------------------------------------------------------- noise


@pytest.mark.parametrize("sd", [0.0, 0.1, 2.0])
def test_noise_has_mean_0_and_the_deviation_that_is_asked_for(sd):
    draws = 20_000
    noise = [y.data - 3.0 for y in Noise(sd, rng=0)([3.0] * draws)]
    assert fmean(noise) == pytest.approx(0.0, abs=5.0 * sd / math.sqrt(draws) + 1e-15)
    assert pvariance(noise) == pytest.approx(sd**2, rel=5.0 * math.sqrt(2.0 / draws), abs=1e-30)


def test_noise_is_drawn_from_its_generator_and_lets_gradients_pass():
    xs, rng = [Value(1.0), Value(2.0)], Random(5)
    row = Noise(0.3, rng=5)(xs)
    assert numbers(row) == [1.0 + rng.gauss(0.0, 0.3), 2.0 + rng.gauss(0.0, 0.3)]
    (row[0] * row[1]).backward()
    assert [x.grad for x in xs] == [row[1].data, row[0].data]


X, Y, W = [[0.5, -1.0], [1.5, 0.3], [-0.7, 0.8]], [1.0, -0.5, 0.3], [0.4, -0.2]


def noisy(rng):
    neuron = Neuron(2, "identity", bias=False, init="zero")
    neuron.load_state_dict({"weight": W})
    return Sequential(Noise(0.1, rng), neuron)


def test_noise_on_the_inputs_of_a_linear_model_is_weight_decay():
    """Catalogue: mit.reg.noise: E = Σ(xᵀw-y)² + n s²‖w‖². ±s has the mean and variance of the noise, and few cases."""
    mean, gradient = 0.0, np.zeros(2)
    for signs in itertools.product((-1.0, 1.0), repeat=2):
        model = noisy(Scripted(signs))
        for x, y in zip(X, Y, strict=True):
            loss = squared_error(model(x), y)
            loss.backward()
            mean += loss.data / 4.0
        gradient += np.array([w.grad for w in model.parameters()]) / 4.0
    errors = np.array(X) @ W - Y
    assert mean == pytest.approx(1.99520, abs=1e-12)
    assert mean == pytest.approx(np.sum(errors**2) + 3 * 0.01 * np.sum(np.square(W)), abs=1e-14)
    assert gradient == pytest.approx(2.0 * errors @ np.array(X) + 2.0 * 3 * 0.01 * np.array(W), abs=1e-14)


def test_drawn_noise_comes_near_to_that():
    model, draws = noisy(Random(12)), 5000
    with no_grad():
        losses = [sum(squared_error(model(x), y).data for x, y in zip(X, Y, strict=True)) for _ in range(draws)]
    assert fmean(losses) == pytest.approx(1.99520, abs=5.0 * math.sqrt(pvariance(losses) / draws))
    assert pvariance(losses) > 0.0


def test_a_network_learns_with_both_in_it():
    model = Sequential(Noise(0.05, rng=0), Layer(2, 16, "tanh", rng=1), Dropout(drop=0.2, rng=2), MLP(16, [1], rng=3))
    points = [([0.0, 0.0], -1.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], -1.0)]
    for _ in range(150):
        model.zero_grad()
        for x, y in points:
            squared_error(model(x), y).backward()
        for p in model.parameters():
            p.data -= 0.03 * p.grad
    model.eval()
    assert all(model(x).data * y > 0.0 for x, y in points)


# ---------------------------------------------------------------- errors

BOTH = "pass one of the two, as in Dropout(drop=0.2)"
FAULTS = {
    "neither": (Dropout, f"Dropout was given drop=None and keep=None: {BOTH}"),
    "both": (lambda: Dropout(drop=0.2, keep=0.8), f"Dropout was given drop=0.2 and keep=0.8: {BOTH}"),
    "all dropped": (
        lambda: Dropout(drop=1.0),
        "the probability of dropping is 1.0: pass one from 0 up and below 1",
    ),
    "less than nothing dropped": (
        lambda: Dropout(drop=-0.1),
        "the probability of dropping is -0.1: pass one from 0 up and below 1",
    ),
    "nan dropped": (
        lambda: Dropout(drop=math.nan),
        "the probability of dropping is nan: pass one from 0 up and below 1",
    ),
    "nothing kept": (lambda: Dropout(keep=0), "the probability of keeping is 0: pass one above 0 and up to 1"),
    "more than all kept": (lambda: Dropout(keep=80), "the probability of keeping is 80: pass one above 0 and up to 1"),
    "negative noise": (lambda: Noise(-1.0), "the standard deviation is -1.0: pass a finite number from 0 up"),
    "infinite noise": (lambda: Noise(math.inf), "the standard deviation is inf: pass a finite number from 0 up"),
}


@pytest.mark.parametrize(("call", "message"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_is_refused(call, message):
    assert message_of(ArgumentError, call) == message


def test_a_probability_without_its_name_is_refused():
    with pytest.raises(TypeError):
        Dropout(0.5)


@pytest.mark.parametrize("call", [lambda: Dropout(drop="1"), lambda: Dropout(keep="1"), lambda: Noise("1")])
def test_what_is_no_number_is_refused(call):
    assert message_of(OperandTypeError, call) == "'1' of type str is no real number: convert it first, with float(...)"
