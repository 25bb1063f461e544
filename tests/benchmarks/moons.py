"""The rivals of the moons benchmark: one training step each, written the way micrograd's demo is."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from unittest import mock

from sklearn.datasets import make_moons

POINTS, CLASSES = make_moons(n_samples=100, noise=0.1, random_state=1337)
LABELS = (2.0 * CLASSES - 1.0).tolist()


def training_step(value: type, model: Any) -> Callable[[], float]:
    """Return one step: forward, zero_grad, backward, update."""
    inputs = [list(map(value, point)) for point in POINTS.tolist()]

    def step() -> float:
        scores = list(map(model, inputs))
        losses = [(1 + -label * score).relu() for label, score in zip(LABELS, scores, strict=True)]
        total = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad
        return total.data

    return step


def micrograd() -> Callable[[], float]:
    """Return the step with micrograd from PyPI."""
    from micrograd.engine import Value
    from micrograd.nn import MLP

    random.seed(1337)
    return training_step(Value, MLP(2, [16, 16, 1]))


def ours() -> Callable[[], float]:
    """Return the step with our network, whose neurons record one dot each."""
    from autograd_core import Value
    from nn import MLP

    # micrograd draws weights from U(-1, 1) in the same order, so all rivals start alike.
    return training_step(Value, MLP(2, [16, 16, 1], init="uniform", rng=1337))


def ours_in_binary() -> Callable[[], float]:
    """Return the step with our Values in micrograd's network: one + and one * after the other."""
    import micrograd.nn

    from autograd_core import Value

    random.seed(1337)
    with mock.patch.object(micrograd.nn, "Value", Value):
        model = micrograd.nn.MLP(2, [16, 16, 1])
    return training_step(Value, model)
