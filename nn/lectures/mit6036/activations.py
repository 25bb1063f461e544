"""§3 of MIT 6.036, chapter 8: activation functions, their ranges and their derivatives."""

# Items are called through the registry.
# pyright: reportUnusedFunction=false

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

from autograd_core.backward import gradients
from autograd_core.op import Unary, find
from autograd_core.ops import dot, exp, relu, sigmoid, softmax, square, step, sum, tanh
from autograd_core.value import Value
from nn.lectures.graph import Nested, central, data, jacobian, slopes, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item
from nn.lectures.mit6036 import network

SPREAD = np.linspace(-6.0, 6.0, 25)
"""Points that the functions are compared at; 0 is one of them."""

AWAY = SPREAD[SPREAD != 0.0]
"""The same without the kink."""

SCORES = np.array([0.2, -0.5, 1.3])

BETAS = (1.0, 10.0, 100.0)


# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def steep(z: Array, beta: float) -> Array:
    """Return σ(βz), which nears the step as β grows."""
    return 1.0 / (1.0 + np.exp(-beta * z))


@closed_form
def steep_slope(beta: float) -> float:
    """Return the slope of σ(βz) at 0: β/4."""
    return beta / 4.0


@closed_form
def distances(a: float) -> Array:
    """Return ∫|f - step| over [-a, a] for f = σ, tanh and relu, and for (tanh + 1)/2 = σ(2z), by antiderivatives."""
    sigmoid_off = 2.0 * (math.log(2.0) - math.log1p(math.exp(-a)))
    tanh_off = math.log(math.cosh(a)) + (a - math.log(math.cosh(a)))
    relu_off = 0.5 + (a - 1.0) ** 2 / 2.0
    return np.array([sigmoid_off, tanh_off, relu_off, math.log(2.0) - math.log1p(math.exp(-2.0 * a))])


# ---------------------------------------------------------------- the graph's side


def _compared(name: str, f: Callable[[Array], Array], at: Array) -> Comparison:
    """Compare a function with the op of its name."""
    op = cast("Unary", find(name))
    return Comparison(f"{name}(z) at {len(at)} points", f(at), np.array([op(Value(z)).data for z in at]))


def _differentiated(name: str, slope: Callable[[Array], Array], at: Array) -> Comparison:
    op = cast("Unary", find(name))

    def total(zs: Nested) -> Any:
        return sum([op(z) for z in zs])

    return three_ways(f"{name}'(z) at {len(at)} points", total, at, slope(at))


def _step(z: Any) -> Any:
    """Return the chapter's step, 1 at 0, from the engine's, which is 0 there."""
    return 1.0 - step(-z)


def _rescaled(z: Array) -> Array:
    """Return tanh moved into the step's range."""
    return (network.tanh(z) + 1.0) / 2.0


# ---------------------------------------------------------------- definitions


@item(
    "mit.act.step",
    kind="definition",
    where="§3",
    statement="The step is 0 for z < 0 and 1 otherwise.",
    latex=r"\mathrm{step}(z) = \begin{cases} 0 & z < 0 \\ 1 & \text{otherwise} \end{cases}",
    notes="1 at 0, where AI 50.021 and the engine have 0",
)
def _step_function() -> Iterator[Evidence]:
    at = np.array([-1.0, 0.0, 1.0])
    yield Comparison("step(-1), step(0), step(1)", network.step(at), np.array([_step(Value(z)).data for z in at]))
    yield _compared("step", network.step, AWAY)
    other = [step(Value(z)).data for z in at]
    yield Finding(
        "ask the engine's own step",
        f"{other}: it differs at 0 alone",
        bool(np.flatnonzero(network.step(at) != other).tolist() == [1]),
    )


@item(
    "mit.act.relu",
    kind="definition",
    where="§3",
    statement="ReLU is 0 for z < 0 and z otherwise, the larger of 0 and z.",
    latex=r"\mathrm{ReLU}(z) = \max(0, z)",
)
def _relu_function() -> Iterator[Evidence]:
    yield _compared("relu", network.relu, SPREAD)
    yield Comparison("max(0, z) at 0 and around", network.relu(SPREAD), np.maximum(0.0, SPREAD))
    yield _differentiated("relu", network.relu_slope, AWAY)


@item(
    "mit.act.sigmoid",
    kind="definition",
    where="§3",
    statement="The sigmoid maps every number into (0, 1), so that it can be read as a probability.",
    latex=r"\sigma(z) = \frac{1}{1 + e^{-z}}",
)
def _sigmoid_function() -> Iterator[Evidence]:
    yield _compared("sigmoid", network.sigmoid, SPREAD)
    yield _differentiated("sigmoid", network.sigmoid_slope, SPREAD)
    composite = [1.0 / (1.0 + exp(-Value(z))) for z in SPREAD]
    yield Comparison("1 / (1 + e**-z) as four ops", network.sigmoid(SPREAD), data(composite))
    yield Comparison("σ(-z) = 1 - σ(z)", network.sigmoid(-SPREAD), 1.0 - network.sigmoid(SPREAD))
    far = [sigmoid(z) for z in (-1000.0, 1000.0)]
    yield Finding("go as far as ±1000", f"the engine has {far}, and no overflow", far == [0.0, 1.0])


