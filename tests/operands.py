"""Operands for every op as Hypothesis strategies, read off the table: all of float64 that its domain holds."""

import math
from collections.abc import Sequence
from sys import float_info

from hypothesis import assume
from hypothesis import strategies as st

from autograd_core.op import Interval, Op, Operand, Pairing, Reduction

__all__ = ["members", "numbers", "operands", "slopes"]

ALL = Interval(-float_info.max, float_info.max)
LONGEST_ROW = 4


def numbers(interval: Interval, within: Interval = ALL) -> st.SearchStrategy[float]:
    """Draw finite numbers of an interval: simple, moderate, of every size, close to its ends, and where exp gives out.

    Never -0.0, which no exact number equals; its own tests are written by hand.
    """
    low, high = max(interval.low, within.low), min(interval.high, within.high)
    signs = st.sampled_from([-1.0, 1.0])
    sizes = st.floats(-323.0, 308.0).map(lambda e: 10.0**e)
    steeps = st.floats(700.0, 760.0)
    gaps = st.floats(0.0, 16.0).map(lambda e: 10.0**-e)
    strategies = [
        st.floats(low, high),
        st.floats(max(low, -10.0), min(high, 10.0)),
        st.floats(max(low, -50.0), min(high, 50.0)),
        st.builds(lambda sign, size: sign * min(size, high), signs, sizes | steeps),
        *[gaps.map(lambda gap, end=end: end + gap) for end in [low] if end != within.low],
        *[gaps.map(lambda gap, end=end: end - gap) for end in [high] if end != within.high],
    ]
    return st.one_of(strategies).map(lambda x: x + 0.0).filter(lambda x: x in interval and x in within)


@st.composite
def operands(draw: st.DrawFn, op: Op, within: Interval = ALL) -> tuple[Operand, ...]:
    """Draw operands that an op is defined for; some are equal to, or the next float after, the one before."""
    if isinstance(op, Reduction | Pairing):
        length = draw(st.integers(1, LONGEST_ROW))
        point = tuple([_related(draw, [x] * length, within) for x in op.domain])
    else:
        point = tuple(_related(draw, op.domain, within))
    assume(op.constraint is None or op.constraint[1](*point))
    return point


def _related(draw: st.DrawFn, intervals: Sequence[Interval], within: Interval) -> list[float]:
    drawn: list[float] = []
    for interval in intervals:
        strategy = numbers(interval, within)
        if drawn:
            near = [x for x in (drawn[-1], math.nextafter(drawn[-1], math.inf)) if x in interval and x in within]
            if near:
                strategy |= st.sampled_from(near)
        drawn.append(draw(strategy))
    return drawn


# ---------------------------------------------------------------- what an op does at a point


def members(operand: Operand) -> Sequence[float]:
    """Return a row's numbers, or the one number that an operand is."""
    return operand if isinstance(operand, Sequence) else [operand]


def slopes(op: Op, point: Sequence[Operand]) -> list[float]:
    """Return the partials on floats, those towards members of rows one by one; 0 where nothing flows."""
    y = op.value(*point)
    found: list[float] = []
    for partial, operand in zip(op.partials, point, strict=True):
        if partial is None:
            found += [0.0] * len(members(operand))
        else:
            found += members(partial(*point, y))
    return found
