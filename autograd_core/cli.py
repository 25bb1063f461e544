"""The command line: ``autograd-core demo``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from autograd_core import __version__
from autograd_core.errors import AutogradError

__all__ = ["main"]

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended, by the shells' convention."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 if all went well, 1 after an error that is explained.

    Parameters
    ----------
    argv : the words after the program's name; by default those of the command line.
    """
    options = _parser().parse_args(argv)
    try:
        return options.run(options)
    except AutogradError as fault:
        print(f"autograd-core: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("autograd-core: stopped by Ctrl-C", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autograd-core", description="Scalar reverse-mode autodiff, with neural nets on top."
    )
    parser.add_argument("--version", action="version", version=f"autograd-core {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    demo = commands.add_parser(
        "demo",
        help="classify handwritten digits, scalar by scalar",
        description="Train a 64-16-10 network of scalar nodes on scikit-learn's digits, print its accuracy on held-out "
        "scans, compare 20 of its gradients with central differences, and draw the loss.",
    )
    demo.add_argument("--fast", action="store_true", help="stop after a few epochs")
    demo.add_argument(
        "--out", type=Path, default=Path("demo_out"), metavar="FOLDER", help="where loss.png goes (default: demo_out)"
    )
    demo.set_defaults(run=_demo)
    return parser


def _demo(options: argparse.Namespace) -> int:
    from nn.demo import run  # noqa: PLC0415 - the engine never needs nn; this command does

    run(options.out, fast=options.fast)
    return 0
