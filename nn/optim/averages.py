"""Running averages: of losses, of gradients, of weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from nn.module import Array
from nn.ranges import share

__all__ = ["RunningAverage", "mixed"]

N = TypeVar("N", float, Array)


def mixed(average: N, new: N, gamma: float) -> N:
    """Return γA + (1 - γ)a.

    >>> mixed(1.0, 3.0, gamma=0.75)
    1.5
    """
    return gamma * average + (1.0 - gamma) * new


class RunningAverage:
    """A_0 = 0, A_t = γ_t A_{t-1} + (1 - γ_t) a_t.

    A constant γ gives the moving average, in which an input counts γ times less with each step that it lies back. It
    begins too near 0, by the factor 1 - γ^t; γ_t = (γ - γ^t)/(1 - γ^t) does not. γ_t = (t - 1)/t gives the mean of all
    inputs so far. Of ``optimiser.theta()`` after each step, it is an average of weights, for ``optimiser.assign``.

    Source: mit.avg.running, mit.avg.moving, mit.avg.actual.

    Parameters
    ----------
    gamma : a number in [0, 1), or a function of t = 1, 2, … that returns one.

    Raises
    ------
    ArgumentError : γ lies elsewhere.

    >>> mean = RunningAverage(lambda t: (t - 1) / t)
    >>> [mean.add(a) for a in (2.0, 4.0, 9.0)]
    [2.0, 3.0, 5.0]
    """

    def __init__(self, gamma: float | Callable[[int], float]) -> None:
        self.gamma = gamma if callable(gamma) else share("gamma", gamma)
        self.count = 0
        self.value: float | Array = 0.0

    def add(self, new: N) -> N:
        """Take one more input, a number or an array, and return the new average."""
        t = self.count + 1
        gamma = share(f"gamma of step {t}", self.gamma(t)) if callable(self.gamma) else self.gamma
        average = mixed(cast("N", self.value), new, gamma)
        self.count, self.value = t, average
        return average
