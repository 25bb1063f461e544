"""Neural networks made of scalar nodes, on top of `autograd_core`.

>>> import nn
>>> model = nn.MLP(2, [4, 1], activation="tanh", rng=0)
>>> loss = nn.losses.squared_error(model([0.5, -1.0]), 1.0)
>>> loss.backward()
"""

from nn import data, init, losses, optim
from nn.module import Module
from nn.neuron import MLP, Layer, Neuron, Sequential
from nn.train import History, fit

__all__ = ["MLP", "History", "Layer", "Module", "Neuron", "Sequential", "data", "fit", "init", "losses", "optim"]
