"""Derivations: the chain rule of one derivative, path by path.

What is printed is held against derivations written by hand, the numbers against HIPS autograd and mpmath, and the paths
against a search of the graph that is written as plainly as can be.
"""

import copy
import math
import re
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import autograd
import autograd.numpy as hips
import mpmath
import pytest
from expressions import HIPS, OURS, close_to_a_kink, programs
from formulas import MATHML, elements, worked_out
from hypothesis import assume, given, settings

import nn
from autograd_core import (
    Value,
    clip,
    detach,
    detect_anomaly,
    dot,
    exp,
    gradients,
    log,
    max,
    relu,
    sqrt,
    sum,
    tanh,
    topological_order,
    where,
)
from autograd_core.derivation import LONGEST_LIST
from autograd_core.derive import derive
from autograd_core.errors import AnomalyError, ArgumentError, OperandTypeError, StaleGraphError

checked = settings(derandomize=True, deadline=None, max_examples=100)


def leaf(number, label):
    return Value(number, label=label)


def labelled(v, label):
    v.label = label
    return v


def example():
    """Return a, b, c and y = tanh(a b + c), every step of it labelled."""
    a, b, c = leaf(2.0, "a"), leaf(-0.5, "b"), leaf(0.3, "c")
    d = labelled(a * b, "d")
    e = labelled(d + c, "e")
    return SimpleNamespace(a=a, b=b, c=c, d=d, e=e, y=labelled(tanh(e), "y"))


def diamond():
    a = leaf(3.0, "a")
    b = labelled(a + a, "b")
    return a, b, labelled(b + b, "c")


# ---------------------------------------------------------------- golden


def test_one_path_is_written_in_symbols_formulas_and_numbers():
    g = example()
    assert (
        derive(g.y, g.a).text
        == """\
a = 2.0
d = a * b = -1.0
e = d + c = -0.7
y = tanh(e) = -0.6043677771171636

∂y/∂a = ∂y/∂e · ∂e/∂d · ∂d/∂a
      = (1.0 - y * y) · 1.0 · b
      = 0.6347395899824584 · 1.0 · (-0.5)
      = -0.3173697949912292"""
    )


def test_one_path_in_latex():
    g = example()
    assert (
        derive(g.y, g.a).latex
        == r"""\begin{aligned}
a &= 2 \\
d &= a \cdot b = -1 \\
e &= d + c = -0.7 \\
y &= \tanh(e) = -0.60437 \\
\frac{\partial y}{\partial a} &= \frac{\partial y}{\partial e} \cdot \frac{\partial e}{\partial d} \cdot \frac{\partial d}{\partial a} \\
&= (1 - y \cdot y) \cdot 1 \cdot b \\
&= 0.63474 \cdot 1 \cdot (-0.5) \\
&= -0.31737
\end{aligned}"""
    )


def test_every_use_of_an_input_is_a_path_of_its_own():
    a, _, c = diamond()
    assert (
        derive(c, a).text
        == """\
a = 3.0
b = a + a = 6.0
c = b + b = 12.0

∂c/∂a = ∂c/∂b · ∂b/∂a
      + ∂c/∂b · ∂b/∂a
      + ∂c/∂b · ∂b/∂a
      + ∂c/∂b · ∂b/∂a
      = 1.0 · 1.0
      + 1.0 · 1.0
      + 1.0 · 1.0
      + 1.0 · 1.0
      = 1.0 + 1.0 + 1.0 + 1.0
      = 4.0"""
    )


def test_paths_beyond_the_limit_are_counted_and_their_sum_is_told():
    a, _, c = diamond()
    assert derive(c, a, max_paths=3).text.endswith("""
      = 1.0 · 1.0
      + 1.0 · 1.0
      + 1.0 · 1.0
      + ...
      = 1.0 + 1.0 + 1.0
      + … and 1 more path; together 1.0
      = 4.0""")
    assert derive(c, a, max_paths=2).latex.endswith(r"""
&= 1 \cdot 1 \\
&\quad + 1 \cdot 1 \\
&\quad + \ldots \\
&= 1 + 1 \\
&\quad + \text{… and 2 more paths; together }2 \\
&= 4
\end{aligned}""")
    assert derive(c, a, max_paths=4).text == derive(c, a).text


