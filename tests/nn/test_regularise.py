"""Penalties have the values of their formulas, their gradients come from the chain rule, and λ is shared as is said."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError, OperandTypeError, Value, topological_order
from nn import MLP, Layer, Module, Neuron, Sequential
from nn.batchnorm import BatchNorm
from nn.losses import hinge, squared_error
from nn.regularise import l1, l2, weights

reproducibly = settings(derandomize=True, deadline=None, max_examples=50)
X, Y = [[0.5, -1.0], [1.5, 0.3], [-0.7, 0.8]], [1.0, -0.5, 0.3]
W, LAMBDA, ETA = [0.4, -0.2], 0.1, 0.05


def linear():
    """Return the linear model of the catalogue's mit.reg.decay."""
    model = Neuron(2, "identity", bias=False, init="zero")
    model.load_state_dict({"weight": W})
    return model


def direction(samples, penalty):
    """Return the gradient of the losses of some samples, added up, and a penalty."""
    model = linear()
    for i in samples:
        squared_error(model(X[i]), Y[i]).backward()
    penalty(model).backward()
    return np.array([w.grad for w in model.w])


# ---------------------------------------------------------------- which parameters


def test_weights_are_all_parameters_but_biases():
    model = MLP(2, [3, 1], rng=0)
    assert weights(model) == [w for layer in model.layers for neuron in layer.neurons for w in neuron.w]
    neuron = Neuron(2, rng=0)
    assert weights(neuron) == list(neuron.w)


def test_the_scale_and_shift_of_batch_normalisation_are_no_weights():
    model = Sequential(Layer(2, 3, "identity", rng=0), BatchNorm(3), Layer(3, 1, rng=1))
    assert [w.label for w in weights(model)] == ["w0", "w1"] * 3 + ["w0", "w1", "w2"]
    assert len(model.parameters()) - len(weights(model)) == 3 + 3 + 3 + 1


def test_a_shared_weight_comes_once():
    class Tied(Module):
        def __init__(self):
            self.left = Neuron(2, rng=0)
            self.right = self.left

    model = Tied()
    assert weights(model) == list(model.left.w)
    assert l2(model, 1.0).data == pytest.approx(sum(w.data**2 for w in model.left.w))


def test_a_module_of_ones_own_calls_a_bias_bias():
    class Line(Module):
        def __init__(self):
            self.slope, self.bias = Value(2.0), Value(3.0)

    assert [w.data for w in weights(Line())] == [2.0]


# ---------------------------------------------------------------- values and gradients


@reproducibly
@given(
    st.integers(0, 9), st.floats(0.0, 10.0), st.none() | st.integers(1, 100), st.booleans(), st.sampled_from([l1, l2])
)
def test_penalties_and_their_gradients_are_those_of_the_formulas(seed, strength, samples, biases, penalty):
    model = MLP(2, [3, 2], init="uniform", bias_init="normal", rng=seed)
    cost = penalty(model, strength, samples=samples, biases=biases)
    cost.backward()
    share = strength / (samples or 1)
    total = 0.0
    for name, p in model.named_parameters():
        counts = share if biases or "bias" not in name else 0.0
        total += counts * (p.data**2 if penalty is l2 else abs(p.data))
        assert p.grad == pytest.approx(counts * (2.0 * p.data if penalty is l2 else math.copysign(1.0, p.data)))
    assert cost.data == pytest.approx(total)


def test_the_slope_of_l1_at_0_is_taken_as_0():
    neuron = Neuron(1, init="zero", rng=0)
    l1(neuron, 1.0).backward()
    assert neuron.w[0].grad == 0.0


def test_the_squares_of_all_weights_are_one_node():
    model = MLP(4, [8, 8, 1], rng=0)
    recorded = [node for node in topological_order(l2(model, 0.1)) if node.op]
    assert len(recorded) == 2


