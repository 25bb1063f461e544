"""§2, training: losses, the step downhill, and what a gradient costs without backpropagation."""

# pyright: reportUnusedFunction=false
# Evidence is called by the registry that the decorator puts it in.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import cast

import numpy as np

from autograd_core.graph import topological_order
from autograd_core.ops import log, square, strong_mul, sum
from autograd_core.value import Number, Value
from nn import losses
from nn.lectures.graph import Nested, data, slopes, three_ways, transposed, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, item
from nn.lectures.malik import forms, network
from nn.lectures.malik.model import BITS, LABELS, SAMPLES, START, XOR, regression_loss
from nn.lectures.malik.nets import FIXTURE, NETS, activated, loss_of
from nn.optim import SGD

__all__ = ["OUTPUTS", "cross_entropy_on_graph", "edges_of", "growth", "loss_of", "on_paper", "quotient_errors"]

OUTPUTS = np.array([0.8, 0.3, 0.6])


@item(
    "malik.train.recipe",
    kind="algorithm",
    where="§2",
    statement="Training is three steps: say what the loss is, compute its gradient, and step against it.",
    latex=r"w_{new} \leftarrow w_{old} - \eta \nabla_w \mathcal L",
    notes="ℒ is minimised: descent",
    errata=("E-MAL-6",),
)
def _recipe() -> Iterator[Evidence]:
    w, leaves = START, values(START, "w")
    optimiser = SGD(leaves, lr=0.1)
    history = [data(regression_loss(leaves))]
    for step in range(1, 6):
        optimiser.zero_grad()
        regression_loss(leaves).backward()
        optimiser.step()
        w = forms.descent_step(w, forms.regression_gradient(w, SAMPLES, LABELS), 0.1)
        yield Comparison(f"w after {step} steps", w, data(leaves))
        history.append(data(regression_loss(leaves)))
    found = " → ".join([f"{loss:.6f}" for loss in history])
    yield Finding("each step against the gradient lowers ℒ, η = 0.1", found, bool(np.all(np.diff(history) < 0.0)))


@item(
    "malik.train.gradient_def",
    kind="definition",
    where="§2",
    statement="The gradient is the collection of the partial derivatives by every weight, one for each edge.",
    latex=r"\nabla_w \mathcal L = \Big(\frac{\partial \mathcal L}{\partial w_{jk}}\Big)_{jk}",
    shapes="those of the weights",
)
def _gradient() -> Iterator[Evidence]:
    for net in NETS:
        slopes_of = network.backward(net.weights, net.biases, *net.rows, net.activations).weights
        for layer, w in enumerate(net.weights, start=1):
            quantity = f"∂e/∂w of layer {layer}, one for each of {w.size} edges, {net.activation}"
            yield three_ways(quantity, partial(loss_of, net, layer), w, slopes_of[layer - 1])


def cross_entropy_on_graph(o: Nested) -> Nested:
    """Return the cross-entropy of three outputs, from scalar nodes."""
    pairs = zip(LABELS.tolist(), o, strict=True)
    return -sum([strong_mul(y, log(p)) + strong_mul(1.0 - y, log(1.0 - p)) for y, p in pairs])


@item(
    "malik.loss.ce",
    kind="formula",
    where="§2.1",
    statement="The cross-entropy of binary labels adds up -log of the probability that was given to what came.",
    latex=r"\mathcal L = -\sum_i \big(y_i \log o_i + (1 - y_i) \log(1 - o_i)\big)",
    shapes="o, y: (samples,)",
    notes="a sum, labels in {0, 1}, natural logarithms",
    errata=("E-MAL-7",),
)
def _cross_entropy_loss() -> Iterator[Evidence]:
    formula = forms.cross_entropy(OUTPUTS, LABELS)
    yield Comparison("ℒ", np.array(formula), data(cross_entropy_on_graph(values(OUTPUTS))))
    likelihood = float(np.prod(np.where(LABELS == 1.0, OUTPUTS, 1.0 - OUTPUTS)))
    found = f"ℒ = {formula:.6f}, -log({likelihood:.4f}) = {-np.log(likelihood):.6f}"
    yield Finding("ℒ is -log of the likelihood of all labels", found, bool(np.isclose(formula, -np.log(likelihood))))
    yield three_ways("∂ℒ/∂o", cross_entropy_on_graph, OUTPUTS, forms.cross_entropy_slope(OUTPUTS, LABELS))


