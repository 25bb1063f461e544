"""Value, a node of the graph: a number that remembers the op and the inputs it came from."""

from __future__ import annotations

import linecache
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias, cast, final

from autograd_core.errors import AnomalyError, ArgumentError, GraphCutError, ImmutableNodeError, OperandTypeError
from autograd_core.modes import Mode, Scope, Site, current_mode
from autograd_core.op import Binary, Op, Parametric, Ternary, Unary, as_float, as_tuple
from autograd_core.ops import OPS

__all__ = [
    "UNSWEPT",
    "Number",
    "Operand",
    "Row",
    "Value",
    "as_row",
    "constant",
    "describe_call",
    "latest_change",
    "record",
    "source_line",
]

# Times before any change: that of a constant, that of a leaf which a transform has made for an argument, and that of a
# rebuilt result which a leaf had outdated.
CONSTANT: Final = -1
ARGUMENT: Final = -2
OUTDATED: Final = -3

# The gradient of a Value that no sweep has reached and nobody has set: a zero that is an object of its own, so that a
# drawing can tell "not known yet" from "swept, and 0". To arithmetic it is 0.0 like any other, so the sweep and the
# optimisers need not know; whatever they compute from it is another object.
UNSWEPT: Final = float("0")

# The mutation clock: how often any leaf has been changed. A leaf carries the time of its last change, a result the
# time of its recording, so one comparison tells whether a recorded number still holds. It only ever grows.
_clock = 0


