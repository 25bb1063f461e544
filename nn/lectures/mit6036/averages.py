"""§7.2.1 and §7.2.2 of MIT 6.036, chapter 8: running averages, and momentum, which is one of gradients."""

# Items are called through the registry, and W changes in its letter.
# pyright: reportUnusedFunction=false, reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np

from autograd_core.ops import mean, square, sum, tanh
from autograd_core.value import Number, Value
from nn.lectures.graph import Nested, affine, data, slopes, three_ways, transposed, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item

Slope: TypeAlias = Callable[[Array, int], Array]
"""A gradient as a function of the weights and the number of the step, from 1."""

DATA = (2.0, 4.0, -1.0, 5.0, 3.0)
RATES = (0.3, 0.8, 0.55, 0.9, 0.65)


# ---------------------------------------------------------------- problems to descend on


@dataclass(frozen=True, eq=False)
class Problem:
    """Something to minimise: its gradient by hand, the same cost made of ops, and where to start."""

    name: str
    slope: Slope
    cost: Callable[[Nested, int], Number]
    start: Array


H = np.diag([1.0, 10.0])
LAYER_X = np.array([[0.5, 1.5, -0.7, 0.2], [-1.0, 0.3, 0.8, 0.1], [2.0, -0.4, 0.6, -1.1]])
LAYER_Y = np.array([[0.7, -0.2, 0.4, 0.1], [-0.5, 0.9, 0.3, -0.8]])


@closed_form
def bowl_slope(W: Array, _t: int) -> Array:
    """Return the gradient of ½WᵀHW."""
    return H @ W


@closed_form
def layer_slope(W: Array, _t: int) -> Array:
    """Return the gradient of Σ(tanh(WᵀX) - Y)² over a batch of columns."""
    A = np.tanh(W.T @ LAYER_X)
    dZ = 2.0 * (A - LAYER_Y) * (1.0 - A * A)
    return LAYER_X @ dZ.T


def _bowl(W: Nested, _t: int) -> Number:
    return sum([0.5 * h * square(w[0]) for h, w in zip((1.0, 10.0), W, strict=True)])


def _layer(W: Nested, _t: int) -> Number:
    points = zip(LAYER_X.T.tolist(), LAYER_Y.T.tolist(), strict=True)
    return sum([square(tanh(z) - t) for x, y in points for z, t in zip(affine(transposed(W), x), y, strict=True)])


BOWL = Problem("a bowl, H = diag(1, 10)", bowl_slope, _bowl, np.array([[2.0], [1.0]]))
LAYER = Problem("a layer of tanh", layer_slope, _layer, np.array([[0.3, -0.6], [0.8, 0.1], [-0.2, 0.4]]))


def given(gradients: Sequence[float]) -> Problem:
    """Return the problem whose gradients are those given, whatever the weight: J_t = g_t W."""
    return Problem(
        f"given gradients {', '.join([f'{g:g}' for g in gradients])}",
        lambda W, t: np.full_like(W, gradients[t - 1]),
        lambda W, t: gradients[t - 1] * W[0][0],
        np.array([[1.0]]),
    )


def by_history(problem: Problem, step: Callable[[list[Array]], Array], steps: int) -> Array:
    """Return the weights after each step: the engine's gradients, and steps as functions of all gradients so far.

    Written out over the history, a rule needs no state, so it shares nothing with the recursions of the lecture.
    """
    W, gs, path = problem.start, list[Array](), list[Array]()
    for t in range(1, steps + 1):
        leaves = values(W)
        gs.append(slopes(cast("Value", problem.cost(leaves, t)), leaves))
        W = W - step(gs)
        path.append(W)
    return np.array(path)


def decaying(gs: Sequence[Array], gamma: float) -> Array:
    """Return Σ γ^(t-i) g_i, the latest with weight 1."""
    return np.asarray(np.sum([gamma ** (len(gs) - i) * g for i, g in enumerate(gs, start=1)], axis=0))


# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def running(a: Sequence[float], gammas: Sequence[float]) -> Array:
    """Return A₁ … A_T with A₀ = 0 and A_t = γ_t A_(t-1) + (1 - γ_t) a_t."""
    A = [0.0]
    for a_t, gamma_t in zip(a, gammas, strict=True):
        A.append(gamma_t * A[-1] + (1.0 - gamma_t) * a_t)
    return np.array(A[1:])


@closed_form
def moving(a: Sequence[float], gamma: float) -> float:
    """Return A_T = Σ γ^(T-t) (1 - γ) a_t."""
    T = len(a)
    return float(np.sum([gamma ** (T - t) * (1.0 - gamma) * a[t - 1] for t in range(1, T + 1)]))


@closed_form
def shares(gammas: Sequence[float]) -> Array:
    """Return ∂A_T/∂a_t, by how much each input counts: (1 - γ_t) times all later γ."""
    return np.array([(1.0 - gamma) * float(np.prod(gammas[t + 1 :])) for t, gamma in enumerate(gammas)])


@closed_form
def momentum(slope: Slope, W: Array, steps: int, eta: float, gamma: float) -> Array:
    """Return W₁ … W_T by V_t = γV_(t-1) + η∇J(W_(t-1)), W_t = W_(t-1) - V_t, from V₀ = 0."""
    V, path = np.zeros_like(W), list[Array]()
    for t in range(1, steps + 1):
        V = gamma * V + eta * slope(W, t)
        W = W - V
        path.append(W)
    return np.array(path)


@closed_form
def averaged_momentum(slope: Slope, W: Array, steps: int, eta_: float, gamma: float) -> Array:
    """Return W₁ … W_T by M_t = γM_(t-1) + (1 - γ)∇J(W_(t-1)), W_t = W_(t-1) - η'M_t, from M₀ = 0."""
    M, path = np.zeros_like(W), list[Array]()
    for t in range(1, steps + 1):
        M = gamma * M + (1.0 - gamma) * slope(W, t)
        W = W - eta_ * M
        path.append(W)
    return np.array(path)


@closed_form
def constant_velocity(g: float, t: int, eta: float, gamma: float) -> float:
    """Return V_t where every gradient is g; it tends to ηg/(1 - γ)."""
    return eta * g * (1.0 - gamma**t) / (1.0 - gamma)


@closed_form
def alternating_velocity(g: float, t: int, eta: float, gamma: float) -> float:
    """Return |V_t| where the gradients are g, -g, g …; it tends to ηg/(1 + γ)."""
    return eta * g * (1.0 - (-gamma) ** t) / (1.0 + gamma)


# ---------------------------------------------------------------- items


def _recursion(a: Nested, gammas: Sequence[float]) -> Number:
    A: Number = 0.0
    for a_t, gamma_t in zip(a, gammas, strict=True):
        A = gamma_t * A + (1.0 - gamma_t) * a_t
    return A


@item(
    "mit.avg.running",
    kind="formula",
    where="§7.2.1",
    latex=r"A_0 = 0, \quad A_t = \gamma_t A_{t-1} + (1 - \gamma_t) a_t",
    statement="A running average mixes the last average with the next input.",
    notes="the inputs are a in the text and α in the formula as scanned",
)
def _running() -> Iterator[Evidence]:
    for T in range(1, 6):
        weights = [(1.0 - RATES[t]) * np.prod(RATES[t + 1 : T]) for t in range(T)]
        weighted = sum([float(w) * Value(a) for w, a in zip(weights, DATA[:T], strict=True)])
        yield Comparison(f"A_{T}", running(DATA, RATES)[T - 1], np.array(weighted.data))
    yield three_ways("∂A_5/∂a_t", lambda a: _recursion(a, RATES), DATA, shares(RATES))


