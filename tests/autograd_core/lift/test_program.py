"""What a program takes and gives: shapes, names, reductions, single samples, whole batches, other results, mistakes."""

import math
import threading

import numpy as np
import pytest
from messages import message_of

import nn
from autograd_core import ArgumentError, OperandTypeError, Value, dot, exp, lift, sum, tanh
from autograd_core.lift import LiftWarning


@pytest.fixture
def line():
    """Return w · x + b, with w = (2, -1) and b = 0.5."""
    w, b = [Value(2.0), Value(-1.0)], Value(0.5)
    return lift(lambda x: dot(w, x) + b, inputs={"x": 2}, params={"w": w, "b": b})


X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])


def test_a_batch_gives_one_number_a_sample(line):
    assert line(x=X).tolist() == [0.5, 2.5, 3.5]
    assert (line.inputs, line.params) == ({"x": (2,)}, {"w": (2,), "b": ()})


def test_a_single_sample_needs_no_batch_axis(line):
    assert line(x=[1.0, 2.0]) == 0.5
    gradient = line.per_sample_grad(x=[1.0, 2.0])
    assert (gradient["w"].tolist(), gradient["b"]) == ([1.0, 2.0], 1.0)
    assert line.value_and_grad(x=[1.0, 2.0])[0] == 0.5


def test_gradients_are_means_sums_or_weighted_sums(line):
    for arguments, total, w, b in [
        ({}, 6.5 / 3.0, [3.0, 13.0 / 3.0], 1.0),
        ({"reduce": "sum"}, 6.5, [9.0, 13.0], 3.0),
        ({"weights": [1.0, 0.0, 2.0]}, 7.5, [11.0, 16.0], 3.0),
    ]:
        found, gradient = line.value_and_grad(x=X, **arguments)
        assert isinstance(found, float)
        assert found == pytest.approx(total, rel=1e-15)
        assert gradient["w"] == pytest.approx(np.array(w), rel=1e-15)
        assert gradient["b"] == pytest.approx(b, rel=1e-15)
        assert gradient["b"].shape == ()


def test_each_sample_has_a_gradient_even_where_it_depends_on_no_input(line):
    gradient = line.per_sample_grad(x=X)
    assert gradient["w"].tolist() == X.tolist()
    assert gradient["b"].tolist() == [1.0, 1.0, 1.0]


def test_tangents_may_be_those_of_parameters_and_of_inputs(line):
    values, slopes = line.jvp({"w": [1.0, 1.0]}, x=X)
    assert (values.tolist(), slopes.tolist()) == ([0.5, 2.5, 3.5], [3.0, 7.0, 12.0])
    assert line.jvp({"x": np.ones((3, 2)), "b": 10.0}, x=X)[1].tolist() == [11.0, 11.0, 11.0]
    assert line.jvp({}, x=X)[1].tolist() == [0.0, 0.0, 0.0]
    assert line.jvp({"x": [1.0, 0.0]}, x=[1.0, 2.0])[1] == 2.0


def test_the_hessian_times_a_vector():
    a = [Value(2.0), Value(3.0)]
    program = lift(lambda x: a[0] * a[0] * a[1] * x, inputs={"x": ()}, params={"a": a})
    assert program.hvp({"a": [1.0, 0.0]}, x=[1.0, 3.0])["a"].tolist() == [12.0, 8.0]
    assert program.hvp({"a": [0.0, 1.0]}, x=[1.0, 3.0], reduce="sum")["a"].tolist() == [16.0, 0.0]


def test_gradients_have_the_names_and_shapes_of_the_state():
    model = nn.MLP(3, [4, 2], rng=0)
    program = lift(lambda x, y: nn.losses.squared_error(model(x), y), inputs={"x": 3, "y": 2}, params=model)
    _, gradient = program.value_and_grad(x=np.ones((5, 3)), y=np.zeros((5, 2)))
    assert {name: g.shape for name, g in gradient.items()} == {n: p.shape for n, p in model.state_dict().items()}
    arrays = program.arrays()
    assert all([(arrays[name] == array).all() for name, array in model.state_dict().items()])
    arrays["layers.0.bias"] += 1.0  # a copy
    assert (program.arrays()["layers.0.bias"] == model.state_dict()["layers.0.bias"]).all()


