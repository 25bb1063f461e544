"""Numba source: a routine written out as loops, which Numba compiles.

Inside, an array with a batch axis is a matrix: a row for each of its members, in which the samples lie side by side. All
others are vectors. So the innermost loop goes from one sample to the next, and whatever is read is a base plus so many
steps for each digit.

A routine becomes tasks. One fills an array, element by element, from a formula without sums; one folds, in loops; one
calls a kernel, which adds a sum of products to an array. Neighbours of the first kind share their loops, in which arrays
that nobody else reads are plain numbers. The others live in one vector, where those that are not needed at the same time
take turns.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import accumulate
from math import prod

import numpy as np
from numpy.typing import NDArray

from autograd_core import ops
from autograd_core.lift.backends.vectors import Vectors
from autograd_core.lift.colour import Indices
from autograd_core.lift.definitions import definitions
from autograd_core.lift.ir import (
    Apply,
    Array,
    Contract,
    Expression,
    Number,
    Output,
    Routine,
    View,
    children,
    is_batched,
    views_in,
)
from autograd_core.lift.spelling import ATOM, NUMPY, Spelling
from autograd_core.lift.trace import Shape
from autograd_core.op import OPS

__all__ = ["LANES", "Loops", "gradients_in", "looped"]

LANES = 8
"""How many numbers are computed at once: rows of samples are as long as a multiple of this."""

NUMBA = Spelling("", {}, frozenset({*NUMPY.calls, *NUMPY.functions}))
STARTS = {"sum": "0.0", "max": "-inf", "min": "inf"}
JOINS = {"sum": "{} + {}", "max": "maximum({}, {})", "min": "minimum({}, {})"}
LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class _Kernel:
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
    "add_products": _Kernel(("i", "ik", "k")),
    "add_dots": _Kernel(("ij", "i", "j"), over_samples=True),
    "add_sums": _Kernel(("i", "i"), over_samples=True),
    "add_dot": _Kernel(("", "k", "k"), strides=False),
    "add_row": _Kernel(("j", "", "j"), strides=False),
}

OURS = {"constants", "gradient", "inf", "m", "n", "nan", "one", "parameters", "places", "rows", "s", "scratch", "total"}
RESERVED = {*OURS, *OPS, *KERNELS, "float", "range", "transpose"}


@dataclass(frozen=True)
class Loops:
    """The source of a function, and what it is to be called with.

    Its arguments are the inputs, the vector of all parameters, these tables, the scratch memory, an array for each output
    that is no gradient, and the vector of all gradients.

    Parameters
    ----------
    text : one function, named f.
    tables : all places that are read through a table, and all constant arrays, each kind in one vector, if there are any.
    numbers : how many numbers of scratch memory it needs.
    rows : how many rows of samples it needs after those.
    """

    text: str
    tables: tuple[NDArray[np.int64] | NDArray[np.float64], ...]
    numbers: int
    rows: int


def looped(routine: Routine) -> Loops:
    """Return a routine as the source of a function in loops."""
    return _Writer(_Tasks(routine)).function()


def gradients_in(routine: Routine) -> dict[int, int]:
    """Return which outputs are in the vector of all gradients, and where in it each one starts."""
    which = [k for k in Vectors(routine).gradients if not routine.outputs[k].batched]
    starts = accumulate([prod(routine.outputs[k].shape) for k in which], initial=0)
    return dict(zip(which, starts, strict=False))


# ---------------------------------------------------------------- tasks


@dataclass(frozen=True)
class _Task:
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


class _Tasks:
    """The tasks of a routine, and its arrays, to which those are added that hold parts of formulas."""

    def __init__(self, routine: Routine) -> None:
        self.routine = routine
        self.arrays = list(routine.arrays)
        self.tasks: list[_Task] = []
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
            weights = _row_major(table.shape)
            steps = [0 if (table == table.take([0], axis=d)).all() else weights[d] for d in range(table.ndim)]
            return View(e.array, (self.tables[e.table],), (tuple(steps),), e.table)
        weights = _row_major(self.arrays[e.array].shape)
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
                self.tasks.append(_Task(out, sizes, reduce(_plus, rest)))
            for i, added in enumerate(sums):
                self.tasks.append(self._added(out, sizes, added, fresh=not rest and i == 0))
        elif isinstance(e, Contract):
            self.tasks.append(self._folded(out, sizes, e))
        else:
            self.tasks.append(_Task(out, sizes, self._simple(e, sizes, apart=False)))

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
            steps = dict(zip(digits, _row_major(shape), strict=True))
            self.kept[e, sizes] = View(out, (0,), (tuple([steps.get(d, 0) for d in range(len(sizes))]),))
        return self.kept[e, sizes]

    def _folded(self, out: int, sizes: Shape, e: Contract) -> _Task:
        """Return the task of a fold other than a sum."""
        inner = sizes + e.sizes
        if e.fold != "logsumexp":
            return _Task(out, sizes, replace(e, factors=tuple([self._simple(f, inner) for f in e.factors])))
        # The largest term is taken out; the largest number for an infinite one, as infinity less infinity is nothing.
        largest = Apply(ops.clip, (replace(e, fold="max"), Number(-LARGEST), Number(LARGEST)))
        shift = self._keep(largest, sizes)
        widened = replace(shift, steps=((*shift.steps[0], *[0] * len(e.sizes)),))
        total = replace(e, fold="sum", factors=(Apply(ops.exp, (Apply(ops.sub, (e.factors[0], widened)),)),))
        return _Task(out, sizes, self._simple(_plus(shift, Apply(ops.log, (total,))), sizes))

    # ------------------------------------------------------------ sums of products

    def _added(self, out: int, sizes: Shape, e: Contract, *, fresh: bool) -> _Task:
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
        return _Task(out, sizes, replace(e, factors=factors), kernel, fresh)

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
        c = View(out, (0,), ((*_row_major(sizes), *[0] * (len(inner) - len(sizes))),))
        a, b = views
        longest, found = 0, ("", (a, b))
        for kernel, factors in (("add_dot", (a, b)), ("add_row", (a, b)), ("add_row", (b, a))):
            for d, size in _merged(inner, (c, a, b)):
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


def _row_major(shape: Shape) -> tuple[int, ...]:
    """Return by how much each axis moves in a flattened array; one of length 1 does not."""
    return tuple([prod(shape[axis + 1 :]) if size > 1 else 0 for axis, size in enumerate(shape)])


def _is_own(view: View, sizes: Shape) -> bool:
    """Tell whether a view reads its array in order."""
    return view.table is None and view.base == (0,) and view.steps[0] == _row_major(sizes)


def _merged(sizes: Shape, views: Iterable[View]) -> list[tuple[int, int]]:
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


# ---------------------------------------------------------------- nests and memory


@dataclass(frozen=True)
class _Nest:
    """Tasks that share their loops; one that does not fill is alone."""

    tasks: list[_Task]

    def reads(self) -> Iterator[tuple[int, View]]:
        """Yield each view, and which of the tasks has it."""
        for k, task in enumerate(self.tasks):
            for view in views_in(task.expression):
                yield k, view

    def admits(self, task: _Task, arrays: Sequence[Array]) -> bool:
        """Tell whether a task may join: what is written here, it reads at its own place alone."""
        first, written = self.tasks[0], {t.out for t in self.tasks}
        return (
            first.fills
            and task.fills
            and first.sizes == task.sizes
            and arrays[first.out].batched == arrays[task.out].batched
            and all([_is_own(view, task.sizes) for view in views_in(task.expression) if view.array in written])
        )


def _nests(tasks: Iterable[_Task], arrays: Sequence[Array]) -> list[_Nest]:
    nests: list[_Nest] = []
    for task in tasks:
        if nests and nests[-1].admits(task, arrays):
            nests[-1].tasks.append(task)
        else:
            nests.append(_Nest([task]))
    return nests


@dataclass
class _Memory:
    """The blocks of a stretch of memory that are in use, by array, and how long the stretch has to be."""

    blocks: dict[int, range] = field(default_factory=dict[int, range])
    size: int = 0

    def take(self, array: int, size: int) -> None:
        """Give an array the first gap that it fits in."""
        start = 0
        for block in sorted(self.blocks.values(), key=lambda block: block.start):
            if block.start - start >= size:
                break
            start = block.stop
        self.blocks[array] = range(start, start + size)
        self.size = max(self.size, start + size)


class _Layout:
    """Where each array lives: in an output, in the scratch memory, or as a number in the nest that alone knows it."""

    def __init__(self, routine: Routine, arrays: Sequence[Array], nests: Sequence[_Nest]) -> None:
        self.routine, self.arrays, self.nests = routine, arrays, nests
        self.gradients = gradients_in(routine)
        self.outputs = self._outputs()
        self.first, self.last = self._lives()
        self.numbers = {
            task.out
            for g, nest in enumerate(nests)
            for task in nest.tasks
            if self.first[task.out] == self.last[task.out] == g and task.fills and task.out not in self.outputs
        }
        self.memory = _Memory(), _Memory()  # of numbers, and of rows of samples
        self.blocks: dict[int, range] = {}
        for g in range(-1, len(nests)):
            self._place(g)

    @property
    def numbers_end(self) -> int:
        """Where the rows start, each at a multiple of as many numbers as are computed at once."""
        return self.memory[0].size + -self.memory[0].size % LANES

    def size(self, i: int) -> int:
        return prod(self.arrays[i].shape)

    def target(self, k: int) -> tuple[str, int]:
        """Return which vector an output is written to, and from where on."""
        return ("gradient", self.gradients[k]) if k in self.gradients else (f"out_{k}", 0)

    def is_written(self, k: int) -> bool:
        """Tell whether an output needs no copying: the array that it consists of is computed in its place."""
        parts = self.routine.outputs[k].parts
        return len(parts) == 1 and self.outputs.get(parts[0].array) == self.target(k)

    def _outputs(self) -> dict[int, tuple[str, int]]:
        found: dict[int, tuple[str, int]] = {}
        for k, output in enumerate(self.routine.outputs):
            part = output.parts[0]
            array = self.arrays[part.array]
            in_order = len(output.parts) == 1 and output.order is None and part.places is None
            if in_order and array.kind == "result" and not array.batched and not output.batched:
                found.setdefault(part.array, self.target(k))
        return found

    def _lives(self) -> tuple[dict[int, int], dict[int, int]]:
        """Return the nest in which each array is first written, -1 if it is given, and the one in which it is last needed."""
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for g, nest in enumerate(self.nests):
            first |= {task.out: g for task in nest.tasks if task.out not in first}
            last |= {task.out: g for task in nest.tasks}
            last |= {view.array: g for _, view in nest.reads()}
        for k, output in enumerate(self.routine.outputs):
            if not self.is_written(k):
                last |= {part.array: len(self.nests) for part in output.parts}
        return {i: first.get(i, -1) for i in last}, last

    def _place(self, g: int) -> None:
        """Find memory for the arrays that are first written in a nest, then free that of those that are last read there."""
        for i, first in self.first.items():
            if first == g and self._needs_memory(i):
                memory = self.memory[self.arrays[i].batched]
                donor = self._donor(i, g, memory) if g >= 0 else None
                if donor is None:
                    memory.take(i, self.size(i))
                else:
                    memory.blocks[i] = memory.blocks.pop(donor)
                self.blocks[i] = memory.blocks[i]
        for memory in self.memory:
            memory.blocks = {i: block for i, block in memory.blocks.items() if self.last[i] > g}

    def _needs_memory(self, i: int) -> bool:
        array = self.arrays[i]
        if array.kind == "input":
            return array.batched
        return array.kind == "result" and i not in self.outputs and i not in self.numbers

    def _donor(self, i: int, g: int, memory: _Memory) -> int | None:
        """Return an array of which each number is needed no more when one of this array is put in its place."""
        nest = self.nests[g]
        writer = next(k for k, task in enumerate(nest.tasks) if task.out == i)
        for donor in memory.blocks:
            if self.last[donor] == g > self.first[donor] and self.size(donor) == self.size(i) and nest.tasks[0].fills:
                reads = [(k, view) for k, view in nest.reads() if view.array == donor]
                if all([k <= writer and _is_own(view, nest.tasks[0].sizes) for k, view in reads]):
                    return donor
        return None


# ---------------------------------------------------------------- source


class _Writer:
    def __init__(self, tasks: _Tasks) -> None:
        self.routine, self.arrays = tasks.routine, tasks.arrays
        self.nests = _nests(tasks.tasks, self.arrays)
        self.layout = _Layout(self.routine, self.arrays, self.nests)
        self.places: list[Indices] = [table.ravel() for table in self.routine.tables]
        self.names = _names(self.arrays)
        self.lines: list[str] = []

    def function(self) -> Loops:
        inputs = [i for i in self.routine.given() if self.arrays[i].kind == "input"]
        batched = [i for i in inputs if self.arrays[i].batched]
        # Numbers are 8 bytes apart, which the compiler cannot know: or else it would write short loops out, turn by turn.
        self._line(1, "one = scratch.strides[0] // 8")
        self._line(1, f"n = {self.names[batched[0]]}.shape[0]" if batched else "n = 0")
        count = self.layout.memory[1].size
        if count:
            start = self.layout.numbers_end
            self._line(1, f"m = n + -n % {LANES}")
            self._line(1, f"rows = scratch[{start}:{start} + {count} * m].reshape(({count}, m))")
        constants = self._views(inputs)
        for i in batched:
            if i in self.layout.blocks:
                self._line(1, f"transpose({self._name(i)}, {self.names[i]}.reshape((n, {self.layout.size(i)})))")
        for nest in self.nests:
            self._nest(nest)
        for k, output in enumerate(self.routine.outputs):
            if not self.layout.is_written(k):
                self._output(k, output)
        tables = {"places": np.concatenate([np.zeros(0, np.int64), *self.places]), "constants": constants}
        used = {name: table for name, table in tables.items() if len(table)}
        results = [f"out_{k}" for k in range(len(self.routine.outputs)) if k not in self.layout.gradients]
        arguments = [*[self.names[i] for i in inputs], "parameters", *used, "scratch", *results, "gradient"]
        text = "\n".join([f"def f({', '.join(arguments)}):", *self.lines])
        return Loops(f"{''.join(definitions(self.routine, NUMBA))}{text}\n", tuple(used.values()), self.layout.numbers_end, self.layout.memory[1].size)

    def _line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    # ------------------------------------------------------------ arrays

    def _name(self, i: int) -> str:
        """Return the name of an array as it lies inside; that of an input with samples in rows is another than outside."""
        array = self.arrays[i]
        return f"{self.names[i]}_rows" if array.kind == "input" and array.batched else self.names[i]

    def _views(self, inputs: Sequence[int]) -> NDArray[np.float64]:
        """Write where each array that is read or written lies; return all constants, one after the other."""
        ends = {"parameters": 0, "constants": 0}
        constants = [np.zeros(0)]
        for i, array in enumerate(self.arrays):
            if array.kind == "constant" and array.data is not None:
                constants.append(array.data.ravel())
            if array.kind in ("constant", "parameter"):
                owner = f"{array.kind}s"
                self._slice(i, owner, ends[owner])
                ends[owner] += self.layout.size(i)
            elif i in self.layout.outputs:
                self._slice(i, *self.layout.outputs[i])
            elif i in self.layout.blocks:
                self._block(i)
            elif i in inputs and i in self.layout.last:
                self._line(1, f"{self.names[i]} = {self.names[i]}.reshape(-1)")
        return np.concatenate(constants)

    def _slice(self, i: int, owner: str, start: int) -> None:
        if i in self.layout.last:
            self._line(1, f"{self.names[i]} = {owner}[{start}:{start + self.layout.size(i)}]")

    def _block(self, i: int) -> None:
        block = self.layout.blocks[i]
        if not self.arrays[i].batched:
            self._line(1, f"{self.names[i]} = scratch[{block.start}:{block.stop}]")
            return
        self._line(1, f"{self._name(i)} = rows[{block.start}:{block.stop}]")

    # ------------------------------------------------------------ loops

    def _nest(self, nest: _Nest) -> None:
        task = nest.tasks[0]
        if not isinstance(task.expression, Contract):
            self._fill(nest)
        elif task.kernel:
            self._kernel(task, task.expression)
        else:
            self._fold(task, task.expression)

    def _own(self, task: _Task, inner: Shape = ()) -> View:
        """Return the array that a task writes, as it is seen there."""
        return View(task.out, (0,), ((*_row_major(task.sizes), *[0] * len(inner)),))

    def _open(self, depth: int, groups: Iterable[tuple[int, int]], *, samples: bool = False) -> int:
        """Write the heads of loops over digits, and perhaps over samples; return the depth inside of them."""
        for d, size in groups:
            self._line(depth, f"for i{d} in range({size} * one):")
            depth += 1
        if samples:
            self._line(depth, "for s in range(n):")
        return depth + samples

    def _fill(self, nest: _Nest) -> None:
        first = nest.tasks[0]
        digits = _merged(first.sizes, [self._own(first), *[view for _, view in nest.reads()]])
        depth = self._open(1, digits, samples=self.arrays[first.out].batched)
        for task in nest.tasks:
            self._line(depth, f"{self._read(self._own(task), digits)} = {self._text(task.expression, digits)[0]}")

    def _fold(self, task: _Task, e: Contract) -> None:
        own = self._own(task, e.sizes)
        digits = _merged(task.sizes + e.sizes, [own, *views_in(e)])
        outer = [(d, size) for d, size in digits if own.steps[0][d]]
        inner = [(d, size) for d, size in digits if not own.steps[0][d]]
        out, term = self._read(own, digits), self._text(e.factors[0], digits)[0]
        batched = self.arrays[task.out].batched
        depth = self._open(1, outer)
        total = out if batched else "total"
        if batched and task.fresh:
            self._line(self._open(depth, [], samples=True), f"{out} = {STARTS[e.fold]}")
        elif not batched:
            self._line(depth, f"total = {STARTS[e.fold] if task.fresh else out}")
        self._line(
            self._open(depth, inner, samples=batched or e.batch), f"{total} = {JOINS[e.fold].format(total, term)}"
        )
        if not batched:
            self._line(depth, f"{out} = total")

    # ------------------------------------------------------------ kernels

    def _kernel(self, task: _Task, e: Contract) -> None:
        """Write the call of a kernel, in loops over the digits that it has no loops for."""
        views = [self._own(task, e.sizes), *views_in(e)]
        kernel = KERNELS[task.kernel]
        digits = _merged(task.sizes + e.sizes, views)
        chosen: dict[str, tuple[int, int]] = {}
        for letter in sorted(set("".join(kernel.loops))):
            fitting = [(d, size) for d, size in digits if kernel.fits(letter, [view.steps[0][d] for view in views])]
            chosen[letter] = max(fitting, key=lambda group: group[1], default=(-1, 1))
            digits = [group for group in digits if group != chosen[letter]]
        fresh = task.fresh
        if fresh and not all([views[0].steps[0][d] for d, _ in digits]):
            self._line(1, f"{self._name(task.out)}[:] = 0.0")
            fresh = False
        arguments: list[str] = []
        for view, has in zip(views, kernel.loops, strict=True):
            arguments += [self._name(view.array), _index(view.base[0], view.steps[0], digits)]
            if kernel.strides:
                arguments += [str(view.steps[0][d]) if d >= 0 else "0" for d, _ in [chosen[letter] for letter in has]]
        arguments += [str(size) for _, size in chosen.values()]
        arguments += [*["n"] * kernel.over_samples, str(fresh)]
        self._line(self._open(1, digits), f"{task.kernel}({', '.join(arguments)})")

    # ------------------------------------------------------------ formulas

    def _text(self, e: Expression, digits: Sequence[tuple[int, int]]) -> tuple[str, int]:
        """Return a formula, and how tightly it holds together."""
        if isinstance(e, Number):
            text = repr(e.value)
            return text, ATOM if text[0] != "-" else 0
        if isinstance(e, View):
            return self._read(e, digits), ATOM
        assert isinstance(e, Apply), "contractions are tasks of their own"
        operands = [self._text(operand, digits) for operand in e.operands]
        template, tightness = NUMBA.op(e.op.name)
        if tightness == ATOM:
            texts = [text for text, _ in operands]
            return (texts[0] if template == "{}" else f"{e.op.name}({', '.join(texts)})"), ATOM
        # What stands on the left is computed first without brackets too, but for a power's.
        first = tightness if len(operands) == 2 else tightness + 1
        least = (first, tightness + 1)
        texts = [text if own >= enough else f"({text})" for (text, own), enough in zip(operands, least, strict=False)]
        return template.format(*texts), tightness

    def _read(self, view: View, digits: Sequence[tuple[int, int]]) -> str:
        """Return a member of an array in loops over digits."""
        array = self.arrays[view.array]
        if array.kind == "batch size":
            return "float(n)"
        if view.array in self.layout.numbers:
            return self.names[view.array]
        place = _index(view.base[0], view.steps[0], digits)
        return self._member(view.array, place if view.table is None else f"places[{place}]")

    def _member(self, i: int, place: str) -> str:
        return f"{self._name(i)}[{place}, s]" if self.arrays[i].batched else f"{self._name(i)}[{place}]"

    # ------------------------------------------------------------ outputs

    def _output(self, k: int, output: Output) -> None:
        """Copy the parts of an output to their places in it."""
        target, start = self.layout.target(k)
        order = np.arange(prod(output.shape)) if output.order is None else output.order
        stop = 0
        for part in output.parts:
            size = self.layout.size(part.array) if part.places is None else part.places.size
            stop, first = stop + size, stop
            to = np.flatnonzero((order >= first) & (order < stop))
            place = order[to] - first if part.places is None else part.places.ravel()[order[to] - first]
            here = f"{target}[s, {self._listed(to)}]" if output.batched else f"{target}[{self._listed(start + to)}]"
            is_size = self.arrays[part.array].kind == "batch size"
            depth = self._open(1, [], samples=output.batched)
            self._line(depth, f"for j in range({len(to)} * one):")
            self._line(
                depth + 1, f"{here} = {'float(n)' if is_size else self._member(part.array, self._listed(place))}"
            )

    def _listed(self, places: Indices) -> str:
        """Return the j-th of some places."""
        first = int(places[0]) if len(places) else 0
        if (places == first + np.arange(len(places))).all():
            return f"j + {first}" if first else "j"
        self.places.append(places)
        return f"places[j + {sum([table.size for table in self.places[:-1]])}]"


def _index(base: int, steps: Sequence[int], digits: Iterable[tuple[int, int]]) -> str:
    """Return a place in loops over digits."""
    terms = [f"{steps[d]} * i{d}" if steps[d] != 1 else f"i{d}" for d, _ in digits if steps[d]]
    return " + ".join([*terms, *[str(base)] * (base > 0 or not terms)])


def _names(arrays: Sequence[Array]) -> list[str]:
    """Return a name for each array, which nothing else in the source has."""
    taken = set(RESERVED)
    names: list[str] = []
    for i, array in enumerate(arrays):
        name = re.sub(r"\W", "_", array.name)
        if name in taken or re.fullmatch(r"|[ij]?\d.*|j|out_.*|.*_rows|t\d+", name) or keyword.iskeyword(name):
            name = f"t{i}"
        taken.add(name)
        names.append(name)
    return names
