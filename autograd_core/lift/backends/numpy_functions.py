"""The table's ops on NumPy arrays, where NumPy has none of the same meaning: stable, and following IEEE 754 as the ops do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "clip", "elu", "erf", "erfc", "gelu", "leaky_relu", "log_sigmoid", "logsumexp", "relu", "same", "sigmoid", "silu",
    "softplus", "step", "strong_mul", "where", "windows",
]  # fmt: skip

Array = NDArray[np.float64]

erf = np.vectorize(math.erf, otypes=[np.float64])
erfc = np.vectorize(math.erfc, otypes=[np.float64])


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + e**-x) without overflow on either side."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def softplus(x: Array) -> Array:
    """Return log(1 + e**x), which is x for large x."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def log_sigmoid(x: Array) -> Array:
    """Return log(sigmoid(x)), which is x for very negative x."""
    return -softplus(-x)


def gelu(x: Array) -> Array:
    """Return x Φ(x)."""
    tail = 0.5 * erfc(-x * math.sqrt(0.5))
    return np.where(tail == 0.0, -0.0, x * tail)


def silu(x: Array) -> Array:
    """Return x sigmoid(x)."""
    gate = sigmoid(x)
    return np.where(gate == 0.0, -0.0, x * gate)


def relu(x: Array) -> Array:
    """Return x where it is positive, else 0; nan stays nan."""
    return np.maximum(x, 0.0)


def leaky_relu(x: Array, slope: Array) -> Array:
    """Return x where it is positive, else slope x."""
    return np.where(x > 0, x, slope * x)


def elu(x: Array, alpha: Array) -> Array:
    """Return x where it is positive, else alpha (e**x - 1)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def step(x: Array) -> Array:
    """Return 1 where x is positive, else 0; nan stays nan."""
    return np.heaviside(x, 0.0)


def same(a: Array, b: Array) -> Array:
    """Return 1 where two numbers are equal, else 0; nan where either is nan."""
    return np.where(np.isnan(a) | np.isnan(b), np.nan, np.equal(a, b))


def where(condition: Array, a: Array, b: Array) -> Array:
    """Return a where the condition is not 0, else b."""
    return np.where(condition != 0.0, a, b)


def clip(x: Array, low: Array, high: Array) -> Array:
    """Return x brought into [low, high]; nan for an empty interval."""
    return np.where(np.less_equal(low, high), np.minimum(np.maximum(x, low), high), np.nan)


def strong_mul(a: Array, b: Array) -> Array:
    """Return a * b, but 0 wherever a is 0."""
    return np.where(a == 0.0, 0.0, a * b)


def logsumexp(x: Array, axis: Any, keepdims: bool = False) -> Array:
    """Return log Σ e**x along an axis, the largest term taken out."""
    largest = np.max(x, axis=axis, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    total = np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return total if keepdims else np.squeeze(total, axis)


def windows(x: Array, size: int, step: int, axis: int) -> Array:
    """Return all windows of a size along an axis, so many steps apart, with an axis of their own behind it."""
    seen = np.moveaxis(np.lib.stride_tricks.sliding_window_view(x, size, axis=axis), -1, axis + 1)
    return seen[(slice(None),) * axis + (slice(None, None, step),)]
