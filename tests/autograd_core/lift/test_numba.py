"""Numba's loops beside NumPy's printed source of the same routine, which is checked against the eager graph elsewhere."""

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from messages import message_of

import nn
from autograd_core import ArgumentError, Value, lift, ops
from autograd_core.lift.backends import numba_backend, numba_kernels, numpy_backend
from autograd_core.lift.backends.numba_source import looped
from autograd_core.lift.ir import Apply, Array, Output, Routine, Statement, View
from autograd_core.op import OPS

INF, NAN = math.inf, math.nan
SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.5,
    3.0,
    INF,
    -INF,
    NAN,
    1e300,
    -1e300,
    1e-300,
    5e-324,
    30.0,
    -40.0,
    710.0,
    -750.0,
]
OF_NUMBERS = [op for op in OPS.values() if not op.takes_rows]


def drawn(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


def values(*shape):
    return np.vectorize(Value, otypes=[object])(drawn(*shape)).tolist()


def arguments(routine, batch):
    given = [routine.arrays[i] for i in routine.given()]
    return [drawn(*([batch] if array.batched else []), *array.shape) for array in given]


def assert_same(routine, batches=(5,)):
    """Compare both backends' results of a routine, and return those of Numba's last call."""
    expected, found = numpy_backend.compiled(routine), numba_backend.compiled(routine)
    results = ()
    for batch in batches:
        arrays = arguments(routine, batch)
        results = found(*arrays)
        for output, a, b in zip(routine.outputs, results, expected(*arrays), strict=True):
            assert a.shape == b.shape, output.name
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12, err_msg=output.name)
    return results


def elementwise(chosen):
    """Return a routine with one output for each op, of the inputs a, b and c, one number a sample each."""
    arrays = [Array(name, (), batched=True, kind="input") for name in "abc"]
    statements, outputs = [], []
    for op in chosen:
        arrays.append(Array(f"of_{op.name}", (), batched=True))
        out = len(arrays) - 1
        statements.append(Statement(out, Apply(op, tuple([View(i) for i in range(len(op.partials))]))))
        outputs.append(Output(op.name, (), (out,), None, batched=True, summed=False))
    return Routine(arrays, statements, outputs)


# ---------------------------------------------------------------- ops


def test_every_op_of_the_table_has_its_value_there_down_to_nan_infinity_and_signed_zero():
    points = np.array(list(itertools.product(SPECIAL, repeat=3)))
    found = numba_backend.compiled(elementwise(OF_NUMBERS))(*np.ascontiguousarray(points.T))
    for op, results in zip(OF_NUMBERS, found, strict=True):
        expected = np.array([op.value(*point[: len(op.partials)]) for point in points.tolist()])
        np.testing.assert_allclose(results, expected, rtol=1e-14, atol=0.0, err_msg=op.name)
        zero = expected == 0.0
        np.testing.assert_array_equal(np.signbit(results[zero]), np.signbit(expected[zero]), err_msg=op.name)


def test_what_is_no_number_stays_none_in_sums_of_products():
    x, w = [[INF, 0.0], [1.0, NAN], [INF, -INF]], [Value(1.0), Value(1.0)]
    program = lift(lambda x: ops.dot(w, x), inputs={"x": 2}, params={"w": w}).to("numba")
    np.testing.assert_array_equal(program(x=x), [INF, NAN, NAN])
    np.testing.assert_array_equal(program.value_and_grad(x=x)[1]["w"], [INF, NAN])


# ---------------------------------------------------------------- programs


def test_a_network_has_the_same_gradient_for_batches_of_every_size():
    model = nn.MLP(13, [19, 6, 3], rng=0)
    program = lift(lambda x, y: ops.logsumexp(model(x)) - ops.dot(y, model(x)), {"x": 13, "y": 3}, model)
    assert_same(program._routine(("gradient", "weighted")), batches=(1, 2, 8, 33, 7, 300, 0))


def test_each_samples_gradient_is_the_same():
    model = nn.MLP(3, [9, 2], rng=0)
    program = lift(lambda x: ops.sum([ops.square(z) for z in model(x)]), {"x": 3}, model)
    assert_same(program._routine("per sample"))