def test_parameters_may_be_passed_as_arrays(line):
    assert line(x=X, params={"w": [0.0, 1.0], "b": 1.0}).tolist() == [3.0, 5.0, 8.0]
    assert message_of(ArgumentError, lambda: line(x=X, params={"w": [0.0, 1.0]})) == (
        "the parameters are w, b, and b is missing: pass an array for each by its name"
    )
    assert message_of(ArgumentError, lambda: line(x=X, params={"w": [0.0], "b": 1.0})) == (
        "the parameter w has the shape (1,): pass an array of the shape (2,)"
    )


def test_without_a_batch_axis_a_function_sees_the_whole_batch_itself():
    w = Value(2.0)
    program = lift(lambda x: sum([w * a * b for a, b in x]), inputs={"x": (3, 2)}, params={"w": w}, batch=False)
    assert program(x=X) == 2.0 * 49.0
    total, gradient = program.value_and_grad(x=X)
    assert (total, gradient["w"]) == (98.0, 49.0)
    assert message_of(ArgumentError, lambda: program(x=X[:2])) == (
        "the input x has the shape (2, 2): pass an array of the shape (3, 2)"
    )


def test_a_function_without_inputs_is_its_own_batch():
    w = [Value(3.0), Value(4.0)]
    program = lift(lambda: dot(w, w), inputs={}, params={"w": w}, batch=False)
    assert program() == 25.0
    assert program.value_and_grad()[1]["w"].tolist() == [6.0, 8.0]


def test_other_results_come_beside_the_value():
    w = [Value(1.0), Value(2.0)]

    def f(x):
        row = [a * b for a, b in zip(w, x, strict=True)]
        return sum(row), {"row": row, "first": row[0]}.values()

    program = lift(f, inputs={"x": 2}, params={"w": w}, has_aux=True)
    value, (row, first) = program(x=X)
    assert (value.tolist(), row.tolist(), first.tolist()) == (
        [5.0, 11.0, 19.0],
        (X * [1.0, 2.0]).tolist(),
        [1.0, 3.0, 5.0],
    )
    (total, (row, first)), gradient = program.value_and_grad(x=X, reduce="sum")
    assert (total, row.tolist(), gradient["w"].tolist()) == (35.0, (X * [1.0, 2.0]).tolist(), [9.0, 13.0])


def test_the_function_on_vectors_is_the_same_program(line):
    run = line.on_vectors(reduce="sum")
    total, gradient = run(X, np.array([2.0, -1.0, 0.5]))
    assert (float(total), gradient.tolist()) == (6.5, [9.0, 13.0, 3.0])
    total, gradient = line.on_vectors(weighted=True)(X, np.array([1.0, 0.0, 2.0]), np.array([2.0, -1.0, 0.5]))
    assert (float(total), gradient.tolist()) == (7.5, [11.0, 16.0, 3.0])


def test_numbers_of_every_real_kind_will_do(line):
    expected = [0.5, 2.5, 3.5]
    for given in (X.tolist(), X.astype(np.float32), X.astype(int), np.asfortranarray(X), X[:, ::-1].copy()[:, ::-1]):
        assert line(x=given).tolist() == expected


# ---------------------------------------------------------------- mistakes

