"""From outputs to a loss: softmax, labels ±1, the likelihood and its negative logarithm."""
# pyright: reportUnusedFunction=false
# The decorators register what is declared here.

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from autograd_core.ops import exp, logsumexp, pow, reciprocal, sigmoid, sub, sum
from autograd_core.value import Number, Value
from nn.lectures.ai50021 import network
from nn.lectures.ai50021.fixtures import NETS, SCORES, WORKED, labels
from nn.lectures.ai50021.scalar import error, leaves, nll, plain
from nn.lectures.graph import Nested, central, data, jacobian, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, closed_form, erratum, item

__all__ = [
    "from_one_hot",
    "likelihood",
    "logistic_of_two",
    "sample_nll",
    "softmax_jacobian",
    "softmax_of_two",
    "to_one_hot",
]

TRUE_CLASS: Array = labels([1], 3)[0]
"""The labels of a sample of class 2."""


@closed_form
def softmax_of_two(z1: Array, z2: Array) -> Array:
    """Return p_1 = exp(z_1) / (exp(z_1) + C) with C = exp(z_2)."""
    C = np.exp(z2)
    return np.exp(z1) / (np.exp(z1) + C)


@closed_form
def logistic_of_two(z1: Array) -> Array:
    """Return p_1(z_1, 0) = 1 / (exp(-z_1) + 1)."""
    return 1.0 / (np.exp(-z1) + 1.0)


@closed_form
def softmax_jacobian(z: Array) -> Array:
    """Return ∂p_c/∂z_k = p_c ([c = k] - p_k): c along rows, k along columns."""
    p = network.softmax(z)
    return np.diag(p) - np.outer(p, p)


@closed_form
def to_one_hot(y: Array) -> Array:
    """Return (y + 1)/2: from labels ±1 to 0 and 1."""
    return (y + 1.0) / 2.0


@closed_form
def from_one_hot(t: Array) -> Array:
    """Return 2t - 1: from labels 0 and 1 to ±1."""
    return 2.0 * t - 1.0


@closed_form
def likelihood(z: Array, y: Array) -> float:
    """Return Π_c p_c ** ((y_c + 1)/2) of one sample."""
    return float(np.prod(network.softmax(z) ** ((y + 1.0) / 2.0)))


@closed_form
def sample_nll(z: Array, y: Array) -> float:
    """Return -Σ_c log(p_c) (y_c + 1)/2 of one sample."""
    return -float(np.sum(np.log(network.softmax(z)) * (y + 1.0) / 2.0))


def _graph_softmax(z: Nested) -> list[Number]:
    parts = [exp(v) for v in z]
    whole = cast("Number", sum(parts))
    return [part / whole for part in parts]


# ---------------------------------------------------------------- softmax


@item(
    "ai50021.softmax",
    kind="formula",
    where='"The loss function"',
    statement="Softmax maps outputs to numbers that can stand for probabilities of classes.",
    latex=r"p_c = \frac{e^{z_c}}{\sum_{c'=1}^3 e^{z_{c'}}}",
    shapes="z, p: (classes,)",
    errata=("E-AI-8",),
)
def _softmax() -> Iterator[Evidence]:
    zs = values(SCORES)
    yield Comparison("p", network.softmax(SCORES), data(_graph_softmax(zs)))
    by_difference = np.array([central(lambda z, c=c: _graph_softmax(z)[c], SCORES) for c in range(3)])
    graph = jacobian(cast("list[Value]", _graph_softmax(zs)), zs)
    yield Comparison("∂p_c/∂z_k", softmax_jacobian(SCORES), graph, by_difference)


@item(
    "ai50021.softmax.sum1",
    kind="formula",
    where='"The loss function"',
    statement="The numbers that softmax gives add up to 1, so their derivatives add up to 0.",
    latex=r"\sum_{c=1}^3 p_c = 1",
)
def _sums_to_one() -> Iterator[Evidence]:
    ps = _graph_softmax(values(SCORES))
    yield Comparison("Σ p_c", np.asarray(network.softmax(SCORES).sum()), data(sum(ps)))
    off = abs(float(network.softmax(SCORES).sum()) - 1.0)
    yield Finding("Σ p_c", f"1 to within {off:.0e}", off <= 1e-14)
    columns = softmax_jacobian(SCORES).sum(axis=0)
    yield three_ways("Σ_c ∂p_c/∂z_k", lambda z: sum(_graph_softmax(z)), SCORES, columns)
    largest = float(np.abs(columns).max())
    yield Finding("Σ_c ∂p_c/∂z_k for each k", f"0 to within {largest:.0e}", largest <= 1e-14)


