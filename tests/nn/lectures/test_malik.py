"""Malik and Wan's formulas hold: by hand, from the graph, and as difference quotients."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError
from nn.lectures import malik
from nn.lectures.item import ERRATA
from nn.lectures.malik import forms
from nn.lectures.malik.model import LABELS, SAMPLES, START, regression_loss
from nn.lectures.malik.nets import FIXTURE
from nn.lectures.malik.training import OUTPUTS, quotient_errors
from nn.losses import squared_error

from .mutations import forms_of, survivors
from .slopes import as_model, close, hold_against_graph, hold_against_quotients

reproducibly = settings(derandomize=True, deadline=None, max_examples=60)
ERRATA_WITH_NUMBERS = [f"E-MAL-{n}" for n in (3, 5, 7, 8, 10, 11, 13, 14)]
MISREAD_BY_MACHINE = ["E-MAL-6", "E-MAL-16"]
IN_WORDS = [f"E-MAL-{n}" for n in (1, 2, 4, 9, 12, 15)]


def slopes_of_fixture():
    return malik.backward(FIXTURE.weights, FIXTURE.biases, *FIXTURE.rows, FIXTURE.activations)


# ---------------------------------------------------------------- numbers that others computed


def test_the_forward_pass_has_the_numbers_of_the_fixture():
    trace = malik.forward(FIXTURE.weights, FIXTURE.biases, FIXTURE.rows[0], FIXTURE.activations)
    assert [a[0].tolist() for a in trace.pre_activations] == [
        pytest.approx([-2.25, 1.3, 1.25, -1.2], abs=1e-14),
        pytest.approx([-0.0890515915, 1.1556845874], abs=1e-10),
    ]
    assert [a[0].tolist() for a in trace.activations] == [
        [0.5, -1.0, 2.0],
        pytest.approx([0.0953494649, 0.785834983, 0.7772998612, 0.2314752165], abs=1e-10),
        pytest.approx([0.4777518029, 0.7605476978], abs=1e-10),
    ]


def test_the_backward_pass_has_the_numbers_of_the_fixture():
    found = slopes_of_fixture()
    assert found.loss == pytest.approx(0.4255879900112565, rel=1e-15)
    first = [-0.0104695538, 0.0031594346, 0.0396235465, -0.007245955]
    last = [-0.1303035457, 0.1385070658]
    assert [delta[0].tolist() for delta in found.deltas] == [
        pytest.approx(first, abs=1e-10),
        pytest.approx(last, abs=1e-10),
    ]
    hidden = [0.0953494649, 0.785834983, 0.7772998612, 0.2314752165]
    assert found.weights[0] == pytest.approx(np.outer([0.5, -1.0, 2.0], first), abs=1e-9)
    assert found.weights[1] == pytest.approx(np.outer(hidden, last), abs=1e-9)
    assert found.biases == [None, None]


def test_logistic_regression_has_the_numbers_of_the_fixture():
    gradient = forms.regression_gradient(START, SAMPLES, LABELS)
    assert gradient.tolist() == pytest.approx([-0.8514194713, 0.0745155546, 0.0840617553], abs=1e-10)
    down, up = [forms.descent_step(START, gradient, eta).tolist() for eta in (0.1, -0.1)]
    assert [regression_loss(w) for w in (START.tolist(), down, up)] == pytest.approx(
        [1.812014, 1.739408, 1.886908], abs=1e-6
    )
    assert regression_loss((START * 0.1 * gradient).tolist()) == pytest.approx(2.093015, abs=1e-6)


def test_the_cross_entropy_has_the_number_of_the_fixture():
    assert forms.cross_entropy(OUTPUTS, LABELS) == pytest.approx(1.0906441190189329, rel=1e-15)


def test_difference_quotients_miss_by_the_numbers_of_the_fixture():
    assert quotient_errors([1e-1, 1e-3, 1e-6]) == pytest.approx([1.07e-4, 1.07e-6, 1.1e-9], rel=0.05)
    assert quotient_errors([1e-1, 1e-3], both_sides=True) == pytest.approx([1.05e-6, 1.05e-10], rel=0.05)


@pytest.mark.parametrize(("y", "slope"), [(1.3, 11.8292972098), (-0.7, 5.1067097356), (2.0, 7.8904094445)])
def test_the_example_of_the_chain_rule_has_the_numbers_of_the_fixture(y, slope):
    assert float(forms.chain_example(np.array(y))) == pytest.approx(slope, abs=1e-10)


def test_the_printed_forms_give_the_wrong_numbers_of_the_catalogue():
    printed = {name: next(iter(ERRATA[name].misses())).printed for name in ERRATA_WITH_NUMBERS}
    assert printed["E-MAL-3"].tolist() == pytest.approx([0.50454472, 0.65173483], abs=1e-8)
    assert float(printed["E-MAL-7"]) == pytest.approx(1.033969, abs=1e-6)
    assert printed["E-MAL-13"][0] == pytest.approx(-2.308107, abs=1e-6)
    assert printed["E-MAL-14"].tolist() == pytest.approx([0.00112397, 0.03030367], abs=1e-8)


# ---------------------------------------------------------------- any network


@st.composite
def networks(draw):
    sizes = draw(st.lists(st.integers(1, 8), min_size=2, max_size=6))
    activations = draw(st.lists(st.sampled_from(forms.ACTIVATIONS), min_size=len(sizes) - 1, max_size=len(sizes) - 1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    samples = draw(st.integers(1, 6))
    weights = [rng.uniform(-1.0, 1.0, shape) for shape in pairwise(sizes)]
    biases = [rng.normal(size=n) if draw(st.booleans()) else None for n in sizes[1:]]
    x, y = rng.normal(size=(samples, sizes[0])), rng.normal(size=(samples, sizes[-1]))
    return weights, biases, x, y, activations


@reproducibly
@given(networks())
def test_on_any_network_the_formulas_are_what_the_graph_says(network):
    weights, biases, x, y, activations = network
    model = as_model(weights, biases, activations)
    outputs = [model(row) for row in x.tolist()]
    e = 0.5 * sum(squared_error(o, t) for o, t in zip(outputs, y.tolist(), strict=True))
    e.backward()
    found = malik.backward(weights, biases, x, y, activations)
    trace = malik.forward(weights, biases, x, activations)
    close(trace.activations[-1], np.array([[o.data for o in row] for row in outputs]))
    close(found.loss, e.data)
    hold_against_graph(found, model)


@reproducibly
@given(networks(), st.integers(0, 2**32))
def test_on_any_network_the_formulas_are_what_difference_quotients_say(network, seed):
    hold_against_quotients(malik, network, seed)


# ---------------------------------------------------------------- what is refused


def test_an_activation_that_the_lecture_has_not_is_refused():
    rows = FIXTURE.rows[0]
    assert message_of(ArgumentError, lambda: malik.forward(FIXTURE.weights, [None] * 2, rows, ["relu", "softmax"])) == (
        "the lecture has no activation 'softmax': choose one of sigmoid, tanh, relu, identity"
    )
    assert message_of(ArgumentError, lambda: malik.backward(FIXTURE.weights, [None] * 2, *FIXTURE.rows, ["relu"])) == (
        "there are 1 activations and 2 layers: name one for each layer"
    )


def test_the_notation_has_a_letter_for_everything():
    keys = "pre-activation activation weight bias delta loss layout data scale direction"
    assert " ".join(malik.NOTATION) == keys


# ---------------------------------------------------------------- slips are noticed


@pytest.mark.parametrize("form", forms_of("malik"))
def test_a_slip_in_a_closed_form_turns_an_item_red(form):
    assert survivors("malik", form) == []
