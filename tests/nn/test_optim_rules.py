"""Each rule makes the steps that its source says, and running averages are what the lecture says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Value
from nn import MLP, optim, schedules
from nn.lectures.mit6036 import averages as lecture
from nn.lectures.mit6036 import optim as adaptive
from nn.losses import squared_error

GIVEN, TINY = [0.5, -0.2, 0.1], [0.5e-4, -0.2e-4, 0.1e-4]
PROBLEMS = pytest.mark.parametrize("problem", [lecture.BOWL, lecture.LAYER, adaptive.GIVEN], ids=lambda p: p.name)


def leaves(n):
    return [Value(0.0) for _ in range(n)]


def path(rule, gradients, start=1.0):
    """Return W₁ … W_T of one weight for gradients that are given."""
    optimiser, W, found = rule(leaves(1)), np.array([start]), []
    for g in gradients:
        W = optimiser.advance(W, np.array([g]))
        found.append(W[0])
    return np.array(found)


def descent(rule, problem, steps):
    """Return W₁ … W_T where the gradients are those of a problem at W."""
    steps = 3 if problem is adaptive.GIVEN else steps
    optimiser, W, found = rule(leaves(problem.start.size)), problem.start, []
    for t in range(1, steps + 1):
        W = optimiser.advance(W.ravel(), problem.slope(W, t).ravel()).reshape(W.shape)
        found.append(W)
    return np.array(found), steps


# ---------------------------------------------------------------- momentum


def test_momentum_on_the_catalogues_figures():
    W, _ = descent(lambda ps: optim.Momentum(ps, lr=0.005, momentum=0.9), lecture.BOWL, 5)
    assert W[[0, 1, 4], :, 0] == pytest.approx(
        np.array([[1.99, 0.95], [1.97105, 0.8575], [1.8701029, 0.41715594]]), abs=1e-8
    )


@PROBLEMS
@pytest.mark.parametrize("gamma", [0.9, 0.1, 0.0])
def test_both_printed_forms_of_momentum_are_the_lectures(problem, gamma):
    for form, closed in (("velocity", lecture.momentum), ("average", lecture.averaged_momentum)):
        found, steps = descent(lambda ps, form=form: optim.Momentum(ps, 0.005, gamma, form=form), problem, 30)
        assert found == pytest.approx(closed(problem.slope, problem.start, steps, 0.005, gamma), abs=1e-13)


@PROBLEMS
def test_the_forms_agree_if_the_rates_differ_by_the_factor_1_minus_gamma(problem):
    """mit.opt.momentum.equiv: η = η'(1 - γ)."""
    velocity, _ = descent(lambda ps: optim.Momentum(ps, 0.003, 0.8), problem, 50)
    average, _ = descent(lambda ps: optim.Momentum(ps, 0.003 / (1.0 - 0.8), 0.8, form="average"), problem, 50)
    torch, _ = descent(lambda ps: optim.Momentum(ps, 0.003, 0.8, form="torch"), problem, 50)
    assert average == pytest.approx(velocity, abs=1e-12)
    assert torch == pytest.approx(velocity, abs=1e-12)


@pytest.mark.parametrize(("sign", "limit"), [(1.0, 1.0), (-1.0, 0.1 / 1.9)])
def test_a_velocity_grows_where_gradients_keep_their_sign(sign, limit):
    """mit.opt.momentum.sign: ηg/(1 - γ) for constant gradients, ηg/(1 + γ) for alternating ones."""
    W = path(lambda ps: optim.Momentum(ps, lr=0.1), [sign**t for t in range(400)])
    assert abs(W[-1] - W[-2]) == pytest.approx(limit, abs=1e-12)


def test_a_schedule_acts_on_what_velocity_takes_in_and_on_what_the_others_give_out():
    def schedule(t):
        return 1.0 if t == 1 else 0.0

    gradients = [8.0, 8.0, 8.0]
    assert path(lambda ps: optim.Momentum(ps, schedule, 0.5), gradients, 0.0).tolist() == [-8.0, -12.0, -14.0]
    assert path(lambda ps: optim.Momentum(ps, schedule, 0.5, form="torch"), gradients, 0.0).tolist() == [-8.0] * 3
    assert path(lambda ps: optim.Momentum(ps, schedule, 0.5, form="average"), gradients, 0.0).tolist() == [-4.0] * 3


