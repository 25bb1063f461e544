"""Levine, Week 5: Neural Networks. Logistic regression grown to layers, trained by climbing a log-likelihood.

W has the layout (out, in), data points are columns, slopes are summed over them and point uphill.
"""

# The items are declared in the order of the page.
# isort: off
from nn.lectures.levine import definitions, training, base, recursion, errata

# isort: on
from nn.lectures.levine.network import NOTATION, Slopes, Trace, backward, forward

__all__ = [
    "NOTATION",
    "Slopes",
    "Trace",
    "backward",
    "base",
    "definitions",
    "errata",
    "forward",
    "recursion",
    "training",
]
