"""Layers on a batch: what is summed over samples, and what is not."""
# pyright: reportUnusedFunction=false
# The decorators register what is declared here.

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import numpy as np

from autograd_core.ops import mul, sigmoid, square, sum
from autograd_core.value import Number, Value
from nn.lectures.ai50021.fixtures import BATCH
from nn.lectures.ai50021.lifted import activations_lifted, inputs_lifted, parameters_lifted
from nn.lectures.graph import Nested, affine, central, data, jacobian, slopes, three_ways, transposed, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item

__all__ = [
    "activation_dX",
    "activation_layer",
    "fully_connected",
    "fully_connected_dW",
    "fully_connected_dX",
    "fully_connected_db",
    "full_jacobian",
    "from_reduced",
    "loss_dY",
    "reduced_jacobian",
]

X, W, B, R = BATCH.X, BATCH.W, BATCH.b, BATCH.R
PLACES = np.array([[0.4, -1.1, 0.7], [1.3, 0.2, -0.5], [-0.9, 2.0, 0.1], [0.6, -0.3, 1.7], [-1.6, 0.8, 0.25]])
"""Five samples of three inputs to an activation layer."""


# ---------------------------------------------------------------- closed forms: samples in rows


@closed_form
def activation_layer(X: Array) -> Array:
    """Return Y = 1 / (1 + exp(-X)), element by element."""
    return 1.0 / (1.0 + np.exp(-X))


@closed_form
def activation_dX(dE_dY: Array, Y: Array) -> Array:
    """Return dE/dX = dE/dY * dY/dX, where dY/dX = Y * (1 - Y): products element by element."""
    return dE_dY * Y * (1.0 - Y)


@closed_form
def fully_connected(X: Array, W: Array, b: Array) -> Array:
    """Return Y = XW + b, one row for each sample."""
    return X @ W + b


@closed_form
def fully_connected_dX(dE_dY: Array, W: Array) -> Array:
    """Return dE/dX = dE/dY Wᵀ: a row for each sample, and no sum over them."""
    return dE_dY @ W.T


@closed_form
def fully_connected_dW(dE_dY: Array, X: Array) -> Array:
    """Return dE/dW = Xᵀ dE/dY, which sums over samples."""
    return X.T @ dE_dY


@closed_form
def fully_connected_db(dE_dY: Array) -> Array:
    """Return dE/db, the sum of dE/dY over samples."""
    return dE_dY.sum(axis=0)


@closed_form
def full_jacobian(X: Array, M: int) -> Array:
    """Return dY/dW of shape (N, M, K, M): ∂Y_nm/∂W_km' = X_nk where m = m', and 0 elsewhere."""
    return X[:, None, :, None] * np.eye(M)[None, :, None, :]


@closed_form
def reduced_jacobian(X: Array, M: int) -> Array:
    """Return D of shape (N, K, M) with D_nkm = X_nk: the same for every m."""
    return np.repeat(X[:, :, None], M, axis=-1)


@closed_form
def from_reduced(dE_dY: Array, D: Array) -> Array:
    """Return dE/dW_km = Σ_n dE/dY_nm D_nkm."""
    return np.sum(dE_dY[:, None, :] * D, axis=0)


@closed_form
def loss_dY(Y: Array) -> Array:
    """Return dE/dY = R + Y for the loss E = Σ R∘Y + ½ Σ Y² that the layer is tried under."""
    return R + Y


# ---------------------------------------------------------------- the graph's side


def _layer(X: Nested, W: Nested, b: Nested) -> list[list[Number]]:
    return [affine(transposed(W), row, b) for row in X]


def _loss(Y: Nested, R: Array = R) -> Number:
    pairs = [(y, r) for row, weights in zip(Y, R.tolist(), strict=True) for y, r in zip(row, weights, strict=True)]
    return cast("Number", sum([mul(r, y) + mul(0.5, square(y)) for y, r in pairs]))


def _dY() -> Array:
    return loss_dY(fully_connected(X, W, B))


# ---------------------------------------------------------------- items


