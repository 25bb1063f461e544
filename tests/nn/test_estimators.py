"""The estimators in use: what scikit-learn's tools do with them, what they leave behind, and what they refuse."""

import copy
import importlib
import io
import math
import pickle
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from messages import message_of
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, make_moons
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from autograd_core import AnomalyError, ArgumentError, MissingExtraError, Value
from nn import optim
from nn.estimators import MLPClassifier, MLPRegressor
from nn.estimators.rules import Batches
from nn.losses import nll_with_logits

X, Y = make_moons(40, noise=0.1, random_state=0)
NAMES = np.array(["lower", "upper"])[Y]
NUMBERS = X[:, 0] - 2.0 * X[:, 1]


def few(estimator=MLPClassifier, **settings):
    """Return an estimator that trains for a moment, and is told not to care that it has not converged."""
    return estimator(**{"max_iter": 3, "random_state": 0, "n_iter_no_change": math.inf} | settings)


def fitted(estimator, *data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(*data)


# ---------------------------------------------------------------- what it is for


def test_the_fitted_model_is_a_network_whose_graph_gives_the_probability():
    estimator = fitted(few(), X, NAMES)
    logit = estimator.model_(X[0])
    assert isinstance(logit, Value)
    assert not estimator.model_.training
    assert estimator.decision_function(X[:1]).tolist() == [logit.data]
    assert estimator.predict_proba(X[:1])[0, 1] == pytest.approx(1.0 / (1.0 + math.exp(-logit.data)), rel=1e-15)
    logit.backward()
    assert any(p.grad != 0.0 for p in estimator.model_.parameters())


def test_coefs_are_copies_of_the_model_in_the_layout_in_out():
    estimator = fitted(few(hidden_layer_sizes=(5, 3)), X, Y)
    assert [W.shape for W in estimator.coefs_] == [(2, 5), (5, 3), (3, 1)]
    assert [b.shape for b in estimator.intercepts_] == [(5,), (3,), (1,)]
    assert estimator.coefs_[0][1, 4] == estimator.model_.layers[0].neurons[4].w[1].data
    estimator.coefs_[0][:] = 7.0
    assert not (estimator.coefs_[0] == 7.0).any()


def test_moons_are_told_apart():
    estimator = MLPClassifier((16,), batch_size=8, learning_rate_init=0.05, max_iter=200, random_state=0)
    assert estimator.fit(X, NAMES).score(X, NAMES) == 1.0


def test_the_history_of_the_run_is_kept():
    estimator = fitted(few(batch_size=16), X, Y)
    assert len(estimator.loss_curve_) == estimator.n_iter_ == estimator.history_.epochs == 3
    assert len(estimator.history_.step_loss) == 9
    assert set(estimator.history_.gradient_norms) == set(estimator.model_.state_dict())


def test_the_same_random_state_gives_the_same_bits():
    first, second, other = (fitted(few(random_state=seed, early_stopping=True), X, Y) for seed in (1, 1, 2))
    assert first.loss_curve_ == second.loss_curve_ != other.loss_curve_
    assert first.decision_function(X).tobytes() == second.decision_function(X).tobytes()


def test_a_class_from_optim_is_a_solver():
    """Plain descent by nn.optim is scikit-learn's "sgd" without momentum; see also the other file of tests."""
    by_class = fitted(few(solver=optim.SGD), X, Y)
    by_name = fitted(few(solver="sgd", momentum=0.0), X, Y)
    np.testing.assert_allclose(by_class.loss_curve_, by_name.loss_curve_, rtol=1e-14)
    assert type(fitted(few(solver=optim.RMSProp), X, Y)._optimiser) is optim.RMSProp


def test_any_activation_of_the_engine_will_do():
    assert fitted(few(activation="softplus"), X, Y).model_.layers[0].output_activation == "softplus"


# ---------------------------------------------------------------- scikit-learn's tools


def test_it_works_in_a_pipeline_a_grid_search_and_cross_validation():
    pipeline = make_pipeline(StandardScaler(), few(batch_size=8, learning_rate_init=0.05))
    grid = {"mlpclassifier__hidden_layer_sizes": [(2,), (4,)], "mlpclassifier__solver": ["adam", optim.RMSProp]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search = GridSearchCV(pipeline, grid, cv=2).fit(X, NAMES)
        scores = cross_val_score(few(MLPRegressor, learning_rate_init=0.1), X, NUMBERS, cv=3)
    assert set(search.best_params_) == set(grid)
    assert set(search.predict(X)) == {"lower", "upper"}
    assert scores.shape == (3,)


def test_iris_is_learnt_from_a_data_frame_with_names_for_columns_and_classes():
    iris = load_iris(as_frame=True)
    kinds = iris.target.map(dict(enumerate(iris.target_names)))
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(random_state=0)).set_output(transform="pandas")
    pipeline.fit(iris.data, kinds)
    assert pipeline.score(iris.data, kinds) > 0.97
    assert pipeline[-1].feature_names_in_.tolist() == list(iris.data.columns)
    assert pipeline.classes_.tolist() == ["setosa", "versicolor", "virginica"]


def test_a_table_of_words_comes_as_a_sparse_matrix():
    table = pd.DataFrame({"animal": ["cat", "dog", "eel", "cow", "ant", "owl"] * 3})
    says = table["animal"].isin(["cat", "dog", "cow"])
    pipeline = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["animal"]), sparse_threshold=1.0),
        MLPClassifier(learning_rate_init=0.1, random_state=0),
    )
    assert pipeline.fit(table, says).predict(table).tolist() == says.tolist()


