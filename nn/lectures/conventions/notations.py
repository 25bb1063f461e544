"""Letters, layouts, signs, sums and halves, labels: the same network in five notations is one graph.

Each notation's forms are written here once more, side by side.
"""
# pyright: reportUnusedFunction=false
# The registry holds the items; nothing calls them by name.

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any, cast

import numpy as np

from autograd_core.ops import log, logsumexp, sigmoid, square, sum, tanh
from autograd_core.value import Number, Value
from nn.lectures.graph import Nested, affine, central, data, slopes, three_ways, transposed, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, closed_form, item

__all__ = ["BIASES", "FIVE", "LABELS", "POINTS", "WEIGHTS", "module_of"]

FIVE = ("levine", "ai50021", "malik", "lai", "mit6036")

_RNG = np.random.default_rng(6)
WEIGHTS = [_RNG.uniform(-1.0, 1.0, (4, 3)), _RNG.uniform(-1.0, 1.0, (2, 4))]
BIASES = [_RNG.uniform(-1.0, 1.0, 4), _RNG.uniform(-1.0, 1.0, 2)]
POINTS = _RNG.uniform(-1.0, 1.0, (3, 5))
LABELS = np.array([[1.0, 0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0, 0.0]])
# 3-4-2 on five data points, in Levine's layout: W is (out, in), a column for each point.

SIGMOIDS = ["sigmoid", "sigmoid"]


def module_of(lecture: str) -> Any:
    """Return a lecture's module; all five are loaded only when they are compared."""
    return import_module(f"nn.lectures.{lecture}")


# ---------------------------------------------------------------- one layer in five layouts


@closed_form
def levine_layer(W: Array, h: Array, b: Array) -> Array:
    """Return z = Wh + b: W is (out, in), points are columns."""
    return W @ h + b[:, None]


@closed_form
def ai_layer(X: Array, W: Array, b: Array) -> Array:
    """Return Y = XW + b: W is (in, out), samples are rows."""
    return X @ W + b


@closed_form
def malik_unit(w: Array, x: Array, j: int) -> float:
    """Return S_j = Σ_i w_ij x_i: the source of an edge comes first, and there is no bias."""
    return float(np.sum([w[i, j] * x[i] for i in range(len(x))]))


@closed_form
def lai_layer(X: Array, Theta: Array) -> Array:
    """Return [X, 1]Θ: the bias is the last row of Θ, met by a dummy input of 1."""
    return np.hstack([X, np.ones((len(X), 1))]) @ Theta


@closed_form
def mit_layer(W: Array, A: Array, W0: Array) -> Array:
    """Return Z = WᵀA + W0: W is (in, out), points are columns."""
    return W.T @ A + W0[:, None]


@closed_form
def levine_slope(dz: Array, h: Array) -> Array:
    """Return dL/dW = dL/dz hᵀ."""
    return dz @ h.T


@closed_form
def ai_slope(X: Array, dY: Array) -> Array:
    """Return ∂E/∂W = Xᵀ ∂E/∂Y."""
    return X.T @ dY


@closed_form
def malik_slope(x: Array, delta: Array, i: int, j: int) -> float:
    """Return ∂e/∂w_ij = x_i δ_j, added up over the samples, which are columns here."""
    return float(np.sum(x[i] * delta[j]))


@closed_form
def lai_slope(X: Array, delta: Array) -> Array:
    """Return ∂L/∂Θ = [X, 1]ᵀδ."""
    return np.hstack([X, np.ones((len(X), 1))]).T @ delta


@closed_form
def mit_slope(A: Array, dZ: Array) -> Array:
    """Return ∂loss/∂W = A (∂loss/∂Z)ᵀ."""
    return A @ dZ.T


def _half_squares(W: Nested, b: Nested, columns: Nested) -> Number:
    """Return ½ Σ z², whose slope by z is z, for W of the layout (out, in)."""
    return 0.5 * sum([square(z) for x in columns for z in affine(W, x, b)])


