"""What a forward pass draws and keeps happens at once, or is recorded to be repeated; losses take Values for labels."""

from random import Random

import pytest

from autograd_core import Value
from nn import BatchNorm, Dropout, losses
from nn.effects import drawn, observed, recorded


def test_numbers_are_drawn_at_once_in_order():
    rng, expected = Random(0), Random(0)
    assert drawn(rng.random, 3) == [expected.random() for _ in range(3)]


def test_recording_draws_nothing_and_gives_placeholders_until_they_run_out():
    layer, places = Dropout(drop=0.5, rng=0), (Value(0.25), Value(0.75))
    before = layer.rng.getstate()
    with recorded(places) as effects:
        masked = layer([1.0, 1.0, 1.0])
    assert layer.rng.getstate() == before
    assert [v.inputs[1] for v in masked[:2]] == list(places)
    assert effects.draw() == [factor.data for factor in Dropout(drop=0.5, rng=0)([1.0, 1.0, 1.0])]


def test_recording_keeps_nothing_until_it_is_told_the_numbers():
    layer = BatchNorm(2, momentum=None)
    with recorded() as effects:
        layer.on_batch([[1.0, 5.0], [3.0, 5.0]])
    assert layer.running_mean.tolist() == [0.0, 0.0]
    assert [v.data for v in effects.observed] == [2.0, 2.0, 5.0, 0.0]
    effects.keep([3.0, 8.0, -1.0, 4.0])
    assert (layer.running_mean.tolist(), layer.running_var.tolist()) == ([3.0, -1.0], [8.0, 4.0])


def test_each_gets_the_numbers_of_its_own_values():
    seen = []
    with recorded() as effects:
        observed([Value(1.0)], seen.append)
        observed([Value(2.0), Value(3.0)], seen.append)
    effects.keep([4.0, 5.0, 6.0])
    assert seen == [[4.0], [5.0, 6.0]]


def test_after_recording_and_after_an_error_in_it_effects_happen_again():
    with pytest.raises(ZeroDivisionError), recorded():
        1 / 0  # noqa: B018
    assert drawn(lambda: 2.0) == [2.0]


@pytest.mark.parametrize(
    ("loss", "output", "label"),
    [
        (losses.hinge, 0.3, -1.0),
        (losses.nll, 0.3, 1.0),
        (losses.nll_with_logits, 0.3, 0.25),
        (losses.squared_error, 0.3, 2.0),
    ],
)
def test_a_label_may_be_a_value_and_has_a_gradient_then(loss, output, label):
    t, h = Value(label), 1e-6
    cost = loss(Value(output), t)
    cost.backward()
    assert cost.data == loss(Value(output), label).data
    by_difference = (loss(Value(output), Value(label + h)).data - loss(Value(output), Value(label - h)).data) / (2 * h)
    assert t.grad == pytest.approx(by_difference, abs=1e-8)


@pytest.mark.parametrize("loss", [losses.nllm, losses.nllm_with_logits])
def test_a_one_hot_row_of_values_costs_what_the_class_does(loss):
    outputs = [Value(0.2), Value(0.5), Value(0.3)]
    row = [Value(0.0), Value(1.0), Value(0.0)]
    assert loss(outputs, row).data == pytest.approx(loss(outputs, 1).data, rel=1e-15)
