"""What is behind the gradients: the chain rule, the factors of a slope, and δ of single neurons."""

# pyright: reportUnusedFunction=false
# Evidence is called by the registry that the decorator puts it in.

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from autograd_core.ops import exp, sin, square, tanh
from nn.lectures.graph import Nested, central, jacobian, slopes, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, item
from nn.lectures.lai import forms
from nn.lectures.lai.layers import POINTS, slopes_of, trace_of
from nn.lectures.lai.nets import (
    FIXTURE,
    NETS,
    Net,
    activated,
    entropy,
    entropy_from,
    layers,
    leaves_of,
    loss_of,
    mean_entropy,
    weighted,
)

__all__ = ["Graph", "graph_of"]


@dataclass(frozen=True)
class Graph:
    """The scalar graph of a network for its first example.

    Parameters
    ----------
    weights, biases : of each layer, as Values.
    z, a : the rows of nodes; x is the first a.
    loss : the cross-entropy of the example.
    """

    weights: list[Nested]
    biases: list[Nested]
    z: list[Nested]
    a: list[Nested]
    loss: Nested


def graph_of(net: Net) -> Graph:
    """Return the scalar graph of a network for its first example."""
    weights, biases = leaves_of(net)
    z, a = layers(weights, biases, net.x[0].tolist(), net.activations)
    return Graph(weights, biases, z, a, entropy(a[-1], net.y[0].tolist(), net.activations[-1]))


@item(
    "lai.bp.grad2",
    kind="gradient",
    where="after",
    statement="The gradient of the last layer is that of logistic regression on what the layer before puts out.",
    latex=r"(\nabla L)^{[2]} = \frac1m (a^{[1]})^\top (\hat y - y)",
    shapes="(n1 + 1, m)(m, K) = (n1 + 1, K)",
    notes="for logistic outputs the cross-entropy needs its second term",
    errata=("E-LAI-5",),
)
def _last_layer() -> Iterator[Evidence]:
    for net in NETS:
        trace = trace_of(net)
        last = len(net.weights)
        a, theta = forms.with_dummy(trace.activations[-2]), forms.stacked(net.weights[-1], net.biases[-1])
        formula = forms.theta_gradient(a, trace.activations[-1], net.y)
        yield three_ways(f"∂L/∂Θ{last}, {net.activations[-1]} outputs", partial(loss_of, net, last), theta, formula)


@item(
    "lai.bp.same_as_logreg",
    kind="claim",
    where="after",
    statement="To the last layer, what the hidden layer puts out is data like any other.",
)
def _logistic_regression_on_top() -> Iterator[Evidence]:
    for net in NETS:
        a = trace_of(net).activations[-2]
        top = Net(net.weights[-1:], net.biases[-1:], a, net.y, net.activations[-1:])
        whole, alone = slopes_of(net), slopes_of(top)
        (W,), biases = leaves_of(top)
        loss = mean_entropy(top, [W], biases)
        yield Comparison("∂L/∂W of the last layer, from a regression on a", alone.weights[0], slopes(loss, W))
        found = f"they differ by {np.max(np.abs(whole.weights[-1] - alone.weights[0])):.1e}"
        what = "the last layer's gradient is that of a regression on the hidden layer's outputs"
        yield Finding(what, found, bool(np.array_equal(whole.weights[-1], alone.weights[0])))


@item(
    "lai.chain.single",
    kind="formula",
    where='"Advanced: Gradients"',
    statement="The slope of a function of a function is the product of their slopes.",
    latex=r"\frac{dy}{dx} = \frac{dy}{dz}\frac{dz}{dx}",
)
def _chain() -> Iterator[Evidence]:
    for x in (0.7, -1.2):
        z = np.array([x * x])
        formula = forms.chain(1.0 - np.tanh(z) ** 2, np.array([2.0 * x]))
        yield three_ways(f"dy/dx of y = tanh z, z = x² at {x}", lambda x: tanh(square(x[0])), [x], formula)


def _several(t: Nested) -> Nested:
    a, b = square(t[0]), exp(t[0])
    return a * b + sin(a)


@item(
    "lai.chain.multivar",
    kind="formula",
    where='"Advanced: Gradients"',
    statement="Where several functions of x come together, the slopes over all of them are added up.",
    latex=r"\frac{df(g_1(x), \dots, g_n(x))}{dx} = \sum_{i=1}^n \frac{\partial f}{\partial g_i(x)} \frac{dg_i(x)}{dx}",
)
def _chain_of_several() -> Iterator[Evidence]:
    for t in (0.7, -0.4):
        a, b = t * t, np.exp(t)
        formula = forms.chain_of_several(np.array([b + np.cos(a), a]), np.array([2.0 * t, b]))
        yield three_ways(f"df/dt of f = a b + sin a, a = t², b = e^t at {t}", _several, [t], [formula])


