"""Optimisers: what all rules share, and SGD: p - lr ∂L/∂p, and nothing more."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError, Value
from nn import MLP, optim, schedules
from nn.losses import squared_error
from nn.optim import SGD

RULES = {
    "SGD": lambda ps, **o: SGD(ps, 0.1, **o),
    "Momentum": lambda ps, **o: optim.Momentum(ps, 0.1, **o),
    "Momentum, average": lambda ps, **o: optim.Momentum(ps, 0.1, form="average", **o),
    "Momentum, torch": lambda ps, **o: optim.Momentum(ps, 0.1, form="torch", dampening=0.5, **o),
    "Nesterov": lambda ps, **o: optim.Nesterov(ps, 0.1, **o),
    "Adagrad": lambda ps, **o: optim.Adagrad(ps, 0.1, initial=0.1, **o),
    "RMSProp": lambda ps, **o: optim.RMSProp(ps, 0.1, **o),
    "RMSProp, as printed": lambda ps, **o: optim.RMSProp(ps, 0.1, eps_inside_root=True, **o),
    "Adadelta": optim.Adadelta,
    "Adam": lambda ps, **o: optim.Adam(ps, 0.1, **o),
    "Adam, as printed": lambda ps, **o: optim.Adam(ps, 0.1, eps_inside_root=True, **o),
    "Adam, amsgrad": lambda ps, **o: optim.Adam(ps, 0.1, amsgrad=True, **o),
    "AdamW": lambda ps, **o: optim.AdamW(ps, 0.1, **o),
    "Adamax": lambda ps, **o: optim.Adamax(ps, 0.1, **o),
    "NAdam": lambda ps, **o: optim.NAdam(ps, 0.1, **o),
    "RAdam": lambda ps, **o: optim.RAdam(ps, schedules.cosine(0.1, steps=9), **o),
}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)

numbers = st.floats(-1e3, 1e3)
runs = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(numbers, min_size=n, max_size=n), min_size=2, max_size=8).map(np.array)
)
"""Some gradients, one row a step."""


def leaves(n):
    return [Value(0.0) for _ in range(n)]


def go(optimiser, theta, gradients):
    for g in gradients:
        theta = optimiser.advance(theta, g)
    return theta


# ---------------------------------------------------------------- SGD


def test_a_step_moves_each_parameter_against_its_gradient():
    x, y = Value(1.0), Value(-2.0)
    x.grad, y.grad = 0.5, -3.0
    SGD([x, y], lr=0.1).step()
    assert (x.data, y.data) == (1.0 - 0.1 * 0.5, -2.0 + 0.1 * 3.0)


def test_a_step_leaves_gradients_as_they_are_and_zero_grad_sets_them_to_zero():
    x = Value(1.0)
    x.grad = 0.5
    optimiser = SGD([x], lr=0.1)
    optimiser.step()
    assert x.grad == 0.5
    optimiser.zero_grad()
    assert (x.grad, x.data) == (0.0, 0.95)


def test_on_a_parabola_the_distance_shrinks_by_the_same_factor_each_step():
    """For L = a (x - c)² / 2 the error after k steps is (1 - lr a)^k of what it was."""
    a, c, lr = 3.0, 0.5, 0.2
    x = Value(2.0)
    optimiser = SGD([x], lr=lr)
    for k in range(1, 30):
        optimiser.zero_grad()
        (0.5 * a * (x - c) ** 2).backward()
        optimiser.step()
        assert x.data - c == pytest.approx(1.5 * (1.0 - lr * a) ** k, abs=1e-15)


def test_a_step_of_a_network_is_p_minus_lr_times_g_to_the_bit():
    model = MLP(2, [3, 1], activation="tanh", rng=0)
    squared_error(model([0.5, -1.0]), 2.0).backward()
    expected = [p.data - 0.3 * p.grad for p in model.parameters()]
    SGD(model.parameters(), lr=0.3).step()
    assert [p.data for p in model.parameters()] == expected


# ---------------------------------------------------------------- the learning rate


def test_the_learning_rate_may_be_changed_between_steps():
    x = Value(1.0)
    optimiser = SGD([x], lr=0.5)
    x.grad = 1.0
    optimiser.step()
    optimiser.lr = 0.25
    optimiser.step()
    assert (optimiser.lr, x.data) == (0.25, 0.25)


def test_a_learning_rate_of_zero_changes_nothing():
    x = Value(1.0)
    x.grad = 5.0
    SGD([x], lr=0).step()
    assert x.data == 1.0


@pytest.mark.parametrize("lr", [0.5, np.float32(0.5), np.float64(0.5)])
def test_the_learning_rate_is_any_number_and_becomes_a_float(lr):
    assert type(SGD([Value(1.0)], lr=lr).lr) is float


def test_a_schedule_is_asked_for_the_rate_of_each_step_from_the_first():
    x, rates = Value(0.0), {1: 4.0, 2: 2.0, 3: 1.0}
    x.grad = -1.0
    optimiser = SGD([x], rates.__getitem__)
    met = []
    for _ in range(3):
        met.append((optimiser.lr, optimiser.steps))
        optimiser.step()
    assert (met, x.data, optimiser.steps) == ([(4.0, 0), (2.0, 1), (1.0, 2)], 7.0, 3)


def test_a_rate_that_is_set_by_hand_puts_an_end_to_the_schedule():
    optimiser = SGD([Value(0.0)], schedules.inverse(1.0))
    go(optimiser, np.zeros(1), np.ones((3, 1)))
    assert optimiser.lr == 0.25
    optimiser.lr = 0.125
    go(optimiser, np.zeros(1), np.ones((3, 1)))
    assert optimiser.lr == 0.125


# ---------------------------------------------------------------- clipping, ascent, decay


def test_clipping_comes_by_value_first_and_then_by_norm():
    optimiser = SGD(leaves(2), lr=1.0, clip_value=4.0, clip_norm=2.5)
    assert optimiser.advance(np.zeros(2), np.array([-30.0, 3.0])) == pytest.approx([2.0, -1.5], abs=1e-15)


def test_decay_is_not_clipped():
    optimiser = SGD(leaves(1), lr=1.0, clip_norm=0.5, clip_value=0.5, weight_decay=0.25)
    assert optimiser.advance(np.array([8.0]), np.array([3.0])).tolist() == [8.0 - 0.5 - 2.0]


@every_rule
def test_ascent_is_descent_along_the_turned_gradient(rule):
    gradients = np.random.default_rng(0).normal(size=(6, 3))
    up = go(rule(leaves(3), maximise=True, weight_decay=0.1), np.ones(3), gradients)
    down = go(rule(leaves(3), weight_decay=0.1), np.ones(3), -gradients)
    assert up.tobytes() == down.tobytes()
    assert not np.array_equal(up, go(rule(leaves(3), weight_decay=0.1), np.ones(3), gradients))


def test_ascent_climbs():
    x = Value(1.0)
    optimiser = SGD([x], lr=0.1, maximise=True)
    (-((x - 3.0) ** 2)).backward()
    optimiser.step()
    assert x.data == pytest.approx(1.4, abs=1e-15)


def test_only_what_is_said_to_decay_does():
    ps = leaves(3)
    for options in ({}, {"decayed": None}):
        assert SGD(ps, 1.0, weight_decay=0.5, **options).advance(np.ones(3), np.zeros(3)).tolist() == [0.5, 0.5, 0.5]
    one = SGD(ps, 1.0, weight_decay=0.5, decayed=iter([ps[1]]))
    assert one.advance(np.ones(3), np.zeros(3)).tolist() == [1.0, 0.5, 1.0]
    assert SGD(ps, 1.0, weight_decay=0.5, decayed=[]).advance(np.ones(3), np.zeros(3)).tolist() == [1.0, 1.0, 1.0]


def test_decay_is_half_of_the_lectures_lambda():
    """mit.reg.decay: W(1 - 2λη) - η∇ΣLoss, on the catalogue's figures."""
    X, y = np.array([[0.5, -1.0], [1.5, 0.3], [-0.7, 0.8]]), np.array([1.0, -0.5, 0.3])
    w, lambda_ = np.array([0.4, -0.2]), 0.1
    optimiser = SGD(leaves(2), lr=0.05, weight_decay=2.0 * lambda_)
    assert optimiser.advance(w, 2.0 * X.T @ (X @ w - y)) == pytest.approx([0.2182, -0.23], abs=1e-14)