def test_what_would_only_repeat_the_line_before_is_left_out():
    g = example()
    assert derive(g.d, g.a).text == "a = 2.0\nd = a * b = -1.0\n\n∂d/∂a = b\n      = -0.5"
    assert derive(g.e, g.c).text == "c = 0.3\ne = d + c = -0.7\n\n∂e/∂c = 1.0"


def test_a_result_by_itself_has_the_derivative_one():
    g = example()
    derivation = derive(g.y, g.y)
    assert (derivation.total, derivation.count, derivation.depends) == (1.0, 1, True)
    assert [(path.edges, path.product) for path in derivation.paths] == [((), 1.0)]
    assert derivation.text == "y = tanh(e) = -0.6043677771171636\n\n∂y/∂y = 1.0"
    assert derive(g.a, g.a).text == "a = 2.0\n\n∂a/∂a = 1.0"


def test_what_the_result_does_not_depend_on_is_told_in_words():
    g = example()
    derivation = derive(g.d, g.c)
    assert (derivation.total, derivation.paths, derivation.count, derivation.depends) == (0.0, (), 0, False)
    assert derivation.text == "∂d/∂c = 0.0\n        d does not depend on c"
    assert derivation.latex == (
        "\\begin{aligned}\n\\frac{\\partial d}{\\partial c} &= 0 \\\\\n"
        "&\\quad d\\text{ does not depend on }c\n\\end{aligned}"
    )
    words = "".join(elements(derivation.mathml)[0].itertext())
    assert words == "∂d∂c=0d does not depend on c".replace(" ", "\u00a0")
    assert derive(g.d, Value(1.0)).text == "∂d/∂v3 = 0.0\n         d does not depend on v3"


def test_a_path_that_is_cut_is_no_path_and_told_in_words():
    a = leaf(2.0, "a")
    y = labelled(detach(a * a), "y")
    derivation = derive(y, a)
    assert (derivation.total, derivation.paths, derivation.count, derivation.depends) == (0.0, (), 0, True)
    assert derivation.text == "∂y/∂a = 0.0\n        every path from y to a is cut"
    y = labelled(where(a, a * 3, 1.0), "y")
    assert [path.edges[0].position for path in derive(y, a).paths] == [1]


def test_constants_stand_as_numbers_and_rows_are_cut_short():
    xs = [leaf(float(i), f"x{i}") for i in range(64)]
    ws = [leaf(0.01, f"w{i}") for i in range(64)]
    y = labelled(tanh(dot(ws, xs) / 10.0 - 2.0), "y")
    text = derive(y, ws[3]).text
    assert text.startswith("  w3 = 0.01\nv128 = dot((w0, w1, w2, ..., w63), (x0, x1, x2, ..., x63)) = 20.1")
    assert "\nv130 = v128 / 10.0 = 2.0" in text
    assert "\n       = (1.0 - y * y) · 1.0 · 0.1 · x3\n" in text
    assert len(text) < 500


# ---------------------------------------------------------------- the data


def test_a_derivation_is_plain_data():
    g = example()
    derivation = derive(g.y, g.a)
    (path,) = derivation.paths
    assert [(e.node, e.input, e.position, e.symbol.text, e.number) for e in path.edges] == [
        (5, 4, 0, "1.0 - y * y", 1.0 - math.tanh(-0.7) ** 2),
        (4, 2, 0, "1.0", 1.0),
        (2, 0, 0, "b", -0.5),
    ]
    assert [(d.node, d.name.text, getattr(d.formula, "text", None), d.number) for d in derivation.definitions] == [
        (0, "a", None, 2.0), (2, "d", "a * b", -1.0), (4, "e", "d + c", -0.7), (5, "y", "tanh(e)", math.tanh(-0.7)),
    ]  # fmt: skip
    assert (derivation.y.text, derivation.x.text, derivation.count, derivation.depends) == ("y", "a", 1, True)
    with pytest.raises(FrozenInstanceError):
        derivation.total = 2.0


