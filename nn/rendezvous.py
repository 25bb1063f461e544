"""Rendezvous: the processes of a run find each other, and make sure that they are about to do the same.

JAX cannot be left to do that: where the coordinator is the wrong one, or its port is in use, it ends the process with an abort
or a segmentation fault. So the processes meet here first, on the port that JAX has afterwards. Process 0 listens. Each other
one sends a line, the magic word and JSON; once all have come, process 0 answers each with the magic word and what is wrong, if
anything is. Nobody is asked for a password, here as in JAX: it is for networks whose every machine is trusted.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from errno import EADDRINUSE, EADDRNOTAVAIL
from time import monotonic, sleep
from typing import Any, cast

from autograd_core.errors import ArgumentError, PeerError

__all__ = ["Meeting", "difference"]

MAGIC = "autograd-core-run-1"

WAIT = 25.0
"""Seconds that process 0 waits for the others, and that these look for it. No process is here for twice as long."""

MARGIN = 5.0
"""Seconds that an answer may take beyond that."""

GRACE = 5.0
"""Seconds that process 0 waits for the others once something is wrong, so that they hear of it too."""

LONGEST = 1 << 16
"""Bytes of a line; who sends more is a stranger."""

_HELLO: Mapping[str, type] = {"processes": int, "process_id": int, "about": dict}
_ANSWER: Mapping[str, type] = {"problem": str}


@dataclass(frozen=True)
class Meeting:
    """Where the processes of a run meet, and which of them this one is.

    Parameters
    ----------
    coordinator : the address of process 0, as HOST:PORT; or "auto", where JAX finds out by itself.
    processes : how many there are; unknown with "auto".
    process_id : which of them this is, counted from 0; unknown with "auto".

    Raises
    ------
    ArgumentError : no such address, or no such process.

    >>> Meeting("10.0.0.1:1234", 2, 0).address
    ('10.0.0.1', 1234)
    """

    coordinator: str
    processes: int | None = None
    process_id: int | None = None

    def __post_init__(self) -> None:
        count, index = self.processes, self.process_id
        if self.auto:
            if (count, index) != (None, None):
                raise ArgumentError(
                    "with the coordinator auto, JAX knows the processes: leave their number and the id out"
                )
            return
        _ = self.address
        if count is None or index is None:
            raise ArgumentError(
                f"the coordinator is {self.coordinator}: say how many processes there are, and which one this is"
            )
        if count < 1:
            raise ArgumentError(f"there are {count} processes: let there be 1 at least")
        if not 0 <= index < count:
            raise ArgumentError(f"this is process {index} of {count}: they are counted from 0 to {count - 1}")

    @property
    def auto(self) -> bool:
        """Whether it is left to JAX."""
        return self.coordinator == "auto"

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port."""
        host, _, port = self.coordinator.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
            raise ArgumentError(f"{self.coordinator!r} is no address: write HOST:PORT, such as 10.0.0.1:1234, or auto")
        return host.removeprefix("[").removesuffix("]"), int(port)

    def hold(self, about: Mapping[str, object], *, wait: float = WAIT) -> None:
        """Return once all processes are here and say the same; the port is free again then.

        Parameters
        ----------
        about : what they must have in common, as numbers and text.
        wait : for how many seconds process 0 waits for the others, and these look for it.

        Raises
        ------
        ArgumentError : process 0 cannot listen there.
        PeerError : another process is missing or differs, or process 0 is not to be found.
        """
        about = cast("dict[str, object]", json.loads(json.dumps(about)))  # as the others will see it
        if self.process_id == 0:
            _receive(self, about, wait)
        else:
            _visit(self, about, wait)


def difference(ours: Mapping[str, object], theirs: Mapping[str, object], who: str) -> str:
    """Return what is said of the first thing in which another process differs from process 0, or "".

    >>> difference({"seed": 0}, {"seed": 1}, "process 1")
    'seed is 0 in process 0 and 1 in process 1: give all processes the same code, samples and arguments'
    """
    for name in [*ours, *(theirs.keys() - ours.keys())]:
        if ours.get(name) != theirs.get(name):
            return (
                f"{name} is {ours.get(name)!r:.200} in process 0 and {theirs.get(name)!r:.200} in {who}: give all "
                "processes the same code, samples and arguments"
            )
    return ""


# ---------------------------------------------------------------- process 0


def _receive(meeting: Meeting, about: Mapping[str, object], wait: float) -> None:
    """Wait for all others, and tell each what is wrong."""
    came, problem, deadline = list[tuple[int, socket.socket]](), "", monotonic() + wait
    expected = set(range(1, cast("int", meeting.processes)))
    with ExitStack() as open_ones:
        with _listening(meeting) as listener:
            while expected and monotonic() < deadline:
                guest = _next(listener, deadline)
                if guest is None:
                    continue
                connection, hello = guest
                open_ones.enter_context(connection)
                index = hello["process_id"]
                wrong = _wrong(meeting, about, hello, again=index in dict(came))
                if wrong and not problem:
                    problem, deadline = wrong, min(deadline, monotonic() + GRACE)
                came.append((index, connection))
                expected.discard(index)
        # The listener is closed before anybody is answered, for they will look for JAX on its port.
        problem = problem or _missing(meeting, expected, wait)
        for index, connection in came:
            try:
                connection.sendall(_line({"problem": problem}))
            except OSError:
                problem = problem or f"process {index} came and has ended: start them all again"
    if problem:
        raise PeerError(problem)


