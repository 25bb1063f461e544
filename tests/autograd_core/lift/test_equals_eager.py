"""A lifted program computes what the recorded graph does: value, gradient, each sample's gradient, and the Hessian.

The reference is the eager engine, whose own derivatives are held to those of other engines elsewhere. The tolerance is
1e-12 of the largest number of each kind, as in the tests of random graphs.
"""

import numpy as np
import pytest
from expressions import close_to_a_kink
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lifted import WIRINGS, Function, eager, functions, nested, networks

from autograd_core import Value, dot, exp, lift, log, square, sum, tanh, where
from autograd_core.ops import step

COUNTS = {"numpy": (40, 1000), "numba": (2, 25), "jax": (3, 60), "torch": (10, 100)}
"""How many random programs, and networks, each backend is compared on: in any run, and under --everything."""


@pytest.fixture
def examples(request):
    """How many are drawn of each kind: as many as there is time for what has to compile, more under --everything."""
    few, many = COUNTS[request.node.callspec.params["backend"]]
    count = request.config.getoption("--examples") or (many if request.config.getoption("--everything") else few)
    return settings(
        derandomize=True, deadline=None, max_examples=count, database=None, suppress_health_check=[HealthCheck.too_slow]
    )


def close(found, expected):
    """Compare numbers, or arrays by name."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        largest = max([np.abs(array).max(initial=0.0) for array in expected.values()])
        pairs = [(found[name], expected[name]) for name in expected]
    else:
        largest, pairs = np.abs(expected).max(initial=0.0), [(found, expected)]
    for one, other in pairs:
        assert np.shape(one) == np.shape(other)
        assert np.all(np.abs(one - other) <= 1e-12 * max(largest, 1.0)), (one, other)


def at_a_kink(function):
    """Tell whether a rounding decides on which side of a kink some sample is."""
    samples = range(len(function.batch["x"]))
    rows = [{name: nested(array[i]) for name, array in function.batch.items()} for i in samples]
    return any([close_to_a_kink(function.f(**row)) for row in rows])


class Comparison:
    """A program beside the eager engine's numbers: value, gradient, and Hessian times a direction of each sample."""

    def __init__(self, function, backend):
        self.program = lift(function.f, inputs=function.inputs, params=function.params).to(backend)
        self.batch = dict(function.batch)
        rng = np.random.default_rng(0)
        self.direction = {name: rng.uniform(-1.0, 1.0, shape) for name, shape in self.program.params.items()}
        self.values, self.slopes, self.bends = eager(function, self.direction)
        self.weights = rng.uniform(0.0, 2.0, len(self.values))

    def value(self):
        close(self.program(**self.batch), self.values)

    def per_sample_gradient(self):
        close(self.program.per_sample_grad(**self.batch), self.slopes)

    def sum(self):
        total, gradient = self.program.value_and_grad(reduce="sum", **self.batch)
        close(total, self.values.sum())
        close(gradient, {name: slope.sum(axis=0) for name, slope in self.slopes.items()})

    def mean(self):
        total, gradient = self.program.value_and_grad(**self.batch)
        close(total, self.values.mean())
        close(gradient, {name: slope.mean(axis=0) for name, slope in self.slopes.items()})

    def weighted_sum(self):
        total, gradient = self.program.value_and_grad(weights=self.weights, **self.batch)
        close(total, self.weights @ self.values)
        close(gradient, {name: np.tensordot(self.weights, slope, 1) for name, slope in self.slopes.items()})

    def on_vectors(self):
        theta = np.concatenate([array.ravel() for array in self.program.arrays().values()])
        total, gradient = self.program.on_vectors()(*self.batch.values(), theta)
        close(total, self.values.mean())
        close(gradient, np.concatenate([slope.mean(axis=0).ravel() for slope in self.slopes.values()]))

    def slope(self):
        found, slope = self.program.jvp(self.direction, **self.batch)
        close(found, self.values)
        moved = [(self.slopes[name] * d).reshape(len(self.values), -1) for name, d in self.direction.items()]
        close(slope, np.concatenate(moved, axis=1).sum(axis=1))

    def hessian(self):
        found = self.program.hvp(self.direction, reduce="sum", **self.batch)
        close(found, {name: bend.sum(axis=0) for name, bend in self.bends.items()})


QUESTIONS = [name for name in vars(Comparison) if not name.startswith("_")]


def check(function, backend="numpy", questions=QUESTIONS):
    comparison = Comparison(function, backend)
    for question in questions:
        getattr(comparison, question)()


@pytest.mark.parametrize("backend", COUNTS)
@pytest.mark.parametrize("kind", [functions(), networks], ids=["irregular programs", "networks"])
def test_random_graphs_equal_the_eager_engine(examples, kind, backend):
    """NumPy answers every question about each of them; the others, which take a second to compile one, answer one."""
    pytest.importorskip(backend, reason=f"needs {backend}: pip install 'autograd-core[{backend}]'")

    @examples
    @given(kind, st.sampled_from(QUESTIONS))
    def property(function, question):
        assume(not at_a_kink(function))
        check(function, backend, QUESTIONS if backend == "numpy" else [question])

    property()


@pytest.mark.parametrize("wiring", WIRINGS)
def test_every_wiring_of_neurons_equals_the_eager_engine(wiring):
    check(WIRINGS[wiring]())


W, Q = [[Value(0.1 * i + 0.1) for i in range(n)] for n in (4, 2)]
ONE_ROW = [[Value(0.3), Value(-0.2), Value(0.5)]]
P = ONE_ROW[0]
AWKWARD = {
    "a row that reads the same place twice, by a table": (
        lambda x: sum([W[p] * square(sum([x[p], x[p]])) for p in (0, 1, 3)]), {"W": W},
    ),
    "a row with a repeated place, in a product": (
        lambda x: sum([tanh(a * x[0]) * tanh(x[q]) for a, q in zip(W[:3], (0, 1, 0), strict=True)]), {"W": W},
    ),
    "a matrix of one row beside a vector": (
        lambda x: sum([tanh(dot([P[0], P[1], P[i]], [P[2], P[1], Q[i]]) * x[0]) for i in range(2)]),
        {"P": ONE_ROW, "Q": Q},
    ),
    "an exponential that overflows on the branch that is not taken": (
        lambda x: where(step(1.0 - x[0]), log(1.0 + exp(x[0] * W[0])), x[0] * W[0]), {"W": W},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", AWKWARD)
def test_what_once_went_wrong_equals_the_eager_engine(case):
    f, params = AWKWARD[case]
    x = np.array([[0.3, -0.4, 0.5, 0.9], [9000.0, 0.2, 0.1, -0.3]])
    check(Function(f, params, {"x": x[:1]}))
    if "overflows" in case:  # the Hessian is nan there, in both
        check(Function(f, params, {"x": x}), questions=["value", "per_sample_gradient", "sum"])


@pytest.mark.parametrize(
    "name", ["loss", "slope", "total", "aux", "weights", "v_x", "rows1", "order1", "n", "np", "where"]
)
def test_parameters_may_have_any_name(name):
    w = [Value(0.5), Value(-0.25), Value(2.0)]
    function = Function(lambda x: sum([w[p] * tanh(x[p] * w[0]) for p in (0, 2, 1)]), {name: w}, {"x": np.ones((2, 3))})
    check(function)
