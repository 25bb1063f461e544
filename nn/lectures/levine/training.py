"""Levine §1: the objective, gradient ascent on it, and why it may stop short of the best."""
# pyright: reportUnusedFunction=false
# The registry holds the items; nothing calls them by name.

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np

from autograd_core.ops import dot, log, sum
from autograd_core.ops import sigmoid as sigmoid_op
from autograd_core.transforms import hessian as hessian_of
from autograd_core.value import Number, Value
from nn.lectures.graph import Nested
from nn.lectures.item import Array, Comparison, Evidence, Finding, item
from nn.lectures.levine.nets import DATA, NEGATIVE, NETS, POSITIVE, Net, as_values, likelihood, model
from nn.lectures.levine.network import Slopes, backward, forward, log_likelihood, sigmoid
from nn.lectures.levine.pieces import ascent, flat, hessian
from nn.losses import nll
from nn.optim import SGD

__all__ = ["climb", "climbs"]


def climb(net: Net, alpha: float) -> Net:
    """Return a net after one step of gradient ascent, each W and b by its own slope."""
    found = backward(net.weights, net.biases, net.x, net.y)
    biases = cast("list[Array]", found.biases)
    return replace(
        net,
        weights=[ascent(W, dW, alpha) for W, dW in zip(net.weights, found.weights, strict=True)],
        biases=[ascent(b, db, alpha) for b, db in zip(net.biases, biases, strict=True)],
    )


def climbs(net: Net, alpha: float, steps: int) -> Iterator[Net]:
    """Yield a net after each of so many steps of gradient ascent."""
    for _ in range(steps):
        net = climb(net, alpha)
        yield net


def _trained(net: Net, lr: float) -> Iterator[dict[str, Array]]:
    """Yield the weights of the same net after each step of the engine's descent on -L."""
    mlp = model(net)
    sgd = SGD(mlp.parameters(), lr=lr)
    while True:
        cost = sum([nll(mlp(x), y) for x, y in zip(net.x.T.tolist(), net.y[0].tolist(), strict=True)])
        sgd.zero_grad()
        cost.backward()
        sgd.step()
        yield mlp.state_dict()


def _apart(net: Net, state: dict[str, Array]) -> float:
    """Return how far the weights of a net are from those of a model."""
    arrays = {f"layers.{i}.weight": W for i, W in enumerate(net.weights)}
    arrays |= {f"layers.{i}.bias": b for i, b in enumerate(net.biases)}
    return max(float(np.abs(array - state[name]).max()) for name, array in arrays.items())


def _loss(net: Net) -> float:
    return log_likelihood(forward(net.weights, net.biases, net.x).activations[-1], net.y)


@item(
    "levine.obj.cll",
    kind="formula",
    where='§1, Q "objective"; §2',
    latex=r"\mathcal L(\theta) = \sum_{i=1}^N \log p(y^i \mid \mathbf x^i, \theta)",
    statement="The objective is the conditional log-likelihood of all labels together.",
    notes="a sum, not a mean; to be maximised",
)
def _conditional_log_likelihood() -> Iterator[Evidence]:
    for net in NETS:
        weights, biases = as_values(net)
        y = cast("Value", likelihood(weights, biases, net.x.T.tolist(), net.y))
        yield Comparison("L", np.array(_loss(net)), np.array(y.data))
        yield Comparison("L, as backpropagation returns it", np.array(_slopes(net).loss), np.array(y.data))


@item(
    "levine.obj.cases",
    kind="formula",
    where="§1",
    latex=r"\mathcal L(\theta) = \sum_{i=1}^N \begin{cases} \log(1 - h^{(3)}(\mathbf x^i)) & y^i = 0 \\"
    r" \log h^{(3)}(\mathbf x^i) & y^i = 1 \end{cases}",
    statement="For a binary label and three layers, each point adds the log of the output, or of what it leaves of 1.",
    errata=("E-LEV-1",),
)
def _objective_by_cases() -> Iterator[Evidence]:
    for net in (POSITIVE, NEGATIVE):
        node = model(net)(net.x[:, 0].tolist())
        p = node.log() if net.y.item() else (1.0 - node).log()
        yield Comparison(f"L for y = {net.y.item():.0f}", np.array(_loss(net)), np.array(p.data))