@item(
    "malik.loss.choice",
    kind="table",
    where="§2.1",
    statement="Cross-entropy is for binary classification, squared error for regression.",
)
def _choice_of_loss() -> Iterator[Evidence]:
    nlls = sum([losses.nll(o, y) for o, y in zip(values(OUTPUTS), LABELS.tolist(), strict=True)])
    yield Comparison("classification: Σ nn.losses.nll", np.array(forms.cross_entropy(OUTPUTS, LABELS)), data(nlls))
    squares = 0.5 * losses.squared_error(values(OUTPUTS), LABELS.tolist())
    formula = forms.half_squared_error(OUTPUTS, LABELS)
    yield Comparison("regression: ½ nn.losses.squared_error", np.array(formula), data(squares))
    wrong = np.array([-6.0]), np.array([1.0])
    entropy = forms.delta_cross_entropy(forms.logistic(wrong[0]), wrong[1])
    squared = forms.delta_output("sigmoid", *wrong)
    found = f"cross-entropy {entropy[0]:.4f}, squared error {squared[0]:.4f}"
    what = "δ of a logistic output that is sure and wrong: S = -6 for label 1"
    yield Finding(what, found, bool(abs(entropy[0]) > 100.0 * abs(squared[0])))


@item(
    "malik.loss.delta_ce",
    kind="gradient",
    where="implied by §2.1 and §3.3",
    statement="Under the cross-entropy, δ of a logistic output is the output less the label: g' cancels.",
    latex=r"\delta^{(L)} = o - y",
    shapes="o, y: (outputs,)",
)
def _delta_of_cross_entropy() -> Iterator[Evidence]:
    for s in (np.array([0.3, -0.8, 1.7]), FIXTURE.weights[0][0, :3] * 3.0):
        formula = forms.delta_cross_entropy(forms.logistic(s), LABELS)
        yield three_ways("∂ℒ/∂S", lambda s: cross_entropy_on_graph(activated("sigmoid", s)), s, formula)
        chained = forms.cross_entropy_slope(forms.logistic(s), LABELS) * forms.g_prime("sigmoid", s)
        yield Comparison("∂ℒ/∂o · g'(S), before it cancels", formula, chained)


@item(
    "malik.multi.grad_size",
    kind="claim",
    where="§2.2",
    statement="The gradient of a network has as many entries as the network has weights.",
)
def _gradient_size() -> Iterator[Evidence]:
    for net in NETS:
        sizes = [x.size for x in network.backward(net.weights, net.biases, *net.rows, net.activations).weights]
        nodes = [len(net.x), *[w.shape[1] for w in net.weights]]
        edges = [a * b for a, b in pairwise(nodes)]
        found = f"{sizes} entries for {edges} edges"
        yield Finding(f"layers of {nodes} nodes", found, sizes == edges)


def _descended(w: Array, x: Array, y: Array, steps: int, eta: float) -> Array:
    """Return the weight of one logistic node without company, after descent on ½ Σ (σ(wx) - y)²."""
    for _ in range(steps):
        w = forms.descent_step(w, forms.weight_gradient(x, forms.delta_output("sigmoid", x @ w, y)), eta)
    return w


