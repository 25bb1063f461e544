"""NumPy: the source is run as it is printed."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from autograd_core.lift.backends import Compiled, Compiler, numpy_functions
from autograd_core.lift.backends.vectors import Vectors
from autograd_core.lift.ir import Routine
from autograd_core.lift.source import written

__all__ = ["compiler"]


def compiler() -> Compiler:
    """Return the compiler of this backend; it has no options."""
    return compiled


def compiled(routine: Routine, *, vector: bool = False) -> Compiled:
    """Return a routine as a function of NumPy arrays."""
    source = written(routine)
    namespace: dict[str, Any] = {name: getattr(numpy_functions, name) for name in numpy_functions.__all__}
    namespace |= {"np": np, **source.constants}
    exec(compile(source.text, "<lifted>", "exec"), namespace)  # noqa: S102 - our own printer wrote it, from ops and shapes
    run = cast("Compiled", namespace["f"])
    if vector:
        vectors, on_arrays = Vectors(routine), run

        def run(*arrays: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
            others, gradients = vectors.parted(on_arrays(*arrays[:-1], *vectors.split(arrays[-1])))
            return *others, np.concatenate([np.zeros(0), *[g.reshape(-1) for g in gradients]])

    def silent(*arrays: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        with np.errstate(all="ignore"):  # as in the engine, an infinity is a number like others
            return run(*arrays)

    return silent