@item(
    "x.conv.layout",
    kind="convention",
    where="all",
    latex=r"W_{(in, out)} = W_{(out, in)}^T",
    statement="One layer in all five layouts: the same numbers, weights transposed, and slopes transposed with them.",
    shapes="Levine: (out, in); AI 50.021, Malik, Lai and MIT: (in, out)",
    notes="points are columns for Levine and MIT, rows for AI 50.021 and Lai; Lai's Θ has the bias as its last row",
)
def _one_layer_in_five_layouts() -> Iterator[Evidence]:
    W, b, columns = WEIGHTS[0], BIASES[0], POINTS.T.tolist()
    z = np.array([data(affine(W.tolist(), x, values(b))) for x in columns]).T
    units = range(len(b))
    unbiased = [[malik_unit(W.T, x, j) for x in POINTS.T] for j in units]
    theta = np.vstack([W.T, b])
    yield Comparison("Levine: z = Wh + b", levine_layer(W, POINTS, b), z)
    yield Comparison("AI 50.021: XW + b", ai_layer(POINTS.T, W.T, b), z.T)
    yield Comparison(
        "Malik: Σ w_ij x_i", np.array(unbiased), np.array([data(affine(W, values(x))) for x in POINTS.T]).T
    )
    yield Comparison("Lai: [X, 1]Θ", lai_layer(POINTS.T, theta), z.T)
    yield Comparison("MIT: WᵀA + W0", mit_layer(W.T, POINTS, b), z)

    def by_in_out(V: Nested) -> Number:
        return _half_squares(transposed(V), b.tolist(), columns)

    def by_theta(theta: Nested) -> Number:
        return _half_squares(transposed(theta[:-1]), theta[-1], columns)

    by_edge = [[malik_slope(POINTS, z, i, j) for j in units] for i in range(len(POINTS))]
    yield three_ways("Levine: dL/dW", lambda V: _half_squares(V, b.tolist(), columns), W, levine_slope(z, POINTS))
    yield three_ways("AI 50.021: ∂E/∂W", by_in_out, W.T, ai_slope(POINTS.T, z.T))
    yield three_ways("Malik: ∂e/∂w", by_in_out, W.T, by_edge)
    yield three_ways("Lai: ∂L/∂Θ", by_theta, theta, lai_slope(POINTS.T, z.T))
    yield three_ways("MIT: ∂loss/∂W", by_in_out, W.T, mit_slope(POINTS, z))
    yield from _one_network_in_five_notations()


def _one_network_in_five_notations() -> Iterator[Comparison]:
    """Let the five lectures' own forward passes run one network, in their own layouts."""
    z = values(_scores(POINTS))
    outputs = data([[sigmoid(entry) for entry in row] for row in z])
    for lecture in FIVE:
        weights, points, flip = _in_layout_of(lecture)
        trace = module_of(lecture).forward(weights, BIASES, points, SIGMOIDS)
        yield Comparison(f"the output of 3-4-2, by {lecture}", flip(trace.activations[-1]), outputs)


def _in_layout_of(lecture: str) -> tuple[list[Array], Array, Callable[[Array], Array]]:
    """Return the weights and the points in a lecture's layout, and the function that takes its points back to columns."""
    notation = module_of(lecture).NOTATION
    weights = WEIGHTS if notation["layout"] == "(out, in)" else [W.T for W in WEIGHTS]
    return (weights, POINTS, np.asarray) if notation["data"] == "columns" else (weights, POINTS.T, np.transpose)


def _scores(columns: Array) -> Array:
    """Return the last layer's pre-activations of the network as a graph, a column for each point."""
    found: list[Array] = []
    for x in columns.T.tolist():
        hidden = [sigmoid(z) for z in affine(values(WEIGHTS[0]), x, values(BIASES[0]))]
        found.append(data(affine(values(WEIGHTS[1]), hidden, values(BIASES[1]))))
    return np.array(found).T


# ---------------------------------------------------------------- signs and factors


@closed_form
def downhill(uphill: Array) -> Array:
    """Return the slope of -L from that of L."""
    return -uphill


@closed_form
def mean_slope(sum_slope: Array, m: int) -> Array:
    """Return the slope of a mean of m terms from that of their sum."""
    return sum_slope / m


@closed_form
def halved_slope(slope: Array) -> Array:
    """Return the slope of ½ Σ (o - y)² from that of Σ (o - y)²."""
    return 0.5 * slope


def _nll(layer: int, W: Nested) -> Number:
    """Return the negative log-likelihood of the network with one W replaced, summed over all."""
    return sum([-log(p if y else 1.0 - p) for z, y in _last(layer, W) for p in [sigmoid(z)]])


