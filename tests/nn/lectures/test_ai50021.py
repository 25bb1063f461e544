"""Every id of AI 50.021 is there, runs and agrees; its own network equals the engine; a slip in a formula shows."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError
from nn.lectures import ai50021
from nn.lectures.ai50021 import approximation, backprop, batches, losses, network, neurons, worked, xor
from nn.lectures.ai50021.fixtures import BATCH, NETS, SCORES, WORKED, Net, labels, random_net
from nn.lectures.ai50021.scalar import error, layers, leaves, plain
from nn.lectures.graph import central, data, slopes
from nn.lectures.item import ERRATA, ITEMS

from .mutations import forms_of, survivors

# ---------------------------------------------------------------- reference numbers


def near(found, expected, digits):
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.5000001 * 10.0**-digits)


def by_hand(net):
    return network.backward(net.weights, net.biases, net.x, net.y, net.activations)


def test_the_worked_net_has_the_references_loss_and_gradients():
    found = by_hand(WORKED)
    near(found.loss, 2.640127232341112, 14)
    out = [[0.1035360524, -0.528568801], [-0.1606865954, 0.2520582272], [0.0569454666, 0.2043150524]]
    hidden = [[-0.4491795311, -0.0452894815], [-0.1969500925, 0.4729065353]]
    near(found.weights[1].T, out, 9)  # the references are difference quotients, with a tenth digit of their own
    near(found.weights[0].T, hidden, 9)
    z = worked.net(worked.W, worked.X)
    near(worked.dE_dw25(worked.W, z, worked.Y), 0.25205822695802170, 15)  # with 40 digits, by mpmath
    near(worked.dE_dw57(worked.W, z, worked.Y), 0.4729065353, 9)


def test_the_product_of_sums_is_off_by_the_reference():
    (miss,) = ERRATA["E-AI-13"].misses()
    near(abs(miss.printed - miss.truth), 0.391, 3)


def test_two_positive_labels_are_off_by_the_reference():
    (finding,) = [e for e in ITEMS["ai50021.grad.dE_dz2"].evidence() if hasattr(e, "holds")]
    assert finding.found == "off by 0.365: it is meant for one"


def test_the_batch_has_the_references_gradients():
    dY = BATCH.R + batches.fully_connected(BATCH.X, BATCH.W, BATCH.b)
    near(batches.fully_connected_dW(dY, BATCH.X), [[-0.843, -0.056], [0.997, 0.028], [-0.535, -0.112]], 10)
    near(batches.fully_connected_db(dY), [0.77, -0.14], 10)
    expected = [[0.169, -0.08, -0.167], [-0.065, 0.708, -0.045], [-0.185, -0.422, 0.265]]
    expected += [[0.429, 0.25, -0.497], [-0.089, -0.169, 0.122]]
    near(batches.fully_connected_dX(dY, BATCH.W), expected, 10)
    assert batches.full_jacobian(BATCH.X, 2).shape == (5, 2, 3, 2)
    near(np.abs(batches.fully_connected_dW(dY, BATCH.X) * 0.8).max(), 0.798, 3)


def test_softmax_and_likelihood_have_the_references_numbers():
    near(network.softmax(SCORES), [0.2221851258, 0.1103338682, 0.667481006], 10)
    y = labels([1], 3)[0]
    near(losses.likelihood(SCORES, y), 0.1103338682, 10)
    near(losses.sample_nll(SCORES, y), 2.204244344559238, 14)
    p = network.softmax(SCORES)
    near(abs(np.prod(p**y) - p[1]), 0.634, 3)


@pytest.mark.parametrize(
    ("g", "p", "floor"), [("sigmoid", 0.5761168848, 0.5514447139), ("tanh", 0.7869860422, 0.2395447662)]
)
def test_bounded_activations_bound_the_probabilities(g, p, floor):
    best = network.activate(g, np.array([1000.0, -1000.0, -1000.0]))
    near(network.softmax(best)[0], p, 10)
    near(losses.sample_nll(best, labels([0], 3)[0]), floor, 10)


def test_the_xor_nets_have_the_references_outputs():
    z = xor.pushed(xor.CORNERS)
    near(xor.net1(z), [-0.2334606011, -0.2334606011, -1.5231883119, -1.5231883119], 10)
    near(xor.net2(z), [1.5231883119, 1.5231883119, 0.2334606011, 0.2334606011], 10)
    near(xor.pushed(np.array([1.0, 0.2])), [0.9999999959, 0.9640275801], 10)
    near(np.tanh(5 * xor.inputs_of_net1(xor.CORNERS)).sum(axis=1)[[0, 2]], [-9.1e-5, -1.99982], 5)


def test_the_neuron_varies_along_w_as_the_reference_says():
    (found,) = [e.found for e in ITEMS["ai50021.act.hyperplane"].evidence() if getattr(e, "what", "") == "along w"]
    assert found == "from -0.019997 to 0.753066"


def test_a_shortcut_has_the_references_gradients():
    near(backprop._slopes_with(0.35), [-0.3054264162, -0.1720008891], 10)
    (found,) = [e.found for e in ITEMS["ai50021.bp.shortcuts"].evidence() if hasattr(e, "holds")]
    assert found == "misses what flows along the shortcut: off by 0.161"


def test_paths_take_5120_multiplications_and_the_recursion_80():
    (found,) = [e.found for e in ITEMS["ai50021.bp.reuse"].evidence() if hasattr(e, "holds")]
    assert found == "1024 paths take 5120 multiplications for one input, the recursion 80 for all four"


def test_wider_nets_come_nearer_and_straight_ones_do_not():
    errors = [approximation.sup_error(width) for width in (2, 8, 32)]
    assert errors[0] > 0.5 > errors[1] > 0.001 > errors[2]
    assert approximation.sup_error(32, "identity") > 0.5


# ---------------------------------------------------------------- any network

DIFFERENTIABLE = [g for g in network.ACTIVATIONS if g != "step"]


@st.composite
def nets(draw):
    depth = draw(st.integers(1, 5))
    sizes = draw(st.lists(st.integers(1, 8), min_size=depth + 1, max_size=depth + 1))
    g = draw(st.lists(st.sampled_from(network.ACTIVATIONS), min_size=depth, max_size=depth))
    net = random_net(sizes, g, draw(st.integers(1, 6)), draw(st.integers(0, 10**6)), biased=draw(st.booleans()))
    weights = [W / np.sqrt(len(W)) for W in net.weights]  # keeps numbers of size 1, as differences need
    return Net(weights, net.biases, g, net.x, net.y)


def away_from_kinks(net):
    trace = network.forward(net.weights, net.biases, net.x, net.activations)
    pairs = zip(net.activations, trace.pre_activations, strict=True)
    return all(np.abs(a).min() > 1e-4 for g, a in pairs if g in ("step", "relu"))


def close(found, expected, rtol):
    np.testing.assert_allclose(found, expected, rtol=0, atol=rtol * max(1.0, np.abs(expected).max(initial=0.0)))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(nets())
def test_forward_and_backward_equal_the_engine_on_any_network(net):
    weights, biases = leaves(net)
    rows = [layers(weights, biases, row, net.activations) for row in net.x.tolist()]
    trace = network.forward(net.weights, net.biases, net.x, net.activations)
    for i, z in enumerate(trace.activations):
        close(z, data([row[i] for row in rows]), 1e-12)
    found, E = by_hand(net), error(weights, biases, net.x.tolist(), net.y.tolist(), net.activations)
    close(found.loss, E.data, 1e-12)
    for formula, W in zip(found.weights, weights, strict=True):
        close(formula, slopes(E, W), 1e-12)
    for formula, b in zip(found.biases, biases, strict=True):
        assert (formula is None) == (b is None)
        if b is not None:
            close(formula, slopes(E, b), 1e-12)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(nets(), st.data())
def test_backward_equals_central_differences_on_any_network(net, choose):
    assume(away_from_kinks(net))
    weights, biases = plain(net)
    x, y, g, found = net.x.tolist(), net.y.tolist(), net.activations, by_hand(net)
    i = choose.draw(st.integers(0, len(weights) - 1))
    at_W = central(lambda W: error([*weights[:i], W, *weights[i + 1 :]], biases, x, y, g), weights[i])
    close(found.weights[i], at_W, 1e-7)
    if biases[i] is not None:
        at_b = central(lambda b: error(weights, [*biases[:i], b, *biases[i + 1 :]], x, y, g), biases[i])
        close(found.biases[i], at_b, 1e-7)
    z = network.forward(net.weights, net.biases, net.x, g).activations[i]
    below = [found.inputs, *found.deltas][i]
    close(below, central(lambda z: error(weights[i:], biases[i:], z, y, g[i:]), z), 1e-7)


def test_the_fixtures_name_every_activation_that_has_a_slope():
    assert {g for net in NETS for g in net.activations} == set(DIFFERENTIABLE)
    assert {len(net.weights) for net in NETS} == {1, 2, 3, 4}


def test_large_scores_neither_overflow_nor_warn():
    found = network.backward([1e4 * np.eye(2)], [None], np.eye(2), labels([0, 1], 2), ["identity"])
    assert found.loss == 0.0
    assert network.sigmoid(np.array([-1000.0, 1000.0])).tolist() == [0.0, 1.0]


def test_an_unknown_activation_is_an_error_that_names_those_there_are():
    said = message_of(ArgumentError, lambda: ai50021.forward([np.eye(2)], [None], np.eye(2), ["gelu"]))
    assert said == "the lecture has no activation 'gelu': choose one of step, sigmoid, tanh, relu, identity"


def test_every_layer_has_one_of_each():
    said = message_of(ArgumentError, lambda: ai50021.forward([np.eye(2)], [], np.eye(2), ["tanh"]))
    mend = "pass one of each for every layer, None for a bias that is not there"
    assert said == f"there are 1 weights, 0 biases and 1 activations: {mend}"


@pytest.mark.parametrize("row", [[0.0, 1.0], [1.0, 1.0], [-1.0, -1.0], [2.0, -1.0]])
def test_labels_are_one_plus_among_minuses(row):
    said = message_of(
        ArgumentError, lambda: ai50021.backward([np.eye(2)], [None], np.ones((1, 2)), np.array([row]), ["tanh"])
    )
    assert said == f"a row of labels is {row}: pass +1 for the sample's class and -1 for the others"


def test_a_cycle_of_neurons_is_refused_by_name():
    said = message_of(ArgumentError, lambda: neurons.feed_forward_order({"a": ["b"], "b": ["a"], "c": []}))
    assert said == "there is a cycle among the neurons a, b: a feed-forward network has none, cut one edge"


def test_the_notation_says_what_a_comparison_has_to_convert():
    conventions = ("layout", "data", "scale", "direction", "labels")
    assert [network.NOTATION[name] for name in conventions] == ["(in, out)", "rows", "sum", "descent", "±1"]


# ---------------------------------------------------------------- each closed form can be caught


@pytest.mark.parametrize("name", sorted(forms_of("ai50021")))
def test_a_slip_in_a_closed_form_turns_an_item_red(name):
    assert survivors("ai50021", name) == []
