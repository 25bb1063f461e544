"""What the lectures disagree on is one thing in several notations, and all of them are checked the same way."""

import numpy as np
import pytest

from nn.lectures import conventions  # noqa: F401 - its items are declared when it is imported
from nn.lectures.conventions.notations import FIVE, module_of

from .mutations import forms_of, survivors

POSITIVE = [
    np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]]),
    np.array([[0.7, -0.8], [-0.9, 1.0]]),
    np.array([[1.1, -1.2]]),
]
BIASES = [np.array([0.05, -0.1]), np.array([0.2, -0.3]), np.array([0.15])]


@pytest.mark.parametrize("lecture", FIVE)
def test_one_network_gives_one_number_in_all_five_notations(lecture):
    notation = module_of(lecture).NOTATION
    weights = POSITIVE if notation["layout"] == "(out, in)" else [W.T for W in POSITIVE]
    x = np.array([[0.5], [-1.0], [2.0]])
    points = x if notation["data"] == "columns" else x.T
    trace = module_of(lecture).forward(weights, BIASES, points, ["sigmoid"] * 3)
    assert trace.activations[-1].item() == pytest.approx(0.6157725986, abs=1e-10)


def test_the_letters_of_a_lecture_say_what_comes_before_and_after_the_activation_function():
    letters = {name: (n["pre-activation"], n["activation"]) for name in FIVE for n in [module_of(name).NOTATION]}
    assert letters == {
        "levine": ("z", "h"),
        "ai50021": ("a", "z"),
        "malik": ("S", "x"),
        "lai": ("z", "a"),
        "mit6036": ("Z", "A"),
    }


@pytest.mark.parametrize("form", forms_of("conventions"))
def test_a_slip_in_a_closed_form_turns_an_item_red(form):
    assert survivors("conventions", form) == []
