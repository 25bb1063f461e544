"""The demo, run as its users run it: as a program of its own, to its end or to Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer

import matplotlib.image
import pytest

import autograd_core

TIME = re.compile(r"([\d-]+), 16 samples a step, by ([a-z ]+): ([\d,]+) µs a step")
ROOT = Path(autograd_core.__file__).parents[1]
LINE = re.compile(
    r"(layers\.[012]\.(?:weight\[\d+,\d+\]|bias\[\d+\])) +(-?\d\.\d{9}) +(-?\d\.\d{9}) +(\d\.\de[-+]\d\d)"
)


def start(folder, *options):
    """Start the demo in a folder; Ctrl-C reaches it even where the tests run in the background and ignore it."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "autograd_core", "demo", "--out", "pictures/of the demo", *options],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    """Two fast runs, side by side: for each its folder, exit status, standard output and standard error."""
    folders = [tmp_path_factory.mktemp("fast") for _ in range(2)]
    programs = [start(folder, "--fast") for folder in folders]
    outputs = [program.communicate(timeout=120) for program in programs]
    return [
        (folder, program.returncode, *output)
        for folder, program, output in zip(folders, programs, outputs, strict=True)
    ]


def accuracy(out):
    """Return the accuracy that a run printed, having checked that it is that of the counts beside it."""
    percent, right, samples = re.search(
        r"^held-out accuracy: (\d+\.\d\d)% \((\d+) of (\d+)\)$", out, re.MULTILINE
    ).groups()
    assert samples == "359"
    assert percent == f"{100 * int(right) / 359:.2f}"
    return float(percent)


def assert_table_and_picture(folder, out):
    """Check what every run prints and draws at its end."""
    *table, summary, blank, wrote = out.splitlines()[-34:]
    assert table[0].split() == ["weight", "backward()", "difference", "apart", "by"]
    rows = [LINE.fullmatch(line).groups() for line in table[1:]]
    names = [name for name, *_ in rows]
    assert len(set(names)) == 30
    assert [name[:8] for name in names] == ["layers.0"] * 10 + ["layers.1"] * 10 + ["layers.2"] * 10
    for _, computed, difference, _ in rows:
        assert float(computed) == pytest.approx(float(difference), abs=1e-8)
    assert sum(computed != "0.000000000" for _, computed, *_ in rows) > 10
    largest = max(float(apart) for *_, apart in rows)
    assert largest < 1e-8
    assert summary == f"largest difference: {largest:.1e} (central differences with a step of 1e-05)"
    assert (blank, wrote) == ("", f"wrote {Path('pictures/of the demo/loss.png')}")
    picture = folder / "pictures" / "of the demo" / "loss.png"
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = matplotlib.image.imread(picture)
    assert pixels.shape == (480, 840, 4)
    assert (pixels[..., 2] > pixels[..., 0] + 0.1).sum() > 20, "no blue line is drawn"


def test_the_fast_demo_ends_well_and_shows_what_it_learnt(fast):
    folder, status, out, err = fast[0]
    assert status == 0, err
    assert out.startswith("1438 scans to train on, 359 held out; 17226 weights, each a Value\n\nwhat is written")
    assert accuracy(out) >= 90.0
    assert_table_and_picture(folder, out)


def test_it_shows_the_loss_as_it_is_written_and_the_program_that_it_is_lifted_to(fast):
    *_, out, _ = fast[0]
    written, lifted = out.split("what it is lifted to, for a batch of scans and with the gradient of each weight:")
    assert "    return logsumexp(Z3) - dot(y, Z3)\n" in written
    assert "def f(x, y, W1, b1, W2, b2, W3, b3):\n    H1 = np.tanh(x @ W1.T + b1)\n" in lifted
    assert lifted.count(" @ ") == 8, "three products forward and five backward"


def test_the_lifted_run_and_that_by_the_graph_have_the_same_losses(fast):
    *_, out, _ = fast[0]
    same = "64-16-10 by the lifted program and by its graph: losses of 180 steps are apart by no more than 1e-10"
    assert same in out.splitlines()


def test_progress_bars_and_the_time_of_a_step_are_all_that_is_written_to_standard_error(fast):
    *_, err = fast[0]
    lines = re.split(r"[\r\n]+", err.strip())
    assert all("samples" in line for line in lines)
    times = [TIME.fullmatch(line).groups() for line in lines if line.endswith("a step")]
    assert [net for net, _, _ in times] == ["64-128-64-10", "64-16-10", "64-16-10"]
    assert [how for _, how, _ in times] == ["the lifted program", "the lifted program", "a graph of scalars"]
    assert all(int(microseconds.replace(",", "")) > 0 for *_, microseconds in times)


def test_two_runs_print_the_same_to_the_byte(fast):
    assert fast[0][2] == fast[1][2]


def test_ctrl_c_in_the_middle_of_training_ends_it_cleanly_with_what_was_learnt(tmp_path):
    with start(tmp_path) as program:
        watchdog = Timer(120, program.kill)
        watchdog.start()
        seen = ""
        while not re.search(r" [1-9]\d*/287600 ", seen):
            character = program.stderr.read(1)
            assert character, f"the demo ended before it could be stopped: {seen}"
            seen += character
        program.send_signal(signal.SIGINT)
        out, err = program.communicate()
        watchdog.cancel()
    assert program.returncode == 0, err
    assert "Traceback" not in err
    steps = re.search(
        r"^stopped by Ctrl-C after (\d+) steps; what follows is what was learnt by then$", out, re.MULTILINE
    )
    assert 0 < int(steps[1]) < 200 * 90
    accuracy(out)
    assert_table_and_picture(tmp_path, out)


def test_the_full_demo_tells_95_of_100_digits_right(tmp_path):
    program = start(tmp_path)
    out, err = program.communicate(timeout=300)
    assert program.returncode == 0, err
    assert accuracy(out) >= 95.0
    assert_table_and_picture(tmp_path, out)
