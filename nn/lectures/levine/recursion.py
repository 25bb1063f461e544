"""Levine §3: the recursion from the last layer to the first."""
# pyright: reportUnusedFunction=false
# The registry holds the items; nothing calls them by name.

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import cast

import numpy as np

from autograd_core.value import Number, Value
from nn.lectures.graph import Nested, slopes, three_ways, values
from nn.lectures.item import Comparison, Evidence, item
from nn.lectures.levine.lifted import activation_slopes_lifted
from nn.lectures.levine.nets import DATA, NETS, Net, as_values, from_h, from_z, likelihood, varied
from nn.lectures.levine.network import activation_slope, backward, bias_slope, forward, log_likelihood, weight_slope
from nn.lectures.levine.pieces import activation_slope_component

__all__: list[str] = []


@item(
    "levine.rec.last",
    kind="gradient",
    where="§3",
    latex=r"\frac{d\mathcal L}{d\mathbf b^{(L)}} = \frac{d\mathcal L}{dz^{(L)}}, \quad"
    r" \frac{d\mathcal L}{d\mathbf W^{(L)}} = \frac{d\mathcal L}{dz^{(L)}} (h^{(L-1)})^T",
    statement="The last layer is logistic regression on the activations before it, which take the place of x.",
    shapes="dL/dW: (M_L, M_{L-1}), dL/db: (M_L,)",
)
def _last_layer() -> Iterator[Evidence]:
    for net in NETS:
        dz = backward(net.weights, net.biases, net.x, net.y).deltas[-1]
        h = forward(net.weights, net.biases, net.x).activations[-2]
        *_, (weight, of_weight, W), (bias, of_bias, b) = varied(net)
        yield three_ways(weight, of_weight, W, weight_slope(dz, h))
        yield three_ways(bias, of_bias, b, bias_slope(dz))


@item(
    "levine.rec.dh",
    kind="gradient",
    where="§3",
    latex=r"\frac{d\mathcal L}{dh_j^{(L-1)}} = \sum_{i=1}^{M_L} \frac{d\mathcal L}{dz_i^{(L)}} \mathbf W_{i,j}^{(L)}",
    statement="An activation reaches L through every unit of the next layer, and their shares add up.",
)
def _slope_by_activation() -> Iterator[Evidence]:
    for net in NETS:
        found, h = backward(net.weights, net.biases, net.x, net.y), forward(net.weights, net.biases, net.x).activations
        for layer, W in enumerate(net.weights):
            dz = found.deltas[layer]
            formula = [
                [activation_slope_component(dz[:, n], W, j) for n in range(dz.shape[1])] for j in range(W.shape[1])
            ]
            yield three_ways(f"dL/dh({layer}), entry by entry", partial(from_h, net, layer), h[layer], formula)


@item(
    "levine.rec.dh.matrix",
    kind="gradient",
    where="§3",
    latex=r"\frac{d\mathcal L}{dh^{(L-1)}} = (\mathbf W^{(L)})^T \frac{d\mathcal L}{dz^{(L)}}",
    statement="All at once, the slopes by the activations before are the transposed weights times dL/dz.",
    shapes="(M_{L-1}, M_L)(M_L, 1) gives (M_{L-1}, 1)",
    notes="at the first layer it gives dL/dx, which training has no use for",
)
def _slope_by_activations() -> Iterator[Evidence]:
    for net in NETS:
        found, h = backward(net.weights, net.biases, net.x, net.y), forward(net.weights, net.biases, net.x).activations
        for layer, (W, dz) in enumerate(zip(net.weights, found.deltas, strict=True)):
            yield three_ways(f"dL/dh({layer})", partial(from_h, net, layer), h[layer], activation_slope(W, dz))
        yield three_ways("dL/dx", partial(from_h, net, 0), net.x, found.inputs)
    yield from activation_slopes_lifted()


@item(
    "levine.rec.algorithm",
    kind="algorithm",
    where="§3 end",
    statement="Put dL/dh of the layer before in the place of that of the output, and go on down to the first layer.",
    notes="ascent: slopes of a log-likelihood, summed over the data",
)
def _recursion() -> Iterator[Evidence]:
    for net in NETS:
        found, trace = backward(net.weights, net.biases, net.x, net.y), forward(net.weights, net.biases, net.x)
        formulas = [slope for pair in zip(found.weights, found.biases, strict=True) for slope in pair]
        for (name, f, at), formula in zip(varied(net), formulas, strict=True):
            yield three_ways(name, f, at, np.asarray(formula))
        for layer, (z, dz) in enumerate(zip(trace.pre_activations, found.deltas, strict=True)):
            yield three_ways(f"dL/dz({layer + 1})", partial(from_z, net, layer), z, dz)


@item(
    "levine.rec.multi_data",
    kind="claim",
    where='§2 (announced "we\'ll see … multiple datapoints later", then never treated)',
    latex=r"\nabla\mathcal L = \sum_{i=1}^N \nabla\log p(y^i \mid \mathbf x^i)",
    statement="L is a sum over the data points, so its slopes are the sums of theirs.",
    notes="with a column for each point, dL/dz hᵀ adds them up by itself",
    errata=("E-LEV-6",),
)
def _slopes_add_up() -> Iterator[Evidence]:
    for net in (DATA, NETS[-1]):
        single = [
            backward(net.weights, net.biases, net.x[:, i : i + 1], net.y[:, i : i + 1]) for i in range(net.x.shape[1])
        ]
        weights, biases = as_values(net)
        y = cast("Value", likelihood(weights, biases, net.x.T.tolist(), net.y))
        for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
            yield Comparison(
                f"dL/dW({layer + 1})", np.sum([one.weights[layer] for one in single], axis=0), slopes(y, W)
            )
            yield Comparison(
                f"dL/db({layer + 1})", np.sum([np.asarray(one.biases[layer]) for one in single], axis=0), slopes(y, b)
            )
        yield Comparison("L", np.array(sum(one.loss for one in single)), np.array(y.data))
        yield _at_once(net)


def _at_once(net: Net) -> Comparison:
    """Compare L of all data points together with the graph's."""
    h = forward(net.weights, net.biases, net.x).activations[-1]
    leaves: Nested = values(net.x.T)
    y: Number = likelihood([W.tolist() for W in net.weights], [b.tolist() for b in net.biases], leaves, net.y)
    return Comparison("L, all at once", np.array(log_likelihood(h, net.y)), np.array(cast("Value", y).data))
