"""Picture: a routine as a graph in DOT: arrays are boxes with their names and shapes, what is done to them are circles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from autograd_core.errors import ArgumentError
from autograd_core.labels import cells, escaped, shown
from autograd_core.lift.explain import patterns
from autograd_core.lift.ir import Array, Contract, Expression, Number, Routine, View, children
from autograd_core.lift.matrices import is_matrix_product
from autograd_core.lift.trace import Shape
from autograd_core.palette import Scale
from autograd_core.render import checked_format, digraph_class
from autograd_core.sketch import EDGE, GRAPH, NODE

if TYPE_CHECKING:
    from graphviz import Digraph  # pyright: ignore[reportMissingTypeStubs] - it has none

__all__ = ["picture"]

_PALE = Scale(1.0)
_LOOKS = {
    "input": {"fillcolor": _PALE.colour(-0.25)},
    "parameter": {"fillcolor": _PALE.colour(0.25)},
    "constant": {},
    "batch size": {},
    "result": {},
}
_OUTPUT = {"peripheries": "2"}
_LEGEND = "blue: inputs; orange: parameters; framed twice: results; @: matrix product; Σ n: sum over the batch"
_FOLDS = {"sum": "Σ", "max": "max", "min": "min", "logsumexp": "log Σ exp"}

_Frame: TypeAlias = Any
"""A graphviz.Digraph: its methods say nothing of types."""


def picture(routine: Routine, *, format: str = "svg", rankdir: str = "LR", max_statements: int | None = 100) -> Digraph:
    """Return the drawing of a routine.

    Parameters
    ----------
    format : what ``.render()`` and ``.pipe()`` make of it: "svg", "png", "pdf" or "dot".
    rankdir : which way it goes: "LR", "RL", "TB" or "BT".
    max_statements : the most statements; the drawing says how many there are beyond. None sets no limit.

    Raises
    ------
    ArgumentError : an option that there is not.
    """
    checked_format(format)
    if rankdir not in ("LR", "RL", "TB", "BT"):
        raise ArgumentError(f"rankdir is {rankdir!r}: choose LR, RL, TB or BT")
    if max_statements is not None and (type(max_statements) is not int or max_statements < 1):
        raise ArgumentError(f"max_statements is {max_statements!r}: pass a whole number from 1, or None")
    graph = _Pen(routine, rankdir).drawn(max_statements)
    graph.format = format
    return graph


class _Pen:
    """What is being drawn: boxes of arrays are called a1, a2 and so on, circles and numbers o1, o2."""

    def __init__(self, routine: Routine, rankdir: str) -> None:
        self.routine = routine
        self.graph: _Frame = digraph_class()(
            "program", graph_attr={**GRAPH, "rankdir": rankdir}, node_attr=NODE, edge_attr=EDGE
        )
        self.results = {part for output in routine.outputs for part in output.parts}
        self.boxes: dict[int, str] = {}
        self.count = 0

    def drawn(self, limit: int | None) -> _Frame:
        """Return the graph with its first statements."""
        statements = self.routine.statements[:limit]
        for number in self.routine.given():
            self._box(number)
        for statement in statements:
            source = self._expression(statement.expression, self.routine.arrays[statement.out].shape)
            self.graph.edge(source, self._box(statement.out))
        left = len(self.routine.statements) - len(statements)
        note = f"{_LEGEND}; {left:,} more statements are not drawn" if left else _LEGEND
        self.graph.attr(label=f"<{escaped(note)}>", labelloc="b", labeljust="l")
        return self.graph

    def _box(self, number: int) -> str:
        """Draw an array, once, and return what it is called."""
        if number not in self.boxes:
            name = self.boxes[number] = f"a{len(self.boxes) + 1}"
            array = self.routine.arrays[number]
            looks = {**_LOOKS[array.kind], **(_OUTPUT if number in self.results else {})}
            self.graph.node(name, cells([array.name, _shape(array)]), id=name, **{"class": array.kind}, **looks)
        return self.boxes[number]

    def _expression(self, e: Expression, sizes: Shape) -> str:
        """Draw what an expression is made of, and return what its last part is called."""
        if isinstance(e, View):
            return self._box(e.array)
        self.count += 1
        name = f"o{self.count}"
        if isinstance(e, Number):
            self.graph.node(name, cells([shown(e.value)]), id=name, **{"class": "number"})
            return name
        inner = sizes + e.sizes if isinstance(e, Contract) else sizes
        self.graph.node(
            name, f"<{escaped(self._symbol(e, sizes))}>", id=name, shape="circle", margin="0.02", **{"class": "op"}
        )
        for part in children(e):
            found = patterns(part, self.routine, inner) if isinstance(part, View) else []
            label = ", ".join([pattern for pattern in found if pattern != "transposed" or inner == sizes])
            self.graph.edge(self._expression(part, inner), name, **({"label": label} if label else {}))
        return name

    def _symbol(self, e: Expression, sizes: Shape) -> str:
        if not isinstance(e, Contract):
            return e.op.symbol if not isinstance(e, View | Number) else ""
        if is_matrix_product(e, self.routine, sizes):
            return "@"
        return f"{_FOLDS[e.fold]}{' n' if e.batch else ''}" + (" *" if len(e.factors) > 1 else "")


def _shape(array: Array) -> str:
    """Return the shape of an array; n stands for the size of the batch."""
    sizes = ["n"] * array.batched + [str(size) for size in array.shape]
    return " × ".join(sizes) or "number"
