"""MLPClassifier and MLPRegressor."""

# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUntypedBaseClass=false
# scikit-learn says nothing of its types.

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from autograd_core.errors import ArgumentError
from autograd_core.ops import log_sigmoid, logsumexp, sigmoid, softmax, softplus, sum
from autograd_core.value import Value
from nn.estimators.base import Perceptron
from nn.losses import Loss, half_squared_error, nll_with_logits, nllm_with_logits
from nn.module import Array

__all__ = ["MLPClassifier", "MLPRegressor"]


class MLPClassifier(ClassifierMixin, Perceptron):
    """A multi-layer perceptron that tells classes apart, with scikit-learn's conventions.

    Two classes have one output, the logit of the second; more have a logit each; and where a sample may have several
    labels, which is a y of columns of 0s and 1s, each label has one. The loss is the mean negative log-likelihood, plus
    ½ α Σ w² over the number of samples in the batch. Inputs should be standardised, as by scikit-learn's StandardScaler.

    Every scalar is a node of a graph, which costs about 10 µs for each neuron, sample and epoch. So the defaults are
    smaller than scikit-learn's 100 hidden neurons in 200 epochs, and the rate is larger. What a sample costs is the same
    in a batch of any size, so that batches are small too. With the settings and the ``random_state`` of scikit-learn's
    estimator, the numbers are its own to rounding.

    Parameters
    ----------
    hidden_layer_sizes : how many neurons each hidden layer has; none at all make it a linear model.
    activation : of the hidden layers: "identity", "logistic", "tanh", "relu", or whatever `nn.MLP` takes.
    solver : "adam", "sgd", or a function of parameters and a rate that returns an optimiser, such as `nn.optim.RMSProp`.
    alpha : α, the strength of the L2 penalty, which leaves biases out.
    batch_size : how many samples make a step; "auto" means 32, or all if there are fewer.
    learning_rate : how the rate of "sgd" changes after an epoch: "constant"; "invscaling", to the first rate over
        (samples seen + 1)^power_t; or "adaptive", to a fifth where training would end otherwise, down to 1e-6.
    learning_rate_init : the rate at the beginning.
    power_t : the exponent of "invscaling".
    max_iter : how many epochs there are at most.
    shuffle : whether the samples are put into a new order in each epoch.
    random_state : an int seed or a NumPy RandomState, for starting weights, held-out samples and the order.
    tol : how far the training loss must fall below the lowest so far, or the score rise above the highest, to count.
    verbose : whether to show a progress bar.
    warm_start : whether ``fit`` goes on from where the last call ended.
    momentum, nesterovs_momentum : of "sgd".
    early_stopping : whether to hold samples out, watch the score on them, and return to the weights that had the best.
    validation_fraction : which part of the samples is held out then.
    beta_1, beta_2, epsilon : of "adam".
    n_iter_no_change : training ends after more epochs in a row than this without an improvement.
    backend : "numpy", "numba", "jax" or "torch", to train by a program over arrays that the graph is lifted to, many times as
        fast; see `nn.fit`.

    Attributes
    ----------
    model_ : the `nn.MLP`. Called with a row of numbers, it gives the graph to draw, step through and derive from.
    history_ : the `nn.History` of the last call.
    classes_ : the classes, in the order of the columns of ``predict_proba``.
    coefs_, intercepts_ : copies of the weights, of shape (in, out) for each layer, and of the biases.
    loss_curve_, loss_, best_loss_ : the mean loss of each epoch, of the last, and the lowest.
    validation_scores_, best_validation_score_ : under early stopping, the score after each epoch, and the best.
    n_iter_, t_ : how many epochs the last call had, and how many samples were seen in all.
    n_features_in_, feature_names_in_, n_outputs_ : how many inputs there are, their names, and how many outputs.

    >>> model = MLPClassifier(random_state=0).fit([[-2.0], [-1.0], [1.0], [2.0]], ["low", "low", "high", "high"])
    >>> model.predict([[-1.5], [1.5]]).tolist()
    ['low', 'high']
    """

    classes_: NDArray[Any]
    _multilabel: bool

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Go on learning from where the last call ended, through one epoch of these samples.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`.
        classes : all that any call will meet, in the first call; they may be left out later.

        Raises
        ------
        ArgumentError : no classes in the first call, other ones later, or a target that is none of them; and see `fit`.
        """
        if hasattr(self, "model_"):
            if classes is not None and not np.array_equal(np.unique(classes), self.classes_):
                raise ArgumentError(
                    f"classes are {np.unique(classes).tolist()}, and were {self.classes_.tolist()} in the first call: "
                    "leave them out, or start anew with a clone"
                )
        elif classes is None:
            raise ArgumentError("classes are missing: pass to the first call of partial_fit all that any will meet")
        else:
            self.classes_ = _two_at_least(np.unique(classes))
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class of each sample, or a row of 0s and 1s where there may be several labels."""
        codes = self._decided(self._outputs(X))
        return codes if self._multilabel else self.classes_[codes]

    def decision_function(self, X: ArrayLike) -> Array:
        """Return the logits, which are the model's outputs: one number for each sample, or a row of them."""
        return self._outputs(X)

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, a row for each sample."""
        return self._each(X, sigmoid, softmax)

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Return the logarithms of the probabilities, which are finite where those are too small for a float."""
        return self._each(X, log_sigmoid, _log_softmax)

    def _each(
        self, X: ArrayLike, of_logit: Callable[[float], float], of_row: Callable[[list[float]], list[float]]
    ) -> Array:
        outputs = self._outputs(X)
        if outputs.ndim == 1:
            return np.array([[of_logit(-z), of_logit(z)] for z in outputs.tolist()])
        if self._multilabel:
            return np.array([[of_logit(z) for z in row] for row in outputs.tolist()])
        return np.array([of_row(row) for row in outputs.tolist()])

    def _coded(self, y: NDArray[Any], *, anew: bool) -> tuple[NDArray[Any], int]:
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise ArgumentError("y has several columns of classes: fit a classifier for each, or pass 0s and 1s")
        multilabel = kind == "multilabel-indicator"
        if anew:
            self.classes_ = np.arange(y.shape[1]) if multilabel else _two_at_least(np.unique(y))
        elif hasattr(self, "model_") and multilabel != self._multilabel:
            raise ArgumentError(f"y is {kind} now, and was not at first: call fit with warm_start=False to start anew")
        codes = y.astype(np.int64) if multilabel else _codes(y, self.classes_)
        if multilabel and not np.isin(y, (0, 1)).all():
            raise ArgumentError(f"y has labels of {np.unique(y).tolist()}: pass 1 for each that a sample has, else 0")
        self._multilabel = multilabel
        return codes, y.shape[1] if multilabel else 1 if len(self.classes_) == 2 else len(self.classes_)

    def _loss(self) -> Loss:
        return nll_of_labels if self._multilabel else nll_of_label if self.n_outputs_ == 1 else nllm_with_logits

    def _decided(self, outputs: Array) -> NDArray[np.int64]:
        if outputs.ndim == 1 or self._multilabel:
            return (outputs > 0.0).astype(np.int64)
        return np.argmax(outputs, axis=1)

    def _score(self, targets: NDArray[Any], outputs: Array, sample_weight: Array | None) -> float:
        return float(accuracy_score(targets, self._decided(outputs), sample_weight=sample_weight))

    def _strata(self, targets: NDArray[Any]) -> NDArray[Any] | None:
        return targets if self.n_outputs_ == 1 else None  # scikit-learn's choice: no shares of three classes and more

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressor(RegressorMixin, Perceptron):
    """A multi-layer perceptron for one number or several, with scikit-learn's conventions.

    The loss is half the mean squared error, added up over the outputs, plus ½ α Σ w² over the number of samples in the
    batch. Inputs should be standardised, and targets too, as by scikit-learn's TransformedTargetRegressor.

    Parameters and attributes are those of `MLPClassifier`, without ``classes_``; early stopping watches R². The numbers
    are those of scikit-learn's estimator too, except for the losses of several outputs: it minimises their sum as well,
    and reports their mean.

    >>> X = [[0.1 * i] for i in range(-10, 11)]
    >>> model = MLPRegressor((), batch_size=4, random_state=0).fit(X, [2.0 * x + 1.0 for (x,) in X])
    >>> model.predict([[0.5]]).round(2).tolist()
    [2.0]
    """

    _y_numeric = True

    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Go on learning from where the last call ended, through one epoch of these samples.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`, and what is raised too.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: ArrayLike) -> Array:
        """Return the number for each sample, or a row of them."""
        return self._outputs(X)

    def _coded(self, y: NDArray[Any], *, anew: bool) -> tuple[NDArray[Any], int]:  # noqa: ARG002 - numbers need no code
        return y.astype(np.float64), 1 if y.ndim == 1 else y.shape[1]

    def _loss(self) -> Loss:
        return half_squared_error

    def _score(self, targets: NDArray[Any], outputs: Array, sample_weight: Array | None) -> float:
        return float(r2_score(targets, outputs, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def nll_of_label(logit: Value, label: int | Value) -> Value:
    """Return `nn.losses.nll_with_logits` of a label that is certain, without the half of it that is multiplied by 0.

    >>> round(nll_of_label(Value(1.0), 1).data, 4)
    0.3133
    """
    if isinstance(label, Value):
        return nll_with_logits(logit, label)
    return softplus(-logit) if label else softplus(logit)


def nll_of_labels(logits: Iterable[Value], labels: Iterable[int | Value]) -> Value:
    """Return the sum of `nll_of_label` over the labels of one sample.

    >>> round(nll_of_labels([Value(0.0), Value(0.0)], [0, 1]).data, 4)
    1.3863
    """
    return sum([nll_of_label(z, t) for z, t in zip(logits, labels, strict=True)])


def _codes(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    codes = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    unknown = y[classes[codes] != y]
    if len(unknown):
        raise ArgumentError(
            f"y has the class {unknown.tolist()[0]!r}, which is none of {classes.tolist()}: name all classes at first"
        )
    return codes


def _two_at_least(classes: NDArray[Any]) -> NDArray[Any]:
    if len(classes) < 2:
        raise ArgumentError(f"there is one class alone, {classes.tolist()[0]!r}: pass samples of two classes at least")
    return classes


def _log_softmax(row: list[float]) -> list[float]:
    total = logsumexp(row)
    return [z - total for z in row]
