"""Parts: every row is in one of them, and every class in those that need it."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError
from nn.application.parts import part

CLASSES = st.lists(st.sampled_from("abcd"), min_size=5, max_size=30).map(lambda some: [*some, *some])


@given(CLASSES, st.floats(0.01, 0.8), st.integers(0, 5))
def test_every_row_is_in_one_part_and_every_class_is_learnt_and_tested(classes, held_out, seed):
    parts = part(classes, held_out, Random(seed))
    assert sorted([*parts.training, *parts.validation, *parts.held_out]) == list(range(len(classes)))
    for rows in (parts.training, parts.validation, parts.held_out):
        assert rows == sorted(rows) != []
    assert {classes[i] for i in parts.held_out} == {*classes}
    left = Counter(classes[i] for i in [*parts.training, *parts.validation])
    assert {classes[i] for i in parts.training} == {*classes} or {*left.values()} == {1}


@pytest.mark.parametrize("held_out", [0.1, 0.25, 0.5])
def test_every_class_has_the_same_share_in_each_part(held_out):
    classes = ["rare"] * 40 + ["usual"] * 400
    parts = part(classes, held_out, Random(0))
    for rows, share in (
        (parts.held_out, held_out),
        (parts.validation, 0.2 * (1 - held_out)),
        (parts.training, 0.8 * (1 - held_out)),
    ):
        assert Counter(classes[i] for i in rows) == {"rare": round(40 * share), "usual": round(400 * share)}


def test_rows_without_classes_are_split_all_the_same():
    parts = part([None] * 100, 0.2, Random(0))
    assert (len(parts.training), len(parts.validation), len(parts.held_out)) == (64, 16, 20)


def test_classes_of_two_rows_leave_one_to_test_on_and_one_to_know_when_to_stop():
    parts = part([i // 2 for i in range(10)], 0.2, Random(0))
    assert (len(parts.training), len(parts.validation), len(parts.held_out)) == (4, 1, 5)


def test_the_same_seed_gives_the_same_parts_and_another_seed_others():
    first, again, other = [part([None] * 50, 0.2, Random(seed)) for seed in (0, 0, 1)]
    assert first == again != other


def test_too_few_rows_are_refused():
    message = message_of(ArgumentError, lambda: part([None] * 9, 0.2, Random(0)))
    assert message == "there are 9 rows, and 10 are the least to learn from: add rows"


def test_holding_out_nearly_everything_is_refused():
    message = message_of(ArgumentError, lambda: part([None] * 10, 0.9, Random(0)))
    assert message == (
        "holding out 0.9 of 10 rows leaves 1 to learn from, and one is needed to know when to stop: hold out a smaller part"
    )