@item(
    "ai50021.softmax.2class",
    kind="formula",
    where='"The loss function"',
    statement="For two classes softmax is a logistic function of the first output, and of the difference in general.",
    latex=r"p_1(z_1, z_2) = \frac{e^{z_1}}{e^{z_1} + e^{z_2}}, \qquad p_1(z_1, 0) = \frac{1}{e^{-z_1} + 1}",
)
def _two_classes() -> Iterator[Evidence]:
    for pair in ([0.3, -0.9], [2.0, 1.0], [-1.0, 0.0]):
        z1, z2 = np.array(pair)
        p1 = softmax_of_two(z1, z2)
        graph = sigmoid(Value(pair[0]) - Value(pair[1]))
        yield Comparison(f"p_1{tuple(pair)} and σ(z_1 - z_2)", np.asarray(p1), data(graph))
        slope = p1 * (1.0 - p1) * np.array([1.0, -1.0])
        yield three_ways("∂p_1/∂z_1, ∂p_1/∂z_2", lambda z: reciprocal(exp(sub(z[1], z[0])) + 1.0), pair, slope)
        graph = sigmoid(cast("Value", values(z1)))
        yield Comparison(f"p_1({pair[0]}, 0)", np.asarray(logistic_of_two(z1)), data(graph))


# ---------------------------------------------------------------- labels and likelihood


@item(
    "ai50021.loss.labels",
    kind="convention",
    where='"The loss function"',
    statement="A sample has a label for each class: +1 for its own and -1 for the others, which (y + 1)/2 turns into 1 and 0.",
    latex=r"y_{c,i} = \begin{cases} 1 & c \text{ is the class of } x_i \\ -1 & \text{else} \end{cases}",
    errata=("E-AI-9",),
)
def _labels() -> Iterator[Evidence]:
    y, one_hot = labels([2, 0], 3), np.eye(3)[[2, 0]]
    there, back = bool(np.array_equal(to_one_hot(y), one_hot)), bool(np.array_equal(from_one_hot(one_hot), y))
    yield Finding("±1 to one-hot and back", f"there: {there}, back: {back}", there and back)
    p = network.softmax(SCORES)
    wrong = float(np.multiply.reduce(p**TRUE_CLASS))
    yield Finding(
        "with ±1 as exponents", f"Π p**y = {wrong:.3f} where p of the class is {p[1]:.3f}", abs(wrong - p[1]) > 0.5
    )


@item(
    "ai50021.loss.likelihood",
    kind="formula",
    where='"The loss function"',
    statement="The likelihood of a sample is the probability of its class, written as a product with exponents 0 and 1.",
    latex=r"\prod_{c=1}^3 p_c(x_i)^{(y_{c,i} + 1)/2}",
)
def _likelihood() -> Iterator[Evidence]:
    for scores in (SCORES, np.array([-0.4, 0.9, 0.1])):
        for c in range(3):
            y = labels([c], 3)[0]
            p = _graph_softmax(values(scores))
            powers = [pow(part, (label + 1.0) / 2.0) for part, label in zip(p, y.tolist(), strict=True)]
            yield Comparison(
                f"likelihood of class {c + 1}",
                np.asarray(likelihood(scores, y)),
                data(powers[0] * powers[1] * powers[2]),
            )
            yield Comparison(f"p of class {c + 1}", network.softmax(scores)[c], data(p[c]))


@item(
    "ai50021.loss.nll",
    kind="formula",
    where='"The loss function"',
    statement="The loss of a sample is the negative logarithm of its likelihood.",
    latex=r"-\sum_{c=1}^K \log(p_c(x_i)) \frac{y_{ci} + 1}{2}",
    notes="natural logarithm",
    errata=("E-AI-10",),
)
def _nll() -> Iterator[Evidence]:
    for c in range(3):
        y = labels([c], 3)[0]
        yield Comparison(
            f"NLL of class {c + 1}", np.asarray(sample_nll(SCORES, y)), data(nll(values(SCORES), y.tolist()))
        )
        slope = network.softmax(SCORES) - to_one_hot(y)
        yield three_ways("its derivative by z", lambda z, y=y: nll(z, y.tolist()), SCORES, slope)


@item(
    "ai50021.loss.equiv",
    kind="claim",
    where='"The loss function"',
    statement="The weights that make the likelihood largest make its negative logarithm smallest.",
    latex=r"\nabla\,\mathrm{NLL} = -\nabla \log p",
)
def _equivalent() -> Iterator[Evidence]:
    grid = np.linspace(-3.0, 3.0, 121)
    sharp = [np.array([0.8 * w**2, 1.5 * w, -w]) for w in grid]
    most = int(np.argmax([likelihood(z, TRUE_CLASS) for z in sharp]))
    least = int(np.argmin([sample_nll(z, TRUE_CLASS) for z in sharp]))
    found = f"likelihood largest at {grid[most]:.2f}, NLL smallest at {grid[least]:.2f}"
    yield Finding("one weight on 121 points", found, most == least and 0 < most < 120)
    slope = to_one_hot(TRUE_CLASS) - network.softmax(SCORES)
    yield three_ways("∇ log p = -∇ NLL", lambda z: sub(z[1], logsumexp(z)), SCORES, slope)


