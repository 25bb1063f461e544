"""The full algorithm of §3.6 in NumPy, for any depth and width, on the samples in the rows of a matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograd_core.errors import ArgumentError
from nn.lectures.item import Array, closed_form
from nn.lectures.malik.forms import delta_hidden, delta_output, g, half_squared_error, total_input, weight_gradient
from nn.lectures.passes import Slopes, Trace

__all__ = ["NOTATION", "Slopes", "Trace", "backward", "forward"]

NOTATION = {
    "pre-activation": "S",
    "activation": "x",
    "weight": "w",
    "bias": "b",
    "delta": r"\delta",
    "loss": "e",
    "layout": "(in, out)",
    "data": "rows",
    "scale": "sum",
    "direction": "descent",
}
"""The lecture's letters and conventions; biases it has none, and takes one sample at a time."""


@closed_form
def forward(weights: Sequence[Array], biases: Sequence[Array | None], x: Array, activations: Sequence[str]) -> Trace:
    """Return S and x of every layer: S_j = Σ_i w_ij x_i, then x_j = g(S_j).

    Parameters
    ----------
    weights : one matrix for each layer, in the layout (in, out).
    biases : the lecture has none: pass None for each. One that is there is the weight of an edge from a node which is always 1.
    x : one sample in each row.
    activations : one name for each layer: sigmoid, tanh, relu or identity.

    Raises
    ------
    ArgumentError : another activation, or not one for each layer.

    >>> forward([np.array([[2.0], [1.0]])], [None], np.array([[3.0, -4.0]]), ["relu"]).activations[-1]
    array([[2.]])
    """
    if len(activations) != len(weights):
        raise ArgumentError(
            f"there are {len(activations)} activations and {len(weights)} layers: name one for each layer"
        )
    trace = Trace([], [x])
    for w, b, activation in zip(weights, biases, activations, strict=True):
        s = total_input(w, trace.activations[-1])
        trace.pre_activations.append(s if b is None else s + b)
        trace.activations.append(g(activation, trace.pre_activations[-1]))
    return trace


@closed_form
def backward(
    weights: Sequence[Array], biases: Sequence[Array | None], x: Array, y: Array, activations: Sequence[str]
) -> Slopes:
    """Return the gradient of e = Σ ½ (o - y)², summed over outputs and samples, by the recursion for δ.

    Parameters
    ----------
    weights, biases, x, activations : as for `forward`.
    y : the outputs that are wanted, one sample in each row.

    Raises
    ------
    ArgumentError : as for `forward`.

    >>> backward([np.array([[2.0], [1.0]])], [None], np.array([[3.0, -4.0]]), np.array([[1.5]]), ["relu"]).weights
    [array([[ 1.5],
           [-2. ]])]
    """
    trace = forward(weights, biases, x, activations)
    deltas = [delta_output(activations[-1], trace.pre_activations[-1], y)]
    for layer in range(len(weights) - 1, 0, -1):
        below = trace.pre_activations[layer - 1]
        deltas.insert(0, delta_hidden(deltas[0], weights[layer], activations[layer - 1], below))
    return Slopes(
        half_squared_error(trace.activations[-1], y),
        deltas,
        [weight_gradient(inputs, delta) for inputs, delta in zip(trace.activations, deltas, strict=False)],
        [None if b is None else np.sum(delta, axis=0) for b, delta in zip(biases, deltas, strict=True)],
    )
