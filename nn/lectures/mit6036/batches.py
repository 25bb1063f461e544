"""§7.1 of MIT 6.036, chapter 8: over how many points the gradient of one step is summed.

The network that learns here has one hidden layer of tanh and the identity on top; data are columns, W is m×n (inputs ×
outputs) and Z = WᵀA + W0; the loss is Σ(A - Y)² without ½, and summed over points. Its weights are the list W¹, W¹₀, W², W²₀.
"""

# Items are called through the registry, and W changes in its letter.
# pyright: reportUnusedFunction=false, reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from random import Random
from typing import TypeAlias, cast

import numpy as np

from autograd_core.backward import gradients
from autograd_core.ops import square, sum, tanh
from autograd_core.value import Number, Value
from nn.data import batches
from nn.lectures.graph import Nested, affine, data, slopes, three_ways, transposed, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item
from nn.lectures.mit6036.network import backward
from nn.optim import SGD

Weights: TypeAlias = list[Array]

NAMES = ("W¹", "W¹₀", "W²", "W²₀")
ETA = 0.02

_rng = np.random.default_rng(6)
X = np.round(_rng.normal(size=(2, 10)), 2)
Y = np.round(np.vstack([X[0] * X[1], X[0] - X[1]]) + 0.3 * _rng.normal(size=(2, 10)), 2)
START: Weights = [np.round(0.7 * _rng.normal(size=shape), 2) for shape in ((2, 3), (3, 1), (3, 2), (2, 1))]


# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def point_gradient(W: Weights, x: Array, y: Array) -> Weights:
    """Return the gradient of the loss at one point, by (8.1) and (8.3)."""
    slopes = backward(W[::2], W[1::2], x, y, ["tanh", "identity"])
    return [cast("Array", g) for layer in zip(slopes.weights, slopes.biases, strict=True) for g in layer]


@closed_form
def batch_gradient(W: Weights, X: Array, Y: Array) -> Weights:
    """Return ∇J, the gradient summed over all points."""
    total = [np.zeros_like(w) for w in W]
    for i in range(X.shape[1]):
        total = [g + g_i for g, g_i in zip(total, point_gradient(W, X[:, [i]], Y[:, [i]]), strict=True)]
    return total


@closed_form
def batch_step(W: Weights, X: Array, Y: Array, eta: float) -> Weights:
    """Return W - η∇J(W)."""
    return [w - eta * g for w, g in zip(W, batch_gradient(W, X, Y), strict=True)]


@closed_form
def sgd_step(W: Weights, X: Array, Y: Array, eta: float, i: int) -> Weights:
    """Return W - η∇L at point i alone."""
    return [w - eta * g for w, g in zip(W, point_gradient(W, X[:, [i]], Y[:, [i]]), strict=True)]


@closed_form
def minibatch_step(W: Weights, X: Array, Y: Array, eta: float, points: Sequence[int]) -> Weights:
    """Return W - ηΣ∇L over the points of a mini-batch."""
    return batch_step(W, X[:, list(points)], Y[:, list(points)], eta)


