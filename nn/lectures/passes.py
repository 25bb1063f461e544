"""What a forward and a backward pass through a network of layers leave behind, whatever a lecture calls it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nn.lectures.item import Array

__all__ = ["Slopes", "Trace"]


@dataclass(frozen=True)
class Trace:
    """What a forward pass leaves behind; samples are rows or columns, as the lecture has them.

    Parameters
    ----------
    pre_activations : of layers 1 to L.
    activations : of layers 0 to L: the input first, the output last.
    """

    pre_activations: list[Array]
    activations: list[Array]


@dataclass(frozen=True)
class Slopes:
    """What a backward pass leaves behind, for layers 1 to L, in the lecture's layout, scale and sign.

    Parameters
    ----------
    loss : of all samples together.
    deltas : the slope that the lecture hands back from layer to layer, for each sample.
    weights, biases : the slopes by the parameters; None for a layer without a bias.
    inputs : the slope by the input, where the lecture goes that far; else empty.
    """

    loss: float
    deltas: list[Array]
    weights: list[Array]
    biases: list[Array | None]
    inputs: Array = field(default_factory=lambda: np.empty(0))