def test_sparse_and_dense_samples_are_the_same():
    dense, sparse = fitted(few(), X, Y), fitted(few(), csr_array(X), Y)
    assert sparse.loss_curve_ == dense.loss_curve_
    assert sparse.predict_proba(csr_array(X)).tolist() == dense.predict_proba(X).tolist()


def test_a_clone_has_the_settings_and_nothing_that_was_learnt():
    estimator = fitted(few(hidden_layer_sizes=(3,)), X, Y)
    copied = clone(estimator).set_params(alpha=0.5)
    assert copied.get_params() == estimator.get_params() | {"alpha": 0.5}
    assert message_of(NotFittedError, lambda: copied.predict(X)) == (
        "This MLPClassifier instance is not fitted yet. Call 'fit' with appropriate arguments before using this estimator."
    )
    assert not hasattr(copied, "coefs_")


def through_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))


def through_joblib(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, through_pickle, through_joblib])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_copy_predicts_the_same_and_learns_on_by_itself(duplicate, solver):
    estimator = fitted(few(solver=solver, learning_rate="invscaling"), X, NAMES)
    copied = duplicate(estimator)
    before = estimator.decision_function(X).tolist()
    assert copied.decision_function(X).tolist() == before
    copied.partial_fit(X, NAMES)
    assert estimator.decision_function(X).tolist() == before
    estimator.partial_fit(X, NAMES)
    assert copied.decision_function(X).tolist() == estimator.decision_function(X).tolist() != before


# ---------------------------------------------------------------- data of several kinds


def test_labels_that_a_sample_may_have_several_of():
    labels = np.column_stack([X[:, 0] > 0.5, X[:, 1] > 0.2, X[:, 0] > X[:, 1]])
    estimator = MLPClassifier(batch_size=8, random_state=0, learning_rate_init=0.1).fit(X, labels)
    assert estimator.score(X, labels) > 0.9
    assert estimator.predict(X).shape == estimator.predict_proba(X).shape == (40, 3)
    assert estimator.classes_.tolist() == [0, 1, 2]


def test_several_numbers_at_once():
    targets = np.column_stack([NUMBERS, -NUMBERS])
    estimator = MLPRegressor(batch_size=8, random_state=0).fit(X, targets)
    assert estimator.score(X, targets) > 0.98
    assert estimator.predict(X).shape == (40, 2)


def test_without_a_hidden_layer_it_is_logistic_regression():
    estimator = fitted(few(hidden_layer_sizes=()), X, Y)
    (W,), (b,) = estimator.coefs_, estimator.intercepts_
    np.testing.assert_allclose(estimator.decision_function(X), (X @ W + b)[:, 0], rtol=1e-13, atol=1e-15)


def test_a_weight_of_two_is_the_sample_twice_where_all_are_in_one_batch():
    weights = np.tile([0.0, 1.0, 2.0, 1.0], 10)
    settings = {"batch_size": 100, "max_iter": 20}
    weighted = fitted(few(MLPRegressor, **settings), X, NUMBERS, weights)
    repeated = np.repeat(np.arange(40), weights.astype(int))
    plain = fitted(few(MLPRegressor, **settings), X[repeated], NUMBERS[repeated])
    np.testing.assert_allclose(weighted.predict(X), plain.predict(X), rtol=1e-9)