@item(
    "mit.act.tanh",
    kind="definition",
    where="§3",
    statement="The hyperbolic tangent maps every number into (-1, 1).",
    latex=r"\tanh(z) = \frac{e^z - e^{-z}}{e^z + e^{-z}} = 2\sigma(2z) - 1",
)
def _tanh_function() -> Iterator[Evidence]:
    yield _compared("tanh", network.tanh, SPREAD)
    yield _differentiated("tanh", network.tanh_slope, SPREAD)
    zs = values(SPREAD)
    composite = [(exp(z) - exp(-z)) / (exp(z) + exp(-z)) for z in zs]
    yield Comparison(
        "slope of the quotient of exponentials", network.tanh_slope(SPREAD), slopes(cast("Value", sum(composite)), zs)
    )
    yield Comparison("2σ(2z) - 1", network.tanh(SPREAD), 2.0 * network.sigmoid(2.0 * SPREAD) - 1.0)


@item(
    "mit.act.softmax",
    kind="definition",
    where="§3",
    statement="Softmax turns n numbers into n positive ones that add up to 1.",
    latex=r"\mathrm{softmax}(z)_k = \frac{e^{z_k}}{\sum_i e^{z_i}}",
    shapes="Z and A: n×1",
)
def _softmax_function() -> Iterator[Evidence]:
    for z in (SCORES, SPREAD, np.array([0.7])):
        yield Comparison(f"softmax of {len(z)} numbers", network.softmax(z), data(softmax(values(z))))
    batch = np.column_stack([SCORES, 2.0 * SCORES - 0.3])
    found = [data(softmax(values(z))) for z in batch.T]
    yield Comparison("softmax of two columns", network.softmax(batch), np.column_stack(found))
    yield Comparison("sum of each column", np.sum(network.softmax(batch), axis=0), np.ones(2))


@item(
    "mit.act.identity",
    kind="definition",
    where="§1, §3, §6 (there called linear)",
    statement="The identity leaves z as it is; its derivative is 1.",
    latex=r"f(z) = z",
)
def _identity_function() -> Iterator[Evidence]:
    yield _compared("identity", network.identity, SPREAD)
    yield _differentiated("identity", network.identity_slope, SPREAD)


@item(
    "mit.act.ranges",
    kind="claim",
    where="§3",
    statement="Sigmoid outputs lie in (0, 1), tanh outputs in (-1, 1), softmax outputs in (0, 1).",
    notes="open ranges of real numbers; float64 reaches the ends",
    errata=("E-MIT-5",),
)
def _ranges() -> Iterator[Evidence]:
    for name, low, near, far in (("sigmoid", 0.0, 30.0, 40.0), ("tanh", -1.0, 15.0, 20.0)):
        op = cast("Unary", find(name))
        inside = [op(z) for z in np.linspace(-near, near, 601)]
        yield Finding(
            f"{name} from {-near:g} to {near:g}",
            f"from {low:g} + {min(inside) - low:.1e} to 1 - {1.0 - max(inside):.1e}",
            low < min(inside) and max(inside) < 1.0,
        )
        yield Finding(f"{name}({far:g})", f"{op(far)!r}: the end itself", op(far) == 1.0)
    ps = softmax([float(z) for z in (-30.0, 0.0, 15.0)])
    yield Finding(
        "softmax of (-30, 0, 15)", f"from {min(ps):.1e} to 1 - {1 - max(ps):.1e}", min(ps) > 0.0 and max(ps) < 1.0
    )
    yield Finding("softmax of one number", f"{softmax([0.7])}", softmax([0.7]) == [1.0])


@erratum(
    "E-MIT-5",
    kind="m",
    lecture="mit6036",
    printed="Whatever z is, σ(z), tanh(z) and softmax(z) lie inside open ranges.",
    right="Softmax of one number is exactly 1, and in float64 σ(40) = tanh(20) = 1: code has to allow the closed ranges.",
    lesson="log(1 - h) of an output that has reached 1 is -∞: losses are computed from z, not from the activation.",
)
def _ranges_missed() -> Iterator[Miss]:
    far, further, alone = np.array([40.0]), np.array([20.0]), np.array([0.7])
    formulas = [network.sigmoid(far), network.tanh(further), network.softmax(alone)]
    engine = [sigmoid(40.0), tanh(20.0), softmax([0.7])[0]]
    for what, formula, found in zip(("σ(40)", "tanh(20)", "softmax(0.7)"), formulas, engine, strict=True):
        claimed, inside = np.array(1.0), np.array(float(found < 1.0))
        yield Miss(f"[{what} < 1]", claimed, np.array(float(formula[0] < 1.0)), inside)


