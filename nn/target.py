"""The column to predict: classes to choose from, or a number to come near."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias, cast

import numpy as np

from autograd_core.errors import ArgumentError
from nn.preprocess import LARGEST, kind_of, number, numbers
from nn.table import Table, counted, is_missing, listed, quoted

__all__ = ["Amount", "Classes", "Decision", "Target", "Task", "amount_of", "classes_of", "decide"]

Task: TypeAlias = Literal["classification", "regression"]

FEW_CLASSES = 10
"""So many different whole numbers at most are taken as the names of classes, unless something else is asked for."""

CODE = re.compile(r"0\d+|\d{16,}", re.ASCII)


@dataclass(frozen=True)
class Classes:
    """A target that is one of several classes.

    Parameters
    ----------
    name : of the column.
    labels : the classes in ascending order, as predictions spell them.
    """

    name: str
    labels: tuple[str, ...]

    def numbers(self, table: Table) -> list[int]:
        """Return the number of each row's class, counted from 0; ArgumentError if there is no such class."""
        places = {label: k for k, label in enumerate(self.labels)}
        return [places[label] for label in _labels(table, self.name)]

    def about(self) -> dict[str, object]:
        """Return everything in it as plain data, for a file."""
        return asdict(self)


@dataclass(frozen=True)
class Amount:
    """A target that is a number; the network learns (t - mean) / deviation.

    Parameters
    ----------
    name : of the column.
    mean, deviation : of the rows to train on.
    """

    name: str
    mean: float
    deviation: float

    def about(self) -> dict[str, object]:
        """Return everything in it as plain data, for a file."""
        return asdict(self)


Target: TypeAlias = Classes | Amount


def of(about: object) -> Target:
    """Return what ``about()`` told of; ValueError, TypeError or KeyError if it is something else."""
    told = cast("Mapping[str, object]", about)
    name = told["name"]
    if not isinstance(name, str):
        raise TypeError(name)
    if "labels" in told:
        labels = tuple(cast("list[str]", told["labels"]))
        if not len({*labels}) == len(labels) > 1 or not all([isinstance(label, str) for label in labels]):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(labels)
        return Classes(name, labels)
    mean, deviation = [float(cast("float", told[key])) for key in ("mean", "deviation")]
    if not (abs(mean) <= LARGEST and 0.0 < deviation <= LARGEST):
        raise ValueError(told)
    return Amount(name, mean, deviation)


# ---------------------------------------------------------------- what is asked for


@dataclass(frozen=True)
class Decision:
    """What is made of a target, and why, in words."""

    task: Task
    why: str


def decide(table: Table, name: str, task: Task | None = None) -> Decision:
    """Return whether a target is classified or computed, having checked that it can be.

    Parameters
    ----------
    table : every row that has the target.
    name : of the target's column.
    task : what is asked for; by default the content of the column decides.

    Raises
    ------
    ArgumentError : there is no such column; a value is missing in it, all are the same, or one is no number and a
        number is to be computed; or a class is in one row only.

    >>> pets = Table("pets.csv", ("pet",), [["cat"], ["dog"], ["cat"], ["dog"]], [2, 3, 4, 5])
    >>> decide(pets, "pet").task
    'classification'
    """
    texts = table.column(name)
    missing = [line for line, text in zip(table.lines, texts, strict=True) if is_missing(text)]
    if missing:
        raise ArgumentError(
            f"{table.source} lacks the target {quoted(name)} on line {listed([str(line) for line in missing])}: "
            "fill it in or delete the row, for nothing can stand in for what is to be learnt"
        )
    decision = Decision(task, "as asked for with --task") if task else _by_content(table, name)
    labels = _labels(table, name) if decision.task == "classification" else [str(x) for x in numbers(table, name)]
    if len({*labels}) < 2:
        raise ArgumentError(
            f"the target {quoted(name)} is {quoted(texts[0])} in every row: there is nothing to predict"
        )
    if decision.task == "classification":
        _refuse_single(table, name, labels)
    return decision


def _by_content(table: Table, name: str) -> Decision:
    if kind_of(table, name, as_text="--task classification") == "category":
        return Decision("classification", "because it is text")
    xs = numbers(table, name)
    different = len({*xs})
    if all([x.is_integer() for x in xs]) and different <= min(FEW_CLASSES, len(xs) // 2):
        return Decision(
            "classification",
            f"because it has {different} different whole numbers, each a class; say --task regression to compute it",
        )
    return Decision("regression", "because it is a number; say --task classification to make a class of each")


def _refuse_single(table: Table, name: str, labels: Sequence[str]) -> None:
    counts = Counter(labels)
    single = [(label, line) for label, line in zip(labels, table.lines, strict=True) if counts[label] == 1]
    if not single:
        return
    label, line = single[0]
    mend = "add rows of it, or delete this one"
    if len(single) > 1 and all([number(label) is not None for label in counts]):
        mend = "say --task regression to compute the number"
    elif len(single) > len(counts) / 2:
        mend = "choose a target whose classes recur"
    others = f", and so {'is' if len(single) == 2 else 'are'} {counted(len(single) - 1, 'other')}" if single[1:] else ""
    raise ArgumentError(
        f"the target {quoted(name)} is {quoted(label)} in one row only, on line {line}{others}; a class takes one row to "
        f"learn it from and one to test it on: {mend}"
    )


# ---------------------------------------------------------------- learning it


def classes_of(table: Table, name: str) -> Classes:
    """Return the classes of a column that `decide` has accepted.

    >>> classes_of(Table("t.csv", ("size",), [["10"], ["9.0"], ["9"]], [2, 3, 4]), "size").labels
    ('9', '10')
    """
    labels = {*_labels(table, name)}
    values = {label: number(label) for label in labels}
    return Classes(name, tuple(sorted(labels, key=lambda label: (values[label] or 0.0, label))))


def _labels(table: Table, name: str) -> list[str]:
    """Return the classes of all rows; numbers are spelt in one way each, so that 1 and 1.0 are one class.

    Codes stay as they are, such as 0150, and so do numbers that are too long for a float to tell from their neighbours.
    """
    texts = table.column(name)
    if any([number(text) is None or CODE.fullmatch(text) for text in texts]):
        return texts
    return [str(int(x)) if x.is_integer() and abs(x) < 1e15 else repr(x) for x in numbers(table, name)]


def amount_of(table: Table, name: str) -> Amount:
    """Return a target that is a number, as the rows to train on have it.

    Raises
    ------
    ArgumentError : it is the same in all of them.
    """
    xs = np.array(numbers(table, name))
    if xs.min() == xs.max():
        raise ArgumentError(
            f"the target {quoted(name)} is {xs[0]:g} in every row to train on: add rows, or choose another --seed"
        )
    if xs.std() == 0.0:
        raise ArgumentError(
            f"the target {quoted(name)} is too nearly {xs[0]:g} in every row to train on: give it in a smaller unit"
        )
    return Amount(name, float(xs.mean()), float(xs.std()))
