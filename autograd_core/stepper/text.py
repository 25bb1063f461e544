"""The events as a table of plain text, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from autograd_core.labels import shown
from autograd_core.stepper.events import Event, Forward, Node

__all__ = ["table"]

WIDEST = 60
HEAD = ("step", "phase", "what", "symbols", "numbers", "grad so far")


def table(nodes: Sequence[Node], events: Sequence[Event]) -> str:
    """Return one line for each event, in columns under a head."""
    rows = [HEAD, *[_row(i, event, nodes) for i, event in enumerate(events)]]
    widths = [max([len(row[column]) for row in rows]) for column in range(len(HEAD))]
    lines = ["  ".join([cell.ljust(width) for cell, width in zip(row, widths, strict=True)]).rstrip() for row in rows]
    lines.insert(1, "  ".join(["-" * width for width in widths]))
    return "\n".join(lines)


def _row(i: int, event: Event, nodes: Sequence[Node]) -> tuple[str, ...]:
    name = _on_one_line(nodes[event.node].name)
    if isinstance(event, Forward):
        seed = shown(1.0) if event.node == len(nodes) - 1 else ""
        return str(i), "forward", name, _on_one_line(event.formula) or "given", f"= {shown(event.data)}", seed
    source = _on_one_line(nodes[event.input].name)
    if event.partial is None:
        why = "a constant" if nodes[event.input].is_constant else "nothing flows"
        return str(i), "backward", f"{source} from {name}", why, "", shown(event.total)
    numbers = f"+= {shown(event.adjoint)} · {shown(event.partial)} = {shown(event.contribution)}"
    symbols = f"∂{name}/∂{source} = {_on_one_line(event.formula)}"
    return str(i), "backward", f"{source} from {name}", symbols, numbers, shown(event.total)


def _on_one_line(text: str) -> str:
    """Cut what is too long for a column, and show what would break a line or move a terminal's cursor by its escape."""
    cut = text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
    return "".join([c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in cut])
