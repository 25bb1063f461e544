"""Numba's memory: where each array lives while a routine runs.

Results that callers get whole are computed in their place. Arrays that nobody reads outside of their nest are plain
numbers there. The others live in one vector, where those that are not needed at the same time take turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import prod

from autograd_core.lift.backends.numba_tasks import Nest, is_own
from autograd_core.lift.backends.vectors import Vectors
from autograd_core.lift.ir import Array, Routine

__all__ = ["LANES", "Layout", "gradients_in"]

LANES = 8
"""How many numbers are computed at once: rows of samples are as long as a multiple of this."""


def gradients_in(routine: Routine) -> dict[int, int]:
    """Return which outputs are in the vector of all gradients, and where in it each one starts."""
    which = [k for k in Vectors(routine).gradients if not routine.outputs[k].batched]
    starts = accumulate([prod(routine.outputs[k].shape) for k in which], initial=0)
    return dict(zip(which, starts, strict=False))


@dataclass
class Memory:
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


class Layout:
    """Where each array lives: in an output, in the scratch memory, or as a number in the nest that alone knows it.

    Parameters
    ----------
    routine : whose outputs are wanted.
    arrays : the routine's, and those that its tasks have added.
    nests : all that is done, in order.
    """

    def __init__(self, routine: Routine, arrays: Sequence[Array], nests: Sequence[Nest]) -> None:
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
        self.memory = Memory(), Memory()  # of numbers, and of rows of samples
        self.blocks: dict[int, range] = {}
        for g in range(-1, len(nests)):
            self._place(g)

    @property
    def numbers_end(self) -> int:
        """Where the rows start, each at a multiple of as many numbers as are computed at once."""
        return self.memory[0].size + -self.memory[0].size % LANES

    @property
    def rows(self) -> int:
        """How many rows of samples there have to be."""
        return self.memory[1].size

    def size(self, i: int) -> int:
        """Return how many numbers an array has, or how many rows if it has a batch axis."""
        return prod(self.arrays[i].shape)

    def target(self, k: int) -> tuple[str, int]:
        """Return which vector an output is written to, and from where on."""
        return ("gradient", self.gradients[k]) if k in self.gradients else (f"out_{k}", 0)

    def is_written(self, k: int) -> bool:
        """Tell whether an output needs no copying: the array that it consists of is computed in its place."""
        parts = self.routine.outputs[k].parts
        return len(parts) == 1 and self.outputs.get(parts[0]) == self.target(k)

    def _outputs(self) -> dict[int, tuple[str, int]]:
        found: dict[int, tuple[str, int]] = {}
        for k, output in enumerate(self.routine.outputs):
            part = output.parts[0]
            array = self.arrays[part]
            in_order = len(output.parts) == 1 and output.order is None
            if in_order and array.kind == "result" and not array.batched and not output.batched:
                found.setdefault(part, self.target(k))
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
                last |= {part: len(self.nests) for part in output.parts}
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

    def _donor(self, i: int, g: int, memory: Memory) -> int | None:
        """Return an array of which each number is needed no more when one of this array is put in its place."""
        nest = self.nests[g]
        writer = next(k for k, task in enumerate(nest.tasks) if task.out == i)
        for donor in memory.blocks:
            if self.last[donor] == g > self.first[donor] and self.size(donor) == self.size(i) and nest.tasks[0].fills:
                reads = [(k, view) for k, view in nest.reads() if view.array == donor]
                if all([k <= writer and is_own(view, nest.tasks[0].sizes) for k, view in reads]):
                    return donor
        return None
