"""The commands on one expression: draw it, step through it, derive it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd_core.cli.terminal import Commands, say, written
from autograd_core.errors import ArgumentError

if TYPE_CHECKING:
    from autograd_core.value import Value

__all__ = ["add_derive", "add_draw", "add_step"]


def _add_expression(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], *, summary: str, description: str
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
    from autograd_core.expression import parse, parse_point
    from autograd_core.graph import topological_order

    y = parse(options.expression, parse_point(options.at))
    if not y.label and "y" not in [v.label for v in topological_order(y)]:
        y.label = "y"
    return y


# ---------------------------------------------------------------- draw

LOOKS = ("depth", "expand", "color_by", "partials", "backward", "rankdir", "max_nodes")


def add_draw(commands: Commands) -> None:
    """Add the command."""
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
    from autograd_core.draw import draw, save

    y = _result(options)
    y.backward()
    looks = {name: value for name, value in vars(options).items() if name in LOOKS}
    if options.out is None:
        say(draw(y, **looks).source.rstrip("\n"))
    else:
        with written(options.out):
            save(y, options.out, **looks)
    return 0


# ---------------------------------------------------------------- step


def add_step(commands: Commands) -> None:
    """Add the command."""
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
    from autograd_core.stepper import step

    path: Path | None = options.out
    if path is not None and path.suffix.lower() not in (".html", ".htm"):
        raise ArgumentError(f"{path} is written as a page: give it a name that ends in .html")
    steps = step(_result(options))
    if path is None:
        say(str(steps))
    else:
        with written(path):
            steps.to_html(path)
    return 0


# ---------------------------------------------------------------- derive


def add_derive(commands: Commands) -> None:
    """Add the command."""
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
    from autograd_core.derive import derive
    from autograd_core.graph import topological_order

    y = _result(options)
    named = {v.label: v for v in topological_order(y) if v.label}
    if options.wrt not in named:
        raise ArgumentError(
            f"nothing is called {options.wrt!r} in it: --wrt takes one of {', '.join(named) or 'no names'}"
        )
    say(getattr(derive(y, wrt=named[options.wrt]), options.format))
    return 0
