"""Closed forms of Malik and Wan, in their letters: S before an activation function and x after it, δ = ∂e/∂S.

Weights have the layout (source, destination) = (in, out), so that a node's input is S_j = Σ_i w_ij x_i. There are no
biases in the lecture. Where its print is wrong the corrected form stands here; `errata` keeps the printed one.
"""

from __future__ import annotations

import numpy as np

from autograd_core.errors import ArgumentError
from nn.lectures.item import Array, closed_form

__all__ = [
    "chain_example",
    "collapsed",
    "cross_entropy",
    "cross_entropy_slope",
    "delta_cross_entropy",
    "delta_hidden",
    "delta_output",
    "descent_step",
    "forward_quotient",
    "g",
    "g_prime",
    "half_squared_error",
    "input_slope",
    "logistic",
    "regression_gradient",
    "regularised_gradient",
    "relu",
    "relu_slope",
    "relu_xor",
    "total_input",
    "two_stages",
    "weight_gradient",
]

ACTIVATIONS = ("sigmoid", "tanh", "relu", "identity")
"""Logistic and ReLU are the lecture's own, its linear stages are the identity; tanh obeys the same formulas."""

# ---------------------------------------------------------------- §1: the model


@closed_form
def total_input(w: Array, x: Array) -> Array:
    """Return S_j = Σ_i w_ij x_i for one sample, or for the samples in the rows of x."""
    return x @ w


@closed_form
def logistic(z: Array) -> Array:
    """Return 1/(1 + e**-z)."""
    with np.errstate(over="ignore"):  # e**-z is infinite for z below -709, and its reciprocal the 0 that it should be
        return 1.0 / (1.0 + np.exp(-z))


@closed_form
def relu(z: Array) -> Array:
    """Return 0 for z ≤ 0 and z for z > 0."""
    return np.where(z > 0.0, z, 0.0)


@closed_form
def relu_slope(s: Array) -> Array:
    """Return the slope of the branch that the definition puts s on: 1 for s > 0, else 0, at 0 too (E-MAL-8)."""
    return np.where(s > 0.0, 1.0, 0.0)


@closed_form
def g(activation: str, s: Array) -> Array:
    """Return the activation function, by its name in the table of ops, element by element."""
    match activation:
        case "sigmoid":
            return logistic(s)
        case "tanh":
            return np.tanh(s)
        case "relu":
            return relu(s)
        case "identity":
            return s
        case _:
            raise ArgumentError(f"the lecture has no activation {activation!r}: choose one of {', '.join(ACTIVATIONS)}")


@closed_form
def g_prime(activation: str, s: Array) -> Array:
    """Return g'(s), element by element; only where `g` is known is it asked for."""
    match activation:
        case "sigmoid":
            return logistic(s) * (1.0 - logistic(s))
        case "tanh":
            return 1.0 - np.tanh(s) ** 2
        case "relu":
            return relu_slope(s)
        case _:
            return np.ones_like(s)


@closed_form
def two_stages(w1: Array, w2: Array, x: Array, activation: str) -> Array:
    """Return O_i = g(Σ_j w_ji g(Σ_k w_kj x_k)), its subscripts put right (E-MAL-3)."""
    return g(activation, np.einsum("ji,j->i", w2, g(activation, np.einsum("kj,k->j", w1, x))))


@closed_form
def collapsed(w1: Array, w2: Array) -> Array:
    """Return the weights of the one linear stage that does the work of two: Σ_j w_ij w_jk."""
    return w1 @ w2


@closed_form
def relu_xor(a: Array, b: Array) -> Array:
    """Return XOR of bits by two ReLU nodes and a linear one: relu(a + b) - 2 relu(a + b - 1)."""
    return relu(a + b) - 2.0 * relu(a + b - 1.0)


# ---------------------------------------------------------------- §2: training


@closed_form
def cross_entropy(o: Array, y: Array) -> float:
    """Return -Σ (y log o + (1 - y) log(1 - o)), with the brackets that the print lacks (E-MAL-7)."""
    return float(-np.sum(y * np.log(o) + (1.0 - y) * np.log(1.0 - o)))


@closed_form
def cross_entropy_slope(o: Array, y: Array) -> Array:
    """Return the derivative of the cross-entropy with respect to each output: (o - y)/(o (1 - o))."""
    return (o - y) / (o * (1.0 - o))


@closed_form
def delta_cross_entropy(o: Array, y: Array) -> Array:
    """Return δ of a logistic output under the cross-entropy: o - y."""
    return o - y


@closed_form
def regression_gradient(w: Array, x: Array, y: Array) -> Array:
    """Return the gradient of logistic regression's cross-entropy over the rows of x: Σ (o - y) x."""
    return x.T @ (logistic(x @ w) - y)


@closed_form
def regularised_gradient(gradient: Array, w: Array, strength: float) -> Array:
    """Return the gradient with that of a term λ/2 Σ w² added: one more λw for each weight."""
    return gradient + strength * w


@closed_form
def descent_step(w: Array, gradient: Array, eta: float) -> Array:
    """Return w - η ∇ℒ (E-MAL-6: the minus is lost in print)."""
    return w - eta * gradient


@closed_form
def forward_quotient(loss: float, changed_loss: float, change: float) -> float:
    """Return (ℒ(o') - ℒ(o)) / Δw, where w alone was changed by Δw."""
    return (changed_loss - loss) / change


# ---------------------------------------------------------------- §3: backpropagation


@closed_form
def chain_example(y: Array) -> Array:
    """Return df/dy for f = x²z, x = 2y, z = sin y: the sum over both paths, (∂f/∂x)(dx/dy) + (∂f/∂z)(dz/dy)."""
    x, z = 2.0 * y, np.sin(y)
    return 2.0 * x * z * 2.0 + x**2 * np.cos(y)


@closed_form
def half_squared_error(o: Array, y: Array) -> float:
    """Return Σ ½ (o - y)², over outputs and samples."""
    return float(0.5 * np.sum((o - y) ** 2))


@closed_form
def delta_output(activation: str, s: Array, y: Array) -> Array:
    """Return δ of the last layer under ½ Σ (g(s) - y)²: (g(s) - y) g'(s)."""
    return (g(activation, s) - y) * g_prime(activation, s)


@closed_form
def delta_hidden(delta: Array, w: Array, activation: str, s: Array) -> Array:
    """Return δ_i of the layer below: Σ_j δ_j w_ij g'(s_i) (E-MAL-14: j, not i). Rows are samples."""
    return delta @ w.T * g_prime(activation, s)


@closed_form
def input_slope(delta: Array, w: Array) -> Array:
    """Return ∂e/∂x_i = Σ_j δ_j w_ij: what one can ask for at the inputs, which have no S and so no δ (E-MAL-10)."""
    return delta @ w.T


@closed_form
def weight_gradient(x: Array, delta: Array) -> Array:
    """Return ∂e/∂w_ij = δ_j x_i, summed over the samples in the rows."""
    return x.T @ delta
