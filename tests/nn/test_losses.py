"""Losses have the values and gradients of their formulas, over all of float64 where they say so.

The formulas are evaluated with mpmath to 500 digits, so that none of the stable forms has a part in what it is
measured against; the gradients are the closed forms of the lectures.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of
from mpmath import mp, mpf

from autograd_core import ArgumentError, OperandTypeError, Value, dot, exp, sigmoid, softmax
from nn import Layer, Sequential, fit, optim
from nn.losses import (
    half_squared_error,
    hinge,
    nll,
    nll_with_logits,
    nllm,
    nllm_with_logits,
    squared_error,
    zero_one,
)

reproducibly = settings(derandomize=True, deadline=None, max_examples=200)
moderate = st.floats(-100.0, 100.0)
logits = st.floats(-1000.0, 1000.0)
probabilities = st.floats(1e-12, 1.0, exclude_max=True)
labels = st.sampled_from([0.0, 1.0]) | st.floats(0.0, 1.0)
EPS = math.ulp(1.0)
DIGITS = 500  # exp(-1000) is 434 digits below 1, and is added to it


def value_and_gradient(loss, outputs):
    """Return a loss and its derivatives with respect to one output or a row of them."""
    ys = [Value(y) for y in outputs] if isinstance(outputs, list) else Value(outputs)
    cost = loss(ys)
    cost.backward()
    return cost.data, [y.grad for y in ys] if isinstance(ys, list) else ys.grad


def close(found, exact, scale=0):
    """Tell whether floats are the exact numbers up to some roundings of themselves, or of numbers of that scale."""
    with mp.workdps(DIGITS):
        if isinstance(found, list):
            return all(close(f, e, scale) for f, e in zip(found, exact, strict=True))
        return abs(mpf(found) - exact) <= 8 * EPS * max(abs(exact), mpf(scale)) + mpf(2) ** -1070


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(DIGITS):
        yield


# ---------------------------------------------------------------- squared error


@reproducibly
@given(st.lists(st.tuples(moderate, moderate), min_size=1, max_size=5))
def test_squared_error_is_the_sum_of_squared_differences(pairs):
    ys, ts = [list(column) for column in zip(*pairs, strict=True)]
    value, gradient = value_and_gradient(lambda y: squared_error(y, ts), ys)
    assert value == pytest.approx(sum((y - t) ** 2 for y, t in pairs), rel=1e-14, abs=1e-300)
    assert gradient == [2.0 * (y - t) for y, t in pairs]


def test_squared_error_of_one_number():
    assert value_and_gradient(lambda y: squared_error(y, 1.0), 3.0) == (4.0, 4.0)
    assert value_and_gradient(lambda y: squared_error(y, [1.0]), [3.0]) == (4.0, [4.0])
    assert squared_error(3.0, 1).data == 4.0


def test_squared_error_has_a_gradient_towards_targets_too():
    y, t = Value(3.0), Value(1.0)
    squared_error([y, 0.0], [t, 0.0]).backward()
    assert (y.grad, t.grad) == (4.0, -4.0)


@pytest.mark.parametrize("targets", [[1.0, 2.0], (1, 2), np.array([1.0, 2.0]), iter([1.0, 2.0])])
def test_targets_of_squared_error_are_any_row_of_numbers(targets):
    assert squared_error([Value(3.0), Value(3.0)], targets).data == 5.0


@reproducibly
@given(st.lists(st.tuples(moderate, moderate), min_size=1, max_size=5))
def test_half_the_squared_error_has_the_difference_for_its_derivative(pairs):
    """Catalogue: malik.loss.half_sq, E-X-3."""
    ys, ts = [list(column) for column in zip(*pairs, strict=True)]
    value, gradient = value_and_gradient(lambda y: half_squared_error(y, ts), ys)
    assert value == pytest.approx(sum((y - t) ** 2 for y, t in pairs) / 2.0, rel=1e-14, abs=1e-300)
    assert gradient == [y - t for y, t in pairs]


# ---------------------------------------------------------------- 0-1

RIGHT_OR_WRONG = {
    "a probability, right of 1": (0.51, 1, {}, 0.0),
    "a probability, wrong of 1": (0.49, 1, {}, 1.0),
    "a probability, right of 0": (0.49, 0, {}, 0.0),
    "a probability, wrong of 0": (0.51, 0, {}, 1.0),
    "a tie is decided for 0": (0.5, 0, {}, 0.0),
    "a tie is decided against 1": (0.5, 1, {}, 1.0),
    "a label from NumPy": (0.51, np.int64(1), {}, 0.0),
    "a label that is a bool": (0.51, True, {}, 0.0),
    "a logit, right of 1": (0.1, 1, {"threshold": 0.0}, 0.0),
    "a logit, wrong of 0": (0.1, 0, {"threshold": 0.0}, 1.0),
    "a score, right of -1": (-0.1, -1, {"threshold": 0.0}, 0.0),
    "a score, wrong of -1": (0.1, -1, {"threshold": 0.0}, 1.0),
    "a score, right of +1": (0.1, 1, {"threshold": 0.0}, 0.0),
    "a score of 0 is decided for -1": (0.0, -1, {"threshold": 0.0}, 0.0),
    "nan, of 0": (math.nan, 0, {}, 1.0),
    "nan, of 1": (math.nan, 1, {}, 1.0),
    "several, right": ([0.1, 0.7, 0.2], 1, {}, 0.0),
    "several, wrong": ([0.1, 0.7, 0.2], 2, {}, 1.0),
    "several, one-hot and right": ([0.1, 0.7, 0.2], [0, 1, 0], {}, 0.0),
    "several, one-hot and wrong": ([0.1, 0.7, 0.2], np.array([1.0, 0.0, 0.0]), {}, 1.0),
    "several scores": ([-3.0, -7.0], np.int64(0), {}, 0.0),
    "a tie is decided for the first": ([0.4, 0.4, 0.2], 0, {}, 0.0),
    "a tie is decided against the second": ([0.4, 0.4, 0.2], 1, {}, 1.0),
    "nan among several": ([math.nan, 0.1, 0.2], 2, {}, 1.0),
}


@pytest.mark.parametrize(("outputs", "target", "options", "loss"), RIGHT_OR_WRONG.values(), ids=RIGHT_OR_WRONG)
def test_the_0_1_loss_counts_what_is_wrong(outputs, target, options, loss):
    """Catalogue: mit.loss.01."""
    assert zero_one(outputs, target, **options) == loss
    values = [Value(y) for y in outputs] if isinstance(outputs, list) else Value(outputs)
    found = zero_one(values, target, **options)
    assert (found, type(found)) == (loss, float)


# ---------------------------------------------------------------- hinge


@reproducibly
@given(moderate, st.sampled_from([-1, 1, -1.0, 1.0, np.int64(-1), np.float64(1.0), True]))
def test_hinge_is_the_margin_that_is_missing(score, label):
    value, gradient = value_and_gradient(lambda s: hinge(s, label), score)
    missing = 1.0 - float(label) * score
    assert (value, gradient) == ((missing, -float(label)) if missing > 0.0 else (0.0, 0.0))


@pytest.mark.parametrize("label", [-1, 1])
def test_a_score_right_on_the_margin_costs_nothing_and_pulls_nowhere(label):
    assert value_and_gradient(lambda s: hinge(s, label), float(label)) == (0.0, 0.0)


# ---------------------------------------------------------------- binary


@reproducibly
@given(probabilities, labels)
def test_nll_is_the_negative_log_likelihood(p, label):
    value, gradient = value_and_gradient(lambda p: nll(p, label), p)
    exact_p, t = mpf(p), mpf(label)
    assert close(value, -t * mp.log(exact_p) - (1 - t) * mp.log(1 - exact_p), scale=1)
    assert close(gradient, -t / exact_p + (1 - t) / (1 - exact_p), scale=t / exact_p + (1 - t) / (1 - exact_p))


@reproducibly
@given(logits, labels)
def test_nll_with_logits_is_the_negative_log_likelihood_of_the_sigmoid(z, label):
    value, gradient = value_and_gradient(lambda z: nll_with_logits(z, label), z)
    p, t = 1 / (1 + mp.exp(-mpf(z))), mpf(label)
    assert close(value, -t * mp.log(p) - (1 - t) * mp.log(1 - p))
    assert close(gradient, p - t, scale=0 if label in (0.0, 1.0) else 1)


@reproducibly
@given(st.floats(-10.0, 10.0), labels)
def test_nll_of_the_sigmoid_is_nll_with_logits_where_neither_saturates(z, label):
    two_steps = value_and_gradient(lambda z: nll(sigmoid(z), label), z)
    one_step = value_and_gradient(lambda z: nll_with_logits(z, label), z)
    assert two_steps == pytest.approx(one_step, rel=1e-11, abs=1e-11)


def test_losses_have_the_values_of_the_lectures():
    """Catalogue: malik.loss.ce, ai50021.loss.nll, mit.loss.hinge, mit.sq.exp_neuron."""
    pairs = ((0.8, 1), (0.3, 0), (0.6, 1))
    assert sum(nll(Value(o), y).data for o, y in pairs) == pytest.approx(1.0906441190189329, abs=1e-15)
    scores = [0.2, -0.5, 1.3]
    assert nllm(softmax([Value(z) for z in scores]), 1).data == pytest.approx(2.204244344559238, abs=1e-14)
    margins = [(0.3, 1), (1.5, 1), (-0.4, 1), (0.3, -1), (-2.0, -1)]
    assert [value_and_gradient(lambda g, a=a: hinge(g, a), g)[1] for g, a in margins] == [-1.0, 0.0, -1.0, 1.0, 0.0]
    weights = [Value(w) for w in (0.1, 0.3, -0.2, 0.05)]
    squared_error(exp(dot(weights, [0.5, -1.0, 2.0, 1.0])), 1.5).backward()
    expected = [-0.5220232422, 1.0440464845, -2.0880929689, -1.0440464845]
    assert [w.grad for w in weights] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("g", "a"), [(0.3, 1.0), (0.3, 0.0), (0.8, 0.25)])
def test_nllm_of_two_classes_is_nll(g, a):
    """Catalogue: mit.loss.nllm_k2."""
    assert nllm([g, 1.0 - g], [a, 1.0 - a]).data == pytest.approx(nll(g, a).data, abs=1e-15)


EXTREMES = {
    "sure and right of 0": (-1000.0, 0, 0.0, 0.0),
    "sure and wrong of 0": (1000.0, 0, 1000.0, 1.0),
    "sure and right of 1": (1000.0, 1, 0.0, 0.0),
    "sure and wrong of 1": (-1000.0, 1, 1000.0, -1.0),
    "sure where it should not be": (1000.0, 0.25, 750.0, 0.75),
    "beyond all measure": (1e308, 0, 1e308, 1.0),
}


@pytest.mark.parametrize(("z", "label", "value", "gradient"), EXTREMES.values(), ids=EXTREMES)
def test_nll_with_logits_is_right_where_the_sigmoid_saturates(z, label, value, gradient):
    assert value_and_gradient(lambda z: nll_with_logits(z, label), z) == (value, gradient)


@pytest.mark.parametrize(("p", "label", "gradient"), [(0.0, 0, 1.0), (1.0, 1, -1.0)])
def test_a_certain_and_right_prediction_costs_nothing(p, label, gradient):
    """0 log 0 is 0, and its derivative is not nan."""
    assert value_and_gradient(lambda p: nll(p, label), p) == (0.0, gradient)


@pytest.mark.parametrize(("p", "label"), [(0.0, 1), (1.0, 0), (0.0, 0.5)])
def test_a_certain_and_wrong_prediction_costs_infinitely_much(p, label):
    assert nll(Value(p), label).data == math.inf


# ---------------------------------------------------------------- several classes


@st.composite
def distributions(draw):
    """Draw numbers that add up to 1, up to rounding."""
    weights = draw(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=5))
    return [w / sum(weights) for w in weights]


@reproducibly
@given(distributions(), st.data())
def test_nllm_is_the_negative_log_likelihood_of_the_class(ps, data):
    k = data.draw(st.integers(0, len(ps) - 1))
    value, gradient = value_and_gradient(lambda p: nllm(p, k), ps)
    assert close(value, -mp.log(mpf(ps[k])), scale=1)
    assert close(gradient, [-1 / mpf(p) if i == k else mpf(0) for i, p in enumerate(ps)])


@reproducibly
@given(st.lists(st.tuples(st.floats(1e-6, 1.0), st.floats(0.0, 1.0)), min_size=1, max_size=5))
def test_nllm_of_soft_targets_is_the_cross_entropy(pairs):
    ps, ts = [list(column) for column in zip(*pairs, strict=True)]
    value, gradient = value_and_gradient(lambda p: nllm(p, ts), ps)
    assert close(value, -sum(mpf(t) * mp.log(mpf(p)) for p, t in pairs), scale=10)
    assert close(gradient, [-mpf(t) / mpf(p) for p, t in pairs])


def exact_softmax(zs):
    total = sum(mp.exp(mpf(z)) for z in zs)
    return [mp.exp(mpf(z)) / total for z in zs]


@reproducibly
@given(st.lists(logits, min_size=1, max_size=5), st.data())
def test_nllm_with_logits_is_the_negative_log_likelihood_of_the_softmax(zs, data):
    k = data.draw(st.integers(0, len(zs) - 1))
    value, gradient = value_and_gradient(lambda z: nllm_with_logits(z, k), zs)
    ps = exact_softmax(zs)
    assert close(value, -mp.log(ps[k]), scale=max(map(abs, zs)))
    assert close(gradient, [p - (i == k) for i, p in enumerate(ps)], scale=1)


@reproducibly
@given(st.lists(st.tuples(logits, st.floats(0.0, 1.0)), min_size=1, max_size=5))
def test_nllm_with_logits_of_soft_targets_is_the_cross_entropy_of_the_softmax(pairs):
    zs, ts = [list(column) for column in zip(*pairs, strict=True)]
    value, gradient = value_and_gradient(lambda z: nllm_with_logits(z, ts), zs)
    ps, total = exact_softmax(zs), sum(map(mpf, ts))
    assert close(value, -sum(t * mp.log(p) for t, p in zip(ts, ps, strict=True)), scale=5 * max(map(abs, zs)) + 5)
    assert close(gradient, [total * p - t for t, p in zip(ts, ps, strict=True)], scale=5)


@reproducibly
@given(distributions(), st.data())
def test_nllm_is_nllm_with_logits_of_the_logarithms(ps, data):
    k = data.draw(st.integers(0, len(ps) - 1))
    assert nllm(ps, k).data == pytest.approx(nllm_with_logits([math.log(p) for p in ps], k).data, abs=1e-14)


@reproducibly
@given(st.lists(st.floats(-10.0, 10.0), min_size=1, max_size=5), st.data())
def test_nllm_of_the_softmax_is_nllm_with_logits_where_none_saturates(zs, data):
    k = data.draw(st.integers(0, len(zs) - 1))
    value, gradient = value_and_gradient(lambda z: nllm(softmax(z), k), zs)
    expected, expected_gradient = value_and_gradient(lambda z: nllm_with_logits(z, k), zs)
    assert value == pytest.approx(expected, abs=1e-13)
    assert gradient == pytest.approx(expected_gradient, abs=1e-13)


@pytest.mark.parametrize("loss", [nllm, nllm_with_logits])
@pytest.mark.parametrize(
    "target",
    [1, np.int64(1), np.uint8(1), np.array([2, 1])[1], [0, 1, 0], (0.0, 1.0, 0.0), np.array([0.0, 1.0, 0.0])],
    ids=["int", "int64", "uint8", "element of an array", "one-hot list", "one-hot tuple", "one-hot array"],
)
def test_a_class_is_its_number_or_its_one_hot_row(loss, target):
    value, gradient = value_and_gradient(lambda y: loss(y, target), [0.2, 0.5, 0.3])
    expected, expected_gradient = value_and_gradient(lambda y: loss(y, 1), [0.2, 0.5, 0.3])
    assert value == pytest.approx(expected, rel=1e-15)
    assert gradient == pytest.approx(expected_gradient, rel=1e-15)


@pytest.mark.parametrize("target", [1, [0, 1, 0]], ids=["number", "one-hot"])
@pytest.mark.parametrize(
    ("zs", "value", "gradient"),
    [
        ([-1000.0, 1000.0, 0.0], 0.0, [0.0, 0.0, 0.0]),
        ([1000.0, -1000.0, 0.0], 2000.0, [1.0, -1.0, 0.0]),
        ([1000.0, 1000.0, -1000.0], math.log(2.0), [0.5, -0.5, 0.0]),
        ([-1000.0, -1000.0, -1000.0], math.log(3.0), [1 / 3, -2 / 3, 1 / 3]),
    ],
    ids=["right", "wrong", "undecided", "all low"],
)
def test_nllm_with_logits_is_right_where_the_softmax_saturates(zs, value, gradient, target):
    found, found_gradient = value_and_gradient(lambda z: nllm_with_logits(z, target), zs)
    assert found == pytest.approx(value, abs=1e-12)
    assert found_gradient == pytest.approx(gradient, abs=1e-15)


@pytest.mark.parametrize("target", [1, [0, 1]], ids=["number", "one-hot"])
def test_a_class_masked_out_with_minus_infinity_has_no_part(target):
    value, gradient = value_and_gradient(lambda z: nllm_with_logits(z, target), [-math.inf, 2.0])
    assert (value, gradient) == (0.0, [0.0, 0.0])


def test_a_class_that_cannot_be_costs_nothing_if_it_is_not_the_target():
    value, gradient = value_and_gradient(lambda p: nllm(p, [0, 1]), [0.0, 1.0])
    assert (value, gradient) == (0.0, [0.0, -1.0])


# ---------------------------------------------------------------- errors

A, B = Value(0.25), Value(0.75)
NLL_LABEL = "takes a label of 0 or 1, or a probability in between, not"
FAULTS = {
    "fewer targets": (
        lambda: squared_error([A, B], [1.0]),
        "there are 2 outputs and 1 targets: pass one target for each output",
    ),
    "a number for a row": (
        lambda: squared_error([A, B], 1.0),
        "there are 2 outputs and 1 targets: pass one target for each output",
    ),
    "nothing at all": (
        lambda: squared_error([], []),
        "there are 0 outputs and 0 targets: pass one target for each output",
    ),
    "hinge of label 0": (lambda: hinge(A, 0), "hinge takes a label of -1 or 1, not 0"),
    "hinge of label 0.5": (lambda: hinge(A, 0.5), "hinge takes a label of -1 or 1, not 0.5"),
    "0-1 of label 2": (lambda: zero_one(A, 2), "zero_one takes a label of -1, 0 or 1, not 2"),
    "0-1 of label -1 and probabilities": (
        lambda: zero_one(A, -1),
        "zero_one compares with 0.5, which is for the labels 0 and 1: with -1 and 1 pass threshold=0.0",
    ),
    "0-1 of a class too far": (lambda: zero_one([A, B], 2), "the target is class 2 of 2: count classes from 0 to 1"),
    "0-1 of probabilities for a target": (
        lambda: zero_one([A, B], [0.25, 0.75]),
        "the target is [0.25, 0.75]: zero_one takes the number of a class, or a row of 0s with one 1",
    ),
    "0-1 of one target too few": (
        lambda: zero_one([A, B], [1.0]),
        "there are 2 classes and 1 targets: pass one target for each class",
    ),
    "hinge of nan": (lambda: hinge(A, math.nan), "hinge takes a label of -1 or 1, not nan"),
    "nll of label -1": (lambda: nll(A, -1), f"nll {NLL_LABEL} -1"),
    "nll of label 2": (lambda: nll(A, 2.0), f"nll {NLL_LABEL} 2.0"),
    "nll of nan": (lambda: nll(A, math.nan), f"nll {NLL_LABEL} nan"),
    "logits of label -1": (lambda: nll_with_logits(A, -1), f"nll_with_logits {NLL_LABEL} -1"),
    "a class too far": (lambda: nllm([A, B], 2), "the target is class 2 of 2: count classes from 0 to 1"),
    "a class below 0": (lambda: nllm([A, B], -1), "the target is class -1 of 2: count classes from 0 to 1"),
    "logits of a class too far": (
        lambda: nllm_with_logits([A, B, B], np.int64(3)),
        "the target is class 3 of 3: count classes from 0 to 2",
    ),
    "one target too few": (
        lambda: nllm([A, B], [1.0]),
        "there are 2 classes and 1 targets: pass one target for each class",
    ),
    "logits with one target too many": (
        lambda: nllm_with_logits([A, B], [1, 0, 0]),
        "there are 2 classes and 3 targets: pass one target for each class",
    ),
}


@pytest.mark.parametrize(("call", "message"), FAULTS.values(), ids=FAULTS)
def test_targets_that_cannot_be_are_refused(call, message):
    assert message_of(ArgumentError, call) == message


@pytest.mark.parametrize(
    "call",
    [
        lambda: squared_error([A], ["1"]),
        lambda: squared_error(["1"], [A]),
        lambda: hinge(A, "1"),
        lambda: hinge("1", 1),
        lambda: nll(A, "1"),
        lambda: nll_with_logits("1", 1),
        lambda: nllm([A, B], ["1", 0]),
        lambda: nllm_with_logits([A, "1"], 0),
    ],
)
def test_what_is_no_number_is_refused(call):
    assert message_of(OperandTypeError, call) == "'1' of type str is no real number: convert it first, with float(...)"


WHOLE = "is neither the number of a class nor one number for each: pass a whole number or a list"
NO_CLASSES = {
    "float": (1.0, f"the target 1.0 of type float {WHOLE}"),
    "float64": (np.float64(1.0), f"the target {np.float64(1.0)!r} of type float64 {WHOLE}"),  # NumPy 1 writes 1.0
    "None": (None, f"the target None of type NoneType {WHOLE}"),
}


@pytest.mark.parametrize("loss", [nllm, nllm_with_logits, zero_one])
@pytest.mark.parametrize(("target", "message"), NO_CLASSES.values(), ids=NO_CLASSES)
def test_a_class_that_is_no_whole_number_is_refused(loss, target, message):
    assert message_of(OperandTypeError, lambda: loss([A, B], target)) == message


# ---------------------------------------------------------------- rows of one, and NumPy's numbers

ONES = {
    "list": [1],
    "tuple": (1.0,),
    "row of an array": np.array([[1]])[0],
    "array of no dimensions": np.array(1),
    "bool": np.True_,
}


@pytest.mark.parametrize("label", ONES.values(), ids=ONES)
@pytest.mark.parametrize("loss", [nll, nll_with_logits, hinge, squared_error, half_squared_error])
def test_one_output_and_its_label_may_each_be_a_row_of_one(loss, label):
    expected = loss(Value(0.25), 1.0).data
    output = Value(0.25)
    cost = loss((output,), label)
    cost.backward()
    assert cost.data == loss(output, label).data == loss(np.array(0.25), label).data == expected
    assert output.grad != 0.0


@pytest.mark.parametrize("label", ONES.values(), ids=ONES)
def test_zero_one_takes_rows_of_one(label):
    assert (zero_one([0.75], label), zero_one((0.25,), label), zero_one(np.array(0.75), label)) == (0.0, 1.0, 0.0)


@pytest.mark.parametrize("loss", [nllm, nllm_with_logits, zero_one])
def test_numpys_booleans_are_classes_as_pythons_are(loss):
    outputs = [Value(0.25), Value(0.75)]
    for target in (False, True):
        found, expected = loss(outputs, np.bool_(target)), loss(outputs, target)
        assert getattr(found, "data", found) == getattr(expected, "data", expected)


@pytest.mark.parametrize("loss", [nll, nll_with_logits])
def test_binary_losses_refuse_several_outputs(loss):
    message = message_of(ArgumentError, lambda: loss([Value(0.25), Value(0.75)], 1))
    assert message == (
        f"{loss.__name__} takes one output for each sample, and was given 2: for classes take nllm or nllm_with_logits"
    )


def test_a_network_that_ends_in_a_layer_of_one_neuron_learns_a_label():
    model = Sequential(Layer(1, 1, "identity", init="zero"))
    sgd = optim.SGD(model.parameters(), lr=1.0)
    fit(model, [[-1.0], [1.0]], np.array([[0], [1]]), loss=nll_with_logits, optimiser=sgd, epochs=1, progress=False)
    assert model([2.0])[0].data == 1.0  # the slope is -0.5 for each sample: w = ½, b = 0
