"""fit: gradient descent as it is written by hand, the same each time, and safe to stop."""

import math
import re
import sys
from dataclasses import replace
from fractions import Fraction
from random import Random
from unittest.mock import ANY

import numpy as np
import pandas as pd
import pytest
from messages import message_of
from sklearn.datasets import make_moons

from autograd_core import AnomalyError, ArgumentError, MissingExtraError, OperandTypeError, Value, log, sqrt
from nn import MLP, BatchNorm, Dropout, EarlyStopping, History, Layer, Module, Sequential, fit, schedules
from nn.losses import hinge, nllm_with_logits, squared_error
from nn.metrics import mean_absolute_error
from nn.module import elements
from nn.optim import SGD, Momentum

X = np.random.default_rng(0).normal(size=(10, 2))
T = np.sin(X[:, 0]) - 0.5 * X[:, 1]


class Line(Module):
    def __init__(self):
        self.slope, self.offset = Value(0.0), Value(0.0)

    def forward(self, x):
        return self.slope * x[0] + self.offset


class Recorder(SGD):
    """SGD that writes down the weights after each step."""

    def __init__(self, model, lr):
        super().__init__(model.parameters(), lr)
        self.model, self.states = model, []

    def step(self):
        super().step()
        self.states.append(self.model.state_dict())


def weights(model):
    return [p.data for p in model.parameters()]


def train(model=None, seed=0, lr=0.1, **options):
    """Fit a small network to ten samples, and return it with its history."""
    model = model or MLP(2, [3, 1], activation="tanh", rng=0)
    options = {"loss": squared_error, "epochs": 3, "batch_size": 4, "progress": False} | options
    optimiser = options.pop("optimiser", None) or SGD(model.parameters(), lr=lr)
    try:
        return model, fit(model, X, T, optimiser=optimiser, rng=seed, **options)
    except KeyboardInterrupt:
        pytest.fail("Ctrl-C came out of fit")


# ---------------------------------------------------------------- it learns


def test_a_line_is_fitted_as_least_squares_do():
    rng = np.random.default_rng(1)
    xs = rng.uniform(-1.0, 1.0, size=(20, 1))
    ts = 3.0 * xs[:, 0] - 0.5 + 0.1 * rng.normal(size=20)
    slope, offset = np.linalg.lstsq(np.column_stack([xs, np.ones(20)]), ts, rcond=None)[0]
    model = Line()
    history = fit(
        model, xs, ts, loss=squared_error, optimiser=SGD(model.parameters(), lr=0.5), epochs=200, rng=0, progress=False
    )
    assert weights(model) == pytest.approx([slope, offset], abs=1e-12)
    assert history.loss[-1] == pytest.approx(np.mean((slope * xs[:, 0] + offset - ts) ** 2), rel=1e-12)


def test_full_batches_are_gradient_descent_as_the_lectures_write_it():
    """Forward and backward in matrices, by hand, beside fit: the same weights after each of 25 steps."""
    model = MLP(2, [3, 1], activation="tanh", rng=0)
    W1, b1, W2, b2 = model.state_dict().values()
    optimiser = Recorder(model, lr=0.2)
    _, history = train(model, epochs=25, batch_size=None, optimiser=optimiser)
    assert len(optimiser.states) == len(history.step_loss) == len(history.loss) == 25
    for state, loss in zip(optimiser.states, history.step_loss, strict=True):
        H = np.tanh(X @ W1.T + b1)
        error = (H @ W2.T + b2)[:, 0] - T
        assert loss == pytest.approx(np.mean(error**2), rel=1e-12)
        dZ2 = 2.0 / 10.0 * error[:, None]
        dZ1 = (dZ2 @ W2) * (1.0 - H**2)
        W2, b2 = W2 - 0.2 * dZ2.T @ H, b2 - 0.2 * dZ2.sum(axis=0)
        W1, b1 = W1 - 0.2 * dZ1.T @ X, b1 - 0.2 * dZ1.sum(axis=0)
        for found, expected in zip(state.values(), (W1, b1, W2, b2), strict=True):
            np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-12)


def test_mini_batches_are_gradient_descent_on_the_mean_over_each_batch():
    model = Line()
    _, history = train(model, epochs=2)
    slope, offset, losses = 0.0, 0.0, []
    rng = Random(0)
    for _ in range(2):
        order = list(range(10))
        rng.shuffle(order)
        for batch in (order[:4], order[4:8], order[8:]):
            x, error = X[batch, 0], slope * X[batch, 0] + offset - T[batch]
            losses.append(np.mean(error**2))
            slope, offset = slope - 0.1 * np.mean(2.0 * error * x), offset - 0.1 * np.mean(2.0 * error)
    assert weights(model) == pytest.approx([slope, offset], rel=1e-12)
    assert history.step_loss == pytest.approx(losses, rel=1e-12)


