"""Symbols: what the table's partials come to when nothing is known but names, and how that is written.

The text is held against Python itself, which works it out; the LaTeX against Matplotlib's parser; the MathML against an
XML parser; the brackets against a list written by hand.
"""

import ast
import math
import re

import pytest
from formulas import MATHML, elements, is_same, worked_out
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from matplotlib.mathtext import MathTextParser
from operands import members, operands

import autograd_core.ops as ag
from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.mathml import tokens, translated
from autograd_core.notation import BRIEF
from autograd_core.op import OPS, Unary
from autograd_core.spelling import spelling_of
from autograd_core.symbol import Symbol
from autograd_core.value import Value

a, b, c = map(Symbol, "abc")
checked = settings(deadline=None, derandomize=True, database=None, max_examples=30)


def each(ops):
    return pytest.mark.parametrize("op", list(ops), ids=lambda op: op.name)


def symbols_for(op, length=2):
    """Return an op's operands as symbols, and a symbol for its result."""
    names = op.operand_names
    rows = [tuple([Symbol(f"{name[0]}{i}") for i in range(length)]) for name in names]
    return (rows if op.takes_rows else [Symbol(name) for name in names]), Symbol("y")


def formulas(op) -> list[Symbol]:
    """Return the op itself and all its partials, as formulas."""
    args, y = symbols_for(op)
    found = [Symbol.apply_op(op, tuple(args))]
    for partial in op.partials:
        if partial is not None:
            slopes = partial(*args, y)
            found += [x if isinstance(x, Symbol) else Symbol.number(x) for x in (slopes if op.takes_rows else [slopes])]
    return found


# ---------------------------------------------------------------- the text is Python


@each(OPS.values())
@checked
@given(st.data())
def test_the_text_of_a_value_and_of_every_partial_works_out_to_what_it_is_on_floats(op, data):
    point = data.draw(operands(op))
    y = op.value(*point)
    args, result = symbols_for(op, len(members(point[0])))
    names = {"y": Value(y)}
    for arg, numbers in zip(args, point, strict=True):
        for symbol, number in zip(arg if op.takes_rows else [arg], members(numbers), strict=True):
            names[symbol.text] = Value(number)
    assert is_same(worked_out(str(Symbol.apply_op(op, tuple(args))), **names), y)
    for partial in op.partials:
        if partial is not None:
            found, expected = partial(*args, result), partial(*point, y)
            for symbol, slope in zip(found if op.takes_rows else [found], members(expected), strict=True):
                assert is_same(worked_out(str(symbol), **names), slope), str(symbol)


SCALAR_OPS = [op for op in OPS.values() if not op.takes_rows]
NUMBERS = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 3.0]) | st.floats(-5.0, 5.0).map(lambda x: x + 0.0)


@st.composite
def trees(draw):
    """Draw the same formula twice, as a Symbol and worked out on Values, with the numbers of its names."""
    at = {name: draw(NUMBERS) for name in "abc"}
    pool = [(Symbol(name), Value(x)) for name, x in at.items()]
    for _ in range(draw(st.integers(1, 12))):
        op = draw(st.sampled_from([*SCALAR_OPS, *[op for op in SCALAR_OPS if op.operator] * 4]))
        picked = [draw(st.sampled_from(pool) | NUMBERS.map(lambda x: (x, x))) for _ in op.domain]
        if any(isinstance(symbol, Symbol) for symbol, _ in picked):
            pool.append((op(*[symbol for symbol, _ in picked]), op(*[value for _, value in picked])))
    assume(len(pool) > 3)
    return pool[-1], at


@settings(derandomize=True, deadline=None, max_examples=300)
@given(trees())
def test_a_formula_of_any_shape_works_out_to_the_number_it_stands_for(tree):
    (symbol, value), at = tree
    names = {name: Value(x) for name, x in at.items()}
    assert is_same(worked_out(symbol.text, **names), value.data), symbol.text