def test_a_batch_in_which_nothing_counts_teaches_nothing():
    weights = np.repeat([0.0, 1.0], 20)
    settings = {"batch_size": 20, "shuffle": False, "max_iter": 1, "solver": optim.SGD}
    both = fitted(few(MLPRegressor, **settings), X, NUMBERS, weights)
    second = fitted(few(MLPRegressor, **settings), X[20:], NUMBERS[20:])
    np.testing.assert_allclose(both.predict(X), second.predict(X), rtol=1e-12)


def test_log_probabilities_are_finite_where_probabilities_are_not_above_0():
    estimator = fitted(few(hidden_layer_sizes=()), X, Y)
    (weight, bias) = estimator.model_.state_dict().values()
    estimator.model_.load_state_dict({"layers.0.weight": 0.0 * weight, "layers.0.bias": bias * 0.0 - 1000.0})
    assert estimator.predict_proba(X[:1]).tolist() == [[1.0, 0.0]]
    assert estimator.predict_log_proba(X[:1]).tolist() == [[0.0, -1000.0]]
    three = fitted(few(hidden_layer_sizes=()), X, np.arange(40) % 3)
    (weight, bias) = three.model_.state_dict().values()
    three.model_.load_state_dict({"layers.0.weight": 0.0 * weight, "layers.0.bias": np.array([0.0, 1000.0, -1000.0])})
    assert three.predict_proba(X[:1]).tolist() == [[0.0, 1.0, 0.0]]
    assert three.predict_log_proba(X[:1]).tolist() == [[-1000.0, 0.0, -2000.0]]


@pytest.mark.parametrize("label", [0, 1])
def test_the_loss_of_a_certain_label_is_the_one_of_nn_losses(label):
    from nn.estimators.mlp import nll_of_label

    for z in (-800.0, -1.5, 0.0, 0.3, 800.0):
        ours, theirs = Value(z), Value(z)
        nll_of_label(ours, label).backward()
        nll_with_logits(theirs, label).backward()
        assert nll_of_label(ours, label).data == nll_with_logits(theirs, label).data
        assert ours.grad == theirs.grad


# ---------------------------------------------------------------- when training ends


def test_early_stopping_returns_to_the_weights_with_the_best_score():
    estimator = fitted(few(MLPRegressor, max_iter=30, early_stopping=True, learning_rate_init=0.3), X, NUMBERS)
    scores = estimator.validation_scores_
    best = int(np.argmax(scores)) + 1
    assert best < 30
    shorter = fitted(clone(estimator).set_params(max_iter=best), X, NUMBERS)
    assert shorter.predict(X).tolist() == estimator.predict(X).tolist()
    assert estimator.best_validation_score_ == max(scores)


def test_what_is_learnt_after_early_stopping_is_kept():
    estimator = fitted(few(early_stopping=True), X, Y).set_params(early_stopping=False)
    before = estimator.decision_function(X).tolist()
    assert estimator.partial_fit(X, Y).decision_function(X).tolist() != before


def test_a_run_that_has_not_converged_says_so_where_fit_was_called():
    with pytest.warns(ConvergenceWarning) as caught:
        few(max_iter=2).fit(X, Y)
    assert [str(w.message) for w in caught] == [
        "all 2 iterations are done, and the optimisation has not converged: raise max_iter or tol"
    ]
    assert caught[0].filename == __file__


def test_ctrl_c_keeps_what_was_learnt():
    calls = 0

    def interrupted(z):
        nonlocal calls
        calls += 1
        if calls == 3 * 40 * 2 + 50:
            raise KeyboardInterrupt
        return z.tanh()

    estimator = few(MLPRegressor, hidden_layer_sizes=(2,), activation=interrupted, max_iter=100)
    message = "Ctrl-C ended the training after 3 whole epochs: what was learnt until then is kept"
    with pytest.warns(UserWarning, match=f"^{message}$") as caught:
        estimator.fit(X, NUMBERS)
    assert [w.filename for w in caught] == [__file__]
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 3
    assert estimator.history_.interrupted
    whole = fitted(few(MLPRegressor, hidden_layer_sizes=(2,), activation="tanh", max_iter=4), X, NUMBERS)
    assert whole.loss_curve_[:3] == pytest.approx(estimator.loss_curve_, rel=1e-12)
    assert estimator.predict(X).shape == (40,)


