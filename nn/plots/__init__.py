"""Pictures of training runs and of networks, as matplotlib Figures of their own: nothing of pyplot is touched.

A Figure shows itself in a notebook; `save` writes it to a file, the same bytes for the same picture.

>>> from nn.history import History
>>> figure = curves(History(loss=[0.9, 0.5, 0.4]))
>>> [axes.get_ylabel() for axes in figure.axes]
['loss']
"""

from nn.plots.nets import network, weights
from nn.plots.plane import boundary
from nn.plots.runs import curves, gradient_norms
from nn.plots.style import save

__all__ = ["boundary", "curves", "gradient_norms", "network", "save", "weights"]
