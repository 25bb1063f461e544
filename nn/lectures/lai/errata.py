"""What the slides print and do not mean; for the mathematical slips, the numbers that show it."""

# pyright: reportUnusedFunction=false
# Misses are yielded by the registry that the decorator puts them in.

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograd_core.ops import log, sum
from nn.lectures.graph import Nested, slopes, values
from nn.lectures.item import Miss, erratum
from nn.lectures.lai import forms
from nn.lectures.lai.gradients import graph_of
from nn.lectures.lai.layers import slopes_of, trace_of
from nn.lectures.lai.nets import FIXTURE, THETA, X, Y, activated, leaves_of, mean_entropy, regression_loss

erratum(
    "E-LAI-1",
    kind="n",
    lecture="lai",
    printed="softmax(z_c), a function of the score of one class.",
    right="softmax(z)_c: the denominator holds the scores of all classes.",
    lesson="It looks like a slip of the pen, but who takes softmax for a function of one number will forget the slopes "
    "across classes; E-LAI-6 is that mistake.",
)(None)

erratum(
    "E-LAI-2",
    kind="n",
    lecture="lai",
    printed="The dummy feature 1 is part of x; where in x is not said.",
    right="First or last, but the same for x and Θ: it decides which row of Θ and of ∇L is the bias's.",
    lesson="Either is right; a program has to choose. Here the dummy comes last.",
)(None)


@erratum(
    "E-LAI-3",
    kind="m",
    lecture="lai",
    printed="∇L = (1/m) xᵀ(ŷ - y), where the only L that was defined is that of one example.",
    right="That is the gradient of the mean over the m examples; for their sum the 1/m has to go.",
    lesson="A gradient belongs to a loss: say whether examples are added up or averaged. The choice changes what a "
    "learning rate means.",
)
def _mean_or_sum() -> Iterator[Miss]:
    x = forms.with_dummy(X)
    printed = forms.theta_gradient(x, forms.layer(X, THETA, "softmax"), Y)
    leaves = values(THETA)
    truth = slopes(4.0 * regression_loss(leaves, x.tolist()), leaves)
    yield Miss("the gradient of the sum of L_CE over 4 examples", printed, 4.0 * printed, truth)


erratum(
    "E-LAI-4",
    kind="n",
    lecture="lai",
    printed="a2 = g(a1 Θ2), with the same g as in the first layer, and nothing said of the dummy.",
    right="a2 = g([a1 1] Θ2): a1 gets a column of ones first; and at the output g is softmax, or logistic.",
    lesson="Θ has one row more than a1 has columns, so the product as it stands is not even defined.",
)(None)


@erratum(
    "E-LAI-5",
    kind="m",
    lecture="lai",
    printed="For the cross-entropy -Σ y log ŷ, δ is ŷ - y with softmax and with logistic outputs.",
    right="With logistic outputs that loss has the slope -y (1 - ŷ); δ = ŷ - y takes -Σ (y log ŷ + (1 - y) log(1 - ŷ)).",
    lesson="Softmax makes room for one class by taking it from the others. Logistic outputs do not, so without the second "
    "term an output that should be 0 is never told so.",
)
def _one_term() -> Iterator[Miss]:
    z, y = np.array([0.3, -0.8, 1.1, 0.4]), np.array([1.0, 0.0, 1.0, 0.0])
    yhat = forms.g("sigmoid", z)
    leaves = values(z)
    outputs = activated("sigmoid", leaves)
    one: Nested = -sum([t * log(p) for t, p in zip(y.tolist(), outputs, strict=True)])
    printed = forms.delta_output(yhat, y)
    yield Miss("∂/∂z of -Σ y log ŷ, logistic outputs", printed, -y * (1.0 - yhat), slopes(one, leaves))
    other: Nested = -sum([(1.0 - t) * log(1.0 - p) for t, p in zip(y.tolist(), outputs, strict=True)])
    yield Miss("∂/∂z with both terms, logistic outputs", -y * (1.0 - yhat), printed, slopes(one + other, leaves))


@erratum(
    "E-LAI-6",
    kind="m",
    lecture="lai",
    printed="δ of any neuron is ∂L/∂a times ∂a/∂z of that neuron, output neurons with softmax not excepted.",
    right="With softmax every a_k depends on every z: δ_ℓ = Σ_k ∂L/∂a_k ∂a_k/∂z_ℓ, which comes to ŷ - y.",
    lesson="The shortcut with one path gives 0 for every class but the right one. The sum over paths is the rule; one path "
    "is what remains of it when there is only one.",
)
def _single_path() -> Iterator[Miss]:
    yhat, y = trace_of(FIXTURE).activations[-1][0], FIXTURE.y[0]
    dL_da = -y / yhat
    printed = dL_da * yhat * (1.0 - yhat)
    graph = graph_of(FIXTURE)
    truth = slopes(graph.loss, graph.z[-1])
    yield Miss("δ of the outputs of the first example", printed, forms.delta_output(yhat, y), truth)
    across = np.diag(yhat) - np.outer(yhat, yhat)
    yield Miss("the same as a sum over paths", printed, across @ dL_da, truth)


@erratum(
    "E-LAI-7",
    kind="m",
    lecture="lai",
    printed="δ = ∂L/∂z and ∇L = (1/m) aᵀ δ, with the same L.",
    right="δ is the slope of the cross-entropy of each example; L is their mean, and its 1/m comes in with ∇L.",
    lesson="Taken at its word the 1/m is applied twice. Keep it in one place, and multiply by m before comparing with "
    "what an engine says of the mean.",
)
def _twice() -> Iterator[Miss]:
    trace, found = trace_of(FIXTURE), slopes_of(FIXTURE)
    weights, biases = leaves_of(FIXTURE)
    loss = mean_entropy(FIXTURE, weights, biases)
    for i in (1, 2):
        a, delta = trace.activations[i - 1], found.deltas[i - 1]
        printed = forms.matrix_gradient(a, delta / len(delta))
        yield Miss(f"∂L/∂W{i}", printed, forms.matrix_gradient(a, delta), slopes(loss, weights[i - 1]))
