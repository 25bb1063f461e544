"""MIT 6.036, chapter 8, up to the losses: by hand, from the graph, and as difference quotients."""

import csv
import inspect
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError, Value, exp, gradients, log, tanh
from nn.lectures import mit6036
from nn.lectures.item import CLOSED_FORMS, ITEMS
from nn.lectures.mit6036 import activations, backprop, initialisation, layers, losses, network, neurons, training
from nn.lectures.mit6036.nets import FIXTURE

from .mutations import agrees, in_place_of, mutants

reproducibly = settings(derandomize=True, deadline=None, max_examples=60)
LECTURES = Path(__file__).parents[2] / "data" / "lectures.csv"
ALL = [row for row in csv.DictReader(LECTURES.read_text("utf-8").splitlines()) if row["doc"] == "mit"]
ROWS = ALL[: 1 + [row["id"] for row in ALL].index("mit.loss.nllm_k2")]
MODULES = ("network", "neurons", "layers", "activations", "backprop", "blocks", "training", "initialisation", "losses")
FORMS = [name for name in CLOSED_FORMS if name.startswith(tuple(f"nn.lectures.mit6036.{m}." for m in MODULES))]


def near(numbers, abs=1e-10):
    return pytest.approx(np.array(numbers), abs=abs)


# ---------------------------------------------------------------- numbers that others computed


def test_the_forward_pass_has_the_numbers_of_the_fixture():
    trace = mit6036.forward(FIXTURE.weights, FIXTURE.biases, FIXTURE.x, FIXTURE.activations)
    Z, A = [[a[:, 0] for a in arrays] for arrays in (trace.pre_activations, trace.activations)]
    assert Z[0] == near([-1.2, 0.6])
    assert Z[1] == near([-0.2761483115, 0.9354484691, -1.2651089731])
    assert Z[2] == near([0.7599438458, -0.2989827912])
    assert A[1] == near([-0.833654607, 0.537049567])
    assert A[2] == near([0.4313983207, 0.7181793532, 0.2200956648])
    assert A[3].tolist() == Z[2].tolist()


def test_the_backward_pass_has_the_numbers_of_the_fixture():
    found = mit6036.backward(FIXTURE.weights, FIXTURE.biases, FIXTURE.x, FIXTURE.y, FIXTURE.activations)
    assert found.loss == pytest.approx(0.09803487542033758, rel=1e-14)
    dZ = [d[:, 0] for d in found.deltas]
    assert dZ[2] == near([-0.4801123084, 0.4020344177])
    assert dZ[1] == near([-0.0945005055, -0.0696018414, 0.0440868538])
    assert dZ[0] == near([0.0089094168, -0.0507609429])
    assert FIXTURE.weights[1] @ dZ[1] == near([0.0292092877, -0.0713357633])
    assert found.weights[0] == near(
        [[0.0044547084, -0.0253804714], [-0.0089094168, 0.0507609429], [0.0178188337, -0.1015218857]]
    )
    assert found.weights[1] == near(
        [[0.0787807818, 0.0580238958, -0.0367532088], [-0.0507514556, -0.0373796388, 0.0236768257]]
    )
    assert found.weights[2] == near(
        [[-0.2071196436, 0.1734369726], [-0.3448067471, 0.2887328181], [-0.1056706377, 0.0884860324]]
    )
    assert [dW0[:, 0].tolist() for dW0 in found.biases] == [d.tolist() for d in dZ]


def test_one_neuron_has_the_numbers_of_the_catalogue():
    assert neurons.pre_activation(neurons.X, neurons.W, neurons.OFFSET) == pytest.approx(-0.6, abs=1e-15)
    w, w0 = neurons.exponential_update(neurons.X, neurons.W, neurons.OFFSET, 1.5, 1.0)
    gradient = np.append(neurons.W, neurons.OFFSET) - np.append(w, w0)
    assert gradient == near([-0.5220232422, 1.0440464845, -2.0880929689, -1.0440464845])


