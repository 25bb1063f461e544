"""The command line: ``autograd-core demo``, and expressions that are drawn, stepped through and differentiated."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from autograd_core import __version__
from autograd_core.errors import ArgumentError, AutogradError

if TYPE_CHECKING:
    from autograd_core.value import Value

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


def _complain(message: str) -> None:
    """Print why a command ended; further lines start below the first, so that carets stand where they belong."""
    name = "autograd-core: "
    print(name + message.replace("\n", "\n" + " " * len(name)), file=sys.stderr)


def _say(text: str) -> None:
    """Print text, with escapes for what standard output cannot encode."""
    encoding = sys.stdout.encoding
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autograd-core", description="Scalar reverse-mode autodiff, with neural nets on top."
    )
    parser.add_argument("--version", action="version", version=f"autograd-core {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_demo(commands)
    _add_draw(commands)
    _add_step(commands)
    _add_derive(commands)
    _add_lectures(commands)
    return parser


_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


# ---------------------------------------------------------------- demo


def _add_demo(commands: _Commands) -> None:
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


def _demo(options: argparse.Namespace) -> int:
    from nn.demo import run  # noqa: PLC0415 - the engine never needs nn; this command does

    run(options.out, fast=options.fast)
    return 0


# ---------------------------------------------------------------- expressions


def _add_expression(
    commands: _Commands, name: str, run: Callable[[argparse.Namespace], int], *, summary: str, description: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog="An expression that starts with a minus sign goes last, after --.",
    )
    command.add_argument(
        "expression",
        metavar="EXPRESSION",
        help="such as 'tanh(a*b + c)', or with names for its parts 'd = a*b; tanh(d + c)'",
    )
    command.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="NAME=NUMBER,...",
        help="the number of each name, such as a=2,b=-0.5",
    )
    command.set_defaults(run=run)
    return command


def _result(options: argparse.Namespace) -> Value:
    """Return the result of the expression; it is called y, unless it or something else has a name already."""
    from autograd_core.expression import parse, parse_point  # noqa: PLC0415 - each command loads what it needs
    from autograd_core.graph import topological_order  # noqa: PLC0415

    y = parse(options.expression, parse_point(options.at))
    if not y.label and "y" not in [v.label for v in topological_order(y)]:
        y.label = "y"
    return y


@contextmanager
def _written(path: Path) -> Generator[None]:
    """Name the file if it cannot be written, and say so once it is."""
    try:
        yield
    except OSError as fault:
        raise ArgumentError(f"{path} cannot be written ({fault.strerror}): choose another place with -o") from None
    _say(f"wrote {path}")


# ---------------------------------------------------------------- draw

LOOKS = ("depth", "expand", "color_by", "partials", "backward", "rankdir", "max_nodes")


def _add_draw(commands: _Commands) -> None:
    draw = _add_expression(
        commands,
        "draw",
        _draw,
        summary="draw the graph of an expression",
        description="Draw the graph of an expression, with every number and every derivative of the result.",
    )
    draw.add_argument(
        "-o", dest="out", type=Path, metavar="FILE", help="a .svg, .png, .pdf or .dot; without it, DOT text is printed"
    )

    def look(flag: str, meaning: str, **how: Any) -> None:
        draw.add_argument(flag, help=meaning, default=argparse.SUPPRESS, **how)  # draw() knows the defaults

    look("--depth", "fold what lies deeper than K modules", type=int, metavar="K")
    look("--expand", "draw sums of products as single products", action="store_true")
    look("--color-by", "colour values by their size", choices=["data", "grad"])
    look("--partials", "write the local derivative on each edge", action="store_true")
    look("--backward", "draw the graph of the derivatives too", action="store_true")
    look("--rankdir", "which way the graph runs (default: LR)", choices=["LR", "RL", "TB", "BT"])
    look("--max-nodes", "fold a graph of more than N boxes (default: 150)", type=int, metavar="N")


def _draw(options: argparse.Namespace) -> int:
    from autograd_core.draw import draw, save  # noqa: PLC0415

    y = _result(options)
    y.backward()
    looks = {name: value for name, value in vars(options).items() if name in LOOKS}
    if options.out is None:
        _say(draw(y, **looks).source.rstrip("\n"))
    else:
        with _written(options.out):
            save(y, options.out, **looks)
    return 0


# ---------------------------------------------------------------- step


def _add_step(commands: _Commands) -> None:
    step = _add_expression(
        commands,
        "step",
        _step,
        summary="go through an expression step by step",
        description="Show each step of the forward and the backward pass through the graph of an expression.",
    )
    step.add_argument(
        "-o",
        dest="out",
        type=Path,
        metavar="FILE",
        help="a page for the browser, .html; without it, a table is printed",
    )


def _step(options: argparse.Namespace) -> int:
    from autograd_core.stepper import step  # noqa: PLC0415

    path: Path | None = options.out
    if path is not None and path.suffix.lower() not in (".html", ".htm"):
        raise ArgumentError(f"{path} is written as a page: give it a name that ends in .html")
    steps = step(_result(options))
    if path is None:
        _say(str(steps))
    else:
        with _written(path):
            steps.to_html(path)
    return 0


# ---------------------------------------------------------------- derive


def _add_derive(commands: _Commands) -> None:
    derive = _add_expression(
        commands,
        "derive",
        _derive,
        summary="write the chain rule of one derivative out",
        description="Write the derivative of an expression with respect to one of its names out, path by path.",
    )
    derive.add_argument("--wrt", required=True, metavar="NAME", help="the name to differentiate with respect to")
    derive.add_argument(
        "--format", choices=["text", "latex", "mathml"], default="text", help="how to write it (default: text)"
    )


def _derive(options: argparse.Namespace) -> int:
    from autograd_core.derive import derive  # noqa: PLC0415
    from autograd_core.graph import topological_order  # noqa: PLC0415

    y = _result(options)
    named = {v.label: v for v in topological_order(y) if v.label}
    if options.wrt not in named:
        raise ArgumentError(
            f"nothing is called {options.wrt!r} in it: --wrt takes one of {', '.join(named) or 'no names'}"
        )
    _say(getattr(derive(y, wrt=named[options.wrt]), options.format))
    return 0


# ---------------------------------------------------------------- lectures


def _add_lectures(commands: _Commands) -> None:
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
    from autograd_core.files import write_whole  # noqa: PLC0415 - each command loads what it needs
    from nn import lectures  # noqa: PLC0415

    report = lectures.errata(options.lecture) if options.errata else lectures.compare(options.lecture, id=options.id)
    if options.html is not None:
        report.to_html(options.html)
    if options.json is not None:
        write_whole(options.json, report.to_json().encode())
    written = [path for path in (options.html, options.json) if path is not None]
    _say("\n".join([f"wrote {path}" for path in written]) if written else str(report))
    return 0 if report.agrees else 1
