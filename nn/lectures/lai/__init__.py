"""From Logistic Regression to Neural Networks, part 2: Kenneth Lai's fifth lab of CS 114B, formula by formula.

>>> from nn.lectures import lai
>>> lai.NOTATION["scale"]
'mean'
"""

from nn.lectures.lai import backpropagation, errata, gradients, layers, regression, training
from nn.lectures.lai.network import NOTATION, Slopes, Trace, backward, forward

__all__ = [
    "NOTATION",
    "Slopes",
    "Trace",
    "backpropagation",
    "backward",
    "errata",
    "forward",
    "gradients",
    "layers",
    "regression",
    "training",
]
