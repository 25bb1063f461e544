"""step(y) and what it returns: the events, and four views of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from autograd_core.errors import OperandTypeError
from autograd_core.expand import expanded
from autograd_core.stepper.events import Event, Node, trace
from autograd_core.value import Value

if TYPE_CHECKING:
    from os import PathLike

    from autograd_core.stepper.widget import Stepper

__all__ = ["Steps", "step"]


@dataclass(frozen=True, eq=False)
class Steps(Sequence[Event]):
    """Every event of a graph's forward and backward pass; made by `step`.

    It is a sequence of events. Printed it is a table, in Jupyter a picture to step through.

    Parameters
    ----------
    nodes : the values of the graph in topological order.
    events : the forward event of each node, then one backward event for each edge.
    result : the Value that was stepped through.
    depth : how deep the picture opens modules at first; None for all the way.
    max_nodes : how many boxes the picture shows at first before it folds by itself.
    """

    nodes: tuple[Node, ...]
    events: tuple[Event, ...]
    result: Value
    depth: int | None
    max_nodes: int

    def __len__(self) -> int:
        return len(self.events)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Event, ...]: ...
    def __getitem__(self, index: int | slice) -> Event | tuple[Event, ...]:
        return self.events[index]

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __repr__(self) -> str:
        return f"<Steps: {len(self.nodes)} values, {len(self.events)} events>"

    def __str__(self) -> str:
        from autograd_core.stepper.text import table  # noqa: PLC0415 - each view is loaded when it is looked at

        return table(self.nodes, self.events)

    def to_html(self, path: str | PathLike[str]) -> None:
        """Write the stepper as one HTML file that needs no network and nothing else.

        Parameters
        ----------
        path : where to; what is there already is replaced once the new file is whole.
        """
        from autograd_core.stepper.page import write  # noqa: PLC0415

        write(self, path)

    def widget(self) -> Stepper:
        """Return the stepper as a Jupyter widget, whose ``w.step`` can be set and read in Python.

        Raises
        ------
        MissingExtraError : anywidget is not installed.
        """
        from autograd_core.stepper.widget import stepper  # noqa: PLC0415

        return stepper(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str | bytes]:  # noqa: ARG002
        from autograd_core.stepper.page import bundle  # noqa: PLC0415

        return bundle(self)


def step(y: Value, *, depth: int | None = None, expand: bool = False, max_nodes: int = 150) -> Steps:
    """Return everything that happens in a graph, forward and backward, one event at a time.

    No ``.grad`` is read or touched: the events are those of one sweep that starts from zero.

    Parameters
    ----------
    y : the result whose graph is stepped through.
    depth : how deep the picture opens modules at first; None for all the way. It can be changed in the picture.
    expand : whether sums of products are taken apart into single products.
    max_nodes : how many boxes the picture shows at first before it folds modules by itself.

    Raises
    ------
    OperandTypeError : y is no Value.
    StaleGraphError : a leaf was changed after an op had used it.

    >>> a, b = Value(2.0, label="a"), Value(-0.5, label="b")
    >>> steps = step(a * b)
    >>> print(steps)
    step  phase     what       symbols     numbers             grad so far
    ----  --------  ---------  ----------  ------------------  -----------
    0     forward   a          given       = 2
    1     forward   b          given       = -0.5
    2     forward   v2         a * b       = -1                1
    3     backward  a from v2  ∂v2/∂a = b  += 1 · -0.5 = -0.5  -0.5
    4     backward  b from v2  ∂v2/∂b = a  += 1 · 2 = 2        2
    """
    if not isinstance(y, Value):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
        raise OperandTypeError(f"{y!r} of type {type(y).__name__} has no graph: pass a Value")
    if expand:
        (y,) = expanded([y])
    nodes, events = trace(y)
    return Steps(nodes, events, y, depth, max_nodes)
