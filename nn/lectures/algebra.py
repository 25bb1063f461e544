"""A small algebra of matrices: formulas written by hand, and a normal form by which two of them can be told to be equal.

In normal form a matrix is a sum of terms; a term is a number times a product element by element, in no order; what it is
made of are names, their transposes, functions, and chains of matrix products, whose order counts. Transposes are pushed
inwards, sums multiplied out, and what divides by a sum is divided as far as it goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from autograd_core import ops
from autograd_core.lift.matrices import (
    Constant,
    Elementwise,
    Leaf,
    Matrix,
    Ones,
    Product,
    RowFold,
    Transposed,
)
from autograd_core.op import OPS, Op

__all__ = ["Algebra", "Formula", "Normal", "applied", "name", "ones", "softmax"]

Monomial: TypeAlias = "tuple[tuple[int, int], ...]"
"""Atoms, each with its exponent, in the order of their numbers."""

Terms: TypeAlias = "dict[Monomial, Fraction]"

Normal: TypeAlias = "frozenset[tuple[Monomial, Fraction]]"
"""The terms of a sum; equal for equal matrices."""


# ---------------------------------------------------------------- formulas written by hand


@dataclass(frozen=True)
class Formula:
    """A matrix as a lecture writes it: ``@`` is the matrix product, ``*`` goes element by element, ``.T`` transposes.

    >>> W, x = name("W"), name("x")
    >>> same = Algebra({})
    >>> same.normal(((W @ x).T).matrix) == same.normal((x.T @ W.T).matrix)
    True
    """

    matrix: Matrix

    @property
    def T(self) -> Formula:
        """The transpose."""
        return Formula(Transposed(self.matrix))

    def __matmul__(self, other: Formula) -> Formula:
        return Formula(Product(self.matrix, other.matrix))

    def __mul__(self, other: Formula | float) -> Formula:
        return _applied(ops.mul, self, other)

    def __rmul__(self, other: float) -> Formula:
        return _applied(ops.mul, other, self)

    def __truediv__(self, other: Formula | float) -> Formula:
        return _applied(ops.div, self, other)

    def __rtruediv__(self, other: float) -> Formula:
        return _applied(ops.div, other, self)

    def __add__(self, other: Formula | float) -> Formula:
        return _applied(ops.add, self, other)

    def __radd__(self, other: float) -> Formula:
        return _applied(ops.add, other, self)

    def __sub__(self, other: Formula | float) -> Formula:
        return _applied(ops.sub, self, other)

    def __rsub__(self, other: float) -> Formula:
        return _applied(ops.sub, other, self)

    def __neg__(self) -> Formula:
        return _applied(ops.neg, self)


def name(text: str, *, scalar: bool = False) -> Formula:
    """Return a matrix, or a scalar, by its name."""
    return Formula(Leaf(text, scalar))


def ones(length: str = "n") -> Formula:
    """Return a column of ones; n is the number of samples."""
    return Formula(Ones(length))


def applied(op: str, x: Formula) -> Formula:
    """Return an op of the table, by its name, element by element."""
    return _applied(OPS[op], x)


def softmax(z: Formula, width: int) -> Formula:
    """Return softmax along the rows of a matrix of this width, moved by the largest number of each, as programs do."""
    wide = ones(str(width))
    e = applied("exp", z - Formula(RowFold("max", z.matrix)) @ wide.T)
    return e / (e @ wide @ wide.T)


def _applied(op: Op, *operands: Formula | float) -> Formula:
    return Formula(Elementwise(op, tuple([x.matrix if isinstance(x, Formula) else Constant(x) for x in operands])))


# ---------------------------------------------------------------- the normal form


class Algebra:
    """Normal forms of matrices, which can be compared with each other.

    Parameters
    ----------
    definitions : by name, what stands for it; other names stand for themselves.
    """

    def __init__(self, definitions: Mapping[str, Matrix]) -> None:
        self._definitions = definitions
        self._numbers: dict[object, int] = {}
        self._scalars: set[int] = set()
        self._ones: dict[bool, set[Monomial]] = {False: set(), True: set()}
        self._chains: dict[int, tuple[Monomial, ...]] = {}
        self._sums: dict[int, Terms] = {}
        self._known: dict[tuple[str, bool], Terms] = {}

    def normal(self, matrix: Matrix, *, transposed: bool = False) -> Normal:
        """Return the normal form of a matrix, or of its transpose."""
        return _frozen(self._terms(matrix, transposed))

    def _terms(self, matrix: Matrix, t: bool) -> Terms:
        match matrix:
            case Leaf(text, scalar):
                terms = self._leaf(text, scalar, t)
            case Ones(length):
                terms = self._atom(("ones", length, t))
                self._ones[t].update(terms)
            case Constant(value):
                terms = {(): Fraction(value)} if value else {}
            case Transposed(of):
                terms = self._terms(of, not t)
            case Product(left, right):
                a, b = self._terms(left, t), self._terms(right, t)
                terms = self._chained(b, a) if t else self._chained(a, b)
            case Elementwise(op, operands):
                terms = self._elementwise(op, [self._terms(operand, t) for operand in operands])
            case RowFold(fold, of):
                terms = self._atom((fold, _frozen(self._terms(of, t=False)), t))
        return terms

    def _leaf(self, text: str, scalar: bool, t: bool) -> Terms:
        if text not in self._definitions:
            return self._atom((text, t and not scalar), scalar=scalar)
        if (text, t) not in self._known:
            self._known[text, t] = self._terms(self._definitions[text], t)
        return self._known[text, t]

    def _number(self, atom: object) -> int:
        return self._numbers.setdefault(atom, len(self._numbers))

    def _atom(self, atom: object, *, scalar: bool = False) -> Terms:
        number = self._number(atom)
        if scalar:
            self._scalars.add(number)
        return {((number, 1),): Fraction(1)}

    # ------------------------------------------------------------ element by element

    def _elementwise(self, op: Op, operands: list[Terms]) -> Terms:
        a, b = operands[0], operands[-1]
        match op.name:
            case "identity" | "detach":
                terms = a
            case "neg":
                terms = _scaled(a, Fraction(-1))
            case "add":
                terms = _added(a, b)
            case "sub":
                terms = _added(a, _scaled(b, Fraction(-1)))
            case "mul" | "strong_mul" | "square":
                terms = self._times(a, b)
            case "div":
                terms = self._times(a, self._inverse(b))
            case "reciprocal":
                terms = self._inverse(a)
            case _:
                terms = self._atom((op.name, *map(_frozen, operands)))
        return terms

    def _times(self, a: Terms, b: Terms) -> Terms:
        product: Terms = {}
        for m, c in a.items():
            for n, d in b.items():
                product = _added(product, {_joined(m, n): c * d})
        return self._reduced(product)

    def _inverse(self, a: Terms) -> Terms:
        """Return one over a sum; if it has several terms it becomes an atom, so that it can be divided out later."""
        if len(a) == 1:
            ((m, c),) = a.items()
            return self._reduced({tuple([(atom, -power) for atom, power in m]): 1 / c})
        lead = a[_largest(a, _atoms_in(a))]
        monic = _scaled(a, 1 / lead)
        number = self._number(("sum", _frozen(monic)))
        self._sums[number] = monic
        return {((number, -1),): 1 / lead}

    def _reduced(self, a: Terms) -> Terms:
        """Divide what stands over a sum by that sum: the remainder alone stays over it."""
        for number, divisor in self._sums.items():
            powers = sorted({power for m in a for atom, power in m if atom == number})
            for power in powers:
                above = {_joined(m, ((number, -power),)): c for m, c in a.items() if (number, power) in m}
                a = {m: c for m, c in a.items() if (number, power) not in m}
                a = _added(a, self._over(above, number, divisor, power))
        return a

    def _over(self, a: Terms, number: int, divisor: Terms, power: int) -> Terms:
        """Return terms times a power of a sum: multiplied out, or divided as far as it goes."""
        total: Terms = {}
        for _ in range(power):
            a = self._times(a, divisor)
        while power < 0:
            a, rest = _divided(a, divisor)
            total = _added(total, {_joined(m, ((number, power),)): c for m, c in rest.items()})
            power += 1
        return _added(total, a)

    # ------------------------------------------------------------ matrix products

    def _chained(self, a: Terms, b: Terms) -> Terms:
        product: Terms = {}
        for m, c in a.items():
            for n, d in b.items():
                numbers = [pair for pair in (*m, *n) if pair[0] in self._scalars]
                links = [link for monomial in (m, n) for link in self._links(self._without_scalars(monomial))]
                factors = _joined(tuple(numbers), self._chain(tuple(links)))
                product = _added(product, {factors: c * d})
        return product

    def _without_scalars(self, m: Monomial) -> Monomial:
        return tuple([pair for pair in m if pair[0] not in self._scalars])

    def _links(self, m: Monomial) -> tuple[Monomial, ...]:
        """Return the factors of a chain; anything else is a single one."""
        if len(m) == 1 and m[0][1] == 1:
            return self._chains.get(m[0][0], (m,))
        return (m,)

    def _chain(self, links: tuple[Monomial, ...]) -> Monomial:
        """Return a chain as an atom; if a product of columns or rows is repeated by ones, the product of what is repeated."""
        if len(links) == 2 and (links[1] in self._ones[True] or links[0] in self._ones[False]):
            down = links[1] not in self._ones[True]  # a row is repeated, below a column of ones
            repeated: Monomial = ()
            for atom, power in links[down]:
                single = self._links(((atom, 1),))
                ((one, _),) = self._linked((links[0], *single) if down else (*single, links[1]))
                repeated = _joined(repeated, ((one, power),))
            return repeated
        return self._linked(links)

    def _linked(self, links: tuple[Monomial, ...]) -> Monomial:
        number = self._number(("chain", links))
        self._chains[number] = links
        return ((number, 1),)


def _frozen(terms: Terms) -> Normal:
    return frozenset(terms.items())


def _added(a: Terms, b: Terms) -> Terms:
    total = dict(a)
    for m, c in b.items():
        total[m] = total.get(m, Fraction(0)) + c
    return {m: c for m, c in total.items() if c}


def _scaled(a: Terms, factor: Fraction) -> Terms:
    return {m: c * factor for m, c in a.items()}


def _joined(m: Monomial, n: Monomial) -> Monomial:
    """Return the product of two monomials."""
    powers = dict(m)
    for atom, power in n:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted([(atom, power) for atom, power in powers.items() if power]))


def _atoms_in(a: Terms) -> list[int]:
    return sorted({atom for m in a for atom, _ in m})


def _largest(a: Terms, atoms: list[int]) -> Monomial:
    """Return the term that comes first by the power of the first atom, then of the next, and so on."""
    return max(a, key=lambda m: [dict(m).get(atom, 0) for atom in atoms])


def _divided(a: Terms, divisor: Terms) -> tuple[Terms, Terms]:
    """Return quotient and remainder of sums of terms."""
    atoms = _atoms_in({**a, **divisor})
    lead = _largest(divisor, atoms)
    quotient: Terms = {}
    rest: Terms = {}
    while a:
        m = _largest(a, atoms)
        powers = dict(m)
        if all([powers.get(atom, 0) >= power for atom, power in lead]):
            factor, c = _joined(m, tuple([(atom, -power) for atom, power in lead])), a[m] / divisor[lead]
            quotient = _added(quotient, {factor: c})
            a = _added(a, {_joined(factor, d): -c * e for d, e in divisor.items()})
        else:
            rest[m] = a[m]
            a = {n: c for n, c in a.items() if n != m}
    return quotient, rest
