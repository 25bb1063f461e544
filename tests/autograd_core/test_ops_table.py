"""The table itself: every row is complete, keeps its own laws and conventions, and is all that an op takes.

The first half walks over all ops and so holds for any that is added; the second half adds one.
"""

import ast
import dataclasses
import inspect
import math
import pickle
import re
import string
from pathlib import Path

import exact
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from operands import members, operands, slopes

import autograd_core.ops as ag
from autograd_core.backward import _HOT, _pull, gradients
from autograd_core.errors import ArgumentError
from autograd_core.op import (
    APPLICATION,
    CLOSED,
    OPS,
    POWER,
    PRODUCT,
    SUM,
    Op,
    Pairing,
    Parametric,
    Reduction,
    Unary,
    find,
)
from autograd_core.value import Value

ROOT = Path(__file__).parents[2]
GROUPS = {"arithmetic", "powers", "exponentials", "trigonometry", "activations", "piecewise", "reductions", "cut"}

checked = settings(deadline=None, derandomize=True, database=None, max_examples=50)


def each(ops):
    return pytest.mark.parametrize("op", list(ops), ids=lambda op: op.name)


# ---------------------------------------------------------------- every row is complete


@each(OPS.values())
def test_an_op_is_found_by_its_name(op):
    assert OPS[op.name] is find(op.name) is getattr(ag, op.name) is op
    assert op.name.isidentifier()
    assert repr(op) == f"<op {op.name}>"
    assert pickle.loads(pickle.dumps(op)) is op


@each(OPS.values())
def test_an_op_has_one_interval_and_one_partial_for_each_operand(op):
    assert len(op.partials) == len(op.domain)
    for text in (op.code, op.latex):
        assert fields_of(text) == set(range(len(op.domain)))
    assert len(op.operand_names) == len(op.domain)
    for partial in op.partials:
        assert partial is None or [*inspect.signature(partial).parameters] == [*op.operand_names, "y"]


@each(OPS.values())
def test_an_op_is_written_in_latex_with_its_braces_paired(op):
    depth = 0
    for character in op.latex.format(*op.operand_names):
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0


def outermost(latex: str) -> str:
    """Return what is left of LaTeX when groups, brackets and what stands in them are taken out."""
    before = ""
    while before != latex:
        before, latex = (
            latex,
            re.sub(r"\{[^{}]*\}|\([^()]*\)|\\left\|[^|]*\\right\||\\(?:frac|sqrt|operatorname)\b", " ", latex),
        )
    return latex


@each(OPS.values())
def test_an_op_holds_together_as_tightly_as_its_latex(op):
    form = outermost(op.latex.format(*["x" * (i + 1) for i in range(len(op.domain))]))
    loosest = (
        SUM if re.search(r"x \+|\S +-|\\sum x|\\begin", form)
        else PRODUCT if re.search(r"\\cdot|^-", form)
        else APPLICATION if re.search(r"\\(?:max|min) x|^ +x$", form)
        else POWER if "^" in form
        else CLOSED
    )  # fmt: skip
    assert op.precedence == loosest, form


@each(OPS.values())
def test_an_op_is_defined_in_elementary_functions_alone(op):
    names = [node for node in ast.walk(ast.parse(op.code.format(*op.operand_names))) if isinstance(node, ast.Name)]
    running = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    assert {name.id for name in names} <= {*op.operand_names, *running, *exact.ELEMENTARY}


@each(OPS.values())
def test_an_op_stands_on_a_known_shelf_under_a_short_symbol(op):
    assert op.group in GROUPS
    assert 0 < len(op.symbol) <= 12


@each(OPS.values())
@checked
@given(st.data())
def test_a_value_is_a_float_and_nothing_else(op, data):
    assert type(op.value(*data.draw(operands(op)))) is float


@each(OPS.values())
def test_the_docstring_says_what_the_table_says(op):
    said = [op.name, op.code.format(*op.operand_names), op.latex.format(*op.operand_names)]
    said += [*map(str, op.domain), op.value_bound.why, op.partial_bound.why]
    said += [op.constraint[0]] if op.constraint else []
    said += [op.kink.where, *map(str, op.kink.at), *map(str, op.kink.partials)] if op.kink else []
    assert [text for text in said if text not in op.__doc__] == []


