"""The array program: arrays, and statements that compute one from others.

Every array has axes of its own, which are called digits where it is computed, and may have a batch axis in front of
them. An expression is read in the digits of the array that it fills; inside of a contraction, also in the digits that are
contracted, which come after those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_core.lift.axes import Indices
from autograd_core.lift.trace import Shape
from autograd_core.op import Op

__all__ = [
    "Apply",
    "Array",
    "Contract",
    "Expression",
    "Fold",
    "Number",
    "Output",
    "Routine",
    "Statement",
    "View",
    "children",
    "is_batched",
    "operations",
    "rebuilt",
    "views_in",
    "whole",
]

Kind: TypeAlias = Literal["input", "parameter", "constant", "batch size", "result"]
Fold: TypeAlias = Literal["sum", "max", "min", "logsumexp"]


@dataclass
class Array:
    """One array of a program.

    Parameters
    ----------
    name : what it is called in what is printed.
    shape : without the batch axis.
    batched : whether it has one.
    kind : where it comes from.
    key : the name under which callers pass it.
    data : the numbers of a constant.
    origin : the colour of the scalars that it holds; -1 for none.
    """

    name: str
    shape: Shape
    batched: bool = False
    kind: Kind = "result"
    key: str = ""
    data: NDArray[np.float64] | None = None
    origin: int = -1


@dataclass(frozen=True)
class View:
    """How an array is read: along each of its axes, from a base, by so many steps for each digit.

    Parameters
    ----------
    array : its number.
    base : a coordinate for each axis.
    steps : for each axis, a step for each digit.
    table : in place of both, the number of a table of places in the flattened array, one for all digits: a gather.
    """

    array: int
    base: tuple[int, ...] = ()
    steps: tuple[tuple[int, ...], ...] = ()
    table: int | None = None


@dataclass(frozen=True, eq=False)
class Number:
    """A constant; equal to another of the same bits, so that 0.0 is not -0.0."""

    value: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.value.hex() == other.value.hex()

    def __hash__(self) -> int:
        return hash(self.value.hex())


@dataclass(frozen=True)
class Apply:
    """An op of single numbers, element by element."""

    op: Op
    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Contract:
    """The sum of products over some digits, and over the batch if so; or another fold of one factor.

    Parameters
    ----------
    fold : what is done along the digits.
    factors : one or two.
    sizes : of the digits that are contracted.
    batch : whether the batch axis is contracted too.
    """

    fold: Fold
    factors: tuple[Expression, ...]
    sizes: Shape
    batch: bool = False


Expression: TypeAlias = View | Number | Apply | Contract


@dataclass(frozen=True)
class Statement:
    """An array, and the expression that fills it."""

    out: int
    expression: Expression


@dataclass(frozen=True)
class Output:
    """One result of a routine: the numbers of arrays one after the other, in some order, in a shape.

    Parameters
    ----------
    name : what it is the result for.
    shape : without the batch axis.
    parts : the arrays that its numbers come from.
    order : which of these numbers, counted through, comes where; None if they come in order.
    batched : whether it has a batch axis.
    summed : whether it is a sum over the batch. If it is not, and yet has no batch axis, it is the same for each sample.
    """

    name: str
    shape: Shape
    parts: tuple[int, ...]
    order: Indices | None
    batched: bool
    summed: bool


@dataclass
class Routine:
    """A straight line of statements: a pure function of arrays.

    Parameters
    ----------
    arrays : all of them, by number.
    statements : in an order in which they can be run.
    outputs : what it returns.
    tables : of places, for what is gathered.
    nodes : how many nodes of a graph it stands for.
    """

    arrays: list[Array]
    statements: list[Statement]
    outputs: list[Output]
    tables: list[Indices] = field(default_factory=list[Indices])
    nodes: int = 0

    def given(self) -> list[int]:
        """Return the numbers of the arrays that callers pass: the inputs, then the parameters."""
        return [i for kind in ("input", "parameter") for i, array in enumerate(self.arrays) if array.kind == kind]

    def arguments(self) -> list[str]:
        """Return the names under which callers pass these."""
        return [self.arrays[i].key for i in self.given()]

    def size(self) -> int:
        """Return how many operations on arrays it takes."""
        return sum([operations(statement.expression) for statement in self.statements])

    def changed(self, statements: list[Statement]) -> Routine:
        """Return this routine with other statements."""
        return replace(self, statements=statements)


def children(e: Expression) -> tuple[Expression, ...]:
    """Return what an expression is made of."""
    return e.operands if isinstance(e, Apply) else e.factors if isinstance(e, Contract) else ()


def whole(array: int, shape: Shape) -> View:
    """Return an array of this shape as it is."""
    steps = tuple([tuple([int(i == axis and n > 1) for i in range(len(shape))]) for axis, n in enumerate(shape)])
    return View(array, (0,) * len(shape), steps)


def views_in(e: Expression) -> Iterator[View]:
    """Yield every view in an expression, from left to right."""
    stack: list[Expression] = [e]
    while stack:
        part = stack.pop()
        if isinstance(part, View):
            yield part
        stack += children(part)[::-1]


def rebuilt(e: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Return an expression with each part changed, the inner ones first."""
    if isinstance(e, Apply):
        e = Apply(e.op, tuple([rebuilt(operand, change) for operand in e.operands]))
    elif isinstance(e, Contract):
        e = replace(e, factors=tuple([rebuilt(factor, change) for factor in e.factors]))
    return change(e)


def operations(e: Expression) -> int:
    """Return how many ops an expression has."""
    return sum([operations(part) for part in children(e)], int(not isinstance(e, View | Number)))


def is_batched(e: Expression, arrays: list[Array]) -> bool:
    """Tell whether an expression has a batch axis."""
    if isinstance(e, Contract) and e.batch:
        return False
    if isinstance(e, View):
        return arrays[e.array].batched
    return any([is_batched(part, arrays) for part in children(e)])
