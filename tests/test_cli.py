"""The command line: what it understands, and how it ends when something is missing."""

import dataclasses
import importlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_core
import nn.demo
from autograd_core import ArgumentError, Value, tanh, topological_order
from autograd_core.cli import main

ROOT = Path(autograd_core.__file__).parents[1]


def ended_by_argparse(capsys, *words):
    """Return the exit status, standard output and standard error of a command line that argparse answers."""
    with pytest.raises(SystemExit) as end:
        main(words)
    return end.value.code, *capsys.readouterr()


@pytest.fixture
def demo(monkeypatch):
    """Put a stand-in for the demo in place, and return what it is called with."""
    calls = []
    monkeypatch.setattr(nn.demo, "run", lambda out, *, fast: calls.append((out, fast)))
    return calls


def fail_with(monkeypatch, error):
    def run(out, *, fast):
        raise error

    monkeypatch.setattr(nn.demo, "run", run)


# ---------------------------------------------------------------- words


def test_version_is_that_of_the_project(capsys):
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert ended_by_argparse(capsys, "--version") == (0, f"autograd-core {project['version']}\n", "")


def test_help_names_the_commands(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    status, out, err = ended_by_argparse(capsys, "--help")
    assert (status, err) == (0, "")
    assert out.startswith("usage: autograd-core [-h] [--version] COMMAND ...\n")
    assert "Scalar reverse-mode autodiff, with neural nets on top." in out
    assert "classify handwritten digits, scalar by scalar" in out
    assert "draw the graph of an expression" in out
    assert "go through an expression step by step" in out
    assert "write the chain rule of one derivative out" in out


def test_help_of_the_demo_names_its_options(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    status, out, err = ended_by_argparse(capsys, "demo", "--help")
    assert (status, err) == (0, "")
    assert out.startswith("usage: autograd-core demo [-h] [--fast] [--out FOLDER]\n")
    assert "where loss.png goes (default: demo_out)" in out


def test_no_command_is_an_error(capsys):
    status, out, err = ended_by_argparse(capsys)
    assert (status, out) == (2, "")
    assert err.splitlines()[-1] == "autograd-core: error: the following arguments are required: COMMAND"


def test_an_unknown_command_is_an_error(capsys):
    status, out, err = ended_by_argparse(capsys, "dance")
    assert (status, out) == (2, "")
    assert err.splitlines()[-1].startswith(
        "autograd-core: error: argument COMMAND: invalid choice: 'dance' (choose from"
    )


def test_an_unknown_option_is_an_error(capsys):
    status, out, err = ended_by_argparse(capsys, "demo", "--faster")
    assert (status, out) == (2, "")
    assert err.splitlines()[-1] == "autograd-core: error: unrecognized arguments: --faster"


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (["demo"], (Path("demo_out"), False)),
        (["demo", "--fast"], (Path("demo_out"), True)),
        (["demo", "--out", "some where"], (Path("some where"), False)),
    ],
)
def test_the_demo_is_run_as_told(demo, capsys, words, call):
    assert main(words) == 0
    assert demo == [call]
    assert capsys.readouterr() == ("", "")


# ---------------------------------------------------------------- ends


def test_an_error_of_the_project_is_explained_in_one_line(monkeypatch, capsys):
    fail_with(monkeypatch, ArgumentError("the sky is green: look again"))
    assert main(["demo"]) == 1
    assert capsys.readouterr() == ("", "autograd-core: the sky is green: look again\n")


def test_ctrl_c_outside_of_training_ends_with_130(monkeypatch, capsys):
    fail_with(monkeypatch, KeyboardInterrupt())
    assert main(["demo"]) == 130
    assert capsys.readouterr() == ("", "autograd-core: stopped by Ctrl-C\n")