@each(op for op in OPS.values() if op.operator)
def test_an_operator_is_one_that_floats_have(op):
    assert hasattr(float, f"__{op.operator}__")
    assert hasattr(Value, f"__{op.operator}__")


@each(op for op in OPS.values() if isinstance(getattr(np, op.ufunc or op.name, None), np.ufunc))
def test_numpys_function_of_that_name_has_that_meaning(op):
    for numbers in [(0.3, 0.7), (0.7, 0.3)]:
        point = numbers[: len(op.domain)]
        assert op.value(*point) == pytest.approx(getattr(np, op.ufunc or op.name)(*point), rel=1e-15)


@each(op for op in OPS.values() if op.ufunc)
def test_a_ufunc_is_named_only_where_numpy_has_one_of_another_name(op):
    assert isinstance(getattr(np, op.ufunc), np.ufunc)
    assert op.ufunc != op.name


@each(op for op in OPS.values() if isinstance(op, Parametric))
def test_a_parameter_left_out_has_its_default(op):
    assert op.default in op.domain[1]
    assert op(-1.5) == op(-1.5, op.default)


@each(op for op in OPS.values() if not isinstance(op, Reduction | Pairing))
def test_every_op_of_single_numbers_is_a_method(op):
    point = (0.5, 0.75, 1.0)[: len(op.domain)]
    x, *others = point
    assert getattr(Value(x), op.name)(*others).data == op(*point)
    assert getattr(Value, op.name).__doc__ == op.__doc__


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Parametric)])
def test_every_field_is_read_by_someone(field):
    sources = [path for folder in ("autograd_core", "nn", "tests") for path in (ROOT / folder).rglob("*.py")]
    readers = [path for path in sources if path.name not in ("op.py", "ops.py") and field in attributes_read(path)]
    assert readers


