"""Batch normalisation: each unit is shifted and scaled by its own mean and deviation over the mini-batch.

Source: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import SupportsIndex

import numpy as np

from autograd_core.errors import ArgumentError
from autograd_core.op import as_float
from autograd_core.ops import div, dot, mean, sqrt, sub
from autograd_core.value import Number, Row, Value, as_row
from nn.checks import whole_from_one
from nn.effects import observed
from nn.module import Array, Module

__all__ = ["BatchNorm"]


class BatchNorm(Module):
    """Batch normalisation: weight (z - μ) / √(σ² + ε) + bias, for each of several units.

    In training μ and σ² are a unit's mean and variance over the mini-batch (divided by its size K), and the graph goes
    through them: every sample's output depends on all samples, which is why `on_batch` has to see them together. In
    evaluation they are the running averages of what was seen in training, and each sample stands alone.

    Names, layout and conventions are those of PyTorch's BatchNorm1d. A bias in the layer before has no effect, as μ takes it
    out again. A unit that does not vary over the mini-batch gives its bias, and a finite gradient: under the root for its
    ε, and with σ + ε because the infinite slope of √ at 0 meets an adjoint that is exactly 0. Second derivatives of σ + ε
    are nan there, and with ε = 0 such a unit is 0/0.

    Parameters
    ----------
    size : how many units there are.
    eps : ε, from 0 up.
    eps_inside_root : whether to divide by √(σ² + ε), or else by σ + ε, as some texts have it.
    momentum : the part of a new mini-batch in the running averages; None for the plain average of all so far. The
        variance that goes in is divided by K - 1.
    affine : whether there are a weight and a bias, which start at 1 and 0.

    Raises
    ------
    ArgumentError : no units, an ε that is negative or not finite, or a momentum outside of 0 to 1.

    >>> layer = BatchNorm(1, eps=0.0)
    >>> [row[0].data for row in layer.on_batch([[1.0], [3.0]])]
    [-1.0, 1.0]
    >>> layer.running_mean.tolist(), layer.running_var.tolist()
    ([0.2], [1.1])
    """

    def __init__(
        self,
        size: SupportsIndex,
        *,
        eps: float = 1e-5,
        eps_inside_root: bool = True,
        momentum: float | None = 0.1,
        affine: bool = True,
    ) -> None:
        size = whole_from_one("size", size)
        if not 0.0 <= as_float(eps) < math.inf:
            raise ArgumentError(f"eps is {eps!r}: pass a finite number from 0 up")
        if momentum is not None and not 0.0 <= as_float(momentum) <= 1.0:
            raise ArgumentError(f"momentum is {momentum!r}: pass a number from 0 to 1, or None for the plain average")
        self.eps, self.eps_inside_root = as_float(eps), eps_inside_root
        self.momentum = None if momentum is None else as_float(momentum)
        self.weight = tuple([Value(1.0, f"g{i}") for i in range(size)]) if affine else None
        self.bias = tuple([Value(0.0, f"b{i}") for i in range(size)]) if affine else None
        self.running_mean, self.running_var = np.zeros(size), np.ones(size)
        self.num_batches_tracked = np.zeros(())

    def forward(self, x: Iterable[Number]) -> Row:
        """Return one sample's outputs, by the running averages; in training it has to be a batch."""
        if self.training:
            raise ArgumentError(
                f"{self!r} normalises over a mini-batch in training, and was given one sample: call "
                "model.on_batch(rows), with a forward_batch beside each forward of your own, or model.eval() to use what it "
                "has seen"
            )
        outputs = [
            self._shifted(i, sub(z, mu) * self._scale(i, variance))
            for i, (z, mu, variance) in enumerate(
                zip(self._checked(x), self.running_mean.tolist(), self.running_var.tolist(), strict=True)
            )
        ]
        return tuple(outputs)

    def forward_batch(self, rows: Sequence[Iterable[Number]]) -> Sequence[Row]:
        """Return the outputs of several samples."""
        if not self.training:
            return [self.forward(row) for row in rows]
        if len(rows) < 2:
            raise ArgumentError(
                f"{self!r} normalises over a mini-batch in training, and was given one of {len(rows)}, in which nothing "
                "varies: choose a batch_size that leaves no such batch at the end, or call model.eval()"
            )
        columns = [
            self._normalised(i, column)
            for i, column in enumerate(zip(*[self._checked(row) for row in rows], strict=True))
        ]
        self._track(len(rows), [statistics for _, statistics in columns])
        return list(zip(*[outputs for outputs, _ in columns], strict=True))

    def _normalised(self, i: int, column: Row) -> tuple[Row, tuple[Value, Value]]:
        """Return a unit's outputs for all samples, its mean, and the sum of the squares around that."""
        mu: Value = mean(column)
        centred: Row = tuple([sub(z, mu) for z in column])
        squares: Value = dot(centred, centred)
        scale = self._scale(i, squares * (1.0 / len(column)))
        outputs = tuple([self._shifted(i, z * scale) for z in centred])
        return outputs, (mu, squares)

    def _scale(self, i: int, variance: Number) -> Number:
        deviation = sqrt(variance + self.eps) if self.eps_inside_root else sqrt(variance) + self.eps
        return div(1.0 if self.weight is None else self.weight[i], deviation)

    def _shifted(self, i: int, z: Value) -> Value:
        return z if self.bias is None else z + self.bias[i]

    def _track(self, samples: int, statistics: Sequence[tuple[Value, Value]]) -> None:
        """Have the running averages updated by each unit's mean and sum of squares."""

        def update(numbers: list[float]) -> None:
            means, squares = np.reshape(numbers, (-1, 2)).T
            self._update(means, squares / (samples - 1))

        observed([v for pair in statistics for v in pair], update)

    def _update(self, means: Array, variances: Array) -> None:
        self.num_batches_tracked += 1.0
        part = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean[...] = (1.0 - part) * self.running_mean + part * means
        self.running_var[...] = (1.0 - part) * self.running_var + part * variances

    def _checked(self, x: Iterable[Number]) -> Row:
        row, size = as_row(x), len(self.running_mean)
        if len(row) != size:
            raise ArgumentError(f"{self!r} takes {size} inputs and was given {len(row)}: pass one number for each")
        return row

    def __repr__(self) -> str:
        return f"BatchNorm({len(self.running_mean)})"
