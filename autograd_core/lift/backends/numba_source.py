"""Numba source: a routine written out as loops, which Numba compiles.

Inside, an array with a batch axis is a matrix: a row for each of its members, in which the samples lie side by side. All
others are vectors. So every loop's innermost step is from one sample to the next, or from one number to the next, and
whatever is read is a base plus so many steps for each digit.

A routine becomes tasks. One fills an array, element by element, from a formula without sums; one folds, in loops; one
calls a kernel, which adds a sum of products to an array. Neighbours of the first kind share their loops, in which arrays
that nobody else reads are plain numbers. The others live in one vector, where those that are not needed at the same time
take turns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from math import isfinite, prod

import numpy as np
from numpy.typing import NDArray

from autograd_core import ops
from autograd_core.lift.colour import Indices
from autograd_core.lift.ir import Apply, Array, Contract, Expression, Number, Output, Routine, View, children, is_batched, views_in
from autograd_core.lift.spelling import ATOM, Spelling
from autograd_core.lift.trace import Shape

__all__ = ["Loops", "gradients", "looped"]

NUMBA = Spelling("", {})
STARTS = {"sum": "0.0", "max": "-inf", "min": "inf"}
JOINS = {"sum": ops.add, "max": ops.maximum, "min": ops.minimum}
LARGEST = float(np.finfo(np.float64).max)
MOST_NESTED = 20
OURS = {"n", "s", "scratch", "parameters", "gradient", "places", "constants", "range", "float"}


@dataclass(frozen=True)
class Loops:
    """The source of a function, and what it is to be called with.

    Its arguments are the inputs, the vector of all parameters, the tables and the constants, the scratch memory, an
    array for each output that is no gradient, and the vector of all gradients.

    Parameters
    ----------
    text : one function, named f.
    places : all tables of places, one after the other.
    constants : all constant arrays, one after the other.
    numbers : how many numbers of scratch memory it needs.
    rows : how many rows of samples it needs after those.
    """

    text: str
    places: Indices
    constants: NDArray[np.float64]
    numbers: int
    rows: int


def looped(routine: Routine) -> Loops:
    """Return a routine as the source of a function in loops."""
    tasks = _Tasks(routine)
    return _Writer(tasks).function()


def gradients(routine: Routine) -> dict[int, int]:
    """Return which outputs are the gradients of parameters, and where in the vector of all gradients each starts."""
    starts: dict[str, int] = {}
    end = 0
    for i in routine.given():
        array = routine.arrays[i]
        if array.kind == "parameter":
            starts[array.name] = end
            end += prod(array.shape)
    return {k: starts[o.name] for k, o in enumerate(routine.outputs) if o.name in starts and not o.batched}


# ---------------------------------------------------------------- tasks


@dataclass(frozen=True)
class _Task:
    """One thing to do: fill an array, fold into it, or call a kernel that adds to it.

    Every view has one axis, the array's members in a row; or that of all tables, if it has a table.

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
    def is_elementwise(self) -> bool:
        return not isinstance(self.expression, Contract)


