"""NumPy beside Values: its scalars are numbers, its functions are ops, its arrays of objects hold Values."""

import math

import numpy as np
import pytest

from autograd_core import OperandTypeError, Value, dot, exp, gradients, mean, sum
from autograd_core.op import OPS, Binary, Unary

SCALARS = [
    np.float64(2), np.float32(2), np.float16(2), np.longdouble(2), np.int8(2), np.int64(2), np.uint8(2), np.uint64(2),
]  # fmt: skip
UNARY = [
    "abs", "exp", "expm1", "log", "log1p", "sqrt", "square", "reciprocal", "sin", "cos", "tan", "arcsin", "arccos", "arctan",
    "sinh", "cosh", "tanh", "negative", "positive", "sign",
]  # fmt: skip
BINARY = [
    "add", "subtract", "multiply", "divide", "true_divide", "power", "arctan2", "hypot", "maximum", "minimum",
]  # fmt: skip


def kind(scalar) -> str:
    return type(scalar).__name__


def floats_all_through(v: Value) -> bool:
    return {type(x) for node in (v, *v.inputs) for x in (node.data, node.grad)} == {float}


# ---------------------------------------------------------------- scalars


@pytest.mark.parametrize("two", SCALARS, ids=kind)
def test_scalars_mix_on_either_side_and_become_python_floats(two):
    x = Value(3.0)
    results = [
        (x + two, 5.0), (two + x, 5.0), (x - two, 1.0), (two - x, -1.0), (x * two, 6.0), (two * x, 6.0),
        (x / two, 1.5), (two / x, 2.0 / 3.0), (x**two, 9.0), (two**x, 8.0),
    ]  # fmt: skip
    for y, expected in results:
        assert type(y) is Value
        assert y.data == expected
        assert floats_all_through(y)
        assert x in y.inputs


@pytest.mark.parametrize("two", SCALARS, ids=kind)
def test_scalars_compare_on_either_side(two):
    x = Value(3.0)
    assert [x < two, x <= two, x > two, x >= two] == [False, False, True, True]
    assert [two < x, two <= x, two > x, two >= x] == [True, True, False, False]


@pytest.mark.parametrize("two", SCALARS, ids=kind)
def test_a_scalar_never_equals_a_value(two):
    x = Value(2.0)
    assert [x == two, two == x, x != two, two != x] == [False, False, True, True]


@pytest.mark.parametrize("true", [True, np.True_, np.bool_(1)])
def test_bools_are_numbers(true):
    x = Value(3.0)
    assert [(x * true).data, (true * x).data, (x + true).data, Value(true).data] == [3.0, 3.0, 4.0, 1.0]
    assert floats_all_through(x * true)


@pytest.mark.parametrize("two", [*SCALARS, np.True_], ids=kind)
def test_scalars_become_python_floats_everywhere(two):
    v = Value(two)
    v.grad = two
    assert (type(v.data), type(v.grad)) == (float, float)
    v.data = two
    v.data -= np.float32(0.1) * v.grad
    assert type(v.data) is float
    assert type(exp(two)) is float
    assert type(dot([two], [two])) is float
    assert floats_all_through(sum([Value(1.0), two]))


@pytest.mark.parametrize("two", SCALARS, ids=kind)
def test_a_scalar_array_of_no_dimensions_is_a_number_on_either_side(two):
    x, zero_dimensional = Value(3.0), np.array(two)
    for y, expected in [
        (zero_dimensional * x, 6.0), (x * zero_dimensional, 6.0), (zero_dimensional - x, -1.0), (x - zero_dimensional, 1.0),
    ]:  # fmt: skip
        assert type(y) is Value
        assert y.data == expected
        assert floats_all_through(y)


# ---------------------------------------------------------------- functions


