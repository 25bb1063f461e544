"""How training grows over devices: what was measured here, and a model of what a cluster would do with it.

``python tests/benchmarks/test_scaling.py`` measures anew and writes the page, ``autograd_core/lift/SCALING.md``.
"""

import json
import os
import platform
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "autograd_core" / "lift" / "SCALING.md"

# What the model assumes of a device and of its links: round figures for accelerators on a fast network, in float32.
RATE = 20e12  # floating-point operations a second that a device does on such products
LINK = 50e9  # bytes a second that it sends while it receives as many
LATENCY = 5e-6  # seconds before the first byte of a message arrives
SAMPLES = 1024  # of each device in each step
MODELLED = {"64-128-64-10": (64, 128, 64, 10), "784-512-256-10": (784, 512, 256, 10), "3072-8192-8192-1000": (3072, 8192, 8192, 1000)}  # fmt: skip


def run(devices, *, processes=1):
    """Return the figures of a mesh of virtual devices, those of each process together."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = os.environ | {
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices // processes}",
        "JAX_PLATFORMS": "cpu",
    }
    started = []
    for i in range(processes):
        arguments = [address, str(processes), str(i)] if processes > 1 else []
        command = [sys.executable, str(HERE / "scaling.py"), *arguments]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True))
    printed = [process.communicate(timeout=300)[0] for process in started]
    assert [process.returncode for process in started] == [0] * processes
    return json.loads(printed[0].strip().splitlines()[-1])


def weights_of(sizes):
    return sum([a * b + b for a, b in pairwise(sizes)])


def modelled(sizes, devices):
    """Return the seconds of a step: six operations a weight and sample, then a ring of messages with all gradients."""
    compute = 6 * weights_of(sizes) * SAMPLES / RATE
    gradient = 4 * weights_of(sizes)
    exchange = 2 * (devices - 1) / devices * gradient / LINK + 2 * (devices - 1) * LATENCY
    return compute, exchange


def page(found):
    """Return the page."""
    lines = [
        "# How lifted training grows over devices",
        "",
        '`program.to("jax", mesh=mesh)` shares the batch out along a mesh of devices, and `nn.fit(..., backend="jax", mesh=mesh)`',
        "trains so. Sharing out and adding up are XLA's. This page comes from `python tests/benchmarks/test_scaling.py`.",
        "",
        "## Measured",
        "",
        f"One step of 512 samples in float64, on virtual devices of one machine with {os.cpu_count()} cores ({platform.python_implementation()}",
        f"{platform.python_version()}). The devices share these cores, so more of them cannot be faster; what is to be seen is that",
        "they give the same program, and what they exchange: one all-reduce of the gradient and of the loss, which is one number,",
        "whatever the number of devices.",
        "",
        "| net | devices | processes | step | all-reduce | gradient |",
        "|---|---|---|---|---|---|",
    ]
    for figures in found:
        for net, one in figures["nets"].items():
            reduced = one["exchanged"].get("all-reduce", 0)
            lines.append(
                f"| {net} | {figures['devices']} | {figures['processes']} | {one['seconds'] * 1e3:.1f} ms | {reduced:,} bytes "
                f"| {one['gradient']:,} bytes |"
            )
    lines += [
        "",
        "## A model, not a measurement",
        "",
        f"What a cluster would do, if each device does {RATE / 1e12:g}·10¹² operations a second on such products, and sends",
        f"{LINK / 1e9:g}·10⁹ bytes a second while it receives as many, {LATENCY * 1e6:g} µs after it was told to; each device has",
        f"{SAMPLES} samples of its own in each step (weak scaling);",
        "all is float32; nothing else runs meanwhile, and the exchange begins when the gradient is complete. A step is then",
        "",
        "    6 · weights · samples / rate  +  2 (N - 1)/N · 4 · weights / link  +  2 (N - 1) · latency",
        "",
        "two operations a weight and sample forward and four backward, then a ring all-reduce of the gradient. Libraries take trees",
        "where rings get slow, and overlap the exchange with the sweep, which this leaves out: it is an upper bound.",
        "",
        "| net | weights | " + " | ".join([f"N = {n}" for n in COUNTS]) + " |",
        "|---|---|" + "---|" * len(COUNTS),
    ]
    for net, sizes in MODELLED.items():
        cells = []
        for n in COUNTS:
            compute, exchange = modelled(sizes, n)
            cells.append(f"{(compute + exchange) * 1e3:.3g} ms, {compute / (compute + exchange):.0%}")
        lines.append(f"| {net} | {weights_of(sizes):,} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "The percentage is the part of the step in which a device computes. The small nets have no business on a cluster.",
        "",
    ]
    return "\n".join(lines)


COUNTS = (8, 64, 512, 4096)


def everything():
    return [*[run(n) for n in (1, 2, 4, 8)], run(2, processes=2)]


def test_the_devices_exchange_the_gradient_and_the_loss_and_nothing_else(capsys):
    found = everything()
    for figures in found:
        for one in figures["nets"].values():
            expected = {} if figures["devices"] == 1 else {"all-reduce": one["gradient"] + 8}
            assert one["exchanged"] == expected
    with capsys.disabled():
        print("\n" + page(found))


if __name__ == "__main__":
    PAGE.write_text(page(everything()), "utf8")
