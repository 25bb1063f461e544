"""§8.1 of MIT 6.036, chapter 8: early stopping, weight decay and noise on the inputs."""

# Items are called through the registry, and W changes in its letter.
# pyright: reportUnusedFunction=false, reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import cast

import numpy as np

from autograd_core.ops import dot, mean, square, sum
from autograd_core.value import Number, Value
from nn.lectures.graph import Nested, data, slopes, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item
from nn.lectures.mit6036.batches import descend, engine_gradient

X = np.array([[0.5, 1.5, -0.7], [-1.0, 0.3, 0.8]])
Y = np.array([1.0, -0.5, 0.3])
W = np.array([[0.4], [-0.2]])
"""A linear model: three points as columns, one output."""

LAMBDA, ETA = 0.1, 0.05


# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def linear_gradient(w: Array, x: Array, y: Array) -> Array:
    """Return the gradient of Σ(wᵀx - y)² over columns x."""
    return 2.0 * x @ (w.T @ x - y).T


@closed_form
def early_stopping(losses: Sequence[float], patience: int) -> tuple[int, int]:
    """Return the epoch, from 1, with the lowest validation loss, and that at which one stops: patience epochs without a lower one."""
    best = 1
    for epoch, loss in enumerate(losses, start=1):
        if loss < losses[best - 1]:
            best = epoch
        if epoch - best == patience:
            return best, epoch
    return best, len(losses)


@closed_form
def stopped_share(eta: float, h: float, t: int) -> float:
    """Return which part of the minimiser t steps on h(w - w*)² reach from 0: 1 - (1 - 2ηh)^t."""
    return 1.0 - (1.0 - 2.0 * eta * h) ** t


@closed_form
def ridge_share(h: float, lambda_: float) -> float:
    """Return which part of w* minimises h(w - w*)² + λw²: h/(h + λ)."""
    return h / (h + lambda_)


@closed_form
def decay_step(w: Array, x: Array, y: Array, lambda_: float, eta: float) -> Array:
    """Return w(1 - 2λη) - η∇ΣLoss."""
    return w * (1.0 - 2.0 * lambda_ * eta) - eta * linear_gradient(w, x, y)


@closed_form
def one_point_directions(w: Array, x: Array, y: Array, lambda_: float) -> Array:
    """Return ∇Loss_i + 2λw of each point i, which is what decays in the update of a point alone."""
    return np.array([linear_gradient(w, x[:, [i]], y[[i]]) + 2.0 * lambda_ * w for i in range(x.shape[1])])


@closed_form
def noisy_objective(w: Array, x: Array, y: Array, s: float) -> float:
    """Return what Σ((x + noise)ᵀw - y)² is on average over N(0, s²): Σ(xᵀw - y)² + ns²‖w‖²."""
    return float(np.sum((w.T @ x - y) ** 2) + x.shape[1] * s**2 * np.sum(w**2))


@closed_form
def noisy_gradient(w: Array, x: Array, y: Array, s: float) -> Array:
    """Return its gradient, that of weight decay with λ = ns²."""
    return linear_gradient(w, x, y) + 2.0 * x.shape[1] * s**2 * w


# ---------------------------------------------------------------- §8.1


def _loss(w: Nested, x: Array = X, y: Array = Y) -> Number:
    return sum(
        [square(dot([row[0] for row in w], point) - t) for point, t in zip(x.T.tolist(), y.tolist(), strict=True)]
    )


def _penalty(w: Nested, lambda_: float) -> Number:
    return lambda_ * sum([square(row[0]) for row in w])


@item(
    "mit.reg.early_stopping",
    kind="algorithm",
    where="§8.1",
    statement="Watch the loss on held-out data, stop when it keeps rising, and return the weights where it was lowest.",
    notes="how long it must have risen is called patience; the lecture leaves it open",
)
def _early_stopping() -> Iterator[Evidence]:
    script = [1.0, 0.8, 0.7, 0.75, 0.9, 0.95, 0.6]
    stops = [early_stopping(script, patience) for patience in (1, 2, 3, 4)]
    yield Finding(
        "validation losses 1, 0.8, 0.7, 0.75, 0.9, 0.95, 0.6, with patience 1 to 4",
        f"(returned, stopped at) = {stops}",
        stops == [(3, 4), (3, 5), (3, 6), (7, 7)],
    )
    rng = np.random.default_rng(21)
    x, true = rng.normal(size=(6, 8)), np.array([[1.0], [-0.5], [0.0], [0.0], [0.0], [0.0]])
    y, x_held = (true.T @ x)[0] + 0.8 * rng.normal(size=8), rng.normal(size=(6, 40))
    y_held = (true.T @ x_held)[0] + 0.8 * rng.normal(size=40)
    ours, theirs, held, trained = np.zeros((6, 1)), [np.zeros((6, 1))], list[float](), list[float]()
    for _ in range(60):
        ours = ours - 0.01 * linear_gradient(ours, x, y)
        theirs = descend(lambda nested: _loss(nested[0], x, y), theirs, 0.01)
        held.append(float(np.sum((ours.T @ x_held - y_held) ** 2)) / 40.0)
        trained.append(float(np.sum((ours.T @ x - y) ** 2)) / 8.0)
    yield Comparison("W after 60 epochs with six weights and eight points", ours, theirs[0])
    best, stopped = early_stopping(held, 5)
    yield Finding(
        "stopping the same run by 40 held-out points",
        f"lowest at epoch {best} with {held[best - 1]:.3f}, stopped at {stopped}; by epoch 60 it is {held[-1]:.3f}, "
        f"while on the training points the loss fell from {trained[best - 1]:.3f} to {trained[-1]:.3f}",
        1 < best < stopped < 60 and held[best - 1] == min(held) < held[-1] and trained[-1] < trained[best - 1],
    )