@pytest.mark.parametrize("op", [op for op in OPS.values() if isinstance(op, Unary | Binary)], ids=lambda op: op.name)
def test_a_ufunc_is_the_op_of_the_same_meaning(op):
    ufunc = getattr(np, op.ufunc or op.name, None)
    if not isinstance(ufunc, np.ufunc):
        assert op.ufunc == ""
        return
    operands = [Value(0.25), Value(0.5)][: len(op.domain)]
    y = ufunc(*operands)
    assert y.op is op
    assert y.inputs == tuple(operands)
    assert y.data == pytest.approx(float(ufunc(*[v.data for v in operands])), rel=1e-15)


def test_the_usual_functions_are_all_there():
    x = 0.5
    for name in UNARY:
        y = getattr(np, name)(Value(x))
        assert type(y) is Value
        assert y.data == pytest.approx(float(getattr(np, name)(x)), rel=1e-15), name
    for name in BINARY:
        for a, b in ((Value(x), 2.0), (2.0, Value(x)), (np.float64(2.0), Value(x)), (Value(x), Value(2.0))):
            plain = [v.data if isinstance(v, Value) else v for v in (a, b)]
            y = getattr(np, name)(a, b)
            assert type(y) is Value
            assert y.data == pytest.approx(float(getattr(np, name)(*plain)), rel=1e-15), name
            assert floats_all_through(y)


def test_gradients_flow_through_ufuncs():
    x = Value(0.5)
    y = np.exp(x) * np.arctan2(x, np.float64(2.0)) + np.power(x, 3)
    y.backward()
    expected = math.exp(0.5) * (math.atan2(0.5, 2.0) + 2.0 / 4.25) + 0.75
    assert x.grad == pytest.approx(expected, rel=1e-15)


def test_comparing_ufuncs_give_bools():
    a, b = Value(1.0), Value(2.0)
    assert [np.less(a, b), np.less_equal(a, 1.0), np.greater(a, b), np.greater_equal(2.0, a)] == [
        True,
        True,
        False,
        True,
    ]
    assert [np.equal(a, a), np.equal(a, b), np.not_equal(a, a), np.not_equal(a, 1.0)] == [True, False, False, True]


@pytest.mark.parametrize("name", ["floor", "isnan", "logaddexp", "fmax", "cbrt", "arccosh", "matmul"])
def test_a_ufunc_that_the_table_does_not_have_says_so(name):
    ufunc = getattr(np, name)
    with pytest.raises(OperandTypeError) as fault:
        ufunc(*[Value(2.0)] * ufunc.nin)
    assert str(fault.value) == (
        f"np.{name} has no derivative here: use one of autograd_core's ops, or .data where the bare number is wanted"
    )


def test_an_output_array_is_not_filled_behind_the_graphs_back():
    out = np.zeros(())
    with pytest.raises(OperandTypeError) as fault:
        np.exp(Value(2.0), out=out)
    assert str(fault.value) == (
        "np.exp has no derivative here: use one of autograd_core's ops, or .data where the bare number is wanted"
    )
    assert out == 0.0


# ---------------------------------------------------------------- arrays of Values


def objects(*numbers: float) -> np.ndarray:
    return np.array([Value(x) for x in numbers])


def data(array) -> list[float]:
    assert array.dtype == object
    assert {type(v) for v in array.flat} == {Value}
    return [v.data for v in array.flat]


def test_arrays_of_values_compute_element_by_element():
    a, b = objects(1.0, 2.0), objects(3.0, 4.0)
    assert data(a + b) == [4.0, 6.0]
    assert data(a * 2.0 - b / 4) == [1.25, 3.0]
    assert data(-(a**2)) == [-1.0, -4.0]
    assert data(np.exp(a)) == [math.exp(1.0), math.exp(2.0)]
    assert data(np.tanh(a) * np.sqrt(b)) == pytest.approx([math.tanh(1) * math.sqrt(3), math.tanh(2) * 2], rel=1e-15)
    assert (a < b).tolist() == [True, True]


@pytest.mark.parametrize("side", [lambda v, a: v * a, lambda v, a: a * v, np.multiply, lambda v, a: np.multiply(a, v)])
def test_a_value_meets_an_array_of_values_on_either_side(side):
    v, array = Value(3.0), objects(1.0, 2.0)
    assert data(side(v, array)) == [3.0, 6.0]
    assert side(v, array).shape == (2,)


