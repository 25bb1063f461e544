"""Nothing is missing: every id of the catalogue is declared once, has evidence, and what it says holds."""

import csv
from pathlib import Path

import pytest

from autograd_core import ArgumentError
from nn import lectures
from nn.lectures.item import ERRATA, ITEMS, LECTURES, Comparison, Finding, item
from nn.lectures.registry import errata_of, item_of, items_of

with (Path(__file__).parents[2] / "data" / "lectures.csv").open(encoding="utf-8") as file:
    CATALOGUE = list(csv.DictReader(file))


def test_all_260_ids_are_declared_with_their_kinds():
    assert {i.id: i.kind for i in lectures.items()} == {row["id"]: row["kind"] for row in CATALOGUE}
    assert len(CATALOGUE) == 260


def test_all_84_errata_are_declared_and_those_of_mathematics_are_shown():
    found = errata_of()
    assert len(found) == 84
    assert [slip.id for slip in found if (slip.kind == "m") != (slip.misses is not None)] == []


def test_each_item_names_its_errata_as_the_catalogue_does():
    named = {row["id"]: set(row["errata"].replace(";", " ").split()) for row in CATALOGUE}
    assert {i.id: set(i.errata) for i in lectures.items()} == named
    assert set().union(*named.values()) <= set(ERRATA)


@pytest.mark.parametrize("lecture", LECTURES)
def test_every_item_has_evidence_and_all_of_it_agrees(lecture):
    for one in items_of(lecture):
        evidence = list(one.evidence())
        assert evidence, one.id
        assert all([isinstance(e, Comparison | Finding) for e in evidence])
        assert [e for e in evidence if not e.agrees] == []


@pytest.mark.parametrize("lecture", LECTURES)
def test_every_gradient_is_compared_with_the_graph_and_with_a_difference_quotient(lecture):
    for one in items_of(lecture):
        if one.kind == "gradient":
            compared = [e for e in one.evidence() if isinstance(e, Comparison)]
            assert [e for e in compared if e.autograd is not None], one.id
            assert [e for e in compared if e.central is not None], one.id


def test_every_printed_form_misses_and_every_corrected_one_holds():
    for slip in errata_of():
        for miss in slip.misses() if slip.misses else ():
            assert miss.shown, slip.id


def test_an_unknown_lecture_or_item_is_named_with_its_neighbours():
    with pytest.raises(ArgumentError) as fault:
        items_of("malek")
    assert str(fault.value) == (
        "there is no lecture 'malek': did you mean 'malik'? choose one of "
        "levine, ai50021, malik, lai, mit6036, conventions"
    )
    with pytest.raises(ArgumentError) as fault:
        item_of("levine.conv.h1")
    assert str(fault.value).startswith("there is no item 'levine.conv.h1': did you mean ['levine.conv.h0'")


def test_an_item_is_declared_once():
    items_of("levine")
    before = dict(ITEMS)
    with pytest.raises(ArgumentError) as fault:
        item("levine.conv.h0", kind="claim", where="", statement="")(list)
    assert str(fault.value) == "there is an item 'levine.conv.h0' already: each is declared once"
    assert before == ITEMS


def test_the_graph_behind_a_derivative_can_be_drawn_with_its_gradients():
    source = lectures.drawing("levine.base.dh.claim").source
    assert "<TD>h</TD>" in source
    assert "<TD>grad 1.624</TD>" in source  # 1/h, which is not 1
    assert "<TD>grad 1</TD>" in source
    with pytest.raises(ArgumentError) as fault:
        lectures.drawing("levine.conv.h0")
    assert str(fault.value) == (
        "the evidence for 'levine.conv.h0' is no derivative of one graph: compare(id='levine.conv.h0') shows what it is"
    )
