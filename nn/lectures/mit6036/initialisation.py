"""§5 of MIT 6.036, chapter 8: where the weights start."""

# Items are called through the registry.
# pyright: reportUnusedFunction=false

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random
from typing import cast

import numpy as np

from autograd_core.backward import gradients
from autograd_core.modes import no_grad
from autograd_core.ops import sigmoid, square, sum
from autograd_core.value import Value
from nn.init import Initialiser
from nn.lectures.graph import data
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item
from nn.lectures.mit6036 import network
from nn.neuron import MLP, Layer
from nn.optim import SGD

INPUTS = 100
UNITS = 500

# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def variance_one_over_m(rng: np.random.Generator, m: int, n: int) -> Array:
    """Draw W, m×n, from a Gaussian of mean 0 and variance 1/m."""
    return rng.normal(0.0, 1.0 / math.sqrt(m), size=(m, n))


@closed_form
def deviation_one_over_m(rng: np.random.Generator, m: int, n: int) -> Array:
    """Draw W, m×n, from a Gaussian of mean 0 and standard deviation 1/m, as the words have it."""
    return rng.normal(0.0, 1.0 / m, size=(m, n))


@closed_form
def offsets(rng: np.random.Generator, n: int) -> Array:
    """Draw W0, n×1, from a Gaussian of mean 0 and variance 1."""
    return rng.normal(0.0, 1.0, size=(n, 1))


@closed_form
def variance_of_z(x: Array, weight_variance: float, offset_variance: float) -> float:
    """Return Var(z) = Var(w) Σ x_j² + Var(w0) for one input x."""
    return float(weight_variance * np.sum(x**2) + offset_variance)


# ---------------------------------------------------------------- the graph's side


def _spread(weights: Array, xs: Array) -> float:
    """Return the mean square of what the engine's layer makes of the columns of xs."""
    layer = Layer(weights.shape[0], weights.shape[1], "identity", bias=False, init="zero", rng=0)
    layer.load_state_dict({"weight": weights.T})
    with no_grad():
        return float(np.mean([data(list(layer(x))) ** 2 for x in xs.T.tolist()]))


def _through_ten(deviation: Callable[[int], float]) -> float:
    """Return the root mean square of the output of ten tanh layers, 50 wide, whose weights have this deviation."""

    def draw(rng: Random, fan_in: int, fan_out: int) -> float:  # noqa: ARG001 - initialisers take both sizes
        return rng.gauss(0.0, deviation(fan_in))

    model = MLP(50, [50] * 10, activation="tanh", output="tanh", init=draw, rng=5)
    rng = Random(6)
    with no_grad():
        rows = [model([rng.gauss(0.0, 1.0) for _ in range(50)]) for _ in range(2)]
    return float(np.sqrt(np.mean([data(row) ** 2 for row in rows])))


# ---------------------------------------------------------------- items


@item(
    "mit.init.gaussian",
    kind="formula",
    where="§5",
    statement="Weights start as draws from a Gaussian of mean 0 and variance 1/m, m being the number of inputs.",
    latex=r"W_{ij}^l \sim \mathrm{Gaussian}\left(0, \frac{1}{m^l}\right)",
    notes="as corrected: 1/m is the variance, so that z varies about as much as its inputs do",
    errata=("E-MIT-11",),
)
def _gaussian() -> Iterator[Evidence]:
    rng = np.random.default_rng(1)
    drawn = {
        "variance 1/m": variance_one_over_m(rng, INPUTS, UNITS),
        "deviation 1/m": deviation_one_over_m(rng, INPUTS, UNITS),
    }
    xs = rng.normal(size=(INPUTS, 6))
    xs /= np.sqrt(np.mean(xs**2))
    for (name, W), variance in zip(drawn.items(), (1.0 / INPUTS, 1.0 / INPUTS**2), strict=True):
        yield Finding(
            f"draw {W.size} weights with {name}, m = {INPUTS}",
            f"mean {W.mean():.1e}, variance {W.var():.3e}",
            abs(W.mean()) < 4.0 * math.sqrt(variance / W.size) and abs(W.var() / variance - 1.0) < 0.02,
        )
        expected = float(np.mean([variance_of_z(x, variance, 0.0) for x in xs.T]))
        found = _spread(W, xs)
        yield Finding(
            f"send inputs of variance 1 through them, {name}",
            f"z has variance {found:.4f}, expected {expected:.4f}",
            abs(found / expected - 1.0) < 0.06,
        )
    kept, lost = _through_ten(lambda m: 1.0 / math.sqrt(m)), _through_ten(lambda m: 1.0 / m)
    yield Finding(
        "send inputs through ten tanh layers, 50 wide",
        f"root mean square {kept:.2f} with variance 1/m, {lost:.0e} with deviation 1/m",
        0.1 < kept < 0.4 and lost < 1e-7,
    )


