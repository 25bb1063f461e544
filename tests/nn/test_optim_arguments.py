"""Optimisers refuse what cannot work, in words that say how to mend it."""

import json
import math

import numpy as np
import pytest
from messages import message_of

import nn
from autograd_core import ArgumentError, OperandTypeError, Value
from nn import optim
from nn.optim import SGD


def test_parameters_may_come_from_an_iterator():
    x, y = Value(1.0), Value(2.0)
    assert SGD(iter([x, y]), lr=0.1).parameters == [x, y]


RATES = {
    "negative": (-0.1, "the learning rate is -0.1: pass a finite number from 0 up"),
    "infinite": (math.inf, "the learning rate is inf: pass a finite number from 0 up"),
    "nan": (math.nan, "the learning rate is nan: pass a finite number from 0 up"),
}


@pytest.mark.parametrize(("lr", "message"), RATES.values(), ids=RATES)
def test_a_learning_rate_that_cannot_work_is_refused_and_the_old_one_kept(lr, message):
    assert message_of(ArgumentError, lambda: SGD([Value(1.0)], lr=lr)) == message
    optimiser = SGD([Value(1.0)], lr=0.1)
    assert message_of(ArgumentError, lambda: setattr(optimiser, "lr", lr)) == message
    assert optimiser.lr == 0.1


@pytest.mark.parametrize(("lr", "message"), RATES.values(), ids=RATES)
def test_a_rate_of_a_schedule_that_cannot_work_is_refused_before_anything_has_changed(lr, message):
    x = Value(1.0)
    x.grad = 1.0
    optimiser = optim.Adam([x], lr=[math.nan, lr].__getitem__)
    assert message_of(ArgumentError, optimiser.step) == message
    assert (x.data, optimiser.steps, optimiser.state["m"].tolist()) == (1.0, 0, [0.0])


def test_a_learning_rate_that_is_no_number_is_refused():
    message = message_of(OperandTypeError, lambda: SGD([Value(1.0)], lr="0.1"))
    assert message == "'0.1' of type str is no real number: convert it first, with float(...)"


def test_no_parameters_are_refused():
    message = message_of(ArgumentError, lambda: SGD([], lr=0.1))
    assert message == "there are no parameters: pass those of a model, as in model.parameters()"


def test_a_parameter_that_comes_twice_is_refused():
    x = Value(1.0)
    message = message_of(ArgumentError, lambda: SGD([x, Value(1.0), x], lr=0.1))
    assert message == "a parameter is in the list twice and would be updated twice: pass each one once"


def test_a_parameter_that_is_no_value_is_refused():
    message = message_of(OperandTypeError, lambda: SGD([Value(1.0), 2.0], lr=0.1))
    assert message == "2.0 of type float is no parameter: pass Values"


def test_a_parameter_that_cannot_change_is_refused_before_any_other_has_changed():
    x = Value(1.0)
    x.grad = 1.0
    message = message_of(ArgumentError, lambda: SGD([x, x * 2.0], lr=0.1).step())
    assert message == "Value(data=2.0, grad=0.0) is a result or a constant, and cannot be changed: pass leaves"
    assert x.data == 1.0


@pytest.mark.parametrize(("stranger", "shown"), [(Value(3.0), "Value(data=3.0, grad=0.0)"), (2.0, "2.0"), ([], "[]")])
def test_only_parameters_can_be_said_to_decay(stranger, shown):
    x = Value(1.0)
    message = message_of(ArgumentError, lambda: SGD([x], lr=0.1, decayed=[x, stranger]))
    assert message == f"{shown} is to decay, and is none of the parameters: pass some of those"


FINITE, POSITIVE, SHARE = "a finite number from 0 up", "a finite number above 0", "a number in [0, 1)"
RANGES = [
    (SGD, "weight_decay", FINITE),
    (SGD, "clip_norm", POSITIVE),
    (SGD, "clip_value", POSITIVE),
    (optim.Momentum, "momentum", SHARE),
    (optim.Momentum, "dampening", SHARE),
    (optim.Nesterov, "momentum", SHARE),
    (optim.Adagrad, "initial", FINITE),
    (optim.Adagrad, "eps", POSITIVE),
    (optim.RMSProp, "gamma", SHARE),
    (optim.RMSProp, "eps", POSITIVE),
    (optim.Adadelta, "rho", SHARE),
    (optim.Adadelta, "eps", POSITIVE),
    *[
        (rule, name, SHARE if name.startswith("beta") else POSITIVE)
        for rule in (optim.Adam, optim.AdamW, optim.Adamax, optim.NAdam, optim.RAdam)
        for name in ("beta1", "beta2", "eps")
    ],
    (optim.AdamW, "weight_decay", FINITE),
    (optim.NAdam, "momentum_decay", FINITE),
]
OUTSIDE = {
    FINITE: [-1e-9, math.inf, math.nan],
    POSITIVE: [0.0, -1.0, math.inf, math.nan],
    SHARE: [-1e-9, 1.0, math.inf, math.nan],
}
INSIDE = {FINITE: [0.0, 1e300], POSITIVE: [5e-324, 1e300], SHARE: [0.0, math.nextafter(1.0, 0.0)]}


