"""The table's ops on JAX arrays, where JAX has none of the same meaning: stable, and following IEEE 754 as the ops do."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# JAX's functions take more than their types can say.

from __future__ import annotations

import math
from math import inf, nan

import numpy as np
from jax import Array
from jax import numpy as jnp
from jax.nn import log_sigmoid, sigmoid, softplus
from jax.scipy.special import erf, erfc, logsumexp

__all__ = [
    "clip", "elu", "erf", "erfc", "gelu", "inf", "leaky_relu", "log_sigmoid", "logsumexp", "nan", "relu", "same", "sigmoid",
    "silu", "softplus", "step", "strong_mul", "where", "windows",
]  # fmt: skip


def relu(x: Array) -> Array:
    """Return x where it is positive, else 0; nan stays nan."""
    return jnp.maximum(x, 0.0)


def gelu(x: Array) -> Array:
    """Return x Φ(x)."""
    tail = 0.5 * erfc(-x * math.sqrt(0.5))
    return jnp.where(tail == 0.0, -0.0, x * tail)


def silu(x: Array) -> Array:
    """Return x sigmoid(x)."""
    gate = sigmoid(x)
    return jnp.where(gate == 0.0, -0.0, x * gate)


def leaky_relu(x: Array, slope: Array) -> Array:
    """Return x where it is positive, else slope x."""
    return jnp.where(x > 0.0, x, slope * x)


def elu(x: Array, alpha: Array) -> Array:
    """Return x where it is positive, else alpha (e**x - 1)."""
    return jnp.where(x > 0.0, x, alpha * jnp.expm1(jnp.minimum(x, 0.0)))


def step(x: Array) -> Array:
    """Return 1 where x is positive, else 0; nan stays nan."""
    return jnp.maximum(jnp.sign(x), 0.0)


def same(a: Array, b: Array) -> Array:
    """Return 1 where two numbers are equal, else 0; nan where either is nan."""
    return jnp.where(jnp.isnan(a) | jnp.isnan(b), jnp.nan, jnp.where(jnp.equal(a, b), 1.0, 0.0))


def where(condition: Array, a: Array, b: Array) -> Array:
    """Return a where the condition is not 0, else b."""
    return jnp.where(condition != 0.0, a, b)


def clip(x: Array, low: Array, high: Array) -> Array:
    """Return x brought into [low, high]; nan for an empty interval."""
    return jnp.where(jnp.less_equal(low, high), jnp.minimum(jnp.maximum(x, low), high), jnp.nan)


def strong_mul(a: Array, b: Array) -> Array:
    """Return a * b, but 0 wherever a is 0."""
    return jnp.where(a == 0.0, 0.0, a * b)


def windows(x: Array, size: int, step: int, axis: int) -> Array:
    """Return all windows of a size along an axis, so many steps apart, with an axis of their own behind it."""
    starts = np.arange(0, x.shape[axis] - size + 1, step)
    return jnp.take(x, starts[:, None] + np.arange(size), axis)
