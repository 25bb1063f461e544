"""THE TABLE: every op declared once, one short block each. Everything else in the project reads it.

In ``partials`` the last parameter, y, is the result, so that nothing is computed twice. The lambdas run on floats,
on Values and on whatever else is Generic, so they use the ops themselves for all but + - *: Python's own float
division and power raise. None means that nothing flows to that operand.

Conventions: relu'(0) = 0, |x|'(0) = 0, sign' = step' = 0, equal maxima share evenly. A zero derivative on the flat
side of a kink blocks even an infinite adjoint.
"""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
# A bound's and a kink's lambda take as many operands as their op has, which no type can say.

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar, overload

from autograd_core import ieee
from autograd_core.errors import ArgumentError
from autograd_core.op import (
    APPLICATION,
    OPS,
    POWER,
    PRODUCT,
    REALS,
    SUM,
    Applies,
    Binary,
    Bound,
    Generic,
    Interval,
    Kink,
    Pairing,
    Parametric,
    Reduction,
    Ternary,
    Unary,
)

G = TypeVar("G", bound=Applies)

EPS = math.ulp(1.0)
TINY = math.ulp(0.0)
NORMAL = 2.0**-1022
POSITIVE = Interval(0.0, open_low=True)
NONNEGATIVE = Interval(0.0)
UNIT = Interval(-1.0, 1.0)
ABOVE_MINUS_ONE = Interval(-1.0, open_low=True)
TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)
ONE_OVER_SQRT_TWO_PI = 1.0 / math.sqrt(2.0 * math.pi)
SQRT_HALF = math.sqrt(0.5)

# One block reads best as the textbook's row: what it is, its derivative, how it is written, where it holds.
# fmt: off

# ------------------------------------------------------------------------------------------------- arithmetic

add = Binary(name="add", value=lambda a, b: a + b,
    partials=(lambda a, b, y: 1.0, lambda a, b, y: 1.0),
    symbol="+", latex="{0} + {1}", precedence=SUM, code="{0} + {1}", group="arithmetic", operator="add",
    domain=(REALS, REALS), laws=("commutative",), identity=0.0)

sub = Binary(name="sub", value=lambda a, b: a - b,
    partials=(lambda a, b, y: 1.0, lambda a, b, y: -1.0),
    symbol="-", latex="{0} - {1}", precedence=SUM, code="{0} - {1}", group="arithmetic", operator="sub", ufunc="subtract",
    domain=(REALS, REALS), identity=0.0)

mul = Binary(name="mul", value=lambda a, b: a * b,
    partials=(lambda a, b, y: b, lambda a, b, y: a),
    symbol="*", latex=r"{0} \cdot {1}", precedence=PRODUCT, code="{0} * {1}", group="arithmetic", operator="mul", ufunc="multiply",
    domain=(REALS, REALS), laws=("odd", "commutative"), identity=1.0)

div = Binary(name="div", value=ieee.divide,
    partials=(lambda a, b, y: reciprocal(b), lambda a, b, y: -div(y, b)),
    symbol="/", latex=r"\frac{{{0}}}{{{1}}}", code="{0} / {1}", group="arithmetic", operator="truediv", ufunc="divide",
    domain=(REALS, REALS), laws=("odd",), identity=1.0,
    partial_bound=Bound(absolute=lambda a, b: TINY / abs(b),
        why="a quotient below the smallest normal number is rounded before it is divided again"))

neg = Unary(name="neg", value=lambda x: -x,
    partials=(lambda x, y: -1.0,),
    symbol="-", latex="-{0}", precedence=PRODUCT, code="-{0}", group="arithmetic", operator="neg", ufunc="negative",
    laws=("odd", "involution"))

reciprocal = Unary(name="reciprocal", value=lambda x: ieee.divide(1.0, x),
    partials=(lambda x, y: -y * y,),
    symbol="1/x", latex=r"\frac{{1}}{{{0}}}", code="1 / {0}", group="arithmetic", laws=("odd",))

strong_mul = Binary(name="strong_mul", value=ieee.strong_product,
    partials=(lambda a, b, y: b, lambda a, b, y: a),
    symbol="*", latex=r"{0} \cdot {1}", precedence=PRODUCT, code="{0} * {1}", group="arithmetic",
    domain=(REALS, REALS), laws=("odd",), identity=1.0)