# ---------------------------------------------------------------- derivatives


@item(
    "mit.act.step.nograd",
    kind="claim",
    where="§3",
    statement="The step's derivative is 0 but at the jump, where there is none: gradient descent gets nowhere.",
)
def _step_without_gradient() -> Iterator[Evidence]:
    at = np.array([-2.0, -0.5, 0.7, 3.0])
    yield three_ways("step'(z)", lambda zs: sum([_step(z) for z in zs]), at, np.zeros(4))
    across = [float(central(_step, 0.0, h)) for h in (1e-2, 1e-3, 1e-4)]
    yield Finding(
        "difference quotients at the jump, h = 1e-2, 1e-3, 1e-4",
        f"{np.round(across).tolist()}: they grow like 1/(2h)",
        bool(np.allclose(across, [50.0, 500.0, 5000.0])),
    )
    w, v = values([0.4, -0.3], "w"), values([0.8], "v")
    loss: Any = square(v[0] * _step(dot(w, [0.5, -1.0])) - 0.2)
    below = [slope.data for slope in gradients(loss, w)]
    above = gradients(loss, v)[0].data
    yield Finding(
        "weights below a hidden step", f"slopes {below}; the output's {above:.2f}", not any(below) and above != 0.0
    )


@item(
    "mit.act.step_like",
    kind="study",
    where="§3",
    statement="The sigmoid is most like a step, and σ(βz) nears it as β grows, but for z = 0, where it stays ½.",
    latex=r"\sigma(\beta z) \to \mathrm{step}(z), \; z \ne 0 \qquad \left.\frac{d\sigma(\beta z)}{dz}\right|_0 = \frac{\beta}{4}",
)
def _step_like() -> Iterator[Evidence]:
    for beta in BETAS:
        z = np.array([0.1, -0.07, 0.0])
        yield Comparison(f"σ({beta:g} z)", steep(z, beta), np.array([sigmoid(beta * Value(u)).data for u in z]))
        yield three_ways(f"slope at 0, β = {beta:g}", lambda z, beta=beta: sigmoid(beta * z), 0.0, steep_slope(beta))
    edges = np.linspace(-4.0, 4.0, 16001)
    middles = (edges[:-1] + edges[1:]) / 2.0
    functions = (network.sigmoid, network.tanh, network.relu, _rescaled)
    summed = [float(np.sum(np.abs(f(middles) - network.step(middles)))) * (edges[1] - edges[0]) for f in functions]
    yield Comparison(
        "∫|f - step| over [-4, 4]: σ, tanh, relu, (tanh + 1)/2", distances(4.0), np.array(summed), rtol=1e-7
    )
    names = ("sigmoid", "tanh", "relu")
    yield Finding(
        "which of the three is nearest to the step",
        ", ".join([f"{name} {off:.4f}" for name, off in zip(names, summed, strict=False)]),
        names[int(np.argmin(summed[:3]))] == "sigmoid",
    )


@item(
    "mit.act.relu.derivative",
    kind="study",
    where="§3",
    statement="ReLU's derivative is 0 for z < 0 and 1 for z > 0, and there is none at 0; a unit that is below 0 for all data is dead.",
    latex=r"\mathrm{ReLU}'(z) = \begin{cases} 0 & z < 0 \\ 1 & z > 0 \end{cases}",
    notes="at 0 the engine takes 0",
)
def _relu_derivative() -> Iterator[Evidence]:
    yield _differentiated("relu", network.relu_slope, np.array([-3.0, -0.2, 0.4, 5.0]))
    h = 1e-6
    left, right = (relu(0.0) - relu(-h)) / h, (relu(h) - relu(0.0)) / h
    zero = Value(0.0)
    (engine,) = gradients(relu(zero), [zero])
    quotient = float(central(relu, 0.0))
    yield Finding(
        "at 0",
        f"from the left {left:g}, from the right {right:g}, central {quotient:g}; the engine takes {engine.data:g}",
        left == 0.0 and right == 1.0 and quotient == 0.5 and engine.data == network.relu_slope(np.array(0.0)),
    )
    w = values([-0.8, -0.5, -2.0], "w")
    points = [[0.3, 1.0], [1.2, 0.4], [-0.5, 0.9]]
    outputs: list[Any] = [relu(dot(w[:2], x) + w[2]) for x in points]
    dead = jacobian(outputs, w)
    yield Finding(
        "a unit with z < 0 at every data point",
        f"its slopes by w and w0 are all {np.max(np.abs(dead)):g}",
        not np.any(dead),
    )