def test_a_fault_of_the_program_itself_is_not_hidden(monkeypatch):
    fail_with(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main(["demo"])


def test_further_lines_of_an_error_start_below_the_first(monkeypatch, capsys):
    fail_with(monkeypatch, ArgumentError("a + b\n    ^\nmend b"))
    assert main(["demo"]) == 1
    assert capsys.readouterr() == (
        "",
        ("autograd-core: a + b\n"
        "                   ^\n"
        "               mend b\n"),
    )  # fmt: skip


def test_a_file_that_cannot_be_written_is_named(monkeypatch, capsys):
    fail_with(monkeypatch, PermissionError(13, "Permission denied", "loss.png"))
    assert main(["demo"]) == 1
    assert capsys.readouterr() == ("", "autograd-core: loss.png: Permission denied\n")


# ---------------------------------------------------------------- expressions

EXPRESSION, AT = "tanh(a*b + c)", ["--at", "a=2,b=-0.5", "--at", "c=0.3"]


@pytest.fixture
def drawing(monkeypatch):
    """Put a stand-in for drawing in place, and return what it is called with."""
    calls = []

    def draw(y, **looks):
        calls.append((y, looks))
        return SimpleNamespace(source="digraph {\n}\n")

    room = importlib.import_module("autograd_core.draw")  # the package may have a function of the same name
    monkeypatch.setattr(room, "draw", draw)
    monkeypatch.setattr(room, "save", lambda y, path, **looks: calls.append((y, path, looks)))
    return calls


def test_a_drawing_shows_the_gradients_and_calls_the_result_y(drawing, capsys):
    assert main(["draw", EXPRESSION, *AT]) == 0
    ((y, looks),) = drawing
    assert looks == {}
    assert [(v.label, v.data) for v in topological_order(y)] == [
        ("a", 2.0), ("b", -0.5), ("", -1.0), ("c", 0.3), ("", -0.7), ("y", tanh(-0.7)),
    ]  # fmt: skip
    slope = 1.0 - tanh(-0.7) ** 2
    assert [v.grad for v in topological_order(y) if v.label] == [-0.5 * slope, 2.0 * slope, slope, 1.0]
    assert capsys.readouterr() == ("digraph {\n}\n", "")


@pytest.mark.parametrize(
    ("expression", "at", "label"),
    [
        ("d = a*b; d", "a=1,b=2", "d"),
        ("a", "a=1", "a"),
        ("y*2", "y=1", ""),
        ("y = a*2; y + a", "a=1", ""),
        ("2*3", "", "y"),
    ],
)
def test_the_result_keeps_its_name_and_takes_no_one_else_s(drawing, expression, at, label):
    assert main(["draw", expression, *(["--at", at] if at else [])]) == 0
    assert drawing[0][0].label == label


def test_a_drawing_is_saved_with_the_looks_that_are_asked_for(drawing, capsys):
    looks = ["--depth", "1", "--expand", "--color-by", "grad", "--partials", "--backward", "--rankdir", "TB"]
    assert main(["draw", EXPRESSION, *AT, "-o", "some where.png", *looks, "--max-nodes", "9"]) == 0
    ((_, path, given),) = drawing
    assert path == Path("some where.png")
    assert given == {
        "depth": 1, "expand": True, "color_by": "grad", "partials": True, "backward": True, "rankdir": "TB", "max_nodes": 9,
    }  # fmt: skip
    assert capsys.readouterr() == ("wrote some where.png\n", "")


def test_a_drawing_is_a_file_with_every_name_number_and_gradient(tmp_path, capsys):
    path = tmp_path / "g.svg"
    assert main(["draw", EXPRESSION, *AT, "-o", str(path)]) == 0
    assert capsys.readouterr() == (f"wrote {path}\n", "")
    picture = ElementTree.parse(path)
    shown = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a", "b", "c", "y", "data 2", "data -0.60437", "grad -0.31737", "grad 1.2695", "grad 0.63474"} <= set(shown)


def test_the_dot_text_of_a_drawing_can_be_read_by_dot(tmp_path, capsys):
    path = tmp_path / "g.dot"
    words = ["draw", EXPRESSION, *AT, "--partials"]
    assert main([*words, "-o", str(path)]) == 0
    capsys.readouterr()
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.strip() == path.read_text(encoding="utf-8").strip()
    assert printed.startswith("digraph ")
    assert "∂ 0.63474" in printed


def test_a_picture_of_another_kind_is_refused(tmp_path, capsys):
    assert main(["draw", EXPRESSION, *AT, "-o", str(tmp_path / "g.gif")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("autograd-core: ")
    assert ".svg, .png, .pdf or .dot" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("words", [["draw"], ["step"], ["derive", "--wrt", "a"]])
def test_a_slip_in_an_expression_is_pointed_at(words, capsys):
    assert main([*words, "tanh(a*b + arctan(c))", *AT]) == 1
    assert capsys.readouterr() == (
        "",
        (
            "autograd-core: tanh(a*b + arctan(c))\n"
            "                          ^^^^^^\n"
            "               'arctan' is no op of the table: did you mean 'atan' or 'atan2'?\n"
        ),
    )


def test_a_slip_in_a_point_is_named(capsys):
    assert main(["draw", "a", "--at", "a=two"]) == 1
    assert capsys.readouterr() == ("", "autograd-core: 'two' in 'a=two' is no number: write one such as -0.5 or 1e-3\n")


def test_a_name_without_a_number_is_asked_for(capsys):
    assert main(["draw", "a*b", "--at", "a=2"]) == 1
    assert capsys.readouterr().err == (
        "autograd-core: a*b\n"
        "                 ^\n"
        "               b has no number: give --at b=...\n"
    )  # fmt: skip


@pytest.mark.parametrize(("words", "name"), [(["draw"], "g.svg"), (["draw"], "g.dot"), (["step"], "s.html")])
def test_a_place_where_nothing_can_be_written_is_named(tmp_path, capsys, words, name):
    for path, why in ((tmp_path / "nowhere" / name, "No such file or directory"), (tmp_path / name, "Is a directory")):
        if why == "Is a directory":
            path.mkdir()
        assert main([*words, EXPRESSION, *AT, "-o", str(path)]) == 1
        assert capsys.readouterr() == (
            "",
            f"autograd-core: {path} cannot be written ({why}): choose another place with -o\n",
        )
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_steps_are_printed_as_a_table(capsys):
    assert main(["step", EXPRESSION, *AT]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    steps = [line.split() for line in out.splitlines()[2:]]
    assert [step[1] for step in steps] == ["forward"] * 6 + ["backward"] * 5
    assert [step[-1] for step in steps[6:]] == ["0.63474", "0.63474", "0.63474", "-0.31737", "1.2695"]


def test_the_steps_are_written_as_a_page(tmp_path, capsys):
    path = tmp_path / "steps.html"
    assert main(["step", EXPRESSION, *AT, "-o", str(path)]) == 0
    assert capsys.readouterr() == (f"wrote {path}\n", "")
    assert path.read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_steps_are_written_as_nothing_but_a_page(tmp_path, capsys):
    assert main(["step", EXPRESSION, *AT, "-o", "steps.svg"]) == 1
    assert capsys.readouterr() == (
        "",
        "autograd-core: steps.svg is written as a page: give it a name that ends in .html\n",
    )


@pytest.mark.parametrize(
    ("words", "form", "number"),
    [
        ([], "text", "= -0.3173697949912292"),
        (["--format", "latex"], "latex", "-0.31737"),
        (["--format", "mathml"], "mathml", '<mo form="prefix">−</mo><mn>0.31737</mn>'),
    ],
)
def test_a_derivative_is_written_out(capsys, words, form, number):
    assert main(["derive", EXPRESSION, *AT, "--wrt", "a", *words]) == 0
    a, b, c = Value(2.0, label="a"), Value(-0.5, label="b"), Value(0.3, label="c")
    y = tanh(a * b + c)
    y.label = "y"
    derivation = importlib.import_module("autograd_core.derive").derive(y, wrt=a)
    assert capsys.readouterr() == (getattr(derivation, form) + "\n", "")
    assert number in getattr(derivation, form)


def test_a_derivative_by_a_name_that_is_not_there_is_refused(capsys):
    assert main(["derive", "d = a*b; d + 1", "--at", "a=1,b=2", "--wrt", "z"]) == 1
    assert main(["derive", "2*3", "--wrt", "z"]) == 1
    assert capsys.readouterr() == (
        "",
        (
            "autograd-core: nothing is called 'z' in it: --wrt takes one of a, b, d, y\n"
            "autograd-core: nothing is called 'z' in it: --wrt takes one of y\n"
        ),
    )


def test_an_expression_may_start_with_a_minus_sign(drawing):
    assert main(["draw", "--at", "a=2,b=3", "--", "-a*b"]) == 0
    assert main(["draw", "-a * b", "--at", "a=2,b=3"]) == 0
    assert [y.data for y, _ in drawing] == [-6.0, -6.0]


# ---------------------------------------------------------------- as a program

BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(f"No module named {{name.partition('.')[0]!r}}")

sys.meta_path.insert(0, Blocker())
"""


def run(folder, *words, blocked=()):
    """Run the program in a Python that cannot import some modules."""
    (folder / "sitecustomize.py").write_text(BLOCKER.format(blocked=list(blocked)), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    return subprocess.run(
        [sys.executable, "-m", "autograd_core", *words],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("package", ["sklearn", "matplotlib", "tqdm"])
def test_a_missing_extra_ends_the_program_with_one_line_that_says_how_to_install_it(tmp_path, package):
    program = run(tmp_path, "demo", blocked=[package])
    assert (program.returncode, program.stderr) == (
        1,
        (
            f"autograd-core: the demo needs {package}, which could not be imported (No module named '{package}'): "
            "pip install 'autograd-core[demo]'\n"
        ),
    )
    assert not (tmp_path / "demo_out").exists()


def test_a_folder_that_cannot_be_made_is_refused_before_any_training(tmp_path):
    (tmp_path / "taken").write_text("a file")
    program = run(tmp_path, "demo", "--out", "taken")
    assert (program.returncode, program.stdout, program.stderr) == (
        1,
        "",
        "autograd-core: no folder can be made at taken (File exists): choose another with --out\n",
    )


def test_the_program_answers_before_anything_heavy_is_imported(tmp_path):
    program = run(tmp_path, "--version", blocked=["sklearn", "matplotlib", "tqdm", "numpy", "graphviz", "nn"])
    assert (program.returncode, program.stdout) == (0, f"autograd-core {autograd_core.__version__}\n")


def test_the_status_of_the_command_is_that_of_the_program(tmp_path):
    assert run(tmp_path).returncode == 2


# ---------------------------------------------------------------- what the output leads to

BUFFERED = {name: setting for name, setting in os.environ.items() if name != "PYTHONUNBUFFERED"}


def test_a_reader_who_stops_early_is_no_error(tmp_path):
    read, write = os.pipe()
    os.close(read)
    program = subprocess.run(
        [sys.executable, "-m", "autograd_core", "step", EXPRESSION, *AT],
        cwd=ROOT, env=BUFFERED, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(write)
    assert (program.returncode, program.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_error_without_a_traceback(tmp_path):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        program = subprocess.run(
            [sys.executable, "-m", "autograd_core", "step", EXPRESSION, *AT],
            cwd=ROOT, env=BUFFERED, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (program.returncode, program.stderr) == (1, "autograd-core: standard output: No space left on device\n")


def test_what_the_terminal_cannot_show_is_printed_as_escapes(tmp_path):
    program = subprocess.run(
        [sys.executable, "-m", "autograd_core", "step", EXPRESSION, *AT],
        cwd=ROOT, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (program.returncode, program.stderr) == (0, "")
    assert r"\u2202y/\u2202v4" in program.stdout


def test_a_text_table_needs_no_numpy_and_no_graphviz(tmp_path):
    program = run(tmp_path, "step", EXPRESSION, *AT, blocked=["numpy", "graphviz", "nn", "matplotlib", "sklearn"])
    assert (program.returncode, program.stderr) == (0, "")
    assert "forward" in program.stdout


# ---------------------------------------------------------------- lectures


def test_one_item_of_a_lecture_is_compared(capsys):
    assert main(["lectures", "--id", "levine.act.sigmoid"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[0] == "levine.act.sigmoid"
    assert out.splitlines()[-1] == "4 lines, all agree"


def test_a_whole_lecture_is_written_as_a_page_and_as_json(tmp_path, capsys):
    page, numbers = tmp_path / "report.html", tmp_path / "report.json"
    assert main(["lectures", "levine", "--html", str(page), "--json", str(numbers)]) == 0
    assert capsys.readouterr() == (f"wrote {page}\nwrote {numbers}\n", "")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    found = json.loads(numbers.read_text(encoding="utf-8"))
    assert found["agrees"] is True
    assert {line["id"].split(".")[0] for line in found["lines"]} == {"levine"}


def test_errata_are_listed(capsys):
    assert main(["lectures", "levine", "--errata"]) == 0
    out = capsys.readouterr().out
    assert "E-LEV-1" in out
    assert "NOT SHOWN" not in out


def test_a_formula_that_disagrees_ends_in_status_1(capsys, monkeypatch):
    import nn.lectures.levine  # noqa: F401 - its items are declared by importing it
    from nn.lectures.item import ITEMS, Comparison

    wrong = dataclasses.replace(
        ITEMS["levine.act.sigmoid"], evidence=lambda: [Comparison("σ", np.array(0.5), np.array(0.25))]
    )
    monkeypatch.setitem(ITEMS, "levine.act.sigmoid", wrong)
    assert main(["lectures", "--id", "levine.act.sigmoid"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 line, 1 of which differ"


def test_an_unknown_lecture_is_an_error_that_names_those_there_are(capsys):
    assert main(["lectures", "malek"]) == 1
    assert capsys.readouterr() == (
        "",
        "autograd-core: there is no lecture 'malek': did you mean 'malik'? choose one of levine, ai50021, malik, lai, mit6036, conventions\n",
    )
