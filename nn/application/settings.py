"""What can be set about a training run on a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograd_core.errors import ArgumentError
from autograd_core.lift.backends import BACKENDS
from nn.checks import whole_from_one
from nn.ranges import from_zero
from nn.target import Task

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """What can be set about a training run on a table; the defaults are those of the command line.

    Parameters
    ----------
    target : the column to predict.
    task : "classification" or "regression"; without it, the content of the column decides.
    drop : columns to leave out.
    categorical : columns of numbers to take as text, such as zip codes.
    impute : whether to fill in what is missing.
    held_out : which part of the rows is kept for the final test, in (0, 1).
    delimiter, encoding : of the file.
    hidden : how many neurons each hidden layer has; none at all is a linear model.
    activation : of the hidden layers.
    epochs : how often all rows are gone through at most.
    batch_size : how many rows make a step.
    lr : the step size of Adam.
    l2 : λ of the penalty λ Σ w².
    patience : after how many epochs without an improvement training ends.
    seed : for the split, the first weights and the order of the rows.
    progress : whether to show a bar on standard error.
    backend : what the steps run on, "numpy", "numba", "jax" or "torch"; without it, on the graph itself. The weights are the
        same to rounding.

    Raises
    ------
    ArgumentError : a number that is out of its range, an unknown backend, or a column that is the target and is left out or forced.

    >>> Settings("species", hidden=(8,)).epochs
    200
    """

    target: str
    task: Task | None = None
    drop: Sequence[str] = ()
    categorical: Sequence[str] = ()
    impute: bool = False
    held_out: float = 0.2
    delimiter: str = ","
    encoding: str = "utf-8"
    hidden: Sequence[int] = (16, 16)
    activation: str = "relu"
    epochs: int = 200
    batch_size: int = 16
    lr: float = 0.01
    l2: float = 0.0
    patience: int = 20
    seed: int = 0
    progress: bool = True
    backend: str | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.held_out < 1.0:
            raise ArgumentError(f"held_out is {self.held_out!r}: pass a part between 0 and 1, such as 0.2")
        for what in ("epochs", "batch_size", "patience"):
            whole_from_one(what, getattr(self, what))
        for size in self.hidden:
            whole_from_one("a hidden layer", size)
        if self.backend is not None and self.backend not in BACKENDS:
            raise ArgumentError(f"there is no backend {self.backend!r}: choose one of {', '.join(BACKENDS)}")
        from_zero("lr", self.lr)
        from_zero("l2", self.l2)
        if self.target in self.drop:
            raise ArgumentError(f"{self.target!r} is the target and cannot be left out: take it from what is dropped")
        if self.target in self.categorical:
            raise ArgumentError(
                f"{self.target!r} is the target: say --task classification to take its numbers as classes"
            )
