"""What a forward pass does beside its graph: the numbers that it draws at random, and those that it keeps.

A module draws with `drawn` and keeps with `observed`, and both happen at once, unless the pass is being recorded so that
a program may repeat it: then what is drawn becomes an input of the program, and what is kept one of its results.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeAlias

from autograd_core.errors import ArgumentError
from autograd_core.modes import current_mode
from autograd_core.value import Number, Value

__all__ = ["Effects", "drawn", "observed", "recorded"]

Draw: TypeAlias = Callable[[], float]
Keep: TypeAlias = Callable[[list[float]], object]


@dataclass
class Effects:
    """The effects of a forward pass that was recorded.

    Parameters
    ----------
    placeholders : what stands for the numbers drawn; when they run out, others are made up.
    draws : what draws each number, in order.
    kept : what is observed, and what is to be done with the numbers.
    """

    placeholders: Iterator[Value]
    draws: list[Draw] = field(default_factory=list[Draw])
    kept: list[tuple[Sequence[Value], Keep]] = field(default_factory=list[tuple[Sequence[Value], Keep]])

    @property
    def observed(self) -> list[Value]:
        """Everything that is observed, in order."""
        return [v for values, _ in self.kept for v in values]

    def draw(self) -> list[float]:
        """Draw all numbers anew."""
        return [draw() for draw in self.draws]

    def keep(self, numbers: list[float]) -> None:
        """Do what is to be done with the numbers observed."""
        start = 0
        for values, keep in self.kept:
            keep(numbers[start : start + len(values)])
            start += len(values)


_recording: ContextVar[Effects | None] = ContextVar("nn_effects", default=None)


@contextmanager
def recorded(placeholders: Sequence[Value] = ()) -> Generator[Effects]:
    """Record effects in place of having them.

    >>> with recorded() as effects:
    ...     scale = drawn(lambda: 2.0)
    >>> effects.draw()
    [2.0]
    """
    effects = Effects(iter(placeholders))
    token = _recording.set(effects)
    try:
        yield effects
    finally:
        _recording.reset(token)


def drawn(draw: Draw, count: int = 1) -> list[Number]:
    """Return numbers that differ from one forward pass to the next.

    Parameters
    ----------
    draw : returns the next of them.
    count : how many there are.

    Raises
    ------
    ArgumentError : a user's own function is being lifted, so that the numbers would be drawn once and for all.

    >>> drawn(iter([0.5, 0.25]).__next__, 2)
    [0.5, 0.25]
    """
    effects = _recording.get()
    if effects is None:
        if current_mode().guard is not None:
            raise ArgumentError(
                "numbers are drawn at random while f is being lifted, and would be the same ever after: put the model in "
                "evaluation mode with model.eval(), or pass what is drawn as an input"
            )
        return [draw() for _ in range(count)]
    effects.draws += [draw] * count
    return [next(effects.placeholders, Value(0.5)) for _ in range(count)]


def observed(values: Sequence[Value], keep: Keep) -> None:
    """Have something done with the numbers of Values, once in each forward pass.

    Parameters
    ----------
    values : whose numbers are meant.
    keep : called with these numbers.

    >>> observed([Value(1.0), Value(2.0)], print)
    [1.0, 2.0]
    """
    effects = _recording.get()
    if effects is None:
        keep([v.data for v in values])
    else:
        effects.kept.append((values, keep))
