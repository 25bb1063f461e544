"""§8.3 of MIT 6.036, chapter 8: the backward pass of batch normalisation.

The lecture drops its ε on the way back: `input_gradient` is its last formula as printed, which holds for ε = 0, and
`input_gradient_exact` keeps ε.
"""

# Items are called through the registry; Z and the others are the lecture's letters.
# pyright: reportUnusedFunction=false, reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import numpy as np

from autograd_core.ops import mean, square, sum, tanh
from autograd_core.value import Number, Value
from nn.lectures.graph import Nested, affine, central, jacobian, slopes, three_ways, transposed, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item
from nn.lectures.mit6036.batchnorm import (
    BATCHES,
    B,
    G,
    R,
    Z,
    deviation,
    loss_of,
    mu,
    normalised,
    sigma,
    standardised,
    z_bar,
    z_hat,
)

# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def loss_slope(Z: Array, G: Array, B: Array, R: Array, eps: float = 0.0) -> Array:
    """Return ∂L/∂Ẑ of L = Σ R Ẑ + ½Σ Ẑ²."""
    return R + z_hat(Z, G, B, eps)


@closed_form
def shift_gradient(dZ_hat: Array) -> Array:
    """Return ∂L/∂B: ∂L/∂Ẑ summed over the batch."""
    return np.sum(dZ_hat, axis=1, keepdims=True)


@closed_form
def scale_gradient(dZ_hat: Array, Z: Array, eps: float = 0.0) -> Array:
    """Return ∂L/∂G: (∂L/∂Ẑ)Z̄ summed over the batch."""
    return np.sum(dZ_hat * z_bar(Z, eps), axis=1, keepdims=True)


@closed_form
def mu_slope(Z: Array) -> Array:
    """Return ∂μ_i/∂Z_ij = 1/K."""
    return np.full(Z.shape, 1.0 / Z.shape[1])


@closed_form
def sigma_slope(Z: Array) -> Array:
    """Return ∂σ_i/∂Z_ij = (Z_ij - μ_i)/(Kσ_i)."""
    return (Z - mu(Z)) / (Z.shape[1] * sigma(Z))


@closed_form
def z_bar_slope(Z: Array) -> Array:
    """Return ∂Z̄_ik/∂Z_ij for ε = 0, indexed [i, k, j]."""
    delta = np.eye(Z.shape[1])
    across = (delta - mu_slope(Z)[:, None, :]) / sigma(Z)[:, :, None]
    return across - ((Z - mu(Z)) / sigma(Z) ** 2)[:, :, None] * sigma_slope(Z)[:, None, :]


@closed_form
def summed(dZ_hat: Array, Z: Array, G: Array) -> Array:
    """Return ∂L/∂Z_ij = Σ_k ∂L/∂Ẑ_ik G_i ∂Z̄_ik/∂Z_ij."""
    return np.einsum("ik,ikj->ij", dZ_hat * G, z_bar_slope(Z))


@closed_form
def input_gradient(dZ_hat: Array, Z: Array, G: Array) -> Array:
    """Return ∂L/∂Z as printed, which holds for ε = 0."""
    K, s, centred = Z.shape[1], sigma(Z), Z - mu(Z)
    brackets = np.eye(K) * K - 1.0 - centred[:, :, None] * centred[:, None, :] / s[:, :, None] ** 2
    return np.einsum("ik,ikj->ij", dZ_hat * G / (K * s), brackets)


@closed_form
def input_gradient_exact(dZ_hat: Array, Z: Array, G: Array, eps: float) -> Array:
    """Return ∂L/∂Z with the ε of the forward pass: s = σ + ε."""
    K, centred = Z.shape[1], Z - mu(Z)
    s, root = (sigma(Z) + eps)[:, :, None], sigma(Z)[:, :, None]
    brackets = (np.eye(K) - 1.0 / K) / s - centred[:, :, None] * centred[:, None, :] / (K * root * s**2)
    return np.einsum("ik,ikj->ij", dZ_hat * G, brackets)


# ---------------------------------------------------------------- the graph's side


def _slopes_of(quantity: str, f: Callable[[Nested], list[Number]], at: Array, formula: Array) -> Comparison:
    """Compare a closed form of the derivatives of several results by all entries of at."""
    leaves = values(at)
    quotient = [central(lambda z, k=k: f(z)[k], at) for k in range(len(f(at.tolist())))]
    return Comparison(quantity, formula, jacobian(cast("list[Value]", f(leaves)), leaves), np.array(quotient))


def _blocks(per_unit: Array) -> Array:
    """Return [i, k, j] as derivatives of result (i, k) by entry (m, j): 0 for another unit m."""
    n, results, K = per_unit.shape
    whole = np.zeros((n, results, n, K))
    for i in range(n):
        whole[i, :, i, :] = per_unit[i]
    return whole.reshape(n * results, n, K)


# ---------------------------------------------------------------- items


