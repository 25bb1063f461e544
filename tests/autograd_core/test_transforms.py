"""grad, value_and_grad, jvp, vjp, jacobian, hessian, hvp: against closed forms, nested in each other, and misused."""

import math
from itertools import pairwise

import pytest

from autograd_core import (
    ArgumentError,
    OperandTypeError,
    StaleGraphError,
    Value,
    dot,
    exp,
    grad,
    gradients,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    sin,
    sum,
    value_and_grad,
    vjp,
)


def rosenbrock(xs):
    return sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(xs)])


def rosenbrock_gradient(x, y, z):
    return [
        -400 * x * (y - x**2) - 2 * (1 - x),
        200 * (y - x**2) - 400 * y * (z - y**2) - 2 * (1 - y),
        200 * (z - y**2),
    ]


def rosenbrock_hessian(x, y, z):
    return [
        [1200 * x**2 - 400 * y + 2, -400 * x, 0.0],
        [-400 * x, 200 + 1200 * y**2 - 400 * z + 2, -400 * y],
        [0.0, -400 * y, 200.0],
    ]


POINT = [-1.2, 1.0, 0.7]


# ---------------------------------------------------------------- closed forms


def test_the_gradient_of_rosenbrocks_function():
    assert grad(rosenbrock)(POINT) == pytest.approx(rosenbrock_gradient(*POINT), rel=1e-14)
    assert grad(rosenbrock)([1.0, 1.0, 1.0]) == [0.0, 0.0, 0.0]


def test_the_hessian_of_rosenbrocks_function():
    for row, expected in zip(hessian(rosenbrock)(POINT), rosenbrock_hessian(*POINT), strict=True):
        assert row == pytest.approx(expected, rel=1e-14)


def test_hvp_is_the_dense_hessian_times_the_vector():
    v = [0.3, -2.0, 5.0]
    expected = [math.fsum(h * x for h, x in zip(row, v, strict=True)) for row in rosenbrock_hessian(*POINT)]
    assert hvp(rosenbrock, POINT, v) == pytest.approx(expected, rel=1e-14)


def test_hvp_of_a_function_of_one_number():
    assert hvp(lambda x: x**3, 2.0, 5.0) == 60.0


def test_the_jacobian_of_spherical_coordinates():
    def spherical(args):
        r, polar, azimuth = args
        return [r * sin(polar) * azimuth.cos(), r * sin(polar) * sin(azimuth), r * polar.cos()]

    r, p, a = 2.0, 0.7, -1.1
    sp, cp, sa, ca = math.sin(p), math.cos(p), math.sin(a), math.cos(a)
    expected = [[sp * ca, r * cp * ca, -r * sp * sa], [sp * sa, r * cp * sa, r * sp * ca], [cp, -r * sp, 0.0]]
    for row, exact in zip(jacobian(spherical)([r, p, a]), expected, strict=True):
        assert row == pytest.approx(exact, rel=1e-14)


def test_value_and_grad_are_both():
    assert value_and_grad(lambda x, y: x**2 * y)(3.0, 5.0) == (45.0, 30.0)
    assert value_and_grad(lambda x, y: x**2 * y, argnum=1)(3.0, 5.0) == (45.0, 9.0)


def test_the_function_is_run_once():
    calls = []

    def f(x):
        calls.append(x)
        return x * x

    value_and_grad(f)(3.0)
    assert len(calls) == 1


# ---------------------------------------------------------------- shapes


def test_gradients_have_the_shape_of_the_argument():
    f = lambda tree: tree[0] * tree[1][0] + tree[1][1][0] ** 2 * tree[2][0]
    assert grad(f)([2.0, (3.0, [4.0]), [5.0]]) == [3.0, (2.0, [40.0]), [16.0]]
    assert grad(f)((2.0, (3.0, [4.0]), [5.0])) == (3.0, (2.0, [40.0]), [16.0])


def test_argnum_chooses_the_argument_and_the_others_pass_through():
    seen = []

    def f(word, xs, scale):
        seen.append((word, scale))
        return scale * xs[0] ** 2

    assert grad(f, argnum=1)("anything", [3.0], 2.0) == [12.0]
    assert seen == [("anything", 2.0)]
    assert jacobian(lambda a, b: [a * b, b], argnum=1)(3.0, 4.0) == [3.0, 1.0]
    assert hessian(lambda a, b: a * b**3, argnum=1)(2.0, 5.0) == 60.0