@item(
    "lai.bp.three_factor",
    kind="gradient",
    where='"Advanced: Gradients"',
    statement="A weight acts on its neuron's score, the score on the activation, the activation on the loss: three factors.",
    latex=r"\frac{\partial L}{\partial W_{jk}^{[i]}} = \frac{\partial L}{\partial a_k^{[i]}} "
    r"\frac{\partial a_k^{[i]}}{\partial z_k^{[i]}} \frac{\partial z_k^{[i]}}{\partial W_{jk}^{[i]}}",
    notes="of one example; only where a neuron's activation depends on its own score alone, so not for softmax",
    errata=("E-LAI-6",),
)
def _three_factors() -> Iterator[Evidence]:
    for net in NETS:
        trace, graph = trace_of(net.only(0)), graph_of(net)
        for i in range(len(net.weights) - 1):
            stored = slopes(graph.loss, graph.a[i + 1])
            slope = forms.g_prime(net.activations[i], trace.pre_activations[i][0])
            formula = forms.three_factors(stored, slope, trace.activations[i][0])
            numeric = _by_difference(net, i + 1)[:-1]
            yield Comparison(f"∂L/∂W{i + 1} of one example", formula, slopes(graph.loss, graph.weights[i]), numeric)


def _by_difference(net: Net, layer: int) -> Array:
    """Return the central differences of the first example's loss by W of one layer, and by b in the last row."""
    at = forms.stacked(net.weights[layer - 1], net.biases[layer - 1])
    return central(partial(loss_of, net.only(0), layer), at)


@item(
    "lai.bp.dz_dW",
    kind="gradient",
    where='"Advanced: Gradients"',
    statement="The slope of a score by a weight is the activation that the weight is multiplied by.",
    latex=r"\frac{\partial z_k^{[i]}}{\partial W_{jk}^{[i]}} = a_j^{[i-1]}",
)
def _score_by_weight() -> Iterator[Evidence]:
    for net in NETS:
        a, W = net.x[0], net.weights[0]
        leaves = values(W)
        z = weighted(leaves, a.tolist(), net.biases[0].tolist())
        own = np.array([slopes(score, leaves)[:, k] for k, score in enumerate(z)]).T
        numeric = np.array([central(partial(_score, net, k), W)[:, k] for k in range(W.shape[1])]).T
        yield Comparison("∂z_k/∂W_jk", forms.slope_by_weight(a, W.shape[1]), own, numeric)


def _score(net: Net, k: int, W: Nested) -> Nested:
    return weighted(W, net.x[0].tolist(), net.biases[0].tolist())[k]


@item(
    "lai.bp.da_dz",
    kind="gradient",
    where='"Advanced: Gradients"',
    statement="The slope of an activation by its score is g'; of the logistic function it is a (1 - a).",
    latex=r"\frac{\partial a_k^{[i]}}{\partial z_k^{[i]}} = g'(z_k^{[i]}),\quad a_k(1 - a_k),\ 1 - a_k^2,\ [z_k > 0]",
    notes="the slides give the logistic function; tanh and ReLU are what their dots stand for",
)
def _activation_by_score() -> Iterator[Evidence]:
    for name in forms.HIDDEN:
        for z in POINTS:
            f = partial(_first_activation, name)
            yield three_ways(f"g'({z:g}), {name}", f, [z], [float(forms.g_prime(name, np.array(z)))])


def _first_activation(name: str, z: Nested) -> Nested:
    return activated(name, z)[0]


@item(
    "lai.bp.dL_da",
    kind="gradient",
    where='"Advanced: Gradients"; ℓ runs over neurons that are no dummies',
    statement="A hidden activation acts on every score of the next layer, so its slope is a sum over them.",
    latex=r"\frac{\partial L}{\partial a_k^{[i]}} = \sum_\ell \frac{\partial L}{\partial z_\ell^{[i+1]}} "
    r"\frac{\partial z_\ell^{[i+1]}}{\partial a_k^{[i]}},\quad \frac{\partial z_\ell^{[i+1]}}{\partial a_k^{[i]}} = W_{k\ell}^{[i+1]}",
)
def _loss_by_activation() -> Iterator[Evidence]:
    for net in NETS:
        graph, deltas = graph_of(net), slopes_of(net).deltas
        for i in range(1, len(net.weights)):
            formula = forms.slope_by_activation(deltas[i][0], net.weights[i])
            numeric = central(partial(_loss_from_activation, net, i), trace_of(net).activations[i][0])
            yield Comparison(f"∂L/∂a{i} of one example", formula, slopes(graph.loss, graph.a[i]), numeric)
            yield Comparison(f"∂z{i + 1}/∂a{i} = W", net.weights[i].T, jacobian(graph.z[i], graph.a[i]))


