"""Every rule beside PyTorch's: the same network, weights and batches, 200 steps, and 10 digits in common.

Each side has its own network, loss and gradients, so a difference in any step would carry on into all later ones.
"""

import numpy as np
import pytest

from autograd_core.ops import mean
from nn import MLP, optim, schedules
from nn.losses import nll_with_logits

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'autograd-core[torch]'")

STEPS, BATCH = 200, 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2))
Y = (np.sin(2.0 * X[:, 0]) + X[:, 1] + 0.5 * RNG.normal(size=30) > 0.0).astype(float)
"""Labels that no network of this size gets all right, so the loss stays far from 0."""


@pytest.fixture(autouse=True)
def float64():
    """Set what PyTorch keeps numbers of its rules in, such as NAdam's product: by default it has 7 digits.

    And one thread: for vectors this small, waking others takes 20 times as long as the sums.
    """
    usual, threads = torch.get_default_dtype(), torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    yield
    torch.set_default_dtype(usual)
    torch.set_num_threads(threads)


class Ours:
    def __init__(self, make):
        self.model = MLP(2, [4, 1], activation="tanh", init="glorot", rng=1)
        self.optimiser = make(self.model.parameters())

    def step(self, batch):
        self.optimiser.zero_grad()
        mean([nll_with_logits(self.model(X[i]), Y[i]) for i in batch]).backward()
        self.optimiser.step()

    def weights(self):
        return self.optimiser.theta()


class Theirs:
    def __init__(self, make, schedule=None, clip=None):
        self.model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
        start = MLP(2, [4, 1], activation="tanh", init="glorot", rng=1).state_dict().values()
        with torch.no_grad():
            for p, weights in zip(self.model.parameters(), start, strict=True):
                p.copy_(torch.from_numpy(weights))
        self.optimiser = make(list(self.model.parameters()))
        self.schedule, self.clip = schedule and schedule(self.optimiser), clip

    def step(self, batch):
        self.optimiser.zero_grad()
        outputs = self.model(torch.from_numpy(X[batch]))[:, 0]
        torch.nn.functional.binary_cross_entropy_with_logits(outputs, torch.from_numpy(Y[batch])).backward()
        if self.clip:
            self.clip(list(self.model.parameters()))
        self.optimiser.step()
        if self.schedule:
            self.schedule.step()

    def weights(self):
        return np.concatenate([p.detach().numpy().ravel() for p in self.model.parameters()])


def assert_same_run(ours, theirs):
    start, furthest = ours.weights(), 0.0
    for t in range(STEPS):
        batch = [(BATCH * t + i) % len(X) for i in range(BATCH)]
        ours.step(batch)
        theirs.step(batch)
        furthest = max(furthest, float(np.max(np.abs(ours.weights() - theirs.weights()))))
    assert np.max(np.abs(ours.weights() - start)) > 1e-2  # it has gone somewhere
    assert furthest < 1e-10


