"""Matrices: a routine's statements as formulas of matrix algebra, where they are some.

Rows are samples: an array with a batch axis is a matrix of one row a sample, or a column if a sample has one number. An
array without one is the matrix that it is; a vector of parameters is a column. What is broadcast is multiplied by ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from autograd_core import ops
from autograd_core.lift.ir import Apply, Array, Contract, Expression, Number, Routine, View
from autograd_core.lift.trace import Shape
from autograd_core.op import Op

__all__ = [
    "BATCH",
    "Constant",
    "Elementwise",
    "Leaf",
    "Matrix",
    "Ones",
    "Product",
    "RowFold",
    "Transposed",
    "axes_read",
    "is_matrix_product",
    "is_scalar",
    "matrices",
    "parts_of",
]

BATCH = -1
"""The batch axis, among the digits of an expression."""

Axis: TypeAlias = "int | None"
"""A digit, the batch axis, or None for a side of length 1."""


@dataclass(frozen=True)
class Leaf:
    """An array by its name."""

    name: str
    scalar: bool = False


@dataclass(frozen=True)
class Ones:
    """A column of ones: as many as there are samples, n, or so many."""

    length: str


@dataclass(frozen=True)
class Constant:
    """A number."""

    value: float


@dataclass(frozen=True)
class Transposed:
    """A transpose."""

    of: Matrix


@dataclass(frozen=True)
class Product:
    """A matrix product."""

    left: Matrix
    right: Matrix


@dataclass(frozen=True)
class Elementwise:
    """An op of single numbers, element by element; a number or a scalar stands for itself at each place."""

    op: Op
    operands: tuple[Matrix, ...]


@dataclass(frozen=True)
class RowFold:
    """The largest number of each row, or another fold that is no sum: a column."""

    fold: str
    of: Matrix


Matrix: TypeAlias = "Leaf | Ones | Constant | Transposed | Product | Elementwise | RowFold"


class _NoMatrixError(Exception):
    """An expression has more than two axes, or reads only a part of an array."""


def matrices(routine: Routine) -> list[Matrix | None]:
    """Return what each statement says in matrix algebra; None where it reads slices, windows or more than two axes."""
    found: list[Matrix | None] = []
    for statement in routine.statements:
        array = routine.arrays[statement.out]
        try:
            found.append(_Reader(routine, array.shape).filled(statement.expression, array))
        except _NoMatrixError:
            found.append(None)
    return found


def parts_of(matrix: Matrix) -> Iterator[Matrix]:
    """Yield a matrix and everything that it is made of."""
    yield matrix
    if isinstance(matrix, Transposed | RowFold):
        yield from parts_of(matrix.of)
    elif isinstance(matrix, Product):
        yield from parts_of(matrix.left)
        yield from parts_of(matrix.right)
    elif isinstance(matrix, Elementwise):
        for operand in matrix.operands:
            yield from parts_of(operand)


def is_scalar(matrix: Matrix) -> bool:
    """Tell whether a matrix is a single number, which is multiplied without more ado."""
    if isinstance(matrix, Elementwise):
        return all([is_scalar(operand) for operand in matrix.operands])
    return isinstance(matrix, Constant) or (isinstance(matrix, Leaf) and matrix.scalar)


# ---------------------------------------------------------------- axes


def axes_read(e: Expression, routine: Routine, sizes: Shape) -> set[int]:
    """Return the digits, of those with these sizes, that an expression depends on; BATCH is one of them."""
    if isinstance(e, View):
        batch = {BATCH} if routine.arrays[e.array].batched else set[int]()
        if e.table is not None:
            table = routine.tables[e.table]
            return batch | {d for d in range(table.ndim) if not (table == table.take([0], axis=d)).all()}
        return batch | {d for steps in e.steps for d, step in enumerate(steps) if step and sizes[d] > 1}
    if isinstance(e, Contract):
        inner = set[int]().union(*[axes_read(factor, routine, sizes + e.sizes) for factor in e.factors])
        return inner - set(_contracted(e, sizes))
    if isinstance(e, Apply):
        return set[int]().union(*[axes_read(operand, routine, sizes) for operand in e.operands])
    return set()


def _contracted(e: Contract, sizes: Shape) -> list[int]:
    """Return the axes that a contraction runs along, without those of length 1."""
    own = [d for d, size in enumerate(e.sizes, start=len(sizes)) if size > 1]
    return [BATCH, *own] if e.batch else own


def is_matrix_product(e: Expression, routine: Routine, sizes: Shape) -> bool:
    """Tell whether an expression is a product of matrices: what is contracted moves both factors, all else only one."""
    if not isinstance(e, Contract) or len(e.factors) != 2:
        return False
    a, b = [axes_read(factor, routine, sizes + e.sizes) for factor in e.factors]
    return a & b == set(_contracted(e, sizes)) and (a != b or bool(sizes))


# ---------------------------------------------------------------- from expressions to matrices


class _Reader:
    def __init__(self, routine: Routine, sizes: Shape) -> None:
        self.routine, self.sizes = routine, sizes

    def filled(self, e: Expression, out: Array) -> Matrix:
        """Return the matrix that fills an array."""
        rows, columns = _sides(out, range(len(out.shape)))
        found = self.read(e, rows, columns)
        if is_scalar(found) and (rows, columns) != (None, None):
            raise _NoMatrixError
        return found

    def axes(self, e: Expression) -> set[int]:
        return axes_read(e, self.routine, self.sizes)

    def read(self, e: Expression, rows: Axis, columns: Axis) -> Matrix:
        """Return an expression as a matrix with these sides; one that depends on neither may be a scalar."""
        used = self.axes(e)
        if not used <= {rows, columns}:
            raise _NoMatrixError
        own_rows, own_columns = rows if rows in used else None, columns if columns in used else None
        if isinstance(e, Number):
            return Constant(e.value)
        if isinstance(e, View):
            found = self._view(e, own_rows, own_columns)
        elif isinstance(e, Contract):
            found = _Reader(self.routine, self.sizes + e.sizes).contracted(e, own_rows, own_columns, len(self.sizes))
        else:
            found = Elementwise(e.op, tuple([self.read(operand, own_rows, own_columns) for operand in e.operands]))
        return self._broadcast(found, (own_rows, own_columns), (rows, columns))

    def _broadcast(self, found: Matrix, have: tuple[Axis, Axis], want: tuple[Axis, Axis]) -> Matrix:
        """Return a column repeated along a row, or a row down a column; a scalar as it is."""
        if have in (want, (None, None)):
            return found
        if have[0] is None:
            assert want[0] is not None
            return Product(self._ones(want[0]), found)
        assert want[1] is not None
        return Product(found, Transposed(self._ones(want[1])))

    def _ones(self, axis: int) -> Ones:
        return Ones("n" if axis == BATCH else str(self.sizes[axis]))

    def _view(self, view: View, rows: Axis, columns: Axis) -> Matrix:
        array = self.routine.arrays[view.array]
        if view.table is not None:
            raise _NoMatrixError
        sides = _sides(array, [self._moved(*axis) for axis in zip(array.shape, view.base, view.steps, strict=True)])
        leaf = Leaf(array.name, scalar=sides == (None, None))
        if sides == (rows, columns):
            return leaf
        if sides == (columns, rows):
            return Transposed(leaf)
        raise _NoMatrixError

    def _moved(self, length: int, base: int, steps: Sequence[int]) -> Axis:
        """Return the one digit that moves along an axis as a whole."""
        moving = [d for d, step in enumerate(steps) if step and self.sizes[d] > 1]
        if length == 1:
            return None
        if len(moving) != 1 or base or steps[moving[0]] != 1 or self.sizes[moving[0]] != length:
            raise _NoMatrixError
        return moving[0]

    def contracted(self, e: Contract, rows: Axis, columns: Axis, outer: int) -> Matrix:
        """Return a contraction; this reader's sizes include those that are contracted, which come after the outer ones."""
        over = _contracted(e, self.sizes[:outer])
        a, *rest = e.factors
        whole = a if not rest else Apply(ops.square, (a,)) if rest == [a] else Apply(ops.mul, e.factors)
        if e.fold != "sum":
            if len(over) != 1 or columns is not None:
                raise _NoMatrixError
            return RowFold(e.fold, self.read(whole, rows, over[0]))
        if len(e.factors) == 2 and (product := self._product(*e.factors, over, rows, columns)):
            return product
        match over:
            case []:
                return self.read(whole, rows, columns)
            case [k] if columns is None and (rows is not None or k != BATCH):
                return Product(self.read(whole, rows, k), self._ones(k))
            case [k] if rows is None:
                return Product(Transposed(self._ones(k)), self.read(whole, k, columns))
            case [k, other] if rows is None and columns is None:
                each_row = Product(self.read(whole, k, other), self._ones(other))
                return Product(Transposed(self._ones(k)), each_row)
            case _:
                raise _NoMatrixError

    def _product(self, a: Expression, b: Expression, over: list[int], rows: Axis, columns: Axis) -> Matrix | None:
        """Return a product of matrices; None if it is none."""
        read_a, read_b = self.axes(a), self.axes(b)
        if len(over) > 1 or read_a & read_b != set(over):
            return None
        k = over[0] if over else None
        left, right = read_a - {k}, read_b - {k}
        if not (left <= {rows} and right <= {columns}):
            a, b, left, right = b, a, right, left
        if not (left <= {rows} and right <= {columns}) or (k is None and not (left and right)):
            return None
        return Product(self.read(a, rows, k), self.read(b, k, columns))


def _sides(array: Array, digits: Sequence[Axis]) -> tuple[Axis, Axis]:
    """Return the digits along the rows and the columns of an array, given those along its axes."""
    shape = array.shape
    long = [d for d, length in zip(digits, shape, strict=True) if length > 1]
    if array.batched:
        long.insert(0, BATCH)
    if len(long) > 2:
        raise _NoMatrixError
    if len(shape) == 2 and shape[0] == 1 and not array.batched:
        return None, digits[1] if shape[1] > 1 else None
    return (*long, None, None)[0], (*long, None, None)[1]
