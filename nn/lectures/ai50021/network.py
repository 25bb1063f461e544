"""A layered network as the lecture computes it: a = zW + b, z = g(a), and its algorithm of backpropagation.

Samples are rows and W has the layout (source, target), as on the slides about batches. The loss E is the negative
log-likelihood of a softmax on the *activated* outputs, summed over samples and minimised. Labels are ±1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograd_core.errors import ArgumentError
from nn.lectures.item import Array, closed_form
from nn.lectures.passes import Slopes, Trace

__all__ = [
    "ACTIVATIONS",
    "NOTATION",
    "Slopes",
    "Trace",
    "activate",
    "backward",
    "derivative",
    "descend",
    "forward",
    "log_softmax",
    "loss",
    "relu",
    "sigmoid",
    "sigmoid_derivative",
    "softmax",
    "tanh_derivative",
    "threshold",
]

ACTIVATIONS = ("step", "sigmoid", "tanh", "relu", "identity")
"""The functions that the lecture names, as the table calls them; "step" is its threshold."""

NOTATION = {
    "pre-activation": "a",
    "activation": "z",
    "weight": "W",
    "bias": "b",
    "delta": r"\frac{\partial E}{\partial z}",
    "loss": "E",
    "layout": "(in, out)",
    "data": "rows",
    "scale": "sum",
    "direction": "descent",
    "labels": "±1",
}
"""The lecture's letters and conventions. Its error signal belongs to z, the activation, where others take a."""


# ---------------------------------------------------------------- activation functions


@closed_form
def threshold(a: Array) -> Array:
    """Return [a > 0], which is 0 at 0."""
    return np.where(a > 0.0, 1.0, 0.0)


@closed_form
def sigmoid(a: Array) -> Array:
    """Return 1 / (1 + exp(-a))."""
    with np.errstate(over="ignore"):  # exp(1000) is inf, and 1/inf is the 0 that is meant
        return 1.0 / (1.0 + np.exp(-a))


@closed_form
def relu(a: Array) -> Array:
    """Return max(0, a)."""
    return np.maximum(0.0, a)


@closed_form
def sigmoid_derivative(a: Array) -> Array:
    """Return g'(a) = g(a) (1 - g(a))."""
    return sigmoid(a) * (1.0 - sigmoid(a))


@closed_form
def tanh_derivative(a: Array) -> Array:
    """Return g'(a) = 1 - tanh²(a)."""
    return 1.0 - np.tanh(a) ** 2


