"""The worked example: two gradients of a net of seven neurons, in the lecture's own indices.

Outputs z_1, z_2, z_3 take z_4 and z_5, and these take the inputs z_6 and z_7. Here w[2, 5] is the lecture's w_{2,5}, of
the edge from 5 to 2: (target, source). Each z[5] holds one number for each sample.
"""
# pyright: reportUnusedFunction=false
# The decorators register what is declared here.

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, cast

import numpy as np

from autograd_core.backward import gradients
from autograd_core.errors import ArgumentError
from autograd_core.ops import add, mul, tanh
from autograd_core.value import Number, Value
from nn.lectures.ai50021.fixtures import WORKED
from nn.lectures.ai50021.neurons import feed_forward_order
from nn.lectures.ai50021.scalar import error, nll
from nn.lectures.graph import Nested, data, three_ways
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item

__all__ = ["dE_dw25", "dE_dw57", "dE_dz", "dE_dz5", "dzk_dz5", "dz2_dw25", "dz5_dw57", "g_slope", "net"]

Weights: TypeAlias = dict[tuple[int, int], float]
Signals: TypeAlias = dict[int, Array]

OUTPUTS = (1, 2, 3)


def _weights() -> Weights:
    W_hidden, W_out = WORKED.weights
    hidden = {(j, i): float(W_hidden[i - 6, j - 4]) for j in (4, 5) for i in (6, 7)}
    return hidden | {(k, j): float(W_out[j - 4, k - 1]) for k in OUTPUTS for j in (4, 5)}


W: Weights = _weights()
X: Signals = {6: WORKED.x[:, 0], 7: WORKED.x[:, 1]}
Y: Signals = {k: WORKED.y[:, k - 1] for k in OUTPUTS}


# ---------------------------------------------------------------- closed forms


@closed_form
def net(w: Weights, x: Signals) -> Signals:
    """Return z_1 to z_7 of every sample, with g = tanh and no biases."""
    z = {6: x[6], 7: x[7]}
    z[4] = np.tanh(w[4, 6] * z[6] + w[4, 7] * z[7])
    z[5] = np.tanh(w[5, 6] * z[6] + w[5, 7] * z[7])
    z[1] = np.tanh(w[1, 4] * z[4] + w[1, 5] * z[5])
    z[2] = np.tanh(w[2, 4] * z[4] + w[2, 5] * z[5])
    z[3] = np.tanh(w[3, 4] * z[4] + w[3, 5] * z[5])
    return z


@closed_form
def g_slope(a: Array) -> Array:
    """Return g'(a) for g = tanh."""
    return 1.0 - np.tanh(a) ** 2


@closed_form
def dE_dz(z: Signals, y: Signals, k: int) -> Array:
    """Return ∂E/∂z_k = -((y_k + 1)/2 - exp(z_k) / Σ exp(z_c)) of each sample."""
    return -((y[k] + 1.0) / 2.0 - np.exp(z[k]) / (np.exp(z[1]) + np.exp(z[2]) + np.exp(z[3])))


@closed_form
def dz2_dw25(w: Weights, z: Signals) -> Array:
    """Return ∂z_2/∂w_{2,5} = g'(w_{2,4} z_4 + w_{2,5} z_5) z_5 of each sample."""
    return g_slope(w[2, 4] * z[4] + w[2, 5] * z[5]) * z[5]


@closed_form
def dE_dw25(w: Weights, z: Signals, y: Signals) -> float:
    """Return ∂E/∂w_{2,5} = Σ_i ∂E_i/∂z_2 ∂z_2/∂w_{2,5}: the products of each sample, then their sum."""
    return float(np.sum(dE_dz(z, y, 2) * dz2_dw25(w, z)))


@closed_form
def dzk_dz5(w: Weights, z: Signals, k: int) -> Array:
    """Return ∂z_k/∂z_5 = g'(w_{k,4} z_4 + w_{k,5} z_5) w_{k,5} of each sample."""
    return g_slope(w[k, 4] * z[4] + w[k, 5] * z[5]) * w[k, 5]


