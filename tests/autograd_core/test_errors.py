"""Errors: the tree is as drawn, every message names the fault and the mend, and nothing is changed by a failure."""

import builtins
import re
from decimal import Decimal

import numpy as np
import pytest

import autograd_core
from autograd_core import (
    ArgumentError,
    AutogradError,
    ImmutableNodeError,
    MissingExtraError,
    OperandTypeError,
    Value,
    dot,
    errors,
    exp,
    extras,
    gradients,
    no_grad,
    scope,
    softmax,
    sum,
    topological_order,
    where,
)
from autograd_core.op import OPS, Unary, find

# ---------------------------------------------------------------- the tree


def drawn() -> dict[str, tuple[str, str | None]]:
    """Return the parent and the second base of each class, as the module's docstring draws them."""
    tree, path = {}, []
    for line in errors.__doc__.splitlines():
        match = re.fullmatch(r"    ([│ ]*)(?:[├└]── )?([A-Z]\w+) *(?:\((\w+)\))?.*", line)
        if match and ("──" in line or match[2] == "AutogradError"):
            depth = 0 if "──" not in line else 1 + len(match[1]) // 4
            path[depth:] = [match[2]]
            tree[match[2]] = (path[depth - 1] if depth else "Exception", match[3])
    return tree


def test_the_tree_is_the_one_that_is_drawn():
    defined = {
        cls.__name__: (cls.__bases__[0].__name__, cls.__bases__[1].__name__ if len(cls.__bases__) > 1 else None)
        for cls in vars(errors).values()
        if isinstance(cls, type)
    }
    assert drawn() == defined
    assert len(defined) == 12


def test_every_error_is_public_and_documented():
    assert sorted(errors.__all__) == sorted(drawn())
    for name in errors.__all__:
        cls = getattr(autograd_core, name)
        assert cls is getattr(errors, name)
        assert cls.__doc__
        assert issubclass(cls, AutogradError)


@pytest.mark.parametrize("name", [name for name, (_, base) in drawn().items() if base])
def test_the_second_base_is_the_builtin_that_python_users_would_expect(name):
    with pytest.raises(getattr(builtins, drawn()[name][1])):
        raise getattr(errors, name)("as documented")


# ---------------------------------------------------------------- what is no real number


def fails(call, error, message):
    with pytest.raises(error) as fault:
        call()
    assert str(fault.value) == message
    assert type(fault.value) is error


FOR_EACH = "make one Value for each element, as in [Value(x) for x in"
NO_NUMBERS = [
    (1j, "1j of type complex is no real number: take its real or imaginary part"),
    ("2", "'2' of type str is no real number: convert it first, with float(...)"),
    ("inf", "'inf' of type str is no real number: convert it first, with float(...)"),
    (b"2", "b'2' of type bytes is no real number: convert it first, with float(...)"),
    (None, "None of type NoneType is no real number: check what should have been computed there"),
    ([1.0], f"[1.0] of type list is no real number: {FOR_EACH} xs]"),
    ((1.0,), f"(1.0,) of type tuple is no real number: {FOR_EACH} xs]"),
    ({}, "{} of type dict is no real number: pass an int, float, bool or NumPy scalar"),
    (np.array([1.0]), f"array([1.]) of type ndarray is no real number: {FOR_EACH} array.tolist()]"),
    (Decimal(2), "Decimal('2') of type Decimal is no real number: convert it first, with float(...)"),
    (
        ["a long list"] * 9,
        f"['a long list', 'a long list', 'a long list', 'a long lis... of type list is no real number: {FOR_EACH} xs]",
    ),
]
HUGE = "int beyond float64's 1.8e308: scale it down"


@pytest.mark.parametrize(
    ("bad", "message"), NO_NUMBERS, ids=[message.partition(" is ")[0][:30] for _, message in NO_NUMBERS]
)
def test_what_is_no_real_number_is_refused_everywhere_and_changes_nothing(bad, message):
    x = Value(2.0, label="x")
    x.grad = 0.5
    for call in (
        lambda: Value(bad),
        lambda: setattr(x, "data", bad),
        lambda: setattr(x, "grad", bad),
        lambda: x + bad,
        lambda: x < bad,
        lambda: where(x, bad, 1.0),
        lambda: x.clip(bad, 1.0),
        lambda: sum([x, bad]),
        lambda: dot([1.0], [bad]),
    ):
        fails(call, OperandTypeError, message)
    fails(lambda: exp(bad), OperandTypeError, message)
    if not isinstance(bad, np.ndarray):  # which asks for a Value for each element in words of its own
        fails(lambda: bad - x, OperandTypeError, message)
    y = x * x
    y.backward()
    assert (x.data, x.grad, x.label) == (2.0, 4.5, "x")


@pytest.mark.parametrize("huge", [10**400, -(10**400)])
def test_an_int_beyond_float64_is_refused_and_changes_nothing(huge):
    x = Value(2.0)
    for call in (
        lambda: Value(huge),
        lambda: setattr(x, "data", huge),
        lambda: setattr(x, "grad", huge),
        lambda: x * huge,
        lambda: huge * x,
        lambda: x > huge,
        lambda: exp(huge),
        lambda: sum([x, huge]),
    ):
        fails(call, ArgumentError, HUGE)
    (x * x).backward()
    assert (x.data, x.grad) == (2.0, 4.0)