T = torch.optim
RULES = {
    "SGD": (lambda p: optim.SGD(p, 0.3), lambda p: T.SGD(p, 0.3)),
    "SGD, ascent, decay": (
        lambda p: optim.SGD(p, 0.02, maximise=True, weight_decay=0.1),
        lambda p: T.SGD(p, 0.02, maximize=True, weight_decay=0.1),
    ),
    "velocity": (lambda p: optim.Momentum(p, 0.05, 0.8), lambda p: T.SGD(p, 0.05, momentum=0.8)),
    "average": (
        lambda p: optim.Momentum(p, 0.05, 0.8, form="average"),
        lambda p: T.SGD(p, 0.05 * (1.0 - 0.8), momentum=0.8),
    ),
    "torch": (
        lambda p: optim.Momentum(p, 0.05, form="torch", dampening=0.3, weight_decay=0.01),
        lambda p: T.SGD(p, 0.05, momentum=0.9, dampening=0.3, weight_decay=0.01),
    ),
    "Nesterov": (lambda p: optim.Nesterov(p, 0.05), lambda p: T.SGD(p, 0.05, momentum=0.9, nesterov=True)),
    "Nesterov, decay": (
        lambda p: optim.Nesterov(p, 0.05, 0.5, weight_decay=0.01),
        lambda p: T.SGD(p, 0.05, momentum=0.5, nesterov=True, weight_decay=0.01),
    ),
    "Adagrad": (lambda p: optim.Adagrad(p, 0.1), lambda p: T.Adagrad(p, 0.1)),
    "Adagrad, initial, lr_decay, decay": (
        lambda p: optim.Adagrad(p, schedules.inverse(0.1, 0.02), initial=0.1, eps=1e-6, weight_decay=0.01),
        lambda p: T.Adagrad(p, 0.1, lr_decay=0.02, initial_accumulator_value=0.1, eps=1e-6, weight_decay=0.01),
    ),
    "RMSProp": (lambda p: optim.RMSProp(p, gamma=0.99), T.RMSprop),
    "RMSProp, decay": (
        lambda p: optim.RMSProp(p, 0.02, 0.9, eps=1e-3, weight_decay=0.01),
        lambda p: T.RMSprop(p, 0.02, 0.9, eps=1e-3, weight_decay=0.01),
    ),
    "Adadelta": (optim.Adadelta, T.Adadelta),
    "Adadelta, rate, decay": (
        lambda p: optim.Adadelta(p, 3.0, 0.8, eps=1e-4, weight_decay=0.01),
        lambda p: T.Adadelta(p, 3.0, 0.8, eps=1e-4, weight_decay=0.01),
    ),
    "Adam": (optim.Adam, T.Adam),
    "Adam, decay": (
        lambda p: optim.Adam(p, 0.02, 0.8, 0.99, eps=1e-5, weight_decay=0.01),
        lambda p: T.Adam(p, 0.02, (0.8, 0.99), eps=1e-5, weight_decay=0.01),
    ),
    "Adam, amsgrad": (lambda p: optim.Adam(p, 0.02, amsgrad=True), lambda p: T.Adam(p, 0.02, amsgrad=True)),
    "Adam, ascent": (lambda p: optim.Adam(p, 0.002, maximise=True), lambda p: T.Adam(p, 0.002, maximize=True)),
    "AdamW": (optim.AdamW, T.AdamW),
    "AdamW, amsgrad, ascent": (
        lambda p: optim.AdamW(p, 0.002, weight_decay=0.1, amsgrad=True, maximise=True),
        lambda p: T.AdamW(p, 0.002, weight_decay=0.1, amsgrad=True, maximize=True),
    ),
    "Adamax": (optim.Adamax, T.Adamax),
    "Adamax, decay": (
        lambda p: optim.Adamax(p, 0.02, 0.8, 0.9, eps=1e-3, weight_decay=0.01),
        lambda p: T.Adamax(p, 0.02, (0.8, 0.9), eps=1e-3, weight_decay=0.01),
    ),
    "NAdam": (optim.NAdam, T.NAdam),
    "NAdam, decay": (
        lambda p: optim.NAdam(p, 0.02, 0.8, 0.99, momentum_decay=0.02, weight_decay=0.01),
        lambda p: T.NAdam(p, 0.02, (0.8, 0.99), momentum_decay=0.02, weight_decay=0.01),
    ),
    "RAdam": (optim.RAdam, T.RAdam),
    "RAdam, decay": (
        lambda p: optim.RAdam(p, 0.02, 0.8, 0.99, eps=1e-4, weight_decay=0.01),
        lambda p: T.RAdam(p, 0.02, (0.8, 0.99), eps=1e-4, weight_decay=0.01),
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), RULES.values(), ids=RULES)
def test_a_rule_is_pytorchs(ours, theirs):
    assert_same_run(Ours(ours), Theirs(theirs))


@pytest.mark.parametrize(("ours", "theirs"), [(optim.Adam, T.Adam), (optim.AdamW, T.AdamW)])
def test_biases_can_be_left_out_of_the_decay(ours, theirs):
    weights = [True] * 8 + [False] * 4 + [True] * 4 + [False]
    assert_same_run(
        Ours(lambda p: ours(p, 0.01, weight_decay=0.2, decayed=[q for q, w in zip(p, weights, strict=True) if w])),
        Theirs(
            lambda p: theirs(
                [{"params": p[0::2], "weight_decay": 0.2}, {"params": p[1::2], "weight_decay": 0.0}], lr=0.01
            )
        ),
    )


