"""What the two estimators share: their parameters, and how they are fitted."""

# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUntypedBaseClass=false
# scikit-learn says nothing of its types.

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import Tags, check_array, check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from autograd_core.errors import ArgumentError
from autograd_core.lift.backends import compiler
from autograd_core.value import Value
from nn.checks import whole_from_one
from nn.estimators.rules import Batches, Nesterov, UncorrectedAdam, starting_weights
from nn.evaluate import predict
from nn.history import History
from nn.losses import Loss
from nn.module import Array
from nn.neuron import MLP, Activation
from nn.optim import Momentum, Optimiser
from nn.ranges import above_zero, from_zero
from nn.regularise import weights as penalised
from nn.train import Epoch, fit

__all__ = ["Perceptron", "Solver"]

Solver: TypeAlias = str | Callable[[list[Value], float], Optimiser]

# Their defaults, which are all that type checkers see, mislead them.
_validated: Any = validate_data
_checked: Any = check_array
_parted: Any = train_test_split

_Parts: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
_Prepared: TypeAlias = tuple[Array, NDArray[Any], Array | None, np.random.RandomState, _Parts]

SMALL_BATCH = 32
SMALLEST_RATE = 1e-6


class Perceptron(BaseEstimator, ABC):
    """The base of both estimators; see there.

    A subclass says how targets are coded as numbers, what the loss of one sample is, and what outputs decide for.
    """

    model_: MLP
    history_: History
    loss_: float
    loss_curve_: list[float]
    best_loss_: float
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    n_iter_: int
    t_: int
    n_outputs_: int
    n_features_in_: int

    _optimiser: Optimiser
    _make: tuple[list[int], Activation]
    _waited: int
    _best: dict[str, Array] | None

    _y_numeric = False
    """Whether targets have to be numbers."""

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (8,),
        activation: Activation = "relu",
        *,
        solver: Solver = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.03,
        power_t: float = 0.5,
        max_iter: int = 100,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-3,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        backend: str | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.backend = backend

    @abstractmethod
    def _coded(self, y: NDArray[Any], *, anew: bool) -> tuple[NDArray[Any], int]:
        """Return targets as the loss takes them, and how many outputs they need; ``anew`` means to forget earlier ones."""

    @abstractmethod
    def _loss(self) -> Loss:
        """Return the loss of one sample."""

    @abstractmethod
    def _score(self, targets: NDArray[Any], outputs: Array, sample_weight: Array | None) -> float:
        """Return the score that early stopping watches."""

    def _strata(self, targets: NDArray[Any]) -> NDArray[Any] | None:  # noqa: ARG002 - numbers have none
        """Return the classes that a validation part must have the same shares of, if there are any."""
        return None

    @property
    def coefs_(self) -> list[Array]:
        """A copy of each layer's weights, of shape (in, out), which is the transpose of what ``model_`` has."""
        return [array.T for name, array in self.model_.state_dict().items() if name.endswith("weight")]

    @property
    def intercepts_(self) -> list[Array]:
        """A copy of each layer's biases, of shape (out,)."""
        return [array for name, array in self.model_.state_dict().items() if name.endswith("bias")]

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from samples. Ctrl-C ends it early, with a warning, and keeps what was learnt.

        Parameters
        ----------
        X : a row of numbers for each sample: an array, a DataFrame, or a sparse matrix.
        y : the target of each sample.
        sample_weight : how much each sample counts.

        Raises
        ------
        ArgumentError : a parameter that cannot work, or weights that are negative or all zero.
        ValueError : scikit-learn refuses the data.
        AnomalyError : the loss is no longer finite. It names the first node that is not.

        Warns
        -----
        ConvergenceWarning : all iterations are done, and the loss is still falling.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def _outputs(self, X: ArrayLike) -> Array:
        """Return the model's outputs, of shape (samples,) if there is one, else (samples, outputs)."""
        check_is_fitted(self, "model_")
        rows = _dense(_validated(self, X, accept_sparse="csr", dtype=np.float64, reset=False))
        return np.array(predict(self.model_, rows.tolist()))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # ------------------------------------------------------------ one call of fit or partial_fit

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Self:
        before = dict(vars(self))
        try:
            prepared = self._prepared(X, y, sample_weight, incremental=incremental)
        except BaseException:  # what is refused leaves everything as it was
            vars(self).clear()
            vars(self).update(before)
            raise
        self._train(*prepared, incremental=incremental)
        return self

    def _prepared(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> _Prepared:
        """Check what was given, make a model if there is none to go on with, and return what to train it on."""
        hidden = self._settings(incremental=incremental)
        anew = not hasattr(self, "model_") or not (self.warm_start or incremental)
        rows, y = _validated(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=self._y_numeric,
            dtype=np.float64,
            reset=anew,
        )
        y = _dense(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        weights = None if sample_weight is None else _weights(sample_weight, len(y))
        targets, outputs = self._coded(y, anew=anew and not incremental)
        state = check_random_state(self.random_state)
        sizes = [self.n_features_in_, *hidden, outputs]
        model = self._new_model(sizes, state) if anew else self._old_model(sizes)
        optimiser = self._optimiser if incremental and not anew else self._new_optimiser(model.parameters())
        if anew:
            self._begin(model, sizes)
        self._optimiser = optimiser
        return _dense(rows), targets, weights, state, self._split(targets, state)

    def _settings(self, *, incremental: bool) -> list[int]:
        """Check what no one else checks, and return the sizes of the hidden layers."""
        for name in ("alpha", "power_t", "tol"):
            from_zero(name, getattr(self, name))
        above_zero("learning_rate_init", self.learning_rate_init)
        for name, exception in (("max_iter", None), ("n_iter_no_change", math.inf), ("batch_size", "auto")):
            if getattr(self, name) != exception:
                whole_from_one(name, getattr(self, name))
        if self.learning_rate not in ("constant", "invscaling", "adaptive"):
            raise ArgumentError(
                f"learning_rate is {self.learning_rate!r}: choose 'constant', 'invscaling' or 'adaptive', and pass the "
                "number as learning_rate_init"
            )
        if self.early_stopping and not 0.0 < self.validation_fraction < 1.0:
            raise ArgumentError(f"validation_fraction is {self.validation_fraction!r}: pass a part in (0, 1)")
        if self.early_stopping and incremental:
            raise ArgumentError("partial_fit is one epoch and cannot stop early: set early_stopping=False, or call fit")
        self._new_optimiser([Value(0.0)])  # what these two refuse is refused before anything has changed
        MLP(1, [1, 1], self._activation)
        if self.backend is not None:
            compiler(self.backend, {})
        sizes = self.hidden_layer_sizes if isinstance(self.hidden_layer_sizes, Iterable) else [self.hidden_layer_sizes]
        return [whole_from_one(f"hidden_layer_sizes[{i}]", size) for i, size in enumerate(sizes)]

    @property
    def _activation(self) -> Activation:
        return "sigmoid" if self.activation == "logistic" else self.activation

    def _new_model(self, sizes: list[int], state: np.random.RandomState) -> MLP:
        model = MLP(sizes[0], sizes[1:], self._activation, init="zero")
        model.load_state_dict(starting_weights(sizes, self.activation == "logistic", state))
        return model

    def _old_model(self, sizes: list[int]) -> MLP:
        if self._make != (sizes, self.activation):
            raise ArgumentError(
                f"the model to go on with has layers of {self._make[0]} with {self._make[1]!r}, and this call needs "
                f"{sizes} with {self.activation!r}: call fit with warm_start=False to start anew"
            )
        return self.model_

    def _new_optimiser(self, parameters: list[Value]) -> Optimiser:
        if callable(self.solver):
            return self.solver(parameters, self.learning_rate_init)
        if self.solver == "adam":
            return UncorrectedAdam(parameters, self.learning_rate_init, self.beta_1, self.beta_2, eps=self.epsilon)
        if self.solver == "sgd":
            rule = Nesterov if self.nesterovs_momentum else Momentum
            return rule(parameters, self.learning_rate_init, self.momentum)
        raise ArgumentError(
            f"there is no solver named {self.solver!r}: choose 'sgd' or 'adam', or pass a class from nn.optim"
        )

    def _begin(self, model: MLP, sizes: list[int]) -> None:
        """Forget what was learnt before."""
        self.model_, self._make, self.n_outputs_ = model, (sizes, self.activation), sizes[-1]
        self.loss_curve_, self.best_loss_, self._waited, self.t_ = [], math.inf, 0, 0
        self.validation_scores_, self.best_validation_score_, self._best = None, None, None

    def _train(
        self,
        X: Array,
        targets: NDArray[Any],
        weights: Array | None,
        state: np.random.RandomState,
        parts: _Parts,
        *,
        incremental: bool,
    ) -> None:
        training, held_out = parts
        size = min(SMALL_BATCH if self.batch_size == "auto" else int(self.batch_size), len(training))
        counts = np.ones(len(X)) if weights is None else weights
        batches = Batches(state, counts[training], size, self.alpha, penalised(self.model_))
        score = partial(
            self._held_out_score, X[held_out], targets[held_out], None if weights is None else weights[held_out]
        )
        self.n_iter_ = 0
        self.history_ = fit(
            self.model_,
            X[training].tolist(),
            targets[training].tolist(),
            loss=self._loss(),
            optimiser=self._optimiser,
            epochs=1 if incremental else self.max_iter,
            batch_size=size,
            shuffle=self.shuffle,
            sample_weight=None if weights is None else counts[training].tolist(),
            penalty=batches.penalty if self.alpha else None,
            callbacks=[partial(self._after, batches.sizes, score)],
            rng=batches,
            progress=bool(self.verbose),
            backend=self.backend,
        )
        if self.early_stopping and self._best is not None:
            self.model_.load_state_dict(self._best)
        self._warn(incremental=incremental)

    def _split(self, targets: NDArray[Any], state: np.random.RandomState) -> _Parts:
        """Return which samples are for training and which are held out."""
        everything = np.arange(len(targets))
        if not self.early_stopping:
            return everything, everything[:0]
        training, held_out = _parted(
            everything, test_size=self.validation_fraction, random_state=state, stratify=self._strata(targets)
        )
        if len(held_out) < 2:
            raise ArgumentError(
                f"validation_fraction {self.validation_fraction!r} of {len(targets)} samples is less than two: hold out more"
            )
        return training, held_out

    def _held_out_score(self, X: Array, targets: NDArray[Any], weights: Array | None) -> float:
        return self._score(targets, np.array(predict(self.model_, X.tolist())), weights)

    # ------------------------------------------------------------ after each epoch

    def _after(self, sizes: Array, score: Callable[[], float], epoch: Epoch) -> bool:
        """Note what an epoch has brought, set the rate of the next, and return whether there is none."""
        steps = epoch.history.step_loss[-len(sizes) :]
        self.loss_ = float(np.dot(steps, sizes) / sizes.sum())
        self.loss_curve_.append(self.loss_)
        self.n_iter_, self.t_ = self.n_iter_ + 1, self.t_ + int(sizes.sum())
        improved = self._improved_score(score()) if self.early_stopping else self._improved_loss()
        self._waited = 0 if improved else self._waited + 1
        rule = self.learning_rate if self.solver == "sgd" else "constant"
        if rule == "invscaling":
            self._optimiser.lr = self.learning_rate_init / (self.t_ + 1) ** self.power_t
        if self._waited <= self.n_iter_no_change:
            return False
        if rule == "adaptive" and self._optimiser.lr > SMALLEST_RATE:
            self._optimiser.lr, self._waited = self._optimiser.lr / 5.0, 0
            return False
        return True

    def _improved_loss(self) -> bool:
        improved = self.loss_ <= self.best_loss_ - self.tol
        self.best_loss_ = min(self.loss_, self.best_loss_)
        return improved

    def _improved_score(self, score: float) -> bool:
        best = -math.inf if self.best_validation_score_ is None else self.best_validation_score_
        self.best_loss_ = min(self.loss_, self.best_loss_)
        self.validation_scores_ = [*(self.validation_scores_ or []), score]
        if score > best:
            self.best_validation_score_, self._best = score, self.model_.state_dict()
        return score >= best + self.tol

    def _warn(self, *, incremental: bool) -> None:
        history = self.history_
        if history.interrupted:
            warnings.warn(
                f"Ctrl-C ended the training after {self.n_iter_} whole epochs: what was learnt until then is kept",
                stacklevel=5,
            )
        elif not history.stopped and not incremental:
            warnings.warn(
                f"all {self.max_iter} iterations are done, and the optimisation has not converged: raise max_iter or tol",
                ConvergenceWarning,
                stacklevel=5,
            )


def _dense(X: Any) -> NDArray[Any]:
    return X.toarray() if issparse(X) else X


def _weights(sample_weight: Any, n: int) -> Array:
    weights: Array = _checked(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.shape != (n,):
        raise ArgumentError(f"sample_weight has the shape {weights.shape}: pass one number for each of the {n} samples")
    if not weights.any():
        raise ArgumentError("every sample_weight is zero: let one sample count at least")
    if weights.min() < 0.0:
        raise ArgumentError(f"a sample_weight is {weights.min():g}: pass numbers from 0 up")
    return weights
