"""Backpropagation for whole layers: δ from layer to layer, and the gradients that it gives."""

# pyright: reportUnusedFunction=false
# Evidence is called by the registry that the decorator puts it in.

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from autograd_core.graph import topological_order
from nn.lectures.graph import data, slopes, three_ways
from nn.lectures.item import Array, Comparison, Evidence, Finding, item
from nn.lectures.lai import forms
from nn.lectures.lai.gradients import graph_of
from nn.lectures.lai.layers import slopes_of, theta_slopes, trace_of
from nn.lectures.lai.lifted import gradients_lifted, hidden_deltas_lifted, output_deltas_lifted
from nn.lectures.lai.nets import FIXTURE, NETS, Net, entropy, entropy_from, layers, leaves_of, loss_of

__all__ = ["mean_slopes_by_score"]


def mean_slopes_by_score(net: Net, layer: int) -> Array:
    """Return ∂L/∂z of one layer, counted from 1, of all examples, L being the mean, by the engine."""
    weights, biases = leaves_of(net)
    passes = [layers(weights, biases, x, net.activations) for x in net.x.tolist()]
    losses = [entropy(a[-1], y, net.activations[-1]) for (_, a), y in zip(passes, net.y.tolist(), strict=True)]
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return slopes(total / len(losses), [z[layer - 1] for z, _ in passes])


class _Counter:
    """δ of single neurons, each computed afresh whenever it is asked for; it counts how often that is."""

    def __init__(self, net: Net) -> None:
        self.net, self.trace, self.count = net, trace_of(net), 0

    def delta(self, layer: int, k: int) -> float:
        """Return δ of neuron k of a layer, counted from 1, for the first example."""
        self.count += 1
        net, z = self.net, self.trace.pre_activations[layer - 1][0]
        if layer == len(net.weights):
            return float(self.trace.activations[-1][0, k] - net.y[0, k])
        above = [self.delta(layer + 1, ell) * W for ell, W in enumerate(net.weights[layer][k])]
        return float(np.sum(above) * forms.g_prime(net.activations[layer - 1], z)[k])


@item(
    "lai.bp.reuse",
    kind="claim",
    where='"Advanced: Backpropagation"',
    statement="Whoever has the gradient of a layer has its δ, and can use it for the layer below.",
)
def _reuse() -> Iterator[Evidence]:
    net = NETS[2]
    graph, widths = graph_of(net), [W.shape[1] for W in net.weights]
    counter = _Counter(net)
    afresh = np.array([counter.delta(1, k) for k in range(widths[0])])
    yield Comparison("δ1, every δ above computed afresh for each neuron", afresh, slopes(graph.loss, graph.z[0]))
    yield Comparison("δ1, from δ2 as it was kept", slopes_of(net).deltas[0][0], afresh)
    kept = sum(widths)
    found = f"{counter.count} computations of a δ without keeping any, {kept} with"
    expected = widths[0] * (1 + widths[1] * (1 + widths[2]))
    yield Finding(f"layers of {widths} neurons", found, counter.count == expected > 3 * kept)
    order = topological_order(graph.loss)
    found = f"{len(order)} nodes, {len(set(order))} of them different"
    yield Finding("the engine comes by each node once", found, len(order) == len(set(order)))


@item(
    "lai.bp.matrix_grad",
    kind="gradient",
    where='"Backpropagation"',
    statement="For every layer: what went in, transposed, times δ, divided by the number of examples.",
    latex=r"(\nabla L)^{[i]} = \frac1m (a^{[i-1]})^\top \delta^{[i]}",
    shapes="(n_{i-1} + 1, m)(m, n_i) = (n_{i-1} + 1, n_i)",
    notes="with the dummy in a the last row is the bias's: (1/m) Σ δ over the examples",
)
def _gradients() -> Iterator[Evidence]:
    for net in NETS:
        trace, found = trace_of(net), slopes_of(net)
        for i, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
            formula = forms.matrix_gradient(forms.with_dummy(trace.activations[i - 1]), found.deltas[i - 1])
            yield three_ways(
                f"∂L/∂Θ{i}, {net.activations[i - 1]}", partial(loss_of, net, i), forms.stacked(W, b), formula
            )
            yield Comparison(f"∂L/∂W{i} and ∂L/∂b{i} of the whole backward pass", theta_slopes(net, i), formula)
        loss = data(loss_of(net, 1, forms.stacked(net.weights[0], net.biases[0]).tolist()))
        yield Comparison("L", np.array(found.loss), loss)
    yield from gradients_lifted()