@item(
    "ai50021.batch.activation",
    kind="gradient",
    where='"batch sizes"',
    statement="An activation layer works on each element by itself, and so does its gradient: a batch changes nothing.",
    latex=r"Y = \frac{1}{1 + e^{-X}}, \qquad \frac{dE}{dX} = \frac{dE}{dY} * \frac{dY}{dX}, \quad \frac{dY}{dX} = Y * (1 - Y)",
    shapes="X, Y: (5, K)",
    notes="* is the product element by element; the printed exponent has a lower-case x",
)
def _activation() -> Iterator[Evidence]:
    upstream = np.array([[0.3, -0.7, 1.1], [0.9, 0.4, -0.2], [-1.3, 0.6, 0.5], [0.8, -0.4, 0.15], [-0.6, 1.2, 0.35]])

    def above(X: Nested) -> Number:
        rows = zip(X, upstream.tolist(), strict=True)
        return cast("Number", sum([mul(u, sigmoid(x)) for row, us in rows for x, u in zip(row, us, strict=True)]))

    Y = activation_layer(PLACES)
    yield Comparison("Y", Y, data([[sigmoid(x) for x in row] for row in values(PLACES)]))
    yield three_ways("dE/dX", above, PLACES, activation_dX(upstream, Y))
    yield from activations_lifted()


@item(
    "ai50021.batch.copies",
    kind="architecture",
    where='"batch sizes"',
    statement="A toolbox makes a copy of each neuron for every sample of a batch, and all copies share their weights.",
    shapes="X: (5, K), Y: (5, M)",
)
def _copies() -> Iterator[Evidence]:
    weights, bias = values(W, "W"), values(B, "b")
    shares: list[Array] = []
    for row, r in zip(X.tolist(), R, strict=True):  # one graph for each sample, on the same leaves
        before = np.array([[w.grad for w in line] for line in weights])
        cast("Value", _loss(_layer([row], weights, bias), r[None])).backward()
        shares.append(np.array([[w.grad for w in line] for line in weights]) - before)
    total = np.array([[w.grad for w in line] for line in weights])
    yield Comparison("dE/dW, added up by five copies on the same leaves", fully_connected_dW(_dY(), X), total)
    yield Comparison("dE/db likewise", fully_connected_db(_dY()), np.array([v.grad for v in bias]))
    least = min(float(np.abs(share).max()) for share in shares)
    yield Finding("what each of the five samples adds to dE/dW", f"at least {least:.3f} somewhere", least > 1e-3)


@item(
    "ai50021.batch.fc",
    kind="formula",
    where='"batch sizes"',
    statement="A fully connected layer multiplies every row of a batch by the same W and adds the same b.",
    latex=r"Y = X W + b",
    shapes="X: (5, K), W: (K, M), b: (M,), Y: (5, M)",
    errata=("E-AI-18", "E-AI-19"),
)
def _fully_connected() -> Iterator[Evidence]:
    yield Comparison("Y", fully_connected(X, W, B), data(_layer(X.tolist(), values(W), values(B))))


@item(
    "ai50021.batch.dX",
    kind="gradient",
    where='"batch sizes"',
    statement="The gradient by the inputs keeps one row for each sample: nothing is summed over the batch.",
    latex=r"\frac{dE}{dX} = \frac{dE}{dY} W^\top",
    shapes="dE/dX: (5, K)",
    errata=("E-AI-20",),
)
def _inputs() -> Iterator[Evidence]:
    yield three_ways("dE/dX", lambda X: _loss(_layer(X, W.tolist(), B.tolist())), X, fully_connected_dX(_dY(), W))
    yield three_ways("dE/dY", _loss, fully_connected(X, W, B), _dY())
    yield from inputs_lifted()


@item(
    "ai50021.batch.dW",
    kind="gradient",
    where='"batch sizes"',
    statement="The gradient by the weights is summed over the batch, since every sample uses them.",
    latex=r"\frac{dE}{dW} = X^\top \frac{dE}{dY}, \qquad \frac{dE}{db} = \sum_n \frac{dE}{dY_n}",
    shapes="dE/dW: (K, M), dE/db: (M,)",
    notes="a sum, not a mean",
)
def _parameters() -> Iterator[Evidence]:
    by_hand = fully_connected_dW(_dY(), X)
    yield three_ways("dE/dW", lambda W: _loss(_layer(X.tolist(), W, B.tolist())), W, by_hand)
    yield three_ways("dE/db", lambda b: _loss(_layer(X.tolist(), W.tolist(), b)), B, fully_connected_db(_dY()))
    gap = float(np.abs(by_hand / len(X) - by_hand).max())
    yield Finding("the mean over the five samples in its place", f"is a fifth of it: off by {gap:.3f}", gap > 1e-3)
    yield from parameters_lifted()


def _graph_jacobian() -> Array:
    weights = values(W)
    Y = cast("list[list[Value]]", _layer(X.tolist(), weights, B.tolist()))
    return np.array([jacobian(row, weights) for row in Y])


