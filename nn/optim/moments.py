"""Adam and its kin: a moving average of the gradients, over the root of one of their squares."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar, Unpack

import numpy as np

from autograd_core.value import Value
from nn.module import Array
from nn.optim.adaptive import root
from nn.optim.optimiser import Optimiser, Options
from nn.ranges import above_zero, from_zero, share
from nn.schedules import Schedule

__all__ = ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"]


class _Moments(Optimiser):
    """What the rules below share: the moving averages m of the gradients and v of their squares, and their numbers."""

    hyperparameters: ClassVar[tuple[str, ...]] = ("beta1", "beta2", "eps")

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        eps: float = 1e-8,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(parameters, lr, **options)
        self.beta1, self.beta2 = share("beta1", beta1), share("beta2", beta2)
        self.eps = above_zero("eps", eps)
        self.state = self.zeros("m", "v")

    def _moments(self, gradient: Array) -> tuple[Array, Array]:
        return self.average("m", gradient, self.beta1), self.average("v", gradient**2, self.beta2)

    def _weights(self, beta: float) -> float:
        """Return what the weights of a moving average add up to so far, 1 - β^t."""
        return 1.0 - beta**self.steps


class Adam(_Moments):
    """m ← β₁m + (1 - β₁)g, v ← β₂v + (1 - β₂)g², θ ← θ - η m̂ / (√v̂ + ε), where m̂ = m/(1 - β₁^t), v̂ = v/(1 - β₂^t).

    With ``eps_inside_root`` the divisor is √(v̂ + ε), as mit.opt.adam has it: where gradients are no larger than √ε, the
    steps are shorter. With ``amsgrad``, v̂ comes from the largest v so far, so that no step size grows because of a v
    that shrinks.

    Source: Kingma and Ba 2015, arXiv:1412.6980, algorithm 1; Reddi et al. 2018, arXiv:1904.09237, algorithm 2, with the
    bias correction that PyTorch gives it.

    Parameters
    ----------
    parameters : what to update.
    lr : the learning rate η, or a schedule of it.
    beta1, beta2 : β₁ and β₂, in [0, 1).
    eps : ε, above 0; without it, a parameter that has had no gradient would take a step of 0/0.
    eps_inside_root : where ε stands.
    amsgrad : whether v may only grow.
    **options : decay, clipping and ascent; see `Optimiser`. Decay joins the gradient here; `AdamW` keeps it apart.

    Raises
    ------
    ArgumentError : a number out of its range; and see `Optimiser`.

    >>> Adam([Value(0.0)], lr=0.1).advance(np.array([1.0]), np.array([0.5])).round(6).tolist()
    [0.9]
    """

    hyperparameters = (*_Moments.hyperparameters, "eps_inside_root", "amsgrad")

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        eps: float = 1e-8,
        eps_inside_root: bool = False,
        amsgrad: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(parameters, lr, beta1, beta2, eps=eps, **options)
        self.eps_inside_root, self.amsgrad = bool(eps_inside_root), bool(amsgrad)
        if amsgrad:
            self.state |= self.zeros("v_max")

    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return the next θ."""
        m, v = self._moments(gradient)
        if self.amsgrad:
            v = self.state["v_max"] = np.maximum(self.state["v_max"], v)
        m_hat, v_hat = m / self._weights(self.beta1), v / self._weights(self.beta2)
        return theta - lr * m_hat / root(v_hat, self.eps, inside=self.eps_inside_root)


class AdamOptions(Options, total=False):
    """What Adam takes beside its rate and its two β."""

    eps: float
    eps_inside_root: bool
    amsgrad: bool


class AdamW(Adam):
    """Adam with decoupled decay: θ ← (1 - ηλ)θ, and then the step of Adam, which does not see the decay.

    So every weight decays at the same pace. Adam divides the decay by the size of the gradients too.

    Source: Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2, with PyTorch's ηλ for its η_t λ.

    Parameters
    ----------
    parameters, lr, beta1, beta2 : as in `Adam`.
    **options : those of `Adam`; but ``weight_decay``, λ, is 0.01 by default.

    Raises
    ------
    ArgumentError : a number out of its range; and see `Optimiser`.

    >>> AdamW([Value(0.0)], lr=0.1, weight_decay=0.5).advance(np.array([1.0]), np.array([0.5])).round(6).tolist()
    [0.85]
    """

    decoupled = True

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        **options: Unpack[AdamOptions],
    ) -> None:
        options.setdefault("weight_decay", 0.01)
        super().__init__(parameters, lr, beta1, beta2, **options)


