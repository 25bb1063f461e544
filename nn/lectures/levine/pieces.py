"""Levine's formulas by components, for one data point, and those around training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nn.lectures.item import Array, closed_form

__all__ = [
    "activation_slope_component",
    "ascent",
    "chain",
    "chain_component",
    "flat",
    "hessian",
    "number_of_parameters",
    "one_hot",
    "weight_slope_component",
    "z_component",
]


@closed_form
def one_hot(k: int, M: int) -> Array:
    """Return M entries, all 0 but a 1 at place k, counted from 0."""
    return np.array([1.0 if i == k else 0.0 for i in range(M)])


@closed_form
def number_of_parameters(M: Sequence[int]) -> int:
    """Return how many numbers θ holds: a row of M_{ℓ-1} weights and a bias for each of the M_ℓ units of each layer."""
    return sum(M[layer] * (M[layer - 1] + 1) for layer in range(1, len(M)))


@closed_form
def flat(weights: Sequence[Array], biases: Sequence[Array]) -> Array:
    """Return one long vector: for each layer W column by column, then b."""
    return np.concatenate([part for W, b in zip(weights, biases, strict=True) for part in (W.T.reshape(-1), b)])


@closed_form
def ascent(theta: Array, slope: Array, alpha: float) -> Array:
    """Return θ + α∇L."""
    return theta + alpha * slope


@closed_form
def chain(A: Array, B: Array) -> Array:
    """Return df/dx = AB for f(y) = Ay and y = Bx: rows are results, columns inputs."""
    return A @ B


@closed_form
def chain_component(A: Array, B: Array, i: int, j: int) -> float:
    """Return (df/dx)_ij = Σ_k A_ik B_kj."""
    return float(sum(A[i, k] * B[k, j] for k in range(A.shape[1])))


@closed_form
def z_component(W: Array, x: Array, b: Array, i: int) -> float:
    """Return z_i = Σ_j W_ij x_j + b_i, with j up to M_0."""
    return float(sum(W[i, j] * x[j] for j in range(W.shape[1])) + b[i])


@closed_form
def weight_slope_component(dz: Array, x: Array, i: int, j: int) -> float:
    """Return dL/dW_ij = dL/dz_i x_j."""
    return float(dz[i] * x[j])


@closed_form
def activation_slope_component(dz: Array, W: Array, j: int) -> float:
    """Return dL/dh_j = Σ_i dL/dz_i W_ij."""
    return float(sum(dz[i] * W[i, j] for i in range(W.shape[0])))


@closed_form
def hessian(x: Array, p: Array) -> Array:
    """Return the second derivatives of logistic regression's log-likelihood by its weights: -X diag(p(1 - p)) Xᵀ."""
    return -(x * (p * (1.0 - p))) @ x.T
