"""§4 of MIT 6.036, chapter 8: error back-propagation, from the chain rule in words to shapes that fit."""

# Items are called through the registry; W, Z, A and J are matrices and numbers that the page writes large.
# pyright: reportUnusedFunction=false, reportConstantRedefinition=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, cast

import numpy as np

from autograd_core.backward import gradients
from autograd_core.ops import softmax, sum
from autograd_core.value import Number, Value
from nn.lectures.graph import Nested, affine, central, data, jacobian, slopes, three_ways, transposed, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, closed_form, erratum, item
from nn.lectures.mit6036 import network
from nn.lectures.mit6036.lifted import offset_gradients_lifted, pre_activation_gradients_lifted, weight_gradients_lifted
from nn.lectures.mit6036.nets import (
    FIXTURE,
    NETS,
    Net,
    activated,
    flat,
    graph_loss,
    graph_of,
    graph_outputs,
    loss_named,
)

# ---------------------------------------------------------------- the lecture's formulas


@closed_form
def last_layer(A: Array, Z: Array, dA: Array, f: str) -> Array:
    """Return ∂loss/∂W^L by components: (∂loss/∂A_p) f'(Z_p) A_j at row j and column p."""
    slope = network.SLOPES[f](Z)
    return np.array([[dA[p] * slope[p] * A[j] for p in range(len(Z))] for j in range(len(A))])


@closed_form
def activation_slope(Z: Array, f: str) -> Array:
    """Return ∂A/∂Z: a diagonal matrix of f', or that of softmax, whose outputs depend on every z."""
    return softmax_slope(Z) if f == "softmax" else np.diag(network.SLOPES[f](Z))


@closed_form
def softmax_slope(z: Array) -> Array:
    """Return ∂A_i/∂z_j = A_i ([i = j] - A_j)."""
    p = network.softmax(z)
    return np.diag(p) - np.outer(p, p)


@closed_form
def loss_slope(A: Array, Y: Array, f: str) -> Array:
    """Return ∂loss/∂A^L of the loss that belongs to the last activation."""
    if f == "softmax":
        return -Y / A
    return (1.0 - Y) / (1.0 - A) - Y / A if f == "sigmoid" else network.squared_slope(A, Y)


@closed_form
def pre_activation_slope(
    weights: Sequence[Array], Zs: Sequence[Array], activations: Sequence[str], dA: Array, layer: int
) -> Array:
    """Return ∂loss/∂Z^l as equation 8.3 has it: ∂A^l/∂Z^l W^{l+1} ∂A^{l+1}/∂Z^{l+1} ... W^L ∂A^L/∂Z^L ∂loss/∂A^L."""
    product = activation_slope(Zs[layer], activations[layer])
    for W, Z, f in zip(weights[layer + 1 :], Zs[layer + 1 :], activations[layer + 1 :], strict=True):
        product = product @ W @ activation_slope(Z, f)
    return product @ dA


@closed_form
def weight_jacobian(A: Array, n: int) -> Array:
    """Return ∂Z_i/∂W_jp = A_j [i = p], an array n×m×n."""
    return np.einsum("j,ip->ijp", A, np.eye(n))


# ---------------------------------------------------------------- the graph's side


def _first_point(net: Net) -> Net:
    return Net(net.weights, net.biases, net.x[:, :1], net.y[:, :1], net.activations)


SINGLE = tuple([_first_point(net) for net in NETS])
"""The same networks with one data point each, as the section has it."""


def _backward(net: Net) -> network.Slopes:
    return network.backward(net.weights, net.biases, net.x, net.y, net.activations)


def _trace(net: Net) -> tuple[list[Array], list[Array]]:
    """Return Z of layers 1 to L and A of layers 0 to L for one data point, as flat arrays."""
    trace = network.forward(net.weights, net.biases, net.x, net.activations)
    return [Z[:, 0] for Z in trace.pre_activations], [A[:, 0] for A in trace.activations]


