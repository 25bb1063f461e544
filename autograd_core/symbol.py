"""Symbol: a number that is not known yet, only written down.

It is the third kind of number that the table's partials run on, beside floats and Values: what comes out is the
derivative as a formula. It is simplified lightly on the way, by what the table says and never by what would change a
result: ``x * 1``, ``x + 0`` and ``-(-x)`` are x, but ``0 * x`` stays, since x may be infinite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, cast, final

from autograd_core.errors import ArgumentError, OperandTypeError
from autograd_core.notation import LATEX, MATHML, TEXT
from autograd_core.op import Binary, Op, Unary, as_float
from autograd_core.ops import OPS, neg
from autograd_core.spelling import Spelling, spelling_of

__all__ = ["Symbol", "SymbolOrRow"]


@final
class Symbol:
    r"""A number in a formula: a name, or an op on Symbols, floats and rows of them.

    Ops and operators of the table work on it, mixed with real numbers on either side. ``==`` is identity, as with
    Values.

    Parameters
    ----------
    name : what it is called; any text will do.
    latex, mathml : how to write it there, if not as the name says: ``w1`` as w with an index, ``alpha`` as α.

    Raises
    ------
    OperandTypeError : the name is no str.
    ArgumentError : the name is empty.

    >>> from autograd_core.ops import tanh
    >>> y = tanh(Symbol("w1") * Symbol("x") + 1.0)
    >>> y.text, y.latex
    ('tanh(w1 * x + 1.0)', '\\tanh(w_{1} \\cdot x + 1)')
    """

    __slots__ = ("__weakref__", "op", "operands", "spelling")

    op: Op | None
    operands: tuple[SymbolOrRow, ...]
    spelling: Spelling | None

    def __init__(self, name: str, latex: str | None = None, mathml: str | None = None) -> None:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
            raise OperandTypeError(
                f"a symbol's name is a str, not {name!r} of type {type(name).__name__}: pass str(...)"
            )
        if name == "":
            raise ArgumentError("a symbol's name is empty, so it could not be seen: pass at least one character")
        usual = spelling_of(name)
        self.op = None
        self.operands = ()
        self.spelling = Spelling(
            usual.text, usual.latex if latex is None else latex, usual.mathml if mathml is None else mathml
        )

    @classmethod
    def number(cls, x: float) -> Symbol:
        r"""Return a number as a Symbol, to be written in the same ways.

        >>> Symbol.number(0.000025).latex
        '2.5 \\cdot 10^{-5}'
        """
        return _new(None, (as_float(x),))

    @classmethod
    def apply_op(cls, op: Op, operands: tuple[object, ...], /) -> Symbol:
        """Return an op on Symbols, plain numbers and rows of them, or the operand that it leaves as it is."""
        args = tuple([_row(cast("tuple[object, ...]", x)) if isinstance(x, tuple) else _checked(x) for x in operands])
        simpler = _simplified(op, args)
        return _new(op, args) if simpler is None else simpler

    @property
    def text(self) -> str:
        """The formula as Python, in terms of the table's ops; numbers are exact."""
        return TEXT.write(self)

    @property
    def latex(self) -> str:
        """The formula in LaTeX, numbers with five digits."""
        return LATEX.write(self)

    @property
    def mathml(self) -> str:
        """The formula as a MathML fragment, to stand within ``<math>``; numbers with five digits."""
        return f"<mrow>{MATHML.write(self)}</mrow>"

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Symbol({self.text!r})"

    def _repr_latex_(self) -> str:
        return f"${self.latex}$"

    def __bool__(self) -> bool:
        raise OperandTypeError(f"{self!r} has no number to decide by: use where(...) in place of if")

    if TYPE_CHECKING:
        # What the table puts in place, for type checkers.

        def __add__(self, other: Symbol | float, /) -> Symbol: ...
        def __radd__(self, other: float, /) -> Symbol: ...
        def __sub__(self, other: Symbol | float, /) -> Symbol: ...
        def __rsub__(self, other: float, /) -> Symbol: ...
        def __mul__(self, other: Symbol | float, /) -> Symbol: ...
        def __rmul__(self, other: float, /) -> Symbol: ...
        def __truediv__(self, other: Symbol | float, /) -> Symbol: ...
        def __rtruediv__(self, other: float, /) -> Symbol: ...
        def __pow__(self, other: Symbol | float, /) -> Symbol: ...
        def __rpow__(self, other: float, /) -> Symbol: ...
        def __neg__(self) -> Symbol: ...
        def __pos__(self) -> Symbol: ...
        def __abs__(self) -> Symbol: ...


SymbolOrRow: TypeAlias = Symbol | float | tuple[Symbol | float, ...]


def _new(op: Op | None, operands: tuple[SymbolOrRow, ...]) -> Symbol:
    symbol = Symbol.__new__(Symbol)
    symbol.op, symbol.operands, symbol.spelling = op, operands, None
    return symbol


def _checked(x: object) -> Symbol | float:
    """Return an operand: a Symbol as it is, unless it is just a number, and any other real number as a float."""
    if not isinstance(x, Symbol):
        return as_float(x)
    if x.op is None and x.spelling is None:
        return cast("float", x.operands[0])
    return x


def _row(xs: tuple[object, ...]) -> tuple[Symbol | float, ...]:
    return tuple([_checked(x) for x in xs])


# ---------------------------------------------------------------- simplification, by what the table says


def _simplified(op: Op, operands: tuple[SymbolOrRow, ...]) -> Symbol | None:
    """Return what an op comes to if that is one of its operands, up to the sign; None if it has to be written."""
    if len(operands) == 2:
        a, b = operands
        found = _without_identity(op, a, b)
        return _without_identity(op, b, a) if found is None and "commutative" in op.laws else found
    x = operands[0]
    if isinstance(x, Symbol) and x.op is op:
        if "idempotent" in op.laws:
            return x
        if "involution" in op.laws:
            return cast("Symbol", x.operands[0])
    return None


def _without_identity(op: Op, x: SymbolOrRow, e: SymbolOrRow) -> Symbol | None:
    """Return x if e is the op's identity; -x if it is that with the other sign, and the op odd in both operands."""
    if op.identity is None or not isinstance(x, Symbol) or not isinstance(e, float):
        return None
    if e == op.identity:
        return x
    return neg(x) if e == -op.identity and {"odd", "commutative"} <= set(op.laws) else None


# ---------------------------------------------------------------- operators, made from the table


def _unary(op: Op) -> Callable[[Symbol], Symbol]:
    def operator(self: Symbol) -> Symbol:
        return Symbol.apply_op(op, (self,))

    return operator


def _binary(op: Op) -> Callable[[Symbol, object], Symbol]:
    def operator(self: Symbol, other: object) -> Symbol:
        return Symbol.apply_op(op, (self, other))

    return operator


def _reflected(op: Op) -> Callable[[Symbol, object], Symbol]:
    def operator(self: Symbol, other: object) -> Symbol:
        return Symbol.apply_op(op, (other, self))

    return operator


for _op in OPS.values():
    if _op.operator and isinstance(_op, Unary):
        setattr(Symbol, f"__{_op.operator}__", _unary(_op))
    elif _op.operator and isinstance(_op, Binary):
        setattr(Symbol, f"__{_op.operator}__", _binary(_op))
        setattr(Symbol, f"__r{_op.operator}__", _reflected(_op))
