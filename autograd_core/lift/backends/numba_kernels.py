"""What Numba's loops call: the table's ops on one number, and sums of products, made for the processor's registers.

Inside of a compiled program a batched array is a matrix with a row for each unit, in which the samples lie side by side;
all others are vectors. A sum of products goes along whole rows, eight samples at a time: its results stay in registers
while their terms are added up, and each number that is loaded is used several times. So rows are as long as a multiple of
eight; what lies behind the last sample may be any number.
"""

# pyright: reportUntypedFunctionDecorator=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingParameterType=false, reportUntypedBaseClass=false, reportUnknownLambdaType=false
# What is put in the place of a call takes whatever fits there.
# ruff: noqa: ARG001 - an intrinsic is given its operands' types, of which it returns its own

from __future__ import annotations

import math
from collections.abc import Callable
from math import (
    acos,
    asin,
    atan,
    atan2,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    expm1,
    hypot,
    inf,
    log,
    log1p,
    nan,
    pow,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)
from typing import Any, TypeVar, cast

import numba
import numba.extending
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models
from numba.extending import register_model
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

from autograd_core.lift.backends.numba_memory import LANES

__all__ = [
    "abs", "acos", "add_dot", "add_dots", "add_products", "add_row", "add_sums", "asin", "atan", "atan2", "clip",
    "cos", "cosh", "elu", "erf", "erfc", "exp", "expm1", "gelu", "hypot", "inf", "leaky_relu", "log", "log1p",
    "log_sigmoid", "maximum", "minimum", "nan", "pow", "relu", "same", "sigmoid", "sign", "silu", "sin", "sinh",
    "softplus", "sqrt", "step", "strong_mul", "tan", "tanh", "transpose", "where",
]  # fmt: skip

intrinsic: Any = numba.extending.intrinsic  # its own type would have callers pass what Numba passes

F = TypeVar("F", bound=Callable[..., object])
Array = NDArray[np.float64]

TERMS, COLUMNS = 256, 16
"""How many rows are read over and over, so that they stay in the caches, before the next ones have their turn."""

SUMS = {"contract", "reassoc", "nsz"}
"""What a sum may be: of products that are not rounded, and in any order; nan and infinities stay what they are."""

# Signatures are fixed, or else Numba would compile each kernel anew for every constant that it is called with.
INT, BOOL, FLOAT = numba.int64, numba.boolean, numba.float64
NEW_VECTOR, NEW_MATRIX = (types.Array(FLOAT, rank, "C") for rank in (1, 2))
VECTOR, MATRIX = (types.Array(FLOAT, rank, "C", readonly=True) for rank in (1, 2))


def scalar(f: F) -> F:
    """Compile an op of numbers, exactly as it is written: nan, infinities and signed zeros are what IEEE 754 says."""
    return cast("F", numba.njit(f, error_model="numpy", cache=True))


def kernel(*operands: object) -> Callable[[F], F]:
    """Compile sums for these types of operands."""
    return cast("Callable[[F], F]", numba.njit(numba.void(*operands), error_model="numpy", fastmath=SUMS, cache=True))


def part(f: F) -> F:
    """Compile a part of a kernel, which is put in the place of its calls."""
    return cast("F", numba.njit(f, error_model="numpy", fastmath=SUMS, forceinline=True))


# ---------------------------------------------------------------- ops of numbers, as autograd_core.ieee defines them

SQRT_HALF = math.sqrt(0.5)


@scalar
def abs(x: float) -> float:
    return math.fabs(x)


@scalar
def sigmoid(x: float) -> float:
    e = exp(-math.fabs(x))
    return (1.0 if x >= 0.0 else e) / (1.0 + e)


@scalar
def softplus(x: float) -> float:
    return relu(x) + log1p(exp(-math.fabs(x)))


@scalar
def log_sigmoid(x: float) -> float:
    return -softplus(-x)


@scalar
def gelu(x: float) -> float:
    upper_tail = 0.5 * erfc(-x * SQRT_HALF)
    return -0.0 if upper_tail == 0.0 else x * upper_tail