def test_the_moons_are_told_apart_by_hinge_loss():
    points, labels = make_moons(n_samples=100, noise=0.1, random_state=0)
    labels = 2 * labels - 1
    model = MLP(2, [8, 8, 1], rng=0)
    sgd = SGD(model.parameters(), lr=0.1)
    fit(model, points, labels, loss=hinge, optimiser=sgd, epochs=25, batch_size=5, rng=0, progress=False)
    scores = np.array([model(x).data for x in points])
    assert np.mean((scores > 0) == (labels > 0)) >= 0.99


@pytest.mark.parametrize(
    "targets",
    [[0, 1, 2] * 3, np.array([0, 1, 2] * 3), np.eye(3)[[0, 1, 2] * 3]],
    ids=["list", "array", "one-hot array"],
)
def test_classes_may_be_numbers_or_one_hot_rows(targets):
    inputs = np.eye(3)[[0, 1, 2] * 3]
    model = MLP(3, [3], rng=0)
    sgd = SGD(model.parameters(), lr=1.0)
    fit(model, inputs, targets, loss=nllm_with_logits, optimiser=sgd, epochs=10, rng=0, progress=False)
    assert [int(np.argmax([y.data for y in model(x)])) for x in np.eye(3)] == [0, 1, 2]


# ---------------------------------------------------------------- the history


def test_the_loss_of_an_epoch_is_the_mean_over_its_samples_though_the_last_batch_is_short():
    _, history = train()
    assert (len(history.step_loss), len(history.loss)) == (9, 3)
    for epoch, loss in enumerate(history.loss):
        a, b, c = history.step_loss[3 * epoch : 3 * epoch + 3]
        assert loss == pytest.approx((4.0 * a + 4.0 * b + 2.0 * c) / 10.0, rel=1e-14)


def test_without_learning_every_epoch_has_the_loss_of_the_model_as_it_is():
    model, history = train(lr=0.0)
    loss = np.mean([(model(x).data - t) ** 2 for x, t in zip(X, T, strict=True)])
    assert history.loss == pytest.approx([loss] * 3, rel=1e-14)


def test_a_run_that_was_not_stopped_says_so():
    _, history = train()
    assert history.interrupted is False


def test_the_last_step_used_its_own_gradients_alone():
    """Each step starts from gradients of 0, whatever they were before the training."""
    model = MLP(2, [3, 1], activation="tanh", rng=0)
    for p in model.parameters():
        p.grad = 1000.0
    train(model, epochs=1)
    expected, _ = train(epochs=1)
    assert weights(model) == weights(expected)


# ---------------------------------------------------------------- what is minimised


def test_a_sum_is_as_many_times_the_mean_as_there_are_samples():
    model, history = train(reduction="sum", lr=0.01, batch_size=None)
    expected, expected_history = train(lr=0.1, batch_size=None)
    assert weights(model) == pytest.approx(weights(expected), rel=1e-12)
    assert history.loss == pytest.approx([10.0 * loss for loss in expected_history.loss], rel=1e-12)


def test_a_weight_of_two_is_a_sample_that_is_there_twice():
    twice = [0, 0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9]
    weighted, one = Line(), Line()
    history = fit_line(weighted, X, T, sample_weight=[twice.count(i) for i in range(10)])
    expected = fit_line(one, X[twice], T[twice])
    assert weights(weighted) == pytest.approx(weights(one), rel=1e-12)
    assert history.loss == pytest.approx(expected.loss, rel=1e-12)


def test_a_weight_of_zero_is_a_sample_that_is_not_there():
    weighted, fewer = Line(), Line()
    fit_line(weighted, X, T, sample_weight=[1.0] * 7 + [0.0] * 3)
    fit_line(fewer, X[:7], T[:7])
    assert weights(weighted) == pytest.approx(weights(fewer), rel=1e-12)


def test_a_batch_of_samples_without_weight_changes_nothing():
    model = Line()
    history = fit_line(model, X, T, sample_weight=[1.0] * 5 + [0.0] * 5, batch_size=5, shuffle=False, epochs=1)
    assert history.step_loss[1] == 0.0


def fit_line(model, inputs, targets, **options):
    options = {"epochs": 5, "progress": False, "rng": 0} | options
    return fit(model, inputs, targets, loss=squared_error, optimiser=SGD(model.parameters(), lr=0.1), **options)


def test_a_penalty_is_added_to_the_loss_of_every_batch():
    """Ridge regression has a closed form: the weights minimise the mean of squares plus λ w²."""
    model = Line()
    history = fit_line(model, X, T, penalty=lambda line: 0.3 * line.slope * line.slope, epochs=400)
    A = np.column_stack([X[:, 0], np.ones(10)])
    slope, offset = np.linalg.solve(A.T @ A / 10.0 + np.diag([0.3, 0.0]), A.T @ T / 10.0)
    assert weights(model) == pytest.approx([slope, offset], rel=1e-10)
    assert history.loss[-1] == pytest.approx(np.mean((A @ [slope, offset] - T) ** 2) + 0.3 * slope**2, rel=1e-10)