def _squares(layer: int, W: Nested) -> Number:
    """Return Σ (z - y)² without a half, where the last layer's outputs are its z."""
    return sum([square(z - y) for z, y in _last(layer, W)])


def _last(layer: int, W: Nested) -> Iterator[tuple[Number, float]]:
    """Yield each of the last layer's z with its label, for the network with one W replaced."""
    first, second = [W if layer == i else V.tolist() for i, V in enumerate(WEIGHTS)]
    for x, labels in zip(POINTS.T.tolist(), LABELS.T.tolist(), strict=True):
        hidden = [sigmoid(z) for z in affine(first, x, BIASES[0].tolist())]
        yield from zip(affine(second, hidden, BIASES[1].tolist()), labels, strict=True)


@item(
    "x.conv.sign",
    kind="convention",
    where="documents 1 vs 2-5",
    latex=r"\nabla\mathcal L = -\nabla\sum_i -\log p(y^i \mid \mathbf x^i)",
    statement="Levine climbs a log-likelihood and the others descend a loss: the slopes differ in sign alone.",
)
def _ascent_and_descent() -> Iterator[Evidence]:
    ups = module_of("levine").backward(WEIGHTS, BIASES, POINTS, LABELS, SIGMOIDS).weights
    downs = module_of("mit6036").backward([W.T for W in WEIGHTS], BIASES, POINTS, LABELS, SIGMOIDS).weights
    for layer, W in enumerate(WEIGHTS):
        name = f"slope of the negative log-likelihood by W({layer + 1})"
        yield three_ways(f"{name}, from Levine's", partial(_nll, layer), W, downhill(ups[layer]))
        yield Comparison(f"{name}, Levine's and MIT's", downhill(ups[layer]).T, downs[layer])
    start, up, down = (cast("float", _nll(0, (WEIGHTS[0] + a * ups[0]).tolist())) for a in (0.0, 0.1, -0.1))
    yield Finding(
        "a step along Levine's slope, and one against it",
        f"the negative log-likelihood goes from {start:.4f} to {up:.4f}, and to {down:.4f}",
        up < start < down,
    )


@item(
    "x.conv.scale",
    kind="convention",
    where="all",
    latex=r"\nabla\,\mathrm{mean} = \tfrac1m \nabla\,\mathrm{sum}, \quad \nabla\,\tfrac12(o - y)^2 = \tfrac12 \nabla (o - y)^2",
    statement="A mean has 1/m of the slope of a sum, and a square with a half has half the slope of one without.",
    notes="Lai takes the mean, the others the sum; Malik has the half, MIT has not",
)
def _factors() -> Iterator[Evidence]:
    flipped, ends_linear, m = [W.T for W in WEIGHTS], ["sigmoid", "identity"], POINTS.shape[1]
    ups = module_of("levine").backward(WEIGHTS, BIASES, POINTS, LABELS, SIGMOIDS).weights
    mean = module_of("lai").backward(flipped, BIASES, POINTS.T, LABELS.T, SIGMOIDS).weights
    half = module_of("malik").backward(flipped, BIASES, POINTS.T, LABELS.T, ends_linear).weights
    whole = module_of("mit6036").backward(flipped, BIASES, POINTS, LABELS, ends_linear).weights
    for layer, W in enumerate(WEIGHTS):
        of_sum, squares, name = partial(_nll, layer), partial(_squares, layer), f"W({layer + 1})"
        divided = mean_slope(downhill(ups[layer]), m)
        yield three_ways(f"mean over the points, {name}", lambda V, of_sum=of_sum: of_sum(V) / m, W, divided)
        yield Comparison(f"the same by Lai's formulas, {name}", divided.T, mean[layer])
        yield three_ways(f"squares without a half, by MIT's formulas, {name}", squares, W, whole[layer].T)
        halved = halved_slope(whole[layer].T)
        yield three_ways(f"squares with a half, {name}", lambda V, squares=squares: 0.5 * squares(V), W, halved)
        yield Comparison(f"the same by Malik's formulas, {name}", halved.T, half[layer])


# ---------------------------------------------------------------- labels


@closed_form
def from_signs(y: Array) -> Array:
    """Return labels 0 and 1 from labels -1 and 1: (y + 1)/2; per class, a one-hot row."""
    return (y + 1.0) / 2.0


