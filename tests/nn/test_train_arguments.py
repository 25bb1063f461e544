"""What fit takes, and what it refuses before anything has changed."""

import math

import numpy as np
import pandas as pd
import pytest
from messages import message_of
from training import T, X, train, weights

from autograd_core import ArgumentError, OperandTypeError, Value
from nn import MLP, EarlyStopping, fit
from nn.losses import squared_error
from nn.metrics import mean_absolute_error
from nn.optim import SGD

# ---------------------------------------------------------------- errors


MODEL = MLP(2, [1], rng=0)
FAULTS = {
    "no samples": ({"inputs": [], "targets": []}, "there are 0 samples and 0 targets: pass one target for each sample"),
    "too few targets": (
        {"targets": [1.0]},
        "there are 2 samples and 1 targets: pass one target for each sample",
    ),
    "too few samples": (
        {"inputs": [[1.0, 2.0]]},
        "there are 1 samples and 2 targets: pass one target for each sample",
    ),
    "no epochs": ({"epochs": 0}, "epochs is 0: pass a whole number from 1 up"),
    "epochs below 0": ({"epochs": -3}, "epochs is -3: pass a whole number from 1 up"),
    "epochs in part": ({"epochs": 2.5}, "epochs is 2.5: pass a whole number from 1 up"),
    "empty batches": ({"batch_size": 0}, "batch_size is 0: pass a whole number from 1 up"),
    "batches below 0": ({"batch_size": -1}, "batch_size is -1: pass a whole number from 1 up"),
    "batches in part": ({"batch_size": 1.5}, "batch_size is 1.5: pass a whole number from 1 up"),
    "another reduction": ({"reduction": "median"}, "reduction is 'median': choose 'mean' or 'sum'"),
    "early stopping of nothing": (
        {"early_stopping": EarlyStopping()},
        "early stopping watches the validation loss: pass validation, such as validation=0.2",
    ),
    "all held out": (
        {"validation": 0.9},
        "holding out 0.9 of 2 samples leaves one part empty: choose another part",
    ),
    "a weight too few": (
        {"sample_weight": [1.0]},
        "there are 2 samples and 1 weights: pass one weight for each sample",
    ),
    "a weight below 0": (
        {"sample_weight": [1.0, -1.0]},
        "the weight of sample 1 is -1.0: pass finite numbers from 0 up",
    ),
    "no weight at all": ({"sample_weight": [0, 0]}, "every sample has the weight 0: let one count at least"),
    "no checkpoints between": (
        {"checkpoint": "run", "checkpoint_every": 0},
        "checkpoint_every is 0: pass a whole number from 1 up",
    ),
    "a metric in the loss's name": (
        {"metrics": {"loss": mean_absolute_error}},
        "a metric is called 'loss', as the loss is: choose another name",
    ),
    "a metric in the rate's name": (
        {"metrics": {"rate": mean_absolute_error}},
        "a metric is called 'rate', as the rate is: choose another name",
    ),
    "a metric in the validation loss's name": (
        {"metrics": {"validation loss": mean_absolute_error}},
        "a metric is called 'validation loss', as the validation loss is: choose another name",
    ),
    "a pair of one": (
        {"validation": ([[1.0, 2.0]],)},
        "validation has 1 members: pass a pair of inputs and targets, or a part in (0, 1)",
    ),
    "the optimiser of another model": (
        {"optimiser": SGD(MLP(2, [1], rng=0).parameters(), lr=0.1)},
        "the optimiser has none of the model's parameters: make it with model.parameters()",
    ),
    "no folder for checkpoints": (
        {"checkpoint": "nowhere/run"},
        "no checkpoint can be written to nowhere/run: name a file in a folder that is there",
    ),
    "a folder for a checkpoint": (
        {"checkpoint": "."},
        "no checkpoint can be written to .: name a file in a folder that is there",
    ),
    "no weight in what is trained on": (
        {"sample_weight": [0.0, 1.0], "validation": 0.5, "rng": 0},
        "every sample that is trained on has the weight 0: hold out another part or by another rng",
    ),
    "no weight in what is held out": (
        {"sample_weight": [1.0, 0.0], "validation": 0.5, "rng": 0},
        "every sample that is held out has the weight 0: hold out another part or by another rng",
    ),
    "inputs of another number": (
        {"inputs": [[1.0], [2.0]]},
        "Layer(2, 1, 'identity') takes 2 inputs and was given 1: pass one number for each",
    ),
}


