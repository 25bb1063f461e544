"""MIT 6.036, chapter 8, §7 and §8: optimisers and regularisation as the lecture has them, beside autograd."""

import csv
import importlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autograd_core import Value, mean, sqrt, square, tanh
from autograd_core import sum as total
from nn.data import batches as nn_batches
from nn.lectures.graph import central, slopes, values
from nn.lectures.item import CLOSED_FORMS, ERRATA, ITEMS, Finding

from .mutations import agrees, in_place_of, mutants

HOME = "nn.lectures.mit6036"
MODULES = ("batches", "vanishing", "averages", "optim", "regularise", "dropout", "batchnorm", "batchnorm_gradients")
batches, vanishing, averages, optim, regularise, dropout, batchnorm, back = [
    importlib.import_module(f"{HOME}.{name}") for name in MODULES
]

CATALOGUE = Path(__file__).parents[2] / "data" / "lectures.csv"
ROWS = {row["id"]: row for row in csv.DictReader(CATALOGUE.read_text(encoding="utf-8").splitlines())}
IDS = list(ROWS)[list(ROWS).index("mit.opt.batch") : list(ROWS).index("mit.bn.scale") + 1]


def near(digits):
    return lambda expected: pytest.approx(np.array(expected), abs=0.5 * 10.0**-digits, rel=0.0)


# ---------------------------------------------------------------- what is found


def test_findings_tell_numbers():
    findings = [e for id in IDS for e in ITEMS[id].evidence() if isinstance(e, Finding)]
    assert all(any(c.isdigit() for c in finding.found) or "same" in finding.found for finding in findings)


# ---------------------------------------------------------------- the catalogue's numbers


def test_moving_average():
    assert averages.moving(averages.DATA, 0.9) == pytest.approx(1.09182, abs=1e-15)


def test_momentum_on_a_bowl():
    path = averages.momentum(averages.bowl_slope, averages.BOWL.start, 5, 0.005, 0.9)[:, :, 0]
    assert path[0] == pytest.approx([1.99, 0.95], abs=1e-14)
    assert path[1] == pytest.approx([1.97105, 0.8575], abs=1e-14)
    assert path[4] == near(8)([1.8701029, 0.41715594])


def test_adadelta_and_the_published_one():
    path = optim.adadelta(optim.GIVEN.slope, optim.GIVEN.start, 3, 0.1, 0.9)[:, 0, 0]
    assert path == near(10)([0.6837722972, 0.8066312974, 0.7431951622])
    published = optim.zeiler(optim.GIVEN.slope, optim.GIVEN.start, 3, 0.9, 1e-6)[-1, 0, 0]
    assert published == near(6)(0.997634)


def test_adam_with_epsilon_inside_and_outside_the_root():
    path = optim.adam(optim.GIVEN.slope, optim.GIVEN.start, 3, 0.1)[:, 0, 0]
    assert path == near(12)([0.900000002000, 0.865439418401, 0.827500241818])
    outside = optim.adam(optim.GIVEN.slope, optim.GIVEN.start, 3, 0.1, eps_inside_sqrt=False)[-1, 0, 0]
    assert outside == near(12)(0.827500240836)
    tiny = [optim.adam(optim.TINY.slope, optim.TINY.start, 3, 0.1, eps_inside_sqrt=i)[-1, 0, 0] for i in (True, False)]
    assert tiny == near(7)([0.9315469, 0.8275413])


def test_the_rates_by_which_the_corrected_estimate_is_an_average():
    assert optim.corrected_rates(0.9, 5) == near(4)([0.0, 0.4737, 0.6310, 0.7092, 0.7558])


def test_weight_decay_and_noise_on_a_linear_model():
    x, y, w = regularise.X, regularise.Y, regularise.W
    assert regularise.decay_step(w, x, y, 0.1, 0.05)[:, 0] == pytest.approx([0.2182, -0.23], abs=1e-15)
    assert regularise.noisy_objective(w, x, y, 0.1) == near(5)(1.99520)


def test_stopping_early_and_decay_hold_a_weight_back_alike():
    assert regularise.stopped_share(0.05, 0.01, 100) == near(4)(0.0952)
    assert regularise.ridge_share(0.01, 0.1) == near(4)(0.0909)


def test_dropout_means_and_the_errors_of_a_forgotten_mask():
    assert dropout.thinned(dropout.OUT, dropout.A, 0.2).item() == pytest.approx(1.2, abs=1e-15)
    off = {miss.quantity: np.max(np.abs(miss.printed - miss.truth)) for miss in ERRATA["E-MIT-21"].misses()}
    assert off["∂L/∂z with f' from z, sigmoid"] == near(2)(0.62)
    assert off["∂L/∂z with f' from z, relu"] == 3.0
    assert off["∂L/∂z with f' from z, tanh"] == near(1)(1.7)
    assert off["∂L/∂z with f' = 1 - a² from the masked a, tanh"] == 3.0


