"""Metrics: scikit-learn's numbers, from the outputs of our models."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import message_of
from sklearn import metrics as reference

from autograd_core import ArgumentError, OperandTypeError
from nn.metrics import accuracy, mean_absolute_error, measure, r2, root_mean_squared_error

REGRESSION = {
    "r2": (r2, reference.r2_score),
    "mean_absolute_error": (mean_absolute_error, reference.mean_absolute_error),
    "root_mean_squared_error": (
        root_mean_squared_error,
        lambda t, y: math.sqrt(reference.mean_squared_error(t, y)),
    ),
}
numbers = st.floats(-100.0, 100.0)
pairs = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=20)


@pytest.mark.parametrize(("ours", "theirs"), REGRESSION.values(), ids=REGRESSION)
@given(table=pairs)
def test_errors_of_numbers_are_scikit_learns(ours, theirs, table):
    ys, ts = [y for y, _ in table], [t for _, t in table]
    if np.var(ts) > 1e-6 or ours is not r2:
        assert ours(ys, ts) == pytest.approx(theirs(ts, ys), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("ours", "theirs"), list(REGRESSION.values())[:2], ids=list(REGRESSION)[:2])
def test_errors_of_several_outputs_are_scikit_learns(ours, theirs):
    rng = np.random.default_rng(0)
    ts, ys = rng.normal(size=(9, 3)), rng.normal(size=(9, 3))
    assert ours([tuple(y) for y in ys], ts) == pytest.approx(theirs(ts, ys), rel=1e-12)


@pytest.mark.parametrize(("ys", "score"), [([2.0, 2.0], 1.0), ([2.0, 3.0], 0.0)])
def test_r2_of_targets_that_do_not_vary_is_scikit_learns(ys, score):
    assert r2(ys, [2.0, 2.0]) == score == reference.r2_score([2.0, 2.0], ys)


def test_r2_of_targets_that_do_not_vary_is_0_though_their_mean_is_rounded():
    assert sum([0.1] * 3) / 3 != 0.1
    assert (r2([0.2, 0.1, 0.1], [0.1] * 3), r2([0.1] * 3, [0.1] * 3)) == (0.0, 1.0)


@given(st.lists(st.tuples(st.lists(numbers, min_size=3, max_size=3), st.integers(0, 2)), min_size=1, max_size=20))
def test_accuracy_is_the_share_of_largest_outputs_that_are_the_target(table):
    outputs, targets = [tuple(row) for row, _ in table], [target for _, target in table]
    expected = reference.accuracy_score(targets, np.argmax(outputs, axis=1))
    assert accuracy(outputs, targets) == pytest.approx(expected, rel=1e-12)
    assert accuracy(outputs, np.eye(3)[targets]) == accuracy(outputs, targets)


def test_one_output_is_a_probability_of_the_upper_class_or_with_a_threshold_of_0_a_score():
    assert accuracy([0.4, 0.6, 0.5], [0, 1, 1]) == pytest.approx(2 / 3)
    assert accuracy([0.4, 0.6, -0.5], [1, 1, 0], threshold=0.0) == 1.0
    assert accuracy([0.4, -0.6, -0.5], [1, -1, 1], threshold=0.0) == pytest.approx(2 / 3)


@pytest.mark.parametrize("metric", [accuracy, r2, mean_absolute_error, root_mean_squared_error])
@pytest.mark.parametrize(("ys", "ts"), [([], []), ([1.0], [1.0, 2.0])])
def test_outputs_without_targets_are_refused(metric, ys, ts):
    assert message_of(ArgumentError, lambda: metric(ys, ts)) == (
        f"there are {len(ys)} outputs and {len(ts)} targets: pass one target for each output"
    )


def test_outputs_and_targets_of_other_widths_are_refused():
    assert message_of(ArgumentError, lambda: r2([(1.0, 2.0)], [1.0])) == (
        "outputs and targets have [1, 2] numbers a sample: pass as many of each"
    )


def test_a_metric_that_returns_no_number_is_named():
    message = message_of(OperandTypeError, lambda: measure({"r2": r2, "mine": lambda *_: None}, [1.0, 2.0], [1.0, 3.0]))
    assert message == (
        "the metric 'mine': None of type NoneType is no real number: check what should have been computed there"
    )
