"""Neural networks made of scalar nodes, on top of `autograd_core`.

>>> import nn
>>> model = nn.MLP(2, [4, 1], activation="tanh", rng=0)
>>> loss = nn.losses.squared_error(model([0.5, -1.0]), 1.0)
>>> loss.backward()
"""

from typing import TYPE_CHECKING

from nn import data, init, io, labels, losses, metrics, optim, pairing, plots, regularise, schedules
from nn.batchnorm import BatchNorm
from nn.dropout import Dropout, Noise
from nn.evaluate import evaluate, predict
from nn.history import History
from nn.interchange import Elementwise, from_sklearn, from_torch, to_torch
from nn.io import load, save
from nn.module import Module
from nn.neuron import MLP, Layer, Neuron, Sequential
from nn.stopping import EarlyStopping
from nn.train import Epoch, fit

if TYPE_CHECKING:
    from nn.estimators import MLPClassifier as MLPClassifier
    from nn.estimators import MLPRegressor as MLPRegressor

# MLPClassifier and MLPRegressor are here too, but need scikit-learn: `from nn import *` shall do without.
__all__ = [
    "MLP",
    "BatchNorm",
    "Dropout",
    "Elementwise",
    "EarlyStopping",
    "Epoch",
    "History",
    "Layer",
    "Module",
    "Neuron",
    "Noise",
    "Sequential",
    "data",
    "evaluate",
    "fit",
    "from_sklearn",
    "from_torch",
    "init",
    "io",
    "labels",
    "load",
    "losses",
    "metrics",
    "optim",
    "pairing",
    "plots",
    "predict",
    "regularise",
    "save",
    "schedules",
    "to_torch",
]


def __getattr__(name: str) -> object:
    """Return an estimator, which is loaded with scikit-learn when it is first asked for."""
    if name in ("MLPClassifier", "MLPRegressor"):
        from nn import estimators  # noqa: PLC0415 - not everybody has scikit-learn

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
