"""§8.2 of MIT 6.036, chapter 8: dropout, which perturbs the network and not the data."""

# Items are called through the registry; W1 and the others are the lecture's letters.
# pyright: reportUnusedFunction=false, reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import cast

import numpy as np

from autograd_core.op import Unary, find
from autograd_core.ops import dot, square, sum, tanh
from autograd_core.value import Number, Value
from nn.lectures.graph import Nested, affine, central, data, jacobian, slopes, three_ways, transposed, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item
from nn.lectures.mit6036.batches import descend, engine_gradient
from nn.lectures.mit6036.network import ACTIVATIONS, SLOPES

FUNCTIONS = ("sigmoid", "tanh", "relu", "identity")

A = np.array([[1.0], [2.0], [3.0], [4.0]])
OUT = np.array([[0.5], [-0.25], [0.1], [0.3]])
Z, MASK, DELTA = np.array([0.6, -0.4, 0.9]), np.array([1.0, 0.0, 0.0]), np.array([1.0, 2.0, 3.0])
W1 = np.array([[0.3, -0.6, 0.8, 0.2], [0.7, 0.4, -0.5, 0.9]])
W2 = np.array([[0.6, -0.1], [0.5, 0.8], [-0.7, 0.4], [0.2, -0.3]])
POINT, TARGET = np.array([[0.9], [-0.4]]), np.array([[0.5], [-1.0]])
DROPPED = np.array([[1.0], [0.0], [1.0], [0.0]])


# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def thinned(w: Array, a: Array, p: float) -> Array:
    """Return the next pre-activation at test time: (1 - p)wᵀa, its mean where each a was dropped with probability p."""
    return (1.0 - p) * w.T @ a


@closed_form
def masked_slope(z: Array, d: Array, f: str) -> Array:
    """Return ∂a/∂z of a = f(z)*d, one number a unit."""
    return SLOPES[f](z) * d


@closed_form
def dropout_gradients(W1: Array, W2: Array, x: Array, y: Array, d: Array, f: str) -> list[Array]:
    """Return the gradients by W¹ and W² of Σ(A² - y)², with A¹ = f(Z¹)*d and the identity on top."""
    Z1 = W1.T @ x
    A1 = ACTIVATIONS[f](Z1) * d
    dZ2 = 2.0 * (W2.T @ A1 - y)
    dZ1 = masked_slope(Z1, d, f) * (W2 @ dZ2)
    return [x @ dZ1.T, A1 @ dZ2.T]


# ---------------------------------------------------------------- items


def _over_masks(p: float) -> float:
    """Return the mean of wᵀ(a*d) over all 16 masks, each with its probability."""
    terms: list[Number] = []
    for d in product((0.0, 1.0), repeat=4):
        chance = float(np.prod([1.0 - p if kept else p for kept in d]))
        terms.append(chance * dot(OUT[:, 0].tolist(), [a * kept for a, kept in zip(values(A[:, 0]), d, strict=True)]))
    return float(data(sum(terms)))


@item(
    "mit.reg.dropout",
    kind="algorithm",
    where="§8.2",
    latex=r"a^\ell = f(z^\ell) * d^\ell, \qquad P(d^\ell_j = 0) = p",
    statement="In training each unit is dropped with probability p, anew for each example; in use, the weights out of it are multiplied by 1 - p.",
    notes="p drops; biases, and weights from undropped inputs, stay as they are",
    errata=("E-MIT-20",),
)
def _dropout() -> Iterator[Evidence]:
    for p in (0.2, 0.5, 0.7):
        yield Comparison(f"the mean of wᵀ(a*d), p = {p}", thinned(OUT, A, p)[0, 0], np.array(_over_masks(p)))
    masks = np.random.default_rng(13).random((50_000, 4)) >= 0.2
    drawn = float(np.mean((masks * A.T) @ OUT))
    yield Finding(
        "50 000 masks, p = 0.2",
        f"mean {drawn:.3f}, {thinned(OUT, A, 0.2).item():.3f} by the formula",
        abs(drawn - 1.2) < 0.02,
    )
    bias = 0.4
    right, scaled = thinned(OUT, A, 0.2).item() + bias, 0.8 * ((OUT.T @ A).item() + bias)
    yield Finding(
        "a bias of 0.4 beside it",
        f"the mean is {right:.2f}; scaling the bias too gives {scaled:.2f}",
        abs(_over_masks(0.2) + bias - right) < 1e-12 < abs(scaled - right),
    )


@erratum(
    "E-MIT-20",
    kind="m",
    lecture="mit6036",
    printed="a unit is dropped with probability p, and in use all weights are multiplied by p",
    right="by 1 - p, the probability that it is kept, and only the weights out of dropped units",
    lesson="Say whether p drops or keeps; libraries differ. At the usual p = 0.5 nothing shows, so test with another p: the "
    "mean activation in training has to be the one in use.",
)
def _keep_or_drop() -> Iterator[Miss]:
    truth = np.array(_over_masks(0.2))
    yield Miss("the mean of wᵀ(a*d) for p = 0.2", 0.2 * (OUT.T @ A)[0, 0], thinned(OUT, A, 0.2)[0, 0], truth)


