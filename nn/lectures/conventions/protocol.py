"""How every formula is checked, and where the lectures are at odds."""
# pyright: reportUnusedFunction=false
# The registry holds the items; nothing calls them by name.

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograd_core.ops import relu, softmax, step, tanh
from nn.lectures.conventions.notations import BIASES, FIVE, LABELS, POINTS, WEIGHTS, module_of
from nn.lectures.graph import central
from nn.lectures.item import Array, Comparison, Evidence, Finding, erratum, item
from nn.lectures.levine import network as levine
from nn.lectures.registry import errata_of, items_of

__all__: list[str] = []


@item(
    "x.check.protocol",
    kind="algorithm",
    where="– (recommended)",
    latex=r"\left|g_{\mathrm{graph}} - g_{\mathrm{formula}}\right| \le 10^{-12} \max(1, |g|), \quad"
    r" \left|g_{\mathrm{graph}} - g_{\mathrm{central}}\right| \le 10^{-7}",
    statement="Every gradient is computed from the graph, by the lecture's formula and as a central difference, and all three agree.",
    notes="steps of 1e-6, away from kinks; what is printed wrongly has to miss by more than 1e-3",
    errata=tuple(f"E-X-{n}" for n in range(1, 11)),
)
def _protocol() -> Iterator[Evidence]:
    yield from _steps()
    yield from _conflicts()
    for lecture in FIVE:
        yield _all_gradients(lecture)
        yield _all_slips(lecture)


def _all_gradients(lecture: str) -> Finding:
    gradients = [i for i in items_of(lecture) if i.kind == "gradient"]
    found = [e for i in gradients for e in i.evidence()]
    numbers = [e for e in found if isinstance(e, Comparison)]
    three = [e for e in numbers if e.autograd is not None and e.central is not None]
    return Finding(
        f"compute every gradient of {lecture} three ways",
        f"{len(gradients)} items, {len(numbers)} comparisons, {len(three)} of them three ways; formula and graph differ by "
        f"at most {max([e.difference for e in numbers], default=0.0):.0e}, from central differences by {max([e.off_central for e in three], default=0.0):.0e}",
        bool(three) and all(e.agrees for e in found),
    )


def _all_slips(lecture: str) -> Finding:
    misses = [m for slip in errata_of(lecture) if slip.misses is not None for m in slip.misses()]
    shown = [m for m in misses if m.shown]
    return Finding(
        f"try what {lecture} prints wrongly, and its correction",
        f"{len(shown)} of {len(misses)} printed forms miss and corrected ones hold",
        bool(misses) and len(shown) == len(misses),
    )


def _steps() -> Iterator[Finding]:
    """Show why the step is 1e-6, and why kinks are kept away from."""
    off = {h: abs(float(central(tanh, 0.7, h)) - (1.0 - np.tanh(0.7) ** 2)) for h in (1e-2, 1e-6, 1e-12)}
    errors = ", ".join(f"{error:.0e} with a step of {h:.0e}" for h, error in off.items())
    yield Finding(
        "central differences of tanh: a long step misses the bend, a short one drowns in rounding",
        errors,
        bool(off[1e-6] < 1e-9 < min(off[1e-2], off[1e-12])),
    )
    near, far = float(central(relu, 3e-7)), float(central(relu, 1e-3))
    yield Finding(
        "central differences of ReLU, at 3e-7 and at 1e-3: a step must not reach across the kink",
        f"slopes {near:.2f} and {far:.2f}",
        abs(near - 1.0) > 0.1 and abs(far - 1.0) < 1e-7,
    )


