"""One's own network and data in each lecture's notation: autograd beside the formulas, and clear words where it cannot be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autograd_core import ArgumentError
from nn import lectures
from nn.lectures.own import NOTATIONS, WITH_SIGMOID

HIDDEN = {
    "levine": ["sigmoid"],
    "ai50021": ["sigmoid", "tanh", "relu", "identity"],
    "malik": ["sigmoid", "tanh", "relu", "identity"],
    "lai": ["sigmoid", "tanh", "relu"],
    "mit6036": ["sigmoid", "tanh", "relu", "identity"],
}
OUTPUT = {**HIDDEN, "lai": ["identity", "sigmoid"]}


@st.composite
def cases(draw, notation):
    """Draw a network, samples and labels, with numbers that no ReLU has a kink at."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    sizes = draw(st.lists(st.integers(1, 8), min_size=2, max_size=6))
    output = draw(st.sampled_from(OUTPUT[notation]))
    coding = (WITH_SIGMOID if output == "sigmoid" else NOTATIONS).get(notation, NOTATIONS[notation]).labels
    if coding in ("one-hot", "±1"):
        sizes[-1] = max(sizes[-1], 2)
    model = nn.MLP(sizes[0], sizes[1:], draw(st.sampled_from(HIDDEN[notation])), output, init="glorot", rng=seed)
    for p in model.parameters():
        p.data += rng.uniform(-0.3, 0.3)
    batch = draw(st.integers(1, 6))
    x = rng.uniform(-1.0, 1.0, (batch, sizes[0]))
    if coding == "numbers":
        return model, x, rng.uniform(-1.0, 1.0, (batch, sizes[-1]))
    if coding == "0/1":
        return model, x, rng.integers(0, 2, (batch, sizes[-1]))
    return model, x, rng.integers(0, sizes[-1], batch)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_on_random_networks_autograd_agrees_with_every_formula(notation):
    @settings(deadline=None, max_examples=25, derandomize=True)
    @given(cases(notation))
    def check(case):
        report = lectures.compare(*case, notation=notation)
        assert [line.cells() for line in report.differing] == []
        assert len(report.lines) >= 1 + 4 * len(case[0].layers)

    check()


def two_by_two(**options):
    return nn.MLP(2, [3, 2], "sigmoid", "sigmoid", rng=0, **options)


X = [[0.5, -1.0], [0.25, 2.0]]


def test_the_lines_are_in_the_lectures_letters():
    report = lectures.compare(two_by_two(), X, [[0.1, 0.2], [0.3, 0.4]], notation="malik")
    assert [line.evidence.quantity for line in report.lines] == [
        "e", "S1", "x1", "δ1 = ∂e/∂S1", "∂e/∂w1", "∂e/∂b1", "S2", "x2", "δ2 = ∂e/∂S2", "∂e/∂w2", "∂e/∂b2",
    ]  # fmt: skip


def test_weights_are_turned_into_the_lectures_layout():
    report = lectures.compare(two_by_two(), X, [[0.1, 0.2], [0.3, 0.4]], notation="malik")
    shapes = {line.evidence.quantity: line.evidence.formula.shape for line in report.lines}
    assert shapes["∂e/∂w1"] == (2, 3)
    report = lectures.compare(two_by_two(), X, [[0, 1], [1, 1]], notation="levine")
    shapes = {line.evidence.quantity: line.evidence.formula.shape for line in report.lines}
    assert shapes["∂L/∂W1"] == (3, 2)


def test_labels_are_recoded_and_that_is_said():
    report = lectures.compare(two_by_two(), X, [[-1, 1], [1, 1]], notation="levine")
    assert report.agrees
    assert report.notes[1] == "labels -1 in y were written 0, as this lecture does"
    report = lectures.compare(two_by_two(), X, [1, 0], notation="ai50021")
    assert report.notes[1:] == (
        "the classes in y were written one-hot",
        "labels 0 in y were written -1, as this lecture does",
    )


