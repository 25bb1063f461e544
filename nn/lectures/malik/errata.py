"""What the text prints and does not mean; for the mathematical slips, the numbers that show it."""

# pyright: reportUnusedFunction=false
# Misses are yielded by the registry that the decorator puts them in.

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nn.lectures.graph import data, slopes, values
from nn.lectures.item import Miss, erratum
from nn.lectures.malik import forms
from nn.lectures.malik.backpropagation import passes
from nn.lectures.malik.chain import example, example_by_path, input_slope_on_graph
from nn.lectures.malik.model import LABELS
from nn.lectures.malik.nets import FIXTURE, NETS, activated, error_from, layers
from nn.lectures.malik.training import OUTPUTS, cross_entropy_on_graph

erratum(
    "E-MAL-1",
    kind="n",
    lecture="malik",
    printed="The input of a node is written w_1 x_1 + … + w_n x_n, and n counts both the inputs and the nodes.",
    right="w_1j x_1 + … + w_nj x_n for node j, with a number of nodes that has a letter of its own.",
    lesson="A weight belongs to an edge, so it takes two indices; leave one out and all nodes seem to compute the same.",
)(None)

erratum(
    "E-MAL-2",
    kind="n",
    lecture="malik",
    printed="x_2 = g(S_2), where x_2 is already the second input of the sum S_2.",
    right="v_2 = g(S_2), as the nodes are called; or a superscript for the layer, as from §3.2 on.",
    lesson="One letter for inputs and outputs is fine as long as the layer is written beside it.",
)(None)


@erratum(
    "E-MAL-3",
    kind="m",
    lecture="malik",
    printed="O_i = g(Σ_j w_ij g(Σ_k w_jk x_k)): destination first, and one letter for both stages.",
    right="O_i = g(Σ_j w_ji^(2) g(Σ_k w_kj^(1) x_k)): source first, as §1.1 and §3.2 have it.",
    lesson="With square matrices a swapped pair of indices gives no error, only wrong numbers: test on layers of unequal size.",
)
def _swapped_indices() -> Iterator[Miss]:
    w1, w2, x = np.array([[0.1, -0.2], [0.5, 0.6]]), np.array([[0.4, -0.5], [0.6, 0.7]]), np.array([0.5, -1.0])
    hidden = forms.logistic(np.einsum("jk,k->j", w1, x))
    printed = forms.logistic(np.einsum("ij,j->i", w2, hidden))
    truth = data(layers([w1.tolist(), w2.tolist()], x.tolist(), ["sigmoid", "sigmoid"])[1][-1])
    yield Miss("the outputs of a 2-2-2 network", printed, forms.two_stages(w1, w2, x, "sigmoid"), truth)


erratum(
    "E-MAL-4",
    kind="n",
    lecture="malik",
    printed="The same network is called three-layer in §1.2 and two-layer in §2.2.",
    right="Three layers of nodes, two layers of weights.",
    lesson="Say what you count: nodes or weights. §3.2 settles it by numbering layers from 0, the inputs, to L.",
)(None)


@erratum(
    "E-MAL-5",
    kind="m",
    lecture="malik",
    printed="The ReLU is said to be discontinuous.",
    right="The ReLU is continuous; its derivative jumps from 0 to 1 at 0.",
    lesson="A bend suffices for a network to be more than linear; and because the ReLU has no jump, small steps of "
    "training change its output by little.",
)
def _no_jump() -> Iterator[Miss]:
    sides = values([1e-13, -1e-13])
    bends = activated("relu", sides)
    jump_of_slope = float(slopes(bends[0], sides)[0] - slopes(bends[1], sides)[1])
    height = forms.relu(np.array(1e-13)) - forms.relu(np.array(-1e-13))
    yield Miss(
        "the height of the ReLU's jump at 0", np.array(jump_of_slope), height, np.array(data(bends[0]) - data(bends[1]))
    )


erratum(
    "E-MAL-6",
    kind="o",
    lecture="malik",
    printed="w_old η ∇_w α: no minus, and an α where ℒ should be.",
    right="w_old - η ∇_w ℒ.",
    lesson="Without the minus the step is a product and leads nowhere; with a plus it climbs.",
)(None)


@erratum(
    "E-MAL-7",
    kind="m",
    lecture="malik",
    printed="(1 - y) log 1 - o, without brackets around 1 - o.",
    right="(1 - y) log(1 - o).",
    lesson="Read as it stands, log 1 is 0 and the term is -o(1 - y): nearly right for small o, so the loss looks "
    "plausible. Its slope does not blow up for a sure mistake, which is what the cross-entropy is for.",
)
def _lost_brackets() -> Iterator[Miss]:
    o, y = OUTPUTS, LABELS
    printed = -np.sum(y * np.log(o) + (1.0 - y) * (np.log(1.0) - o))
    leaves = values(o)
    truth = cross_entropy_on_graph(leaves)
    yield Miss("ℒ of three samples", printed, np.array(forms.cross_entropy(o, y)), data(truth))
    yield Miss("∂ℒ/∂o", -y / o + (1.0 - y), forms.cross_entropy_slope(o, y), slopes(truth, leaves))


