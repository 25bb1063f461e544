"""Labels go from one coding to another and back, and what is no label is named."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError, OperandTypeError, Value
from nn import labels

reproducibly = settings(derandomize=True, deadline=None, max_examples=100)


@reproducibly
@given(st.integers(1, 6), st.data())
def test_a_one_hot_row_has_its_one_at_the_place_of_the_class_and_back(count, data):
    ks = data.draw(st.lists(st.integers(0, count - 1), max_size=8))
    rows = labels.one_hot(ks, count)
    assert rows.shape == (len(ks), count)
    assert rows.dtype == np.float64
    for k, row in zip(ks, rows.tolist(), strict=True):
        assert row == [0.0] * k + [1.0] + [0.0] * (count - k - 1)
    assert labels.classes(rows).tolist() == ks


@reproducibly
@given(st.lists(st.integers(0, 1), max_size=8))
def test_bits_and_signs_are_each_others_inverse(bits):
    signs = labels.signs(bits)
    assert signs.tolist() == [2.0 * b - 1.0 for b in bits]
    assert labels.bits(signs).tolist() == bits


def test_one_hot_rows_and_rows_of_signs_are_codings_of_the_same_classes():
    """Catalogue: ai50021.loss.labels: exponent (y + 1) / 2."""
    rows = labels.one_hot([2, 0], 3)
    signs = labels.signs(rows)
    assert signs.tolist() == [[-1.0, -1.0, 1.0], [1.0, -1.0, -1.0]]
    assert ((signs + 1.0) / 2.0 == rows).all()
    assert labels.bits(signs).tolist() == rows.tolist()
    assert labels.classes(signs).tolist() == [2, 0]


@pytest.mark.parametrize(
    "given", [[0, 2], (0.0, 2.0), np.array([0, 2], dtype=np.uint8), [np.int64(0), np.float32(2.0)]]
)
def test_labels_are_whole_numbers_of_any_type(given):
    assert labels.one_hot(given, 3).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]


def test_without_a_count_the_largest_label_decides():
    assert labels.one_hot([0, 2]).shape == (2, 3)


def test_truth_is_a_label_too():
    assert labels.signs([True, False]).tolist() == [1.0, -1.0]


def test_what_is_given_is_not_changed():
    bits = np.array([0.0, 1.0])
    labels.signs(bits)[0] = 7.0
    labels.bits(labels.signs(bits))[0] = 7.0
    assert bits.tolist() == [0.0, 1.0]


DECISIONS = {
    "above": ([0.6], 0.5, 1),
    "below": ([0.4], 0.5, 0),
    "a tie": ([0.5], 0.5, 0),
    "another threshold": ([0.1], 0.0, 1),
    "the largest": ([0.1, 0.2, 0.7], 0.5, 2),
    "the first of equals": ([0.4, 0.4, 0.2], 0.5, 0),
    "infinite": ([-math.inf, math.inf], 0.5, 1),
    "nan": ([math.nan], 0.5, -1),
    "nan among others": ([0.9, math.nan], 0.5, -1),
}


@pytest.mark.parametrize(("outputs", "threshold", "k"), DECISIONS.values(), ids=DECISIONS)
def test_outputs_decide_for_a_class(outputs, threshold, k):
    assert labels.decide(outputs, threshold) == k


ROW = "a row needs one 1, and {} everywhere else; for probabilities take the largest, as in np.argmax(rows, axis=1)"
FAULTS = {
    "a class too far": (lambda: labels.one_hot([0, 3, 1], 3), "labels[1] is 3: number the classes from 0 to 2"),
    "a class below 0": (lambda: labels.one_hot([-1]), "labels[0] is -1: number the classes from 0 to 0"),
    "half a class": (lambda: labels.one_hot([0, 0.5], 2), "labels[1] is 0.5: number the classes from 0 to 1"),
    "no class": (lambda: labels.one_hot([math.nan, 1], 2), "labels[0] is nan: number the classes from 0 to 1"),
    "an infinite class": (lambda: labels.one_hot([math.inf]), "labels[0] is inf: number the classes from 0 to 0"),
    "no classes": (lambda: labels.one_hot([0], 0), "count is 0: pass a whole number from 1 up"),
    "rows for classes": (
        lambda: labels.one_hot([[1, 0]], 2),
        "labels has the shape (1, 2): pass one class for each sample",
    ),
    "classes for rows": (
        lambda: labels.classes([0, 1]),
        "labels has the shape (2,): pass a row for each sample, with one number a class",
    ),
    "two ones": (lambda: labels.classes([[1, 0], [1, 1]]), f"labels[1] is [1.0, 1.0]: {ROW.format(0)}"),
    "no one": (lambda: labels.classes([[0, 0]]), f"labels[0] is [0.0, 0.0]: {ROW.format(0)}"),
    "probabilities": (lambda: labels.classes([[0.9, 0.1]]), f"labels[0] is [0.9, 0.1]: {ROW.format(0)}"),
    "codings mixed": (lambda: labels.classes([[1, -1], [1, 0]]), f"labels[1] is [1.0, 0.0]: {ROW.format(-1)}"),
    "a sign for a bit": (lambda: labels.signs([1, -1]), "labels[1] is -1: pass labels of 0 and 1"),
    "a bit for a sign": (lambda: labels.bits([1, 0]), "labels[1] is 0: pass labels of -1 and 1"),
    "in a row": (lambda: labels.signs([[0, 1], [0.25, 0]]), "labels[1, 0] is 0.25: pass labels of 0 and 1"),
    "one alone": (lambda: labels.bits(0), "the label is 0: pass labels of -1 and 1"),
}


@pytest.mark.parametrize(("call", "message"), FAULTS.values(), ids=FAULTS)
def test_what_is_no_label_is_named(call, message):
    assert message_of(ArgumentError, call) == message


MEND = "no array of numbers: number the classes first, as in names, labels = np.unique(labels, return_inverse=True)"
NO_NUMBERS = {
    "words": (["cat", "dog"], "['cat', 'dog']"),
    "ragged": ([[1, 0], [1]], "[[1, 0], [1]]"),
    "nothing": (None, "None"),
    "Values": ([Value(1.0)], "[Value(data=1.0, grad=0.0)]"),
    "complex": ([1j], "[1j]"),
}


@pytest.mark.parametrize("convert", [labels.one_hot, labels.classes, labels.signs, labels.bits])
@pytest.mark.parametrize(("given", "shown"), NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_labels_that_are_no_numbers_are_refused_with_a_way_to_number_them(convert, given, shown):
    assert message_of(OperandTypeError, lambda: convert(given)) == f"labels are {shown}, {MEND}"


def test_the_way_to_number_classes_that_is_named_works():
    names, numbers = np.unique(["dog", "cat", "dog"], return_inverse=True)
    assert names[labels.classes(labels.one_hot(numbers))].tolist() == ["dog", "cat", "dog"]
