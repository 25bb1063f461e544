"""Training: all gradients first, then all steps; why weights start at random, and where it ends."""

# pyright: reportUnusedFunction=false
# Evidence is called by the registry that the decorator puts it in.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from nn.lectures.graph import data, slopes
from nn.lectures.item import Comparison, Evidence, Finding, item
from nn.lectures.lai import forms
from nn.lectures.lai.layers import slopes_of, trace_of
from nn.lectures.lai.nets import FIXTURE, NETS, Net, leaves_of, mean_entropy
from nn.optim import SGD

__all__ = ["permuted", "stepped", "trained"]


def stepped(net: Net, eta: float) -> Net:
    """Return the network after one step: the gradients of all layers are computed before any of them changes."""
    found = slopes_of(net)
    weights = [forms.descent_step(W, slope, eta) for W, slope in zip(net.weights, found.weights, strict=True)]
    biases = [forms.descent_step(b, np.asarray(slope), eta) for b, slope in zip(net.biases, found.biases, strict=True)]
    return replace(net, weights=weights, biases=biases)


def trained(net: Net, steps: int, eta: float = 0.5) -> Net:
    """Return the network after some steps."""
    for _ in range(steps):
        net = stepped(net, eta)
    return net


def _one_by_one(net: Net, eta: float) -> Net:
    """Return the network after a step that changes each layer, from the output down, before the next δ is computed."""
    for i in range(len(net.weights) - 1, -1, -1):
        after = stepped(net, eta)
        weights, biases = list(net.weights), list(net.biases)
        weights[i], biases[i] = after.weights[i], after.biases[i]
        net = replace(net, weights=weights, biases=biases)
    return net


@item(
    "lai.algo.train",
    kind="algorithm",
    where="last slides",
    statement="Start at random; at each step compute the gradient of every layer, from the output down, and only then "
    "move all of them against it.",
    latex=r"\Theta_{t+1}^{[i]} = \Theta_t^{[i]} - \eta (\nabla L)^{[i]}",
    notes="batch gradient descent: all examples at each step",
)
def _training() -> Iterator[Evidence]:
    for net in NETS:
        weights, biases = leaves_of(net)
        parameters = [v for W in weights for row in W for v in row] + [v for b in biases for v in b]
        optimiser = SGD(parameters, lr=0.5)
        ours = net
        for step in range(1, 4):
            optimiser.zero_grad()
            mean_entropy(net, weights, biases).backward()
            optimiser.step()
            ours = stepped(ours, 0.5)
            for i, (W, b) in enumerate(zip(weights, biases, strict=True)):
                formula = forms.stacked(ours.weights[i], ours.biases[i])
                yield Comparison(f"Θ{i + 1} after {step} steps", formula, np.vstack([data(W), data(b)]))
    losses = [slopes_of(trained(FIXTURE, steps)).loss for steps in (0, 1, 500)]
    found = " → ".join([f"{loss:.4f}" for loss in losses])
    yield Finding("L after 0, 1 and 500 steps with η = 0.5", found, losses[0] > losses[1] > 10.0 * losses[2])
    hasty, patient = _one_by_one(FIXTURE, 0.5).weights[0], stepped(FIXTURE, 0.5).weights[0]
    off = float(np.max(np.abs(hasty - patient)))
    what = "changing the output layer before δ has gone back over its weights gives other weights"
    yield Finding(what, f"W1 differs by {off:.1e}", off > 1e-4)


def _from_zero(activation: str) -> Net:
    return replace(
        FIXTURE,
        weights=[np.zeros_like(W) for W in FIXTURE.weights],
        biases=[np.zeros_like(b) for b in FIXTURE.biases],
        activations=[activation, "softmax"],
    )