identity = Unary(name="identity", value=lambda x: x,
    partials=(lambda x, y: 1.0,),
    latex="{0}", code="{0}", group="arithmetic", operator="pos", ufunc="positive", laws=("odd", "idempotent", "involution"))

detach = Unary(name="detach", value=lambda x: x,
    partials=(None,),
    latex=r"\operatorname{{detach}}({0})", code="{0}", group="cut", laws=("odd", "idempotent", "involution"))

# ------------------------------------------------------------------------------------------------- powers

square = Unary(name="square", value=lambda x: x * x,
    partials=(lambda x, y: 2.0 * x,),
    symbol="x²", latex="{0}^2", precedence=POWER, code="{0} * {0}", group="powers", laws=("even",))

sqrt = Unary(name="sqrt", value=ieee.sqrt,
    partials=(lambda x, y: div(0.5, y),),
    symbol="√", latex=r"\sqrt{{{0}}}", code="sqrt({0})", group="powers", domain=(NONNEGATIVE,))

pow = Binary(name="pow", value=ieee.power,
    partials=(lambda a, b, y: strong_mul(b, pow(a, b - 1.0)), lambda a, b, y: strong_mul(y, log(a))),
    symbol="**", latex="{0}^{{{1}}}", precedence=POWER, code="{0} ** {1}", group="powers", operator="pow", ufunc="power",
    domain=(POSITIVE, REALS), identity=1.0,
    partial_bound=Bound(
        ulps=lambda a, b: 4.0 + abs((b - 1.0) * math.log(a)),
        absolute=lambda a, b: math.inf if math.inf in (ieee.power(a, b), ieee.power(a, b - 1.0))
            else TINY * (abs(b) + abs(math.log(a))),
        why="the power itself is rounded, underflows or overflows before it is multiplied; b - 1 is rounded"))

hypot = Binary(name="hypot", value=math.hypot,
    partials=(lambda a, b, y: div(a, where(y, y, 1.0)), lambda a, b, y: div(b, where(y, y, 1.0))),
    latex=r"\sqrt{{{0}^2 + {1}^2}}", code="sqrt({0} * {0} + {1} * {1})", group="powers",
    domain=(REALS, REALS), laws=("commutative",),
    kink=Kink("a = b = 0", math.hypot, at=(0.0, 0.0), partials=(0.0, 0.0)),
    partial_bound=Bound(absolute=lambda a, b: TINY / math.hypot(a, b) if math.hypot(a, b) < math.inf else 1.0,
        why="a length below the smallest normal number is rounded; 0 where the length itself overflows"))

# ------------------------------------------------------------------------------------------------- exponentials

exp = Unary(name="exp", value=ieee.exp,
    partials=(lambda x, y: y,),
    latex="e^{{{0}}}", precedence=POWER, code="exp({0})", group="exponentials")

expm1 = Unary(name="expm1", value=ieee.expm1,
    partials=(lambda x, y: exp(x),),
    latex="e^{{{0}}} - 1", precedence=SUM, code="exp({0}) - 1", group="exponentials")

log = Unary(name="log", value=ieee.log,
    partials=(lambda x, y: reciprocal(x),),
    latex=r"\log({0})", code="log({0})", group="exponentials", domain=(POSITIVE,))

log1p = Unary(name="log1p", value=ieee.log1p,
    partials=(lambda x, y: reciprocal(1.0 + x),),
    latex=r"\log(1 + {0})", code="log(1 + {0})", group="exponentials", domain=(ABOVE_MINUS_ONE,))

sinh = Unary(name="sinh", value=ieee.sinh,
    partials=(lambda x, y: cosh(x),),
    latex=r"\sinh({0})", code="sinh({0})", group="exponentials", laws=("odd",))

cosh = Unary(name="cosh", value=ieee.cosh,
    partials=(lambda x, y: sinh(x),),
    latex=r"\cosh({0})", code="cosh({0})", group="exponentials", laws=("even",))

tanh = Unary(name="tanh", value=math.tanh,
    partials=(lambda x, y: 1.0 - y * y,),
    latex=r"\tanh({0})", code="tanh({0})", group="activations", laws=("odd",),
    partial_bound=Bound(absolute=1.5 * EPS,
        why="1 - y² cancels where tanh saturates; the form that every lecture prints is kept"))

