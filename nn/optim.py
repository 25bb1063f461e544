"""Optimisers: rules that update parameters from their gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable

from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.op import as_float
from autograd_core.value import Value

__all__ = ["SGD"]


class SGD:
    """Gradient descent: p - lr ∂L/∂p. It is stochastic if the gradients are of random samples.

    Parameters
    ----------
    parameters : what to update, such as ``model.parameters()``.
    lr : the learning rate; may be changed between steps.

    Raises
    ------
    ArgumentError : a learning rate that is negative or not finite, no parameters, one twice, or one that is no leaf.
    OperandTypeError : a parameter that is no Value.

    >>> x = Value(1.0)
    >>> optimiser = SGD([x], lr=0.25)
    >>> (x * x).backward()
    >>> optimiser.step()
    >>> x.data
    0.5
    """

    def __init__(self, parameters: Iterable[Value], lr: float) -> None:
        self.parameters = list(parameters)
        for p in self.parameters:
            if not isinstance(p, Value):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
                raise OperandTypeError(f"{p!r} of type {type(p).__name__} is no parameter: pass Values")
            if p.op is not None or p.is_constant:
                raise ArgumentError(f"{p!r} is a result or a constant, and cannot be changed: pass leaves")
        if not self.parameters:
            raise ArgumentError("there are no parameters: pass those of a model, as in model.parameters()")
        if len(set(self.parameters)) < len(self.parameters):
            raise ArgumentError("a parameter is in the list twice and would be updated twice: pass each one once")
        self.lr = lr

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        if not 0.0 <= as_float(lr) < math.inf:
            raise ArgumentError(f"the learning rate is {lr!r}: pass a finite number from 0 up")
        self._lr = as_float(lr)

    def zero_grad(self) -> None:
        """Set every gradient to 0."""
        for p in self.parameters:
            p.grad = 0.0

    def step(self) -> None:
        """Update every parameter by its present gradient."""
        lr = self._lr
        for p in self.parameters:
            p.data -= lr * p.grad
