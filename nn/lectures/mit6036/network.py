"""The chapter's network and its back-propagation, in NumPy and in the letters of the page.

W has the layout (in, out) and is used as Wᵀ; vectors are columns, and a batch is a matrix with one column for each data
point. The loss is summed over the data and to be minimised. Derivatives have the denominator layout: that of a number
has the shape of its variable, and that of n numbers by m variables is an m by n matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from autograd_core.errors import ArgumentError
from nn.lectures.item import Array, closed_form
from nn.lectures.passes import Slopes, Trace

__all__ = [
    "ACTIVATIONS",
    "NOTATION",
    "SLOPES",
    "Slopes",
    "Trace",
    "backward",
    "forward",
    "identity",
    "identity_slope",
    "loss_of",
    "nll",
    "nllm",
    "output_slope",
    "pre_activation",
    "relu",
    "relu_slope",
    "sigmoid",
    "sigmoid_slope",
    "softmax",
    "squared",
    "squared_slope",
    "step",
    "tanh",
    "tanh_slope",
    "weight_gradient",
]

NOTATION = {
    "pre-activation": "Z",
    "activation": "A",
    "weight": "W",
    "bias": "W_0",
    "delta": r"\frac{\partial loss}{\partial Z}",
    "loss": "loss",
    "layout": "(in, out)",
    "data": "columns",
    "scale": "sum",
    "direction": "descent",
}
"""The chapter's letters and conventions."""


# ---------------------------------------------------------------- activation functions


@closed_form
def step(z: Array) -> Array:
    """Return 0 where z < 0, and 1 otherwise: 1 at 0."""
    return np.where(z < 0, 0.0, 1.0)


@closed_form
def relu(z: Array) -> Array:
    """Return 0 where z < 0, and z otherwise."""
    return np.where(z < 0, 0.0, z)


@closed_form
def relu_slope(z: Array) -> Array:
    """Return 0 where z < 0 and 1 where z > 0; at 0, where there is no derivative, 0 as the engine has it."""
    return np.where(z > 0, 1.0, 0.0)


@closed_form
def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + e**-z)."""
    return 1.0 / (1.0 + np.exp(-z))


@closed_form
def sigmoid_slope(z: Array) -> Array:
    """Return σ(z) (1 - σ(z))."""
    return sigmoid(z) * (1.0 - sigmoid(z))


@closed_form
def tanh(z: Array) -> Array:
    """Return (e**z - e**-z) / (e**z + e**-z)."""
    return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


@closed_form
def tanh_slope(z: Array) -> Array:
    """Return 1 - tanh(z)²."""
    return 1.0 - tanh(z) ** 2


@closed_form
def identity(z: Array) -> Array:
    """Return z."""
    return z


@closed_form
def identity_slope(z: Array) -> Array:
    """Return 1 for each z."""
    return np.ones_like(z)


@closed_form
def softmax(z: Array) -> Array:
    """Return e**z_k / Σ e**z_i, down each column."""
    return np.exp(z) / np.sum(np.exp(z), axis=0)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": identity,
    "relu": relu,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "softmax": softmax,
}
"""Every activation that a network can be trained with; softmax is for the last layer alone."""

SLOPES: dict[str, Callable[[Array], Array]] = {
    "identity": identity_slope,
    "relu": relu_slope,
    "sigmoid": sigmoid_slope,
    "tanh": tanh_slope,
}
"""f' of the activations that work on each number by itself."""


# ---------------------------------------------------------------- losses


@closed_form
def squared(A: Array, Y: Array) -> float:
    """Return Σ (guess - actual)², without ½."""
    return float(np.sum((A - Y) ** 2))


@closed_form
def squared_slope(A: Array, Y: Array) -> Array:
    """Return ∂loss/∂A of the squared loss: 2 (A - Y)."""
    return 2.0 * (A - Y)


@closed_form
def nll(A: Array, Y: Array) -> float:
    """Return -Σ (actual log guess + (1 - actual) log(1 - guess))."""
    return float(-np.sum(Y * np.log(A) + (1.0 - Y) * np.log(1.0 - A)))


@closed_form
def nllm(A: Array, Y: Array) -> float:
    """Return -Σ actual_k log guess_k."""
    return float(-np.sum(Y * np.log(A)))


