"""Rendezvous: processes that belong together find each other, and any others hear why they do not."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Thread

import pytest
from messages import message_of
from peers import free_port

from autograd_core import ArgumentError, PeerError
from nn import rendezvous
from nn.rendezvous import Meeting

ABOUT = {"seed": 0, "hidden": (4, 2)}


def outcome(meeting, about=ABOUT, wait=2.0):
    """Return what a meeting raises, or None."""
    try:
        meeting.hold(about, wait=wait)
    except (ArgumentError, PeerError) as fault:
        return type(fault), str(fault)
    return None


def met(*peers, wait=2.0):
    """Return the outcome for each process, given the id, the number of processes and perhaps what it is about to do."""
    address = f"127.0.0.1:{free_port()}"
    with ThreadPoolExecutor() as pool:
        meetings = [(Meeting(address, n, i), *about) for i, n, *about in peers]
        found = [pool.submit(outcome, *meeting, wait=wait) for meeting in meetings]
        return address, [future.result() for future in found]


# ---------------------------------------------------------------- those that belong together


@pytest.mark.parametrize("n", [1, 2, 5])
def test_processes_that_belong_together_find_each_other(n):
    assert met(*[(i, n) for i in range(n)])[1] == [None] * n


@pytest.mark.parametrize("late", [0, 1])
def test_a_process_may_come_later_than_another(late):
    address = f"127.0.0.1:{free_port()}"
    with ThreadPoolExecutor() as pool:
        first = pool.submit(outcome, Meeting(address, 2, 1 - late))
        time.sleep(0.5)
        assert outcome(Meeting(address, 2, late)) is None
        assert first.result() is None


def test_the_port_is_free_again_at_once():
    address, _ = met((0, 3), (1, 3), (2, 3))
    host, port = Meeting(address, 1, 0).address
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()


@pytest.mark.parametrize("says", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100_000, b"autograd-core-run-1 []\n"])
def test_strangers_do_not_keep_process_0_from_the_others(says):
    address = f"127.0.0.1:{free_port()}"
    place = Meeting(address, 2, 0)

    def stranger():
        while True:
            with suppress(ConnectionRefusedError):
                return socket.create_connection(place.address)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(outcome, place, wait=10.0)
        with stranger() as connection, suppress(ConnectionError):
            connection.sendall(says)
            assert outcome(Meeting(address, 2, 1), wait=10.0) is None
            assert first.result() is None


# ---------------------------------------------------------------- those that do not


def test_what_differs_is_told_to_all():
    _, found = met((0, 3), (1, 3), (2, 3, ABOUT | {"seed": 7}))
    message = "seed is 0 in process 0 and 7 in process 2: give all processes the same code, samples and arguments"
    assert found == [(PeerError, message)] * 3


def test_a_process_that_comes_later_hears_what_differs_in_another():
    address = f"127.0.0.1:{free_port()}"
    with ThreadPoolExecutor() as pool:
        first = [pool.submit(outcome, Meeting(address, 3, i), {"seed": i}) for i in (0, 1)]
        time.sleep(0.5)
        found = [outcome(Meeting(address, 3, 2), {"seed": 0}), *[future.result() for future in first]]
    message = "seed is 0 in process 0 and 1 in process 1: give all processes the same code, samples and arguments"
    assert found == [(PeerError, message)] * 3


def test_what_one_lacks_differs():
    _, found = met((0, 2, {"seed": 0}), (1, 2, {"seed": 0, "l2": 0.1}))
    message = "l2 is None in process 0 and 0.1 in process 1: give all processes the same code, samples and arguments"
    assert found == [(PeerError, message)] * 2


def test_two_processes_of_one_id_are_told(monkeypatch):
    monkeypatch.setattr(rendezvous, "GRACE", 0.2)
    _, found = met((0, 3), (1, 3), (1, 3))
    assert found == [(PeerError, "there are two processes 1: give each an id of its own, from 0 to 2")] * 3


def test_other_numbers_of_processes_are_told():
    _, found = met((0, 2), (1, 3))
    message = "process 0 is one of 2 processes and process 1 one of 3: say the same to all"
    assert found == [(PeerError, message)] * 2


@pytest.mark.parametrize(
    ("peers", "who"),
    [([(0, 2)], "process 1 has"), ([(0, 4), (2, 4)], "processes 1, 3 have")],
)
def test_processes_that_do_not_come_are_named(peers, who):
    address, found = met(*peers, wait=0.5)
    message = f"{who} not come to {address} within 0.5 s, of {peers[0][1]} in all: start all of them within that time"
    assert found == [(PeerError, message)] * len(peers)


def test_where_no_process_0_is_nobody_waits_for_long():
    address, found = met((1, 2), wait=0.5)
    message = f"no process 0 is at {address} after 0.5 s (Connection refused): start it too, and name the same coordinator to all"
    assert found == [(PeerError, message)]


@contextmanager
def server(answer):
    """Run another program, which answers everybody with these bytes; None lets them wait."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with suppress(OSError), listener.accept()[0] as connection:
                connection.recv(1 << 12)
                if answer is None:
                    time.sleep(1.0)
                else:
                    connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_another_program_at_the_coordinators_place_is_recognised():
    with server(b"HTTP/1.1 400 Bad Request\r\n") as address:
        assert outcome(Meeting(address, 2, 1)) == (
            PeerError,
            (
                f"what is at {address} is no process 0 that waits for others, for it answers b'HTTP/1.1 400 Bad Request\\r\\n': "
                "name this run's coordinator, and start each process once"
            ),
        )


