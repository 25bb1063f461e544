"""One step of training: what is minimised, and what happens when it is no longer a number."""

import math

import numpy as np
import pytest
from messages import message_of
from training import Line, T, X, train, weights

from autograd_core import AnomalyError, ArgumentError, log, sqrt
from nn import BatchNorm, Dropout, Layer, Sequential, fit
from nn.losses import squared_error
from nn.optim import SGD

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
