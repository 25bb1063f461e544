"""Forward and backward pass in NumPy, for any depth and width, on the examples in the rows of a matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograd_core.errors import ArgumentError
from nn.lectures.item import Array, closed_form
from nn.lectures.lai.forms import (
    HIDDEN,
    OUTPUT,
    binary_cross_entropy,
    cross_entropy,
    delta_hidden,
    delta_output,
    g,
    matrix_gradient,
    score,
)
from nn.lectures.passes import Slopes, Trace

__all__ = ["NOTATION", "Slopes", "Trace", "backward", "forward", "mean_loss"]

NOTATION = {
    "pre-activation": "z",
    "activation": "a",
    "weight": "W",
    "bias": "b",
    "delta": r"\delta",
    "loss": "L",
    "layout": "(in, out)",
    "data": "rows",
    "scale": "mean",
    "direction": "descent",
}
"""The lecture's letters and conventions; δ is that of one example, without the 1/m of the mean."""


def _check(activations: Sequence[str], layers: int) -> None:
    if len(activations) != layers:
        raise ArgumentError(f"there are {len(activations)} activations and {layers} layers: name one for each layer")
    for place, allowed, names in (("hidden", HIDDEN, activations[:-1]), ("output", OUTPUT, activations[-1:])):
        for name in names:
            if name not in allowed:
                raise ArgumentError(
                    f"the lecture has no {place} activation {name!r}: choose one of {', '.join(allowed)}"
                )


def _check_labels(y: Array, output: str) -> None:
    if output == "softmax" and not np.allclose(np.sum(y, axis=-1), 1.0):
        raise ArgumentError(f"the labels of some example do not add up to 1: {y.tolist()!r:.60}; pass one-hot rows")


@closed_form
def forward(weights: Sequence[Array], biases: Sequence[Array | None], x: Array, activations: Sequence[str]) -> Trace:
    """Return z and a of every layer: z = a W + b of the layer below, then a = g(z).

    Parameters
    ----------
    weights : one matrix for each layer, in the layout (in, out).
    biases : one row for each layer, or None.
    x : one example in each row, without a dummy.
    activations : one name for each layer: sigmoid, tanh or relu for hidden layers, sigmoid or softmax for the output.

    Raises
    ------
    ArgumentError : another activation, or not one for each layer.

    >>> forward([np.array([[2.0], [1.0]])], [np.array([-1.0])], np.array([[0.5, 0.0]]), ["sigmoid"]).activations[-1]
    array([[0.5]])
    """
    _check(activations, len(weights))
    trace = Trace([], [x])
    for W, b, activation in zip(weights, biases, activations, strict=True):
        trace.pre_activations.append(score(trace.activations[-1], W, np.zeros(1) if b is None else b))
        trace.activations.append(g(activation, trace.pre_activations[-1]))
    return trace


@closed_form
def mean_loss(yhat: Array, y: Array, activation: str) -> float:
    """Return L: the mean over the rows of the cross-entropy, of two terms where the outputs are logistic."""
    losses = cross_entropy(yhat, y) if activation == "softmax" else binary_cross_entropy(yhat, y)
    return float(np.sum(losses) / len(y))


@closed_form
def backward(
    weights: Sequence[Array], biases: Sequence[Array | None], x: Array, y: Array, activations: Sequence[str]
) -> Slopes:
    """Return the gradient of L, the mean over the examples of the cross-entropy, by the recursion for δ.

    Parameters
    ----------
    weights, biases, x, activations : as for `forward`.
    y : the labels, one example in each row: for softmax numbers that add up to 1, such as one-hot rows; for logistic
        outputs 0 or 1 each.

    Raises
    ------
    ArgumentError : as for `forward`, or labels for softmax that do not add up to 1.

    >>> W, x, y = np.array([[2.0], [1.0]]), np.array([[0.5, 1.0]]), np.array([[1.0]])
    >>> backward([W], [np.array([-2.0])], x, y, ["sigmoid"]).weights
    [array([[-0.25],
           [-0.5 ]])]
    """
    trace = forward(weights, biases, x, activations)
    *hidden, output = activations
    _check_labels(y, output)
    deltas = [delta_output(trace.activations[-1], y)]
    for layer in range(len(weights) - 1, 0, -1):
        below = trace.pre_activations[layer - 1]
        deltas.insert(0, delta_hidden(deltas[0], weights[layer], hidden[layer - 1], below))
    dummy = np.ones((len(x), 1))
    return Slopes(
        mean_loss(trace.activations[-1], y, output),
        deltas,
        [matrix_gradient(a, delta) for a, delta in zip(trace.activations, deltas, strict=False)],
        [None if b is None else matrix_gradient(dummy, d)[0] for b, d in zip(biases, deltas, strict=True)],
    )
