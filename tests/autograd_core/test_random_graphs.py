"""Random programs of up to 200 instructions, with shared results and shared rows: every derivative agrees.

The reference is HIPS autograd, an engine of its own, run on the very same program. The tolerance is 1e-12 of the largest
derivative of a program: a program's numbers and local derivatives are of moderate size throughout, so each of its
roundings moves a derivative by about 1e-16 of that; a single small one may be a difference of larger ones.
"""

import autograd
import autograd.numpy as hips
import numpy as np
import pytest
from expressions import HIPS, OURS, ROWS, SCALAR, Program, close_to_a_kink, programs
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autograd_core import Value, dot, gradients, hessian, hvp, jacobian, jvp, softplus, topological_order, vjp

RTOL = 1e-12


def assert_close(found, expected):
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    assert found.shape == expected.shape
    assert np.all(np.abs(found - expected) <= RTOL * np.max(np.abs(expected), initial=1e-6)), (found, expected)


def recorded(program: Program) -> tuple[list[Value], list[Value]]:
    """Run a program on Values and return its inputs and all its results; no result is right on the edge of a kink."""
    xs = [Value(x) for x in program.at]
    results = program(OURS, xs)
    assume(not close_to_a_kink(results[-1]))
    return xs, results


def scalar(program: Program, namespace=OURS):
    return lambda xs: program(namespace, xs)[-1]


def vector(program: Program, namespace=OURS):
    """Return the function whose results are the program's last four numbers."""
    return lambda xs: program(namespace, xs)[-4:]


directions = st.lists(st.floats(-1.0, 1.0, width=32), min_size=5, max_size=5)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(programs())
def test_values_and_gradients_equal_those_of_hips_autograd(program):
    xs, results = recorded(program)
    value, slopes = autograd.value_and_grad(scalar(program, HIPS))(hips.array(program.at))
    assert_close(results[-1].data, value)
    assert_close([slope.data for slope in gradients(results[-1], xs)], slopes)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(programs())
def test_backward_equals_gradients_at_every_node(program):
    _, results = recorded(program)
    *nodes, y = topological_order(results[-1])
    variables = [node for node in nodes if not node.is_constant]
    slopes = gradients(y, variables)
    y.backward()
    assert_close([node.grad for node in variables], [slope.data for slope in slopes])
    assert [node.grad for node in nodes if node.is_constant] == [0.0] * (len(nodes) - len(variables))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(programs(longest=60), directions, directions)
def test_jvp_and_vjp_are_products_with_the_jacobian_of_hips_autograd(program, tangents, cotangents):
    recorded(program)
    tangents, cotangents = tangents[: len(program.at)], cotangents[:4]
    f = vector(program)
    expected = autograd.jacobian(lambda xs: hips.array(vector(program, HIPS)(xs)))(hips.array(program.at))
    rows = expected.tolist()
    unit = np.eye(len(program.at)).tolist()
    assert_close(jacobian(f)(list(program.at)), rows)
    assert_close(np.transpose([jvp(f, (list(program.at),), (column,))[1] for column in unit]), rows)
    values, pullback = vjp(f, list(program.at))
    assert_close([pullback(row)[0] for row in np.eye(4).tolist()], rows)
    assert_close(jvp(f, (list(program.at),), (tangents,))[1], expected @ tangents)
    assert_close(pullback(cotangents)[0], cotangents @ expected)
    assert_close(values, vector(program, HIPS)(hips.array(program.at)))


@pytest.mark.filterwarnings("ignore:Output seems independent of input")  # HIPS on the gradient of a linear program
@settings(derandomize=True, deadline=None, max_examples=60)
@given(programs(longest=60), directions)
def test_the_hessian_is_that_of_hips_autograd_and_hvp_its_products(program, direction):
    recorded(program)
    at, direction = list(program.at), direction[: len(program.at)]
    expected = autograd.jacobian(autograd.grad(scalar(program, HIPS)))(hips.array(at))
    found = hessian(scalar(program))(at)
    assert_close(found, expected)
    assert_close(found, np.transpose(found))
    for i, unit in enumerate(np.eye(len(at)).tolist()):
        assert_close(hvp(scalar(program), at, unit), expected[:, i])
    assert_close(hvp(scalar(program), at, direction), expected @ direction)


def test_the_programs_use_every_instruction_and_share_rows():
    """Guard the generator itself: a comparison of trivial programs would prove nothing."""
    names, sizes, shared = set(), [], 0

    @settings(derandomize=True, deadline=None, max_examples=100)
    @given(programs())
    def collect(program):
        nonlocal shared
        names.update(name for name, _, _ in program.steps)
        order = topological_order(program(OURS, [Value(x) for x in program.at])[-1])
        rows = [arg for node in order for arg in node.operands if isinstance(arg, tuple)]
        sizes.append(len(order))
        shared += len(rows) - len({id(row) for row in rows})

    collect()
    assert names == {*SCALAR, *ROWS}
    assert max(sizes) > 200
    assert shared > 100


# ---------------------------------------------------------------- shared rows of interior nodes


def test_a_shared_row_of_interior_nodes_is_visited_after_its_members_and_before_its_users():
    """A row counts as visited once, though two nodes hold it and its members are results themselves."""
    raws = [Value(r) for r in (-1.0, 0.5, 2.0)]
    zs = tuple(Value(z) for z in (0.3, -0.7, 1.1))
    ws = tuple(softplus(r) for r in raws)
    m = dot(ws, zs)
    n = dot(ws, (m, m, ws[0]))
    y = n * m + ws[2]
    order = topological_order(y)
    place = {node: i for i, node in enumerate(order)}
    assert all(place[v] < place[node] for node in order for v in node.inputs)
    assert len(order) == len(set(order)) == 3 + 3 + 3 + len([m, n, n * m, y])

    def in_hips(numbers):
        rs, z = numbers[:3], numbers[3:]
        w = hips.logaddexp(0.0, rs)
        first = hips.dot(w, z)
        return (w[0] * first + w[1] * first + w[2] * w[0]) * first + w[2]

    expected = autograd.grad(in_hips)(hips.array([v.data for v in (*raws, *zs)]))
    y.backward()
    assert [v.grad for v in (*raws, *zs)] == pytest.approx(expected, rel=1e-14)
    assert [s.data for s in gradients(y, [*raws, *zs])] == pytest.approx(expected, rel=1e-14)


def test_a_row_whose_later_member_depends_on_an_earlier_one():
    """The row is pushed as a whole, so a member may be met on the way to another before its own turn comes."""
    x = Value(0.5)
    a = x.exp()
    b = a * a
    row = (a, b, a)
    y = dot(row, row) + dot((b, a, x), row)
    y.backward()
    e = np.exp(0.5)
    # y = 2a² + b² + ba + ab + xa with a = eˣ, b = a²: 2e²ˣ + e⁴ˣ + 2e³ˣ + x eˣ
    assert x.grad == pytest.approx(4 * e**2 + 4 * e**4 + 6 * e**3 + e + 0.5 * e, rel=1e-15)