def test_linear_layers_collapse_into_the_numbers_of_the_catalogue():
    assert layers.total(FIXTURE.weights) == near([[-0.169, 0.033, 0.629], [0.032, -0.134, -0.068]], abs=1e-14)
    assert layers.single_weight(FIXTURE.weights) == near(layers.total(FIXTURE.weights).T, abs=1e-16)
    assert layers.single_offset(FIXTURE.weights, FIXTURE.biases) == near([[0.1355], [-0.424]], abs=1e-14)


def test_activations_have_the_numbers_of_the_catalogue():
    assert network.step(np.array([-1.0, 0.0, 1.0])).tolist() == [0.0, 1.0, 1.0]
    steep = [float(activations.steep(np.array(0.1), beta)) for beta in (1.0, 10.0, 100.0)]
    assert steep == pytest.approx([0.5250, 0.7311, 0.999955], abs=5e-5)
    # Of tanh and ReLU the catalogue has 4.0005 and 5.0005, from a coarse grid: the integrals are 4 and 5.
    assert activations.distances(4.0) == near([1.3500, 4.0, 5.0, 0.6928], abs=5e-5)
    assert network.sigmoid_slope(np.array(10.0)) == pytest.approx(4.5e-5, rel=0.01)


def test_losses_have_the_numbers_of_the_catalogue():
    z, Y = np.array([0.2, -0.5, 1.3]), np.array([0.0, 1.0, 0.0])
    direct = network.output_slope(z, network.softmax(z), Y, "softmax")
    assert direct == near([0.2221851258, -0.8896661318, 0.667481006])
    assert losses.hinge_slope(*losses.PAIRS.T).tolist() == [-1.0, 0.0, -1.0, 1.0, 0.0]


def test_an_update_inside_the_backward_loop_spoils_the_gradient_in_proportion_to_its_step():
    right = training._updating_inside(FIXTURE, 0.0)
    assert right[0] == near(
        [[0.0044547084, -0.0253804714], [-0.0089094168, 0.0507609429], [0.0178188337, -0.1015218857]]
    )
    off = {eta: training._updating_inside(FIXTURE, eta)[0] - right[0] for eta in (0.1, 0.001)}
    assert (right[0] + off[0.1])[0, 0] == pytest.approx(0.0047227, abs=5e-8)
    assert np.max(np.abs(off[0.1])) == pytest.approx(5.7e-3, abs=5e-5)
    assert np.max(np.abs(off[0.001])) == pytest.approx(5.6e-5, abs=5e-7)


def test_a_deviation_of_1_over_m_loses_the_signal_and_a_variance_of_1_over_m_keeps_it():
    x = np.sign(np.random.default_rng(0).normal(size=100))
    assert initialisation.variance_of_z(x, 1 / 100, 0.0) == pytest.approx(1.0)
    assert initialisation.variance_of_z(x, 1 / 100**2, 0.0) == pytest.approx(0.01)
    assert initialisation._through_ten(lambda m: 1 / m) < 1e-7
    assert initialisation._through_ten(lambda m: m**-0.5) > 0.1


# ---------------------------------------------------------------- any network

SCALAR = {
    "identity": lambda zs: zs,
    "relu": lambda zs: [z.relu() for z in zs],
    "sigmoid": lambda zs: [1.0 / (1.0 + exp(-z)) for z in zs],
    "tanh": lambda zs: [tanh(z) for z in zs],
    "softmax": lambda zs: [exp(z) / sum([exp(other) for other in zs]) for z in zs],
}