class _Tasks:
    """The tasks of a routine, and its arrays, in which those are added that hold parts of formulas."""

    def __init__(self, routine: Routine) -> None:
        self.routine = routine
        self.arrays = list(routine.arrays)
        self.tasks: list[_Task] = []
        self.known: dict[tuple[Expression, Shape], View] = {}
        self.tables = [0, *np.cumsum([table.size for table in routine.tables]).tolist()]
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
            steps = [0 if _is_constant(table, d) else weights[d] for d in range(table.ndim)]
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
        sums = [t for t in terms if isinstance(t, Contract) and t.fold == "sum" and self._fills(t, out, sizes)]
        if not sums:
            self.tasks.append(self._folded(out, sizes, e) if isinstance(e, Contract) else _Task(out, sizes, self._simple(e, sizes)))
            return
        rest = [self._simple(t, sizes) for t in terms if not any([t is total for total in sums])]
        if rest:
            self.tasks.append(_Task(out, sizes, reduce(_plus, rest)))
        for i, total in enumerate(sums):
            self.tasks.append(self._added(out, sizes, total, fresh=not rest and i == 0))

    def _fills(self, e: Expression, out: int, sizes: Shape) -> bool:
        """Tell whether an expression has as many numbers as the array, so that none is computed twice."""
        batched = is_batched(e, self.arrays)
        return batched == self.arrays[out].batched and len(_digits(e)) == sum([size > 1 for size in sizes])

    def _simple(self, e: Expression, sizes: Shape) -> Expression:
        """Return an expression without contractions, nor too deep to be read: each part is computed on its own."""
        if isinstance(e, Contract):
            return self._kept(e, sizes)
        if not isinstance(e, Apply):
            return e
        if any([isinstance(t, Contract) and t.fold == "sum" for t in _terms(e)]):
            return self._kept(e, sizes)
        e = Apply(e.op, tuple([self._simple(operand, sizes) for operand in e.operands]))
        return self._kept(e, sizes) if _depth(e) > MOST_NESTED else e

    def _kept(self, e: Expression, sizes: Shape) -> View:
        """Return an array of its own that an expression fills; the same for the same one."""
        if (e, sizes) not in self.known:
            digits = sorted(_digits(e))
            shape = tuple([sizes[d] for d in digits])
            self.arrays.append(Array("part", shape, is_batched(e, self.arrays)))
            out = len(self.arrays) - 1
            self._compute(out, shape, _narrowed(e, digits, len(sizes)))
            weights = dict(zip(digits, _row_major(shape), strict=True))
            self.known[e, sizes] = View(out, (0,), (tuple([weights.get(d, 0) for d in range(len(sizes))]),))
        return self.known[e, sizes]

    def _folded(self, out: int, sizes: Shape, e: Contract) -> _Task:
        """Return the task of a fold other than a sum."""
        inner = sizes + e.sizes
        if e.fold != "logsumexp":
            return _Task(out, sizes, replace(e, factors=tuple([self._simple(f, inner) for f in e.factors])))
        (x,) = e.factors
        # The largest term is taken out; an infinite one as the largest number, which leaves no infinity less another.
        largest = Apply(ops.clip, (replace(e, fold="max"), Number(-LARGEST), Number(LARGEST)))
        shift = self._kept(largest, sizes)
        wider = replace(shift, steps=((*shift.steps[0], *[0] * len(e.sizes)),))
        total = replace(e, fold="sum", factors=(Apply(ops.exp, (Apply(ops.sub, (x, wider)),)),))
        return _Task(out, sizes, self._simple(Apply(ops.add, (shift, Apply(ops.log, (total,)))), sizes))

    # ------------------------------------------------------------ sums of products

    def _added(self, out: int, sizes: Shape, e: Contract, *, fresh: bool) -> _Task:
        """Return the task that adds a sum to an array: by a kernel, if there is one for it."""
        inner = sizes + e.sizes
        factors = e.factors
        if len(factors) == 1 and isinstance(factors[0], Apply) and factors[0].op is ops.square:
            factors = factors[0].operands * 2
        batched = [is_batched(factor, self.arrays) for factor in factors]
        kernel = ""
        if e.batch:
            free = [{d for d in _digits(factor) if d < len(sizes)} for factor in factors]
            kernel = "add_dots" if batched == [True, True] and not free[0] & free[1] else "add_sums"
            if kernel == "add_sums":
                factors = (reduce(_times, factors),)
        elif sorted(batched) == [False, True]:
            kernel = "add_products"
            factors = factors if batched[1] else factors[::-1]
        elif batched == [False, False]:
            views = [self._plain(factor, inner) for factor in factors]
            groups = _merged(inner, [_own(sizes, len(e.sizes)), *[view.steps[0] for view in views]])
            if groups and groups[-1][1] == (0, 1, 1):
                kernel, factors = "add_dot", tuple(views)
        if kernel:
            factors = tuple([self._plain(factor, inner) for factor in factors])
        else:
            factors = (self._simple(reduce(_times, factors), inner),)
        return _Task(out, sizes, replace(e, factors=factors), kernel, fresh)

    def _plain(self, e: Expression, sizes: Shape) -> View:
        """Return a view of an array in memory, which a kernel can read."""
        if isinstance(e, View) and e.table is None and self.arrays[e.array].kind != "batch size":
            return e
        return self._kept(e, sizes)


# ---------------------------------------------------------------- loops


@dataclass
class _Nest:
    """Tasks that share their loops; those of another kind than filling are alone."""

    tasks: list[_Task]

    def reads(self) -> Iterator[tuple[int, View]]:
        """Yield each view, and which of the tasks has it."""
        for k, task in enumerate(self.tasks):
            for view in views_in(task.expression):
                yield k, view


def _nests(tasks: Iterable[_Task], arrays: Sequence[Array]) -> list[_Nest]:
    """Return tasks in nests: a neighbour joins if it reads what is written there at its own place alone."""
    nests: list[_Nest] = []
    for task in tasks:
        last = nests[-1] if nests else _Nest([])
        written = {t.out for t in last.tasks}
        joins = (
            task.is_elementwise
            and all([t.is_elementwise and t.sizes == task.sizes for t in last.tasks])
            and all([arrays[t.out].batched == arrays[task.out].batched for t in last.tasks])
            and all([_is_own(view, task.sizes) for view in views_in(task.expression) if view.array in written])
        )
        if joins and nests:
            last.tasks.append(task)
        else:
            nests.append(_Nest([task]))
    return nests