@pytest.mark.parametrize("answer", [None, b""])
def test_another_program_that_does_not_answer_is_not_waited_for_long(monkeypatch, answer):
    monkeypatch.setattr(rendezvous, "MARGIN", 0.1)
    with server(answer) as address:
        assert outcome(Meeting(address, 2, 1), wait=0.3) == (
            PeerError,
            f"{address} has taken the connection and not answered: see whether process 0 of this run is there, and what it says",
        )


def test_a_port_in_use_is_named():
    with server(b"") as address:
        host, port = Meeting(address, 2, 0).address
        assert outcome(Meeting(address, 2, 0)) == (
            ArgumentError,
            (
                f"port {port} of {host} is in use, by another program or by a second process 0: choose another one, the same for "
                "all processes"
            ),
        )
        socket.create_connection((host, port)).close()


def test_a_host_that_is_another_machine_is_named():
    address = "192.0.2.1:49152"  # an address that is kept for documentation
    assert outcome(Meeting(address, 2, 0)) == (
        ArgumentError,
        "192.0.2.1 is no address of this machine: run process 0 where the coordinator is, or name an address of its own",
    )


def test_a_host_that_is_not_there_is_named():
    kind, message = outcome(Meeting("no-such-host.invalid:49152", 2, 0))
    assert kind is ArgumentError
    assert message.startswith("there is no host no-such-host.invalid (")
    assert message.endswith("): name a coordinator that there is")


def test_nobody_waits_for_a_minute():
    assert 2 * rendezvous.WAIT + rendezvous.MARGIN < 60.0
    assert rendezvous.GRACE <= rendezvous.WAIT


# ---------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    "address", ["", "localhost", ":1234", "localhost:", "localhost:x", "localhost:0", "localhost:65536"]
)
def test_something_that_is_no_address_is_refused(address):
    assert message_of(ArgumentError, lambda: Meeting(address, 2, 0)) == (
        f"{address!r} is no address: write HOST:PORT, such as 10.0.0.1:1234, or auto"
    )


def test_an_address_of_the_sixth_version_is_taken_apart():
    assert Meeting("[::1]:1234", 2, 0).address == ("::1", 1234)


@pytest.mark.parametrize(("count", "index"), [(2, 2), (2, -1), (1, 1)])
def test_an_id_out_of_range_is_refused(count, index):
    assert message_of(ArgumentError, lambda: Meeting("localhost:1234", count, index)) == (
        f"this is process {index} of {count}: they are counted from 0 to {count - 1}"
    )


def test_no_processes_at_all_are_refused():
    assert message_of(ArgumentError, lambda: Meeting("localhost:1234", 0, 0)) == (
        "there are 0 processes: let there be 1 at least"
    )


@pytest.mark.parametrize(("count", "index"), [(None, 0), (2, None), (None, None)])
def test_with_an_address_processes_are_counted_and_named(count, index):
    assert message_of(ArgumentError, lambda: Meeting("localhost:1234", count, index)) == (
        "the coordinator is localhost:1234: say how many processes there are, and which one this is"
    )


@pytest.mark.parametrize(("count", "index"), [(2, None), (None, 0), (2, 0)])
def test_with_auto_they_are_not(count, index):
    assert message_of(ArgumentError, lambda: Meeting("auto", count, index)) == (
        "with the coordinator auto, JAX knows the processes: leave their number and the id out"
    )
