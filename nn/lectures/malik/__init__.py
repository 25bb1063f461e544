"""Neural Networks: Derivation, which Alvin Wan compiled from Jitendra Malik's lecture, formula by formula.

>>> from nn.lectures import malik
>>> malik.NOTATION["layout"]
'(in, out)'
"""

from nn.lectures.malik import backpropagation, chain, errata, model, training
from nn.lectures.malik.network import NOTATION, Slopes, Trace, backward, forward

__all__ = [
    "NOTATION",
    "Slopes",
    "Trace",
    "backpropagation",
    "backward",
    "chain",
    "errata",
    "forward",
    "model",
    "training",
]