def _masked_units(z: Nested, f: str) -> list[Number]:
    g = cast("Unary", find(f))
    return [g(z_j) * d for z_j, d in zip(z, MASK.tolist(), strict=True)]


def _dropout_loss(weights: Nested, f: str) -> Number:
    hidden = affine(transposed(weights[0]), POINT[:, 0].tolist())
    g = cast("Unary", find(f))
    a = [g(z) * d for z, d in zip(hidden, DROPPED[:, 0].tolist(), strict=True)]
    return sum([square(o - t) for o, t in zip(affine(transposed(weights[1]), a), TARGET[:, 0].tolist(), strict=True)])


@item(
    "mit.reg.dropout.backward",
    kind="gradient",
    where="§8.2",
    latex=r"\frac{\partial a}{\partial z} = f'(z) * d",
    statement="The mask multiplies the gradient on its way back, as it multiplied the activation on its way forward.",
    notes="an engine that has the product by d in its graph does so by itself",
    errata=("E-MIT-21",),
)
def _dropout_backward() -> Iterator[Evidence]:
    for f in FUNCTIONS:
        leaves = values(Z)
        quotient = np.array([central(lambda z, j=j, f=f: _masked_units(z, f)[j], Z) for j in range(3)])
        units = cast("list[Value]", _masked_units(leaves, f))
        yield Comparison(f"∂a/∂z, {f}", np.diag(masked_slope(Z, MASK, f)), jacobian(units, leaves), quotient)
        ours = dropout_gradients(W1, W2, POINT, TARGET, DROPPED, f)
        yield three_ways(f"∂loss/∂W¹, {f}", lambda w, f=f: _dropout_loss([w, W2.tolist()], f), W1, ours[0])
        yield three_ways(f"∂loss/∂W², {f}", lambda w, f=f: _dropout_loss([W1.tolist(), w], f), W2, ours[1])


@erratum(
    "E-MIT-21",
    kind="m",
    lecture="mit6036",
    printed="the backward pass depends on a, so dropout changes nothing in it",
    right="f' is multiplied by the mask",
    lesson="It holds where f' is computed from the masked activation and f' of a dropped one comes out as 0: a(1 - a) of the "
    "sigmoid. For tanh 1 - a² is 1 there, and a dropped unit learns most of all; code that computes f' from z is wrong for every f.",
)
def _mask_forgotten() -> Iterator[Miss]:
    for f in FUNCTIONS:
        leaves = values(Z)
        truth = slopes(dot(_masked_units(leaves, f), DELTA.tolist()), leaves)
        yield Miss(f"∂L/∂z with f' from z, {f}", SLOPES[f](Z) * DELTA, masked_slope(Z, MASK, f) * DELTA, truth)
        if f == "tanh":
            a = np.tanh(Z) * MASK
            yield Miss(
                "∂L/∂z with f' = 1 - a² from the masked a, tanh",
                (1.0 - a * a) * DELTA,
                masked_slope(Z, MASK, f) * DELTA,
                truth,
            )


@item(
    "mit.reg.dropout.noupdate",
    kind="study",
    where="§8.2",
    statement="With SGD the weights into and out of a dropped unit stay as they are: their gradients are exactly 0.",
    notes="into it ∂a/∂z = 0, out of it the gradient is aδ with a = 0; momentum, Adam and weight decay move them all the same",
)
def _no_update() -> Iterator[Evidence]:
    gradients = engine_gradient(lambda weights: _dropout_loss(weights, "tanh"), [W1, W2])
    after = descend(lambda weights: _dropout_loss(weights, "tanh"), [W1, W2], 0.1)
    dropped, kept = [1, 3], [0, 2]
    moved = [
        float(np.max(np.abs(new - old)))
        for new, old in ((after[0][:, dropped], W1[:, dropped]), (after[1][dropped], W2[dropped]))
    ]
    least = float(np.min(np.abs(np.hstack([gradients[0][:, kept].ravel(), gradients[1][kept].ravel()]))))
    yield Finding(
        "one step of SGD with units 2 and 4 dropped",
        f"their weights in and out move by {moved[0]:g} and {moved[1]:g}; the other gradients are {least:.3f} or more in size",
        moved == [0.0, 0.0] and least > 0.0,
    )
    full = engine_gradient(_whole_loss, [W1, W2])
    carried = float(np.max(np.abs(0.1 * 0.9 * full[0][:, dropped])))
    decayed = float(np.max(np.abs(2.0 * 0.1 * 0.1 * W1[:, dropped])))
    yield Finding(
        "the same step with momentum from a step before without dropout, or with weight decay, λ = 0.1",
        f"the weights into them move by up to {carried:.3f} and {decayed:.3f}",
        min(carried, decayed) > 1e-3,
    )


def _whole_loss(weights: Nested) -> Number:
    a = [tanh(z) for z in affine(transposed(weights[0]), POINT[:, 0].tolist())]
    return sum([square(o - t) for o, t in zip(affine(transposed(weights[1]), a), TARGET[:, 0].tolist(), strict=True)])
