"""Expressions as text: the graph that they give, and every way in which they are refused."""

import math
import re
import sys

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from messages import message_of

from autograd_core import AnomalyError, ArgumentError, OperandTypeError, Value, detect_anomaly, ops, topological_order
from autograd_core.expression import parse, parse_point
from autograd_core.op import OPS, Binary, Parametric

POINT = {"a": 2.0, "b": -0.5, "c": 0.3}
NAMESPACE = {name: getattr(ops, name) for name in ops.__all__} | {"pi": math.pi, "e": math.e}


def by_python(text, at):
    """Return what Python itself makes of an expression."""
    return eval(text, {"__builtins__": {}}, NAMESPACE | at)  # noqa: S307 - what is evaluated is written here


def used_in(text):
    """Return the numbers of those names that occur in a text."""
    return {name: POINT[name] for name in re.findall(r"[^\W\d]\w*", text) if name in POINT}


def shape_of(y):
    """Return a graph as plain data: what made each node, from which earlier ones, its number as text (nan is not nan) and its label."""
    order = topological_order(y)
    place = {v: i for i, v in enumerate(order)}
    return [(v.op, [place[x] for x in v.inputs], repr(v.data), v.label) for v in order]


def refused(text, start, length, why, at=None):
    """Check the whole message of a refusal: the expression, carets under a part of it, and why."""
    message = message_of(ArgumentError, lambda: parse(text, used_in(text) if at is None else at))
    assert message == f"{text}\n{' ' * start}{'^' * length}\n{why}"


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("tanh(a*b + c)", math.tanh(2.0 * -0.5 + 0.3)),
        ("a - b - c", (2.0 - -0.5) - 0.3),
        ("a / b / c", (2.0 / -0.5) / 0.3),
        ("a ** 3 ** 2", 512.0),
        ("-a ** 2", -4.0),
        ("2 ** -1", 0.5),
        ("-2 ** 2", -4.0),
        ("(-2) ** 2", 4.0),
        ("--a", 2.0),
        ("+a", 2.0),
        ("+3", 3.0),
        ("3", 3.0),
        ("1_000 + .5 + 1. + 2.5e-1 + 1E2", 1101.75),
        ("1e400", math.inf),
        ("1 / 0", math.inf),
        ("pi * e", math.pi * math.e),
        ("sum([a, b, c])", 2.0 - 0.5 + 0.3),
        ("sum((a, b, 1,))", 2.5),
        ("dot([a, b], [c, 1])", 2.0 * 0.3 - 0.5),
        ("max([a, max([b, c])])", 2.0),
        ("leaky_relu(b)", -0.005),
        ("leaky_relu(b, 0.2)", -0.1),
        ("where(a, b, c)", -0.5),
        ("abs(b)", 0.5),
        ("pow(a, 3)", 8.0),
        ("maximum(b, c)", 0.3),
        ("  a *\tb\u00a0* (c\n + 1)\r\n", 2.0 * -0.5 * 1.3),
        ("a*b;", -1.0),
    ],
)
def test_an_expression_has_the_value_that_it_has_in_python(text, number):
    y = parse(text, used_in(text))
    assert type(y) is Value
    assert y.data == number


def calls(x):
    """Return a strategy of calls of every op of the table on expressions."""

    def call(op):
        if op.takes_rows:
            width = st.integers(1, 3)
            rows = width.flatmap(lambda n: st.tuples(*[st.lists(x, min_size=n, max_size=n)] * len(op.partials)))
            return rows.map(lambda rows: f"{op.name}({', '.join('[' + ', '.join(row) + ']' for row in rows)})")
        least = len(op.partials) - isinstance(op, Parametric)
        operands = st.lists(x, min_size=least, max_size=len(op.partials))
        return operands.map(lambda operands: f"{op.name}({', '.join(operands)})")

    return st.sampled_from(list(OPS.values())).flatmap(call)