def loss_of(A: Array, Y: Array, activation: str) -> float:
    """Return the loss that belongs to an output activation: NLL for sigmoid, NLLM for softmax, squared for the others."""
    return {"sigmoid": nll, "softmax": nllm}.get(activation, squared)(A, Y)


# ---------------------------------------------------------------- forward and backward


@closed_form
def pre_activation(W: Array, W0: Array | None, A: Array) -> Array:
    """Return Z = Wᵀ A + W0, a column for each column of A."""
    Z = W.T @ A
    return Z if W0 is None else Z + W0.reshape(-1, 1)


@closed_form
def output_slope(Z: Array, A: Array, Y: Array, activation: str) -> Array:
    """Return ∂loss/∂Z of the last layer, which the pairs sigmoid with NLL and softmax with NLLM give directly."""
    if activation in {"sigmoid", "softmax"}:
        return A - Y
    return SLOPES[activation](Z) * squared_slope(A, Y)


@closed_form
def weight_gradient(A: Array, dZ: Array) -> Array:
    """Return ∂loss/∂W = A (∂loss/∂Z)ᵀ, equation 8.1; columns of a batch add up."""
    return A @ dZ.T


@closed_form
def forward(weights: Sequence[Array], biases: Sequence[Array | None], x: Array, activations: Sequence[str]) -> Trace:
    """Return Z and A of every layer.

    Parameters
    ----------
    weights : W of each layer, in the layout (in, out).
    biases : W0 of each layer, of shape (out, 1) or (out,); None for a layer without one.
    x : one column for each data point.
    activations : one name for each layer, out of `ACTIVATIONS`.

    Raises
    ------
    ArgumentError : an activation that the chapter does not train with, or a softmax before the last layer.

    >>> forward([np.array([[2.0], [3.0]])], [None], np.array([[1.0], [1.0]]), ["identity"]).activations[1].item()
    5.0
    """
    _check(activations)
    Z: list[Array] = []
    A = [x]
    for W, W0, f in zip(weights, biases, activations, strict=True):
        Z.append(pre_activation(W, W0, A[-1]))
        A.append(ACTIVATIONS[f](Z[-1]))
    return Trace(Z, A)


@closed_form
def backward(
    weights: Sequence[Array], biases: Sequence[Array | None], x: Array, y: Array, activations: Sequence[str]
) -> Slopes:
    """Return the loss and its derivatives by every Z, W and W0.

    The loss goes with the last activation, as in the chapter's table: NLL with sigmoid, NLLM with softmax, and with the
    others the squared loss without ½. It is summed over outputs and data points.

    Parameters
    ----------
    weights, biases, x, activations : as for `forward`.
    y : one column of targets for each data point; {0, 1} with sigmoid, one-hot with softmax.

    Raises
    ------
    ArgumentError : as for `forward`.

    >>> slopes = backward([np.array([[2.0]])], [None], np.array([[3.0]]), np.array([[5.0]]), ["identity"])
    >>> slopes.loss, slopes.weights[0].item()
    (1.0, 6.0)
    """
    trace = forward(weights, biases, x, activations)
    Z, A = trace.pre_activations, trace.activations
    dZ = [output_slope(Z[-1], A[-1], y, activations[-1])]
    for W, z, f in zip(weights[:0:-1], Z[-2::-1], activations[-2::-1], strict=True):
        dA = W @ dZ[-1]
        dZ.append(SLOPES[f](z) * dA)
    dZ.reverse()
    dW = [weight_gradient(a, d) for a, d in zip(A[:-1], dZ, strict=True)]
    dW0 = [None if b is None else np.sum(d, axis=1).reshape(b.shape) for b, d in zip(biases, dZ, strict=True)]
    return Slopes(loss_of(A[-1], y, activations[-1]), dZ, dW, dW0)


def _check(activations: Sequence[str]) -> None:
    for f in activations:
        if f not in ACTIVATIONS:
            raise ArgumentError(f"the chapter trains with no {f!r}: choose one of {', '.join(ACTIVATIONS)}")
    if "softmax" in activations[:-1]:
        raise ArgumentError(
            f"softmax stands before the last layer in {list(activations)}: put it last, or leave it out"
        )