def test_decay_is_that_of_the_lecture():
    """Catalogue: mit.reg.decay: one step on the whole batch."""
    step = np.array(W) - ETA * direction([0, 1, 2], lambda model: l2(model, LAMBDA))
    assert step == pytest.approx([0.2182, -0.23], abs=1e-15)
    loss_alone = direction([0, 1, 2], lambda model: l2(model, 0.0))
    assert step == pytest.approx(np.array(W) * (1.0 - 2.0 * LAMBDA * ETA) - ETA * loss_alone, abs=1e-15)


def test_the_steps_on_single_samples_share_the_penalty():
    """Catalogue: E-MIT-19: the whole λ at each of three samples is .16 off."""
    batch = direction([0, 1, 2], lambda model: l2(model, LAMBDA))
    shared = sum(direction([i], lambda model: l2(model, LAMBDA, samples=3)) for i in range(3))
    whole = sum(direction([i], lambda model: l2(model, LAMBDA)) for i in range(3))
    assert shared == pytest.approx(batch, abs=1e-15)
    assert np.max(np.abs(whole - batch)) == pytest.approx(0.16, abs=1e-12)


def test_on_the_mean_loss_the_penalty_of_the_sum_is_shared_too():
    """As n (mean loss + λ/n ‖W‖²) = Σ loss + λ‖W‖²."""
    batch = direction([0, 1, 2], lambda model: l2(model, LAMBDA))
    loss_alone = direction([0, 1, 2], lambda model: l2(model, 0.0))
    penalty_alone = direction([], lambda model: l2(model, LAMBDA, samples=3))
    assert 3.0 * (loss_alone / 3.0 + penalty_alone) == pytest.approx(batch, abs=1e-15)


def test_hinge_and_l2_find_the_widest_margin():
    """Catalogue: mit.loss.hinge.svm: the nearest points are (1, 0) and (-1, 0)."""
    points = [[1.0, 0.0], [3.0, 4.0], [2.0, 5.0], [-1.0, 0.0], [-3.0, -1.0], [-2.5, 0.5]]
    sides = [1, 1, 1, -1, -1, -1]
    model = Neuron(2, "identity", init="zero")
    model.load_state_dict({"weight": [0.2, 0.3], "bias": 0.1})
    for t in range(1, 1001):
        model.zero_grad()
        cost = l2(model, 0.01)
        for x, side in zip(points, sides, strict=True):
            cost = cost + hinge(model(x), side) * (1.0 / 6.0)
        cost.backward()
        for p in model.parameters():
            p.data -= 50.0 / (t + 250.0) * p.grad
    w, b = model.state_dict().values()
    margins = np.array(sides) * (np.array(points) @ w + b) / np.linalg.norm(w)
    assert abs(math.degrees(math.atan2(w[1], w[0]))) < 6.0
    assert min(margins) > 0.9


# ---------------------------------------------------------------- errors

MODEL = MLP(1, [1], rng=0)
STRENGTH = "pass a finite number from 0 up"
FAULTS = {
    "negative": (lambda p: p(MODEL, -0.1), f"the strength is -0.1: {STRENGTH}"),
    "nan": (lambda p: p(MODEL, math.nan), f"the strength is nan: {STRENGTH}"),
    "infinite": (lambda p: p(MODEL, math.inf), f"the strength is inf: {STRENGTH}"),
    "no samples": (lambda p: p(MODEL, 0.1, samples=0), "samples is 0: pass a whole number from 1 up"),
    "part of a sample": (lambda p: p(MODEL, 0.1, samples=0.5), "samples is 0.5: pass a whole number from 1 up"),
    "nothing to penalise": (
        lambda p: p(BatchNorm(2), 0.1),
        "BatchNorm(2) has no weights to penalise: pass a model that has some",
    ),
}


@pytest.mark.parametrize("penalty", [l1, l2])
@pytest.mark.parametrize(("call", "message"), FAULTS.values(), ids=FAULTS)
def test_penalties_that_cannot_be_are_refused(penalty, call, message):
    assert message_of(ArgumentError, lambda: call(penalty)) == message


@pytest.mark.parametrize("penalty", [l1, l2])
def test_a_strength_that_is_no_number_is_refused(penalty):
    message = message_of(OperandTypeError, lambda: penalty(MODEL, "0.1"))
    assert message == "'0.1' of type str is no real number: convert it first, with float(...)"
