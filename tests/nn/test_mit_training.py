"""The training system of MIT 6.036, chapter 8, built from `nn` and held against the catalogue's figures, item by item."""

import csv
import math
from pathlib import Path
from random import Random

import numpy as np
import pytest

from autograd_core import Value
from nn import BatchNorm, Dropout, EarlyStopping, Layer, Module, Neuron, Sequential, fit, init, losses, optim, pairing
from nn.data import batches
from nn.regularise import l2

ITEMS = {}
ITEM_KINDS = {"algorithm", "formula", "table"}


def item(name):
    def note(test):
        ITEMS[name] = test
        return test

    return note


# ---------------------------------------------------------------- the chapter's network (F-MIT) and layer (F-BN)

X, Y = [0.5, -1.0, 2.0], [1.0, -0.5]
WEIGHTS = [
    ([[0.1, -0.2], [0.3, 0.4], [-0.5, 0.6]], [0.05, -0.1]),
    ([[0.7, -0.8, 0.9], [0.2, 0.5, -0.4]], [0.2, 0.0, -0.3]),
    ([[0.3, -0.6], [0.8, 0.1], [-0.2, 0.4]], [0.1, -0.2]),
]
SLOPES = [
    ([[0.0044547084, -0.0253804714], [-0.0089094168, 0.0507609429], [0.0178188337, -0.1015218857]],
     [0.0089094168, -0.0507609429]),
    ([[0.0787807818, 0.0580238958, -0.0367532088], [-0.0507514556, -0.0373796388, 0.0236768257]],
     [-0.0945005055, -0.0696018414, 0.0440868538]),
    ([[-0.2071196436, 0.1734369726], [-0.3448067471, 0.2887328181], [-0.1056706377, 0.0884860324]],
     [-0.4801123084, 0.4020344177]),
]  # fmt: skip


def network():
    """Return F-MIT: 3-2-3-2 with tanh, the sigmoid and no activation; the lecture has W as (in, out)."""
    model = Sequential(Layer(3, 2, "tanh"), Layer(2, 3, "sigmoid"), Layer(3, 2, "identity"))
    arrays = {}
    for i, (W, W0) in enumerate(WEIGHTS):
        arrays |= {f"{i}.weight": np.transpose(W), f"{i}.bias": W0}
    model.load_state_dict(arrays)
    return model


class Line(Module):
    """A linear model of two weights."""

    def __init__(self, w1=0.0, w2=0.0):
        self.w = [Value(w1), Value(w2)]

    def forward(self, x):
        return self.w[0] * x[0] + self.w[1] * x[1]


ROWS, TARGETS = [[0.5, -1.0], [1.5, 0.3], [-0.7, 0.8]], [1.0, -0.5, 0.3]


def fit_line(model, rows=ROWS, targets=TARGETS, lr=0.05, **options):
    options = {"epochs": 1, "reduction": "sum", "progress": False, "rng": 0} | options
    return fit(
        model, rows, targets, loss=losses.squared_error, optimiser=optim.SGD(model.parameters(), lr=lr), **options
    )


def numbers(model):
    return [w.data for w in model.w]


def slope(w, rows=ROWS, targets=TARGETS):
    A, t = np.array(rows), np.array(targets)
    return 2.0 * A.T @ (A @ w - t)


# ---------------------------------------------------------------- §5 stochastic descent, and where it starts


@item("mit.sgd.pseudocode")
@pytest.mark.parametrize("eta", [0.1, 0.001])
def test_one_step_of_sgd_uses_the_gradient_of_the_weights_before_it_in_every_layer(eta):
    """E-MIT-9: updating a layer inside the backward loop would give the first weight .0047227 for .0044547."""
    model = network()
    sgd = optim.SGD(model.parameters(), lr=eta)
    history = fit(model, [X], [Y], loss=losses.squared_error, optimiser=sgd, epochs=1, batch_size=1, progress=False)
    assert history.loss == [pytest.approx(0.09803487542033758, rel=1e-14)]
    state = model.state_dict()
    for i, ((W, W0), (dW, dW0)) in enumerate(zip(WEIGHTS, SLOPES, strict=True)):
        np.testing.assert_allclose(state[f"{i}.weight"].T, np.array(W) - eta * np.array(dW), atol=eta * 1e-10)
        np.testing.assert_allclose(state[f"{i}.bias"], np.array(W0) - eta * np.array(dW0), atol=eta * 1e-10)


