"""Early stopping: training ends when the loss on held-out samples has stopped falling."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nn.checks import whole_from_one
from nn.module import Array, Module
from nn.ranges import from_zero

__all__ = ["EarlyStopping", "Watch"]


@dataclass(frozen=True)
class EarlyStopping:
    """When `nn.fit` ends early, and with which weights.

    Parameters
    ----------
    patience : after how many epochs in a row without an improvement training ends.
    min_improvement : how far the validation loss must fall below the lowest so far to count as one.
    restore : whether the model gets the weights of the best epoch back, however the run ends.

    Raises
    ------
    ArgumentError : a patience below 1, or an improvement that is negative or not finite.

    Source: mit.reg.early_stopping.

    >>> EarlyStopping(patience=3).restore
    True
    """

    patience: int = 10
    min_improvement: float = 0.0
    restore: bool = True

    def __post_init__(self) -> None:
        # As Python's own numbers, which a checkpoint can keep.
        object.__setattr__(self, "patience", whole_from_one("patience", self.patience))
        object.__setattr__(self, "min_improvement", from_zero("min_improvement", self.min_improvement))
        object.__setattr__(self, "restore", bool(self.restore))


@dataclass
class Watch:
    """What early stopping has seen so far."""

    rule: EarlyStopping
    best: float = math.inf
    best_epoch: int = 0
    waited: int = 0
    weights: dict[str, Array] | None = None

    def see(self, epoch: int, loss: float, model: Module) -> bool:
        """Note the validation loss of an epoch, and return whether to stop."""
        if loss < self.best - self.rule.min_improvement:
            self.best, self.best_epoch, self.waited = loss, epoch, 0
            self.weights = model.state_dict() if self.rule.restore else None
        else:
            self.waited += 1
        return self.waited >= self.rule.patience

    def restore(self, model: Module) -> None:
        """Give the model the weights of the best epoch back, if they were kept."""
        if self.weights is not None:
            model.load_state_dict(self.weights)
