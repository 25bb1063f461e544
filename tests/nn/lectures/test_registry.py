"""The registry: what is asked for by a wrong name is named, an item is declared once, its graph can be drawn."""

import pytest

from autograd_core import ArgumentError
from nn import lectures
from nn.lectures.item import ITEMS, item
from nn.lectures.registry import item_of, items_of


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