def test_a_value_compares_with_each_element_on_either_side():
    v, array = Value(2.0), objects(1.0, 2.0, 3.0)
    assert (v < array).tolist() == [False, False, True]
    assert (array < v).tolist() == [True, False, False]


def test_products_and_sums_of_arrays_of_values():
    w, x = objects(1.0, 2.0, 3.0, 4.0).reshape(2, 2), objects(5.0, 6.0)
    y = w @ x
    assert data(y) == [17.0, 39.0]
    total = np.sum(y) + x.dot(x) + np.mean(w)
    assert total.data == 56.0 + 61.0 + 2.5
    assert [s.data for s in gradients(total, list(x))] == [1 + 3 + 10, 2 + 4 + 12]
    assert [s.data for s in gradients(total, list(w.flat))] == [5.25, 6.25, 5.25, 6.25]


def test_an_array_of_numbers_times_an_array_of_values():
    assert data(np.array([2.0, 3.0]) * objects(1.0, 10.0)) == [2.0, 30.0]
    assert floats_all_through((np.array([2.0, 3.0]) * objects(1.0, 10.0))[0])


@pytest.mark.parametrize("name", ["arctan", "arcsin", "arccos", "arctan2", "hypot", "log1p"])
def test_every_ufunc_of_an_op_takes_arrays_of_values(name):
    ufunc = getattr(np, name)
    y = ufunc(*[objects(0.5)] * ufunc.nin)
    assert data(y) == pytest.approx([float(ufunc(*[0.5] * ufunc.nin))], rel=1e-15)


def test_numpy_itself_picks_one_of_two_objects_that_are_tied():
    """np.maximum compares objects and asks nobody: where ties should share, use autograd_core.maximum."""
    a, b = objects(2.0), objects(2.0)
    (y,) = np.maximum(a, b)
    assert y is a[0]


def test_rows_may_be_arrays():
    x = objects(1.0, 2.0)
    assert dot(x, np.array([3.0, 4.0])).data == 11.0
    assert mean(x).data == 1.5
    assert sum(np.array([1.0, 2.0])) == 3.0


# ---------------------------------------------------------------- arrays of bare numbers


@pytest.mark.parametrize(
    "meet",
    [
        lambda a, v: a * v, lambda a, v: a + v, lambda a, v: a < v, lambda a, v: a**v, np.multiply,
        lambda a, v: np.arctan2(v, a), lambda a, v: np.maximum(v, a),
    ],
)  # fmt: skip
def test_an_array_of_numbers_on_the_left_raises(meet):
    with pytest.raises(OperandTypeError) as fault:
        meet(np.array([[1.0, 2.0]]), Value(2.0))
    assert str(fault.value) == (
        "an array of float64 and shape (1, 2) met a Value: make one Value for each element, "
        "as in np.array([Value(x) for x in array.tolist()])"
    )


@pytest.mark.parametrize(
    "meet",
    [lambda v, a: v * a, lambda v, a: v + a, lambda v, a: v < a, lambda v, a: v**a, lambda _, a: Value(a)],
)
def test_an_array_of_numbers_on_the_right_raises(meet):
    with pytest.raises(OperandTypeError) as fault:
        meet(Value(2.0), np.array([1.0, 2.0]))
    assert str(fault.value) == (
        "array([1., 2.]) of type ndarray is no real number: make one Value for each element, "
        "as in [Value(x) for x in array.tolist()]"
    )


@pytest.mark.parametrize("scalar", [np.complex128(1j), np.complex64(1j)], ids=kind)
def test_complex_scalars_raise_on_either_side(scalar):
    for meet in (lambda v: v * scalar, lambda v: scalar * v, lambda _: Value(scalar)):
        with pytest.raises(OperandTypeError) as fault:
            meet(Value(2.0))
        assert str(fault.value) in {
            f"{scalar!r} of type {kind(scalar)} is no real number: take its real or imaginary part",
            "1j of type complex is no real number: take its real or imaginary part",
        }
