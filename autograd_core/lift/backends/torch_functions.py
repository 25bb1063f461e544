"""The table's ops on tensors, where PyTorch has none of the same meaning: stable, and following IEEE 754 as the ops do.

PyTorch's functions of two tensors take no numbers, so those that are here make tensors of them.
"""

# pyright: reportUnknownMemberType=false
# PyTorch's functions take more than their types can say.

from __future__ import annotations

import math
from math import inf, nan

import torch
from torch import Tensor

__all__ = [
    "atan2", "clip", "elu", "gelu", "hypot", "inf", "leaky_relu", "log_sigmoid", "maximum", "minimum", "nan", "positive", "pow", "same", "sign", "silu",
    "softplus", "step", "strong_mul", "where", "windows",
]  # fmt: skip

Operand = Tensor | float

NUMBER = torch.zeros((), dtype=torch.float64, device="cpu")


def tensors(*operands: Operand) -> list[Tensor]:
    """Return operands as tensors of one kind: like the first that holds numbers, and not truth values."""
    like = next((x for x in operands if isinstance(x, Tensor) and x.dtype is not torch.bool), NUMBER)
    return [torch.as_tensor(x, dtype=like.dtype, device=like.device) for x in operands]


def softplus(x: Tensor) -> Tensor:
    """Return log(1 + e**x), which is x for large x."""
    return torch.relu(x) + torch.log1p(torch.exp(-torch.abs(x)))


def log_sigmoid(x: Tensor) -> Tensor:
    """Return log(sigmoid(x)), which is x for very negative x."""
    return -softplus(-x)


def gelu(x: Tensor) -> Tensor:
    """Return x Φ(x)."""
    tail = 0.5 * torch.erfc(-x * math.sqrt(0.5))
    return torch.where(tail == 0.0, -0.0, x * tail)


def silu(x: Tensor) -> Tensor:
    """Return x sigmoid(x)."""
    gate = torch.sigmoid(x)
    return torch.where(gate == 0.0, -0.0, x * gate)


def leaky_relu(x: Operand, slope: Operand) -> Tensor:
    """Return x where it is positive, else slope x."""
    x, slope = tensors(x, slope)
    return torch.where(x > 0.0, x, slope * x)


def elu(x: Operand, alpha: Operand) -> Tensor:
    """Return x where it is positive, else alpha (e**x - 1)."""
    x, alpha = tensors(x, alpha)
    return torch.where(x > 0.0, x, alpha * torch.expm1(torch.clamp(x, max=0.0)))


def sign(x: Tensor) -> Tensor:
    """Return -1, 0 or 1; nan stays nan."""
    return torch.where(torch.isnan(x), x, torch.sign(x))


def step(x: Tensor) -> Tensor:
    """Return 1 where x is positive, else 0; nan stays nan."""
    return torch.relu(sign(x))


def positive(x: Tensor) -> Tensor:
    """Return 1 where x is positive, else 0; a number times a truth value would be a float32."""
    return (x > 0.0).to(x.dtype)


def same(a: Operand, b: Operand) -> Tensor:
    """Return 1 where two numbers are equal, else 0; nan where either is nan."""
    a, b = tensors(a, b)
    return torch.where(torch.isnan(a) | torch.isnan(b), torch.nan, (a == b).to(a.dtype))


def maximum(a: Operand, b: Operand) -> Tensor:
    """Return the larger of two numbers; nan if either is nan."""
    return torch.maximum(*tensors(a, b))


def minimum(a: Operand, b: Operand) -> Tensor:
    """Return the smaller of two numbers; nan if either is nan."""
    return torch.minimum(*tensors(a, b))


def where(condition: Operand, a: Operand, b: Operand) -> Tensor:
    """Return a where the condition is not 0, else b."""
    condition, a, b = tensors(condition, a, b)
    return torch.where(condition != 0.0, a, b)


def clip(x: Operand, low: Operand, high: Operand) -> Tensor:
    """Return x brought into [low, high]; nan for an empty interval."""
    x, low, high = tensors(x, low, high)
    return torch.where(low <= high, torch.minimum(torch.maximum(x, low), high), torch.nan)


def strong_mul(a: Operand, b: Operand) -> Tensor:
    """Return a * b, but 0 wherever a is 0."""
    a, b = tensors(a, b)
    return torch.where(a == 0.0, 0.0, a * b)


def pow(a: Operand, b: Operand) -> Tensor:
    """Return a ** b over the reals."""
    return torch.pow(*tensors(a, b))


def hypot(a: Operand, b: Operand) -> Tensor:
    """Return the length of (a, b)."""
    return torch.hypot(*tensors(a, b))


def atan2(a: Operand, b: Operand) -> Tensor:
    """Return the angle of (b, a)."""
    return torch.atan2(*tensors(a, b))


def windows(x: Tensor, size: int, step: int, axis: int) -> Tensor:
    """Return all windows of a size along an axis, so many steps apart, with an axis of their own behind it."""
    return x.unfold(axis, size, step).movedim(-1, axis + 1)
