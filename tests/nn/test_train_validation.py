"""fit with held-out samples: what is measured on them, and early stopping by it."""

import math
from fractions import Fraction
from unittest.mock import ANY

import numpy as np
import pytest
from messages import message_of
from training import Line, T, X, train, weights

from autograd_core import ArgumentError, Value
from nn import MLP, EarlyStopping
from nn.losses import squared_error
from nn.metrics import mean_absolute_error
from nn.optim import SGD

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
