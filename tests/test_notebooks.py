"""The notebooks run from top to bottom, say again what they say in the repository, and show a picture to everyone."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
WORDS = ("text/plain", "text/latex")

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


# A row of a report shows the numbers that are furthest apart; which those are is rounding, which is the machine's own.
FURTHEST = re.compile(r"(?: at \[[\d,]+\])?(?: +-?[\d.]+(?:e[-+]\d+)?){3,} +(agrees|differs)")


def but_for_rounding(text):
    """Return a text without the numbers in the rows of a report, what is tiny, and the widths of columns."""
    text = re.sub(r"\d(?:\.\d+)?e-1\d", "~0", FURTHEST.sub(r" \1", text))
    return re.sub(r"([ -])\1+", r"\1", text)


def said(notebook):
    """Return what each code cell printed, in one piece, and what it returned, as far as it is text."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        (
            but_for_rounding("".join([output["text"] for output in cell.outputs if output.output_type == "stream"])),
            [{kind: output.data.get(kind) for kind in WORDS} for output in cell.outputs if "data" in output],
        )
        for cell in cells
    ]


def test_they_are_all_here():
    assert [path.stem for path in NOTEBOOKS] == [
        "01_first_steps", "02_step_through", "03_levine", "04_ai50021", "05_malik", "06_lai", "07_mit6036",
        "08_disagreements", "09_training", "10_lift",
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")  # of the Jupyter packages among themselves
@each
def test_run_again_it_says_the_same(path, tmp_path):
    stored = nbformat.read(path, as_version=4)
    again = nbformat.read(path, as_version=4)
    NotebookClient(again, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert said(again) == said(stored)


@each
def test_every_drawing_has_a_picture_for_viewers_that_run_no_script(path):
    drawings = [
        output.data
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "execute_result" and {"text/html", "image/svg+xml"} & set(output.data)
        if 'class="dataframe"' not in output.data.get("text/html", "")  # a table is text already
    ]
    assert len(drawings) >= (0 if path.stem == "08_disagreements" else 1)
    assert all(["image/png" in data for data in drawings])


@each
def test_it_is_stored_executed_in_order_and_without_errors(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]


@each
def test_links_lead_somewhere(path):
    text = "".join([cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"])
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (FOLDER / link).exists()
