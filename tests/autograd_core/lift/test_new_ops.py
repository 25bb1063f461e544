"""An op that is added to the table lifts with no other edit: a backend that has no function for it takes its formula."""

import math

import numpy as np
import pytest
from messages import message_of

from autograd_core import ArgumentError, Value, dot, lift, ops
from autograd_core.lift import spelling
from autograd_core.lift.backends import numpy_functions
from autograd_core.op import OPS, Binary, Reduction, Unary


@pytest.fixture
def table():
    """Give the table back as it was."""
    before = dict(OPS)
    yield
    for name in set(OPS) - set(before):
        del OPS[name]


@pytest.fixture
def softsign(table):
    return Unary(
        name="softsign", value=lambda x: x / (1.0 + math.fabs(x)),
        partials=(lambda x, y: ops.square(ops.reciprocal(1.0 + ops.abs(x))),),
        latex=r"\\frac{{{0}}}{{1 + \\left|{0}\\right|}}", code="{0} / (1 + ({0} if {0} > 0 else -{0}))", group="activations",
    )  # fmt: skip


@pytest.fixture
def gap(table):
    return Binary(
        name="gap", value=lambda a, b: max(a, b) - min(a, math.exp(b)),
        partials=(lambda a, b, y: ops.step(a - b), lambda a, b, y: ops.step(b - a)),
        latex="{0}, {1}", code="max({0}, {1}) - min({0}, exp({1}))", group="piecewise",
    )  # fmt: skip


X = np.array([[-3.0, 0.25], [1.5, -0.5]])


@pytest.mark.parametrize("backend", ["numpy", "numba", "jax", "torch"])
def test_a_new_op_runs_on_every_backend_by_its_formula(backend, softsign, gap):
    pytest.importorskip(backend, reason=f"needs {backend}: pip install 'autograd-core[{backend}]'")
    w = [Value(2.0), Value(-1.0)]
    program = lift(lambda x: softsign(dot(w, x)) + gap(x[0], x[1]), inputs={"x": 2}, params={"w": w}).to(backend)
    scores = X @ [2.0, -1.0]
    expected = scores / (1.0 + np.abs(scores)) + X.max(axis=1) - np.minimum(X[:, 0], np.exp(X[:, 1]))
    assert program(x=X) == pytest.approx(expected, rel=1e-15)
    slopes = X / (1.0 + np.abs(scores))[:, None] ** 2
    assert program.per_sample_grad(x=X)["w"] == pytest.approx(slopes, rel=1e-15)


def test_the_formula_stands_before_the_program(softsign):
    source = lift(lambda x: softsign(x), inputs={"x": ()}, params={}).source  # noqa: PLW0108 - an op takes no keyword
    assert source.startswith("def softsign(x):\n    return x / (1 + where(x > 0, x, -x))\n\n\ndef f(x):\n")


def test_a_new_op_of_rows_is_lifted_by_the_smaller_ops_that_it_expands_to(table):
    length = Reduction(
        name="length", value=lambda xs: math.sqrt(math.fsum([x * x for x in xs])),
        partials=(lambda xs, y: [ops.div(x, y) for x in xs],), latex="{0}", code="sqrt(sum(x * x for x in {0}))",
        group="reductions", expands=lambda xs: ops.sqrt(ops.dot(xs, xs)),
    )  # fmt: skip
    w = [Value(3.0), Value(4.0)]
    program = lift(lambda x: length([a * x for a in w]), inputs={"x": ()}, params={"w": w})
    assert program(x=[1.0, 2.0]).tolist() == [5.0, 10.0]
    assert program.per_sample_grad(x=[1.0])["w"] == pytest.approx(np.array([[0.6, 0.8]]), rel=1e-15)


def test_one_that_expands_to_nothing_is_named(table):
    median = Reduction(
        name="median", value=lambda xs: sorted(xs)[len(xs) // 2], partials=(lambda xs, y: [ops.same(x, y) for x in xs],),
        latex="{0}", code="sorted({0})", group="reductions",
    )  # fmt: skip
    assert message_of(ArgumentError, lambda: lift(lambda x: median(x), inputs={"x": 3}, params={})) == (  # noqa: PLW0108
        "median is an op of rows that lift does not know, and it does not say what it expands to: give it an expands"
    )


def test_each_backend_has_the_functions_that_it_is_said_to_have():
    assert set(numpy_functions.__all__) & set(OPS) == spelling.NUMPY.functions | {"logsumexp"}