def expressions(leaves):
    operator = st.sampled_from([" + ", "-", "*", " / ", "**"])
    return st.recursive(
        leaves,
        lambda x: st.one_of(
            st.tuples(x, operator, x).map("".join),
            st.tuples(x, operator, x).map(lambda parts: f"({''.join(parts)})"),
            st.tuples(st.sampled_from("+-"), x).map("".join),
            calls(x),
        ),
        max_leaves=20,
    )


NAMES = st.sampled_from([*POINT])
NUMBERS = st.floats(-10.0, 10.0).map(repr)


@given(expressions(NAMES | NUMBERS | st.sampled_from(["pi", "e"])))
@example("a**-b**2.0")
def test_any_expression_has_the_value_that_python_gives_it_on_floats(text):
    at = used_in(text)
    try:
        expected = float(by_python(text, at))
    except (ArithmeticError, TypeError):  # Python's own / and ** raise, or leave the real numbers, where ours do not
        assume(False)  # noqa: FBT003 - Hypothesis's way to say so
    assert repr(parse(text, at).data) == repr(expected)


@given(expressions(NAMES))
@example("(a - b)*(a - b)")
def test_the_graph_is_the_one_that_python_records(text):
    at = used_in(text)
    expected = by_python(text, {name: Value(number, label=name) for name, number in at.items()})
    assert shape_of(parse(text, at)) == shape_of(expected)


def test_a_name_is_one_leaf_with_that_label_wherever_it_is_used():
    y = parse("a*a + a", {"a": 3.0})
    (a,) = [v for v in topological_order(y) if v.op is None]
    assert (a.data, a.label, a.is_constant) == (3.0, "a", False)
    y.backward()
    assert a.grad == 7.0


def test_numbers_are_constants_and_a_sign_belongs_to_its_number():
    y = parse("-2 * a + pi", {"a": 3.0})
    assert [(v.data, v.is_constant) for v in topological_order(y)] == [
        (-2.0, True), (3.0, False), (-6.0, False), (math.pi, True), (math.pi - 6.0, False),
    ]  # fmt: skip


def test_pi_and_e_are_names_like_others_where_they_are_given():
    y = parse("pi + e", {"e": 1.0, "pi": 3.0})
    assert [(v.data, v.label) for v in topological_order(y)] == [(3.0, "pi"), (1.0, "e"), (4.0, "")]
    assert parse("e = 2*a; e + pi", {"a": 1.0}).data == 2.0 + math.pi


@pytest.mark.parametrize(
    "text", ["d = a*b; tanh(d + c)", "d = a*b\n\n  tanh(d +\n c)\n", "d=a*b\r\ntanh(d + c)", ";d = a*b;;tanh(d + c);"]
)
def test_parts_are_given_names_which_become_labels(text):
    y = parse(text, POINT)
    assert shape_of(y) == [
        (None, [], "2.0", "a"),
        (None, [], "-0.5", "b"),
        (ops.mul, [0, 1], "-1.0", "d"),
        (None, [], "0.3", "c"),
        (ops.add, [2, 3], "-0.7", ""),
        (ops.tanh, [4], repr(math.tanh(-0.7)), ""),
    ]


def test_the_result_may_be_a_part_that_has_a_name():
    assert parse("d = a*b; d", {"a": 2.0, "b": 3.0}).label == "d"


@pytest.mark.parametrize(("text", "number"), [("w = 2; w*a", 2.0), ("w = -2; w*a", -2.0), ("w = pi; w*a", math.pi)])
def test_a_number_that_is_given_a_name_is_a_leaf_to_differentiate_by(text, number):
    y = parse(text, {"a": 5.0})
    w = y.inputs[0]
    assert (w.data, w.label, w.is_constant) == (number, "w", False)
    y.backward()
    assert w.grad == 5.0


def test_names_are_taken_as_python_takes_them():
    micro, mu = "\u00b5", "\u03bc"
    assert parse(f"{micro} + {mu}", {micro: 1.0}).data == 2.0
    assert parse(micro, {mu: 1.0}).label == mu
    assert parse("größe * 变量", {"größe": 2.0, "变量": 3.0}).data == 6.0


