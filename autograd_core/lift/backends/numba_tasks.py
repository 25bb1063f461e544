"""Numba's tasks: what a routine's loops do, one after the other, and which of them share their loops.

One kind of task fills an array, element by element, from a formula without sums; one folds, in loops; one calls a
kernel, which adds a sum of products to an array. Neighbours of the first kind share their loops: they are a nest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import accumulate
from math import prod

import numpy as np

from autograd_core import ops
from autograd_core.lift.ir import (
    Apply,
    Array,
    Contract,
    Expression,
    Number,
    Routine,
    View,
    children,
    is_batched,
    views_in,
)
from autograd_core.lift.trace import Shape

__all__ = ["KERNELS", "Nest", "Task", "Tasks", "is_own", "merged", "nested", "row_major"]

LARGEST = float(np.finfo(np.float64).max)


# ---------------------------------------------------------------- kernels


@dataclass(frozen=True)
class Kernel:
    """What is known of a kernel.

    Parameters
    ----------
    loops : for each operand, the result first, which of the kernel's loops go along it.
    strides : whether it is told by how much they move it; else it is by 1.
    over_samples : whether it is told how many samples there are.
    """

    loops: tuple[str, ...]
    strides: bool = True
    over_samples: bool = False

    def fits(self, letter: str, steps: Sequence[int]) -> bool:
        """Tell whether a digit can be one of the loops: it moves only operands that have it, the result in any case."""
        only = all([(not step or letter in has) for step, has in zip(steps, self.loops, strict=True)])
        units = self.strides or all([step == 1 for step, has in zip(steps, self.loops, strict=True) if letter in has])
        return only and units and bool(steps[0]) == (letter in self.loops[0])


KERNELS = {
    "add_products": Kernel(("i", "ik", "k")),
    "add_dots": Kernel(("ij", "i", "j"), over_samples=True),
    "add_sums": Kernel(("i", "i"), over_samples=True),
    "add_dot": Kernel(("", "k", "k"), strides=False),
    "add_row": Kernel(("j", "", "j"), strides=False),
}


# ---------------------------------------------------------------- tasks


@dataclass(frozen=True)
class Task:
    """One thing to do: fill an array, fold into it, or call a kernel that adds to it.

    Every view has one axis: the members of its array in a row; or all places that there are, if it reads through them.

    Parameters
    ----------
    out : the array, which is written in order.
    sizes : of its digits.
    expression : without contractions; but a fold, or a kernel's sum of products, is one.
    kernel : its name, if it is one.
    fresh : whether there is nothing in the array yet.
    """

    out: int
    sizes: Shape
    expression: Expression
    kernel: str = ""
    fresh: bool = True

    @property
    def fills(self) -> bool:
        """Whether it goes element by element."""
        return not isinstance(self.expression, Contract)


class Tasks:
    """The tasks of a routine, and its arrays, to which those are added that hold parts of formulas.

    Parameters
    ----------
    routine : which is left as it is.
    """

    def __init__(self, routine: Routine) -> None:
        self.routine = routine
        self.arrays = list(routine.arrays)
        self.tasks: list[Task] = []
        self.kept: dict[tuple[Expression, Shape], View] = {}
        self.tables = list(accumulate([table.size for table in routine.tables], initial=0))
        for statement in routine.statements:
            sizes = self.arrays[statement.out].shape
            self._compute(statement.out, sizes, self._flat(statement.expression, sizes))

    def _flat(self, e: Expression, sizes: Shape) -> Expression:
        """Return an expression whose views have one axis, along which no digit of size 1 moves them."""
        if isinstance(e, Apply):
            return Apply(e.op, tuple([self._flat(operand, sizes) for operand in e.operands]))
        if isinstance(e, Contract):
            return replace(e, factors=tuple([self._flat(factor, sizes + e.sizes) for factor in e.factors]))
        if isinstance(e, Number):
            return e
        if e.table is not None:
            table = self.routine.tables[e.table]
            weights = row_major(table.shape)
            steps = [0 if (table == table.take([0], axis=d)).all() else weights[d] for d in range(table.ndim)]
            return View(e.array, (self.tables[e.table],), (tuple(steps),), e.table)
        weights = row_major(self.arrays[e.array].shape)
        base = sum([b * weight for b, weight in zip(e.base, weights, strict=True)])
        moves = [
            sum([steps[d] * weight for steps, weight in zip(e.steps, weights, strict=True)]) if size > 1 else 0
            for d, size in enumerate(sizes)
        ]
        return View(e.array, (base,), (tuple(moves),))

    def _compute(self, out: int, sizes: Shape, e: Expression) -> None:
        """Add the tasks that fill an array: sums of products are added to what the rest of a sum leaves there."""
        terms = list(_terms(e))
        sums = [t for t in terms if isinstance(t, Contract) and t.fold == "sum" and self._is_full(t, out, sizes)]
        if sums:
            rest = [self._simple(t, sizes) for t in terms if not any([t is added for added in sums])]
            if rest:
                self.tasks.append(Task(out, sizes, reduce(_plus, rest)))
            for i, added in enumerate(sums):
                self.tasks.append(self._added(out, sizes, added, fresh=not rest and i == 0))
        elif isinstance(e, Contract):
            self.tasks.append(self._folded(out, sizes, e))
        else:
            self.tasks.append(Task(out, sizes, self._simple(e, sizes, apart=False)))

    def _is_full(self, e: Expression, out: int, sizes: Shape) -> bool:
        """Tell whether an expression differs from number to number of the array, so that none is computed twice."""
        moving = sum([size > 1 for size in sizes])
        return is_batched(e, self.arrays) == self.arrays[out].batched and len(_digits(e, len(sizes))) == moving

    def _simple(self, e: Expression, sizes: Shape, *, apart: bool = True) -> Expression:
        """Return an expression without contractions: these are computed beforehand.

        Parameters
        ----------
        apart : whether a whole sum with contractions in it is computed so.
        """
        if isinstance(e, Contract):
            return self._keep(e, sizes)
        if not isinstance(e, Apply):
            return e
        if apart and e.op is ops.add and any([isinstance(t, Contract) for t in _terms(e)]):
            return self._keep(e, sizes)
        return Apply(e.op, tuple([self._simple(operand, sizes) for operand in e.operands]))

    def _keep(self, e: Expression, sizes: Shape) -> View:
        """Return a view of an array that an expression fills beforehand; of one array for the same expression."""
        if (e, sizes) not in self.kept:
            digits = _digits(e, len(sizes))
            shape = tuple([sizes[d] for d in digits])
            self.arrays.append(Array("", shape, is_batched(e, self.arrays)))
            out = len(self.arrays) - 1
            self._compute(out, shape, _narrowed(e, digits, len(sizes)))
            steps = dict(zip(digits, row_major(shape), strict=True))
            self.kept[e, sizes] = View(out, (0,), (tuple([steps.get(d, 0) for d in range(len(sizes))]),))
        return self.kept[e, sizes]

    def _folded(self, out: int, sizes: Shape, e: Contract) -> Task:
        """Return the task of a fold other than a sum."""
        inner = sizes + e.sizes
        if e.fold != "logsumexp":
            return Task(out, sizes, replace(e, factors=tuple([self._simple(f, inner) for f in e.factors])))
        # The largest term is taken out; the largest number for an infinite one, as infinity less infinity is nothing.
        largest = Apply(ops.clip, (replace(e, fold="max"), Number(-LARGEST), Number(LARGEST)))
        shift = self._keep(largest, sizes)
        widened = replace(shift, steps=((*shift.steps[0], *[0] * len(e.sizes)),))
        total = replace(e, fold="sum", factors=(Apply(ops.exp, (Apply(ops.sub, (e.factors[0], widened)),)),))
        return Task(out, sizes, self._simple(_plus(shift, Apply(ops.log, (total,))), sizes))

    # ------------------------------------------------------------ sums of products

    def _added(self, out: int, sizes: Shape, e: Contract, *, fresh: bool) -> Task:
        """Return the task that adds a sum to an array: by a kernel, if one does such sums."""
        inner = sizes + e.sizes
        factors = _factors(e)
        batched = [is_batched(factor, self.arrays) for factor in factors]
        kernel = ""
        if e.batch and (batched != [True, True] or self._shares(factors, len(sizes))):
            kernel, factors = "add_sums", (reduce(_times, factors),)
        elif e.batch:
            kernel = "add_dots"
        elif sorted(batched) == [False, True]:
            kernel, factors = "add_products", factors if batched[1] else factors[::-1]
        elif batched == [False, False]:
            views = [self._plain(factor, inner) for factor in factors]
            kernel, factors = self._of_vectors(out, sizes, inner, views)
        if kernel:
            factors = tuple([self._plain(factor, inner) for factor in factors])
        else:
            factors = (self._simple(reduce(_times, factors), inner),)
        return Task(out, sizes, replace(e, factors=factors), kernel, fresh)

    def _shares(self, factors: Sequence[Expression], rank: int) -> bool:
        """Tell whether a digit of the result is one of both factors."""
        return not set(_digits(factors[0], rank)).isdisjoint(_digits(factors[1], rank))

    def _plain(self, e: Expression, sizes: Shape) -> View:
        """Return a view of an array in memory, which a kernel can read."""
        if isinstance(e, View) and e.table is None and self.arrays[e.array].kind != "batch size":
            return e
        return self._keep(e, sizes)

    def _of_vectors(self, out: int, sizes: Shape, inner: Shape, views: Sequence[View]) -> tuple[str, tuple[View, ...]]:
        """Return the kernel that goes along the longest row of a product of vectors, and its factors; none if there is no row."""
        c = View(out, (0,), ((*row_major(sizes), *[0] * (len(inner) - len(sizes))),))
        a, b = views
        longest, found = 0, ("", (a, b))
        for kernel, factors in (("add_dot", (a, b)), ("add_row", (a, b)), ("add_row", (b, a))):
            for d, size in merged(inner, (c, a, b)):
                steps = [view.steps[0][d] for view in (c, *factors)]
                if size > longest and any([KERNELS[kernel].fits(letter, steps) for letter in "jk"]):
                    longest, found = size, (kernel, factors)
        return found


# ---------------------------------------------------------------- expressions


def _plus(a: Expression, b: Expression) -> Expression:
    return Apply(ops.add, (a, b))


def _times(a: Expression, b: Expression) -> Expression:
    return Apply(ops.mul, (a, b))


def _terms(e: Expression) -> Iterator[Expression]:
    """Yield what a sum is the sum of."""
    if isinstance(e, Apply) and e.op is ops.add:
        for operand in e.operands:
            yield from _terms(operand)
    else:
        yield e


def _factors(e: Contract) -> tuple[Expression, ...]:
    """Return what is multiplied: a square is two factors."""
    first = e.factors[0]
    is_square = len(e.factors) == 1 and isinstance(first, Apply) and first.op is ops.square
    return children(first) * 2 if is_square else e.factors


def _digits(e: Expression, rank: int) -> list[int]:
    """Return which of the first so many digits an expression moves along."""
    return sorted({d for view in views_in(e) for d, step in enumerate(view.steps[0][:rank]) if step})


def _narrowed(e: Expression, digits: Sequence[int], rank: int) -> Expression:
    """Return an expression in some of its digits, and those that are contracted inside."""
    if isinstance(e, View):
        (steps,) = e.steps
        return replace(e, steps=((*[steps[d] for d in digits], *steps[rank:]),))
    if isinstance(e, Apply):
        return Apply(e.op, tuple([_narrowed(operand, digits, rank) for operand in e.operands]))
    if isinstance(e, Contract):
        return replace(e, factors=tuple([_narrowed(factor, digits, rank) for factor in e.factors]))
    return e


def row_major(shape: Shape) -> tuple[int, ...]:
    """Return by how much each axis moves in a flattened array; one of length 1 does not."""
    return tuple([prod(shape[axis + 1 :]) if size > 1 else 0 for axis, size in enumerate(shape)])


def is_own(view: View, sizes: Shape) -> bool:
    """Tell whether a view reads its array in order."""
    return view.table is None and view.base == (0,) and view.steps[0] == row_major(sizes)


def merged(sizes: Shape, views: Iterable[View]) -> list[tuple[int, int]]:
    """Return as few digits as suffice for all views, each with its size: one takes in its left neighbour if it can."""
    steps = [view.steps[0] for view in views]
    groups: list[tuple[int, int]] = []
    for d, size in enumerate(sizes):
        if size == 1:
            continue
        if groups and all([s[groups[-1][0]] == s[d] * size for s in steps]):
            groups[-1] = d, groups[-1][1] * size
        else:
            groups.append((d, size))
    return groups


# ---------------------------------------------------------------- nests


@dataclass(frozen=True)
class Nest:
    """Tasks that share their loops; one that does not fill is alone."""

    tasks: list[Task]

    def reads(self) -> Iterator[tuple[int, View]]:
        """Yield each view, and which of the tasks has it."""
        for k, task in enumerate(self.tasks):
            for view in views_in(task.expression):
                yield k, view

    def admits(self, task: Task, arrays: Sequence[Array]) -> bool:
        """Tell whether a task may join: what is written here, it reads at its own place alone."""
        first, written = self.tasks[0], {t.out for t in self.tasks}
        return (
            first.fills
            and task.fills
            and first.sizes == task.sizes
            and arrays[first.out].batched == arrays[task.out].batched
            and all([is_own(view, task.sizes) for view in views_in(task.expression) if view.array in written])
        )


def nested(tasks: Iterable[Task], arrays: Sequence[Array]) -> list[Nest]:
    """Return tasks in nests: each joins its neighbour's if it may."""
    nests: list[Nest] = []
    for task in tasks:
        if nests and nests[-1].admits(task, arrays):
            nests[-1].tasks.append(task)
        else:
            nests.append(Nest([task]))
    return nests