def test_without_shuffling_the_batches_are_the_samples_in_their_order():
    met = []

    def spying(output, target):
        met.append(target)
        return squared_error(output, target)

    train(loss=spying, shuffle=False, epochs=2)
    assert met == [*T, *T]


# ---------------------------------------------------------------- what is held out


def test_a_part_is_held_out_and_never_trained_on():
    met = []

    def spying(output, target):
        met.append((target, output.op is None))
        return squared_error(output, target)

    _, history = train(loss=spying, validation=0.3, epochs=4)
    trained = {target for target, without_graph in met if not without_graph}
    held_out = {target for target, without_graph in met if without_graph}
    assert (len(trained), len(held_out), trained & held_out) == (7, 3, set())
    assert len(history.validation_loss) == 4


def test_the_validation_loss_is_that_of_the_weights_after_the_epoch():
    xs, ts = X[:4] + 1.0, T[:4]
    found = []

    def note(epoch):
        found.append(np.mean([(epoch.model(x).data - t) ** 2 for x, t in zip(xs, ts, strict=True)]))

    _, history = train(validation=(xs, ts), callbacks=[note])
    assert history.validation_loss == pytest.approx(found, rel=1e-12)


def test_metrics_are_of_the_training_outputs_as_they_were_met_and_of_the_held_out_ones():
    _, history = train(metrics={"error": mean_absolute_error}, validation=(X[:3], T[:3]), batch_size=None, lr=0.0)
    model = MLP(2, [3, 1], activation="tanh", rng=0)
    errors = [abs(model(x).data - t) for x, t in zip(X, T, strict=True)]
    assert history.metrics == {"error": pytest.approx([np.mean(errors)] * 3, rel=1e-12)}
    assert history.validation_metrics == {"error": pytest.approx([np.mean(errors[:3])] * 3, rel=1e-12)}


def test_early_stopping_gives_back_the_weights_of_the_epoch_with_the_lowest_validation_loss():
    """mit.reg.early_stopping on the catalogue's losses: 1, .8, .7, .75, .9, …, so epoch 3 is the best."""
    scripted = iter([1.0, 0.8, 0.7, 0.75, 0.9, 1.1, 1.2])
    states = []

    def loss(output, target):
        return Value(next(scripted)) if output.op is None else squared_error(output, target)

    model, history = train(
        loss=loss,
        validation=([[0.0, 0.0]], [0.0]),
        epochs=100,
        early_stopping=EarlyStopping(patience=2),
        callbacks=[lambda epoch: states.append(weights(epoch.model))],
    )
    assert history.validation_loss == [1.0, 0.8, 0.7, 0.75, 0.9]
    assert (history.best_epoch, history.epochs) == (3, 5)
    assert weights(model) == states[2] != states[4]
    assert history.stopped == "the validation loss did not fall for 2 epochs; it was lowest in epoch 3"


@pytest.mark.parametrize("validation", [[X[:3], T[:3]], (X[:3].tolist(), iter(T[:3]))], ids=["list", "iterator"])
def test_the_pair_to_validate_with_may_be_a_list_and_its_targets_an_iterator(validation):
    assert train(validation=validation) == (ANY, train(validation=(X[:3], T[:3]))[1])


@pytest.mark.parametrize("part", [np.float32(0.25), np.float64(0.25), Fraction(1, 4)])
def test_the_part_to_hold_out_may_be_any_number(part):
    assert train(validation=part)[1] == train(validation=0.25)[1]


def test_the_validation_loss_of_a_part_is_weighted_as_the_samples_are():
    met = []

    def spying(output, target):
        if output.op is None:
            met.append(target)
        return squared_error(output, target)

    sizes = [1.0 + i for i in range(10)]
    model, history = train(loss=spying, sample_weight=sizes, validation=0.3, epochs=1)
    held = [T.tolist().index(target) for target in met]
    errors = [(model(X[i]).data - T[i]) ** 2 for i in held]
    assert history.validation_loss == [pytest.approx(np.average(errors, weights=[sizes[i] for i in held]), rel=1e-12)]


def test_early_stopping_of_a_function_is_refused():
    line = Line()
    options = {"optimiser": SGD(line.parameters(), lr=0.1), "validation": 0.2, "early_stopping": EarlyStopping()}
    message = message_of(ArgumentError, lambda: train(line.forward, **options))
    assert message == f"{line.forward!r} is no Module, which checkpoints and early stopping need: make the model one"
    assert weights(line) == [0.0, 0.0]


def test_a_validation_loss_that_is_never_finite_ends_the_run_and_says_so():
    _, history = train(validation=([[math.nan, 0.0]], [0.0]), early_stopping=EarlyStopping(patience=2), epochs=9)
    assert (history.epochs, history.best_epoch) == (2, None)
    assert history.stopped == "the validation loss did not fall for 2 epochs; it was never finite"


