"""Derivatives of Python functions: grad, value_and_grad, jvp, vjp, jacobian, hessian, hvp.

Each takes a function f of numbers, or of nested lists and tuples of numbers, and works on floats and Values alike:
**floats in, floats out; a Value among them, a Value out.** A Value that f closes over counts as an input, so a
derivative inside of a derivative is never cut off from the outer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import TypeAlias, cast

from autograd_core.backward import adjoints, check_fresh
from autograd_core.chain import FLOATS, VALUES, Arithmetic, edges
from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.graph import walk
from autograd_core.modes import recording
from autograd_core.op import as_float
from autograd_core.ops import dot, identity
from autograd_core.value import ARGUMENT, Number, Value, constant

__all__ = [
    "Function",
    "Tree",
    "flatten",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "rebuild",
    "value_and_grad",
    "vjp",
]

Tree: TypeAlias = "Number | Sequence[Tree]"
"""A number, or a list or tuple of trees."""

Function: TypeAlias = Callable[..., Tree]


def grad(f: Function, argnum: int = 0) -> Callable[..., Tree]:
    """Return the function that computes the derivative of f, in the shape of the argument it is taken with respect to.

    Parameters
    ----------
    f : a function with one number as its result.
    argnum : which argument to differentiate with respect to, counted from 0.

    Raises
    ------
    ArgumentError : f has no such argument, or returns something other than one number.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    >>> grad(lambda xs: xs[0] * xs[1])([2.0, 3.0])
    [3.0, 2.0]
    """
    both = value_and_grad(f, argnum)

    def derivative(*args: Tree) -> Tree:
        return both(*args)[1]

    return derivative


def value_and_grad(f: Function, argnum: int = 0) -> Callable[..., tuple[Number, Tree]]:
    """Return the function that computes both f and its derivative, in one recording.

    Parameters and errors as for `grad`.

    >>> value_and_grad(lambda x: x**2)(3.0)
    (9.0, 6.0)
    """

    def both(*args: Tree) -> tuple[Number, Tree]:
        run = _Run(f, args, (_checked(argnum, args),))
        if isinstance(run.result, list | tuple):
            raise ArgumentError(f"f returned {len(run.result)} numbers where one is wanted: use jacobian")
        (y,) = run.outputs
        (slope,) = run.in_shape_of_inputs(adjoints(y, run.inputs, run.arithmetic))
        return run.shown(y), slope

    return both


def jvp(f: Function, primals: Sequence[Tree], tangents: Sequence[Tree]) -> tuple[Tree, Tree]:
    """Return f and its directional derivative: the Jacobian times the tangents, in one forward sweep.

    Parameters
    ----------
    f : a function of as many arguments as there are primals; its result may be nested.
    primals : where to differentiate, one tree an argument.
    tangents : in which direction, in the same shapes.

    Raises
    ------
    ArgumentError : primals and tangents differ in shape.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    for what, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, list | tuple):
            raise OperandTypeError(
                f"the {what} are {given!r} of type {type(given).__name__}: put the arguments in a tuple"
            )
    directions = flatten(tangents)
    if _shape(primals) != _shape(tangents):
        raise ArgumentError(
            f"the tangents have the shape {_shape(tangents)}: give them that of the primals, {_shape(primals)}"
        )
    run = _Run(f, tuple(primals), tuple(range(len(primals))), beside=directions)
    slopes = _pushforward(run, directions)
    return run.in_shape_of_result(run.outputs), run.in_shape_of_result([slopes.get(y, 0.0) for y in run.outputs])


def _pushforward(run: _Run, directions: Sequence[Number]) -> dict[Value, Number]:
    """Return the tangent of every node that one of the inputs reaches."""
    arithmetic = run.arithmetic
    tangents: dict[Value, Number] = dict(
        zip(run.inputs, [d if arithmetic is VALUES else as_float(d) for d in directions], strict=True)
    )
    for y in run.outputs:
        order, leaves = walk(y)
        check_fresh(order, leaves)
        for node in order:
            if node in tangents or node.op is None:
                continue
            terms = [
                arithmetic.term(node, v, tangents[v], partial)
                for v, partial in edges(node, arithmetic.operands(node), tangents.__contains__)
            ]
            factors = [factor for factor in terms if factor]
            if factors:
                tangents[node] = arithmetic.total(factors)
    return tangents


def vjp(f: Function, *primals: Tree) -> tuple[Tree, Callable[[Tree], tuple[Tree, ...]]]:
    """Return f, and the function that takes cotangents of its result to those of its arguments.

    Parameters
    ----------
    f : a function of as many arguments as there are primals; its result may be nested.
    primals : where to differentiate.

    Raises
    ------
    ArgumentError : the cotangents do not have the shape of the result.

    >>> y, pullback = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> pullback(1.0)
    (3.0, 2.0)
    """
    run = _Run(f, primals, tuple(range(len(primals))))

    def pullback(cotangents: Tree) -> tuple[Tree, ...]:
        if _shape(cotangents) != _shape(run.result):
            raise ArgumentError(
                f"the cotangents have the shape {_shape(cotangents)}: give them that of the result, {_shape(run.result)}"
            )
        weights = flatten(cotangents)
        arithmetic = VALUES if any(isinstance(w, Value) for w in weights) else run.arithmetic
        with recording():
            weighted = dot(run.outputs, weights)
        return run.in_shape_of_inputs(adjoints(weighted, run.inputs, arithmetic), arithmetic)

    return run.in_shape_of_result(run.outputs), pullback


