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
from nn.module import Array, Module, elements
from nn.optim import Optimiser
from nn.plan import Plan

__all__ = ["GradientNorms", "Stepper"]


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
        cost = self._reduced(losses, batch.weights)
        if not isinstance(cost, Value):  # pyright: ignore[reportUnnecessaryIsInstance] - a user's own loss
            raise ArgumentError(f"the loss is {cost!r}, a plain number: compute it from the model's output with ops")
        return cost if plan.penalty is None else cost + plan.penalty(model), outputs

    def _reduced(self, losses: list[Value], weights: list[float] | None) -> Value:
        if weights is None:
            return mean(losses) if self.plan.reduction == "mean" else sum(losses)
        total = math.fsum(weights) or 1.0  # a batch of samples that do not count has a loss of 0
        return dot([w / total for w in weights] if self.plan.reduction == "mean" else weights, losses)

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
