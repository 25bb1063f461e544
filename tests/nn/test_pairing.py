"""The pairing table: what departs from it is warned of with a reason that is true, and nothing else is."""

import inspect
import math
import sys
import warnings
from functools import partial

import numpy as np
import pytest

from autograd_core import Value, ops, sigmoid, softmax
from autograd_core.op import OPS, Parametric, Unary
from nn import MLP, Layer, Sequential, fit, labels, losses, optim
from nn.pairing import TABLE, PairingWarning, check

ACTIVATIONS = [*sorted(name for name, op in OPS.items() if isinstance(op, Unary | Parametric)), "softmax"]
GOOD = {
    "squared_error": "identity",
    "half_squared_error": "identity",
    "hinge": "identity",
    "nll": "sigmoid",
    "nllm": "softmax",
    "nll_with_logits": "identity",
    "nllm_with_logits": "identity",
}


def warnings_of(model, loss):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check(model, loss)
    return caught


# ---------------------------------------------------------------- the table


def test_the_table_is_the_lectures_with_the_forms_on_logits():
    """Catalogue: mit.loss.table."""
    assert {pair.loss.__name__: pair.activation for pair in TABLE} == GOOD


def test_every_loss_to_train_with_is_in_the_table():
    functions = {name for name in losses.__all__ if inspect.isfunction(getattr(losses, name))}
    assert functions - {"zero_one"} == GOOD.keys()


SCORES = [0.4, -0.8, 1.1]
LABELS = {"hinge": [-1, 1], "nll": [0, 1], "nll_with_logits": [0, 1]}
SLOPES = {
    "2 (output - target)": lambda z, y: 2.0 * (z - y),
    "output - target": lambda z, y: z - y,
    "-label where label score < 1, else 0": lambda z, y: np.where(y * z < 1.0, -y, 0.0),
    "sigmoid(z) - target": lambda z, y: 1.0 / (1.0 + np.exp(-z)) - y,
    "softmax(z) - target": lambda z, y: np.exp(z) / np.sum(np.exp(z)) - y,
}


@pytest.mark.parametrize("pair", TABLE, ids=lambda pair: pair.loss.__name__)
def test_the_slopes_by_the_scores_are_those_that_the_table_names(pair):
    """Catalogue: mit.loss.table, mit.loss.direct_dZ. The biases of a layer stand for the scores z."""
    if pair.loss.__name__ in LABELS:
        cases = [([z], label, [label]) for z in SCORES for label in LABELS[pair.loss.__name__]]
    else:
        cases = [(SCORES, row, row) for row in ([0, 1, 0], [0.25, 0.5, 0.25])]
    for zs, target, row in cases:
        model = Layer(1, len(zs), pair.activation, init="zero", rng=0)
        model.load_state_dict({"weight": [[0.0]] * len(zs), "bias": zs})
        outputs = model([1.0])
        pair.loss(outputs[0] if len(zs) == 1 else outputs, target).backward()
        at = np.array([y.data for y in outputs]) if pair.slope.startswith("output") else np.array(zs)
        found = [neuron.b.grad for neuron in model.neurons]
        assert found == pytest.approx(SLOPES[pair.slope](at, np.array(row)), abs=1e-15)


# ---------------------------------------------------------------- what is warned of


@pytest.mark.parametrize("loss", GOOD)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_all_that_departs_from_the_table_is_warned_of_and_nothing_else(loss, activation):
    for model in (MLP(2, [2], output=activation, rng=0), Sequential(Layer(2, 2, activation, rng=0))):
        caught = warnings_of(model, getattr(losses, loss))
        assert [w.category for w in caught] == ([] if GOOD[loss] == activation else [PairingWarning])
        for w in caught:
            start = f"the model ends in {activation!r} and the loss is {loss}, which goes with {GOOD[loss]!r}: "
            assert str(w.message).startswith(start)
            assert "{" not in str(w.message)