def test_verbose_shows_a_progress_bar(capsys):
    fitted(few(verbose=True), X, Y)
    assert "120/120" in capsys.readouterr().err
    fitted(few(), X, Y)
    assert capsys.readouterr() == ("", "")


def test_a_loss_that_overflows_is_an_anomaly():
    message = message_of(AnomalyError, lambda: few(MLPRegressor).fit(X, NUMBERS * 1e200))
    assert message.startswith("step 1 has no finite loss and gradient (the loss is inf): ")


# ---------------------------------------------------------------- what is refused

REFUSED = [
    ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes[1] is 0: pass a whole number from 1 up"),
    ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes[0] is 2.5: pass a whole number from 1 up"),
    ({"alpha": -1.0}, "alpha is -1.0: pass a finite number from 0 up"),
    ({"tol": math.nan}, "tol is nan: pass a finite number from 0 up"),
    ({"power_t": -0.5}, "power_t is -0.5: pass a finite number from 0 up"),
    ({"learning_rate_init": 0.0}, "learning_rate_init is 0.0: pass a finite number above 0"),
    ({"max_iter": 0}, "max_iter is 0: pass a whole number from 1 up"),
    ({"n_iter_no_change": 0}, "n_iter_no_change is 0: pass a whole number from 1 up"),
    ({"batch_size": "all"}, "batch_size is 'all': pass a whole number from 1 up"),
    ({"solver": "sgd", "momentum": 1.0}, "momentum is 1.0: pass a number in [0, 1)"),
    ({"beta_1": 1.0}, "beta1 is 1.0: pass a number in [0, 1)"),
    (
        {"learning_rate": 0.1},
        "learning_rate is 0.1: choose 'constant', 'invscaling' or 'adaptive', and pass the number as learning_rate_init",
    ),
    (
        {"solver": "lbfgs"},
        "there is no solver named 'lbfgs': choose 'sgd' or 'adam', or pass a class from nn.optim",
    ),
    (
        {"early_stopping": True, "validation_fraction": 1.0},
        "validation_fraction is 1.0: pass a part in (0, 1)",
    ),
    (
        {"early_stopping": True, "validation_fraction": 0.02},
        "validation_fraction 0.02 of 40 samples is less than two: hold out more",
    ),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED, ids=[m[:25] for _, m in REFUSED])
def test_a_parameter_that_cannot_work_is_named(settings, message):
    assert message_of(ArgumentError, lambda: few(MLPRegressor, **settings).fit(X, NUMBERS)) == message


def test_an_unknown_activation_is_refused_before_anything_is_forgotten():
    estimator = fitted(few(), X, NAMES)
    before = estimator.predict(X).tolist()
    for wrong in ({"activation": "sigmoidal"}, {"solver": "bfgs"}, {"beta_2": 2.0}):
        with pytest.raises(ArgumentError):
            clone(estimator).set_params(**wrong).fit(X, Y)
        settings = estimator.get_params()
        with pytest.raises(ArgumentError):
            estimator.set_params(**wrong).fit(X, Y)
        assert estimator.set_params(**settings).predict(X).tolist() == before


def test_targets_that_cannot_be_learnt_are_refused():
    refusals = {
        "there is one class alone, 'lower': pass samples of two classes at least": ["lower"] * 40,
        "y has several columns of classes: fit a classifier for each, or pass 0s and 1s": np.column_stack(
            [Y, np.arange(40) % 3]
        ),
        "y has labels of [-1, 1]: pass 1 for each that a sample has, else 0": np.column_stack([2 * Y - 1, 1 - 2 * Y]),
    }
    for message, targets in refusals.items():
        assert message_of(ArgumentError, lambda targets=targets: few().fit(X, targets)) == message


def test_weights_that_cannot_be_are_refused():
    refusals = {
        "sample_weight has the shape (3,): pass one number for each of the 40 samples": [1.0, 2.0, 3.0],
        "every sample_weight is zero: let one sample count at least": [0.0] * 40,
        "a sample_weight is -1: pass numbers from 0 up": [-1.0] + [1.0] * 39,
    }
    for message, weights in refusals.items():
        assert message_of(ArgumentError, lambda weights=weights: few().fit(X, Y, weights)) == message


