"""Processes that are to find each other on this machine."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import autograd_core

__all__ = ["ended", "free_port", "started"]

ROOT = Path(autograd_core.__file__).parents[1]


def free_port():
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def started(*words, devices=1, **environment):
    """Return a Python program that has been started, with so many virtual devices for JAX."""
    flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}", "JAX_PLATFORMS": "cpu"}
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | flags | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(programs, within=60):
    """Return the exit status, the standard output and the standard error of each program, once all have ended."""
    try:
        texts = [program.communicate(timeout=within) for program in programs]
    finally:
        for program in programs:
            program.kill()
            program.wait()
    return [(program.returncode, *text) for program, text in zip(programs, texts, strict=True)]