@final
class Value:
    """A real number in a computation graph.

    Arithmetic, comparisons and every op of the table work on Values, mixed with int, float, bool and NumPy scalars
    on either side. ``==`` is identity, so Values can be put in sets and dicts; ``<`` and its kind compare numbers.

    Parameters
    ----------
    data : the number; stored as a float64.
    label : a name for drawings and messages.

    Raises
    ------
    OperandTypeError : data is no real number.

    >>> x = Value(3.0, label="x")
    >>> y = x * x + 1
    >>> y.backward()
    >>> y.data, x.grad
    (10.0, 6.0)
    """

    # One or two operands have slots of their own: a tuple of them would take another 56 bytes, and be one more object for
    # Python's garbage collector to go through at every turn. Three share a tuple in the first slot. The label's and
    # the origin's slots stay empty until there is something to keep in them.
    __slots__ = ("_a", "_adjoint", "_b", "_label", "_origin", "_primal", "_rule", "_tick")

    def __init__(self, data: float, label: str = "") -> None:
        if label != "":
            self.label = label
        self._primal = as_float(data)
        self._adjoint = UNSWEPT
        self._rule: Op | None = None
        self._a: Operand = None
        self._b: Operand = None
        self._tick = 0
        scope = current_mode().scope
        if scope is not None:
            self._origin: Scope | Site = scope

    # ------------------------------------------------------------ what a node shows

    @property
    def data(self) -> float:
        """The number itself. It may be set on a leaf, as an optimiser does, and on nothing else."""
        guard = current_mode().guard
        if guard is not None:
            guard(self, "reading the number")
        return self._primal

    @data.setter
    def data(self, number: float) -> None:
        global _clock
        if self._rule is not None:
            raise ImmutableNodeError(
                f"{self!r} is the result of {self._rule.name}, so its number cannot be set: set a leaf and compute again"
            )
        if self._tick < 0:
            raise ImmutableNodeError(f"{self!r} is a constant: use a Value of your own where it has to change")
        number = as_float(number)
        _clock += 1
        self._tick = _clock
        self._primal = number

    @property
    def grad(self) -> float:
        """The derivative of what ``backward()`` was called on: accumulated on a leaf, of the last sweep elsewhere."""
        return self._adjoint

    @grad.setter
    def grad(self, number: float) -> None:
        number = as_float(number)
        self._adjoint = 0.0 if number is UNSWEPT else number  # that of another Value, which no sweep has reached

    @property
    def swept(self) -> bool:
        """Whether a sweep or an assignment has given ``grad`` a number; until then it reads 0.0."""
        return self._adjoint is not UNSWEPT

    @property
    def label(self) -> str:
        """A name for drawings and messages."""
        return getattr(self, "_label", "")

    @label.setter
    def label(self, label: str) -> None:
        if not isinstance(label, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
            raise OperandTypeError(f"a label is a str, not {label!r} of type {type(label).__name__}: pass str(...)")
        self._label = label

    @property
    def op(self) -> Op | None:
        """The op that made this Value; None for a leaf."""
        return self._rule

    @property
    def operands(self) -> tuple[Value | Row, ...]:
        """What the op was given, in order: Values, and whole rows of them as the tuples that they are."""
        if self._rule is None:
            return ()
        if self._b is not None:
            return cast("tuple[Value | Row, Value | Row]", (self._a, self._b))
        if isinstance(self._a, tuple) and not self._rule.takes_rows:
            return self._a
        return cast("tuple[Value | Row]", (self._a,))

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The same Values in one tuple, rows one after the other."""
        flat: list[Value] = []
        for arg in self.operands:
            if isinstance(arg, tuple):
                flat.extend(arg)
            else:
                flat.append(arg)
        return tuple(flat)

    @property
    def is_constant(self) -> bool:
        """Whether this is a plain number that met a Value: it never changes and takes no gradient."""
        return self._tick == CONSTANT

    @property
    def scope(self) -> Scope | None:
        """The innermost scope that this was recorded or made in; of a module's parameter, its class."""
        return self.origin.scope if isinstance(self.origin, Site) else self.origin

    @property
    def source(self) -> str | None:
        """The source line that recorded this; known only under detect_anomaly."""
        return self.origin.source if isinstance(self.origin, Site) else None

    @property
    def origin(self) -> Scope | Site | None:
        """Both of these together, as they were recorded."""
        return getattr(self, "_origin", None)

    # micrograd's names for the same two things, so that its notebooks keep running

    @property
    def _prev(self) -> tuple[Value, ...]:
        return self.inputs

    @property
    def _op(self) -> str:
        return self._rule.symbol if self._rule else ""

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._primal!r}, grad={self._adjoint!r}{label})"

    def __format__(self, spec: str) -> str:
        return format(self._primal, spec) if spec else repr(self)

    # ------------------------------------------------------------ comparisons: of the numbers; == is identity

    def __lt__(self, other: Number) -> bool:
        return _compare(float.__lt__, self, other)

    def __le__(self, other: Number) -> bool:
        return _compare(float.__le__, self, other)

    def __gt__(self, other: Number) -> bool:
        return _compare(float.__gt__, self, other)

    def __ge__(self, other: Number) -> bool:
        return _compare(float.__ge__, self, other)

    def __bool__(self) -> bool:
        guard = current_mode().guard
        if guard is not None:
            guard(self, "asking for the truth")
        return self._primal != 0.0

    # ------------------------------------------------------------ other numbers

    def __float__(self) -> float:
        guard = current_mode().guard
        if guard is not None:
            guard(self, "rounding or converting")
        raise GraphCutError(
            f"turning {self!r} into a plain number would cut it off from its graph without a word: use "
            "autograd_core.sin and its kind in place of math.sin, or .data where the bare number is wanted"
        )

    __int__ = __complex__ = __trunc__ = __floor__ = __ceil__ = __float__

    def __round__(self, ndigits: int | None = None) -> float:
        return self.__float__()

    @classmethod
    def apply_op(cls, op: Op, operands: tuple[object, ...], /) -> Value:
        """Record one op on Values, plain numbers and rows of them: how ``exp(v)`` and ``dot(ws, xs)`` come here."""
        args: list[Value | Row] = []
        primals: list[float | list[float]] = []
        for operand in operands:
            if op.takes_rows:
                row, numbers = _row(operand)  # pyright: ignore[reportArgumentType] - rows are tuples
                args.append(row)
                primals.append(numbers)
            else:
                value = operand if isinstance(operand, Value) else constant(operand)
                args.append(value)
                primals.append(value._primal)
        return record(op, op.value(*primals), *args)

    def __array_ufunc__(self, ufunc: Callable[..., object], method: str, *inputs: object, **options: object) -> object:
        """Answer NumPy: ``np.exp(v)``, ``np.float64(2) * v``, and arrays of Values, element by element."""
        from autograd_core.interop import apply_ufunc  # noqa: PLC0415 - asked for by NumPy alone

        return apply_ufunc(ufunc, method, inputs, options)

    if TYPE_CHECKING:
        # What the table, the sweep and the copier put in place, for type checkers.

        def backward(self) -> None: ...  # noqa: D102 - see backward.py
        def __getattr__(self, name: str) -> Callable[..., Value]: ...
        def __add__(self, other: Number, /) -> Value: ...
        def __radd__(self, other: Number, /) -> Value: ...
        def __sub__(self, other: Number, /) -> Value: ...
        def __rsub__(self, other: Number, /) -> Value: ...
        def __mul__(self, other: Number, /) -> Value: ...
        def __rmul__(self, other: Number, /) -> Value: ...
        def __truediv__(self, other: Number, /) -> Value: ...
        def __rtruediv__(self, other: Number, /) -> Value: ...
        def __pow__(self, other: Number, /) -> Value: ...
        def __rpow__(self, other: Number, /) -> Value: ...
        def __neg__(self) -> Value: ...
        def __pos__(self) -> Value: ...
        def __abs__(self) -> Value: ...