def jacobian(f: Function, argnum: int = 0) -> Callable[..., Tree]:
    """Return the function that computes every derivative of every result of f: one reverse sweep a result.

    Row i is the derivative of result i, in the shape of the argument. Parameters and errors as for `grad`.

    >>> jacobian(lambda xs: [xs[0] * xs[1], xs[0] + xs[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """

    def rows(*args: Tree) -> Tree:
        run = _Run(f, args, (_checked(argnum, args),))
        slopes = [run.in_shape_of_inputs(adjoints(y, run.inputs, run.arithmetic))[0] for y in run.outputs]
        return rebuild(run.result, iter(slopes))

    return rows


def hessian(f: Function, argnum: int = 0) -> Callable[..., Tree]:
    """Return the function that computes all second derivatives of f: the Jacobian of its gradient.

    Parameters and errors as for `grad`.

    >>> hessian(lambda xs: xs[0] ** 2 * xs[1])([3.0, 5.0])
    [[10.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(f, argnum), argnum)


def hvp(f: Function, x: Tree, v: Tree) -> Tree:
    """Return the Hessian of f at x times v, forward over reverse: as cheap as a few evaluations of f.

    Parameters
    ----------
    f : a function of one argument with one number as its result.
    x, v : where, and in which direction; of one shape.

    >>> hvp(lambda xs: xs[0] ** 2 * xs[1], [3.0, 5.0], [1.0, 0.0])
    [10.0, 6.0]
    """
    return jvp(grad(f), (x,), (v,))[1]


# ---------------------------------------------------------------- one recording of f


_active: ContextVar[frozenset[Value]] = ContextVar("autograd_core_active", default=frozenset())
"""The arguments of every run whose f is being called."""


def _argument(x: Number) -> Value:
    """Return the node that stands for a number inside of f."""
    if isinstance(x, Value):
        return identity(x)  # a node of its own: other paths from x to the result are not f's
    leaf = Value(x)
    leaf._tick = ARGUMENT
    return leaf


class _Run:
    """f, recorded once on inputs of its own."""

    def __init__(
        self, f: Function, args: tuple[Tree, ...], argnums: tuple[int, ...], beside: Sequence[Number] = ()
    ) -> None:
        """Call f with new nodes in place of the numbers that it is differentiated with respect to."""
        given = [args[i] for i in argnums]
        numbers = flatten(given)
        self.shapes = given
        with recording():
            self.inputs = [_argument(x) for x in numbers]
            fresh = iter(self.inputs)
            recorded = {i: rebuild(args[i], fresh) for i in argnums}
            token = _active.set(_active.get().union(self.inputs))
            try:
                self.result = f(*[recorded.get(i, arg) for i, arg in enumerate(args)])
            finally:
                _active.reset(token)
        self.outputs = [y if isinstance(y, Value) else constant(y) for y in flatten(self.result)]
        tracked = any(isinstance(x, Value) for x in (*numbers, *beside)) or self._closes_over_values()
        self.arithmetic: Arithmetic = VALUES if tracked else FLOATS

    def _closes_over_values(self) -> bool:
        """Tell whether the result depends on a Value of the caller's, or on an argument of a run around this one."""
        leaves = [leaf for y in self.outputs for leaf in walk(y)[1]]
        around = _active.get()
        return any(leaf._tick >= 0 or leaf in around for leaf in leaves)

    def shown(self, x: Number) -> Number:
        """Return a number the way the caller is to see it: as a Value only if something is tracked."""
        if self.arithmetic is VALUES:
            return x if isinstance(x, Value) else constant(x)
        return x.data if isinstance(x, Value) else x

    def in_shape_of_result(self, numbers: Sequence[Number]) -> Tree:
        return rebuild(self.result, iter([self.shown(x) for x in numbers]))

    def in_shape_of_inputs(self, found: dict[Value, Number], arithmetic: Arithmetic | None = None) -> tuple[Tree, ...]:
        numbers = [found.get(x, 0.0) for x in self.inputs]
        if (arithmetic or self.arithmetic) is VALUES:
            numbers = [x if isinstance(x, Value) else constant(x) for x in numbers]
        slopes = iter(numbers)
        return tuple([rebuild(shape, slopes) for shape in self.shapes])


def _checked(argnum: int, args: tuple[Tree, ...]) -> int:
    if not 0 <= argnum < len(args):
        raise ArgumentError(f"argnum is {argnum}, but f was called with {len(args)} arguments: count them from 0")
    return argnum


# ---------------------------------------------------------------- nested lists and tuples of numbers


def flatten(tree: Tree) -> list[Number]:
    """Return the numbers of a tree in order; OperandTypeError for anything else in it."""
    if isinstance(tree, list | tuple):
        return [number for branch in cast("Sequence[Tree]", tree) for number in flatten(branch)]
    return [tree if isinstance(tree, Value) else as_float(tree)]


def rebuild(tree: Tree, numbers: Iterator[Tree]) -> Tree:
    """Return a tree of the same shape, filled with the numbers in order."""
    if isinstance(tree, list | tuple):
        branches = [rebuild(branch, numbers) for branch in cast("Sequence[Tree]", tree)]
        return branches if isinstance(tree, list) else tuple(branches)
    return next(numbers)


def _shape(tree: Tree) -> str:
    """Return a tree's shape in brackets and stars, such as ``(*, (*, *))``: list or tuple is all one."""
    if isinstance(tree, list | tuple):
        return f"({', '.join([_shape(branch) for branch in cast('Sequence[Tree]', tree)])})"
    return "*"
