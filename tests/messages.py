"""Errors are part of what is promised: the class exactly, and the message as a whole."""

from collections.abc import Callable

import pytest

__all__ = ["message_of"]


def message_of(error: type[Exception], call: Callable[[], object]) -> str:
    """Return the message of the error that a call raises, which is of this class and of no subclass."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    return str(caught.value)
