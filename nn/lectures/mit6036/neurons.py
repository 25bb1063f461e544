"""§1 and the head of §2 of MIT 6.036, chapter 8: one neuron, how it learns, and neurons that feed neurons."""

# Items are called through the registry; W, Z, A and J are matrices and numbers that the page writes large.
# pyright: reportUnusedFunction=false, reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

from autograd_core.backward import gradients
from autograd_core.errors import ImmutableNodeError
from autograd_core.graph import topological_order
from autograd_core.ops import dot, exp, relu, sigmoid, square, step, sum, tanh
from autograd_core.value import Number, Value
from nn.lectures.graph import Nested, data, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, closed_form, erratum, item
from nn.lectures.mit6036 import network
from nn.lectures.mit6036.nets import nll_loss, squared_loss
from nn.optim import SGD

X = np.array([0.5, -1.0, 2.0])
W = np.array([0.1, 0.3, -0.2])
OFFSET = 0.05
TARGET = 1.5
POINTS = np.array([[0.5, -1.2, 0.8, 1.7], [-1.0, 0.4, 1.1, -0.6], [2.0, 0.9, -0.7, 0.3]])
TARGETS = np.array([0.9, -0.4, 0.25, 0.6])


# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def pre_activation(x: Array, w: Array, w0: float) -> float:
    """Return z = (Σ x_j w_j) + w0, component by component."""
    z = w0
    for x_j, w_j in zip(x, w, strict=True):
        z = z + x_j * w_j
    return float(z)


@closed_form
def neuron(x: Array, w: Array, w0: float, f: Callable[[Array], Array]) -> float:
    """Return a = f(wᵀx + w0)."""
    return float(f(np.dot(w, x) + w0))


@closed_form
def objective(X: Array, y: Array, w: Array, w0: float) -> float:
    """Return J = Σ_i (tanh(wᵀx_i + w0) - y_i)², a sum over the columns of X."""
    J = 0.0
    for x, actual in zip(X.T, y, strict=True):
        J = J + (neuron(x, w, w0, network.tanh) - actual) ** 2
    return float(J)


@closed_form
def logistic_gradient(x: Array, w: Array, w0: float, y: float) -> Array:
    """Return (σ(z) - y) (x, 1), by w and then by w0."""
    return (neuron(x, w, w0, network.sigmoid) - y) * np.append(x, 1.0)


@closed_form
def regression_gradient(x: Array, w: Array, w0: float, y: float) -> Array:
    """Return 2 (z - y) (x, 1), by w and then by w0."""
    return 2.0 * (neuron(x, w, w0, network.identity) - y) * np.append(x, 1.0)


@closed_form
def exponential_update(x: Array, w: Array, w0: float, y: float, eta: float) -> tuple[Array, float]:
    """Return w and w0 after one step for f(z) = e**z and the squared loss."""
    guess = neuron(x, w, w0, np.exp)
    slope = 2.0 * (guess - y) * guess
    return w - eta * slope * x, w0 - eta * slope


# ---------------------------------------------------------------- the graph's side


def _z(parameters: Nested, x: Array) -> Number:
    """Return wᵀx + w0; the offset comes last among the parameters."""
    *w, w0 = parameters
    return dot(w, x.tolist()) + w0


def _cost(parameters: Nested) -> Number:
    terms = [squared_loss([tanh(cast("Any", _z(parameters, x)))], [y]) for x, y in zip(POINTS.T, TARGETS, strict=True)]
    return sum(cast("list[Any]", terms))


START = np.append(W, OFFSET)


# ---------------------------------------------------------------- items


