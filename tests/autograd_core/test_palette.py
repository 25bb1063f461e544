"""Colours: readable under black text, the same on both sides of 0, and never the only sign."""

import colorsys
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Value, abs, clip, maximum, relu, tanh, where
from autograd_core.palette import MARKS, Scale, extreme, is_flat, mark_of

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def rgb(colour: str) -> list[float]:
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def contrast_to_black(colour: str) -> float:
    """Return the contrast of WCAG 2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb(colour)]
    luminance = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return (luminance + 0.05) / 0.05


@given(st.lists(FINITE, min_size=1), st.floats())
def test_black_text_is_readable_on_every_colour(numbers, x):
    assert contrast_to_black(Scale.of(numbers).colour(x)) > 7.0


@given(st.lists(FINITE, min_size=1))
def test_the_largest_number_has_the_full_colour_of_its_sign_and_zero_is_white(numbers):
    scale = Scale.of(numbers)
    largest = max(numbers, key=math.fabs)
    assert scale.colour(largest) == ("#6baed6" if largest < 0 else "#fdae61" if largest else "#ffffff")
    assert scale.colour(0.0) == scale.colour(-0.0) == scale.colour(math.nan) == "#ffffff"
    assert (scale.colour(-math.inf), scale.colour(math.inf)) == ("#6baed6", "#fdae61")


def test_the_two_ends_differ_in_more_than_red_and_green():
    """Whoever cannot tell red from green still sees blue against yellow."""
    blue, orange = rgb("#6baed6"), rgb("#fdae61")
    assert blue[2] - orange[2] > 0.4
    assert 0.5 < colorsys.rgb_to_hls(*blue)[0] < 0.7


def test_colours_go_by_the_root():
    scale = Scale(4.0)
    assert scale.colour(1.0) == "#fed6b0"  # half of the way to #fdae61
    assert scale.colour(-1.0) == "#b5d6ea"  # half of the way to #6baed6


@pytest.mark.parametrize(
    ("x", "mark"), [(0.0, "zero"), (-0.0, "zero"), (5e-324, ""), (-math.inf, "infinite"), (math.nan, "nan")]
)
def test_special_numbers_have_marks(x, mark):
    assert mark_of(x) == mark


def test_no_two_marks_look_alike():
    assert len({tuple(looks.items()) for looks in MARKS.values()}) == len(MARKS) == 3


def test_the_extreme_stands_for_several():
    assert extreme([1.0, -3.0, 2.0]) == -3.0
    assert extreme([0.0]) == 0.0
    assert math.isnan(extreme([math.inf, math.nan, 1.0]))


@pytest.mark.parametrize(
    ("node", "flat"),
    [
        (lambda x: relu(x - 2), True),
        (relu, False),
        (lambda x: relu(x * 0.0), True),
        (lambda x: clip(x, -0.5, 0.5), True),
        (lambda x: clip(x, -5.0, 5.0), False),
        (lambda x: maximum(x, 3.0), True),
        (lambda x: maximum(x, x), False),
        (lambda x: where(0.0, x, 1.0), True),
        (lambda x: where(1.0, x, 1.0), False),
        (lambda x: abs(x * 0.0), True),
        (lambda x: tanh(x * 1000.0), False),
        (lambda x: x * 0.0, False),
    ],
)
def test_an_op_is_flat_if_its_kink_lets_nothing_through(node, flat):
    assert is_flat(node(Value(1.0))) is flat
