"""Rules that give each parameter a step size of its own, from the squares of its gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Unpack

import numpy as np

from autograd_core.value import Value
from nn.module import Array
from nn.optim.optimiser import Optimiser, Options
from nn.ranges import above_zero, from_zero, share
from nn.schedules import Schedule

__all__ = ["Adadelta", "Adagrad", "RMSProp", "root"]


def root(squares: Array, eps: float, *, inside: bool) -> Array:
    """Return √(G + ε), or √G + ε. Inside the root, ε = 1e-8 acts like 1e-4 outside it.

    >>> root(np.array([9.0]), 7.0, inside=True).tolist(), root(np.array([9.0]), 7.0, inside=False).tolist()
    ([4.0], [10.0])
    """
    return np.sqrt(squares + eps) if inside else np.sqrt(squares) + eps


class Adagrad(Optimiser):
    """G ← G + g², θ ← θ - ηg / (√G + ε).

    Source: Duchi et al. 2011, JMLR 12, page 2122 (diagonal matrices) and figure 1, with PyTorch's place for ε. PyTorch's
    ``lr_decay`` is the schedule ``schedules.inverse(lr, decay)``.

    Parameters
    ----------
    parameters : what to update.
    lr : the learning rate η, or a schedule of it.
    initial : G before the first step.
    eps : ε, above 0; without it, a gradient of 0 at the first step would give 0/0.
    **options : decay, clipping and ascent; see `Optimiser`.

    Raises
    ------
    ArgumentError : a number out of its range; and see `Optimiser`.

    >>> Adagrad([Value(0.0)], lr=0.5, initial=5.0).advance(np.array([1.0]), np.array([2.0])).round(6).tolist()
    [0.666667]
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("initial", "eps")

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.01,
        *,
        initial: float = 0.0,
        eps: float = 1e-10,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(parameters, lr, **options)
        self.initial, self.eps = from_zero("initial", initial), above_zero("eps", eps)
        self.state = {"G": np.full(len(self.parameters), self.initial)}

    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return the next θ."""
        G = self.state["G"] = self.state["G"] + gradient**2
        return theta - lr * gradient / root(G, self.eps, inside=False)


class RMSProp(Optimiser):
    """G ← γG + (1 - γ)g², θ ← θ - ηg / (√G + ε).

    With ``eps_inside_root`` the divisor is √(G + ε), and the rule is what mit.opt.adadelta calls adadelta.

    Source: Tieleman and Hinton 2012, lecture 6.5, with PyTorch's place for ε (there γ is ``alpha``, 0.99 by default).

    Parameters
    ----------
    parameters : what to update.
    lr : the learning rate η, or a schedule of it.
    gamma : γ, in [0, 1).
    eps : ε, above 0.
    eps_inside_root : where ε stands.
    **options : decay, clipping and ascent; see `Optimiser`.

    Raises
    ------
    ArgumentError : a number out of its range; and see `Optimiser`.

    >>> RMSProp([Value(0.0)], lr=0.5, gamma=0.75).advance(np.array([1.0]), np.array([2.0])).round(6).tolist()
    [0.0]
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("gamma", "eps", "eps_inside_root")

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.01,
        gamma: float = 0.9,
        *,
        eps: float = 1e-8,
        eps_inside_root: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(parameters, lr, **options)
        self.gamma, self.eps = share("gamma", gamma), above_zero("eps", eps)
        self.eps_inside_root = bool(eps_inside_root)
        self.state = self.zeros("G")

    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return the next θ."""
        G = self.average("G", gradient**2, self.gamma)
        return theta - lr * gradient / root(G, self.eps, inside=self.eps_inside_root)


class Adadelta(Optimiser):
    """G ← ρG + (1 - ρ)g², Δ = √(D + ε)/√(G + ε) g, D ← ρD + (1 - ρ)Δ², θ ← θ - ηΔ.

    Its steps have the unit of the parameters, and it needs no learning rate: η is 1 in the paper, and in PyTorch.

    Source: Zeiler 2012, arXiv:1212.5701, algorithm 1. (The rule of mit.opt.adadelta is `RMSProp`.)

    Parameters
    ----------
    parameters : what to update.
    lr : η, or a schedule of it.
    rho : ρ, in [0, 1).
    eps : ε, above 0; it makes the first steps possible.
    **options : decay, clipping and ascent; see `Optimiser`.

    Raises
    ------
    ArgumentError : a number out of its range; and see `Optimiser`.

    >>> Adadelta([Value(0.0)], eps=1e-6).advance(np.array([1.0]), np.array([0.5])).round(6).tolist()
    [0.996838]
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("rho", "eps")

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 1.0,
        rho: float = 0.9,
        *,
        eps: float = 1e-6,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(parameters, lr, **options)
        self.rho, self.eps = share("rho", rho), above_zero("eps", eps)
        self.state = self.zeros("G", "D")

    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return the next θ."""
        G = self.average("G", gradient**2, self.rho)
        step = np.sqrt(self.state["D"] + self.eps) / np.sqrt(G + self.eps) * gradient
        self.average("D", step**2, self.rho)
        return theta - lr * step