SQUARED = "for numbers take output 'identity', and scale the targets if need be; for classes take nll_with_logits or nllm_with_logits on output 'identity'"
SATURATES = "saturates its slope is nearly 0, so that a sample that is badly wrong teaches next to nothing"
ON_SCORES = "take output 'identity': the loss is made for scores"
PROBABILITY = "take nll_with_logits on output 'identity', or output 'sigmoid'"
PROBABILITIES = "take nllm_with_logits on output 'identity', or output 'softmax'"
LOGIT = "take output 'identity', or keep the sigmoid and take nll"
LOGITS = "take output 'identity', or keep a softmax and take nllm"
NEVER_BELOW_0 = "its outputs lie between 0 and 1, so that label -1 always costs 1 or more"
MESSAGES = {
    ("squared_error", "sigmoid"): f"where the sigmoid {SATURATES}; {SQUARED}",
    ("half_squared_error", "softmax"): f"where the softmax {SATURATES}; {SQUARED}",
    ("squared_error", "tanh"): f"where the tanh {SATURATES}; {SQUARED}",
    ("squared_error", "relu"): f"targets below 0 are never reached, and an output that is 0 for all samples never learns again; {SQUARED}",
    ("squared_error", "exp"): f"the slope of the exp multiplies every gradient, and targets outside of its range are never reached; {SQUARED}",
    ("hinge", "sigmoid"): f"{NEVER_BELOW_0}; {ON_SCORES}",
    ("hinge", "softmax"): f"{NEVER_BELOW_0}; {ON_SCORES}",
    ("hinge", "relu"): f"its outputs are never below 0, so that label -1 always costs 1 or more; {ON_SCORES}",
    ("hinge", "tanh"): f"its outputs stay between -1 and 1, so that no sample is ever right enough and weights grow for ever; {ON_SCORES}",
    ("hinge", "gelu"): f"the loss wants scores beyond -1 and 1, and the gelu bends them; {ON_SCORES}",
    ("nll", "identity"): f"its outputs are no probabilities, and outside of 0 to 1 the loss is nan; {PROBABILITY}",
    ("nll", "softmax"): f"the loss takes the probability of label 1 alone, and a softmax gives one for each class; {PROBABILITY}",
    ("nllm", "identity"): "its outputs are no probabilities: at 0 and below the loss is infinite or nan, and nothing keeps them "
    f"from growing; {PROBABILITIES}",
    ("nllm", "sigmoid"): "its outputs do not add up to 1, so that nothing keeps all of them from going to 1, where every sample "
    f"costs 0; {PROBABILITIES}",
    ("nll_with_logits", "sigmoid"): f"the sigmoid is applied twice, which keeps the probability between 0.5 and 0.73; {LOGIT}",
    ("nll_with_logits", "softmax"): f"the loss takes one logit, and a softmax gives a probability for each class; {LOGIT}",
    ("nll_with_logits", "tanh"): f"a logit between -1 and 1 keeps the probability between 0.27 and 0.73; {LOGIT}",
    ("nll_with_logits", "relu"): f"a logit that is never below 0 keeps the probability from going below 0.5; {LOGIT}",
    ("nll_with_logits", "sin"): "the loss applies the sigmoid itself, and the sin before it limits which probabilities can be "
    f"reached; {LOGIT}",
    ("nllm_with_logits", "softmax"): "the softmax is applied twice, which keeps the probability of K classes below "
    f"e / (e + K - 1): 0.73 of 2, 0.23 of 10; {LOGITS}",
    ("nllm_with_logits", "sigmoid"): "logits between 0 and 1 keep the probability of K classes below e / (e + K - 1): "
    f"0.73 of 2, 0.23 of 10; {LOGITS}",
    ("nllm_with_logits", "tanh"): "logits between -1 and 1 keep the probability of K classes below e² / (e² + K - 1): "
    f"0.88 of 2, 0.45 of 10; {LOGITS}",
    ("nllm_with_logits", "relu"): "the loss applies the softmax itself, and the relu before it limits which probabilities can be "
    f"reached; {LOGITS}",
}  # fmt: skip


@pytest.mark.parametrize(("loss", "activation"), MESSAGES, ids=lambda word: word)
def test_the_warning_says_what_was_found_why_it_is_a_trap_and_the_mend(loss, activation):
    (warning,) = warnings_of(MLP(2, [2], output=activation, rng=0), getattr(losses, loss))
    assert str(warning.message) == (
        f"the model ends in {activation!r} and the loss is {loss}, which goes with {GOOD[loss]!r}: "
        f"{MESSAGES[loss, activation]}"
    )


def test_every_reason_of_the_table_is_among_them():
    assert {(pair.loss.__name__, name) for pair in TABLE for name in pair.traps} <= MESSAGES.keys() | {
        ("squared_error", "softmax"),
        *{("half_squared_error", name) for name in ("sigmoid", "tanh", "relu")},
    }


# ---------------------------------------------------------------- the reasons are true

FAR = [-40.0, 40.0]


def probability(loss, outputs, target):
    return math.exp(-loss(outputs, target).data)


def test_the_probabilities_that_can_be_reached_are_as_said():
    twice = [probability(losses.nll_with_logits, sigmoid(Value(z)), 1) for z in FAR]
    assert twice == pytest.approx([0.5, 0.73], abs=0.002)
    bent = [probability(losses.nll_with_logits, Value(z).tanh(), 1) for z in FAR]
    assert bent == pytest.approx([0.27, 0.73], abs=0.002)
    assert probability(losses.nll_with_logits, Value(-40.0).relu(), 1) == 0.5
    for count, once_more, by_tanh in ((2, 0.73, 0.88), (10, 0.23, 0.45)):
        scores = [Value(40.0), *[Value(-40.0) for _ in range(count - 1)]]
        for squashed in (softmax(scores), [z.sigmoid() for z in scores]):
            assert probability(losses.nllm_with_logits, squashed, 0) == pytest.approx(once_more, abs=0.002)
        tanhs = [z.tanh() for z in scores]
        assert probability(losses.nllm_with_logits, tanhs, 0) == pytest.approx(by_tanh, abs=0.002)


