"""The command line: what it understands, and how it ends when something is missing."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import autograd_core
import nn.demo
from autograd_core import ArgumentError
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
