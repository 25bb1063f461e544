"""What Numba's loops call: the table's ops on one number, and sums of products, blocked by hand for the processor.

Inside of a compiled program a batched array is a matrix with a row for each unit, in which the samples lie side by
side; all others are vectors. So each sum of products is made of whole rows, whose loops the compiler turns into vector
instructions. It does four rows by four, which takes a third of the loads that one by one would: every number that is
loaded is used four times.
"""

# pyright: reportUntypedFunctionDecorator=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# Numba has no types of its own.

from __future__ import annotations

import math
from collections.abc import Callable
from math import acos, asin, atan, atan2, cos, cosh, erf, erfc, exp, expm1, hypot, inf, log1p, nan, sin, sinh, sqrt, tan, tanh
from math import log as log
from math import pow as pow
from typing import TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "abs", "acos", "add_dots", "add_products", "add_sums", "asin", "atan", "atan2", "clip", "cos", "cosh",
    "elu", "erf", "erfc", "exp", "expm1", "gelu", "hypot", "inf", "leaky_relu", "log", "log1p", "log_sigmoid",
    "maximum", "minimum", "nan", "pow", "relu", "same", "sigmoid", "sign", "silu", "sin", "sinh", "softplus", "sqrt",
    "step", "strong_mul", "tan", "tanh", "transpose", "where",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., object])
Array = NDArray[np.float64]

# How much of an operand stays in the caches while the rest streams past: samples a row, and rows.
SAMPLES = 256
INNER = 64
COLUMNS = 16


# Signatures are fixed, or else Numba would compile each kernel anew for every constant that it is called with.
INT, BOOL, FLOAT = numba.int64, numba.boolean, numba.float64
NEW_VECTOR, NEW_MATRIX = (numba.types.Array(FLOAT, rank, "C") for rank in (1, 2))
VECTOR, MATRIX = (numba.types.Array(FLOAT, rank, "C", readonly=True) for rank in (1, 2))


def scalar(f: F) -> F:
    """Compile an op of numbers, exactly as it is written: nan, infinities and signed zeros are what IEEE 754 says."""
    return numba.njit(f, error_model="numpy", cache=True)


def kernel(*operands: object) -> Callable[[F], F]:
    """Compile sums, in any order; nan and infinities stay what they are."""
    return numba.njit(numba.void(*operands), error_model="numpy", fastmath={"contract", "reassoc", "nsz"}, cache=True)


def part(f: F) -> F:
    """Compile a part of a kernel, in whose place it is put."""
    return numba.njit(f, error_model="numpy", fastmath={"contract", "reassoc", "nsz"}, forceinline=True)


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
    return 0.0 if x <= 0.0 else x


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


# ---------------------------------------------------------------- rows of samples from a matrix and rows


