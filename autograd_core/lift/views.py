"""Views: how a routine's arrays are read, as source: slices, reshapes, windows, gathers, and axes put in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_core.lift.axes import Indices
from autograd_core.lift.ir import Apply, Array, Contract, Expression, Routine, View
from autograd_core.lift.spelling import ATOM, Spelling
from autograd_core.lift.trace import Shape

__all__ = ["BATCH", "UNIT", "Code", "Digits", "Reader"]

BATCH = -1
"""The batch axis, among the digits of an expression."""

UNIT = -2
"""An axis of length 1 of an array, which can stand for any digit."""

Digits = tuple[int, ...]


@dataclass(frozen=True)
class Code:
    """A piece of source.

    Parameters
    ----------
    text : an expression.
    tightness : how tightly it holds together.
    axes : which digit each of its axes stands for.
    """

    text: str
    tightness: int
    axes: Digits

    def at(self, tightness: int) -> str:
        """Return the text, in brackets if it holds together less tightly than is needed."""
        return self.text if self.tightness >= tightness else f"({self.text})"

    @property
    def atom(self) -> str:
        """The text, in brackets unless it stands alone."""
        return self.at(ATOM)


class Reader:
    """Writes how arrays are read.

    Parameters
    ----------
    routine : whose arrays they are.
    spelling : of the backend.
    """

    def __init__(self, routine: Routine, spelling: Spelling) -> None:
        self.arrays, self.tables, self.spelling = routine.arrays, routine.tables, spelling
        self.constants: dict[str, NDArray[Any]] = {
            array.name: array.data for array in self.arrays if array.data is not None and array.name
        }

    def aligned(self, view: View, digits: Digits, sizes: Shape, *, exact: bool = False) -> Code:
        """Return an array as it is seen, with axes in the order of the digits, or the last of them.

        Parameters
        ----------
        exact : whether it must have an axis for each digit, of length 1 where it does not depend on it.
        """
        array = self.arrays[view.array]
        if view.table is not None:
            code = self._gathered(view, self.tables[view.table])
        else:
            code = self.sliced(view, array, sizes)
        return self.arranged(code, digits, exact=exact)

    def sliced(self, view: View, array: Array, sizes: Shape) -> Code:
        """Return an array read along its axes: slices, reshapes and windows; or, if all else fails, a gather."""
        index: list[str] = [":"] if array.batched else []
        axes: list[list[int]] = [[BATCH]] if array.batched else []
        windows: list[tuple[int, int, int]] = []
        seen: set[int] = set()
        for length, base, steps in zip(array.shape, view.base, view.steps, strict=True):
            terms = sorted([(d, s) for d, s in enumerate(steps) if s and sizes[d] > 1], key=lambda term: -abs(term[1]))
            digits = [d for d, _ in terms]
            found = self._index(terms, base, length, sizes)
            if found is None or not seen.isdisjoint(digits):
                return self._gathered(view, _table_of(view, array.shape, sizes))
            seen.update(digits)
            entry, step = found
            index.append(entry)
            if step:
                windows.append((len(axes), sizes[digits[1]], step))
            if digits or length == 1:
                axes.append(digits or [UNIT])
        text = array.name + ("" if all([i == ":" for i in index]) else f"[{', '.join(index)}]")
        for place, size, step in reversed(windows):
            text = f"windows({text}, {size}, {step}, {place})"
        flat = [d for group in axes for d in group]
        if any([len(group) > 1 for i, group in enumerate(axes) if i not in [place for place, _, _ in windows]]):
            text = f"{text}.reshape({', '.join([self.length(d, sizes) for d in flat])})"
        return Code(text, ATOM, tuple(flat))

    def _index(self, terms: Sequence[tuple[int, int]], base: int, length: int, sizes: Shape) -> tuple[str, int] | None:
        """Return the index that reads an axis, and the step from window to window, 0 if there are none; None if no index does.

        Parameters
        ----------
        terms : the digits that move along the axis, and their steps, the largest first.
        """
        if not terms:
            return ":" if length == 1 else str(base), 0
        run = terms[-1][1]
        counts_on = all([outer[1] == inner[1] * sizes[inner[0]] for outer, inner in pairwise(terms)])
        if counts_on and (run > 0 or self.spelling.backwards):
            return _slice(base, run, prod([sizes[d] for d, _ in terms]), length), 0
        if len(terms) == 2 and run == 1 and terms[0][1] > 0:
            (d, step), (k, _) = terms
            return _slice(base, 1, step * (sizes[d] - 1) + sizes[k], length), step
        return None

    def length(self, digit: int, sizes: Shape) -> str:
        """Return how long an axis is, as a reshape takes it."""
        return "-1" if digit == BATCH else "1" if digit == UNIT else str(sizes[digit])

    def _gathered(self, view: View, table: Indices) -> Code:
        """Return the places of an array that a table names; the table has an axis for each digit of the context."""
        array = self.arrays[view.array]
        kept = _moving(table)
        name = self.constant("rows", table[tuple([slice(None) if d in kept else 0 for d in range(table.ndim)])])
        if array.batched:
            flat = array.name if len(array.shape) == 1 else f"{array.name}.reshape(-1, {prod(array.shape)})"
            return Code(f"{flat}[:, {name}]", ATOM, (BATCH, *kept))
        flat = array.name if len(array.shape) == 1 else f"{array.name}.reshape(-1)"
        return Code(f"{flat}[{name}]", ATOM, tuple(kept))

    def constant(self, stem: str, numbers: NDArray[Any]) -> str:
        """Return the name of numbers among the constants; a new one from this stem if they are not among them yet."""
        taken = {array.name for array in self.arrays}
        for name, known in self.constants.items():
            if known.dtype == numbers.dtype and known.shape == numbers.shape and (known == numbers).all():
                return name
        count = len(self.constants) + 1
        while f"{stem}{count}" in taken:
            count += 1
        name = f"{stem}{count}"
        self.constants[name] = numbers
        return name

    def arranged(self, code: Code, digits: Digits, *, exact: bool) -> Code:
        """Return code with its axes in the order of the digits; those of length 1 stand in for digits that it lacks."""
        code = self._placed(code, digits)
        order = sorted(range(len(code.axes)), key=lambda i: digits.index(code.axes[i]))
        if order != list(range(len(order))):
            swapped = f"{code.atom}.T" if len(order) == 2 else self._transposed(code.atom, order)
            code = Code(swapped, ATOM, tuple([code.axes[i] for i in order]))
        lacking = [d for d in digits if d not in code.axes]
        if lacking and exact and not code.axes:
            return Code(self.exactly(code, digits), ATOM, digits)
        if lacking and (exact or lacking != list(digits[: len(lacking)])):
            index = ", ".join([":" if d in code.axes else "None" for d in digits])
            return Code(f"{code.atom}[{index}]", ATOM, digits)
        return code

    def _placed(self, code: Code, digits: Digits) -> Code:
        """Return code whose axes of length 1 stand for digits that it lacks, as far as there are any; the others are dropped."""
        spare = [d for d in digits if d not in code.axes]
        axes: list[int] = []
        index: list[str] = []
        for axis in code.axes[::-1]:  # the last digits first, as NumPy broadcasts
            if axis == UNIT and not spare:
                index.insert(0, "0")
                continue
            index.insert(0, ":")
            axes.insert(0, spare.pop() if axis == UNIT else axis)
        if "0" in index:
            return Code(f"{code.atom}[{', '.join(index)}]", ATOM, tuple(axes))
        return replace(code, axes=tuple(axes))

    def _transposed(self, text: str, order: Sequence[int]) -> str:
        return self.spelling.transpose.format(text, ", ".join(map(str, order)))

    def exactly(self, code: Code, digits: Digits) -> str:
        """Return code as a whole array of these digits: what is smaller is broadcast where it is used."""
        lacking = len(digits) - len(code.axes)
        if not lacking:
            return code.text
        if not code.axes:  # it may be a plain number, which has no axes to add to
            return self.spelling.full.format(self.spelling.prefix, f"({', '.join(['1'] * lacking)},)", code.text)
        return f"{code.atom}[{', '.join(['None'] * lacking + ['...'])}]"

    def full(self, code: Code, target: Digits) -> Code:
        """Return code with an axis for each digit of the target."""
        return code if len(code.axes) == len(target) else Code(self.exactly(code, target), ATOM, target)

    def depends(self, e: Expression, sizes: Shape) -> set[int]:
        """Return the digits that an expression depends on."""
        if isinstance(e, View):
            if e.table is not None:
                found = set(_moving(self.tables[e.table]))
            else:
                found = {d for steps in e.steps for d, s in enumerate(steps) if s and sizes[d] > 1}
            return found | ({BATCH} if self.arrays[e.array].batched else set())
        if isinstance(e, Apply):
            return {d for o in e.operands for d in self.depends(o, sizes)}
        if isinstance(e, Contract):
            inner = {d for factor in e.factors for d in self.depends(factor, sizes + e.sizes)}
            return {d for d in inner if d < len(sizes)} - ({BATCH} if e.batch else set())
        return set()

    def units(self, e: Expression, sizes: Shape) -> int:
        """Return how many axes of length 1 a factor has that no digit moves along."""
        if not isinstance(e, View) or e.table is not None:
            return 0
        lengths = self.arrays[e.array].shape
        moved = [any([s and sizes[d] > 1 for d, s in enumerate(steps)]) for steps in e.steps]
        return sum([n == 1 and not moves for n, moves in zip(lengths, moved, strict=True)])


def _moving(table: Indices) -> list[int]:
    """Return the digits along which a table's places change."""
    return [d for d in range(table.ndim) if not (table == table.take([0], axis=d)).all()]


def _slice(base: int, step: int, count: int, length: int) -> str:
    """Return a slice of so many places from a base, in steps."""
    if base == 0 and step == 1 and count == length:
        return ":"
    stop = base + step * count
    if step > 0:
        return f"{base or ''}:{stop if stop < length else ''}{f':{step}' if step > 1 else ''}"
    # A stop below 0 would be counted from the end, so that a slice down to the first place has none.
    return f"{base if base < length - 1 else ''}:{stop if stop >= 0 else ''}:{step}"


def _table_of(view: View, shape: Shape, sizes: Shape) -> Indices:
    """Return the places in a flattened array that an affine view reads."""
    places: Indices = np.zeros(sizes, np.int64)
    weights = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    grid = np.indices(sizes)
    for base, steps, weight in zip(view.base, view.steps, weights, strict=True):
        places = places + weight * base
        for digit, step in enumerate(steps):
            places = places + weight * step * grid[digit]
    return places
