"""Trace: a user's function, recorded once on placeholders, and guarded so that what is replayed is what was meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol, TypeAlias, cast

from autograd_core.errors import ArgumentError, GraphCutError, OperandTypeError
from autograd_core.graph import walk
from autograd_core.modes import guarded
from autograd_core.op import as_float
from autograd_core.value import Value, constant, source_line

__all__ = [
    "HasTensors",
    "Leaves",
    "Params",
    "Shape",
    "Size",
    "Trace",
    "frozen",
    "leaves_of",
    "tensors_of",
    "trace",
    "unchanged",
]

Shape: TypeAlias = tuple[int, ...]
Size: TypeAlias = int | Shape
TAKEN = ("params", "reduce", "self", "tangents", "vectors", "weights")
"""What calls of a program name themselves."""

Nested: TypeAlias = "Value | Sequence[Nested]"


class HasTensors(Protocol):
    """What has parameters with names, as a Module does."""

    def named_tensors(self) -> Iterator[tuple[str, Nested]]:
        """Yield each parameter array with its name."""
        ...


Params: TypeAlias = HasTensors | Mapping[str, Nested]


@dataclass(frozen=True)
class Leaves:
    """The leaves that make up one array, row by row."""

    shape: Shape
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Trace:
    """One recording of a function.

    Parameters
    ----------
    inputs, params : the leaves behind each name.
    loss : the function's result.
    aux : other results that it gave beside, flattened; whether there are to be any, and how they were nested.
    constants : Values that the function used and that are neither, with the number that each had.
    """

    inputs: dict[str, Leaves]
    params: dict[str, Leaves]
    loss: Value
    aux: tuple[Value, ...]
    has_aux: bool
    nesting: object
    constants: tuple[tuple[Value, float], ...]


def trace(f: Callable[..., Any], inputs: Mapping[str, Size], params: Params, *, has_aux: bool = False) -> Trace:
    """Call f once on placeholders, and return what it recorded.

    Raises
    ------
    ArgumentError : a name is no identifier or taken, a size is no size, or f does not return one Value.
    GraphCutError : f compares, converts or reads a number that depends on an input or a parameter.
    """
    placeholders = {_checked_name(name): _placeholders(name, size) for name, size in inputs.items()}
    tensors = leaves_of(params)
    if both := sorted(set(placeholders) & set(tensors)):
        raise ArgumentError(f"{both[0]!r} is both an input and a parameter: give one of them another name")
    traced = {v for group in (placeholders, tensors) for leaves in group.values() for v in leaves.values}
    arguments = {name: _nested(leaves.shape, iter(leaves.values)) for name, leaves in placeholders.items()}
    with guarded(_guard(traced)):
        result: object = f(**arguments)
    loss, aux = _pair(result) if has_aux else (result, ())
    flat: list[Value] = []
    nesting = _flattened(aux, flat)
    if isinstance(loss, tuple | list) and len(several := cast("Sequence[object]", loss)) == 1:
        loss = several[0]
    if not isinstance(loss, Value):
        raise ArgumentError(
            f"f returned {loss!r:.60} of type {type(cast('object', loss)).__name__}: return one Value, such as a loss"
        )
    leaves = walk((loss, *flat))[1]
    constants = tuple([(v, v._primal) for v in leaves if v not in traced and not v.is_constant])
    return Trace(placeholders, tensors, loss, tuple(flat), has_aux, nesting, constants)


def _pair(result: object) -> tuple[object, object]:
    pair = cast("Sequence[object]", result) if isinstance(result, tuple | list) else ()
    if len(pair) != 2:
        raise ArgumentError(f"f returned {result!r:.60}, and has_aux wants a pair: the Value, and other results")
    return pair[0], pair[1]


def tensors_of(params: Params) -> dict[str, Nested]:
    """Return the Values of each parameter, nested as they are, by name."""
    return dict(params.items() if isinstance(params, Mapping) else params.named_tensors())


def frozen(tensor: Nested) -> Nested:
    """Return nested Values as tuples that nobody changes; tuples of Values are kept as they are."""
    if isinstance(tensor, Value) or (isinstance(tensor, tuple) and all([isinstance(v, Value) for v in tensor])):
        return tensor
    return tuple([frozen(row) for row in tensor])


def unchanged(tensor: Nested, before: Nested) -> bool:
    """Tell whether nested Values are the very ones that were frozen."""
    if tensor is before or isinstance(tensor, Value) or isinstance(before, Value):
        return tensor is before
    return len(tensor) == len(before) and all([unchanged(a, b) for a, b in zip(tensor, before, strict=True)])


def leaves_of(params: Params) -> dict[str, Leaves]:
    """Return the leaves behind each parameter's name."""
    found: dict[str, Leaves] = {}
    for name, tensor in tensors_of(params).items():
        if not isinstance(name, str) or name.startswith(("the ", "tangent of ")):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentError(
                f"a parameter is named {name!r}: take a text that does not begin with 'the ' or 'tangent of '"
            )
        flat: list[Value] = []
        shape = _shape(name, tensor, flat)
        for v in flat:
            if v.op is not None or v.is_constant:
                raise ArgumentError(f"{v!r} of the parameter {name} is a result or a constant: pass leaves")
        found[name] = Leaves(shape, tuple(flat))
    return found


