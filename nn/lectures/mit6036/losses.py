"""§6 of MIT 6.036, chapter 8: losses, and the output activations that they go with."""

# Items are called through the registry.
# pyright: reportUnusedFunction=false

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from autograd_core.ops import dot, log, mean, mul, relu, sigmoid, softmax, square, step, sum
from autograd_core.value import Number, Value
from nn import losses
from nn.lectures.graph import Nested, central, data, slopes, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item
from nn.lectures.mit6036 import network
from nn.lectures.mit6036.nets import activated, nll_loss, nllm_loss, squared_loss
from nn.optim import SGD

SCORES = np.array([0.2, -0.5, 1.3])

PAIRS = np.array([(0.3, 1.0), (1.5, 1.0), (-0.4, 1.0), (0.3, -1.0), (-2.0, -1.0)])
"""Guesses and labels for the hinge; in two of them the margin is beyond 1."""

SEPARABLE = np.array([[1.0, 0.0], [3.0, 4.0], [2.0, 5.0], [-1.0, 0.0], [-3.0, -1.0], [-2.5, 0.5]])
SIDES = np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
"""Two classes whose nearest points are (1, 0) and (-1, 0), so that the widest margin lies along the first axis."""

LAMBDA = 0.01

# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def hinge(guess: Array, actual: Array) -> Array:
    """Return max(1 - guess · actual, 0)."""
    return np.maximum(1.0 - guess * actual, 0.0)


@closed_form
def hinge_slope(guess: Array, actual: Array) -> Array:
    """Return the hinge's derivative by the guess: -actual where guess · actual < 1, and 0 beyond."""
    return np.where(guess * actual < 1.0, -actual, 0.0)


@closed_form
def zero_one(guess: Array, actual: Array) -> Array:
    """Return 1 where the sign of the guess is wrong, and 0 where it is right."""
    return network.step(-guess * actual)


@closed_form
def likelihood(guess: Array, actual: Array) -> float:
    """Return Π guess_k ** actual_k, the probability of the right class."""
    return float(np.prod(guess**actual))


@closed_form
def svm_step(w: Array, w0: float, X: Array, y: Array, lam: float, eta: float) -> tuple[Array, float]:
    """Return w and w0 after one step on λ‖w‖² + the mean hinge loss."""
    slope = hinge_slope(X @ w + w0, y)
    return w - eta * (2.0 * lam * w + X.T @ slope / len(y)), float(w0 - eta * np.sum(slope) / len(y))


# ---------------------------------------------------------------- the table


@item(
    "mit.loss.table",
    kind="table",
    where="§6",
    statement="Losses and output activations that go together: squared and hinge with linear, NLL with sigmoid, NLLM with softmax.",
    latex=r"\frac{\partial loss}{\partial Z^L} = \quad 2(A - Y), \quad -Y\,[1 - YA > 0], \quad A - Y, \quad A - Y",
)
def _table() -> Iterator[Evidence]:
    z, labels, sides = SCORES, np.array([0.0, 1.0, 1.0]), np.array([1.0, -1.0, -1.0])
    target, one_hot = np.array([0.7, -0.1, 0.4]), np.array([0.0, 0.0, 1.0])
    found = {
        f: network.output_slope(z, network.ACTIVATIONS[f](z), y, f)
        for f, y in (("identity", target), ("sigmoid", labels), ("softmax", one_hot))
    }
    yield three_ways("squared, linear", lambda z: squared_loss(z, target.tolist()), z, found["identity"])
    yield three_ways("hinge, linear", lambda z: _hinge(z, sides), z, hinge_slope(z, sides))
    yield three_ways("NLL, sigmoid", lambda z: nll_loss(activated("sigmoid", z), labels.tolist()), z, found["sigmoid"])
    yield three_ways(
        "NLLM, softmax", lambda z: nllm_loss(activated("softmax", z), one_hot.tolist()), z, found["softmax"]
    )
    at = values(z)
    library = {
        "squared_error": (losses.squared_error(at, target), found["identity"]),
        "hinge": (sum([losses.hinge(u, side) for u, side in zip(at, sides, strict=True)]), hinge_slope(z, sides)),
        "nll_with_logits": (
            sum([losses.nll_with_logits(u, y) for u, y in zip(at, labels, strict=True)]),
            found["sigmoid"],
        ),
        "nllm_with_logits": (losses.nllm_with_logits(at, 2), found["softmax"]),
    }
    for name, (loss, formula) in library.items():
        yield Comparison(f"nn.losses.{name}", formula, slopes(loss, at))


def _hinge(guesses: Nested, actual: Array) -> Number:
    return sum([relu(1.0 - guess * y) for guess, y in zip(guesses, actual.tolist(), strict=True)])


# ---------------------------------------------------------------- two classes