def test_a_value_in_a_value():
    fails(
        lambda: Value(Value(1.0)), OperandTypeError,
        "Value(data=1.0, grad=0.0) of type Value is no real number: take its number with .data, or use the Value as it is",
    )  # fmt: skip
    x, y = Value(1.0), Value(2.0)
    with pytest.raises(OperandTypeError):
        x.data = y
    with pytest.raises(OperandTypeError):
        x.grad = y
    assert (x.data, x.grad) == (1.0, 0.0)


def test_a_failed_assignment_does_not_make_a_graph_stale():
    x = Value(2.0)
    y = x * x
    with pytest.raises(OperandTypeError):
        x.data = "3"
    y.backward()
    assert x.grad == 4.0


# ---------------------------------------------------------------- nodes that do not change


def test_the_number_of_a_result_cannot_be_set():
    x = Value(2.0)
    y = x * 3.0
    y.label = "y"

    def assign():
        y.data = 5.0

    fails(
        assign, ImmutableNodeError,
        "Value(data=6.0, grad=0.0, label='y') is the result of mul, so its number cannot be set: "
        "set a leaf and compute again",
    )  # fmt: skip
    y.backward()
    assert (y.data, x.grad) == (6.0, 3.0)


def test_the_number_of_a_constant_cannot_be_set():
    three = (Value(2.0) * 3.0).inputs[1]

    def assign():
        three.data = 5.0

    message = "Value(data=3.0, grad=0.0) is a constant: use a Value of your own where it has to change"
    fails(assign, ImmutableNodeError, message)
    assert three.data == 3.0


@pytest.mark.parametrize("name", ["op", "inputs", "operands", "scope", "source", "is_constant"])
def test_what_a_node_shows_cannot_be_set(name):
    with pytest.raises(AttributeError):
        setattr(Value(2.0), name, None)


# ---------------------------------------------------------------- labels, rows, names


def test_a_label_is_a_string():
    fails(lambda: Value(2.0, label=3), OperandTypeError, "a label is a str, not 3 of type int: pass str(...)")
    # micrograd's second parameter is the children
    fails(lambda: Value(2.0, ()), OperandTypeError, "a label is a str, not () of type tuple: pass str(...)")


@pytest.mark.parametrize("label", [None, 3])
def test_a_label_given_later_is_a_string_too(label):
    x = Value(2.0, label="x")
    message = f"a label is a str, not {label!r} of type {type(label).__name__}: pass str(...)"
    fails(lambda: setattr(x, "label", label), OperandTypeError, message)
    assert x.label == "x"


def test_a_row_is_a_sequence_of_numbers():
    x = Value(0.5)
    for bad, shown in [
        (3.0, "3.0 of type float"), (x, "Value(data=0.5, grad=0.0) of type Value"), ("ab", "'ab' of type str"),
    ]:  # fmt: skip
        message = f"sum takes a sequence of numbers, not {shown}: put the numbers in a list"
        fails(lambda bad=bad: sum(bad), OperandTypeError, message)
    fails(
        lambda: sum([[x]]), OperandTypeError,
        "[Value(data=0.5, grad=0.0)] of type list is no real number: make one Value for each element, "
        "as in [Value(x) for x in xs]",
    )  # fmt: skip


@pytest.mark.parametrize("xs", [[1.0], [Value(1.0)]])
def test_rows_of_different_lengths(xs):
    message = "dot pairs its rows off, but they hold 1 and 2 numbers: make them equally long"
    fails(lambda: dot(xs, [1.0, 2.0]), ArgumentError, message)


def test_softmax_of_nothing():
    fails(lambda: softmax([]), ArgumentError, "softmax of an empty row is undefined: pass at least one number")


def test_an_op_is_found_by_its_name():
    assert find("tanh") is OPS["tanh"]
    fails(
        lambda: find("tan_h"), ArgumentError,
        f"there is no op named 'tan_h'; the ops are {', '.join(sorted(OPS))}",
    )  # fmt: skip


def test_an_op_of_the_same_name():
    before = OPS["tanh"]
    fails(
        lambda: Unary(name="tanh", value=abs, partials=(None,), latex="", code="", group=""), ArgumentError,
        "there is an op named 'tanh' already: choose another name",
    )  # fmt: skip
    assert OPS["tanh"] is before


# ---------------------------------------------------------------- derivatives of what has no graph


def test_what_has_no_graph_has_no_gradients():
    x = Value(2.0)
    fails(lambda: gradients(3.0, [x]), OperandTypeError, "3.0 of type float has no graph: pass Values")
    fails(lambda: gradients(x * x, [x, None]), OperandTypeError, "None of type NoneType has no graph: pass Values")
    fails(lambda: topological_order([x]), OperandTypeError, f"{[x]!r} of type list has no graph: pass a Value")


def test_gradients_wants_a_sequence_of_xs():
    x = Value(2.0)
    fails(
        lambda: gradients(x * x, x), OperandTypeError,
        "xs is Value(data=2.0, grad=0.0) of type Value: put what to differentiate with respect to in a list",
    )  # fmt: skip


# ---------------------------------------------------------------- extras


def test_a_missing_extra_says_how_to_install_it():
    fails(
        lambda: extras.load("no_such_package.part", "plot", "drawing loss curves"), MissingExtraError,
        "drawing loss curves needs no_such_package, which could not be imported (No module named 'no_such_package'): "
        "pip install 'autograd-core[plot]'",
    )  # fmt: skip


def test_modes_and_scopes_survive_errors():
    with pytest.raises(OperandTypeError), no_grad(), scope("a"):
        Value(None)
    v = Value(1.0) * 2.0
    assert (v.scope, v.op) == (None, OPS["mul"])