@checked
@given(st.floats())
def test_a_number_is_exact_in_text(x):
    found = worked_out(Symbol.number(x).text)
    assert (found == x and math.copysign(1.0, found) == math.copysign(1.0, x)) or (math.isnan(found) and math.isnan(x))


def test_a_row_is_whole_in_text_and_cut_short_elsewhere():
    xs = [Symbol(f"x{i}") for i in range(1, 10)]
    assert ag.sum(xs).text == "sum((x1, x2, x3, x4, x5, x6, x7, x8, x9))"
    assert BRIEF.write(ag.sum(xs)) == "sum((x1, x2, x3, ..., x9))"
    assert ag.sum(xs).latex == r"\sum (x_{1}, x_{2}, x_{3}, \ldots, x_{9})"
    assert [x.text for x in elements(ag.sum(xs).mathml) if x.tag == "mn"] == ["1", "2", "3", "9"]
    assert ag.sum(xs[:6]).latex == r"\sum (x_{1}, x_{2}, x_{3}, x_{4}, x_{5}, x_{6})"
    assert ag.sum(xs[:1]).text == "sum((x1,))"


# ---------------------------------------------------------------- brackets


BRACKETS = [
    ((a + b) * c, "(a + b) * c", r"(a + b) \cdot c"),
    (c * (a + b), "c * (a + b)", r"c \cdot (a + b)"),
    (a + b + c, "a + b + c", "a + b + c"),
    (a + (b + c), "a + (b + c)", "a + b + c"),
    (a - b - c, "a - b - c", "a - b - c"),
    (a - (b - c), "a - (b - c)", "a - (b - c)"),
    (a - (b + c), "a - (b + c)", "a - (b + c)"),
    (a + (b - c), "a + (b - c)", "a + b - c"),
    (a * b + c, "a * b + c", r"a \cdot b + c"),
    (a * (b * c), "a * (b * c)", r"a \cdot b \cdot c"),
    ((a * b) / c, "a * b / c", r"\frac{a \cdot b}{c}"),
    (a / (b * c), "a / (b * c)", r"\frac{a}{b \cdot c}"),
    (a / b / c, "a / b / c", r"\frac{\frac{a}{b}}{c}"),
    (a / (b / c), "a / (b / c)", r"\frac{a}{\frac{b}{c}}"),
    (a * (b / c), "a * (b / c)", r"a \cdot \frac{b}{c}"),
    ((a + b) / c, "(a + b) / c", r"\frac{a + b}{c}"),
    (-a, "-a", "-a"),
    (-(a + b), "-(a + b)", "-(a + b)"),
    (-(a * b), "-(a * b)", r"-a \cdot b"),
    (-a * b, "-a * b", r"-a \cdot b"),
    (a * -b, "a * (-b)", r"a \cdot (-b)"),
    (a + -b, "a + (-b)", "a + (-b)"),
    (-a + b, "-a + b", "-a + b"),
    (a - (-b + c), "a - (-b + c)", "a - (-b + c)"),
    (a + -b * c, "a + (-b * c)", r"a + (-b \cdot c)"),
    (-(a / b), "-(a / b)", r"-\frac{a}{b}"),
    (c - -(a / b), "c - (-(a / b))", r"c - \left(-\frac{a}{b}\right)"),
    (+a * b, "+a * b", r"a \cdot b"),
    ((-a) ** 2, "(-a) ** 2.0", "(-a)^{2}"),
    (-(a**2), "-a ** 2.0", "-a^{2}"),
    (a ** (b + c), "a ** (b + c)", "a^{b + c}"),
    ((a**b) ** c, "(a ** b) ** c", "(a^{b})^{c}"),
    (a ** (b**c), "a ** (b ** c)", "a^{b^{c}}"),
    (a**-b, "a ** (-b)", "a^{-b}"),
    ((a / b) ** c, "(a / b) ** c", r"\left(\frac{a}{b}\right)^{c}"),
    (ag.square(a + b), "square(a + b)", "(a + b)^2"),
    (ag.square(-a), "square(-a)", "(-a)^2"),
    (2 * -a, "2.0 * (-a)", r"2 \cdot (-a)"),
    (-0.5 * a, "-0.5 * a", r"-0.5 \cdot a"),
    (a * -0.5, "a * (-0.5)", r"a \cdot (-0.5)"),
    (a - -2.0, "a - (-2.0)", "a - (-2)"),
    ((-0.5) ** a, "(-0.5) ** a", "(-0.5)^{a}"),
    (a**-0.5, "a ** (-0.5)", "a^{-0.5}"),
    (1e-7 * a, "1e-07 * a", r"10^{-7} \cdot a"),
    (a**1.5e300, "a ** 1.5e+300", r"a^{1.5 \cdot 10^{300}}"),
    (ag.exp(a) * b, "exp(a) * b", r"e^{a} \cdot b"),
    (ag.square(ag.exp(a)), "square(exp(a))", "(e^{a})^2"),
    (ag.tanh(a + b), "tanh(a + b)", r"\tanh(a + b)"),
    (ag.tanh(a) ** 2, "tanh(a) ** 2.0", r"(\tanh(a))^{2}"),
    (ag.log1p(a - b), "log1p(a - b)", r"\log(1 + (a - b))"),
    (ag.log1p(a * b), "log1p(a * b)", r"\log(1 + a \cdot b)"),
    (ag.expm1(a) * b, "expm1(a) * b", r"(e^{a} - 1) \cdot b"),
    (ag.hypot(a + b, c), "hypot(a + b, c)", r"\sqrt{(a + b)^2 + c^2}"),
    (ag.silu(a + b), "silu(a + b)", r"(a + b) \cdot \sigma(a + b)"),
    (ag.step(a - b), "step(a - b)", "{[a - b > 0]}"),
    (abs(a - b) * c, "abs(a - b) * c", r"\left|a - b\right| \cdot c"),
    (ag.dot((a, b + c), (2, -c)) + a, "dot((a, b + c), (2.0, -c)) + a", r"(a, b + c) \cdot (2, -c) + a"),
    (ag.sum((a, b)) * c, "sum((a, b)) * c", r"(\sum (a, b)) \cdot c"),
    (ag.max((a, b)) * c, "max((a, b)) * c", r"\max (a, b) \cdot c"),
    (
        ag.where(ag.step(a), 1, b) * c,
        "where(step(a), 1.0, b) * c",
        r"\left(\begin{cases} 1 & {[a > 0]} \ne 0 \\ b & {[a > 0]} = 0 \end{cases}\right) \cdot c",
    ),
]