@item(
    "lai.bp.delta_out",
    kind="gradient",
    where='"Backpropagation"',
    statement="At the output δ is what was predicted less what was true.",
    latex=r"\delta^{[\mathcal L]} = \hat y - y",
    shapes="(m, K)",
    notes="for softmax with its cross-entropy, and for logistic outputs with that of two terms",
)
def _output() -> Iterator[Evidence]:
    for net in NETS:
        formula = forms.delta_output(trace_of(net).activations[-1], net.y)
        layer = len(net.weights)
        yield Comparison(f"δ{layer}, {net.activations[-1]}", formula, len(net.y) * mean_slopes_by_score(net, layer))
        z = trace_of(net).pre_activations[-1][0]
        yield three_ways(f"δ{layer} of the first example", partial(entropy_from, net, layer), z, formula[0])
    yield from output_deltas_lifted()


@item(
    "lai.bp.delta_hidden",
    kind="gradient",
    where='"Backpropagation"',
    statement="In a hidden layer δ is that of the layer above, taken back over its weights, times g' of each score.",
    latex=r"\delta^{[i]} = \big(\delta^{[i+1]} \cdot (W^{[i+1]})^\top\big) \odot g'(z^{[i]})",
    shapes="(m, n_{i+1})(n_{i+1}, n_i) ⊙ (m, n_i)",
)
def _hidden() -> Iterator[Evidence]:
    for net in NETS:
        trace, deltas = trace_of(net), slopes_of(net).deltas
        for i in range(len(net.weights) - 1, 0, -1):
            z = trace.pre_activations[i - 1]
            formula = forms.delta_hidden(deltas[i], net.weights[i], net.activations[i - 1], z)
            yield Comparison(f"δ{i}, {net.activations[i - 1]}", formula, len(net.y) * mean_slopes_by_score(net, i))
            yield three_ways(f"δ{i} of the first example", partial(entropy_from, net, i), z[0], formula[0])
    yield from hidden_deltas_lifted()


@item(
    "lai.bp.W_not_Theta",
    kind="convention",
    where='"Backpropagation"',
    statement="δ goes back over W, not over Θ: no error goes back to a dummy, which nothing can change.",
    shapes="δ Wᵀ: (m, n_i), δ Θᵀ: (m, n_i + 1)",
)
def _no_way_back_to_a_dummy() -> Iterator[Evidence]:
    for net in NETS:
        trace, delta = trace_of(net), slopes_of(net).deltas[1]
        W, b, z = net.weights[1], net.biases[1], trace.pre_activations[0]
        wide = forms.slope_by_activation(delta, forms.stacked(W, b))
        narrow = forms.slope_by_activation(delta, W)
        found = f"δ Θᵀ is {wide.shape}, δ Wᵀ and z are {narrow.shape} and {z.shape}"
        fits = narrow.shape == z.shape == (wide.shape[0], wide.shape[1] - 1)
        yield Finding("with Θ in place of W the shapes do not fit", found, fits)
        graph = graph_of(net)
        yield Comparison("δ Wᵀ is ∂L/∂a of the first example", narrow[0], slopes(graph.loss, graph.a[1]))


@item(
    "lai.conv.delta_scale",
    kind="convention",
    where='"For all layers"',
    statement="δ is that of each example for itself; the 1/m of the mean comes in once, with the gradient.",
    latex=r"\delta = m\, \frac{\partial L}{\partial z}",
    notes="so a slope by z of the mean loss has to be multiplied by m before it is compared with δ",
    errata=("E-LAI-7",),
)
def _scale() -> Iterator[Evidence]:
    for net in NETS:
        m = len(net.y)
        for i, delta in enumerate(slopes_of(net).deltas, start=1):
            yield Comparison(f"δ{i} / {m} = ∂L/∂z{i}, L being the mean", delta / m, mean_slopes_by_score(net, i))
    ratio = slopes_of(FIXTURE).deltas[-1] / mean_slopes_by_score(FIXTURE, 2)
    yield Finding(
        "δ over ∂L/∂z of the mean of 4 examples", f"{np.unique(np.round(ratio, 12))}", bool(np.allclose(ratio, 4.0))
    )