def test_the_floor_of_nllm_on_sigmoid_scores_is_that_of_the_lecture():
    """Catalogue: ai50021.loss.on_activations."""
    floor = losses.nllm_with_logits([1.0, 0.0, 0.0], 0).data
    assert (math.exp(-floor), floor) == pytest.approx((0.5761168848, 0.5514447139), abs=1e-10)


def test_losses_behave_as_said():
    assert math.isnan(losses.nll(Value(-0.5), 1).data)
    assert math.isnan(losses.nll(Value(1.5), 0).data)
    assert losses.nllm([Value(1.0), Value(1.0)], 0).data == losses.nllm([Value(1.0), Value(1.0)], 1).data == 0.0
    assert losses.nllm([Value(0.0), Value(1.0)], 0).data == math.inf
    assert losses.nllm([Value(9.0), Value(9.0)], 0).data < 0.0
    assert min(losses.hinge(Value(z).sigmoid(), -1).data for z in FAR) >= 1.0
    assert min(losses.hinge(Value(z).relu(), -1).data for z in FAR) >= 1.0
    z = Value(-10.0)
    losses.squared_error(sigmoid(z), 1.0).backward()
    assert abs(z.grad) < 1e-4


# ---------------------------------------------------------------- where nothing is known

UNKNOWN = {
    "a loss of one's own": (MLP(2, [1], output="tanh", rng=0), lambda y, t: (y - t) ** 2),
    "a loss wrapped": (MLP(2, [1], output="tanh", rng=0), partial(losses.zero_one, threshold=0.0)),
    "the 0-1 loss": (MLP(2, [1], output="tanh", rng=0), losses.zero_one),
    "a function for a model": (lambda x: x, losses.nll),
    "an activation of one's own": (MLP(2, [1], output=lambda v: v * 2.0, rng=0), losses.nll),
    "a function at the end": (Sequential(Layer(2, 2, rng=0), lambda row: row), losses.nll),
}


@pytest.mark.parametrize(("model", "loss"), UNKNOWN.values(), ids=UNKNOWN)
def test_of_what_is_not_known_nothing_is_said(model, loss):
    assert warnings_of(model, loss) == []


def test_ops_at_the_end_of_a_row_of_modules_are_known():
    assert warnings_of(Sequential(Layer(2, 2, "identity", rng=0), softmax), losses.nllm) == []
    (warning,) = warnings_of(Sequential(Layer(2, 2, "identity", rng=0), softmax), losses.nllm_with_logits)
    assert "applied twice" in str(warning.message)
    (warning,) = warnings_of(MLP(2, [1], output=ops.tanh, rng=0), losses.nll)
    assert "ends in 'tanh'" in str(warning.message)


# ---------------------------------------------------------------- where it is shown


def here():
    return sys._getframe(1).f_lineno


def test_the_warning_names_the_line_that_asked():
    line = here() + 2
    with pytest.warns(PairingWarning) as caught:
        check(MLP(2, [1], rng=0), losses.nll)
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


def test_fit_warns_and_names_the_line_that_called_it():
    model = MLP(1, [1], output="tanh", rng=0)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    line = here() + 2
    with pytest.warns(PairingWarning) as caught:
        fit(model, [[0.0]], [0.5], loss=losses.squared_error, optimiser=sgd, epochs=1, progress=False)
    assert [(w.filename, w.lineno) for w in caught] == [(__file__, line)]


def test_a_warning_can_be_made_an_error_or_silenced_by_its_class():
    with warnings.catch_warnings():
        warnings.simplefilter("error", PairingWarning)
        with pytest.raises(PairingWarning):
            check(MLP(2, [1], rng=0), losses.nll)
        warnings.simplefilter("ignore", PairingWarning)
        check(MLP(2, [1], rng=0), losses.nll)


def test_pairs_of_the_table_can_be_trained_in_the_codings_that_they_take():
    """Catalogue: mit.loss.table: four pairs constructible, malik.loss.choice."""
    inputs, classes = [[-1.0], [1.0], [-2.0], [2.0]], [0, 1, 0, 1]
    runs = {
        "squared_error": (1, "identity", classes),
        "hinge": (1, "identity", labels.signs(classes)),
        "nll": (1, "sigmoid", classes),
        "nllm": (2, "softmax", labels.one_hot(classes)),
        "nll_with_logits": (1, "identity", classes),
        "nllm_with_logits": (2, "identity", classes),
    }
    for name, (count, output, targets) in runs.items():
        model = MLP(1, [count], output=output, init="zero")
        sgd = optim.SGD(model.parameters(), lr=0.1)
        history = fit(
            model, inputs, targets, loss=getattr(losses, name), optimiser=sgd, epochs=30, rng=0, progress=False
        )
        assert history.loss[-1] < 0.5 * history.loss[0], name
