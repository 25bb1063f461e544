"""§7.2 of MIT 6.036, chapter 8: gradients that vanish or explode on their way back."""

# Items are called through the registry, and W changes in its letter.
# pyright: reportUnusedFunction=false, reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from autograd_core.op import Unary, find
from autograd_core.ops import square, sum
from autograd_core.value import Number
from nn.lectures.graph import Nested, affine, three_ways, transposed
from nn.lectures.item import Array, Evidence, Finding, closed_form, item
from nn.lectures.mit6036.network import backward


@closed_form
def chain_slope(ws: Sequence[float], x: float) -> float:
    """Return the slope by x of a chain of sigmoids, a = σ(w a): the product of all wσ'."""
    slope, a = 1.0, x
    for w in ws:
        a = 1.0 / (1.0 + np.exp(-w * a))
        slope *= w * a * (1.0 - a)
    return slope


def _deep_loss(Ws: Nested, x: Nested, y: Sequence[float], f: str) -> Number:
    g, a = cast("Unary", find(f)), x
    for W in Ws[:-1]:
        a = [g(z) for z in affine(transposed(W), a)]
    return sum([square(p - t) for p, t in zip(affine(transposed(Ws[-1]), a), y, strict=True)])


def _deep_gradients(Ws: Sequence[Array], x: Array, y: Array, f: str) -> list[Array]:
    return backward(Ws, [None] * len(Ws), x, y, [f] * (len(Ws) - 1) + ["identity"]).weights


def _chain(x: Nested, ws: Sequence[float], f: str) -> Number:
    g, a = cast("Unary", find(f)), x[0]
    for w in ws:
        a = g(w * a)
    return a


def _ratio(f: str, scale: float) -> float:
    """Return ‖∂loss/∂W¹‖/‖∂loss/∂W¹⁰‖ in a network of ten layers of 30 units."""
    rng = np.random.default_rng(3)
    Ws = [rng.normal(0.0, np.sqrt(scale / 30), (30, 30)) for _ in range(10)]
    x, y = rng.normal(size=(30, 1)), rng.normal(size=(30, 1))
    slopes = _deep_gradients(Ws, x, y, f)
    return float(np.linalg.norm(slopes[0]) / np.linalg.norm(slopes[-1]))


@item(
    "mit.grad.vanishing",
    kind="claim",
    where="§7.2",
    latex=r"\frac{\partial \text{loss}}{\partial Z^1} = \frac{\partial A^1}{\partial Z^1} W^2 \cdots \frac{\partial A^{L-1}}{\partial Z^{L-1}} W^L \frac{\partial A^L}{\partial Z^L} \frac{\partial \text{loss}}{\partial A^L}",
    statement="On its way back the gradient is multiplied by every W and every f', so it can vanish or explode with depth.",
    notes="|σ'| ≤ 1/4, so a chain of sigmoids shrinks it to (|w|/4)^L at most",
)
def _vanishing() -> Iterator[Evidence]:
    rng = np.random.default_rng(8)
    Ws = [rng.normal(size=shape) for shape in ((2, 3), (3, 4), (4, 3), (3, 2))]
    x, y = np.array([[0.7], [-1.1]]), np.array([[0.2], [0.9]])
    for f in ("sigmoid", "tanh", "relu", "identity"):
        slopes = _deep_gradients(Ws, x, y, f)
        for k in range(4):
            above = [W.tolist() for W in Ws]

            def loss(W: Nested, k: int = k, f: str = f, all_: list[Nested] = above) -> Number:
                return _deep_loss([*all_[:k], W, *all_[k + 1 :]], [0.7, -1.1], [0.2, 0.9], f)

            yield three_ways(f"∂loss/∂W{k + 1}, {f}", loss, Ws[k], slopes[k])
    ws = [1.5, -2.0, 0.8, 3.0, -1.2, 2.5]
    yield three_ways(
        "the slope of a chain of six sigmoids", lambda x: _chain(x, ws, "sigmoid"), [0.4], [chain_slope(ws, 0.4)]
    )
    slope, bound = abs(chain_slope(ws, 0.4)), float(np.prod(np.abs(ws)) / 4.0**6)
    yield Finding("the same beside its bound Π|w|/4", f"{slope:.2e} ≤ {bound:.2e}", slope <= bound)
    yield three_ways(
        "a chain of ten identities with w = 1.5: w¹⁰", lambda x: _chain(x, [1.5] * 10, "identity"), [0.4], [1.5**10]
    )
    ratios = {f: _ratio(f, scale) for f, scale in (("sigmoid", 1.0), ("tanh", 1.0), ("relu", 2.0))}
    yield Finding(
        "the first layer's gradient over the last's, ten layers of 30, W from N(0, 1/30), for ReLU N(0, 2/30)",
        ", ".join([f"{f} {ratio:.2g}" for f, ratio in ratios.items()]),
        ratios["sigmoid"] < 1e-4 and 0.05 < ratios["tanh"] < 5.0 and 0.05 < ratios["relu"] < 5.0,
    )
