"""What an op returns exactly: its value and derivatives to 30 digits, from its definition alone.

An op says in ``code`` what it is in elementary functions. That text is run here on mpmath's numbers and differenced, so
that neither a stable form nor a derivative rule of the project has a part in what it is measured against.

The naive formula cancels where the stable one does not: log(1 + exp(-700)) is 0 to 300 digits. So nothing is believed
that does not come out the same at half as many digits again.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise, product
from sys import float_info
from typing import TypeAlias

from mpmath import mp, mpf
from operands import members

from autograd_core.op import Op, Operand

__all__ = ["ELEMENTARY", "derivative", "distance", "limit", "rounded", "value"]

LARGEST = mpf(2) ** 1024  # where float64 becomes infinite
NOTHING = mpf(10) ** -330  # far enough below the smallest float64, 5e-324
Point: TypeAlias = Sequence[Operand]
Row: TypeAlias = Sequence[mpf]


def _sum(terms: Iterable[mpf]) -> mpf:
    """Add up float64s, or products of two, without rounding: their first and last bits are 1300 digits apart."""
    terms = list(terms)
    with mp.workdps(mp.dps + 1300):
        return sum(terms, mpf(0))


def _erf(x: mpf) -> mpf:
    """Return ±1 beyond 28, where the rest and its derivatives are about exp(-28²) = 3e-341 and take mpmath seconds."""
    return mp.erf(x) if abs(x) < 28 else mp.sign(x)


ELEMENTARY = {
    name: getattr(mp, name)
    for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh")
} | {"erf": _erf, "sum": _sum, "abs": abs, "max": max, "min": min, "len": len, "zip": zip, "__builtins__": {}}


@cache
def definition(op: Op) -> Callable[..., mpf]:
    """Return an op's ``code`` as a function of mpmath's numbers and rows of them."""
    names = [f"operand_{i}" for i in range(len(op.domain))]
    return eval(f"lambda {', '.join(names)}: {op.code.format(*names)}", ELEMENTARY)  # noqa: S307 - the table's own text


# ---------------------------------------------------------------- value and derivatives


def value(op: Op, *operands: Operand) -> mpf:
    """Return the op's exact value; nan where its definition divides by 0."""
    f = _of_one_row(op, operands)
    try:
        return _settled(lambda _: f(_row(operands)))
    except ZeroDivisionError:
        return mp.nan


def derivative(op: Op, operands: Point, *indices: int) -> mpf:
    """Return the exact derivative with respect to one operand, or to one after another; nan where the op jumps.

    Members of rows count as operands of their own. The step shrinks as digits are added, so that its error and that of
    rounding vanish together; the digits that dividing by it takes are given beforehand.
    """
    f, row, order = _of_one_row(op, operands), _row(operands), len(indices)
    scale = _scale(row)

    def difference_quotient(digits: int) -> mpf:
        h = scale * mpf(10) ** -(digits // 6)
        corners = [
            math.prod(signs) * f(_moved(row, *[(i, sign * h) for i, sign in zip(indices, signs, strict=True)]))
            for signs in product((1, -1), repeat=order)
        ]
        return sum(corners) / (2 * h) ** order

    try:
        return _settled(difference_quotient, headroom=order * (1 + int(-mp.log10(scale))))
    except ArithmeticError:
        if any(_jumps(f, row, i, scale) for i in indices):
            return mp.nan
        raise


def limit(op: Op, direction: float) -> mpf:
    """Return what a unary op tends to at -inf or inf: a number, an infinity, or nan if it does not or is not real."""
    f = definition(op)
    outposts = [_settled(lambda _, x=x: f(direction * mpf(10) ** x)) for x in (100, 200, 400)]
    if any(isinstance(y, mp.mpc) for y in outposts):
        return mp.nan
    if all(abs(far) > 1.5 * abs(near) and far * near > 0 for near, far in pairwise(outposts)):
        return mp.sign(outposts[-1]) * mp.inf
    near, far = outposts[-2:]
    return far if abs(far - near) < 1e-30 else mp.nan


def _settled(approximation: Callable[[int], mpf], headroom: int = 0) -> mpf:
    """Return what an approximation tends to as the digits increase that it is worked out to, beside the headroom.

    A result of 0 may be one that has cancelled. It is believed from 1000 digits on, for float64s span 632.
    """
    digits, latest = 60, mp.nan
    while digits < 6000:
        with mp.workdps(digits + headroom):
            earlier, latest = latest, mp.mpmathify(approximation(digits))
            if latest and abs(latest - earlier) < abs(latest) * mpf(10) ** -30:
                return latest
            if digits > 1000 and abs(latest) < NOTHING and abs(earlier) < NOTHING:
                return mpf(0)
        digits = digits * 3 // 2
    raise ArithmeticError(f"no two results agree up to {digits} digits")


def _jumps(f: Callable[[Row], mpf], row: Row, i: int, scale: mpf) -> bool:
    """Tell whether an op is different right beside a point, as atan2 is where a = 0 > b."""
    with mp.workdps(1100):
        h, here = scale * mpf(10) ** -500, f(row)
        return any(abs(f(_moved(row, (i, step))) - here) > abs(here) / 1000 for step in (h, -h))


def _scale(row: Row) -> mpf:
    """Return a length of at most 1 by which operands can move and keep their order, 0 among them."""
    ranked = sorted([*row, mpf(0)])
    return min([mpf(1), *[above - below for below, above in pairwise(ranked) if above > below]])


def _row(operands: Point) -> Row:
    return [mpf(x) for operand in operands for x in members(operand)]


def _of_one_row(op: Op, operands: Point) -> Callable[[Row], mpf]:
    """Return the op as a function of all its operands' numbers in one row."""
    f = definition(op)
    lengths = [len(operand) if isinstance(operand, Sequence) else None for operand in operands]

    def of_row(row: Row) -> mpf:
        rest = iter(row)
        return f(*[next(rest) if length is None else [next(rest) for _ in range(length)] for length in lengths])

    return of_row


def _moved(row: Row, *moves: tuple[int, mpf]) -> Row:
    row = list(row)
    for i, step in moves:
        row[i] += step
    return row


# ---------------------------------------------------------------- comparison


def distance(found: float, true: mpf) -> mpf:
    """Return how far a float is from the exact number, where every number beyond float64's largest is the same."""
    if math.isnan(found) or mp.isnan(true):
        return mp.inf
    with mp.workdps(60):
        return abs(_clamped(mpf(found)) - _clamped(true))


def rounded(true: mpf) -> float:
    """Return the finite float nearest to the exact number."""
    return math.copysign(min(abs(float(true)), float_info.max), true)


def _clamped(x: mpf) -> mpf:
    return max(-LARGEST, min(LARGEST, x))
