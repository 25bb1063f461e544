"""MIT 6.036, chapter 8: neural networks, how they are trained, and how to keep them from overfitting.

Columns are data points, W has the layout (in, out) and is used as Wᵀ, and losses are summed and minimised.

>>> from nn.lectures import mit6036
>>> mit6036.NOTATION["layout"]
'(in, out)'
"""

from nn.lectures.mit6036 import (  # noqa: I001 - in the order of the chapter, in which items are then listed
    neurons,
    layers,
    activations,
    backprop,
    blocks,
    training,
    initialisation,
    losses,
    batches,
    vanishing,
    averages,
    optim,
    regularise,
    dropout,
    batchnorm,
    batchnorm_gradients,
)
from nn.lectures.mit6036.network import ACTIVATIONS, NOTATION, Slopes, Trace, backward, forward

__all__ = [
    "ACTIVATIONS",
    "NOTATION",
    "Slopes",
    "Trace",
    "activations",
    "averages",
    "backprop",
    "backward",
    "batches",
    "batchnorm",
    "batchnorm_gradients",
    "blocks",
    "dropout",
    "forward",
    "initialisation",
    "layers",
    "losses",
    "neurons",
    "optim",
    "regularise",
    "training",
    "vanishing",
]
