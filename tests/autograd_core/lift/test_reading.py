"""Reading a program: its formulas, its explanation and its picture say what it computes, for any program there is."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from lifted import WIRINGS, functions, mlp, networks
from matplotlib.mathtext import MathTextParser
from messages import message_of

from autograd_core import ArgumentError, Value, dot, lift, sum, tanh
from autograd_core.lift.backends import compiler
from autograd_core.lift.explain import count_batch_sums, count_gathers, count_matrix_products
from autograd_core.lift.formula import statement_lines
from autograd_core.lift.ir import Output
from autograd_core.lift.matrices import (
    Constant,
    Elementwise,
    Leaf,
    Ones,
    Product,
    RowFold,
    Transposed,
    matrices,
)

checked = settings(deadline=None, derandomize=True, database=None, max_examples=8)
FOLDS = {
    "max": np.max,
    "min": np.min,
    "logsumexp": lambda a, axis, keepdims: np.log(np.exp(a).sum(axis, keepdims=keepdims)),
}


def lifted(function):
    return lift(function.f, inputs=function.inputs, params=function.params)


def network():
    return lifted(mlp([3, 4, 2], "tanh", "squares"))


def filters():
    """Three taps over eight numbers, and a sum over the outputs."""
    taps = [Value(0.1), Value(-0.2), Value(0.3)]
    return lift(lambda x: sum([tanh(dot(taps, x[i : i + 3])) for i in range(6)]), inputs={"x": 8}, params={"k": taps})


def shuffled():
    taps = [Value(0.1), Value(-0.2), Value(0.3)]
    return lift(lambda x: dot(taps, (x[0], x[2], x[1])), inputs={"x": 3}, params={"k": taps})


# ---------------------------------------------------------------- formulas


def test_the_formulas_of_a_network_are_those_of_a_lecture_with_samples_in_rows():
    assert network().latex.splitlines() == [
        r"\begin{aligned}",
        r"&\text{rows are samples; } \odot \text{, functions, powers and fractions go element by element} \\",
        r"H_{1} &= \tanh(x W_{1}^{\top} + \mathbf{1} b_{1}^{\top}) \\",
        r"t_{1} &= H_{1} W_{2}^{\top} + \mathbf{1} b_{2}^{\top} - y \\",
        r"\mathrm{loss} &= t_{1}^{\odot 2} \mathbf{1} \\",
        r"t_{2} &= 2 \cdot t_{1} \\",
        r"\mathrm{d}Z_{1} &= (1 - H_{1}^{\odot 2}) \odot (t_{2} W_{2}) \\",
        r"\mathrm{d}W_{1} &= \mathrm{d}Z_{1}^{\top} x \\",
        r"\mathrm{d}b_{1} &= \mathrm{d}Z_{1}^{\top} \mathbf{1} \\",
        r"\mathrm{d}W_{2} &= t_{2}^{\top} H_{1} \\",
        r"\mathrm{d}b_{2} &= t_{2}^{\top} \mathbf{1}",
        r"\end{aligned}",
    ]


def test_what_is_no_matrix_algebra_is_written_with_indices_and_their_ranges():
    assert filters().latex.splitlines()[2:-1] == [
        r"(t_{1})_{s, i} &= \tanh(\sum_{j=0}^{2} k_{j} \cdot x_{s, i+j}),\quad i = 0, \ldots, 5 \\",
        r"\mathrm{loss} &= t_{1} \mathbf{1} \\",
        r"t_{2} &= 1 - t_{1}^{\odot 2} \\",
        r"\mathrm{d}k_{i} &= \sum_{s} (\sum_{j=0}^{5} (t_{2})_{s, j} \cdot x_{s, i+j}),\quad i = 0, \ldots, 2",
    ]


def test_a_gather_is_written_by_its_table_which_stands_above():
    assert shuffled().latex.splitlines()[2:-1] == [
        r"\pi_{1} &= (0, 2, 1) \quad \text{places in an array, row by row} \\",
        r"\mathrm{loss}_{s} &= \sum_{j=0}^{2} k_{j} \cdot x_{s, \pi_{1}(j)} \\",
        r"\mathrm{d}k_{i} &= \sum_{s} x_{s, \pi_{1}(i)},\quad i = 0, \ldots, 2",
    ]


def computed(matrix, arrays, size):  # noqa: PLR0911 - one for each kind of matrix
    """Return a matrix worked out by NumPy, given the arrays that it names as matrices."""
    match matrix:
        case Leaf(name):
            return arrays[name]
        case Ones(length):
            return np.ones((size if length == "n" else int(length), 1))
        case Constant(value):
            return np.array([[value]])
        case Transposed(of):
            return computed(of, arrays, size).T
        case Product(left, right):
            return computed(left, arrays, size) @ computed(right, arrays, size)
        case RowFold(fold, of):
            return FOLDS[fold](computed(of, arrays, size), axis=1, keepdims=True)
        case Elementwise(op, operands):
            return np.vectorize(op.value, otypes=[float])(*[computed(operand, arrays, size) for operand in operands])


def as_matrix(array, numbers):
    """Return an array as its formula takes it: samples in rows, and vectors of parameters as columns."""
    if array.batched:
        return numbers.reshape(len(numbers), -1)
    return (
        numbers.reshape(1, -1)
        if numbers.ndim == 2 and len(numbers) == 1
        else numbers.reshape(len(numbers) if numbers.ndim else 1, -1)
    )


def compared(function):
    """Yield (by the formula, by the program) for every line of a program that is matrix algebra."""
    program = lifted(function)
    routine = program._routine("source")
    outs = [statement.out for statement in routine.statements]
    outputs = [
        Output(routine.arrays[i].name, routine.arrays[i].shape, (i,), None, routine.arrays[i].batched, summed=False)
        for i in outs
    ]
    whole = replace(routine, outputs=outputs)
    given = [{**function.batch, **program.arrays()}[whole.arrays[i].key] for i in whole.given()]
    found = dict(zip(outs, compiler("numpy", {})(whole, vector=False)(*given), strict=True))
    found.update(zip(whole.given(), given, strict=True))
    found.update({i: array.data for i, array in enumerate(whole.arrays) if array.data is not None})
    arrays = {whole.arrays[i].name: as_matrix(whole.arrays[i], np.asarray(a)) for i, a in found.items()}
    size = len(next(iter(function.batch.values())))
    arrays["n"] = np.array([[float(size)]])
    for out, matrix in zip(outs, matrices(whole), strict=True):
        if matrix is not None:
            name = whole.arrays[out].name
            yield computed(matrix, arrays, size), arrays[name]


def check_formulas(function):
    with np.errstate(all="ignore"):
        for by_formula, by_program in compared(function):
            assert by_formula.shape == by_program.shape
            np.testing.assert_allclose(by_formula, by_program, rtol=1e-9, atol=1e-12)


@checked
@given(networks)
def test_every_matrix_formula_of_a_network_computes_what_the_program_does(function):
    check_formulas(function)
    assert all(matrix is not None for matrix in matrices(lifted(mlp([4, 3, 2]))._routine("source")))


@checked
@given(functions(longest=12))
def test_every_matrix_formula_of_a_random_program_computes_what_the_program_does(function):
    check_formulas(function)


@pytest.mark.parametrize("wiring", WIRINGS)
def test_every_matrix_formula_of_any_wiring_computes_what_the_program_does(wiring):
    check_formulas(WIRINGS[wiring]())


@pytest.mark.parametrize("wiring", WIRINGS)
def test_matplotlib_reads_every_line(wiring):
    parser = MathTextParser("path")
    program = lifted(WIRINGS[wiring]())
    lines = [f"{left} = {right}" for left, right in statement_lines(program._routine("source"))]
    assert len(lines) == program.explain().statements
    for line in dict.fromkeys(re.sub(r"[0-9]+", "1", line) for line in lines):  # steps of a recurrence look alike
        assert line.count("{") == line.count("}")
        parser.parse(f"${line}$")


# ---------------------------------------------------------------- the explanation


def test_an_explanation_says_which_scalars_became_which_array():
    assert str(network().explain()).startswith("""\
