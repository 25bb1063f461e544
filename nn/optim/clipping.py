"""Gradient clipping, on flat vectors."""

from __future__ import annotations

import math

import numpy as np

from nn.module import Array
from nn.ranges import above_zero

__all__ = ["clip_by_norm", "clip_by_value"]


def clip_by_norm(gradient: Array, largest: float) -> Array:
    """Return min(1, c / ‖g‖) g: a gradient that is too long keeps its direction, and gets the length c.

    Source: Pascanu et al. 2013, arXiv:1211.5063, algorithm 1. (PyTorch's clip_grad_norm_ divides by ‖g‖ + 1e-6.)

    Parameters
    ----------
    gradient : a vector of any size; its length is found without overflow. Infinities in it become nan.
    largest : the length c.

    Raises
    ------
    ArgumentError : a length that is not above 0.

    >>> clip_by_norm(np.array([3.0, 4.0]), 1.0).tolist()
    [0.6000000000000001, 0.8]
    """
    largest = above_zero("the largest norm", largest)
    gradient = np.asarray(gradient, dtype=np.float64)
    length = _length(gradient)
    with np.errstate(invalid="ignore"):  # 0 times infinity, in a gradient that has no direction
        return gradient * (largest / length) if length > largest else gradient


def clip_by_value(gradient: Array, largest: float) -> Array:
    """Return each element of g, cut off at -c and c.

    Parameters
    ----------
    gradient : a vector.
    largest : the size c.

    Raises
    ------
    ArgumentError : a size that is not above 0.

    >>> clip_by_value(np.array([3.0, -4.0, 0.5]), 1.0).tolist()
    [1.0, -1.0, 0.5]
    """
    largest = above_zero("the largest value", largest)
    return np.clip(gradient, -largest, largest)


def _length(vector: Array) -> float:
    """Return √Σ g², where the squares may be beyond the range of float64."""
    scale = float(np.max(np.abs(vector), initial=0.0))
    return scale * float(np.linalg.norm(vector / scale)) if 0.0 < scale < math.inf else scale