@erratum(
    "E-MIT-11",
    kind="m",
    lecture="mit6036",
    printed="Each weight has standard deviation 1/m, and is written Gaussian(0, 1/m).",
    right="Each weight has variance 1/m, that is standard deviation 1/√m.",
    lesson="A sum of m terms of variance v has variance m v: to keep z at the size of its inputs v has to be 1/m. With "
    "deviation 1/m signals shrink by √m in every layer.",
)
def _gaussian_missed() -> Iterator[Miss]:
    rng = np.random.default_rng(2)
    xs = np.sign(rng.normal(size=(INPUTS, 6)))
    truth = np.array(_spread(variance_one_over_m(rng, INPUTS, UNITS), xs))
    printed, right = [np.array(variance_of_z(xs[:, 0], v, 0.0)) for v in (1.0 / INPUTS**2, 1.0 / INPUTS)]
    yield Miss("variance of z in a layer drawn with variance 1/m, inputs ±1", printed, right, truth, tol=0.06)


@item(
    "mit.init.bias",
    kind="formula",
    where="§5",
    statement="Offsets start as draws from a Gaussian of mean 0 and variance 1.",
    latex=r"W_{0i}^l \sim \mathrm{Gaussian}(0, 1)",
    shapes="W0: n×1",
)
def _offsets() -> Iterator[Evidence]:
    W0 = offsets(np.random.default_rng(3), 40_000)
    yield Finding(
        "draw 40000 offsets",
        f"shape {W0.shape}, mean {W0.mean():.4f}, variance {W0.var():.4f}",
        W0.shape == (40_000, 1) and abs(W0.mean()) < 0.02 and abs(W0.var() - 1.0) < 0.03,
    )


@item(
    "mit.init.random_needed",
    kind="claim",
    where="§5",
    statement="Units that start with equal weights stay equal; weights that start large put z where slopes are near 0.",
)
def _random_needed() -> Iterator[Evidence]:
    equal, unequal = _trained_rows(_constant), _trained_rows("glorot")
    moved = float(np.max(np.abs(equal - 0.3)))
    yield Finding(
        "start every weight at 0.3 and train 20 steps",
        f"the hidden units' weights have moved by {moved:.3f}, and are the same for every unit",
        moved > 1e-3 and bool(np.all(equal == equal[0])),
    )
    apart = float(np.max(np.abs(unequal - unequal[0])))
    yield Finding("start at random instead", f"the hidden units are up to {apart:.3f} apart", apart > 0.1)
    at = np.array([0.0, 2.0, 5.0, 10.0])
    zs = [Value(z) for z in at]
    yield Comparison(
        "σ'(z) at 0, 2, 5, 10", network.sigmoid_slope(at), data(gradients(sum([sigmoid(z) for z in zs]), zs))
    )
    yield Finding("the slope of σ at 10", f"{network.sigmoid_slope(at)[-1]:.1e}", network.sigmoid_slope(at)[-1] < 1e-4)


def _constant(rng: Random, fan_in: int, fan_out: int) -> float:  # noqa: ARG001 - an initialiser takes all three
    return 0.3


def _trained_rows(init: str | Initialiser) -> Array:
    """Return the hidden weights of a network after 20 steps of training."""
    model = MLP(2, [3, 1], activation="tanh", init=init, rng=4)
    optimiser = SGD(model.parameters(), lr=0.05)
    points = (([0.5, -1.0], 0.3), ([-0.2, 0.8], -0.6))
    for _ in range(20):
        optimiser.zero_grad()
        costs = [square(model(x) - y) for x, y in points]
        cast("Value", sum(costs)).backward()
        optimiser.step()
    return model.state_dict()["layers.0.weight"]


@item(
    "mit.init.ones",
    kind="study",
    where="§5",
    statement="For inputs of 1, z is 0 on average; its variance is m Var(w) + 1.",
    latex=r"E[z] = 0 \qquad \mathrm{Var}(z) = m\,\mathrm{Var}(w) + 1",
    notes="2 with variance 1/m, 1 + 1/m with standard deviation 1/m",
)
def _ones() -> Iterator[Evidence]:
    x = np.ones((INPUTS, 1))
    n = 20_000
    for name, draw, variance in (
        ("variance 1/m", variance_one_over_m, 1.0 / INPUTS),
        ("deviation 1/m", deviation_one_over_m, 1.0 / INPUTS**2),
    ):
        rng = np.random.default_rng(7)
        z = network.pre_activation(draw(rng, INPUTS, n), offsets(rng, n), x)
        expected = variance_of_z(x, variance, 1.0)
        yield Comparison(f"Var(z) with {name}", np.array(expected), np.array(INPUTS * variance + 1.0))
        yield Finding(
            f"draw {n} units with {name}",
            f"z has mean {z.mean():.3f} and variance {z.var():.3f}, expected 0 and {expected:.2f}",
            abs(z.mean()) < 0.04 and abs(z.var() - expected) < 0.06,
        )