@item(
    "lai.init.zero",
    kind="claim",
    where="last slides",
    statement="Weights have to start at random, not at 0: neurons that start equal stay equal, or never learn at all.",
)
def _zeros() -> Iterator[Evidence]:
    shares = np.mean(FIXTURE.y, axis=0)
    entropy = float(-np.sum(shares * np.log(shares)))
    for activation in ("tanh", "relu"):
        net = _from_zero(activation)
        weights, biases = leaves_of(net)
        loss = mean_entropy(net, weights, biases)
        for i, W in enumerate(weights):
            yield Comparison(f"∂L/∂W{i + 1} at 0, {activation}", slopes_of(net).weights[i], slopes(loss, W))
        net = trained(net, 500)
        moved = max(float(np.max(np.abs(W))) for W in net.weights)
        loss = slopes_of(net).loss
        found = f"after 500 steps |W| ≤ {moved:g} and L = {loss:.4f}; the entropy of the classes is {entropy:.4f}"
        holds = moved == 0.0 and abs(loss - entropy) < 1e-3
        yield Finding(f"{activation} from 0: only the output's bias learns, how frequent the classes are", found, holds)
    first = slopes_of(_from_zero("sigmoid")).weights
    net = trained(_from_zero("sigmoid"), 500)
    spread = float(np.max(np.ptp(trace_of(net).activations[1], axis=1)))
    found = f"|∂L/∂W1| ≤ {np.max(np.abs(first[0])):g}, |∂L/∂W2| ≤ {np.max(np.abs(first[1])):.4f} at first; "
    found += f"after 500 steps hidden neurons differ by {spread:g}"
    holds = bool(np.all(first[0] == 0.0) and np.any(first[1] != 0.0) and spread < 1e-12)
    yield Finding("logistic from 0: the hidden neurons learn, all of them the same", found, holds)
    losses = slopes_of(net).loss, slopes_of(trained(FIXTURE, 500)).loss
    found = f"L = {losses[0]:.4f} from 0, {losses[1]:.4f} from unequal weights"
    yield Finding("which costs dearly", found, losses[0] > 10.0 * losses[1])


def permuted(net: Net, order: Sequence[int]) -> Net:
    """Return a network of one hidden layer with its hidden neurons in another order: it computes the same."""
    (W1, W2), (b1, b2) = net.weights, net.biases
    return replace(net, weights=[W1[:, list(order)], W2[list(order)]], biases=[b1[list(order)], b2])


def _random(seed: int) -> Net:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=W.shape) for W in FIXTURE.weights]
    return replace(FIXTURE, weights=weights, biases=[np.zeros_like(b) for b in FIXTURE.biases])


@item(
    "lai.nonconvex",
    kind="claim",
    where="last slide",
    statement="L need not be convex, so no global minimum is promised; but it works well enough.",
)
def _not_convex() -> Iterator[Evidence]:
    here = trained(FIXTURE, 500)
    there = permuted(here, [1, 2, 0])
    middle = replace(
        here,
        weights=[(a + b) / 2.0 for a, b in zip(here.weights, there.weights, strict=True)],
        biases=[(a + b) / 2.0 for a, b in zip(here.biases, there.biases, strict=True)],
    )
    for name, net in (("here", here), ("there", there), ("half-way", middle)):
        loss = data(mean_entropy(net, *leaves_of(net)))
        yield Comparison(f"L {name}", np.array(slopes_of(net).loss), loss)
    ends, half_way = [slopes_of(net).loss for net in (here, there)], slopes_of(middle).loss
    found = f"L = {ends[0]:.4f} and {ends[1]:.4f}, half-way {half_way:.4f}"
    what = "two orders of the hidden neurons do equally well, what lies between them does not"
    yield Finding(what, found, bool(np.isclose(ends[0], ends[1])) and half_way > 10.0 * ends[0])
    runs = [slopes_of(trained(_random(seed), 500)).loss for seed in range(5)]
    found = f"L = {', '.join([f'{loss:.4f}' for loss in runs])}"
    yield Finding("from five random starts training comes near 0", found, max(runs) < 0.05)
