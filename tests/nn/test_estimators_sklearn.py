"""The estimators against scikit-learn: its own multi-layer perceptrons, number by number, and its own checks."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import sklearn.neural_network as reference
from sklearn.exceptions import ConvergenceWarning

import nn.estimators

# All runs here end at max_iter on purpose.
pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__qualname__}",
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(35, 4))
WEIGHTS = RNG.uniform(0.2, 3.0, size=35)
TARGETS = {
    "two classes": (X[:, 0] * X[:, 1] > 0.0).astype(int),
    "three classes": np.digitize(X[:, 0] + 0.3 * X[:, 1], [-0.5, 0.5]),
    "labels": (X[:, :3] > 0.0).astype(int),
    "numbers": np.sin(X[:, 0]) + X[:, 1] ** 2,
    "rows of numbers": np.column_stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]]),
}
KINDS = list(TARGETS)
SETTINGS = {
    "Adam": {},
    "Adam in order": {"shuffle": False},
    "Adam, large epsilon": {"epsilon": 1e-2, "beta_1": 0.8, "beta_2": 0.95},
    "SGD": {"solver": "sgd", "momentum": 0.0},
    "SGD in order": {"solver": "sgd", "momentum": 0.0, "shuffle": False},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "Nesterov": {"solver": "sgd", "momentum": 0.7},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.3, "power_t": 0.4},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 3, "tol": 0.01},
    "logistic": {"activation": "logistic"},
    "tanh": {"activation": "tanh"},
    "identity": {"activation": "identity"},
    "no penalty": {"alpha": 0.0},
    "whole batches": {"batch_size": 35, "hidden_layer_sizes": 6},
    "no hidden layer": {"hidden_layer_sizes": ()},
}


def pair(kind, **settings):
    """Return our estimator and scikit-learn's with the same settings: nine samples a step, so four steps an epoch, 200 in all."""
    name = "MLPRegressor" if "numbers" in kind else "MLPClassifier"
    common = {
        "hidden_layer_sizes": (5, 4),
        "batch_size": 9,
        "max_iter": 50,
        "tol": 0.0,
        "n_iter_no_change": 1000,
        "alpha": 0.02,
        "learning_rate_init": 0.02,
        "random_state": 3,
    }
    return [getattr(module, name)(**{**common, **settings}) for module in (nn.estimators, reference)]


def assert_same(ours, theirs, losses=True):
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_
    for our_arrays, their_arrays in [(ours.coefs_, theirs.coefs_), (ours.intercepts_, theirs.intercepts_)]:
        assert [a.shape for a in our_arrays] == [a.shape for a in their_arrays]
        for a, b in zip(our_arrays, their_arrays, strict=True):
            np.testing.assert_allclose(a, b, rtol=0.0, atol=1e-10)
    if losses:
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0.0, atol=1e-10)
        assert ours.loss_ == pytest.approx(theirs.loss_, abs=1e-10)


# ---------------------------------------------------------------- the same numbers


@pytest.mark.parametrize("kind", ["three classes", "numbers"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_200_steps_have_the_losses_and_weights_of_scikit_learn(kind, settings):
    ours, theirs = pair(kind, **settings)
    assert_same(ours.fit(X, TARGETS[kind]), theirs.fit(X, TARGETS[kind]))
    assert ours.best_loss_ == pytest.approx(theirs.best_loss_, abs=1e-10)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("kind", ["two classes", "labels"])
def test_two_classes_and_several_labels_too(kind, solver):
    ours, theirs = pair(kind, solver=solver)
    assert_same(ours.fit(X, TARGETS[kind]), theirs.fit(X, TARGETS[kind]))


@pytest.mark.parametrize("kind", ["two classes", "three classes", "labels", "numbers"])
def test_sample_weights_mean_the_same(kind):
    ours, theirs = pair(kind)
    assert_same(ours.fit(X, TARGETS[kind], WEIGHTS), theirs.fit(X, TARGETS[kind], WEIGHTS))


def test_several_numbers_are_learnt_alike_and_their_loss_is_added_up():
    ours, theirs = pair("rows of numbers", alpha=0.0)
    y = TARGETS["rows of numbers"]
    assert_same(ours.fit(X, y), theirs.fit(X, y), losses=False)
    np.testing.assert_allclose(ours.loss_curve_, 2.0 * np.array(theirs.loss_curve_), rtol=0.0, atol=1e-10)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
@pytest.mark.parametrize("kind", KINDS)
def test_early_stopping_ends_in_the_same_epoch_with_the_same_weights(kind, weights):
    ours, theirs = pair(kind, early_stopping=True, validation_fraction=0.2, n_iter_no_change=4, tol=1e-4)
    for model in (ours, theirs):
        model.fit(X, TARGETS[kind], weights)
    assert theirs.n_iter_ < 50
    assert_same(ours, theirs, losses=kind != "rows of numbers")
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=0.0, atol=1e-10)
    assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_, abs=1e-10)


