"""§7.2 of MIT 6.036, chapter 8: a step size for each weight."""

# Items are called through the registry, and W changes in its letter.
# pyright: reportUnusedFunction=false, reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from autograd_core.ops import square, sum
from autograd_core.value import Number
from nn.lectures.graph import Nested, data, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item
from nn.lectures.mit6036.averages import BOWL, DATA, LAYER, Problem, Slope, by_history, decaying, given, running, shares

GIVEN = given((0.5, -0.2, 0.1))
TINY = given((0.5e-4, -0.2e-4, 0.1e-4))


# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def adadelta(slope: Slope, W: Array, steps: int, eta: float, gamma: float, eps: float = 1e-8) -> Array:
    """Return W₁ … W_T by what the lecture calls adadelta, which is RMSProp, from G₀ = 0."""
    G, path = np.zeros_like(W), list[Array]()
    for t in range(1, steps + 1):
        g = slope(W, t)
        G = gamma * G + (1.0 - gamma) * g**2
        W = W - eta / np.sqrt(G + eps) * g
        path.append(W)
    return np.array(path)


@closed_form
def zeiler(slope: Slope, W: Array, steps: int, rho: float, eps: float) -> Array:
    """Return W₁ … W_T by the published Adadelta: it measures its steps by earlier steps, and has no η."""
    G, D, path = np.zeros_like(W), np.zeros_like(W), list[Array]()
    for t in range(1, steps + 1):
        g = slope(W, t)
        G = rho * G + (1.0 - rho) * g**2
        step = np.sqrt(D + eps) / np.sqrt(G + eps) * g
        D = rho * D + (1.0 - rho) * step**2
        W = W - step
        path.append(W)
    return np.array(path)


@closed_form
def adam(
    slope: Slope,
    W: Array,
    steps: int,
    eta: float,
    B1: float = 0.9,
    B2: float = 0.999,
    eps: float = 1e-8,
    eps_inside_sqrt: bool = True,
) -> Array:
    """Return W₁ … W_T by Adam, from m₀ = v₀ = 0; ε stands inside the root in the lecture, outside in the published rule."""
    m, v, path = np.zeros_like(W), np.zeros_like(W), list[Array]()
    for t in range(1, steps + 1):
        g = slope(W, t)
        m = B1 * m + (1.0 - B1) * g
        v = B2 * v + (1.0 - B2) * g**2
        m_hat = m / (1.0 - B1**t)
        v_hat = v / (1.0 - B2**t)
        root = np.sqrt(v_hat + eps) if eps_inside_sqrt else np.sqrt(v_hat) + eps
        W = W - eta / root * m_hat
        path.append(W)
    return np.array(path)


@closed_form
def corrected_rates(B1: float, steps: int) -> list[float]:
    """Return the γ_t by which m̂ is a running average: (B₁ - B₁^t)/(1 - B₁^t)."""
    return [(B1 - B1**t) / (1.0 - B1**t) for t in range(1, steps + 1)]


# ---------------------------------------------------------------- the same over the history


def _adadelta_step(eta: float, gamma: float, eps: float) -> Callable[[list[Array]], Array]:
    def step(gs: list[Array]) -> Array:
        G = (1.0 - gamma) * decaying([g * g for g in gs], gamma)
        return eta * gs[-1] / np.sqrt(G + eps)

    return step


def _zeiler_step(rho: float, eps: float) -> Callable[[list[Array]], Array]:
    steps: list[Array] = []

    def step(gs: list[Array]) -> Array:
        G = (1.0 - rho) * decaying([g * g for g in gs], rho)
        D = (1.0 - rho) * decaying([s * s for s in [0.0 * gs[0], *steps]], rho)
        steps.append(gs[-1] * np.sqrt((D + eps) / (G + eps)))
        return steps[-1]

    return step


def _adam_step(
    eta: float, B1: float = 0.9, B2: float = 0.999, eps: float = 1e-8, eps_inside_sqrt: bool = True
) -> Callable[[list[Array]], Array]:
    def step(gs: list[Array]) -> Array:
        # Weights (1 - B)B^(t-i) over 1 - B^t are B^(t-i) over their own sum.
        m_hat = decaying(gs, B1) / np.sum([B1**i for i in range(len(gs))])
        v_hat = decaying([g * g for g in gs], B2) / np.sum([B2**i for i in range(len(gs))])
        return eta * m_hat / (np.sqrt(v_hat + eps) if eps_inside_sqrt else np.sqrt(v_hat) + eps)

    return step


