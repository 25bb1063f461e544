"""Training by a lifted program: the run of the graph, step by step, and what is refused because it could not be."""

from functools import partial

import numpy as np
import pytest
from messages import message_of
from training import Line, T, X, train, weights

import nn
from autograd_core import AnomalyError, ArgumentError, StaleGraphError, Value, log, tanh
from nn import (
    MLP,
    BatchNorm,
    Dropout,
    EarlyStopping,
    Layer,
    MLPClassifier,
    MLPRegressor,
    Module,
    Noise,
    Sequential,
    fit,
    losses,
    metrics,
    optim,
    regularise,
    schedules,
)

SIGNS = np.sign(T)
BITS = (T > 0.0).astype(int)
CLASSES = np.digitize(T, [-0.5, 0.5])
WEIGHTS = np.linspace(0.0, 2.0, 10)


def net(*nouts, **options):
    return lambda: MLP(2, [3, *nouts], activation="tanh", rng=0, **options)


def deep():
    """Return a network that draws, keeps running statistics, and lets samples depend on each other."""
    hidden = Layer(2, 3, activation="identity", rng=0)
    return Sequential(Noise(0.1, rng=1), hidden, BatchNorm(3), Dropout(drop=0.3, rng=2), Layer(3, 1, rng=3), first)


def first(row):
    return row[0]


class Tied(Module):
    """A network in which one weight is there twice, and a parameter has the name of an input."""

    def __init__(self):
        self.x, self.w = Value(0.1), [Value(0.3), Value(-0.2)]
        self.again = [[self.w[0], Value(0.7)]]

    def forward(self, x):
        h = tanh(self.w[0] * x[0] + self.w[1] * x[1])
        return self.again[0][0] * h + self.again[0][1] * x[0] + self.x


def sgd(parameters):
    return optim.SGD(parameters, lr=0.05)


def adam(parameters):
    return optim.Adam(parameters, lr=schedules.cosine(0.05, 200), clip_norm=0.5)


def some(parameters):
    """Return an optimiser of the last parameters, in another order."""
    return optim.RMSProp(parameters[:-5:-1], lr=0.01, weight_decay=0.1, clip_value=0.1)


CASES = {
    "rows": (net(2), np.c_[T, X[:, 0]], losses.squared_error, sgd, {"metrics": {"r2": metrics.r2}}),
    "hinge": (net(1), SIGNS, losses.hinge, adam, {"penalty": lambda model: regularise.l2(model, 0.01)}),
    "nll": (net(1, output="sigmoid"), BITS, losses.nll, sgd, {"metrics": {"accuracy": metrics.accuracy}}),
    "weights": (net(1), BITS, losses.nll_with_logits, sgd, {"sample_weight": WEIGHTS}),
    "sum of weights": (net(1), T, losses.half_squared_error, sgd, {"sample_weight": WEIGHTS, "reduction": "sum"}),
    "classes": (
        net(3, output="identity"),
        CLASSES,
        losses.nllm_with_logits,
        adam,
        {"metrics": {"accuracy": metrics.accuracy}, "validation": 0.2, "early_stopping": EarlyStopping(patience=99)},
    ),
    "one-hot rows": (net(3, output="softmax"), np.eye(3)[CLASSES], losses.nllm, sgd, {"shuffle": False}),
    "some parameters": (net(1), T, losses.squared_error, some, {"reduction": "sum"}),
    "effects": (
        deep,
        T,
        losses.squared_error,
        adam,
        {"metrics": {"r2": metrics.r2}, "sample_weight": WEIGHTS, "penalty": lambda model: regularise.l1(model, 0.01)},
    ),
    "shared": (Tied, T, losses.squared_error, sgd, {"penalty": lambda _: 0.5}),
}


def run(case, backend, epochs=70, **options):
    make, targets, loss, optimiser, others = CASES[case]
    model = make()
    about = {"loss": loss, "optimiser": optimiser(model.parameters()), "epochs": epochs, "batch_size": 4, "rng": 5}
    return model, fit(model, X, targets, **about | {"progress": False} | others | options, backend=backend)