Row: TypeAlias = tuple[Value, ...]
Operand: TypeAlias = Value | Row | None
Number: TypeAlias = Value | float

_new = Value.__new__


def latest_change() -> int:
    """Return the time on the mutation clock: as long as it stands still, no leaf has changed."""
    return _clock


def record(rule: Op, primal: float, a: Operand, b: Operand = None, c: Operand = None) -> Value:
    """Return a new node: the result of an op on up to three operands, Values or whole rows of them.

    A row is kept as the tuple that it is, not copied: rows that are one object are known to be the same row.
    """
    mode = current_mode()
    node = _new(Value)
    node._primal = primal
    node._adjoint = UNSWEPT
    node._tick = _clock
    if mode.recording:
        node._rule = rule
        if c is None:
            node._a = a
            node._b = b
        else:
            node._a = cast("Row", (a, b, c))
            node._b = None
    else:
        node._rule = node._a = node._b = None
    if mode.scope is not None:
        node._origin = mode.scope
    if mode.anomaly:
        _examine(node, rule, (a, b, c), mode)
    return node


def constant(number: object) -> Value:
    """Return a leaf for a plain number that met a Value."""
    leaf = Value(as_float(number))
    leaf._tick = CONSTANT
    return leaf


def as_row(xs: Iterable[Number]) -> Row:
    """Return numbers as a tuple of Values: the very same tuple if it is one already."""
    row = as_tuple("a layer or loss", xs)
    if all([x.__class__ is Value for x in row]):
        return cast("Row", row)
    return tuple([x if isinstance(x, Value) else constant(x) for x in row])


def _row(row: Row) -> tuple[Row, list[float]]:
    """Return a row as Values, and its numbers."""
    try:
        return row, [v._primal for v in row]
    except AttributeError:  # some member is a plain number
        row = as_row(row)
        return row, [v._primal for v in row]


def _foreign(x: object) -> bool:
    """Tell whether x answers operators with Values itself: another generic number, or an array of Values."""
    return hasattr(type(x), "apply_op") or getattr(x, "dtype", None) == object  # noqa: E721 - a dtype, which equals the type it stands for