def _loss_from(net: Net, layer: int, Z: Nested) -> Number:
    """Return the loss at one data point as a function of Z^l, the layers counted from 0."""
    A = activated(net.activations[layer], Z)
    above = slice(layer + 1, None)
    weights = [W.tolist() for W in net.weights[above]]
    outputs = graph_outputs(weights, flat(net.biases[above]), A, net.activations[above])[1][-1]
    return loss_named(net.activations[-1])(outputs, net.y[:, 0].tolist())


def _by_weights(net: Net, layer: int, formula: Array, quantity: str) -> Comparison:
    weights, biases = [W.tolist() for W in net.weights], flat(net.biases)

    def loss(W: Nested) -> Number:
        return graph_loss([*weights[:layer], W, *weights[layer + 1 :]], biases, net)

    return three_ways(quantity, loss, net.weights[layer], formula)


def _by_offsets(net: Net, layer: int, formula: Array, quantity: str) -> Comparison:
    weights, biases = [W.tolist() for W in net.weights], flat(net.biases)

    def loss(W0: Nested) -> Number:
        return graph_loss(weights, [*biases[:layer], W0, *biases[layer + 1 :]], net)

    return three_ways(quantity, loss, net.biases[layer][:, 0], formula)


def _undefined(a: Array, b: Array) -> bool:
    """Tell whether a matrix product is undefined."""
    try:
        return (a @ b).size == 0
    except ValueError:
        return True


# ---------------------------------------------------------------- the gradient of the weights


@item(
    "mit.bp.sum_of_points",
    kind="claim",
    where="§4",
    statement="The gradient for batch descent is the sum of the gradients of single points.",
)
def _sum_of_points() -> Iterator[Evidence]:
    for net in NETS:
        points = [
            network.backward(net.weights, net.biases, net.x[:, [i]], net.y[:, [i]], net.activations)
            for i in range(net.x.shape[1])
        ]
        weights, biases = graph_of(net)
        loss = cast("Value", graph_loss(weights, biases, net))
        for layer in range(len(weights)):
            added = np.sum([point.weights[layer] for point in points], axis=0)
            yield Comparison(f"∂J/∂W{layer + 1} over {len(points)} points", added, slopes(loss, weights[layer]))
            yield Comparison(f"the same from one batch, W{layer + 1}", _backward(net).weights[layer], added)


@item(
    "mit.bp.lastW.informal",
    kind="gradient",
    where="§4",
    statement="The last layer's weight gradient is the product of how the loss depends on A, A on Z, and Z on W.",
    latex=r"\frac{\partial loss}{\partial W^L} = \frac{\partial loss}{\partial A^L} \cdot \frac{\partial A^L}{\partial Z^L} \cdot \frac{\partial Z^L}{\partial W^L}",
    notes="informal: it holds component by component; as matrices the factors do not multiply in this order",
)
def _last_weights() -> Iterator[Evidence]:
    for net in SINGLE:
        if net.activations[-1] == "softmax":
            continue
        Z, A = _trace(net)
        dA = loss_slope(A[-1], net.y[:, 0], net.activations[-1])
        formula = last_layer(A[-2], Z[-1], dA, net.activations[-1])
        yield _by_weights(net, len(Z) - 1, formula, "∂loss/∂W of the last layer")
    Z, A = _trace(FIXTURE)
    dA, slope = np.ones((2, 1)), activation_slope(Z[-1], "identity")
    yield Finding(
        "multiply the factors as matrices in the order written",
        f"{dA.shape} times {slope.shape} is undefined",
        _undefined(dA, slope),
    )


