"""What a lecture's backward pass says, held against the graph of the same network and against difference quotients."""

import numpy as np
from hypothesis import assume

from nn import Layer, Sequential

__all__ = ["as_model", "close", "hold_against_graph", "hold_against_quotients"]


def close(formula, other, tolerance=1e-12):
    assert np.shape(formula) == np.shape(other)
    assert np.max(np.abs(formula - other)) <= tolerance * max(1.0, np.max(np.abs(other)))


def as_model(weights, biases, activations):
    """Return a network of weights with the layout (in, out) as layers of neurons, whose layout is (out, in)."""
    rows = zip(weights, biases, activations, strict=True)
    model = Sequential(*[Layer(*W.shape, activation=g, bias=b is not None, init="zero") for W, b, g in rows])
    state = {f"{i}.weight": W.T for i, W in enumerate(weights)}
    model.load_state_dict(state | {f"{i}.bias": b for i, b in enumerate(biases) if b is not None})
    return model


def hold_against_graph(found, model):
    """Assert that slopes in the layout (in, out) are the gradients of layers of neurons, after their sweep."""
    for layer, formula, bias in zip(model.modules, found.weights, found.biases, strict=True):
        close(formula, np.array([[w.grad for w in neuron.w] for neuron in layer.neurons]).T)
        assert (bias is None) == (layer.neurons[0].b is None)
        if bias is not None:
            close(bias, np.array([neuron.b.grad for neuron in layer.neurons]))


def hold_against_quotients(lecture, network, seed):
    """Assert that a lecture's slopes are what difference quotients in random directions say, away from bends."""
    weights, biases, x, y, activations = network
    pre = lecture.forward(weights, biases, x, activations).pre_activations
    bent = [s for s, g in zip(pre, activations, strict=True) if g == "relu"]
    # A quotient across a bend says nothing; exact zeros stand above layers that are off, and stay.
    assume(not any([np.any((np.abs(s) < 1e-3) & (s != 0.0)) for s in bent]))
    found = lecture.backward(weights, biases, x, y, activations)
    rng = np.random.default_rng(seed)

    def quotient(parameters, place, slopes, loss):
        direction = rng.uniform(-1.0, 1.0, parameters[place].shape)
        up, down = [
            loss([*parameters[:place], parameters[place] + h * direction, *parameters[place + 1 :]])
            for h in (1e-6, -1e-6)
        ]
        close(np.sum(slopes * direction), (up - down) / 2e-6, 1e-7 * max(1.0, found.loss))

    for i, slopes in enumerate(found.weights):
        quotient(weights, i, slopes, lambda Ws: lecture.backward(Ws, biases, x, y, activations).loss)
    for i, slopes in enumerate(found.biases):
        if slopes is not None:
            quotient(biases, i, slopes, lambda bs: lecture.backward(weights, bs, x, y, activations).loss)