@closed_form
def dE_dz5(w: Weights, z: Signals, y: Signals) -> Array:
    """Return ∂E/∂z_5 = ∂E/∂z_1 ∂z_1/∂z_5 + ∂E/∂z_2 ∂z_2/∂z_5 + ∂E/∂z_3 ∂z_3/∂z_5 of each sample."""
    return dE_dz(z, y, 1) * dzk_dz5(w, z, 1) + dE_dz(z, y, 2) * dzk_dz5(w, z, 2) + dE_dz(z, y, 3) * dzk_dz5(w, z, 3)


@closed_form
def dz5_dw57(w: Weights, z: Signals) -> Array:
    """Return ∂z_5/∂w_{5,7} = g'(w_{5,6} z_6 + w_{5,7} z_7) z_7 of each sample."""
    return g_slope(w[5, 6] * z[6] + w[5, 7] * z[7]) * z[7]


@closed_form
def dE_dw57(w: Weights, z: Signals, y: Signals) -> float:
    """Return ∂E/∂w_{5,7} = Σ_i ∂E_i/∂z_5 ∂z_5/∂w_{5,7}."""
    return float(np.sum(dE_dz5(w, z, y) * dz5_dw57(w, z)))


# ---------------------------------------------------------------- the graph's side


def _loss(w25: Nested = None, w57: Nested = None) -> Number:
    """Return E with one weight or the other in place of the fixture's; W of the layout (source, target)."""
    hidden, out = (matrix.tolist() for matrix in WORKED.weights)
    if w25 is not None:
        out[1][1] = w25
    if w57 is not None:
        hidden[1][1] = w57
    return error([hidden, out], [None, None], WORKED.x.tolist(), WORKED.y.tolist(), WORKED.activations)


def _z2(z4: Nested, z5: Nested, w25: Nested = W[2, 5]) -> Number:
    return tanh(add(mul(W[2, 4], z4), mul(w25, z5)))


def _top(z4: Nested, z5: Nested, y: list[float]) -> Number:
    """Return E of one sample as a function of z_4 and z_5."""
    return nll([tanh(add(mul(W[k, 4], z4), mul(W[k, 5], z5))) for k in OUTPUTS], y)


Z = net(W, X)
SAMPLES = range(len(WORKED.x))


# ---------------------------------------------------------------- items: an output weight


@item(
    "ai50021.grad.dE_dw25",
    kind="gradient",
    where='"example"',
    statement="The gradient of a weight into an output neuron: the loss by the neuron, times the neuron by the weight, summed over samples.",
    latex=r"\frac{\partial E}{\partial w_{2,5}} = \sum_i \frac{\partial E_i}{\partial z_2(x_i)} \frac{\partial z_2(x_i)}{\partial w_{2,5}}",
    notes="indices (target, source); E is a sum over samples",
    errata=("E-AI-12", "E-AI-13"),
)
def _output_weight() -> Iterator[Evidence]:
    yield three_ways("∂E/∂w_{2,5}", lambda w: _loss(w25=w), W[2, 5], dE_dw25(W, net(W, X), Y))


@item(
    "ai50021.grad.z2",
    kind="formula",
    where='"example"',
    statement="The second output is g of its two weighted inputs; the example has no biases.",
    latex=r"z_2(x_i) = g(w_{2,4} z_4(x_i) + w_{2,5} z_5(x_i))",
    notes="indices (target, source)",
    errata=("E-AI-14",),
)
def _forward() -> Iterator[Evidence]:
    z = net(W, X)
    for i in SAMPLES:
        row = WORKED.x[i].tolist()
        z4, z5 = (tanh(add(mul(Value(W[j, 6]), row[0]), mul(Value(W[j, 7]), row[1]))) for j in (4, 5))
        yield Comparison(f"z_4, z_5 of sample {i + 1}", np.array([z[4][i], z[5][i]]), data([z4, z5]))
        outputs = [tanh(add(mul(W[k, 4], z4), mul(W[k, 5], z5))) for k in OUTPUTS]
        yield Comparison(f"z_1, z_2, z_3 of sample {i + 1}", np.array([z[k][i] for k in OUTPUTS]), data(outputs))


