"""Naming: what the arrays of a program are called, from labels, from the parameters' names, and from what is computed.

A product with the weights W1 is Z1, an activation of Z1 is H1, and the derivative by H1 is dH1: the letters that a
student would take. A label that the user gave comes first.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from autograd_core import ops
from autograd_core.lift.colour import Class, Colouring
from autograd_core.lift.ir import Routine
from autograd_core.op import OPS
from autograd_core.value import Value

__all__ = ["RESERVED", "array_names", "colour_names", "free", "named"]

_STEMS = {"weight": "W", "bias": "b"}
RESERVED = {"n", "np", "jnp", "torch", "f", "windows", "full", "positive", *OPS, *keyword.kwlist}


def array_names(parameters: Iterable[str], inputs: Iterable[str]) -> dict[str, str]:
    """Return an identifier for each input and each parameter.

    Inputs, and parameters whose name is an identifier, keep it. A dotted name goes by its last part, with W for a
    weight and b for a bias, numbered from 1.

    >>> array_names(["layers.0.weight", "layers.0.bias", "layers.1.weight"], ["x"])
    {'x': 'x', 'layers.0.weight': 'W1', 'layers.0.bias': 'b1', 'layers.1.weight': 'W2'}
    """
    taken, found = set(RESERVED), dict[str, str]()
    for name in inputs:
        found[name] = free(_identifier(name), taken)
        taken.add(found[name])
    counts: dict[str, int] = {}
    for name in parameters:
        path, _, last = name.rpartition(".")
        stem = _identifier(_STEMS.get(last, last))
        if path:
            counts[stem] = counts.get(stem, 0) + 1
            stem = f"{stem}{counts[stem]}"
        found[name] = free(stem, taken)
        taken.add(found[name])
    return found


def colour_names(
    colouring: Colouring,
    names: Mapping[str, str],
    parameters: Iterable[str],
    forward: Iterable[Value],
    adjoints: Mapping[Value, Value],
) -> dict[int, str]:
    """Return a name for each colour that has one.

    Parameters
    ----------
    names : of the arrays of leaves.
    parameters : those of them that are parameters.
    forward : all nodes of the forward pass.
    adjoints : the derivative by each node of the forward pass.
    """
    found: dict[int, str] = {}
    primal_of = _primal_of(colouring, adjoints)
    named = {int(colouring.colour[colouring.number[v]]) for v in forward if v in colouring.number}
    weights = {c for c, known in enumerate(colouring.classes) if known.op is None and known.name in set(parameters)}
    for colour, known in enumerate(colouring.classes):
        if known.op is None:
            found[colour] = names.get(known.name, known.name)
            continue
        name = _from_label(known)
        if not name and colour in named:
            name = _from_op(known, colouring.classes, weights, found)
        if not name and primal_of.get(colour) in found:
            name = f"d{found[primal_of[colour]]}"
        if name:
            found[colour] = name
    return found


def _primal_of(colouring: Colouring, adjoints: Mapping[Value, Value]) -> dict[int, int]:
    """Return for the colour of each derivative the colour of what it is the derivative by; results before sums in them."""
    found: dict[int, int] = {}
    known = [(v, adjoint) for v, adjoint in adjoints.items() if v in colouring.number and adjoint in colouring.number]
    colours = colouring.colour
    for v, adjoint in known:
        primal, dual = int(colours[colouring.number[v]]), int(colours[colouring.number[adjoint]])
        if primal != dual and v is not adjoint:
            found.setdefault(dual, primal)
    return found


def _from_label(known: Class) -> str:
    label = known.example.label if known.example else ""
    label = unicodedata.normalize("NFKC", label)
    stem = label if known.size == 1 else re.sub(r"[\d\W_]+$", "", label)
    return stem if stem.isidentifier() and not keyword.iskeyword(stem) else ""


def _from_op(known: Class, classes: Sequence[Class], weights: set[int], found: Mapping[int, str]) -> str:
    sources = [o.source for o in (*known.operands, *[o for s in known.segments for o in s.operands])]
    names = [found.get(s, "") for s in sources]
    if known.op is ops.dot or known.op is ops.mul:
        matrices = [s for s in sources if s in weights and len(classes[s].shape or ()) == 2]
        if not matrices or all([s in weights for s in sources]):
            return ""
        name = found[matrices[0]]
        return f"Z{name[1:]}" if name[0] in "Ww" else f"Z_{name}"
    if known.op in (ops.add, ops.sum):
        return next((n for n, s in zip(names, sources, strict=True) if n[:1] == "Z" and classes[s].op is not None), "")
    if known.op is not None and known.op.group == "activations" and names[0][:1] == "Z":
        return f"H{names[0][1:]}"
    return ""


def _identifier(text: str) -> str:
    text = re.sub(r"\W", "_", unicodedata.normalize("NFKC", text))  # as Python reads names
    return text if text and not text[0].isdigit() else f"p{text}"


def free(name: str, taken: set[str]) -> str:
    """Return a name that is not taken: this one, or this one with a number."""
    if name not in taken:
        return name
    count = 2
    while f"{name}_{count}" in taken:
        count += 1
    return f"{name}_{count}"


def named(routine: Routine, names: Mapping[int, str], given: Mapping[str, str]) -> Routine:
    """Name the arrays of a routine: each its own, those without a name t1, t2 and so on in the order of the statements.

    Parameters
    ----------
    names : by colour.
    given : of the inputs and parameters, by their own names.
    """
    taken = set(RESERVED)
    arrays = routine.arrays
    for array in arrays:
        if array.kind in ("input", "parameter"):
            array.name = given.get(array.name, array.name)
            taken.add(array.name)
    results = {o.parts[0]: o.name for o in routine.outputs if len(o.parts) == 1}
    count = 0
    for statement in routine.statements:
        array = arrays[statement.out]
        wanted = names.get(array.origin, "")
        if statement.out in results and not wanted and results[statement.out] in given:
            wanted = f"d{given[results[statement.out]]}"
        elif statement.out in results and not wanted:
            wanted = results[statement.out].removeprefix("the ")
        if not wanted:
            count += 1
            wanted = f"t{count}"
        array.name = free(wanted if wanted.isidentifier() else f"t{wanted}", taken)
        taken.add(array.name)
    for array in arrays:
        if array.kind == "constant":
            array.name = free("constants", taken)
            taken.add(array.name)
    return routine