def test_a_jacobian_has_the_shape_of_the_result_filled_with_that_of_the_argument():
    f = lambda x, y: (x * y, [y, (x,)])
    assert jacobian(f)(2.0, 3.0) == (3.0, [0.0, (1.0,)])
    assert jacobian(lambda xs: (xs[0] ** 2, [xs[1]]))((3.0, 4.0)) == ((6.0, 0.0), [(0.0, 1.0)])
    assert hessian(lambda xs: xs[0][0] * xs[1] ** 2)([[3.0], 4.0]) == [[[[0.0], 8.0]], [[8.0], 6.0]]


def test_jvp_and_vjp_of_nested_arguments_and_results():
    f = lambda a, bs: (a * bs[0], [bs[1][0] ** 2, a])
    primals = (2.0, [3.0, (4.0,)])
    assert jvp(f, primals, (1.0, [10.0, (100.0,)])) == ((6.0, [16.0, 2.0]), (23.0, [800.0, 1.0]))
    values, pullback = vjp(f, *primals)
    assert values == (6.0, [16.0, 2.0])
    assert pullback((1.0, [10.0, 100.0])) == (103.0, [2.0, (80.0,)])
    assert pullback((0.0, [0.0, 0.0])) == (0.0, [0.0, (0.0,)])


def test_results_that_do_not_depend_on_the_argument_have_derivative_zero():
    assert grad(lambda _: 5.0)(2.0) == 0.0
    assert grad(lambda _, y: y)(2.0, 3.0) == 0.0
    assert jacobian(lambda x: [x, 1.0, True])(2.0) == [1.0, 0.0, 0.0]
    assert jvp(lambda x: [7, x], (2.0,), (3.0,)) == ([7.0, 2.0], [0.0, 3.0])
    assert vjp(lambda x: [7, x], 2.0)[1]([1.0, 5.0]) == (5.0,)
    assert hessian(lambda x: 3.0 * x)(2.0) == 0.0


# ---------------------------------------------------------------- floats in, floats out


@pytest.mark.parametrize("number", [2, 2.0, True, pytest.param(0.5, id="half")])
def test_floats_in_floats_out(number):
    results = [
        grad(lambda x: x**3)(number),
        *value_and_grad(lambda x: x**3)(number),
        *jvp(lambda x: x**3, (number,), (1,)),
        vjp(lambda x: x**3, number)[0],
        *vjp(lambda x: x**3, number)[1](1),
        jacobian(lambda x: [x**3])(number)[0],
        hessian(lambda x: x**3)(number),
        hvp(lambda x: x**3, number, 1),
    ]
    x = float(number)
    assert results == [3 * x**2, x**3, 3 * x**2, x**3, 3 * x**2, x**3, 3 * x**2, 3 * x**2, 6 * x, 6 * x]
    assert {type(result) for result in results} == {float}


def test_a_value_in_a_value_out_that_can_be_differentiated_again():
    x = Value(2.0)
    slope = grad(lambda t: t**3)(x)
    assert slope.data == 12.0
    assert [s.data for s in gradients(slope, [x])] == [12.0]
    slope.backward()
    assert x.grad == 12.0
    value, pullback = vjp(lambda t: t**3, x)
    assert [s.data for s in gradients(value, [x])] == [12.0]
    assert [s.data for s in gradients(pullback(1.0)[0], [x])] == [12.0]
    assert [s.data for s in gradients(jvp(lambda t: t**3, (x,), (1.0,))[1], [x])] == [12.0]
    assert [s.data for s in gradients(hessian(lambda t: t**3)(x), [x])] == [6.0]


def test_the_callers_leaves_keep_their_grads():
    x, w = Value(2.0), Value(3.0)
    x.grad, w.grad = 0.25, 0.5
    grad(lambda t: t**3 * w)(x)
    hessian(lambda t: t**3 * w)(x)
    assert (x.grad, w.grad) == (0.25, 0.5)


