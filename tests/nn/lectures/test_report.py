"""A report: a table in text, HTML, JSON and pandas, which turns red where numbers differ."""

import json

import numpy as np
import pandas as pd

from nn.lectures import Comparison, Finding, Line, Miss, Remark, Report

GOOD = Comparison("∂L/∂W1", np.array([[1.0, -2.0]]), np.array([[1.0, -2.0]]), np.array([[1.0, -2.0 + 1e-9]]))
OFF = Comparison("∂L/∂b1", np.array([0.5, 0.25]), np.array([0.5, 0.25 + 2.0**-20]))
TURNED = Comparison("∂L/∂W2", np.ones((2, 3)), np.ones((3, 2)))
UNSURE = Comparison("∂L/∂x", np.array(3.0), np.array(3.0), np.array(3.1))


def report(*evidence):
    return Report("a title", tuple([Line("some.id", e, r"\frac{1}{2}", "It is so.") for e in evidence]), ("a note",))


def test_equal_numbers_agree():
    assert report(GOOD).agrees
    assert GOOD.difference == 0.0
    assert GOOD.off_central < 2e-9


def test_numbers_of_another_value_shape_or_slope_differ():
    assert [line.evidence for line in report(GOOD, OFF, TURNED, UNSURE).differing] == [OFF, TURNED, UNSURE]
    assert not report(OFF).agrees


def test_a_difference_is_counted_in_ulps_of_the_largest_number():
    one = Comparison("x", np.array([1.0, 0.1]), np.array([1.0 + np.spacing(1.0), 0.1]))
    assert one.ulps == 1.0
    assert one.agrees


def test_nan_never_agrees():
    nan = np.array([np.nan])
    assert not Comparison("x", nan, nan).agrees
    assert not Comparison("x", np.array([1.0]), np.array([1.0]), nan).agrees


def test_printed_it_shows_the_worst_entry_of_each_quantity():
    assert str(report(GOOD, OFF, Finding("swapping two units", "0.25 both times", holds=True))).splitlines() == [
        "a title",
        "",
        "item     quantity         autograd      lecture's formula  central difference  largest difference  ulps",
        "some.id  ∂L/∂W1 at [1,2]  -2            -2                 -1.999999999        0.0e+00             0.0           agrees",
        "some.id  ∂L/∂b1 at [2]    0.2500009537  0.25                                   9.5e-07             8589934592.0  DIFFERS",
        "some.id  swapping two units: 0.25 both times  agrees",
        "",
        "a note",
        "3 lines, 1 of which differ",
    ]


def test_a_page_has_the_formula_typeset_and_escapes_what_it_is_given(tmp_path):
    hostile = Finding("<script>alert(1)</script>", "x", holds=False)
    path = tmp_path / "report.html"
    report(GOOD, hostile).to_html(path)
    page = path.read_text(encoding="utf-8")
    assert "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>" in page
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count('class="differs"') == 1
    assert "http" not in page.replace("http://www.w3.org/1998/Math/MathML", "")


def test_json_holds_the_numbers_in_full():
    whole = json.loads(
        report(GOOD, Remark("a letter"), Miss("q", np.array(1.0), np.array(2.0), np.array(2.0))).to_json()
    )
    assert (whole["title"], whole["agrees"], whole["notes"]) == ("a title", True, ["a note"])
    assert whole["lines"] == [
        {
            "id": "some.id", "agrees": True, "quantity": "∂L/∂W1", "autograd": [[1.0, -2.0]], "formula": [[1.0, -2.0]],
            "central": [[1.0, -1.999999999]], "difference": 0.0, "ulps": 0.0,
        },
        {"id": "some.id", "agrees": True, "quantity": "a letter"},
        {"id": "some.id", "agrees": True, "quantity": "q", "printed": 1.0, "right": 2.0, "truth": 2.0},
    ]  # fmt: skip


def test_a_frame_has_a_row_for_each_line():
    frame = report(GOOD, OFF).to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame["agrees"].tolist() == [True, False]
    assert frame["quantity"].tolist() == ["∂L/∂W1", "∂L/∂b1"]


def test_a_miss_is_shown_only_if_the_print_misses_and_the_correction_holds():
    truth = np.array([1.0, 2.0])
    assert Miss("q", np.array([1.0, 2.1]), truth, truth).shown
    assert Miss("q", np.array([[1.0]]), truth, truth).shown  # another shape
    assert not Miss("q", truth, truth, truth).shown
    assert not Miss("q", np.array([1.0, 2.1]), truth + 1e-6, truth).shown