class Adamax(_Moments):
    """m ← β₁m + (1 - β₁)g, u ← max(β₂u, |g| + ε), θ ← θ - η m̂ / u, where m̂ = m/(1 - β₁^t).

    Adam, with the largest gradient of late in place of the root. Parameters and errors are those of `Adam`, but for
    ``eps_inside_root`` and ``amsgrad``.

    Source: Kingma and Ba 2015, arXiv:1412.6980, algorithm 2, with PyTorch's ε. Both have η = 0.002 by default.

    >>> Adamax([Value(0.0)], lr=0.1).advance(np.array([1.0]), np.array([0.5])).round(6).tolist()
    [0.9]
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        eps: float = 1e-8,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(parameters, lr, beta1, beta2, eps=eps, **options)
        self.state = self.zeros("m", "u")

    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return the next θ."""
        m = self.average("m", gradient, self.beta1)
        u = self.state["u"] = np.maximum(self.beta2 * self.state["u"], np.abs(gradient) + self.eps)
        return theta - lr * m / self._weights(self.beta1) / u


class NAdam(_Moments):
    """θ ← θ - η [(1 - μ_t)g/(1 - Π_t) + μ_{t+1}m/(1 - Π_{t+1})] / (√v̂ + ε): Adam with Nesterov's momentum.

    Here μ_t = β₁(1 - ½ 0.96^(ψt)) rises to β₁, Π_t = μ_1 μ_2 … μ_t, and m, v and v̂ are those of `Adam`. Parameters and
    errors are those of `Adam` too, but for ``eps_inside_root`` and ``amsgrad``, and for ``momentum_decay``, which is ψ.

    Source: Dozat 2016, ICLR workshop, algorithm 8, as PyTorch has it. Its η is 0.002 by default.

    >>> NAdam([Value(0.0)], lr=0.1).advance(np.array([1.0]), np.array([0.5])).round(6).tolist()
    [0.894355]
    """

    hyperparameters = (*_Moments.hyperparameters, "momentum_decay")

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        eps: float = 1e-8,
        momentum_decay: float = 0.004,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(parameters, lr, beta1, beta2, eps=eps, **options)
        self.momentum_decay = from_zero("momentum_decay", momentum_decay)
        self.state["product"] = np.ones(1)

    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return the next θ."""
        m, v = self._moments(gradient)
        mu, mu_next = self._momentum(self.steps), self._momentum(self.steps + 1)
        product = self.state["product"] = self.state["product"] * mu
        ahead = (1.0 - mu) / (1.0 - product) * gradient + mu_next / (1.0 - product * mu_next) * m
        return theta - lr * ahead / root(v / self._weights(self.beta2), self.eps, inside=False)

    def _momentum(self, t: int) -> float:
        return self.beta1 * (1.0 - 0.5 * 0.96 ** (t * self.momentum_decay))


class RAdam(_Moments):
    """θ ← θ - η r m̂ / √v̂ as soon as ρ_t > 5, and θ ← θ - η m̂ before: Adam that waits until v can be trusted.

    Here ρ_t = ρ - 2t β₂^t/(1 - β₂^t) is the number of gradients that v averages, ρ = 2/(1 - β₂) - 1 what it tends to, and
    r = √((ρ_t - 4)(ρ_t - 2)ρ / ((ρ - 4)(ρ - 2)ρ_t)). ε is added to √v, before its bias is corrected. Parameters and
    errors are those of `Adam`, but for ``eps_inside_root`` and ``amsgrad``.

    Source: Liu et al. 2020, arXiv:1908.03265, algorithm 2, with PyTorch's bound of 5 (4 in the paper) and ε.

    >>> RAdam([Value(0.0)], lr=0.1).advance(np.array([1.0]), np.array([0.5])).round(6).tolist()
    [0.95]
    """

    def update(self, theta: Array, gradient: Array, lr: float) -> Array:
        """Return the next θ."""
        m, v = self._moments(gradient)
        step = lr * m / self._weights(self.beta1)
        known = self._weights(self.beta2)
        rho = 2.0 / (1.0 - self.beta2) - 1.0
        rho_t = rho - 2.0 * self.steps * (1.0 - known) / known
        if rho_t <= 5.0:
            return theta - step
        r = math.sqrt((rho_t - 4.0) * (rho_t - 2.0) * rho / ((rho - 4.0) * (rho - 2.0) * rho_t))
        return theta - step * r * math.sqrt(known) / (np.sqrt(v) + self.eps)