@st.composite
def networks(draw, output=None):
    sizes = draw(st.lists(st.integers(1, 8), min_size=2, max_size=6))
    hidden = [draw(st.sampled_from(["sigmoid", "tanh", "relu", "identity"])) for _ in sizes[2:]]
    last = output or draw(st.sampled_from(["sigmoid", "tanh", "relu", "identity", "softmax"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    points = draw(st.integers(1, 6))
    # Small enough that no output saturates, where log(1 - a) has few digits left for a difference quotient.
    weights = [rng.uniform(-0.8, 0.8, size=pair) for pair in pairwise(sizes)]
    shape = (-1, 1) if draw(st.booleans()) else (-1,)
    biases = [rng.uniform(-1.0, 1.0, size=n).reshape(shape) if draw(st.booleans()) else None for n in sizes[1:]]
    x, y = rng.uniform(-1.0, 1.0, size=(sizes[0], points)), rng.uniform(-1.0, 1.0, size=(sizes[-1], points))
    if last == "sigmoid":
        y = (y > 0.0).astype(float)
    if last == "softmax":
        y = np.eye(sizes[-1])[:, rng.integers(sizes[-1], size=points)]
    return weights, biases, x, y, [*hidden, last]


def as_graph(weights, biases, x, names):
    """Return Z and A of each layer for one data point, in scalar operations spelt out here."""
    Z, A = [], [list(x)]
    for W, W0, name in zip(weights, biases, names, strict=True):
        offsets = [0.0] * W.shape[1] if W0 is None else W0.ravel()
        Z.append(
            [
                sum([w * a for w, a in zip(column, A[-1], strict=True)], o)
                for column, o in zip(W.T, offsets, strict=True)
            ]
        )
        A.append(SCALAR[name](Z[-1]))
    return Z, A


def loss_of(outputs, targets, name):
    pairs = list(zip(outputs, targets, strict=True))
    if name == "sigmoid":
        return -sum([t * log(a) + (1.0 - t) * log(1.0 - a) for a, t in pairs])
    if name == "softmax":
        return -sum([t * log(a) for a, t in pairs])
    return sum([(a - t) ** 2 for a, t in pairs])


def as_leaves(array):
    return None if array is None else np.array([Value(float(v)) for v in array.ravel()]).reshape(array.shape)


@reproducibly
@given(networks())
def test_forward_and_backward_are_those_of_the_graph(net):
    weights, biases, x, y, names = net
    trace, found = mit6036.forward(weights, biases, x, names), mit6036.backward(*net)
    Ws, bs = [as_leaves(W) for W in weights], [as_leaves(b) for b in biases]
    graphs = [as_graph(Ws, bs, column, names) for column in x.T]
    for layer in range(len(weights)):
        assert trace.pre_activations[layer] == near(
            np.array([[z.data for z in Z[layer]] for Z, _ in graphs]).T, abs=1e-12
        )
        assert trace.activations[layer + 1] == near(
            np.array([[a.data for a in A[layer + 1]] for _, A in graphs]).T, abs=1e-12
        )
    loss = sum([loss_of(A[-1], t, names[-1]) for (_, A), t in zip(graphs, y.T, strict=True)])
    assert found.loss == pytest.approx(loss.data, rel=1e-12, abs=1e-12)
    for mine, leaves in [*zip(found.weights, Ws, strict=True), *zip(found.biases, bs, strict=True)]:
        if leaves is None:
            assert mine is None
            continue
        engine = np.array([slope.data for slope in gradients(loss, leaves.ravel())]).reshape(leaves.shape)
        assert mine.shape == leaves.shape
        assert mine == pytest.approx(engine, rel=1e-12, abs=1e-12 * max(1.0, np.max(np.abs(engine))))
    for layer, delta in enumerate(found.deltas):
        engine = np.array([[slope.data for slope in gradients(loss, Z[layer])] for Z, _ in graphs]).T
        assert delta == near(engine, abs=1e-12 * max(1.0, np.max(np.abs(engine))))


@settings(reproducibly, max_examples=25)
@given(networks())
def test_backward_is_what_a_difference_quotient_says(net):
    weights, biases, x, _, names = net
    Z = mit6036.forward(weights, biases, x, names).pre_activations
    if any(np.min(np.abs(z)) < 1e-3 for z, name in zip(Z, names, strict=True) if name == "relu"):
        return  # too near a kink
    found, h = mit6036.backward(*net), 1e-6
    for array, slopes in [*zip(weights, found.weights, strict=True), *zip(biases, found.biases, strict=True)]:
        if array is None:
            continue
        for index in np.ndindex(array.shape):
            before = array[index]
            losses_beside = []
            for shift in (h, -h):
                array[index] = before + shift
                losses_beside.append(mit6036.backward(*net).loss)
            array[index] = before
            quotient = (losses_beside[0] - losses_beside[1]) / (2.0 * h)
            assert slopes[index] == pytest.approx(quotient, abs=1e-7 * max(1.0, abs(found.loss), abs(quotient)))


@reproducibly
@given(networks(output="tanh"))
def test_the_chain_of_matrices_is_the_recursion(net):
    weights, biases, x, y, names = net
    trace, found = mit6036.forward(weights, biases, x, names), mit6036.backward(*net)
    dA = 2.0 * (trace.activations[-1] - y)
    for i in range(x.shape[1]):
        Zs = [Z[:, i] for Z in trace.pre_activations]
        for layer in range(len(weights)):
            chain = backprop.pre_activation_slope(weights, Zs, names, dA[:, i], layer)
            assert chain == near(found.deltas[layer][:, i], abs=1e-12 * max(1.0, np.max(np.abs(chain))))


# ---------------------------------------------------------------- what is refused


def test_an_activation_without_a_slope_to_learn_by_is_refused():
    W, x = [np.ones((2, 1))], np.ones((2, 1))
    assert message_of(ArgumentError, lambda: mit6036.forward(W, [None], x, ["step"])) == (
        "the chapter trains with no 'step': choose one of identity, relu, sigmoid, tanh, softmax"
    )


def test_a_softmax_before_the_last_layer_is_refused():
    W, x = [np.ones((2, 2)), np.ones((2, 1))], np.ones((2, 1))
    message = "softmax stands before the last layer in ['softmax', 'tanh']: put it last, or leave it out"
    assert message_of(ArgumentError, lambda: mit6036.backward(W, [None, None], x, x, ["softmax", "tanh"])) == message


def test_offsets_may_be_columns_or_rows_and_their_slopes_have_the_same_shape():
    columns = mit6036.backward(FIXTURE.weights, FIXTURE.biases, FIXTURE.x, FIXTURE.y, FIXTURE.activations)
    rows = [b[:, 0] for b in FIXTURE.biases]
    flat = mit6036.backward(FIXTURE.weights, rows, FIXTURE.x, FIXTURE.y, FIXTURE.activations)
    assert [b.shape for b in columns.biases] == [(2, 1), (3, 1), (2, 1)]
    assert [b.shape for b in flat.biases] == [(2,), (3,), (2,)]
    assert flat.weights[0].tolist() == columns.weights[0].tolist()


def test_the_notation_says_what_forward_and_backward_take():
    assert mit6036.NOTATION == {
        "pre-activation": "Z",
        "activation": "A",
        "weight": "W",
        "bias": "W_0",
        "delta": r"\frac{\partial loss}{\partial Z}",
        "loss": "loss",
        "layout": "(in, out)",
        "data": "columns",
        "scale": "sum",
        "direction": "descent",
    }


# ---------------------------------------------------------------- slips


@pytest.mark.parametrize("name", FORMS)
def test_a_slip_in_a_closed_form_turns_an_item_red(name):
    form = CLOSED_FORMS[name]
    # The form's own module first: its items are the likeliest to notice.
    items = [ITEMS[row["id"]] for row in ROWS]
    items.sort(key=lambda i: i.evidence.__module__ != form.__module__)
    survivors = []
    for what, mutant in mutants(inspect.getmodule(form), form.__name__):
        with in_place_of(form, mutant):
            if all(agrees(i) for i in items):
                survivors.append(what)
    assert survivors == []


def test_the_closed_forms_of_these_modules_allow_more_than_a_hundred_slips():
    slips = {name: list(mutants(inspect.getmodule(CLOSED_FORMS[name]), CLOSED_FORMS[name].__name__)) for name in FORMS}
    assert len(FORMS) == 59
    assert sum(len(found) for found in slips.values()) > 100