def test_batch_normalisation():
    Z, G, B, R = batchnorm.Z, batchnorm.G, batchnorm.B, batchnorm.R
    dZ_hat = back.loss_slope(Z, G, B, R)
    assert batchnorm.mu(Z)[:, 0] == pytest.approx([0.4, -0.2], abs=1e-15)
    assert batchnorm.sigma(Z)[:, 0] == near(10)([1.1335784049, 1.2144957801])
    assert back.shift_gradient(dZ_hat)[:, 0] == pytest.approx([1.6, 1.1], abs=1e-14)
    assert back.scale_gradient(dZ_hat, Z)[:, 0] == near(10)([8.1260108605, -4.5091852817])
    expected = [
        [0.0702812089, -0.0659047234, -0.066419604, 0.0620431185],
        [0.2316089855, -0.3079746381, 0.0849065478, -0.0085408953],
    ]
    assert back.input_gradient(dZ_hat, Z, G) == near(10)(expected)


def test_both_places_of_epsilon_in_batch_normalisation():
    centred = batchnorm.Z - batchnorm.mu(batchnorm.Z)
    assert (batchnorm.z_bar(batchnorm.Z, 0.1) / centred)[:, 0] == near(5)([0.81065, 0.76075])
    assert (batchnorm.z_bar_published(batchnorm.Z, 0.1) / centred)[:, 0] == near(5)([0.84972, 0.79682])


@pytest.mark.parametrize(("eps", "off"), [(1e-5, 3.4e-5), (0.01, 0.033), (0.1, 0.27)])
def test_the_printed_backward_pass_of_batch_normalisation_is_off_by_about_epsilon(eps, off):
    Z, G, B, R = batchnorm.Z, batchnorm.G, batchnorm.B, batchnorm.R
    dZ_hat = back.loss_slope(Z, G, B, R, eps)
    gap = back.input_gradient(dZ_hat, Z, G) - back.input_gradient_exact(dZ_hat, Z, G, eps)
    assert np.max(np.abs(gap)) == pytest.approx(off, rel=0.03)


def test_xor_has_a_saddle_at_zero_and_its_known_solution_a_low_loss():
    assert batches._xor([w.tolist() for w in batches.XOR_ZERO]) == 4.0
    assert batches._xor([w.tolist() for w in batches.XOR_SOLVED]) < 0.573


# ---------------------------------------------------------------- laws, at random

reproducibly = settings(derandomize=True, deadline=None, max_examples=60)

ROWS_OF_NUMBERS = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(2, 6)), elements=st.floats(-3.0, 3.0))
UNIT = st.floats(0.01, 0.99)


@reproducibly
@given(st.lists(st.tuples(st.floats(-5.0, 5.0), UNIT), min_size=1, max_size=12))
def test_a_running_average_is_its_inputs_by_their_shares(pairs):
    a, gammas = zip(*pairs, strict=True)
    assert averages.running(a, gammas)[-1] == pytest.approx(averages.shares(gammas) @ a, abs=1e-12)


@reproducibly
@given(st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=12), UNIT)
def test_a_moving_average_is_a_running_average_with_one_rate(a, gamma):
    assert averages.moving(a, gamma) == pytest.approx(averages.running(a, [gamma] * len(a))[-1], abs=1e-12)


@reproducibly
@given(st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=12))
def test_the_rates_of_the_mean_give_the_mean(a):
    rates = [(t - 1) / t for t in range(1, len(a) + 1)]
    assert averages.running(a, rates)[-1] == pytest.approx(np.mean(a), abs=1e-12)


@reproducibly
@given(UNIT, st.floats(0.001, 0.05), st.integers(1, 30))
def test_both_forms_of_momentum_take_the_same_path(gamma, eta, steps):
    summed = averages.momentum(averages.layer_slope, averages.LAYER.start, steps, eta * (1.0 - gamma), gamma)
    averaged = averages.averaged_momentum(averages.layer_slope, averages.LAYER.start, steps, eta, gamma)
    assert averaged == pytest.approx(summed, abs=1e-10)


@reproducibly
@given(st.integers(1, 30), st.integers(1, 12))
def test_the_lecture_cuts_mini_batches_as_nn_does(n, k):
    class Still:
        def shuffle(self, order):
            pass

    assert batches.slices(range(n), k) == list(nn_batches(n, k, Still()))