# ------------------------------------------------------------------------------------------------- trigonometry

sin = Unary(name="sin", value=ieee.sin,
    partials=(lambda x, y: cos(x),),
    latex=r"\sin({0})", code="sin({0})", group="trigonometry", laws=("odd",))

cos = Unary(name="cos", value=ieee.cos,
    partials=(lambda x, y: -sin(x),),
    latex=r"\cos({0})", code="cos({0})", group="trigonometry", laws=("even",))

tan = Unary(name="tan", value=ieee.tan,
    partials=(lambda x, y: 1.0 + y * y,),
    latex=r"\tan({0})", code="tan({0})", group="trigonometry", laws=("odd",))

asin = Unary(name="asin", value=ieee.asin,
    partials=(lambda x, y: reciprocal(sqrt((1.0 - x) * (1.0 + x))),),
    latex=r"\arcsin({0})", code="asin({0})", group="trigonometry", ufunc="arcsin", domain=(UNIT,), laws=("odd",))

acos = Unary(name="acos", value=ieee.acos,
    partials=(lambda x, y: -reciprocal(sqrt((1.0 - x) * (1.0 + x))),),
    latex=r"\arccos({0})", code="acos({0})", group="trigonometry", ufunc="arccos", domain=(UNIT,))

atan = Unary(name="atan", value=math.atan,
    partials=(lambda x, y: reciprocal(1.0 + x * x),),
    latex=r"\arctan({0})", code="atan({0})", group="trigonometry", ufunc="arctan", laws=("odd",),
    partial_bound=Bound(absolute=NORMAL, why="x² overflows where the derivative is below the smallest normal number"))

atan2 = Binary(name="atan2", value=math.atan2,
    partials=(lambda a, b, y: div(div(b, _length(a, b)), _length(a, b)),
              lambda a, b, y: -div(div(a, _length(a, b)), _length(a, b))),
    latex=r"\operatorname{{atan2}}({0}, {1})", code="atan2({0}, {1})", group="trigonometry", ufunc="arctan2",
    domain=(REALS, REALS),
    kink=Kink("a = b = 0", math.hypot, at=(0.0, 0.0), partials=(0.0, 0.0)),
    partial_bound=Bound(absolute=lambda a, b: TINY + TINY / math.hypot(a, b) if math.hypot(a, b) < math.inf else NORMAL,
        why="a quotient below the smallest normal number is rounded before it is divided again"))

erf = Unary(name="erf", value=math.erf,
    partials=(lambda x, y: TWO_OVER_SQRT_PI * exp(-x * x),),
    latex=r"\operatorname{{erf}}({0})", code="erf({0})", group="exponentials", laws=("odd",),
    partial_bound=Bound(ulps=lambda x: 4.0 + ieee.minimum(x * x, 746.0), absolute=2.0 * TINY, why="x² is rounded before the exponential"))

erfc = Unary(name="erfc", value=math.erfc,
    partials=(lambda x, y: -TWO_OVER_SQRT_PI * exp(-x * x),),
    latex=r"\operatorname{{erfc}}({0})", code="1 - erf({0})", group="exponentials",
    value_bound=Bound(ulps=8.0, why="the C library's erfc is less exact than its other functions"),
    partial_bound=Bound(ulps=lambda x: 4.0 + ieee.minimum(x * x, 746.0), absolute=2.0 * TINY, why="x² is rounded before the exponential"))

# ------------------------------------------------------------------------------------------------- activations

sigmoid = Unary(name="sigmoid", value=ieee.sigmoid,
    partials=(lambda x, y: y * (1.0 - y),),
    symbol="σ", latex=r"\sigma({0})", code="1 / (1 + exp(-{0}))", group="activations",
    partial_bound=Bound(absolute=EPS,
        why="1 - y cancels where the sigmoid saturates; the form that every lecture prints is kept"))

log_sigmoid = Unary(name="log_sigmoid", value=ieee.log_sigmoid,
    partials=(lambda x, y: sigmoid(-x),),
    symbol="log σ", latex=r"\log(\sigma({0}))", code="-log(1 + exp(-{0}))", group="activations")

softplus = Unary(name="softplus", value=ieee.softplus,
    partials=(lambda x, y: sigmoid(x),),
    latex=r"\log(1 + e^{{{0}}})", code="log(1 + exp({0}))", group="activations")

