"""Initial weights: each initialiser draws one number for a neuron with so many inputs and outputs around it.

Randomness comes from the generator that is passed, and from nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import TypeAlias

from autograd_core.errors import ArgumentError, OperandTypeError

__all__ = ["INITIALISERS", "Initialiser", "generator", "glorot", "he", "initialiser", "uniform", "zero"]

Initialiser: TypeAlias = Callable[[Random, int, int], float]
"""A function of a generator, the number of inputs and the number of outputs."""


def he(rng: Random, fan_in: int, fan_out: int) -> float:
    """Draw from N(0, 2 / fan_in), a variance: it keeps the size of signals through ReLU layers.

    Source: He et al. 2015, arXiv:1502.01852, equation 10.
    """
    return rng.gauss(0.0, math.sqrt(2.0 / fan_in))


def glorot(rng: Random, fan_in: int, fan_out: int) -> float:
    """Draw from U(-r, r) with r = √(6 / (fan_in + fan_out)): for tanh and the sigmoid.

    Source: Glorot and Bengio 2010, AISTATS, equation 16.
    """
    bound = math.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-bound, bound)


def uniform(rng: Random, fan_in: int, fan_out: int) -> float:
    """Draw from U(-1, 1), as micrograd does."""
    return rng.uniform(-1.0, 1.0)


def zero(rng: Random, fan_in: int, fan_out: int) -> float:
    """Return 0: every neuron of a layer then stays like the others, which is worth seeing once."""
    return 0.0


INITIALISERS: dict[str, Initialiser] = {"he": he, "glorot": glorot, "uniform": uniform, "zero": zero}


def initialiser(init: str | Initialiser) -> Initialiser:
    """Return the initialiser of that name; a function is returned as it is."""
    if callable(init):
        return init
    if init not in INITIALISERS:
        raise ArgumentError(f"there is no initialiser named {init!r}: choose one of {', '.join(INITIALISERS)}")
    return INITIALISERS[init]


def generator(rng: Random | int | None) -> Random:
    """Return a generator: the one given, one with that seed, or for None one that differs each time.

    >>> generator(7).random() == generator(7).random()
    True
    """
    if isinstance(rng, Random):
        return rng
    if rng is None or isinstance(rng, int):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
        return Random(rng)
    raise OperandTypeError(f"{rng!r} of type {type(rng).__name__} is no generator: pass a random.Random or an int seed")
