"""§5 of MIT 6.036, chapter 8: SGD-NEURAL-NET line by line, as meant and as printed."""

# Items are called through the registry.
# pyright: reportUnusedFunction=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias, cast

import numpy as np

from autograd_core.value import Value
from nn.lectures.graph import data, slopes
from nn.lectures.item import Array, Comparison, Evidence, Finding, Miss, closed_form, erratum, item
from nn.lectures.mit6036 import network
from nn.lectures.mit6036.blocks import fixture_nodes
from nn.lectures.mit6036.nets import FIXTURE, NETS, Net, graph_loss, graph_of, graph_outputs, random_net
from nn.optim import SGD

Parameters: TypeAlias = tuple[list[Array], list[Array]]

ETA = 0.1

# ---------------------------------------------------------------- the lecture's algorithm


@closed_form
def sgd_step(
    weights: Sequence[Array], biases: Sequence[Array], x: Array, y: Array, fs: Sequence[str], eta: float
) -> Parameters:
    """Return all weights and offsets after one step on one data point: all gradients first, then all updates."""
    Z, A = _forward(weights, biases, x, fs)
    dZ = network.output_slope(Z[-1], A[-1], y, fs[-1])
    dW, dW0 = [network.weight_gradient(A[-2], dZ)], [dZ]
    for layer in range(len(weights) - 2, -1, -1):
        dZ = network.SLOPES[fs[layer]](Z[layer]) * (weights[layer + 1] @ dZ)
        dW.insert(0, network.weight_gradient(A[layer], dZ))
        dW0.insert(0, dZ)
    return (
        [W - eta * g for W, g in zip(weights, dW, strict=True)],
        [W0 - eta * g for W0, g in zip(biases, dW0, strict=True)],
    )


@closed_form
def sgd_neural_net(net: Net, picks: Sequence[int], eta: Callable[[int], float]) -> Iterator[Parameters]:
    """Yield weights and offsets after each step t = 1, 2, ... on the data point picked for it, with step size η(t)."""
    weights, biases = list(net.weights), list(net.biases)
    for t, i in enumerate(picks, start=1):
        weights, biases = sgd_step(weights, biases, net.x[:, i : i + 1], net.y[:, i : i + 1], net.activations, eta(t))
        yield weights, biases


def _forward(
    weights: Sequence[Array], biases: Sequence[Array], x: Array, fs: Sequence[str]
) -> tuple[list[Array], list[Array]]:
    trace = network.forward(weights, biases, x, fs)
    return trace.pre_activations, trace.activations


def _updating_inside(net: Net, eta: float) -> list[Array]:
    """Return the weight gradients that the printed loop uses, which changes W^{l+1} before layer l is reached."""
    weights = list(net.weights)
    Z, A = _forward(weights, net.biases, net.x, net.activations)
    dZ = network.output_slope(Z[-1], A[-1], net.y, net.activations[-1])
    used: list[Array] = []
    for layer in reversed(range(len(weights))):
        if layer < len(weights) - 1:
            dZ = network.SLOPES[net.activations[layer]](Z[layer]) * (weights[layer + 1] @ dZ)
        used.insert(0, network.weight_gradient(A[layer], dZ))
        weights[layer] = weights[layer] - eta * used[0]
    return used


def _product(a: Array, b: Array) -> Array:
    """Return a matrix product, or an array of no numbers where there is none."""
    return a @ b if a.shape[1] == b.shape[0] else np.empty((0, 0))


# ---------------------------------------------------------------- the graph's side


def _engine_steps(
    net: Net, picks: Sequence[int], eta: Callable[[int], float]
) -> Iterator[tuple[list[Array], list[Array]]]:
    """Train the same network by the engine's gradients and optimiser."""
    weights, biases = graph_of(net)
    leaves = [v for W in weights for row in W for v in row] + [v for W0 in biases for v in W0]
    optimiser = SGD(leaves, lr=0.0)
    for t, i in enumerate(picks, start=1):
        point = replace(net, x=net.x[:, i : i + 1], y=net.y[:, i : i + 1])
        optimiser.zero_grad()
        cast("Value", graph_loss(weights, biases, point)).backward()
        optimiser.lr = eta(t)
        optimiser.step()
        yield [data(W) for W in weights], [data(W0).reshape(-1, 1) for W0 in biases]