@closed_form
def slices(order: Sequence[int], k: int) -> list[list[int]]:
    """Return the mini-batches of one shuffled pass: data[(i-1)k : ik] for i = 1 … ⌈n/k⌉."""
    n = len(order)
    return [list(order[(i - 1) * k : i * k]) for i in range(1, -(-n // k) + 1)]


# ---------------------------------------------------------------- the graph's side


def loss(W: Nested, x: Sequence[float], y: Sequence[float]) -> Number:
    """Return the loss at one point, from ops alone."""
    W1, W1_0, W2, W2_0 = W
    A1 = [tanh(z) for z in affine(transposed(W1), x, transposed(W1_0)[0])]
    A2 = affine(transposed(W2), A1, transposed(W2_0)[0])
    return sum([square(a - t) for a, t in zip(A2, y, strict=True)])


def objective(W: Nested, points: Sequence[int] = tuple(range(10)), X: Array = X, Y: Array = Y) -> Number:
    """Return J, the loss summed over some of the points."""
    return sum([loss(W, X[:, i].tolist(), Y[:, i].tolist()) for i in points])


def descend(cost: Callable[[Nested], Number], W: Weights, eta: float) -> Weights:
    """Return the weights after one step of the engine's own SGD on a cost of them."""
    leaves = [values(w) for w in W]
    optimiser = SGD([v for leaf in leaves for row in leaf for v in row], lr=eta)
    cast("Value", cost(leaves)).backward()
    optimiser.step()
    return [data(leaf) for leaf in leaves]


def engine_gradient(cost: Callable[[Nested], Number], W: Weights) -> Weights:
    """Return the gradient of a cost of all weights, by the engine."""
    leaves = [values(w) for w in W]
    result = cast("Value", cost(leaves))
    return [slopes(result, leaf) for leaf in leaves]


def each(what: str, formula: Weights, engine: Weights) -> Iterator[Comparison]:
    """Compare the weights, or what belongs to each, one matrix at a time."""
    for name, ours, theirs in zip(NAMES, formula, engine, strict=True):
        yield Comparison(f"{name} {what}", ours, theirs)


def total_loss(W: Weights) -> float:
    """Return J over all points as a float."""
    return float(cast("float", objective([w.tolist() for w in W])))


# ---------------------------------------------------------------- items


@item(
    "mit.opt.batch",
    kind="algorithm",
    where="§7.1",
    latex=r"W := W - \eta \sum_{i=1}^{n} \nabla_W \mathcal{L}(h(x^{(i)}; W), y^{(i)})",
    statement="Batch gradient descent steps against the gradient summed over all points.",
    shapes="W¹: (2, 3), W¹₀: (3, 1), W²: (3, 2), W²₀: (2, 1); X: (2, 10), Y: (2, 10)",
    notes="a sum and no mean: the step grows with the number of points",
)
def _batch() -> Iterator[Evidence]:
    for k, name in enumerate(NAMES):
        others = [w.tolist() for w in START]

        def cost(w: Nested, k: int = k, others: list[Nested] = others) -> Number:
            return objective([*others[:k], w, *others[k + 1 :]])

        yield three_ways(f"∂J/∂{name}", cost, START[k], batch_gradient(START, X, Y)[k])
    ours, theirs = START, START
    for _ in range(5):
        ours, theirs = batch_step(ours, X, Y, ETA), descend(objective, theirs, ETA)
    yield from each("after 5 steps", ours, theirs)
    once = batch_step(START, X, Y, ETA)[0] - START[0]
    twice = batch_step(START, np.hstack([X, X]), np.hstack([Y, Y]), ETA)[0] - START[0]
    ratio = float(twice[0, 0] / once[0, 0])
    yield Finding("every point given twice", f"the step is {ratio:.12g} times as long: a sum", abs(ratio - 2.0) < 1e-12)


@item(
    "mit.opt.sgd",
    kind="algorithm",
    where="§7.1",
    latex=r"W := W - \eta \nabla_W \mathcal{L}(h(x^{(i)}; W), y^{(i)})",
    statement="Stochastic gradient descent steps against the gradient at one point, picked uniformly at random.",
)
def _sgd() -> Iterator[Evidence]:
    picks = [int(i) for i in np.random.default_rng(1).integers(10, size=30)]
    ours, theirs = START, START
    for i in picks:
        ours, theirs = sgd_step(ours, X, Y, ETA, i), descend(lambda W, i=i: objective(W, [i]), theirs, ETA)
    yield from each("after 30 random points", ours, theirs)
    directions = [[w - v for w, v in zip(START, sgd_step(START, X, Y, 1.0, i), strict=True)] for i in range(10)]
    expected = [10.0 * np.mean(parts, axis=0) for parts in zip(*directions, strict=True)]
    yield from each(": n times the mean direction is ∇J", expected, engine_gradient(objective, START))


XOR_X = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]])
XOR_Y = np.array([[-1.0, 1.0, 1.0, -1.0]])
XOR_ZERO: Weights = [np.zeros((2, 2)), np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((1, 1))]
XOR_SOLVED: Weights = [np.full((2, 2), 2.0), np.array([[-1.0], [-3.0]]), np.array([[1.0], [-1.0]]), np.array([[-1.0]])]
XOR_RAY: Weights = [
    np.array([[1.0, 1.2], [1.1, 0.9]]),
    np.array([[-0.3], [-1.6]]),
    np.array([[0.5], [-0.6]]),
    np.zeros((1, 1)),
]


def _xor(W: Nested) -> Number:
    return objective(W, range(4), XOR_X, XOR_Y)


@closed_form
def xor_ray(W: Weights) -> float:
    """Return the coefficient of c⁴ in J(cW) for XOR, where all lower ones but J(0) vanish (W²₀ = 0)."""
    Z1 = W[0].T @ XOR_X + W[1]
    first, third = W[2].T @ Z1, W[2].T @ Z1**3
    return float(np.sum(first**2 + 2.0 * XOR_Y * third / 3.0))