@item(
    "mit.bp.8_1",
    kind="gradient",
    where="§4 (8.1)",
    statement="The weight gradient of any layer is its input times the transposed gradient of its pre-activation.",
    latex=r"\frac{\partial loss}{\partial W^l} = A^{l-1} \left(\frac{\partial loss}{\partial Z^l}\right)^T",
    shapes="(m^l×1)(1×n^l)",
)
def _weight_gradients() -> Iterator[Evidence]:
    for net in NETS:
        trace, found = network.forward(net.weights, net.biases, net.x, net.activations), _backward(net)
        for layer, (A, dZ) in enumerate(zip(trace.activations[:-1], found.deltas, strict=True)):
            yield _by_weights(net, layer, network.weight_gradient(A, dZ), f"∂loss/∂W{layer + 1}")
    yield from weight_gradients_lifted()


@item(
    "mit.bp.8_2",
    kind="gradient",
    where="§4 (8.2)",
    statement="The chain of factors from the loss down to layer 1 gives ∂loss/∂A¹ without the last factor, and ∂loss/∂Z¹ with it.",
    latex=r"\frac{\partial loss}{\partial Z^1} = \underbrace{\frac{\partial loss}{\partial A^L} \cdot \frac{\partial A^L}{\partial Z^L} \cdots \frac{\partial Z^2}{\partial A^1}}_{\partial loss / \partial A^1} \cdot \frac{\partial A^1}{\partial Z^1}",
    notes="informal: the factors multiply from right to left",
    errata=("E-MIT-6",),
)
def _chain() -> Iterator[Evidence]:
    for net in SINGLE[:-1]:
        dZ = _backward(net).deltas
        dA1 = (net.weights[1] @ dZ[1])[:, 0]
        A1 = values(_trace(net)[1][1])
        rest = Net(net.weights[1:], net.biases[1:], net.x, net.y, net.activations[1:])
        outputs = graph_outputs([W.tolist() for W in rest.weights], flat(rest.biases), A1, rest.activations)[1][-1]
        loss = cast("Value", loss_named(net.activations[-1])(outputs, net.y[:, 0].tolist()))
        yield Comparison("∂loss/∂A1, without the last factor", dA1, slopes(loss, A1))
        yield three_ways("∂loss/∂Z1, with it", partial(_loss_from, net, 0), _trace(net)[0][0], dZ[0][:, 0])
    dZ3, W3 = _backward(FIXTURE).deltas[2], FIXTURE.weights[2]
    yield Finding(
        "multiply ∂loss/∂Z3 by ∂Z3/∂A2 in the order written",
        f"{dZ3.shape} times {W3.shape} is undefined; {W3.shape} times {dZ3.shape} is {(W3 @ dZ3).shape}",
        _undefined(dZ3, W3) and (W3 @ dZ3).shape == (3, 1),
    )


erratum(
    "E-MIT-6",
    kind="o",
    lecture="mit6036",
    printed="The brace named ∂loss/∂A¹ spans the factor ∂A¹/∂Z¹ too.",
    right="The brace ends before ∂A¹/∂Z¹; the product with it is ∂loss/∂Z¹.",
    lesson="Read a chain by its joints: each factor's lower letter is the next one's upper letter, and the last lower "
    "letter is what the product is a derivative by.",
)(None)


# ---------------------------------------------------------------- shapes and layouts


@item(
    "mit.bp.shapes",
    kind="table",
    where="§4",
    statement="∂loss/∂A^L is a column; ∂Z^l/∂A^{l-1} is W^l; ∂A^l/∂Z^l is diagonal with f' on the diagonal.",
    shapes="∂loss/∂A^L: n^L×1, ∂Z^l/∂A^{l-1}: m^l×n^l, ∂A^l/∂Z^l: n^l×n^l",
    errata=("E-MIT-7",),
)
def _shape_table() -> Iterator[Evidence]:
    for net in SINGLE:
        Z, A = _trace(net)
        Y, f = net.y[:, 0], net.activations[-1]
        loss = loss_named(f)
        dA = loss_slope(A[-1], Y, f)
        yield three_ways("∂loss/∂A of the last layer", lambda a, loss=loss, Y=Y: loss(a, Y.tolist()), A[-1], dA)
        for layer, (W, W0) in enumerate(zip(net.weights, flat(net.biases), strict=True)):
            below, columns = values(A[layer]), transposed(W.tolist())
            by_engine = jacobian(cast("list[Value]", affine(columns, below, W0)), below).T
            quotients = [
                central(lambda a, i=i, c=columns, b=W0: affine(c, a, b)[i], A[layer]) for i in range(W.shape[1])
            ]
            yield Comparison(f"∂Z{layer + 1}/∂A{layer}", W, by_engine, np.array(quotients).T)
            at = values(Z[layer])
            by_engine = jacobian(cast("list[Value]", activated(net.activations[layer], at)), at).T
            yield Comparison(
                f"∂A{layer + 1}/∂Z{layer + 1}", activation_slope(Z[layer], net.activations[layer]), by_engine
            )


