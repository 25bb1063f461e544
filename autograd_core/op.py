"""What an op is: one record with everything the project knows about a function, and the registry of them all.

An op's partial derivatives are plain lambdas over *generic numbers*: floats, Values, or whatever else offers
arithmetic and an ``apply_op``. Run on floats they are the backward pass; on Values, the second order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, TypeVar, cast, overload

from autograd_core.errors import ArgumentError, OperandTypeError

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "APPLICATION",
    "CLOSED",
    "OPS",
    "POWER",
    "PRODUCT",
    "REALS",
    "SUM",
    "Applies",
    "Binary",
    "Bound",
    "Generic",
    "Interval",
    "Kink",
    "Op",
    "Operand",
    "Pairing",
    "Parametric",
    "Reduction",
    "Ternary",
    "Unary",
    "as_float",
    "as_tuple",
    "call",
]


class Applies(Protocol):
    """A number that records the ops applied to it."""

    @classmethod
    def apply_op(cls, op: Op, operands: tuple[object, ...], /) -> Self:
        """Record one op on numbers of this kind, floats, and rows of them."""
        ...


class Generic(Applies, Protocol):
    """A number as a partial derivative sees it: it can be given to ops, added, subtracted and multiplied."""

    def __add__(self, other: Generic | float, /) -> Generic: ...
    def __radd__(self, other: float, /) -> Generic: ...
    def __sub__(self, other: Generic | float, /) -> Generic: ...
    def __rsub__(self, other: float, /) -> Generic: ...
    def __mul__(self, other: Generic | float, /) -> Generic: ...
    def __rmul__(self, other: float, /) -> Generic: ...
    def __neg__(self) -> Generic: ...


G = TypeVar("G", bound=Applies)
Operand: TypeAlias = float | Sequence[float]
Result: TypeAlias = Generic | float
Results: TypeAlias = Sequence[Generic] | Sequence[float]
Partial: TypeAlias = Callable[..., Result | Results]
Rows: TypeAlias = Sequence[Generic]


@dataclass(frozen=True)
class Interval:
    """The numbers from low to high that an operand may take; ``open_low`` and ``open_high`` leave out the ends."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, x: float) -> bool:
        above = x > self.low if self.open_low else x >= self.low
        return above and (x < self.high if self.open_high else x <= self.high)

    def __str__(self) -> str:
        if self == REALS:
            return "ℝ"
        left = "(" if self.open_low or self.low == -math.inf else "["
        right = ")" if self.open_high or self.high == math.inf else "]"
        return f"{left}{self.low:g}, {self.high:g}{right}".replace("inf", "∞")


REALS = Interval()


# How tightly a formula holds together, from what falls apart next to any operator to what stands as one piece.
SUM, PRODUCT, APPLICATION, POWER, CLOSED = range(1, 6)


@dataclass(frozen=True)
class Kink:
    """Where an op has no derivative, and the value that is taken there by convention.

    Parameters
    ----------
    where : the place in words, such as ``"x = 0"``.
    margin : a function of the operands that is 0 at the kink and grows away from it.
    at : operands right on the kink.
    partials : the derivatives taken there, one for each operand.
    """

    where: str
    margin: Callable[..., float]
    at: tuple[Operand, ...]
    partials: tuple[Operand, ...]


@dataclass(frozen=True)
class Bound:
    """How far a float result may lie from the exact one: so many ulps of the exact result, plus an absolute part.

    Either part may be a function of the operands. Anything wider than 4 ulps says why.
    """

    ulps: float | Callable[..., float] = 4.0
    absolute: float | Callable[..., float] = 0.0
    why: str = ""

    def allows(self, exact: float, *operands: Operand) -> float:
        """Return the largest error allowed beside the exact result at these operands."""
        ulps = self.ulps(*operands) if callable(self.ulps) else self.ulps
        absolute = self.absolute(*operands) if callable(self.absolute) else self.absolute
        return ulps * math.ulp(exact) + absolute


