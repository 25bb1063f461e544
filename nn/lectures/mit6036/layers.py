"""§2 and the head of §3 of MIT 6.036, chapter 8: layers, and why a stack of linear ones is one linear one."""

# Items are called through the registry; W, Z, A and J are matrices and numbers that the page writes large.
# pyright: reportUnusedFunction=false, reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import product
from typing import Any, cast

import numpy as np

from autograd_core.ops import relu, tanh
from autograd_core.value import Value
from nn.lectures.graph import affine, data, jacobian, three_ways, transposed, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, closed_form, erratum, item
from nn.lectures.mit6036 import network
from nn.lectures.mit6036.nets import FIXTURE, NETS, flat, graph_outputs
from nn.neuron import Layer, Sequential

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([0.0, 1.0, 1.0, 0.0])


# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def total(weights: Sequence[Array]) -> Array:
    """Return W^total = W^Lᵀ ... W^1ᵀ, of shape (outputs, inputs): it multiplies X from the left as it is."""
    W_total = np.eye(weights[0].shape[0])
    for W in weights:
        W_total = W.T @ W_total
    return W_total


@closed_form
def single_weight(weights: Sequence[Array]) -> Array:
    """Return W = W^1 W^2 ... W^L, the weight (in, out) of the one linear layer that does the same."""
    W = np.eye(weights[0].shape[0])
    for W_l in weights:
        W = W @ W_l
    return W


@closed_form
def single_offset(weights: Sequence[Array], biases: Sequence[Array]) -> Array:
    """Return W0 = Σ_l (W^{l+1} ... W^L)ᵀ W0^l, the offset of that layer."""
    W0 = np.zeros_like(biases[-1])
    for layer, W0_l in enumerate(biases[:-1]):
        W0 = W0 + single_weight(weights[layer + 1 :]).T @ W0_l
    return W0 + biases[-1]


# ---------------------------------------------------------------- one layer


@item(
    "mit.layer.shapes",
    kind="convention",
    where="§2.1",
    statement="Vectors are columns; W has a row for each input and a column for each unit. Fully connected: all units have the same inputs.",
    shapes="W: m×n, W0: n×1, X: m×1, Z: n×1, A: n×1",
)
def _shapes() -> Iterator[Evidence]:
    for m, n in ((3, 2), (2, 4), (1, 3)):
        rng = np.random.default_rng(m)
        W, W0, X = rng.normal(size=(m, n)), rng.normal(size=(n, 1)), rng.normal(size=(m, 1))
        trace = network.forward([W], [W0], X, ["tanh"])
        Z, A = trace.pre_activations[0], trace.activations[1]
        yield Finding(
            f"a layer of {m} inputs and {n} units",
            f"W {W.shape}, W0 {W0.shape}, X {X.shape}, Z {Z.shape}, A {A.shape}",
            Z.shape == A.shape == (n, 1),
        )
        x = values(X[:, 0])
        slopes = jacobian(cast("list[Value]", affine(transposed(W.tolist()), x, W0[:, 0].tolist())), x)
        yield Comparison("what each unit takes from each input", W.T, slopes)


@item(
    "mit.layer.forward",
    kind="formula",
    where="§2.1",
    statement="A layer's output is f of its pre-activation, element by element.",
    latex=r"A = f(Z) = f(W^T X + W_0)",
    shapes="W: m×n, X: m×1, W0, Z and A: n×1",
    notes="softmax, which §3 adds to the activations, is not element by element",
)
def _layer() -> Iterator[Evidence]:
    for net in NETS:
        W, W0, f = net.weights[0], net.biases[0], net.activations[0]
        trace = network.forward([W], [W0], net.x[:, :1], [f])
        Z, A = graph_outputs([W.tolist()], flat([W0]), net.x[:, 0].tolist(), [f])
        yield Comparison("Z", trace.pre_activations[0][:, 0], data(Z[0]))
        yield Comparison(f"A for f = {f}", trace.activations[1][:, 0], data(A[1]))
    Z = np.array([0.2, -0.5, 1.3])
    moved = Z + np.array([0.0, 0.0, 0.7])
    for f, alone in (("sigmoid", True), ("softmax", False)):
        before, after = network.ACTIVATIONS[f](Z), network.ACTIVATIONS[f](moved)
        yield Finding(
            f"change Z3 and look at A1, f = {f}",
            f"A1 goes from {before[0]:.4f} to {after[0]:.4f}",
            bool(abs(after[0] - before[0]) < 1e-15) == alone,
        )


