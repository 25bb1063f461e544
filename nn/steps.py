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
from nn.module import Array, Module
from nn.norms import GradientNorms
from nn.optim import Optimiser
from nn.plan import Plan

__all__ = ["Stepper", "no_value", "outputs_of"]


class Stepper:
    """Takes steps with one model and one optimiser.

    Parameters
    ----------
    model : called with one sample's inputs; a Module gets a whole batch at once.
    optimiser : with the model's parameters.
    plan : the loss, the reduction and the penalty.
    samples : what is trained on.
    """

    def __init__(self, model: Callable[[Row], Any], optimiser: Optimiser, plan: Plan, samples: Samples) -> None:
        self.model, self.optimiser, self.plan, self.samples = model, optimiser, plan, samples
        self.norms = GradientNorms(model, optimiser)
        module = model if isinstance(model, Module) else Module()
        self._buffers = [buffer for _, buffer in module.named_buffers()]
        self._generators = [rng for _, rng in module.named_generators()]

    def begin(self) -> None:
        """Get ready for steps with the parameters as they are now."""

    def end(self) -> None:
        """See to it that the parameters show what the steps have made of them."""

    def step(self, numbers: Sequence[int]) -> tuple[float, Sequence[Any]]:
        """Update the parameters by the mini-batch of these samples, and return its loss and outputs from before.

        Raises
        ------
        ArgumentError : the loss is no Value.
        AnomalyError : the loss or its gradient is not finite. The model is as it was, but for its gradients.
        """
        undo = self._snapshot()
        try:
            cost, outputs, gradient = self._computed(numbers)
            if not (math.isfinite(cost) and np.isfinite(gradient).all()):
                self._explain(numbers, cost, undo)
        except BaseException:
            undo()
            raise
        self.norms.see(gradient)
        self._update(gradient)
        return cost, outputs

    def _computed(self, numbers: Sequence[int]) -> tuple[float, Sequence[Any], Array]:
        """Return the loss of a mini-batch, its outputs, and the gradient in the optimiser's order."""
        cost, outputs = self._cost(self.samples.pick(numbers))
        self.optimiser.zero_grad()
        cost.backward()
        return cost.data, outputs, self.optimiser.gradient()

    def _update(self, gradient: Array) -> None:  # noqa: ARG002 - the parameters have it as well
        self.optimiser.step()

    def _cost(self, batch: Samples) -> tuple[Value, Sequence[Any]]:
        outputs, plan = outputs_of(self.model, batch.rows), self.plan
        losses = [plan.loss(output, target) for output, target in zip(outputs, batch.targets, strict=True)]
        cost = self._reduced(losses, batch)
        if not isinstance(cost, Value):  # pyright: ignore[reportUnnecessaryIsInstance] - a user's own loss
            raise ArgumentError(no_value(cost))
        return cost if plan.penalty is None else cost + plan.penalty(self.model), outputs

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

    def _explain(self, numbers: Sequence[int], cost: float, undo: Callable[[], None]) -> NoReturn:
        """Go through the batch once more, and look at every number on the way."""
        where = f"step {self.optimiser.steps + 1} has no finite loss and gradient (the loss is {cost:g})"
        undo()
        try:
            with detect_anomaly():
                self._cost(self.samples.pick(numbers))[0].backward()
        except AnomalyError as first:
            raise AnomalyError(f"{where}: {first}") from None
        raise AnomalyError(f"{where}: pass inputs and targets that are finite, and a smaller step size")


def outputs_of(model: Callable[[Row], Any], rows: Sequence[Row]) -> Sequence[Any]:
    """Return a model's output for each sample of a mini-batch.

    Raises
    ------
    ArgumentError : a Module gives more or fewer.

    >>> outputs_of(max, [(1.0, 2.0), (3.0, 0.0)])
    [2.0, 3.0]
    """
    outputs = model.on_batch(rows) if isinstance(model, Module) else [model(row) for row in rows]
    if len(outputs) != len(rows):
        raise ArgumentError(
            f"{type(model).__name__} gives {len(outputs)} outputs for a batch of {len(rows)} samples: let its "
            "forward_batch return one for each"
        )
    return outputs


def no_value(cost: object) -> str:
    """Return what is said of a loss that is no Value.

    >>> print(no_value(1.0))
    the loss is 1.0, a plain number: compute it from the model's output with ops
    """
    return f"the loss is {cost!r}, a plain number: compute it from the model's output with ops"
