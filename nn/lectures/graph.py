"""The graph's side of a comparison: arrays in, scalar nodes in between, arrays out.

A function that is compared takes nested lists of numbers and uses ops alone, so one definition serves both ways: on
Values it is differentiated by the engine, on floats by a difference quotient. Nothing here knows a closed form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from autograd_core.backward import gradients
from autograd_core.ops import dot
from autograd_core.value import Number, Value
from nn.lectures.item import Array, Comparison

__all__ = ["Nested", "affine", "central", "data", "jacobian", "slopes", "three_ways", "transposed", "values"]

Nested: TypeAlias = Any
"""A number, or nested lists of numbers: floats or Values."""

STEP = 1e-6


def values(array: ArrayLike, label: str = "") -> Nested:
    """Return an array as nested lists of Values, labelled by their indices from 1, as lectures count.

    >>> values([[1.0, 2.0]], "W")[0][1].label
    'W[1,2]'
    """
    return _values(np.asarray(array, dtype=np.float64), label, ())


def _values(array: Array, label: str, index: tuple[int, ...]) -> Nested:
    if array.ndim == 0:
        place = f"[{','.join(map(str, index))}]" if index else ""
        return Value(float(array), f"{label}{place}" if label else "")
    return [_values(row, label, (*index, i)) for i, row in enumerate(array, start=1)]


def data(nested: Nested) -> Array:
    """Return the numbers of nested lists of numbers as an array."""
    if isinstance(nested, list | tuple):
        return np.array([data(member) for member in cast("Sequence[Nested]", nested)], dtype=np.float64)
    return np.float64(nested.data if isinstance(nested, Value) else nested)  # pyright: ignore[reportReturnType] - a scalar is an array of no dimensions


def slopes(y: Value, nested: Nested) -> Array:
    """Return the derivative of y with respect to each Value of nested lists, by the engine, in the same shape."""
    flat = _flat(nested)
    return np.array([slope.data for slope in gradients(y, flat)]).reshape(data(nested).shape)


def jacobian(ys: Iterable[Value], nested: Nested) -> Array:
    """Return the derivatives of several results: one backward pass for each, results along the first axes."""
    return np.array([slopes(y, nested) for y in ys])


def central(f: Callable[[Nested], Number], at: ArrayLike, step: float = STEP) -> Array:
    """Return the gradient of f by central differences, computed on floats alone."""
    at = np.asarray(at, dtype=np.float64)
    gradient = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        ahead, behind = at.copy(), at.copy()
        ahead[index] += step
        behind[index] -= step
        gradient[index] = (cast("float", f(ahead.tolist())) - cast("float", f(behind.tolist()))) / (2.0 * step)
    return gradient


def three_ways(quantity: str, f: Callable[[Nested], Number], at: ArrayLike, formula: ArrayLike) -> Comparison:
    """Compare a closed form of the gradient of f at a point with the engine's and with central differences.

    Parameters
    ----------
    quantity : what the lecture calls it.
    f : a function of nested lists of numbers, made of ops; it returns one number.
    at : where.
    formula : the lecture's gradient, in the shape of ``at``.

    >>> three_ways("dy/dx", lambda x: x[0] * x[1], [2.0, 3.0], [3.0, 2.0]).agrees
    True
    """
    leaves = values(at, "".join(re.findall(r"/[∂d]([^\s,()/]+)", quantity)[-1:]))
    y = cast("Value", f(leaves))
    return Comparison(quantity, np.asarray(formula, float), slopes(y, leaves), central(f, at), graph=y)


def affine(weight: Nested, x: Nested, bias: Nested = None) -> list[Number]:
    """Return Wx + b for a weight matrix of the layout (out, in), as one ``dot`` for each output."""
    sums = [dot(row, x) for row in weight]
    return list(sums) if bias is None else [s + b for s, b in zip(sums, bias, strict=True)]


def transposed(matrix: Nested) -> list[list[Number]]:
    """Return the transpose of nested lists: from the layout (in, out) to (out, in)."""
    return [list(column) for column in zip(*matrix, strict=True)]


def _flat(nested: Nested) -> list[Value]:
    if isinstance(nested, list | tuple):
        return [v for member in cast("Sequence[Nested]", nested) for v in _flat(member)]
    return [cast("Value", nested)]