@item(
    "mit.bn.module",
    kind="architecture",
    where="§8.3",
    statement="Batch normalisation is a module between W and f: it takes Z to Ẑ of the same shape, and has weights G and B.",
    shapes="Z, Ẑ: (n, K); G, B, μ, σ: (n, 1)",
    notes="the bias W₀ before it does nothing any more: its shift is subtracted again, and B takes its place",
)
def _module() -> Iterator[Evidence]:
    rng = np.random.default_rng(22)
    X, W, W_0 = rng.normal(size=(3, 4)), rng.normal(size=(3, 2)), rng.normal(size=(2, 1))

    def before(W: Nested, W_0: Nested) -> Nested:
        columns = [affine(transposed(W), x, transposed(W_0)[0]) for x in X.T.tolist()]
        return transposed(columns)

    def loss(W: Nested, W_0: Nested) -> Number:
        hats = normalised(before(W, W_0), G.tolist(), B.tolist())
        errors = [
            square(tanh(z) - r) for row, rs in zip(hats, R.tolist(), strict=True) for z, r in zip(row, rs, strict=True)
        ]
        return sum(errors)

    Z_in = W.T @ X + W_0
    A = np.tanh(z_hat(Z_in, G, B))
    dZ = input_gradient(2.0 * (A - R) * (1.0 - A * A), Z_in, G)
    yield three_ways("∂L/∂W of a layer with the module in it", lambda w: loss(w, W_0.tolist()), W, X @ dZ.T)
    yield three_ways("∂L/∂W₀: nothing", lambda w: loss(W.tolist(), w), W_0, np.zeros((2, 1)))
    shapes = [Z_in.shape, z_hat(Z_in, G, B).shape, mu(Z_in).shape, sigma(Z_in).shape]
    yield Finding("the shapes of Z, Ẑ, μ and σ", f"{shapes}", shapes == [(2, 4), (2, 4), (2, 1), (2, 1)])


@item(
    "mit.bn.dB",
    kind="gradient",
    where="§8.3",
    latex=r"\frac{\partial L}{\partial B_i} = \sum_j \frac{\partial L}{\partial \hat Z_{ij}}",
    statement="B_i shifts every example, so its gradient sums over the mini-batch.",
    shapes="(n, 1)",
)
def _shift() -> Iterator[Evidence]:
    for name, (at, g, b, r) in BATCHES.items():
        formula = shift_gradient(loss_slope(at, g, b, r))
        yield three_ways(
            f"∂L/∂B, {name}", lambda v, at=at, g=g, r=r: loss_of(at.tolist(), g.tolist(), v, r), b, formula
        )


@item(
    "mit.bn.dG",
    kind="gradient",
    where="§8.3",
    latex=r"\frac{\partial L}{\partial G_i} = \sum_j \frac{\partial L}{\partial \hat Z_{ij}} \bar Z_{ij}",
    statement="G_i scales every example, so its gradient sums over the mini-batch, each with its Z̄.",
    shapes="(n, 1)",
)
def _scale_weight() -> Iterator[Evidence]:
    for name, (at, g, b, r) in BATCHES.items():
        for eps in (0.0, 0.1):

            def loss(v: Nested, at: Array = at, b: Array = b, r: Array = r, eps: float = eps) -> Number:
                return loss_of(at.tolist(), v, b.tolist(), r, eps)

            formula = scale_gradient(loss_slope(at, g, b, r, eps), at, eps)
            yield three_ways(f"∂L/∂G, {name}, ε = {eps:g}", loss, g, formula)


@item(
    "mit.bn.dZ.sum",
    kind="gradient",
    where="§8.3",
    latex=r"\frac{\partial L}{\partial Z_{ij}} = \sum_{k=1}^{K} \frac{\partial L}{\partial \hat Z_{ik}} \frac{\partial \hat Z_{ik}}{\partial Z_{ij}}, \quad \frac{\partial \hat Z_{ik}}{\partial Z_{ij}} = G_i \frac{\partial \bar Z_{ik}}{\partial Z_{ij}}",
    statement="An example's Z reaches the loss through the Ẑ of all examples of its unit, and of no other unit.",
)
def _input_sum() -> Iterator[Evidence]:
    for name, (at, g, b, r) in BATCHES.items():
        formula = summed(loss_slope(at, g, b, r), at, g)
        yield three_ways(f"∂L/∂Z, {name}", lambda v, g=g, b=b, r=r: loss_of(v, g.tolist(), b.tolist(), r), at, formula)

    def hats(v: Nested) -> list[Number]:
        return [z for row in normalised(v, G.tolist(), B.tolist()) for z in row]

    yield _slopes_of("∂Ẑ/∂Z, 0 between units", hats, Z, _blocks(G[:, :, None] * z_bar_slope(Z)))