@dataclass(frozen=True, eq=False, kw_only=True)
class Op:
    """One row of the table: a differentiable function and all that the rest of the project reads about it.

    Parameters
    ----------
    name : the function's and method's name, and the key under which an op is pickled.
    value : the function itself on floats; total, so it returns nan or inf and never raises.
    partials : one derivative for each operand, a function of the operands and the result; None where nothing flows.
    latex, code : how to write it, with ``{0}`` for the first operand; ``code`` defines it in elementary functions.
    precedence : how tightly the LaTeX form holds together: SUM, PRODUCT, APPLICATION (of a function without brackets),
        POWER or CLOSED, which needs no brackets but under an exponent.
    group : the shelf it stands on in lists.
    symbol : what a drawing shows; the name, unless something shorter is usual.
    domain : one interval for each operand, in which all that is said here holds. Outside of it an op of one number
        gives nan or an infinity; an op of several may still give a number, as (-2) ** 3 does.
    constraint : what the operands must satisfy together, in words and as a test.
    kink : where the derivative does not exist, and what is taken there.
    laws : which of "odd", "even", "commutative", "idempotent", "involution" hold to the last bit; an op of several
        numbers is odd if it is so in the first.
    identity : the right operand that changes nothing.
    value_bound, partial_bound : how exact results are.
    operator : the Python operator it stands behind, such as "add".
    ufunc : the NumPy function of the same meaning, where its name differs.
    expands : the same thing in smaller ops, for drawings that show each product.
    """

    name: str
    value: Callable[..., float]
    partials: tuple[Partial | None, ...]
    latex: str
    code: str
    group: str
    symbol: str = ""
    precedence: int = CLOSED
    domain: tuple[Interval, ...] = (REALS,)
    constraint: tuple[str, Callable[..., bool]] | None = None
    kink: Kink | None = None
    laws: tuple[str, ...] = ()
    identity: float | None = None
    value_bound: Bound = field(default=Bound())
    partial_bound: Bound = field(default=Bound())
    operator: str = ""
    ufunc: str = ""
    expands: Callable[..., Result] | None = None
    takes_rows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.name in OPS:
            raise ArgumentError(f"there is an op named {self.name!r} already: choose another name")
        if not self.symbol:
            object.__setattr__(self, "symbol", self.name)
        object.__setattr__(self, "__doc__", _describe(self))
        OPS[self.name] = self

    @property
    def operand_names(self) -> tuple[str, ...]:
        """What the operands are called, as its partials name them."""
        for partial in self.partials:
            if partial is not None:
                return partial.__code__.co_varnames[: partial.__code__.co_argcount - 1]
        return ("x",) if len(self.partials) == 1 else ("a", "b", "c")[: len(self.partials)]

    def __reduce__(self) -> tuple[Callable[[str], Op], tuple[str]]:
        return find, (self.name,)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


OPS: dict[str, Op] = {}


def find(name: str) -> Op:
    """Return the op of that name; ArgumentError if there is none."""
    try:
        return OPS[name]
    except KeyError:
        raise ArgumentError(f"there is no op named {name!r}; the ops are {', '.join(sorted(OPS))}") from None


def _describe(op: Op) -> str:
    names = op.operand_names
    numbers = [0.5, 0.25, 0.75]
    sample = cast("list[float]", [numbers] * len(names) if op.takes_rows else numbers[: len(names)])
    call = f"{op.name}({', '.join(map(str, sample))})"
    lines = [
        f"{op.name}({', '.join(names)}): floats in, float out; a Value among them, a Value out.",
        "",
        f"Definition: {op.code.format(*names)}",
        f"LaTeX: {op.latex.format(*names)}",
        f"Domain: {' x '.join(map(str, op.domain))}" + (f" with {op.constraint[0]}" if op.constraint else ""),
        f"Example: {call} is {op.value(*sample)!r}",
    ]
    if op.kink:
        at, taken = (", ".join(map(str, operands)) for operands in (op.kink.at, op.kink.partials))
        lines.append(f"Kink: where {op.kink.where}; the derivative taken at ({at}) is ({taken})")
    for what, bound in (("value", op.value_bound), ("derivative", op.partial_bound)):
        lines.append(f"Accuracy of the {what}: {bound.why or 'within 4 ulps'}")
    return "\n".join(lines)


# How an op is called: floats in, float out; as soon as one operand is a Value, a Value comes out. The classes
# differ in their operands alone.


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Unary(Op):
    """An op of one number."""

    value: Callable[[float], float]
    partials: tuple[Callable[[Generic, Generic], Result] | None]

    @overload
    def __call__(self, x: float) -> float: ...
    @overload
    def __call__(self, x: G) -> G: ...
    def __call__(self, x: G | float) -> G | float:
        """Return the op of x."""
        return call(self, (x,))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Binary(Op):
    """An op of two numbers."""

    value: Callable[[float, float], float]
    partials: tuple[Callable[[Generic, Generic, Generic], Result] | None, ...]

    @overload
    def __call__(self, a: float, b: float) -> float: ...
    @overload
    def __call__(self, a: G, b: G | float) -> G: ...
    @overload
    def __call__(self, a: float, b: G) -> G: ...
    def __call__(self, a: G | float, b: G | float) -> G | float:
        """Return the op of a and b."""
        return call(self, (a, b))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Parametric(Op):
    """An op of one number with a shape parameter that has a usual value."""

    value: Callable[[float, float], float]
    partials: tuple[Callable[[Generic, Generic, Generic], Result], Callable[[Generic, Generic, Generic], Result]]
    default: float

    @overload
    def __call__(self, x: float, parameter: float | None = None) -> float: ...
    @overload
    def __call__(self, x: G, parameter: G | float | None = None) -> G: ...
    @overload
    def __call__(self, x: float, parameter: G) -> G: ...
    def __call__(self, x: G | float, parameter: G | float | None = None) -> G | float:
        """Return the op of x, with the usual parameter unless another is given."""
        return call(self, (x, self.default if parameter is None else parameter))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Ternary(Op):
    """An op of three numbers."""

    value: Callable[[float, float, float], float]
    partials: tuple[Callable[[Generic, Generic, Generic, Generic], Result] | None, ...]

    @overload
    def __call__(self, a: float, b: float, c: float) -> float: ...
    @overload
    def __call__(self, a: G, b: G | float, c: G | float) -> G: ...
    @overload
    def __call__(self, a: float, b: G, c: G | float) -> G: ...
    @overload
    def __call__(self, a: float, b: float, c: G) -> G: ...
    def __call__(self, a: G | float, b: G | float, c: G | float) -> G | float:
        """Return the op of a, b and c."""
        return call(self, (a, b, c))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Reduction(Op):
    """An op of one row of numbers."""

    takes_rows: ClassVar[bool] = True
    value: Callable[[Sequence[float]], float]
    partials: tuple[Callable[[Rows, Generic], Results]]

    @overload
    def __call__(self, xs: Iterable[float]) -> float: ...  # pyright: ignore[reportOverlappingOverload] - no G is a float
    @overload
    def __call__(self, xs: Iterable[G | float]) -> G: ...
    def __call__(self, xs: Iterable[G | float]) -> G | float:
        """Return the op of a row of numbers."""
        return _call_rows(self, (xs,))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Pairing(Op):
    """An op of two equally long rows of numbers."""

    takes_rows: ClassVar[bool] = True
    value: Callable[[Sequence[float], Sequence[float]], float]
    partials: tuple[Callable[[Rows, Rows, Generic], Results], Callable[[Rows, Rows, Generic], Results]]

    @overload
    def __call__(self, ws: Iterable[float], xs: Iterable[float]) -> float: ...  # pyright: ignore[reportOverlappingOverload]
    @overload
    def __call__(self, ws: Iterable[G | float], xs: Iterable[G | float]) -> G: ...
    def __call__(self, ws: Iterable[G | float], xs: Iterable[G | float]) -> G | float:
        """Return the op of two rows of numbers."""
        return _call_rows(self, (ws, xs))


