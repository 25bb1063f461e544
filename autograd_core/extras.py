"""Optional dependencies, imported when they are first needed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from autograd_core.errors import MissingExtraError

__all__ = ["load"]


def load(module: str, extra: str, purpose: str) -> ModuleType:
    """Return an optional module; MissingExtraError says what it is for and how to install it.

    >>> load("math", "all", "square roots").sqrt(4.0)
    2.0
    """
    try:
        return import_module(module)
    except ImportError as fault:
        package = module.partition(".")[0]
        raise MissingExtraError(
            f"{purpose} needs {package}, which could not be imported ({fault}): pip install 'autograd-core[{extra}]'"
        ) from None
