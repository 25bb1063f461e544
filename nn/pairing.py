"""Which output activation goes with which loss: the table, and a warning for what departs from it.

In every pair of the table the slope of the loss by the scores z is what one hopes for, such as output - target: large
where the output is far off, 0 where it is right. In others something gets in the way, and each says what.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nn import losses
from nn.neuron import output_activation

__all__ = ["TABLE", "Pair", "PairingWarning", "check"]


class PairingWarning(UserWarning):
    """The loss and the model's output activation do not go together."""


@dataclass(frozen=True)
class Pair:
    """One row of the table.

    Parameters
    ----------
    loss : from `nn.losses`.
    activation : the output activation that goes with it.
    slope : the derivative of the loss by z, the input of that activation, in words.
    otherwise : what goes wrong with any other activation, with ``{0}`` for its name.
    mend : what to do about it.
    traps : what goes wrong with some of them in particular.
    """

    loss: Callable[..., Any]
    activation: str
    slope: str
    otherwise: str
    mend: str
    traps: Mapping[str, str] = field(default_factory=dict[str, str])


_SQUARED_MEND = (
    "for numbers take output 'identity', and scale the targets if need be; for classes take nll_with_logits or "
    "nllm_with_logits on output 'identity'"
)
_SATURATES = (
    "where the {0} saturates its slope is nearly 0, so that a sample that is badly wrong teaches next to nothing"
)
_SQUARED_OTHERWISE = (
    "the slope of the {0} multiplies every gradient, and targets outside of its range are never reached"
)
_SQUARED_TRAPS = {
    "sigmoid": _SATURATES,
    "softmax": _SATURATES,
    "tanh": _SATURATES,
    "relu": "targets below 0 are never reached, and an output that is 0 for all samples never learns again",
}
_ON_SCORES = "take output 'identity': the loss is made for scores"

TABLE: tuple[Pair, ...] = (
    Pair(
        losses.squared_error, "identity", "2 (output - target)", _SQUARED_OTHERWISE, _SQUARED_MEND, _SQUARED_TRAPS
    ),
    Pair(
        losses.half_squared_error, "identity", "output - target", _SQUARED_OTHERWISE, _SQUARED_MEND, _SQUARED_TRAPS
    ),
    Pair(
        losses.hinge,
        "identity",
        "-label where label score < 1, else 0",
        "the loss wants scores beyond -1 and 1, and the {0} bends them",
        _ON_SCORES,
        {
            "sigmoid": "its outputs lie between 0 and 1, so that label -1 always costs 1 or more",
            "softmax": "its outputs lie between 0 and 1, so that label -1 always costs 1 or more",
            "relu": "its outputs are never below 0, so that label -1 always costs 1 or more",
            "tanh": "its outputs stay between -1 and 1, so that no sample is ever right enough and weights grow for ever",
        },
    ),
    Pair(
        losses.nll,
        "sigmoid",
        "output - target",
        "its outputs are no probabilities, and outside of 0 to 1 the loss is nan",
        "take nll_with_logits on output 'identity', or output 'sigmoid'",
        {"softmax": "the loss takes the probability of label 1 alone, and a softmax gives one for each class"},
    ),
    Pair(
        losses.nllm,
        "softmax",
        "output - target",
        "its outputs are no probabilities: at 0 and below the loss is infinite or nan, and nothing keeps them from growing",
        "take nllm_with_logits on output 'identity', or output 'softmax'",
        {
            "sigmoid": "its outputs do not add up to 1, so that nothing keeps all of them from going to 1, where every "
            "sample costs 0"
        },
    ),
    Pair(
        losses.nll_with_logits,
        "identity",
        "sigmoid(z) - target",
        "the loss applies the sigmoid itself, and the {0} before it limits which probabilities can be reached",
        "take output 'identity', or keep the sigmoid and take nll",
        {
            "sigmoid": "the sigmoid is applied twice, which keeps the probability between 0.5 and 0.73",
            "softmax": "the loss takes one logit, and a softmax gives a probability for each class",
            "tanh": "a logit between -1 and 1 keeps the probability between 0.27 and 0.73",
            "relu": "a logit that is never below 0 keeps the probability from going below 0.5",
        },
    ),
    Pair(
        losses.nllm_with_logits,
        "identity",
        "softmax(z) - target",
        "the loss applies the softmax itself, and the {0} before it limits which probabilities can be reached",
        "take output 'identity', or keep a softmax and take nllm",
        {
            "softmax": "the softmax is applied twice, which keeps the probability of K classes below e / (e + K - 1): "
            "0.73 of 2, 0.23 of 10",
            "sigmoid": "logits between 0 and 1 keep the probability of K classes below e / (e + K - 1): 0.73 of 2, "
            "0.23 of 10",
            "tanh": "logits between -1 and 1 keep the probability of K classes below e² / (e² + K - 1): 0.88 of 2, "
            "0.45 of 10",
        },
    ),
)  # fmt: skip
"""The pairs that go together. `zero_one` is in none: it is for evaluation, and its derivative is 0 wherever there is one."""


def check(model: object, loss: object) -> None:
    """Warn with PairingWarning if a model's output activation and a loss do not go together.

    `nn.fit` does so at its start. The warning names the line that called into this project. Nothing is said of a loss or a
    model whose inside is not known, such as a function of one's own.

    Parameters
    ----------
    model : a Module with the property ``output_activation``, as those of `nn.neuron` have it.
    loss : a function from `nn.losses`.

    >>> from nn import MLP, losses
    >>> check(MLP(2, [1], rng=0), losses.squared_error)
    """
    activation = output_activation(model)
    for pair in TABLE:
        if pair.loss is loss and activation not in (None, pair.activation):
            why = pair.traps.get(str(activation), pair.otherwise).format(activation)
            warnings.warn(
                f"the model ends in {activation!r} and the loss is {pair.loss.__name__}, which goes with "
                f"{pair.activation!r}: {why}; {pair.mend}",
                PairingWarning,
                stacklevel=_levels_up(),
            )


def _levels_up() -> int:
    """Return how far up from `check` the first line outside of this project is, as ``warnings.warn`` counts."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ("autograd_core", "nn"):
        level, frame = level + 1, frame.f_back
    return level
