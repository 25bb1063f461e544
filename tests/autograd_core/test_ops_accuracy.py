"""Every op of the table, value and derivatives, against exact numbers over all of float64.

Nothing here names the ops one by one but the last section: what is known of an op is read from the table, so an op
that is added there is tested here. Each promise is kept by as many drawn operands as one sitting allows; the bounds in
the table were settled with thousands more.
"""

import itertools
import math

import exact
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from operands import members, numbers, operands, slopes

import autograd_core.ops as ag
from autograd_core.backward import gradients
from autograd_core.op import OPS, REALS, Bound, Interval, Op, Operand, Pairing, Reduction, Unary
from autograd_core.value import Value

INF, NAN = math.inf, math.nan
TINY = math.ulp(0.0)

checked = settings(deadline=None, derandomize=True, database=None, max_examples=50)
UNARY = [op for op in OPS.values() if isinstance(op, Unary)]
OF_ROWS = [op for op in OPS.values() if isinstance(op, Reduction | Pairing)]
FLOWING = [op for op in OPS.values() if op.group != "cut"]  # through a cut nothing flows, whatever the derivative is


def each(ops):
    return pytest.mark.parametrize("op", list(ops), ids=lambda op: op.name)


# ---------------------------------------------------------------- values


@each(OPS.values())
@checked
@given(st.data())
def test_a_value_is_as_exact_as_the_table_says(op, data):
    point = data.draw(operands(op))
    found, true = op.value(*point), exact.value(op, *point)
    if mp.isnan(true):
        assert not math.isfinite(found), "a pole"
    else:
        assert_within(op.value_bound, found, true, point)


@each(op for op in UNARY if op.domain != (REALS,))
@checked
@given(x=numbers(REALS))
def test_a_value_outside_the_domain_is_not_finite(op, x):
    assume(x not in op.domain[0])
    assert not math.isfinite(op.value(x))


@each(UNARY)
@pytest.mark.parametrize("direction", [-1, 1])
def test_a_value_at_infinity_is_the_limit(op, direction):
    found, true = op.value(direction * INF), exact.limit(op, direction)
    if mp.isfinite(true):
        assert_within(op.value_bound, found, true, (direction * INF,))
    else:
        assert repr(found) == repr(float(true))


@each(op for op in OPS.values() if op is not ag.where)
def test_a_nan_is_never_hidden(op):
    for i in range(len(op.domain)):
        point: list[Operand] = [-2.0] * len(op.domain)
        point[i] = NAN
        if op in OF_ROWS:
            point = [[1.0, x, 3.0] for x in point]
        assert math.isnan(op.value(*point)), point


# ---------------------------------------------------------------- first derivatives


@each(FLOWING)
@checked
@given(st.data())
def test_a_partial_is_as_exact_as_the_table_says(op, data):
    point = data.draw(operands(op))
    assume(is_smooth(op, point))
    for i, found in enumerate(slopes(op, point)):
        true = exact.derivative(op, point, i)
        if not mp.isnan(true):  # atan2 jumps where a = 0 > b, see below
            assert_within(op.partial_bound, found, true, point)


def test_the_angle_jumps_behind_the_origin_and_its_derivative_does_not():
    assert slopes(ag.atan2, (0.0, -2.0)) == [-0.5, 0.0]
    assert slopes(ag.atan2, (-0.0, -2.0)) == [-0.5, 0.0]


def test_a_cut_passes_nothing_on():
    assert slopes(ag.detach, (3.0,)) == [0.0]


@pytest.mark.parametrize(
    ("op", "x", "slope"),
    [(ag.sqrt, 0.0, INF), (ag.asin, -1.0, INF), (ag.asin, 1.0, INF), (ag.acos, -1.0, -INF), (ag.acos, 1.0, -INF)],
)
def test_a_slope_at_the_end_of_a_domain_is_infinite(op, x, slope):
    assert slopes(op, (x,)) == [slope]


@each(OPS.values())
def test_a_bound_wider_than_4_ulps_says_why(op):
    for bound in (op.value_bound, op.partial_bound):
        is_wider = callable(bound.ulps) or bound.ulps > 4.0 or bound.absolute != 0.0
        assert bool(bound.why) == is_wider