@item("mit.init.gaussian")
@pytest.mark.parametrize(("how", "variance"), [("gaussian_variance", 1.006), ("gaussian_deviation", 0.01)])
def test_weights_of_variance_1_over_m_keep_the_size_of_a_signal_and_of_deviation_1_over_m_do_not(how, variance):
    rng, m = Random(0), 100
    xs = [rng.gauss(0.0, 1.0) for _ in range(m)]
    draw = init.initialiser(how)
    zs = [math.fsum([draw(rng, m, 1) * x for x in xs]) for _ in range(4000)]
    mean_square = math.fsum([x * x for x in xs]) / m
    assert np.var(zs) / mean_square == pytest.approx(variance, rel=0.06)


@item("mit.init.bias")
def test_biases_may_start_as_normal_numbers():
    biases = [Neuron(1, rng=seed, bias_init="normal").b.data for seed in range(3000)]
    assert (np.mean(biases), np.std(biases)) == (pytest.approx(0.0, abs=0.05), pytest.approx(1.0, rel=0.04))


# ---------------------------------------------------------------- §6 losses


@item("mit.loss.table")
def test_the_four_pairs_of_loss_and_activation_have_the_slopes_of_the_table():
    z = [Value(0.4), Value(-0.3)]
    y = Value(0.4)
    found = []
    for cost, parameter in (
        (losses.squared_error(y, 1.0), y),
        (losses.hinge(y, 1), y),
        (losses.nll(y.sigmoid(), 1), y),
        (losses.nllm_with_logits(z, 0), z[0]),
    ):
        parameter.grad = 0.0
        cost.backward()
        found.append(parameter.grad)
    sigmoid, softmax = 1.0 / (1.0 + math.exp(-0.4)), 1.0 / (1.0 + math.exp(-0.7))
    assert found == pytest.approx([2.0 * (0.4 - 1.0), -1.0, sigmoid - 1.0, softmax - 1.0], rel=1e-12)
    assert {(pair.loss.__name__, pair.activation) for pair in pairing.TABLE} >= {
        ("squared_error", "identity"), ("hinge", "identity"), ("nll", "sigmoid"), ("nllm", "softmax"),
    }  # fmt: skip


@item("mit.loss.nll")
@pytest.mark.parametrize(("g", "a"), [(0.3, 1), (0.3, 0), (0.9, 1), (0.5, 0)])
def test_nll_is_minus_the_logarithm_of_the_probability_of_what_was_found(g, a):
    assert losses.nll(Value(g), a).data == pytest.approx(-(a * math.log(g) + (1 - a) * math.log(1 - g)), rel=1e-15)


@item("mit.loss.hinge")
def test_the_slopes_of_the_hinge_are_those_of_the_catalogue():
    found = []
    for guess, actual in ((0.3, 1), (1.5, 1), (-0.4, 1), (0.3, -1), (-2.0, -1)):
        g = Value(guess)
        losses.hinge(g, actual).backward()
        found.append(g.grad)
    assert found == [-1.0, 0.0, -1.0, 1.0, 0.0]


@item("mit.loss.nllm")
def test_nllm_is_minus_the_logarithm_of_the_product_of_powers():
    guess, actual = [0.2, 0.5, 0.3], [0, 1, 0]
    product = math.prod([g**a for g, a in zip(guess, actual, strict=True)])
    assert losses.nllm([Value(g) for g in guess], actual).data == pytest.approx(-math.log(product), rel=1e-15)


# ---------------------------------------------------------------- §7 batches, averages, step sizes


@item("mit.opt.batch")
def test_batch_descent_goes_along_the_sum_of_all_gradients():
    model = Line(0.4, -0.2)
    fit_line(model)
    assert numbers(model) == pytest.approx(np.array([0.4, -0.2]) - 0.05 * slope([0.4, -0.2]), rel=1e-12)


@item("mit.opt.sgd")
def test_a_step_on_one_sample_is_on_average_the_nth_part_of_the_batch_step():
    steps = []
    for row, target in zip(ROWS, TARGETS, strict=True):
        model = Line(0.4, -0.2)
        fit_line(model, [row], [target], batch_size=1)
        steps.append(np.array(numbers(model)) - [0.4, -0.2])
    assert (3.0 * np.mean(steps, axis=0)).tolist() == pytest.approx((-0.05 * slope([0.4, -0.2])).tolist(), rel=1e-12)