@item(
    "mit.reg.similar",
    kind="claim",
    where="§8.1",
    latex=r"1 - (1 - 2\eta h)^t \approx \frac{h}{h + \lambda}, \quad \lambda = \frac{1}{2\eta t}",
    statement="Early stopping and weight decay both hold weights back where the loss is flat, and by about the same part.",
    notes="h: half the curvature; the two parts agree to first order where ηht is small, and tend to 1 where it is large",
)
def _similar() -> Iterator[Evidence]:
    eta, t, w_star = 0.05, 100, 1.7
    lambda_ = 1.0 / (2.0 * eta * t)
    for h in (0.01, 0.3):
        w = [np.zeros((1, 1))]
        for _ in range(t):
            w = descend(lambda nested, h=h: h * square(nested[0][0][0] - w_star), w, eta)
        yield Comparison(f"w after 100 steps, h = {h}", np.array(w_star * stopped_share(eta, h, t)), w[0][0, 0])
        at = Value(ridge_share(h, lambda_) * w_star)
        slope = slopes(h * square(at - w_star) + lambda_ * square(at), [at])
        yield Comparison(f"the slope of the penalised loss at the ridge solution, h = {h}", np.zeros(1), slope)
    stopped, ridge = stopped_share(eta, 0.01, t), ridge_share(0.01, lambda_)
    yield Finding(
        "the part of w* that is reached for h = 0.01, η = 0.05, t = 100",
        f"{stopped:.4f} by stopping, {ridge:.4f} by decay",
        abs(stopped - ridge) < 0.05 * ridge and max(stopped, ridge) < 0.1,
    )


@item(
    "mit.reg.decay",
    kind="formula",
    where="§8.1",
    latex=r"W_t = W_{t-1}(1 - 2\lambda\eta) - \eta \nabla_W \textstyle\sum_i \text{Loss}_i",
    statement="The gradient of λ‖W‖² makes each weight decay by a fixed part before the step.",
    shapes="W: (2, 1), X: (2, 3)",
    notes="λ‖W‖² without ½, hence the 2; whether W₀ is among the weights is left open",
    errata=("E-MIT-19",),
)
def _decay() -> Iterator[Evidence]:
    formula = linear_gradient(W, X, Y) + 2.0 * LAMBDA * W
    yield three_ways("∂J/∂W", lambda w: _loss(w) + _penalty(w, LAMBDA), W, formula)
    ours, theirs = W, [W]
    for step in range(1, 11):
        ours = decay_step(ours, X, Y, LAMBDA, ETA)
        theirs = descend(lambda nested: _loss(nested[0]) + _penalty(nested[0], LAMBDA), theirs, ETA)
        yield Comparison(f"W after {step} batch steps", ours, theirs[0])
    each = one_point_directions(W, X, Y, LAMBDA / 3.0)
    whole = engine_gradient(lambda nested: _penalised(nested[0]), [W])[0]
    yield Comparison("n times the mean direction of a point, with λ/n in each", np.sum(each, axis=0), whole)


def _penalised(w: Nested) -> Number:
    return _loss(w) + _penalty(w, LAMBDA)


@erratum(
    "E-MIT-19",
    kind="m",
    lecture="mit6036",
    printed="J has λ‖W‖² once for all n points, and the update at one point has the whole 2λW",
    right="the update at one point has 2(λ/n)W, or the gradient is that of the whole batch",
    lesson="A term that belongs to the whole sum has to be shared out when the sum is taken apart. Otherwise one pass decays "
    "the weights n times, and the λ that suits one batch size does not suit another.",
)
def _whole_penalty() -> Iterator[Miss]:
    leaves = values(W)
    truth = slopes(cast("Value", _penalised(leaves)), leaves)
    printed, right = [np.sum(one_point_directions(W, X, Y, lambda_), axis=0) for lambda_ in (LAMBDA, LAMBDA / 3.0)]
    yield Miss("∂J/∂W as n times the mean direction at one point", printed, right, truth)


@item(
    "mit.reg.noise",
    kind="claim",
    where="§8.1",
    latex=r"E \sum_i \left((x^{(i)} + \nu)^T w - y^{(i)}\right)^2 = \sum_i (x^{(i)T} w - y^{(i)})^2 + n s^2 \|w\|^2",
    statement="Zero-mean noise on the inputs has the effect of weight decay, exactly so for a linear model: λ = ns².",
    notes="for a network only to second order in the noise",
)
def _noise() -> Iterator[Evidence]:
    s = 0.1

    def average(w: Nested) -> Number:
        # The mean of a square needs no more of the noise than its mean and variance, which ±s has too.
        return mean([_loss(w, X + s * np.array([signs]).T) for signs in product((-1.0, 1.0), repeat=2)])

    yield Comparison("the mean loss", np.array(noisy_objective(W, X, Y, s)), data(average(values(W))))
    yield three_ways("its gradient", average, W, noisy_gradient(W, X, Y, s))
    noise = s * np.random.default_rng(12).normal(size=(40_000, 2, 3))
    drawn = float(np.sum((np.sum(W * (X + noise), axis=1) - Y) ** 2)) / len(noise)
    yield Finding(
        "40 000 draws of Gaussian noise, s = 0.1",
        f"mean loss {drawn:.4f}, {noisy_objective(W, X, Y, s):.4f} by the formula, {noisy_objective(W, X, Y, 0.0):.4f} without noise",
        abs(drawn - noisy_objective(W, X, Y, s)) < 4e-3,
    )