@erratum(
    "E-MAL-8",
    kind="m",
    lecture="malik",
    printed="g'(s) = 1 for s ≥ 0, although g is defined by its flat branch at 0.",
    right="1 for s > 0; at 0 there is no derivative, and every number in [0, 1] is a subgradient. The engine takes 0.",
    lesson="Which number stands at the kink is a choice, and programs differ; write it down, and keep gradient checks away "
    "from it. The branch that defines g at 0 has the slope 0.",
)
def _slope_at_zero() -> Iterator[Miss]:
    zero = values([0.0])
    printed = np.where(np.zeros(1) >= 0.0, 1.0, 0.0)
    yield Miss(
        "g'(0) of the branch that holds 0",
        printed,
        forms.relu_slope(np.zeros(1)),
        slopes(activated("relu", zero)[0], zero),
    )


erratum(
    "E-MAL-9",
    kind="n",
    lecture="malik",
    printed="The difference of the losses is divided by Δw_ik.",
    right="By Δw_jk, the change that was made.",
    lesson="A difference quotient has the same change above and below the line.",
)(None)


@erratum(
    "E-MAL-10",
    kind="m",
    lecture="malik",
    printed="In the end δ is computed at the input layer.",
    right="The last δ is that of the first hidden layer. Inputs have no total input S, so no g' and no δ; ∂e/∂x, if "
    "someone asks for it, is Σ_j δ_j w_ij.",
    lesson="Every weight of layer 1 needs δ of the nodes that it leads to, and the inputs themselves, nothing else.",
)
def _no_delta_at_inputs() -> Iterator[Miss]:
    for net in NETS[:2]:
        delta = passes(net)[1].deltas[0][0]
        printed = forms.delta_hidden(delta, net.weights[0], net.activation, net.x)
        truth = input_slope_on_graph(net.weights, net.x, net.y, net.activation)
        yield Miss(f"∂e/∂x, {net.activation}", printed, forms.input_slope(delta, net.weights[0]), truth)


@erratum(
    "E-MAL-11",
    kind="m",
    lecture="malik",
    printed="A change of y is said to change z, which changes x, which changes f; and the total derivative is written ∂f/∂y.",
    right="x does not depend on z: y acts on f over x and, apart from that, over z. The sum over both paths is df/dy.",
    lesson="Count paths in the graph, not in the order of the sentences: an edge that is not there contributes 0, and one "
    "that is forgotten is missing from the sum.",
)
def _no_such_path() -> Iterator[Miss]:
    for y in (1.3, -0.7, 2.0):
        x_by_z = 0.0
        over_x, _ = example_by_path(y)
        printed = 2.0 * (2.0 * y) * np.sin(y) * x_by_z * np.cos(y) + over_x
        leaves = values([y])
        truth = slopes(example(leaves), leaves)
        yield Miss(f"df/dy at y = {y}", np.array([printed]), forms.chain_example(np.array([y])), truth)


erratum(
    "E-MAL-12",
    kind="n",
    lecture="malik",
    printed="δ = ∂e/∂S_j^(L), without an index on the left.",
    right="δ_j^(L): one for each output node.",
    lesson="Indices that are free on one side are free on the other.",
)(None)


@erratum(
    "E-MAL-13",
    kind="m",
    lecture="malik",
    printed="The base case differentiates by δ_i: ∂e/∂δ_i^(L).",
    right="It differentiates by S_i: δ_i^(L) = ∂e/∂S_i^(L) is the derivative itself.",
    lesson="A name for a derivative is no variable to differentiate by. Taken at its word, ∂e/∂δ is another number.",
)
def _by_delta() -> Iterator[Miss]:
    s, y = passes(FIXTURE)[0].pre_activations[-1][0], FIXTURE.y
    right = forms.delta_output("sigmoid", s, y)
    step = 1e-6
    turn = (forms.delta_output("sigmoid", s + step, y) - forms.delta_output("sigmoid", s - step, y)) / (2.0 * step)
    leaves = values(s)
    truth = slopes(error_from(FIXTURE, 2, leaves), leaves)
    yield Miss("δ of the outputs", right / turn, right, truth)


@erratum(
    "E-MAL-14",
    kind="m",
    lecture="malik",
    printed="Σ_j δ_i^(l) w_ij g'(S_i): the δ inside the sum has the index of the node below.",
    right="Σ_j δ_j^(l) w_ij g'(S_i).",
    lesson="What is summed over must occur under the sum: δ_i^(l) is not even defined where layer l has fewer nodes than "
    "the layer below.",
)
def _wrong_delta() -> Iterator[Miss]:
    trace, slopes_of = passes(FIXTURE)
    s, w, delta = trace.pre_activations[0][0, :2], FIXTURE.weights[1][:2], slopes_of.deltas[1][0]
    printed = np.einsum("i,ij->i", delta, w) * forms.g_prime("sigmoid", s)
    leaves = values(trace.pre_activations[0][0])
    truth = slopes(error_from(FIXTURE, 1, leaves), leaves)[:2]
    yield Miss("δ of the first two hidden nodes", printed, forms.delta_hidden(delta, w, "sigmoid", s), truth)


erratum(
    "E-MAL-15",
    kind="n",
    lecture="malik",
    printed="x_i^(l-1) is said to affect S_i^(l) and x_i^(l).",
    right="It affects S_j^(l) and x_j^(l) for every j.",
    lesson="In a fully connected layer each node reaches all nodes above it; that is where the sum over j comes from.",
)(None)

erratum(
    "E-MAL-16",
    kind="o",
    lecture="malik",
    printed="In the last display the equation has slipped into the denominator of the fraction.",
    right="∂e/∂w_ij^(l) = δ_j^(l) x_i^(l-1).",
    lesson="The result is the one derived in §3.3.",
)(None)