@part
def _add_block(C, c, ci, A, a, ai, ak, B, b, bk, rows, inner, block):
    whole = inner - inner % 4
    for i in range(0, rows - rows % 4, 4):
        x, w = c + i * ci, a + i * ai
        c0, c1, c2, c3 = C[x, block], C[x + ci, block], C[x + 2 * ci, block], C[x + 3 * ci, block]
        for k in range(0, whole, 4):
            y, p = b + k * bk, w + k * ak
            q, r, t = p + ai, p + 2 * ai, p + 3 * ai
            b0, b1, b2, b3 = B[y, block], B[y + bk, block], B[y + 2 * bk, block], B[y + 3 * bk, block]
            p0, p1, p2, p3 = A[p], A[p + ak], A[p + 2 * ak], A[p + 3 * ak]
            q0, q1, q2, q3 = A[q], A[q + ak], A[q + 2 * ak], A[q + 3 * ak]
            r0, r1, r2, r3 = A[r], A[r + ak], A[r + 2 * ak], A[r + 3 * ak]
            t0, t1, t2, t3 = A[t], A[t + ak], A[t + 2 * ak], A[t + 3 * ak]
            for s in range(len(c0)):
                c0[s] += p0 * b0[s] + p1 * b1[s] + p2 * b2[s] + p3 * b3[s]
                c1[s] += q0 * b0[s] + q1 * b1[s] + q2 * b2[s] + q3 * b3[s]
                c2[s] += r0 * b0[s] + r1 * b1[s] + r2 * b2[s] + r3 * b3[s]
                c3[s] += t0 * b0[s] + t1 * b1[s] + t2 * b2[s] + t3 * b3[s]
        for k in range(whole, inner):
            b0, p = B[b + k * bk, block], w + k * ak
            p0, q0, r0, t0 = A[p], A[p + ai], A[p + 2 * ai], A[p + 3 * ai]
            for s in range(len(c0)):
                c0[s] += p0 * b0[s]
                c1[s] += q0 * b0[s]
                c2[s] += r0 * b0[s]
                c3[s] += t0 * b0[s]
    for i in range(rows - rows % 4, rows):
        c0, w = C[c + i * ci, block], a + i * ai
        for k in range(0, whole, 4):
            y, p = b + k * bk, w + k * ak
            b0, b1, b2, b3 = B[y, block], B[y + bk, block], B[y + 2 * bk, block], B[y + 3 * bk, block]
            p0, p1, p2, p3 = A[p], A[p + ak], A[p + 2 * ak], A[p + 3 * ak]
            for s in range(len(c0)):
                c0[s] += p0 * b0[s] + p1 * b1[s] + p2 * b2[s] + p3 * b3[s]
        for k in range(whole, inner):
            b0, p0 = B[b + k * bk, block], A[w + k * ak]
            for s in range(len(c0)):
                c0[s] += p0 * b0[s]


@kernel(NEW_MATRIX, INT, INT, VECTOR, INT, INT, INT, MATRIX, INT, INT, INT, INT, BOOL)
def add_products(
    C: Array, c: int, ci: int, A: Array, a: int, ai: int, ak: int, B: Array, b: int, bk: int, rows: int, inner: int, fresh: bool
) -> None:
    """Add Σ_k A[a + i ai + k ak] B[b + k bk] to each row C[c + i ci]; or set it, if C is fresh."""
    for first in range(0, C.shape[1], SAMPLES):
        block = slice(first, first + SAMPLES)
        if fresh:
            for i in range(rows):
                C[c + i * ci, block] = 0.0
        for k in range(0, inner, INNER):
            _add_block(C, c, ci, A, a + k * ak, ai, ak, B, b + k * bk, bk, rows, min(INNER, inner - k), block)


# ---------------------------------------------------------------- a matrix from rows and rows, summed over the samples


@part
def _put(C, k, x, fresh):
    C[k] = x if fresh else C[k] + x