@closed_form
def binary_nll(p: float, y: float) -> float:
    """Return -y log p - (1 - y) log(1 - p) for a label 0 or 1."""
    return float(-y * np.log(p) - (1.0 - y) * np.log(1.0 - p))


@closed_form
def class_nll(p: Array, t: Array) -> float:
    """Return -Σ_c t_c log p_c for a one-hot row."""
    return float(-np.sum(t * np.log(p)))


@item(
    "x.conv.labels",
    kind="convention",
    where="all",
    latex=r"t_c = \frac{y_c + 1}{2}",
    statement="Labels 0 and 1, -1 and 1 for each class, and one-hot rows say the same, and cost the same.",
    notes="Levine and Malik: 0 and 1; AI 50.021: -1 and 1 for each class; Lai: one-hot; MIT: all three, by the loss",
)
def _three_codings() -> Iterator[Evidence]:
    for z, y in ((0.7, 1.0), (-1.3, 1.0), (0.4, 0.0)):
        p = 1.0 / (1.0 + np.exp(-z))
        signs = np.array([-1.0, 1.0]) if y else np.array([1.0, -1.0])
        leaf = Value(z)
        node = -log(sigmoid(leaf) if y else 1.0 - sigmoid(leaf))
        one_hot = from_signs(signs)
        two = np.array([1.0 - p, p])
        score = np.array([0.0, 1.0]) * z
        case = f"z = {z}, label {y:.0f}"
        yield Comparison(f"0 or 1; {case}", np.array(binary_nll(p, y)), np.array(node.data))
        yield Comparison(f"-1 or 1; {case}", np.array(binary_nll(p, float(from_signs(signs[1])))), np.array(node.data))
        yield Comparison(f"-1 or 1 for each class; {case}", np.array(class_nll(two, one_hot)), np.array(node.data))
        as_scores = logsumexp(values(score)) - float(score @ one_hot)
        yield Comparison(f"one-hot, from two scores; {case}", np.array(class_nll(two, one_hot)), data(as_scores))
    wanted = np.array([0.0, 0.0, 1.0])
    yield Comparison("(-1, -1, 1) is one-hot", from_signs(np.array([-1.0, -1.0, 1.0])), wanted)


# ---------------------------------------------------------------- letters


@closed_form
def delta_of(dz: Array, a: Array) -> Array:
    """Return δ = ∂E/∂a from AI 50.021's ∂E/∂z, where z = tanh(a): ∂E/∂z (1 - tanh² a)."""
    return dz * (1.0 - np.tanh(a) ** 2)


@item(
    "x.conv.letters",
    kind="convention",
    where="all",
    latex=r"\delta = \frac{\partial E}{\partial z_{\mathrm{AI}}}\, g'(a_{\mathrm{AI}})",
    statement="In AI 50.021 a comes before the activation function and z after it; in Lai and MIT it is the reverse.",
    notes="the error signal of AI 50.021 is the slope by the activation, that of the others by the pre-activation",
)
def _swapped_letters() -> Iterator[Evidence]:
    letters = {lecture: module_of(lecture).NOTATION for lecture in FIVE}
    said = ", ".join(f"{lecture}: {n['pre-activation']} then {n['activation']}" for lecture, n in letters.items())
    ai, lai = letters["ai50021"], letters["lai"]
    swapped = (ai["pre-activation"], ai["activation"]) == (lai["activation"], lai["pre-activation"])
    yield Finding("what are the numbers before and after the activation function called?", said, swapped)
    before = values([0.4, -0.9, 1.3], "a")
    after = [tanh(a) for a in before]
    cost = cast("Value", _cubes(after))
    by_after, by_before = slopes(cost, after), slopes(cost, before)
    steps = central(lambda a: _cubes([tanh(s) for s in a]), data(before))
    yield Comparison(
        "∂E/∂z g'(a) of AI 50.021 is δ of Malik and Lai", delta_of(by_after, data(before)), by_before, steps
    )
    apart = float(np.abs(by_after - by_before).max())
    yield Finding("take one for the other", f"up to {apart:.3f} off", apart > 1e-3)


def _cubes(z: Nested) -> Number:
    return sum([square(s) * s for s in z])