def test_tangents_and_cotangents_may_be_values_too():
    v = Value(5.0)
    _, slope = jvp(lambda x: x**3, (2.0,), (v,))
    assert slope.data == 60.0
    assert [s.data for s in gradients(slope, [v])] == [12.0]
    _, pullback = vjp(lambda x: x**3, 2.0)
    (slope,) = pullback(v)
    assert slope.data == 60.0
    assert [s.data for s in gradients(slope, [v])] == [12.0]


# ---------------------------------------------------------------- derivatives of derivatives


def test_grad_of_grad_of_grad():
    f = lambda x: exp(2.0 * x)
    for order in range(1, 5):
        f = grad(f)
        assert f(0.3) == pytest.approx(2.0**order * math.exp(0.6), rel=1e-14)


def test_perturbations_are_not_confused():
    """d/dx (x d/dy (x + y)) = 1, where a nesting that mixes the two up says 2."""
    inner = {
        "grad": lambda g, y: grad(g)(y),
        "jvp": lambda g, y: jvp(g, (y,), (1.0,))[1],
        "vjp": lambda g, y: vjp(g, y)[1](1.0)[0],
        "jacobian": lambda g, y: jacobian(lambda t: [g(t)])(y)[0],
        "hvp": lambda g, y: hvp(lambda t: t * g(t) - g(0.0) * t, y, 0.5),
    }
    for outer_name in ("grad", "jvp", "vjp", "jacobian"):
        for inner_name, inner_one in inner.items():
            slope = inner[outer_name](lambda x, d=inner_one: x * d(lambda y: x + y, 1.0), 1.0)
            assert slope == 1.0, (outer_name, inner_name)


def test_perturbations_through_the_same_point_are_not_confused():
    """d/dx of d/dy (x y²) at y = x is d/dx (2 x y) with y = x put in: 4 x."""
    for d in (lambda g, y: grad(g)(y), lambda g, y: jvp(g, (y,), (1.0,))[1]):
        for outer in (lambda g, y: grad(g)(y), lambda g, y: jvp(g, (y,), (1.0,))[1]):
            assert outer(lambda x, d=d: d(lambda y: x * y**2, x), 3.0) == 12.0


def test_a_derivative_with_respect_to_a_closed_over_value():
    """g(x) = d/dy (x² y³) at y = 2 is 12 x², and so g' is 24 x."""
    w = Value(5.0)
    slope = grad(lambda y: w**2 * y**3)(2.0)
    assert slope.data == 300.0
    assert [s.data for s in gradients(slope, [w])] == [120.0]
    assert grad(lambda x: grad(lambda y: x**2 * y**3)(2.0))(5.0) == 120.0


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: grad(f)(2.0),
        lambda f: value_and_grad(f)(2.0)[0],
        lambda f: jvp(f, (2.0,), (1.0,))[1],
        lambda f: vjp(f, 2.0)[0],
        lambda f: vjp(f, 2.0)[1](1.0)[0],
        lambda f: jacobian(lambda x: [f(x)])(2.0)[0],
        lambda f: hessian(f)(2.0),
        lambda f: hvp(f, 2.0, 1.0),
    ],
    ids=["grad", "value_and_grad", "jvp", "vjp value", "vjp", "jacobian", "hessian", "hvp"],
)
def test_a_function_that_closes_over_a_value_gives_values(transform):
    w = Value(5.0)
    assert isinstance(transform(lambda x: w * x**3), Value)


def test_a_meta_step_is_differentiated_through():
    """MAML in one number: the loss after a step of gradient descent, differentiated with respect to the start."""
    rate, target = 0.1, 3.0

    def after_one_step(w):
        stepped = w - rate * grad(lambda v: (v - target) ** 2)(w)
        return (stepped - target) ** 2

    shrink = 1 - 2 * rate
    assert grad(after_one_step)(1.0) == pytest.approx(2 * shrink**2 * (1.0 - target), rel=1e-15)