erratum(
    "E-MIT-7",
    kind="n",
    lecture="mit6036",
    printed="Verify ∂Z/∂A = W by a single entry ∂Z_i/∂A_i.",
    right="The entry is ∂Z_i/∂A_j = W_ji, and stands in row j and column i.",
    lesson="An entry on the diagonal cannot tell a matrix from its transpose: verify one off it.",
)(None)


@item(
    "mit.bp.layout",
    kind="convention",
    where="§4, margin",
    statement="Denominator layout: the derivative of n numbers by m variables is m by n, and a chain is written from the inside out.",
    latex=r"\left(\frac{\partial u}{\partial v}\right)_{ji} = \frac{\partial u_i}{\partial v_j}",
    notes="transpose for the numerator layout, in which the Jacobian is n by m and the chain runs from the outside in",
)
def _layout() -> Iterator[Evidence]:
    for net in (SINGLE[0], SINGLE[1], SINGLE[3]):
        Z = _trace(net)[0]
        at = values(Z[0])
        A = activated(net.activations[0], at)
        numerator = jacobian(cast("list[Value]", affine(transposed(net.weights[1].tolist()), A)), at)
        denominator = activation_slope(Z[0], net.activations[0]) @ net.weights[1]
        yield Comparison("∂Z2/∂Z1 in the denominator layout", denominator, numerator.T)
        yield Finding(
            "its shape, and that of the engine's Jacobian",
            f"{denominator.shape} and {numerator.shape}",
            denominator.shape == numerator.shape[::-1] == net.weights[1].shape,
        )


@item(
    "mit.bp.softmax_offdiag",
    kind="claim",
    where="§4, margin",
    statement="Where an activation depends on several z, as in softmax, ∂A/∂Z is not diagonal.",
    latex=r"\frac{\partial A}{\partial Z} = \mathrm{diag}(A) - A A^T",
)
def _softmax_off_diagonal() -> Iterator[Evidence]:
    z = np.array([0.2, -0.5, 1.3])
    at = values(z)
    formula = softmax_slope(z)
    quotients = np.array([central(lambda zs, i=i: softmax(zs)[i], z) for i in range(3)]).T
    yield Comparison("∂A/∂Z", formula, jacobian(cast("list[Value]", softmax(at)), at), quotients)
    off = formula[~np.eye(3, dtype=bool)]
    yield Finding(
        "off the diagonal",
        f"every entry is negative, from {off.min():.3f} to {off.max():.3f}; the matrix is symmetric",
        bool(np.all(off < 0.0) and np.array_equal(formula, formula.T)),
    )
    yield Comparison("sum of each row: A always adds up to 1", np.sum(formula, axis=1), np.zeros(3))


