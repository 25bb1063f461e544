"""The command line: ``autograd-core demo``, tables that are learnt from, expressions that are looked into, and lectures."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from autograd_core import __version__
from autograd_core.cli.expressions import add_derive, add_draw, add_step
from autograd_core.cli.tables import add_predict, add_train
from autograd_core.cli.terminal import Commands, say
from autograd_core.errors import AutogradError
from autograd_core.files import write_whole

__all__ = ["main"]

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended, by the shells' convention."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 if all went well, 1 after an error that is explained.

    Parameters
    ----------
    argv : the words after the program's name; by default those of the command line.
    """
    _have_streams()
    options = _parser().parse_args(argv)
    try:
        status = options.run(options)
        sys.stdout.flush()
    except AutogradError as fault:
        _complain(str(fault))
    except KeyboardInterrupt:
        _complain("stopped by Ctrl-C")
        return INTERRUPTED
    except OSError as fault:
        if fault.filename is None:  # standard output takes no more, and Python would try once again when it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(fault, BrokenPipeError):  # whoever reads may stop when it has enough, as head does
            _complain(f"{fault.filename or 'standard output'}: {fault.strerror}")
    else:
        return status
    return 1


def _have_streams() -> None:
    """Let a program that was started without standard output, or without standard error, print all the same."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - stays open as long as the program runs


def _complain(message: str) -> None:
    """Print why a command ended; further lines start below the first, so that carets stand where they belong."""
    name = "autograd-core: "
    print(name + message.replace("\n", "\n" + " " * len(name)), file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autograd-core", description="Scalar reverse-mode autodiff, with neural nets on top."
    )
    parser.add_argument("--version", action="version", version=f"autograd-core {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_demo(commands)
    add_train(commands)
    add_predict(commands)
    add_draw(commands)
    add_step(commands)
    add_derive(commands)
    _add_lectures(commands)
    return parser


# ---------------------------------------------------------------- demo


def _add_demo(commands: Commands) -> None:
    demo = commands.add_parser(
        "demo",
        help="classify handwritten digits, scalar by scalar",
        description="Train a 64-128-64-10 network of scalar nodes on scikit-learn's digits, lifted to a program over "
        "arrays; compare it with the graph it comes from, and 30 of its gradients with central differences; print its "
        "accuracy on held-out scans, and draw the loss.",
    )
    demo.add_argument("--fast", action="store_true", help="stop after a few epochs")
    demo.add_argument(
        "--out", type=Path, default=Path("demo_out"), metavar="FOLDER", help="where loss.png goes (default: demo_out)"
    )
    demo.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    from nn.demo import run

    run(options.out, fast=options.fast)
    return 0


# ---------------------------------------------------------------- lectures


def _add_lectures(commands: Commands) -> None:
    command = commands.add_parser(
        "lectures",
        help="compare autograd with five lectures, formula by formula",
        description="Compute what each formula of a lecture says from a graph, from the formula and by a difference "
        "quotient. The exit status is 1 if any two differ.",
    )
    command.add_argument("lecture", nargs="?", metavar="LECTURE", help="one of them alone, such as malik")
    command.add_argument("--id", help="one item alone, such as lai.ffnn.forward2")
    command.add_argument("--errata", action="store_true", help="show what is printed and not meant")
    command.add_argument("--html", type=Path, metavar="FILE", help="write the report as a page")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    command.set_defaults(run=_lectures)


def _lectures(options: argparse.Namespace) -> int:
    from nn import lectures

    report = lectures.errata(options.lecture) if options.errata else lectures.compare(options.lecture, id=options.id)
    if options.html is not None:
        report.to_html(options.html)
    if options.json is not None:
        write_whole(options.json, report.to_json().encode())
    written = [path for path in (options.html, options.json) if path is not None]
    say("\n".join([f"wrote {path}" for path in written]) if written else str(report))
    return 0 if report.agrees else 1
