"""Expressions as text: ``tanh(a*b + c)`` becomes the graph that the same line of Python records.

Python runs nothing of it: its parser gives a tree, and a walk over that asks the table for every op.

Conventions: a number is a constant, a minus sign in front of it included; a name is one leaf, wherever it is used;
a number that is given a name, as in ``w = 2``, is a leaf as well. pi and e are constants unless they are given.
"""

from __future__ import annotations

import ast
import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Final, TypeAlias, cast

from autograd_core import ops
from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.op import OPS, Op, Parametric, as_float
from autograd_core.statements import GRAMMAR, Statement, refusal, shown, statements_of
from autograd_core.value import Value, constant

__all__ = ["parse", "parse_point"]

CONSTANTS: Final = {"pi": math.pi, "e": math.e}


def parse(text: str, at: Mapping[str, float]) -> Value:
    """Return the result of an expression, with the graph below it.

    Parameters
    ----------
    text : one expression; before it, parts of it may be given names: ``d = a*b; tanh(d + c)``, with a ; or a new line
        after each. Ops that take a row are given it in brackets: ``sum([a, b, c])``.
    at : the number of each name. Every one becomes a leaf with that label.

    Raises
    ------
    ArgumentError : the text is no such expression, or a name has no number, two of them, or no use.

    >>> y = parse("tanh(a*b + c)", {"a": 2.0, "b": -0.5, "c": 0.3})
    >>> y.data, [v.data for v in y.inputs]
    (-0.6043677771171636, [-0.7])
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
        raise OperandTypeError(f"an expression is a str, not {text!r} of type {type(text).__name__}: put it in quotes")
    if not isinstance(at, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
        raise OperandTypeError(f"at is {at!r} of type {type(at).__name__}: pass a dict such as {{'a': 2.0}}")
    statements = statements_of(text)
    recorder = _Recorder(at)
    for statement in statements[:-1]:
        recorder.define(statement)
    y = recorder.conclude(statements[-1])
    recorder.check_all_used(text)
    return y


def parse_point(items: Sequence[str]) -> dict[str, float]:
    """Return the numbers of names from texts such as ``a=2,b=-0.5``.

    Parameters
    ----------
    items : any number of such texts; no name may occur twice among them.

    Raises
    ------
    ArgumentError : a part is no name=number, names what is no name, or names one again.

    >>> parse_point(["a=2,b=-0.5", "c=1e-3"])
    {'a': 2.0, 'b': -0.5, 'c': 0.001}
    """
    point: dict[str, float] = {}
    for part in [part.strip() for item in items for part in item.split(",")]:
        name, equals, number = [side.strip() for side in part.partition("=")]
        if not (name and equals and number):
            raise ArgumentError(f"{part!r} gives no name a number: write name=number, such as a=2 or a=2,b=-0.5")
        name = _checked_name(name)
        if name in point:
            raise ArgumentError(f"{part!r} gives {name!r} a second number: give it one")
        try:
            point[name] = float(number)
        except ValueError:
            raise ArgumentError(f"{number!r} in {part!r} is no number: write one such as -0.5 or 1e-3") from None
    return point


# ---------------------------------------------------------------- names


def _checked_name(name: str) -> str:
    """Return a name as Python reads it, which takes the micro sign for the letter mu, for one."""
    read = unicodedata.normalize("NFKC", str(name))
    fault = _fault_of(read)
    if fault:
        raise ArgumentError(fault)
    return read


def _fault_of(name: str) -> str:
    if not name.isidentifier() or iskeyword(name):
        return f"{name!r} is no name: take letters, digits and _, a letter first, and no keyword of Python's"
    if name in OPS or name in ops.__all__:
        return f"{name!r} is the name of an op: choose another"
    return ""


def _similar(name: str, names: Iterable[str]) -> list[str]:
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes alone

    return get_close_matches(name, list(names))


def _either(names: Iterable[str]) -> str:
    return " or ".join([repr(name) for name in names])


# ---------------------------------------------------------------- the graph

_OPERATORS: Final[dict[type[ast.operator | ast.unaryop], tuple[str, str]]] = {
    ast.Add: ("+", "add"),
    ast.Sub: ("-", "sub"),
    ast.Mult: ("*", "mul"),
    ast.Div: ("/", "truediv"),
    ast.FloorDiv: ("//", "floordiv"),
    ast.Mod: ("%", "mod"),
    ast.MatMult: ("@", "matmul"),
    ast.Pow: ("**", "pow"),
    ast.UAdd: ("+", "pos"),
    ast.USub: ("-", "neg"),
}
"""How each operator is spelt, and what the table calls it."""

_NAMED: Final = "write name = expression, each name once"
_Operand: TypeAlias = ast.expr | tuple[ast.expr, ...]


@dataclass
class _Recorder:
    """The names of one text with their Values, and what turns trees into more of them."""

    at: Mapping[str, float]
    known: dict[str, Value] = field(default_factory=dict[str, Value])
    used: set[str] = field(default_factory=set[str])
    defined: dict[str, tuple[Statement, ast.expr]] = field(default_factory=dict[str, tuple[Statement, ast.expr]])

    def __post_init__(self) -> None:
        for name, number in self.at.items():
            label = _checked_name(name)
            if label in self.known:
                raise ArgumentError(f"{name!r} is given a second number: to Python it is the same name as {label!r}")
            self.known[label] = Value(number, label)

    def define(self, statement: Statement) -> None:
        """Record what is on the right of a name, and give it that name as label."""
        match statement.tree():
            case ast.Assign(targets=[ast.Name(id=name) as target], value=value):
                pass
            case ast.Expr() as other:
                raise statement.refusal(other, "only the last part stands without a name: put name = before this one")
            case other:
                raise statement.refusal(other, f"this gives no name an expression: {_NAMED}")
        if fault := _fault_of(name):
            raise statement.refusal(target, fault)
        if name in self.known:
            raise statement.refusal(target, f"{name!r} has a meaning already: choose another name")
        if isinstance(value, ast.Name) and value.id in self.known:
            raise statement.refusal(value, f"{value.id!r} would have two names: use {value.id!r} in place of {name!r}")
        y = self._record(statement, value)
        self.known[name] = Value(y.data) if y.is_constant else y
        self.known[name].label = name
        self.defined[name] = statement, target

    def conclude(self, statement: Statement) -> Value:
        """Return the result of the last statement."""
        match statement.tree():
            case ast.Expr(value):
                return self._record(statement, value)
            case ast.Assign(targets=[ast.Name(id=name)]) as other:
                raise statement.refusal(other, f"the last part is the result: end with an expression, such as {name}")
            case other:
                raise statement.refusal(other, f"this gives no name an expression: {_NAMED}")

    def check_all_used(self, text: str) -> None:
        """Refuse a name that has a number or a meaning in vain: it is likely to be misspelt."""
        for name in self.known:
            if name in self.used:
                continue
            if name in self.defined:
                statement, target = self.defined[name]
                raise statement.refusal(target, f"{name!r} is not used after this: leave it out")
            raise ArgumentError(f"{shown(text)}\n{name} has a number, but is not used here: leave --at {name}=... out")

    def _record(self, statement: Statement, root: ast.expr) -> Value:
        """Return the Value of a tree. Nothing recurses: ops are listed from the root on, and applied from the end on."""
        values: dict[ast.expr, Value] = {}
        steps: list[tuple[ast.expr, Op, Sequence[_Operand]]] = []
        stack = [root]
        while stack:
            node = stack.pop()
            leaf = self._leaf(statement, node)
            if leaf is not None:
                values[node] = leaf
                continue
            op, operands = _application(statement, node)
            steps.append((node, op, operands))
            for operand in reversed(operands):
                stack.extend(reversed(operand) if isinstance(operand, tuple) else [operand])
        for node, op, operands in reversed(steps):
            args = [tuple([values[x] for x in arg]) if isinstance(arg, tuple) else values[arg] for arg in operands]
            try:
                values[node] = cast("Callable[..., Value]", op)(*args)
            except ArgumentError as fault:
                raise statement.refusal(node, str(fault)) from None
        return values[root]

    def _leaf(self, statement: Statement, node: ast.expr) -> Value | None:
        match node:
            case ast.Constant(value=number):
                return constant(number)
            case ast.UnaryOp(operand=ast.Constant(value=number)):
                sign = _operator(statement, node, node.op)
                return constant(sign.value(as_float(number)))
            case ast.Name(id=name):
                return self._named(statement, node, name)
            case _:
                return None

    def _named(self, statement: Statement, node: ast.Name, name: str) -> Value:
        if name in self.known:
            self.used.add(name)
            return self.known[name]
        if name in CONSTANTS:
            return constant(CONSTANTS[name])
        if name in OPS or name in ops.__all__:
            raise statement.refusal(node, f"{name!r} is an op: give it its operands in brackets, as in {name}(...)")
        similar = _similar(name, self.known)
        hint = f", or did you mean {_either(similar)}?" if similar else ""
        raise statement.refusal(node, f"{name} has no number: give --at {name}=...{hint}")


def _application(statement: Statement, node: ast.expr) -> tuple[Op, Sequence[_Operand]]:
    """Return the op of a node that is no leaf, and its operands."""
    match node:
        case ast.UnaryOp(operator, operand):
            return _operator(statement, node, operator), [operand]
        case ast.BinOp(left, operator, right):
            return _operator(statement, node, operator), [left, right]
        case ast.Call():
            return _call(statement, node)
        case ast.List() | ast.Tuple():
            takers = ", ".join([op.name for op in OPS.values() if op.takes_rows])
            raise statement.refusal(node, f"a row has no place here: it goes to an op that takes rows ({takers})")
        case ast.Subscript():
            raise statement.refusal(node, "an expression has no indices: give each number a name of its own")
        case ast.Starred():
            raise statement.refusal(node, "a star unpacks nothing here: write the numbers out")
        case _:
            raise statement.refusal(node, f"this has no place here: {GRAMMAR}")


def _operator(statement: Statement, node: ast.UnaryOp | ast.BinOp, operator: ast.operator | ast.unaryop) -> Op:
    """Return the op that stands behind an operator."""
    sign, method = _OPERATORS[type(operator)]
    for op in OPS.values():
        if op.operator == method:
            return op
    start = statement.place(cast("int", node.left.end_col_offset)) if isinstance(node, ast.BinOp) else statement.start
    start = statement.text.index(sign, start)
    behind = {op.operator for op in OPS.values()}
    known = " ".join(dict.fromkeys([s for s, method in _OPERATORS.values() if method in behind]))
    raise refusal(statement.text, start, start + len(sign), f"{sign!r} is no operator of the table: it has {known}")


def _call(statement: Statement, node: ast.Call) -> tuple[Op, Sequence[_Operand]]:
    """Return the op that is called, and what it is given: an operand for each of its parameters, rows taken apart."""
    op = _op_called(statement, node)
    for keyword in node.keywords:
        raise statement.refusal(keyword, f"operands are given in order, without names: {_signature(op)}")
    most = len(op.partials)
    least = most - isinstance(op, Parametric)
    if not least <= len(node.args) <= most:
        row = ", a row in brackets" if op.takes_rows else ""
        count = f"{least} or {most}" if least < most else f"{most}"
        why = f"{op.name} takes {count} operand{'s' * (most > 1)}{row}, not {len(node.args)}: write {_signature(op)}"
        raise statement.refusal(node, why)
    return op, [_row(statement, op, x) for x in node.args] if op.takes_rows else node.args


def _op_called(statement: Statement, node: ast.Call) -> Op:
    match node.func:
        case ast.Name(id=name) if name in OPS:
            return OPS[name]
        case ast.Name(id=name) if name in ops.__all__:
            why = f"{name!r} gives several numbers, and an expression is one: take an op that gives one"
        case ast.Name(id=name):
            ours = {spelling: op.name for op in OPS.values() for spelling in (op.name, op.ufunc) if spelling}
            similar = dict.fromkeys([ours[spelling] for spelling in _similar(name, ours)])
            hint = f"did you mean {_either(similar)}?" if similar else f"there are {', '.join(sorted(OPS))}"
            why = f"{name!r} is no op of the table: {hint}"
        case _:
            why = "only an op can be called: write * before the bracket for a product"
    raise statement.refusal(node.func, why)


def _signature(op: Op) -> str:
    """Return how an op is called, such as ``dot([...], [...])``."""
    return f"{op.name}({', '.join(['[...]' if op.takes_rows else name for name in op.operand_names])})"


def _row(statement: Statement, op: Op, node: ast.expr) -> tuple[ast.expr, ...]:
    match node:
        case ast.List(elts=[_, *_] as members) | ast.Tuple(elts=[_, *_] as members):
            return tuple(members)
        case ast.List() | ast.Tuple():
            raise statement.refusal(node, f"{op.name} of an empty row: put at least one number in it")
        case _:
            raise statement.refusal(node, f"{op.name} takes a row of numbers: put them in brackets, {_signature(op)}")