# ---------------------------------------------------------------- Values and vectors


@every_rule
@settings(max_examples=10)
@given(run=runs)
def test_a_step_on_values_and_one_on_vectors_end_with_the_same_bits(rule, run):
    ps = leaves(run.shape[1])
    on_values, on_vectors, theta = rule(ps, weight_decay=0.1), rule(ps, weight_decay=0.1), np.zeros(len(ps))
    for gradient in run:
        theta = on_vectors.advance(theta, gradient)
        for p, g in zip(ps, gradient.tolist(), strict=True):
            p.grad = g
        on_values.step()
        assert on_values.theta().tobytes() == theta.tobytes()
        assert on_values.gradient().tolist() == gradient.tolist()


@every_rule
def test_a_step_on_vectors_changes_neither_values_nor_vectors(rule):
    ps, theta, gradient = leaves(2), np.ones(2), np.array([0.5, 3.0])
    optimiser = rule(ps, weight_decay=0.1, clip_norm=1.0, clip_value=1.0, maximise=True)
    state = optimiser.state
    before = {letter: vector.copy() for letter, vector in state.items()}
    vectors = list(state.values())
    moved = optimiser.advance(theta, gradient)
    assert (theta.tolist(), gradient.tolist(), [p.data for p in ps]) == ([1.0, 1.0], [0.5, 3.0], [0.0, 0.0])
    assert not np.shares_memory(moved, theta)
    assert [v.tolist() for v in vectors] == [v.tolist() for v in before.values()]