def test_partial_fit_wants_all_classes_at_first_and_no_others_later():
    assert message_of(ArgumentError, lambda: few().partial_fit(X, Y)) == (
        "classes are missing: pass to the first call of partial_fit all that any will meet"
    )
    assert message_of(ArgumentError, lambda: few().partial_fit(X, Y, classes=[1])) == (
        "there is one class alone, 1: pass samples of two classes at least"
    )
    estimator = few().partial_fit(X[:1], NAMES[:1], classes=["lower", "upper"])
    assert message_of(ArgumentError, lambda: estimator.partial_fit(X, NAMES, classes=["lower", "middle"])) == (
        "classes are ['lower', 'middle'], and were ['lower', 'upper'] in the first call: leave them out, or start anew "
        "with a clone"
    )
    assert message_of(ArgumentError, lambda: estimator.partial_fit(X[:1], ["middle"])) == (
        "y has the class 'middle', which is none of ['lower', 'upper']: name all classes at first"
    )
    labels = np.column_stack([Y, Y])
    assert message_of(ArgumentError, lambda: estimator.partial_fit(X, labels)) == (
        "y is multilabel-indicator now, and was not at first: call fit with warm_start=False to start anew"
    )
    estimator.set_params(early_stopping=True)
    assert message_of(ArgumentError, lambda: estimator.partial_fit(X, NAMES)) == (
        "partial_fit is one epoch and cannot stop early: set early_stopping=False, or call fit"
    )


def test_a_model_of_another_make_cannot_go_on():
    estimator = fitted(few(MLPRegressor, warm_start=True), X, NUMBERS)
    estimator.set_params(hidden_layer_sizes=(3,), activation="tanh")
    assert message_of(ArgumentError, lambda: estimator.fit(X, NUMBERS)) == (
        "the model to go on with has layers of [2, 8, 1] with 'relu', and this call needs [2, 3, 1] with 'tanh': call "
        "fit with warm_start=False to start anew"
    )


# ---------------------------------------------------------------- scikit-learn is optional


def test_importing_nn_does_not_import_scikit_learn():
    code = "import sys, nn; sys.exit('sklearn' in sys.modules or 'scipy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_scikit_learn_the_estimators_say_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "nn.estimators")
    assert message_of(MissingExtraError, lambda: importlib.import_module("nn.estimators")) == (
        "nn.estimators needs sklearn, which could not be imported (import of sklearn halted; None in sys.modules): "
        "pip install 'autograd-core[sklearn]'"
    )


def test_batches_know_their_sizes_and_each_order_is_made_of_the_one_before():
    state = np.random.RandomState(7)
    batches = Batches(np.random.RandomState(7), np.ones(5), 2, 0.0, [])
    assert batches.sizes.tolist() == [2.0, 2.0, 1.0]
    order, expected = list(range(5)), np.arange(5)
    for _ in range(3):
        indices = np.arange(5)
        state.shuffle(indices)
        expected = expected[indices]
        batches.shuffle(order)
        assert order == expected.tolist()


REFUSALS = {
    "other classes, none to hold out": ({"early_stopping": True, "validation_fraction": 0.01}, X, NAMES, None),
    "one class of fewer features": ({}, X[:, :1], np.zeros(40), None),
    "negative weights": ({}, X[:, :1], NAMES, -np.ones(40)),
}


@pytest.mark.parametrize(("settings", "inputs", "targets", "weights"), REFUSALS.values(), ids=REFUSALS)
def test_data_that_is_refused_leaves_the_fitted_model_as_it_was(settings, inputs, targets, weights):
    estimator = fitted(few(), X, Y)
    model, probabilities = estimator.model_, estimator.predict_proba(X)
    estimator.set_params(**settings)
    with pytest.raises(ValueError, match=r"test_size|one class alone|a sample_weight is -1"):
        estimator.fit(inputs, targets, weights)
    assert estimator.model_ is model
    assert (estimator.classes_.tolist(), estimator.n_features_in_, len(estimator.loss_curve_)) == ([0, 1], 2, 3)
    assert np.array_equal(estimator.predict_proba(X), probabilities)