def _loss_from_activation(net: Net, layer: int, a: Nested) -> Nested:
    weights, biases = [[array.tolist() for array in arrays[layer:]] for arrays in (net.weights, net.biases)]
    outputs = layers(weights, biases, a, net.activations[layer:])[1][-1]
    return entropy(outputs, net.y[0].tolist(), net.activations[-1])


@item(
    "lai.bp.delta",
    kind="definition",
    where='"Advanced: Gradients"',
    statement="δ, the error of a neuron, is the slope of the loss by its score.",
    latex=r"\delta_\ell^{[i+1]} = \frac{\partial L}{\partial z_\ell^{[i+1]}}",
    notes="the loss of one example, without the 1/m of the mean",
)
def _delta() -> Iterator[Evidence]:
    for net in NETS:
        trace, deltas = trace_of(net), slopes_of(net).deltas
        for i, (z, delta) in enumerate(zip(trace.pre_activations, deltas, strict=True), start=1):
            yield three_ways(f"δ{i} of one example", partial(entropy_from, net, i), z[0], delta[0])


def _factors(net: Net, i: int) -> tuple[Array, Array, Array]:
    """Return δ and W of the layer above layer i, and g'(z) of layer i, for the first example."""
    z = trace_of(net).pre_activations[i - 1][0]
    return slopes_of(net).deltas[i][0], net.weights[i], forms.g_prime(net.activations[i - 1], z)


@item(
    "lai.bp.dW_hidden",
    kind="gradient",
    where='"Advanced: Gradients"',
    statement="The slope by a hidden weight: the errors above, weighted, times g' of the neuron, times the weight's input.",
    latex=r"\frac{\partial L}{\partial W_{jk}^{[i]}} = \Big(\sum_\ell \delta_\ell^{[i+1]} W_{k\ell}^{[i+1]}\Big) "
    r"g'(z_k^{[i]})\, a_j^{[i-1]}",
    notes="of one example",
)
def _hidden_weights() -> Iterator[Evidence]:
    for net in (*NETS, *[_with_hidden(g) for g in forms.HIDDEN]):
        graph, trace = graph_of(net), trace_of(net)
        for i in range(1, len(net.weights)):
            formula = forms.hidden_weight_gradient(*_factors(net, i), trace.activations[i - 1][0])
            yield Comparison(
                f"∂L/∂W{i} of one example, {net.activations[i - 1]}", formula, slopes(graph.loss, graph.weights[i - 1])
            )
        first = net.only(0)
        yield three_ways(
            "∂L/∂W1, b1 of one example",
            partial(loss_of, first, 1),
            forms.stacked(net.weights[0], net.biases[0]),
            np.vstack([slopes_of(first).weights[0], np.asarray(slopes_of(first).biases[0])]),
        )


def _with_hidden(activation: str) -> Net:
    return Net(FIXTURE.weights, FIXTURE.biases, FIXTURE.x, FIXTURE.y, [activation, "softmax"])


@item(
    "lai.bp.db_hidden",
    kind="gradient",
    where='"Advanced: Backpropagation"',
    statement="The slope by a hidden bias is the same without the last factor, for the dummy is 1.",
    latex=r"\frac{\partial L}{\partial b_k^{[i]}} = \Big(\sum_\ell \delta_\ell^{[i+1]} W_{k\ell}^{[i+1]}\Big) g'(z_k^{[i]})",
    notes="of one example",
)
def _hidden_biases() -> Iterator[Evidence]:
    for net in NETS:
        graph = graph_of(net)
        for i in range(1, len(net.weights)):
            formula = forms.hidden_bias_gradient(*_factors(net, i))
            numeric = _by_difference(net, i)[-1]
            yield Comparison(f"∂L/∂b{i} of one example", formula, slopes(graph.loss, graph.biases[i - 1]), numeric)
            yield Finding(
                f"∂L/∂b{i} is δ{i}",
                f"{np.round(formula, 6).tolist()}",
                bool(np.allclose(formula, slopes_of(net).deltas[i - 1][0], atol=1e-14)),
            )