@dataclass
class _Memory:
    """Blocks of one stretch of memory that are in use, and how long the stretch has to be."""

    blocks: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    size: int = 0

    def take(self, array: int, size: int) -> int:
        """Return where the first gap is that an array fits in, which is its own from now on."""
        start = 0
        for low, high in sorted(self.blocks.values()):
            if low - start >= size:
                break
            start = max(start, high)
        self.blocks[array] = start, start + size
        self.size = max(self.size, start + size)
        return start


class _Writer:
    def __init__(self, tasks: _Tasks) -> None:
        self.routine, self.arrays = tasks.routine, tasks.arrays
        self.nests = _nests(tasks.tasks, self.arrays)
        self.places: list[Indices] = [np.asarray(table, np.int64).ravel() for table in self.routine.tables]
        self.gradients = gradients(self.routine)
        self.direct = self._direct()
        self.first, self.last = self._lives()
        self.locals = self._locals()
        self.names = self._names()
        self.lines: list[str] = []

    def function(self) -> Loops:
        constants, where = self._constants()
        starts, memory = self._layout()
        given = self.routine.given()
        inputs = [i for i in given if self.arrays[i].kind == "input"]
        results = [f"out_{k}" for k in range(len(self.routine.outputs)) if k not in self.gradients]
        arguments = [*[self.names[i] for i in inputs], "parameters", "places", "constants", "scratch", *results, "gradient"]
        self._line(0, f"def f({', '.join(arguments)}):")
        batch = next((i for i in inputs if self.arrays[i].batched), None)
        self._line(1, f"n = {self.names[batch]}.shape[0]" if batch is not None else "n = 0")
        for i in inputs:
            self._flatten_input(i)
        for i, (start, end) in (self._parameters() | where).items():
            if i in self.last:
                self._line(1, f"{self.names[i]} = {'constants' if i in where else 'parameters'}[{start}:{end}]")
        for i, (result, start) in self.direct.items():
            self._line(1, f"{self.names[i]} = {result}[{start}:{start + self._size(i)}]")
        for i, start in starts.items():
            self._line(1, f"{self._row_name(i)} = {self._block(i, start, memory[0].size)}")
        for i in inputs:
            if i in starts:
                self._line(1, f"transpose({self._row_name(i)}, {self.names[i]})")
        for nest in self.nests:
            self._nest(nest)
        for k, output in enumerate(self.routine.outputs):
            self._output(k, output)
        places = np.concatenate([np.zeros(0, np.int64), *self.places])
        return Loops("\n".join(self.lines) + "\n", places, constants, memory[0].size, memory[1].size)

    def _line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def _size(self, i: int) -> int:
        return prod(self.arrays[i].shape)

    # ------------------------------------------------------------ where arrays live

    def _direct(self) -> dict[int, tuple[str, int]]:
        """Return the arrays that are computed right in an output: in which, and from where on."""
        found: dict[int, tuple[str, int]] = {}
        for k, output in enumerate(self.routine.outputs):
            if len(output.parts) == 1 and output.order is None and output.parts[0].places is None:
                i = output.parts[0].array
                if self.arrays[i].kind == "result" and not self.arrays[i].batched and not output.batched and i not in found:
                    found[i] = self._target(k)
        return found

    def _target(self, k: int) -> tuple[str, int]:
        """Return which vector an output is written to, and from where on."""
        return ("gradient", self.gradients[k]) if k in self.gradients else (f"out_{k}", 0)

    def _lives(self) -> tuple[dict[int, int], dict[int, int]]:
        """Return the nest in which each array is first written, and the one in which it is last needed."""
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for g, nest in enumerate(self.nests):
            for task in nest.tasks:
                first.setdefault(task.out, g)
                last[task.out] = g
            last |= {view.array: g for _, view in nest.reads()}
        for k, output in enumerate(self.routine.outputs):
            last |= {part.array: len(self.nests) for part in output.parts if self.direct.get(part.array) != self._target(k)}
        return {i: -1 for i in last} | first, last

    def _locals(self) -> set[int]:
        """Return the arrays that live in one nest of loops only, where they are numbers."""
        found: set[int] = set()
        for g, nest in enumerate(self.nests):
            outs = {task.out for task in nest.tasks if task.is_elementwise}
            found |= {i for i in outs if self.last[i] == g and i not in self.direct}
        return found

    def _layout(self) -> tuple[dict[int, int], tuple[_Memory, _Memory]]:
        """Return where in the scratch memory each array starts, and the memory of numbers and that of rows."""
        memory = _Memory(), _Memory()
        starts: dict[int, int] = {}
        for g in range(-1, len(self.nests)):
            begun = [i for i, first in self.first.items() if first == g and self._needs_memory(i)]
            for i in begun:
                own = memory[self.arrays[i].batched]
                donor = self._donor(i, g, own)
                if donor is None:
                    starts[i] = own.take(i, self._size(i))
                else:
                    own.blocks[i] = own.blocks.pop(donor)
                    starts[i] = own.blocks[i][0]
            for own in memory:
                for i in [i for i in own.blocks if self.last[i] <= g]:
                    del own.blocks[i]
        return starts, memory

    def _needs_memory(self, i: int) -> bool:
        array = self.arrays[i]
        if array.kind == "input":
            return array.batched and self._size(i) > 1
        return array.kind == "result" and i not in self.direct and i not in self.locals

    def _donor(self, i: int, g: int, memory: _Memory) -> int | None:
        """Return an array that is needed no more once this one is written, number by number, in its place."""
        nest = self.nests[g] if g >= 0 else _Nest([])
        if not all([task.is_elementwise for task in nest.tasks]):
            return None
        writer = next((k for k, task in enumerate(nest.tasks) if task.out == i), 0)
        for donor in memory.blocks:
            reads = [(k, view) for k, view in nest.reads() if view.array == donor]
            if (
                self.last[donor] == g > self.first[donor]
                and self._size(donor) == self._size(i)
                and all([k <= writer and _is_own(view, nest.tasks[0].sizes) for k, view in reads])
            ):
                return donor
        return None

    def _block(self, i: int, start: int, numbers: int) -> str:
        size = self._size(i)
        if not self.arrays[i].batched:
            return f"scratch[{start}:{start + size}]"
        return f"scratch[{numbers} + {start} * n:{numbers} + {start + size} * n].reshape(({size}, n))"

    def _parameters(self) -> dict[int, tuple[int, int]]:
        """Return where in the vector of all parameters each starts and ends."""
        found: dict[int, tuple[int, int]] = {}
        end = 0
        for i in self.routine.given():
            if self.arrays[i].kind == "parameter":
                found[i] = end, end + self._size(i)
                end += self._size(i)
        return found

    def _constants(self) -> tuple[NDArray[np.float64], dict[int, tuple[int, int]]]:
        """Return all constants in one vector, and where in it each array starts and ends."""
        data = {i: array.data for i, array in enumerate(self.arrays) if array.kind == "constant" and array.data is not None}
        ends = np.cumsum([0, *[numbers.size for numbers in data.values()]]).tolist()
        together = np.concatenate([np.zeros(0), *[numbers.ravel() for numbers in data.values()]])
        return together, {i: (ends[k], ends[k + 1]) for k, i in enumerate(data)}

    # ------------------------------------------------------------ names

    def _names(self) -> list[str]:
        """Return a name for each array that is an identifier, and nobody else's."""
        from autograd_core.lift.backends.numba_kernels import __all__ as functions

        taken = OURS | set(functions)
        names: list[str] = []
        for i, array in enumerate(self.arrays):
            name = re.sub(r"\W", "_", array.name) or "t"
            if name in taken or name[0].isdigit() or re.fullmatch(r"(i|j|out_|part|t)\d*", name):
                name = f"{name}_{i}"
            taken.add(name)
            names.append(name)
        return names

    def _row_name(self, i: int) -> str:
        """Return the name of an array as it is inside; that of an input, transposed, is another than outside."""
        array = self.arrays[i]
        return f"{self.names[i]}_rows" if array.kind == "input" and array.batched else self.names[i]

    def _flatten_input(self, i: int) -> None:
        array, name = self.arrays[i], self.names[i]
        if not array.batched:
            self._line(1, f"{name} = {name}.reshape(-1)")
        elif self._size(i) == 1:
            self._line(1, f"{self._row_name(i)} = {name}.reshape((1, n))")
        elif len(array.shape) != 1:
            self._line(1, f"{name} = {name}.reshape((n, {self._size(i)}))")

    # ------------------------------------------------------------ loops

    def _nest(self, nest: _Nest) -> None:
        task = nest.tasks[0]
        if task.kernel:
            self._kernel(task, task.expression)
        elif isinstance(task.expression, Contract):
            self._fold(task, task.expression)
        else:
            self._elementwise(nest)

    def _elementwise(self, nest: _Nest) -> None:
        sizes = nest.tasks[0].sizes
        batched = self.arrays[nest.tasks[0].out].batched
        own = _row_major(sizes)
        groups = _merged(sizes, [own, *[view.steps[0] for _, view in nest.reads()]])
        digits = [digit for digit, _, _ in groups]
        depth = self._open(1, [f"i{d} in range({size})" for d, (_, _, size) in enumerate(groups)])
        return

    def _open(self, depth: int, loops: Iterable[str]) -> int:
        for loop in loops:
            self._line(depth, f"for {loop}:")
            depth += 1
        return depth
