"""Dropout and noise: what perturbs a network while it is trained, so that it does not rely on any one number.

The perturbations are part of the graph, as constants that outputs are multiplied by or that are added to them, so the
chain rule passes gradients through them by itself. In evaluation mode nothing is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING

from autograd_core.errors import ArgumentError
from autograd_core.op import as_float
from autograd_core.value import Number, Row, as_row
from nn.effects import drawn
from nn.init import generator
from nn.module import Module

__all__ = ["Dropout", "Noise"]


class Dropout(Module):
    """Dropout: in training each unit of each sample is kept with some probability, and is else multiplied by 0.

    A unit that is kept is divided by that probability, so that on average nothing changes and evaluation has nothing to
    do. That is called inverted dropout. The original leaves it as it is in training, and in evaluation multiplies by the
    probability of keeping: what is multiplied here are the outputs, which is the same as scaling the weights *out of* this
    layer, and leaves alone biases and weights that come from elsewhere. Some texts call p the probability of dropping and
    others that of keeping, and a few do both; hence the two names, one of which has to be used.

    Gradients of the weights into and out of a dropped unit are exactly 0.

    Parameters
    ----------
    drop : the probability that a unit is dropped, in [0, 1); or else
    keep : the probability that it is kept, in (0, 1].
    rng : a random.Random or an int seed. Without one the masks differ each time. For each unit in turn, ``rng.random()``
        below the probability of keeping means that it is kept.
    inverted : whether it is training that rescales, and not evaluation.

    Raises
    ------
    ArgumentError : both of drop and keep or neither, or a probability out of range.

    >>> layer = Dropout(drop=0.5, rng=2)
    >>> [unit.data for unit in layer([1.0, 2.0, 3.0, 4.0])]
    [0.0, 0.0, 6.0, 8.0]
    >>> [unit.data for unit in layer.eval()([1.0, 2.0, 3.0, 4.0])]
    [1.0, 2.0, 3.0, 4.0]
    """

    def __init__(
        self,
        *,
        drop: float | None = None,
        keep: float | None = None,
        rng: Random | int | None = None,
        inverted: bool = True,
    ) -> None:
        self.keep = _probability_of_keeping(drop, keep)
        self.inverted = inverted
        self.rng = generator(rng)

    def forward(self, x: Iterable[Number]) -> Row:
        """Return as many numbers as there are inputs."""
        row = as_row(x)
        if self.training:
            return tuple([unit * factor for unit, factor in zip(row, drawn(self._factor, len(row)), strict=True)])
        return row if self.inverted else tuple([unit * self.keep for unit in row])

    def _factor(self) -> float:
        kept = 1.0 / self.keep if self.inverted else 1.0
        return kept if self.rng.random() < self.keep else 0.0

    def __repr__(self) -> str:
        return f"Dropout(keep={self.keep!r}{'' if self.inverted else ', inverted=False'})"

    if TYPE_CHECKING:

        def __call__(self, x: Iterable[Number]) -> Row: ...  # noqa: D102 - for type checkers


class Noise(Module):
    """Gaussian noise of mean 0, added to each number in training, and nothing in evaluation.

    On the inputs of a linear model with squared loss, noise of standard deviation s has on average the effect of an L2
    penalty with λ = s² for each sample; for other networks it has about that, if s is small.

    Parameters
    ----------
    sd : the standard deviation, from 0 up.
    rng : a random.Random or an int seed. Without one the noise differs each time.

    Raises
    ------
    ArgumentError : a standard deviation that is negative or not finite.

    >>> layer = Noise(0.1, rng=0)
    >>> [round(x.data, 3) for x in layer([1.0, 2.0])]
    [1.094, 1.86]
    """

    def __init__(self, sd: float, rng: Random | int | None = None) -> None:
        if not 0.0 <= as_float(sd) < math.inf:
            raise ArgumentError(f"the standard deviation is {sd!r}: pass a finite number from 0 up")
        self.sd = as_float(sd)
        self.rng = generator(rng)

    def forward(self, x: Iterable[Number]) -> Row:
        """Return as many numbers as there are inputs."""
        row = as_row(x)
        if not self.training:
            return row
        return tuple([v + noise for v, noise in zip(row, drawn(self._noise, len(row)), strict=True)])

    def _noise(self) -> float:
        return self.rng.gauss(0.0, self.sd)

    def __repr__(self) -> str:
        return f"Noise({self.sd!r})"

    if TYPE_CHECKING:

        def __call__(self, x: Iterable[Number]) -> Row: ...  # noqa: D102 - for type checkers


def _probability_of_keeping(drop: float | None, keep: float | None) -> float:
    if keep is None and drop is not None:
        if not 0.0 <= as_float(drop) < 1.0:
            raise ArgumentError(f"the probability of dropping is {drop!r}: pass one from 0 up and below 1")
        return 1.0 - as_float(drop)
    if keep is None or drop is not None:
        raise ArgumentError(
            f"Dropout was given drop={drop!r} and keep={keep!r}: pass one of the two, as in Dropout(drop=0.2)"
        )
    if not 0.0 < as_float(keep) <= 1.0:
        raise ArgumentError(f"the probability of keeping is {keep!r}: pass one above 0 and up to 1")
    return as_float(keep)