@part
def _dots_block(C, c, ci, cj, A, a, ai, B, b, bj, rows, columns, block, fresh):
    whole = columns - columns % 4
    for i in range(0, rows - rows % 4, 4):
        p, z = a + i * ai, c + i * ci
        a0, a1, a2, a3 = A[p, block], A[p + ai, block], A[p + 2 * ai, block], A[p + 3 * ai, block]
        for j in range(0, whole, 4):
            q = b + j * bj
            b0, b1, b2, b3 = B[q, block], B[q + bj, block], B[q + 2 * bj, block], B[q + 3 * bj, block]
            c00 = c01 = c02 = c03 = c10 = c11 = c12 = c13 = c20 = c21 = c22 = c23 = c30 = c31 = c32 = c33 = 0.0
            for s in range(len(a0)):
                c00 += a0[s] * b0[s]
                c01 += a0[s] * b1[s]
                c02 += a0[s] * b2[s]
                c03 += a0[s] * b3[s]
                c10 += a1[s] * b0[s]
                c11 += a1[s] * b1[s]
                c12 += a1[s] * b2[s]
                c13 += a1[s] * b3[s]
                c20 += a2[s] * b0[s]
                c21 += a2[s] * b1[s]
                c22 += a2[s] * b2[s]
                c23 += a2[s] * b3[s]
                c30 += a3[s] * b0[s]
                c31 += a3[s] * b1[s]
                c32 += a3[s] * b2[s]
                c33 += a3[s] * b3[s]
            _put4(C, z + j * cj, cj, c00, c01, c02, c03, fresh)
            _put4(C, z + ci + j * cj, cj, c10, c11, c12, c13, fresh)
            _put4(C, z + 2 * ci + j * cj, cj, c20, c21, c22, c23, fresh)
            _put4(C, z + 3 * ci + j * cj, cj, c30, c31, c32, c33, fresh)
        for j in range(whole, columns):
            _put4(C, z + j * cj, ci, *_four_dots(a0, a1, a2, a3, B[b + j * bj, block]), fresh)
    for i in range(rows - rows % 4, rows):
        a0, z = A[a + i * ai, block], c + i * ci
        for j in range(0, whole, 4):
            q = b + j * bj
            b0, b1, b2, b3 = B[q, block], B[q + bj, block], B[q + 2 * bj, block], B[q + 3 * bj, block]
            _put4(C, z + j * cj, cj, *_four_dots(b0, b1, b2, b3, a0), fresh)
        for j in range(whole, columns):
            _put(C, z + j * cj, _dot(a0, B[b + j * bj, block]), fresh)


@part
def _put4(C, k, step, x0, x1, x2, x3, fresh):
    _put(C, k, x0, fresh)
    _put(C, k + step, x1, fresh)
    _put(C, k + 2 * step, x2, fresh)
    _put(C, k + 3 * step, x3, fresh)


@part
def _four_dots(a0, a1, a2, a3, b):
    c0 = c1 = c2 = c3 = 0.0
    for s in range(len(b)):
        c0 += a0[s] * b[s]
        c1 += a1[s] * b[s]
        c2 += a2[s] * b[s]
        c3 += a3[s] * b[s]
    return c0, c1, c2, c3


@part
def _dot(a, b):
    total = 0.0
    for s in range(len(a)):
        total += a[s] * b[s]
    return total


@kernel(NEW_VECTOR, INT, INT, INT, MATRIX, INT, INT, MATRIX, INT, INT, INT, INT, BOOL)
def add_dots(
    C: Array, c: int, ci: int, cj: int, A: Array, a: int, ai: int, B: Array, b: int, bj: int, rows: int, columns: int, fresh: bool
) -> None:
    """Add the dot product of the rows A[a + i ai] and B[b + j bj] to each C[c + i ci + j cj]; or set it, if C is fresh."""
    for first in range(0, A.shape[1], SAMPLES):
        block = slice(first, first + SAMPLES)
        keep = 0.0 if fresh and first == 0 else 1.0
        for j in range(0, columns, COLUMNS):
            _dots_block(C, c + j * cj, ci, cj, A, a, ai, B, b + j * bj, bj, rows, min(COLUMNS, columns - j), block, keep == 0.0)


@kernel(NEW_VECTOR, INT, INT, MATRIX, INT, INT, INT, BOOL)
def add_sums(C: Array, c: int, ci: int, A: Array, a: int, ai: int, rows: int, fresh: bool) -> None:
    """Add the sum of each row A[a + i ai] to C[c + i ci]; or set it, if C is fresh."""
    for i in range(rows):
        row = A[a + i * ai]
        total = 0.0
        for s in range(len(row)):
            total += row[s]
        _put(C, c + i * ci, total, fresh)


# ---------------------------------------------------------------- samples to rows of units, and back


@kernel(NEW_MATRIX, MATRIX)
def transpose(out: Array, x: Array) -> None:
    """Write the transposed matrix, square by square."""
    rows, columns = x.shape
    for top in range(0, rows, 8):
        for left in range(0, columns, 8):
            for j in range(left, min(left + 8, columns)):
                for i in range(top, min(top + 8, rows)):
                    out[j, i] = x[i, j]