@item(
    "ai50021.batch.shapes",
    kind="table",
    where='"batch sizes", at the end',
    statement="Shapes for a batch of 5; dY/dW in full has four axes, and what is used of it are the numbers of X.",
    latex=r"\frac{\partial Y_{nm}}{\partial W_{km'}} = X_{nk} [m = m'], \qquad \frac{dE}{dW_{km}} = \sum_n \frac{dE}{dY_{nm}} X_{nk}",
    shapes="X: (5, K), W: (K, M), Y and dE/dY: (5, M), dY/dW: (5, M, K, M), reduced (5, K)",
    errata=("E-AI-21",),
)
def _shapes() -> Iterator[Evidence]:
    N, M = R.shape

    def component(n: int, m: int) -> Callable[[Nested], Number]:
        return lambda weights: _layer(X.tolist(), weights, B.tolist())[n][m]

    by_difference = np.array([[central(component(n, m), W) for m in range(M)] for n in range(N)])
    yield Comparison("dY/dW", full_jacobian(X, M), _graph_jacobian(), by_difference)
    weights = values(W)
    truth = slopes(cast("Value", _loss(_layer(X.tolist(), weights, B.tolist()))), weights)
    yield Comparison("dE/dW from D of shape (5, K, M)", from_reduced(_dY(), reduced_jacobian(X, M)), truth)
    yield Comparison("dE/dW from the (5, K) of X alone", fully_connected_dW(_dY(), X), truth)
    whole = np.tensordot(_dY(), full_jacobian(X, M), axes=([0, 1], [0, 1]))
    yield Comparison("dE/dW from dY/dW in full", whole, truth)


# ---------------------------------------------------------------- errata


def _tried(form: Callable[[], Array]) -> Array:
    """Return what a printed form gives; no numbers at all where its shapes do not fit."""
    try:
        return form()
    except ValueError:
        return np.empty(0)


@erratum(
    "E-AI-18",
    kind="m",
    lecture="ai50021",
    printed="Y = W·X + b, with W of shape (K, M) and X of shape (5, K)",
    right="Y = XW + b",
    lesson="Write the shapes under the letters: (5, K)(K, M) fits, (K, M)(5, K) does not. With samples in rows the weights stand on the right.",
)
def _product_order() -> Iterator[Miss]:
    truth = data(_layer(X.tolist(), W.tolist(), B.tolist()))
    yield Miss("Y; the printed product is not defined", _tried(lambda: W @ X + B), fully_connected(X, W, B), truth)


erratum(
    "E-AI-19",
    kind="n",
    lecture="ai50021",
    printed="the second time round W is M×N, with an N that nothing defines; the first time the paragraph breaks off",
    right="W is K×M, for K inputs and M outputs, whatever the batch",
    lesson="Parameters know nothing of the batch: no shape of theirs holds its size.",
)(None)


@erratum(
    "E-AI-20",
    kind="m",
    lecture="ai50021",
    printed="dE/dX of the fully connected layer is the same as for an activation layer",
    right="dE/dX = dE/dY Wᵀ; the same is only that nothing is summed over the batch",
    lesson="Element by element is right only where each output has one input of its own. Here every input feeds all outputs, so a matrix product adds them up.",
)
def _inputs_of_a_layer() -> Iterator[Miss]:
    at = values(X)
    truth = slopes(cast("Value", _loss(_layer(at, W.tolist(), B.tolist()))), at)
    yield Miss(
        "dE/dX; the printed product is not defined", _tried(lambda: _dY() * W), fully_connected_dX(_dY(), W), truth
    )
    square_X, square_W, bias = X[:3], X[2:] - 0.4, np.array([0.1, -0.2, 0.3])
    weights = PLACES[:3]
    dY = weights + fully_connected(square_X, square_W, bias)
    at = values(square_X)
    truth = slopes(cast("Value", _loss(_layer(at, square_W.tolist(), bias.tolist()), weights)), at)
    yield Miss(
        "dE/dX of a square layer, where shapes do not tell", dY * square_W, fully_connected_dX(dY, square_W), truth
    )


@erratum(
    "E-AI-21",
    kind="m",
    lecture="ai50021",
    printed="dY/dW has shape (5K, M), (K, 5M) or (5, K, M)",
    right="(5, M, K, M) in full; what is listed holds X_nk once for every m, and (5, K) says as much",
    lesson="A derivative has an axis for every axis above and below. Which of them may be dropped depends on the contraction that follows.",
)
def _shape_of_the_jacobian() -> Iterator[Miss]:
    M = W.shape[1]
    yield Miss("dY/dW", reduced_jacobian(X, M), full_jacobian(X, M), _graph_jacobian())
