"""Processes: which of a run's processes this is, and how they keep in step. Without a mesh of several there is one.

What every process must do alike, such as reading a checkpoint, stands in ``with team.together()``: if it fails in one of them,
all of them learn of it, and none waits for what does not come. JAX is loaded only where there is a mesh.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core
from autograd_core.errors import ArgumentError, PeerError
from autograd_core.extras import load
from autograd_core.lift.backends.meshes import lost
from nn.rendezvous import Meeting, difference

__all__ = ["Processes", "join", "leave", "versions"]

PATIENCE = 20
"""Seconds until JAX gives up on a process that it cannot reach."""


@dataclass(frozen=True)
class Processes:
    """The processes that run a program together.

    Parameters
    ----------
    index : which of them this one is.
    count : how many there are.
    """

    index: int = 0
    count: int = 1

    @classmethod
    def of(cls, mesh: Any) -> Processes:
        """Return the processes that a mesh's devices belong to.

        Parameters
        ----------
        mesh : a jax.sharding.Mesh; None is this process alone.

        Raises
        ------
        ArgumentError : it has devices of some other processes and not of all.

        >>> Processes.of(None).count
        1
        """
        if mesh is None:
            return cls()
        jax: Any = load("jax", "jax", "a mesh")
        owners = {device.process_index for device in mesh.devices.flat}
        if owners == {jax.process_index()}:
            return cls()
        if len(owners) != jax.process_count():
            raise ArgumentError(
                f"the mesh has devices of {len(owners)} processes out of {jax.process_count()}: make it of this process's own "
                "devices, jax.local_devices(), or of all, jax.devices()"
            )
        return cls(jax.process_index(), jax.process_count())

    def said(self, text: str) -> list[str]:
        """Return what each process says, once all have said something.

        Raises
        ------
        PeerError : another process has ended.

        >>> Processes().said("yes")
        ['yes']
        """
        if self.count == 1:
            return [text]
        gather: Any = load("jax.experimental.multihost_utils", "jax", "a run of several processes").process_allgather
        content = np.frombuffer(text.encode(), np.uint8)
        try:
            sizes: list[int] = gather(np.array(len(content), np.int32)).ravel().tolist()
            if not any(sizes):
                return [""] * self.count
            padded = np.zeros(1 << max(sizes).bit_length(), np.uint8)  # a power of 2, so that few sizes are compiled
            padded[: len(content)] = content
            rows = gather(padded)
        except Exception as fault:  # noqa: BLE001 - what JAX raises differs from one network to another
            raise lost(fault) from None
        return [rows[i, :size].tobytes().decode() for i, size in enumerate(sizes)]

    @contextmanager
    def together(self) -> Generator[None]:
        """Let no process go on until all have done what is inside; if it fails in one, it fails in all.

        Raises
        ------
        PeerError : it failed in another process.
        """
        try:
            yield
        except PeerError:
            raise
        except Exception as fault:
            with suppress(PeerError):
                self.said(str(fault) or repr(fault))
            raise
        for i, problem in enumerate(self.said("")):
            if problem:
                raise PeerError(f"process {i} cannot go on: {problem}")

    def agree(self, about: Mapping[str, object]) -> None:
        """Raise PeerError in every process if what they say is not the same in all.

        Parameters
        ----------
        about : numbers and text by name.
        """
        if self.count == 1:
            return
        ours, *others = [json.loads(text) for text in self.said(json.dumps(about))]
        for i, theirs in enumerate(others, 1):
            problem = difference(ours, theirs, f"process {i}")
            if problem:
                raise PeerError(problem)


def join(meeting: Meeting, about: Mapping[str, object]) -> Processes:
    """Make this process one of several, before JAX is used for anything else.

    With the coordinator "auto" that is left to ``jax.distributed.initialize()``, which knows SLURM, Open MPI and Kubernetes.
    If process 0 is lost, JAX aborts the others on the spot; ``autograd-core train`` has a parent for each, to say so.

    Parameters
    ----------
    meeting : where they meet.
    about : what they must have in common, as numbers and text; versions and code are added to it.

    Raises
    ------
    ArgumentError : the coordinator cannot be what it is said to be.
    MissingExtraError : JAX is not installed.
    PeerError : another process is missing or differs, or cannot be reached.
    """
    jax: Any = load("jax", "jax", "a run of several processes")  # now, so that no other process has to wait for that
    about = {**versions(), **about}
    patience = {"heartbeat_timeout_seconds": PATIENCE, "shutdown_timeout_seconds": PATIENCE}
    if meeting.auto:
        _detected(jax, patience)
    else:
        meeting.hold(about)
        where = {"coordinator_address": meeting.coordinator, "coordinator_bind_address": meeting.coordinator}
        who = {"num_processes": meeting.processes, "process_id": meeting.process_id}
        jax.distributed.initialize(
            **where, **who, initialization_timeout=PATIENCE, cluster_detection_method="deactivate", **patience
        )
    team = Processes(jax.process_index(), jax.process_count())
    team.agree(about)
    return team


def _detected(jax: Any, patience: Mapping[str, int]) -> None:
    """Let JAX find the other processes, as it does under SLURM, Open MPI and Kubernetes."""
    try:
        jax.distributed.initialize(initialization_timeout=2 * PATIENCE, **patience)
    except Exception as fault:  # noqa: BLE001 - each of its ways of finding out has its own errors
        raise ArgumentError(
            f"JAX does not find the processes of this run by itself ({str(fault).splitlines()[0]:.200}): start it under SLURM, "
            "Open MPI or Kubernetes, or name the coordinator"
        ) from None


def leave() -> None:
    """End what `join` began, once nothing more is to be done together."""
    load("jax", "jax", "a run of several processes").distributed.shutdown()


def versions() -> dict[str, object]:
    """Return the versions of all that has a part in the numbers, and a digest of this project's own code."""
    return {
        "autograd-core": autograd_core.__version__,
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "JAX": load("jax", "jax", "a run of several processes").__version__,
        "the code": _digest_of_code(),
    }


def _digest_of_code() -> str:
    digest = hashlib.sha256()
    for package in (Path(autograd_core.__file__).parent, Path(__file__).parent):
        for path in sorted(package.rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return f"SHA-256 {digest.hexdigest()[:16]}"