def _shape(name: str, tensor: object, flat: list[Value]) -> Shape:
    if isinstance(tensor, Value):
        flat.append(tensor)
        return ()
    if not isinstance(tensor, Sequence) or isinstance(tensor, str):
        raise OperandTypeError(
            f"the parameter {name} holds {tensor!r:.60} of type {type(tensor).__name__}: pass a Value, or nested lists of them"
        )
    shapes = [_shape(name, row, flat) for row in cast("Sequence[object]", tensor)]
    if len(set(shapes)) > 1:
        raise ArgumentError(
            f"the rows of the parameter {name} have the shapes {sorted(set(shapes))}: make them equally long"
        )
    return (len(shapes), *(shapes[0] if shapes else ()))


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier() or name in TAKEN:
        raise ArgumentError(f"an input is named {name!r}: take an identifier that is none of {', '.join(TAKEN)}")
    return name


def _placeholders(name: str, size: Size) -> Leaves:
    shape = size if isinstance(size, tuple) else (size,)
    if not all([isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in shape]):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(
            f"the size of the input {name} is {size!r}: pass a whole number from 1 up, or a tuple of them"
        )
    # Any number will do: it decides nothing. One half lies inside the domain of every op but acosh-like composites.
    return Leaves(shape, tuple([Value(0.5, name) for _ in range(prod(shape))]))


def _nested(shape: Shape, values: Iterator[Value]) -> Nested:
    """Return Values as tuples of this shape; a Value itself for no dimensions."""
    if not shape:
        return next(values)
    return tuple([_nested(shape[1:], values) for _ in range(shape[0])])


def _flattened(tree: object, flat: list[Value]) -> object:
    """Append the Values of a tree, and return how it is nested: None for a Value, a list for a row."""
    if isinstance(tree, Iterable) and not isinstance(tree, str):
        return [_flattened(branch, flat) for branch in cast("Iterable[object]", tree)]
    flat.append(tree if isinstance(tree, Value) else constant(as_float(tree)))
    return None


def _guard(traced: set[Value]) -> Callable[[Value, str], None]:
    """Return what refuses to let a number decide that a replay may change."""
    independent: set[Value] = set()

    def guard(v: Value, deed: str) -> None:
        if v in independent or v.is_constant:
            return
        if not traced.isdisjoint(walk(v)[1]):
            raise GraphCutError(
                f"{deed} of a number that depends on an input or a parameter, while f is being lifted, at {source_line()}: "
                "a replay would take the same branch whatever the number is; use autograd_core.where, maximum or clip"
            )
        independent.add(v)

    return guard