def _xor_run(seed: int) -> float:
    """Return e of a 3-5-1 network on XOR, whose third input is always 1, after training from random weights."""
    rng = np.random.default_rng(seed)
    x, y = np.column_stack([BITS, np.ones(4)]), XOR[:, None]
    weights = [rng.normal(0.0, 1.5, (3, 5)), rng.normal(0.0, 1.5, (5, 1))]
    for _ in range(600):
        slopes_of = network.backward(weights, [None, None], x, y, ["tanh", "sigmoid"]).weights
        weights = [forms.descent_step(w, slope, 1.0) for w, slope in zip(weights, slopes_of, strict=True)]
    return network.backward(weights, [None, None], x, y, ["tanh", "sigmoid"]).loss


@item(
    "malik.multi.local_minima",
    kind="claim",
    where="§2.2",
    statement="Descent finds local minima alone, and in most applications these are good enough.",
    notes="stationary points, to be exact: it may also stop at a saddle",
)
def _local_minima() -> Iterator[Evidence]:
    x, y = np.array([[10.0], [0.3]]), np.array([[0.0], [0.9]])
    ends = [_descended(np.array([[w]]), x, y, 4000, 0.5) for w in (0.0, 5.0)]
    left, right = [forms.half_squared_error(forms.logistic(x @ w), y) for w in ends]
    found = (
        f"from 0 to w = {ends[0][0, 0]:.3f} with e = {left:.4f}, from 5 to w = {ends[1][0, 0]:.3f} with e = {right:.4f}"
    )
    yield Finding("one logistic node with one weight has two minima, and the start decides", found, right - left > 0.3)
    runs = [_xor_run(seed) for seed in range(5)]
    good = [e for e in runs if e < 0.02]
    found = f"e = {', '.join([f'{e:.4f}' for e in runs])}: {len(good)} of 5 runs end below 0.02"
    yield Finding("a 3-5-1 network learns XOR from most random starts", found, len(good) >= 4)


@item(
    "malik.multi.regularise",
    kind="claim",
    where="§2.2",
    statement="A term that grows with the weights can be added to the loss; its gradient is added to the loss's.",
    latex=r"\nabla\Big(\mathcal L + \frac\lambda2 \sum w^2\Big) = \nabla\mathcal L + \lambda w",
    notes="the lecture names no term; this is the usual one, with a factor of ½",
)
def _regularisation() -> Iterator[Evidence]:
    gradient = forms.regression_gradient(START, SAMPLES, LABELS)
    formula = forms.regularised_gradient(gradient, START, 0.3)
    yield three_ways(
        "∇(ℒ + 0.15 Σ w²)", lambda w: regression_loss(w) + 0.15 * sum([square(v) for v in w]), START, formula
    )
    norms: list[float] = []
    for strength in (0.0, 0.3, 3.0):
        w = START
        for _ in range(200):
            gradient = forms.regression_gradient(w, SAMPLES, LABELS)
            w = forms.descent_step(w, forms.regularised_gradient(gradient, w, strength), 0.1)
        norms.append(float(np.linalg.norm(w)))
    found = ", ".join([f"{norm:.3f}" for norm in norms])
    yield Finding("|w| after 200 steps with λ = 0, 0.3, 3", found, norms[0] > norms[1] > norms[2])


def quotient_errors(steps: Sequence[float], *, both_sides: bool = False) -> list[float]:
    """Return by how much a difference quotient of e by w_11 of the fixture's first layer misses the engine's slope."""
    w = FIXTURE.weights[0]
    truth = slope_of_first_weight()
    e = loss_of(FIXTURE, 1, w.tolist())
    errors: list[float] = []
    for step in steps:
        ahead, behind = w.copy(), w.copy()
        ahead[0, 0] += step
        behind[0, 0] -= step
        changed, back = loss_of(FIXTURE, 1, ahead.tolist()), loss_of(FIXTURE, 1, behind.tolist())
        quotient = (changed - back) / (2.0 * step) if both_sides else forms.forward_quotient(e, changed, step)
        errors.append(abs(quotient - truth))
    return errors


def slope_of_first_weight() -> float:
    """Return ∂e/∂w_11 of the fixture's first layer by the engine."""
    leaves = values(FIXTURE.weights[0])
    return float(slopes(cast("Value", loss_of(FIXTURE, 1, leaves)), leaves)[0, 0])