@pytest.mark.parametrize("number", [np.float32(0.5), np.array(0.5), Fraction(1, 2), True])
def test_what_a_metric_returns_is_kept_as_a_plain_number(number):
    _, history = train(metrics={"half": lambda *_: number}, validation=0.2, epochs=1)
    assert history.metrics == history.validation_metrics == {"half": [float(number)]}
    assert type(history.metrics["half"][0]) is type(history.validation_metrics["half"][0]) is float


# ---------------------------------------------------------------- modes, callbacks, rates


def test_dropout_is_at_work_in_training_alone():
    model = Sequential(Dropout(drop=0.5, rng=0), Layer(2, 1, activation="identity", rng=0), lambda row: row[0])
    modes = []

    def spying(output, target):
        modes.append((model.training, output.op is None))
        return squared_error(output, target)

    train(model, loss=spying, validation=0.2, epochs=2)
    assert set(modes) == {(True, False), (False, True)}
    assert not any(module.training for _, module in model.named_modules())


def test_a_model_in_evaluation_mode_is_trained_in_training_mode():
    model = MLP(2, [1], rng=0).eval()
    modes = []
    train(model, loss=lambda y, t: modes.append(model.training) or squared_error(y, t), epochs=1)
    assert modes == [True] * 10


def test_a_callback_sees_every_epoch_and_may_end_the_run():
    seen = []

    def stop(epoch):
        seen.append((epoch.number, epoch.history.epochs, epoch.optimiser.steps))
        return epoch.number == 3

    _, history = train(epochs=50, callbacks=[stop])
    assert seen == [(1, 1, 3), (2, 2, 6), (3, 3, 9)]
    assert history.stopped == "a callback ended the run after epoch 3"


def test_a_callback_may_answer_with_numpys_true():
    _, history = train(epochs=5, callbacks=[lambda epoch: np.float64(epoch.number) > 1.0])
    assert history.stopped == "a callback ended the run after epoch 2"


def test_only_true_ends_the_run():
    """A callback that returns what it has counted, or logged, is not misunderstood."""
    assert train(callbacks=[lambda _: 1, lambda _: "saved", lambda _: False])[1].stopped == ""


def test_the_first_reason_to_stop_is_the_one_that_is_told():
    stop = EarlyStopping(patience=1)
    _, history = train(validation=0.2, lr=0.0, epochs=5, early_stopping=stop, callbacks=[lambda e: e.number == 2])
    assert history.stopped == "the validation loss did not fall for 1 epochs; it was lowest in epoch 1"


def test_callbacks_may_come_from_a_generator():
    seen = []
    train(epochs=3, callbacks=(note for note in [lambda epoch: seen.append(epoch.number)]))
    assert seen == [1, 2, 3]


def test_a_rate_that_a_callback_sets_is_that_of_the_next_epoch():
    def halve(epoch):
        epoch.optimiser.lr /= 2.0

    assert train(callbacks=[halve], lr=0.8)[1].rates == [0.8, 0.4, 0.2]


def test_the_history_has_the_rate_of_each_epochs_last_step():
    model = MLP(2, [3, 1], rng=0)
    optimiser = SGD(model.parameters(), lr=schedules.step(0.8, every=3, factor=0.5))
    _, history = train(model, optimiser=optimiser)
    assert history.rates == [0.8, 0.4, 0.2]


def test_gradient_norms_are_root_mean_squares_over_the_steps_of_each_array():
    model = MLP(2, [3, 1], activation="tanh", rng=0)

    class Noting(SGD):
        def step(self):
            norms.append({name: norm(tensor) for name, tensor in model.named_tensors()})
            super().step()

    def norm(tensor):
        return math.sqrt(math.fsum(p.grad**2 for _, p in elements(tensor)))

    norms = []
    _, history = train(model, optimiser=Noting(model.parameters(), lr=0.1), epochs=1)
    assert history.gradient_norms == {
        name: [pytest.approx(math.sqrt(np.mean([one[name] ** 2 for one in norms])), rel=1e-12)] for name in norms[0]
    }


def test_the_norm_of_a_shared_array_goes_by_its_first_name():
    class Twice(Module):
        def __init__(self):
            self.first = Layer(2, 2, activation="tanh", rng=0)
            self.again, self.last = self.first, Layer(2, 1, activation="identity", rng=1)

        def forward(self, x):
            return self.last(self.again(self.first(x)))[0]

    _, history = train(Twice())
    assert sorted(history.gradient_norms) == ["first.bias", "first.weight", "last.bias", "last.weight"]