@pytest.mark.parametrize(("symbol", "text", "latex"), BRACKETS, ids=[text for _, text, _ in BRACKETS])
def test_brackets_stand_where_they_are_needed_and_nowhere_else(symbol, text, latex):
    assert (symbol.text, symbol.latex) == (text, latex)


@pytest.mark.parametrize(("symbol", "latex"), [(s, latex) for s, _, latex in BRACKETS], ids=[x for _, x, _ in BRACKETS])
def test_mathml_has_the_brackets_of_the_latex(symbol, latex):
    found = [x.text for x in elements(symbol.mathml) if x.text in ("(", ")")]
    assert found == re.findall(r"[()]", latex)


# ---------------------------------------------------------------- simplification


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (a * 1, "a"), (1 * a, "a"), (a + 0, "a"), (0.0 + a, "a"), (a - 0, "a"), (a / 1, "a"), (a**1, "a"),
        (a.__neg__().__neg__(), "a"), (-1 * a, "-a"), (a * -1, "-a"), (-(-1 * a), "a"), (ag.maximum(-math.inf, a), "a"),
        (ag.relu(ag.relu(a)), "relu(a)"), (ag.detach(ag.detach(a)), "detach(a)"), (ag.strong_mul(a, 1), "a"),
        (0 * a, "0.0 * a"), (0 - a, "0.0 - a"), (1 / a, "1.0 / a"), (1**a, "1.0 ** a"), (a * 0, "a * 0.0"),
        (a / -1, "a / (-1.0)"), (a - a, "a - a"), (ag.strong_mul(1, a), "strong_mul(1.0, a)"), (a + True, "a + 1.0"),
        (ag.sum((a,)), "sum((a,))"), (ag.dot((a,), (1,)), "dot((a,), (1.0,))"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)  # fmt: skip