def test_paths_come_in_the_order_of_the_inputs():
    x, w = leaf(2.0, "x"), leaf(3.0, "w")
    y = dot([w, x, x], [x, w, x])
    assert [path.edges[0].position for path in derive(y, x).paths] == [1, 2, 3, 5]
    assert [path.product for path in derive(y, x).paths] == [3.0, 2.0, 3.0, 2.0]
    assert [path.edges[0].symbol.text for path in derive(y, x).paths] == ["w", "x", "w", "x"]


def test_any_node_may_be_asked_for():
    g = example()
    assert derive(g.y, g.d).total == derive(g.y, g.c).total == 1.0 - math.tanh(-0.7) ** 2
    two = (2.0 * g.a).inputs[0]
    assert derive(tanh(two * g.a), two).total == gradients(tanh(two * g.a), [two])[0].data
    assert derive(two * g.a, two).text == "v0 = 2.0\nv2 = v0 * a = 4.0\n\n∂v2/∂v0 = a\n        = 2.0"


def test_deriving_changes_nothing():
    g = example()
    g.y.backward()
    before = [(v.data, v.grad, v.label) for v in topological_order(g.y)]
    first = str(derive(g.y, g.a))
    assert [(v.data, v.grad, v.label) for v in topological_order(g.y)] == before
    assert str(derive(g.y, g.a)) == first
    twin = copy.deepcopy(g.y)
    assert str(derive(twin, topological_order(twin)[0])) == first


def test_a_derivation_shows_itself():
    g = example()
    derivation = derive(g.y, g.a)
    assert str(derivation) == derivation.text
    assert derivation._repr_latex_() == f"$${derivation.latex}$$"


# ---------------------------------------------------------------- the engine's rules


def test_behind_a_derivative_of_zero_a_path_is_exactly_zero():
    x = leaf(0.0, "x")
    root = sqrt(x)  # whose derivative is infinite here
    derivation = derive(root * 0.0, x)
    assert [[edge.number for edge in path.edges] for path in derivation.paths] == [[0.0, math.inf]]
    assert [path.product for path in derivation.paths] == [derivation.total] == [0.0]


def test_the_flat_side_of_a_kink_blocks_even_an_infinite_derivative():
    x = leaf(-1.0, "x")
    derivation = derive(sqrt(relu(x)), x)
    assert [[edge.number for edge in path.edges] for path in derivation.paths] == [[math.inf, 0.0]]
    assert [path.product for path in derivation.paths] == [derivation.total] == [0.0]


def test_numbers_that_are_not_finite_are_written_too():
    x = leaf(0.0, "x")
    y = labelled(log(x) + log(x), "y")
    assert derive(y, x).text.endswith("= 1.0 · inf\n      + 1.0 · inf\n      = inf + inf\n      = inf")
    assert derive(y, x, max_paths=1).latex.endswith(
        "&= \\infty \\\\\n&\\quad + \\text{… and 1 more path; together }\\mathrm{nan} \\\\\n&= \\infty\n\\end{aligned}"
    )


def test_a_stale_graph_is_an_error():
    g = example()
    g.a.data = 3.0
    with pytest.raises(StaleGraphError) as caught:
        derive(g.y, g.b)
    assert str(caught.value) == (
        "Value(data=3.0, grad=0.0, label='a') was changed after mul had used it: compute the result again before "
        "differentiating it, and change leaves afterwards"
    )


