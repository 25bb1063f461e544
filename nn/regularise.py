"""Regularisers: penalties on the weights, to be added to the loss. Their gradients come from the chain rule.

There are two conventions for how λ and the number n of samples go together. To the *mean* loss of a batch, which `nn.fit`
takes unless told otherwise, `l2(model, λ)` is added as it is: it minimises the mean loss plus λ‖W‖². The objective
Σ loss + λ‖W‖² of texts that add the losses up is n times the mean loss plus (λ/n)‖W‖²: that is ``samples=n``. It is the
same λ/n that a step on the loss of one sample alone needs; with the whole λ in each of n such steps, the weights would
decay n times as much as the objective says, and the λ that suits one batch size would not suit another. A step on the
*sum* over k samples needs k λ/n.

>>> from nn import MLP
>>> model = MLP(2, [3, 1], rng=0)
>>> penalty = l2(model, 0.01)
>>> penalty.backward()
>>> w = model.parameters()[0]
>>> w.grad == 2 * 0.01 * w.data
True
"""

from __future__ import annotations

import math
from typing import SupportsIndex

from autograd_core.errors import ArgumentError
from autograd_core.op import as_float
from autograd_core.ops import abs, dot, sum
from autograd_core.value import Value
from nn.batchnorm import BatchNorm
from nn.checks import whole_from_one
from nn.module import Module, elements

__all__ = ["l1", "l2", "weights"]


def weights(model: Module) -> list[Value]:
    """Return the parameters that multiply something: all but what is called ``bias`` and batch normalisation's own.

    A shared one comes once.

    >>> from nn import MLP
    >>> model = MLP(2, [3, 1], rng=0)
    >>> len(weights(model)), len(model.parameters())
    (9, 13)
    """
    left_out = {p for _, module in model.named_modules() if isinstance(module, BatchNorm) for p in module.parameters()}
    for name, tensor in model.named_tensors():
        if name.rpartition(".")[2] == "bias":
            left_out.update([p for _, p in elements(tensor)])
    return [p for p in model.parameters() if p not in left_out]


def l2(model: Module, strength: float, *, samples: SupportsIndex | None = None, biases: bool = False) -> Value:
    """Return λ Σ w², without a factor of ½, so that its derivative by a weight is 2 λ w.

    Parameters
    ----------
    model : whose weights are meant.
    strength : λ, from 0 up.
    samples : how many samples share λ, of which this is one's part: λ/n is then taken in place of λ.
    biases : whether every parameter is penalised, and not the `weights` alone.

    Raises
    ------
    ArgumentError : a λ that is negative or not finite, fewer samples than one, or nothing to penalise.

    >>> from nn import Neuron
    >>> neuron = Neuron(2, init=lambda *_: 3.0, bias_init="zero")
    >>> l2(neuron, 0.5).data, l2(neuron, 0.5, samples=10).data
    (9.0, 0.9)
    """
    strength, ws = _strength(strength, samples), _penalised(model, biases)
    return strength * dot(ws, ws)


def l1(model: Module, strength: float, *, samples: SupportsIndex | None = None, biases: bool = False) -> Value:
    """Return λ Σ |w|, which makes weights exactly irrelevant rather than small; its derivative at 0 is taken as 0.

    The parameters, and what is raised, are those of `l2`.

    >>> from nn import Neuron
    >>> l1(Neuron(2, init=lambda *_: -3.0), 0.5).data
    3.0
    """
    strength, ws = _strength(strength, samples), _penalised(model, biases)
    return strength * sum([abs(w) for w in ws])


def _strength(strength: float, samples: SupportsIndex | None) -> float:
    if not 0.0 <= as_float(strength) < math.inf:
        raise ArgumentError(f"the strength is {strength!r}: pass a finite number from 0 up")
    return as_float(strength) / (1 if samples is None else whole_from_one("samples", samples))


def _penalised(model: Module, biases: bool) -> tuple[Value, ...]:
    ws = tuple(model.parameters() if biases else weights(model))
    if not ws:
        raise ArgumentError(f"{model!r} has no weights to penalise: pass a model that has some")
    return ws