def _compare(holds: Callable[[float, float], bool], a: Value, b: object) -> bool:
    if b.__class__ is not Value and _foreign(b):
        return NotImplemented
    guard = current_mode().guard
    if guard is not None:
        for v in (a, b):
            if isinstance(v, Value):
                guard(v, "comparing")
    return holds(a._primal, b._primal if isinstance(b, Value) else as_float(b))


# ---------------------------------------------------------------- detect_anomaly


def _examine(node: Value, rule: Op, operands: tuple[Operand, ...], mode: Mode) -> None:
    """Note where a node was recorded, and raise AnomalyError if it is the first bad one."""
    source = source_line()
    node._origin = Site(mode.scope, source)
    if math.isfinite(node._primal):
        return
    inputs = [v for arg in operands if arg is not None for v in (arg if isinstance(arg, tuple) else (arg,))]
    call = describe_call(rule, inputs)
    for v in inputs:
        if math.isnan(v._primal):
            raise AnomalyError(f"an input of {call} is nan; recorded at {source}: mend what made that input")
    if math.isnan(node._primal) or not any([math.isinf(v._primal) for v in inputs]):
        raise AnomalyError(f"{call} is {node._primal}; recorded at {source}: keep its inputs inside the op's domain")


def describe_call(rule: Op, inputs: Sequence[Value]) -> str:
    """Return an op with its inputs in words, such as ``log(x = -1.0)``."""
    shown = [f"{v.label} = {v._primal!r}" if v.label else repr(v._primal) for v in inputs[:6]]
    return f"{rule.name}({', '.join(shown)}{', ...' if len(inputs) > 6 else ''})"


def source_line() -> str:
    """Return the innermost line outside of this project that is being run."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ("autograd_core", "nn"):
        frame = frame.f_back
    path, line = frame.f_code.co_filename, frame.f_lineno
    return f"{path}:{line} ({linecache.getline(path, line).strip() or 'source not known'})"


# ---------------------------------------------------------------- methods and operators, made from the table


def _unary(op: Op) -> Callable[[Value], Value]:
    value = op.value

    def method(self: Value) -> Value:
        return record(op, value(self._primal), self)

    return method


def _binary(op: Op) -> Callable[[Value, Value], Value]:
    value = op.value

    def operator(self: Value, other: Value) -> Value:
        if other.__class__ is not Value:
            if _foreign(other):
                return NotImplemented
            other = constant(other)
        return record(op, value(self._primal, other._primal), self, other)

    return operator


def _reflected(op: Op) -> Callable[[Value, Number], Value]:
    value = op.value

    def operator(self: Value, other: Number) -> Value:
        if _foreign(other):
            return NotImplemented
        left = constant(other)
        return record(op, value(left._primal, self._primal), left, self)

    return operator


def _with_operands(op: Parametric | Ternary) -> Callable[..., Value]:
    def method(self: Value, *operands: Number) -> Value:
        return op(self, *operands)

    return method


def _install(name: str, method: Callable[..., Value], op: Op) -> None:
    if name in vars(Value):
        raise ArgumentError(f"{name} means something else on a Value already: give the op another name")
    method.__name__ = name
    method.__qualname__ = f"Value.{name}"
    method.__doc__ = op.__doc__
    setattr(Value, name, method)


for _op in OPS.values():
    if isinstance(_op, Unary):
        _install(_op.name, _unary(_op), _op)
        if _op.ufunc:  # NumPy looks for a method of its function's name on the elements of an object array
            _install(_op.ufunc, _unary(_op), _op)
        if _op.operator:
            _install(f"__{_op.operator}__", _unary(_op), _op)
    elif isinstance(_op, Binary):
        _install(_op.name, _binary(_op), _op)
        if _op.ufunc:
            _install(_op.ufunc, _binary(_op), _op)
        if _op.operator:
            _install(f"__{_op.operator}__", _binary(_op), _op)
            _install(f"__r{_op.operator}__", _reflected(_op), _op)
    elif isinstance(_op, Parametric | Ternary):
        _install(_op.name, _with_operands(_op), _op)
