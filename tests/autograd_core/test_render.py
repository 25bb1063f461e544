"""Rendering: by the user's dot, the system's or pip's; with none, a message; never a change to anyone's settings."""

import os
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import graphviz
import pytest
from graphviz.backend import dot_command
from messages import message_of
from pictures import PURE, SYSTEM, parts_of

from autograd_core import ArgumentError, MissingExtraError, Value, tanh
from autograd_core import render as room
from autograd_core.draw import draw, save
from autograd_core.errors import RenderError
from autograd_core.render import find_dot, render

SOURCE = 'digraph { a [id=a label="∂ é"]; b [id=b]; a -> b [id=ab] }'
NO_DOT = (
    "a picture needs Graphviz's dot, which is not on the PATH: install Graphviz from graphviz.org or with the system's "
    "package manager, or pip install 'autograd-core[dot]'"
)
needs_system = pytest.mark.skipif(SYSTEM is None, reason="needs Graphviz: apt-get install graphviz")


@pytest.fixture
def no_system_dot(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def no_dot(monkeypatch, tmp_path, no_system_dot):
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))


def graph():
    return tanh(Value(2.0, "a") * Value(-0.5, "b"))


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


# ---------------------------------------------------------------- formats


@pytest.mark.parametrize(
    ("kind", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG\r\n"), ("pdf", b"%PDF-"), ("dot", b"digraph")]
)
def test_each_format_is_what_it_says(kind, start):
    assert render(SOURCE, kind).startswith(start)


def test_dot_is_the_text_itself():
    assert render(SOURCE, "dot") == SOURCE.encode()


def test_another_format_is_refused():
    message = "there is no format 'jpeg': choose svg, png, pdf or dot"
    assert message_of(ArgumentError, lambda: render(SOURCE, "jpeg")) == message


def test_text_comes_through():
    parts = parts_of(render(SOURCE, "svg").decode())
    assert (parts["a"].texts, parts["b"].texts, parts["ab"].title) == (("∂ é",), ("b",), "a->b")


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_the_same_graph_gives_the_same_bytes(kind):
    assert render(SOURCE, kind) == render(SOURCE, kind)


def test_a_pdf_by_typst_has_no_date(no_system_dot):
    pdf = render(SOURCE, "pdf")
    assert b"/CreationDate" not in pdf
    assert b"/ModDate" not in pdf
    assert render(SOURCE, "pdf") == pdf


def test_what_typst_says_of_an_error_is_passed_on(no_system_dot, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("too wide")

    monkeypatch.setattr("typst.compile", fail)
    assert message_of(RenderError, lambda: render(SOURCE, "pdf")) == (
        "typst could not make a PDF (too wide): save an SVG instead"
    )


@needs_system
def test_a_pdf_of_the_system_has_no_date_of_today():
    assert b"/CreationDate (D:19700101000000Z)" in render(SOURCE, "pdf")
    assert b"/CreationDate (D:19700101000000Z)" in draw(graph()).pipe("pdf")


# ---------------------------------------------------------------- which dot


@needs_system
def test_the_system_comes_first():
    assert find_dot() == SYSTEM


def test_pip_comes_second(no_system_dot):
    assert find_dot() == PURE


def test_a_dot_on_the_path_is_found(monkeypatch, tmp_path):
    dot = program(tmp_path / "dot", "echo from the path")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert render(SOURCE, "svg") == b"from the path\n"
    assert find_dot() == str(dot)


def test_a_pure_dot_on_the_path_is_found_too(monkeypatch, tmp_path, no_dot):
    pure = program(tmp_path / "graphviz-pure", "echo pure")
    assert find_dot() == str(pure)


@pytest.mark.parametrize("scheme", [(), (f"{os.name}_user",)])
def test_pip_s_dot_is_found_where_pip_puts_programs(monkeypatch, tmp_path, no_dot, scheme):
    """The kernel of a virtual environment that nobody has stepped into has none of its programs on the PATH."""
    (tmp_path / "bin").mkdir()
    pure = program(tmp_path / "bin" / "graphviz-pure", "echo pure")
    folders = {("scripts", *scheme): str(tmp_path / "bin")}
    monkeypatch.setattr(sysconfig, "get_path", lambda *which: folders.get(which, str(tmp_path)))
    assert find_dot() == str(pure)


def test_pip_s_dot_is_found_beside_python(monkeypatch, tmp_path, no_dot):
    (tmp_path / "bin").mkdir()
    pure = program(tmp_path / "bin" / "graphviz-pure", "echo pure")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    assert find_dot() == str(pure)


def test_without_any_dot_the_message_names_both_mends(no_dot):
    for kind in ("svg", "png", "pdf"):
        assert message_of(MissingExtraError, lambda kind=kind: render(SOURCE, kind)) == NO_DOT
    assert message_of(MissingExtraError, lambda: draw(graph()).pipe()) == NO_DOT


def test_without_any_dot_there_is_still_dot_text(no_dot, tmp_path):
    assert draw(graph()).source.startswith("digraph values {")
    save(graph(), tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == draw(graph()).source
    y = graph()
    assert y._repr_mimebundle_() == {"text/plain": repr(y)}


def test_a_file_stays_as_it_was_if_the_picture_fails(no_dot, tmp_path):
    path = tmp_path / "graph.png"
    path.write_bytes(b"old")
    assert message_of(MissingExtraError, lambda: save(graph(), path)) == NO_DOT
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["graph.png"]


def test_a_dot_that_the_user_has_chosen_is_used_and_stays_chosen(monkeypatch, tmp_path):
    chosen = program(tmp_path / "my dot", 'echo "$@"')
    monkeypatch.setattr(dot_command, "DOT_BINARY", chosen)
    assert render(SOURCE, "svg") == b"-Tsvg\n"
    assert draw(graph()).pipe("png") == b"-Kdot -Tpng\n"
    assert draw(graph())._repr_mimebundle_() == {"image/svg+xml": "-Tsvg\n", "image/png": b"-Tpng\n"}
    assert chosen is dot_command.DOT_BINARY


def test_a_chosen_dot_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(dot_command, "DOT_BINARY", tmp_path / "gone")
    path = tmp_path / "gone"
    assert message_of(RenderError, lambda: render(SOURCE, "svg")) == (
        f"{path} cannot be run ([Errno 2] No such file or directory: {str(path)!r}): install Graphviz anew, or name another dot"
    )


def test_the_settings_of_the_graphviz_package_stay_as_they_are(no_system_dot):
    before = dot_command.DOT_BINARY
    draw(graph()).pipe()
    render(SOURCE, "png")
    assert dot_command.DOT_BINARY is before
    with pytest.raises(graphviz.ExecutableNotFound):  # another Digraph looks for dot where it always has
        graphviz.Digraph().pipe()


# ---------------------------------------------------------------- errors


def test_what_dot_says_of_an_error_is_passed_on(monkeypatch, tmp_path):
    dot = program(tmp_path / "dot", "echo 'Error: it is' >&2; echo \"'lost'\" >&2; exit 3")
    monkeypatch.setattr(dot_command, "DOT_BINARY", dot)
    assert message_of(RenderError, lambda: render(SOURCE, "svg")) == (
        f"{dot} ended with 3 and said \"Error: it is 'lost'\": draw less, or use another dot"
    )


def test_text_that_is_no_dot_is_an_error():
    with pytest.raises(RenderError) as fault:
        render("digraph { a -> ", "svg")
    assert "syntax error" in str(fault.value)


def test_warnings_are_not_shown(no_system_dot, capfd):
    y = Value(2.0, "∂ é") * 3.0
    draw(y)._repr_mimebundle_()
    draw(y).pipe()
    y._repr_mimebundle_()
    assert capfd.readouterr().err == ""
    subprocess.run([PURE, "-Tsvg"], input=SOURCE.encode(), stdout=subprocess.DEVNULL, check=True)
    assert "Warning" in capfd.readouterr().err  # there was something to be quiet about


# ---------------------------------------------------------------- the Digraph that draw returns


@pytest.mark.parametrize("machine", ["as it is", "without a system dot"])
def test_a_drawing_renders_itself_wherever_it_is(machine, tmp_path, monkeypatch):
    if machine == "without a system dot":
        monkeypatch.setenv("PATH", str(tmp_path))
    drawing = draw(graph(), format="png")
    assert isinstance(drawing, graphviz.Digraph)
    assert drawing.pipe().startswith(b"\x89PNG")
    assert drawing.pipe("pdf").startswith(b"%PDF")
    assert drawing.pipe(format="svg", encoding="utf-8").startswith("<?xml")
    assert drawing.pipe(format="svg", encoding="latin-1").encode("latin-1") == drawing.pipe(format="svg")
    path = drawing.render("graph", directory=tmp_path, cleanup=True)
    assert path == str(tmp_path / "graph.png")
    assert [p.name for p in tmp_path.iterdir()] == ["graph.png"]
    drawing.render(outfile=tmp_path / "other.svg")
    assert (tmp_path / "other.svg").read_bytes() == drawing.pipe("svg")
    with pytest.raises(graphviz.FileExistsError):
        drawing.render(outfile=tmp_path / "other.svg", raise_if_result_exists=True)


def test_a_drawing_shows_both_kinds_of_picture():
    bundle = draw(graph())._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "image/png"}
    assert set(draw(graph())._repr_mimebundle_(include=["image/png"])) == {"image/png"}
    assert set(draw(graph())._repr_mimebundle_(exclude=["image/png"])) == {"image/svg+xml"}


def test_without_typst_a_pdf_says_what_to_install(no_system_dot, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    assert message_of(MissingExtraError, lambda: render(SOURCE, "pdf")) == (
        "a PDF without the system's dot needs typst, which could not be imported (import of typst halted; None in "
        "sys.modules): pip install 'autograd-core[pdf]'"
    )


def test_other_formats_of_the_engine_work_too(no_system_dot):
    assert b'"name"' in draw(graph()).pipe("json")
    assert room.FORMATS == ("svg", "png", "pdf", "dot")
