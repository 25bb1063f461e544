"""fit: gradient descent as it is written by hand, the same each time, and safe to stop."""

import re
import sys
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from messages import message_of
from sklearn.datasets import make_moons
from training import Line, Recorder, T, X, train, weights

from autograd_core import MissingExtraError, Value
from nn import MLP, Dropout, EarlyStopping, History, Layer, Sequential, fit, schedules
from nn.losses import hinge, nllm_with_logits, squared_error
from nn.optim import SGD, Momentum

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