@item(
    "levine.ga.update",
    kind="algorithm",
    where='§1, Q "algorithm"',
    latex=r"\theta^{(j+1)} \leftarrow \theta^{(j)} + \alpha \nabla\mathcal L(\theta^{(j)})",
    statement="Gradient ascent takes a step along the slope, uphill.",
    notes="descent on -L is the same; the other lectures all go downhill",
)
def _one_step() -> Iterator[Evidence]:
    stepped = climb(DATA, 0.1)
    state = next(_trained(DATA, 0.1))
    for i, (W, b) in enumerate(zip(stepped.weights, stepped.biases, strict=True)):
        yield Comparison(f"W({i + 1}) after a step", W, state[f"layers.{i}.weight"])
        yield Comparison(f"b({i + 1}) after a step", b, state[f"layers.{i}.bias"])
    before, up, down = _loss(DATA), _loss(stepped), _loss(climb(DATA, -0.1))
    yield Finding(
        "one step uphill, α = 0.1, and the same step downhill",
        f"L {before:.6f}, up {up:.6f}, down {down:.6f}",
        down < before < up,
    )


@item(
    "levine.ga.blockwise",
    kind="claim",
    where="§1 end",
    statement="Stepping each W and b by its own slope does the same as stepping the long vector.",
)
def _blockwise() -> Iterator[Evidence]:
    for net in (DATA, NETS[-1]):
        found = _slopes(net)
        long = ascent(flat(net.weights, net.biases), flat(found.weights, cast("list[Array]", found.biases)), 0.1)
        stepped = climb(net, 0.1)
        blocks = flat(stepped.weights, stepped.biases)
        yield Comparison("θ after a step, as one vector and by blocks", long, blocks)
        apart = float(np.abs(long - blocks).max())
        yield Finding("how far are the two apart?", f"{apart}", apart <= 1e-15)


@item(
    "levine.ga.train",
    kind="algorithm",
    where="§1",
    statement="Training repeats the step for all W and b.",
    notes="the sum over the data is not divided by their number, so α goes with it",
)
def _training() -> Iterator[Evidence]:
    net, worst = DATA, 0.0
    for net, state in zip(climbs(DATA, 0.5, 400), _trained(DATA, 0.5), strict=False):
        worst = max(worst, _apart(net, state))
    yield Finding("400 steps by hand and by the engine", f"never more than {worst:.1e} apart", worst <= 1e-12)
    start, end = _loss(DATA), _loss(net)
    yield Finding("does L rise?", f"from {start:.4f} to {end:.5f}", start < -1.9 and abs(end + 0.01147) < 1e-5)


@item(
    "levine.nonconvex",
    kind="claim",
    where="§1",
    statement="Unlike that of logistic regression, a network's objective bends both ways, so ascent may stop at a hill that is not the highest.",
    notes="of something to be maximised, the property that is lost is to be concave",
    errata=("E-LEV-5",),
)
def _neither_convex_nor_concave() -> Iterator[Evidence]:
    *_, best = climbs(DATA, 0.5, 400)
    (W1, W2, W3), (b1, b2, b3) = best.weights, best.biases
    swapped = replace(best, weights=[W1[::-1], W2[:, ::-1], W3], biases=[b1[::-1], b2, b3])
    middle = replace(
        best,
        weights=[_mean(a, b) for a, b in zip(best.weights, swapped.weights, strict=True)],
        biases=[_mean(a, b) for a, b in zip(best.biases, swapped.biases, strict=True)],
    )
    top, other, between = _loss(best), _loss(swapped), _loss(middle)
    yield Finding(
        "swap the two units of the first hidden layer of a trained network, and stop half way",
        f"L {top:.5f}, swapped {other:.5f}, half way {between:.5f}: below both, which no concave function is",
        abs(top - other) < 1e-12 and between < top - 1.0,
    )
    yield from _logistic_regression_is_concave()


def _logistic_regression_is_concave() -> Iterator[Evidence]:
    x = np.vstack([DATA.x, np.ones(3)])  # the ones carry the bias
    w = np.array([0.1, -0.2, 0.3, 0.05])

    def regression(w: Nested) -> Number:
        outputs = [sigmoid_op(dot(w, column)) for column in x.T.tolist()]
        return sum([log(p if y else 1.0 - p) for p, y in zip(outputs, DATA.y[0].tolist(), strict=True)])

    second = hessian(x, sigmoid(w @ x))
    yield Comparison("second derivatives of logistic regression", second, np.array(hessian_of(regression)(w.tolist())))
    largest = float(np.linalg.eigvalsh(second).max())
    yield Finding(
        "does logistic regression bend upwards anywhere?", f"largest curvature {largest:.1e}", largest < 1e-12
    )


def _mean(a: Array, b: Array) -> Array:
    return (a + b) / 2.0


def _slopes(net: Net) -> Slopes:
    return backward(net.weights, net.biases, net.x, net.y)
