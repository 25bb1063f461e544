"""From the columns of a table to the inputs of a network: numbers are standardised, categories are made one-hot.

Everything is learnt from the table that is passed, which is the rows to train on and no others.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias, TypeVar, cast

import numpy as np

from autograd_core.errors import ArgumentError
from nn.module import Array
from nn.table import SHOWN, Table, counted, is_missing, listed, option, plain, quoted

__all__ = [
    "Category",
    "Kind",
    "Number",
    "Preprocessing",
    "counts_rows",
    "kind_of",
    "learn",
    "looks_like_names",
    "number",
    "numbers",
    "refuse_gaps",
]

Kind: TypeAlias = Literal["number", "category"]
_Fill = TypeVar("_Fill", float, str)

LARGEST = 1e150
"""What is larger overflows when it is squared, as standard deviations do."""

FAR = 1e6
"""What is so many standard deviations off the mean is no number of the same kind, and nothing was learnt about it."""

SLIPS = 10
"""A column in which one field of so many, or fewer, is no number is meant to be one of numbers."""

FEW = 20
"""So many categories are never too many."""

SPELT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
DRESSED = re.compile(r"(?=.*[,$€£¥₹%])[+-]?[$€£¥₹]?\s?[+-]?\d[\d.,'\s]*[$€£¥₹%]?")
"""What people read as a number, for all its commas, currency or percent sign."""


# ---------------------------------------------------------------- what a column holds


def number(text: str) -> float | None:
    """Return the number that a field spells, which may be infinite; None if it spells none.

    >>> number("-1.5e3"), number("1e999"), number("12 cm")
    (-1500.0, inf, None)
    """
    return float(text) if SPELT.fullmatch(text) or INFINITE.fullmatch(text) else None


def kind_of(table: Table, name: str, *, as_text: str | None = None) -> Kind:
    """Tell by its content whether a column is one of numbers or of categories; values that are missing do not count.

    Parameters
    ----------
    table, name : the table, and the name of the column.
    as_text : the option that takes the column as text all the same, for messages.

    Raises
    ------
    ArgumentError : nearly all fields are numbers, but one is not, or is infinite.

    >>> kind_of(Table("pets.csv", ("legs", "pet"), [["4", "cat"], ["", "bird"]], [2, 3]), "pet")
    'category'
    """
    fields = [(i, text) for i, text in enumerate(table.column(name)) if not is_missing(text)]
    others = [(i, text) for i, text in fields if number(text) is None]
    as_text = as_text or option("--categorical", [name])
    if others and all([number(text) is not None or DRESSED.fullmatch(text) for _, text in fields]):
        i, text = others[0]
        comma = "a comma in it: write a point where decimals begin, and nothing between thousands"
        sign = "a sign beside it: write the number alone"
        raise ArgumentError(
            f"{table.place(i, name)}: {quoted(text)} is a number with {comma if ',' in text else sign}; "
            f"or take it as text with {as_text}"
        )
    if others and len(others) * SLIPS <= len(fields):
        i, text = others[0]
        raise ArgumentError(
            f"{table.place(i, name)}: {quoted(text)} is no number, as {len(fields) - len(others)} others in the column are: "
            f"mend it, or take them all as text with {as_text}"
        )
    if others:
        return "category"
    for i, text in fields:
        _finite(table, i, name, text)
    return "number"


def numbers(table: Table, name: str, fill: float | None = None) -> list[float]:
    """Return the numbers of a column.

    Parameters
    ----------
    table, name : the table, and the name of the column.
    fill : what stands in for a value that is missing.

    Raises
    ------
    ArgumentError : a field is no number, or is infinite, or there is none and nothing to stand in.

    >>> numbers(Table("pets.csv", ("legs", "pet"), [["4", "cat"], ["", "bird"]], [2, 3]), "legs", fill=2.0)
    [4.0, 2.0]
    """
    texts = table.column(name)
    return [
        _gap(table, i, name, text, fill) if is_missing(text) else _finite(table, i, name, text)
        for i, text in enumerate(texts)
    ]


def _finite(table: Table, i: int, name: str, text: str) -> float:
    x = number(text)
    if x is None:
        raise ArgumentError(f"{table.place(i, name)}: {quoted(text)} is no number: write one such as -0.5 or 1e-3")
    if abs(x) > LARGEST:
        why = "no finite number" if math.isinf(x) else f"larger than {LARGEST:g}, which cannot be computed with"
        raise ArgumentError(f"{table.place(i, name)}: {quoted(text)} is {why}: mend it, or leave it empty")
    return x


def _gap(table: Table, i: int, name: str, text: str, fill: _Fill | None) -> _Fill:
    if fill is None:
        raise ArgumentError(
            f"{table.place(i, name)}: there is no value ({quoted(text)}): fill it in, or train with --impute"
        )
    return fill


def refuse_gaps(table: Table, names: Sequence[str]) -> None:
    """Raise ArgumentError, which names rows and columns, if a value is missing in one of these columns."""
    gaps = [
        (line, name, text)
        for name in names
        for line, text in zip(table.lines, table.column(name), strict=True)
        if is_missing(text)
    ]
    if not gaps:
        return
    shown = [f"line {line}, column {quoted(name)} ({quoted(text)})" for line, name, text in gaps[:5]]
    more = f"; and {len(gaps) - 5} more" if len(gaps) > 5 else ""
    gappy = list(dict.fromkeys([name for _, name, _ in gaps]))
    raise ArgumentError(
        f"{table.source} lacks {counted(len(gaps), 'value')}: {'; '.join(shown)}{more}\n"
        "fill in what is missing, let medians and the most frequent categories stand in with --impute, or leave the "
        f"{'columns' if len(gappy) > 1 else 'column'} out with {option('--drop', gappy[:SHOWN])}"
    )


# ---------------------------------------------------------------- columns, as they were learnt


@dataclass(frozen=True)
class Number:
    """A column of numbers, which becomes one input: (x - mean) / deviation.

    Parameters
    ----------
    name : of the column.
    mean, deviation : of the rows to train on; the deviation is that of the population, with n in the denominator.
    fill : the median, which stands in for a value that is missing; None to refuse it.
    """

    name: str
    mean: float
    deviation: float
    fill: float | None = None

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs that the column becomes."""
        return [self.name]

    def encode(self, table: Table, *, allow_unseen: bool = False) -> Array:  # noqa: ARG002 - asked of every column
        """Return the inputs for each row of a table."""
        xs = numbers(table, self.name, self.fill)
        with np.errstate(over="ignore"):
            inputs = (np.array(xs) - self.mean) / self.deviation
        for i in np.flatnonzero(np.abs(inputs) > FAR):
            raise ArgumentError(
                f"{table.place(int(i), self.name)}: {xs[i]:g} is out of all proportion to what was trained on, "
                f"which is {self.mean:g} with a standard deviation of {self.deviation:g}: mend it, or train without the column"
            )
        return inputs[:, np.newaxis]