def assert_same(found, expected):
    """Check that two runs had the same losses, to 1e-10, and everything else alike."""
    (model, history), (other, by_graph) = found, expected
    assert history.step_loss == pytest.approx(by_graph.step_loss, rel=1e-10, abs=1e-10)
    assert history.epochs == by_graph.epochs
    for name, series in by_graph.series().items():
        assert history.series()[name] == pytest.approx(series, rel=1e-9, abs=1e-9)
    assert_same_state(model, other)


def assert_same_state(model, other):
    """Check that two models have the same weights and running statistics to rounding, and will draw the same numbers."""
    for name, array in other.state_dict().items():
        assert model.state_dict()[name] == pytest.approx(array, rel=1e-9, abs=1e-9)
    states = [[rng.getstate() for _, rng in each.named_generators()] for each in (model, other)]
    assert states[0] == states[1]


# ---------------------------------------------------------------- the same run


@pytest.mark.parametrize("case", CASES)
def test_two_hundred_steps_are_those_of_the_graph(case):
    found, expected = run(case, "numpy"), run(case, None)
    assert len(expected[1].step_loss) >= 200 or case == "classes"
    assert_same(found, expected)
    assert not any(p.grad for p in found[0].parameters())


@pytest.mark.parametrize("backend", ["numba", "jax", "torch"])
def test_the_other_backends_take_the_same_steps(backend):
    pytest.importorskip(backend)
    assert_same(run("nll", backend, epochs=10), run("nll", None, epochs=10))


def test_a_model_may_be_a_function_and_the_optimiser_may_have_parameters_of_the_loss():
    histories = []
    for backend in (None, "numpy"):
        w, b, scale = Value(0.5), Value(0.0), Value(1.0)
        _, history = train(
            model=lambda x, w=w, b=b: w * x[0] + b,
            loss=lambda y, t, scale=scale: losses.squared_error(scale * y, t),
            optimiser=optim.SGD([scale, b, w], lr=0.1),
            backend=backend,
        )
        histories.append([*history.step_loss, scale.data, b.data, w.data])
    assert histories[1] == pytest.approx(histories[0], rel=1e-12)


def test_a_loss_of_ones_own_gets_classes_as_one_hot_rows_where_it_needs_rows():
    def doubled(logits, target):
        return 2.0 * losses.nllm_with_logits(logits, target)

    lifted, by_graph = (run("classes", backend, epochs=5, loss=doubled) for backend in ("numpy", None))
    assert_same(lifted, by_graph)


def test_outputs_that_do_not_depend_on_the_inputs_reach_metrics_for_each_sample():
    class Constant(Module):
        def __init__(self):
            self.level = Value(0.0)

        def forward(self, x):  # noqa: ARG002
            return self.level

    seen = {"count": lambda outputs, _: len(outputs)}
    lifted, by_graph = (train(Constant(), metrics=seen, backend=backend) for backend in ("numpy", None))
    assert_same(lifted, by_graph)
    assert lifted[1].metrics == {"count": [10.0] * 3}


@pytest.mark.parametrize(
    ("estimator", "targets"),
    [
        (MLPClassifier, BITS),
        (MLPClassifier, CLASSES),
        (MLPClassifier, np.c_[BITS, 1 - BITS]),
        (MLPRegressor, np.c_[T, X]),
    ],
)
def test_an_estimator_learns_the_same_with_its_penalty_scaled_to_each_batch(estimator, targets):
    settings = {"batch_size": 4, "max_iter": 20, "alpha": 0.5, "random_state": 0, "n_iter_no_change": 99}
    by_graph, lifted = (estimator(3, **settings, backend=backend) for backend in (None, "numpy"))
    with pytest.warns(match="all 20 iterations are done"):
        by_graph.fit(X, targets, WEIGHTS + 0.1)
    with pytest.warns(match="all 20 iterations are done"):
        lifted.fit(X, targets, WEIGHTS + 0.1)
    assert lifted.loss_curve_ == pytest.approx(by_graph.loss_curve_, rel=1e-10)
    assert lifted.predict(X) == pytest.approx(by_graph.predict(X), rel=1e-9)


# ---------------------------------------------------------------- weights come back to their Values


def test_callbacks_see_and_may_set_the_weights_after_each_epoch():
    runs = []
    for backend in (None, "numpy"):
        seen = []

        def look(epoch, seen=seen):
            seen.append(weights(epoch.model))
            epoch.model.parameters()[0].data = 0.25
            epoch.model.eval()

        train(callbacks=[look], backend=backend)
        runs.append(np.array(seen))
    assert runs[1] == pytest.approx(runs[0], rel=1e-10)