61 scalars of 16 kinds became 9 statements: 5 matrix products, 4 sums over the batch, 0 gathers

H1 (batch, 4): 4 tanh, 4 add, 4 dot
    H1[0] = tanh(dot((W1[0,0], W1[0,1], W1[0,2]), (x[0], x[1], x[2])) + b1[0])
    the sums of 3 products of W1 and x are a matrix product
    b1 is broadcast

t1 (batch, 2): 2 sub, 2 add, 2 dot
    t1[0] = dot((W2[0,0], W2[0,1], W2[0,2], W2[0,3]), (H1[0], H1[1], H1[2], H1[3])) + b2[0] - y[0]
    the sums of 4 products of H1 and W2 are a matrix product
    b2 is broadcast

""")
    by_name = {note.name: note for note in network().explain().notes}
    assert by_name["dW1"].scalars == "12 mul a sample, added up over the batch"
    assert by_name["dW1"].reads == ("the outer products of dZ1 and x, added up over the batch, are a matrix product",)
    assert by_name["db1"].example == "db1[0] = dZ1[0]"


def test_windows_slices_and_gathers_are_named():
    assert filters().explain().notes[0].reads == (
        "the sums of 3 products of k and x are a matrix product",
        "x is in windows",
    )
    assert "x is gathered by a table of places" in shuffled().explain().notes[0].reads


def test_an_explanation_shows_itself_in_a_notebook_with_anything_escaped():
    explained = network().explain()
    page = explained._repr_html_()
    assert page.count("<tr>") == 10
    assert "<td><code>H1</code></td><td>(batch, 4)</td><td>4 tanh, 4 add, 4 dot</td>" in page
    assert (
        explained._repr_markdown_()
        .splitlines()[4]
        .startswith("| `H1` | (batch, 4) | 4 tanh, 4 add, 4 dot | `H1[0] = tanh(")
    )


@checked
@given(networks)
def test_counts_are_those_of_the_source(function):
    program = lifted(function)
    routine, source = program._routine("source"), program.source
    assert count_matrix_products(routine) == source.count(" @ ")
    assert count_gathers(routine) == len(re.findall(r"rows[0-9]", source)) == 0
    assert len(routine.statements) == source.count("\n") - 2
    assert count_batch_sums(routine) >= len(function.params)


# ---------------------------------------------------------------- the picture


def test_a_picture_has_a_box_for_each_array_and_circles_between_them():
    source = filters().draw().source
    assert re.findall(r"<TD>(\w+)</TD><VR/><TD>([^<]+)</TD>.*class=(\w+)", source) == [
        ("x", "n × 8", "input"),
        ("k", "3", "parameter"),
        ("t1", "n × 6", "result"),
        ("loss", "n × 1", "result"),
        ("t2", "n × 6", "result"),
        ("dk", "3", "result"),
    ]
    assert re.findall(r"label=<([^<>]+)> class=op", source) == ["tanh", "@", "Σ", "-", "x²", "@"]
    assert re.findall(r"(\w+) -> (\w+)(?: \[label=\"?([^\]\"]+)\"?\])?", source) == [
        ("a2", "o2", ""), ("a1", "o2", "in windows"), ("o2", "o1", ""), ("o1", "a3", ""), ("a3", "o3", ""), ("o3", "a4", ""),
        ("o5", "o4", ""), ("a3", "o6", ""), ("o6", "o4", ""), ("o4", "a5", ""), ("a5", "o7", ""), ("a1", "o7", "in windows"),
        ("o7", "a6", ""),
    ]  # fmt: skip
    assert source.count("peripheries=2") == 2


def test_the_same_program_is_drawn_by_the_same_bytes_and_shows_in_a_notebook():
    picture = network().draw(format="dot")
    assert picture.source == network().draw().source
    assert picture.pipe() == network().draw(format="dot").pipe()
    assert set(picture._repr_mimebundle_()) == {"image/svg+xml", "image/png"}


def test_a_long_program_is_drawn_in_part_and_says_so():
    program = network()
    left = program.explain().statements - 2
    assert f"{left} more statements are not drawn" in program.draw(max_statements=2).source
    assert "not drawn" not in program.draw(max_statements=None).source


def test_an_option_that_there_is_not_is_refused():
    program = network()
    assert message_of(ArgumentError, lambda: program.draw(rankdir="up")) == "rankdir is 'up': choose LR, RL, TB or BT"
    assert message_of(ArgumentError, lambda: program.draw(format="gif")) == (
        "there is no format 'gif': choose svg, png, pdf or dot"
    )
    assert message_of(ArgumentError, lambda: program.draw(max_statements=0)) == (
        "max_statements is 0: pass a whole number from 1, or None"
    )
