"""gradcheck: derivatives against finite differences, of the first and the second order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias, cast

from autograd_core.errors import ArgumentError, GradcheckError
from autograd_core.ops import detach
from autograd_core.transforms import Function, Tree, flatten, jacobian, rebuild
from autograd_core.value import Number, Value

__all__ = ["gradcheck"]

Flat: TypeAlias = Callable[[Sequence[Number]], list[Number]]

SHRINK = 1.5
STAGES = 8
SMALLEST_STEP = 1e-9


def gradcheck(f: Function, *args: Tree, order: int = 1, rtol: float = 1e-6, atol: float = 1e-8) -> bool:
    """Compare every derivative of f with a finite difference; return True, or raise at the first that disagrees.

    The difference is central, extrapolated to a step of zero (Ridders 1982, Adv. Eng. Software 4, 75-76), with steps
    short enough not to cross a kink.

    Parameters
    ----------
    f : a function of numbers or of nested lists of them; its result may be nested.
    args : where to differentiate.
    order : 1, or 2 to check the derivatives of the derivatives as well.
    rtol, atol : what may differ: rtol times the larger of the two, plus atol.

    Raises
    ------
    GradcheckError : two derivatives disagree, or f has a kink right there, so that there is nothing to compare.
    ArgumentError : an order other than 1 or 2.

    >>> gradcheck(lambda x, y: x**2 * y, 3.0, 2.0, order=2)
    True
    """
    if order not in (1, 2):
        raise ArgumentError(f"order is {order!r}: pass 1 or 2")

    def flat(xs: Sequence[Number]) -> list[Number]:
        return flatten(f(*cast("Sequence[Tree]", rebuild(args, iter(xs)))))

    def slopes(xs: Sequence[Number]) -> list[Number]:
        return flatten(jacobian(flat)(list(xs)))

    at = [x.data if isinstance(x, Value) else x for x in flatten(args)]
    _compare(flat, slopes, at, "the derivative", rtol, atol)
    if order == 2:
        _compare(slopes, lambda xs: flatten(jacobian(slopes)(list(xs))), at, "the second derivative", rtol, atol)
    return True


def _compare(f: Flat, slopes: Flat, at: list[float], what: str, rtol: float, atol: float) -> None:
    computed = [s.data if isinstance(s, Value) else s for s in slopes(at)]
    for j in range(len(at)):
        estimates = _differences(f, at, j)
        for i, (estimate, doubt) in enumerate(estimates):
            exact = computed[i * len(at) + j]
            allowed = atol + rtol * max(abs(exact), abs(estimate))
            if not abs(exact - estimate) <= allowed:
                raise GradcheckError(
                    f"{what} of result {i} with respect to number {j} at {at[j]!r} is {exact!r}, but its finite "
                    f"difference is {estimate!r} (uncertain by {doubt:.1e}): check the partials of the ops in between"
                )


def _differences(f: Flat, at: list[float], j: int) -> list[tuple[float, float]]:
    """Return the derivative of each result along number j by Ridders' method, with what it may be off by."""
    step = _smooth_step(f, at, j)
    table: list[list[list[float]]] = []
    for stage in range(STAGES):
        ahead, behind = _shifted(f, at, j, step)[0], _shifted(f, at, j, -step)[0]
        table.append([[(a - b) / (2.0 * step) for a, b in zip(ahead, behind, strict=True)]])
        factor = SHRINK * SHRINK
        for k in range(stage):
            better, worse = table[stage][k], table[stage - 1][k]
            table[stage].append([(b * factor - w) / (factor - 1.0) for b, w in zip(better, worse, strict=True)])
            factor *= SHRINK * SHRINK
        step /= SHRINK
    return [_most_certain(table, i) for i in range(len(table[0][0]))]


def _most_certain(table: list[list[list[float]]], i: int) -> tuple[float, float]:
    """Return the entry of the extrapolation table that differs least from its neighbours, and by how much."""
    candidates = [
        (max(abs(row[k][i] - row[k - 1][i]), abs(row[k][i] - above[k - 1][i])), row[k][i])
        for above, row in pairwise(table)
        for k in range(1, len(row))
    ]
    doubt, estimate = min(candidates, key=lambda c: c[0] if c[0] == c[0] else math.inf)
    return estimate, doubt


def _smooth_step(f: Flat, at: list[float], j: int) -> float:
    """Return a step that crosses no kink in either direction; GradcheckError if f has a kink right there."""
    _, sides = _shifted(f, at, j, 0.0)
    step = 0.02 * max(abs(at[j]), 0.05)
    while _shifted(f, at, j, step)[1] != sides or _shifted(f, at, j, -step)[1] != sides:
        step /= 4.0
        if step < SMALLEST_STEP * max(abs(at[j]), 0.05):
            raise GradcheckError(
                f"f has a kink at {at[j]!r} along number {j}, so there is no derivative to compare with: "
                "move that number a little"
            )
    return step


def _shifted(f: Flat, at: list[float], j: int, step: float) -> tuple[list[float], list[float]]:
    """Return the results with number j moved, and on which side of its kink each op is, if it has one."""
    moved = [Value(x + step if i == j else x) for i, x in enumerate(at)]
    results = f(moved)
    sides: list[float] = []
    for node in _differentiated([y for y in results if isinstance(y, Value)]):
        if node.op is not None and node.op.kink is not None:
            operands = [[v.data for v in arg] if isinstance(arg, tuple) else arg.data for arg in node.operands]
            margin = node.op.kink.margin(*operands)
            sides.append(math.copysign(1.0, margin) if margin else 0.0)
    return [y.data if isinstance(y, Value) else y for y in results], sides


def _differentiated(results: list[Value]) -> list[Value]:
    """Return the nodes below the results, but none below a ``detach``: what is cut off is a constant, kinks and all."""
    found: dict[Value, None] = {}
    waiting = results[::-1]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found[node] = None
            if node.op is not detach:
                waiting.extend(node.inputs)
    return list(found)