def attributes_read(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def fields_of(template: str) -> set[int]:
    return {int(field) for _, field, _, _ in string.Formatter().parse(template) if field is not None}


# ---------------------------------------------------------------- every row keeps its laws


def _swapped(op, point):
    return [row[::-1] for row in point] if isinstance(op, Reduction) else point[::-1]


LAWS = {
    "odd": lambda op, x, *others: (op.value(-x, *others), -op.value(x, *others)),
    "even": lambda op, x: (op.value(-x), op.value(x)),
    "idempotent": lambda op, x: (op.value(op.value(x)), op.value(x)),
    "involution": lambda op, x: (op.value(op.value(x)), x),
    "commutative": lambda op, *point: (op.value(*_swapped(op, point)), op.value(*point)),
}


@pytest.mark.parametrize(
    ("op", "law"), [(op, law) for op in OPS.values() for law in op.laws], ids=lambda x: getattr(x, "name", x)
)
@checked
@given(st.data())
def test_a_law_holds_to_the_last_bit(op, law, data):
    left, right = LAWS[law](op, *data.draw(operands(op)))
    assert is_same(left, right)


@each(op for op in OPS.values() if op.identity is not None)
@checked
@given(st.data())
def test_an_identity_on_the_right_changes_nothing(op, data):
    x, _ = data.draw(operands(op))
    assert op.value(x, op.identity) == x


@each(op for op in OPS.values() if op.kink)
def test_a_kink_has_the_derivatives_that_it_declares(op):
    assert op.kink.margin(*op.kink.at) == 0.0
    assert slopes(op, op.kink.at) == [x for partial in op.kink.partials for x in members(partial)]


# ---------------------------------------------------------------- partials know no number's type


class Text:
    """A third kind of number: the text of what was done to it, to be worked out later.

    It can do what Generic asks for and no more. It has no number yet, so nothing can be decided by it.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def apply_op(cls, op: Op, operands: tuple) -> "Text":
        return cls(f"OPS[{op.name!r}].value({', '.join(map(written, operands))})")

    def __add__(self, other):
        return Text(f"({self.text} + {written(other)})")

    def __radd__(self, other):
        return Text(f"({written(other)} + {self.text})")

    def __sub__(self, other):
        return Text(f"({self.text} - {written(other)})")

    def __rsub__(self, other):
        return Text(f"({written(other)} - {self.text})")

    def __mul__(self, other):
        return Text(f"({self.text} * {written(other)})")

    def __rmul__(self, other):
        return Text(f"({written(other)} * {self.text})")

    def __neg__(self):
        return Text(f"(-{self.text})")

    __bool__ = __float__ = __eq__ = __hash__ = None


def written(x) -> str:
    if isinstance(x, Text):
        return x.text
    return f"[{', '.join(map(written, x))}]" if isinstance(x, tuple | list) else repr(x)


def worked_out(x) -> float:
    return eval(x.text, {"OPS": OPS, "inf": math.inf, "nan": math.nan}) if isinstance(x, Text) else x  # noqa: S307


@each(OPS.values())
@checked
@given(st.data())
def test_a_partial_is_the_same_on_every_kind_of_number(op, data):
    point = data.draw(operands(op))
    y = op.value(*point)
    for number, read in [(Value, lambda x: getattr(x, "data", x)), (lambda x: Text(repr(x)), worked_out)]:
        generic = [tuple(map(number, x)) if isinstance(x, list) else number(x) for x in point]
        found: list[float] = []
        for partial, operand in zip(op.partials, point, strict=True):
            results = members(partial(*generic, number(y))) if partial else [0.0] * len(members(operand))
            found += map(read, results)
        assert all(map(is_same, found, slopes(op, point))), number


# ---------------------------------------------------------------- short cuts of the sweep


@each(_HOT)
@checked
@given(st.data(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False).filter(bool))
def test_a_pull_by_hand_is_the_tables_to_the_bit(op, data, shared, adjoint):
    point = data.draw(operands(op))
    before = data.draw(st.floats(-10.0, 10.0))

    def grads_after(pull):
        operands = [tuple(map(Value, x)) if isinstance(x, list) else Value(x) for x in point]
        if shared:  # as in x * x, or dot(xs, xs)
            operands = operands[:1] * len(operands)
        node = op(*operands)
        for x in node.inputs:
            x.grad = before
        pull(node, adjoint)
        return [repr(x.grad) for x in node.inputs]

    assert grads_after(_HOT[op]) == grads_after(_pull)


# ---------------------------------------------------------------- adding an op


@pytest.fixture
def cube():
    """The whole of a new op, as it would stand in the table."""
    yield Unary(name="test_cube", value=lambda x: x * x * x,
        partials=(lambda x, y: 3.0 * ag.square(x),),
        latex="{0}^3", code="{0} ** 3", group="powers", laws=("odd",))  # fmt: skip
    del OPS["test_cube"]


def test_one_block_makes_an_op(cube):
    assert cube(2) == 8.0
    assert cube.symbol == "test_cube"
    assert "x ** 3" in cube.__doc__
    assert "x^3" in cube.__doc__
    assert pickle.loads(pickle.dumps(cube)) is cube

    x = Value(2.0)
    y = cube(x)
    y.backward()
    (slope,) = gradients(y, [x])
    (curvature,) = gradients(slope, [x])
    assert (y.data, x.grad, slope.data, curvature.data) == (8.0, 12.0, 12.0, 12.0)


def test_one_block_is_enough_to_be_tested(cube):
    assert exact.value(cube, 2.0) == 8
    assert exact.derivative(cube, (2.0,), 0) == pytest.approx(12)
    assert exact.derivative(cube, (2.0,), 0, 0) == pytest.approx(12)


def test_a_name_is_taken_once(cube):
    before = dict(OPS)
    with pytest.raises(ArgumentError) as caught:
        dataclasses.replace(cube, value=math.exp)
    assert str(caught.value) == "there is an op named 'test_cube' already: choose another name"
    assert before == OPS


def test_an_op_that_is_gone_is_missed_by_name():
    with pytest.raises(ArgumentError) as caught:
        find("cosine")
    assert str(caught.value) == f"there is no op named 'cosine'; the ops are {', '.join(sorted(OPS))}"


def is_same(a: float, b: float) -> bool:
    """Tell whether two floats are equal to the last bit; zeros of both signs are one number, and nan is itself."""
    return a == b or (math.isnan(a) and math.isnan(b))