def test_a_wrong_formula_turns_the_report_red(monkeypatch):
    from nn.lectures import malik

    right = malik.backward

    def wrong(*arguments):
        found = right(*arguments)
        found.weights[0][0, 0] += 1e-6
        return found

    monkeypatch.setattr(malik, "backward", wrong)
    report = lectures.compare(two_by_two(), X, [[0.1, 0.2], [0.3, 0.4]], notation="malik")
    assert [line.evidence.quantity for line in report.differing] == ["∂e/∂w1"]


@pytest.mark.parametrize(
    ("model", "x", "y", "notation", "message"),
    [
        (two_by_two(), [[1.0, 2.0, 3.0]], [[0, 1]], "levine", "x has the shape (1, 3): pass rows of 2 numbers, one row for each sample"),
        (two_by_two(), X, [[0, 1]], "levine", "y has 1 rows and x has 2: pass one of each for every sample"),
        (two_by_two(), X, [[0, 2], [1, 1]], "levine", "y has the labels [0.0, 1.0, 2.0]: this lecture codes them 0 and 1"),
        (two_by_two(), X, [0, 2], "ai50021", "y has classes [0, 2]: number them from 0 to 1"),
        (two_by_two(), X, [[1, 1], [0, 1]], "ai50021", "some row of y has not exactly one 1: this lecture's classes exclude each other"),
        (two_by_two(), [[0.5, float("nan")]], [[0, 1]], "levine", "x holds numbers that are not finite: leave out those samples"),
        (two_by_two(), X, "ab", "levine", "y is 'ab', no array of numbers: pass classes from 0, rows of 0 and 1, or rows of numbers"),
        (
            nn.MLP(2, [3, 2], "sigmoid", "tanh", rng=0), X, [0, 1], "lai",
            "the last layer's activation is 'tanh', and lai's network ends in a softmax of scores: give the model output='identity', the softmax is part of the loss",
        ),
        (
            nn.MLP(2, [2], output="softmax", init="zero"), X, [0, 1], "mit6036",
            "Layer(2, 2, 'softmax') ends in a softmax, which no neuron has by itself: give it the activation 'identity' (where a lecture has a softmax, it is part of the loss)",
        ),
        (
            two_by_two(), X, [[0, 1], [1, 1]], "conventions",
            "'conventions' has no notation of its own: choose one of levine, ai50021, malik, lai, mit6036",
        ),
    ],
)  # fmt: skip
def test_what_a_notation_cannot_express_is_said(model, x, y, notation, message):
    with pytest.raises(ArgumentError) as fault:
        lectures.compare(model, x, y, notation=notation)
    assert str(fault.value) == message


def test_an_activation_that_the_lecture_does_not_name_is_refused():
    with pytest.raises(ArgumentError) as fault:
        lectures.compare(nn.MLP(2, [3, 2], "gelu", "sigmoid", rng=0), X, [[0, 1], [1, 1]], notation="levine")
    assert "'gelu'" in str(fault.value)


def test_a_model_of_other_parts_is_refused():
    model = nn.Sequential(nn.Layer(2, 2, "tanh", rng=0), lambda h: h)
    with pytest.raises(ArgumentError) as fault:
        lectures.compare(model, X, [[0, 1], [1, 1]], notation="malik")
    assert str(fault.value).endswith("is no layer of neurons: compare an MLP, or a Sequential of Layers")


def test_a_model_wants_data_and_a_notation():
    with pytest.raises(ArgumentError) as fault:
        lectures.compare(two_by_two(), X)
    assert str(fault.value) == "a model is compared on data, in a notation: compare(model, x, y, notation='lai')"


def test_central_differences_of_a_large_network_are_left_out_and_that_is_said():
    model = nn.MLP(30, [40, 40, 2], "tanh", "tanh", rng=0)
    rng = np.random.default_rng(0)
    report = lectures.compare(model, rng.normal(size=(8, 30)), rng.normal(size=(8, 2)), notation="malik")
    assert report.agrees
    assert report.notes[-1] == "central differences of 23,696 products would take long and were left out"
    assert all([line.evidence.central is None for line in report.lines])
