"""Neurons, fully connected layers, and the layouts of weights that one meets."""

# pyright: reportUnusedFunction=false
# Evidence is called by the registry that the decorator puts it in.

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import numpy as np

from autograd_core.graph import topological_order
from autograd_core.ops import dot, sum
from nn import MLP, Neuron
from nn.lectures.graph import Nested, affine, data, slopes, three_ways, values
from nn.lectures.item import Array, Comparison, Evidence, Finding, item
from nn.lectures.lai import forms, network
from nn.lectures.lai.nets import FIXTURE, NETS, Net, activated, layers, leaves_of, loss_of, weighted

__all__ = ["POINTS", "activations_on_graph", "slopes_of", "theta_slopes", "trace_of"]

POINTS = np.array([-1.7, -0.4, 0.3, 2.1])


def trace_of(net: Net) -> network.Trace:
    """Return what the closed forms' forward pass leaves behind."""
    return network.forward(net.weights, net.biases, net.x, net.activations)


def slopes_of(net: Net) -> network.Slopes:
    """Return what the closed forms' backward pass computes."""
    return network.backward(net.weights, net.biases, net.x, net.y, net.activations)


def theta_slopes(net: Net, layer: int) -> Array:
    """Return ∂L/∂Θ of one layer, counted from 1, by the closed forms."""
    found = slopes_of(net)
    return np.vstack([found.weights[layer - 1], np.asarray(found.biases[layer - 1])])


@item(
    "lai.neuron.graph",
    kind="architecture",
    where='"Graphical Representation of a Neuron"',
    statement="A neuron takes the outputs of the layer before and a dummy 1, weighs and adds them to its score z, and g "
    "makes of that its activation a.",
    latex=r"a = g(z),\ z = \Sigma",
)
def _neuron() -> Iterator[Evidence]:
    theta, a = values([0.2, 0.8, 0.1], "θ"), values([0.5, -1.0], "a")
    z = dot(theta, [*a, 1.0])
    (out,) = activated("sigmoid", [z])
    order = topological_order(out)
    ops = [node.op.symbol for node in order if node.op is not None]
    leaves = [node for node in order if node.op is None]
    dummies = [node.data for node in leaves if node.is_constant]
    found = f"leaves: 3 weights, {len(leaves) - len(dummies) - 3} inputs, dummies {dummies}; then {' then '.join(ops)}"
    holds = len(leaves) == 6 and dummies == [1.0] and out.inputs == (z,) and len(ops) == 2
    yield Finding("the graph of a neuron with two inputs", found, holds)
    yield Comparison(
        "a", forms.layer(np.array([[0.5, -1.0]]), np.array([[0.2], [0.8], [0.1]]), "sigmoid")[0, 0], data(out)
    )
    count = len(Neuron(2, "sigmoid", rng=0).parameters())
    yield Finding("nn.Neuron keeps the weight of the dummy apart, as its bias", f"{count} parameters", count == 3)


@item(
    "lai.neuron.activations",
    kind="table",
    where='"Graphical Representation of a Neuron"',
    statement="Output neurons are logistic or softmax; hidden ones typically logistic, tanh or ReLU.",
)
def _activations() -> Iterator[Evidence]:
    for name in forms.HIDDEN:
        yield Comparison(f"hidden: {name}", forms.g(name, POINTS), data(activated(name, values(POINTS))))
    for name in forms.OUTPUT:
        outputs = forms.g(name, POINTS)
        yield Comparison(f"output: {name}", outputs, data(activated(name, values(POINTS))))
        found = f"{np.round(outputs, 4).tolist()}, which add up to {np.sum(outputs):.4f}"
        inside = bool(np.all((outputs > 0.0) & (outputs < 1.0)))
        alone = name != "softmax" or bool(np.isclose(np.sum(outputs), 1.0))
        yield Finding(f"outputs of the {name} are probabilities", found, inside and alone)