@item(
    "mit.single.linear_separator",
    kind="claim",
    where="§2.1",
    statement="One layer makes a linear hypothesis; with a step or a sigmoid on top the separator is a line still.",
)
def _separator() -> Iterator[Evidence]:
    grid = np.linspace(-2.0, 2.0, 17)
    right = [int(np.sum(network.step(CORNERS @ [u, v] + c) == XOR)) for u, v, c in product(grid, grid, grid + 0.01)]
    yield Finding(f"the best of {len(right)} lines for XOR", f"{max(right)} of 4 corners are right", max(right) == 3)
    z = CORNERS @ [0.7, -1.9] + 0.4
    yield Comparison("z(0,0) + z(1,1) against z(0,1) + z(1,0)", z[0] + z[3], z[1] + z[2])
    W, W0 = np.array([[0.7], [-1.9]]), np.array([[0.4]])
    along = np.linspace(-3.0, 3.0, 7)
    line = np.array([along, (0.7 * along + 0.4) / 1.9])
    for shift, side in ((0.0, 0.5), (-0.1, 1.0), (0.1, 0.0)):
        A = network.forward([W], [W0], line + np.array([[0.0], [shift]]), ["sigmoid"]).activations[1]
        yield Finding(
            f"σ at points {shift:+g} above the line wᵀx + w0 = 0",
            f"between {A.min():.4f} and {A.max():.4f}",
            bool(np.all(np.abs(A - 0.5) < 1e-12) if side == 0.5 else np.all((A > 0.5) == (side == 1.0))),
        )


# ---------------------------------------------------------------- many layers


@item(
    "mit.layers.forward",
    kind="formula",
    where="§2.2",
    statement="Each layer takes the output of the one before, the first one X.",
    latex=r"Z^l = {W^l}^T A^{l-1} + W_0^l \qquad A^l = f^l(Z^l) \qquad A^0 = X",
    shapes="W^l: m^l×n^l, W0^l: n^l×1, A^{l-1}: m^l×1 with m^l = n^{l-1}",
    errata=("E-MIT-3",),
)
def _layers() -> Iterator[Evidence]:
    for net in NETS:
        trace = network.forward(net.weights, net.biases, net.x, net.activations)
        weights = [W.tolist() for W in net.weights]
        graphs = [graph_outputs(weights, flat(net.biases), x, net.activations) for x in net.x.T.tolist()]
        for layer in range(len(weights)):
            yield Comparison(
                f"Z{layer + 1}", trace.pre_activations[layer], np.array([data(Z[layer]) for Z, _ in graphs]).T
            )
            yield Comparison(
                f"A{layer + 1}", trace.activations[layer + 1], np.array([data(A[layer + 1]) for _, A in graphs]).T
            )


erratum(
    "E-MIT-3",
    kind="o",
    lecture="mit6036",
    printed="In the text at hand some layer indices l read as 1, and the first block of the diagram holds the second layer's offset.",
    right="The formulas hold for every layer l; layer l's linear block holds W^l and W0^l.",
    lesson="Check an index by the shapes: W^l is m^l × n^l only if all three letters name the same layer.",
)(None)