@item(
    "mit.loss.01",
    kind="claim",
    where="§6.1",
    statement="The 0-1 loss is the natural one for classification, and of no use to gradient descent.",
    notes="as corrected: the loss jumps at 0, and its derivative is 0 everywhere else",
    errata=("E-MIT-12",),
)
def _zero_one() -> Iterator[Evidence]:
    at = np.array([-2.0, -0.3, 0.6, 1.7])
    guesses = values(at)
    engine = [step(-guess) for guess in guesses]
    yield Comparison("0-1 loss of four guesses, label 1", zero_one(at, np.ones(4)), data(engine))
    yield three_ways("its derivative", lambda zs: sum([step(-z) for z in zs]), at, np.zeros(4))
    beside = hinge_slope(np.array([0.999, 1.001]), np.ones(2))
    yield Finding(
        "the derivative of the hinge, the cure, on either side of margin 1",
        f"{beside[0]:g} and {beside[1]:g}: a jump in the derivative does no harm",
        beside.tolist() == [-1.0, 0.0],
    )


@erratum(
    "E-MIT-12",
    kind="m",
    lecture="mit6036",
    printed="The 0-1 loss is inconvenient because its derivative is discontinuous.",
    right="The 0-1 loss itself is discontinuous; its derivative is 0 wherever there is one.",
    lesson="A kink in the loss does no harm: the hinge, which is the cure, has one. What stops gradient descent is a slope "
    "that is 0 almost everywhere.",
)
def _zero_one_missed() -> Iterator[Miss]:
    either_side = np.array([-1e-3, 1e-3])
    jump = step(1e-9) - step(-1e-9)
    truth = np.array([jump, *[float(central(lambda z: step(-z), z)) for z in either_side]])
    kinked = np.array([0.0, *hinge_slope(1.0 + either_side, np.ones(2))])
    right = np.array([*-np.diff(zero_one(either_side, np.ones(2))), 0.0, 0.0])
    yield Miss("(jump, slope to the left, slope to the right), printed as for a loss with a kink", kinked, right, truth)


@item(
    "mit.loss.nll",
    kind="formula",
    where="§6.1; the formula is in chapter 5",
    statement="The negative log-likelihood of a binary label.",
    latex=r"L_{nll}(g, a) = -\left(a \log g + (1 - a) \log(1 - g)\right)",
    notes="label in {0, 1}",
)
def _nll() -> Iterator[Evidence]:
    guess, actual = np.array([0.3, 0.3, 0.8, 0.55]), np.array([1.0, 0.0, 0.25, 1.0])
    for g, a in zip(guess, actual, strict=True):
        formula = np.array(network.nll(np.array([g]), np.array([a])))
        yield Comparison(f"L_nll({g:g}, {a:g})", formula, data(losses.nll(Value(g), a)))
    yield Comparison(
        "four of them", np.array(network.nll(guess, actual)), data(nll_loss(values(guess), actual.tolist()))
    )
    z = np.array([0.4, -1.2, 0.9, 2.0])
    slope = network.output_slope(z, network.sigmoid(z), actual, "sigmoid")
    yield three_ways("by z, g = σ(z)", lambda z: nll_loss(activated("sigmoid", z), actual.tolist()), z, slope)


@item(
    "mit.loss.hinge",
    kind="formula",
    where="§6.1",
    statement="The hinge loss is 0 once the guess has the right sign and a size of 1 or more.",
    latex=r"L_h(guess, actual) = \max(1 - guess \cdot actual, 0)",
    notes="label in {+1, -1}; at a margin of exactly 1 the loss is 0, and the engine takes the slope 0",
)
def _hinge_loss() -> Iterator[Evidence]:
    guess, actual = PAIRS.T
    at = values(guess)
    engine = [losses.hinge(g, a) for g, a in zip(at, actual, strict=True)]
    yield Comparison("L_h of five pairs", hinge(guess, actual), data(engine))
    yield three_ways("its derivative by the guess", lambda gs: _hinge(gs, actual), guess, hinge_slope(guess, actual))
    on = Value(1.0)
    at_one = losses.hinge(on, 1.0)
    yield Finding(
        "a margin of exactly 1",
        f"loss {at_one.data:g}, slope {abs(float(slopes(at_one, [on])[0])):g}",
        at_one.data == 0.0 and not np.any(slopes(at_one, [on])),
    )


