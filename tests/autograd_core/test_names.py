"""Names of nodes: readable, and never two alike, whatever labels there are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_core import Value, gradients, tanh, topological_order
from autograd_core.names import names_of, symbols_of
from autograd_core.symbol import Symbol


def named(*labels: str) -> list[str]:
    return names_of([Value(0.0, label) for label in labels])


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (("a", "b", "loss"), ["a", "b", "loss"]),
        (("", "a", ""), ["v0", "a", "v2"]),
        (("w0", "w1", "w0"), ["w0[0]", "w1", "w0[2]"]),
        (("", "v0"), ["v0[0]", "v0"]),
        (("v1", "", "v1"), ["v1[0]", "v1[1]", "v1[2]"]),
        (("a", "a", "a[1]"), ["a[0]", "a[1][1]", "a[1]"]),
        ((), []),
    ],
)
def test_a_name_is_the_label_or_else_the_number(labels, names):
    assert named(*labels) == names


LABELS = st.sampled_from(["", "", "a", "v0", "v1", "v2", "v1[1]", "a[0]", "a[1]", "a[1][1]", "v0[0][0]"])


@settings(derandomize=True, deadline=None, max_examples=500)
@given(st.lists(LABELS | st.text(max_size=3), max_size=12))
def test_no_two_names_are_alike_and_a_label_of_one_node_is_its_name(labels):
    names = named(*labels)
    assert len(set(names)) == len(names) == len(labels)
    assert all(names)
    assert [name for name, label in zip(names, labels, strict=True) if label and labels.count(label) == 1] == [
        label for label in labels if label and labels.count(label) == 1
    ]
    assert named(*labels) == names


def test_a_constant_stands_in_formulas_as_its_number():
    x = Value(3.0, label="x")
    _, y = symbols_of(topological_order(tanh(x)))
    assert isinstance(y, Symbol)
    two, symbol, product, *_ = symbols_of(topological_order(2 * x + 1.5))
    assert two == 2.0
    assert (symbol.text, product.text) == ("x", "v2")
    (slope,) = gradients(2 * x, [x])
    assert symbols_of(topological_order(slope)) == [2.0]


def test_labels_spell_themselves():
    w = Value(1.0, label="w12")
    assert [x.latex for x in symbols_of(topological_order(w * w))] == ["w_{12}", "v_{1}"]


def test_a_hundred_thousand_nodes_of_one_label_have_names():
    names = names_of([Value(0.0, "w") for _ in range(100_000)])
    assert names[-1] == "w[99999]"
    assert len(set(names)) == 100_000