def _conflicts() -> Iterator[Finding]:
    """Try what the lectures define differently, where no other item of this room does."""
    at_zero = step(0.0)
    yield Finding("a step function at 0: AI 50.021 has 0 there, MIT has 1", f"the engine has {at_zero}", at_zero == 0.0)
    a = [1.5, -0.3, 0.4]
    by_scores, by_activations = np.array(softmax(a)), np.array(softmax([tanh(s) for s in a]))
    yield Finding(
        "a softmax of the scores (Lai, MIT), and of their tanh (AI 50.021)",
        f"{by_scores.round(3).tolist()} and {by_activations.round(3).tolist()}",
        float(np.abs(by_scores - by_activations).max()) > 1e-3,
    )
    layers = len(levine.forward(WEIGHTS, BIASES, POINTS).pre_activations)
    rows = len(module_of("malik").forward([W.T for W in WEIGHTS], BIASES, POINTS.T, ["sigmoid"] * layers).activations)
    yield Finding(
        "count the layers of 3-4-2: weights (Levine, Lai, MIT), or rows of nodes (Malik, in one place)",
        f"{layers} and {rows}",
        (layers, rows) == (2, 3),
    )
    deferred, in_place = (_first_slope(rate) for rate in (0.0, 0.5))
    apart = float(np.abs(deferred - in_place).max())
    yield Finding(
        "update W(2) before the slope by W(1) is computed (MIT's pseudo-code), or after (Lai)",
        f"the slopes by W(1) are up to {apart:.4f} apart",
        apart > 1e-3,
    )


def _first_slope(rate: float) -> Array:
    """Return Levine's slope by W(1), with a W(2) that has already taken a step of some rate along its own."""
    trace = levine.forward(WEIGHTS, BIASES, POINTS)
    found = levine.backward(WEIGHTS, BIASES, POINTS, LABELS)
    second = WEIGHTS[1] + rate * found.weights[1]
    dh = levine.activation_slope(second, found.deltas[1])
    return levine.weight_slope(levine.pre_activation_slope(dh, trace.pre_activations[0]), POINTS)


# ---------------------------------------------------------------- conflicts between the lectures

_CONFLICTS = (
    ("E-X-1", "AI 50.021's threshold is 0 at 0, MIT's step is 1 there.", "Either will do if it is said; here step(0) = 0.",
     "On data that lie exactly on a border, as in XOR with whole weights, the value at 0 decides the class."),
    ("E-X-2", "AI 50.021 takes the softmax of activations, Lai and MIT of scores.", "Say which numbers go in.",
     "After a tanh the scores lie in (-1, 1), so no probability can come near 1: e² is the largest ratio of two."),
    ("E-X-3", "Malik's squared error has a factor of ½, MIT's has none.", "Say which: the slopes differ by a factor of 2.",
     "The half cancels the 2 of the derivative; leaving it out is the same as twice the learning rate."),
    ("E-X-4", "AI 50.021 calls pre-activations a and activations z, Lai and MIT the other way round.",
     "Ask whether the activation function comes before or after.",
     "A formula copied with its letters from one text to another then has a factor g' too many or too few."),
    ("E-X-5", "Lai divides by the number of examples, the others add up.", "Say which: the slopes differ by that factor.",
     "With a sum, a good learning rate shrinks as the batch grows; with a mean it does not."),
    ("E-X-6", "W_ij is (out, in) for Levine and (in, out) for Malik, Lai and MIT; AI 50.021 uses both orders.",
     "Say which index is the input's.", "Try formulas on layers that are not square, where a forgotten transpose fails at once."),
    ("E-X-7", "Levine maximises a log-likelihood, the others minimise a loss.", "The slopes are each other's negatives.",
     "A sign in the update belongs to a sign in the objective: change both or neither."),
    ("E-X-8", "Labels are 0 and 1, or -1 and 1, or one-hot rows.", "(y + 1)/2 leads from the second to the others.",
     "Each loss takes one coding: log-likelihoods have 0 and 1 as exponents, the hinge has a sign as a factor."),
    ("E-X-9", "The same network has two layers for some and three for others.", "Count layers of weights.",
     "Counting rows of nodes with the input, without it, or hidden ones alone gives three, two and one for one network."),
    ("E-X-10", "MIT's pseudo-code updates each layer on the way back, Lai all layers at the end.", "Update at the end.",
     "Backpropagation needs the weights that the forward pass used; new ones give the slope of no function."),
)  # fmt: skip

for _id, _printed, _right, _lesson in _CONFLICTS:
    erratum(_id, kind="n", lecture="conventions", printed=_printed, right=_right, lesson=_lesson)(None)