def test_only_what_the_table_knows_is_simplified(found, expected):
    assert found.text == expected


def test_ops_of_numbers_alone_are_worked_out():
    assert ag.tanh(0.5) * 2 * a is not None
    assert (ag.exp(0.0) + a).text == "1.0 + a"
    assert (Symbol.number(2.0) * a).text == "2.0 * a"
    assert (Symbol.number(1.0) * a) is a


# ---------------------------------------------------------------- LaTeX and MathML


@each(OPS.values())
def test_the_latex_of_an_op_and_its_partials_is_read_by_matplotlib(op):
    parser = MathTextParser("path")
    for formula in formulas(op):
        depth = 0
        for piece in tokens(formula.latex):
            depth += (piece == "{") - (piece == "}")
            assert depth >= 0
        assert depth == 0
        if "cases" not in formula.latex:  # which Matplotlib does not know
            parser.parse(f"${formula.latex}$")


@each(OPS.values())
def test_the_mathml_of_an_op_and_its_partials_is_xml_of_mathml_elements(op):
    for formula in formulas(op):
        found = elements(formula.mathml)
        assert {x.tag for x in found} <= MATHML
        for x in found:
            assert len(x) == {"mfrac": 2, "msup": 2, "msub": 2}.get(x.tag, len(x))
            assert (x.tag in ("mi", "mn", "mo", "mtext")) == bool((x.text or "").strip())


@each(OPS.values())
def test_mathml_shows_the_numbers_and_names_of_the_latex(op):
    for formula in formulas(op):
        numbers = re.sub(r"\\(?:begin|end)\{cases\}|\\operatorname\{\w+\}", "", formula.latex)
        shown = [x.text for x in elements(formula.mathml) if x.tag == "mn"]
        assert shown == re.findall(r"[0-9]+(?:\.[0-9]+)?", numbers)


@pytest.mark.parametrize(
    ("latex", "token"),
    [
        (r"\frobnicate {0}", r"'\\frobnicate' in"), (r"\frac{{{0}}}", "the end of"), (r"{0} }}", "'}' in"),
        (r"^2", "'^' in"), (r"\sqrt {0}", "'{0}' in"), (r"\left{0}\right|", "'{0}' in"), ("{0}$", "'$' in"),
        (r"\begin{{array}} {0} \end{{array}}", r"'\\begin{array}' in"), (r"\text{{{0}}}", r"'\\text' in"),
        (r"{0} \\ {0}", r"'\\\\' in"), (r"\left({0}", "the end of"), (r"\begin{{cases}} {0}", "the end of"),
    ],
)  # fmt: skip
def test_a_template_with_anything_else_is_an_error_that_names_it(latex, token):
    op = Unary(name="test_odd_latex", value=abs, partials=(None,), latex=latex, code="{0}", group="test")
    try:
        with pytest.raises(ArgumentError) as caught:
            _ = op(a).mathml
    finally:
        del OPS["test_odd_latex"]
    shown = latex.replace("{{", "{").replace("}}", "}")
    assert str(caught.value).startswith(f"{token} the LaTeX {shown!r} cannot be written as MathML: use ")