def _rtol(steps: int) -> float:
    """Return how far two runs may part: 1 - B₂ has 13 digits, and each step adds a rounding."""
    return 1e-12 * max(1.0, steps / 3.0)


# ---------------------------------------------------------------- items


@item(
    "mit.opt.per_weight_lr",
    kind="claim",
    where="§7.2",
    statement="A step size for each weight gets along where one weight's slope is far steeper than another's.",
)
def _per_weight() -> Iterator[Evidence]:
    steep = np.array([[1.0], [1000.0]])
    start = np.array([[1.0], [1.0]])
    descent = start * (1.0 - 2.0 / 1001.0 * steep) ** 100  # the best single step size there is
    left = {"one step size": float(np.max(np.abs(descent)))}
    for name, path in (
        ("adadelta (RMSProp)", adadelta(lambda W, _t: steep * W, start, 100, 0.02, 0.9)),
        ("Adam", adam(lambda W, _t: steep * W, start, 100, 0.05)),
    ):
        left[name] = float(np.max(np.abs(path[-1])))
    yield Finding(
        "how far from the minimum of ½(w₁² + 1000w₂²) 100 steps leave the worse weight, of 1 at the start",
        ", ".join([f"{name} {distance:.2g}" for name, distance in left.items()]),
        all(distance < 0.2 < left["one step size"] for name, distance in left.items() if name != "one step size"),
    )
    scaled = Problem(
        "steep",
        lambda W, _t: steep * W,
        lambda W, _t: sum([0.5 * h * square(w[0]) for h, w in zip((1.0, 1000.0), W, strict=True)]),
        start,
    )
    yield Comparison(
        "Adam's W₁ … W₅ there",
        adam(scaled.slope, start, 5, 0.05),
        by_history(scaled, _adam_step(0.05), 5),
        rtol=_rtol(5),
    )


@item(
    "mit.opt.adadelta",
    kind="algorithm",
    where="§7.2.3",
    latex=r"G_{t,j} = \gamma G_{t-1,j} + (1-\gamma) g_{t,j}^2, \quad W_{t,j} = W_{t-1,j} - \frac{\eta}{\sqrt{G_{t,j} + \varepsilon}}\, g_{t,j}",
    statement="The step of each weight is divided by the root of a moving average of its squared gradients.",
    notes="known as RMSProp; G₀ = 0 and ε are left open in print",
    errata=("E-MIT-15",),
)
def _adadelta() -> Iterator[Evidence]:
    for problem, eta, gamma, eps in ((GIVEN, 0.1, 0.9, 1e-8), (BOWL, 0.05, 0.9, 1e-3), (LAYER, 0.02, 0.7, 1e-2)):
        steps = 3 if problem is GIVEN else 20
        yield Comparison(
            f"W₁ … W_{steps}, {problem.name}",
            adadelta(problem.slope, problem.start, steps, eta, gamma, eps),
            by_history(problem, _adadelta_step(eta, gamma, eps), steps),
        )
        yield Comparison(
            f"the published Adadelta, {problem.name}",
            zeiler(problem.slope, problem.start, steps, gamma, eps),
            by_history(problem, _zeiler_step(gamma, eps), steps),
        )
    flat, steep = [
        float(np.abs(adadelta(lambda W, _t, g=g: np.full_like(W, g), np.zeros((1, 1)), 1, 0.1, 0.9)[0, 0, 0]) / g)
        for g in (0.01, 10.0)
    ]
    yield Finding(
        "the first step over the gradient",
        f"{flat:.3g} where it is 0.01, {steep:.3g} where it is 10",
        flat > 100.0 * steep,
    )


@erratum(
    "E-MIT-15",
    kind="m",
    lecture="mit6036",
    printed="the rule with η over √(G + ε) is called adadelta",
    right="that rule is RMSProp; Adadelta has in place of η the root of a moving average of its own squared steps",
    lesson="Names of optimisers are not interchangeable: a library's Adadelta given the same gradients and the η of this "
    "page goes elsewhere. Adadelta's steps have the unit of the weights; η over a gradient's size has not.",
)
def _not_adadelta() -> Iterator[Miss]:
    yield Miss(
        "W₁ … W₃ of Adadelta for the gradients 0.5, -0.2, 0.1",
        adadelta(GIVEN.slope, GIVEN.start, 3, 0.1, 0.9),
        zeiler(GIVEN.slope, GIVEN.start, 3, 0.9, 1e-6),
        by_history(GIVEN, _zeiler_step(0.9, 1e-6), 3),
    )


