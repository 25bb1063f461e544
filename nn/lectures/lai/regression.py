"""Multinomial logistic regression: one layer of softmax, where everything after it starts."""

# pyright: reportUnusedFunction=false
# Evidence is called by the registry that the decorator puts it in.

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from nn import Layer
from nn.lectures.graph import Nested, data, jacobian, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, item
from nn.lectures.lai import forms
from nn.lectures.lai.nets import BIAS, THETA, WEIGHTS, X, Y, activated, entropy, regression_loss, weighted
from nn.losses import nllm

EXAMPLE, LABEL = X[0], Y[0]
SCORES = (np.array([-0.3, -0.7, 0.95]), np.array([0.4, -1.2, 0.1, 2.3]))


def example_loss(W: Nested, b: Nested) -> Nested:
    """Return the cross-entropy of the first example."""
    return _loss_of_scores(weighted(W, EXAMPLE.tolist(), b), LABEL.tolist())


def _loss_of_scores(z: Nested, y: list[float]) -> Nested:
    return entropy(activated("softmax", z), y, "softmax")


def predicted() -> Array:
    """Return ŷ of the first example by the closed forms."""
    return forms.softmax(forms.score(EXAMPLE, WEIGHTS, BIAS))


@item(
    "lai.mlr.params",
    kind="definition",
    where='"Multinomial Logistic Regression"',
    statement="Each class has a weight vector and a bias of its own.",
    shapes="W: (n, K), b: (K,)",
)
def _parameters() -> Iterator[Evidence]:
    n, classes = WEIGHTS.shape
    count = len(Layer(n, classes, "identity", rng=0).parameters())
    found = f"n K + K = {n * classes + classes}, and nn.Layer has {count} parameters"
    yield Finding(f"{n} features, {classes} classes", found, count == n * classes + classes)
    W = values(WEIGHTS)
    own = jacobian(weighted(W, EXAMPLE.tolist(), BIAS.tolist()), W)
    formula = np.zeros((classes, n, classes))
    for c in range(classes):
        formula[c, :, c] = EXAMPLE
    yield Comparison("∂z_c/∂W: the weights of class c move no other score", formula, own)


@item(
    "lai.mlr.score",
    kind="formula",
    where='"Multinomial Logistic Regression"',
    statement="The score of a class is its weights times the features, plus its bias.",
    latex=r"z_c = \sum_{j=1}^n w_{jc} x_j + b_c = \mathbf w_c \cdot \mathbf x + b_c",
    shapes="x: (n,), w_c: column c of W",
)
def _score() -> Iterator[Evidence]:
    for x in X:
        z = weighted(values(WEIGHTS), x.tolist(), values(BIAS))
        yield Comparison(f"z of x = {x.tolist()}", forms.score(x, WEIGHTS, BIAS), data(z))


@item(
    "lai.softmax",
    kind="formula",
    where='"Multinomial Logistic Regression"',
    statement="Softmax turns the scores of all classes into probabilities that add up to 1.",
    latex=r"\hat y_c = \frac{e^{z_c}}{\sum_{k=1}^K e^{z_k}} = P(y = c \mid \mathbf x)",
    shapes="z, ŷ: (K,)",
    errata=("E-LAI-1",),
)
def _softmax() -> Iterator[Evidence]:
    for z in SCORES:
        yhat = forms.softmax(z)
        leaves = values(z)
        outputs = activated("softmax", leaves)
        yield Comparison("ŷ", yhat, data(outputs))
        yield Comparison(
            "∂ŷ_i/∂z_k = ŷ_i ([i = k] - ŷ_k)", np.diag(yhat) - np.outer(yhat, yhat), jacobian(outputs, leaves)
        )
        shifted = forms.softmax(z + 7.5)
        found = f"Σ ŷ = {np.sum(yhat):.15g}, moved by 7.5 ŷ differs by {np.max(np.abs(shifted - yhat)):.1e}"
        holds = bool(np.isclose(np.sum(yhat), 1.0) and np.allclose(shifted, yhat, atol=1e-14))
        yield Finding("ŷ adds up to 1, and only differences of scores count", found, holds)
    far = np.array([1000.0, 0.0])
    with np.errstate(over="ignore", invalid="ignore"):
        naive = np.exp(far) / np.sum(np.exp(far))
    yield Comparison("ŷ of z = (1000, 0)", forms.softmax(far), data(activated("softmax", values(far))))
    found = f"as it stands {naive.tolist()}, moved by the largest score {forms.softmax(far).tolist()}"
    yield Finding(
        "the formula as it stands overflows", found, bool(np.isnan(naive[0]) and forms.softmax(far)[0] == 1.0)
    )


@item(
    "lai.ce",
    kind="formula",
    where='"Multinomial Logistic Regression"',
    statement="The cross-entropy of an example is -log of the probability that was given to its class.",
    latex=r"L_{CE}(\hat y, y) = -\sum_{k=1}^K y_k \log \hat y_k",
    notes="of one example; natural logarithms",
)
def _cross_entropy() -> Iterator[Evidence]:
    for z, y in ((SCORES[0], LABEL), (SCORES[1], np.array([0.2, 0.1, 0.4, 0.3]))):
        formula = forms.cross_entropy(forms.softmax(z), y)
        yield Comparison(f"L of y = {y.tolist()}", formula, data(nllm(activated("softmax", values(z)), y.tolist())))
    yhat = np.array([0.2, 0.7, 0.1])
    f = partial(entropy, y=[0.0, 0.6, 0.4], activation="softmax")
    yield three_ways("∂L/∂ŷ = -y/ŷ", f, yhat, -np.array([0.0, 0.6, 0.4]) / yhat)