def test_a_convolution_with_pooling_is_the_same():
    kernels, bias = values(3, 4), values(3)

    def loss(x):
        rows = [[ops.tanh(ops.dot(k, x[p : p + 4]) + b) for p in range(6)] for k, b in zip(kernels, bias, strict=True)]
        return ops.sum([ops.max([row[p], row[p + 1]]) for row in rows for p in (0, 2, 4)])

    assert_same(lift(loss, {"x": 9}, {"kernels": kernels, "bias": bias})._routine(("gradient", "mean")))


def test_attention_where_samples_meet_themselves_is_the_same():
    query = values(2, 2)

    def loss(x):
        q = [[ops.dot(row, token) for row in query] for token in x]
        weights = [ops.softmax([ops.dot(a, b) for b in x]) for a in q]
        return ops.sum([ops.square(ops.dot(w, column)) for w in weights for column in zip(*x, strict=True)])

    assert_same(lift(loss, {"x": (3, 2)}, {"query": query})._routine(("gradient", "sum")))


def test_members_in_no_order_constants_and_other_results_are_the_same():
    w = values(5)

    def loss(x):
        shuffled = ops.dot(w, [x[i] for i in (4, 1, 3, 0, 2)]) * w[3] + ops.dot([1.0, 4.0, 9.0, 2.0, 0.5], x)
        return shuffled + ops.logsumexp([*x, *w]) - ops.min(x), [x[2], ops.sin(w[4]), 2.0, ops.max(w)]

    program = lift(loss, {"x": 5}, {"w": w}, has_aux=True)
    assert_same(program._routine(("gradient", "mean")))


def test_without_a_batch_axis_sums_of_products_of_vectors_are_the_same():
    model = nn.MLP(6, [7, 5], rng=0)
    program = lift(
        lambda x: ops.mean([ops.square(z) for row in x for z in model(row)]), {"x": (9, 6)}, model, batch=False
    )
    assert_same(program._routine(("gradient", "sum")))


def test_the_hessian_times_vectors_is_the_same():
    model = nn.MLP(3, [4, 2], activation=ops.tanh, rng=0)
    program = lift(lambda x: ops.sum([ops.square(z) for z in model(x)]), {"x": 3}, model)
    assert_same(program._routine(("hvp", "mean", tuple(program.params))))


# ---------------------------------------------------------------- calls


def a_routine():
    model = nn.MLP(3, [9, 2], rng=0)
    return lift(lambda x: ops.sum([ops.square(z) for z in model(x)]), {"x": 3}, model)._routine(("gradient", "mean"))


def test_one_vector_of_parameters_gives_one_vector_of_gradients():
    routine = a_routine()
    x, *parameters = arguments(routine, 5)
    total, *gradients = numba_backend.compiled(routine)(x, *parameters)
    found = numba_backend.compiled(routine, vector=True)(x, np.concatenate([p.ravel() for p in parameters]))
    assert len(found) == 2
    np.testing.assert_array_equal(found[0], total)
    np.testing.assert_array_equal(found[1], np.concatenate([g.ravel() for g in gradients]))


def test_results_are_the_callers_own_and_arguments_stay_as_they_are():
    routine = a_routine()
    function = numba_backend.compiled(routine)
    first = arguments(routine, 5)
    for array in first:
        array.flags.writeable = False
    results = function(*first)
    before = [array.copy() for array in results]
    function(*[array + 1.0 for array in first])
    for array, copy in zip(results, before, strict=True):
        assert array.flags.writeable
        np.testing.assert_array_equal(array, copy)


def test_threads_that_call_at_once_do_not_meet():
    routine = a_routine()
    function, expected = numba_backend.compiled(routine), numpy_backend.compiled(routine)
    _, *parameters = arguments(routine, 1)
    batches = [drawn(n, 3) for n in (3000, 2000, 1001) * 20]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda x: function(x, *parameters)[1], batches))
    for x, gradient in zip(batches, found, strict=True):
        np.testing.assert_allclose(gradient, expected(x, *parameters)[1], rtol=1e-12, atol=1e-12)