def _derivatives_along(W: Weights, order: int) -> list[float]:
    """Return J(cW) and its derivatives with respect to c at c = 0, by differentiating the graph again and again."""
    c = Value(0.0, "c")
    ys = [cast("Value", _xor([[[c * float(w) for w in row] for row in matrix] for matrix in W]))]
    for _ in range(order):
        ys.append(gradients(ys[-1], [c])[0])
    return [y.data for y in ys]


@item(
    "mit.opt.sgd.convergence",
    kind="claim",
    where="§7.1",
    statement="With uniform picks and a suitably decreasing step size, SGD converges with high probability, to a stationary point.",
    notes="suitable: Σ η diverges and Σ η² does not, such as η ∝ 1/t",
    errata=("E-MIT-13",),
)
def _sgd_convergence() -> Iterator[Evidence]:
    best = float(np.sum(Y[0])) / 10.0
    falling, fixed = 0.0, 0.0
    for t, i in enumerate(np.random.default_rng(2).integers(10, size=20_000), start=1):
        falling -= (0.5 / t) * 2.0 * (falling - float(Y[0, i]))
        fixed -= 0.1 * 2.0 * (fixed - float(Y[0, i]))
    yield Finding(
        "fitting one number to ten with 20 000 picks, where the minimum is their mean",
        f"off by {abs(falling - best):.1e} with η = 1/(2t), by {abs(fixed - best):.1e} with η fixed at 0.1",
        abs(falling - best) < 0.02 < abs(fixed - best),
    )
    W = XOR_ZERO
    for i in np.random.default_rng(3).integers(4, size=100):
        W = descend(lambda nested, i=int(i): objective(nested, [i], XOR_X, XOR_Y), W, 0.1)
    still = float(max(np.max(np.abs(w)) for w in W[:3]))
    yield Finding(
        "SGD on XOR (2-2-1, tanh) from weights of 0",
        f"after 100 steps the largest weight but W²₀ is {still:g}, and W²₀ = {W[3].item():.3f}",
        still == 0.0 and W[3].item() != 0.0,
    )
    slope = max(float(np.max(np.abs(g))) for g in engine_gradient(_xor, XOR_ZERO))
    here, near, solved = [
        float(cast("float", _xor([(c * w).tolist() for w in W])))
        for c, W in ((0.0, XOR_RAY), (0.1, XOR_RAY), (1.0, XOR_SOLVED))
    ]
    yield Finding(
        "whether weights of 0 are a minimum for XOR",
        f"∇J = {slope:g} there and J = {here:g}, but J = {near:.6f} a tenth along a ray and {solved:.3f} far away: a saddle",
        slope == 0.0 and here == 4.0 and solved < near < here,
    )
    yield Comparison(
        "J(cW) at order c⁴", np.array(xor_ray(XOR_RAY)), np.array(_derivatives_along(XOR_RAY, 4)[4] / 24.0)
    )


@erratum(
    "E-MIT-13",
    kind="m",
    lecture="mit6036",
    printed="SGD with a suitable step size converges to at least a local optimum",
    right="to a stationary point, where the gradient vanishes: a saddle is one too",
    lesson="A vanishing gradient says that nothing changes to first order, and no more. XOR from weights of 0 stays on a "
    "saddle whose first fall is of fourth order; random initial weights keep one from starting there.",
)
def _stationary() -> Iterator[Miss]:
    truth = np.array(_derivatives_along(XOR_RAY, 4)[4] / 24.0)
    yield Miss("how J falls from W = 0 along a ray, in units of c⁴", np.array(0.0), np.array(xor_ray(XOR_RAY)), truth)


