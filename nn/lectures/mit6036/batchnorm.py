"""§8.3 of MIT 6.036, chapter 8: the forward pass of batch normalisation, and what it does.

Z is n×K: a row for each unit, a column for each example of the mini-batch. μ, σ, G and B are n×1.
"""

# Items are called through the registry; Z and the others are the lecture's letters.
# pyright: reportUnusedFunction=false, reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograd_core.ops import mean, sqrt, square, sum
from autograd_core.value import Number
from nn.lectures.graph import Nested, data, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, closed_form, erratum, item

Z = np.array([[0.5, -1.2, 2.0, 0.3], [1.0, 0.7, -0.4, -2.1]])
G, B = np.array([[1.5], [-0.8]]), np.array([[0.2], [0.1]])
R = np.array([[0.3, -0.6, 0.9, 0.2], [-0.5, 0.4, 0.1, 0.7]])

_rng = np.random.default_rng(21)
WIDE = (_rng.normal(1.0, 2.0, (3, 5)), _rng.normal(size=(3, 1)), _rng.normal(size=(3, 1)), _rng.normal(size=(3, 5)))
BATCHES = {"2 units, 4 examples": (Z, G, B, R), "3 units, 5 examples": WIDE}
"""Z, G, B and the R of the loss L = Σ R Ẑ + ½Σ Ẑ²."""


# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def mu(Z: Array) -> Array:
    """Return μ, the mean of each unit over the batch."""
    return np.sum(Z, axis=1, keepdims=True) / Z.shape[1]


@closed_form
def sigma(Z: Array) -> Array:
    """Return σ, the standard deviation of each unit over the batch, with 1/K."""
    return np.sqrt(np.sum((Z - mu(Z)) ** 2, axis=1, keepdims=True) / Z.shape[1])


@closed_form
def z_bar(Z: Array, eps: float = 0.0) -> Array:
    """Return Z̄ = (Z - μ)/(σ + ε)."""
    return (Z - mu(Z)) / (sigma(Z) + eps)


@closed_form
def z_bar_published(Z: Array, eps: float = 0.0) -> Array:
    """Return Z̄ of the paper, with ε inside the root: (Z - μ)/√(σ² + ε)."""
    return (Z - mu(Z)) / np.sqrt(sigma(Z) ** 2 + eps)


@closed_form
def z_hat(Z: Array, G: Array, B: Array, eps: float = 0.0) -> Array:
    """Return Ẑ = GZ̄ + B."""
    return G * z_bar(Z, eps) + B


# ---------------------------------------------------------------- the graph's side


def deviation(row: Nested) -> Number:
    """Return the standard deviation of one unit, from ops alone."""
    centre = mean(row)
    return sqrt(mean([square(z - centre) for z in row]))


def standardised(rows: Nested, eps: float) -> Nested:
    """Return Z̄, from ops alone."""
    return [[(z - mean(row)) / (deviation(row) + eps) for z in row] for row in rows]


def normalised(rows: Nested, G: Nested, B: Nested, eps: float = 0.0) -> Nested:
    """Return Ẑ, from ops alone."""
    bars = standardised(rows, eps)
    return [[g[0] * z + b[0] for z in row] for row, g, b in zip(bars, G, B, strict=True)]


def loss_of(rows: Nested, G: Nested, B: Nested, R: Array, eps: float = 0.0) -> Number:
    """Return L = Σ R Ẑ + ½Σ Ẑ², from ops alone."""
    hats = normalised(rows, G, B, eps)
    pairs = [(z, r) for row, weights in zip(hats, R.tolist(), strict=True) for z, r in zip(row, weights, strict=True)]
    return sum([r * z + 0.5 * square(z) for z, r in pairs])


# ---------------------------------------------------------------- items


@item(
    "mit.bn.mu",
    kind="formula",
    where="§8.3",
    latex=r"\mu_i = \frac{1}{K} \sum_{j=1}^{K} Z_{ij}",
    statement="μ is the mean of each unit over the mini-batch.",
    shapes="μ: (n, 1)",
    errata=("E-MIT-22",),
)
def _mu() -> Iterator[Evidence]:
    for name, (at, *_) in BATCHES.items():
        yield Comparison(f"μ, {name}", mu(at)[:, 0], data([mean(row) for row in values(at)]))


erratum(
    "E-MIT-22",
    kind="o",
    lecture="mit6036",
    printed="the sum in μ_i runs over i",
    right="over j, the examples of the mini-batch",
    lesson="An index that names the result cannot be summed over. μ_i belongs to a unit, so it is the examples that go.",
)(None)


@item(
    "mit.bn.sigma",
    kind="formula",
    where="§8.3",
    latex=r"\sigma_i = \sqrt{\frac{1}{K} \sum_{j=1}^{K} (Z_{ij} - \mu_i)^2}",
    statement="σ is the standard deviation of each unit over the mini-batch.",
    shapes="σ: (n, 1)",
    notes="divided by K, not by K - 1",
)
def _sigma() -> Iterator[Evidence]:
    for name, (at, *_) in BATCHES.items():
        yield Comparison(f"σ, {name}", sigma(at)[:, 0], data([deviation(row) for row in values(at)]))