def test_the_same_source_is_compiled_once():
    assert numba_backend.compiled(a_routine())._run is numba_backend.compiled(a_routine())._run


def test_a_program_that_would_take_minutes_to_compile_is_refused():
    routine = elementwise([ops.exp])
    routine = replace(routine, statements=routine.statements * 2001)
    assert message_of(ArgumentError, lambda: numba_backend.compiled(routine)) == (
        "the program has 2001 statements, and Numba takes minutes to compile more than 2000: choose the numpy backend"
    )


# ---------------------------------------------------------------- source


def test_neighbours_share_their_loops_and_what_nobody_else_reads_is_a_number():
    arrays = [
        Array("x", (4,), batched=True, kind="input"),
        Array("W", (4,), batched=False, kind="parameter"),
        Array("h", (4,), batched=True),
        Array("y", (4,), batched=True),
    ]
    own = ((1,),)
    statements = [
        Statement(2, Apply(ops.mul, (View(0, (0,), own), View(1, (0,), own)))),
        Statement(3, Apply(ops.square, (Apply(ops.sub, (View(2, (0,), own), View(0, (3,), ((-1,),)))),))),
    ]
    routine = Routine(arrays, statements, [Output("y", (4,), (3,), None, batched=True, summed=False)])
    assert looped(routine).text == (
        "def f(x, parameters, scratch, out_0, gradient):\n"
        "    one = scratch.strides[0] // 8\n"
        "    n = x.shape[0]\n"
        "    m = n + -n % 8\n"
        "    rows = scratch[0:0 + 8 * m].reshape((8, m))\n"
        "    x_rows = rows[0:4]\n"
        "    W = parameters[0:4]\n"
        "    y = rows[4:8]\n"
        "    transpose(x_rows, x.reshape((n, 4)))\n"
        "    for i0 in range(4 * one):\n"
        "        for s in range(n):\n"
        "            h = x_rows[i0, s] * W[i0]\n"
        "            y[i0, s] = (h - x_rows[-1 * i0 + 3, s])**2\n"
        "    for s in range(n):\n"
        "        for j in range(4 * one):\n"
        "            out_0[s, j] = y[j, s]\n"
    )
    assert_same(routine)


# ---------------------------------------------------------------- kernels


@pytest.mark.parametrize(("rows", "inner", "n"), [(1, 1, 8), (8, 256, 8), (9, 300, 16), (17, 3, 40), (26, 513, 8)])
@pytest.mark.parametrize("fresh", [True, False])
def test_sums_of_rows_are_those_of_a_matrix_product(rows, inner, n, fresh):
    A, B, C = drawn(2 + rows * inner * 2), drawn(2 * inner + 1, n), drawn(3 * rows + 2, n)
    product = A[2:].reshape(rows, inner, 2)[..., 0] @ B[1::2]
    expected = C.copy()
    expected[2::3] = product if fresh else C[2::3] + product
    numba_kernels.add_products(C, 2, 3, A, 2, 2 * inner, 2, B, 1, 2, rows, inner, fresh)
    np.testing.assert_allclose(C, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("rows", "columns", "n"), [(1, 1, 1), (4, 4, 8), (5, 6, 7), (7, 19, 21), (2, 4, 16), (4, 3, 9)]
)
@pytest.mark.parametrize("fresh", [True, False])
def test_dot_products_of_rows_leave_out_what_lies_behind_the_samples(rows, columns, n, fresh):
    A, B, C = drawn(rows + 1, n + -n % 8), drawn(2 * columns, n + -n % 8), drawn(1 + 2 * rows * columns)
    A[:, n:] = B[:, n:] = NAN
    product = A[1:, :n] @ B[::2, :n].T
    expected = C.copy()
    expected[1::2] = (product if fresh else C[1::2].reshape(rows, columns) + product).ravel()
    numba_kernels.add_dots(C, 1, 2 * columns, 2, A, 1, 1, B, 0, 2, rows, columns, n, fresh)
    np.testing.assert_allclose(C, expected, rtol=1e-12, atol=1e-12)