def activate(g: str, a: Array) -> Array:
    """Return g(a) for an activation function by its name.

    >>> activate("relu", np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    functions = {"step": threshold, "sigmoid": sigmoid, "tanh": np.tanh, "relu": relu, "identity": np.copy}
    return functions[g](a)


def derivative(g: str, a: Array) -> Array:
    """Return g'(a) for an activation function by its name; 0 at the kinks of the threshold and the ReLU.

    >>> derivative("relu", np.array([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 1.0]
    """
    functions = {
        "step": np.zeros_like,
        "sigmoid": sigmoid_derivative,
        "tanh": tanh_derivative,
        "relu": threshold,
        "identity": np.ones_like,
    }
    return functions[g](a)


# ---------------------------------------------------------------- the loss


@closed_form
def softmax(z: Array) -> Array:
    """Return p_c = exp(z_c) / Σ exp(z_c') along the last axis, as it is printed: it overflows where z is large."""
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


@closed_form
def log_softmax(z: Array) -> Array:
    """Return t_c = z_c - log Σ exp(z_c') along the last axis: log p, and it never overflows."""
    return z - np.logaddexp.reduce(z, axis=-1, keepdims=True)


@closed_form
def loss(z: Array, y: Array) -> float:
    """Return E = -Σ_i Σ_c t_c(z(x_i)) (y_ci + 1)/2 for outputs z and labels ±1, samples in rows."""
    return -float(np.sum(log_softmax(z) * (y + 1.0) / 2.0))


# ---------------------------------------------------------------- the network


@closed_form
def forward(weights: Sequence[Array], biases: Sequence[Array | None], x: Array, activations: Sequence[str]) -> Trace:
    """Return a^(l) = z^(l-1) W^(l) + b^(l) and z^(l) = g(a^(l)) for l = 1...N, with z^(0) = x.

    Parameters
    ----------
    weights : one W for each layer, of the layout (source, target).
    biases : one b for each layer; None where neurons have none, as in the lecture's worked net.
    x : one sample in each row.
    activations : g of each layer, from `ACTIVATIONS`.

    Raises
    ------
    ArgumentError : another activation, or not one bias and one activation for each W.

    >>> forward([np.array([[2.0], [3.0]])], [np.array([0.5])], np.array([[1.0, -1.0]]), ["relu"]).pre_activations
    [array([[-0.5]])]
    """
    _check_layers(weights, biases, activations)
    pre_activations: list[Array] = []
    z = [x]
    for W, b, g in zip(weights, biases, activations, strict=True):
        a = z[-1] @ W if b is None else z[-1] @ W + b
        pre_activations.append(a)
        z.append(activate(g, a))
    return Trace(pre_activations, z)


@closed_form
def backward(
    weights: Sequence[Array], biases: Sequence[Array | None], x: Array, y: Array, activations: Sequence[str]
) -> Slopes:
    """Return the derivatives of E, summed over samples, by the lecture's algorithm for layered networks.

    At the top ∂E/∂z^(N) = -((y + 1)/2 - p) is computed directly; below, ∂E/∂z^(l) adds up what comes through every
    neuron of layer l+1. In both cases ∂E/∂w_hi^(l) = ∂E/∂z_i^(l) g'(a_i^(l)) z_h^(l-1), summed over samples.

    Parameters
    ----------
    weights, biases, x, activations : as for `forward`.
    y : labels ±1, one row for each sample and one column for each output; one +1 in each row.

    Raises
    ------
    ArgumentError : as `forward`, or a row of y that is not -1 but for one +1.

    >>> backward([np.eye(2)], [None], np.zeros((1, 2)), np.array([[1.0, -1.0]]), ["identity"]).deltas
    [array([[-0.5,  0.5]])]
    """
    _check_labels(y)
    trace = forward(weights, biases, x, activations)
    z = trace.activations
    deltas: list[Array] = []
    dW: list[Array] = []
    db: list[Array | None] = []
    dz = -((y + 1.0) / 2.0 - np.exp(log_softmax(z[-1])))
    for W, b, a, below, g in reversed(
        list(zip(weights, biases, trace.pre_activations, z[:-1], activations, strict=True))
    ):
        da = dz * derivative(g, a)
        deltas.insert(0, dz)
        dW.insert(0, below.T @ da)
        db.insert(0, None if b is None else da.sum(axis=0))
        dz = da @ W.T
    return Slopes(loss(z[-1], y), deltas, dW, db, dz)


@closed_form
def descend(
    weights: Sequence[Array], biases: Sequence[Array | None], slopes: Slopes, rate: float
) -> tuple[list[Array], list[Array | None]]:
    """Return weights and biases one step down the gradient: w - rate ∂E/∂w.

    >>> descend([np.ones((1, 1))], [None], Slopes(0.0, [], [np.ones((1, 1))], [None], np.ones((1, 1))), 0.25)[0]
    [array([[0.75]])]
    """
    moved_W = [W - rate * dW for W, dW in zip(weights, slopes.weights, strict=True)]
    moved_b = [None if b is None or db is None else b - rate * db for b, db in zip(biases, slopes.biases, strict=True)]
    return moved_W, moved_b


def _check_layers(weights: Sequence[Array], biases: Sequence[Array | None], activations: Sequence[str]) -> None:
    if not len(weights) == len(biases) == len(activations) or not weights:
        raise ArgumentError(
            f"there are {len(weights)} weights, {len(biases)} biases and {len(activations)} activations: "
            "pass one of each for every layer, None for a bias that is not there"
        )
    for g in activations:
        if g not in ACTIVATIONS:
            raise ArgumentError(f"the lecture has no activation {g!r}: choose one of {', '.join(ACTIVATIONS)}")


def _check_labels(y: Array) -> None:
    wrong = np.flatnonzero(np.any(np.abs(y) != 1.0, axis=1) | (np.count_nonzero(y == 1.0, axis=1) != 1))
    if wrong.size:
        row = y[wrong[0]].tolist()
        raise ArgumentError(f"a row of labels is {row!r}: pass +1 for the sample's class and -1 for the others")