@item(
    "lai.ffnn.fully_connected",
    kind="definition",
    where='"Feedforward Neural Networks"',
    statement="Every neuron of a layer, and its dummy, is connected to every neuron of the next layer, and to no others.",
    latex=r"\sum_i (n_{i-1} + 1)\, n_i \text{ edges}",
)
def _fully_connected() -> Iterator[Evidence]:
    for net in NETS:
        widths = [net.x.shape[1], *[W.shape[1] for W in net.weights]]
        edges = int(np.sum([(below + 1) * own for below, own in pairwise(widths)]))
        count = len(MLP(widths[0], widths[1:], rng=0).parameters())
        yield Finding(f"layers of {widths}", f"{edges} edges, {count} weights and biases", edges == count)
        leaves = values(net.x[0])
        pre, post = layers(*leaves_of(net), leaves, net.activations)
        for i, z in enumerate(pre):
            reached = [set(post[i]) <= set(topological_order(score)) for score in z]
            direct = [set(post[i]) <= set(score.inputs[0].inputs) for score in z]
            yield Finding(
                f"each z of layer {i + 1} is connected to each a of layer {i}, and takes nothing from further down",
                f"{np.sum(direct)} of {len(z)}",
                all(reached) and all(direct) and not _skips(z, post[:i]),
            )


def _skips(z: Nested, further: list[Nested]) -> bool:
    """Tell whether some score takes an activation from further down than the layer before."""
    return any([v in row for score in z for v in score.inputs[0].inputs for row in further])


@item(
    "lai.ffnn.forward1",
    kind="formula",
    where='"Feedforward Neural Networks"',
    statement="The first layer is g of the inputs, with their dummy, times Θ.",
    latex=r"a^{[1]} = g(a^{[0]} \cdot \Theta^{[1]}),\ a^{[0]} = x",
    shapes="a0: (m, n + 1), Θ1: (n + 1, n1), a1: (m, n1)",
)
def _first_layer() -> Iterator[Evidence]:
    for net in NETS:
        formula = forms.layer(net.x, forms.stacked(net.weights[0], net.biases[0]), net.activations[0])
        yield Comparison("a1", formula, activations_on_graph(net, 1))
        yield Comparison("a1 as W and b give it", trace_of(net).activations[1], formula)
        yield Comparison("z1", trace_of(net).pre_activations[0], forms.score(net.x, net.weights[0], net.biases[0]))


@item(
    "lai.ffnn.forward2",
    kind="formula",
    where='"Feedforward Neural Networks"',
    statement="The second layer does the same with what the first put out, with a dummy of its own and an output's g.",
    latex=r"a^{[2]} = g([a^{[1]}\ 1] \cdot \Theta^{[2]}),\ \hat y = a^{[2]}",
    shapes="[a1 1]: (m, n1 + 1), Θ2: (n1 + 1, n2)",
    errata=("E-LAI-4",),
)
def _second_layer() -> Iterator[Evidence]:
    for net in NETS:
        a = forms.layer(net.x, forms.stacked(net.weights[0], net.biases[0]), net.activations[0])
        formula = forms.layer(a, forms.stacked(net.weights[1], net.biases[1]), net.activations[1])
        yield Comparison("a2", formula, activations_on_graph(net, 2))
        yield Comparison("ŷ", trace_of(net).activations[-1], activations_on_graph(net, len(net.weights)))
    theta = forms.stacked(FIXTURE.weights[1], FIXTURE.biases[1])
    a = trace_of(FIXTURE).activations[1]
    found = f"a1 {a.shape} and Θ2 {theta.shape}"
    yield Finding("without the dummy the shapes do not fit", found, _refuses(lambda: a @ theta))


def activations_on_graph(net: Net, layer: int) -> Array:
    """Return a of one layer, counted from 1, of all examples from scalar nodes."""
    weights, biases = leaves_of(net)
    return np.array([data(layers(weights, biases, x, net.activations)[1][layer]) for x in net.x.tolist()])


def _refuses(compute: Callable[[], Array]) -> bool:
    """Tell whether NumPy refuses to compute something because of its shapes."""
    try:
        compute()
    except ValueError:
        return True
    return False


# ---------------------------------------------------------------- layouts

W1, B1 = FIXTURE.weights[0], FIXTURE.biases[0]


def _summed(rows: Nested) -> Nested:
    """Return a number that depends on each activation differently: the sum of k a_k over all examples."""
    return sum([k * a for row in rows for k, a in enumerate(row, start=1)])


