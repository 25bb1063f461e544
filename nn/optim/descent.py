"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, Unpack

from autograd_core.errors import ArgumentError
from autograd_core.value import Value
from nn.module import Array
from nn.optim.optimiser import Optimiser, Options
from nn.ranges import share
from nn.schedules import Schedule

__all__ = ["SGD", "Momentum", "Nesterov"]

Form = Literal["velocity", "average", "torch"]

LETTERS: dict[str, str] = {"velocity": "V", "average": "M", "torch": "b"}
"""What each form of momentum remembers. They differ in scale, so that one cannot go on from the state of another."""


class SGD(Optimiser):
    """Gradient descent: θ ← θ - ηg. It is stochastic if the gradients are of random samples.

    Source: mit.opt.batch, mit.opt.sgd, mit.opt.minibatch.

    Parameters
    ----------
    parameters : what to update, such as ``model.parameters()``.
    lr : the learning rate η, or a schedule of it.
    **options : decay, clipping and ascent; see `Optimiser`.

    Raises
    ------
    ArgumentError, OperandTypeError : see `Optimiser`.

    >>> x = Value(1.0)
    >>> optimiser = SGD([x], lr=0.25)
    >>> (x * x).backward()
    >>> optimiser.step()
    >>> x.data
    0.5
    """

    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return θ - ηg."""
        return theta - lr * gradient


class Momentum(Optimiser):
    """Gradient descent that keeps going: its step is a sum of all gradients so far, which decays with γ.

    ========== ====================== ============ ==============================================
    form       remembers              step         source
    ========== ====================== ============ ==============================================
    "velocity" V ← γV + ηg            θ ← θ - V    mit.opt.momentum; Polyak 1964
    "average"  M ← γM + (1 - γ)g      θ ← θ - ηM   mit.opt.momentum.equiv
    "torch"    b ← γb + (1 - d)g      θ ← θ - ηb   PyTorch's SGD; its first step has d = 0
    ========== ====================== ============ ==============================================

    With the same constant η, velocity and torch (d = 0) agree, and average has steps that are 1 - γ times as long.
    With a schedule they part: V holds each gradient at the rate of its own step, b and M at that of the latest.

    Parameters
    ----------
    parameters : what to update.
    lr : the learning rate η, or a schedule of it.
    momentum : γ, in [0, 1).
    form : which of the three.
    dampening : d, in [0, 1); of the form "torch" alone.
    **options : decay, clipping and ascent; see `Optimiser`.

    Raises
    ------
    ArgumentError : a number out of its range, an unknown form, or dampening in another form; and see `Optimiser`.

    >>> x = Value(1.0)
    >>> optimiser = Momentum([x], lr=0.25, momentum=0.5)
    >>> for _ in range(2):
    ...     optimiser.zero_grad()
    ...     (x * x).backward()
    ...     optimiser.step()
    >>> x.data
    0.0
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("momentum", "form", "dampening")

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule,
        momentum: float = 0.9,
        *,
        form: Form = "velocity",
        dampening: float = 0.0,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(parameters, lr, **options)
        if form not in LETTERS:
            raise ArgumentError(f"form is {form!r}: choose one of {', '.join(LETTERS)}")
        self.momentum, self.form = share("momentum", momentum), form
        self.dampening = _dampening(dampening, form)
        self.state = self.zeros(LETTERS[form])

    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return the next θ."""
        damped = 1.0 if self.steps == 1 else 1.0 - self.dampening
        taken, rate = {
            "velocity": (lr, 1.0),
            "average": (1.0 - self.momentum, lr),
            "torch": (damped, lr),
        }[self.form]
        letter = LETTERS[self.form]
        V = self.state[letter] = self.momentum * self.state[letter] + taken * gradient
        return theta - rate * V


class Nesterov(Optimiser):
    """Nesterov's momentum in PyTorch's form: b ← γb + g, θ ← θ - η(g + γb).

    Sutskever et al. 2013 (ICML, equations 3 and 4) have V ← γV - η∇J(φ + γV), φ ← φ + V. For constant η and γ it is the
    same run, seen at the points where it takes its gradients: θ = φ + γV and V = -ηb.

    Parameters
    ----------
    parameters : what to update.
    lr : the learning rate η, or a schedule of it.
    momentum : γ, in [0, 1).
    **options : decay, clipping and ascent; see `Optimiser`.

    Raises
    ------
    ArgumentError : a momentum elsewhere; and see `Optimiser`.

    >>> x = Value(1.0)
    >>> (x * x).backward()
    >>> Nesterov([x], lr=0.25, momentum=0.5).step()
    >>> x.data
    0.25
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("momentum",)

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule,
        momentum: float = 0.9,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(parameters, lr, **options)
        self.momentum = share("momentum", momentum)
        self.state = self.zeros("b")

    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return the next θ."""
        b = self.state["b"] = self.momentum * self.state["b"] + gradient
        return theta - lr * (gradient + self.momentum * b)


def _dampening(dampening: float, form: Form) -> float:
    checked = share("dampening", dampening)
    if checked and form != "torch":
        raise ArgumentError(f"dampening is {dampening!r} in the form {form!r}, which has none: choose form='torch'")
    return checked
