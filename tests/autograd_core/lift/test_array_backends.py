"""Lifted programs on JAX and on PyTorch: the eager graph's numbers, from NumPy arrays to NumPy arrays, and nothing else touched."""

import itertools
import math
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from lifted import nested
from messages import message_of

from autograd_core import MissingExtraError, Value, gradients, lift, ops
from autograd_core.lift.source import written
from autograd_core.lift.spelling import JAX, TORCH
from autograd_core.op import OPS, Pairing, Reduction

ROOT = Path(__file__).parents[3]

INF, NAN = math.inf, math.nan
OF_NUMBERS = [op for op in OPS.values() if not isinstance(op, Reduction | Pairing)]
OF_ROWS = [op for op in OPS.values() if isinstance(op, Reduction | Pairing)]

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 3.0, -2.0, INF, -INF, NAN, 1e300, -1e300, 1e-300, -1e-160, 1e-9, 1 - 1e-10]
STEEP = [30.0, -30.0, 38.5, -38.5, 709.0, -709.0, -720.0, -760.0, 0.7, -1.3, 7.0, 1e6]
ROWS = [
    [1.0, -2.0, 3.0],
    [2.0, 2.0, 2.0],
    [-INF, -INF, -INF],
    [INF, 1.0, 2.0],
    [NAN, INF, 1.0],
    [1000.0, 999.0, -1000.0],
]

close = {"rtol": 1e-12, "atol": 1e-300}  # XLA takes numbers below the smallest normal one for 0


@pytest.fixture(params=["jax", "torch"])
def backend(request):
    name = {"jax": "JAX", "torch": "PyTorch"}[request.param]
    pytest.importorskip(request.param, reason=f"needs {name}: pip install 'autograd-core[{request.param}]'")
    return request.param


def each(ops):
    return pytest.mark.parametrize("op", ops, ids=lambda op: op.name)


def points(count):
    if count == 1:
        return np.array(SPECIAL + STEEP)[:, None]
    return np.array(list(itertools.product(SPECIAL + STEEP if count == 2 else SPECIAL[:11], repeat=count)))


# ---------------------------------------------------------------- ops


@each(OF_NUMBERS)
def test_an_op_of_numbers_has_the_tables_value(backend, op):
    at = points(len(op.partials))
    found = lift(lambda x: op(*x), inputs={"x": at.shape[1]}, params={}).to(backend)(x=at)
    np.testing.assert_allclose(found, [op.value(*map(float, point)) for point in at], **close)


@each([op for op in OF_NUMBERS if len(op.partials) > 1])
def test_an_op_takes_numbers_in_any_place(backend, op):
    count = len(op.partials)
    for place in range(count):
        numbers = [0.25, 0.5, 0.75][:count]
        program = lift(
            lambda x, place=place, numbers=numbers: op(*[x if i == place else c for i, c in enumerate(numbers)]),
            inputs={"x": ()},
            params={},
        )
        at = [-0.3, 0.0, 0.4, 2.0]
        expected = [op.value(*[x if i == place else c for i, c in enumerate(numbers)]) for x in at]
        np.testing.assert_allclose(program.to(backend)(x=at), expected, **close)


@each(OF_ROWS)
def test_an_op_of_rows_has_the_tables_value(backend, op):
    pairs = [*itertools.product(ROWS, ROWS)] if isinstance(op, Pairing) else [(row,) for row in ROWS]
    rows = [f"x{i}" for i in range(len(pairs[0]))]
    program = lift(lambda **given: op(*given.values()), inputs=dict.fromkeys(rows, 3), params={}).to(backend)
    found = program(**dict(zip(rows, np.swapaxes(pairs, 0, 1), strict=True)))
    np.testing.assert_allclose(found, [op.value(*pair) for pair in pairs], **close)


def test_the_lower_tails_are_minus_zero(backend):
    tails = lift(lambda x: (ops.gelu(x), [ops.silu(x)]), inputs={"x": ()}, params={}, has_aux=True).to(backend)
    gelu, (silu,) = tails(x=-INF)
    assert [math.copysign(1.0, gelu), math.copysign(1.0, silu)] == [-1.0, -1.0]


# ---------------------------------------------------------------- programs


def leaves(tensor):
    """Return the Values that are nested in lists, in order."""
    return [v for row in tensor for v in leaves(row)] if isinstance(tensor, list) else [tensor]


def values(*shape):
    return nested(np.random.default_rng(shape).uniform(-1.0, 1.0, shape))