def test_mathml_has_the_structure_of_the_formula():
    assert a.mathml == "<mrow><mi>a</mi></mrow>"
    assert (a**2).mathml == "<mrow><msup><mrow><mi>a</mi></mrow><mrow><mn>2</mn></mrow></msup></mrow>"
    assert (a / b).mathml == "<mrow><mfrac><mrow><mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac></mrow>"
    assert (-a).mathml == '<mrow><mo form="prefix">−</mo><mi>a</mi></mrow>'
    assert (a - b).mathml == "<mrow><mi>a</mi><mo>−</mo><mi>b</mi></mrow>"
    assert (a * -0.5).mathml == (
        '<mrow><mi>a</mi><mo>⋅</mo><mrow><mo>(</mo><mo form="prefix">−</mo><mn>0.5</mn><mo>)</mo></mrow></mrow>'
    )
    assert abs(a).mathml == "<mrow><mrow><mo>|</mo><mi>a</mi><mo>|</mo></mrow></mrow>"
    assert translated(r"\text{if } x_1") == [
        "<mtext>if </mtext><msub><mrow><mi>x</mi></mrow><mrow><mn>1</mn></mrow></msub>"
    ]


@pytest.mark.parametrize(
    ("x", "latex"),
    [
        (2.0, "2"), (-0.5, "-0.5"), (6.3474e-5, r"6.3474 \cdot 10^{-5}"), (1e-300, "10^{-300}"), (-1e20, "-10^{20}"),
        (1 / 3, "0.33333"), (123456.0, r"1.2346 \cdot 10^{5}"), (12345.0, "12345"), (0.0, "0"), (-0.0, "-0"),
        (math.inf, r"\infty"), (-math.inf, r"-\infty"), (math.nan, r"\mathrm{nan}"),
    ],
)  # fmt: skip
def test_a_number_has_five_digits_in_latex_and_mathml(x, latex):
    assert Symbol.number(x).latex == latex
    symbol = Symbol.number(x).mathml
    assert {x.tag for x in elements(symbol)} <= MATHML


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "latex", "mathml"),
    [
        ("x", "x", "<mi>x</mi>"),
        ("w12", "w_{12}", "<msub><mi>w</mi><mn>12</mn></msub>"),
        ("w_3", "w_{3}", "<msub><mi>w</mi><mn>3</mn></msub>"),
        ("alpha", r"\alpha", "<mi>α</mi>"),
        ("Omega_0", r"\Omega_{0}", "<msub><mi>Ω</mi><mn>0</mn></msub>"),
        ("Alpha", r"\mathrm{A}", "<mi>Α</mi>"),
        ("loss", r"\mathrm{loss}", "<mi>loss</mi>"),
        ("hidden_size", r"\mathrm{hidden\_size}", "<mi>hidden_size</mi>"),
        ("w0[12]", "w_{0}[12]", "<mrow><msub><mi>w</mi><mn>0</mn></msub><mtext>[12]</mtext></mrow>"),
        ("my loss", r"\text{my loss}", "<mtext>my loss</mtext>"),
        ("50%", r"\text{50}\%", "<mtext>50%</mtext>"),
        ("<script>", r"{<}\text{script}{>}", "<mtext>&lt;script&gt;</mtext>"),
        (r"\input{x}", r"{\backslash}\text{input}\{\text{x}\}", r"<mtext>\input{x}</mtext>"),
        ("$&#_^~", r"\$\&\#\_{\wedge}{\sim}", "<mtext>$&amp;#_^~</mtext>"),
        ("two\nlines", r"\text{two}{\backslash}\text{nlines}", r"<mtext>two\nlines</mtext>"),
        ("größe", r"\text{größe}", "<mtext>größe</mtext>"),
        ("a" * 41, rf"\text{{{'a' * 39}…}}", f"<mtext>{'a' * 39}…</mtext>"),
        ("a" * 40, rf"\mathrm{{{'a' * 40}}}", f"<mi>{'a' * 40}</mi>"),
    ],
)
def test_a_name_is_spelt_as_mathematicians_do_and_without_harm(name, latex, mathml):
    symbol = Symbol(name)
    assert (symbol.latex, symbol.mathml) == (latex, f"<mrow>{mathml}</mrow>")


