"""Processes: one alone has nobody to wait for; what several do together is tested in test_mesh.py."""

from types import SimpleNamespace

import numpy as np
import pytest
from messages import message_of

from autograd_core import ArgumentError, PeerError
from nn.processes import Processes, versions


def mesh_of(*owners):
    return SimpleNamespace(devices=np.array([SimpleNamespace(process_index=i) for i in owners]))


def several(*said):
    """Return process 0 of several, the others of which say this each time."""

    class Talking(Processes):
        def said(self, text):
            return [text, *said]

    return Talking(0, 1 + len(said))


def test_a_process_alone_hears_itself_and_waits_for_nobody():
    alone = Processes.of(None)
    assert (alone.index, alone.count, alone.said("a")) == (0, 1, ["a"])
    alone.agree({"not for": object})
    with alone.together():
        pass
    with pytest.raises(ZeroDivisionError), alone.together():
        _ = 1 / 0


def test_a_mesh_of_this_process_s_devices_is_a_run_of_its_own():
    pytest.importorskip("jax", reason="needs JAX: pip install 'autograd-core[jax]'")
    assert Processes.of(mesh_of(0, 0)) == Processes(0, 1)


def test_a_mesh_of_some_processes_and_not_all_is_refused(monkeypatch):
    jax = pytest.importorskip("jax", reason="needs JAX: pip install 'autograd-core[jax]'")
    monkeypatch.setattr(jax, "process_count", lambda: 3)
    assert Processes.of(mesh_of(0, 1, 2)) == Processes(0, 3)
    assert message_of(ArgumentError, lambda: Processes.of(mesh_of(0, 1))) == (
        "the mesh has devices of 2 processes out of 3: make it of this process's own devices, jax.local_devices(), or of all, "
        "jax.devices()"
    )


def test_the_fault_of_another_process_ends_what_is_done_together():
    with (
        pytest.raises(PeerError, match=r"^process 2 cannot go on: its disk is full$"),
        several("", "its disk is full").together(),
    ):
        pass


def test_processes_agree_if_they_say_the_same():
    several('{"seed": 0}').agree({"seed": 0})
    assert message_of(PeerError, lambda: several('{"seed": 0}', '{"seed": 1}').agree({"seed": 0})) == (
        "seed is 0 in process 0 and 1 in process 2: give all processes the same code, samples and arguments"
    )


def test_versions_and_a_digest_of_the_code_are_what_all_have_in_common():
    pytest.importorskip("jax", reason="needs JAX: pip install 'autograd-core[jax]'")
    found = versions()
    assert list(found) == ["autograd-core", "Python", "NumPy", "JAX", "the code"]
    assert found["NumPy"] == np.__version__
    assert found["the code"].startswith("SHA-256 ")
    assert found == versions()