def test_dampening_spares_the_first_gradient():
    W = path(lambda ps: optim.Momentum(ps, 1.0, 0.5, form="torch", dampening=0.25), [8.0, 4.0, 0.0], 0.0)
    b2 = 0.5 * 8.0 + 0.75 * 4.0
    assert W.tolist() == [-8.0, -8.0 - b2, -8.0 - b2 - 0.5 * b2]


@PROBLEMS
def test_nesterovs_momentum_is_sutskevers_seen_where_it_takes_its_gradients(problem):
    eta, gamma = 0.004, 0.85
    found, steps = descent(lambda ps: optim.Nesterov(ps, eta, gamma), problem, 40)
    phi, V = problem.start, np.zeros_like(problem.start)
    for t in range(1, steps + 1):
        V = gamma * V - eta * problem.slope(phi + gamma * V, t)
        phi = phi + V
        assert found[t - 1] == pytest.approx(phi + gamma * V, abs=1e-13)


# ---------------------------------------------------------------- a step size for each weight


def test_the_printed_adadelta_on_the_catalogues_figures():
    optimiser, W, G = optim.RMSProp(leaves(1), 0.1, 0.9, eps=1e-8, eps_inside_root=True), np.ones(1), []
    for g in GIVEN:
        W = optimiser.advance(W, np.array([g]))
        G.append([optimiser.state["G"][0], W[0]])
    assert np.array(G) == pytest.approx(
        np.array([[0.025, 0.6837722972], [0.0265, 0.8066312974], [0.02485, 0.7431951622]]), abs=1e-10
    )


def test_zeilers_adadelta_on_the_catalogues_figure():
    assert path(lambda ps: optim.Adadelta(ps, rho=0.9, eps=1e-6), GIVEN)[-1] == pytest.approx(0.997634, abs=5e-7)


def test_adam_on_the_catalogues_figures():
    printed = path(lambda ps: optim.Adam(ps, 0.1, eps_inside_root=True), GIVEN)
    assert printed == pytest.approx([0.900000002, 0.865439418401, 0.827500241818], abs=1e-12)
    published = path(lambda ps: optim.Adam(ps, 0.1), GIVEN)
    assert published[-1] == pytest.approx(0.827500240836, abs=1e-12)
    inside, outside = (path(lambda ps, i=i: optim.Adam(ps, 0.1, eps_inside_root=i), TINY)[-1] for i in (True, False))
    assert [inside, outside] == pytest.approx([0.9315469, 0.8275413], abs=5e-8)


@PROBLEMS
@pytest.mark.parametrize("inside", [True, False])
def test_adaptive_rules_are_the_lectures(problem, inside):
    found, steps = descent(lambda ps: optim.Adam(ps, 0.02, 0.8, 0.97, eps=1e-3, eps_inside_root=inside), problem, 30)
    closed = adaptive.adam(problem.slope, problem.start, steps, 0.02, 0.8, 0.97, 1e-3, inside)
    assert found == pytest.approx(closed, abs=1e-12)
    found, _ = descent(lambda ps: optim.Adadelta(ps, rho=0.7, eps=1e-4), problem, 30)
    assert found == pytest.approx(adaptive.zeiler(problem.slope, problem.start, steps, 0.7, 1e-4), abs=1e-12)
    if inside:
        found, _ = descent(lambda ps: optim.RMSProp(ps, 0.02, 0.7, eps=1e-2, eps_inside_root=True), problem, 30)
        closed = adaptive.adadelta(problem.slope, problem.start, steps, 0.02, 0.7, 1e-2)
        assert found == pytest.approx(closed, abs=1e-12)


T = np.arange(1, 13)
MU = [0.9 * (1.0 - 0.5 * 0.96 ** (t / 250.0)) for t in range(1, 14)]
STEPS = {
    "Adagrad": (lambda ps: optim.Adagrad(ps, 0.1), 0.1 / np.sqrt(T)),
    "Adagrad, initial": (lambda ps: optim.Adagrad(ps, 0.1, initial=8.0), 0.1 * 3.0 / np.sqrt(8.0 + 9.0 * T)),
    "RMSProp": (lambda ps: optim.RMSProp(ps, 0.1, 0.75), 0.1 / np.sqrt(1.0 - 0.75**T)),
    "Adam": (lambda ps: optim.Adam(ps, 0.1), 0.1 + 0.0 * T),
    "amsgrad": (lambda ps: optim.Adam(ps, 0.1, amsgrad=True), 0.1 + 0.0 * T),
    "Adamax": (lambda ps: optim.Adamax(ps, 0.1), 0.1 + 0.0 * T),
    "NAdam": (
        lambda ps: optim.NAdam(ps, 0.1),
        [
            0.1
            * ((1.0 - MU[t - 1]) / (1.0 - math.prod(MU[:t])) + MU[t] * (1.0 - 0.9**t) / (1.0 - math.prod(MU[: t + 1])))
            for t in T
        ],
    ),
    "RAdam": (lambda ps: optim.RAdam(ps, 0.1), [0.3] * 5),
}