def test_parameters_that_are_no_part_of_the_model_have_one_norm_together():
    other = [Value(1.0), Value(2.0)]
    model = MLP(2, [1], rng=0)

    def loss(output, target):
        return squared_error(output, target) + 3.0 * other[0] + 4.0 * other[1]

    _, history = train(model, loss=loss, optimiser=SGD([*other, *model.parameters()[:2]], lr=0.01), epochs=1)
    assert list(history.gradient_norms) == ["layers.0.weight", "parameters"]
    assert history.gradient_norms["parameters"] == [pytest.approx(5.0, rel=1e-12)]


def test_a_second_run_goes_on_with_the_weights_and_the_steps_of_the_first():
    model, twin = Line(), Line()
    optimiser, other = Momentum(model.parameters(), lr=0.05), Momentum(twin.parameters(), lr=0.05)
    first = train(model, optimiser=optimiser, epochs=2, shuffle=False)[1]
    second = train(model, optimiser=optimiser, epochs=3, shuffle=False)[1]
    whole = train(twin, optimiser=other, epochs=5, shuffle=False)[1]
    assert first.step_loss + second.step_loss == whole.step_loss
    assert (weights(model), optimiser.steps) == (weights(twin), 15)


def test_a_callback_that_raises_leaves_the_best_weights_in_evaluation_mode():
    def fail(epoch):
        states.append(weights(epoch.model))
        if epoch.number == 3:
            raise RuntimeError("the disk of the logs is full")

    states, model, scripted = [], MLP(2, [3, 1], activation="tanh", rng=0), iter([3.0, 1.0, 2.0])

    def loss(output, target):
        return Value(next(scripted)) if output.op is None else squared_error(output, target)

    with pytest.raises(RuntimeError, match="the disk of the logs is full"):
        train(model, loss=loss, validation=([[0.0, 0.0]], [0.0]), early_stopping=EarlyStopping(), callbacks=[fail])
    assert weights(model) == states[1] != states[2]
    assert not any(module.training for _, module in model.named_modules())


def test_without_restore_the_last_weights_stay():
    states = []
    model, history = train(
        validation=(X[:2], [5.0, -5.0]),
        early_stopping=EarlyStopping(patience=2, restore=False),
        epochs=40,
        callbacks=[lambda epoch: states.append(weights(epoch.model))],
    )
    assert weights(model) == states[-1]
    assert history.best_epoch == history.validation_loss.index(min(history.validation_loss)) + 1


def test_a_model_may_be_any_function():
    line = Line()
    sgd = SGD(line.parameters(), lr=0.5)
    history = fit(line.forward, X, T, loss=squared_error, optimiser=sgd, epochs=2, rng=0, progress=False)
    assert list(history.gradient_norms) == ["parameters"]


# ---------------------------------------------------------------- numbers that are none


def test_a_loss_that_is_nan_stops_the_run_names_the_first_bad_node_and_leaves_the_weights():
    model = Line()
    model.slope.data = 1.0

    def loss(output, target):
        return squared_error(log(output), target)

    line = 1 + loss.__code__.co_firstlineno
    xs = np.array([[1.0, 0.0], [-2.0, 0.0]])
    message = message_of(AnomalyError, lambda: fit_line_with(model, xs, loss))
    assert message == (
        f"step 1 has no finite loss and gradient (the loss is nan): log(-2.0) is nan; recorded at {__file__}:{line} "
        "(return squared_error(log(output), target)): keep its inputs inside the op's domain"
    )
    assert weights(model) == [1.0, 0.0]


def fit_line_with(model, xs, loss):
    sgd = SGD(model.parameters(), lr=0.1)
    return fit(model, xs, [0.0] * len(xs), loss=loss, optimiser=sgd, epochs=5, rng=0, progress=False, shuffle=False)


def test_a_gradient_that_is_infinite_stops_the_run_though_the_loss_is_finite():
    model = Line()
    message = message_of(AnomalyError, lambda: fit_line_with(model, [[1.0, 0.0]], lambda y, _: sqrt(y)))
    assert message.startswith("step 1 has no finite loss and gradient (the loss is 0): the derivative of sqrt(0.0)")
    assert weights(model) == [0.0, 0.0]


def test_after_a_nan_masks_and_running_statistics_are_as_before_the_step():
    hidden = Layer(2, 2, activation="identity", rng=0)
    model = Sequential(hidden, BatchNorm(2), Dropout(drop=0.5, rng=3), lambda row: row[0] + row[1])
    before = {name: array.tolist() for name, array in model.state_dict().items()}
    states = [rng.getstate() for _, rng in model.named_generators()]
    with pytest.raises(AnomalyError):
        fit_line_with(model, [[1.0, 2.0], [3.0, -1.0]], lambda y, _: log(-1.0 - y * y))
    assert {name: array.tolist() for name, array in model.state_dict().items()} == before
    assert [rng.getstate() for _, rng in model.named_generators()] == states