@item(
    "ai50021.grad.dz2_dw25",
    kind="gradient",
    where='"example"',
    statement="A neuron's derivative by a weight is the slope of g where it stands, times the input that comes along that edge.",
    latex=r"\frac{\partial z_2}{\partial w_{2,5}} = g'(w_{2,4} z_4 + w_{2,5} z_5)\, z_5",
)
def _neuron_by_weight() -> Iterator[Evidence]:
    for i in SAMPLES:
        z4, z5 = float(Z[4][i]), float(Z[5][i])
        formula = dz2_dw25(W, net(W, X))[i]
        yield three_ways(f"∂z_2/∂w_{{2,5}} of sample {i + 1}", lambda w, z4=z4, z5=z5: _z2(z4, z5, w), W[2, 5], formula)


@item(
    "ai50021.grad.dE_dz2",
    kind="gradient",
    where='"example"',
    statement="The loss by an output is the probability given to its class, less 1 if that is the sample's class.",
    latex=r"\frac{\partial E_i}{\partial z_2} = -\left(\frac{y_{2i} + 1}{2} - \frac{e^{z_2(x_i)}}{\sum_{c'=1}^3 e^{z_{c'}(x_i)}}\right)",
    notes="for one +1 among a sample's labels; in general -(t_2 - p_2 Σ t_c)",
)
def _loss_by_output() -> Iterator[Evidence]:
    z = net(W, X)
    for i in SAMPLES:
        at, y = np.array([z[k][i] for k in OUTPUTS]), WORKED.y[i].tolist()
        formula = np.array([dE_dz(z, Y, k)[i] for k in OUTPUTS])
        yield three_ways(f"∂E/∂z_1, z_2, z_3 of sample {i + 1}", lambda z, y=y: nll(z, y), at, formula)
    two = {1: np.array([1.0]), 2: np.array([1.0]), 3: np.array([-1.0])}
    at = np.array([z[k][0] for k in OUTPUTS])
    p = np.exp(at) / np.exp(at).sum()
    general = -(np.array([1.0, 1.0, 0.0]) - 2.0 * p)
    yield three_ways("-(t_k - p_k Σ t_c) with two labels +1", lambda z: nll(z, [1.0, 1.0, -1.0]), at, general)
    gap = abs(float(dE_dz({k: z[k][:1] for k in OUTPUTS}, two, 2)[0] - general[1]))
    yield Finding("the lecture's form with two labels +1", f"off by {gap:.3f}: it is meant for one", gap > 1e-3)


# ---------------------------------------------------------------- items: a weight further down


@item(
    "ai50021.grad.dE_dw75",
    kind="gradient",
    where='"How about"',
    statement="The gradient of the weight from 7 to 5: the loss by the hidden neuron it leads to, times that neuron by the weight.",
    latex=r"\frac{\partial E}{\partial w_{5,7}} = \frac{\partial E}{\partial z_5} \frac{\partial z_5}{\partial w_{5,7}}",
    notes="per sample, then summed; indices (target, source)",
    errata=("E-AI-15",),
)
def _hidden_weight() -> Iterator[Evidence]:
    yield three_ways("∂E/∂w_{5,7}", lambda w: _loss(w57=w), W[5, 7], dE_dw57(W, net(W, X), Y))
    graph = {"z5": ["z6", "z7"], "z6": [], "z7": []}
    try:
        refusal = f"ordered as {feed_forward_order(graph | {'z7': ['z5']})}"
    except ArgumentError as refused:
        refusal = str(refused)
    yield Finding(
        "w_{7,5} in the same order of indices, an edge from 5 to 7", refusal, refusal.startswith("there is a cycle")
    )


@item(
    "ai50021.grad.dE_dz5",
    kind="gradient",
    where='"How about"',
    statement="A hidden neuron is no input of the loss: what it does to the loss adds up over all neurons that it feeds.",
    latex=r"\frac{\partial E}{\partial z_5} = \sum_{k=1}^3 \frac{\partial E}{\partial z_k} \frac{\partial z_k}{\partial z_5}",
)
def _loss_by_hidden() -> Iterator[Evidence]:
    formula = dE_dz5(W, net(W, X), Y)
    for i in SAMPLES:
        z4, y = float(Z[4][i]), WORKED.y[i].tolist()
        yield three_ways(f"∂E/∂z_5 of sample {i + 1}", lambda z5, z4=z4, y=y: _top(z4, z5, y), Z[5][i], formula[i])