@item(
    "mit.loss.hinge.svm",
    kind="claim",
    where="§6.1",
    statement="The hinge loss with a squared-norm regulariser finds the separator of the widest margin: a support vector machine.",
    latex=r"\lambda \lVert w \rVert^2 + \frac1n \sum_i L_h(w^T x^{(i)} + w_0, y^{(i)})",
)
def _support_vectors() -> Iterator[Evidence]:
    w, w0 = np.array([0.2, 0.3]), 0.1
    leaves = values([*w, w0], "w")
    optimiser = SGD(leaves, lr=0.2)
    for t in range(1, 5):
        optimiser.zero_grad()
        _svm_objective(leaves).backward()
        optimiser.step()
        w, w0 = svm_step(w, w0, SEPARABLE, SIDES, LAMBDA, 0.2)
        yield Comparison(f"(w, w0) after step {t}", np.array([*w, w0]), data(leaves))
    plain, plain0 = w, w0
    for t in range(1, 4001):
        w, w0 = svm_step(w, w0, SEPARABLE, SIDES, LAMBDA, 50.0 / (t + 250))
        plain, plain0 = svm_step(plain, plain0, SEPARABLE, SIDES, 0.0, 50.0 / (t + 250))
    margins = [float(np.min(SIDES * (SEPARABLE @ v + v0)) / np.linalg.norm(v)) for v, v0 in ((w, w0), (plain, plain0))]
    angles = [float(np.degrees(np.arctan2(v[1], v[0]))) for v in (w, plain)]
    yield Finding(
        "train with the regulariser, and without",
        f"w points {angles[0]:.1f}° and {angles[1]:.1f}° off the widest margin; the margins are {margins[0]:.3f} and "
        f"{margins[1]:.3f} of 1",
        abs(angles[0]) < 2.0 < abs(angles[1]) and margins[1] < margins[0] <= 1.0 and margins[0] > 0.97,
    )


def _svm_objective(leaves: list[Value]) -> Value:
    *w, w0 = leaves
    hinges = [losses.hinge(dot(w, x) + w0, y) for x, y in zip(SEPARABLE.tolist(), SIDES.tolist(), strict=True)]
    return mean(hinges) + LAMBDA * sum([square(v) for v in w])


# ---------------------------------------------------------------- several classes


@item(
    "mit.loss.nllm",
    kind="formula",
    where="§6.2",
    statement="The negative logarithm of the probability that a softmax gives to the right class.",
    latex=r"L_{nllm}(guess, actual) = -\sum_{k=1}^K actual_k \log(guess_k) = -\log \prod_{k=1}^K guess_k^{actual_k}",
    notes="actual is one-hot",
)
def _nllm() -> Iterator[Evidence]:
    guess = network.softmax(SCORES)
    for k in range(3):
        actual = np.eye(3)[k]
        formula = np.array(network.nllm(guess, actual))
        yield Comparison(f"L_nllm, class {k + 1}", formula, data(losses.nllm(values(guess), k)))
        yield Comparison("-log of the product", formula, np.array(-np.log(likelihood(guess, actual))))
    soft = np.array([0.2, 0.5, 0.3])
    by_guess = -soft / guess
    yield three_ways("by the guess", lambda g: nllm_loss(g, soft.tolist()), guess, by_guess)
    product: Any = 1.0
    for g, a in zip(values(guess), soft, strict=True):
        product = mul(product, g**a)
    yield Comparison("Π guess^actual", np.array(likelihood(guess, soft)), data(product))
    yield Comparison("-log of it in the graph", np.array(network.nllm(guess, soft)), data(-log(product)))


@item(
    "mit.loss.nllm.dZ",
    kind="gradient",
    where="implied by §5 and §6",
    statement="With softmax, the gradient of NLLM by the scores is output minus target.",
    latex=r"\frac{\partial L_{nllm}}{\partial Z} = A - Y",
)
def _nllm_by_scores() -> Iterator[Evidence]:
    for k in range(3):
        Y = np.eye(3)[k]
        formula = network.output_slope(SCORES, network.softmax(SCORES), Y, "softmax")
        yield three_ways(
            f"∂L_nllm/∂Z, class {k + 1}", lambda z, Y=Y: nllm_loss(softmax(z), Y.tolist()), SCORES, formula
        )
        at = values(SCORES)
        yield Comparison("through nn.losses", formula, slopes(losses.nllm_with_logits(at, k), at))


@item(
    "mit.loss.nllm_k2",
    kind="study",
    where="§6.2",
    statement="For two classes NLLM is NLL: the guesses are g and 1 - g, and the softmax of two scores is σ of their difference.",
    latex=r"L_{nllm}\left((g, 1-g), (a, 1-a)\right) = L_{nll}(g, a) \qquad \mathrm{softmax}(z)_1 = \sigma(z_1 - z_2)",
)
def _two_classes() -> Iterator[Evidence]:
    for g, a in ((0.3, 1.0), (0.3, 0.0), (0.8, 0.25)):
        many = network.nllm(np.array([g, 1.0 - g]), np.array([a, 1.0 - a]))
        yield Comparison(f"L_nllm for ({g:g}, {a:g})", np.array(many), data(losses.nll(Value(g), a)))
        yield Comparison("L_nll", np.array(network.nll(np.array([g]), np.array([a]))), np.array(many))
    z = np.array([0.7, -0.4])
    at = values(z)
    first = cast("Value", sigmoid(at[0] - at[1]))
    yield Comparison("softmax of two", network.softmax(z), np.array([first.data, 1.0 - first.data]))
    jacobian_row = np.array([1.0, -1.0]) * network.sigmoid_slope(z[0] - z[1])
    yield three_ways("its first entry, by z", lambda z: cast("Any", softmax(z)[0]), z, jacobian_row)