def _true_gradients(net: Net) -> list[Array]:
    weights, biases = graph_of(net)
    loss = cast("Value", graph_loss(weights, biases, net))
    return [slopes(loss, W) for W in weights]


# ---------------------------------------------------------------- items


@item(
    "mit.sgd.pseudocode",
    kind="algorithm",
    where="§5",
    statement="T times: pick a data point, run forward, take the gradients from the last layer to the first, and step by η(t) times each.",
    latex=r"W^l \leftarrow W^l - \eta(t) \frac{\partial loss}{\partial W^l} \qquad W_0^l \leftarrow W_0^l - \eta(t) \frac{\partial loss}{\partial W_0^l}",
    notes="as corrected: every gradient is taken before any weight changes",
    errata=("E-MIT-8", "E-MIT-9", "E-MIT-10"),
)
def _pseudocode() -> Iterator[Evidence]:
    for net in NETS:
        picks = np.random.default_rng(8).integers(net.x.shape[1], size=3).tolist()
        pairs = zip(sgd_neural_net(net, picks, _eta), _engine_steps(net, picks, _eta), strict=True)
        for t, (formula, engine) in enumerate(pairs, start=1):
            for name, ours, theirs in (("W", formula[0], engine[0]), ("W0", formula[1], engine[1])):
                together, beside = [np.concatenate([a.ravel() for a in arrays]) for arrays in (ours, theirs)]
                yield Comparison(f"all {name} of a net of depth {len(net.weights)} after step {t}", together, beside)
    net = random_net((2, 3, 1), ("tanh", "sigmoid"), points=8, seed=9)
    picks = np.random.default_rng(1).integers(8, size=400).tolist()
    before = network.backward(net.weights, net.biases, net.x, net.y, net.activations).loss
    weights, biases = list(sgd_neural_net(net, picks, lambda _: 0.5))[-1]
    after = network.backward(weights, biases, net.x, net.y, net.activations).loss
    yield Finding("train on 8 points for 400 steps", f"J falls from {before:.3f} to {after:.3f}", after < before / 2.0)


def _eta(t: int) -> float:
    return ETA / t


@erratum(
    "E-MIT-8",
    kind="m",
    lecture="mit6036",
    printed="∂loss/∂A^l = ∂loss/∂Z^{l+1} · ∂Z^{l+1}/∂A^l, ∂loss/∂Z^l = ∂loss/∂A^l · ∂A^l/∂Z^l, ∂loss/∂W^l = ∂loss/∂Z^l · ∂Z^l/∂W^l",
    right="∂loss/∂A^l = W^{l+1} ∂loss/∂Z^{l+1}, ∂loss/∂Z^l = ∂A^l/∂Z^l ∂loss/∂A^l, ∂loss/∂W^l = A^{l-1} (∂loss/∂Z^l)ᵀ",
    lesson="In the denominator layout a chain is written from the inside out; in the other order the shapes do not fit, "
    "which is how you notice.",
)
def _order_missed() -> Iterator[Miss]:
    W2 = FIXTURE.weights[1]
    Z, A = _forward(FIXTURE.weights, FIXTURE.biases, FIXTURE.x, FIXTURE.activations)
    dZ = network.backward(FIXTURE.weights, FIXTURE.biases, FIXTURE.x, FIXTURE.y, FIXTURE.activations).deltas
    f1 = np.diag(network.tanh_slope(Z[0][:, 0]))
    loss, nodes = fixture_nodes()
    true_dA1, true_dZ1 = [slopes(loss, nodes[f"∂loss/∂{name}"]).reshape(-1, 1) for name in ("A1", "Z1")]
    dA1 = W2 @ dZ[1]
    yield Miss("∂loss/∂A1", _product(dZ[1], W2), dA1, true_dA1)
    yield Miss("∂loss/∂Z1", _product(dA1, f1), f1 @ dA1, true_dZ1)
    yield Miss("∂loss/∂W1", _product(dZ[0], A[0]), network.weight_gradient(A[0], dZ[0]), _true_gradients(FIXTURE)[0])


