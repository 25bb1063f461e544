"""autograd-core train in several processes of this machine: the same model, and a clear end when one is lost."""

import csv
import os
import random
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from peers import ended, free_port, started

from autograd_core.cli import main
from nn import io

pytest.importorskip("jax", reason="needs JAX: pip install 'autograd-core[jax]'")

LOST = re.compile(
    r"autograd-core: another process of the run has ended, or cannot be reached(, so that JAX ended this one)? \(.*\): start "
    r"them all again, from the last checkpoint if there is one\n"
)
WORDS = ["--target", "price", "--hidden", "4", "--no-progress"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Run in a folder of its own, where a table is: 39 rows to learn from, which neither 2 nor 16 divides."""
    monkeypatch.chdir(tmp_path)
    rng = random.Random(0)
    with Path("f.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["city", "area", "price"])
        for _ in range(61):
            city, area = rng.choice(["Oslo", "Bergen"]), rng.randint(20, 140)
            table.writerow([city, area, area * (60 if city == "Oslo" else 45) + rng.gauss(0.0, 50.0)])
    return tmp_path


def weights(folder):
    return io.read(Path(folder) / "model.safetensors", kind="model")[0]


def same(folder, other):
    found, expected = weights(folder), weights(other)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=0.0, atol=1e-10)


def alone(*words):
    """Train in this process, on NumPy."""
    assert main(["train", "f.csv", *WORDS, "--backend", "numpy", *words]) == 0


def command(address, i, *words, processes=2):
    where = ["--backend", "jax", "--coordinator", address, "--processes", processes, "--process-id", i]
    return ["-m", "autograd_core", "train", "f.csv", *WORDS, *where, *words]


def pair(*words):
    address = f"127.0.0.1:{free_port()}"
    return [started(*command(address, i, *words)) for i in (0, 1)]


# ---------------------------------------------------------------- training


def test_two_processes_learn_what_one_does_and_process_0_says_so(capsys):
    alone("--epochs", "8", "--out", "one")
    expected = capsys.readouterr().out
    found = ended(pair("--epochs", "8", "--out", "two"))
    assert found[0] == (0, expected.replace("one/", "two/").replace("predict one", "predict two"), "")
    assert found[1] == (0, "", "process 1 of 2: process 0 says how it goes\n")
    assert sorted(path.name for path in Path("two").iterdir()) == ["loss.png", "model.safetensors", "report.txt"]
    same("two", "one")


def epochs_in(checkpoint):
    """Return how many epochs a checkpoint holds; an error if it is not whole."""
    return len(io.read(checkpoint, kind="checkpoint")[0]["history/loss"])


def child_of(pid):
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


LOSSES = {
    "process 0": (0, lambda pid: pid),
    "process 1": (1, lambda pid: pid),
    "the child of process 0": (0, child_of),
}


@pytest.mark.parametrize(("lost", "whom"), LOSSES.values(), ids=LOSSES)
def test_when_one_process_is_killed_the_other_ends_and_the_run_can_go_on(lost, whom):
    if whom is child_of and not Path("/proc/self/task").exists():
        pytest.skip("needs /proc")
    words = ["--epochs", "30", "--patience", "30"]
    alone(*words, "--out", "undisturbed")
    programs = pair(*words, "--out", "m", "--checkpoint", "checkpoint")
    deadline = time.monotonic() + 60.0
    while not Path("checkpoint").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(whom(programs[lost].pid), signal.SIGKILL)
    killed_at = time.monotonic()
    found = ended(programs)
    assert time.monotonic() - killed_at < 60.0

    status, out, err = found[1 - lost]
    *others, last = err.splitlines(keepends=True)
    assert (status, LOST.fullmatch(last) is not None) == (1, True), err
    assert others == ([] if lost == 1 else ["process 1 of 2: process 0 says how it goes\n"])
    assert "wrote" not in out
    if whom is child_of:
        assert found[lost][0] == 1
        assert found[lost][2] == (
            "autograd-core: this process was killed from outside: start them all again, from the last checkpoint if there is "
            "one\n"
        )

    assert 0 < epochs_in("checkpoint") < 30
    assert not list(Path("m").glob("*"))
    if lost == 0:
        alone(*words, "--out", "m", "--resume", "checkpoint")
    else:
        found = ended(pair(*words, "--out", "m", "--resume", "checkpoint", "--checkpoint", "checkpoint"))
        assert [status for status, _, _ in found] == [0, 0], found
        assert epochs_in("checkpoint") == 30
    same("m", "undisturbed")


def test_ctrl_c_in_one_process_ends_all_and_leaves_the_checkpoint():
    programs = pair("--epochs", "100000", "--patience", "100000", "--out", "m", "--checkpoint", "checkpoint")
    deadline = time.monotonic() + 60.0
    while not Path("checkpoint").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    programs[0].send_signal(signal.SIGINT)
    (status, _, err), (other, _, last) = ended(programs)
    assert (status, err) == (130, "autograd-core: stopped by Ctrl-C\n")
    assert other == 1
    assert LOST.fullmatch(last.removeprefix("process 1 of 2: process 0 says how it goes\n"))
    assert epochs_in("checkpoint") > 0


# ---------------------------------------------------------------- what cannot go well


def test_settings_that_differ_stop_all_processes():
    address = f"127.0.0.1:{free_port()}"
    found = ended([started(*command(address, i, "--seed", i)) for i in (0, 1)])
    message = "seed is 0 in process 0 and 1 in process 1: give all processes the same code, samples and arguments"
    assert found == [(1, "", f"autograd-core: {message}\n")] * 2


def test_a_folder_that_process_0_cannot_take_stops_all_processes():
    Path("m").mkdir()
    Path("m/diary.txt").write_text("mine")
    (first, out, err), (second, _, other) = ended(pair("--out", "m"))
    message = (
        "m is a folder that holds something else than an earlier model, such as diary.txt: choose another with --out, or write "
        "into it with --force\n"
    )
    assert (first, out, err) == (1, "", f"autograd-core: {message}")
    assert second == 1
    assert other.endswith(f"\nautograd-core: process 0 cannot go on: {message}")


def test_a_port_in_use_is_named():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ((status, out, err),) = ended([started(*command(f"127.0.0.1:{port}", 0))])
    assert (status, out) == (1, "")
    assert err == (
        f"autograd-core: port {port} of 127.0.0.1 is in use, by another program or by a second process 0: choose another one, "
        "the same for all processes\n"
    )


REFUSED = {
    "another backend": (
        ["--coordinator", "127.0.0.1:9", "--processes", "2", "--process-id", "0", "--backend", "numpy"],
        "several processes train on JAX alone, and the backend is 'numpy': choose 'jax', or leave out the coordinator",
    ),
    "no backend": (
        ["--coordinator", "auto"],
        "several processes train on JAX alone, and the backend is None: choose 'jax', or leave out the coordinator",
    ),
    "an id out of range": (
        ["--coordinator", "127.0.0.1:9", "--processes", "2", "--process-id", "2", "--backend", "jax"],
        "this is process 2 of 2: they are counted from 0 to 1",
    ),
    "no coordinator": (
        ["--processes", "2", "--process-id", "0", "--backend", "jax"],
        "--processes and --process-id are for runs of several processes: name their --coordinator too",
    ),
    "no such backend": (
        ["--backend", "fortran"],
        "there is no backend 'fortran': choose one of numpy, numba, jax, torch",
    ),
}


@pytest.mark.parametrize(("words", "message"), REFUSED.values(), ids=REFUSED)
def test_words_that_do_not_go_together_are_refused(capsys, words, message):
    assert main(["train", "f.csv", *WORDS, *words]) == 1
    assert capsys.readouterr() == ("", f"autograd-core: {message}\n")
    assert [path.name for path in Path().iterdir()] == ["f.csv"]


# ---------------------------------------------------------------- auto


def test_under_slurm_the_processes_find_each_other_by_themselves():
    alone("--epochs", "2", "--out", "one")
    slurm = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_NODELIST": "127.0.0.1", "SLURM_NTASKS": "2"}
    words = [
        "-m",
        "autograd_core",
        "train",
        "f.csv",
        *WORDS,
        "--backend",
        "jax",
        "--coordinator",
        "auto",
        "--epochs",
        "2",
    ]
    found = ended([started(*words, "--out", "two", **slurm, SLURM_PROCID=str(i), SLURM_LOCALID=str(i)) for i in (0, 1)])
    assert [status for status, _, _ in found] == [0, 0], found
    assert found[1][1:] == ("", "process 1 of 2: process 0 says how it goes\n")
    same("two", "one")


def test_where_nothing_starts_processes_auto_says_so():
    words = ["-m", "autograd_core", "train", "f.csv", *WORDS, "--backend", "jax", "--coordinator", "auto"]
    ((status, out, err),) = ended([started(*words)])
    assert (status, out) == (1, "")
    assert re.fullmatch(
        r"autograd-core: JAX does not find the processes of this run by itself \(.*\): start it under SLURM, Open MPI or "
        r"Kubernetes, or name the coordinator\n",
        err,
    )
