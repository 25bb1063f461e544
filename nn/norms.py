"""How long the gradient of each parameter array is, over the steps of an epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.value import Row, Value
from nn.module import Array, Module, elements
from nn.optim import Optimiser

__all__ = ["GradientNorms"]


class GradientNorms:
    """The root mean square over steps of the length of the gradient, for each parameter array.

    Parameters
    ----------
    model : whose arrays these are; the parameters of what is no Module count as one array.
    optimiser : whose order of parameters the gradients have.
    """

    def __init__(self, model: Callable[[Row], Any], optimiser: Optimiser) -> None:
        tensors = list(model.named_tensors()) if isinstance(model, Module) else []
        place: dict[Value, int] = {}
        for i, (_, tensor) in enumerate(tensors):
            for _, p in elements(tensor):
                place.setdefault(p, i)  # a shared one goes by its first name
        self.names = [name for name, _ in tensors] + ["parameters"]
        self._of = np.array([place.get(p, len(tensors)) for p in optimiser.parameters])
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self._squares, self._steps = np.zeros(len(self.names)), 0

    def see(self, gradient: Array) -> None:
        """Note the gradient of one step."""
        with np.errstate(over="ignore"):  # as in the engine, an infinity is a number like others
            self._squares += np.bincount(self._of, weights=gradient * gradient, minlength=len(self.names))
        self._steps += 1

    def means(self) -> dict[str, float]:
        """Return the root mean square for each array that has parameters in the optimiser."""
        present = np.bincount(self._of, minlength=len(self.names)) > 0
        means = np.sqrt(self._squares / max(self._steps, 1)).tolist()
        return {name: norm for name, norm, there in zip(self.names, means, present, strict=True) if there}