@item(
    "mit.opt.adam",
    kind="algorithm",
    where="§7.2.4",
    latex=r"\hat m = \frac{m_t}{1 - B_1^t}, \quad \hat v = \frac{v_t}{1 - B_2^t}, \quad W_t = W_{t-1} - \frac{\eta}{\sqrt{\hat v + \varepsilon}}\, \hat m",
    statement="Adam divides a moving average of the gradients by the root of one of their squares, both freed of their bias to 0.",
    notes="B₁ = 0.9, B₂ = 0.999, ε = 1e-8, m₀ = v₀ = 0; v estimates the mean square of g, not its variance",
    errata=("E-MIT-16", "E-MIT-17", "E-MIT-18"),
)
def _adam() -> Iterator[Evidence]:
    for problem, eta, eps in ((GIVEN, 0.1, 1e-8), (TINY, 0.1, 1e-8), (BOWL, 0.05, 1e-3), (LAYER, 0.02, 1e-2)):
        for inside in (True, False):
            steps = 3 if problem in {GIVEN, TINY} else 20
            yield Comparison(
                f"W₁ … W_{steps}, {problem.name}, ε {'in' if inside else 'out'}side the root",
                adam(problem.slope, problem.start, steps, eta, 0.8, 0.97, eps, inside),
                by_history(problem, _adam_step(eta, 0.8, 0.97, eps, inside), steps),
            )
    yield Comparison(
        "W₁ … W₃ with B₁ = 0.9, B₂ = 0.999",
        adam(GIVEN.slope, GIVEN.start, 3, 0.1),
        by_history(GIVEN, _adam_step(0.1), 3),
        rtol=_rtol(3),
    )
    first = [shares([B])[0] for B in (0.9, 0.999)]
    yield Finding(
        "m₁ and v₁ before their correction, for a gradient of 1",
        f"{first[0]:.3g} and {first[1]:.3g}: ten and a thousand times too small",
        abs(first[0] - 0.1) < 1e-12 and abs(first[1] - 0.001) < 1e-12,
    )
    weights = shares([0.9] * 5)
    total = float(np.sum(weights)) + 0.9**5
    yield three_ways("∂m_5/∂(m_0, g_1 … g_5)", _estimate, [0.3, *DATA], [0.9**5, *weights])
    yield Finding("the coefficients of m₀ and g₁ … g₅ in m₅", f"they sum to {total:.12g}", abs(total - 1.0) < 1e-12)


def _estimate(start_and_gradients: Nested) -> Number:
    m, *gs = start_and_gradients
    for g in gs:
        m = 0.9 * m + (1.0 - 0.9) * g
    return m


@erratum(
    "E-MIT-16",
    kind="m",
    lecture="mit6036",
    printed="Adam divides by √(v̂ + ε)",
    right="the published rule divides by √v̂ + ε",
    lesson="Inside the root, ε = 1e-8 acts like 1e-4 outside it. Nobody sees the difference while gradients are of size 1; "
    "where they are of size 1e-4, the form inside takes shorter steps.",
)
def _root() -> Iterator[Miss]:
    yield Miss(
        "W₁ … W₃ of the published Adam for the gradients 0.5e-4, -0.2e-4, 0.1e-4",
        adam(TINY.slope, TINY.start, 3, 0.1),
        adam(TINY.slope, TINY.start, 3, 0.1, eps_inside_sqrt=False),
        by_history(TINY, _adam_step(0.1, eps_inside_sqrt=False), 3),
        tol=_rtol(3),
    )


erratum(
    "E-MIT-17",
    kind="n",
    lecture="mit6036",
    printed="m and v are slightly too small at first, and estimate the mean and the variance of the gradient",
    right="at t = 1 m is 10 and v 1000 times too small in magnitude, and v estimates the mean square",
    lesson="Without the correction the first step would be 3.2 times too long, as √1000 outweighs 10. A mean square is the "
    "variance plus the squared mean: a steady gradient has no variance, and v = g² all the same.",
)(None)