# ---------------------------------------------------------------- second derivatives


@each(FLOWING)
@settings(checked, max_examples=20)
@given(st.data())
def test_gradients_of_gradients_are_second_derivatives(op, data):
    """Second derivatives have no stable form of their own: they are what the first ones' formulas give.

    Their terms cancel, so what they are exact to is 1e-14, or 45 ulps of 1, of the largest number in sight: the value,
    a first or a second derivative. Beside that each is exact to 11 digits of its own, if
    it is a normal float. Operands go from 1e-100 to 300 on
    both sides, and so that their cubes, which these formulas divide by, are in float64's range.
    """
    point = data.draw(operands(op, within=Interval(-300.0, 300.0)))
    assume(is_smooth(op, point))
    assume(all(x == 0.0 or abs(x) > 1e-100 for operand in point for x in members(operand)))
    nodes = [[*map(Value, operand)] if isinstance(operand, list) else Value(operand) for operand in point]
    xs = [x for node in nodes for x in members(node)]
    y = op(*nodes)
    firsts = gradients(y, xs)
    found = [[second.data for second in gradients(first, xs)] for first in firsts]
    true = [[exact.derivative(op, point, max(i, j), min(i, j)) for j in range(len(xs))] for i in range(len(xs))]
    scale = max(abs(mpf(x)) for x in [y.data, *[first.data for first in firsts], *itertools.chain(*true)])
    for i, j in itertools.product(range(len(xs)), repeat=2):
        if not mp.isnan(true[i][j]):
            error = exact.distance(found[i][j], true[i][j])
            assert error <= 1e-11 * max(abs(true[i][j]), ag.NORMAL) + 1e-14 * scale, (i, j, found[i][j], true[i][j])


# ---------------------------------------------------------------- rows


@each(OF_ROWS)
@pytest.mark.parametrize("size", [1e-300, 1e-3, 1.0, 1e3, 1e300])
def test_a_long_row_is_as_exact_as_the_table_says(op, size):
    rows = [[size * math.sin(i * i + k) for i in range(1000)] for k in range(len(op.domain))]
    assert_within(op.value_bound, op.value(*rows), exact.value(op, *rows), tuple(rows))


@checked
@given(st.lists(numbers(REALS), min_size=1, max_size=8))
def test_softmax_is_exact_but_for_the_rounding_of_its_exponents(xs):
    """Each exponent x - max is rounded, by up to half an ulp of the spread; the sum adds half an ulp for each term."""
    bound = Bound(ulps=8.0 + len(xs) + min(max(xs) - min(xs), 746.0), absolute=TINY * len(xs))
    with mp.workdps(60):
        exponentials = [mp.exp(mpf(x) - max(xs)) for x in xs]
        for found, e in zip(ag.softmax(xs), exponentials, strict=True):
            assert_within(bound, found, e / sum(exponentials), (xs,))


# ---------------------------------------------------------------- by name: where the textbook's formula fails