relu = Unary(name="relu", value=ieee.relu,
    partials=(lambda x, y: step(x),),
    symbol="ReLU", latex=r"\max({0}, 0)", code="max({0}, 0)", group="activations", laws=("idempotent",),
    kink=Kink("x = 0", lambda x: x, at=(0.0,), partials=(0.0,)))

leaky_relu = Parametric(name="leaky_relu", value=ieee.leaky_relu, default=0.01,
    partials=(lambda x, slope, y: where(step(x), 1.0, slope), lambda x, slope, y: minimum(x, 0.0)),
    latex=r"\begin{{cases}} {0} & {0} > 0 \\ {1} \cdot {0} & {0} \le 0 \end{{cases}}", precedence=SUM,
    code="{0} if {0} > 0 else {1} * {0}", group="activations", domain=(REALS, REALS),
    kink=Kink("x = 0", lambda x, slope: x, at=(0.0, 0.01), partials=(0.01, 0.0)))

elu = Parametric(name="elu", value=ieee.elu, default=1.0,
    partials=(lambda x, alpha, y: where(step(x), 1.0, alpha * exp(minimum(x, 0.0))),
              lambda x, alpha, y: expm1(minimum(x, 0.0))),
    latex=r"\begin{{cases}} {0} & {0} > 0 \\ {1} \cdot (e^{{{0}}} - 1) & {0} \le 0 \end{{cases}}", precedence=SUM,
    code="{0} if {0} > 0 else {1} * (exp({0}) - 1)", group="activations", domain=(REALS, REALS),
    kink=Kink("x = 0", lambda x, alpha: x, at=(0.0, 1.0), partials=(1.0, 0.0)),
    partial_bound=Bound(absolute=lambda x, alpha: TINY * abs(alpha), why="an e**x below the smallest normal number is rounded"))

gelu = Unary(name="gelu", value=ieee.gelu,
    partials=(lambda x, y: 0.5 * erfc(-SQRT_HALF * x) + ONE_OVER_SQRT_TWO_PI * (x * exp(-0.5 * (x * x))),),
    latex=r"{0} \cdot \Phi({0})", precedence=PRODUCT, code="{0} * (1 + erf({0} / sqrt(2))) / 2", group="activations",
    value_bound=Bound(ulps=lambda x: 4.0 + 1.7 * _tail(x), absolute=20.0 * TINY,
        why="x/√2 is rounded, and √2 too, before the steep tail of erfc"),
    partial_bound=Bound(ulps=lambda x: 4.0 + _tail(x), absolute=lambda x: EPS * math.erfc(-SQRT_HALF * x) + 20.0 * TINY,
        why="its two terms cancel near the minimum at x = -0.75; x²/2 is rounded before the exponential"))

silu = Unary(name="silu", value=ieee.silu,
    partials=(lambda x, y: sigmoid(x) * (1.0 + x * sigmoid(-x)),),
    latex=r"{0} \cdot \sigma({0})", precedence=PRODUCT, code="{0} / (1 + exp(-{0}))", group="activations",
    value_bound=Bound(absolute=lambda x: TINY * ieee.minimum(abs(x), 752.0), why="a σ(x) below the smallest normal number is rounded"),
    partial_bound=Bound(ulps=6.0, absolute=lambda x: EPS * ieee.sigmoid(x) + TINY * ieee.minimum(abs(x), 752.0),
        why="four roundings; 1 + x σ(-x) cancels near the minimum at x = -1.28; a σ(x) below the smallest normal number is rounded"))

# ------------------------------------------------------------------------------------------------- piecewise

abs = Unary(name="abs", value=lambda x: math.fabs(x),
    partials=(lambda x, y: sign(x),),
    symbol="|x|", latex=r"\left|{0}\right|", code="{0} if {0} > 0 else -{0}", group="piecewise", operator="abs",
    ufunc="absolute", laws=("even", "idempotent"),
    kink=Kink("x = 0", lambda x: x, at=(0.0,), partials=(0.0,)))

sign = Unary(name="sign", value=ieee.sign,
    partials=(None,),
    latex=r"\operatorname{{sign}}({0})", code="({0} > 0) - ({0} < 0)", group="piecewise", laws=("odd", "idempotent"),
    kink=Kink("x = 0", lambda x: x, at=(0.0,), partials=(0.0,)))