@pytest.mark.parametrize(("rule", "name", "mend"), RANGES)
def test_every_number_of_a_rule_has_a_range(rule, name, mend):
    form = {"form": "torch"} if name == "dampening" else {}
    for number in OUTSIDE[mend]:
        message = message_of(ArgumentError, lambda n=number: rule([Value(1.0)], lr=0.1, **form, **{name: n}))
        assert message == f"{name} is {number!r}: pass {mend}"
    for number in INSIDE[mend]:
        assert rule([Value(1.0)], lr=0.1, **form, **{name: number}).settings()[name] == number


def test_the_forms_of_momentum_are_three():
    message = message_of(ArgumentError, lambda: optim.Momentum([Value(1.0)], lr=0.1, form="heavy"))
    assert message == "form is 'heavy': choose one of velocity, average, torch"


@pytest.mark.parametrize("form", ["velocity", "average"])
def test_only_pytorchs_momentum_is_dampened(form):
    message = message_of(ArgumentError, lambda: optim.Momentum([Value(1.0)], lr=0.1, form=form, dampening=0.1))
    assert message == f"dampening is 0.1 in the form '{form}', which has none: choose form='torch'"


SHAPES = [
    (np.zeros(3), np.zeros(2), "theta has the shape (3,): pass one number for each of the 2 parameters"),
    (np.zeros(2), np.zeros(1), "gradient has the shape (1,): pass one number for each of the 2 parameters"),
    (np.zeros((1, 2)), np.zeros(2), "theta has the shape (1, 2): pass one number for each of the 2 parameters"),
]


@pytest.mark.parametrize(("theta", "gradient", "message"), SHAPES)
def test_vectors_have_one_number_for_each_parameter(theta, gradient, message):
    optimiser = optim.Adam([Value(0.0), Value(0.0)])
    assert message_of(ArgumentError, lambda: optimiser.advance(theta, gradient)) == message
    assert optimiser.steps == 0


def test_numbers_that_do_not_fit_are_not_assigned():
    x, y = Value(1.0), Value(2.0)
    message = message_of(ArgumentError, lambda: SGD([x, y], lr=0.1).assign(np.zeros(3)))
    assert message == "theta has the shape (3,): pass one number for each of the 2 parameters"
    assert (x.data, y.data) == (1.0, 2.0)


@pytest.mark.parametrize(("clip", "what"), [(optim.clip_by_norm, "norm"), (optim.clip_by_value, "value")])
@pytest.mark.parametrize("largest", OUTSIDE[POSITIVE])
def test_nothing_is_clipped_to_nothing(clip, what, largest):
    message = message_of(ArgumentError, lambda: clip(np.ones(2), largest))
    assert message == f"the largest {what} is {largest!r}: pass a finite number above 0"


@pytest.mark.parametrize("gamma", OUTSIDE[SHARE])
def test_a_running_average_mixes_by_a_share(gamma):
    message = message_of(ArgumentError, lambda: optim.RunningAverage(gamma))
    assert message == f"gamma is {gamma!r}: pass a number in [0, 1)"
    average = optim.RunningAverage(lambda t: 0.5 if t < 3 else gamma)
    average.add(4.0)
    average.add(4.0)
    assert (
        message_of(ArgumentError, lambda: average.add(4.0)) == f"gamma of step 3 is {gamma!r}: pass a number in [0, 1)"
    )
    assert (average.value, average.count) == (3.0, 2)


NO_ROW = {
    "a model": (nn.MLP(2, [1], rng=0), "MLP([Layer(2, 1, 'identity')]) of type MLP"),
    "one parameter": (Value(1.0), "Value(data=1.0, grad=0.0) of type Value"),
    "nothing": (None, "None of type NoneType"),
}


@pytest.mark.parametrize(("parameters", "named"), NO_ROW.values(), ids=NO_ROW)
def test_what_is_no_row_of_parameters_is_refused(parameters, named):
    mend = "is no row of parameters: pass those of a model, as in model.parameters(), or a list"
    assert message_of(OperandTypeError, lambda: SGD(parameters, lr=0.1)) == f"{named} {mend}"
    if parameters is not None:
        x = Value(1.0)
        assert message_of(OperandTypeError, lambda: SGD([x], lr=0.1, decayed=parameters)) == f"{named} {mend}"


SWITCHES = {
    "SGD": ["maximise"],
    "RMSProp": ["maximise", "eps_inside_root"],
    "Adam": ["maximise", "eps_inside_root", "amsgrad"],
    "AdamW": ["maximise", "eps_inside_root", "amsgrad"],
}


@pytest.mark.parametrize(("rule", "switches"), SWITCHES.items(), ids=SWITCHES)
def test_the_settings_of_a_rule_with_numpys_numbers_can_be_kept_as_json(rule, switches):
    numbers = dict.fromkeys(switches, np.True_) | {"weight_decay": np.float32(0.5), "clip_norm": np.int64(1)}
    settings = getattr(optim, rule)([Value(1.0)], lr=np.float64(0.25), **numbers).settings()
    kept = json.loads(json.dumps(settings))
    assert kept == settings
    assert {name: kept[name] for name in switches} == dict.fromkeys(switches, True)
    assert (kept["weight_decay"], kept["clip_norm"], kept["lr"]["lr"]) == (0.5, 1.0, 0.25)