@item(
    "mit.bp.8_3",
    kind="gradient",
    where="§4 (8.3)",
    statement="The gradient of any pre-activation is a product of activation slopes and weights, ending in ∂loss/∂A^L.",
    latex=r"\frac{\partial loss}{\partial Z^l} = \frac{\partial A^l}{\partial Z^l} \cdot W^{l+1} \cdot \frac{\partial A^{l+1}}{\partial Z^{l+1}} \cdots W^L \cdot \frac{\partial A^L}{\partial Z^L} \cdot \frac{\partial loss}{\partial A^L}",
    shapes="(n^l×n^l)(n^l×n^{l+1}) ... (n^L×n^L)(n^L×1)",
)
def _pre_activation_gradients() -> Iterator[Evidence]:
    for net in SINGLE:
        Z, A = _trace(net)
        dA = loss_slope(A[-1], net.y[:, 0], net.activations[-1])
        for layer in range(len(Z)):
            formula = pre_activation_slope(net.weights, Z, net.activations, dA, layer)

            def loss(z: Nested, net: Net = net, layer: int = layer) -> Number:
                return _loss_from(net, layer, z)

            yield three_ways(f"∂loss/∂Z{layer + 1}", loss, Z[layer], formula)
    yield from pre_activation_gradients_lifted()


@item(
    "mit.bp.dW0",
    kind="study",
    where="§4",
    statement="The gradient of a layer's offsets is that of its pre-activations.",
    latex=r"\frac{\partial loss}{\partial W_0^l} = \frac{\partial loss}{\partial Z^l}",
    notes="for a batch, summed over its columns",
)
def _offset_gradients() -> Iterator[Evidence]:
    for net in SINGLE:
        for layer, dZ in enumerate(_backward(net).deltas):
            yield _by_offsets(net, layer, dZ[:, 0], f"∂loss/∂W{layer + 1}_0")
    for net in NETS:
        for layer, dW0 in enumerate(_backward(net).biases):
            formula = cast("Array", dW0)[:, 0]
            yield _by_offsets(net, layer, formula, f"∂loss/∂W{layer + 1}_0, {net.x.shape[1]} points")
    yield from offset_gradients_lifted()


@item(
    "mit.bp.dZdW",
    kind="study",
    where="§4, margin; asked again in §5",
    statement="∂Z/∂W has three indices; since Z_i takes from column i of W alone, A is all that it holds.",
    latex=r"\frac{\partial Z_i}{\partial W_{jp}} = A_j\,[i = p]",
    shapes="n×m×n",
)
def _three_way_array() -> Iterator[Evidence]:
    for net in SINGLE:
        A, dZ = _trace(net)[1][0], _backward(net).deltas[0][:, 0]
        W = values(net.weights[0], "W1")
        Z = cast("list[Value]", affine(transposed(W), A.tolist()))
        tensor = weight_jacobian(A, len(Z))
        yield Comparison("∂Z1/∂W1", tensor, jacobian(Z, W))
        contracted = np.einsum("i,ijp->jp", dZ, tensor)
        yield Comparison(
            "contracted with ∂loss/∂Z1: equation 8.1", network.weight_gradient(net.x, dZ.reshape(-1, 1)), contracted
        )


@item(
    "mit.bp.procedure",
    kind="algorithm",
    where="§4",
    statement="A forward pass keeps every A and Z and the loss; a backward pass takes the gradients from layer L to layer 1.",
)
def _procedure() -> Iterator[Evidence]:
    for net in NETS:
        found = _backward(net)
        weights, biases = graph_of(net)
        loss = cast("Value", graph_loss(weights, biases, net))
        yield Comparison("loss", np.array(found.loss), data(loss))
        for layer, (W, W0) in enumerate(zip(weights, biases, strict=True)):
            yield Comparison(f"∂loss/∂W{layer + 1}", found.weights[layer], slopes(loss, W))
            yield Comparison(f"∂loss/∂W{layer + 1}_0", cast("Array", found.biases[layer])[:, 0], slopes(loss, W0))
        totals = cast(
            "list[list[Any]]", [graph_outputs(weights, biases, x, net.activations)[0][-1] for x in net.x.T.tolist()]
        )
        ones = gradients(cast("Value", sum([z for Z in totals for z in Z])), biases[-1])
        yield Finding(
            "count how often the last offsets are used",
            f"once for each of {net.x.shape[1]} data points",
            {one.data for one in ones} == {float(net.x.shape[1])},
        )
