"""Lai's formulas hold: by hand, from the graph, and as difference quotients."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError, softmax
from nn.lectures import lai
from nn.lectures.item import ERRATA
from nn.lectures.lai import forms
from nn.lectures.lai.layers import slopes_of
from nn.lectures.lai.nets import BIAS, FIXTURE, THETA, WEIGHTS, X, Y
from nn.lectures.lai.training import stepped, trained
from nn.losses import nll, nllm

from .mutations import forms_of, survivors
from .slopes import as_model, close, hold_against_graph, hold_against_quotients

reproducibly = settings(derandomize=True, deadline=None, max_examples=60)
ERRATA_WITH_NUMBERS = [f"E-LAI-{n}" for n in (3, 5, 6, 7)]
IN_WORDS = [f"E-LAI-{n}" for n in (1, 2, 4)]


# ---------------------------------------------------------------- numbers that others computed


def test_regression_on_one_example_has_the_numbers_of_the_fixture():
    z = forms.score(X[0], WEIGHTS, BIAS)
    yhat = forms.softmax(z)
    assert z.tolist() == pytest.approx([-0.3, -0.7, 0.95], abs=1e-15)
    assert yhat.tolist() == pytest.approx([0.1937735518, 0.1298902962, 0.676336152], abs=1e-10)
    assert float(forms.cross_entropy(yhat, Y[0])) == pytest.approx(1.64106506028936, rel=1e-14)
    assert forms.example_gradient(X[0], yhat, Y[0]) == pytest.approx(
        np.array([[-0.4031132241, 0.0649451481, 0.338168076], [0.8062264482, -0.1298902962, -0.676336152]]), abs=1e-10
    )
    assert forms.delta_output(yhat, Y[0]).tolist() == pytest.approx(
        [-0.8062264482, 0.1298902962, 0.676336152], abs=1e-10
    )


def test_regression_on_all_examples_has_the_numbers_of_the_fixture():
    expected = [
        [-0.0133189355, 0.2057472386, -0.1924283032],
        [0.3144396505, -0.1215517072, -0.1928879433],
        [0.0719338786, 0.0150066222, -0.0869405008],
    ]
    found = forms.theta_gradient(forms.with_dummy(X), forms.layer(X, THETA, "softmax"), Y)
    assert found == pytest.approx(np.array(expected), abs=1e-10)


def test_the_backward_pass_has_the_numbers_of_the_fixture():
    found = slopes_of(FIXTURE)
    assert found.loss == pytest.approx(1.1032447862812913, rel=1e-15)
    dW1 = [[-0.0859737129, 0.041135978, 0.0271634802], [0.0464214701, -0.0952743032, 0.0261375014]]
    dW2 = [
        [0.1029317911, 0.0177227302, -0.1206545213],
        [0.0467067314, 0.0037687704, -0.0504755019],
        [0.0411099967, 0.1000638858, -0.1411738825],
    ]
    assert found.weights == [pytest.approx(np.array(dW), abs=1e-10) for dW in (dW1, dW2)]
    assert [b.tolist() for b in found.biases] == [
        pytest.approx([-0.0302618689, -0.01126064, 0.0236308662], abs=1e-10),
        pytest.approx([0.0963722166, 0.0802500185, -0.1766222351], abs=1e-10),
    ]


def test_training_has_the_numbers_of_the_fixture():
    assert slopes_of(stepped(FIXTURE, 0.5)).loss == pytest.approx(1.0454606690654387, rel=1e-14)
    assert slopes_of(trained(FIXTURE, 500)).loss == pytest.approx(0.0230, abs=5e-5)


def test_several_paths_have_the_number_of_the_catalogue():
    t = 0.7
    a, b = t * t, np.exp(t)
    found = forms.chain_of_several(np.array([b + np.cos(a), a]), np.array([2.0 * t, b]))
    assert found == pytest.approx(5.041258619173371, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "off"), [("E-LAI-3", 0.943), ("E-LAI-5", 0.599), ("E-LAI-6", 0.373), ("E-LAI-7", 0.106)]
)
def test_the_printed_forms_are_off_by_what_the_catalogue_says(name, off):
    assert max(np.max(np.abs(m.printed - m.truth)) for m in ERRATA[name].misses()) == pytest.approx(off, abs=1e-3)


# ---------------------------------------------------------------- any network


@st.composite
def networks(draw):
    sizes = draw(st.lists(st.integers(1, 8), min_size=2, max_size=6))
    hidden = draw(st.lists(st.sampled_from(forms.HIDDEN), min_size=len(sizes) - 2, max_size=len(sizes) - 2))
    output = draw(st.sampled_from(forms.OUTPUT))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    examples = draw(st.integers(1, 6))
    weights = [rng.uniform(-1.0, 1.0, shape) for shape in pairwise(sizes)]
    biases = [rng.normal(size=n) if draw(st.booleans()) else None for n in sizes[1:]]
    x = rng.normal(size=(examples, sizes[0]))
    y = rng.integers(0, 2, (examples, sizes[-1])).astype(float)
    if output == "softmax":
        y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], examples)]
    return weights, biases, x, y, [*hidden, output]


def loss_on_graph(model, x, y, output):
    """Return the mean of nn's own losses, and the outputs."""
    if output == "softmax":
        outputs = [softmax(model(row)) for row in x.tolist()]
        losses = [nllm(yhat, t) for yhat, t in zip(outputs, y.tolist(), strict=True)]
    else:
        outputs = [model(row) for row in x.tolist()]
        losses = [sum(nll(*pair) for pair in zip(row, t, strict=True)) for row, t in zip(outputs, y, strict=True)]
    return sum(losses) / len(losses), outputs