WORD = r"\\mathrm\{(?:[A-Za-z0-9]|\\_)+\}|\\?[A-Za-z]+"
QUOTED = r"(?:\\text\{[^\\{}$&#%_^~<>]+\}|\\[{}$&#%_]|\{(?:\\backslash|\\wedge|\\sim|<|>)\})+"
LATEX_OF_A_NAME = rf"(?:(?:{WORD})(?:_\{{[0-9]+\}})?|{QUOTED})(?:\[[0-9]+\])*"


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.text(min_size=1) | st.text("\\{}$&#%_^~<>\"'[]0a\n", min_size=1))
def test_any_text_is_a_name_that_stays_text(name):
    symbol = Symbol(name)
    found = elements(symbol.mathml)
    tags = {x.tag for x in found}
    assert tags <= MATHML
    if not tags & {"mi", "mn"}:
        assert "".join(found[0].itertext()) == symbol.text
    assert re.fullmatch(LATEX_OF_A_NAME, symbol.latex, re.ASCII)
    assert symbol.text.isprintable()
    assert len(symbol.text) <= 40


def test_a_name_may_be_given_for_each_notation():
    symbol = Symbol("loss", latex=r"\mathcal{L}", mathml="<mi>ℒ</mi>")
    assert (symbol.text, symbol.latex, symbol.mathml) == ("loss", r"\mathcal{L}", "<mrow><mi>ℒ</mi></mrow>")
    assert spelling_of("loss").latex == r"\mathrm{loss}"


# ---------------------------------------------------------------- what a Symbol is


def test_symbols_are_compared_by_identity():
    assert Symbol("x") != Symbol("x")
    assert a == a  # noqa: PLR0124
    assert len({a, b, a}) == 2


def test_a_symbol_shows_itself():
    assert repr(a + 1) == "Symbol('a + 1.0')"
    assert str(a + 1) == "a + 1.0"
    assert (a + 1)._repr_latex_() == "$a + 1$"


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (lambda: Symbol(3), OperandTypeError, "a symbol's name is a str, not 3 of type int: pass str(...)"),
        (lambda: Symbol(""), ArgumentError,
         "a symbol's name is empty, so it could not be seen: pass at least one character"),
        (lambda: bool(a + b), OperandTypeError,
         "Symbol('a + b') has no number to decide by: use where(...) in place of if"),
        (lambda: a + "b", OperandTypeError, "'b' of type str is no real number: convert it first, with float(...)"),
        (lambda: a * Value(2.0), OperandTypeError,
         "Value(data=2.0, grad=0.0) of type Value is no real number: take its number with .data, or use the Value as it is"),
        (lambda: Symbol.number(None), OperandTypeError,
         "None of type NoneType is no real number: check what should have been computed there"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(mistake, error, message):
    with pytest.raises(error) as caught:
        mistake()
    assert str(caught.value) == message


@each(op for op in OPS.values() if op.operator)
def test_every_operator_of_the_table_works_on_symbols(op):
    operator = getattr(Symbol, f"__{op.operator}__")
    args = [a, b][: len(op.domain)]
    assert operator(*args).op is op
    if len(args) == 2:
        assert getattr(Symbol, f"__r{op.operator}__")(b, 7.0).operands == (7.0, b)


# ---------------------------------------------------------------- any depth, any size


def test_a_formula_may_be_a_hundred_thousand_ops_deep():
    x = a
    for _ in range(100_000):
        x = ag.tanh(x)
    assert x.text == "tanh(" * 100_000 + "a" + ")" * 100_000
    assert x.latex == r"\tanh(" * 100_000 + "a" + ")" * 100_000


def test_deep_sums_have_their_brackets():
    x = a
    for _ in range(10_000):
        x = b - x
    assert x.text == "b - (" * 9_999 + "b - a" + ")" * 9_999


def test_what_is_too_long_is_cut_short_from_the_inside_and_stays_well_formed():
    x = a
    for _ in range(100):
        x = x * ag.tanh(x)
    assert len(x.text) < 3_000_000
    ast.parse(x.text)
    assert "tanh(...)" in x.text
    assert len(elements(x.mathml)) > 1000