@pytest.mark.parametrize("kind", ["two classes", "numbers"])
def test_training_ends_when_the_loss_has_stopped_falling(kind):
    ours, theirs = pair(kind, tol=0.02, n_iter_no_change=3, learning_rate_init=0.1)
    assert_same(ours.fit(X, TARGETS[kind]), theirs.fit(X, TARGETS[kind]))
    assert ours.n_iter_ < 50
    assert ours.history_.stopped == f"a callback ended the run after epoch {ours.n_iter_}"


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("kind", ["two classes", "three classes", "labels", "numbers"])
def test_partial_fit_goes_on_as_scikit_learn_does(kind, solver):
    ours, theirs = pair(kind, solver=solver, learning_rate="invscaling")
    y = TARGETS[kind]
    for model in (ours, theirs):
        classes = {} if "numbers" in kind else {"classes": [0, 1, 2] if kind == "labels" else np.unique(y)}
        for call in range(12):
            part = slice(0, 20) if call % 2 else slice(15, 35)
            model.partial_fit(X[part], y[part], **(classes if call == 0 else {}))
    assert_same(ours, theirs)
    assert len(ours.loss_curve_) == 12


@pytest.mark.parametrize("kind", ["three classes", "numbers"])
def test_a_warm_start_goes_on_as_scikit_learn_does(kind):
    ours, theirs = pair(kind, warm_start=True, max_iter=5)
    for model in (ours, theirs):
        for _ in range(3):
            model.fit(X, TARGETS[kind])
    assert_same(ours, theirs)
    assert len(ours.loss_curve_) == 15


def test_a_generator_in_random_state_goes_on_from_call_to_call():
    ours, theirs = pair("numbers", max_iter=3)
    for model in (ours, theirs):
        model.set_params(random_state=np.random.RandomState(5))
        model.fit(X, TARGETS["numbers"])
        model.fit(X, TARGETS["numbers"])
    assert_same(ours, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_and_scores_are_those_of_scikit_learn(kind):
    ours, theirs = pair(kind, max_iter=20)
    y = np.array(["low", "middle", "high"])[TARGETS[kind]] if kind == "three classes" else TARGETS[kind]
    fresh = np.random.default_rng(1).normal(size=(50, 4))
    for model in (ours, theirs):
        model.fit(X, y)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y), abs=1e-10)
    if "numbers" in kind:
        np.testing.assert_allclose(ours.predict(fresh), theirs.predict(fresh), rtol=0.0, atol=1e-10)
    else:
        np.testing.assert_array_equal(ours.predict(fresh), theirs.predict(fresh))
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
        for method in ("predict_proba", "predict_log_proba"):
            np.testing.assert_allclose(
                getattr(ours, method)(fresh), getattr(theirs, method)(fresh), rtol=1e-10, atol=1e-10
            )


# ---------------------------------------------------------------- scikit-learn's own checks

CHECK = """
import json, sys, warnings
from sklearn.utils.estimator_checks import check_estimator
import nn.estimators
warnings.simplefilter("ignore")
results = check_estimator(getattr(nn.estimators, sys.argv[1])(), on_fail=None, on_skip=None)
print(json.dumps([[r["check_name"], r["status"], r["expected_to_fail"], str(r["exception"])] for r in results]))
"""


def test_every_check_of_scikit_learn_passes_and_none_is_skipped_or_expected_to_fail():
    """With default parameters; in two processes, which take half the time, and which SciPy's variable has to be set for.

    SciPy reads it as it is imported, and without it a check skips itself.
    """
    environment = os.environ | {"SCIPY_ARRAY_API": "1"}
    processes = {
        several: subprocess.Popen([sys.executable, "-c", CHECK, name], stdout=subprocess.PIPE, env=environment)
        for name, several in [
            ("MLPClassifier", "check_classifiers_multilabel_output_format_predict_proba"),
            ("MLPRegressor", "check_regressor_multioutput"),
        ]
    }
    for several, output in [(several, process.communicate()[0]) for several, process in processes.items()]:
        results = json.loads(output)
        assert [result for result in results if result[1:3] != ["passed", False]] == []
        names = {result[0] for result in results}
        assert len(names) > 50
        assert {"check_sample_weight_equivalence_on_dense_data", "check_estimator_sparse_array", several} < names