erratum(
    "E-MIT-18",
    kind="n",
    lecture="mit6036",
    printed="m_t is expanded in m_0 and g_0, g_1 … g_t",
    right="in m_0 and g_1 … g_t: the first gradient is g_1, taken at W_0",
    lesson="Counting the coefficients is the check: B^t and (1 - B)B^(t-i) for i = 1 … t add up to 1, and leave none for a g_0.",
)(None)


@item(
    "mit.opt.adam.insensitive",
    kind="claim",
    where="same",
    statement="Small changes of B₁, B₂ and ε have no large effect on Adam.",
)
def _insensitive() -> Iterator[Evidence]:
    def reached(B1: float = 0.9, B2: float = 0.999, eps: float = 1e-8, eta: float = 0.05) -> float:
        W = adam(LAYER.slope, LAYER.start, 60, eta, B1, B2, eps)[-1]
        return float(data(LAYER.cost(W.tolist(), 60)))

    at_start = float(data(LAYER.cost(LAYER.start.tolist(), 0)))
    swept = [reached(B1=B1) for B1 in (0.85, 0.9, 0.93)] + [reached(B2=B2) for B2 in (0.99, 0.9995)]
    swept += [reached(eps=eps) for eps in (1e-10, 1e-6)]
    yield Finding(
        "the loss of a layer after 60 steps, for B₁ from 0.85 to 0.93, B₂ from 0.99 to 0.9995, ε from 1e-10 to 1e-6",
        f"from {min(swept):.4f} to {max(swept):.4f}, {at_start:.4f} at the start",
        max(swept) - min(swept) < 0.05 * (at_start - min(swept)),
    )
    small, large = reached(eta=0.0005), reached(eta=0.05)
    yield Finding(
        "the same for η, which the claim leaves out",
        f"{small:.4f} for 0.0005, {large:.4f} for 0.05",
        small > large + 0.1,
    )


@item(
    "mit.opt.adam.mhat_gamma",
    kind="study",
    where="same",
    latex=r"\gamma_t = \frac{B_1 - B_1^t}{1 - B_1^t}",
    statement="m̂ is itself a running average of the gradients: its γ rises from 0 to B₁.",
    notes="it tends to B₁ as t grows, and to (t - 1)/t, the plain mean, as B₁ tends to 1",
)
def _corrected_average() -> Iterator[Evidence]:
    def m_hat(gs: Nested, B1: float) -> Number:
        m: Number = 0.0
        for g in gs:
            m = B1 * m + (1.0 - B1) * g
        return m / (1.0 - B1 ** len(gs))

    for B1 in (0.9, 0.6):
        rates = corrected_rates(B1, 5)
        averages = running(DATA, rates)
        for t in range(1, 6):
            yield Comparison(f"m̂_{t} for B₁ = {B1}", averages[t - 1], data(m_hat(values(DATA[:t]), B1)))
        yield three_ways(f"∂m̂_5/∂g_t for B₁ = {B1}", lambda gs, B1=B1: m_hat(gs, B1), DATA, shares(rates))
    late, near_mean = corrected_rates(0.9, 400)[-1], corrected_rates(1.0 - 1e-6, 5)[-1]
    yield Finding(
        "where γ_t tends to",
        f"{late:.6f} at t = 400 with B₁ = 0.9, {near_mean:.6f} at t = 5 with B₁ = 1 - 1e-6",
        abs(late - 0.9) < 1e-12 and abs(near_mean - 0.8) < 1e-5,
    )


@item(
    "mit.opt.matrix_state",
    kind="architecture",
    where="same",
    statement="The state of an optimiser is a matrix for each quantity in each layer, of the shape of the layer's weights.",
    shapes="m, v, g, g²: (m, n) like W",
)
def _matrices() -> Iterator[Evidence]:
    whole = adam(LAYER.slope, LAYER.start, 6, 0.02, 0.8, 0.97, 1e-3)
    met = [LAYER.slope(W, t) for t, W in enumerate([LAYER.start, *whole[:-1]], start=1)]
    single = np.empty_like(whole)
    for j in np.ndindex(LAYER.start.shape):
        alone = adam(lambda _w, t, j=j: met[t - 1][j], LAYER.start[j], 6, 0.02, 0.8, 0.97, 1e-3)
        single[(slice(None), *j)] = alone
    off = float(np.max(np.abs(whole - single)))
    yield Finding("matrices at once against each weight alone", f"six steps differ by {off:g}", off == 0.0)
    yield Comparison("W₁ … W₆", whole, by_history(LAYER, _adam_step(0.02, 0.8, 0.97, 1e-3), 6))