def test_the_state_has_a_number_for_each_parameter_in_their_order():
    """mit.opt.matrix_state: cut up like the parameters, it is a matrix for each quantity in each layer."""
    model = MLP(2, [3, 1], rng=0)
    optimiser = optim.Adam(model.parameters())
    gradient = np.arange(13.0)
    optimiser.advance(optimiser.theta(), gradient)
    assert {letter: vector.shape for letter, vector in optimiser.state.items()} == {"m": (13,), "v": (13,)}
    assert optimiser.state["m"] == pytest.approx(0.1 * gradient, rel=1e-15)


@every_rule
def test_an_infinite_gradient_raises_nothing_and_spoils_its_own_parameter_alone(rule):
    moved = go(rule(leaves(2)), np.zeros(2), np.array([[math.inf, 1.0]] * 2))
    assert not math.isfinite(moved[0])
    assert math.isfinite(moved[1])


# ---------------------------------------------------------------- state


@every_rule
@settings(max_examples=15)
@given(run=runs, data=st.data())
def test_a_run_that_goes_on_from_its_state_ends_with_the_same_bits(rule, run, data):
    n, k = run.shape[1], data.draw(st.integers(0, len(run)))
    whole, first, second = rule(leaves(n)), rule(leaves(n)), rule(leaves(n))
    theta = go(whole, np.ones(n), run)
    halfway = go(first, np.ones(n), run[:k])
    state = first.state_dict()
    go(first, halfway, run)  # what was written down does not change with its optimiser
    second.load_state_dict(state)
    assert go(second, halfway, run[k:]).tobytes() == theta.tobytes()
    assert {name: a.tobytes() for name, a in second.state_dict().items()} == {
        name: a.tobytes() for name, a in whole.state_dict().items()
    }


def test_a_rate_that_was_set_by_hand_is_part_of_the_state_and_not_of_the_settings():
    old, new = (SGD([Value(0.0)], schedules.inverse(1.0)) for _ in range(2))
    plain = old.state_dict()
    old.lr = 0.3
    new.load_state_dict(old.state_dict())
    assert (new.lr, new.settings()) == (0.3, SGD([Value(0.0)], schedules.inverse(1.0)).settings())
    new.load_state_dict(plain)
    assert new.lr == 1.0


