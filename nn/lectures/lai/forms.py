"""Closed forms of Lai, in his letters: z before an activation function and a after it, δ = ∂L/∂z of one example.

Rows are examples, weights have the layout (inputs, outputs), and Θ is W with the bias as one more row, which meets a
dummy input of 1. L is the mean over the m examples of the cross-entropy. Where the slides are wrong the corrected form
stands here; `errata` keeps the printed one.
"""

from __future__ import annotations

import numpy as np

from autograd_core.errors import ArgumentError
from nn.lectures.item import Array, closed_form

__all__ = [
    "HIDDEN",
    "OUTPUT",
    "binary_cross_entropy",
    "chain",
    "chain_of_several",
    "cross_entropy",
    "delta_hidden",
    "delta_output",
    "descent_step",
    "example_gradient",
    "g",
    "g_prime",
    "hidden_bias_gradient",
    "hidden_weight_gradient",
    "layer",
    "matrix_gradient",
    "pytorch_layer",
    "score",
    "slope_by_activation",
    "slope_by_weight",
    "softmax",
    "stacked",
    "textbook_layer",
    "theta_gradient",
    "three_factors",
    "with_dummy",
]

HIDDEN = ("sigmoid", "tanh", "relu")
OUTPUT = ("sigmoid", "softmax")
"""What a hidden and an output neuron can have for an activation function."""

# ---------------------------------------------------------------- multinomial logistic regression


@closed_form
def score(x: Array, W: Array, b: Array) -> Array:
    """Return z_c = Σ_j w_jc x_j + b_c, for one example or for those in the rows of x."""
    return x @ W + b


@closed_form
def softmax(z: Array) -> Array:
    """Return e**z_c / Σ_k e**z_k along the rows, moved by the largest z, which changes nothing but overflows."""
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


@closed_form
def cross_entropy(yhat: Array, y: Array) -> Array:
    """Return -Σ_k y_k log ŷ_k of each example; what has y = 0 has no part in it."""
    with np.errstate(divide="ignore"):  # the loss of a label that was thought impossible is infinite
        return -np.sum(y * np.log(np.where(y == 0.0, 1.0, yhat)), axis=-1)


@closed_form
def binary_cross_entropy(yhat: Array, y: Array) -> Array:
    """Return -Σ_k (y_k log ŷ_k + (1 - y_k) log(1 - ŷ_k)), which logistic outputs need (E-LAI-5)."""
    return cross_entropy(yhat, y) + cross_entropy(1.0 - yhat, 1.0 - y)


@closed_form
def delta_output(yhat: Array, y: Array) -> Array:
    """Return ŷ - y: ∂L/∂z, and so ∂L/∂b, of an example at the output."""
    return yhat - y


@closed_form
def example_gradient(x: Array, yhat: Array, y: Array) -> Array:
    """Return ∂L/∂w_jk = (ŷ_k - y_k) x_j of one example."""
    return np.outer(x, yhat - y)


@closed_form
def with_dummy(x: Array) -> Array:
    """Return x with one more column, the dummy feature 1, as the last (E-LAI-2)."""
    return np.column_stack([x, np.ones(len(x))])


@closed_form
def stacked(W: Array, b: Array) -> Array:
    """Return Θ: the weights with the bias as one more row, the last, where the dummy is."""
    return np.vstack([W, b])


@closed_form
def theta_gradient(x: Array, yhat: Array, y: Array) -> Array:
    """Return ∇L = (1/m) xᵀ(ŷ - y) for L the mean over the m rows of x (E-LAI-3)."""
    return x.T @ (yhat - y) / len(x)


# ---------------------------------------------------------------- layers


@closed_form
def g(activation: str, z: Array) -> Array:
    """Return the activation function, by its name in the table of ops; softmax works along the rows."""
    match activation:
        case "sigmoid":
            with np.errstate(
                over="ignore"
            ):  # e**-z is infinite for z below -709, and its reciprocal the 0 that it should be
                return 1.0 / (1.0 + np.exp(-z))
        case "tanh":
            return np.tanh(z)
        case "relu":
            return np.where(z > 0.0, z, 0.0)
        case "softmax":
            return softmax(z)
        case _:
            raise ArgumentError(
                f"the lecture has no activation {activation!r}: choose one of {', '.join(HIDDEN)}, softmax"
            )


