"""Levine's formulas hold: by hand, from the graph, and as difference quotients."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError, Value, log, sigmoid
from nn.lectures import levine
from nn.lectures.levine import pieces, training
from nn.lectures.levine.nets import DATA, NEGATIVE, POSITIVE
from nn.lectures.levine.network import log_likelihood
from nn.lectures.levine.pieces import flat
from nn.lectures.levine.training import climb, climbs

from .mutations import forms_of, in_place_of, mutants, survivors
from .slopes import close

reproducibly = settings(derandomize=True, deadline=None, max_examples=60)
ERRATA_WITH_NUMBERS = ["E-LEV-1", "E-LEV-2", "E-LEV-3"]

# The slopes of the fixture in the order of the page, from an independent engine.
UPHILL_FOR_1 = [
    0.0162445311, -0.0124274467, -0.0324890621, 0.0248548934, 0.0649781243, -0.0497097869, 0.0324890621, -0.0248548934,
    0.0694635794, -0.0708608388, 0.0164127047, -0.0167428461, 0.0977053632, -0.0996707059,
    0.2448339193, 0.1214443269, 0.3842274014,
]  # fmt: skip
UPHILL_FOR_0 = [
    -0.0260338983, 0.019916542, 0.0520677967, -0.0398330839, -0.1041355934, 0.0796661678, -0.0520677967, 0.0398330839,
    -0.1113240977, 0.1135633812, -0.0263034177, 0.0268325107, -0.1565850982, 0.1597348064,
    -0.3923770616, -0.1946297648, -0.6157725986,
]  # fmt: skip


def slopes_of(net):
    return levine.backward(net.weights, net.biases, net.x, net.y)


def objective(net):
    return log_likelihood(levine.forward(net.weights, net.biases, net.x).activations[-1], net.y)


# ---------------------------------------------------------------- numbers that others computed


def test_the_forward_pass_has_the_numbers_of_the_fixture():
    trace = levine.forward(POSITIVE.weights, POSITIVE.biases, POSITIVE.x)
    z, h = [[a[:, 0].tolist() for a in arrays] for arrays in (trace.pre_activations, trace.activations)]
    assert z == [
        pytest.approx([0.9, -1.6], abs=1e-10),
        pytest.approx([0.5632793599, -0.7718729375], abs=1e-10),
        pytest.approx([0.471643169], abs=1e-9),
    ]
    assert h == [
        [0.5, -1.0, 2.0],
        pytest.approx([0.7109495026, 0.1679816149], abs=1e-10),
        pytest.approx([0.6372109808, 0.3160740916], abs=1e-10),
        pytest.approx([0.6157725986], abs=1e-10),
    ]
    assert objective(POSITIVE) == pytest.approx(-0.484878, abs=1e-6)
    assert objective(NEGATIVE) == pytest.approx(-0.956521, abs=1e-6)


@pytest.mark.parametrize(("net", "expected"), [(POSITIVE, UPHILL_FOR_1), (NEGATIVE, UPHILL_FOR_0)])
def test_the_long_gradient_has_the_numbers_of_the_fixture_in_the_order_of_the_page(net, expected):
    found = slopes_of(net)
    assert flat(found.weights, found.biases).tolist() == pytest.approx(expected, abs=1e-10)


def test_three_data_points_have_the_numbers_of_the_fixture():
    found = slopes_of(DATA)
    assert found.loss == pytest.approx(-1.9598975340280216, rel=1e-15)
    dW1 = [[0.0902963018, -0.0273077466, 0.0034482545], [-0.074197024, 0.0404771263, -0.0020114478]]
    assert found.weights[0] == pytest.approx(np.array(dW1), abs=1e-10)
    assert objective(climb(DATA, 0.1)) == pytest.approx(-1.94053665, abs=1e-8)
    assert objective(climb(DATA, -0.1)) == pytest.approx(-1.98167033, abs=1e-8)
    *_, trained = climbs(DATA, 0.5, 400)
    assert objective(trained) == pytest.approx(-0.01147, abs=1e-5)


# ---------------------------------------------------------------- any network


@st.composite
def networks(draw):
    sizes = draw(st.lists(st.integers(1, 8), min_size=2, max_size=6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    points = draw(st.integers(1, 6))
    # Small enough that no output saturates, where log(1 - h) has few digits left for a difference quotient.
    weights = [rng.uniform(-0.8, 0.8, size=(m, n)) for n, m in pairwise(sizes)]
    biases = [rng.uniform(-1.0, 1.0, size=m) if draw(st.booleans()) else None for m in sizes[1:]]
    x, y = rng.uniform(-1.0, 1.0, size=(sizes[0], points)), rng.integers(0, 2, size=(sizes[-1], points)).astype(float)
    return weights, biases, x, y


def as_graph(weights, biases, x):
    """Return the outputs for one data point, in scalar operations spelt out here."""
    for W, b in zip(weights, biases, strict=True):
        z = [sum(w * v for w, v in zip(row, x, strict=True)) for row in W]
        x = [sigmoid(s if b is None else s + b[i]) for i, s in enumerate(z)]
    return x


@reproducibly
@given(networks())
def test_on_any_network_the_formulas_are_what_the_graph_and_difference_quotients_say(network):
    weights, biases, x, y = network
    found = levine.backward(weights, biases, x, y, ["sigmoid"] * len(weights))
    Ws = [[[Value(w) for w in row] for row in W] for W in weights]
    bs = [None if b is None else [Value(v) for v in b] for b in biases]
    outputs = [as_graph(Ws, bs, column) for column in x.T.tolist()]
    terms = [
        log(h if t else 1.0 - h) for row, ts in zip(outputs, y.T, strict=True) for h, t in zip(row, ts, strict=True)
    ]
    total = sum(terms)
    total.backward()
    assert found.loss == pytest.approx(total.data, rel=1e-12)
    for leaves, formula in zip(Ws, found.weights, strict=True):
        close(formula, np.array([[w.grad for w in row] for row in leaves]))
    for leaves, formula in zip(bs, found.biases, strict=True):
        if leaves is None:
            assert formula is None
        else:
            close(formula, np.array([b.grad for b in leaves]))
    for i, W in enumerate(weights):
        place = tuple(np.argwhere(np.abs(found.weights[i]) == np.abs(found.weights[i]).max())[0])
        ahead, behind = W.copy(), W.copy()
        ahead[place] += 1e-6
        behind[place] -= 1e-6
        up, down = [levine.backward([*weights[:i], V, *weights[i + 1 :]], biases, x, y).loss for V in (ahead, behind)]
        assert (up - down) / 2e-6 == pytest.approx(found.weights[i][place], rel=1e-7, abs=1e-7)


def test_the_slope_by_the_input_is_that_of_the_graph():
    x = [Value(v) for v in (0.5, -1.0, 2.0)]
    log(as_graph(POSITIVE.weights, POSITIVE.biases, x)[0]).backward()
    close(slopes_of(POSITIVE).inputs, np.array([[v.grad] for v in x]))


# ---------------------------------------------------------------- what is refused


def test_an_activation_that_the_lecture_does_not_name_is_refused():
    args = POSITIVE.weights, POSITIVE.biases, POSITIVE.x
    assert message_of(ArgumentError, lambda: levine.forward(*args, ["sigmoid", "tanh", "sigmoid"])) == (
        "the lecture has no activation 'tanh': choose one of sigmoid"
    )
    assert message_of(ArgumentError, lambda: levine.forward(*args, ["sigmoid"])) == (
        "there are 1 activations and 3 layers: name one for each layer"
    )


def test_a_label_that_is_neither_0_nor_1_is_refused():
    y = np.array([[-1.0]])
    assert message_of(ArgumentError, lambda: levine.backward(POSITIVE.weights, POSITIVE.biases, POSITIVE.x, y)) == (
        "there are labels other than 0 and 1 among [-1.0]: the lecture has these two"
    )


def test_the_notation_has_a_letter_for_everything():
    keys = "pre-activation activation weight bias delta loss layout data scale direction"
    assert " ".join(levine.NOTATION) == keys


# ---------------------------------------------------------------- slips are noticed


def test_a_slip_is_tried_and_taken_back():
    ((what, mutant),) = mutants(pieces, "ascent")
    assert what.startswith("ascent, line ")
    assert what.endswith(", 'theta + alpha * slope': sign flipped")
    assert (mutant(1.0, 2.0, 0.25), pieces.ascent(1.0, 2.0, 0.25)) == (0.5, 1.5)
    with in_place_of(pieces.ascent, mutant):
        assert training.ascent(1.0, 2.0, 0.25) == 0.5
    assert training.ascent(1.0, 2.0, 0.25) == 1.5


@pytest.mark.parametrize("form", forms_of("levine"))
def test_a_slip_in_a_closed_form_turns_an_item_red(form):
    assert survivors("levine", form) == []