@item(
    "mit.layers.per_layer_f",
    kind="architecture",
    where="§2.2, §3",
    statement="A layer is a linear block and an activation block; units of one layer could differ in f, but usually do not.",
)
def _per_layer() -> Iterator[Evidence]:
    W, W0, x = FIXTURE.weights[0], FIXTURE.biases[0], FIXTURE.x[:, 0]
    blocks = Sequential(Layer(3, 2, "identity", rng=0), lambda zs: [tanh(z) for z in zs])
    layer = Layer(3, 2, "tanh", rng=0)
    for module, names in ((blocks, ("0.weight", "0.bias")), (layer, ("weight", "bias"))):
        module.load_state_dict(dict(zip(names, (W.T, W0[:, 0]), strict=True)))
    A = network.forward([W], [W0], FIXTURE.x, ["tanh"]).activations[1][:, 0]
    yield Comparison("linear block, then activation block", A, data(list(blocks(x.tolist()))))
    yield Comparison("the same as one layer", A, data(list(layer(x.tolist()))))
    Z = network.pre_activation(W, W0, FIXTURE.x)[:, 0]
    slope = network.tanh_slope(Z[:1])[0] * W[:, 0] + network.relu_slope(Z[1:])[0] * W[:, 1]

    def mixed(x: Any) -> Any:
        z1, z2 = affine(W.T.tolist(), x, W0[:, 0].tolist())
        return tanh(cast("Any", z1)) + relu(cast("Any", z2))

    yield three_ways("∂(tanh(z1) + relu(z2))/∂x, two activations in one layer", mixed, x, slope)


# ---------------------------------------------------------------- linear layers collapse


@item(
    "mit.linear.collapse",
    kind="claim",
    where="§3",
    statement="With the identity for f, the layers multiply out to one matrix: the network is linear in X.",
    latex=r"A^L = {W^L}^T \cdots {W^1}^T X = W^{total} X",
    shapes="W^total: n^L×m^1, the transpose of a weight in this text's layout",
    errata=("E-MIT-4",),
)
def _collapse() -> Iterator[Evidence]:
    for net in NETS:
        weights = [W.tolist() for W in net.weights]
        linear = ["identity"] * len(weights)
        x = values(net.x[:, 0])
        A = graph_outputs(weights, [None] * len(weights), x, linear)[1][-1]
        yield Comparison("W^total X", total(net.weights) @ net.x[:, 0], data(A))
        yield Comparison("W^total", total(net.weights), jacobian(A, x))
        yield Comparison("W^1 ... W^L", single_weight(net.weights), jacobian(A, x).T)
    net = NETS[1]
    bent = [
        network.forward(net.weights, net.biases, net.x * c, ("relu", "identity")).activations[-1]
        for c in (0.0, 1.0, 2.0)
    ]
    bend = float(np.max(np.abs(bent[2] - 2.0 * bent[1] + bent[0])))
    yield Finding(
        "put a ReLU in between", f"A(2x) - 2 A(x) + A(0) is up to {bend:.3f}, where a linear layer has 0", bend > 0.01
    )


erratum(
    "E-MIT-4",
    kind="n",
    lecture="mit6036",
    printed="A^L = W^total X.",
    right="As a weight of this text's layout it is W = W^1 W^2 ... W^L = (W^total)ᵀ, applied as Wᵀ X.",
    lesson="A product of transposes is the transpose of the product in the other order; name which of the two a letter "
    "stands for, or the shapes will.",
)(None)


@item(
    "mit.linear.collapse.study",
    kind="study",
    where="§3",
    statement="Any number of linear layers, offsets included, is one linear layer.",
    latex=r"W = W^1 \cdots W^L \qquad W_0 = \sum_l (W^{l+1} \cdots W^L)^T W_0^l",
    shapes="W: m^1×n^L, W0: n^L×1",
)
def _collapse_study() -> Iterator[Evidence]:
    for net in NETS:
        W, W0 = single_weight(net.weights), single_offset(net.weights, net.biases)
        weights, linear = [W_l.tolist() for W_l in net.weights], ["identity"] * len(net.weights)
        outputs = [graph_outputs(weights, flat(net.biases), x, linear)[1][-1] for x in net.x.T.tolist()]
        yield Comparison("A of one layer", W.T @ net.x + W0, np.array([data(A) for A in outputs]).T)
    rank = np.linalg.matrix_rank(reduce(np.matmul, NETS[3].weights))
    yield Finding(
        "the converse: represent a 2×2 matrix by layers of which one is 1 wide",
        f"the product has rank {rank}: a narrow layer takes something away",
        rank == 1,
    )