def test_a_loss_that_grows_without_end_is_stopped_at_the_first_step_that_overflows():
    model = Line()
    sgd = SGD(model.parameters(), lr=1e200)
    message = message_of(
        AnomalyError, lambda: fit(model, X, T, loss=squared_error, optimiser=sgd, epochs=9, rng=0, progress=False)
    )
    assert message.startswith("step 2 has no finite loss and gradient (the loss is inf): ")
    assert all(math.isfinite(w) for w in weights(model))


def test_a_loss_that_is_a_plain_number_is_refused():
    message = message_of(ArgumentError, lambda: train(loss=lambda _y, _t: 1.0))
    assert message == "the loss is 1.0, a plain number: compute it from the model's output with ops"


def test_a_loss_that_is_a_plain_number_is_refused_though_the_penalty_is_a_value():
    message = message_of(
        ArgumentError, lambda: train(loss=lambda _y, _t: 1.0, penalty=lambda model: model.parameters()[0] ** 2)
    )
    assert message == "the loss is 1.0, a plain number: compute it from the model's output with ops"


def test_a_penalty_may_be_a_plain_number():
    _, history = train(penalty=lambda _: 0.5, epochs=1, batch_size=None)
    _, expected = train(epochs=1, batch_size=None)
    assert history.loss == pytest.approx([expected.loss[0] + 0.5], rel=1e-14)


def test_a_module_that_gives_fewer_outputs_than_it_was_given_samples_is_refused():
    class First(Line):
        def forward_batch(self, rows):
            return [self.forward(rows[0])]

    assert message_of(ArgumentError, lambda: train(First())) == (
        "First gives 1 outputs for a batch of 4 samples: let its forward_batch return one for each"
    )


# ---------------------------------------------------------------- seeds


def test_the_same_seed_gives_the_same_history_and_weights_to_the_bit():
    (model, history), (other, other_history) = train(seed=3), train(seed=3)
    assert history == other_history
    assert weights(model) == weights(other)


def test_a_generator_of_the_same_seed_does_too():
    assert train(seed=3)[1] == train(seed=Random(3))[1]


def test_another_seed_gives_another_order():
    (model, history), (other, other_history) = train(seed=3), train(seed=4)
    assert history.step_loss != other_history.step_loss
    assert weights(model) != weights(other)


