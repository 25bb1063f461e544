"""scikit-learn's rules for what an epoch of training is: how weights start, how they move, and when it is enough.

Each is here only as far as it differs from what `nn` does by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import numpy as np

from autograd_core.ops import dot
from autograd_core.value import Value
from nn.effects import drawn
from nn.module import Array, Module
from nn.optim import Adam, Momentum

__all__ = ["Batches", "Nesterov", "UncorrectedAdam", "starting_weights"]


def starting_weights(sizes: Sequence[int], logistic: bool, state: np.random.RandomState) -> dict[str, Array]:
    """Return weights and biases from U(-r, r) with r = √(6 / (in + out)), or √(2 / (in + out)) for the sigmoid.

    Parameters
    ----------
    sizes : of the input, and of each layer.
    logistic : whether the hidden layers are sigmoids.
    state : the generator, which is asked layer by layer: for the weights first, input by input.

    >>> {name: array.shape for name, array in starting_weights([2, 1], False, np.random.RandomState(0)).items()}
    {'layers.0.weight': (1, 2), 'layers.0.bias': (1,)}
    """
    arrays = dict[str, Array]()
    for i, (size_in, size_out) in enumerate(pairwise(sizes)):
        bound = math.sqrt((2.0 if logistic else 6.0) / (size_in + size_out))
        arrays[f"layers.{i}.weight"] = state.uniform(-bound, bound, (size_in, size_out)).T
        arrays[f"layers.{i}.bias"] = state.uniform(-bound, bound, size_out)
    return arrays


class Batches(Random):
    """A generator for `nn.fit` that shuffles samples as scikit-learn does, and so knows what each batch weighs.

    Each epoch's order is a permutation of the one before. The L2 penalty of a batch is ½ α Σ w² over the sum of its
    samples' weights, without biases.

    Parameters
    ----------
    state : where the permutations come from.
    sample_weights : how much each sample counts.
    size : how many samples make a batch.
    alpha : α.
    penalised : the w.

    >>> order = list(range(4))
    >>> Batches(np.random.RandomState(0), np.ones(4), 2, 0.0, []).shuffle(order)
    >>> order
    [2, 3, 1, 0]
    """

    def __init__(
        self, state: np.random.RandomState, sample_weights: Array, size: int, alpha: float, penalised: Sequence[Value]
    ) -> None:
        super().__init__(0)
        self.state, self.sample_weights, self.size, self.alpha = state, sample_weights, size, alpha
        self.penalised = tuple(penalised)
        self.order, self.start = np.arange(len(sample_weights)), 0

    @property
    def sizes(self) -> Array:
        """How many samples each batch of an epoch has."""
        starts = np.arange(0, len(self.order), self.size)
        return np.minimum(self.size, len(self.order) - starts).astype(np.float64)

    def shuffle(self, x: list[int]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - fit has a list
        """Put the numbers of all samples into the next order."""
        self.order = self.order[self.state.permutation(len(self.order))]
        x[:] = self.order.tolist()

    def penalty(self, model: Module) -> Value:  # noqa: ARG002 - nn.fit asks with the model, whose weights are known here
        """Return the penalty of the next batch."""
        (strength,) = drawn(self._strength)
        return strength * dot(self.penalised, self.penalised)

    def _strength(self) -> float:
        batch = self.order[self.start : self.start + self.size]
        self.start = self.start + self.size if self.start + self.size < len(self.order) else 0
        weight = float(self.sample_weights[batch].sum())
        return 0.5 * self.alpha / weight if weight else 0.0


class Nesterov(Momentum):
    """V ← γV + ηg, θ ← θ - (γV + ηg): Nesterov's momentum with the rate inside V, which matters when it changes.

    >>> Nesterov([Value(0.0)], lr=0.25, momentum=0.5).advance(np.array([1.0]), np.array([2.0])).tolist()
    [0.25]
    """

    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return the next θ."""
        V = self.state["V"] = self.momentum * self.state["V"] + lr * gradient
        return theta - self.momentum * V - lr * gradient


class UncorrectedAdam(Adam):
    """Adam in the form that ends section 2 of its paper: ε is added to √v, before its bias is corrected.

    >>> UncorrectedAdam([Value(0.0)], lr=0.1).advance(np.array([1.0]), np.array([0.5])).round(6).tolist()
    [0.9]
    """

    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return the next θ."""
        m = self.average("m", gradient, self.beta1)
        v = self.average("v", gradient**2, self.beta2)
        rate = lr * math.sqrt(1.0 - self.beta2**self.steps) / (1.0 - self.beta1**self.steps)
        return theta - rate * m / (np.sqrt(v) + self.eps)