@item(
    "mit.bn.zbar",
    kind="formula",
    where="§8.3",
    latex=r"\bar Z_{ij} = \frac{Z_{ij} - \mu_i}{\sigma_i + \varepsilon}",
    statement="Z̄ has mean 0 and, but for ε, standard deviation 1 in each unit.",
    notes="the paper divides by √(σ² + ε)",
    errata=("E-MIT-23",),
)
def _zbar() -> Iterator[Evidence]:
    for name, (at, *_) in BATCHES.items():
        for eps in (0.0, 0.1):
            yield Comparison(f"Z̄, {name}, ε = {eps:g}", z_bar(at, eps), data(standardised(values(at), eps)))
        paper = [[(z - mean(row)) / sqrt(square(deviation(row)) + 0.1) for z in row] for row in values(at)]
        yield Comparison(f"Z̄ of the paper, {name}, ε = 0.1", z_bar_published(at, 0.1), data(paper))
    centre, spread = float(np.max(np.abs(mu(z_bar(Z))))), float(np.max(np.abs(sigma(z_bar(Z)) - 1.0)))
    yield Finding(
        "mean and standard deviation of Z̄", f"off 0 and 1 by {centre:.0e} and {spread:.0e}", max(centre, spread) < 1e-12
    )
    alone = z_bar(Z[:, :1], 1e-5)
    yield Finding("a mini-batch of one", f"Z̄ = {alone[:, 0].tolist()}, whatever Z", not alone.any())


erratum(
    "E-MIT-23",
    kind="n",
    lecture="mit6036",
    printed="Z̄ is divided by σ + ε",
    right="the paper that is cited divides by √(σ² + ε), as libraries do",
    lesson="Both guard against σ = 0, with an ε of another unit: at σ = 1 the same ε counts half as much inside the root, and "
    "at σ = 0 it gives √ε. Numbers from a library agree only with its own form.",
)(None)


@item(
    "mit.bn.zhat",
    kind="formula",
    where="§8.3",
    latex=r"\hat Z_{ij} = G_i \bar Z_{ij} + B_i",
    statement="Learnt weights G and B give each unit back a scale and a shift.",
    notes="how G and B start (1 and 0 elsewhere) and which μ and σ are used after training is left open",
)
def _zhat() -> Iterator[Evidence]:
    for name, (at, g, b, _) in BATCHES.items():
        graph = normalised(values(at), values(g), values(b), 0.01)
        yield Comparison(f"Ẑ, {name}, ε = 0.01", z_hat(at, g, b, 0.01), data(graph))
    undone = z_hat(Z, sigma(Z), mu(Z))
    off = float(np.max(np.abs(undone - Z)))
    yield Finding(
        "G = σ and B = μ", f"give Z back, to {off:.0e}: nothing is lost that the layer could say", off < 1e-12
    )


@item(
    "mit.bn.regularises",
    kind="claim",
    where="§8.3",
    statement="An example's Ẑ depends on the others of its mini-batch, which perturbs it anew each time.",
)
def _regularises() -> Iterator[Evidence]:
    rng = np.random.default_rng(23)
    data_set = rng.normal(size=(1, 64))
    spread: list[float] = []
    for K in (4, 32):
        seen: list[float] = []
        for _ in range(200):
            others = data_set[:, rng.choice(np.arange(1, 64), K - 1, replace=False)]
            batch = np.hstack([data_set[:, :1], others])
            seen.append(float(z_hat(batch, np.ones((1, 1)), np.zeros((1, 1)))[0, 0]))
        spread.append(float(np.std(seen)))
    small, large = spread
    yield Finding(
        "Ẑ of one example in 200 random mini-batches",
        f"standard deviation {small:.3f} in mini-batches of 4, {large:.3f} in mini-batches of 32",
        small > 2.0 * large > 0.0,
    )


@item(
    "mit.bn.scale",
    kind="claim",
    where="§8.3",
    latex=r"\hat Z(cZ + d) = \hat Z(Z), \quad c > 0",
    statement="Whatever scale and shift the layers below give to Z, Ẑ stays as it is.",
    notes="ε = 0; a negative c turns the sign of Z̄",
)
def _scale_stays() -> Iterator[Evidence]:
    c, d = np.array([[3.7], [0.02]]), np.array([[-5.0], [12.0]])
    graph = data(normalised(values(c * Z + d), values(G), values(B)))
    yield Comparison("Ẑ of cZ + d beside that of Z", z_hat(Z, G, B), graph, rtol=1e-11)

    def loss(cd: Nested) -> Number:
        rows = [[cd[0] * z + cd[1] for z in row] for row in Z.tolist()]
        return loss_of(rows, G.tolist(), B.tolist(), R)

    yield three_ways("∂L/∂c and ∂L/∂d", loss, [1.3, 0.4], [0.0, 0.0])
    grown = [float(np.max(np.abs(z_hat(k * Z, G, B) - z_hat(Z, G, B)))) for k in (10.0, 1000.0)]
    yield Finding(
        "weights below 10 and 1000 times as large",
        f"Ẑ changes by {grown[0]:.0e} and {grown[1]:.0e}",
        max(grown) < 1e-12,
    )