@scalar
def silu(x: float) -> float:
    gate = sigmoid(x)
    return -0.0 if gate == 0.0 else x * gate


@scalar
def relu(x: float) -> float:
    return 0.0 if x <= 0.0 else x  # noqa: FURB136 - max would hide a nan


@scalar
def leaky_relu(x: float, slope: float) -> float:
    return x if x > 0.0 else slope * x


@scalar
def elu(x: float, alpha: float) -> float:
    return x if x > 0.0 else alpha * expm1(x)


@scalar
def step(x: float) -> float:
    return 0.0 if x <= 0.0 else 1.0 if x > 0.0 else x


@scalar
def sign(x: float) -> float:
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else 0.0 if x == 0.0 else x


@scalar
def same(a: float, b: float) -> float:
    return 1.0 if a == b else nan if math.isnan(a) or math.isnan(b) else 0.0


@scalar
def maximum(a: float, b: float) -> float:
    return a if a >= b or math.isnan(a) else b


@scalar
def minimum(a: float, b: float) -> float:
    return a if a <= b or math.isnan(a) else b


@scalar
def where(condition: float, a: float, b: float) -> float:
    return b if condition == 0.0 else a


@scalar
def clip(x: float, low: float, high: float) -> float:
    return minimum(maximum(x, low), high) if low <= high else nan


@scalar
def strong_mul(a: float, b: float) -> float:
    return 0.0 if a == 0.0 else a * b


# ---------------------------------------------------------------- eight numbers at once

REGISTER = ir.VectorType(ir.DoubleType(), LANES)
NOTHING = ir.Constant(REGISTER, ir.Undefined)


class Lanes(types.Type):
    """Numba's type of eight numbers in a register; it has none of its own."""

    def __init__(self) -> None:
        super().__init__("Lanes")


EIGHT = Lanes()


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """What LLVM knows them as."""

    def __init__(self, manager, lanes) -> None:
        super().__init__(manager, lanes, REGISTER)


def _pointer(context, builder, signature, arguments):
    """Return where a place in a flattened array is."""
    array = make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


def _picked(builder, x, lanes):
    """Return some lanes of a register."""
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))
    return builder.shuffle_vector(x, ir.Constant(x.type, ir.Undefined), mask)


def _spread(builder, x, register):
    """Return a number in each lane."""
    first = builder.insert_element(ir.Constant(register, ir.Undefined), x, ir.IntType(32)(0))
    return _picked(builder, first, [0] * LANES)


@intrinsic
def number(_, array, place):
    """Load a number from a place in a flattened array."""
    return FLOAT(array, INT), lambda *at: at[1].load(_pointer(*at))


@intrinsic
def load(_, array, place):
    """Load eight numbers from a place on."""
    return EIGHT(array, INT), lambda *at: at[1].load(at[1].bitcast(_pointer(*at), REGISTER.as_pointer()), align=8)