@reproducibly
@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=15), st.integers(1, 6))
def test_early_stopping_returns_the_lowest_loss_that_it_has_seen(losses, patience):
    best, stopped = regularise.early_stopping(losses, patience)
    seen = losses[:stopped]
    assert best == 1 + seen.index(min(seen))
    assert stopped == len(losses) or stopped - best == patience


@reproducibly
@given(ROWS_OF_NUMBERS, st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-3, 0.3]))
def test_batch_normalisation_of_any_batch(Z, seed, eps):
    """Random batches of 1 to 4 units and 2 to 6 examples: closed form = engine = central differences."""
    rng = np.random.default_rng(seed)
    Z = Z + rng.normal(size=Z.shape)  # so that no unit is constant over the batch
    n = len(Z)
    G, B, R = rng.normal(size=(n, 1)), rng.normal(size=(n, 1)), rng.normal(size=Z.shape)
    assume(np.min(batchnorm.sigma(Z)) > 0.3)  # the curvature grows as 1/σ², and a central difference is off by so much
    dZ_hat = back.loss_slope(Z, G, B, R, eps)
    formula = back.input_gradient_exact(dZ_hat, Z, G, eps)
    leaves = values(Z)
    engine = slopes(cost(leaves, G, B, R, eps), leaves)
    size = max(1.0, np.max(np.abs(dZ_hat)) * np.max(np.abs(G)) / np.min(batchnorm.sigma(Z)))
    assert formula == pytest.approx(engine, abs=1e-12 * size)
    assert formula == pytest.approx(central(lambda z: cost(z, G, B, R, eps), Z), abs=2e-7 * size)
    if eps == 0.0:
        for other in (back.input_gradient, back.summed):
            assert other(dZ_hat, Z, G) == pytest.approx(formula, abs=1e-12 * size)


def cost(Z, G, B, R, eps):
    """Return L = Σ R Ẑ + ½Σ Ẑ², written here anew, by the means of the squares and not of the deviations."""
    terms = []
    for row, g, b, rs in zip(Z, G[:, 0].tolist(), B[:, 0].tolist(), R.tolist(), strict=True):
        centre = mean(row)
        spread = sqrt(mean([square(z - centre) for z in row]))
        terms += [
            r * h + 0.5 * h * h for r, h in zip(rs, [g * (z - centre) / (spread + eps) + b for z in row], strict=True)
        ]
    return total(terms)


@reproducibly
@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["sigmoid", "tanh", "relu", "identity"]),
)
def test_dropout_in_any_network(nin, hidden, nout, seed, f):
    """Random sizes, weights and masks: closed form = engine, and exactly 0 at what was dropped."""
    rng = np.random.default_rng(seed)
    W1, W2 = rng.normal(size=(nin, hidden)), rng.normal(size=(hidden, nout))
    x, y, d = rng.normal(size=(nin, 1)), rng.normal(size=(nout, 1)), (rng.random((hidden, 1)) < 0.6) * 1.0
    ours = dropout.dropout_gradients(W1, W2, x, y, d, f)
    leaves = [values(W1), values(W2)]
    a = [
        getattr(total([w * v for w, v in zip(column, x[:, 0], strict=True)]), f)() * k
        for column, k in zip(zip(*leaves[0], strict=True), d[:, 0], strict=True)
    ]
    outputs = [total([w * v for w, v in zip(column, a, strict=True)]) for column in zip(*leaves[1], strict=True)]
    loss = total([square(o - t) for o, t in zip(outputs, y[:, 0], strict=True)])
    for formula, nested in zip(ours, leaves, strict=True):
        assert formula == pytest.approx(slopes(loss, nested), abs=1e-12 * max(1.0, np.max(np.abs(formula))))
    dropped = d[:, 0] == 0.0
    assert not ours[0][:, dropped].any()
    assert not ours[1][dropped].any()


def test_a_mini_batch_of_one_has_no_gradient_through_its_normalisation():
    z = Value(0.7)
    centre = mean([z])
    y = tanh((z - centre) / (sqrt(square(z - centre)) + 1e-5))
    y.backward()
    assert (y.data, z.grad) == (0.0, 0.0)


# ---------------------------------------------------------------- slips in the closed forms are noticed

FORMS = [name for name in CLOSED_FORMS if name.rpartition(".")[0] in {f"{HOME}.{module}" for module in MODULES}]


@pytest.mark.parametrize("name", FORMS)
def test_a_slip_in_a_closed_form_turns_an_item_of_its_module_red(name):
    form, home = CLOSED_FORMS[name], importlib.import_module(name.rpartition(".")[0])
    items = [item for item in ITEMS.values() if item.evidence.__module__ == home.__name__]
    for what, mutant in mutants(home, form.__name__):
        with in_place_of(form, mutant):
            assert not all(agrees(item) for item in items), what