@erratum(
    "E-MIT-9",
    kind="m",
    lecture="mit6036",
    printed="W^l is updated inside the backward loop, before layer l-1 is reached.",
    right="Take all gradients first, then update: ∂loss/∂A^{l-1} needs the W^l that the forward pass used.",
    lesson="The error is proportional to η, so a small step hides it and a test against a difference quotient finds it.",
)
def _inside_missed() -> Iterator[Miss]:
    right = network.backward(FIXTURE.weights, FIXTURE.biases, FIXTURE.x, FIXTURE.y, FIXTURE.activations).weights
    used, truth = _updating_inside(FIXTURE, ETA), _true_gradients(FIXTURE)
    for layer in (0, 1):
        yield Miss(f"∂loss/∂W{layer + 1} that the loop uses, η = {ETA:g}", used[layer], right[layer], truth[layer])


erratum(
    "E-MIT-10",
    kind="n",
    lecture="mit6036",
    printed="SGD-NEURAL-NET takes the data, T, L, the widths m^1 to m^L and f^1 to f^L, and returns nothing; i counts both data points and weights.",
    right="It needs the output width n^L, Loss and η(t) too, and returns the weights; the data point's index wants a letter of its own.",
    lesson="Write down what an algorithm takes and gives before its first line: what is missing shows at once.",
)(None)


@item(
    "mit.sgd.depends_on_fL",
    kind="study",
    where="§5",
    statement="f^L enters at A^L, hence the loss and ∂loss/∂A^L, and at ∂A^L/∂Z^L; through ∂loss/∂Z^L it reaches every gradient.",
    notes="Z^1 to Z^L and A^1 to A^{L-1} do not depend on it",
)
def _depends_on_last() -> Iterator[Evidence]:
    other = replace(FIXTURE, activations=(*FIXTURE.activations[:-1], "tanh"))
    traces = [network.forward(n.weights, n.biases, n.x, n.activations) for n in (FIXTURE, other)]
    found = [network.backward(n.weights, n.biases, n.x, n.y, n.activations) for n in (FIXTURE, other)]
    stored = {
        "Z": [trace.pre_activations for trace in traces],
        "A": [trace.activations[1:] for trace in traces],
        "∂loss/∂Z": [s.deltas for s in found],
        "∂loss/∂W": [s.weights for s in found],
    }
    for name, (one, another) in stored.items():
        changed = [
            f"{name}{layer}"
            for layer, (a, b) in enumerate(zip(one, another, strict=True), 1)
            if not np.array_equal(a, b)
        ]
        expected = {"Z": [], "A": ["A3"]}.get(name, [f"{name}{layer}" for layer in (1, 2, 3)])
        yield Finding(f"exchange f^L and see which {name} change", ", ".join(changed) or "none", changed == expected)
    for f, trace, slopes_of in zip(("identity", "tanh"), traces, found, strict=True):
        net = replace(FIXTURE, activations=(*FIXTURE.activations[:-1], f))
        yield Comparison(f"A3 with f^L = {f}", trace.activations[3][:, 0], _engine_output(net))
        yield Comparison(f"∂loss/∂W1 with f^L = {f}", slopes_of.weights[0], _true_gradients(net)[0])


def _engine_output(net: Net) -> Array:
    weights, biases = graph_of(net)
    return data(graph_outputs(weights, biases, net.x[:, 0].tolist(), net.activations)[1][-1])
