"""Schedules: the learning rate as a function η(t) of the number of the step.

Steps count from 1, and every schedule here but `warm_up` begins with the rate that it is given: η(1) = lr. Any
function of t may be a schedule; those here can be compared, and describe themselves in checkpoints.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeAlias

from nn.checks import whole_from_one
from nn.ranges import factor, from_zero

__all__ = ["Schedule", "constant", "cosine", "describe", "exponential", "inverse", "of", "step", "warm_up"]

Schedule: TypeAlias = Callable[[int], float]
"""A function of the number of the step, t = 1, 2, …, which returns the learning rate of that step."""

RATE = "the learning rate"


@dataclass(frozen=True)
class _Described:
    """A schedule that says what it is."""

    def settings(self) -> dict[str, object]:
        """Return its name and its numbers, as JSON can keep them."""
        numbers: dict[str, float | Schedule] = {field.name: getattr(self, field.name) for field in fields(self)}
        described = {name: describe(number) if callable(number) else number for name, number in numbers.items()}
        return {"schedule": type(self).__name__, **described}

    def _keep(self, **checked: float | Schedule) -> None:
        for name, number in checked.items():
            object.__setattr__(self, name, number)


@dataclass(frozen=True)
class constant(_Described):
    """η(t) = lr.

    >>> constant(0.1)(1000)
    0.1
    """

    lr: float

    def __post_init__(self) -> None:
        self._keep(lr=from_zero(RATE, self.lr))

    def __call__(self, t: int) -> float:
        """Return η(t)."""
        return self.lr


@dataclass(frozen=True)
class step(_Described):
    """η(t) = lr factor^⌊(t - 1)/every⌋: the same rate for so many steps, then a smaller one.

    >>> [step(0.5, every=2, factor=0.5)(t) for t in (1, 2, 3, 4, 5)]
    [0.5, 0.5, 0.25, 0.25, 0.125]
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        self._keep(
            lr=from_zero(RATE, self.lr),
            every=whole_from_one("every", self.every),
            factor=factor("factor", self.factor),
        )

    def __call__(self, t: int) -> float:
        """Return η(t)."""
        return self.lr * self.factor ** ((t - 1) // self.every)


@dataclass(frozen=True)
class exponential(_Described):
    """η(t) = lr factor^(t - 1).

    >>> exponential(0.5, factor=0.5)(3)
    0.125
    """

    lr: float
    factor: float

    def __post_init__(self) -> None:
        self._keep(lr=from_zero(RATE, self.lr), factor=factor("factor", self.factor))

    def __call__(self, t: int) -> float:
        """Return η(t)."""
        return self.lr * self.factor ** (t - 1)


@dataclass(frozen=True)
class inverse(_Described):
    """η(t) = lr / (1 + decay (t - 1))^power.

    With decay 1 it is lr / t^power: for a power of 1 the rate of the theory of SGD, for ½ scikit-learn's
    ``invscaling``. With power 1 it is the ``lr_decay`` of PyTorch's Adagrad.

    >>> [inverse(1.0)(t) for t in (1, 2, 4)]
    [1.0, 0.5, 0.25]
    """

    lr: float
    decay: float = 1.0
    power: float = 1.0

    def __post_init__(self) -> None:
        self._keep(
            lr=from_zero(RATE, self.lr), decay=from_zero("decay", self.decay), power=from_zero("power", self.power)
        )

    def __call__(self, t: int) -> float:
        """Return η(t)."""
        return self.lr * (1.0 + self.decay * (t - 1)) ** -self.power


@dataclass(frozen=True)
class cosine(_Described):
    """η(t) = floor + ½ (lr - floor)(1 + cos(π (t - 1)/steps)) for t ≤ steps, and then floor.

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5, without its restarts.

    >>> schedule = cosine(0.2, steps=100)
    >>> schedule(1), round(schedule(51), 12), schedule(101)
    (0.2, 0.1, 0.0)
    """

    lr: float
    steps: int
    floor: float = 0.0

    def __post_init__(self) -> None:
        self._keep(
            lr=from_zero(RATE, self.lr),
            steps=whole_from_one("steps", self.steps),
            floor=from_zero("floor", self.floor),
        )

    def __call__(self, t: int) -> float:
        """Return η(t)."""
        if t > self.steps:
            return self.floor
        left = 0.5 * (1.0 + math.cos(math.pi * (t - 1) / self.steps))
        return left * self.lr + (1.0 - left) * self.floor  # where left is 1, this is lr to the last bit


@dataclass(frozen=True)
class warm_up(_Described):
    """η(t) = t/(steps + 1) of the first rate of another schedule for t ≤ steps, and then that schedule from its start.

    Source: Goyal et al. 2017, arXiv:1706.02677, §2.2.

    >>> [warm_up(3, 0.5)(t) for t in (1, 2, 3, 4, 5)]
    [0.125, 0.25, 0.375, 0.5, 0.5]
    """

    steps: int
    then: float | Schedule

    def __post_init__(self) -> None:
        self._keep(steps=whole_from_one("steps", self.steps), then=of(self.then))

    def __call__(self, t: int) -> float:
        """Return η(t)."""
        then = of(self.then)
        return then(t - self.steps) if t > self.steps else t / (self.steps + 1) * then(1)


def of(lr: float | Schedule) -> Schedule:
    """Return a schedule: a function as it is, a number as the constant that it means.

    >>> of(0.1)
    constant(lr=0.1)
    """
    return lr if callable(lr) else constant(lr)


def describe(schedule: Schedule) -> dict[str, object]:
    """Return what a checkpoint says of a schedule: its name and its numbers, and of any other function its name alone.

    >>> describe(step(0.1, every=10))
    {'schedule': 'step', 'lr': 0.1, 'every': 10, 'factor': 0.1}
    """
    if isinstance(schedule, _Described):
        return schedule.settings()
    return {"schedule": getattr(schedule, "__qualname__", type(schedule).__qualname__)}
