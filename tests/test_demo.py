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

ROOT = Path(autograd_core.__file__).parents[1]
LINE = re.compile(r"(layers\.[01]\.(?:weight\[\d+,\d+\]|bias\[\d+\])) +(-?\d\.\d{9}) +(-?\d\.\d{9}) +(\d\.\de[-+]\d\d)")


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
    *table, summary, blank, wrote = out.splitlines()[-24:]
    assert table[0].split() == ["weight", "backward()", "difference", "apart", "by"]
    rows = [LINE.fullmatch(line).groups() for line in table[1:]]
    names = [name for name, *_ in rows]
    assert len(set(names)) == 20
    assert [name.startswith("layers.0") for name in names] == [True] * 10 + [False] * 10
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
    assert (pixels[..., 2] > pixels[..., 0] + 0.1).sum() > 200, "no blue line is drawn"


def test_the_fast_demo_ends_well_and_shows_what_it_learnt(fast):
    folder, status, out, err = fast[0]
    assert status == 0, err
    assert out.startswith("1438 scans to train on, 359 held out; 1210 weights, each a Value\nheld-out accuracy: ")
    assert accuracy(out) >= 90.0
    assert_table_and_picture(folder, out)


def test_nothing_but_the_progress_bar_is_written_to_standard_error(fast):
    *_, err = fast[0]
    assert re.split(r"[\r\n]+", err.strip())[-1].startswith("100%")
    assert all("samples" in line for line in re.split(r"[\r\n]+", err.strip()))


def test_two_runs_print_the_same_to_the_byte(fast):
    assert fast[0][2] == fast[1][2]


def test_ctrl_c_in_the_middle_of_training_ends_it_cleanly_with_what_was_learnt(tmp_path):
    with start(tmp_path) as program:
        watchdog = Timer(120, program.kill)
        watchdog.start()
        seen = ""
        while not re.search(r" [1-9]\d*/28760 ", seen):
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
    assert 0 < int(steps[1]) < 20 * 90
    accuracy(out)
    assert_table_and_picture(tmp_path, out)


def test_the_full_demo_tells_94_of_100_digits_right(tmp_path):
    program = start(tmp_path)
    out, err = program.communicate(timeout=300)
    assert program.returncode == 0, err
    assert accuracy(out) >= 94.0
    assert_table_and_picture(tmp_path, out)
