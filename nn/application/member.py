"""member: one of several processes that train together, as a child of the program that was started.

When another process of a run is gone, JAX may abort this one on the spot: where that was process 0, nothing in Python hears of
it first. So the work is done in a child, and its parent, which never loads JAX, says in one line what became of it. The child
reads what it is to do from standard input, and ends as soon as that is closed; what it has to say goes to standard output as
lines of JSON, and the progress bar straight to standard error. What libraries print beside Python is dropped.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn, TextIO

from autograd_core import errors
from autograd_core.errors import ArgumentError, AutogradError, PeerError
from nn.application.settings import Settings
from nn.application.training import Say, check_meeting, train
from nn.rendezvous import Meeting

__all__ = ["train_together"]


def train_together(
    file: Path,
    settings: Settings,
    meeting: Meeting,
    *,
    out: Path | None = None,
    force: bool = False,
    checkpoint: Path | None = None,
    resume: Path | None = None,
    say: Say = print,
) -> None:
    """Do what `nn.application.train` does as one of several processes, in a child of this one.

    Parameters
    ----------
    file, settings, meeting, out, force, checkpoint, resume, say : as there.

    Raises
    ------
    ArgumentError, AnomalyError, MissingExtraError : as there.
    PeerError : another process is missing, has ended, does something else, or cannot go on; or the child was killed.
    KeyboardInterrupt : Ctrl-C. The run ends in all processes, and its last checkpoint is what is left of it.
    """
    check_meeting(settings, meeting)
    options: dict[str, object] = {"force": force, "settings": asdict(settings), "meeting": asdict(meeting)}
    paths = {"file": file, "out": out, "checkpoint": checkpoint, "resume": resume}
    options |= {name: None if path is None else os.fspath(path) for name, path in paths.items()}
    fault = None
    with _child() as child:
        try:
            with suppress(BrokenPipeError):  # its status will say that it has ended
                _stream(child.stdin).write(f"{json.dumps(options)}\n")
                _stream(child.stdin).flush()
            for line in _stream(child.stdout):
                said: dict[str, str] = json.loads(line)
                if "say" in said:
                    say(said["say"])
                else:
                    fault = said
        finally:
            with suppress(BrokenPipeError):
                _stream(child.stdin).close()  # which ends the child if it has not ended
    if fault is not None:
        raise _error(fault)
    if child.returncode != 0:
        raise PeerError(_how_it_ended(child.returncode))


def _child() -> subprocess.Popen[str]:
    """Return a child that is out of Ctrl-C's reach, with the path to modules that this process has."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", "from nn.application.member import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        process_group=0,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def _stream(stream: Any) -> TextIO:
    return stream


def _error(fault: dict[str, str]) -> BaseException:
    if fault["error"] == "KeyboardInterrupt":
        return KeyboardInterrupt()
    kind = getattr(errors, fault["error"], AutogradError)
    return kind(fault["message"])


def _how_it_ended(status: int) -> str:
    if status == -signal.SIGKILL:
        return "this process was killed from outside: start them all again, from the last checkpoint if there is one"
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    return (
        f"another process of the run has ended, or cannot be reached, so that JAX ended this one ({how}): start them all again, "
        "from the last checkpoint if there is one"
    )


# ---------------------------------------------------------------- the child


def main() -> NoReturn:
    """Do what standard input says, and say how it went."""
    tell = _streams()
    options: dict[str, Any] = json.loads(sys.stdin.readline())
    Thread(target=_end_with_the_parent, daemon=True).start()
    status = 1
    try:
        _train(options, lambda text: tell(say=str(text)))
        status = 0
    except AutogradError as fault:
        tell(error=type(fault).__name__, message=str(fault))
    except OSError as fault:
        tell(error=ArgumentError.__name__, message=f"{fault.filename}: {fault.strerror}")
    except KeyboardInterrupt:
        tell(error=KeyboardInterrupt.__name__, message="")
    finally:
        sys.stderr.flush()
        os._exit(status)  # JAX would wait for processes that are gone


def _streams() -> Callable[..., None]:
    """Return what writes to the parent, and leave the files of the numbers 1 and 2 to libraries, which print as they like."""
    parent, errors_shown = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.stderr = os.fdopen(errors_shown, "w", encoding="utf-8", errors="backslashreplace", buffering=1)

    def tell(**record: str) -> None:
        with suppress(BrokenPipeError):  # nobody is there to be told
            os.write(parent, f"{json.dumps(record)}\n".encode())

    return tell


def _train(options: dict[str, Any], say: Say) -> None:
    paths = {name: options[name] and Path(options[name]) for name in ("out", "checkpoint", "resume")}
    settings, meeting = Settings(**options["settings"]), Meeting(**options["meeting"])
    train(Path(options["file"]), settings, **paths, force=options["force"], meeting=meeting, say=say)


def _end_with_the_parent() -> None:
    sys.stdin.read()
    os._exit(1)
