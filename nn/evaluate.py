"""What a model does with samples when it is not being trained."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from operator import mul
from typing import Any, cast

from autograd_core.modes import no_grad
from autograd_core.op import as_float
from autograd_core.value import Number, Row, Value, as_row
from nn.data import Samples, listed
from nn.metrics import Metric, Output, measure, named
from nn.module import Module

__all__ = ["evaluate", "evaluating", "plain", "predict"]


@contextmanager
def evaluating(model: Callable[[Row], Any]) -> Generator[None]:
    """Put a model in evaluation mode, and each of its modules back into its own afterwards."""
    modules = [module for _, module in model.named_modules()] if isinstance(model, Module) else []
    modes = [module.training for module in modules]
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode


def predict(model: Callable[[Row], Any], inputs: Iterable[Iterable[Number]]) -> list[Output]:
    """Return a model's output for each sample, in evaluation mode and without recording a graph.

    Parameters
    ----------
    model : called with one sample's inputs, a tuple of Values.
    inputs : one row of numbers for each sample; a NumPy array will do.

    Returns
    -------
    a float for each sample if the model has one output, else a tuple of floats.

    >>> from nn import MLP
    >>> predict(MLP(1, [1], init="zero"), [[1.0], [2.0]])
    [0.0, 0.0]
    """
    with evaluating(model), no_grad():
        return [plain(model(as_row(row))) for row in listed("inputs", inputs)]


def evaluate(
    model: Callable[[Row], Any],
    inputs: Iterable[Iterable[Number]],
    targets: Iterable[Any],
    *,
    loss: Callable[..., Value | float],
    metrics: Mapping[str, Metric] | None = None,
    sample_weight: Iterable[float] | None = None,
) -> dict[str, float]:
    """Return the mean loss of samples as ``"loss"``, weighted if there are weights, and each metric by its name, in evaluation mode.

    Parameters
    ----------
    model, inputs, targets, sample_weight : as in `nn.fit`.
    loss : as there, or one that returns a plain number, such as `nn.losses.zero_one`.
    metrics : functions of all outputs and all targets, by name; see `nn.metrics`.

    Raises
    ------
    ArgumentError : no samples, not one target for each, or a metric that is called "loss".

    >>> from nn import MLP, losses
    >>> evaluate(MLP(1, [1], init="zero"), [[1.0], [2.0]], [1.0, 3.0], loss=losses.squared_error)
    {'loss': 5.0}
    """
    samples, metrics = Samples.of(inputs, targets, sample_weight), named(metrics)
    losses, outputs = list[float](), list[Output]()
    with evaluating(model), no_grad():
        for row, target in zip(samples.rows, samples.targets, strict=True):
            output = model(row)
            cost = loss(output, target)
            losses.append(cost.data if isinstance(cost, Value) else as_float(cost))
            outputs.append(plain(output))
    weights = samples.weights or [1.0] * len(samples)
    mean = sum(map(mul, weights, losses)) / samples.weight
    return {"loss": mean} | measure(metrics, outputs, samples.targets)


def plain(output: Any) -> Output:
    """Return a model's output as plain numbers."""
    if isinstance(output, Value):
        return output.data
    if not isinstance(output, Iterable) or getattr(cast("object", output), "shape", None) == ():
        return as_float(cast("object", output))
    return tuple([y.data if isinstance(y, Value) else y for y in cast("Iterable[Any]", output)])