def call(op: Op, operands: tuple[G | float, ...]) -> G | float:
    """Return an op of numbers: a float if all are floats, else whatever the first other one makes of it."""
    for x in operands:
        apply_op = getattr(type(x), "apply_op", None)
        if apply_op is not None:
            return apply_op(op, operands)
    return op.value(*map(as_float, operands))


def _call_rows(op: Op, rows: tuple[Iterable[G | float], ...]) -> G | float:
    rows = tuple([as_tuple(op.name, row) for row in rows])
    if len(rows) == 2 and len(rows[0]) != len(rows[1]):
        raise ArgumentError(
            f"{op.name} pairs its rows off, but they hold {len(rows[0])} and {len(rows[1])} numbers: "
            "make them equally long"
        )
    for row in rows:
        for x in row:
            apply_op = getattr(type(x), "apply_op", None)
            if apply_op is not None:
                return apply_op(op, rows)
    return op.value(*[list(map(as_float, row)) for row in rows])


def as_tuple(what: str, row: Iterable[G | float]) -> tuple[G | float, ...]:
    """Return a row of numbers as a tuple, the same one if it is one; OperandTypeError if it is no sequence."""
    if isinstance(row, tuple):
        return row
    # Callers need not be typed.
    if not isinstance(row, Iterable) or isinstance(row, str | bytes) or getattr(row, "shape", None) == ():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise OperandTypeError(f"{what} takes a sequence of numbers, not {_shown(row)}: put the numbers in a list")
    return tuple(row)


_MENDS = {
    "complex": "take its real or imaginary part",
    "complex128": "take its real or imaginary part",
    "complex64": "take its real or imaginary part",
    "str": "convert it first, with float(...)",
    "bytes": "convert it first, with float(...)",
    "NoneType": "check what should have been computed there",
    "ndarray": "make one Value for each element, as in [Value(x) for x in array.tolist()]",
    "list": "make one Value for each element, as in [Value(x) for x in xs]",
    "tuple": "make one Value for each element, as in [Value(x) for x in xs]",
    "Value": "take its number with .data, or use the Value as it is",
    "Decimal": "convert it first, with float(...)",
}


def as_float(x: object) -> float:
    """Return x, an int, float, bool or NumPy scalar, as a Python float; OperandTypeError for anything else.

    >>> as_float(True)
    1.0
    """
    if type(x) is float:
        return x
    if isinstance(x, Real) or _is_numpy_scalar(x):
        try:
            return float(cast("float", x))
        except OverflowError:
            raise ArgumentError(f"{type(x).__name__} beyond float64's 1.8e308: scale it down") from None
    mend = _MENDS.get(type(x).__name__, "pass an int, float, bool or NumPy scalar")
    raise OperandTypeError(f"{_shown(x)} is no real number: {mend}")


def _is_numpy_scalar(x: object) -> bool:
    """Tell whether x is one of NumPy's real scalars or arrays of no dimensions, without importing NumPy."""
    return getattr(x, "shape", None) == () and getattr(getattr(x, "dtype", None), "kind", "") in tuple("fiub")


def _shown(x: object) -> str:
    text = " ".join(repr(x).split())
    return f"{text if len(text) <= 60 else text[:57] + '...'} of type {type(x).__name__}"