class Stopping(optim.SGD):
    """SGD in which Ctrl-C is pressed in step 5."""

    def update(self, theta, gradient, lr):
        if self.steps == 5:
            raise KeyboardInterrupt
        return super().update(theta, gradient, lr)


def test_ctrl_c_in_the_middle_of_an_epoch_keeps_the_steps_before():
    models = []
    for backend in (None, "numpy"):
        model = net(1)()
        _, history = train(model, optimiser=Stopping(model.parameters(), lr=0.1), backend=backend)
        assert (history.interrupted, len(history.step_loss)) == (True, 4)
        models.append(weights(model))
    assert models[1] == pytest.approx(models[0], rel=1e-10)


def test_ctrl_c_while_weights_are_put_back_does_not_tear_them_apart(monkeypatch):
    assign, calls = optim.SGD.assign, []

    def torn(self, theta):
        calls.append(theta)
        if len(calls) == 1:
            self.parameters[0].data = 99.0
            raise KeyboardInterrupt
        assign(self, theta)

    expected, _ = train(backend="numpy", epochs=1)
    monkeypatch.setattr(optim.SGD, "assign", torn)
    model, history = train(backend="numpy", epochs=3, callbacks=[print])
    assert history.interrupted
    assert weights(model) == weights(expected)


@pytest.mark.parametrize("first_backend", [None, "numpy"])
def test_a_checkpoint_is_gone_on_from_whatever_wrote_it(tmp_path, first_backend):
    expected = run("effects", "numpy", epochs=6)
    run("effects", first_backend, epochs=3, checkpoint=tmp_path / "run")
    found = run("effects", "numpy", epochs=6, resume=tmp_path / "run")
    assert_same(found, expected)
    if first_backend:
        assert weights(found[0]) == weights(expected[0]), "not to the bit"


def test_a_loss_that_is_not_finite_is_explained_by_the_graph_and_leaves_all_as_before_the_step():
    def loss(y, t):
        return losses.squared_error(y, 0.0) + log(0.0 * y + t)

    messages, models = [], []
    for backend in (None, "numpy"):
        models.append(deep())
        rule, targets = sgd(models[-1].parameters()), [1.0] * 6 + [-1.0] * 4
        about = {"loss": loss, "epochs": 9, "batch_size": 4, "shuffle": False, "progress": False, "backend": backend}
        call = partial(fit, models[-1], X, targets, optimiser=rule, **about)
        messages.append(message_of(AnomalyError, call))
    assert messages[1] == messages[0]
    assert "step 2 has no finite loss and gradient (the loss is nan): log(-1.0) is nan; recorded at" in messages[0]
    assert_same_state(*models)


# ---------------------------------------------------------------- what cannot be recorded

MEND = "compute it from outputs and targets with ops, and choose with autograd_core.where in place of if; or leave backend out"


def refused(error=ArgumentError, model=None, targets=T, **options):
    model = model or Line()
    about = {"loss": losses.squared_error, "epochs": 1, "progress": False, "rng": 0, "backend": "numpy"} | options
    return message_of(error, lambda: fit(model, X, targets, optimiser=sgd(model.parameters()), **about))


def test_a_loss_that_compares_targets_with_numbers_is_refused():
    def loss(y, t):
        return losses.squared_error(y, 1.0 if t == 1 else -1.0)

    assert refused(targets=BITS, loss=loss) == (
        f"the loss cannot be recorded (it gives another number for a target that is a Value, as happens with ==): {MEND}"
    )


def test_a_loss_that_asks_for_the_truth_of_a_target_is_refused_with_the_place():
    def loss(y, t):
        return losses.squared_error(y, 1.0 if t else -1.0)

    line = 1 + loss.__code__.co_firstlineno
    assert refused(targets=BITS, loss=loss) == (
        "a step cannot be recorded: asking for the truth of a number that depends on an input or a parameter, while f is "
        f"being lifted, at {__file__}:{line} (return losses.squared_error(y, 1.0 if t else -1.0)): a replay would take the "
        "same branch whatever the number is; use autograd_core.where, maximum or clip; or leave backend out"
    )