@item("mit.opt.minibatch")
def test_a_mini_batch_step_sums_the_gradients_of_its_samples():
    model, w, rng = Line(0.4, -0.2), np.array([0.4, -0.2]), Random(7)
    fit_line(model, batch_size=2, rng=7)
    for chosen in batches(3, 2, rng):
        w = w - 0.05 * slope(w, [ROWS[i] for i in chosen], [TARGETS[i] for i in chosen])
    assert numbers(model) == pytest.approx(w.tolist(), rel=1e-12)


@item("mit.opt.minibatch.algo")
def test_ten_samples_by_four_are_batches_of_four_four_and_two_and_every_sample_has_its_turn():
    found = list(batches(10, 4, Random(0)))
    assert [len(batch) for batch in found] == [4, 4, 2]
    assert sorted(i for batch in found for i in batch) == list(range(10))
    assert list(batches(10, 4, None)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


DATA = (2.0, 4.0, -1.0, 5.0, 3.0)


@item("mit.avg.running")
def test_a_running_average_may_have_a_rate_for_each_step():
    average, expected = optim.RunningAverage(lambda t: 0.5 / t), 0.0
    for t, a in enumerate(DATA, start=1):
        expected = 0.5 / t * expected + (1.0 - 0.5 / t) * a
        average.add(a)
    assert average.value == pytest.approx(expected, rel=1e-15)


@item("mit.avg.moving")
def test_a_moving_average_weighs_what_came_later_more():
    average = optim.RunningAverage(0.9)
    for a in DATA:
        average.add(a)
    assert average.value == pytest.approx(1.09182, abs=1e-15)


def path(rule, gradients, **options):
    """Return W after each step, from W = 1."""
    w = Value(1.0)
    optimiser, found = rule([w], **options), []
    for g in gradients:
        w.grad = g
        optimiser.step()
        found.append(w.data)
    return found


@item("mit.opt.momentum")
def test_momentum_rolls_down_the_catalogues_bowl():
    w = [Value(2.0), Value(1.0)]
    momentum, found = optim.Momentum(w, lr=0.005, momentum=0.9), []
    for _ in range(5):
        momentum.zero_grad()
        (0.5 * w[0] * w[0] + 5.0 * w[1] * w[1]).backward()
        momentum.step()
        found.append([w[0].data, w[1].data])
    assert found[0] == pytest.approx([1.99, 0.95], rel=1e-14)
    assert found[1] == pytest.approx([1.97105, 0.8575], rel=1e-14)
    assert found[4] == pytest.approx([1.8701029, 0.41715594], rel=1e-8)


@item("mit.opt.adadelta")
def test_the_printed_adadelta_is_rmsprop_and_zeilers_is_another_rule():
    printed = path(optim.RMSProp, [0.5, -0.2, 0.1], lr=0.1, gamma=0.9, eps=1e-8, eps_inside_root=True)
    assert printed == pytest.approx([0.6837722972, 0.8066312974, 0.7431951622], abs=1e-10)
    assert path(optim.Adadelta, [0.5, -0.2, 0.1], rho=0.9, eps=1e-6)[-1] == pytest.approx(0.997634, abs=1e-6)


@item("mit.opt.adam")
def test_adam_has_its_epsilon_inside_the_root_in_print_and_outside_in_the_paper():
    inside = path(optim.Adam, [0.5, -0.2, 0.1], lr=0.1, eps_inside_root=True)
    assert inside == pytest.approx([0.9000000020, 0.865439418401, 0.827500241818], abs=1e-11)
    assert path(optim.Adam, [0.5, -0.2, 0.1], lr=0.1)[-1] == pytest.approx(0.827500240836, abs=1e-11)
    tiny = [5e-5, -2e-5, 1e-5]
    assert path(optim.Adam, tiny, lr=0.1, eps_inside_root=True)[-1] == pytest.approx(0.9315469, abs=1e-7)
    assert path(optim.Adam, tiny, lr=0.1)[-1] == pytest.approx(0.8275413, abs=1e-7)


# ---------------------------------------------------------------- §8 regularisation


@item("mit.reg.early_stopping")
def test_the_weights_of_the_lowest_validation_loss_are_returned():
    scripted, model, met = iter([1.0, 0.8, 0.7, 0.75, 0.9]), Line(), []

    def loss(output, target):
        return Value(next(scripted)) if output.op is None else losses.squared_error(output, target)

    history = fit(
        model, ROWS, TARGETS, loss=loss, optimiser=optim.SGD(model.parameters(), lr=0.05), epochs=50, progress=False, rng=0,
        validation=([[0.0, 0.0]], [0.0]), early_stopping=EarlyStopping(patience=2),
        callbacks=[lambda epoch: met.append(numbers(epoch.model))],
    )  # fmt: skip
    assert (history.best_epoch, numbers(model)) == (3, met[2])


@item("mit.reg.decay")
def test_weight_decay_by_penalty_and_by_optimiser_are_the_catalogues_step():
    expected = pytest.approx([0.2182, -0.23], abs=1e-12)
    by_penalty = Line(0.4, -0.2)
    fit_line(by_penalty, penalty=lambda model: l2(model, 0.1))
    assert numbers(by_penalty) == expected
    by_rule = Line(0.4, -0.2)
    sgd = optim.SGD(by_rule.parameters(), lr=0.05, weight_decay=0.2)
    fit(by_rule, ROWS, TARGETS, loss=losses.squared_error, optimiser=sgd, epochs=1, reduction="sum", progress=False)
    assert numbers(by_rule) == expected


@item("mit.reg.dropout")
@pytest.mark.parametrize("inverted", [False, True])
def test_dropout_with_a_fifth_dropped_keeps_the_mean_of_what_comes_out(inverted):
    """E-MIT-20: the weights out of the layer are multiplied by the probability of keeping, and not of dropping."""
    layer, w = Dropout(drop=0.2, rng=0, inverted=inverted), [0.5, -0.25, 0.1, 0.3]

    def out():
        return math.fsum([weight * unit.data for weight, unit in zip(w, layer([1.0, 2.0, 3.0, 4.0]), strict=True)])

    mean = np.mean([out() for _ in range(20000)])
    layer.eval()
    assert out() == pytest.approx(1.5 if inverted else 1.2, rel=1e-15)
    assert mean == pytest.approx(out(), abs=0.02)


Z = np.array([[0.5, -1.2, 2.0, 0.3], [1.0, 0.7, -0.4, -2.1]])
MU, SIGMA = np.array([0.4, -0.2]), np.array([1.1335784049, 1.2144957801])


def normalised(eps_inside_root, eps=0.1):
    """Return Ẑ of F-BN by our module, whose rows are samples."""
    layer = BatchNorm(2, eps=eps, eps_inside_root=eps_inside_root)
    layer.load_state_dict(layer.state_dict() | {"weight": [1.5, -0.8], "bias": [0.2, 0.1]})
    rows = layer.on_batch([tuple([Value(z) for z in column]) for column in Z.T])
    return layer, np.array([[unit.data for unit in row] for row in rows]).T


@item("mit.bn.mu")
@item("mit.bn.sigma")
def test_mean_and_deviation_are_over_the_batch():
    layer, _ = normalised(eps_inside_root=True)
    assert layer.state_dict()["running_mean"].tolist() == pytest.approx((0.1 * MU).tolist(), rel=1e-12)
    unbiased = 0.9 + 0.1 * SIGMA**2 * 4.0 / 3.0
    assert layer.state_dict()["running_var"].tolist() == pytest.approx(unbiased.tolist(), rel=1e-9)


@item("mit.bn.zbar")
@item("mit.bn.zhat")
@pytest.mark.parametrize(("inside", "scale"), [(False, (0.81065, 0.76075)), (True, (0.84972, 0.79682))])
def test_epsilon_is_added_to_the_deviation_in_print_and_to_the_variance_in_the_paper(inside, scale):
    _, found = normalised(eps_inside_root=inside)
    bar = (Z - MU[:, None]) * np.array(scale)[:, None]
    np.testing.assert_allclose(found, np.array([[1.5], [-0.8]]) * bar + np.array([[0.2], [0.1]]), atol=3e-5)


# ---------------------------------------------------------------- nothing is left out


def test_every_algorithm_formula_and_table_about_training_has_its_test_here():
    table = Path(__file__).parent.parent / "data" / "lectures.csv"
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    about_training = [
        row["id"]
        for row in rows[[row["id"] for row in rows].index("mit.sgd.pseudocode") :]
        if row["id"].startswith("mit.") and row["kind"] in ITEM_KINDS
    ]
    assert sorted(ITEMS) == sorted(about_training)
