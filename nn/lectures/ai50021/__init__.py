"""AI 50.021, Neural Networks: neurons, XOR, softmax and its loss, backpropagation step by step, batches.

>>> from nn.lectures import ai50021
>>> ai50021.NOTATION["layout"]
'(in, out)'
"""

# The items are declared in the order of the slides.
# isort: off
from nn.lectures.ai50021 import neurons, xor, approximation, losses, worked, backprop, batches

# isort: on
from nn.lectures.ai50021.network import ACTIVATIONS, NOTATION, Slopes, Trace, backward, forward

__all__ = [
    "ACTIVATIONS",
    "NOTATION",
    "Slopes",
    "Trace",
    "approximation",
    "backprop",
    "backward",
    "batches",
    "forward",
    "losses",
    "neurons",
    "worked",
    "xor",
]
