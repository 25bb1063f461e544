"""A small training problem, and what the tests of training do with it."""

import numpy as np
import pytest

from autograd_core import Value
from nn import MLP, Module, fit
from nn.losses import squared_error
from nn.optim import SGD

__all__ = ["Line", "Recorder", "T", "X", "train", "weights"]

X = np.random.default_rng(0).normal(size=(10, 2))
T = np.sin(X[:, 0]) - 0.5 * X[:, 1]


class Line(Module):
    def __init__(self):
        self.slope, self.offset = Value(0.0), Value(0.0)

    def forward(self, x):
        return self.slope * x[0] + self.offset


class Recorder(SGD):
    """SGD that writes down the weights after each step."""

    def __init__(self, model, lr):
        super().__init__(model.parameters(), lr)
        self.model, self.states = model, []

    def step(self):
        super().step()
        self.states.append(self.model.state_dict())


def weights(model):
    return [p.data for p in model.parameters()]


def train(model=None, seed=0, lr=0.1, **options):
    """Fit a small network to ten samples, and return it with its history."""
    model = model or MLP(2, [3, 1], activation="tanh", rng=0)
    options = {"loss": squared_error, "epochs": 3, "batch_size": 4, "progress": False} | options
    optimiser = options.pop("optimiser", None) or SGD(model.parameters(), lr=lr)
    try:
        return model, fit(model, X, T, optimiser=optimiser, rng=seed, **options)
    except KeyboardInterrupt:
        pytest.fail("Ctrl-C came out of fit")