@reproducibly
@given(networks())
def test_on_any_network_the_formulas_are_what_the_graph_says(network):
    weights, biases, x, y, activations = network
    model = as_model(weights, biases, [g if g in forms.HIDDEN else "identity" for g in activations])
    loss, outputs = loss_on_graph(model, x, y, activations[-1])
    loss.backward()
    found = lai.backward(weights, biases, x, y, activations)
    trace = lai.forward(weights, biases, x, activations)
    close(trace.activations[-1], np.array([[a.data for a in row] for row in outputs]))
    close(found.loss, loss.data)
    hold_against_graph(found, model)


@reproducibly
@given(networks(), st.integers(0, 2**32))
def test_on_any_network_the_formulas_are_what_difference_quotients_say(network, seed):
    hold_against_quotients(lai, network, seed)


def test_far_out_nothing_overflows_and_only_an_impossible_label_costs_everything():
    W, x = [np.array([[1000.0, -1000.0]])], np.array([[1.0], [-2.0]])
    for output, y in (("softmax", [[1.0, 0.0], [0.0, 1.0]]), ("sigmoid", [[1.0, 0.0], [0.0, 1.0]])):
        found = lai.backward(W, [None], x, np.array(y), [output])
        assert found.loss == 0.0
        assert not np.any(found.weights[0])
        assert lai.backward(W, [None], x, 1.0 - np.array(y), [output]).loss == np.inf


# ---------------------------------------------------------------- what is refused


def test_an_activation_that_the_lecture_has_not_is_refused():
    def run(*activations):
        return lambda: lai.forward(FIXTURE.weights, FIXTURE.biases, X, activations)

    assert message_of(ArgumentError, run("softmax", "softmax")) == (
        "the lecture has no hidden activation 'softmax': choose one of sigmoid, tanh, relu"
    )
    assert message_of(ArgumentError, run("tanh", "identity")) == (
        "the lecture has no output activation 'identity': choose one of sigmoid, softmax"
    )
    assert message_of(ArgumentError, run("softmax")) == "there are 1 activations and 2 layers: name one for each layer"
    assert message_of(ArgumentError, lambda: forms.g("gelu", X)) == (
        "the lecture has no activation 'gelu': choose one of sigmoid, tanh, relu, softmax"
    )


def test_labels_that_are_no_shares_are_refused():
    args = FIXTURE.weights, FIXTURE.biases, X[:1]
    assert message_of(ArgumentError, lambda: lai.backward(*args, np.array([[1.0, 1.0, 0.0]]), ["tanh", "softmax"])) == (
        "the labels of some example do not add up to 1: [[1.0, 1.0, 0.0]]; pass one-hot rows"
    )


def test_the_notation_has_a_letter_for_everything():
    keys = "pre-activation activation weight bias delta loss layout data scale direction"
    assert " ".join(lai.NOTATION) == keys


def test_the_errors_are_those_of_each_example_for_itself():
    whole, alone = slopes_of(FIXTURE), slopes_of(FIXTURE.only(0))
    for several, one in zip(whole.deltas, alone.deltas, strict=True):
        close(several[:1], one)


# ---------------------------------------------------------------- slips are noticed


@pytest.mark.parametrize("form", forms_of("lai"))
def test_a_slip_in_a_closed_form_turns_an_item_red(form):
    assert survivors("lai", form) == []
