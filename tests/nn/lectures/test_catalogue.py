"""Nothing of the catalogue is missing, and all of it holds: every item and every slip of the five lectures, one by one."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from nn import lectures
from nn.lectures.item import ERRATA, ITEMS, Comparison, Finding, Lifted
from nn.lectures.registry import errata_of

with (Path(__file__).parents[2] / "data" / "lectures.csv").open(encoding="utf-8") as file:
    CATALOGUE = {row["id"]: row for row in csv.DictReader(file)}

ITEMS_OF_A_LECTURE = {"levine": 34, "ai50021": 54, "malik": 34, "lai": 39, "mit6036": 93, "conventions": 6}

# Which slips are of mathematics (m), of notation or wording (n), or misread from the page by a machine (o).
KINDS_OF_ERRATA = {
    "levine": ("E-LEV", {"m": [1, 2, 3], "n": [4, 5, 6]}),
    "ai50021": (
        "E-AI",
        {"m": [4, 5, 13, 17, 18, 20, 21], "o": [8, 16], "n": [1, 2, 3, 6, 7, 9, 10, 11, 12, 14, 15, 19]},
    ),
    "malik": ("E-MAL", {"m": [3, 5, 7, 8, 10, 11, 13, 14], "o": [6, 16], "n": [1, 2, 4, 9, 12, 15]}),
    "lai": ("E-LAI", {"m": [3, 5, 6, 7], "n": [1, 2, 4]}),
    "mit6036": (
        "E-MIT",
        {"m": [5, 8, 9, 11, 12, 13, 14, 15, 16, 19, 20, 21, 24], "o": [3, 6, 22], "n": [1, 2, 4, 7, 10, 17, 18, 23]},
    ),
    "conventions": ("E-X", {"n": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}),
}
SHOWN = [f"{prefix}-{n}" for prefix, kinds in KINDS_OF_ERRATA.values() for n in kinds.get("m", [])]


# ---------------------------------------------------------------- items


def test_the_items_of_each_lecture_are_those_of_the_catalogue():
    named = {"mit": "mit6036", "x": "conventions"}
    assert {one.id: one.lecture for one in lectures.items()} == {
        id: named.get(row["doc"], row["doc"]) for id, row in CATALOGUE.items()
    }
    assert Counter(one.lecture for one in lectures.items()) == ITEMS_OF_A_LECTURE
    assert len(CATALOGUE) == 260


@pytest.mark.parametrize("id", CATALOGUE)
def test_an_item_is_declared_as_the_catalogue_has_it(id):
    lectures.items()  # declares them all
    one, row = ITEMS[id], CATALOGUE[id]
    assert (one.kind, set(one.errata)) == (row["kind"], set(row["errata"].split()))
    assert one.where
    assert one.statement.endswith(".")
    assert one.latex or one.kind not in {"formula", "gradient"}


@pytest.mark.parametrize("id", [id for id, row in CATALOGUE.items() if row["doc"] == "levine"])
def test_an_item_of_levine_stands_where_the_catalogue_says(id):
    lectures.items()
    assert ITEMS[id].where == CATALOGUE[id]["where"]


@pytest.mark.parametrize(
    "id", list(CATALOGUE)[list(CATALOGUE).index("mit.opt.batch") : list(CATALOGUE).index("mit.bn.scale") + 1]
)
def test_an_item_of_the_chapters_second_half_stands_where_the_catalogue_says(id):
    lectures.items()
    assert ITEMS[id].where == CATALOGUE[id]["where"]


@pytest.mark.parametrize("id", CATALOGUE)
def test_the_evidence_of_an_item_is_there_and_agrees_and_is_the_same_each_time(id):
    lectures.items()
    evidence = list(ITEMS[id].evidence())
    assert evidence
    assert all(isinstance(e, Comparison | Finding | Lifted) for e in evidence)
    assert [e for e in evidence if not e.agrees] == []
    assert [repr(e) for e in ITEMS[id].evidence()] == [repr(e) for e in evidence]


@pytest.mark.parametrize("id", [id for id, row in CATALOGUE.items() if row["kind"] == "gradient"])
def test_a_gradient_is_compared_with_the_graph_and_with_a_difference_quotient(id):
    lectures.items()
    compared = [e for e in ITEMS[id].evidence() if isinstance(e, Comparison)]
    assert [e for e in compared if e.autograd is not None and e.central is not None]


# ---------------------------------------------------------------- errata


@pytest.mark.parametrize("lecture", KINDS_OF_ERRATA)
def test_the_errata_of_a_lecture_are_those_of_the_catalogue_with_their_kinds(lecture):
    prefix, kinds = KINDS_OF_ERRATA[lecture]
    assert {slip.id: slip.kind for slip in errata_of(lecture)} == {
        f"{prefix}-{n}": kind for kind, numbers in kinds.items() for n in numbers
    }


def test_there_are_84_errata_and_each_belongs_to_an_item():
    assert len(errata_of()) == 84
    assert {slip.id for slip in errata_of()} == {name for row in CATALOGUE.values() for name in row["errata"].split()}


def test_every_erratum_says_what_is_printed_what_is_right_and_what_to_learn():
    assert [e.id for e in errata_of() if not (e.printed and e.right) or e.printed == e.right] == []
    assert [e.id for e in errata_of() if not e.lesson.endswith(".")] == []


def test_errata_of_mathematics_have_numbers_and_others_have_none():
    assert [e.id for e in errata_of() if e.misses is not None] == [e.id for e in errata_of() if e.kind == "m"]


@pytest.mark.parametrize("id", SHOWN)
def test_a_printed_form_misses_and_its_correction_does_not(id):
    lectures.errata()  # declares them all
    misses = list(ERRATA[id].misses())
    assert misses
    assert [miss.quantity for miss in misses if not miss.shown] == []
