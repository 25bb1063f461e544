"""The graphs behind a program: the loss with its gradient, and its directional derivatives; each is coloured once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from autograd_core import ops
from autograd_core.graph import walk
from autograd_core.lift.colour import Colouring, coloured
from autograd_core.lift.ir import Routine
from autograd_core.lift.lower import SEED, Result, lowered
from autograd_core.lift.naming import RESERVED, array_names, colour_names, free, named
from autograd_core.lift.passes import optimised
from autograd_core.lift.sweep import pullback, pushforward
from autograd_core.lift.tidy import tidied
from autograd_core.lift.trace import Leaves, Shape, Trace
from autograd_core.value import Value, constant

__all__ = ["AUX", "LOSS", "SLOPE", "TOTAL", "Derivation", "Recording", "tangent_of"]

LOSS, TOTAL, AUX, SLOPE = "the loss", "the total", "the others", "the slope"  # names that no parameter may have


@dataclass(frozen=True)
class Derivation:
    """A graph with everything that routines of it may return.

    Parameters
    ----------
    colouring : of the graph.
    results : by name, nodes and the shape that they make up.
    names : of the arrays, by colour.
    given : of the inputs and the parameters, by their own names.
    """

    colouring: Colouring
    results: Mapping[str, tuple[Shape, Sequence[Value]]]
    names: Mapping[int, str]
    given: Mapping[str, str]


class Recording:
    """A trace, and the derivatives that have been asked for.

    Parameters
    ----------
    trace : what a function recorded.
    batch : whether inputs have a batch axis.
    """

    def __init__(self, trace: Trace, *, batch: bool) -> None:
        loss, *aux = tidied([trace.loss, *trace.aux])
        self.trace = replace(trace, loss=loss, aux=tuple(aux))
        self.batch = batch
        self._slopes: dict[tuple[str, ...], Derivation] = {}

    @cached_property
    def value(self) -> Derivation:
        """The function alone."""
        trace = self.trace
        return self._derivation({LOSS: ((), [trace.loss]), AUX: ((len(trace.aux),), trace.aux)}, {}, {})

    @cached_property
    def gradient(self) -> Derivation:
        """The loss, times a weight of the sample, with its derivative by every parameter."""
        trace, seed = self.trace, Value(1.0)
        adjoints = pullback(trace.loss, _leaves(trace.params), seed)
        results: dict[str, tuple[Shape, Sequence[Value]]] = {
            LOSS: ((), [trace.loss]),
            TOTAL: ((), [ops.mul(trace.loss, seed)]),
            AUX: ((len(trace.aux),), trace.aux),
            **_by_parameter(trace.params, adjoints),
        }
        return self._derivation(results, adjoints, {SEED: Leaves((), (seed,))})

    def slope(self, along: Sequence[str]) -> Derivation:
        """The derivative in the direction of tangents of some arrays, and the gradient of that: the Hessian times them.

        Parameters
        ----------
        along : the names of these parameters and inputs, in order.
        """
        if tuple(along) not in self._slopes:
            trace, seed = self.trace, Value(1.0)
            arrays = {**trace.inputs, **trace.params}
            tangents = {
                tangent_of(name): Leaves(arrays[name].shape, tuple([Value(0.5) for _ in arrays[name].values]))
                for name in along
            }
            directions = {
                v: tangent
                for name in reversed(along)  # of a leaf in two arrays, the first array's tangent counts
                for v, tangent in zip(arrays[name].values, tangents[tangent_of(name)].values, strict=True)
            }
            (slope,) = tidied(pushforward([trace.loss], directions))
            adjoints = pullback(slope, _leaves(trace.params), seed)
            results: dict[str, tuple[Shape, Sequence[Value]]] = {
                LOSS: ((), [trace.loss]),
                SLOPE: ((), [slope]),
                **_by_parameter(trace.params, adjoints),
            }
            self._slopes[tuple(along)] = self._derivation(results, adjoints, {**tangents, SEED: Leaves((), (seed,))})
        return self._slopes[tuple(along)]

    def _derivation(
        self,
        results: Mapping[str, tuple[Shape, Sequence[Value]]],
        adjoints: Mapping[Value, Value],
        others: Mapping[str, Leaves],
    ) -> Derivation:
        leaves = {**self.trace.inputs, **self.trace.params, **others}
        roots = [v for _, nodes in results.values() for v in nodes]
        colouring = coloured(roots, {name: (known.shape, known.values) for name, known in leaves.items()})
        given = array_names(self.trace.params, self.trace.inputs)
        wanted = {SEED: "weights", **{tangent_of(name): f"v_{given[name]}" for name in given}}
        for name in others:
            given[name] = free(wanted[name], {*RESERVED, *given.values()})
        forward = walk((self.trace.loss, *self.trace.aux))[0]
        names = colour_names(colouring, given, self.trace.params, forward, adjoints)
        return Derivation(colouring, results, names, given)

    def routine(
        self,
        derivation: Derivation,
        each: Iterable[str] = (),
        summed: Iterable[str] = (),
        *,
        scale: float | None = 1.0,
        inputs: Iterable[str] = (),
    ) -> Routine:
        """Return the routine for some results.

        Parameters
        ----------
        each, summed : the results' names: one for each sample, or summed over the batch.
        scale : what each sample's loss is multiplied by; None for one over the batch size.
        inputs : arrays with a batch axis beside the inputs, such as the weights of samples.
        """
        found = derivation.results
        wanted = [Result(name, *found[name]) for name in each]
        wanted += [Result(name, *found[name], summed=self.batch) for name in summed]
        passed = {*self.trace.inputs, *inputs}
        routine = lowered(
            derivation.colouring, wanted, inputs=passed, batched=passed if self.batch else (), scale=scale
        )
        return named(optimised(routine), derivation.names, derivation.given)


def tangent_of(name: str) -> str:
    """Return the name of the array that holds an array's tangents."""
    return f"tangent of {name}"


def _leaves(arrays: Mapping[str, Leaves]) -> list[Value]:
    return [v for leaves in arrays.values() for v in leaves.values]


def _by_parameter(
    params: Mapping[str, Leaves], adjoints: Mapping[Value, Value]
) -> dict[str, tuple[Shape, Sequence[Value]]]:
    zero = constant(0.0)
    return {name: (leaves.shape, [adjoints.get(v, zero) for v in leaves.values]) for name, leaves in params.items()}