step = Unary(name="step", value=ieee.step,
    partials=(None,),
    latex=r"{{[{0} > 0]}}", code="1 if {0} > 0 else 0", group="piecewise", laws=("idempotent",),
    kink=Kink("x = 0", lambda x: x, at=(0.0,), partials=(0.0,)))

same = Binary(name="same", value=ieee.same,
    partials=(None, None),
    symbol="=", latex="{{[{0} = {1}]}}", code="1 if {0} == {1} else 0", group="piecewise",
    domain=(REALS, REALS), laws=("commutative",),
    kink=Kink("a = b", lambda a, b: a - b, at=(1.0, 1.0), partials=(0.0, 0.0)))

maximum = Binary(name="maximum", value=ieee.maximum,
    partials=(lambda a, b, y: where(same(a, b), 0.5, step(a - b)), lambda a, b, y: where(same(a, b), 0.5, step(b - a))),
    symbol="max", latex=r"\max({0}, {1})", code="max({0}, {1})", group="piecewise",
    domain=(REALS, REALS), laws=("commutative",), identity=-math.inf,
    kink=Kink("a = b", lambda a, b: a - b, at=(1.0, 1.0), partials=(0.5, 0.5)))

minimum = Binary(name="minimum", value=ieee.minimum,
    partials=(lambda a, b, y: where(same(a, b), 0.5, step(b - a)), lambda a, b, y: where(same(a, b), 0.5, step(a - b))),
    symbol="min", latex=r"\min({0}, {1})", code="min({0}, {1})", group="piecewise",
    domain=(REALS, REALS), laws=("commutative",), identity=math.inf,
    kink=Kink("a = b", lambda a, b: a - b, at=(1.0, 1.0), partials=(0.5, 0.5)))

where = Ternary(name="where", value=ieee.where,
    partials=(None, lambda c, a, b, y: where(c, 1.0, 0.0), lambda c, a, b, y: where(c, 0.0, 1.0)),
    latex=r"\begin{{cases}} {1} & {0} \ne 0 \\ {2} & {0} = 0 \end{{cases}}", precedence=SUM, code="{1} if {0} != 0 else {2}",
    group="piecewise", domain=(REALS, REALS, REALS),
    kink=Kink("condition = 0", lambda c, a, b: c, at=(0.0, 2.0, 3.0), partials=(0.0, 0.0, 1.0)))

clip = Ternary(name="clip", value=ieee.clip,
    partials=(lambda x, low, high, y: step(x - low) * step(high - x),
              lambda x, low, high, y: 1.0 - step(x - low),
              lambda x, low, high, y: step(x - low) * (1.0 - step(high - x))),
    latex=r"\min(\max({0}, {1}), {2})", code="min(max({0}, {1}), {2})", group="piecewise",
    domain=(REALS, REALS, REALS), constraint=("low <= high", lambda x, low, high: low <= high),
    kink=Kink("x = low, x = high or low = high", lambda x, low, high: ieee.row_min([math.fabs(x - low), math.fabs(high - x), high - low]),
        at=(0.0, 0.0, 1.0), partials=(0.0, 1.0, 0.0)))

# ------------------------------------------------------------------------------------------------- reductions

sum = Reduction(name="sum", value=ieee.row_sum,
    partials=(lambda xs, y: [1.0] * len(xs),),
    symbol="Σ", latex=r"\sum {0}", precedence=SUM, code="sum({0})", group="reductions",
    value_bound=Bound(absolute=lambda xs: 0.5 * EPS * len(xs) * ieee.row_sum(list(map(math.fabs, xs))),
        why="each partial sum is rounded, or overflows; terms of both signs cancel"))

mean = Reduction(name="mean", value=ieee.mean,
    partials=(lambda xs, y: [1.0 / len(xs)] * len(xs),),
    latex=r"\operatorname{{mean}} {0}", precedence=APPLICATION, code="sum({0}) / len({0})", group="reductions",
    expands=lambda xs: div(sum(xs), float(len(xs))),
    value_bound=Bound(absolute=lambda xs: 0.5 * EPS * ieee.row_sum(list(map(math.fabs, xs))),
        why="each partial sum is rounded, or overflows; terms of both signs cancel"))

