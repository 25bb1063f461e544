"""Modules of MIT 6.036, chapter 8 (§4, §5): forward, backward and weight gradient of each, and the blame they pass on."""

# ruff: noqa: ARG001 - every backward takes u, v and ∂L/∂v, whether it needs them or not
# Items are called through the registry; W, Z, A and J are matrices and numbers that the page writes large.
# pyright: reportUnusedFunction=false, reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

from autograd_core.ops import dot, softmax
from autograd_core.value import Number, Value
from nn.lectures.graph import Nested, affine, slopes, three_ways, transposed, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, closed_form, item
from nn.lectures.mit6036 import network
from nn.lectures.mit6036.nets import FIXTURE, activated, flat, loss_named, nll_loss, nllm_loss, squared_loss

# ---------------------------------------------------------------- the lecture's formulas: u goes in, v comes out


@closed_form
def linear_backward(W: Array, dv: Array) -> Array:
    """Return ∂L/∂u of v = Wᵀu + W0."""
    return W @ dv


@closed_form
def linear_weight_grad(u: Array, dv: Array) -> Array:
    """Return ∂L/∂W of v = Wᵀu + W0."""
    return np.outer(u, dv)


@closed_form
def sigmoid_backward(u: Array, v: Array, dv: Array) -> Array:
    """Return ∂L/∂u of v = σ(u), from v alone."""
    return v * (1.0 - v) * dv


@closed_form
def tanh_backward(u: Array, v: Array, dv: Array) -> Array:
    """Return ∂L/∂u of v = tanh(u), from v alone."""
    return (1.0 - v**2) * dv


@closed_form
def relu_backward(u: Array, v: Array, dv: Array) -> Array:
    """Return ∂L/∂u of v = relu(u)."""
    return np.where(u > 0.0, dv, 0.0)


@closed_form
def identity_backward(u: Array, v: Array, dv: Array) -> Array:
    """Return ∂L/∂u of v = u."""
    return dv


@closed_form
def softmax_backward(u: Array, v: Array, dv: Array) -> Array:
    """Return ∂L/∂u of v = softmax(u): v_j (∂L/∂v_j - Σ v_i ∂L/∂v_i)."""
    return v * (dv - np.dot(v, dv))


@closed_form
def squared_backward(guess: Array, actual: Array) -> Array:
    """Return the derivative of Σ (guess - actual)² by the guess."""
    return 2.0 * (guess - actual)


@closed_form
def nll_backward(guess: Array, actual: Array) -> Array:
    """Return the derivative of NLL by the guess."""
    return (1.0 - actual) / (1.0 - guess) - actual / guess


@closed_form
def nllm_backward(guess: Array, actual: Array) -> Array:
    """Return the derivative of NLLM by the guess."""
    return -actual / guess


@closed_form
def pair_backward(guess: Array, actual: Array) -> Array:
    """Return ∂loss/∂Z of softmax with NLLM, and of the sigmoid with NLL: A - Y."""
    return guess - actual


BACKWARD: dict[str, Callable[[Array, Array, Array], Array]] = {
    "identity": identity_backward,
    "relu": relu_backward,
    "sigmoid": sigmoid_backward,
    "softmax": softmax_backward,
    "tanh": tanh_backward,
}

LOSSES: tuple[tuple[str, Callable[..., Number], Callable[[Array, Array], Array]], ...] = (
    ("squared", squared_loss, squared_backward),
    ("NLL", nll_loss, nll_backward),
    ("NLLM", nllm_loss, nllm_backward),
)


# ---------------------------------------------------------------- the fixture, module by module


def _blames() -> list[tuple[str, Array]]:
    """Return what each module of the fixture passes back, the loss first and the first layer last."""
    trace = network.forward(FIXTURE.weights, FIXTURE.biases, FIXTURE.x, FIXTURE.activations)
    Z, A = [[a[:, 0] for a in arrays] for arrays in (trace.pre_activations, trace.activations)]
    blame = squared_backward(A[-1], FIXTURE.y[:, 0])
    passed = [(f"∂loss/∂A{len(Z)}", blame)]
    for layer in range(len(Z), 0, -1):
        blame = BACKWARD[FIXTURE.activations[layer - 1]](Z[layer - 1], A[layer], blame)
        passed.append((f"∂loss/∂Z{layer}", blame))
        blame = linear_backward(FIXTURE.weights[layer - 1], blame)
        passed.append((f"∂loss/∂A{layer - 1}", blame))
    return passed


