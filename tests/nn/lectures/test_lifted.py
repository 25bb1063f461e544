"""Lectures' formulas are found in programs lifted from scalars, symbol by symbol, and no other formulas are."""

import ast
import inspect
import json
import textwrap
from copy import deepcopy
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_core.lift.matrices import Constant, Elementwise, Leaf, Product, Transposed
from nn import lectures
from nn.lectures.ai50021 import lifted as ai50021
from nn.lectures.algebra import Algebra, applied, name, ones
from nn.lectures.item import Lifted
from nn.lectures.lai import lifted as lai
from nn.lectures.levine import lifted as levine
from nn.lectures.malik import lifted as malik
from nn.lectures.mit6036 import lifted as mit6036

checked = settings(deadline=None, derandomize=True, database=None, max_examples=60)

HOMES = {"lai": lai, "levine": levine, "mit6036": mit6036, "malik": malik, "ai50021": ai50021}
FORMULAS = {
    "lai": ["layer", "delta_output", "delta_hidden", "weight_gradient", "bias_gradient"],
    "levine": ["layer", "output_slope", "pre_activation_slope", "activation_slope", "weight_slope", "bias_slope"],
    "mit6036": ["layer", "loss_slope", "pre_activation_slope", "weight_gradient", "offset_gradient"],
    "malik": ["layer", "delta_output", "delta_hidden", "weight_gradient"],
    "ai50021": ["layer", "activation_dX", "fully_connected_dX", "fully_connected_dW", "fully_connected_db"],
}
CARRIERS = {
    "lai.bp.delta_out": 4, "lai.bp.delta_hidden": 3, "lai.bp.matrix_grad": 8,
    "levine.base.dz": 4, "levine.base.db": 4, "levine.base.dW": 4, "levine.rec.dh.matrix": 3,
    "mit.bp.8_1": 4, "mit.bp.8_3": 4, "mit.bp.dW0": 4,
    "malik.grad.w": 4, "malik.delta.output": 4, "malik.delta.hidden": 3,
    "ai50021.batch.activation": 4, "ai50021.batch.dX": 3, "ai50021.batch.dW": 8,
}  # fmt: skip


def rows(home):
    """Yield all the evidence of a lecture's module."""
    for yielded in home.__all__:
        yield from getattr(home, yielded)()


# ---------------------------------------------------------------- the lectures' formulas


def test_these_items_stand_beside_lifted_programs_of_one_to_four_layers():
    found = {
        one.id: [e for e in one.evidence() if isinstance(e, Lifted)] for one in lectures.items() if one.id in CARRIERS
    }
    assert {id: len(evidence) for id, evidence in found.items()} == CARRIERS
    for evidence in found.values():
        assert all(e.agrees and e.lines and len(e.lines) == len(e.latex) for e in evidence)
        assert {e.quantity.rpartition(", ")[2] for e in evidence} >= {"2 layers", "3 layers", "4 layers"}


def test_the_lines_found_are_those_of_the_recursion():
    by_depth = {e.quantity: e.lines for e in levine.activation_slopes_lifted()}
    assert by_depth["dL/dh of hidden layers, 3 layers"] == (
        "dZ1 = (1.0 - H1) * H1 * (dZ2 @ W2)",
        "dZ2 = (1.0 - H2) * H2 * (dZ3 @ W3)",
    )
    (*_, four) = lai.gradients_lifted()
    assert (four.quantity, four.lines[0], four.latex[0]) == (
        "∂L/∂b, 4 layers",
        "db1 = dZ1.sum(0)",
        r"\mathrm{d}b_{1} = \mathrm{d}Z_{1}^{\top} \mathbf{1}",
    )


@pytest.mark.parametrize("home", HOMES)
def test_every_formula_is_found(home):
    assert [row for row in rows(HOMES[home]) if not row.holds] == []


# ---------------------------------------------------------------- a formula that is changed is not found


def slips(node):
    """Yield (what is done, the node in its place) for each slip that one node of a formula allows."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield "transpose dropped", node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield "factors swapped", ast.BinOp(node.right, node.op, node.left)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        yield "factor forgotten", node.left
        yield "other factor forgotten", node.right
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield "sign flipped", ast.BinOp(node.left, ast.Add(), node.right)
        yield "term forgotten", node.left
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield "sign flipped", ast.BinOp(node.left, ast.Sub(), node.right)


def mutants(home, formula):
    """Yield (what is done, the code) for each slip that the source of a formula allows."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(getattr(home, formula))))
    for place, node in enumerate(ast.walk(tree)):
        for slip, put in slips(node):
            changed = deepcopy(tree)
            target = list(ast.walk(changed))[place]
            InPlaceOf(target, put).visit(changed)
            found = {}
            exec(
                compile(ast.fix_missing_locations(changed), "<mutant>", "exec", flags=annotations()), vars(home), found
            )
            yield f"{formula}: {slip} in {ast.unparse(node)}", found[formula].__code__


def annotations():
    import __future__

    return __future__.annotations.compiler_flag


class InPlaceOf(ast.NodeTransformer):
    def __init__(self, target, put):
        self.target, self.put = target, put

    def visit(self, node):
        return deepcopy(self.put) if node is self.target else self.generic_visit(node)