@item(
    "mit.neuron.forward",
    kind="formula",
    where="§1",
    statement="A neuron applies its activation function to the weighted sum of its inputs plus an offset.",
    latex=r"a = f(z) = f\left(\sum_{j=1}^m x_j w_j + w_0\right) = f(w^T x + w_0)",
    shapes="x: (m,), w: (m,), w0 and a: numbers",
    errata=("E-MIT-1",),
)
def _forward() -> Iterator[Evidence]:
    z = cast("Value", _z(values(START), X))
    yield Comparison("z", np.array(pre_activation(X, W, OFFSET)), data(z))
    yield Comparison("f(z) for f = tanh", np.array(neuron(X, W, OFFSET, network.tanh)), data(tanh(z)))
    yield Comparison("f(z) for f = σ", np.array(neuron(X, W, OFFSET, network.sigmoid)), data(sigmoid(z)))
    fires = [step(dot(W.tolist(), x.tolist()) + OFFSET) for x in POINTS.T]
    over = [step(dot(W.tolist(), x.tolist()) - -OFFSET) for x in POINTS.T]
    wrong = dot(W.tolist(), X.tolist()) - OFFSET
    yield Finding(
        "read w0 as a threshold θ that wᵀx has to exceed",
        f"θ is -w0 = {-OFFSET:g}: the same {int(np.sum(fires))} of 4 points fire; with θ = w0, z would be {wrong:g}, "
        f"not {z.data:g}",
        fires == over and abs(wrong - z.data) > 0.05,
    )


erratum(
    "E-MIT-1",
    kind="n",
    lecture="mit6036",
    printed="w0 is an offset or threshold.",
    right="w0 is an offset; the threshold that wᵀx has to exceed is -w0.",
    lesson="An offset is added and a threshold is subtracted: the two are each other's negative, so say which one a "
    "number is before you port weights from one text to another.",
)(None)


def _slopes_below(f: Callable[[Any], Any]) -> tuple[list[float], list[float]]:
    """Return the slopes of a loss by the weights of a hidden neuron of activation f, and by those of the output."""
    hidden, output = values(START, "w"), values([0.7, -0.4], "v")
    a = f(_z(hidden, X))
    loss: Any = square(output[0] * a + output[1] - 1.0)
    found = [slope.data for slope in gradients(loss, [*hidden, *output])]
    return found[: len(START)], found[len(START) :]


@item(
    "mit.neuron.differentiable",
    kind="claim",
    where="§1",
    statement="Any function may serve as an activation, but one learns through it only where it has a slope.",
    notes="what is needed: a derivative almost everywhere that is not 0 almost everywhere",
    errata=("E-MIT-2",),
)
def _differentiable() -> Iterator[Evidence]:
    below, above = _slopes_below(lambda z: relu(-z))
    yield Finding(
        "learn through a ReLU, which has no derivative at 0",
        f"the slopes of the weights below it are {np.round(below, 4).tolist()}",
        all(below) and all(above),
    )
    below, above = _slopes_below(lambda z: step(-z))
    yield Finding(
        "learn through a step, which has a derivative everywhere but at 0",
        f"the slopes of the weights below it are {below}, those of the output {np.round(above, 4).tolist()}",
        not any(below) and all(above),
    )


erratum(
    "E-MIT-2",
    kind="n",
    lecture="mit6036",
    printed="The activation makes the neuron non-linear and can be the identity; it has to be differentiable.",
    right="The identity leaves the neuron linear; f needs a derivative almost everywhere that is not almost everywhere 0.",
    lesson="Differentiability is neither needed nor enough: ReLU has a kink and learns, the step is flat on both sides of "
    "its jump and does not.",
)(None)


@item(
    "mit.neuron.objective",
    kind="formula",
    where="§1",
    statement="What is minimised is the sum of the losses over the data points.",
    latex=r"J(w, w_0) = \sum_i L\left(NN(x^{(i)}; w, w_0), y^{(i)}\right)",
    notes="a sum, not a mean; tried with tanh and the squared loss",
)
def _objective() -> Iterator[Evidence]:
    formula = objective(POINTS, TARGETS, W, OFFSET)
    yield Comparison("J", np.array(formula), data(_cost(values(START))))
    weights, offsets = [W.reshape(-1, 1)], [np.array([[OFFSET]])]
    found = network.backward(weights, offsets, POINTS, TARGETS.reshape(1, -1), ["tanh"])
    gradient = np.append(found.weights[0], cast("Array", found.biases[0]))
    yield three_ways("∂J/∂(w, w0)", _cost, START, gradient)


