"""What NumPy is told when one of its functions meets a Value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import ge, gt, is_, is_not, le, lt
from typing import Any, cast

import numpy as np

from autograd_core.errors import OperandTypeError
from autograd_core.op import Applies, as_float, call
from autograd_core.ops import OPS

__all__ = ["apply_ufunc"]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "less": lt, "less_equal": le, "greater": gt, "greater_equal": ge, "equal": is_, "not_equal": is_not,
}  # fmt: skip


def apply_ufunc(
    ufunc: Callable[..., object], method: str, inputs: tuple[object, ...], options: Mapping[str, object]
) -> object:
    """Apply a NumPy universal function to Values.

    On scalars it is the op of the same meaning; on arrays of Values (dtype object) NumPy goes through the elements.
    OperandTypeError for arrays of bare numbers and for functions that the table does not have.
    """
    # NumPy hands its own scalars over as arrays of no dimensions.
    inputs = tuple([_unwrapped(x) for x in inputs])
    arrays = [cast("np.ndarray[Any, np.dtype[Any]]", x) for x in inputs if isinstance(x, np.ndarray)]
    if arrays:
        for array in arrays:
            if array.dtype != object:
                raise OperandTypeError(
                    f"an array of {array.dtype} and shape {array.shape} met a Value: make one Value for each element, "
                    "as in np.array([Value(x) for x in array.tolist()])"
                )
        return getattr(ufunc, method)(*[_boxed(x) if hasattr(type(x), "apply_op") else x for x in inputs], **options)
    name = ufunc.__name__
    if method == "__call__" and not options:
        if name in _COMPARISONS:
            return _COMPARISONS[name](*inputs)
        for op in OPS.values():
            if (op.ufunc or op.name) == name:
                return call(op, cast("tuple[Applies, ...]", inputs))
    raise OperandTypeError(
        f"np.{name} has no derivative here: use one of autograd_core's ops, or .data where the bare number is wanted"
    )


def _unwrapped(x: object) -> object:
    if isinstance(x, np.ndarray):
        array = cast("np.ndarray[Any, np.dtype[Any]]", x)
        if array.ndim == 0:
            return array.item() if array.dtype == object else as_float(array)
        return array
    return x


def _boxed(value: object) -> np.ndarray[tuple[()], np.dtype[np.object_]]:
    """Return an array of no dimensions that holds the Value, which NumPy treats as an element."""
    box = np.empty((), dtype=object)
    box[()] = value
    return box