@item(
    "mit.avg.moving",
    kind="formula",
    where="same",
    latex=r"A_T = \sum_{t=1}^{T} \gamma^{T-t} (1 - \gamma) a_t",
    statement="With a constant γ, an input counts γ times less with each step that it lies back.",
    notes="the weights add up to 1 - γ^T, so the average starts too near 0",
)
def _moving() -> Iterator[Evidence]:
    for gamma in (0.9, 0.35):
        total = _recursion([Value(a) for a in DATA], [gamma] * 5)
        yield Comparison(f"A_5 for γ = {gamma}", np.array(moving(DATA, gamma)), data(total))
        yield three_ways(
            f"∂A_5/∂a_t for γ = {gamma}", lambda a, g=gamma: _recursion(a, [g] * 5), DATA, shares([gamma] * 5)
        )
    weights = shares([0.9] * 5)
    yield Finding(
        "which inputs count most",
        f"weights {np.round(weights, 4).tolist()}, in all {np.sum(weights):.5f} = 1 - 0.9⁵",
        bool(np.all(np.diff(weights) > 0.0)) and abs(float(np.sum(weights)) - (1.0 - 0.9**5)) < 1e-12,
    )


@item(
    "mit.avg.actual",
    kind="study",
    where="same",
    latex=r"\gamma_t = \frac{t-1}{t} \Rightarrow A_t = \frac{1}{t} \sum_{s=1}^{t} a_s",
    statement="With γ_t = (t - 1)/t the running average is the mean of all inputs so far.",
    notes="by induction: A_t = ((t - 1)A_(t-1) + a_t)/t; γ_1 = 0 belongs to it",
    errata=("E-MIT-14",),
)
def _actual() -> Iterator[Evidence]:
    averages = running(DATA, [(t - 1) / t for t in range(1, 6)])
    for t in range(1, 6):
        yield Comparison(f"A_{t}", averages[t - 1], np.array(mean([Value(a) for a in DATA[:t]]).data))
    equal = shares([(t - 1) / t for t in range(1, 6)])
    yield Finding("how much each of five inputs counts", f"{equal}", bool(np.max(np.abs(equal - 0.2)) < 1e-15))


@erratum(
    "E-MIT-14",
    kind="m",
    lecture="mit6036",
    printed="every γ_t lies in (0, 1), and γ_t = (t - 1)/t gives the mean",
    right="every γ_t lies in [0, 1): the mean needs γ_1 = 0",
    lesson="What is left of A₀ after t steps is the product of all γ. Unless one of them is 0, the arbitrary start stays in "
    "the average for ever: with t/(t + 1), which does lie in (0, 1), it counts as one more input.",
)
def _range_of_rates() -> Iterator[Miss]:
    truth = np.array(mean([Value(a) for a in DATA]).data)
    inside = running(DATA, [t / (t + 1) for t in range(1, 6)])[-1]
    right = running(DATA, [(t - 1) / t for t in range(1, 6)])[-1]
    yield Miss("the mean of five numbers", inside, right, truth)


@item(
    "mit.opt.momentum",
    kind="algorithm",
    where="§7.2.2",
    latex=r"V_t = \gamma V_{t-1} + \eta \nabla_W J(W_{t-1}), \quad W_t = W_{t-1} - V_t",
    statement="Momentum steps by a decaying sum of all gradients so far.",
    notes="V₀ = 0; γ is often 0.9",
)
def _momentum() -> Iterator[Evidence]:
    for problem, eta, gamma in ((BOWL, 0.005, 0.9), (LAYER, 0.03, 0.7)):
        leaves = values(problem.start)
        cost = cast("Value", problem.cost(leaves, 1))
        yield Comparison(f"∇J of {problem.name}", problem.slope(problem.start, 1), slopes(cost, leaves))
        yield Comparison(
            f"W₁ … W₃₀, {problem.name}",
            momentum(problem.slope, problem.start, 30, eta, gamma),
            by_history(problem, lambda gs, eta=eta, gamma=gamma: eta * decaying(gs, gamma), 30),
        )


