"""Checkpoints: a run that is resumed ends with the very bits of one that was never stopped."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError
from nn import MLP, BatchNorm, Dropout, EarlyStopping, Layer, Noise, Sequential, fit, io, losses, optim, schedules

X = np.random.default_rng(0).normal(size=(10, 2))
T = np.sin(X[:, 0]) - 0.5 * X[:, 1]
PROGRAM = Path(__file__).parent.parent / "programs" / "killed_training.py"


def first(row):
    return row[0]


def network():
    """Return a network with everything that has a state: masks, noise with a number in reserve, running statistics."""
    hidden = Layer(2, 3, activation="identity", rng=0)
    return Sequential(Noise(0.1, rng=1), hidden, BatchNorm(3), Dropout(drop=0.3, rng=2), Layer(3, 1, rng=3), first)


RULES = {
    "SGD": lambda ps: optim.SGD(ps, lr=0.05),
    "momentum": lambda ps: optim.Momentum(ps, lr=schedules.inverse(0.05, 0.1)),
    "Nesterov": lambda ps: optim.Nesterov(ps, lr=0.02),
    "RMSProp": lambda ps: optim.RMSProp(ps, lr=0.01),
    "Adadelta": optim.Adadelta,
    "Adagrad": lambda ps: optim.Adagrad(ps, lr=0.1),
    "Adam": lambda ps: optim.Adam(ps, lr=schedules.cosine(0.05, 30)),
    "AdamW": lambda ps: optim.AdamW(ps, lr=0.01, weight_decay=0.1),
}


def train(rule="Adam", epochs=6, **options):
    model = network()
    options = {"loss": losses.squared_error, "batch_size": 4, "validation": 0.2, "rng": 5, "progress": False} | options
    options |= {"early_stopping": EarlyStopping(patience=4)} if options["validation"] else {}
    history = fit(model, X, T, optimiser=RULES[rule](model.parameters()), epochs=epochs, **options)
    return model, history


def bits(model):
    return {name: array.tobytes() for name, array in model.state_dict().items()}


# ---------------------------------------------------------------- going on as if nothing had happened


@pytest.mark.parametrize("rule", RULES)
@given(
    stops=st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True), shuffle=st.booleans(), held=st.booleans()
)
@settings(max_examples=4, deadline=None)
def test_a_resumed_run_has_the_bits_of_one_that_was_never_stopped(tmp_path_factory, rule, stops, shuffle, held):
    path = tmp_path_factory.mktemp("run") / "checkpoint"
    options = {"shuffle": shuffle, "validation": 0.2 if held else None}
    expected, expected_history = train(rule, **options)
    for i, stop in enumerate([*sorted(stops), 6]):
        model, history = train(rule, stop, checkpoint=path, resume=path if i else None, **options)
    assert bits(model) == bits(expected)
    assert history == expected_history


def test_checkpoints_every_few_epochs_change_nothing_and_the_last_epoch_has_one(tmp_path):
    expected, _ = train(epochs=5)
    model, _ = train(epochs=5, checkpoint=tmp_path / "run", checkpoint_every=3)
    assert bits(model) == bits(expected)
    assert len(io.read(tmp_path / "run", kind="checkpoint")[0]["history/loss"]) == 5


def test_checkpoints_of_the_same_run_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        train(checkpoint=tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_split_into_training_and_held_out_samples_is_that_of_the_first_run_whatever_the_seed(tmp_path):
    train(epochs=2, checkpoint=tmp_path / "run")
    expected, _ = train(epochs=4)
    model, _ = train(epochs=4, resume=tmp_path / "run", rng=99)
    assert bits(model) == bits(expected)


def test_a_run_that_was_stopped_early_stays_stopped_and_has_its_best_weights(tmp_path):
    expected, before = train(epochs=200, checkpoint=tmp_path / "run")
    assert 0 < len(before.loss) < 200
    model, history = train(epochs=400, resume=tmp_path / "run")
    assert bits(model) == bits(expected)
    assert history == before


def test_ctrl_c_keeps_the_checkpoint_of_the_last_whole_epoch(tmp_path):
    def stop(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    _, history = train(checkpoint=tmp_path / "run", callbacks=[stop])
    assert history.interrupted
    expected, expected_history = train()
    model, history = train(resume=tmp_path / "run")
    assert bits(model) == bits(expected)
    assert history == expected_history


def test_a_validation_loss_that_is_infinite_can_be_kept(tmp_path):
    def loss(output, target):
        return losses.squared_error(output, target) * (float("inf") if target > 4.0 else 1.0)

    held_out = (X[:2], [0.0, 5.0])
    _, expected = train(loss=loss, validation=held_out)
    train(loss=loss, validation=held_out, epochs=2, checkpoint=tmp_path / "run")
    _, history = train(loss=loss, validation=held_out, resume=tmp_path / "run")
    assert history.validation_loss == expected.validation_loss == [float("inf")] * len(expected.loss)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_process_that_is_killed_fifty_times_ends_with_the_weights_of_one_that_was_not(tmp_path, seed):
    """SIGKILL at random moments; each time the checkpoint is whole, and at the end there is nothing but two runs."""
    command = [sys.executable, str(PROGRAM), str(tmp_path), "50", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    epochs = found.pop("epochs")
    assert found == {
        "ends": [0, 0],
        "same": True,
        "whole": True,
        "left": ["killed", "killed.weights", "undisturbed", "undisturbed.weights"],
    }
    assert len(set(epochs)) > 20


# ---------------------------------------------------------------- another run

CHANGES = {
    "batch_size": ({"batch_size": 3}, "batch_size = 4, but this one has 3"),
    "shuffle": ({"shuffle": False}, "shuffle = True, but this one has False"),
    "reduction": ({"reduction": "sum"}, "reduction = 'mean', but this one has 'sum'"),
    "loss": (
        {"loss": losses.half_squared_error},
        "loss = 'squared_error', but this one has 'half_squared_error'",
    ),
    "validation": ({"validation": 0.3}, "validation = 0.2, but this one has 0.3"),
    "rule": ({"rule": "SGD"}, None),
    "samples": ({"sample_weight": [1.0] * 9 + [2.0]}, None),
}


@pytest.mark.parametrize(("changes", "difference"), CHANGES.values(), ids=CHANGES)
def test_a_checkpoint_of_another_run_is_refused_and_changes_nothing(tmp_path, changes, difference):
    path = tmp_path / "run"
    train(epochs=2, checkpoint=path)
    before = path.read_bytes()
    message = message_of(ArgumentError, lambda: train(checkpoint=path, resume=path, **changes))
    beginning, ending = (
        f"{path} is of a run with ",
        ": resume with the arguments of that run, or start anew without resume",
    )
    assert message.startswith(beginning)
    assert message.endswith(ending)
    if difference is not None:
        assert message == beginning + difference + ending
    assert path.read_bytes() == before


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    path = tmp_path / "run"
    small, large = MLP(2, [1], rng=0), MLP(2, [2, 1], rng=0)

    def go(model, **options):
        sgd = optim.SGD(model.parameters(), lr=0.1)
        return fit(model, X, T, loss=losses.squared_error, optimiser=sgd, epochs=1, progress=False, rng=0, **options)

    go(small, checkpoint=path)
    before = bits(large)
    assert message_of(ArgumentError, lambda: go(large, resume=path)) == (
        "the state lacks ['layers.1.bias', 'layers.1.weight'] and has nothing that the model does not: load it into a "
        "model of the same make"
    )
    assert bits(large) == before


def test_a_function_cannot_be_checkpointed_and_says_so_before_any_step(tmp_path):
    line = MLP(2, [1], rng=0)
    before = bits(line)

    def model(row):
        return line(row)

    sgd = optim.SGD(line.parameters(), lr=0.1)
    message = message_of(
        ArgumentError,
        lambda: fit(
            model, X, T, loss=losses.squared_error, optimiser=sgd, epochs=1, progress=False, checkpoint=tmp_path / "run"
        ),
    )
    assert message == f"{model!r} is no Module, which checkpoints and early stopping need: make the model one"
    assert bits(line) == before


# ---------------------------------------------------------------- damage


def parts_of(path):
    return io.read(path, kind="checkpoint")


def without(name):
    return lambda arrays: arrays.pop(name)


def with_(name, numbers):
    return lambda arrays: arrays.update({name: np.array(numbers, dtype=np.float64)})


DAMAGE = {
    "no generator": without("generator/"),
    "no masks": without("generator/3.rng"),
    "a generator cut short": with_("generator/", [1.0, 2.0]),
    "a generator of no whole numbers": with_("generator/", [-1.0] * 627),
    "no history": without("history/loss"),
    "a history of a stranger": with_("history/__class__/x", [1.0]),
    "a history with a method": with_("history/note", [1.0]),
    "losses that are a table": with_("history/loss", [[1.0], [2.0]]),
    "no split": without("held_out/samples"),
    "a split of other samples": with_("held_out/samples", [0.0, 1.0, 1.0]),
    "no watch": without("watch/numbers"),
    "a watch of two numbers": with_("watch/numbers", [1.0, 2.0]),
    "no moments": without("optimiser/m"),
    "no weights": without("model/1.weight"),
    "best weights of another network": with_("best/1.weight", [1.0]),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_checkpoint_that_lacks_something_is_refused_and_changes_nothing(tmp_path, damage):
    path = tmp_path / "run"
    train(epochs=2, checkpoint=path)
    arrays, about = parts_of(path)
    damage(arrays)
    io.write(path, arrays, about, kind="checkpoint")
    model = network()
    adam = RULES["Adam"](model.parameters())
    rng_states = [rng.getstate() for _, rng in model.named_generators()]
    before, moments = bits(model), {name: array.tobytes() for name, array in adam.state_dict().items()}
    options = {"validation": 0.2, "early_stopping": EarlyStopping(patience=4), "batch_size": 4, "rng": 5}
    message_of(
        ArgumentError,
        lambda: fit(
            model, X, T, loss=losses.squared_error, optimiser=adam, epochs=4, resume=path, progress=False, **options
        ),
    )
    assert bits(model) == before
    assert {name: array.tobytes() for name, array in adam.state_dict().items()} == moments
    assert [rng.getstate() for _, rng in model.named_generators()] == rng_states


def test_a_checkpoint_that_cannot_be_written_says_so_and_keeps_what_was_learnt_so_far(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()

    def remove(epoch):
        if epoch.number == 2:
            (folder / "run").unlink()
            folder.rmdir()

    model = network()
    adam = RULES["Adam"](model.parameters())
    options = {"loss": losses.squared_error, "batch_size": 5, "rng": 5, "progress": False, "checkpoint": folder / "run"}
    message = message_of(
        ArgumentError, lambda: fit(model, X, T, optimiser=adam, epochs=6, callbacks=[remove], **options)
    )
    assert message == (
        f"{folder / 'run'} cannot be written (No such file or directory): make room there or choose another place; "
        "what was there before is as it was"
    )
    assert adam.steps == 4