@closed_form
def g_prime(activation: str, z: Array) -> Array:
    """Return g'(z) of a hidden layer's activation function: a (1 - a) of the logistic, 1 - a² of tanh, [z > 0] of ReLU."""
    a = g(activation, z)
    match activation:
        case "sigmoid":
            return a * (1.0 - a)
        case "tanh":
            return 1.0 - a**2
        case _:
            return np.where(z > 0.0, 1.0, 0.0)


@closed_form
def layer(a: Array, theta: Array, activation: str) -> Array:
    """Return g([a 1] Θ): the dummy has to be put in at every layer (E-LAI-4)."""
    return g(activation, with_dummy(a) @ theta)


@closed_form
def textbook_layer(a: Array, W: Array, b: Array, activation: str) -> Array:
    """Return g(W a + b) for one example as a column, W of shape (outputs, inputs)."""
    return g(activation, W @ a + b)


@closed_form
def pytorch_layer(a: Array, W: Array, b: Array, activation: str) -> Array:
    """Return g(a Wᵀ + b) for examples in rows, W stored as (outputs, inputs)."""
    return g(activation, a @ W.T + b)


# ---------------------------------------------------------------- gradients


@closed_form
def chain(dy_dz: Array, dz_dx: Array) -> Array:
    """Return dy/dx = dy/dz · dz/dx."""
    return dy_dz * dz_dx


@closed_form
def chain_of_several(df_dg: Array, dg_dx: Array) -> float:
    """Return df/dx = Σ_i ∂f/∂g_i · dg_i/dx."""
    return float(np.sum(df_dg * dg_dx))


@closed_form
def slope_by_weight(a: Array, width: int) -> Array:
    """Return ∂z_k/∂W_jk = a_j, the same for each of the neurons k of a layer."""
    return np.outer(a, np.ones(width))


@closed_form
def three_factors(dL_da: Array, da_dz: Array, a: Array) -> Array:
    """Return ∂L/∂W_jk = ∂L/∂a_k · ∂a_k/∂z_k · ∂z_k/∂W_jk, for activation functions of one number (E-LAI-6)."""
    return dL_da * da_dz * slope_by_weight(a, len(dL_da))


@closed_form
def slope_by_activation(delta: Array, W: Array) -> Array:
    """Return ∂L/∂a_k = Σ_ℓ δ_ℓ W_kℓ, where δ and W are those of the layer above and ℓ is no dummy."""
    return delta @ W.T


@closed_form
def hidden_weight_gradient(delta: Array, W: Array, slope: Array, a: Array) -> Array:
    """Return ∂L/∂W_jk = (Σ_ℓ δ_ℓ W_kℓ) g'(z_k) a_j of one example, δ and W being those of the layer above."""
    return np.einsum("l,kl,k,j->jk", delta, W, slope, a)


@closed_form
def hidden_bias_gradient(delta: Array, W: Array, slope: Array) -> Array:
    """Return ∂L/∂b_k = (Σ_ℓ δ_ℓ W_kℓ) g'(z_k) of one example."""
    return np.einsum("l,kl,k->k", delta, W, slope)


@closed_form
def delta_hidden(delta: Array, W: Array, activation: str, z: Array) -> Array:
    """Return δ = (δ' W'ᵀ) ⊙ g'(z), with δ' and W' those of the layer above: W, not Θ."""
    return delta @ W.T * g_prime(activation, z)


@closed_form
def matrix_gradient(a: Array, delta: Array) -> Array:
    """Return (1/m) aᵀ δ: the 1/m of the mean comes in here, and only here (E-LAI-7)."""
    return a.T @ delta / len(delta)


@closed_form
def descent_step(theta: Array, gradient: Array, eta: float) -> Array:
    """Return Θ - η ∇L."""
    return theta - eta * gradient
