"""evaluate and predict: what a model does when it is not being trained."""

import numpy as np
import pandas as pd
import pytest
from messages import message_of

from autograd_core import ArgumentError, OperandTypeError, Value
from nn import MLP, Dropout, Layer, Sequential, evaluate, losses, metrics, predict

X = np.random.default_rng(0).normal(size=(6, 2))
T = X[:, 0] - 2.0


def test_predictions_are_plain_numbers_one_or_a_tuple_for_each_sample():
    model = MLP(2, [1], rng=0)
    w, b = model.state_dict().values()
    assert predict(model, X) == pytest.approx((X @ w.T + b)[:, 0].tolist(), rel=1e-12)
    wide = MLP(2, [3], rng=0)
    w, b = wide.state_dict().values()
    found = predict(wide, X)
    assert all(type(row) is tuple and {type(y) for y in row} == {float} for row in found)
    np.testing.assert_allclose(found, X @ w.T + b, rtol=1e-12)


def test_dropout_is_not_at_work_and_modes_are_put_back():
    dropout = Dropout(drop=0.5, rng=0)
    model = Sequential(dropout, Layer(2, 1, rng=0), lambda row: row[0])
    dropout.training = False
    model.modules[1].training = True
    assert predict(model, X) == predict(model, X)
    assert [module.training for _, module in model.named_modules()][:3] == [True, False, True]


def test_modes_are_put_back_after_an_error():
    model = MLP(2, [1], rng=0)
    message_of(ArgumentError, lambda: predict(model, [[1.0]]))
    assert all(module.training for _, module in model.named_modules())


def test_a_function_is_a_model_too():
    assert predict(lambda row: row[0] * 2.0, [[1.5], [2.0]]) == [3.0, 4.0]


@pytest.mark.parametrize("weights", [None, [1.0, 0.0, 2.0, 1.0, 0.5, 3.0]])
def test_the_loss_is_the_mean_over_samples_weighted_if_there_are_weights(weights):
    model = MLP(2, [1], rng=0)
    squares = (np.array(predict(model, X)) - T) ** 2
    found = evaluate(
        model,
        X,
        T,
        loss=losses.squared_error,
        metrics={"MAE": metrics.mean_absolute_error},
        sample_weight=weights,
    )
    assert found == {
        "loss": pytest.approx(np.average(squares, weights=weights), rel=1e-12),
        "MAE": pytest.approx(np.mean(np.sqrt(squares)), rel=1e-12),
    }


def test_predictions_record_no_graph():
    ops = []

    def model(row):
        output = row[0] * Value(2.0)
        ops.append(output.op)
        return output

    assert (predict(model, [[1.0], [3.0]]), ops) == ([2.0, 6.0], [None, None])


def test_a_model_of_plain_numbers_has_plain_predictions():
    for number in (1.0, 1, np.float32(1.0), np.array(1.0)):
        found = predict(lambda _, number=number: number, [[2.0]])
        assert found == [1.0]
        assert type(found[0]) is float
    message = message_of(OperandTypeError, lambda: predict(lambda _: None, X))
    assert message == "None of type NoneType is no real number: check what should have been computed there"


def test_a_loss_for_evaluation_alone_gives_plain_numbers():
    model = MLP(2, [3], rng=0)
    wrong = [float(np.argmax(row) != 0) for row in predict(model, X)]
    assert 0.0 < np.mean(wrong) < 1.0
    assert evaluate(model, X, [0] * 6, loss=losses.zero_one) == {"loss": pytest.approx(np.mean(wrong))}
    assert evaluate(model, X, [0] * 6, loss=lambda *_: np.float64(2.0)) == {"loss": 2.0}


def test_a_frame_goes_by_its_rows_and_a_series_by_its_places():
    model, places = MLP(2, [1], rng=0), [5, 4, 3, 2, 1, 0]
    table, targets = pd.DataFrame(X, index=places), pd.Series(T, index=places)
    assert predict(model, table) == predict(model, X)
    options = {"loss": losses.squared_error, "metrics": {"r2": metrics.r2}}
    assert evaluate(model, table, targets, **options) == evaluate(model, X, T, **options)


def test_a_metric_may_not_be_called_loss():
    options = {"loss": losses.squared_error, "metrics": {"loss": metrics.r2}}
    message = message_of(ArgumentError, lambda: evaluate(MLP(2, [1], rng=0), X, T, **options))
    assert message == "a metric is called 'loss', as the loss is: choose another name"


def test_samples_without_targets_are_refused():
    message = message_of(ArgumentError, lambda: evaluate(MLP(2, [1], rng=0), X, T[:3], loss=losses.squared_error))
    assert message == "there are 6 samples and 3 targets: pass one target for each sample"
