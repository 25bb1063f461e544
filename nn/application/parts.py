"""Which rows are learnt from, which say when to stop, and which are held out for the final test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from random import Random

from autograd_core.errors import ArgumentError

__all__ = ["FEWEST", "VALIDATION", "Parts", "part"]

FEWEST = 10
"""With fewer rows, nothing could be said about what was learnt."""

VALIDATION = 0.2
"""Which part of the rows that are not held out says when to stop."""


@dataclass(frozen=True)
class Parts:
    """The numbers of the rows in each part, in ascending order; no row is in two."""

    training: list[int]
    validation: list[int]
    held_out: list[int]


def part(classes: Sequence[Hashable], held_out: float, rng: Random) -> Parts:
    """Split rows at random, so that each class has the same share in every part, as far as that can be.

    Parameters
    ----------
    classes : the class of each row; None for all rows of a regression.
    held_out : which part is held out; rounded to whole rows, but one of each class at least.
    rng : the generator that chooses.

    Raises
    ------
    ArgumentError : there are too few rows, or too many are held out.

    >>> parts = part([0, 1] * 50, 0.2, Random(0))
    >>> len(parts.training), len(parts.validation), len(parts.held_out)
    (64, 16, 20)
    """
    if len(classes) < FEWEST:
        raise ArgumentError(f"there are {len(classes)} rows, and {FEWEST} are the least to learn from: add rows")
    rest, test = _split(range(len(classes)), classes, held_out, rng)
    if len(rest) < 2:
        raise ArgumentError(
            f"holding out {held_out} of {len(classes)} rows leaves {len(rest)} to learn from, and one is needed to know "
            "when to stop: hold out a smaller part"
        )
    training, validation = _split(rest, classes, VALIDATION, rng, least=0)
    if not validation:  # each class is too small to spare a part, so the largest spares one row
        usual, _ = Counter([classes[row] for row in rest]).most_common(1)[0]
        validation = [rng.choice([row for row in rest if classes[row] == usual])]
        training = [row for row in rest if row not in validation]
    return Parts(training, validation, test)


def _split(
    rows: Sequence[int], classes: Sequence[Hashable], part: float, rng: Random, *, least: int = 1
) -> tuple[list[int], list[int]]:
    """Choose a part of each class's rows, which leaves one of them at least."""
    members: dict[Hashable, list[int]] = {}
    for row in rows:
        members.setdefault(classes[row], []).append(row)
    chosen = {
        row
        for own in members.values()
        for row in rng.sample(own, min(max(round(len(own) * part), least), len(own) - 1))
    }
    return [row for row in rows if row not in chosen], sorted(chosen)
