"""The drawing itself: a folded graph as DOT, and which part of the picture shows which value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from autograd_core.chain import partials_of
from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.fold import Box, Folding, Path, fold
from autograd_core.labels import cells, escaped, lines, shown, span
from autograd_core.palette import MARKS, Scale, extreme, is_flat, mark_of
from autograd_core.render import digraph_class
from autograd_core.value import Row, Value

if TYPE_CHECKING:
    from graphviz import Digraph  # pyright: ignore[reportMissingTypeStubs] - it has none

__all__ = ["EDGE", "GRAPH", "NODE", "Sketch", "checked_roots", "sketch"]

_GREY = "#777777"
"""Lines, and text that stands in no box, can be read on a white page and on a black one."""

_FONT = {"fontname": "Helvetica", "fontsize": "11"}
GRAPH = {**_FONT, "bgcolor": "transparent", "fontcolor": _GREY, "nodesep": "0.15", "ranksep": "0.3"}
NODE = {**_FONT, "shape": "box", "style": "filled", "fillcolor": "white", "color": _GREY, "fontcolor": "black",
         "margin": "0", "width": "0.3", "height": "0.3"}  # fmt: skip
EDGE = {"color": _GREY, "arrowsize": "0.6", "fontname": "Helvetica", "fontsize": "9", "fontcolor": _GREY}
_FRAME = {"style": "dotted", "color": _GREY, "margin": "6"}

_Frame: TypeAlias = Any
"""A graphviz.Digraph: its methods say nothing of types."""


_BLANK = "\u00a0"
"""A space that no reader of the picture drops."""


@dataclass(frozen=True)
class Sketch:
    """A picture, and where in it things are.

    Parameters
    ----------
    graph : the picture.
    boxes : the id of the box that shows each value, by topological number.
    circles : the id of each value's op; None for a leaf and for what is inside a folded box.
    edges : the id of the edge to each input, by the node's number and the input's place among its inputs; none inside
        a box.
    note : what has been left out, in words.
    """

    graph: Digraph
    boxes: tuple[str, ...]
    circles: tuple[str | None, ...]
    edges: dict[tuple[int, int], str]
    note: str


def sketch(
    y: Value | Sequence[Value],
    *,
    rankdir: str = "LR",
    depth: int | None = None,
    max_nodes: int | None = 150,
    color_by: str | None = None,
    partials: bool = False,
    grads: Mapping[Value, float] | None = None,
    room: int = 0,
    names: Mapping[Value, str] | None = None,
) -> Sketch:
    """Draw a graph, and say where in the picture each value is.

    Parameters
    ----------
    y, rankdir, depth, max_nodes, color_by, partials : as in `draw`.
    grads : the gradients to show in place of the nodes' own; what is not in it has none yet.
    room : how many characters a gradient can have, where others are to be written in its place.
    names : what to write in place of the label.

    >>> a = Value(2.0, label="a")
    >>> drawn = sketch(a * a)
    >>> drawn.boxes, drawn.circles, drawn.edges
    (('v0', 'v1'), (None, 'o1'), {(1, 0): 'e1-0', (1, 1): 'e1-1'})
    """
    roots = checked_roots(y)
    if rankdir not in ("LR", "RL", "TB", "BT"):
        raise ArgumentError(f"rankdir is {rankdir!r}: choose LR, RL, TB or BT")
    if color_by not in (None, "data", "grad"):
        raise ArgumentError(f"color_by is {color_by!r}: choose 'data' or 'grad', or leave it out")
    _check_whole("depth", depth, 0)
    _check_whole("max_nodes", max_nodes, 1)
    pen = _Pen(fold(roots, depth, max_nodes), rankdir, color_by, partials, grads, room, names or {})
    return pen.drawn()


def checked_roots(y: Value | Sequence[Value]) -> Row:
    """Return one or several results as a row; OperandTypeError for anything else."""
    roots = (y,) if isinstance(y, Value) else tuple(y) if isinstance(y, Sequence) else ()  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
    if not roots or not all([isinstance(root, Value) for root in roots]):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise OperandTypeError(f"{y!r:.60} of type {type(y).__name__} has no graph: pass a Value, or a list of Values")
    return roots


def _check_whole(name: str, number: int | None, least: int) -> None:
    if number is not None and (type(number) is not int or number < least):
        raise ArgumentError(f"{name} is {number!r}: pass a whole number from {least}, or None")


@dataclass
class _Pen:
    """What is being drawn, and what there is of it so far."""

    folding: Folding
    rankdir: str
    color_by: str | None
    partials: bool
    grads: Mapping[Value, float] | None
    room: int
    names: Mapping[Value, str]
    frames: dict[Path, _Frame] = field(default_factory=dict[Path, _Frame])
    edges: dict[tuple[int, int], str] = field(default_factory=dict[tuple[int, int], str])
    marks: set[str] = field(default_factory=set[str])
    scale: Scale = field(default=Scale(0.0))

    def drawn(self) -> Sketch:
        folding = self.folding
        graph: _Frame = digraph_class()(
            "values", graph_attr={**GRAPH, "rankdir": self.rankdir}, node_attr=NODE, edge_attr=EDGE
        )
        self.frames[()] = graph
        outputs = folding.outputs()
        shown_by = [[n for n in box.members if n in outputs] for box in folding.boxes]
        self.scale = Scale.of([x for ns in shown_by for x in self._numbers(ns)])
        for box, ns in zip(folding.boxes, shown_by, strict=True):
            self._draw_box(box, ns)
        self._close_frames()
        for box in folding.boxes:
            self._draw_inputs(graph, box)
        if self.color_by is not None:
            self._draw_legend(graph)
        note = self._note()
        if note:
            graph.attr(label=f"<{escaped(note)}>", labelloc="t", labeljust="l")
        boxes = tuple([folding.boxes[place].id for place in folding.box_of])
        return Sketch(graph, boxes, self._circles(), self.edges, note)

    def _circles(self) -> tuple[str | None, ...]:
        folding = self.folding
        drawn = [v.op is not None and not folding.boxes[folding.box_of[n]].name for n, v in enumerate(folding.values)]
        return tuple([f"o{n}" if one else None for n, one in enumerate(drawn)])

    def _note(self) -> str:
        folding = self.folding
        if not folding.by_itself:
            return ""
        return f"{len(folding.values):,} values, folded to {len(folding.boxes)} boxes (depth={folding.depth})"

    # ------------------------------------------------------------ frames

    def _frame(self, path: Path) -> _Frame:
        """Return what to draw a box into: the frame of the innermost open scope around it."""
        for end in range(1, len(path) + 1):
            if path[:end] not in self.frames:
                k = len(self.frames)
                frame = type(self.frames[()])(f"cluster{k}")
                frame.attr(label=f"<{escaped(path[end - 1])}>", id=f"c{k}", **{"class": "scope"}, **_FRAME)
                self.frames[path[:end]] = frame
        return self.frames[path]

    def _close_frames(self) -> None:
        """Put each frame into the one around it, the innermost ones first."""
        for path in sorted(self.frames, key=len, reverse=True):
            if path:
                self.frames[path[:-1]].subgraph(self.frames[path])

    # ------------------------------------------------------------ boxes

    def _draw_box(self, box: Box, outputs: list[int]) -> None:
        frame = self._frame(box.path)
        values = [self.folding.values[n] for n in outputs]
        looks = self._colours(outputs)
        if box.name:
            title = f"{box.name} ×{box.times}" if box.times > 1 else box.name
            label = lines(title, [*self._count(box), f"data {span([v.data for v in values])}", self._grad(values)])
            looks = {"shape": "box3d", "margin": "0.12,0.11", **looks}
            frame.node(box.id, label, id=box.id, **{"class": "folded"}, **looks)
            return
        (v,) = values
        n = box.members[0]
        if v.is_constant:
            name = self.names.get(v, "")
            label = cells([name, f"data {shown(v.data)}" if name else shown(v.data)])
            frame.node(box.id, label, id=box.id, **{"class": "constant"}, **looks)
            return
        label = cells([self.names.get(v, v.label), f"data {shown(v.data)}", self._grad(values)])
        frame.node(box.id, label, id=box.id, **{"class": "value"}, **looks)
        if v.op is not None:
            frame.node(f"o{n}", f"<{escaped(v.op.symbol)}>", id=f"o{n}", **{"class": "op"}, **self._circle(v))
            frame.edge(f"o{n}", box.id, id=f"e{n}")

    def _grad(self, values: Sequence[Value]) -> str:
        if self.grads is None:
            known = [v.grad for v in values if v.swept]
        else:
            known = [self.grads[v] for v in values if v in self.grads]
        return f"grad {(span(known) or '-').ljust(self.room, _BLANK)}"

    def _count(self, box: Box) -> list[str]:
        if not box.counted:
            return []
        members = [self.folding.values[n] for n in box.members]
        constants = len([v for v in members if v.is_constant])
        results = len([v for v in members if v.op is not None])
        counts = {"value": results, "parameter": len(members) - constants - results, "constant": constants}
        return [", ".join([f"{k:,} {what}{'s' if k > 1 else ''}" for what, k in counts.items() if k])]

    def _circle(self, v: Value) -> dict[str, str]:
        flat = self.color_by is not None and is_flat(v)
        if flat:
            self.marks.add("flat")
        return {"shape": "doublecircle" if flat else "circle", "margin": "0.02"}

    # ------------------------------------------------------------ edges

    def _draw_inputs(self, graph: _Frame, box: Box) -> None:
        """Draw the edges into a box, one for each input; if either end is folded, those between the two are one."""
        names: dict[tuple[str, int], str] = {}
        slopes: dict[str, list[float]] = {}
        for n in box.members:
            node = self.folding.values[n]
            partials = partials_of(node) if self.partials and not box.name and node.op is not None else []
            for k, i in enumerate(self.folding.inputs[n]):
                source = self.folding.boxes[self.folding.box_of[i]]
                if source is box:
                    continue
                ends = (source.id, -1 if box.name or source.name else k)
                name = names.setdefault(ends, f"{box.id}-{source.id}" if box.name else f"e{n}-{k}")
                self.edges[n, k] = name
                slopes.setdefault(name, []).extend([p for p in partials[k : k + 1] if p is not None])
        target = box.id if box.name else f"o{box.members[0]}"
        for (source_id, _), name in names.items():
            label = {"label": f"∂ {span(slopes[name])}"} if slopes[name] else {}
            graph.edge(source_id, target, id=name, **label)

    # ------------------------------------------------------------ colours

    def _numbers(self, numbers: Sequence[int]) -> list[float]:
        """Return what values are coloured by; nothing for a gradient that is not known yet."""
        values = [self.folding.values[n] for n in numbers]
        if self.color_by == "data":
            return [v.data for v in values]
        return [v.grad for v in values if v.swept and not v.is_constant] if self.color_by == "grad" else []

    def _colours(self, numbers: Sequence[int]) -> dict[str, str]:
        found = self._numbers(numbers)
        if not found:
            return {}
        x = extreme(found)
        mark = mark_of(x)
        if mark:
            self.marks.add(mark)
        return {"fillcolor": self.scale.colour(x), **MARKS.get(mark, {})}

    def _draw_legend(self, graph: _Frame) -> None:
        """Draw the scale with its ends, and every mark that occurs with its meaning."""
        what, most = str(self.color_by), self.scale.largest
        legend = type(graph)("cluster_legend")
        legend.attr(label=what, id="legend", **{"class": "legend"}, **_FRAME)
        steps = [-1.0, -0.25, 0.0, 0.25, 1.0] if most else [0.0]
        colours = [f'<TD BGCOLOR="{self.scale.colour(most * step)}">{shown(most * step)}</TD>' for step in steps]
        table = f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="4"><TR>{"".join(colours)}</TR></TABLE>'
        legend.node("scale", f"<{table}>", shape="plain", style="")
        for mark in sorted(self.marks):
            text = "no gradient<BR/>passes" if mark == "flat" else mark
            looks = (
                {"margin": "0.08,0.04", **MARKS[mark]} if mark in MARKS else {"shape": "doublecircle", "fontsize": "8"}
            )
            legend.node(f"mark-{mark}", f"<{text}>", id=f"mark-{mark}", **looks)
        graph.subgraph(legend)