@item(
    "ai50021.loss.E",
    kind="formula",
    where='"The loss function"',
    statement="The loss of a data set is the sum over its samples.",
    latex=r"E = -\sum_{i \in \text{data}} \sum_{c=1}^K \log(p_c(x_i)) \frac{y_{ci} + 1}{2}",
    notes="a sum over samples, where others take the mean",
)
def _loss() -> Iterator[Evidence]:
    for net in NETS:
        z = network.forward(net.weights, net.biases, net.x, net.activations).activations[-1]
        graph = error(*leaves(net), net.x.tolist(), net.y.tolist(), net.activations)
        yield Comparison("E", np.asarray(network.loss(z, net.y)), data(graph))
        by_sample = np.sum([sample_nll(row, y) for row, y in zip(z, net.y, strict=True)])
        yield Comparison("E, sample by sample", np.asarray(by_sample), data(graph))


@item(
    "ai50021.loss.logsoftmax",
    kind="formula",
    where='"The loss function"',
    statement="With t, the logarithm of softmax, E is a weighted sum of t; subtracting a logsumexp computes it without overflow.",
    latex=r"t_c(z) = \log\frac{e^{z_c}}{\sum_{c'} e^{z_{c'}}} = z_c - \log\sum_{c'} e^{z_{c'}}",
    errata=("E-AI-11",),
)
def _log_softmax() -> Iterator[Evidence]:
    for scores in (SCORES, np.array([1000.0, 0.5, -3.0])):
        zs = values(scores)
        yield Comparison("t", network.log_softmax(scores), data([z - logsumexp(zs) for z in zs]))
    slope = np.array([1.0, 0.0, 0.0]) - network.softmax(SCORES)
    yield three_ways("∂t_1/∂z: depends on all outputs", lambda z: sub(z[0], logsumexp(z)), SCORES, slope)


@item(
    "ai50021.loss.on_activations",
    kind="architecture",
    where='"The loss function", the graphs',
    statement="Softmax takes the activated outputs z = g(a), so a g with a bounded range bounds the probabilities too.",
    notes="others give softmax the linear scores a: the same labels then have another loss and another gradient, without g'(a)",
    errata=("E-X-2",),
)
def _on_activations() -> Iterator[Evidence]:
    for g, low in (("sigmoid", 0.0), ("tanh", -1.0)):
        best = np.array([1.0, low, low])
        highest = float(network.softmax(best)[0])
        steep = network.backward([1e3 * np.eye(3)], [None], labels([0], 3), labels([0], 3), [g]).loss
        found = f"p at most {highest:.4f}, so NLL at least {-np.log(highest):.4f}; a = ±1000 gives {steep:.4f}"
        yield Finding(f"three classes with g = {g}", found, abs(steep + np.log(highest)) < 1e-12)
    (W1, W2), biases = plain(WORKED)
    x, y = WORKED.x.tolist(), WORKED.y.tolist()
    by_hand = network.backward(WORKED.weights, WORKED.biases, WORKED.x, WORKED.y, WORKED.activations)
    yield three_ways(
        "∂E/∂W^(2) with g on the outputs", lambda W: error([W1, W], biases, x, y, ["tanh"] * 2), W2, by_hand.weights[-1]
    )
    linear = network.backward(WORKED.weights, WORKED.biases, WORKED.x, WORKED.y, ["tanh", "identity"])
    yield three_ways(
        "the same on scores", lambda W: error([W1, W], biases, x, y, ["tanh", "identity"]), W2, linear.weights[-1]
    )
    gap = float(np.abs(linear.weights[-1] - by_hand.weights[-1]).max())
    yield Finding("the two gradients", f"differ by up to {gap:.3f}", gap > 1e-3)


# ---------------------------------------------------------------- errata

erratum(
    "E-AI-8",
    kind="o",
    lecture="ai50021",
    printed="the LaTeX of softmax lacks a closing brace, twice",
    right=r"\frac{e^{z_c}}{\sum_{c'=1}^3 e^{z_{c'}}}",
    lesson="The sum runs over an index of its own, c': the c of the numerator is one of its values.",
)(None)

erratum(
    "E-AI-9",
    kind="n",
    lecture="ai50021",
    printed="the likelihood resembles h**γ (1 - h)**(1 - γ), beside labels of ±1",
    right="there the exponent y is 0 or 1; with labels ±1 it is (y + 1)/2",
    lesson="Exponents 0 and 1 select a factor; an exponent -1 divides by it. Look which labels a formula is meant for before using it.",
)(None)

erratum(
    "E-AI-10",
    kind="n",
    lecture="ai50021",
    printed="products and softmax run to 3, sums to K",
    right="all run over the K classes, of which there are three in the example",
    lesson="A number and a letter for the same thing in one formula invite the reader to think that they differ.",
)(None)

erratum(
    "E-AI-11",
    kind="n",
    lecture="ai50021",
    printed="t(z_c), a function of one output",
    right="t_c(z_1, ..., z_K): its denominator holds all outputs, and ∂t_1/∂z_2 = -p_2",
    lesson="What stands in the brackets decides which derivatives one thinks of: with t(z_c) the terms -p_k are easily forgotten.",
)(None)