def fixture_nodes() -> tuple[Value, dict[str, Nested]]:
    """Return the fixture's loss, and the nodes of every A and Z by name."""
    A: Nested = values(FIXTURE.x[:, 0])
    nodes = {"∂loss/∂A0": A}
    layers = zip(FIXTURE.weights, flat(FIXTURE.biases), FIXTURE.activations, strict=True)
    for layer, (W, W0, f) in enumerate(layers, start=1):
        Z = affine(transposed(W.tolist()), A, W0)
        A = activated(f, Z) if f != "identity" else [z + 0.0 for z in Z]
        nodes |= {f"∂loss/∂Z{layer}": Z, f"∂loss/∂A{layer}": A}
    return cast("Value", loss_named("identity")(A, FIXTURE.y[:, 0].tolist())), nodes


@item(
    "mit.bp.blame",
    kind="claim",
    where="§5, margin",
    statement="Each module is told how much its output is to blame for the loss, and says how much its input is.",
)
def _blame() -> Iterator[Evidence]:
    loss, nodes = fixture_nodes()
    for name, blame in _blames():
        yield Comparison(name, blame, slopes(loss, nodes[name]))
    sizes = [f"{name[6:]} {float(np.linalg.norm(blame)):.4f}" for name, blame in _blames()]
    reached = float(np.linalg.norm(_blames()[-1][1]))
    yield Finding("follow the blame back", f"its size: {', '.join(sizes)}", 0.0 < reached < 0.1)


@item(
    "mit.module.api",
    kind="architecture",
    where="§4, end",
    statement="A module has three methods: forward, backward, and the weight gradient if it has weights.",
    latex=r"u \to v \qquad (u, v, \partial L/\partial v) \to \partial L/\partial u \qquad (u, \partial L/\partial v) \to \partial L/\partial W",
)
def _module_api() -> Iterator[Evidence]:
    u, dv = np.array([0.6, -0.4, 1.3]), np.array([0.7, -1.1, 0.3])
    W, W0 = np.array([[0.2, -0.9], [0.5, 0.4], [-0.3, 0.8]]), [0.1, -0.2]

    def through(f: Callable[[Nested], Nested], dv: Array = dv) -> Callable[[Nested], Number]:
        """Return a function whose slope by v is dv."""

        def weighed(u: Nested) -> Number:
            return cast("Number", dot(f(u), dv.tolist()))

        return weighed

    for name, backward in BACKWARD.items():
        formula = backward(u, network.ACTIVATIONS[name](u), dv)
        yield three_ways(f"{name}: ∂L/∂u", through(lambda u, name=name: activated(name, u)), u, formula)
    columns = transposed(W.tolist())
    by_input = through(lambda u: affine(columns, u, W0), dv[:2])
    yield three_ways("linear: ∂L/∂u", by_input, u, linear_backward(W, dv[:2]))
    by_weights = through(lambda W: affine(transposed(W), u.tolist(), W0), dv[:2])
    yield three_ways("linear: ∂L/∂W", by_weights, W, linear_weight_grad(u, dv[:2]))
    guess, actual = np.array([0.3, 0.45, 0.25]), np.array([0.0, 1.0, 0.2])
    for name, loss, backward in LOSSES:

        def of_guess(guess: Nested, loss: Callable[..., Number] = loss) -> Number:
            return loss(guess, actual.tolist())

        yield three_ways(f"{name} loss: ∂L/∂guess", of_guess, guess, backward(guess, actual))


@item(
    "mit.loss.direct_dZ",
    kind="architecture",
    where="§5, end",
    statement="A loss module may return ∂loss/∂Z^L directly, where that is simpler than ∂loss/∂A^L and ∂A^L/∂Z^L.",
    latex=r"\frac{\partial loss}{\partial Z^L} = A^L - Y",
    notes="for softmax with NLLM and for the sigmoid with NLL",
)
def _direct() -> Iterator[Evidence]:
    z, chosen, labels = np.array([0.2, -0.5, 1.3]), np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.3])
    A = network.softmax(z)
    direct = pair_backward(A, chosen)
    yield three_ways("softmax, NLLM", lambda z: nllm_loss(cast("Any", softmax(z)), chosen.tolist()), z, direct)
    yield Comparison("the same in two steps", softmax_backward(z, A, nllm_backward(A, chosen)), direct)
    A = network.sigmoid(z)
    direct = pair_backward(A, labels)
    yield three_ways("sigmoid, NLL", lambda z: nll_loss(activated("sigmoid", z), labels.tolist()), z, direct)
    yield Comparison("the same in two steps", sigmoid_backward(z, A, nll_backward(A, labels)), direct)
    far = np.array([40.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        two_steps = sigmoid_backward(far, network.sigmoid(far), nll_backward(network.sigmoid(far), np.array([0.0])))
    yield Finding(
        "z = 40 with label 0, in one step and in two",
        f"{pair_backward(network.sigmoid(far), np.array([0.0]))[0]:g} and {two_steps[0]:g}: 1 - A is 0 where A has reached 1",
        bool(np.isnan(two_steps[0])) and pair_backward(network.sigmoid(far), np.array([0.0]))[0] == 1.0,
    )