def test_a_new_op_of_the_table_can_be_called_and_stands_behind_its_operator():
    modulo = Binary(
        name="modulo", value=lambda a, b: a % b, partials=(None, None),
        latex=r"{0} \bmod {1}", code="{0} % {1}", group="arithmetic", operator="mod",
    )  # fmt: skip
    try:
        assert parse("modulo(a, 4) + a % 4", {"a": 7.0}).data == 6.0
    finally:
        del OPS[modulo.name]


def test_detect_anomaly_watches_an_expression_as_any_computation():
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"log\(a = -1\.0\) is nan"):
        parse("log(a)", {"a": -1.0})


# ---------------------------------------------------------------- refusals

GRAMMAR = "an expression has numbers, names, operators and calls of ops"
CHOOSE = "choose with where(step(a - b), x, y)"


@pytest.mark.parametrize(
    ("text", "start", "length", "why"),
    [
        ("tanh(a*b + arctan(c))", 11, 6, "'arctan' is no op of the table: did you mean 'atan' or 'atan2'?"),
        ("soft_plus(a)", 0, 9, "'soft_plus' is no op of the table: did you mean 'softplus'?"),
        ("zzz(a)", 0, 3, f"'zzz' is no op of the table: there are {', '.join(sorted(OPS))}"),
        ("a(b)", 0, 1, f"'a' is no op of the table: there are {', '.join(sorted(OPS))}"),
        ("(a+b)(c)", 1, 3, "only an op can be called: write * before the bracket for a product"),
        ("2(a)", 0, 1, "only an op can be called: write * before the bracket for a product"),
        ("softmax([a, b])", 0, 7, "'softmax' gives several numbers, and an expression is one: take an op that gives one"),
        ("a + zzz", 4, 3, "zzz has no number: give --at zzz=..."),
        ("tanh + 1", 0, 4, "'tanh' is an op: give it its operands in brackets, as in tanh(...)"),
        ("tanh(a, b)", 0, 10, "tanh takes 1 operand, not 2: write tanh(x)"),
        ("1 + atan2(a)", 4, 8, "atan2 takes 2 operands, not 1: write atan2(a, b)"),
        ("leaky_relu()", 0, 12, "leaky_relu takes 1 or 2 operands, not 0: write leaky_relu(x, slope)"),
        ("max(a, b)", 0, 9, "max takes 1 operand, a row in brackets, not 2: write max([...])"),
        ("dot(a, b)", 4, 1, "dot takes a row of numbers: put them in brackets, dot([...], [...])"),
        ("dot([a, b], [c])", 0, 16, "dot pairs its rows off, but they hold 2 and 1 numbers: make them equally long"),
        ("max([])", 4, 2, "max of an empty row: put at least one number in it"),
        ("sum(xs=a)", 4, 4, "operands are given in order, without names: sum([...])"),
        ("tanh(**a)", 5, 3, "operands are given in order, without names: tanh(x)"),
        ("tanh(*a)", 5, 2, "a star unpacks nothing here: write the numbers out"),
        ("a[0]", 0, 4, "an expression has no indices: give each number a name of its own"),
        ("a // b", 2, 2, "'//' is no operator of the table: it has + - * / **"),
        ("(a + b) % (c)", 8, 1, "'%' is no operator of the table: it has + - * / **"),
        ("a @ b", 2, 1, "'@' is no operator of the table: it has + - * / **"),
        ("a.real", 1, 1, "'.' has no place here: give the number a name of its own"),
        ("lambda: a", 0, 6, f"'lambda' has no place here: {GRAMMAR}"),
        ("True", 0, 4, f"'True' has no place here: {GRAMMAR}"),
        ("a < b", 2, 1, f"'<' has no place here: {CHOOSE}"),
        ("a == b", 2, 2, f"'==' has no place here: {CHOOSE}"),
        ("a if b else c", 2, 2, f"'if' has no place here: {CHOOSE}"),
        ("sum([x for x in a])", 7, 3, f"'for' has no place here: {GRAMMAR}"),
        ("(d := a) + d", 3, 2, "':=' has no place here: write d = a*b; and use d after it"),
        ("f'{a}'", 1, 1, "\"'\" has no place here: leave the quotes out"),
        ("a^2", 1, 1, "'^' has no place here: a power is written **"),
        ("a×b", 1, 1, "'×' has no place here: a product is written *"),
        ("ab²", 2, 1, f"'²' has no place here: {GRAMMAR}"),
        ("~a", 0, 1, f"'~' has no place here: {GRAMMAR}"),
        ("a # what", 2, 1, f"'#' has no place here: {GRAMMAR}"),
        ("2a", 1, 1, "a name follows a number: write * a for a product"),
        ("1j", 1, 1, "a name follows a number: write * j for a product"),
        ("1if", 1, 2, "a name follows a number: write * if for a product"),
        ("0x10", 1, 3, "a name follows a number: write * x10 for a product"),
        ("(a*b", 0, 1, "Python cannot read this ('(' was never closed): mend what stands here"),
        ("a +", 3, 1, "Python cannot read this (invalid syntax): mend what stands here"),
        ("a b", 2, 1, "Python cannot read this (invalid syntax): mend what stands here"),
        ("a)", 1, 1, "Python cannot read this (unmatched ')'): mend what stands here"),
        ("é + ((", 5, 1, "Python cannot read this ('(' was never closed): mend what stands here"),
        ("3 = a; a", 0, 1, "Python cannot read this (cannot assign to literal here): mend what stands here"),
        ("a;b", 0, 1, "only the last part stands without a name: put name = before this one"),
        ("d = a", 0, 5, "the last part is the result: end with an expression, such as d"),
        ("a += b", 0, 6, "this gives no name an expression: write name = expression, each name once"),
        ("d = f = a; d", 0, 9, "this gives no name an expression: write name = expression, each name once"),
        ("d = a*b; d = b; d", 9, 1, "'d' has a meaning already: choose another name"),
        ("a = b; a", 0, 1, "'a' has a meaning already: choose another name"),
        ("d = a; d", 4, 1, "'a' would have two names: use 'a' in place of 'd'"),
        ("d = a*b; c", 0, 1, "'d' is not used after this: leave it out"),
        ("tanh = a*b; c", 0, 4, "'tanh' is the name of an op: choose another"),
        ("1 + max([tanh([a])])", 14, 3, "a row has no place here: it goes to an op that takes rows (sum, mean, dot, max, min, logsumexp)"),
        ("a, b", 0, 4, "a row has no place here: it goes to an op that takes rows (sum, mean, dot, max, min, logsumexp)"),
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused_with_carets_under_it(text, start, length, why):
    refused(text, start, length, why)


def test_of_several_mistakes_the_first_is_named():
    refused("foo(a) + bar(b)", 0, 3, f"'foo' is no op of the table: there are {', '.join(sorted(OPS))}")
    refused("a + max([xx, yy])", 9, 2, "xx has no number: give --at xx=...")


def test_a_name_without_a_number_is_compared_with_those_that_have_one():
    refused(
        "d = a*alpha; alhpa + d", 13, 5, "alhpa has no number: give --at alhpa=..., or did you mean 'alpha'?",
        {"a": 1.0, "alpha": 2.0},
    )  # fmt: skip


def test_a_number_that_is_not_used_is_refused():
    assert message_of(ArgumentError, lambda: parse("a*b\n+ 1", {"a": 1.0, "b": 2.0, "c": 3.0})) == (
        "a*b\n^^^\nonly the last part stands without a name: put name = before this one"
    )
    assert message_of(ArgumentError, lambda: parse("a*b", {"a": 1.0, "b": 2.0, "c": 3.0})) == (
        "a*b\nc has a number, but is not used here: leave --at c=... out"
    )


@pytest.mark.parametrize("text", ["", " \n\t", ";", "\r\n;;"])
def test_an_empty_expression_is_refused(text):
    assert message_of(ArgumentError, lambda: parse(text, {})) == (
        "the expression is empty: write one, such as 'a*b + c'"
    )


def test_the_caret_points_into_the_right_line_and_the_right_statement():
    assert message_of(ArgumentError, lambda: parse("d = a*b\nf = d*2;\ttanh(f + foo(d))\n", {"a": 1.0, "b": 1.0})) == (
        "f = d*2; tanh(f + foo(d))\n"
        "                  ^^^\n"
        f"'foo' is no op of the table: there are {', '.join(sorted(OPS))}"
    )


def test_letters_of_several_bytes_do_not_shift_the_caret():
    refused("größe*zzz", 6, 3, "zzz has no number: give --at zzz=...", {"größe": 1.0})
    refused("größe % 2", 6, 1, "'%' is no operator of the table: it has + - * / **", {"größe": 1.0})


def test_letters_of_two_columns_have_blanks_of_two_columns_below():
    assert message_of(ArgumentError, lambda: parse("变量*zzz", {"变量": 1.0})) == (
        "变量*zzz\n\u3000\u3000 ^^^\nzzz has no number: give --at zzz=..."
    )


def test_of_a_long_line_the_part_around_the_caret_is_shown():
    text = "+".join(["a"] * 100) + "+zzz+" + "+".join(["a"] * 100)
    assert message_of(ArgumentError, lambda: parse(text, {"a": 1.0})) == (
        f"…{'a+' * 30}zzz{'+a' * 28}+…\n{' ' * 61}^^^\nzzz has no number: give --at zzz=..."
    )
    assert message_of(ArgumentError, lambda: parse(text.replace("zzz", "a"), {"a": 1.0, "b": 1.0})) == (
        f"{'a+' * 60}…\nb has a number, but is not used here: leave --at b=... out"
    )


@pytest.mark.parametrize("character", ["\0", "\x1b", "\u200b", "\ud800", "\ufffe"])
def test_characters_that_do_not_show_are_refused_and_not_printed(character):
    assert message_of(ArgumentError, lambda: parse(f"a{character}b", POINT)) == (
        f"a\ufffdb\n ^\n{character!r} has no place here: {GRAMMAR}"
    )


@pytest.mark.parametrize("digits", [309, 4000, 5000])
def test_numbers_beyond_float64_are_refused(digits):
    assert message_of(ArgumentError, lambda: parse(f"a*{'9' * digits}", {"a": 1.0})) == (
        f"a*{'9' * 60}…\n  {'^' * 60}\nthe number is beyond float64's 1.8e308: scale it down"
    )
    assert parse("9" * 308, {}).data == float("9" * 308)


# ---------------------------------------------------------------- limits

NAME_PARTS = "give parts of it names, as in d = a*b; tanh(d + c)"


def test_an_expression_of_100_000_characters_is_the_longest():
    longest = "d = a + sum([" + "a*a, " * 19_990
    longest += " " * (100_000 - len(longest) - 5) + "]); d"
    assert len(longest) == 100_000
    assert parse(longest, {"a": 1.0}).data == 19_991.0
    assert message_of(ArgumentError, lambda: parse(longest + " ", {"a": 1.0})) == (
        "an expression of 100,001 characters is too long: 100,000 is the limit"
    )


@pytest.mark.parametrize(("opened", "closed"), [("(", ")"), ("tanh(", ")"), ("-(", ")"), ("sum([a, ", "])")])
def test_a_hundred_brackets_may_be_open(opened, closed):
    most = 50 if "[" in opened else 100
    assert type(parse(opened * most + "a" + closed * most, {"a": 1.0})) is Value
    message = message_of(ArgumentError, lambda: parse(opened * (most + 1) + "a" + closed * (most + 1), {"a": 1.0}))
    assert message.endswith(f"^\nmore than 100 brackets are open: {NAME_PARTS}")


@pytest.mark.parametrize(
    "chain",
    [
        lambda n: "+".join(["a"] * (n + 1)),
        lambda n: "-" * n + "a",
        lambda n: "**".join(["a"] * (n + 1)),
        lambda n: "**-".join(["a"] * (n // 2 + 1)) + "+a" * (n % 2),
    ],
)
def test_a_thousand_operators_may_stand_in_a_row(chain):
    assert len(topological_order(parse(chain(1000), {"a": 1.0}))) == 1001
    message = message_of(ArgumentError, lambda: parse(chain(1001), {"a": 1.0}))
    assert message.endswith(f"^\nmore than 1,000 operators in a row: {NAME_PARTS}")


def test_the_limit_holds_within_each_part_of_a_row_and_each_statement():
    part = "+".join(["a"] * 900)
    assert parse(f"d = {part}; d + sum([{part}, {part}])", {"a": 1.0}).data == 2700.0
    message = message_of(ArgumentError, lambda: parse(f"a + ({part}) + {part}", {"a": 1.0}))
    assert message.endswith(f"^\nmore than 1,000 operators in a row: {NAME_PARTS}")


HOSTILE = [
    "(" * 100_000, "[" * 99_999, "-" * 99_999 + "a", "a" + "()" * 40_000, "a" + "[0]" * 30_000, "a**" * 30_000 + "a",
    "tanh(" * 20_000, "a=" * 40_000, ")" * 100_000, "a" + "²" * 99_999, "x" * 100_000, "9" * 100_000, "9_" * 50_000,
    "1." * 50_000, "1e" * 50_000, "\n" * 100_000, "a;" * 50_000, "a\n=" * 30_000, "," * 100_000, "(," * 50_000,
    "not " * 25_000 + "a", "a if a else " * 8_000 + "a", "lambda: " * 12_000 + "a", "a.b" * 30_000, "*" * 100_000,
    "*a," * 30_000, "[*" * 50_000, "f(x=" * 25_000, "\\\n" * 50_000, "'" * 100_000, "\0" * 100_000, "1__0", "1_", "01",
    "a = ", "= a", "d = *a; d", "d = [a]; d", "(d, f) = a; d", "[d] = a; d", "d[0] = a; d", "tanh(a for", "type d = a",
    "match a", "print a", "ｉｆ = a*2; a", "ｔａｎｈ = a*2; a", "await a", "(yield)", "a -> b", "a ? b", "...", "_",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: f"{text[:12]!r} of {len(text)}")
def test_hostile_text_is_refused(text):
    message = message_of(ArgumentError, lambda: parse(text, {"a": 1.0}))
    assert len(message) < 1000


def check_either(text):
    try:
        y = parse(text, used_in(text))
    except ArgumentError as fault:
        assert str(fault)  # noqa: PT017 - either will do; nothing else may happen
    else:
        assert type(y) is Value


PIECES = st.sampled_from(
    [
        *"abc()[]+-*/=;,.:<>!'\"\\\n\t 0123456789_eEjxfµ²é^%@~#{}|&$?",
        "**",
        "//",
        "tanh",
        "sum([",
        "])",
        "if",
        "for ",
        "1e",
        "d = ",
    ]
)


@given(st.text() | st.lists(PIECES, max_size=30).map("".join))
@example("a\\\n*b")
@example("0_7")
@example("١+a")
@example("1_e5")
def test_any_text_gives_a_value_or_a_clear_error(text):
    check_either(text)


@given(expressions(NAMES), st.data())
def test_any_slip_in_an_expression_gives_a_value_or_a_clear_error(text, data):
    at = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 2))
    slip = (
        text[:at]
        + data.draw(st.sampled_from(["", "*", "(", ")", ",", "]", "=", ";", "é", "2", "\n"]))
        + text[at + length :]
    )
    check_either(slip)


def test_near_the_end_of_the_stack_an_expression_is_read_or_refused():
    text = "+".join(["a"] * 1000)

    def dive(levels: int) -> Value | str:
        if levels:
            return dive(levels - 1)
        try:
            return parse(text, {"a": 1.0})
        except ArgumentError as fault:
            return str(fault)

    depth = 0
    frame = sys._getframe()
    while frame:
        depth, frame = depth + 1, frame.f_back
    end = dive(sys.getrecursionlimit() - depth - 100)
    assert end == f"{text[:60]}…\n{'^' * 60}\nthis nests too deep: {NAME_PARTS}" or end.data == 1000.0


# ---------------------------------------------------------------- arguments


def test_what_is_no_text_is_refused():
    assert message_of(OperandTypeError, lambda: parse(3, {})) == (
        "an expression is a str, not 3 of type int: put it in quotes"
    )
    assert message_of(OperandTypeError, lambda: parse("a", [1.0])) == (
        "at is [1.0] of type list: pass a dict such as {'a': 2.0}"
    )
    assert message_of(OperandTypeError, lambda: parse("a", {"a": "2"})) == (
        "'2' of type str is no real number: convert it first, with float(...)"
    )


def test_names_of_numbers_are_checked():
    no_name = "is no name: take letters, digits and _, a letter first, and no keyword of Python's"
    assert message_of(ArgumentError, lambda: parse("a", {"a b": 1.0})) == f"'a b' {no_name}"
    assert message_of(ArgumentError, lambda: parse("a", {"if": 1.0})) == f"'if' {no_name}"
    assert message_of(ArgumentError, lambda: parse("tanh(a)", {"tanh": 1.0})) == (
        "'tanh' is the name of an op: choose another"
    )
    assert message_of(ArgumentError, lambda: parse("softmax(a)", {"softmax": 1.0})) == (
        "'softmax' is the name of an op: choose another"
    )
    assert message_of(ArgumentError, lambda: parse("\u03bc", {"\u03bc": 1.0, "\u00b5": 2.0})) == (
        "'\u00b5' is given a second number: to Python it is the same name as '\u03bc'"
    )


# ---------------------------------------------------------------- points


def test_a_point_is_read_from_one_text_or_several():
    assert parse_point(["a=2,b=-0.5", " c = 1_0e-3 , _x1=inf"]) == {"a": 2.0, "b": -0.5, "c": 0.01, "_x1": math.inf}
    assert list(parse_point(["b=1,a=2"])) == ["b", "a"]
    assert parse_point([]) == {}
    assert math.isnan(parse_point(["a=nan"])["a"])


@given(st.dictionaries(st.from_regex(r"[abc][0-9_]{0,3}", fullmatch=True), st.floats(allow_nan=False), min_size=1))
def test_a_point_comes_back_as_it_was_written(point):
    texts = [f"{name}={number!r}" for name, number in point.items()]
    assert parse_point(texts) == parse_point([",".join(texts)]) == point


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (["a"], "'a' gives no name a number: write name=number, such as a=2 or a=2,b=-0.5"),
        (["a=1,"], "'' gives no name a number: write name=number, such as a=2 or a=2,b=-0.5"),
        (["=2"], "'=2' gives no name a number: write name=number, such as a=2 or a=2,b=-0.5"),
        (["a= "], "'a=' gives no name a number: write name=number, such as a=2 or a=2,b=-0.5"),
        (["a=two"], "'two' in 'a=two' is no number: write one such as -0.5 or 1e-3"),
        (["a=1=2"], "'1=2' in 'a=1=2' is no number: write one such as -0.5 or 1e-3"),
        (["1a=2"], "'1a' is no name: take letters, digits and _, a letter first, and no keyword of Python's"),
        (["tanh=2"], "'tanh' is the name of an op: choose another"),
        (["a=1,b=2", "a=1"], "'a=1' gives 'a' a second number: give it one"),
        (["\u00b5=1,\u03bc=2"], "'\u03bc=2' gives '\u03bc' a second number: give it one"),
    ],
)
def test_what_is_no_point_is_refused(items, message):
    assert message_of(ArgumentError, lambda: parse_point(items)) == message


def test_a_refused_expression_leaves_no_trace_in_the_numbers_given():
    at = {"a": 1.0}
    with pytest.raises(ArgumentError):
        parse("d = a*2; d + zzz", at)
    assert at == {"a": 1.0}