MISTAKES = {
    "an input is missing": (
        lambda p: p(), ArgumentError, "the inputs are x, and x is missing: pass an array for each by its name",
    ),
    "an input is unknown": (
        lambda p: p(x=X, z=X), ArgumentError, "the inputs are x, and z is not one of them: pass an array for each by its name",
    ),
    "another width": (
        lambda p: p(x=np.ones((3, 4))),
        ArgumentError,
        "the input x has the shape (3, 4): pass an array of the shape (batch, 2)",
    ),
    "an axis too many": (
        lambda p: p(x=np.ones((3, 2, 2))),
        ArgumentError,
        "the input x has the shape (3, 2, 2): pass an array of the shape (batch, 2)",
    ),
    "complex numbers": (
        lambda p: p(x=X + 1j), OperandTypeError, "x holds complex128 numbers: pass real ones",
    ),
    "text": (lambda p: p(x=[["1", "2"]]), OperandTypeError, "x holds <U1 numbers: pass real ones"),
    "another reduction": (
        lambda p: p.value_and_grad(x=X, reduce="max"), ArgumentError, "reduce is 'max': choose 'mean' or 'sum'",
    ),
    "weights of another length": (
        lambda p: p.value_and_grad(x=X, weights=[1.0]),
        ArgumentError,
        "weights has the shape (1,): pass one number for each of the 3 samples",
    ),
    "a tangent for nothing": (
        lambda p: p.jvp({"z": 1.0}, x=X), ArgumentError, "there is a tangent for 'z': the names are x, w, b",
    ),
    "a tangent of another shape": (
        lambda p: p.jvp({"w": 1.0}, x=X),
        ArgumentError,
        "the tangent for w has the shape (): give it that of w, (2,)",
    ),
    "another backend": (
        lambda p: p.to("abacus"), ArgumentError, "there is no backend 'abacus': choose one of numpy, numba, jax, torch",
    ),
    "an option that is none": (
        lambda p: p.to("numpy", dtype="float32"),
        ArgumentError,
        "the numpy backend has no option 'dtype': its options are none",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_mend(line, mistake):
    call, error, message = MISTAKES[mistake]
    assert message_of(error, lambda: call(line)) == message


def test_batches_have_to_be_of_one_size():
    program = lift(lambda x, y: x * y, inputs={"x": (), "y": ()}, params={})
    assert message_of(ArgumentError, lambda: program(x=[1.0, 2.0], y=[1.0, 2.0, 3.0])) == (
        "the inputs have batches of different sizes (x 2, y 3): pass one row for each sample in each"
    )


# ---------------------------------------------------------------- size, order and threads


def chain(length):
    """A chain in which no two nodes are alike."""
    w = Value(0.5)

    def f(x):
        for i in range(length):
            x = tanh(x * w) if i % 2 else exp(x * -0.5)
        return x

    return lift(f, inputs={"x": ()}, params={"w": w}), f


def test_a_long_chain_runs_as_scalars_and_says_so_beyond_a_stated_size():
    program, f = chain(300)
    assert program(x=[0.25]).tolist() == pytest.approx([f(Value(0.25)).data], rel=1e-12)
    program, f = chain(4000)
    with pytest.warns(LiftWarning) as caught:
        found = program(x=[0.25])
    assert found.tolist() == pytest.approx([f(Value(0.25)).data], rel=1e-12)
    (warning,) = caught
    assert str(warning.message) == (
        "the graph has next to no structure: its 8003 nodes became 8000 operations, most of them on single numbers. The "
        "program is right, but it takes long to compile and hardly runs faster than the graph"
    )


def test_the_same_function_gives_the_same_source_each_time():
    sources = {lift(model, inputs={"x": 3}, params=model).source for model in [nn.MLP(3, [4, 1], rng=0)] * 3}
    assert len(sources) == 1


def test_threads_share_a_program(line):
    found = []
    threads = [threading.Thread(target=lambda: found.append(line.value_and_grad(x=X)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [line.value_and_grad(x=X)[0]] * 8


def test_infinities_and_nans_are_numbers_like_others(line):
    with np.errstate(all="raise"):
        found = line(x=[[math.inf, 0.0], [math.nan, 0.0], [1e308, 0.0]])
    assert str(found.tolist()) == "[inf, nan, inf]"


def test_names_that_python_reads_as_one_are_told_apart():
    ligature, letters = Value(2.0), Value(3.0)
    program = lift(lambda x: ligature * x + letters, inputs={"x": ()}, params={"\ufb01": ligature, "fi": letters})
    assert program.source.startswith("def f(x, fi, fi_2):\n")
    assert program.per_sample_grad(x=[5.0]) == {"\ufb01": 5.0, "fi": 1.0}


def test_without_inputs_there_is_no_batch_axis_either():
    w = [Value(3.0), Value(4.0)]
    assert lift(lambda: dot(w, w), inputs={}, params={"w": w}).value_and_grad()[0] == 25.0
