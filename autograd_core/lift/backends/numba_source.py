"""Numba source: a routine written out as loops, which Numba compiles.

Inside, an array with a batch axis is a matrix: a row for each of its members, in which the samples lie side by side. All
others are vectors. So the innermost loop goes from one sample to the next, and whatever is read is a base plus so many
steps for each digit.

``numba_tasks`` says what there is to do, ``numba_memory`` where the arrays live meanwhile.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from autograd_core.lift.backends.numba_memory import LANES, Layout
from autograd_core.lift.backends.numba_tasks import KERNELS, Nest, Task, Tasks, merged, nested, row_major
from autograd_core.lift.colour import Indices
from autograd_core.lift.definitions import definitions
from autograd_core.lift.ir import Apply, Array, Contract, Expression, Number, Output, Routine, View, views_in
from autograd_core.lift.spelling import ATOM, NUMPY, Spelling
from autograd_core.lift.trace import Shape
from autograd_core.op import OPS

__all__ = ["Loops", "looped"]

NUMBA = Spelling("", {}, frozenset({*NUMPY.calls, *NUMPY.functions}))
STARTS = {"sum": "0.0", "max": "-inf", "min": "inf"}
JOINS = {"sum": "{} + {}", "max": "maximum({}, {})", "min": "minimum({}, {})"}

OURS = {"constants", "gradient", "inf", "m", "n", "nan", "one", "parameters", "places", "rows", "s", "scratch", "total"}
RESERVED = {*OURS, *OPS, *KERNELS, "float", "range", "transpose"}


@dataclass(frozen=True)
class Loops:
    """The source of a function, and what it is to be called with.

    Its arguments are the inputs, the vector of all parameters, these tables, the scratch memory, an array for each output
    that is no gradient, and the vector of all gradients.

    Parameters
    ----------
    text : one function, named f, after those of the ops that it defines.
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
    return _Writer(Tasks(routine)).function()


class _Writer:
    def __init__(self, tasks: Tasks) -> None:
        self.routine, self.arrays = tasks.routine, tasks.arrays
        self.nests = nested(tasks.tasks, self.arrays)
        self.layout = Layout(self.routine, self.arrays, self.nests)
        self.places: list[Indices] = [table.ravel() for table in self.routine.tables]
        self.names = _names(self.arrays)
        self.lines: list[str] = []

    def function(self) -> Loops:
        """Return the whole function."""
        inputs = [i for i in self.routine.given() if self.arrays[i].kind == "input"]
        batched = [i for i in inputs if self.arrays[i].batched]
        self._sizes(batched)
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
        lines = [*definitions(self.routine, NUMBA), f"def f({', '.join(arguments)}):\n"]
        text = "".join([*lines, *[f"{line}\n" for line in self.lines]])
        return Loops(text, tuple(used.values()), self.layout.numbers_end, self.layout.rows)

    def _sizes(self, batched: Sequence[int]) -> None:
        """Write how many samples there are, and the rows that are kept for them."""
        # Numbers are 8 bytes apart, which the compiler cannot know: or else it would write short loops out, turn by turn.
        self._line(1, "one = scratch.strides[0] // 8")
        self._line(1, f"n = {self.names[batched[0]]}.shape[0]" if batched else "n = 0")
        start, rows = self.layout.numbers_end, self.layout.rows
        if rows:
            self._line(1, f"m = n + -n % {LANES}")
            self._line(1, f"rows = scratch[{start}:{start} + {rows} * m].reshape(({rows}, m))")

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

    def _nest(self, nest: Nest) -> None:
        task = nest.tasks[0]
        if not isinstance(task.expression, Contract):
            self._fill(nest)
        elif task.kernel:
            self._kernel(task, task.expression)
        else:
            self._fold(task, task.expression)

    def _own(self, task: Task, inner: Shape = ()) -> View:
        """Return the array that a task writes, as it is seen there."""
        return View(task.out, (0,), ((*row_major(task.sizes), *[0] * len(inner)),))

    def _open(self, depth: int, groups: Iterable[tuple[int, int]], *, samples: bool = False) -> int:
        """Write the heads of loops over digits, and perhaps over samples; return the depth inside of them."""
        for d, size in groups:
            self._line(depth, f"for i{d} in range({size} * one):")
            depth += 1
        if samples:
            self._line(depth, "for s in range(n):")
        return depth + samples

    def _fill(self, nest: Nest) -> None:
        first = nest.tasks[0]
        digits = merged(first.sizes, [self._own(first), *[view for _, view in nest.reads()]])
        depth = self._open(1, digits, samples=self.arrays[first.out].batched)
        for task in nest.tasks:
            self._line(depth, f"{self._read(self._own(task), digits)} = {self._text(task.expression, digits)[0]}")

    def _fold(self, task: Task, e: Contract) -> None:
        own = self._own(task, e.sizes)
        digits = merged(task.sizes + e.sizes, [own, *views_in(e)])
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

    def _kernel(self, task: Task, e: Contract) -> None:
        """Write the call of a kernel, in loops over the digits that it has no loops for."""
        views = [self._own(task, e.sizes), *views_in(e)]
        kernel = KERNELS[task.kernel]
        digits = merged(task.sizes + e.sizes, views)
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
            stop, first = stop + self.layout.size(part), stop
            to = np.flatnonzero((order >= first) & (order < stop))
            place = order[to] - first
            here = f"{target}[s, {self._listed(to)}]" if output.batched else f"{target}[{self._listed(start + to)}]"
            is_size = self.arrays[part].kind == "batch size"
            depth = self._open(1, [], samples=output.batched)
            self._line(depth, f"for j in range({len(to)} * one):")
            self._line(depth + 1, f"{here} = {'float(n)' if is_size else self._member(part, self._listed(place))}")

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