@item(
    "mit.opt.momentum.equiv",
    kind="study",
    where="same",
    latex=r"\eta = \eta'(1 - \gamma) \Rightarrow V_t = \eta' M_t",
    statement="Momentum is descent with step size η' along a moving average of the gradients, where η = η'(1 - γ).",
    notes="by induction; at γ = 0.9 the η' of one form is ten times the η of the other",
)
def _equivalent() -> Iterator[Evidence]:
    for problem, eta, gamma in ((BOWL, 0.005, 0.9), (LAYER, 0.03, 0.7)):
        averaged = averaged_momentum(problem.slope, problem.start, 50, eta / (1.0 - gamma), gamma)
        summed = by_history(problem, lambda gs, eta=eta, gamma=gamma: eta * decaying(gs, gamma), 50)
        yield Comparison(f"W₁ … W₅₀ by M and by V, {problem.name}", averaged, summed)
        off = float(np.max(np.abs(averaged - momentum(problem.slope, problem.start, 50, eta, gamma))))
        yield Finding(f"both recursions, {problem.name}", f"they differ by {off:.1e} after 50 steps", off < 1e-12)


@item(
    "mit.opt.momentum.sign",
    kind="claim",
    where="same",
    latex=r"V_t \to \frac{\eta g}{1 - \gamma}, \qquad |V_t| \to \frac{\eta g}{1 + \gamma}",
    statement="V grows where gradients keep their sign, and stays small where they alternate.",
)
def _signs() -> Iterator[Evidence]:
    signs = [(-1.0) ** t for t in range(60)]
    for t in (1, 2, 5, 60):
        for g, gamma in ((1.0, 0.9), (0.7, 0.4)):

            def step(gs: list[Array], gamma: float = gamma) -> Array:
                return 0.1 * decaying(gs, gamma)

            kept = by_history(given([g] * t), step, t)
            turned = by_history(given([g * s for s in signs[:t]]), step, t)
            last, last_turned = [float(-np.diff([1.0, *path[:, 0, 0]])[-1]) for path in (kept, turned)]
            yield Comparison(
                f"V_{t}, gradients of one sign, γ = {gamma}",
                np.array(constant_velocity(g, t, 0.1, gamma)),
                np.array(last),
            )
            yield Comparison(
                f"|V_{t}|, alternating gradients, γ = {gamma}",
                np.array(alternating_velocity(g, t, 0.1, gamma)),
                np.array(abs(last_turned)),
            )
    same, other = constant_velocity(1.0, 300, 0.1, 0.9), alternating_velocity(1.0, 300, 0.1, 0.9)
    yield Finding(
        "the step in the long run for η = 0.1, |g| = 1, γ = 0.9",
        f"{same:.4f} with one sign, {other:.4f} with alternating signs, {same / other:.1f} times less",
        abs(same - 1.0) < 1e-9 and abs(other - 0.1 / 1.9) < 1e-9,
    )


@item(
    "mit.opt.momentum.gamma",
    kind="study",
    where="same",
    latex=r"\frac{\partial V_t}{\partial g_{t-k}} = \eta \gamma^k",
    statement="γ = 0.1 gives momentum less effect than 0.9: the past fades ten times over at each step.",
    notes="it looks back over about 1/(1 - γ) steps: 1.11 and 10",
)
def _gamma() -> Iterator[Evidence]:
    def velocity(gs: Nested, gamma: float) -> Number:
        V: Number = 0.0
        for g in gs:
            V = gamma * V + 0.1 * g
        return V

    for gamma in (0.1, 0.9):
        remembered = 0.1 * shares([gamma] * 5) / (1.0 - gamma)
        yield three_ways(f"∂V_5/∂g_t for γ = {gamma}", lambda gs, gamma=gamma: velocity(gs, gamma), DATA, remembered)
    little, much = [constant_velocity(1.0, 200, 0.1, gamma) / 0.1 for gamma in (0.1, 0.9)]
    yield Finding(
        "how many steps' worth of a constant gradient V holds",
        f"{little:.2f} for γ = 0.1, {much:.2f} for γ = 0.9",
        abs(little - 1.0 / 0.9) < 1e-9 and abs(much - 10.0) < 1e-6,
    )
