"""Levine's network and its backpropagation, in NumPy and in the letters of the page.

W has the layout (out, in); vectors are columns, and a batch is a matrix with one column for each data point. The
objective is a log-likelihood, summed over the data and to be maximised, so every slope here points uphill.
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
    "bias_slope",
    "activation_slope",
    "backward",
    "forward",
    "log_likelihood",
    "one_minus_sigma",
    "output_slope",
    "pre_activation_slope",
    "pre_synaptic",
    "sigmoid",
    "sigmoid_slope",
    "three_layers",
    "weight_slope",
]

ACTIVATIONS = ("sigmoid",)
"""The one activation that the lecture names."""

NOTATION = {
    "pre-activation": "z",
    "activation": "h",
    "weight": "W",
    "bias": "b",
    "delta": r"\frac{d\mathcal L}{dz}",
    "loss": r"\mathcal L",
    "layout": "(out, in)",
    "data": "columns",
    "scale": "sum",
    "direction": "ascent",
}
"""The lecture's letters and conventions."""


# ---------------------------------------------------------------- forward propagation


@closed_form
def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)); an exponential that overflows gives 0, which is the limit."""
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-z))


@closed_form
def one_minus_sigma(z: Array) -> Array:
    """Return exp(-z) / (1 + exp(-z))."""
    return np.exp(-z) / (1.0 + np.exp(-z))


@closed_form
def pre_synaptic(W: Array, h: Array, b: Array | None) -> Array:
    """Return z = Wh + b, column by column."""
    return W @ h + (0.0 if b is None else b[:, None])


@closed_form
def forward(
    weights: Sequence[Array], biases: Sequence[Array | None], x: Array, activations: Sequence[str] = ()
) -> Trace:
    """Return h of every layer by h = σ(Wh + b), and the z on the way.

    Parameters
    ----------
    weights, biases : of layers 1 to L, of shapes (out, in) and (out,); None for a layer without a bias.
    x : the data, of shape (in, data points): a column for each.
    activations : their names, one for each layer; "sigmoid" is all that the lecture names.

    Raises
    ------
    ArgumentError : another activation, or not one for each layer.

    >>> forward([np.array([[2.0, -1.0]])], [np.array([0.5])], np.array([[0.5], [1.5]]), ["sigmoid"]).activations[-1]
    array([[0.5]])
    """
    checked(activations, len(weights))
    z: list[Array] = []
    h = [x]
    for W, b in zip(weights, biases, strict=True):
        z.append(pre_synaptic(W, h[-1], b))
        h.append(sigmoid(z[-1]))
    return Trace(z, h)


@closed_form
def three_layers(W: Sequence[Array], b: Sequence[Array], h0: Array) -> Array:
    """Return the output of three layers of weights, written as one nested expression; the layers count from 1."""
    W1, W2, W3 = W
    b1, b2, b3 = [column[:, None] for column in b]
    return sigmoid(W3 @ sigmoid(W2 @ sigmoid(W1 @ h0 + b1) + b2) + b3)


def checked(activations: Sequence[str], layers: int) -> None:
    """Raise ArgumentError unless there is one activation that the lecture names for each layer."""
    for name in activations:
        if name not in ACTIVATIONS:
            raise ArgumentError(f"the lecture has no activation {name!r}: choose one of {', '.join(ACTIVATIONS)}")
    if activations and len(activations) != layers:
        raise ArgumentError(f"there are {len(activations)} activations and {layers} layers: name one for each layer")


# ---------------------------------------------------------------- the objective


@closed_form
def log_likelihood(h: Array, y: Array) -> float:
    """Return Σ log p(y | x): log h where y is 1, log(1 - h) where it is 0. Outputs count as independent."""
    return float(np.sum(np.where(y == 1.0, np.log(h), np.log(1.0 - h))))


@closed_form
def output_slope(h: Array, y: Array) -> Array:
    """Return dL/dh of the last layer: 1/h where y is 1, -1/(1 - h) where it is 0."""
    return np.where(y == 1.0, 1.0 / h, -1.0 / (1.0 - h))


# ---------------------------------------------------------------- backpropagation


@closed_form
def sigmoid_slope(z: Array) -> Array:
    """Return σ'(z) = exp(-z) / (1 + exp(-z))²."""
    return np.exp(-z) / (1.0 + np.exp(-z)) ** 2


@closed_form
def pre_activation_slope(dh: Array, z: Array) -> Array:
    """Return dL/dz = dL/dh σ(z)(1 - σ(z)), entry by entry."""
    return dh * sigmoid(z) * (1.0 - sigmoid(z))


@closed_form
def bias_slope(dz: Array) -> Array:
    """Return dL/db = dL/dz, added up over the data points."""
    return np.sum(dz, axis=1)


@closed_form
def weight_slope(dz: Array, h: Array) -> Array:
    """Return dL/dW = dL/dz hᵀ; with a column for each data point, the product adds them up too."""
    return dz @ h.T


@closed_form
def activation_slope(W: Array, dz: Array) -> Array:
    """Return dL/dh of the layer before: Wᵀ dL/dz."""
    return W.T @ dz


@closed_form
def backward(
    weights: Sequence[Array],
    biases: Sequence[Array | None],
    x: Array,
    y: Array,
    activations: Sequence[str] = (),
) -> Slopes:
    """Return the slopes of the log-likelihood, summed over the data, by the recursion from the last layer to the first.

    Parameters
    ----------
    y : labels 0 and 1, of shape (out, data points).

    The others, and what is raised, are those of `forward`; a label other than 0 and 1 is an ArgumentError too. Where an
    output has saturated to exactly 0 or 1, 1/h has no value, which is what the fused form y - h is for.

    >>> x, y = np.array([[0.5], [1.5]]), np.array([[1.0]])
    >>> backward([np.array([[2.0, -1.0]])], [np.array([0.5])], x, y, ["sigmoid"]).weights
    [array([[0.25, 0.75]])]
    """
    if not np.isin(y, (0.0, 1.0)).all():
        raise ArgumentError(
            f"there are labels other than 0 and 1 among {np.unique(y).tolist()}: the lecture has these two"
        )
    trace = forward(weights, biases, x, activations)
    z, h = trace.pre_activations, trace.activations
    loss = log_likelihood(h[-1], y)
    dh = output_slope(h[-1], y)
    deltas: list[Array] = []
    dW: list[Array] = []
    db: list[Array | None] = []
    for layer in reversed(range(len(weights))):
        dz = pre_activation_slope(dh, z[layer])
        deltas.insert(0, dz)
        dW.insert(0, weight_slope(dz, h[layer]))
        db.insert(0, None if biases[layer] is None else bias_slope(dz))
        dh = activation_slope(weights[layer], dz)
    return Slopes(loss, deltas, dW, db, dh)
