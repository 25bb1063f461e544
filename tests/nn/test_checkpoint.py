"""Checkpoints: a run that is resumed ends with the very bits of one that was never stopped."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError, MissingExtraError, Value
from nn import (
    MLP,
    BatchNorm,
    Dropout,
    EarlyStopping,
    Layer,
    Noise,
    Sequential,
    fit,
    io,
    losses,
    metrics,
    optim,
    schedules,
)

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


def test_a_generator_that_the_model_and_the_run_share_goes_on_where_it_was(tmp_path):
    def go(epochs, **options):
        rng = Random(3)
        model = Sequential(Layer(2, 3, rng=rng), Dropout(drop=0.3, rng=rng), Layer(3, 1, rng=rng), first)
        adam = RULES["Adam"](model.parameters())
        options = {"loss": losses.squared_error, "batch_size": 3, "validation": 0.2, "progress": False} | options
        fit(model, X, T, optimiser=adam, epochs=epochs, rng=rng, **options)
        return bits(model)

    go(3, checkpoint=tmp_path / "run")
    assert go(6, resume=tmp_path / "run") == go(6)


@pytest.mark.parametrize("place", ["loss", "penalty", "metric", "callback", "rule"])
@given(call=st.integers(1, 40))
@settings(max_examples=5, deadline=None)
def test_ctrl_c_anywhere_leaves_a_checkpoint_that_goes_on_as_if_it_had_not_been(tmp_path_factory, place, call):
    path = tmp_path_factory.mktemp("run") / "checkpoint"
    calls = iter(range(1, call + 1))

    def interrupt(here):
        if here == place and next(calls, None) == call:
            raise KeyboardInterrupt

    class Rule(optim.Adam):
        def update(self, theta, gradient, lr):
            interrupt("rule")
            return super().update(theta, gradient, lr)

    def go(**options):
        def squared(output, target):
            interrupt("loss")
            return losses.squared_error(output, target)

        model = network()
        history = fit(
            model,
            X,
            T,
            loss=squared,
            optimiser=Rule(model.parameters(), lr=0.05),
            epochs=6,
            batch_size=4,
            validation=0.2,
            early_stopping=EarlyStopping(patience=4),
            penalty=lambda _: interrupt("penalty") or 0.0,
            metrics={"none": lambda *_: interrupt("metric") or 0.0},
            callbacks=[lambda _: interrupt("callback")],
            rng=5,
            progress=False,
            **options,
        )
        return bits(model), history

    go(checkpoint=path)
    found = go(resume=path if path.exists() else None)
    calls = iter(())
    assert found == go()


def test_a_checkpoint_of_another_pair_to_validate_with_is_refused(tmp_path):
    train(epochs=1, validation=(X, T), checkpoint=tmp_path / "run")
    other = T.copy()
    other[3] += 1.0
    message = message_of(ArgumentError, lambda: train(validation=(X, other), resume=tmp_path / "run"))
    assert message.startswith(f"{tmp_path / 'run'} is of a run with validation = '10 samples, SHA-256 ")


def test_a_checkpoint_of_other_patience_is_refused(tmp_path):
    def go(patience, **options):
        model = network()
        adam = RULES["Adam"](model.parameters())
        options |= {"loss": losses.squared_error, "epochs": 1, "progress": False, "validation": 0.2, "rng": 5}
        fit(model, X, T, optimiser=adam, early_stopping=EarlyStopping(patience), **options)

    go(3, checkpoint=tmp_path / "run")
    assert message_of(ArgumentError, lambda: go(4, resume=tmp_path / "run")) == (
        f"{tmp_path / 'run'} is of a run with early_stopping = "
        "{'min_improvement': 0.0, 'patience': 3, 'restore': True}, but this one has "
        "{'patience': 4, 'min_improvement': 0.0, 'restore': True}: resume with the arguments of that run, or start "
        "anew without resume"
    )


def test_a_normal_number_in_reserve_is_kept(tmp_path):
    """Normal numbers are drawn in pairs: after an odd count one is left for the next time."""

    def go(epochs, **options):
        model = Sequential(Noise(0.1, rng=1), Layer(1, 1, activation="identity", rng=3), first)
        adam = RULES["Adam"](model.parameters())
        options |= {"loss": losses.squared_error, "rng": 5, "progress": False}
        fit(model, X[:9, :1], T[:9], optimiser=adam, epochs=epochs, **options)
        return bits(model)

    go(1, checkpoint=tmp_path / "run")
    assert go(2, resume=tmp_path / "run") == go(2)


def test_a_run_that_a_callback_ended_has_a_checkpoint_of_its_end(tmp_path):
    train(checkpoint=tmp_path / "run", checkpoint_every=2, callbacks=[lambda epoch: epoch.number == 3])
    arrays, about = parts_of(tmp_path / "run")
    assert (len(arrays["history/loss"]), about["stopped"]) == (3, "a callback ended the run after epoch 3")


def test_the_bar_of_a_resumed_run_begins_where_the_run_was(tmp_path, capsys):
    train(epochs=2, checkpoint=tmp_path / "run")
    train(epochs=3, resume=tmp_path / "run", progress=True)
    assert "24/24" in re.split(r"[\r\n]+", capsys.readouterr().err.strip())[-1]


def test_numpys_numbers_are_those_of_python_to_a_checkpoint(tmp_path):
    options = {"batch_size": np.int64(4), "shuffle": np.True_, "validation": np.float32(0.25)}
    train(epochs=2, checkpoint=tmp_path / "run", **options)
    expected, _ = train(epochs=4, validation=0.25)
    model, _ = train(epochs=4, resume=tmp_path / "run", validation=0.25)
    assert bits(model) == bits(expected)


def test_the_samples_are_the_same_whatever_holds_them(tmp_path):
    """Targets in a list, an array, a series or Values that have gathered gradients are the same targets."""
    kinds = [T, T.tolist(), list(T), pd.Series(T, index=range(10, 0, -1)), [Value(t) for t in T], T.astype(object)]
    for targets in kinds:
        for resume in (None, tmp_path / "run"):
            model = network()
            adam = RULES["Adam"](model.parameters())
            history = fit(
                model,
                X,
                targets,
                loss=losses.squared_error,
                optimiser=adam,
                epochs=2,
                rng=0,
                progress=False,
                checkpoint=tmp_path / "run",
                resume=resume,
            )
            assert history.epochs == 2
    assert parts_of(tmp_path / "run")[1]["settings"]["the samples"] == f"10 samples, SHA-256 {fingerprint()}"


def fingerprint():
    return hashlib.sha256(repr((X.tolist(), T.tolist(), None)).encode()).hexdigest()[:16]


def test_a_relative_checkpoint_stays_where_it_was_though_the_working_directory_changes(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    train(epochs=2, checkpoint="run", callbacks=[lambda _: os.chdir(tmp_path)])
    assert [path.name for path in tmp_path.rglob("run")] == ["run"]
    assert (tmp_path / "a" / "run").is_file()


def test_without_safetensors_a_checkpoint_is_refused_before_any_step(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    model = network()
    before = bits(model)
    adam = RULES["Adam"](model.parameters())
    options = {"loss": losses.squared_error, "progress": False, "checkpoint": tmp_path / "run"}
    message = message_of(MissingExtraError, lambda: fit(model, X, T, optimiser=adam, epochs=1, **options))
    assert message == (
        "a checkpoint needs safetensors, which could not be imported (import of safetensors.numpy halted; None in "
        "sys.modules): pip install 'autograd-core[train]'"
    )
    assert (bits(model), adam.steps) == (before, 0)


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
    "pair to validate with": ({"validation": (X, T)}, None),
    "penalty": ({"penalty": first}, "penalty = None, but this one has 'first'"),
    "metrics": (
        {"metrics": {"r2": metrics.r2}},
        "metrics = {}, but this one has {'r2': 'r2'}",
    ),
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
    "a split that holds out nothing": with_("held_out/samples", [0.0] * 10),
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