@item(
    "mit.bn.dmu",
    kind="gradient",
    where="§8.3",
    latex=r"\frac{\partial \mu_i}{\partial Z_{ij}} = \frac{1}{K}",
    statement="Each example moves the mean by a K-th.",
)
def _mean_slope() -> Iterator[Evidence]:
    for name, (at, *_) in BATCHES.items():
        whole = _blocks(mu_slope(at)[:, None, :])
        yield _slopes_of(f"∂μ/∂Z, {name}", lambda v: [mean(row) for row in v], at, whole)


@item(
    "mit.bn.dsigma",
    kind="gradient",
    where="§8.3",
    latex=r"\frac{\partial \sigma_i}{\partial Z_{ij}} = \frac{Z_{ij} - \mu_i}{K \sigma_i}",
    statement="An example moves σ by how far it is from the mean.",
    notes="that μ moves too adds nothing: the deviations from it sum to 0",
)
def _deviation_slope() -> Iterator[Evidence]:
    for name, (at, *_) in BATCHES.items():
        whole = _blocks(sigma_slope(at)[:, None, :])
        yield _slopes_of(f"∂σ/∂Z, {name}", lambda v: [deviation(row) for row in v], at, whole)


@item(
    "mit.bn.dZbar",
    kind="gradient",
    where="§8.3",
    latex=r"\frac{\partial \bar Z_{ik}}{\partial Z_{ij}} = \left(\delta_{jk} - \frac{\partial \mu_i}{\partial Z_{ij}}\right) \frac{1}{\sigma_i} - \frac{Z_{ik} - \mu_i}{\sigma_i^2} \frac{\partial \sigma_i}{\partial Z_{ij}}",
    statement="An example's Z moves every Z̄ of its unit: its own directly, all of them through μ and σ.",
    notes="ε = 0; δ_jk is 1 for j = k and else 0, and no backpropagated error",
)
def _standardised_slope() -> Iterator[Evidence]:
    for name, (at, *_) in BATCHES.items():

        def bars(v: Nested) -> list[Number]:
            return [z for row in standardised(v, 0.0) for z in row]

        yield _slopes_of(f"∂Z̄/∂Z, {name}", bars, at, _blocks(z_bar_slope(at)))


@item(
    "mit.bn.dZ",
    kind="gradient",
    where="§8.3, last formula",
    latex=r"\frac{\partial L}{\partial Z_{ij}} = \sum_{k=1}^{K} \frac{\partial L}{\partial \hat Z_{ik}} \frac{G_i}{K \sigma_i} \left(\delta_{jk} K - 1 - \frac{(Z_{ik} - \mu_i)(Z_{ij} - \mu_i)}{\sigma_i^2}\right)",
    statement="The gradient by Z in one formula; it has no part along a shift or a stretch of the mini-batch.",
    notes="holds for ε = 0",
    errata=("E-MIT-24",),
)
def _input() -> Iterator[Evidence]:
    for name, (at, g, b, r) in BATCHES.items():
        dZ_hat = loss_slope(at, g, b, r)
        formula = input_gradient(dZ_hat, at, g)
        yield three_ways(f"∂L/∂Z, {name}", lambda v, g=g, b=b, r=r: loss_of(v, g.tolist(), b.tolist(), r), at, formula)
        along = [float(np.max(np.abs(np.sum(formula * way, axis=1)))) for way in (np.ones_like(at), at - mu(at))]
        yield Finding(
            f"∂L/∂Z along a shift and a stretch, {name}", f"{along[0]:.0e} and {along[1]:.0e}", max(along) < 1e-12
        )
        for eps in (1e-5, 0.1):

            def loss(v: Nested, g: Array = g, b: Array = b, r: Array = r, eps: float = eps) -> Number:
                return loss_of(v, g.tolist(), b.tolist(), r, eps)

            exact = input_gradient_exact(loss_slope(at, g, b, r, eps), at, g, eps)
            yield three_ways(f"∂L/∂Z with ε = {eps:g}, {name}", loss, at, exact)


@erratum(
    "E-MIT-24",
    kind="m",
    lecture="mit6036",
    printed="the ε of the forward pass is missing from the backward pass",
    right="with s = σ + ε: (δ - 1/K)/s - (Z_ik - μ)(Z_ij - μ)/(Kσs²) in place of the bracket over Kσ",
    lesson="A gradient belongs to the function that was computed, guards included. With ε = 1e-5 the slip is 3e-5 and hides "
    "in a loose gradient check; with a larger ε, or a unit that hardly varies, it does not.",
)
def _dropped_guard() -> Iterator[Miss]:
    for eps in (0.01, 0.1):
        dZ_hat, leaves = loss_slope(Z, G, B, R, eps), values(Z)
        truth = slopes(cast("Value", loss_of(leaves, G.tolist(), B.tolist(), R, eps)), leaves)
        yield Miss(
            f"∂L/∂Z with ε = {eps:g}", input_gradient(dZ_hat, Z, G), input_gradient_exact(dZ_hat, Z, G, eps), truth
        )