@intrinsic
def store(_, array, place, lanes):
    """Store eight numbers from a place on."""

    def write(context, builder, signature, arguments):
        pointer = _pointer(context, builder, signature, arguments)
        builder.store(arguments[2], builder.bitcast(pointer, REGISTER.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(array, INT, EIGHT), write


@intrinsic
def spread(_, x):
    """Put a number in each lane."""
    return EIGHT(FLOAT), lambda _, builder, __, arguments: _spread(builder, arguments[0], REGISTER)


@intrinsic
def plus_product(_, a, b, c):
    """Compute a + b c, lane by lane, with one rounding if the processor can."""

    def write(_, builder, __, arguments):
        a, b, c = arguments
        return builder.fadd(a, builder.fmul(b, c, flags=["contract"]), flags=["contract"])

    return EIGHT(EIGHT, EIGHT, EIGHT), write


@intrinsic
def first(_, lanes, count):
    """Keep so many lanes, and put 0 in the others."""

    def write(_, builder, __, arguments):
        whole = ir.VectorType(ir.IntType(64), LANES)
        keep = builder.icmp_signed("<", ir.Constant(whole, list(range(LANES))), _spread(builder, arguments[1], whole))
        return builder.select(keep, arguments[0], ir.Constant(REGISTER, [0.0] * LANES))

    return EIGHT(EIGHT, INT), write


@intrinsic
def added(_, lanes):
    """Add up all lanes: one half to the other, as long as there are halves."""

    def write(_, builder, __, arguments):
        x, count = arguments[0], LANES
        while count > 1:
            count //= 2
            x = builder.fadd(_picked(builder, x, range(count)), _picked(builder, x, range(count, 2 * count)))
        return builder.extract_element(x, ir.IntType(32)(0))

    return FLOAT(EIGHT), write


@intrinsic
def compiled_apart(_):
    """Keep the function that this stands in from being put in the place of its calls, where it would be compiled again."""

    def write(context, builder, __, ___):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), write


# ---------------------------------------------------------------- rows of samples from a matrix and rows


@part
def _eight_rows(C, c, ci, A, a, ai, ak, B, b, bk, inner, fresh):
    """Add to eight samples of eight rows."""
    c0 = c1 = c2 = c3 = c4 = c5 = c6 = c7 = spread(0.0)
    if not fresh:
        c0, c1, c2, c3 = load(C, c), load(C, c + ci), load(C, c + 2 * ci), load(C, c + 3 * ci)
        c4, c5, c6, c7 = load(C, c + 4 * ci), load(C, c + 5 * ci), load(C, c + 6 * ci), load(C, c + 7 * ci)
    for _ in range(inner):
        x = load(B, b)
        c0 = plus_product(c0, spread(number(A, a)), x)
        c1 = plus_product(c1, spread(number(A, a + ai)), x)
        c2 = plus_product(c2, spread(number(A, a + 2 * ai)), x)
        c3 = plus_product(c3, spread(number(A, a + 3 * ai)), x)
        c4 = plus_product(c4, spread(number(A, a + 4 * ai)), x)
        c5 = plus_product(c5, spread(number(A, a + 5 * ai)), x)
        c6 = plus_product(c6, spread(number(A, a + 6 * ai)), x)
        c7 = plus_product(c7, spread(number(A, a + 7 * ai)), x)
        a += ak
        b += bk
    store(C, c, c0)
    store(C, c + ci, c1)
    store(C, c + 2 * ci, c2)
    store(C, c + 3 * ci, c3)
    store(C, c + 4 * ci, c4)
    store(C, c + 5 * ci, c5)
    store(C, c + 6 * ci, c6)
    store(C, c + 7 * ci, c7)


@part
def _one_row(C, c, A, a, ak, B, b, bk, inner, fresh):
    """Add to eight samples of one row."""
    c0 = spread(0.0)
    if not fresh:
        c0 = load(C, c)
    for _ in range(inner):
        c0 = plus_product(c0, spread(number(A, a)), load(B, b))
        a += ak
        b += bk
    store(C, c, c0)


@kernel(NEW_MATRIX, INT, INT, VECTOR, INT, INT, INT, MATRIX, INT, INT, INT, INT, BOOL)
def add_products(
    C: Array,
    c: int,
    ci: int,
    A: Array,
    a: int,
    ai: int,
    ak: int,
    B: Array,
    b: int,
    bk: int,
    rows: int,
    inner: int,
    fresh: bool,
) -> None:
    """Add Σ_k A[a + i ai + k ak] B[b + k bk] to each row C[c + i ci]; or set it, if C is fresh."""
    compiled_apart()
    length = C.shape[1]
    for k in range(0, inner, TERMS):
        terms = min(TERMS, inner - k)
        anew = fresh and k == 0
        p, q = a + k * ak, (b + k * bk) * length
        for i in range(0, rows - rows % 8, 8):
            for s in range(0, length, LANES):
                _eight_rows(
                    C, (c + i * ci) * length + s, ci * length, A, p + i * ai, ai, ak, B, q + s, bk * length, terms, anew
                )
        for i in range(rows - rows % 8, rows):
            for s in range(0, length, LANES):
                _one_row(C, (c + i * ci) * length + s, A, p + i * ai, ak, B, q + s, bk * length, terms, anew)


# ---------------------------------------------------------------- a matrix from rows and rows, summed over the samples


@part
def _put(C, k, lanes, fresh):
    C[k] = added(lanes) if fresh else C[k] + added(lanes)


@part
def _sixteen_dots(C, c, ci, cj, A, a, ai, B, b, bj, n, fresh):
    """Add to four rows of four numbers."""
    c00 = c01 = c02 = c03 = c10 = c11 = c12 = c13 = c20 = c21 = c22 = c23 = c30 = c31 = c32 = c33 = spread(0.0)
    for s in range(0, n, LANES):
        a0, a1, a2, a3 = load(A, a + s), load(A, a + ai + s), load(A, a + 2 * ai + s), load(A, a + 3 * ai + s)
        b0, b1, b2, b3 = load(B, b + s), load(B, b + bj + s), load(B, b + 2 * bj + s), load(B, b + 3 * bj + s)
        if n - s < LANES:
            a0, a1, a2, a3 = first(a0, n - s), first(a1, n - s), first(a2, n - s), first(a3, n - s)
            b0, b1, b2, b3 = first(b0, n - s), first(b1, n - s), first(b2, n - s), first(b3, n - s)
        c00, c01 = plus_product(c00, a0, b0), plus_product(c01, a0, b1)
        c02, c03 = plus_product(c02, a0, b2), plus_product(c03, a0, b3)
        c10, c11 = plus_product(c10, a1, b0), plus_product(c11, a1, b1)
        c12, c13 = plus_product(c12, a1, b2), plus_product(c13, a1, b3)
        c20, c21 = plus_product(c20, a2, b0), plus_product(c21, a2, b1)
        c22, c23 = plus_product(c22, a2, b2), plus_product(c23, a2, b3)
        c30, c31 = plus_product(c30, a3, b0), plus_product(c31, a3, b1)
        c32, c33 = plus_product(c32, a3, b2), plus_product(c33, a3, b3)
    _put_four(C, c, cj, c00, c01, c02, c03, fresh)
    _put_four(C, c + ci, cj, c10, c11, c12, c13, fresh)
    _put_four(C, c + 2 * ci, cj, c20, c21, c22, c23, fresh)
    _put_four(C, c + 3 * ci, cj, c30, c31, c32, c33, fresh)


@part
def _put_four(C, k, step, c0, c1, c2, c3, fresh):
    _put(C, k, c0, fresh)
    _put(C, k + step, c1, fresh)
    _put(C, k + 2 * step, c2, fresh)
    _put(C, k + 3 * step, c3, fresh)


@part
def _four_dots(C, c, step, A, a, ai, B, b, n, fresh):
    """Add the products of four rows and one to four numbers."""
    c0 = c1 = c2 = c3 = spread(0.0)
    for s in range(0, n, LANES):
        x = load(B, b + s)
        a0, a1, a2, a3 = load(A, a + s), load(A, a + ai + s), load(A, a + 2 * ai + s), load(A, a + 3 * ai + s)
        if n - s < LANES:
            x = first(x, n - s)
            a0, a1, a2, a3 = first(a0, n - s), first(a1, n - s), first(a2, n - s), first(a3, n - s)
        c0, c1 = plus_product(c0, a0, x), plus_product(c1, a1, x)
        c2, c3 = plus_product(c2, a2, x), plus_product(c3, a3, x)
    _put_four(C, c, step, c0, c1, c2, c3, fresh)


@part
def _one_dot(C, c, A, a, B, b, n, fresh):
    """Add the product of two rows to a number."""
    c0 = spread(0.0)
    for s in range(0, n, LANES):
        x, y = load(A, a + s), load(B, b + s)
        if n - s < LANES:
            x, y = first(x, n - s), first(y, n - s)
        c0 = plus_product(c0, x, y)
    _put(C, c, c0, fresh)


@kernel(NEW_VECTOR, INT, INT, INT, MATRIX, INT, INT, MATRIX, INT, INT, INT, INT, INT, BOOL)
def add_dots(
    C: Array,
    c: int,
    ci: int,
    cj: int,
    A: Array,
    a: int,
    ai: int,
    B: Array,
    b: int,
    bj: int,
    rows: int,
    columns: int,
    n: int,
    fresh: bool,
) -> None:
    """Add Σ_s A[a + i ai, s] B[b + j bj, s] over n samples to each C[c + i ci + j cj]; or set it, if C is fresh."""
    compiled_apart()
    length = A.shape[1]
    four_rows, four_columns = rows - rows % 4, columns - columns % 4
    for left in range(0, columns, COLUMNS):
        right = min(left + COLUMNS, columns)
        for i in range(0, four_rows, 4):
            p, z = (a + i * ai) * length, c + i * ci
            for j in range(left, min(right, four_columns), 4):
                q = (b + j * bj) * length
                _sixteen_dots(C, z + j * cj, ci, cj, A, p, ai * length, B, q, bj * length, n, fresh)
            for j in range(max(left, four_columns), right):
                _four_dots(C, z + j * cj, ci, A, p, ai * length, B, (b + j * bj) * length, n, fresh)
        for i in range(four_rows, rows):
            p, z = (a + i * ai) * length, c + i * ci
            for j in range(left, min(right, four_columns), 4):
                _four_dots(C, z + j * cj, cj, B, (b + j * bj) * length, bj * length, A, p, n, fresh)
            for j in range(max(left, four_columns), right):
                _one_dot(C, z + j * cj, A, p, B, (b + j * bj) * length, n, fresh)


@kernel(NEW_VECTOR, INT, INT, MATRIX, INT, INT, INT, INT, BOOL)
def add_sums(C: Array, c: int, ci: int, A: Array, a: int, ai: int, rows: int, n: int, fresh: bool) -> None:
    """Add Σ_s A[a + i ai, s] over n samples to each C[c + i ci]; or set it, if C is fresh."""
    compiled_apart()
    for i in range(rows):
        row = A[a + i * ai]
        total = 0.0
        for s in range(n):
            total += row[s]
        C[c + i * ci] = total if fresh else C[c + i * ci] + total


# ---------------------------------------------------------------- vectors


@kernel(NEW_VECTOR, INT, VECTOR, INT, VECTOR, INT, INT, BOOL)
def add_dot(C: Array, c: int, A: Array, a: int, B: Array, b: int, inner: int, fresh: bool) -> None:
    """Add Σ_k A[a + k] B[b + k] to C[c]; or set it, if C is fresh."""
    compiled_apart()
    total = 0.0
    for k in range(inner):
        total += A[a + k] * B[b + k]
    C[c] = total if fresh else C[c] + total


@kernel(NEW_VECTOR, INT, VECTOR, INT, VECTOR, INT, INT, BOOL)
def add_row(C: Array, c: int, A: Array, a: int, B: Array, b: int, columns: int, fresh: bool) -> None:
    """Add A[a] B[b + j] to each C[c + j]; or set it, if C is fresh."""
    compiled_apart()
    for j in range(columns):
        C[c + j] = A[a] * B[b + j] if fresh else C[c + j] + A[a] * B[b + j]


# ---------------------------------------------------------------- samples to rows of units


@kernel(NEW_MATRIX, MATRIX)
def transpose(out: Array, x: Array) -> None:
    """Write a matrix transposed, square by square."""
    compiled_apart()
    rows, columns = x.shape
    for top in range(0, rows, 8):
        for left in range(0, columns, 8):
            for j in range(left, min(left + 8, columns)):
                for i in range(top, min(top + 8, rows)):
                    out[j, i] = x[i, j]
