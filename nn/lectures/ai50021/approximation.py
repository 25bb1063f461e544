"""What a network can represent, and that this does not yet mean that it can learn it."""
# pyright: reportUnusedFunction=false
# The decorators register what is declared here.

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nn.lectures.ai50021 import network
from nn.lectures.ai50021.fixtures import labels
from nn.lectures.ai50021.xor import CORNERS
from nn.lectures.item import Array, Evidence, Finding, erratum, item

__all__ = ["sup_error"]

GRID = np.linspace(-np.pi, np.pi, 201)


def sup_error(width: int, g: str = "tanh") -> float:
    """Return the least of the largest errors of 20 nets of one hidden layer fitted to sin 2x on [-π, π].

    The hidden weights are drawn at random and the output weights are the least-squares fit: no training is involved.

    >>> sup_error(32) < 0.01 < sup_error(2)
    True
    """
    rng = np.random.default_rng(width)
    x, target = GRID[:, None], np.sin(2.0 * GRID)
    errors: list[float] = []
    for _ in range(20):
        W, b = rng.normal(0.0, 1.5, (1, width)), rng.normal(0.0, 3.0, width)
        hidden = network.forward([W], [b], x, [g]).activations[-1]
        features = np.column_stack([hidden, np.ones(len(GRID))])
        fit = features @ np.linalg.lstsq(features, target, rcond=None)[0]
        errors.append(float(np.abs(fit - target).max()))
    return min(errors)


@item(
    "ai50021.uat",
    kind="claim",
    where='"Universal approximation theorem"',
    statement="A network with one hidden layer that is wide enough comes as near as one likes to a continuous function on a compact region.",
    notes="g must not be a polynomial",
    errata=("E-AI-7",),
)
def _universal() -> Iterator[Evidence]:
    widths = (2, 4, 8, 16, 32)
    errors = [sup_error(width) for width in widths]
    shown = ", ".join(f"{width}: {error:.2g}" for width, error in zip(widths, errors, strict=True))
    falls = bool(np.all(np.diff(errors) < 0.0))
    yield Finding("largest error for sin 2x on [-π, π] by width, tanh", shown, falls and errors[-1] < 1e-3)
    straight = [sup_error(width, "identity") for width in widths]
    yield Finding("with g the identity", f"never below {min(straight):.2f}", min(straight) > 0.5)


def _train(weights: list[Array]) -> tuple[float, bool]:
    """Return the loss after 200 steps on XOR, and whether the two hidden neurons are still alike."""
    y, g = labels([0, 0, 1, 1], 2), ["tanh", "identity"]
    biases: list[Array | None] = [np.zeros(2), np.zeros(2)]
    for _ in range(200):
        slopes = network.backward(weights, biases, CORNERS, y, g)
        weights, biases = network.descend(weights, biases, slopes, 0.2)
    alike = bool(np.allclose(weights[0][:, 0], weights[0][:, 1]) and np.allclose(weights[1][0], weights[1][1]))
    return network.backward(weights, biases, CORNERS, y, g).loss, alike


@item(
    "ai50021.uat.cannot_learn",
    kind="claim",
    where='"Universal approximation theorem"',
    statement="That good weights exist does not mean that training finds them.",
)
def _cannot_learn() -> Iterator[Evidence]:
    stuck, alike = _train([np.zeros((2, 2)), np.zeros((2, 2))])
    found = f"E stays at {stuck:.4f} = 4 log 2, hidden neurons alike: {alike}"
    yield Finding("XOR from weights of 0", found, abs(stuck - 4.0 * np.log(2.0)) < 1e-9 and alike)
    learnt, alike = _train([np.array([[1.1, -0.9], [0.8, -1.2]]), np.array([[0.5, -0.6], [0.7, -0.4]])])
    yield Finding(
        "the same net from other weights", f"E gets down to {learnt:.4f}, hidden neurons alike: {alike}", learnt < 0.1
    )


erratum(
    "E-AI-7",
    kind="n",
    lecture="ai50021",
    printed="a neural network approximates any continuous function; Kolmogorov 1957 is among the sources",
    right="one hidden layer of enough neurons with a non-polynomial activation does; Kolmogorov's is a theorem on superpositions",
    lesson="A theorem is as good as its assumptions: with g the identity no width is enough.",
)(None)
