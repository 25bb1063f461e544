"""fit on a mesh: 8 virtual devices in one process, and 2 processes, do what one device does."""

import json
from pathlib import Path

import numpy as np
import pytest
from messages import message_of
from peers import ended, free_port, started
from programs import mesh_training

from autograd_core import ArgumentError
from nn import MLP, fit, losses, optim

jax = pytest.importorskip("jax", reason="needs JAX: pip install 'autograd-core[jax]'")

PROGRAMS = Path(__file__).parent.parent / "programs"

close = {"rtol": 0.0, "atol": 1e-10}


def same(found, expected):
    assert isinstance(found, dict), found
    np.testing.assert_allclose(found["weights"], expected["weights"], **close)
    np.testing.assert_allclose(found["losses"], expected["losses"], **close)
    assert found["metrics"].keys() == expected["metrics"].keys()
    for name, series in expected["metrics"].items():
        np.testing.assert_allclose(found["metrics"][name], series, **close)
    assert found["stopped"] == expected["stopped"]


def found_by(programs):
    """Return what each program found, in the last line that it printed."""
    results = ended(programs, within=120)
    assert [status for status, _, _ in results] == [0] * len(programs), results
    return [json.loads(out.splitlines()[-1]) for _, out, _ in results]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mesh")


@pytest.fixture(scope="module")
def alone(folder):
    """What one process on one device, without JAX, finds."""
    runs = {name: mesh_training.outcome(make, **options) for name, (make, options) in mesh_training.RUNS.items()}
    mesh_training.outcome(mesh_training.line, epochs=3, checkpoint=folder / "by one")
    return runs


@pytest.fixture(scope="module")
def eight(folder):
    """What one process with eight devices finds."""
    address = f"127.0.0.1:{free_port()}"
    return found_by([started(PROGRAMS / "mesh_training.py", folder, address, 1, 0, devices=8)])[0]


@pytest.fixture(scope="module")
def two(folder, alone):
    """What two processes with a device each find."""
    address = f"127.0.0.1:{free_port()}"
    return found_by([started(PROGRAMS / "mesh_training.py", folder, address, 2, i) for i in (0, 1)])


# ---------------------------------------------------------------- the same numbers


@pytest.mark.parametrize("name", mesh_training.RUNS)
def test_eight_devices_do_what_one_does(eight, alone, name):
    assert eight["devices"] == 8
    same(eight[name], alone[name])


@pytest.mark.parametrize("name", mesh_training.RUNS)
def test_two_processes_do_what_one_does(two, alone, name):
    for found in two:
        assert found["devices"] == 2
        same(found[name], alone[name])


def test_a_run_on_a_mesh_does_stop_early(alone):
    assert alone["stopped early"]["stopped"].startswith("the validation loss did not fall for 2 epochs; ")


def test_parameters_may_be_shared_out_too(eight, two, alone):
    shapes = {name: list(array.shape) for name, array in mesh_training.line().state_dict().items()}
    for found in (eight, *two):
        same(found["sharded"], alone["plain"])
        assert found["asked"] == shapes


def test_two_processes_have_the_very_same_weights(two):
    for name in (*mesh_training.RUNS, "sharded"):
        assert two[0][name] == two[1][name]


# ---------------------------------------------------------------- checkpoints


def test_a_checkpoint_of_one_process_is_gone_on_from_by_two(two, alone):
    for found in two:
        same(found["resumed"], alone["plain"])


def test_a_checkpoint_of_two_processes_is_gone_on_from_by_one(two, alone, folder):
    for backend in (None, "jax"):
        same(mesh_training.outcome(mesh_training.line, resume=folder / "by several", backend=backend), alone["plain"])


def test_a_checkpoint_that_cannot_be_written_ends_the_run_in_all_processes(two, folder):
    message = (
        f"{folder / 'gone' / 'run'} cannot be written (No such file or directory): make room there or choose another "
        "place; what was there before is as it was"
    )
    assert two[0]["not written"] == ["ArgumentError", message]
    assert two[1]["not written"] == ["PeerError", f"process 0 cannot go on: {message}"]


def test_a_checkpoint_that_one_process_cannot_read_ends_the_run_in_all_processes(two, folder):
    message = f"{folder / 'nowhere'} cannot be read (No such file or directory): name a file that is there and yours"
    assert two[0]["not found by one"] == ["PeerError", f"process 1 cannot go on: {message}"]
    assert two[1]["not found by one"] == ["ArgumentError", message]


# ---------------------------------------------------------------- processes that differ


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("another seed", "the random numbers"),
        ("other weights", "the weights"),
        ("another penalty", "the program"),
        ("other epochs", "epochs"),
    ],
)
def test_processes_that_are_about_to_do_different_things_all_say_what(two, name, what):
    (kind, message), other = two[0][name], two[1][name]
    assert other == [kind, message]
    assert kind == "PeerError"
    assert message.startswith(f"{what} is ")
    assert message.endswith(" in process 1: give all processes the same code, samples and arguments")
    if name == "other epochs":
        assert message.startswith("epochs is 2 in process 0 and 3 in process 1: ")


def test_a_run_of_several_processes_needs_a_seed(two):
    message = "there are 2 processes, which must shuffle alike: pass the same rng to each, such as rng=0"
    assert [found["no rng"] for found in two] == [["ArgumentError", message]] * 2


def test_where_one_process_stops_all_do(two):
    for found in two:
        assert found["stopped by one"]["stopped"] == "a callback ended the run after epoch 2"
        assert len(found["stopped by one"]["losses"]) == 2 * 5


def test_where_one_process_fails_all_do(two):
    assert two[0]["failed in one"] == ["PeerError", "process 1 cannot go on: the disk of process 1 is full"]
    assert two[1]["failed in one"] == ["OSError", "the disk of process 1 is full"]


def test_a_mesh_of_a_process_s_own_devices_is_a_run_of_its_own(two):
    assert [len(found["own devices"]["losses"]) for found in two] == [2 * 5, 3 * 5]


# ---------------------------------------------------------------- arguments


def message(**options):
    model = MLP(1, [1], rng=0)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    data = {"loss": losses.squared_error, "optimiser": sgd, "epochs": 1, "progress": False}
    return message_of(ArgumentError, lambda: fit(model, [[0.0]], [1.0], **data, **options))


@pytest.mark.parametrize("backend", [None, "numpy"])
def test_a_mesh_is_for_jax(backend):
    mesh = jax.make_mesh((1,), ("batch",))
    assert message(mesh=mesh, backend=backend) == (
        f"mesh is for JAX, and backend is {backend!r}: pass backend='jax' with it"
    )


def test_a_rule_needs_a_mesh():
    assert message(shard=lambda name, shape: None, backend="jax") == (
        "shard says how parameters lie on a mesh, and there is none: pass mesh too"
    )


def test_something_that_is_no_mesh_is_refused():
    assert message(mesh=8, backend="jax") == (
        "mesh is 8: pass a jax.sharding.Mesh, such as jax.make_mesh((8,), ('batch',))"
    )