@item(
    "malik.fd.quotient",
    kind="formula",
    where="§2.2",
    statement="A derivative can be had roughly by changing one weight a little and dividing the change of the loss by it.",
    latex=r"\frac{\partial \mathcal L}{\partial w_{jk}} \approx \frac{\mathcal L(o') - \mathcal L(o)}{\Delta w_{jk}}",
    notes="a forward difference: its error shrinks like Δw, that of a central one like Δw²",
    errata=("E-MAL-9",),
)
def _difference_quotient() -> Iterator[Evidence]:
    straight = forms.forward_quotient(2.0, 3.5, 0.5)
    yield Comparison("the quotient of a straight line, 2 → 3.5 over 0.5", np.array(straight), np.array(3.0))
    one = quotient_errors([1e-1, 1e-3, 1e-6, 1e-12])
    two = quotient_errors([1e-1, 1e-3], both_sides=True)
    order = [float(np.log10(errors[0] / errors[1]) / 2.0) for errors in (one, two)]
    found = f"errors {one[0]:.2e} at Δw = 0.1, {one[1]:.2e} at 1e-3: order {order[0]:.2f}"
    yield Finding("a forward difference is of first order", found, abs(order[0] - 1.0) < 0.05)
    found = f"errors {two[0]:.2e} at Δw = 0.1, {two[1]:.2e} at 1e-3: order {order[1]:.2f}"
    yield Finding("a central difference is of second order", found, abs(order[1] - 2.0) < 0.05)
    found = f"{one[2]:.1e} at Δw = 1e-6, {one[3]:.1e} at 1e-12"
    yield Finding("too small a Δw is worse again: rounding takes over", found, one[3] > 1e3 * one[2] and one[2] < 1e-8)


def edges_of(y: Value) -> int:
    """Return how many edges a backward pass from y goes along."""
    return int(np.sum([len(node.inputs) for node in topological_order(y)]))


def on_paper(weights: Sequence[Array], x: Array) -> list[Value]:
    """Return the outputs of a logistic network with one product and one sum for each weight, as one does by hand."""
    row: list[Value] = values(x)
    for w in weights:
        row = [cast("Value", v) for v in activated("sigmoid", [_weighted_sum(c, row) for c in transposed(values(w))])]
    return row


def _weighted_sum(weights: Sequence[Number], row: Sequence[Number]) -> Number:
    total: Number = 0.0
    for w, x in zip(weights, row, strict=True):
        total = total + w * x
    return total


def growth(sizes: Sequence[float], counts: Sequence[float]) -> float:
    """Return the exponent with which counts grow, from the last two of them."""
    return float(np.log(counts[-1] / counts[-2]) / np.log(sizes[-1] / sizes[-2]))


@item(
    "malik.cost",
    kind="claim",
    where="§2.2",
    statement="A forward pass costs as much as there are weights, n; a quotient for each weight costs n passes, so n²; "
    "backpropagation costs n for all of them.",
    latex=r"O(n)\ \text{against}\ O(n^2)",
)
def _cost() -> Iterator[Evidence]:
    rng = np.random.default_rng(0)
    counts: list[int] = []
    sizes = [5 * hidden for hidden in (2, 4, 8, 16, 32)]
    for n in sizes:
        weights = [rng.normal(size=(4, n // 5)), rng.normal(size=(n // 5, 1))]
        counts.append(edges_of(on_paper(weights, rng.normal(size=4))[0]))
    passes = [(n + 1) * count for n, count in zip(sizes, counts, strict=True)]
    order = growth(sizes, counts), growth(sizes, passes)
    found = f"{counts} edges for {sizes} weights: order {order[0]:.2f}"
    yield Finding("backward goes along each edge once", found, abs(order[0] - 1.0) < 0.05)
    found = f"{passes} edges: order {order[1]:.2f}"
    yield Finding("one forward pass more for each weight", found, abs(order[1] - 2.0) < 0.05)