dot = Pairing(name="dot", value=ieee.dot,
    partials=(lambda ws, xs, y: xs, lambda ws, xs, y: ws),
    symbol="Σwx", latex=r"{0} \cdot {1}", precedence=PRODUCT, code="sum(w * x for w, x in zip({0}, {1}))", group="reductions",
    domain=(REALS, REALS), laws=("commutative",),
    expands=lambda ws, xs: sum([mul(w, x) for w, x in zip(ws, xs, strict=True)]),
    value_bound=Bound(
        absolute=lambda ws, xs: len(ws) * (TINY + 0.5 * EPS * ieee.dot(list(map(math.fabs, ws)), list(map(math.fabs, xs)))),
        why="each product and partial sum is rounded, or overflows; terms of both signs cancel"))

max = Reduction(name="max", value=ieee.row_max,
    partials=(lambda xs, y: _shares(xs, y),),
    latex=r"\max {0}", precedence=APPLICATION, code="max({0})", group="reductions", laws=("commutative",),
    kink=Kink("the largest is tied", lambda xs: _lead(xs), at=((1.0, 1.0, 0.0),), partials=((0.5, 0.5, 0.0),)))

min = Reduction(name="min", value=ieee.row_min,
    partials=(lambda xs, y: _shares(xs, y),),
    latex=r"\min {0}", precedence=APPLICATION, code="min({0})", group="reductions", laws=("commutative",),
    kink=Kink("the smallest is tied", lambda xs: _lead([-x for x in xs]), at=((1.0, 1.0, 2.0),), partials=((0.5, 0.5, 0.0),)))

logsumexp = Reduction(name="logsumexp", value=ieee.logsumexp,
    partials=(lambda xs, y: softmax(xs),),
    latex=r"\log(\sum e^{{{0}}})", code="log(sum(exp(x) for x in {0}))", group="reductions",
    value_bound=Bound(absolute=lambda xs: EPS * (len(xs) + math.fabs(ieee.row_max(xs))),
        why="each partial sum is rounded; the largest operand and the logarithm of the rest can cancel"),
    partial_bound=Bound(ulps=lambda xs: 8.0 + len(xs) + ieee.minimum(ieee.row_max(xs) - ieee.row_min(xs), 746.0),
        why="each difference from the largest operand is rounded before the exponential"))

# fmt: on

# ------------------------------------------------------------------------------------------------- composites


@overload
def softmax(xs: Iterable[float]) -> list[float]: ...  # pyright: ignore[reportOverlappingOverload] - no G is a float
@overload
def softmax(xs: Iterable[G | float]) -> list[G]: ...
def softmax(xs: Iterable[G | float]) -> list[G] | list[float]:
    """Return e**x / Σ e**x for each x: positive numbers that add up to 1.

    The largest x is taken out first, as a constant, so that nothing overflows: adding the same number to every x
    changes nothing, the derivative included.

    Parameters
    ----------
    xs : one or more numbers or Values, in any order.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    xs = tuple(xs)
    if not xs:
        raise ArgumentError("softmax of an empty row is undefined: pass at least one number")
    shift = detach(max(xs))
    exponentials = [exp(sub(x, shift)) for x in xs]
    total = sum(exponentials)
    return [div(e, total) for e in exponentials]


def _shares(xs: Sequence[Generic], y: Generic) -> list[Generic]:
    """Return 1/k for each of the k operands equal to the result y, else 0."""
    ties = [same(x, y) for x in xs]
    total = sum(ties)
    return [div(tie, total) for tie in ties]


def _length(a: Generic, b: Generic) -> Generic:
    """Return the distance from the origin, but 1 at the origin itself."""
    r = hypot(a, b)
    return where(r, r, 1.0)


def _tail(x: float) -> float:
    """Return x² for negative x, as far down as exp(-x²/2) is a float64."""
    return ieee.clip(x, -39.0, 0.0) ** 2


def _lead(xs: Sequence[float]) -> float:
    """Return by how much the largest number exceeds the next: 0 in a tie."""
    ranked = sorted(xs)
    return ranked[-1] - ranked[-2] if len(ranked) > 1 else math.inf


__all__ = [*OPS, "softmax"]  # pyright: ignore[reportUnsupportedDunderAll] - a new op is public with no other edit