@pytest.mark.parametrize(("rule", "lengths"), STEPS.values(), ids=STEPS)
def test_the_lengths_of_steps_along_a_constant_gradient_have_closed_forms(rule, lengths):
    """The gradient is 3; ε moves a step by a few parts in 1e9. RAdam steps like momentum until ρ_t > 5, at t = 6."""
    found = -np.diff(path(rule, [3.0] * len(lengths), 1.0), prepend=1.0)
    assert found == pytest.approx(np.array(lengths), rel=1e-7)


def radam(t, eps):
    """Return the length of step t along a constant gradient of 3, for β₂ = 0.999, by the paper's letters."""
    rho = 2.0 / (1.0 - 0.999) - 1.0
    rho_t = rho - 2.0 * t * 0.999**t / (1.0 - 0.999**t)
    r = math.sqrt((rho_t - 4.0) * (rho_t - 2.0) * rho / ((rho - 4.0) * (rho - 2.0) * rho_t))
    weights = math.sqrt(1.0 - 0.999**t)
    return 0.1 * r * 3.0 * weights / (3.0 * weights + eps)


LARGE = {
    "Adagrad": (lambda ps: optim.Adagrad(ps, 0.1, eps=0.5), [0.3 / (3.0 * math.sqrt(t) + 0.5) for t in T]),
    "RMSProp": (
        lambda ps: optim.RMSProp(ps, 0.1, 0.75, eps=0.5),
        [0.3 / (3.0 * math.sqrt(1.0 - 0.75**t) + 0.5) for t in T],
    ),
    "RMSProp, inside": (
        lambda ps: optim.RMSProp(ps, 0.1, 0.75, eps=0.5, eps_inside_root=True),
        [0.3 / math.sqrt(9.0 * (1.0 - 0.75**t) + 0.5) for t in T],
    ),
    "Adam": (lambda ps: optim.Adam(ps, 0.1, eps=0.5), [0.3 / 3.5] * 12),
    "Adam, inside": (lambda ps: optim.Adam(ps, 0.1, eps=0.5, eps_inside_root=True), [0.3 / math.sqrt(9.5)] * 12),
    "Adamax": (lambda ps: optim.Adamax(ps, 0.1, eps=0.5), [0.3 / 3.5] * 12),
    "NAdam": (lambda ps: optim.NAdam(ps, 0.1, eps=0.5), np.array(STEPS["NAdam"][1]) * 3.0 / 3.5),
    "RAdam": (lambda ps: optim.RAdam(ps, 0.1, eps=0.5), [0.3] * 5 + [radam(t, 0.5) for t in range(6, 400)]),
}


@pytest.mark.parametrize(("rule", "lengths"), LARGE.values(), ids=LARGE)
def test_epsilon_stands_where_the_rule_has_it(rule, lengths):
    found = -np.diff(path(rule, [3.0] * len(lengths), 1.0), prepend=1.0)
    assert found == pytest.approx(np.array(lengths), rel=1e-9)


def test_radam_is_rectified_from_the_sixth_step_on():
    found = -np.diff(path(lambda ps: optim.RAdam(ps, 0.1), [2.0] * 400, 1.0), prepend=1.0)
    assert 0.1 * 0.02 < found[5] < 0.1 * 0.05  # all at once v counts, and is not trusted yet
    assert (np.diff(found[5:]) > 0.0).all()
    assert found[-1] < 0.1


def test_amsgrad_remembers_the_largest_mean_square():
    gradients = [10.0] + [0.1] * 200
    plain, bounded = (
        -np.diff(path(lambda ps, a=a: optim.Adam(ps, 0.1, 0.0, 0.9, amsgrad=a), gradients)) for a in (False, True)
    )
    assert plain[-1] == pytest.approx(0.1, rel=1e-4)
    assert bounded[-1] == pytest.approx(0.1 * 0.1 / math.sqrt(0.1 * 100.0), rel=1e-4)