def test_every_epoch_goes_through_all_samples_once_in_an_order_of_its_own():
    met = []

    def spying(output, target):
        met.append(target)
        return squared_error(output, target)

    train(epochs=4, loss=spying)
    epochs = [met[i : i + 10] for i in range(0, 40, 10)]
    assert all(sorted(epoch) == sorted(T) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_without_a_seed_the_order_differs_each_time():
    assert train(seed=None)[1].step_loss != train(seed=None)[1].step_loss


# ---------------------------------------------------------------- Ctrl-C


def stop_at(k):
    """Return a loss during whose k-th call Ctrl-C is pressed."""
    calls = iter(range(1, k + 1))

    def loss(output, target):
        if next(calls) == k:
            raise KeyboardInterrupt
        return squared_error(output, target)

    return loss


def test_ctrl_c_keeps_the_weights_and_the_history_of_the_steps_that_were_done():
    model, history = train(loss=stop_at(31), epochs=50)
    expected, expected_history = train(epochs=3)
    assert weights(model) == weights(expected)
    assert history == replace(expected_history, interrupted=True)


def test_ctrl_c_within_an_epoch_keeps_its_steps_but_gives_it_no_loss():
    model, history = train(loss=stop_at(17), epochs=50)
    assert (len(history.loss), len(history.step_loss), history.interrupted) == (1, 4, True)
    optimiser = Recorder(MLP(2, [3, 1], activation="tanh", rng=0), lr=0.1)
    train(optimiser.model, optimiser=optimiser)
    for found, expected in zip(model.state_dict().values(), optimiser.states[3].values(), strict=True):
        assert found.tolist() == expected.tolist()


def test_ctrl_c_before_the_first_step_leaves_the_model_as_it_was():
    model, history = train(loss=stop_at(1))
    assert weights(model) == weights(MLP(2, [3, 1], activation="tanh", rng=0))
    assert history == History([], [], interrupted=True)


def test_any_other_error_is_not_swallowed():
    def loss(output, target):
        raise RuntimeError("no loss today")

    with pytest.raises(RuntimeError, match="no loss today"):
        train(loss=loss)


# ---------------------------------------------------------------- the progress bar


def test_the_progress_bar_is_on_standard_error_and_shows_the_loss(capsys):
    _, history = train(progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    last = re.split(r"[\r\n]+", err.strip())[-1]
    assert "100%" in last
    assert "30/30" in last
    assert "samples/s" in last
    assert f"loss {history.loss[-1]:.4f}" in last


def test_after_ctrl_c_the_bar_stops_where_it_was(capsys):
    train(loss=stop_at(17), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "14/30" in re.split(r"[\r\n]+", err.strip())[-1]
    assert err.endswith("\n")


def test_an_error_ends_the_line_of_the_bar_before_anything_else_is_written(capsys):
    def loss(output, target):
        raise RuntimeError

    with pytest.raises(RuntimeError) as caught:
        train(loss=loss, progress=True)
    assert capsys.readouterr().err.endswith("\n")
    assert caught.tb.tb_next  # while the traceback lives, the bar is not closed by being freed


def test_progress_false_writes_nothing(capsys):
    train(progress=False)
    assert capsys.readouterr() == ("", "")


def test_the_bar_changes_nothing_that_is_learnt(capsys):
    assert weights(train(progress=True)[0]) == weights(train(progress=False)[0])


def test_without_tqdm_the_error_says_how_to_install_it_or_do_without(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    model = MLP(2, [3, 1], activation="tanh", rng=0)
    train(model, lr=0.0, checkpoint=tmp_path / "run")
    for p in model.parameters():
        p.data += 1.0
    before = weights(model)
    assert message_of(MissingExtraError, lambda: train(model, lr=0.0, progress=True, resume=tmp_path / "run")) == (
        "the progress bar of fit (progress=False does without) needs tqdm, which could not be imported "
        "(import of tqdm.auto halted; None in sys.modules): pip install 'autograd-core[train]'"
    )
    assert weights(model) == before
    train(model, progress=False)


# ---------------------------------------------------------------- errors

MODEL = MLP(2, [1], rng=0)
FAULTS = {
    "no samples": ({"inputs": [], "targets": []}, "there are 0 samples and 0 targets: pass one target for each sample"),
    "too few targets": (
        {"targets": [1.0]},
        "there are 2 samples and 1 targets: pass one target for each sample",
    ),
    "too few samples": (
        {"inputs": [[1.0, 2.0]]},
        "there are 1 samples and 2 targets: pass one target for each sample",
    ),
    "no epochs": ({"epochs": 0}, "epochs is 0: pass a whole number from 1 up"),
    "epochs below 0": ({"epochs": -3}, "epochs is -3: pass a whole number from 1 up"),
    "epochs in part": ({"epochs": 2.5}, "epochs is 2.5: pass a whole number from 1 up"),
    "empty batches": ({"batch_size": 0}, "batch_size is 0: pass a whole number from 1 up"),
    "batches below 0": ({"batch_size": -1}, "batch_size is -1: pass a whole number from 1 up"),
    "batches in part": ({"batch_size": 1.5}, "batch_size is 1.5: pass a whole number from 1 up"),
    "another reduction": ({"reduction": "median"}, "reduction is 'median': choose 'mean' or 'sum'"),
    "early stopping of nothing": (
        {"early_stopping": EarlyStopping()},
        "early stopping watches the validation loss: pass validation, such as validation=0.2",
    ),
    "all held out": (
        {"validation": 0.9},
        "holding out 0.9 of 2 samples leaves one part empty: choose another part",
    ),
    "a weight too few": (
        {"sample_weight": [1.0]},
        "there are 2 samples and 1 weights: pass one weight for each sample",
    ),
    "a weight below 0": (
        {"sample_weight": [1.0, -1.0]},
        "the weight of sample 1 is -1.0: pass finite numbers from 0 up",
    ),
    "no weight at all": ({"sample_weight": [0, 0]}, "every sample has the weight 0: let one count at least"),
    "no checkpoints between": (
        {"checkpoint": "run", "checkpoint_every": 0},
        "checkpoint_every is 0: pass a whole number from 1 up",
    ),
    "a metric in the loss's name": (
        {"metrics": {"loss": mean_absolute_error}},
        "a metric is called 'loss', as the loss is: choose another name",
    ),
    "a metric in the rate's name": (
        {"metrics": {"rate": mean_absolute_error}},
        "a metric is called 'rate', as the rate is: choose another name",
    ),
    "a metric in the validation loss's name": (
        {"metrics": {"validation loss": mean_absolute_error}},
        "a metric is called 'validation loss', as the validation loss is: choose another name",
    ),
    "a pair of one": (
        {"validation": ([[1.0, 2.0]],)},
        "validation has 1 members: pass a pair of inputs and targets, or a part in (0, 1)",
    ),
    "the optimiser of another model": (
        {"optimiser": SGD(MLP(2, [1], rng=0).parameters(), lr=0.1)},
        "the optimiser has none of the model's parameters: make it with model.parameters()",
    ),
    "no folder for checkpoints": (
        {"checkpoint": "nowhere/run"},
        "no checkpoint can be written to nowhere/run: name a file in a folder that is there",
    ),
    "a folder for a checkpoint": (
        {"checkpoint": "."},
        "no checkpoint can be written to .: name a file in a folder that is there",
    ),
    "no weight in what is trained on": (
        {"sample_weight": [0.0, 1.0], "validation": 0.5, "rng": 0},
        "every sample that is trained on has the weight 0: hold out another part or by another rng",
    ),
    "no weight in what is held out": (
        {"sample_weight": [1.0, 0.0], "validation": 0.5, "rng": 0},
        "every sample that is held out has the weight 0: hold out another part or by another rng",
    ),
    "inputs of another number": (
        {"inputs": [[1.0], [2.0]]},
        "Layer(2, 1, 'identity') takes 2 inputs and was given 1: pass one number for each",
    ),
}


def fit_with(**changes):
    options = {"inputs": [[1.0, 2.0], [3.0, 4.0]], "targets": [1.0, 2.0], "loss": squared_error, "epochs": 1}
    options |= {"optimiser": SGD(MODEL.parameters(), lr=0.1), "progress": False, "rng": 0} | changes
    return fit(MODEL, options.pop("inputs"), options.pop("targets"), **options)


@pytest.mark.parametrize(("changes", "message"), FAULTS.values(), ids=FAULTS)
def test_a_run_that_cannot_be_is_refused_and_changes_nothing(changes, message):
    before = weights(MODEL)
    assert message_of(ArgumentError, lambda: fit_with(**changes)) == message
    assert weights(MODEL) == before


WRONG_KINDS = {
    "text for a number": (
        {"inputs": [[1.0, "2"], [3.0, 4.0]]},
        "'2' of type str is no real number: convert it first, with float(...)",
    ),
    "a seed that is none": ({"rng": 0.5}, "0.5 of type float is no generator: pass a random.Random or an int seed"),
    "no table": ({"inputs": 3.0}, "inputs is 3.0: pass a list or an array with one for each sample"),
    "no list of targets": ({"targets": 3.0}, "targets is 3.0: pass a list or an array with one for each sample"),
    "one weight for all": (
        {"sample_weight": np.array(2.0)},
        "sample_weight is array(2.): pass a list or an array with one for each sample",
    ),
    "a weight in text": (
        {"sample_weight": ["1", "2"]},
        "'1' of type str is no real number: convert it first, with float(...)",
    ),
    "a loss by name": ({"loss": "mse"}, "loss is 'mse': pass a function, such as nn.losses.squared_error"),
    "an optimiser by name": (
        {"optimiser": "sgd"},
        "optimiser is 'sgd': pass one of nn.optim, such as SGD(model.parameters(), lr=0.1)",
    ),
    "a part in text": (
        {"validation": "0.5"},
        "'0.5' of type str is no real number: convert it first, with float(...)",
    ),
    "early stopping that is just wanted": (
        {"validation": 0.5, "early_stopping": True},
        "early_stopping is True: pass nn.EarlyStopping(patience=10)",
    ),
    "metrics without names": (
        {"metrics": ["accuracy"]},
        "metrics is ['accuracy']: pass a dict of functions, such as {'accuracy': accuracy}",
    ),
    "metrics by name": (
        {"metrics": {"a": "accuracy"}},
        "metrics is {'a': 'accuracy'}: pass a dict of functions, such as {'accuracy': accuracy}",
    ),
    "one callback": ({"callbacks": len}, "callbacks is <built-in function len>: pass a list of functions"),
    "a callback that is none": ({"callbacks": [None]}, "callbacks is [None]: pass a list of functions"),
}


@pytest.mark.parametrize(("changes", "message"), WRONG_KINDS.values(), ids=WRONG_KINDS)
def test_what_is_of_the_wrong_kind_is_refused_and_changes_nothing(changes, message):
    before = weights(MODEL)
    assert message_of(OperandTypeError, lambda: fit_with(**changes)) == message
    assert weights(MODEL) == before


PLACES = np.random.default_rng(1).permutation(10)
TABLES = {
    "a frame and a series with shuffled labels": lambda: (pd.DataFrame(X, index=PLACES), pd.Series(T, index=PLACES)),
    "a series with names": lambda: (X, pd.Series(T, index=list("abcdefghij"))),
    "a frame of one target": lambda: (pd.DataFrame({"a": X[:, 0], "b": X[:, 1]}), pd.DataFrame({"t": T})),
    "generators": lambda: ((row for row in X), (t for t in T)),
    "Values": lambda: ([[Value(a), Value(b)] for a, b in X], [Value(t) for t in T]),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_samples_may_come_in_any_table_and_go_by_their_places(table):
    model = MLP(2, [3, 1], activation="tanh", rng=0)
    options = {"loss": squared_error, "optimiser": SGD(model.parameters(), lr=0.1), "epochs": 3, "batch_size": 4}
    history = fit(model, *table(), **options, validation=table(), rng=0, progress=False)
    expected, expected_history = train(validation=(X, T))
    assert weights(model) == weights(expected)
    assert history == expected_history


def test_inputs_may_be_any_numbers():
    rows = [[Value(1.0), 2], (np.float32(3.0), True)]
    history = fit_with(inputs=iter(rows))
    assert math.isfinite(history.loss[0])