@item(
    "lai.conv.tf",
    kind="convention",
    where='"Warning!"',
    statement="On the slides, and in TensorFlow, Keras and MXNet, weights are (inputs, outputs) and examples are rows.",
    latex=r"a^{[i]} = g(a^{[i-1]} \cdot W^{[i]} + b^{[i]})",
    shapes="a: (m, inputs), W: (inputs, outputs), b: (1, outputs)",
)
def _rows_times_weights() -> Iterator[Evidence]:
    for net in NETS:
        W, b = net.weights[0], net.biases[0]
        formula = forms.g(net.activations[0], forms.score(net.x, W, b))
        rows = [activated(net.activations[0], weighted(values(W), x, values(b))) for x in net.x.tolist()]
        yield Comparison("a = g(x W + b)", formula, np.array([data(row) for row in rows]))


@item(
    "lai.conv.textbook",
    kind="convention",
    where='"Warning!"',
    statement="In textbooks weights are (outputs, inputs) and an example is a column.",
    latex=r"a^{[i]} = g(W^{[i]} \cdot a^{[i-1]} + b^{[i]})",
    shapes="a: (inputs, 1), W: (outputs, inputs), b: (outputs, 1)",
)
def _weights_times_column() -> Iterator[Evidence]:
    for net in NETS:
        W, b = net.weights[0].T, net.biases[0][:, None]
        for x in net.x:
            formula = forms.textbook_layer(x[:, None], W, b, net.activations[0])
            graph = data(activated(net.activations[0], affine(values(W), x.tolist(), values(b[:, 0]))))
            yield Comparison("a = g(W x + b)", formula, graph[:, None])


@item(
    "lai.conv.pytorch",
    kind="convention",
    where='"Warning!"',
    statement="PyTorch asks for (inputs, outputs), stores (outputs, inputs) and transposes when it computes; examples are rows.",
    latex=r"a^{[i]} = g(a^{[i-1]} \cdot (W^{[i]})^T + b^{[i]})",
    shapes="a: (m, inputs), W: (outputs, inputs)",
)
def _rows_times_transposed() -> Iterator[Evidence]:
    for net in NETS:
        W, b, g = net.weights[0].T, net.biases[0], net.activations[0]
        formula = forms.pytorch_layer(net.x, W, b, g)
        rows = [activated(g, affine(values(W), x, values(b))) for x in net.x.tolist()]
        yield Comparison("a = g(x Wᵀ + b)", formula, np.array([data(row) for row in rows]))
    x = FIXTURE.x.tolist()
    ours, theirs = values(W1), values(W1.T)
    slides = _summed([activated("sigmoid", weighted(ours, row, B1.tolist())) for row in x])
    stored = _summed([activated("sigmoid", affine(theirs, row, B1.tolist())) for row in x])
    yield Comparison("the gradients of the two layouts are transposes", slopes(slides, ours).T, slopes(stored, theirs))
    together = [
        forms.g("sigmoid", forms.score(FIXTURE.x, W1, B1)),
        forms.textbook_layer(FIXTURE.x.T, W1.T, B1[:, None], "sigmoid").T,
        forms.pytorch_layer(FIXTURE.x, W1.T, B1, "sigmoid"),
    ]
    apart = max(float(np.max(np.abs(a - together[0]))) for a in together)
    yield Finding("the three layouts give the same activations", f"they differ by {apart:.1e}", apart < 1e-15)


@item(
    "lai.conv.shapes",
    kind="claim",
    where='"General Advice"',
    statement="Know your shapes.",
    notes="a gradient has the shape of what it is the gradient of",
)
def _shapes() -> Iterator[Evidence]:
    for net in NETS:
        found = slopes_of(net)
        wanted = [array.shape for array in (*net.weights, *net.biases)]
        shapes = [np.asarray(array).shape for array in (*found.weights, *found.biases)]
        yield Finding("every gradient has the shape of its parameter", f"{shapes}", shapes == wanted)
        wrong = net.weights[0].T
        what = "weights in the wrong layout are refused"
        refused = _refuses(lambda net=net, wrong=wrong: forms.score(net.x, wrong, net.biases[0]))
        yield Finding(what, f"x {net.x.shape}, W {wrong.shape}", refused)
    theta = forms.stacked(W1, B1)
    gradient = theta_slopes(FIXTURE, 1)
    yield three_ways("∂L/∂Θ1, of the shape of Θ1", partial(loss_of, FIXTURE, 1), theta, gradient)
    column, row = np.array([[1.0], [2.0], [3.0]]), np.array([1.5, 2.5, 3.5])
    spread = forms.delta_output(column, row).shape
    found = f"(3, 1) less (3,) is of shape {spread}"
    yield Finding("NumPy does not refuse everything: a column less a row is a matrix", found, spread == (3, 3))
