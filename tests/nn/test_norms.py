"""Gradient norms: one for each parameter array, by its first name, over the steps of an epoch."""

import math

import numpy as np
import pytest
from training import train

from autograd_core import Value
from nn import MLP, Layer, Module
from nn.losses import squared_error
from nn.module import elements
from nn.optim import SGD


def test_gradient_norms_are_root_mean_squares_over_the_steps_of_each_array():
    model = MLP(2, [3, 1], activation="tanh", rng=0)

    class Noting(SGD):
        def step(self):
            norms.append({name: norm(tensor) for name, tensor in model.named_tensors()})
            super().step()

    def norm(tensor):
        return math.sqrt(math.fsum(p.grad**2 for _, p in elements(tensor)))

    norms = []
    _, history = train(model, optimiser=Noting(model.parameters(), lr=0.1), epochs=1)
    assert history.gradient_norms == {
        name: [pytest.approx(math.sqrt(np.mean([one[name] ** 2 for one in norms])), rel=1e-12)] for name in norms[0]
    }


def test_the_norm_of_a_shared_array_goes_by_its_first_name():
    class Twice(Module):
        def __init__(self):
            self.first = Layer(2, 2, activation="tanh", rng=0)
            self.again, self.last = self.first, Layer(2, 1, activation="identity", rng=1)

        def forward(self, x):
            return self.last(self.again(self.first(x)))[0]

    _, history = train(Twice())
    assert sorted(history.gradient_norms) == ["first.bias", "first.weight", "last.bias", "last.weight"]


def test_parameters_that_are_no_part_of_the_model_have_one_norm_together():
    other = [Value(1.0), Value(2.0)]
    model = MLP(2, [1], rng=0)

    def loss(output, target):
        return squared_error(output, target) + 3.0 * other[0] + 4.0 * other[1]

    _, history = train(model, loss=loss, optimiser=SGD([*other, *model.parameters()[:2]], lr=0.01), epochs=1)
    assert list(history.gradient_norms) == ["layers.0.weight", "parameters"]
    assert history.gradient_norms["parameters"] == [pytest.approx(5.0, rel=1e-12)]