def test_a_loss_that_takes_targets_for_places_is_refused():
    table = [0.0, 1.0]
    message = refused(targets=BITS, loss=lambda y, t: losses.squared_error(y, table[t]))
    assert message == f"the loss cannot be recorded (list indices must be integers or slices, not Value): {MEND}"


def test_labels_that_a_loss_refuses_are_refused_before_any_step():
    labels = [*SIGNS[:9], 3.0]
    assert refused(targets=labels, loss=losses.hinge) == "hinge takes a label of -1 or 1, not 3.0"


def test_a_loss_that_is_a_plain_number_is_refused():
    assert refused(loss=lambda _y, _t: 1.0) == (
        "the loss is 1.0, a plain number: compute it from the model's output with ops"
    )


def test_targets_that_are_no_numbers_are_refused():
    for targets in (["a"] * 10, [[1.0], *[[1.0, 2.0]] * 9]):
        assert refused(targets=targets) == (
            "the targets make no array of numbers: pass a number, or equally many, for each sample, or leave backend out"
        )


def test_a_module_that_draws_by_itself_is_refused_and_its_generator_is_as_before():
    class Drawing(Dropout):
        def forward(self, x):
            return x[0] * self.rng.random() + self.w

    model = Drawing(drop=0.5, rng=0)
    model.w = Value(0.0)
    before = model.rng.getstate()
    assert refused(model=model) == (
        "Dropout(keep=0.5) draws numbers or changes a buffer in a way that cannot be repeated: use drawn and observed of "
        "nn.effects for that, or leave backend out"
    )
    assert model.rng.getstate() == before


def test_inputs_that_are_to_be_trained_are_refused():
    model = Line()
    rows = [[model.slope, 0.0]] * 2
    message = message_of(ArgumentError, lambda: fit_rows(model, rows))
    assert message == "an input is one of the optimiser's parameters: leave backend out to train inputs"


def fit_rows(model, rows):
    about = {"loss": losses.squared_error, "epochs": 1, "progress": False, "backend": "numpy"}
    fit(model, rows, [0.0] * len(rows), optimiser=sgd(model.parameters()), **about)


def test_a_number_that_was_recorded_and_that_a_callback_changes_is_noticed():
    strength = Value(0.1)

    def weaken(_):
        strength.data = 0.05

    options = {"penalty": lambda model: strength * model.slope**2, "callbacks": [weaken], "epochs": 2}
    assert "was 0.1 when f was lifted, as a constant" in refused(StaleGraphError, **options)


def test_an_unknown_backend_is_refused_before_anything_is_done():
    known = "there is no backend 'cupy': choose one of numpy, numba, jax, torch"
    assert refused(backend="cupy", targets=["a"] * 10) == known
    assert message_of(ArgumentError, lambda: MLPClassifier(backend="cupy").fit(X, BITS)) == known


class Scan(nn.Module):
    """Each sample's output is added to the next one's."""

    def __init__(self):
        self.line = nn.Layer(2, 1, "identity", rng=0)

    def forward_batch(self, rows):
        total, outputs = 0.0, []
        for row in rows:
            total = self.line(row)[0] + total
            outputs.append(total)
        return outputs


class Placed(Scan):
    """What becomes of a sample depends on where it stands."""

    def forward_batch(self, rows):
        return [self.line(row)[0] * (i + 1.0) for i, row in enumerate(rows)]


class Counted(Scan):
    """What becomes of a sample depends on how many there are."""

    def forward_batch(self, rows):
        return [self.line(row)[0] / len(rows) for row in rows]


@pytest.mark.parametrize("kind", [Scan, Placed, Counted])
def test_samples_that_depend_on_each_other_are_recorded_together(kind):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 2)), rng.normal(size=10)
    losses = []
    for backend in (None, "numpy"):
        model = kind()
        history = nn.fit(
            model, x, y, loss=nn.losses.squared_error, optimiser=nn.optim.SGD(model.parameters(), lr=0.01), epochs=3,
            batch_size=4, rng=0, progress=False, backend=backend,
        )  # fmt: skip
        losses.append(history.step_loss)
    assert losses[1] == pytest.approx(losses[0], rel=1e-12)
