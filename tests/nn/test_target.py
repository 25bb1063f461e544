"""The target: what is made of it, and when nothing can be."""

import pytest
from messages import message_of

from autograd_core import ArgumentError
from nn import target
from nn.table import Table
from nn.target import Amount, Classes, amount_of, classes_of, decide


def column(*texts):
    """Return a table with one column, y, whose rows begin on line 2."""
    return Table("t.csv", ("y",), [[text] for text in texts], list(range(2, 2 + len(texts))))


def refusal(*texts, task=None):
    return message_of(ArgumentError, lambda: decide(column(*texts), "y", task))


TEXT = "because it is text"
NUMBER = "because it is a number; say --task classification to make a class of each"


def whole(n):
    return f"because it has {n} different whole numbers, each a class; say --task regression to compute it"


@pytest.mark.parametrize(
    ("texts", "task", "why"),
    [
        (["a", "b"] * 2, "classification", TEXT),
        (["1", "b"] * 2, "classification", TEXT),
        (["0", "1"] * 2, "classification", whole(2)),
        (["0.0", "1.0"] * 2, "classification", whole(2)),
        ([str(i % 10) for i in range(20)], "classification", whole(10)),
        ([str(i % 10) for i in range(19)], "regression", NUMBER),
        ([str(i % 11) for i in range(99)], "regression", NUMBER),
        (["0.5", "1"] * 9, "regression", NUMBER),
        (["1", "2", "2"], "regression", NUMBER),
    ],
)
def test_the_content_decides_what_is_made_of_a_target(texts, task, why):
    decision = decide(column(*texts), "y")
    assert (decision.task, decision.why) == (task, why)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_what_is_asked_for_is_made_of_it(task):
    decision = decide(column("0", "1", "0", "1"), "y", task)
    assert (decision.task, decision.why) == (task, "as asked for with --task")


@pytest.mark.parametrize("task", [None, "classification", "regression"])
def test_a_target_that_does_not_vary_is_refused(task):
    assert refusal("1", "1.0", "1", task=task) == "the target 'y' is '1' in every row: there is nothing to predict"


def test_one_class_is_refused():
    assert refusal("a", "a") == "the target 'y' is 'a' in every row: there is nothing to predict"


def test_a_missing_target_is_refused_with_its_lines():
    message = refusal("a", "", "b", "NA", "?")
    assert message == (
        "t.csv lacks the target 'y' on line 3, 5, 6: fill it in or delete the row, for nothing can stand in for what is "
        "to be learnt"
    )


SINGLE = "a class takes one row to learn it from and one to test it on"


def test_a_class_in_one_row_is_refused():
    assert refusal("a", "b", "a", "c", "c") == (
        f"the target 'y' is 'b' in one row only, on line 3; {SINGLE}: add rows of it, or delete this one"
    )
    assert refusal("a", "b", "a", "c", "d", "d") == (
        f"the target 'y' is 'b' in one row only, on line 3, and so is 1 other; {SINGLE}: add rows of it, or delete this one"
    )
    assert refusal("a", "b", "c", "c") == (
        f"the target 'y' is 'a' in one row only, on line 2, and so is 1 other; {SINGLE}: choose a target whose classes recur"
    )
    assert refusal("0.5", "1", "1.5", "1.5", task="classification") == (
        f"the target 'y' is '0.5' in one row only, on line 2, and so is 1 other; {SINGLE}: say --task regression to "
        "compute the number"
    )


def test_text_cannot_be_computed():
    assert refusal("1", "two", "3", task="regression") == (
        "t.csv, line 3, column 'y': 'two' is no number: write one such as -0.5 or 1e-3"
    )


def test_a_slip_among_numbers_is_named():
    assert refusal(*["1"] * 9, "2O") == (
        "t.csv, line 11, column 'y': '2O' is no number, as 9 others in the column are: mend it, or take them all as text "
        "with --task classification"
    )


@pytest.mark.parametrize(
    ("texts", "labels", "numbers"),
    [
        (["b", "a", "b"], ("a", "b"), [1, 0, 1]),
        (["10", "9", "9.0", "1e1"], ("9", "10"), [1, 0, 0, 1]),
        (["-1", "0.5", "0.50"], ("-1", "0.5"), [0, 1, 1]),
        (["01", "1", "x"], ("x", "01", "1"), [1, 2, 0]),
        (["B", "a", "é"], ("B", "a", "é"), [0, 1, 2]),
        (["5003", "0150", "150"], ("0150", "150", "5003"), [2, 0, 1]),
        (["9007199254740993", "9007199254740992"], ("9007199254740992", "9007199254740993"), [1, 0]),
    ],
)
def test_classes_are_in_ascending_order_and_spelt_in_one_way(texts, labels, numbers):
    classes = classes_of(column(*texts), "y")
    assert (classes.labels, classes.numbers(column(*texts))) == (labels, numbers)


def test_an_amount_has_the_mean_and_the_deviation_of_the_rows():
    assert amount_of(column("1", "2", "6"), "y") == Amount("y", 3.0, (14.0 / 3.0) ** 0.5)


def test_an_amount_that_does_not_vary_in_the_rows_to_train_on_is_refused():
    message = message_of(ArgumentError, lambda: amount_of(column("2", "2.0"), "y"))
    assert message == "the target 'y' is 2 in every row to train on: add rows, or choose another --seed"


def test_an_amount_that_varies_too_little_to_be_squared_is_refused_for_that_reason():
    message = message_of(ArgumentError, lambda: amount_of(column("1e-200", "2e-200"), "y"))
    assert message == "the target 'y' is too nearly 1e-200 in every row to train on: give it in a smaller unit"


@pytest.mark.parametrize("there", [Classes("y", ("a", "b")), Amount("y", 1.5, 2.5)])
def test_it_comes_back_from_plain_data(there):
    assert target.of(there.about()) == there


@pytest.mark.parametrize(
    "told",
    [
        None, {}, {"name": 3, "mean": 0.0, "deviation": 1.0}, {"name": "y", "labels": ["a", "a"]}, {"name": "y", "labels": [1]},
        {"name": "y", "labels": []}, {"name": "y", "labels": ["a"]},
        {"name": "y", "mean": 0.0, "deviation": -1.0}, {"name": "y", "mean": float("inf"), "deviation": 1.0}, {"name": "y"},
    ],
)  # fmt: skip
def test_something_else_does_not_come_back(told):
    with pytest.raises((ValueError, TypeError, KeyError)):
        target.of(told)
