"""Networks that scikit-learn has fitted give the same predictions here; activations by themselves."""

import sys
import warnings

import numpy as np
import pytest
from messages import message_of
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from autograd_core import ArgumentError, MissingExtraError, OperandTypeError
from autograd_core.op import OPS, Parametric, Unary
from nn import MLP, Layer, Sequential, predict
from nn.interchange import Elementwise, from_sklearn, from_torch, to_torch

ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
SIZES = [(), (1,), (5,), (4, 3), (3, 3, 2)]


def fitted(estimator, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # five iterations do not converge, and need not
        return estimator.set_params(max_iter=5, random_state=0).fit(X, y)


def table_of(kind):
    if kind == "several labels":
        return make_multilabel_classification(40, n_features=4, n_classes=3, random_state=0)
    classes = 2 if kind == "two classes" else 4
    return make_classification(60, 5, n_informative=4, n_redundant=0, n_classes=classes, random_state=0)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["two classes", "four classes", "several labels"])
def test_a_classifier_gives_the_same_probabilities(kind, activation, sizes):
    X, y = table_of(kind)
    estimator = fitted(MLPClassifier(hidden_layer_sizes=sizes, activation=activation), X, y)
    outputs = np.array(predict(from_sklearn(estimator), X.tolist()))
    expected = estimator.predict_proba(X)
    np.testing.assert_allclose(outputs, expected[:, 1] if kind == "two classes" else expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("targets", [1, 3])
def test_a_regressor_gives_the_same_predictions(targets, activation, sizes):
    X, y = make_regression(40, 4, n_targets=targets, random_state=0)
    estimator = fitted(MLPRegressor(hidden_layer_sizes=sizes, activation=activation), X, y)
    np.testing.assert_allclose(
        predict(from_sklearn(estimator), X.tolist()), estimator.predict(X), rtol=1e-12, atol=1e-12
    )


def test_what_was_fitted_in_float32_comes_in_exactly():
    X, y = make_regression(40, 4, random_state=0)
    estimator = fitted(MLPRegressor(hidden_layer_sizes=(3,)), X.astype(np.float32), y.astype(np.float32))
    state = from_sklearn(estimator).state_dict()
    for i, (W, b) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        assert W.dtype == np.float32
        assert state[f"layers.{i}.weight"].tolist() == W.T.tolist()
        assert state[f"layers.{i}.bias"].tolist() == b.tolist()


def test_the_model_is_an_mlp_of_the_same_shape_with_weights_of_its_own():
    X, y = table_of("four classes")
    estimator = fitted(MLPClassifier(hidden_layer_sizes=(4, 3), activation="logistic"), X, y)
    model = from_sklearn(estimator)
    assert isinstance(model, MLP)
    assert repr(model) == "MLP([Layer(5, 4, 'sigmoid'), Layer(4, 3, 'sigmoid'), Layer(3, 4, 'softmax')])"
    before = estimator.predict_proba(X)
    for p in model.parameters():
        p.data = 0.0
    assert estimator.predict_proba(X).tolist() == before.tolist()


NOT_THEIRS = {
    "another estimator": (LogisticRegression, "LogisticRegression()"),
    "a pipeline": (lambda: make_pipeline(StandardScaler(), MLPClassifier()), "Pipeline(steps=[('standardscaler', StandardScaler()),"),
    "a class": (lambda: MLPClassifier, "<class 'sklearn.neural_network._multilayer_perceptron.MLPClassifier'>"),
    "a file": (lambda: "model.pkl", "'model.pkl'"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "shown"), NOT_THEIRS.values(), ids=NOT_THEIRS)
def test_what_is_no_network_of_scikit_learns_is_refused(make, shown):
    message = message_of(ArgumentError, lambda: from_sklearn(make()))
    assert message == f"{shown} is no MLPClassifier or MLPRegressor of scikit-learn: pass one"


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_what_was_not_fitted_has_no_weights(kind):
    message = message_of(ArgumentError, lambda: from_sklearn(kind()))
    assert message == f"{kind.__name__}() has no weights yet: call its fit first"


def test_weights_that_are_not_finite_do_not_come_in():
    X, y = make_regression(40, 4, random_state=0)
    estimator = fitted(MLPRegressor(hidden_layer_sizes=(3,)), X, y)
    estimator.coefs_[1][0, 0] = np.inf
    message = message_of(ArgumentError, lambda: from_sklearn(estimator))
    assert message == "layers.1.weight holds numbers that are not finite: load those of a run that went well"


def test_without_scikit_learn_there_is_a_word_on_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.neural_network", None)
    message = message_of(MissingExtraError, lambda: from_sklearn(None))
    assert message == (
        "from_sklearn() needs sklearn, which could not be imported (import of sklearn.neural_network halted; None in "
        "sys.modules): pip install 'autograd-core[sklearn]'"
    )


@pytest.mark.parametrize("call", [lambda: to_torch(MLP(1, [1], rng=0)), lambda: from_torch(None)], ids=["to", "from"])
def test_without_pytorch_there_is_a_word_on_how_to_get_it(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    message = message_of(MissingExtraError, call)
    assert " needs torch, which could not be imported (import of torch halted; None in sys.modules)" in message
    assert message.endswith(": pip install 'autograd-core[torch]'")


# ---------------------------------------------------------------- activations by themselves


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if isinstance(op, Unary | Parametric)])
def test_an_activation_by_itself_is_the_one_of_a_layer(name):
    whole = Sequential(Layer(2, 3, name, init="he", rng=0))
    apart = Sequential(Layer(2, 3, "identity", init="he", rng=0), Elementwise(name))
    rows = [[0.25, 0.5], [-0.5, 0.125]]
    assert repr(predict(apart, rows)) == repr(predict(whole, rows))  # nan is nan
    assert list(apart.state_dict()) == ["0.weight", "0.bias"]
    assert apart.output_activation == whole.output_activation == name


def test_an_activation_by_itself_may_have_a_parameter_of_its_own():
    assert predict(Elementwise("leaky_relu", 0.25), [[-2.0, 0.0, 2.0]]) == [(-0.5, 0.0, 2.0)]
    assert Elementwise("leaky_relu", 0.25).output_activation is None
    assert repr(Elementwise("tanh")) == "Elementwise('tanh')"
    assert repr(Elementwise("elu", 2.0)) == "Elementwise('elu', 2.0)"


def test_an_activation_that_there_is_not_is_refused():
    names = ", ".join(sorted(name for name, op in OPS.items() if isinstance(op, Unary | Parametric)))
    message = message_of(ArgumentError, lambda: Elementwise("max"))
    assert message == f"there is no activation named 'max': choose one of {names}"
    message = message_of(ArgumentError, lambda: Elementwise("tanh", 2.0))
    assert message == "tanh has no parameter: leave 2.0 out"


def test_the_parameter_of_an_activation_is_a_number():
    message = message_of(OperandTypeError, lambda: Elementwise("leaky_relu", "0.1"))
    assert message == "'0.1' of type str is no real number: convert it first, with float(...)"
    assert repr(Elementwise("leaky_relu", np.float64(0.5))) == "Elementwise('leaky_relu', 0.5)"
