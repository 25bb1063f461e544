"""Functions to lift, each with its inputs and its parameters, and what the eager engine makes of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from expressions import OURS, programs
from hypothesis import strategies as st

from autograd_core import Value, dot, gradients, identity, logsumexp, relu, sigmoid, softplus, sqrt, square, sum, tanh
from autograd_core.lift.trace import leaves_of

__all__ = ["WIRINGS", "Function", "eager", "functions", "mlp", "nested", "networks"]


@dataclass(frozen=True)
class Function:
    """A function of one sample, and where it is to be evaluated.

    ``batch`` holds an array for each input, with the batch axis first.
    """

    f: Callable
    params: Mapping[str, object]
    batch: Mapping[str, np.ndarray]

    @property
    def inputs(self):
        return {name: array.shape[1:] for name, array in self.batch.items()}

    @property
    def leaves(self):
        return {name: leaves.values for name, leaves in leaves_of(self.params).items()}


def nested(array):
    """Return an array as nested lists of Values."""
    return Value(float(array)) if np.ndim(array) == 0 else [nested(row) for row in array]


def eager(function: Function, direction: Mapping[str, np.ndarray]):
    """Return value, gradient and Hessian times direction of each sample, from the recorded graph of each."""
    shapes = {name: leaves.shape for name, leaves in leaves_of(function.params).items()}
    leaves = [v for values in function.leaves.values() for v in values]
    v = np.concatenate([direction[name].ravel() for name in shapes])
    values, slopes, bends = [], [], []
    for i in range(len(next(iter(function.batch.values())))):
        y = function.f(**{name: nested(array[i]) for name, array in function.batch.items()})
        first = gradients(y, leaves)
        bend = gradients(dot(first, v.tolist()), leaves)
        values.append(y.data)
        slopes.append([g.data for g in first])
        bends.append([g.data for g in bend])
    return np.array(values), by_name(np.array(slopes), shapes), by_name(np.array(bends), shapes)


def by_name(table, shapes):
    """Return the columns of a table, one row a sample, as the arrays that they stand for."""
    found, start = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        found[name] = table[:, start : start + size].reshape(len(table), *shape)
        start += size
    return found


# ---------------------------------------------------------------- random irregular graphs


@st.composite
def functions(draw: st.DrawFn, longest: int = 30) -> Function:
    """Draw a random program; some of its numbers are inputs, the others parameters, one by one or in a row."""
    program = draw(programs(longest))
    # Which of two numbers is greater may differ from sample to sample, so a lifted branch has to be an op.
    steps = tuple([("maximum" if name == "where" else name, i, j) for name, i, j in program.steps])
    program = replace(program, steps=steps)
    inputs = draw(st.integers(1, len(program.at) - 1))
    weights = [Value(x) for x in program.at[inputs:]]
    params = {"a": weights[0], "row": weights[1:]} if len(weights) > 1 else {"a": weights[0]}
    size = draw(st.integers(1, 3))
    at = np.random.default_rng(draw(st.integers(0, 99))).uniform(-1.0, 1.0, (size, inputs))
    return Function(lambda x: program(OURS, [*x, *weights])[-1], params, {"x": at})


# ---------------------------------------------------------------- networks, written by hand, scalar by scalar

ACTIVATIONS = {"tanh": tanh, "sigmoid": sigmoid, "relu": relu, "softplus": softplus, "identity": identity}
LOSSES = {
    "squares": lambda z, y: sum([square(a - b) for a, b in zip(z, y, strict=True)]),
    "softmax": lambda z, y: sum(y) * logsumexp(z) - dot(y, z),
    "hinge": lambda z, y: sum([relu(1.0 - a * b) for a, b in zip(z, y, strict=True)]),
}


def weights(rng: Random, *shape: int):
    """Return nested lists of Values."""
    if not shape:
        return Value(rng.uniform(-1.0, 1.0))
    return [weights(rng, *shape[1:]) for _ in range(shape[0])]


def mlp(
    sizes, activation="tanh", loss="softmax", *, seed=0, batch=2, shared=False, shortcut=False, neuron=None
) -> Function:
    """Return an MLP with its loss; equally wide layers may share their weights, or skip from one to the next."""
    rng = Random(seed)
    params, layers = {}, []
    for i in range(1, len(sizes)):
        if not (shared and i > 1 and sizes[i - 1 : i + 1] == sizes[i - 2 : i]):
            last = params[f"W{i}"], params[f"b{i}"] = weights(rng, sizes[i], sizes[i - 1]), weights(rng, sizes[i])
        layers.append(last)
    neuron = neuron or (lambda w, x, b: dot(w, x) + b)

    def f(x, y):
        for i, (W, b) in enumerate(layers):
            z = [neuron(w, x, bias) for w, bias in zip(W, b, strict=True)]
            h = z if i == len(layers) - 1 else [ACTIVATIONS[activation](v) for v in z]
            x = [a + b for a, b in zip(h, x, strict=True)] if shortcut and len(h) == len(x) else h
        return LOSSES[loss](x, y)

    numbers = np.random.default_rng(seed)
    x = numbers.uniform(-1.0, 1.0, (batch, sizes[0]))
    y = (
        numbers.choice([-1.0, 1.0], (batch, sizes[-1]))
        if loss == "hinge"
        else numbers.uniform(0.0, 1.0, (batch, sizes[-1]))
    )
    return Function(f, params, {"x": x, "y": y})


networks = st.builds(
    mlp,
    st.lists(st.integers(1, 4), min_size=2, max_size=5),
    st.sampled_from(list(ACTIVATIONS)),
    st.sampled_from(list(LOSSES)),
    seed=st.integers(0, 99),
    batch=st.integers(1, 3),
    shared=st.booleans(),
    shortcut=st.booleans(),
)


# ---------------------------------------------------------------- other wirings of neurons


def drawn(f, params, **shapes) -> Function:
    """Return a function with inputs of these shapes, drawn for three samples."""
    rng = np.random.default_rng(0)
    return Function(f, params, {name: rng.uniform(-1.0, 1.0, (3, *shape)) for name, shape in shapes.items()})


def recurrent(steps=20) -> Function:
    """h_t = tanh(W x_t + U h_{t-1} + b), read out at the end; the weights are those of every step."""
    rng = Random(0)
    W, U, b, v = weights(rng, 4, 3), weights(rng, 4, 4), weights(rng, 4), weights(rng, 4)

    def f(x):
        h = [0.0] * 4
        for t in range(steps):
            h = [tanh(dot(W[i], x[t]) + dot(U[i], h) + b[i]) for i in range(4)]
        return square(dot(v, h))

    return drawn(f, {"W": W, "U": U, "b": b, "v": v}, x=(steps, 3))


def convolution(length=12) -> Function:
    """One filter of three weights along a row of numbers."""
    w = weights(Random(0), 3)
    return drawn(lambda x: sum([tanh(dot(w, x[t : t + 3])) for t in range(length - 2)]), {"w": w}, x=(length,))


def convolution_of_channels() -> Function:
    """Four filters over three steps of two channels, each a sum of dots."""
    w = weights(Random(0), 4, 3, 2)

    def f(x):
        return sum([tanh(sum([dot(w[c][k], x[t + k]) for k in range(3)])) for t in range(6) for c in range(4)])

    return drawn(f, {"w": w}, x=(8, 2))


def two_convolutions() -> Function:
    """A filter on the results of another."""
    w, v = weights(Random(0), 3), weights(Random(1), 3)

    def f(x):
        h = [tanh(dot(w, x[t : t + 3])) for t in range(10)]
        return sum([tanh(dot(v, h[t : t + 3])) for t in range(8)])

    return drawn(f, {"w": w, "v": v}, x=(12,))


def two_heads() -> Function:
    """One hidden layer, read by two losses."""
    rng = Random(0)
    W, A, B = weights(rng, 5, 3), weights(rng, 2, 5), weights(rng, 3, 5)

    def f(x):
        h = [tanh(dot(w, x)) for w in W]
        return logsumexp([dot(a, h) for a in A]) + sum([square(dot(b, h)) for b in B])

    return drawn(f, {"W": W, "A": A, "B": B}, x=(3,))


def siamese() -> Function:
    """Two inputs through the same weights, and how far apart they come out."""
    W = weights(Random(0), 5, 3)

    def f(x, other):
        return sum([square(tanh(dot(w, x)) - tanh(dot(w, other))) for w in W])

    return drawn(f, {"W": W}, x=(3,), other=(3,))


def bilinear() -> Function:
    """Each entry of a matrix times one number of each of two inputs."""
    W = weights(Random(0), 3, 4)
    return drawn(
        lambda x, y: sum([x[i] * W[i][j] * y[j] for i in range(3) for j in range(4)]), {"W": W}, x=(3,), y=(4,)
    )


def masked() -> Function:
    """Dropout, whose mask comes as an input."""
    W, v = weights(Random(0), 5, 3), weights(Random(1), 5)
    return drawn(lambda x, mask: dot(v, [tanh(dot(w, x)) * m for w, m in zip(W, mask, strict=True)]), {"W": W, "v": v}, x=(3,), mask=(5,))  # fmt: skip


def polynomial() -> Function:
    """Powers of one number, each with a weight."""
    a = weights(Random(0), 4)
    return drawn(lambda x: a[0] + a[1] * x + a[2] * x**2 + a[3] * x**3, {"a": a}, x=())


def normalised() -> Function:
    """Batch normalisation of four samples, which are one input."""
    rng = Random(0)
    W, v, scale, shift = weights(rng, 5, 3), weights(rng, 5), weights(rng, 5), weights(rng, 5)

    def f(x):
        z = [[dot(w, row) for w in W] for row in x]
        columns = []
        for j in range(5):
            centre = sum([row[j] for row in z]) / 4.0
            spread = sqrt(sum([square(row[j] - centre) for row in z]) / 4.0 + 1e-5)
            columns.append([scale[j] * (row[j] - centre) / spread + shift[j] for row in z])
        return sum([square(dot(v, [tanh(column[i]) for column in columns])) for i in range(4)])

    return drawn(f, {"W": W, "v": v, "scale": scale, "shift": shift}, x=(4, 3))


WIRINGS = {
    f.__name__: f
    for f in (
        recurrent, convolution, convolution_of_channels, two_convolutions, two_heads, siamese, bilinear, masked, polynomial,
        normalised,
    )
}  # fmt: skip
