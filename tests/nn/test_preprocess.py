"""Preprocessing: what a column is taken for, and the inputs that it becomes, beside scikit-learn's."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from autograd_core import ArgumentError
from nn.preprocess import (
    Category,
    Number,
    Preprocessing,
    counts_rows,
    kind_of,
    learn,
    looks_like_names,
    number,
    numbers,
    refuse_gaps,
)
from nn.table import Table


def table(**columns):
    """Return a table of columns; its rows begin on line 2."""
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return Table("t.csv", tuple(columns), rows, list(range(2, 2 + len(rows))))


def column(*texts):
    return table(x=texts)


# ---------------------------------------------------------------- numbers and text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0), ("-1.5", -1.5), ("+2", 2.0), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("-1.5E-3", -0.0015),
        ("007", 7.0), ("inf", np.inf), ("-Infinity", -np.inf), ("1e999", np.inf), ("1e-999", 0.0),
    ],
)  # fmt: skip
def test_a_number_is_spelt_as_people_and_programs_do(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "1,5", "1_000", "0x10", "12 cm", "1e", ".", "e5", "1 2", "٣", "nan", "--1", "1-2"]
)
def test_anything_else_is_no_number(text):
    assert number(text) is None


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "2.5", "-3e2"], "number"),
        (["1", "", "NA", "2"], "number"),
        (["", "NA"], "number"),
        (["a", "b"], "category"),
        (["1", "2", "3+"], "category"),
        (["1"] * 8 + ["x"], "category"),
        (["yes", "", "no"], "category"),
        (["True", "False"], "category"),
        (["1,2 and 3", "4,5"], "category"),
    ],
)
def test_a_column_is_taken_for_what_is_in_it(texts, kind):
    assert kind_of(column(*texts), "x") == kind


def test_a_slip_among_numbers_is_named():
    assert message_of(ArgumentError, lambda: kind_of(column(*["1"] * 9, "2O"), "x")) == (
        "t.csv, line 11, column 'x': '2O' is no number, as 9 others in the column are: mend it, or take them all as text "
        "with --categorical x"
    )


def test_a_comma_in_numbers_is_named():
    assert message_of(ArgumentError, lambda: kind_of(column("1", "2,5", "3,75"), "x")) == (
        "t.csv, line 3, column 'x': '2,5' is a number with a comma in it: write a point where decimals begin, and nothing "
        "between thousands; or take it as text with --categorical x"
    )


COMMA = "a comma in it: write a point where decimals begin, and nothing between thousands"
SIGN = "a sign beside it: write the number alone"


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["1.234,50", "999,25"], COMMA), (["1,234.50", "17"], COMMA), (["1,234,567", "1,000,000"], COMMA),
        (["1 234,5", "2\u202f000,5"], COMMA), (["$1,200", "$5"], COMMA), (["$5", "$7.50"], SIGN), (["-$5", "$-5"], SIGN),
        (["5 €", "7.5€"], SIGN), (["10%", "20 %", "0"], SIGN),
    ],
)  # fmt: skip
def test_a_column_of_numbers_as_people_write_them_is_not_taken_as_text(texts, why):
    assert message_of(ArgumentError, lambda: kind_of(column(*texts), "x")) == (
        f"t.csv, line 2, column 'x': '{texts[0]}' is a number with {why}; or take it as text with --categorical x"
    )


@pytest.mark.parametrize("text", ["1.2.3", "2024-01-05", "5 kg", "$", "%", "10-20%", "a,b", ",", "A1", "5%%", "½"])
def test_text_with_digits_or_signs_in_it_is_text(text):
    assert kind_of(column("1", text), "x") == "category"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("inf", "no finite number"),
        ("-1e999", "no finite number"),
        ("1e151", "larger than 1e+150, which cannot be computed with"),
    ],
)
def test_a_number_that_cannot_be_computed_with_is_named(text, why):
    for found in (lambda: kind_of(column("1", text), "x"), lambda: numbers(column("1", text), "x")):
        assert (
            message_of(ArgumentError, found)
            == f"t.csv, line 3, column 'x': '{text}' is {why}: mend it, or leave it empty"
        )


def test_gaps_are_named_by_row_and_column():
    t = table(a=["1", "", "3"], b=["NA", "y", "?"], c=["", "", ""])
    assert message_of(ArgumentError, lambda: refuse_gaps(t, ["a", "b"])) == (
        "t.csv lacks 3 values: line 3, column 'a' (''); line 2, column 'b' ('NA'); line 4, column 'b' ('?')\n"
        "fill in what is missing, let medians and the most frequent categories stand in with --impute, or leave the columns "
        "out with --drop a --drop b"
    )
    assert message_of(ArgumentError, lambda: refuse_gaps(t, ["b", "a", "c"])).splitlines()[0] == (
        "t.csv lacks 6 values: line 2, column 'b' ('NA'); line 4, column 'b' ('?'); line 3, column 'a' (''); "
        "line 2, column 'c' (''); line 3, column 'c' (''); and 1 more"
    )
    refuse_gaps(t.take([]), ["a", "b"])


@pytest.mark.parametrize(
    ("texts", "answer"),
    [
        (["Ann", "Bob", "Cy"], True),
        (["Ann", "Bob", "Bob"], False),
        (["Ann", "", "NA"], False),
        ([f"n{i}" for i in range(21)] + ["n0"], True),
        ([f"n{i}" for i in range(20)] + ["n0"], False),
        ([f"n{i % 60}" for i in range(121)], False),
        ([f"n{i % 61}" for i in range(121)], True),
    ],
)
def test_text_that_tells_rows_apart_looks_like_names(texts, answer):
    assert looks_like_names(column(*texts), "x") is answer


@pytest.mark.parametrize(
    ("xs", "answer"), [([1.0, 2.0, 3.0], True), ([0.0, 1.0], False), ([3.0, 2.0, 1.0], False), ([1.0, 2.0, 2.0], False)]
)
def test_numbers_that_count_the_rows_are_noticed(xs, answer):
    assert counts_rows(xs) is answer


# ---------------------------------------------------------------- beside scikit-learn

GOOD = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
COLOURS = ["red", "green", "blue", "é", "10", "9"]


@given(st.lists(GOOD, min_size=2, max_size=30), st.lists(GOOD, min_size=1, max_size=5))
def test_numbers_are_standardised_as_scikit_learn_does(xs, others):
    rows = np.array(xs)[:, np.newaxis]
    if rows.std() <= 1e-9 * np.abs(rows).max():
        return
    found, left_out = learn(table(x=map(repr, xs)), {"x": "number"})
    theirs = StandardScaler().fit(rows)
    assert left_out == {}
    assert (found.columns[0].mean, found.columns[0].deviation) == pytest.approx(
        (theirs.mean_[0], theirs.scale_[0]), rel=1e-12, abs=1e-9
    )
    for some in (xs, [x for x in others if abs(x - found.columns[0].mean) < 1e5 * found.columns[0].deviation] or xs):
        np.testing.assert_allclose(
            found.encode(table(x=map(repr, some))),
            theirs.transform(np.array(some)[:, np.newaxis]),
            rtol=1e-9,
            atol=1e-9,
        )


@given(
    st.lists(st.sampled_from(COLOURS), min_size=2, max_size=20),
    st.lists(st.sampled_from(COLOURS), min_size=1, max_size=6),
)
def test_categories_become_one_hot_as_scikit_learn_has_them(texts, others):
    if len(set(texts)) < 2:
        return
    found, _ = learn(table(x=texts), {"x": "category"})
    theirs = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(
        np.array(texts, dtype=object)[:, np.newaxis]
    )
    assert found.columns[0].categories == tuple(theirs.categories_[0])
    assert found.inputs == [name.replace("_", "=", 1) for name in theirs.get_feature_names_out(["x"])]
    with warnings.catch_warnings(action="ignore"):
        expected = theirs.transform(np.array(others, dtype=object)[:, np.newaxis])
    assert found.encode(table(x=others), allow_unseen=True).tolist() == expected.tolist()


@given(st.lists(st.one_of(st.none(), GOOD), min_size=3, max_size=20))
def test_medians_stand_in_as_scikit_learn_has_them(xs):
    present = [x for x in xs if x is not None]
    if not present or np.std(present) <= 1e-9 * max(map(abs, present)):
        return
    rows = np.array([np.nan if x is None else x for x in xs])[:, np.newaxis]
    filled = SimpleImputer(strategy="median").fit_transform(rows)
    found, _ = learn(table(x=["?" if x is None else repr(x) for x in xs]), {"x": "number"}, impute=True)
    assert found.columns[0].fill == np.median(present)
    np.testing.assert_allclose(
        found.encode(table(x=["" if x is None else repr(x) for x in xs])),
        StandardScaler().fit_transform(filled), rtol=1e-9, atol=1e-9,
    )  # fmt: skip


@given(st.lists(st.sampled_from(["", *COLOURS]), min_size=3, max_size=20))
def test_the_most_frequent_category_stands_in_as_scikit_learn_has_it(texts):
    if len(set(texts) - {""}) < 2:
        return
    rows = np.array([text or np.nan for text in texts], dtype=object)[:, np.newaxis]
    theirs = SimpleImputer(strategy="most_frequent").fit(rows)
    found, _ = learn(table(x=texts), {"x": "category"}, impute=True)
    assert found.columns[0].fill == theirs.statistics_[0]
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(theirs.transform(rows))
    assert found.encode(table(x=texts)).tolist() == one_hot.tolist()


# ---------------------------------------------------------------- learning

PETS = table(
    legs=["4", "2", "4", "0"], pet=["cat", "bird", "dog", "fish"], home=["yes"] * 4, gone=[""] * 4, six=["6"] * 4
)
KINDS = {"legs": "number", "pet": "category", "home": "category", "gone": "number", "six": "number"}
SAME, VOID = "the same in every row to train on", "empty in every row to train on"


def test_what_does_not_vary_is_left_out():
    found, left_out = learn(PETS, KINDS)
    assert found.columns == (Number("legs", 2.5, 2.75**0.5), Category("pet", ("bird", "cat", "dog", "fish")))
    assert left_out == {"home": SAME, "gone": VOID, "six": SAME}
    assert found.inputs == ["legs", "pet=bird", "pet=cat", "pet=dog", "pet=fish"]


def test_what_varies_too_little_to_be_squared_is_left_out_for_that_reason():
    t = table(x=["1e-200", "2e-200"], y=["1", "2"])
    assert learn(t, {"x": "number", "y": "number"})[1] == {"x": "too nearly the same in every row to train on"}


def test_gaps_are_filled_before_it_is_asked_whether_a_column_varies():
    assert learn(column("1", "", "1", "3"), {"x": "number"}, impute=True)[0].columns == (
        Number("x", 1.5, 0.75**0.5, 1.0),
    )
    message = message_of(ArgumentError, lambda: learn(column("a", "", "a"), {"x": "category"}, impute=True))
    assert message == f"t.csv has no column left to learn from (x is {SAME}): add one that varies"


def test_nothing_to_learn_from_is_refused():
    assert message_of(ArgumentError, lambda: learn(PETS, {"six": "number", "gone": "number"})) == (
        f"t.csv has no column left to learn from (six is {SAME}, gone is {VOID}): add one that varies"
    )
    assert message_of(ArgumentError, lambda: learn(PETS, {})) == (
        "t.csv has no column left to learn from (there is the target alone): add one that varies"
    )


def test_a_gap_without_imputing_is_refused_in_learning_and_in_use():
    gap = "there is no value ('NA'): fill it in, or train with --impute"
    message = message_of(ArgumentError, lambda: learn(column("1", "NA", "2"), {"x": "number"}))
    assert message == f"t.csv, line 3, column 'x': {gap}"
    for kind, texts in (("number", ["1", "2"]), ("category", ["a", "b"])):
        found, _ = learn(column(*texts), {"x": kind})
        message = message_of(ArgumentError, lambda found=found: found.encode(column("NA")))
        assert message == f"t.csv, line 2, column 'x': {gap}"


def test_what_was_learnt_stands_in_where_it_was_never_missing_before():
    found, _ = learn(table(x=["1", "5", "5"], c=["a", "b", "b"]), {"x": "number", "c": "category"}, impute=True)
    assert (
        found.encode(table(x=["", "5"], c=["?", "b"])).tolist()
        == [found.encode(table(x=["5"], c=["b"])).tolist()[0]] * 2
    )


def test_an_unknown_category_is_refused_unless_it_is_allowed():
    found, _ = learn(PETS, {"pet": "category"})
    new = table(pet=["cat", "cow"])
    assert message_of(ArgumentError, lambda: found.encode(new)) == (
        "t.csv, line 3, column 'pet': 'cow' is in no row that was trained on, only bird, cat, dog, fish: mend it, or take "
        "it as none of them with --allow-unseen"
    )
    assert found.encode(new, allow_unseen=True).tolist() == [[0.0, 1.0, 0.0, 0.0], [0.0] * 4]
    assert found.columns[0].unseen(table(pet=["cow", "cat", "", "cow", "ant"])) == ["cow", "ant"]


def test_columns_are_found_by_name_in_any_order_among_others():
    found, _ = learn(PETS, {"legs": "number", "pet": "category"})
    turned = table(more=["z"], pet=["dog"], legs=["2.5"])
    assert found.encode(turned).tolist() == [[0.0, 0.0, 0.0, 1.0, 0.0]]
    assert message_of(ArgumentError, lambda: found.encode(table(leg=["1"], more=["2"]))) == (
        "t.csv has no columns 'legs', 'pet': did you mean 'leg'? it has leg, more"
    )


def test_what_is_no_number_or_out_of_all_proportion_is_refused_in_use():
    found, _ = learn(column("1", "3"), {"x": "number"})
    assert message_of(ArgumentError, lambda: found.encode(column("2", "two"))) == (
        "t.csv, line 3, column 'x': 'two' is no number: write one such as -0.5 or 1e-3"
    )
    assert message_of(ArgumentError, lambda: found.encode(column("2", "-1e7"))) == (
        "t.csv, line 3, column 'x': -1e+07 is out of all proportion to what was trained on, which is 2 with a standard "
        "deviation of 1: mend it, or train without the column"
    )


# ---------------------------------------------------------------- what it is kept as

NAMES = st.text(min_size=1, max_size=5)


@given(
    st.lists(
        st.one_of(
            st.builds(Number, NAMES, GOOD, st.floats(1e-3, 1e3), st.one_of(st.none(), GOOD)),
            st.builds(Category, NAMES, st.lists(NAMES, min_size=2, unique=True).map(tuple), st.one_of(st.none(), NAMES)),
        ),
        min_size=1,
        max_size=4,
    )
)  # fmt: skip
@settings(max_examples=50)
def test_it_comes_back_from_json_as_it_was(columns):
    there = Preprocessing(tuple(columns))
    assert Preprocessing.of(json.loads(json.dumps(there.about()))) == there


@pytest.mark.parametrize(
    "told",
    [
        None, 1, [1], [{}], [{"name": 1, "mean": 0, "deviation": 1, "fill": None}],
        [{"name": "x", "mean": 0, "deviation": 0, "fill": None}], [{"name": "x", "mean": 1e200, "deviation": 1, "fill": None}],
        [{"name": "x", "mean": float("nan"), "deviation": 1, "fill": None}], [{"name": "x", "mean": 0, "deviation": 1}],
        [{"name": "x", "mean": 0, "deviation": "wide", "fill": None}], [{"name": "x", "categories": [1], "fill": None}],
        [{"name": "x", "categories": ["a"], "fill": 3}], [{"name": "x", "categories": 3, "fill": None}],
    ],
)  # fmt: skip
def test_something_else_does_not_come_back(told):
    with pytest.raises((ValueError, TypeError, KeyError)):
        Preprocessing.of(told)


# ---------------------------------------------------------------- nothing leaks


@given(st.data())
@settings(max_examples=50)
def test_no_row_but_those_to_train_on_has_a_part_in_it(data):
    rows = data.draw(st.lists(st.tuples(GOOD, st.sampled_from(COLOURS)), min_size=6, max_size=12))
    training = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=3, unique=True))
    others = [(x + 1000.0, "violet") if i not in training else (x, c) for i, (x, c) in enumerate(rows)]
    first, second = [
        table(x=[repr(x) for x, _ in some], c=[c for _, c in some]).take(training) for some in (rows, others)
    ]
    kinds = {"x": "number", "c": "category"}
    try:
        learnt = learn(first, kinds, impute=True)
    except ArgumentError:
        return
    assert learn(second, kinds, impute=True) == learnt