@item(
    "lai.softmax.dW",
    kind="gradient",
    where='"Multinomial Logistic Regression"',
    statement="The slope by a weight is the error of its class times its feature.",
    latex=r"\frac{\partial L}{\partial w_{jk}} = (\hat y_k - y_k) x_j",
    shapes="(n, K)",
    notes="of one example",
)
def _weights() -> Iterator[Evidence]:
    f = partial(example_loss, b=BIAS.tolist())
    yield three_ways("∂L/∂W of one example", f, WEIGHTS, forms.example_gradient(EXAMPLE, predicted(), LABEL))


@item(
    "lai.softmax.db",
    kind="gradient",
    where='"Multinomial Logistic Regression"',
    statement="The slope by a bias is the error of its class.",
    latex=r"\frac{\partial L}{\partial b_k} = \hat y_k - y_k",
    shapes="(K,)",
    notes="of one example",
)
def _biases() -> Iterator[Evidence]:
    slope = forms.delta_output(predicted(), LABEL)
    yield three_ways("∂L/∂b of one example", partial(example_loss, WEIGHTS.tolist()), BIAS, slope)
    total = float(np.sum(slope))
    yield Finding("what one class gains the others lose", f"Σ ∂L/∂b = {total:.1e}", abs(total) < 1e-15)


@item(
    "lai.softmax.dz",
    kind="gradient",
    where="implied",
    statement="The slope by the scores is what was predicted less what was true.",
    latex=r"\frac{\partial L}{\partial z} = \hat y - y",
    shapes="(K,)",
)
def _scores() -> Iterator[Evidence]:
    for z, y in ((SCORES[0], LABEL), (SCORES[1], np.array([0.2, 0.1, 0.4, 0.3]))):
        formula = forms.delta_output(forms.softmax(z), y)
        yield three_ways("∂L/∂z", partial(_loss_of_scores, y=y.tolist()), z, formula)


@item(
    "lai.mlr.matrix",
    kind="formula",
    where='"Multinomial Logistic Regression"',
    statement="All examples at once: a matrix of features, with the dummy, times Θ, and softmax of each row.",
    latex=r"\hat y = \mathrm{softmax}(x \cdot \Theta)",
    shapes="x: (m, n + 1), Θ: (n + 1, K), ŷ: (m, K)",
)
def _all_examples() -> Iterator[Evidence]:
    theta = forms.stacked(WEIGHTS, BIAS)
    rows = [activated("softmax", weighted(values(WEIGHTS), x, values(BIAS))) for x in X.tolist()]
    yield Comparison("ŷ of all examples", forms.layer(X, theta, "softmax"), np.array([data(row) for row in rows]))
    yield Comparison("Θ, the bias last", theta, THETA)
    shapes = forms.with_dummy(X).shape, theta.shape
    yield Finding("m = 4, n = 2, K = 3", f"x {shapes[0]}, Θ {shapes[1]}", shapes == ((4, 3), (3, 3)))


@item(
    "lai.conv.dummy",
    kind="convention",
    where='"Multinomial Logistic Regression"',
    statement="A feature that is always 1 is part of x, so that Θ holds the weights and the bias.",
    latex=r"[x\ 1] \cdot \Theta = x W + b",
    notes="here the dummy comes last; the slides do not say where",
    errata=("E-LAI-2",),
)
def _dummy() -> Iterator[Evidence]:
    yield Comparison("x Θ = x W + b", forms.with_dummy(X) @ forms.stacked(WEIGHTS, BIAS), forms.score(X, WEIGHTS, BIAS))
    last = forms.theta_gradient(forms.with_dummy(X), forms.layer(X, THETA, "softmax"), Y)
    first = np.column_stack([np.ones(4), X])
    f = partial(regression_loss, x=first.tolist())
    yield three_ways("∇L with the dummy first: the rows change places", f, THETA[[2, 0, 1]], last[[2, 0, 1]])


@item(
    "lai.mlr.dTheta",
    kind="gradient",
    where='"Multinomial Logistic Regression"',
    statement="The gradient over all examples is one product of matrices.",
    latex=r"\nabla L = \frac1m\, x^\top (\hat y - y)",
    shapes="(n + 1, m)(m, K) = (n + 1, K)",
    notes="L is the mean of the cross-entropy over the m examples, which the slides never say",
    errata=("E-LAI-3",),
)
def _theta() -> Iterator[Evidence]:
    x = forms.with_dummy(X)
    formula = forms.theta_gradient(x, forms.layer(X, THETA, "softmax"), Y)
    yield three_ways("∇L of the mean over 4 examples", partial(regression_loss, x=x.tolist()), THETA, formula)
    single = np.array([forms.example_gradient(row, forms.softmax(row @ THETA), y) for row, y in zip(x, Y, strict=True)])
    yield Comparison("the mean of the gradients of single examples", np.mean(single, axis=0), formula)
