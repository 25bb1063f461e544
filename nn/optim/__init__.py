"""Optimisers: rules that update parameters from their gradients.

Every rule works on flat vectors, of all parameters and of their gradients. So `step` serves a model made of Values,
and `advance` whatever computes the same gradients with arrays. In the docstrings θ is the vector of parameters, g
that of gradients (clipped, turned round for ascent, and with the decay added), η the learning rate, t the number of
the step, from 1; products, quotients and roots are taken element by element, and all state is 0 before the first step.
"""

from nn.optim.adaptive import Adadelta, Adagrad, RMSProp
from nn.optim.averages import RunningAverage
from nn.optim.clipping import clip_by_norm, clip_by_value
from nn.optim.descent import SGD, Momentum, Nesterov
from nn.optim.moments import Adam, Adamax, AdamW, NAdam, RAdam
from nn.optim.optimiser import Optimiser, Options

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Optimiser",
    "Options",
    "RAdam",
    "RMSProp",
    "RunningAverage",
    "clip_by_norm",
    "clip_by_value",
]
