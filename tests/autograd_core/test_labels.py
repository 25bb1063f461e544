"""Labels: whatever text goes in comes out of the picture as itself, in every engine, and makes nothing but text."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pictures import ENGINES, draw_with, parts_of

from autograd_core import Value, scope
from autograd_core.labels import cells, escaped, lines, shown, span
from autograd_core.sketch import sketch

HARD = [
    "\\", "\\N", "\\G \\l\\n", "{x|y}", "<b>", "<script>alert(1)</script>", "&lt;", "&", '"', "'", "]", "]]>", "<!--",
    "α ∂ Σ", "🙂👩‍👩‍👧", "שלום", "مرحبا", "a  b", " a", "two\nlines", "a\n\nb", "a\r\nb", "tab\there", "\x00\x1b\x7f", "\ud800", "\ufffe", "\x85",
]  # fmt: skip


def seen(label: str) -> list[str]:
    """Return the lines that a reader should see, worked out character by character."""
    shown_lines, column = [""], 0
    for c in label.replace("\r\n", "\n"):
        if c == "\n":
            shown_lines.append("")
            column = 0
            continue
        text = " " * (4 - column % 4) if c == "\t" else c
        if c != "\t" and (ord(c) < 32 or ord(c) == 127):
            text = "␡" if ord(c) == 127 else chr(0x2400 + ord(c))
        if 0xD800 <= ord(c) <= 0xDFFF or c in "\ufffe\uffff":
            text = "�"
        shown_lines[-1] += text
        column = 0 if c == "\r" else column + len(text)
    return [line.replace("\u00a0", " ") for line in shown_lines]


def visible(lines) -> list[str]:
    return [line.strip() for line in lines if line.strip()]


ANY_TEXT = st.text(
    st.one_of(st.characters(), st.characters(categories=["Cs", "Cc", "Cf"]), st.sampled_from(list("\\{}<>|\"&';#]NGl \n\t"))),
    max_size=30,
)  # fmt: skip


@pytest.mark.parametrize("dot", ENGINES)
@settings(max_examples=40, deadline=None)
@example(HARD)
@given(st.lists(ANY_TEXT, min_size=1, max_size=12))
def test_any_label_comes_out_as_itself(dot, labels):
    drawn = sketch([Value(1.0, label) for label in labels], max_nodes=None)
    parts = parts_of(draw_with(dot, drawn.graph.source))
    for label, box in zip(labels, drawn.boxes, strict=True):
        *text, data, grad = parts[box].texts
        assert (data, grad) == ("data 1", "grad -")
        assert visible(text) == visible(seen(label))


@pytest.mark.parametrize("dot", ENGINES)
@settings(max_examples=30, deadline=None)
@example("]")
@example(" ")
@example("\n")
@example("")
@given(ANY_TEXT)
def test_any_name_of_a_scope_comes_out_as_itself_on_a_frame_and_on_a_box(dot, name):
    with scope(name):
        y = Value(1.0).exp()
    framed = parts_of(draw_with(dot, sketch(y).graph.source))
    folded = parts_of(draw_with(dot, sketch(y, depth=0).graph.source))
    assert visible(framed["c1"].texts) == visible(seen(name))
    assert visible(folded["f1"].texts[:-3]) == (visible(seen(name)) if name else ["scope"])


@pytest.mark.parametrize("dot", ENGINES)
@pytest.mark.parametrize("label", HARD)
def test_no_label_makes_an_element_of_the_picture(dot, label):
    """Beside its own text, a picture is made of the same things whatever the label says."""
    plain, hard = [
        parts_of(draw_with(dot, sketch(Value(1.0, text)).graph.source))["v0"] for text in ("\n".join("x" * len(seen(label))), label)
    ]  # fmt: skip
    assert hard.shapes.count("polygon") == plain.shapes.count("polygon") == 3
    assert set(hard.shapes) == {"title", "polygon", "text"}
    assert hard.title == "v0"


@pytest.mark.parametrize("dot", ENGINES)
@pytest.mark.parametrize(
    "label",
    ["x" * 1_000_000, "\\<&>]" * 200_000, "א" * 100_000, "line <&>\n" * 20_000],
    ids=["letters", "brackets", "Hebrew", "lines"],
)
def test_a_label_of_a_megabyte_comes_out_whole(dot, label):
    *text, _, _ = parts_of(draw_with(dot, sketch(Value(1.0, label)).graph.source))["v0"].texts
    assert "\n".join(text) == label.rstrip("\n")


def test_no_label_is_needed():
    assert cells(["", "data 1"]) == (
        '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4"><TR><TD>data 1</TD></TR></TABLE>>'
    )


def test_a_title_is_bold():
    assert lines("a<b", ["two"]) == "<<B>a&lt;b</B><BR/>two>"


def test_pieces_are_short_enough_for_dot():
    assert [len(piece) for piece in escaped("x" * 5000).split("\n")] == [2000, 2000, 1000]


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (2.0, "2"), (-0.0, "-0"), (0.6347395899824584, "0.63474"), (1e-10, "1e-10"), (123456.0, "1.2346e+05"),
        (math.inf, "inf"), (math.nan, "nan"),
    ],
)  # fmt: skip
def test_numbers_are_shown_with_five_digits(x, text):
    assert shown(x) == text


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([1.0], "1"), ([0.7, -0.5], "-0.5 … 0.7"), ([1.0, 1.0 + 1e-9], "1"), ([math.nan], "nan"),
        ([math.nan, 2.0, 1.0], "1 … 2, nan"), ([-math.inf, 0.0], "-inf … 0"),
    ],
)  # fmt: skip
def test_several_numbers_are_shown_as_their_range(numbers, text):
    assert span(numbers) == text