def test_an_anomaly_is_an_error_under_detect_anomaly():
    x = leaf(0.0, "x")
    y = sqrt(x)
    with detect_anomaly(), pytest.raises(AnomalyError, match="the derivative of sqrt"):
        derive(y, x)


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (lambda x: derive(3.0, x), OperandTypeError, "3.0 of type float has no graph: pass a Value"),
        (lambda x: derive(x, "x"), OperandTypeError, "'x' of type str has no graph: pass a Value"),
        (lambda x: derive(x, [x]), OperandTypeError,
         "[Value(data=2.0, grad=0.0)] of type list has no graph: pass a Value"),
        (lambda x: derive(x, x, max_paths=0), ArgumentError, "max_paths is 0: pass a whole number from 1"),
        (lambda x: derive(x, x, max_paths=True), ArgumentError, "max_paths is True: pass a whole number from 1"),
        (lambda x: derive(x, x, max_paths=2.5), ArgumentError, "max_paths is 2.5: pass a whole number from 1"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(mistake, error, message):
    with pytest.raises(error) as caught:
        mistake(Value(2.0))
    assert str(caught.value) == message


# ---------------------------------------------------------------- against independent references


@pytest.mark.parametrize(
    ("ours", "theirs", "at"),
    [
        (lambda x: x**3 - 2 * x, lambda x: x**3 - 2 * x, 1.5),
        (lambda x: tanh(x * x) / (1 + x), lambda x: mpmath.tanh(x * x) / (1 + x), 0.7),
        (lambda x: exp(-x) * log(x) + x * x * x, lambda x: mpmath.exp(-x) * mpmath.log(x) + x**3, 2.5),
        (lambda x: x.sin() * x.cos() + x.sin() * x, lambda x: mpmath.sin(x) * mpmath.cos(x) + mpmath.sin(x) * x, 1.1),
        (lambda x: sum([x, x * x, 1.0, x / 3]), lambda x: x + x * x + 1 + x / 3, -0.4),
        (lambda x: dot([x, 2.0, x], [x, x, 0.5]) ** 2, lambda x: (x * x + 2 * x + x / 2) ** 2, 0.9),
        (lambda x: max([x, 0.5 * x, -1.0]) * x, lambda x: x * x, 1.3),
        (lambda x: clip(x, -1.0, 1.0) * x, lambda x: x * x, 0.3),
    ],
)
def test_the_products_of_the_paths_add_up_to_the_exact_derivative(ours, theirs, at):
    x = Value(at)
    derivation = derive(ours(x), x)
    exact = float(mpmath.diff(theirs, at))
    assert math.fsum(path.product for path in derivation.paths) == pytest.approx(exact, rel=1e-12)
    assert derivation.total == pytest.approx(exact, rel=1e-12)
    assert derivation.count == len(derivation.paths)


def paths_by_recursion(y, x):
    """Return the positions along every path through which a derivative can flow."""
    if y is x:
        return [()]
    flows = [partial is not None for arg, partial in zip(y.operands, y.op.partials, strict=True)
             for _ in (arg if isinstance(arg, tuple) else (arg,))] if y.op else []  # fmt: skip
    found = []
    for position, (v, open_) in enumerate(zip(y.inputs, flows, strict=True)):
        found += [(position, *rest) for rest in paths_by_recursion(v, x)] if open_ else []
    return found


@checked
@given(programs(longest=12))
def test_the_paths_of_random_graphs_are_all_there_and_add_up(program):
    xs = [Value(x) for x in program.at]
    y = program(OURS, xs)[-1]
    assume(not close_to_a_kink(y))
    slopes = autograd.grad(lambda at: program(HIPS, at)[-1])(hips.array(program.at))
    for x, slope in zip(xs, slopes, strict=True):
        expected = paths_by_recursion(y, x)
        assume(len(expected) < 2000)
        derivation = derive(y, x, max_paths=2000)
        assert [tuple(edge.position for edge in path.edges) for path in derivation.paths] == expected
        assert derivation.count == len(expected)
        assert math.fsum(path.product for path in derivation.paths) == pytest.approx(slope, rel=1e-9, abs=1e-12)
        assert derivation.total == gradients(y, [x])[0].data == pytest.approx(slope, rel=1e-9, abs=1e-12)


@checked
@given(programs(longest=8))
def test_every_formula_of_a_derivation_works_out_to_the_number_beside_it(program):
    xs = [leaf(x, f"x{i}") for i, x in enumerate(program.at)]
    y = program(OURS, xs)[-1]
    derivation = derive(y, xs[0])
    order = topological_order(y)
    names = {v.label or f"v{i}": Value(v.data) for i, v in enumerate(order)}
    for definition in derivation.definitions:
        if definition.formula is not None:
            assert worked_out(definition.formula.text, **names) == definition.number
    for edge in {edge for path in derivation.paths for edge in path.edges}:
        assert worked_out(edge.symbol.text, **names) == edge.number


@checked
@given(programs(longest=8))
def test_latex_has_its_braces_paired_and_mathml_is_xml(program):
    xs = [leaf(x, label) for x, label in zip(program.at, ["a}", "<b>&", "$c\\", "d\n", "alpha"] * 9, strict=False)]
    y = program(OURS, xs)[-1]
    for x in xs[:3]:
        derivation = derive(y, x, max_paths=5)
        bare = re.sub(r"\\[{}\\]", "", derivation.latex)
        assert bare.count("{") == bare.count("}")
        root, *inner = elements(derivation.mathml)
        assert (root.tag, root.attrib) == ("math", {"display": "block"})
        assert {element.tag for element in inner} <= MATHML


# ---------------------------------------------------------------- large graphs


def test_paths_without_number_are_counted_and_the_first_are_written():
    x = leaf(1.0, "x")
    y = x
    for _ in range(60):
        y = y + y
    derivation = derive(y, x)
    assert (derivation.count, len(derivation.paths), derivation.total) == (2**60, 100, 2.0**60)
    assert f"… and about 1.2e+18 more paths; together {2.0**60 - 100}" in derivation.text
    assert "… and 21 more, up to\n" in derivation.text
    assert LONGEST_LIST == 40
    for _ in range(2000):
        y = y + y
    derivation = derive(y, x, max_paths=2)
    assert (derivation.count, derivation.total) == (10**100, math.inf)
    assert "… and 1e+100 or more paths; together inf" in derivation.text


def test_a_long_path_is_cut_short_in_the_middle():
    x = leaf(1.0, "x")
    y = x
    for _ in range(30_000):
        y = y + 1.0
    derivation = derive(labelled(y, "y"), x)
    assert len(derivation.paths[0].edges) == len(derivation.definitions) - 1 == 30_000
    assert (derivation.total, derivation.count) == (1.0, 1)
    assert "\n      = 1.0 · 1.0 · 1.0 · 1.0 · 1.0 · 1.0 · ... · 1.0 · 1.0 · 1.0 · 1.0 · 1.0 · 1.0\n" in derivation.text
    assert len(derivation.text) < 2000
    assert len(derivation.latex) < 4000


def test_a_path_through_a_network_of_neurons():
    model = nn.MLP(3, [16, 16, 1], activation="tanh", rng=0)
    xs = [leaf(0.1, "x0"), leaf(-0.2, "x1"), leaf(0.3, "x2")]
    y = labelled(model(xs), "y")
    derivation = derive(y, xs[0])
    assert (derivation.count, len(derivation.paths)) == (256, 100)
    assert derivation.total == pytest.approx(gradients(y, [xs[0]])[0].data)
    every = derive(y, xs[0], max_paths=256)
    assert math.fsum(path.product for path in every.paths) == pytest.approx(derivation.total, rel=1e-12)
    assert "… and 156 more paths; together " in derivation.text