@pytest.mark.parametrize(
    ("call", "result"),
    [
        # overflow on the way to an ordinary number
        (lambda: ag.tanh(1000.0), 1.0),
        (lambda: ag.sigmoid(-1000.0), 0.0),
        (lambda: ag.sigmoid(-745.0), 5e-324),
        (lambda: ag.softplus(800.0), 800.0),
        (lambda: ag.log_sigmoid(-800.0), -800.0),
        (lambda: ag.logsumexp([1000.0, 1000.0]), 1000.6931471805599),
        (lambda: ag.hypot(3 * 2.0**1000, 4 * 2.0**1000), 5 * 2.0**1000),
        # underflow and cancellation
        (lambda: ag.logsumexp([-1000.0, -1000.0]), -999.3068528194401),
        (lambda: ag.expm1(1e-300), 1e-300),
        (lambda: ag.log1p(1e-300), 1e-300),
        (lambda: ag.softplus(-700.0), 9.859676543759771e-305),
        # infinities and nan, where Python's own functions raise
        (lambda: ag.exp(1000.0), INF),
        (lambda: ag.cosh(-1000.0), INF),
        (lambda: ag.sinh(-1000.0), -INF),
        (lambda: ag.log(0.0), -INF),
        (lambda: ag.log1p(-1.0), -INF),
        (lambda: ag.log(-1.0), NAN),
        (lambda: ag.sqrt(-1.0), NAN),
        (lambda: ag.div(1.0, 0.0), INF),
        (lambda: ag.div(1.0, -0.0), -INF),
        (lambda: ag.div(-1.0, 0.0), -INF),
        (lambda: ag.div(0.0, 0.0), NAN),
        (lambda: ag.div(NAN, 0.0), NAN),
        (lambda: ag.reciprocal(-0.0), -INF),
        (lambda: ag.sin(INF), NAN),
        # the real power
        (lambda: ag.pow(-8.0, 1 / 3), NAN),
        (lambda: ag.pow(-2.0, 3.0), -8.0),
        (lambda: ag.pow(0.0, 0.0), 1.0),
        (lambda: ag.pow(0.0, -1.0), INF),
        (lambda: ag.pow(-0.0, -1.0), -INF),
        (lambda: ag.pow(-0.0, -2.0), INF),
        (lambda: ag.pow(0.0, -0.5), INF),
        (lambda: ag.pow(-1e200, 3.0), -INF),
        (lambda: ag.pow(-1e200, 2.0), INF),
        (lambda: ag.pow(1e200, 2.0), INF),
        # a zero wins over whatever it multiplies
        (lambda: ag.strong_mul(0.0, INF), 0.0),
        (lambda: ag.strong_mul(0.0, NAN), 0.0),
        # signed zeros, which exact numbers lack
        (lambda: ag.gelu(-INF), -0.0),
        (lambda: ag.silu(-INF), -0.0),
        (lambda: ag.sqrt(-0.0), -0.0),
        (lambda: ag.atan2(0.0, -1.0), math.pi),
        (lambda: ag.atan2(-0.0, -1.0), -math.pi),
        # a choice looks at nothing else
        (lambda: ag.where(1.0, 2.0, NAN), 2.0),
        (lambda: ag.where(0.0, NAN, 3.0), 3.0),
        (lambda: ag.clip(0.5, 1.0, 0.0), NAN),
        # rows of nothing
        (lambda: ag.sum([]), 0.0),
        (lambda: ag.mean([]), NAN),
        (lambda: ag.dot([], []), 0.0),
        (lambda: ag.max([]), -INF),
        (lambda: ag.min([]), INF),
        (lambda: ag.logsumexp([]), -INF),
        # rows with infinities
        (lambda: ag.logsumexp([-INF, -INF]), -INF),
        (lambda: ag.logsumexp([-INF, 1.0]), 1.0),
        (lambda: ag.logsumexp([INF, 1.0]), INF),
        (lambda: ag.max([1.0, NAN, 2.0]), NAN),
    ],
    ids=lambda x: None if callable(x) else repr(x),
)
def test_extremes_by_name(call, result):
    assert repr(call()) == repr(result)  # which tells 0.0 from -0.0, and takes nan for nan


# ---------------------------------------------------------------- helpers


def assert_within(bound: Bound, found: float, true: mpf, point: tuple[Operand, ...]) -> None:
    error, allowed = exact.distance(found, true), bound.allows(exact.rounded(true), *point)
    assert error <= allowed, f"{found!r} is {mp.nstr(error)} off {mp.nstr(true, 20)}, where {allowed:.3g} is allowed"


def is_smooth(op: Op, point: tuple[Operand, ...]) -> bool:
    """Tell whether a derivative exists at a point: it is on no kink, no pole and no end of the domain."""
    spots = [(x, end) for operand, end in zip(point, op.domain, strict=True) for x in members(operand)]
    inside = all(end.low < x < end.high for x, end in spots)
    return inside and not (op.kink and op.kink.margin(*point) == 0.0) and mp.isfinite(exact.value(op, *point))