def test_decoupled_decay_does_not_depend_on_the_gradients():
    """Without gradients AdamW shrinks a weight by 1 - ηλ a step; Adam takes whole steps along the sign of the decay."""
    assert path(lambda ps: optim.AdamW(ps, 0.1, weight_decay=0.5), [0.0] * 3, 2.0) == pytest.approx(
        2.0 * 0.95 ** T[:3], abs=1e-15
    )
    assert path(lambda ps: optim.Adam(ps, 0.1, weight_decay=0.5), [0.0], 3.0) == pytest.approx(3.0 - 0.1, abs=1e-8)
    assert path(optim.AdamW, [0.0], 2.0) == pytest.approx(2.0 * (1.0 - 0.001 * 0.01), abs=1e-15)


def test_decoupled_decay_is_at_the_rate_of_the_schedule_and_spares_what_does_not_decay():
    ps = leaves(2)
    optimiser, theta = optim.AdamW(ps, schedules.inverse(0.5), weight_decay=0.5, decayed=ps[:1]), np.full(2, 8.0)
    for _ in range(2):
        theta = optimiser.advance(theta, np.zeros(2))
    assert theta.tolist() == [8.0 * 0.75 * 0.875, 8.0]


# ---------------------------------------------------------------- clipping


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5).map(np.array), st.floats(1e-3, 1e3))
def test_clipping_by_norm_keeps_the_direction_and_short_gradients(g, largest):
    clipped, length = optim.clip_by_norm(g, largest), math.hypot(*g)
    if length < largest * (1.0 - 1e-12):
        assert clipped.tolist() == g.tolist()
    elif length > largest * (1.0 + 1e-12):
        assert clipped == pytest.approx(g * (largest / length), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("size", [1e200, 1e-200, 5e-324])
def test_lengths_whose_squares_are_beyond_float64_are_found(size):
    clipped = optim.clip_by_norm(np.array([3.0, -4.0]) * size, 2.5 * size)
    assert clipped == pytest.approx(np.array([1.5, -2.0]) * size, rel=1e-12, abs=1e-323)
    assert optim.clip_by_norm(np.zeros(2), 1.0).tolist() == [0.0, 0.0]


def test_clipping_hides_no_nan():
    assert np.isnan(optim.clip_by_norm(np.array([math.nan, 1.0]), 1.0)).tolist() == [True, False]
    assert np.isnan(optim.clip_by_value(np.array([math.nan, 1.0]), 1.0)).tolist() == [True, False]


# ---------------------------------------------------------------- running averages

A = [2.0, 4.0, -1.0, 5.0, 3.0]


def averages(gamma, inputs=A):
    average = optim.RunningAverage(gamma)
    return [average.add(a) for a in inputs]


def test_a_running_average_is_the_lectures():
    assert averages(lambda t: lecture.RATES[t - 1]) == pytest.approx(lecture.running(A, lecture.RATES), abs=1e-15)


def test_a_moving_average_on_the_catalogues_figure():
    assert averages(0.9)[-1] == pytest.approx(1.09182, abs=1e-15)
    assert averages(0.9, [1.0] * 7)[-1] == pytest.approx(1.0 - 0.9**7, abs=1e-15)


def test_the_actual_average_is_the_mean_of_all_so_far():
    assert averages(lambda t: (t - 1) / t) == pytest.approx([sum(A[:t]) / t for t in range(1, 6)], abs=1e-12)


def test_adams_first_moment_is_a_running_average_of_its_own():
    """mit.opt.adam.mhat_gamma: γ_t = (B - B^t)/(1 - B^t)."""
    optimiser, found = optim.Adam(leaves(1)), []
    for t, g in enumerate(A, start=1):
        optimiser.advance(np.zeros(1), np.array([g]))
        found.append(optimiser.state["m"][0] / (1.0 - 0.9**t))
    assert found == pytest.approx(averages(lambda t: (0.9 - 0.9**t) / (1.0 - 0.9**t)), abs=1e-14)


def test_weights_are_averaged_and_put_back():
    model = MLP(2, [2, 1], activation="tanh", rng=0)
    optimiser, mean, met = optim.SGD(model.parameters(), lr=0.1), optim.RunningAverage(lambda t: (t - 1) / t), []
    for _ in range(4):
        optimiser.zero_grad()
        squared_error(model([0.5, -1.0]), 2.0).backward()
        optimiser.step()
        mean.add(optimiser.theta())
        met.append([p.data for p in model.parameters()])
    optimiser.assign(mean.value)
    assert [p.data for p in model.parameters()] == pytest.approx(np.mean(met, axis=0), abs=1e-14)