def fit_with(**changes):
    options = {"inputs": [[1.0, 2.0], [3.0, 4.0]], "targets": [1.0, 2.0], "loss": squared_error, "epochs": 1}
    options |= {"optimiser": SGD(MODEL.parameters(), lr=0.1), "progress": False, "rng": 0} | changes
    return fit(MODEL, options.pop("inputs"), options.pop("targets"), **options)


@pytest.mark.parametrize(("changes", "message"), FAULTS.values(), ids=FAULTS)
def test_a_run_that_cannot_be_is_refused_and_changes_nothing(changes, message):
    before = weights(MODEL)
    assert message_of(ArgumentError, lambda: fit_with(**changes)) == message
    assert weights(MODEL) == before


WRONG_KINDS = {
    "text for a number": (
        {"inputs": [[1.0, "2"], [3.0, 4.0]]},
        "'2' of type str is no real number: convert it first, with float(...)",
    ),
    "a seed that is none": ({"rng": 0.5}, "0.5 of type float is no generator: pass a random.Random or an int seed"),
    "no table": ({"inputs": 3.0}, "inputs is 3.0: pass a list or an array with one for each sample"),
    "no list of targets": ({"targets": 3.0}, "targets is 3.0: pass a list or an array with one for each sample"),
    "one weight for all": (
        {"sample_weight": np.array(2.0)},
        "sample_weight is array(2.): pass a list or an array with one for each sample",
    ),
    "a weight in text": (
        {"sample_weight": ["1", "2"]},
        "'1' of type str is no real number: convert it first, with float(...)",
    ),
    "a loss by name": ({"loss": "mse"}, "loss is 'mse': pass a function, such as nn.losses.squared_error"),
    "an optimiser by name": (
        {"optimiser": "sgd"},
        "optimiser is 'sgd': pass one of nn.optim, such as SGD(model.parameters(), lr=0.1)",
    ),
    "a part in text": (
        {"validation": "0.5"},
        "'0.5' of type str is no real number: convert it first, with float(...)",
    ),
    "early stopping that is just wanted": (
        {"validation": 0.5, "early_stopping": True},
        "early_stopping is True: pass nn.EarlyStopping(patience=10)",
    ),
    "metrics without names": (
        {"metrics": ["accuracy"]},
        "metrics is ['accuracy']: pass a dict of functions, such as {'accuracy': accuracy}",
    ),
    "metrics by name": (
        {"metrics": {"a": "accuracy"}},
        "metrics is {'a': 'accuracy'}: pass a dict of functions, such as {'accuracy': accuracy}",
    ),
    "one callback": ({"callbacks": len}, "callbacks is <built-in function len>: pass a list of functions"),
    "a callback that is none": ({"callbacks": [None]}, "callbacks is [None]: pass a list of functions"),
}


@pytest.mark.parametrize(("changes", "message"), WRONG_KINDS.values(), ids=WRONG_KINDS)
def test_what_is_of_the_wrong_kind_is_refused_and_changes_nothing(changes, message):
    before = weights(MODEL)
    assert message_of(OperandTypeError, lambda: fit_with(**changes)) == message
    assert weights(MODEL) == before


PLACES = np.random.default_rng(1).permutation(10)
TABLES = {
    "a frame and a series with shuffled labels": lambda: (pd.DataFrame(X, index=PLACES), pd.Series(T, index=PLACES)),
    "a series with names": lambda: (X, pd.Series(T, index=list("abcdefghij"))),
    "a frame of one target": lambda: (pd.DataFrame({"a": X[:, 0], "b": X[:, 1]}), pd.DataFrame({"t": T})),
    "generators": lambda: ((row for row in X), (t for t in T)),
    "Values": lambda: ([[Value(a), Value(b)] for a, b in X], [Value(t) for t in T]),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_samples_may_come_in_any_table_and_go_by_their_places(table):
    model = MLP(2, [3, 1], activation="tanh", rng=0)
    options = {"loss": squared_error, "optimiser": SGD(model.parameters(), lr=0.1), "epochs": 3, "batch_size": 4}
    history = fit(model, *table(), **options, validation=table(), rng=0, progress=False)
    expected, expected_history = train(validation=(X, T))
    assert weights(model) == weights(expected)
    assert history == expected_history


def test_inputs_may_be_any_numbers():
    rows = [[Value(1.0), 2], (np.float32(3.0), True)]
    history = fit_with(inputs=iter(rows))
    assert math.isfinite(history.loss[0])
