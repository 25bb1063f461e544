"""The stepper as HTML: one picture, all events, and the script that goes through them. It asks for nothing more.

The picture of the last step stands in the page as an image, so that a viewer which runs no script still shows it; the
script takes it from there. Every text that comes from outside - labels, scopes - is escaped where it enters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from autograd_core.backward import check_fresh
from autograd_core.errors import MissingExtraError
from autograd_core.files import write_whole
from autograd_core.graph import walk
from autograd_core.labels import shown
from autograd_core.modes import Scope
from autograd_core.render import render
from autograd_core.sketch import Sketch, sketch
from autograd_core.stepper.events import Backward, Event, Node
from autograd_core.stepper.rules import Rule, rules_of
from autograd_core.symbol import Symbol
from autograd_core.value import Value

if TYPE_CHECKING:
    from os import PathLike

    from autograd_core.stepper.steps import Steps

__all__ = ["Payload", "asset", "bundle", "fragment", "payload", "write"]

Payload: TypeAlias = dict[str, object]

ALL_AT_ONCE = 1000
"""The number of values up to which a picture of every single one is on offer."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>:root {{ color-scheme: light dark; }} body {{ margin: 1em; }}</style>
</head>
<body>
{body}
</body>
</html>
"""


def asset(name: str) -> str:
    """Return the text of a file that lies beside this one."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def write(steps: Steps, path: str | PathLike[str]) -> None:
    """Write the stepper as a page of its own."""
    import html  # noqa: PLC0415 - for those who write pages

    title = f"{steps.nodes[-1].name}: {len(steps.nodes)} values, step by step"
    write_whole(Path(path), PAGE.format(title=html.escape(_printable(title)), body=fragment(steps)).encode())


def bundle(steps: Steps) -> dict[str, str | bytes]:
    """Return what a notebook shows, and keeps for viewers that run no script."""
    shows: dict[str, str | bytes] = {"text/plain": repr(steps), "text/html": fragment(steps)}
    with suppress(MissingExtraError):  # no dot, no picture: the page does without
        shows["image/png"] = render(_first_sketch(steps).graph.source, "png")
    return shows


def fragment(steps: Steps, step: int = 0) -> str:
    """Return the stepper as a piece of HTML that can stand in any page, and more than once."""
    import base64  # noqa: PLC0415 - for those who write pages
    import json  # noqa: PLC0415

    data = payload(steps)
    picture = _picture(data, base64.b64encode)
    script = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")  # or a label's </script> would end it
    return (
        f"<style>\n{asset('view.css')}</style>\n<div>{picture}</div>\n"
        f"<script>\n(() => {{\n{asset('view.js').replace('export function', 'function')}\n"
        f"const root = document.currentScript.previousElementSibling, image = root.querySelector('img'), data = {script};\n"
        "const bytes = image && Uint8Array.from(atob(image.src.split(',')[1]), c => c.charCodeAt(0));\n"
        "if (image) data.levels[data.level].svg = new TextDecoder().decode(bytes);\n"
        f"mount(root, data, {{step: {step}}});\n}})();\n</script>"
    )


def _picture(data: Payload, encoded: Callable[[bytes], bytes]) -> str:
    """Return what stands in the page until the script runs, or if none may."""
    levels = cast("list[dict[str, str]]", data["levels"])
    if not levels:
        return ""
    first = levels[cast("int", data["level"])]
    uri = encoded(first.pop("svg").encode()).decode()
    return f'<img alt="Computation graph" style="max-width:100%;background:#fff" src="data:image/svg+xml;base64,{uri}">'


def payload(steps: Steps) -> Payload:
    """Return all that the script needs to know, as view.js describes it; numbers as the strings that are shown."""
    order, leaves = walk(steps.result)
    check_fresh(order, leaves)
    rules = rules_of(order)
    distinct = list({id(rule): rule for rule in rules if rule}.values())
    number = {id(rule): i for i, rule in enumerate(distinct)}
    levels, first = _levels(steps, order)
    return {
        "nodes": [_node(node, number.get(id(rule))) for node, rule in zip(steps.nodes, rules, strict=True)],
        "events": [_event(event) for event in steps.events],
        "rules": [_rule(rule) for rule in distinct],
        "levels": levels,
        "level": first,
    }


def _node(node: Node, rule: int | None) -> Payload:
    return {
        "name": _printable(node.name),
        "math": Symbol(node.name).mathml,
        "data": shown(node.data),
        "op": node.op,
        "inputs": node.inputs,
        "rule": rule,
        "constant": node.is_constant,
    }


def _event(event: Event) -> list[object]:
    if not isinstance(event, Backward):
        return [event.node]
    partial = None if event.partial is None else shown(event.partial)
    numbers = [shown(event.adjoint), partial, shown(event.contribution), shown(event.total)]
    return [event.node, event.input, event.position, *numbers]


def _rule(rule: Rule) -> Payload:
    return {"value": rule.value.mathml, "partials": [slope and slope.mathml for slope in rule.partials]}


def _printable(text: str) -> str:
    """Return a text that can be written as UTF-8, whatever a label holds."""
    return text.encode("utf-8", "replace").decode()


# ---------------------------------------------------------------- pictures, one for each depth


def _levels(steps: Steps, order: Sequence[Value]) -> tuple[list[Payload], int]:
    """Return the graph folded to each depth that makes a difference, and which of these is shown first."""
    first = _first_sketch(steps)
    sketches = [first]
    grads, room = _grads(steps, order)
    depths: list[int | None] = [None] if len(order) <= ALL_AT_ONCE else []
    depths += range(_deepest(order) - 1, -1, -1)
    for depth in depths:
        folded = sketch(steps.result, depth=depth, max_nodes=None, grads=grads, room=room)
        if len(set(folded.boxes)) <= ALL_AT_ONCE and all([folded.boxes != other.boxes for other in sketches]):
            sketches.append(folded)
    sketches.sort(key=lambda s: -len(set(s.boxes)))
    try:
        return [_level(s, len(order)) for s in sketches], sketches.index(first)
    except MissingExtraError:
        return [], 0


def _first_sketch(steps: Steps) -> Sketch:
    grads, room = _grads(steps, walk(steps.result)[0])
    return sketch(steps.result, depth=steps.depth, max_nodes=steps.max_nodes, grads=grads, room=room)


def _grads(steps: Steps, order: Sequence[Value]) -> tuple[dict[Value, float], int]:
    """Return each gradient at the end, and how many characters the longest on the way there takes."""
    totals = {order[-1]: 1.0}
    room = 1
    for event in steps.events:
        if isinstance(event, Backward):
            totals[order[event.input]] = event.total
            room = max(room, len(shown(event.total)))
    return totals, room


def _deepest(order: Sequence[Value]) -> int:
    depth_of: dict[Scope | None, int] = {None: 0}
    for v in order:
        chain: list[Scope] = []
        scope = v.scope
        while scope not in depth_of:
            chain.append(cast("Scope", scope))
            scope = chain[-1].parent
        for inner in reversed(chain):
            depth_of[inner] = depth_of[inner.parent] + 1
    return max(depth_of.values())


def _level(drawn: Sketch, count: int) -> Payload:
    boxes = len(set(drawn.boxes))
    return {
        "title": f"all {count} values" if boxes == count else f"folded to {boxes} boxes",
        "svg": render(drawn.graph.source, "svg").decode(),
        "boxes": drawn.boxes,
        "circles": drawn.circles,
        "edges": {f"{node}-{position}": name for (node, position), name in drawn.edges.items()},
    }
