"""Lift: find the matrices in a recorded graph of scalars, and run it as a program over arrays.

The passes, and what each of them does, are described in the README beside this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograd_core.lift.program import Program
    from autograd_core.lift.trace import Params, Size

__all__ = ["lift"]


def lift(
    f: Callable[..., Any],
    inputs: Mapping[str, Size],
    params: Params,
    *,
    batch: bool = True,
    has_aux: bool = False,
) -> Program:
    """Record f once, find the arrays in its graph, and return it as a program over whole batches of samples.

    f is recorded for one sample, with the gradient of every parameter; it must be the same computation for all samples. What
    depends on an input gets a batch axis in front. Nothing but ops and operands is looked at: a network written by hand
    lifts to the same program as one of `nn`.

    Parameters
    ----------
    f : a function of Values that returns one Value, such as a loss. It is called by the inputs' names.
    inputs : by name, how many numbers one sample has: 3 for a tuple of three Values, (2, 3) for two tuples of three, ()
        for a Value.
    params : a Module, or Values by name: one, or nested lists of them, which become an array of that shape.
    batch : whether a batch axis is added, if there are inputs. Without it, f is taken to see a whole mini-batch itself, as with batch
        normalisation, and inputs have the very shapes that are named.
    has_aux : whether f returns a pair: the Value, and other results, nested as you like, that are wanted beside it.

    Raises
    ------
    ArgumentError : a name or a size that cannot be, or f does not return one Value.
    GraphCutError : f lets a number that depends on an input or a parameter decide something: it compares it, rounds it, or
        reads its ``.data``. A replay would take the same branch each time; ``where`` chooses by the number at hand.

    Warns
    -----
    LiftWarning : the graph is large and has next to no structure, so that the program is a long list of scalars.

    >>> from autograd_core import Value
    >>> w, b = [[Value(1.0), Value(-1.0)]], [Value(0.5)]
    >>> program = lift(lambda x: w[0][0] * x[0] + w[0][1] * x[1] + b[0], inputs={"x": 2}, params={"W": w, "b": b})
    >>> program(x=[[1.0, 2.0], [3.0, 0.0]]).tolist()
    [-0.5, 3.5]
    """
    # NumPy is not loaded before it is needed.
    from autograd_core.lift.graph import Recording  # noqa: PLC0415
    from autograd_core.lift.program import Program  # noqa: PLC0415
    from autograd_core.lift.trace import trace  # noqa: PLC0415

    return Program(Recording(trace(f, inputs, params, has_aux=has_aux), batch=batch and bool(inputs)), params)


def __getattr__(name: str) -> object:
    if name in ("LiftWarning", "Program"):
        from autograd_core.lift import program  # noqa: PLC0415 - as above

        return getattr(program, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