def network(activation):
    """Return a network 3 - 4 - 2, and its weights."""
    W1, b1, W2, b2 = values(4, 3), values(4), values(2, 4), values(2)

    def outputs(x):
        hidden = [activation(ops.dot(row, x) + b) for row, b in zip(W1, b1, strict=True)]
        return [ops.dot(row, hidden) + b for row, b in zip(W2, b2, strict=True)]

    return outputs, {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


def classifier():
    net, params = network(ops.tanh)
    return lambda x, y: ops.logsumexp(net(x)) - ops.dot(y, net(x)), {"x": 3, "y": 2}, params


def hinge():
    net, params = network(ops.relu)
    return lambda x, t: ops.relu(1.0 - t * net(x)[0]), {"x": 3, "t": ()}, params


def regression():
    net, params = network(ops.sigmoid)
    return lambda x, y: ops.sum([ops.square(a - b) for a, b in zip(net(x), y, strict=True)]), {"x": 3, "y": 2}, params


def convolution():
    K = values(2, 3)

    def f(x):
        maps = [[ops.tanh(ops.dot(k, x[i : i + 3])) for i in range(0, 5, 2)] for k in K]
        return ops.logsumexp([ops.max(row) for row in maps]) + ops.sum([ops.min(row) for row in maps])

    return f, {"x": 7}, {"K": K}


def attention():
    v = Value(0.7)

    def f(x):
        return ops.sum([ops.dot(ops.softmax([ops.dot(a, b) for b in x]), [b[0] * v for b in x]) for a in x])

    return f, {"x": (3, 2)}, {"v": v}


def bilinear():
    W = values(3, 4)

    def f(x):
        return ops.sum([ops.tanh(ops.dot(row, [w[j] for w in W])) * row[0] for row in x for j in range(4)])

    return f, {"x": (2, 3)}, {"W": W}


def scattered():
    w = values(5)
    return lambda x: ops.sum([ops.sin(x[i] * w[j]) for i, j in [(0, 3), (2, 1), (4, 4), (1, 0)]]), {"x": 5}, {"w": w}


def reversed_rows():
    w = values(5)
    return lambda x: ops.dot(list(x)[::-1], w) + ops.dot(x[::2], w[:3][::-1]), {"x": 5}, {"w": w}


def infinite_bounds():
    w = values(3)
    return lambda x: ops.clip(ops.dot(w, x), -INF, 0.5), {"x": 3}, {"w": w}


def parameters_alone():
    w, W = Value(0.3), values(3, 4)
    return lambda x: w * w + ops.exp(W[0][0]), {"x": 2}, {"w": w, "W": W}


PROGRAMS = [
    classifier, hinge, regression, convolution, attention, bilinear, scattered, reversed_rows, infinite_bounds, parameters_alone,
]  # fmt: skip
WRITTEN = {
    "jax": (JAX, [
        "jnp.tanh(", ".max(", ".min(", "logsumexp(", ".transpose(", "windows(", " > 0.0)", "jnp.full(", "jnp.broadcast_to(",
        "jnp.concatenate(", "[:, rows", "::-1", ".sum(",
    ]),
    "torch": (TORCH, [
        "torch.tanh(", ".amax(", ".amin(", ".logsumexp(", ".permute(", "windows(", "positive(", "full(", "torch.broadcast_to(",
        "torch.concatenate(", "[:, rows", ".sum(",
    ]),
}  # fmt: skip


def drawn(inputs, size=3):
    """Return a batch for inputs of these sizes; a third, unlike a quarter, shows where a float32 slips in."""
    draw = np.random.default_rng(1)
    return {name: draw.normal(size=(size, *np.atleast_1d(n)) if n != () else size) for name, n in inputs.items()}


def eagerly(f, batch, params):
    """Return each sample's number, and its gradient by all parameters in a row, from the graph itself."""
    flat = [v for tensor in params.values() for v in leaves(tensor)]
    losses, slopes = [], []
    for sample in zip(*batch.values(), strict=True):
        loss = f(**{name: nested(x) for name, x in zip(batch, sample, strict=True)})
        losses.append(loss.data)
        slopes.append([float(g.data if isinstance(g, Value) else g) for g in gradients(loss, flat)])
    return np.array(losses), np.array(slopes)


def in_a_row(arrays, axes=0):
    """Return arrays side by side, behind so many axes."""
    return np.concatenate([a.reshape(*a.shape[:axes], -1) for a in arrays.values()], -1)


@pytest.mark.parametrize("problem", PROGRAMS)
def test_a_program_has_the_graphs_numbers(backend, problem):
    f, inputs, params = problem()
    program, batch = lift(f, inputs=inputs, params=params).to(backend), drawn(inputs)
    losses, slopes = eagerly(f, batch, params)
    total, gradient = program.value_and_grad(**batch)
    assert total == pytest.approx(losses.mean(), rel=1e-12)
    np.testing.assert_allclose(program(**batch), losses, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(in_a_row(gradient), slopes.mean(0), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(in_a_row(program.per_sample_grad(**batch), 1), slopes, rtol=1e-12, atol=1e-14)


def test_these_programs_use_all_that_the_printer_can_write(backend):
    spelling, pieces = WRITTEN[backend]
    texts = []
    for problem in PROGRAMS:
        f, inputs, params = problem()
        program = lift(f, inputs=inputs, params=params)
        texts += [
            written(program._routine(kind), spelling=spelling).text
            for kind in ("forward", ("gradient", "mean"), "per sample")
        ]
    assert [piece for piece in pieces if piece not in "".join(texts)] == []


def test_a_whole_batch_in_one_graph(backend):
    w = values(2)

    def f(x):
        scores = [ops.dot(w, row) for row in x]
        return ops.sum([ops.square(s - ops.mean(scores)) for s in scores])

    program = lift(f, inputs={"x": (5, 2)}, params={"w": w}, batch=False)
    x = np.arange(10.0).reshape(5, 2) ** 1.5
    (total, gradient), (ours, expected) = program.to(backend).value_and_grad(x=x), program.value_and_grad(x=x)
    assert total == pytest.approx(ours, rel=1e-12)
    np.testing.assert_allclose(gradient["w"], expected["w"], rtol=1e-12)


# ---------------------------------------------------------------- arrays in, arrays out


def test_on_vectors_returns_the_gradient_in_one_row(backend):
    f, inputs, params = classifier()
    program, batch = lift(f, inputs=inputs, params=params).to(backend), drawn(inputs)
    total, gradient = program.value_and_grad(**batch)
    found_total, found = program.on_vectors()(*batch.values(), in_a_row(program.arrays()))
    assert float(found_total) == total
    assert found.tolist() == in_a_row(gradient).tolist()
    assert found.flags.c_contiguous
    assert found.dtype == np.float64


def test_results_are_arrays_of_their_own(backend):
    w = Value(2.0)
    program = lift(lambda x: (x[0], [x[0], w * x[1]]), inputs={"x": 2}, params={"w": w}, has_aux=True).to(backend)
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    first, (second, third) = program(x=x)
    for array in (first, second, third):
        array[:] = 0.0
    assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert program(x=x)[0].tolist() == [1.0, 3.0]


def test_arrays_that_cannot_be_written_to_are_read_without_a_warning(backend):
    w = Value(2.0)
    program = lift(lambda x: w * x[0], inputs={"x": 1}, params={"w": w}).to(backend)
    x = np.array([[1.0], [3.0]])
    x.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert program(x=x).tolist() == [2.0, 6.0]


@pytest.mark.parametrize("problem", PROGRAMS)
def test_float32_throughout(backend, problem):
    f, inputs, params = problem()
    program, batch = lift(f, inputs=inputs, params=params).to(backend), drawn(inputs)
    losses, exact = program(**batch), program.per_sample_grad(**batch)
    narrow = program.to(backend, dtype="float32")
    found = narrow.per_sample_grad(**batch)
    assert {array.dtype for array in (narrow(**batch), *found.values())} == {np.dtype(np.float32)}
    np.testing.assert_allclose(narrow(**batch), losses, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(in_a_row(found, 1), in_a_row(exact, 1), rtol=1e-4, atol=1e-5)
    assert np.abs(narrow(**batch) - losses).max() > 0.0


def test_float64_in_every_thread(backend):
    f, inputs, params = hinge()
    program, batch = lift(f, inputs=inputs, params=params).to(backend), drawn(inputs)
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda _: program(**batch), range(4)))
    for losses in found:
        np.testing.assert_allclose(losses, eagerly(f, batch, params)[0], rtol=1e-12, atol=1e-14)


def test_a_batch_of_another_size(backend):
    f, inputs, params = hinge()
    program = lift(f, inputs=inputs, params=params).to(backend)
    for size in (1, 3, 2):
        batch = drawn(inputs, size)
        np.testing.assert_allclose(program(**batch), eagerly(f, batch, params)[0], rtol=1e-12, atol=1e-14)


# ---------------------------------------------------------------- loaded by whoever asks


def test_a_backend_is_loaded_by_whoever_asks_for_it(backend):
    code = (
        "import sys; from autograd_core import Value, lift; w = Value(2.0)\n"
        "lift(lambda x: w * x, inputs={'x': ()}, params={'w': w}).value_and_grad(x=[1.0])\n"
        f"sys.exit('{backend}' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_without_a_backends_package(backend, monkeypatch):
    monkeypatch.setitem(sys.modules, backend, None)
    program = lift(ops.tanh, inputs={"x": ()}, params={})
    message = message_of(MissingExtraError, lambda: program.to(backend))
    assert message == (
        f"the {backend} backend needs {backend}, which could not be imported "
        f"(import of {backend} halted; None in sys.modules): pip install 'autograd-core[{backend}]'"
    )