def test_no_grad_around_a_transform_does_not_zero_its_derivatives():
    """A transform records for itself; a silent 0 would be wrong."""
    with no_grad():
        assert grad(lambda x: x**3)(2.0) == 12.0
        assert value_and_grad(lambda x: x**3)(2.0) == (8.0, 12.0)
        assert jvp(lambda x: x**3, (2.0,), (1.0,)) == (8.0, 12.0)
        assert vjp(lambda x: x**3, 2.0)[1](1.0) == (12.0,)
        assert jacobian(lambda x: [x**3])(2.0) == [12.0]
        assert hessian(lambda x: x**3)(2.0) == 12.0
        assert hvp(lambda x: x**3, 2.0, 1.0) == 12.0


def test_no_grad_inside_the_function_is_meant():
    def f(x):
        with no_grad():
            held = x**2
        return held * x

    assert grad(f)(Value(3.0)).data == 9.0


# ---------------------------------------------------------------- misuse


def fails(call, error, message):
    with pytest.raises(error) as fault:
        call()
    assert str(fault.value) == message
    assert type(fault.value) is error


def test_several_results_where_one_is_wanted():
    message = "f returned 2 numbers where one is wanted: use jacobian"
    for transform in (grad, value_and_grad):
        fails(lambda transform=transform: transform(lambda x: [x, x])(2.0), ArgumentError, message)
    fails(lambda: hvp(lambda x: (x, x), 2.0, 1.0), ArgumentError, message)
    fails(lambda: hessian(lambda x: (x, x))(2.0), ArgumentError, message)


@pytest.mark.parametrize(("argnum", "given"), [(2, 2), (-1, 2), (1, 1), (0, 0)])
def test_an_argnum_that_there_is_not(argnum, given):
    message = f"argnum is {argnum}, but f was called with {given} arguments: count them from 0"
    for transform in (grad, value_and_grad, jacobian, hessian):
        fails(lambda transform=transform: transform(sum, argnum)(*[1.0] * given), ArgumentError, message)


def test_tangents_of_another_shape():
    fails(
        lambda: jvp(lambda x, _: x, (1.0, [2.0, 3.0]), (1.0, [2.0])), ArgumentError,
        "the tangents have the shape (*, (*)): give them that of the primals, (*, (*, *))",
    )  # fmt: skip
    fails(
        lambda: hvp(rosenbrock, POINT, [1.0]), ArgumentError,
        "the tangents have the shape ((*)): give them that of the primals, ((*, *, *))",
    )  # fmt: skip


def test_cotangents_of_another_shape():
    _, pullback = vjp(lambda x: [x, (x, x)], 2.0)
    fails(
        lambda: pullback([1.0, 1.0]), ArgumentError,
        "the cotangents have the shape (*, *): give them that of the result, (*, (*, *))",
    )  # fmt: skip


def test_arguments_and_results_that_are_no_numbers():
    fails(
        lambda: grad(lambda x: x)("2"), OperandTypeError,
        "'2' of type str is no real number: convert it first, with float(...)",
    )  # fmt: skip
    fails(
        lambda: grad(lambda _: None)(2.0), OperandTypeError,
        "None of type NoneType is no real number: check what should have been computed there",
    )  # fmt: skip
    fails(
        lambda: jacobian(lambda xs: xs)([1.0, {}]), OperandTypeError,
        "{} of type dict is no real number: pass an int, float, bool or NumPy scalar",
    )  # fmt: skip


def test_jvp_wants_sequences_of_arguments():
    fails(
        lambda: jvp(lambda x: x * x, 2.0, 1.0), OperandTypeError,
        "the primals are 2.0 of type float: put the arguments in a tuple",
    )  # fmt: skip


def test_an_error_in_the_function_comes_through_and_leaves_no_mode_behind():
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: x / (1 // 0))(2.0)
    assert (Value(2.0) * 3.0).inputs != ()


def test_a_leaf_changed_by_the_function_itself():
    w = Value(2.0, label="w")

    def f(x):
        y = w * x
        w.data = 3.0
        return y

    fails(
        lambda: grad(f)(2.0), StaleGraphError,
        "Value(data=3.0, grad=0.0, label='w') was changed after mul had used it: compute the result again before "
        "differentiating it, and change leaves afterwards",
    )  # fmt: skip


def test_rows_pass_through_transforms():
    assert grad(lambda xs: dot(xs, xs))([1.0, 2.0]) == [2.0, 4.0]
    assert grad(lambda xs: dot(xs, xs))((1.0, 2.0)) == (2.0, 4.0)
