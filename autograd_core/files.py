"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import get_ident

__all__ = ["write_whole"]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place first, then move it there: what was there before stays until the new one is whole.

    Once this returns, not even a power cut takes the file back. One that is replaced keeps its permissions; through a
    link, what it points to is replaced. A device or a pipe, such as /dev/stdout, is written to as it is.

    Raises
    ------
    OSError : it cannot be written; the error names the path, and the file that was there is as it was.
    """
    try:
        if path.exists() and not path.is_file():  # by its own name, for what /dev/stdout points to may have none
            path.write_bytes(content)
        else:
            # Path.resolve() of Python 3.12 raises a RuntimeError where links go round in a circle.
            _replace(Path(os.path.realpath(path)) if path.is_symlink() else path, content)
    except OSError as fault:  # which names the draft, or on a full disk nothing at all
        raise OSError(fault.errno, fault.strerror, os.fspath(path)) from None


def _replace(path: Path, content: bytes) -> None:
    _sweep(path)
    draft = path.with_name(f".{path.name}.{get_ident()}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            draft.chmod(path.stat().st_mode)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _settle(path.parent)


def _settle(folder: Path) -> None:
    """Have the folder itself written, where it can be: else a power cut could still bring the old file back."""
    with suppress(OSError):  # the new file is in its place; some file systems write no folders, and Windows none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sweep(path: Path) -> None:
    """Remove the drafts of this very file that are left from processes which were killed."""
    if os.name != "posix":  # elsewhere, asking whether a process lives would end it
        return
    beginning = f".{path.name}."
    with suppress(OSError):  # a folder may be closed to readers and still take a file
        for draft in path.parent.iterdir():
            pid = draft.stem.rpartition(".")[2]
            ours = draft.name.startswith(beginning) and draft.suffix == ".part"
            if ours and pid.isdecimal() and _is_gone(int(pid)):
                draft.unlink(missing_ok=True)


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # it lives, and is somebody else's
        return False
    return False
