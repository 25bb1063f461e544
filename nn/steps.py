"""One step of training: the loss of a mini-batch, its gradient, and an update by the optimiser."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from autograd_core.errors import AnomalyError, ArgumentError
from autograd_core.modes import detect_anomaly
from autograd_core.ops import dot, mean, sum
from autograd_core.value import Row, Value
from nn.data import Samples
from nn.module import Module
from nn.norms import GradientNorms
from nn.optim import Optimiser
from nn.plan import Plan

__all__ = ["Stepper"]


class Stepper:
    """Takes steps with one model and one optimiser.

    Parameters
    ----------
    model : called with one sample's inputs; a Module gets a whole batch at once.
    optimiser : with the model's parameters.
    plan : the loss, the reduction and the penalty.
    """

    def __init__(self, model: Callable[[Row], Any], optimiser: Optimiser, plan: Plan) -> None:
        self.model, self.optimiser, self.plan = model, optimiser, plan
        self.norms = GradientNorms(model, optimiser)
        module = model if isinstance(model, Module) else Module()
        self._buffers = [buffer for _, buffer in module.named_buffers()]
        self._generators = [rng for _, rng in module.named_generators()]

    def step(self, batch: Samples) -> tuple[float, Sequence[Any]]:
        """Update the parameters by one mini-batch, and return its loss and outputs from before.

        Raises
        ------
        ArgumentError : the loss is no Value.
        AnomalyError : the loss or its gradient is not finite. The model is as it was, but for its gradients.
        """
        undo = self._snapshot()
        try:
            cost, outputs = self._cost(batch)
            self.optimiser.zero_grad()
            cost.backward()
            gradient = self.optimiser.gradient()
            if not (math.isfinite(cost.data) and np.isfinite(gradient).all()):
                self._explain(batch, cost.data, undo)
        except BaseException:
            undo()
            raise
        self.norms.see(gradient)
        self.optimiser.step()
        return cost.data, outputs

    def _cost(self, batch: Samples) -> tuple[Value, Sequence[Any]]:
        model, plan = self.model, self.plan
        outputs = model.on_batch(batch.rows) if isinstance(model, Module) else [model(row) for row in batch.rows]
        if len(outputs) != len(batch):
            raise ArgumentError(
                f"{type(model).__name__} gives {len(outputs)} outputs for a batch of {len(batch)} samples: let its "
                "forward_batch return one for each"
            )
        losses = [plan.loss(output, target) for output, target in zip(outputs, batch.targets, strict=True)]
        cost = self._reduced(losses, batch)
        if not isinstance(cost, Value):  # pyright: ignore[reportUnnecessaryIsInstance] - a user's own loss
            raise ArgumentError(f"the loss is {cost!r}, a plain number: compute it from the model's output with ops")
        return cost if plan.penalty is None else cost + plan.penalty(model), outputs

    def _reduced(self, losses: list[Value], batch: Samples) -> Value:
        if batch.weights is None:
            return mean(losses) if self.plan.reduction == "mean" else sum(losses)
        if self.plan.reduction == "sum":
            return dot(batch.weights, losses)
        total = batch.weight or 1.0  # a batch of samples that do not count has a loss of 0
        return dot([w / total for w in batch.weights], losses)

    def _snapshot(self) -> Callable[[], None]:
        """Return a function that puts back what a forward pass changes in the model beside its graph."""
        buffers = [buffer.copy() for buffer in self._buffers]
        states = [rng.getstate() for rng in self._generators]

        def undo() -> None:
            for buffer, before in zip(self._buffers, buffers, strict=True):
                buffer[...] = before
            for rng, state in zip(self._generators, states, strict=True):
                rng.setstate(state)

        return undo

    def _explain(self, batch: Samples, cost: float, undo: Callable[[], None]) -> NoReturn:
        """Go through the batch once more, and look at every number on the way."""
        where = f"step {self.optimiser.steps + 1} has no finite loss and gradient (the loss is {cost:g})"
        undo()
        try:
            with detect_anomaly():
                self._cost(batch)[0].backward()
        except AnomalyError as first:
            raise AnomalyError(f"{where}: {first}") from None
        raise AnomalyError(f"{where}: pass inputs and targets that are finite, and a smaller step size")