@item(
    "ai50021.grad.dz2_dz5",
    kind="gradient",
    where='"How about"',
    statement="A neuron's derivative by an input has the same slope of g as that by the weight, times the weight of the edge.",
    latex=r"\frac{\partial z_2}{\partial z_5} = g'(w_{2,4} z_4 + w_{2,5} z_5)\, w_{2,5}",
)
def _neuron_by_input() -> Iterator[Evidence]:
    formula = dzk_dz5(W, net(W, X), 2)
    for i in SAMPLES:
        z4 = float(Z[4][i])
        yield three_ways(f"∂z_2/∂z_5 of sample {i + 1}", lambda z5, z4=z4: _z2(z4, z5), Z[5][i], formula[i])
    shared = dz2_dw25(W, Z) / Z[5] * W[2, 5]
    gap = float(np.abs(shared - formula).max())
    yield Finding("g' kept from ∂z_2/∂w_{2,5} and used again", f"the same to {gap:.0e}", gap <= 1e-15)


@item(
    "ai50021.grad.final",
    kind="gradient",
    where='"Observation"',
    statement="All put together: three paths lead from w_{5,7} to the loss, one through each output.",
    latex=r"\frac{\partial E}{\partial w_{5,7}} = \sum_{k=1}^3 \frac{\partial E}{\partial z_k} \frac{\partial z_k}{\partial z_5} \frac{\partial z_5}{\partial w_{5,7}}",
    notes="per sample, then summed",
)
def _three_paths() -> Iterator[Evidence]:
    z = net(W, X)
    paths = [float(np.sum(dE_dz(z, Y, k) * dzk_dz5(W, z, k) * dz5_dw57(W, z))) for k in OUTPUTS]
    yield three_ways("∂E/∂w_{5,7} as the sum of three paths", lambda w: _loss(w57=w), W[5, 7], np.sum(paths))
    least = min(abs(path) for path in paths)
    shown = ", ".join(f"{path:.4f}" for path in paths)
    yield Finding("what comes along each path", f"{shown}: none can be left out", least > 1e-3)


# ---------------------------------------------------------------- errata

erratum(
    "E-AI-12",
    kind="n",
    lecture="ai50021",
    printed="∂E/∂z_2 · z_2/∂w_{2,5}, without ∂ in the second numerator",
    right="∂E/∂z_2 · ∂z_2/∂w_{2,5}",
    lesson="Each factor of the chain rule is a derivative: one ∂ above for every ∂ below.",
)(None)


@erratum(
    "E-AI-13",
    kind="m",
    lecture="ai50021",
    printed="∂E/∂z_2, which is summed over samples, times ∂z_2/∂w_{2,5}",
    right="the sum over samples of the products",
    lesson="z_2 is another number for each sample. A product of sums is not the sum of products, so the sum over data stays outside.",
)
def _sum_of_products() -> Iterator[Miss]:
    w25 = Value(W[2, 5])
    (truth,) = gradients(cast("Value", _loss(w25=w25)), [w25])
    z = net(W, X)
    printed = np.sum(dE_dz(z, Y, 2)) * np.sum(dz2_dw25(W, z))
    yield Miss("∂E/∂w_{2,5}", np.asarray(printed), np.asarray(dE_dw25(W, z, Y)), data(truth))


erratum(
    "E-AI-14",
    kind="n",
    lecture="ai50021",
    printed="w_{2,5} for the edge from 5 to 2, after w_ij had been defined as leading from i to j; no bias",
    right="one order throughout, such as (target, source) in the worked example; and b_2, or a word that biases are left out",
    lesson="Before using a weight matrix, find out which index is the source: transposing by mistake still runs on square layers.",
)(None)

erratum(
    "E-AI-15",
    kind="n",
    lecture="ai50021",
    printed="w_{7,5} three times, then w_{5,7} in the result",
    right="w_{5,7} throughout, in the (target, source) order of w_{2,5}",
    lesson="In that order w_{7,5} would be an edge from 5 to 7, and with 7 feeding 5 the graph would have a cycle.",
)(None)
