"""The chain rule of one derivative, path by path: ``derive(y, x)``.

A derivative is the sum, over the paths that lead from y back to x, of the product of the partial derivatives along
each. The partials are the table's, run on Symbols for the formulas and on floats for the numbers.

Conventions: an input that is used twice, as in ``a + a``, is reached on two paths. From where a sweep would stop a
path counts as 0: behind a derivative of 0, and on the flat side of a kink. The total is the engine's adjoint, which
adds up the terms of each node before it goes on to the next; the paths agree with it to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import cast

from autograd_core.backward import adjoints
from autograd_core.chain import FLOATS, rule_of
from autograd_core.derivation import MANY, Definition, Derivation, Edge, Path
from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.graph import topological_order
from autograd_core.names import names_of
from autograd_core.symbol import Symbol
from autograd_core.value import Row, Value

__all__ = ["derive"]


def derive(y: Value, wrt: Value, *, max_paths: int = 100) -> Derivation:
    """Return the derivative of y with respect to one node of its graph, with every path written out.

    Parameters
    ----------
    y : the result.
    wrt : a leaf, a result on the way, or y itself; what y does not depend on has the derivative 0.
    max_paths : how many paths to write out. The others are counted, and the total is of all.

    Raises
    ------
    OperandTypeError : y or wrt is no Value.
    ArgumentError : max_paths is no whole number from 1.
    StaleGraphError : a leaf was changed after an op had used it.

    >>> a, b = Value(2.0, label="a"), Value(-0.5, label="b")
    >>> c = a * b
    >>> c.label = "c"
    >>> print(derive(c, a))
    a = 2.0
    c = a * b = -1.0
    <BLANKLINE>
    ∂c/∂a = b
          = -0.5
    """
    for v in (y, wrt):
        if not isinstance(v, Value):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
            raise OperandTypeError(f"{v!r} of type {type(v).__name__} has no graph: pass a Value")
    if type(max_paths) is not int or max_paths < 1:
        raise ArgumentError(f"max_paths is {max_paths!r}: pass a whole number from 1")
    total = cast("float", adjoints(y, [wrt], FLOATS).get(wrt, 0.0))
    way = _Way(topological_order(y), wrt)
    paths = tuple(islice(way.paths(), max_paths))
    shown = {edge.input for path in paths for edge in path.edges}
    if paths:
        shown.add(way.number[y])
    return Derivation(
        y=way.symbol_of(y),
        x=way.symbol_of(wrt),
        definitions=way.definitions(shown),
        paths=paths,
        count=way.count.get(y, 0),
        total=total,
        depends=wrt in way.number,
    )


class _Way:
    """What lies between the last node of a topological order and x: how many paths, and the edges they are made of."""

    def __init__(self, order: list[Value], x: Value) -> None:
        self.order = order
        self.x = x
        self.number = {v: i for i, v in enumerate(order)}
        self._names = names_of(order if x in self.number else [*order, x])
        self._symbols: dict[Value, Symbol] = {}
        self._edges: dict[Value, list[tuple[Value, Edge]]] = {}
        self.count = {x: 1} if x in self.number else {}
        for node in order:
            if node is not x and self.count:
                found = sum([self.count.get(v, 0) for arg in _open(node) for v in arg])
                if found:
                    self.count[node] = min(found, MANY)

    def symbol_of(self, v: Value) -> Symbol:
        """Return the name of a node."""
        if v not in self._symbols:
            self._symbols[v] = Symbol(self._names[self.number.get(v, -1)])
        return self._symbols[v]

    def operand(self, v: Value) -> Symbol | float:
        """Return a node as it stands in formulas: constants as the numbers that they are."""
        return v.data if v.is_constant and v is not self.x else self.symbol_of(v)

    def operands(self, node: Value) -> list[Symbol | float | tuple[Symbol | float, ...]]:
        """Return what a node was computed from as it stands in formulas."""
        return [
            tuple([self.operand(v) for v in arg]) if isinstance(arg, tuple) else self.operand(arg)
            for arg in node.operands
        ]

    def definitions(self, numbers: set[int]) -> tuple[Definition, ...]:
        """Return what the nodes of these numbers are."""
        return tuple([self._definition(self.order[i], i) for i in sorted(numbers)])

    def _definition(self, node: Value, number: int) -> Definition:
        formula = Symbol.apply_op(node.op, tuple(self.operands(node))) if node.op else None
        return Definition(number, self.symbol_of(node), formula, node.data)

    def edges(self, node: Value) -> list[tuple[Value, Edge]]:
        """Return the inputs of a node that lie on a path, with the edges to them."""
        if node not in self._edges:
            self._edges[node] = list(self._found_edges(node))
        return self._edges[node]

    def _found_edges(self, node: Value) -> Iterator[tuple[Value, Edge]]:
        symbols = [*self.operands(node), self.symbol_of(node)]
        position = 0
        for arg, partial in zip(node.operands, rule_of(node).partials, strict=True):
            members = arg if isinstance(arg, tuple) else (arg,)
            wanted = [i for i, v in enumerate(members) if v in self.count]
            if partial is not None and wanted:
                formulas, slopes = partial(*symbols), partial(*FLOATS.operands(node))
                for i in wanted:
                    formula = _member(formulas, i, arg)
                    symbol = formula if isinstance(formula, Symbol) else Symbol.number(cast("float", formula))
                    number = cast("float", _member(slopes, i, arg))
                    yield members[i], Edge(self.number[node], self.number[members[i]], position + i, symbol, number)
            position += len(members)

    def paths(self) -> Iterator[Path]:
        """Yield the paths in the order of the inputs, depth first, with a stack in place of recursion."""
        y = self.order[-1]
        if y not in self.count:
            return
        if y is self.x:
            yield Path((), 1.0)
            return
        trail: list[Edge] = []
        products = [1.0]
        stack = [iter(self.edges(y))]
        while stack:
            v, edge = next(stack[-1], (None, None))
            if v is None or edge is None:
                stack.pop()
                if trail:
                    trail.pop()
                    products.pop()
                continue
            factors = FLOATS.term(self.order[edge.node], v, products[-1], edge.number)
            product = products[-1] * edge.number if factors else 0.0
            if v is self.x:
                yield Path((*trail, edge), product)
            else:
                trail.append(edge)
                products.append(product)
                stack.append(iter(self.edges(v)))


def _open(node: Value) -> Iterator[Row]:
    """Yield the inputs that a derivative can flow to, those of one operand together."""
    if node.op is not None:
        for arg, partial in zip(node.operands, node.op.partials, strict=True):
            if partial is not None:
                yield arg if isinstance(arg, tuple) else (arg,)


def _member(partial: object, i: int, arg: Value | Row) -> object:
    """Return the derivative towards one input, given that towards the whole operand."""
    return cast("Sequence[object]", partial)[i] if isinstance(arg, tuple) else partial
