"""How recording is done just now: whether it records at all, checks or guards each number, and which module it is in.

One ContextVar holds all of it, so that threads and asyncio tasks each have their own. (A generator shares that of
whoever runs it: do not ``yield`` from inside of a mode.)
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, replace
from typing import Any

from autograd_core.errors import OperandTypeError

__all__ = ["Mode", "Scope", "Site", "current_mode", "detect_anomaly", "guarded", "no_grad", "recording", "scope"]


# None of these three is ever changed once made; they are not frozen because a frozen dataclass takes three times as
# long to make, and a network makes one for each call of a neuron.


@dataclass(slots=True, eq=False)
class Scope:
    """One visit to a named part of a computation, such as one call of a layer; scopes nest."""

    name: str
    parent: Scope | None = None

    def __reduce__(self) -> tuple[type[Scope], tuple[str, Scope | None]]:
        return Scope, (self.name, self.parent)

    @property
    def path(self) -> str:
        """The names from the outside in, joined by dots."""
        names: list[str] = []
        here: Scope | None = self
        while here is not None:
            names.append(here.name)
            here = here.parent
        return ".".join(reversed(names))


@dataclass(slots=True, eq=False)
class Site:
    """Where a Value was recorded under detect_anomaly: its scope and its source line."""

    scope: Scope | None
    source: str

    def __reduce__(self) -> tuple[type[Site], tuple[Scope | None, str]]:
        return Site, (self.scope, self.source)


@dataclass(slots=True, eq=False)
class Mode:
    """How Values are recorded at the moment."""

    recording: bool = True
    anomaly: bool = False
    scope: Scope | None = None
    guard: Callable[[Any, str], None] | None = None  # called before a Value's number decides something, and with what


_mode: ContextVar[Mode] = ContextVar("autograd_core_mode", default=Mode())  # noqa: B039 - no Mode is ever changed
current_mode = _mode.get


@contextmanager
def _changed(mode: Mode) -> Generator[None]:
    token = _mode.set(mode)
    try:
        yield
    finally:
        _mode.reset(token)


@contextmanager
def recording() -> Generator[None]:
    """Record in spite of an outer no_grad: the derivative of a function needs a graph, whoever asks for it."""
    with _changed(replace(current_mode(), recording=True)):
        yield


@contextmanager
def guarded(guard: Callable[[Any, str], None]) -> Generator[None]:
    """Record, and call the guard before the number of a Value leaves its graph: before it is compared or read."""
    with _changed(Mode(guard=guard)):
        yield


@contextmanager
def no_grad() -> Generator[None]:
    """Compute without recording: every result is a leaf, with no graph behind it.

    >>> from autograd_core import Value
    >>> with no_grad():
    ...     y = Value(2.0) * 3.0
    >>> y.inputs
    ()
    """
    with _changed(replace(current_mode(), recording=False)):
        yield


@contextmanager
def detect_anomaly() -> Generator[None]:
    """Raise AnomalyError at the first nan or infinity that finite numbers give, forward or backward.

    The message names the op, its label, its inputs and the source line that recorded it. Slow: for finding a
    fault, not for training. A nan that was put in is reported as the input that it is; an infinity that was put
    in, such as the -inf of a mask, is taken as meant.

    >>> from autograd_core import Value
    >>> with detect_anomaly():
    ...     y = Value(0.5, label="x") ** 2
    >>> y.data
    0.25
    """
    with _changed(replace(current_mode(), anomaly=True)):
        yield


class scope:  # noqa: N801 - used as a statement, like no_grad
    """Name the part of the computation that is recorded inside, so that drawings can fold it into one box.

    Parameters
    ----------
    name : what the box is called. Scopes nest: the path of the inner one starts with the outer one's.

    >>> from autograd_core import Value
    >>> with scope("encoder"):
    ...     y = Value(2.0) * 3.0
    >>> y.scope.path
    'encoder'
    """

    __slots__ = ("_name", "_tokens")

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not be typed
            raise OperandTypeError(
                f"a scope's name is a str, not {name!r} of type {type(name).__name__}: pass str(...)"
            )
        self._name = name
        self._tokens: list[Token[Mode]] = []

    def __enter__(self) -> Scope:
        mode = _mode.get()
        here = Scope(self._name, mode.scope)
        self._tokens.append(_mode.set(Mode(mode.recording, mode.anomaly, here, mode.guard)))
        return here

    def __exit__(self, *_: object) -> None:
        _mode.reset(self._tokens.pop())