@item(
    "mit.opt.sgd.tradeoff",
    kind="claim",
    where="§7.1",
    statement="A batch step is exact and dear; a stochastic step is cheap and noisy, so SGD starts sooner and settles worse.",
)
def _tradeoff() -> Iterator[Evidence]:
    rng, W, early = np.random.default_rng(4), START, START
    for epoch in range(300):
        for i in rng.permutation(10):
            W = sgd_step(W, X, Y, ETA, int(i))
        early = W if epoch == 9 else early
    # Ten copies of the points: a batch step that is no longer than before takes a tenth of η, and costs a hundred gradients.
    full = batch_step(START, np.tile(X, 10), np.tile(Y, 10), ETA / 10.0)
    yield Finding(
        "J over ten points after 100 gradients, where the data hold each point ten times",
        f"from {total_loss(START):.3f} to {total_loss(full):.3f} by one batch step, {total_loss(early):.3f} by SGD",
        total_loss(early) < 0.9 * total_loss(full),
    )
    exact = START
    for _ in range(300):
        exact = batch_step(exact, X, Y, ETA)
    rest = [
        float(np.sqrt(np.sum([np.sum(g * g) for g in batch_gradient(w, X, Y)])))  # ‖∇J‖
        for w in (exact, W)
    ]
    yield Finding(
        "‖∇J‖ after 300 passes with the same η",
        f"{rest[0]:.1f} for batches, {rest[1]:.1f} for SGD, which the points keep pulling about",
        rest[0] < 0.5 * rest[1],
    )


@item(
    "mit.opt.minibatch",
    kind="algorithm",
    where="§7.1",
    latex=r"W := W - \eta \sum_{i=1}^{k} \nabla_W \mathcal{L}(h(x^{(i)}; W), y^{(i)})",
    statement="A mini-batch step sums the gradients of k distinct points, picked uniformly at random.",
    notes="a sum: with η fixed, the step grows with k",
)
def _minibatch() -> Iterator[Evidence]:
    ours, theirs, rng = START, START, np.random.default_rng(5)
    for _ in range(8):
        points = [int(i) for i in rng.choice(10, size=4, replace=False)]
        ours = minibatch_step(ours, X, Y, ETA, points)
        theirs = descend(lambda W, points=points: objective(W, points), theirs, ETA)
    yield from each("after 8 mini-batches of 4", ours, theirs)
    steps = [START[0] - minibatch_step(START, X, Y, 1.0, points)[0] for points in combinations(range(10), 4)]
    yield Comparison(
        "∂J/∂W¹ as n/k times the mean over all 210 mini-batches",
        10.0 / 4.0 * np.mean(steps, axis=0),
        engine_gradient(objective, START)[0],
    )


@item(
    "mit.opt.minibatch.k",
    kind="study",
    where="§7.1. **Answer** k=1: SGD; k=n: batch",
    statement="Mini-batches of k = 1 are stochastic gradient descent, of k = n batch gradient descent.",
)
def _minibatch_sizes() -> Iterator[Evidence]:
    alone = descend(lambda W: objective(W, [3]), START, ETA)
    yield from each("after a mini-batch of point 3 alone, as by SGD", minibatch_step(START, X, Y, ETA, [3]), alone)
    yield from each(
        "after a mini-batch of all points in some order, as by batch descent",
        minibatch_step(START, X, Y, ETA, [7, 2, 9, 0, 4, 1, 8, 3, 6, 5]),
        descend(objective, START, ETA),
    )
    same = all(
        np.array_equal(a, b)
        for a, b in zip(minibatch_step(START, X, Y, ETA, [3]), sgd_step(START, X, Y, ETA, 3), strict=True)
    )
    yield Finding("k = 1 against the rule of SGD", f"the same weights to the last bit: {same}", same)


@item(
    "mit.opt.minibatch.algo",
    kind="algorithm",
    where="§7.1 MINI-BATCH-SGD(NN,data,k)",
    latex=r"\text{data}[(i-1)k : ik], \quad i = 1, \dots, \lceil n/k \rceil",
    statement="Shuffle, then go through the data in slices of k; the last may be shorter.",
    notes="slices count from 0 and exclude their end; with sums, a short last slice makes a shorter step",
)
def _minibatch_algorithm() -> Iterator[Evidence]:
    cut = slices(range(10), 4)
    yield Finding(
        "ten points in slices of four",
        f"{cut}",
        cut == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] and len(slices(range(8), 4)) == 2,
    )
    order, ours, theirs = list(range(10)), START, START
    shuffler, theirs_shuffler = Random(0), Random(0)
    for _ in range(3):
        order.sort()  # nn shuffles the same list anew in each epoch, the lecture the shuffled one again
        shuffler.shuffle(order)
        for points in slices(order, 4):
            ours = minibatch_step(ours, X, Y, ETA, points)
        for points in batches(10, 4, theirs_shuffler):
            theirs = descend(lambda W, points=points: objective(W, points), theirs, ETA)
    yield from each("after 3 epochs in slices of 4, beside nn.data.batches", ours, theirs)