STATE = {"m": [0.0, 0.0], "v": [0.0, 0.0], "steps": [2.0]}
BAD_STATES = {
    "lacking": (
        {"m": [0.0, 0.0], "steps": [1]},
        "the state lacks ['v'] and has nothing that Adam does not: load it into an optimiser of the same rule",
    ),
    "of another rule": (
        {"V": [0.0, 0.0], "steps": [1]},
        "the state lacks ['m', 'v'] and has ['V'] that Adam does not: load it into an optimiser of the same rule",
    ),
    "of another size": (STATE | {"v": [0.0]}, "v has the shape (1,): the optimiser's is (2,)"),
    "nan": (
        STATE | {"v": [0.0, math.nan]},
        "v holds numbers that are not finite: load those of a run that went well",
    ),
    "infinite": (
        STATE | {"m": [0.0, math.inf]},
        "m holds numbers that are not finite: load those of a run that went well",
    ),
    "text": (STATE | {"m": "no"}, "m is no array of real numbers: 'no'"),
    "ragged": (STATE | {"m": [[0.0], 0.0]}, "m is no array of real numbers: [[0.0], 0.0]"),
    "half a step": (STATE | {"steps": [0.5]}, "steps is 0.5: pass a whole number from 0 up"),
    "less than no steps": (STATE | {"steps": [-1]}, "steps is -1.0: pass a whole number from 0 up"),
    "steps without an axis": (STATE | {"steps": 1.0}, "steps has the shape (): the optimiser's is (1,)"),
    "a bad rate": (STATE | {"lr": [-1.0]}, "the learning rate is -1.0: pass a finite number from 0 up"),
}


@pytest.mark.parametrize(("state", "message"), BAD_STATES.values(), ids=BAD_STATES)
def test_a_state_that_cannot_be_is_refused_and_changes_nothing(state, message):
    optimiser = optim.Adam(leaves(2), lr=0.1)
    go(optimiser, np.zeros(2), np.ones((3, 2)))
    before = {name: a.tolist() for name, a in optimiser.state_dict().items()}
    assert message_of(ArgumentError, lambda: optimiser.load_state_dict(state)) == message
    assert {name: a.tolist() for name, a in optimiser.state_dict().items()} == before


def test_the_settings_say_what_the_rule_is():
    ps = leaves(3)
    adam = optim.Adam(ps, schedules.cosine(0.1, steps=5), amsgrad=True, decayed=[ps[2], ps[0]], weight_decay=0.5)
    assert adam.settings() == {
        "rule": "Adam",
        "lr": {"schedule": "cosine", "lr": 0.1, "steps": 5, "floor": 0.0},
        "beta1": 0.9,
        "beta2": 0.999,
        "eps": 1e-8,
        "eps_inside_root": False,
        "amsgrad": True,
        "weight_decay": 0.5,
        "decayed": [0, 2],
        "clip_norm": None,
        "clip_value": None,
        "maximise": False,
    }


@every_rule
def test_settings_survive_json_and_do_not_change_with_the_steps(rule):
    optimiser = rule(leaves(1), clip_norm=1.0)
    before = optimiser.settings()
    go(optimiser, np.zeros(1), np.ones((3, 1)))
    assert json.loads(json.dumps(optimiser.settings())) == before == optimiser.settings()


def test_no_two_rules_have_the_same_settings():
    described = [json.dumps(rule(leaves(1)).settings()) for rule in RULES.values()]
    assert len(set(described)) == len(RULES)


