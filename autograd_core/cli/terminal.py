"""What the commands share: what a command is added to, and how they print and write."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from autograd_core.errors import ArgumentError

__all__ = ["Commands", "say", "written"]

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def say(text: str) -> None:
    """Print text, with escapes for what standard output cannot encode."""
    encoding = sys.stdout.encoding
    print(text.encode(encoding, "backslashreplace").decode(encoding))


@contextmanager
def written(path: Path) -> Generator[None]:
    """Name the file if it cannot be written, and say so once it is; a pipe, such as /dev/stdout, takes no such remark."""
    try:
        yield
    except OSError as fault:
        raise ArgumentError(f"{path} cannot be written ({fault.strerror}): choose another place with -o") from None
    if not (path.is_fifo() or path.is_char_device()):
        say(f"wrote {path}")
