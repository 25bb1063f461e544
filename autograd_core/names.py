"""What the nodes of a graph are called wherever it is drawn or printed: by label where there is one, by number otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from autograd_core.symbol import Symbol
from autograd_core.value import Value

__all__ = ["names_of", "symbols_of"]


def names_of(order: Sequence[Value]) -> list[str]:
    """Return a name for each node of a topological order, no two alike.

    A label that no other node has is a name as it is; one that several have gets the node's number in the order, as
    in ``w[12]``. A node without a label is v and its number, as in ``v7``.

    >>> from autograd_core import Value, topological_order
    >>> names_of(topological_order(Value(2.0, label="x") * Value(3.0, label="x")))
    ['x[0]', 'x[1]', 'v2']
    """
    count = Counter([v.label for v in order])
    taken = set(count)
    names: list[str] = []
    for i, v in enumerate(order):
        name = v.label
        if not name or count[name] > 1:
            name = f"{name}[{i}]" if name else f"v{i}"
            while name in taken:
                name += f"[{i}]"
            taken.add(name)
        names.append(name)
    return names


def symbols_of(order: Sequence[Value]) -> list[Symbol | float]:
    """Return each node of a topological order as it stands in formulas: a Symbol of its name, or a constant's number.

    >>> from autograd_core import Value, topological_order
    >>> symbols_of(topological_order(2.0 * Value(3.0, label="x")))
    [2.0, Symbol('x'), Symbol('v2')]
    """
    return [v.data if v.is_constant else Symbol(name) for v, name in zip(order, names_of(order), strict=True)]