@item(
    "mit.neuron.special_cases",
    kind="claim",
    where="§1",
    statement="A logistic classifier is a sigmoid neuron with the NLL loss; linear regression is the identity with the squared loss.",
    latex=r"\frac{\partial L_{nll}}{\partial (w, w_0)} = (\sigma(z) - y)\,(x, 1) \qquad \frac{\partial (z - y)^2}{\partial (w, w_0)} = 2(z - y)\,(x, 1)",
)
def _special_cases() -> Iterator[Evidence]:
    for y in (0.0, 1.0):

        def classifier(p: Nested, y: float = y) -> Number:
            return nll_loss([sigmoid(cast("Any", _z(p, X)))], [y])

        yield three_ways(f"logistic gradient, label {y:g}", classifier, START, logistic_gradient(X, W, OFFSET, y))
    regressor = regression_gradient(X, W, OFFSET, TARGET)
    yield three_ways("regression gradient", lambda p: squared_loss([_z(p, X)], [TARGET]), START, regressor)


@item(
    "mit.sq.exp_neuron",
    kind="study",
    where="§1",
    statement="For f(z) = e**z and the squared loss, a step subtracts 2η (e**z - y) e**z times x, and times 1 for the offset.",
    latex=r"w \leftarrow w - 2\eta (e^z - y) e^z x \qquad w_0 \leftarrow w_0 - 2\eta (e^z - y) e^z",
    notes="no ½ in the loss, hence the 2",
)
def _exponential_neuron() -> Iterator[Evidence]:
    w, w0 = exponential_update(X, W, OFFSET, TARGET, 1.0)
    gradient = START - np.append(w, w0)
    yield three_ways("∂L/∂(w, w0)", lambda p: squared_loss([exp(cast("Any", _z(p, X)))], [TARGET]), START, gradient)
    leaves = values(START)
    optimiser = SGD(leaves, lr=0.1)
    w, w0 = W, OFFSET
    for t in range(1, 4):
        optimiser.zero_grad()
        square(exp(cast("Value", _z(leaves, X))) - TARGET).backward()
        optimiser.step()
        w, w0 = exponential_update(X, w, w0, TARGET, 0.1)
        yield Comparison(f"(w, w0) after step {t}", np.append(w, w0), data(leaves))


@item(
    "mit.net.feedforward",
    kind="definition",
    where="§2",
    statement="A feed-forward network is an acyclic graph of function calls: inputs of a neuron are entries of x or outputs of other neurons.",
)
def _feedforward() -> Iterator[Evidence]:
    x, w = values(X, "x"), values([[0.4, -0.3], [0.6, 0.2], [-0.5, 0.9]], "w")
    first: Any = tanh(dot(w[0], x[:2]))
    second = sigmoid(dot(w[1], [first, x[2]]))
    output: Any = dot(w[2], [second, x[0]])  # x1 skips two neurons
    a1 = network.tanh(np.array([0.4 * X[0] - 0.3 * X[1]]))
    a2 = network.sigmoid(0.6 * a1 + 0.2 * X[2])
    yield Comparison("output of a network with a skip", -0.5 * a2[0] + 0.9 * X[0], data(output))
    order = topological_order(output)
    place = {v: i for i, v in enumerate(order)}
    edges = [(a, v) for v in order for a in v.inputs]
    yield Finding(
        "put the function calls in an order in which inputs come first",
        f"{len(order)} nodes, {len(edges)} edges, each from an earlier to a later node",
        all([place[a] < place[v] for a, v in edges]),
    )
    try:
        first.data = output.data
        outcome = "it could be assigned to"
    except ImmutableNodeError as refusal:
        outcome = type(refusal).__name__
    yield Finding(
        "let a neuron's input depend on its own output", f"a result is never changed: {outcome}", "Immutable" in outcome
    )
