"""Float functions that never raise: what Python's ``math`` lacks to follow IEEE 754.

``math`` raises where float64 has an answer: log(0) is -inf, 1/0 is inf, exp(1000) is inf, log(-1) is nan.
A training run must not die in the middle of an epoch for that, so every op's value is total over float64.
Each function here is also stable: it keeps its accuracy where the textbook formula would overflow or cancel.
"""

import math
from collections.abc import Callable, Sequence
from operator import mul

__all__ = [
    "acos", "asin", "clip", "cos", "cosh", "divide", "dot", "elu", "exp", "expm1", "gelu", "leaky_relu", "log",
    "log1p", "log_sigmoid", "logsumexp", "maximum", "mean", "minimum", "power", "relu", "row_max", "row_min",
    "row_sum", "same", "sigmoid", "sign", "silu", "sin", "sinh", "softplus", "sqrt", "step", "strong_product", "tan",
    "where",
]  # fmt: skip

Row = Sequence[float]
INF = math.inf
NAN = math.nan
SQRT_HALF = math.sqrt(0.5)


def _total(f: Callable[[float], float]) -> Callable[[float], float]:
    """Return f with nan where it is undefined."""

    def total(x: float) -> float:
        try:
            return f(x)
        except ValueError:
            return NAN

    return total


sqrt, sin, cos, tan, asin, acos = map(_total, (math.sqrt, math.sin, math.cos, math.tan, math.asin, math.acos))


def divide(a: float, b: float) -> float:
    """Return a / b: a signed infinity over zero, and nan for 0 / 0."""
    try:
        return a / b
    except ZeroDivisionError:
        return math.copysign(INF, a) * math.copysign(1.0, b) if a < 0 or a > 0 else NAN


def power(a: float, b: float) -> float:
    """Return a ** b over the reals: nan for a negative base under a fractional exponent."""
    try:
        return math.pow(a, b)
    except OverflowError:
        return -INF if a < 0 and b % 2 == 1 else INF
    except ValueError:
        if a != 0:
            return NAN
        return math.copysign(INF, a) if b % 2 == 1 else INF


def exp(x: float) -> float:
    """Return e ** x; inf beyond 709.78."""
    try:
        return math.exp(x)
    except OverflowError:
        return INF


def expm1(x: float) -> float:
    """Return e ** x - 1 without cancellation near 0."""
    try:
        return math.expm1(x)
    except OverflowError:
        return INF


def log(x: float) -> float:
    """Return the natural logarithm: -inf at 0, nan below."""
    if x > 0:
        return math.log(x)
    return -INF if x == 0 else NAN


def log1p(x: float) -> float:
    """Return log(1 + x) without cancellation near 0: -inf at -1, nan below."""
    if x > -1:
        return math.log1p(x)
    return -INF if x == -1 else NAN


def sinh(x: float) -> float:
    """Return the hyperbolic sine; a signed infinity beyond 710.47."""
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(INF, x)


def cosh(x: float) -> float:
    """Return the hyperbolic cosine; inf beyond 710.47."""
    try:
        return math.cosh(x)
    except OverflowError:
        return INF


def sigmoid(x: float) -> float:
    """Return 1 / (1 + e**-x) without overflow on either side."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def softplus(x: float) -> float:
    """Return log(1 + e**x), which is x for large x."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def log_sigmoid(x: float) -> float:
    """Return log(sigmoid(x)), which is x for very negative x."""
    return -softplus(-x)


def gelu(x: float) -> float:
    """Return x Φ(x); erfc keeps the lower tail accurate."""
    upper_tail = 0.5 * math.erfc(-x * SQRT_HALF)
    return x * upper_tail if upper_tail else -0.0


def silu(x: float) -> float:
    """Return x sigmoid(x)."""
    gate = sigmoid(x)
    return x * gate if gate else -0.0


# Each comparison below is written so that a nan falls through and is returned: no op hides one.


def relu(x: float) -> float:
    """Return x where it is positive, else 0."""
    return 0.0 if x <= 0 else x


def leaky_relu(x: float, slope: float) -> float:
    """Return x where it is positive, else slope x."""
    return x if x > 0 else slope * x


def elu(x: float, alpha: float) -> float:
    """Return x where it is positive, else alpha (e**x - 1)."""
    return x if x > 0 else alpha * math.expm1(x)


def step(x: float) -> float:
    """Return 1 where x is positive, else 0."""
    return 0.0 if x <= 0 else 1.0 if x > 0 else x


def sign(x: float) -> float:
    """Return -1, 0 or 1."""
    return 1.0 if x > 0 else -1.0 if x < 0 else 0.0 if x == 0 else x


def same(a: float, b: float) -> float:
    """Return 1 where two numbers are equal, else 0."""
    return 1.0 if a == b else 0.0 if a < b or a > b else NAN


def maximum(a: float, b: float) -> float:
    """Return the larger of two numbers; nan if either is nan."""
    return b if b > a or b != b else a


def minimum(a: float, b: float) -> float:
    """Return the smaller of two numbers; nan if either is nan."""
    return b if b < a or b != b else a


def where(condition: float, a: float, b: float) -> float:
    """Return a if the condition is not 0, else b."""
    return a if condition else b


def clip(x: float, low: float, high: float) -> float:
    """Return x brought into [low, high]; nan for an empty interval."""
    return min(max(x, low), high) if low <= high else NAN


def strong_product(a: float, b: float) -> float:
    """Return a * b, but 0 whenever a is 0, even for an infinite or undefined b."""
    return a * b if a else 0.0


def row_sum(xs: Row) -> float:
    """Return the sum, in order; 0 for an empty row. From Python 3.12 on, what rounding drops is carried along."""
    return sum(xs, 0.0)


def mean(xs: Row) -> float:
    """Return the arithmetic mean; nan for an empty row."""
    return divide(sum(xs, 0.0), len(xs))


def dot(ws: Row, xs: Row) -> float:
    """Return the sum of products; the rows are equally long."""
    return sum(map(mul, ws, xs), 0.0)


def row_max(xs: Row) -> float:
    """Return the largest number; nan if any is nan, -inf for an empty row."""
    largest = -INF
    for x in xs:
        largest = maximum(largest, x)
    return largest


def row_min(xs: Row) -> float:
    """Return the smallest number; nan if any is nan, inf for an empty row."""
    smallest = INF
    for x in xs:
        smallest = minimum(smallest, x)
    return smallest


def logsumexp(xs: Row) -> float:
    """Return log(Σ e**x), the largest term taken out so that nothing overflows; -inf for an empty row."""
    largest = row_max(xs)
    if not math.isfinite(largest):
        return largest
    where_largest = xs.index(largest)
    others = [math.exp(x - largest) for i, x in enumerate(xs) if i != where_largest]
    return largest + math.log1p(sum(others))
