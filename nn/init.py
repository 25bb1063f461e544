"""Initial weights: each initialiser draws one number for a neuron with so many inputs and outputs around it.

Randomness comes from the generator that is passed, and from nowhere else. N(0, v) has the variance v throughout; the one
that has a lecture's 1/m for its standard deviation is named after that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from random import Random
from typing import TypeAlias

import numpy as np

from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.op import as_float

__all__ = [
    "INITIALISERS",
    "Initialiser",
    "constant",
    "gaussian_deviation",
    "gaussian_variance",
    "generator",
    "glorot",
    "glorot_normal",
    "he",
    "he_uniform",
    "initialiser",
    "normal",
    "uniform",
    "zero",
]

Initialiser: TypeAlias = Callable[[Random, int, int], float]
"""A function of a generator, the number of inputs and the number of outputs."""


def he(rng: Random, fan_in: int, fan_out: int) -> float:
    """Draw from N(0, 2 / fan_in), a variance: it keeps the size of signals through ReLU layers.

    Source: He et al. 2015, arXiv:1502.01852, equation 10.
    """
    return rng.gauss(0.0, math.sqrt(2.0 / fan_in))


def he_uniform(rng: Random, fan_in: int, fan_out: int) -> float:
    """Draw from U(-r, r) with r = √(6 / fan_in), which has the variance of `he`."""
    bound = math.sqrt(6.0 / fan_in)
    return rng.uniform(-bound, bound)


def glorot(rng: Random, fan_in: int, fan_out: int) -> float:
    """Draw from U(-r, r) with r = √(6 / (fan_in + fan_out)): for tanh and the sigmoid.

    Source: Glorot and Bengio 2010, AISTATS, equation 16.
    """
    bound = math.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-bound, bound)


def glorot_normal(rng: Random, fan_in: int, fan_out: int) -> float:
    """Draw from N(0, 2 / (fan_in + fan_out)), which has the variance of `glorot`."""
    return rng.gauss(0.0, math.sqrt(2.0 / (fan_in + fan_out)))


def gaussian_variance(rng: Random, fan_in: int, fan_out: int) -> float:
    """Draw from a Gaussian of *variance* 1 / fan_in: a weighted sum then varies about as much as its inputs do.

    Source: LeCun et al. 1998, "Efficient BackProp", equation 16.
    """
    return rng.gauss(0.0, 1.0 / math.sqrt(fan_in))


def gaussian_deviation(rng: Random, fan_in: int, fan_out: int) -> float:
    """Draw from a Gaussian of *standard deviation* 1 / fan_in: signals then shrink by √fan_in in every layer.

    Some texts mean this by Gaussian(0, 1/m), which others read as `gaussian_variance`.
    """
    return rng.gauss(0.0, 1.0 / fan_in)


def normal(rng: Random, fan_in: int, fan_out: int) -> float:
    """Draw from N(0, 1) whatever the sizes: for biases that are to differ from the start."""
    return rng.gauss(0.0, 1.0)


def uniform(rng: Random, fan_in: int, fan_out: int) -> float:
    """Draw from U(-1, 1), as micrograd does."""
    return rng.uniform(-1.0, 1.0)


def zero(rng: Random, fan_in: int, fan_out: int) -> float:
    """Return 0: every neuron of a layer then stays like the others, which is worth seeing once."""
    return 0.0


INITIALISERS: dict[str, Initialiser] = {
    "he": he,
    "he_uniform": he_uniform,
    "glorot": glorot,
    "glorot_normal": glorot_normal,
    "gaussian_variance": gaussian_variance,
    "gaussian_deviation": gaussian_deviation,
    "normal": normal,
    "uniform": uniform,
    "zero": zero,
}


def constant(number: float) -> Initialiser:
    """Return the initialiser that gives this number each time; weights that start equal stay equal.

    >>> constant(0.1)(generator(0), 3, 4)
    0.1
    """
    number = as_float(number)
    if not math.isfinite(number):
        raise ArgumentError(f"the constant is {number!r}: pass a finite number")
    return partial(_same, number=number)


def _same(rng: Random, fan_in: int, fan_out: int, *, number: float) -> float:
    return number


def initialiser(init: str | Initialiser) -> Initialiser:
    """Return the initialiser of that name; a function is returned as it is."""
    if callable(init):
        return init
    if init not in INITIALISERS:
        raise ArgumentError(
            f"there is no initialiser named {init!r}: choose one of {', '.join(INITIALISERS)}, or constant(number)"
        )
    return INITIALISERS[init]


def generator(rng: Random | int | None) -> Random:
    """Return a generator: the one given, one with that seed, or for None one that differs each time.

    >>> generator(7).random() == generator(7).random()
    True
    """
    if isinstance(rng, Random):
        return rng
    if rng is None or isinstance(rng, int | np.integer):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
        return Random(rng if rng is None else int(rng))
    raise OperandTypeError(f"{rng!r} of type {type(rng).__name__} is no generator: pass a random.Random or an int seed")