def _listening(meeting: Meeting) -> socket.socket:
    host, port = meeting.address
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # JAX has the port next, without a pause
            listener.bind(address)
            listener.listen(128)
        except BaseException:
            listener.close()
            raise
    except socket.gaierror as fault:
        raise ArgumentError(f"there is no host {host} ({fault.strerror}): name a coordinator that there is") from None
    except OSError as fault:
        if fault.errno == EADDRINUSE:
            raise ArgumentError(
                f"port {port} of {host} is in use, by another program or by a second process 0: choose another one, the same "
                "for all processes"
            ) from None
        if fault.errno == EADDRNOTAVAIL:
            raise ArgumentError(
                f"{host} is no address of this machine: run process 0 where the coordinator is, or name an address of its own"
            ) from None
        raise ArgumentError(
            f"process 0 cannot listen at {meeting.coordinator} ({fault.strerror}): choose another port, the same for all"
        ) from None
    return listener


def _next(listener: socket.socket, deadline: float) -> tuple[socket.socket, dict[str, Any]] | None:
    """Return the next process that comes, with what it says; None for a stranger, or if the time is up."""
    listener.settimeout(max(deadline - monotonic(), 0.001))
    try:
        connection, _ = listener.accept()
    except TimeoutError:
        return None
    said = _said(_read(connection, min(deadline, monotonic() + 2.0)), _HELLO)  # a stranger may say nothing at all
    if said is None:
        connection.close()
        return None
    return connection, said


def _wrong(meeting: Meeting, about: Mapping[str, object], hello: Mapping[str, Any], *, again: bool) -> str:
    """Return what is wrong with a process that came, or ""."""
    index, count = hello["process_id"], hello["processes"]
    if count != meeting.processes:
        return (
            f"process 0 is one of {meeting.processes} processes and process {index} one of {count}: say the same to all"
        )
    if again:
        return f"there are two processes {index}: give each an id of its own, from 0 to {count - 1}"
    return difference(about, hello["about"], f"process {index}")


def _missing(meeting: Meeting, missing: set[int], wait: float) -> str:
    if not missing:
        return ""
    which = ", ".join(map(str, sorted(missing)))
    has = f"process {which} has" if len(missing) == 1 else f"processes {which} have"
    return (
        f"{has} not come to {meeting.coordinator} within {wait:g} s, of {meeting.processes} in all: start all of them within "
        "that time"
    )


# ---------------------------------------------------------------- the others


def _visit(meeting: Meeting, about: Mapping[str, object], wait: float) -> None:
    """Go to process 0, and hear whether all is well."""
    hello = {"processes": meeting.processes, "process_id": meeting.process_id, "about": about}
    with _connected(meeting, wait) as connection:
        with suppress(OSError):  # it shows in the answer
            connection.sendall(_line(hello))
        answer = _read(connection, monotonic() + wait + MARGIN)
    if answer is None:
        raise PeerError(
            f"{meeting.coordinator} has taken the connection and not answered: see whether process 0 of this run is there, and "
            "what it says"
        )
    said = _said(answer, _ANSWER)
    if said is None:
        raise PeerError(
            f"what is at {meeting.coordinator} is no process 0 that waits for others, for it answers {answer[:40]!r}: name "
            "this run's coordinator, and start each process once"
        )
    if said["problem"]:
        raise PeerError(str(said["problem"]))


def _connected(meeting: Meeting, wait: float) -> socket.socket:
    """Return a connection to process 0, which may be started later than this one."""
    (host, port), deadline, last = meeting.address, monotonic() + wait, OSError()
    while monotonic() < deadline:
        try:
            return socket.create_connection((host, port), timeout=max(deadline - monotonic(), 0.001))
        except OSError as fault:
            last = fault
            sleep(0.1)
    raise PeerError(
        f"no process 0 is at {meeting.coordinator} after {wait:g} s ({last.strerror or last}): start it too, and name the "
        "same coordinator to all"
    )


# ---------------------------------------------------------------- lines


def _line(record: Mapping[str, object]) -> bytes:
    return f"{MAGIC} {json.dumps(record)}\n".encode()


def _read(connection: socket.socket, deadline: float) -> bytes | None:
    """Return the first line that comes; None if there is none in time, and what there is of one that is cut short."""
    received = b""
    try:
        while b"\n" not in received and len(received) < LONGEST:
            connection.settimeout(max(deadline - monotonic(), 0.001))
            more = connection.recv(1 << 12)
            if not more:
                break
            received += more
    except OSError:
        pass
    return received or None


def _said(line: bytes | None, kinds: Mapping[str, type]) -> dict[str, Any] | None:
    """Return what a line of ours says; None if it is a stranger's."""
    magic, _, text = (line or b"").partition(b" ")
    try:
        record: object = json.loads(text) if magic == MAGIC.encode() else None
    except ValueError:
        return None
    found = cast("dict[str, Any]", record) if isinstance(record, dict) else {}
    return found if all([isinstance(found.get(name), kind) for name, kind in kinds.items()]) else None