@dataclass(frozen=True)
class Category:
    """A column of text, which becomes one input for each category: 1 in the rows that say so, else 0.

    Parameters
    ----------
    name : of the column.
    categories : in the rows to train on, in ascending order.
    fill : the most frequent one, which stands in for a value that is missing; None to refuse it.
    """

    name: str
    categories: tuple[str, ...]
    fill: str | None = None

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs that the column becomes, such as ``colour=red``."""
        return [f"{self.name}={category}" for category in self.categories]

    def encode(self, table: Table, *, allow_unseen: bool = False) -> Array:
        """Return the inputs for each row of a table; all are 0 for a category that is not known, if that is allowed."""
        places = {category: j for j, category in enumerate(self.categories)}
        inputs = np.zeros((len(table), len(places)))
        for i, text in enumerate(table.column(self.name)):
            category = _gap(table, i, self.name, text, self.fill) if is_missing(text) else text
            if category in places:
                inputs[i, places[category]] = 1.0
            elif not allow_unseen:
                raise ArgumentError(
                    f"{table.place(i, self.name)}: {quoted(category)} is in no row that was trained on, only "
                    f"{listed(self.categories)}: mend it, or take it as none of them with --allow-unseen"
                )
        return inputs

    def unseen(self, table: Table) -> list[str]:
        """Return the categories in a table that are not known, each once."""
        known = {*self.categories}
        return [t for t in dict.fromkeys(table.column(self.name)) if t not in known and not is_missing(t)]


@dataclass(frozen=True)
class Preprocessing:
    """What turns the rows of a table into inputs.

    Parameters
    ----------
    columns : those that are used, in the order of the inputs.

    >>> pets = Table("pets.csv", ("legs", "pet"), [["4", "cat"], ["2", "bird"]], [2, 3])
    >>> found, left_out = learn(pets, {"legs": "number", "pet": "category"})
    >>> found.inputs
    ['legs', 'pet=bird', 'pet=cat']
    >>> found.encode(pets).tolist()
    [[1.0, 0.0, 1.0], [-1.0, 1.0, 0.0]]
    """

    columns: tuple[Number | Category, ...]

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs."""
        return [name for column in self.columns for name in column.inputs]

    def encode(self, table: Table, *, allow_unseen: bool = False) -> Array:
        """Return the inputs for each row of a table, of the shape (rows, inputs).

        Parameters
        ----------
        table : with the columns that were learnt; others are passed over.
        allow_unseen : whether a category that is in no row to train on is taken as none of those that are.

        Raises
        ------
        ArgumentError : a column is missing, or the message names a field that is no number, lacks a value, or has an
            unknown category.
        """
        table.require([column.name for column in self.columns])
        return np.hstack([column.encode(table, allow_unseen=allow_unseen) for column in self.columns])

    def about(self) -> list[dict[str, object]]:
        """Return everything in it as plain data, for a file."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def of(cls, about: object) -> Preprocessing:
        """Return what ``about()`` told of; ValueError, TypeError or KeyError if it is something else."""
        return cls(tuple([_column(cast("Mapping[str, object]", told)) for told in cast("list[object]", about)]))


def _column(told: Mapping[str, object]) -> Number | Category:
    name, fill = told["name"], told["fill"]
    if not isinstance(name, str):
        raise TypeError(name)
    if "categories" in told:
        categories = cast("list[str]", told["categories"])
        stand_in = categories if fill is None else [*categories, fill]
        if not all([isinstance(text, str) for text in stand_in]) or len({*categories}) != len(categories):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(told)
        return Category(name, tuple(categories), cast("str | None", fill))
    mean, deviation, stand_in = [float(cast("float", x)) for x in (told["mean"], told["deviation"], fill or 0.0)]
    if not (abs(mean) <= LARGEST and 0.0 < deviation <= LARGEST and abs(stand_in) <= LARGEST):
        raise ValueError(told)
    return Number(name, mean, deviation, None if fill is None else stand_in)


# ---------------------------------------------------------------- learning them


def learn(table: Table, kinds: Mapping[str, Kind], *, impute: bool = False) -> tuple[Preprocessing, dict[str, str]]:
    """Return the preprocessing of some columns, and why others are left out of it, by name.

    Parameters
    ----------
    table : the rows to train on.
    kinds : what each column holds; see `kind_of`.
    impute : whether medians and most frequent categories stand in for values that are missing.

    Raises
    ------
    ArgumentError : a number is missing without impute, or every column is left out.
    """
    columns = [_learnt(table, name, kind, impute=impute) for name, kind in kinds.items()]
    left_out = {name: column for name, column in zip(kinds, columns, strict=True) if isinstance(column, str)}
    used = tuple([column for column in columns if not isinstance(column, str)])
    if not used:
        reasons = [f"{plain(name)} is {why}" for name, why in left_out.items()]
        raise ArgumentError(
            f"{table.source} has no column left to learn from ({listed(reasons) or 'there is the target alone'}): "
            "add one that varies"
        )
    return Preprocessing(used), left_out


def _learnt(table: Table, name: str, kind: Kind, *, impute: bool) -> Number | Category | str:
    """Return a column as it was learnt, or why it is of no use."""
    present = [text for text in table.column(name) if not is_missing(text)]
    if not present:
        return "empty in every row to train on"
    if kind == "category":
        # Of equally frequent ones the first in ascending order stands in.
        fill = min(Counter(present).items(), key=lambda found: (-found[1], found[0]))[0] if impute else None
        categories = tuple(sorted({*present}))
        return Category(name, categories, fill) if len(categories) > 1 else "the same in every row to train on"
    median = float(np.median([float(text) for text in present])) if impute else None
    xs = np.array(numbers(table, name, median))
    deviation = float(xs.std())
    if xs.min() == xs.max():
        return "the same in every row to train on"
    if deviation == 0.0:
        return "too nearly the same in every row to train on"
    return Number(name, float(xs.mean()), deviation, median)


def looks_like_names(table: Table, name: str) -> bool:
    """Tell whether a column of text tells the rows apart, instead of having something in common.

    >>> looks_like_names(Table("pets.csv", ("name",), [["Rex"], ["Polly"]], [2, 3]), "name")
    True
    """
    present = [text for text in table.column(name) if not is_missing(text)]
    different = len({*present})
    return different == len(present) > 1 or different > max(FEW, len(present) // 2)


def counts_rows(xs: Collection[float]) -> bool:
    """Tell whether numbers count the rows, one up from each to the next.

    >>> counts_rows([7.0, 8.0, 9.0]), counts_rows([1.0, 3.0, 2.0])
    (True, False)
    """
    return len(xs) > 2 and bool((np.diff(np.array([*xs])) == 1.0).all())