DEFAULTS = {
    SGD: {},
    optim.Momentum: {"momentum": 0.9, "form": "velocity", "dampening": 0.0},
    optim.Nesterov: {"momentum": 0.9},
    optim.Adagrad: {"lr": 0.01, "initial": 0.0, "eps": 1e-10},
    optim.RMSProp: {"lr": 0.01, "gamma": 0.9, "eps": 1e-8, "eps_inside_root": False},
    optim.Adadelta: {"lr": 1.0, "rho": 0.9, "eps": 1e-6},
    optim.Adam: {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "eps_inside_root": False, "amsgrad": False},
    optim.AdamW: {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "eps_inside_root": False, "amsgrad": False}
    | {"weight_decay": 0.01},
    optim.Adamax: {"lr": 0.002, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    optim.NAdam: {"lr": 0.002, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "momentum_decay": 0.004},
    optim.RAdam: {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
}


@pytest.mark.parametrize(("rule", "numbers"), DEFAULTS.items(), ids=lambda x: getattr(x, "__name__", ""))
def test_the_usual_numbers_of_a_rule(rule, numbers):
    plain = {"weight_decay": 0.0, "decayed": None, "clip_norm": None, "clip_value": None, "maximise": False}
    rate = {"lr": {"schedule": "constant", "lr": numbers.get("lr", 0.5)}}
    made = rule(leaves(2)) if "lr" in numbers else rule(leaves(2), 0.5)
    assert made.settings() == {"rule": rule.__name__} | plain | numbers | rate


OPTIONS = [
    (SGD, {"lr": 0.5}),
    (SGD, {"weight_decay": 0.5}),
    (SGD, {"decayed": []}),
    (SGD, {"clip_norm": 0.5}),
    (SGD, {"clip_value": 0.5}),
    (SGD, {"maximise": True}),
    (optim.Momentum, {"momentum": 0.5}),
    (optim.Momentum, {"form": "torch", "dampening": 0.5}),
    (optim.Nesterov, {"momentum": 0.5}),
    (optim.Adagrad, {"initial": 0.5}),
    (optim.Adagrad, {"eps": 0.5}),
    (optim.RMSProp, {"gamma": 0.5}),
    (optim.RMSProp, {"eps": 0.5}),
    (optim.RMSProp, {"eps_inside_root": True}),
    (optim.Adadelta, {"rho": 0.5}),
    (optim.Adadelta, {"eps": 0.5}),
    (optim.Adam, {"beta1": 0.5}),
    (optim.Adam, {"beta2": 0.5}),
    (optim.Adam, {"eps": 0.5}),
    (optim.Adam, {"eps_inside_root": True}),
    (optim.Adam, {"amsgrad": True}),
    (optim.AdamW, {"weight_decay": 0.5}),
    (optim.NAdam, {"momentum_decay": 0.5}),
]


@pytest.mark.parametrize(("rule", "option"), OPTIONS)
def test_every_number_of_a_rule_is_in_its_settings_and_changes_its_run(rule, option):
    usual, other = rule(leaves(2), 0.1), rule(leaves(2), **{"lr": 0.1} | option)
    assert usual.settings() != other.settings()
    if option != {"decayed": []}:  # which says nothing without a decay
        run = np.array([[0.6, -0.8], [1e-3, 2.0], [0.3, 0.1]])
        assert not np.array_equal(go(usual, np.ones(2), run), go(other, np.ones(2), run))


def test_ctrl_c_in_the_middle_of_a_step_leaves_no_parameter_behind():
    class Struck(Value):
        """A parameter during whose first update Ctrl-C is pressed."""

        @property
        def data(self):
            return Value.data.fget(self)

        @data.setter
        def data(self, number):
            if not strikes:
                strikes.append(number)
                raise KeyboardInterrupt
            Value.data.fset(self, number)

    strikes = []
    parameters = [Value(1.0), Struck(2.0), Value(3.0)]
    for p in parameters:
        p.grad = 1.0
    with pytest.raises(KeyboardInterrupt):
        SGD(parameters, lr=0.5).step()
    assert (strikes, [p.data for p in parameters]) == ([1.5], [0.5, 1.5, 2.5])


def test_clipping_takes_lists_too():
    assert optim.clip_by_norm([3.0, 4.0], 1.0).tolist() == [0.6000000000000001, 0.8]
    assert optim.clip_by_norm([0.25, 0.5], 1.0).tolist() == [0.25, 0.5]
    assert optim.clip_by_value([3.0, -4.0], 1.0).tolist() == [1.0, -1.0]


def test_an_infinite_gradient_has_no_direction_that_clipping_could_keep():
    assert np.isnan(optim.clip_by_norm(np.array([-np.inf, 1.0]), 1.0)).tolist() == [True, False]
    assert np.isnan(optim.clip_by_norm(np.array([np.nan, 1.0]), 1.0)).tolist() == [True, False]
    assert optim.clip_by_value(np.array([-np.inf, 0.5]), 1.0).tolist() == [-1.0, 0.5]