L = torch.optim.lr_scheduler
SCHEDULES = {
    "constant": (schedules.constant(0.2), lambda o: L.ConstantLR(o, factor=1.0)),
    "step": (schedules.step(0.2, 30, 0.5), lambda o: L.StepLR(o, 30, 0.5)),
    "exponential": (schedules.exponential(0.2, 0.99), lambda o: L.ExponentialLR(o, 0.99)),
    "inverse": (schedules.inverse(0.2, 0.1, 0.7), lambda o: L.LambdaLR(o, lambda epoch: (1.0 + 0.1 * epoch) ** -0.7)),
    "cosine": (schedules.cosine(0.2, STEPS, 0.01), lambda o: L.CosineAnnealingLR(o, STEPS, 0.01)),
    "warm_up": (
        schedules.warm_up(20, schedules.step(0.2, 30, 0.5)),
        lambda o: L.SequentialLR(o, [L.LinearLR(o, 1.0 / 21.0, total_iters=20), L.StepLR(o, 30, 0.5)], [20]),
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), SCHEDULES.values(), ids=SCHEDULES)
def test_a_schedule_has_pytorchs_rates(ours, theirs):
    other = T.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
    schedule = theirs(other)
    for t in range(1, STEPS + 1):
        assert ours(t) == pytest.approx(other.param_groups[0]["lr"], rel=1e-12)
        other.step()
        schedule.step()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (optim.Nesterov, lambda p: T.SGD(p, 0.2, momentum=0.9, nesterov=True)),
        (lambda p, lr: optim.Momentum(p, lr, form="torch"), lambda p: T.SGD(p, 0.2, momentum=0.9)),
        (lambda p, lr: optim.AdamW(p, lr, weight_decay=0.1), lambda p: T.AdamW(p, 0.2, weight_decay=0.1)),
    ],
    ids=["Nesterov", "Momentum", "AdamW"],
)
def test_a_rule_with_a_schedule_is_pytorchs(ours, theirs):
    def shrinking(o):
        return L.CosineAnnealingLR(o, STEPS, 0.01)

    assert_same_run(Ours(lambda p: ours(p, schedules.cosine(0.2, STEPS, 0.01))), Theirs(theirs, shrinking))


def test_clipping_by_value_is_pytorchs():
    theirs = Theirs(lambda p: T.SGD(p, 0.5), clip=lambda ps: torch.nn.utils.clip_grad_value_(ps, 0.05))
    assert_same_run(Ours(lambda p: optim.SGD(p, 0.5, clip_value=0.05)), theirs)


def test_clipping_by_norm_is_pytorchs_without_its_1e_minus_6():
    def exactly(ps):
        norm = torch.nn.utils.get_total_norm([p.grad for p in ps])
        for p in ps:
            p.grad.mul_(torch.clamp(0.2 / norm, max=1.0))

    theirs = Theirs(lambda p: T.SGD(p, 0.5, weight_decay=0.01), clip=exactly)
    assert_same_run(Ours(lambda p: optim.SGD(p, 0.5, weight_decay=0.01, clip_norm=0.2)), theirs)
    p = torch.zeros(2, requires_grad=True)
    p.grad = torch.tensor([3.0, -4.0])
    torch.nn.utils.clip_grad_norm_([p], 2.0)
    clipped = optim.clip_by_norm(np.array([3.0, -4.0]), 2.0)
    assert p.grad.numpy() == pytest.approx(clipped * 5.0 / (5.0 + 1e-6), rel=1e-14)


def test_averages_of_weights_are_pytorchs():
    for gamma, options in (
        (lambda t: (t - 1) / t, {}),
        (lambda t: 0.0 if t == 1 else 0.9, {"multi_avg_fn": torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)}),
    ):
        ours, theirs = Ours(lambda p: optim.SGD(p, 0.3)), Theirs(lambda p: T.SGD(p, 0.3))
        mixed, averaged = optim.RunningAverage(gamma), torch.optim.swa_utils.AveragedModel(theirs.model, **options)
        for t in range(20):
            for side in (ours, theirs):
                side.step([t])
            mixed.add(ours.weights())
            averaged.update_parameters(theirs.model)
        found = np.concatenate([p.detach().numpy().ravel() for p in averaged.module.parameters()])
        assert mixed.value == pytest.approx(found, abs=1e-13)
