"""What a training run says: short, aligned, and true."""

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

from nn.application.report import aligned, classification, columns, figure, regression
from nn.preprocess import learn
from nn.table import Table
from nn.target import Amount, Classes


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0"), (1.0, "1"), (-0.123456, "-0.12346"), (12345.6, "12346"), (99999.4, "99999"), (8345260.7, "8345261"),
        (-1e14, "-100000000000000"), (1e15, "1e+15"), (1.5e-7, "1.5e-07"), (float("nan"), "nan"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_people_do(x, text):
    assert figure(x) == text


def test_cells_stand_below_each_other():
    assert aligned([["", "a", "b"], ["long", "1", ""], ["x", "100", "2"]]) == "        a  b\nlong    1\nx     100  2"
    assert aligned([["a", "b"], ["1", "2"]], left=2) == "a  b\n1  2"


def table(**texts):
    rows = [list(row) for row in zip(*texts.values(), strict=True)]
    return Table("t.csv", tuple(texts), rows, list(range(2, 2 + len(rows))))


def test_every_column_is_told_of_with_what_was_made_of_it():
    t = table(
        id=["1", "2", "3", "4"], size=["2.5", "", "1", "100000"], zip=["01", "02", "01", "03"], colour=["b", "?", "a", "b"],
        same=["7"] * 4, name=list("wxyz"), y=["10", "9", "9.0", "9"],
    )  # fmt: skip
    kinds = {"id": "number", "size": "number", "zip": "category", "colour": "category", "same": "number"}
    used, left_out = learn(t.take([0, 1, 2]), kinds, impute=True)
    shown = columns(t, used, Classes("y", ("9", "10")), {**left_out, "name": "with --drop"})
    assert shown == (
        "column  read as   what is in it\n"
        "id      number    1 to 4; counts the rows: if that is all it does, leave it out with --drop id\n"
        "size    number    1 to 100000; 1 missing, the median stands in\n"
        "zip     category  2: 01, 02; taken as text with --categorical; none of them in rows that are not trained on: 03\n"
        "colour  category  2: a, b; 1 missing, 'a' stands in\n"
        "same    left out  the same in every row to train on\n"
        "name    left out  with --drop\n"
        "y       target    2 classes: 9 (3), 10 (1)"
    )


def test_many_ordinary_columns_share_a_line():
    t = table(
        y=["1", "2.5", "9"], **{f"x{i}": ["3", "1", "2"] for i in range(25)}, c=["a", "b", "a"], n=["1", "2", "3"]
    )
    kinds = dict.fromkeys([name for name in t.names if name != "y"], "number") | {"c": "category"}
    assert columns(t, learn(t, kinds)[0], Amount("y", 0.0, 1.0), {}) == (
        "column      read as   what is in it\n"
        "25 columns  number    x0 … x24\n"
        "y           target    1 to 9\n"
        "c           category  2: a, b\n"
        "n           number    1 to 3; counts the rows: if that is all it does, leave it out with --drop n"
    )


def test_classes_are_compared_with_the_usual_one_and_with_each_other():
    assert classification(["a", "b", "c d"], [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 1], 0) == (
        "held-out rows       this model       always 'a'\n"
        "accuracy       4 of 6 = 66.7 %  3 of 6 = 50.0 %\n"
        "\n"
        "true \\ guessed        a       b  c d   recall\n"
        "a                     2       1    0   66.7 %\n"
        "b                     0       2    0  100.0 %\n"
        "c d                   0       1    0    0.0 %\n"
        "precision       100.0 %  50.0 %    -"
    )


def test_of_many_classes_recall_and_precision_are_listed():
    rng = np.random.default_rng(0)
    truth, guesses = rng.integers(0, 11, 200), rng.integers(0, 11, 200)
    shown = classification([f"c{k}" for k in range(11)], truth.tolist(), guesses.tolist(), 3)
    rows = [line.split() for line in shown.split("\n\n")[1].splitlines()]
    assert rows[0] == ["class", "rows", "recall", "precision"]
    recall, precision = [score(truth, guesses, average=None) for score in (recall_score, precision_score)]
    assert rows[1:] == [
        [f"c{k}", str((truth == k).sum()), f"{100 * recall[k]:.1f}", "%", f"{100 * precision[k]:.1f}", "%"]
        for k in range(11)
    ]


def test_what_is_no_better_than_a_guess_is_called_that():
    warning = "\n\nthat is no better than always guessing "
    assert classification(["a", "b"], [0, 1], [1, 1], 0).endswith(f"{warning}'a'")
    assert warning not in classification(["a", "b"], [0, 1], [0, 1], 0)
    assert regression([1.0, 3.0], [3.0, 1.0], 2.0).endswith(f"{warning}the mean")
    assert warning not in regression([1.0, 3.0], [1.5, 2.5], 2.0)


def test_errors_are_compared_with_those_of_the_mean():
    assert regression([1.0, 2.0, 6.0], [2.0, 2.0, 6.0], 4.0) == (
        "held-out rows            this model  always 4, the mean\n"
        "R²                            0.929              -0.214\n"
        "mean absolute error         0.33333              2.3333\n"
        "root mean squared error     0.57735              2.3805"
    )
