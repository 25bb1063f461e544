"""PyTorch: the source is run as it is printed, on the processor or another device; PyTorch records nothing of it."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from autograd_core.lift.backends import Compiled, Compiler
from autograd_core.lift.backends.vectors import Vectors
from autograd_core.lift.ir import Routine
from autograd_core.lift.source import written
from autograd_core.lift.spelling import TORCH

__all__ = ["compiler"]


def compiler(device: str | None = None, dtype: str = "float64") -> Compiler:
    """Return the compiler of this backend.

    Parameters
    ----------
    device : where it runs, as PyTorch calls it: "cpu", "cuda" or "cuda:1"; by default a GPU if PyTorch sees one.
    dtype : of all numbers, "float64" or "float32".

    Raises
    ------
    ArgumentError : another dtype, or a device that is not there.
    MissingExtraError : PyTorch is not installed.
    """
    if dtype not in ("float64", "float32"):
        raise ArgumentError(f"dtype is {dtype!r}: choose 'float64' or 'float32'")
    torch: Any = load("torch", "torch", "the torch backend")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros((), device=device, dtype=getattr(torch, dtype)).item()
    except (AssertionError, RuntimeError, TypeError) as fault:  # builds of PyTorch differ in what they raise
        raise ArgumentError(
            f"PyTorch has no device {device!r} for {dtype} ({_first_line(fault)}): choose 'cpu', or a device that is there"
        ) from None
    return partial(compiled, device=device, dtype=dtype)


def compiled(routine: Routine, *, vector: bool = False, device: str = "cpu", dtype: str = "float64") -> Compiled:
    """Return a routine as a function of NumPy arrays, which are not copied if they are what the device can read."""
    torch: Any = load("torch", "torch", "the torch backend")
    kind = getattr(torch, dtype)
    run = _function(routine, torch, device, kind)
    if vector:
        vectors, on_arrays = Vectors(routine), run

        def run(*arrays: Any) -> tuple[Any, ...]:
            others, gradients = vectors.parted(on_arrays(*arrays[:-1], *vectors.split(arrays[-1])))
            return *others, torch.concatenate([g.reshape(-1) for g in gradients])

    def tensor(array: NDArray[np.float64]) -> Any:
        return torch.from_numpy(array if array.flags.writeable else array.copy()).to(device, kind)

    def on_numpy(*arrays: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        with torch.inference_mode():
            results = run(*[tensor(array) for array in arrays])
            # A result may be a view of an input, or of another result: each caller's array is a copy.
            return tuple(
                [torch.as_tensor(result, device=device, dtype=kind).cpu().numpy().copy() for result in results]
            )

    return on_numpy


def _function(routine: Routine, torch: Any, device: str, kind: Any) -> Any:
    """Return the printed function, of tensors."""
    functions = import_module("autograd_core.lift.backends.torch_functions")
    source = written(routine, spelling=TORCH)
    namespace: dict[str, Any] = {name: getattr(functions, name) for name in functions.__all__}
    namespace |= {"torch": torch, "full": partial(torch.full, device=device, dtype=kind)}
    for name, numbers in source.constants.items():
        is_float = numbers.dtype.kind == "f"  # else they are places
        namespace[name] = torch.tensor(numbers, device=device, dtype=kind if is_float else torch.int64)
    exec(compile(source.text, "<lifted>", "exec"), namespace)  # noqa: S102 - our own printer wrote it, from ops and shapes
    return namespace["f"]


def _first_line(fault: Exception) -> str:
    return str(fault).partition("\n")[0]