@pytest.mark.parametrize(("home", "formula"), [(home, one) for home, names in FORMULAS.items() for one in names])
def test_a_formula_that_is_changed_is_not_found(home, formula):
    module = HOMES[home]
    form = getattr(module, formula)
    original, survivors, count = form.__code__, [], 0
    for what, code in mutants(module, formula):
        count += 1
        form.__code__ = code
        try:
            survivors += [what] if all(row.holds for row in rows(module)) else []
        finally:
            form.__code__ = original
    assert count > 0
    assert survivors == []


# ---------------------------------------------------------------- the normal form

A, B, C = name("A"), name("B"), name("C")
EQUAL = [
    ((A @ B).T, B.T @ A.T),
    ((A * B).T, B.T * A.T),
    ((A + B) @ C, A @ C + B @ C),
    (A * (B - C), A * B - C * A),
    (A.T.T, A),
    ((A @ B) @ C, A @ (B @ C)),
    ((B / A - (1.0 - B) / (1.0 - A)) * A * (1.0 - A), B - A),
    (A * A / A, A),
    (applied("square", A) * 0.5, A * A / 2.0),
    (applied("tanh", A @ B).T, applied("tanh", B.T @ A.T)),
    (name("m", scalar=True) * A @ B, A @ (B * name("m", scalar=True))),
    (applied("reciprocal", A @ ones()) @ ones("2").T, applied("reciprocal", A @ ones() @ ones("2").T)),
]
DIFFERENT = [
    (A @ B, B @ A),
    (A, A.T),
    (A @ B, A * B),
    (A * B, A * B * B),
    (A - B, B - A),
    (applied("tanh", A), applied("sigmoid", A)),
    (A @ (B * C), (A @ B) * C),
    (A + 1.0, A),
]


@pytest.mark.parametrize("pair", EQUAL)
def test_equal_matrices_have_one_normal_form(pair):
    algebra = Algebra({})
    assert algebra.normal(pair[0].matrix) == algebra.normal(pair[1].matrix)
    assert algebra.normal(pair[0].matrix, transposed=True) == algebra.normal(pair[1].T.matrix)


@pytest.mark.parametrize("pair", DIFFERENT)
def test_different_matrices_have_different_ones(pair):
    algebra = Algebra({})
    assert algebra.normal(pair[0].matrix) != algebra.normal(pair[1].matrix)


def test_a_name_stands_for_its_definition():
    algebra = Algebra({"D": (A @ B).matrix})
    assert algebra.normal((name("D").T @ C).matrix) == algebra.normal((B.T @ A.T @ C).matrix)


leaves = st.sampled_from([A, B, 1.0 - A])
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda a: a.T, inner),
        st.builds(lambda a, b: a @ b, inner, inner),
        st.builds(lambda a, b: a * b, inner, inner),
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: a - b, inner, inner),
    ),
    max_leaves=5,
)
NUMBERS = {"A": [[2, 3], [5, 7]], "B": [[11, 13], [17, 19]]}


def exact(matrix):
    """Return a polynomial matrix at a point, in whole numbers."""
    match matrix:
        case Leaf(text):
            return np.array([[Fraction(x) for x in row] for row in NUMBERS[text]])
        case Constant(value):
            return np.full((2, 2), Fraction(value))
        case Transposed(of):
            return exact(of).T
        case Product(left, right):
            return exact(left) @ exact(right)
        case Elementwise(op, (a, b)):
            a, b = exact(a), exact(b)
            return {"add": a + b, "sub": a - b, "mul": a * b}[op.name]


@checked
@given(trees, trees)
def test_two_formulas_have_one_normal_form_only_if_they_are_equal_in_numbers(a, b):
    algebra = Algebra({})
    if algebra.normal(a.matrix) == algebra.normal(b.matrix):
        assert (exact(a.matrix) == exact(b.matrix)).all()
    nothing = (a @ b).T - b.T @ a.T + a * b - b * a
    assert algebra.normal(nothing.matrix) == frozenset()
    assert algebra.normal((a - b).matrix) == frozenset() or algebra.normal(a.matrix) != algebra.normal(b.matrix)


# ---------------------------------------------------------------- in reports


def test_a_report_shows_the_formula_beside_the_lifted_lines():
    report = lectures.compare(id="lai.bp.delta_hidden")
    line = next(line for line in report.lines if isinstance(line.evidence, Lifted))
    assert line.agrees
    assert (
        "lai.bp.delta_hidden  δ of hidden layers, 2 layers: δ[i] = (δ[i+1] W[i+1]ᵀ) ⊙ g'(z[i]); "
        "lifted: dZ1 = (1.0 - H1**2) * (dZ2 @ W2.T)  agrees"
    ) in [" ".join(text.split(" ")) for text in str(report).splitlines()]
    record = next(r for r in json.loads(report.to_json())["lines"] if "lifted" in r)
    assert record == {
        "id": "lai.bp.delta_hidden",
        "agrees": True,
        "quantity": "δ of hidden layers, 2 layers",
        "formula": "δ[i] = (δ[i+1] W[i+1]ᵀ) ⊙ g'(z[i])",
        "lifted": ["dZ1 = (1.0 - H1**2) * (dZ2 @ W2.T)"],
    }
    assert report._repr_html_().count("lifted from scalars: <math") == 3


def test_a_formula_that_is_not_found_differs_in_a_report():
    row = Lifted("δ", "δ = y", (), (), holds=False)
    report = lectures.Report("a title", (lectures.Line("some.id", row),))
    assert "some.id  δ: δ = y; lifted: no line of the program  DIFFERS" in str(report)
    assert "no line of the program" in report._repr_html_()
    assert 'class="differs"' in report._repr_html_()
