"""One step of training by a program over arrays, in place of a graph of scalars that is built anew each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from autograd_core import lift
from autograd_core.errors import ArgumentError, GraphCutError
from autograd_core.graph import walk
from autograd_core.lift.program import Program
from autograd_core.lift.trace import Size
from autograd_core.ops import dot
from autograd_core.value import Row, Value, constant
from nn.data import Samples
from nn.effects import Effects, recorded
from nn.module import Array, Module, Tensor, elements
from nn.optim import Optimiser
from nn.plan import Plan
from nn.recording import as_array, encoded, members
from nn.steps import Stepper, outputs_of

__all__ = ["LiftedStepper"]

Recordable = Callable[..., tuple[Value, Sequence[Any]]]
Backend: TypeAlias = Callable[[Program], Program]


class LiftedStepper(Stepper):
    """Takes the steps of a `Stepper` by running a program.

    A model whose samples stand alone is recorded for one of them. One that draws or keeps numbers, or in which samples
    depend on each other, is recorded for a whole mini-batch, once for each size that there is. From ``begin`` to ``end``
    the parameters' numbers are in a vector, and the Values keep those of before.

    Parameters
    ----------
    model, optimiser, plan, samples : those of a `Stepper`.
    backend : what the program runs on.
    options : the backend's own.
    """

    def __init__(
        self,
        model: Callable[[Row], Any],
        optimiser: Optimiser,
        plan: Plan,
        samples: Samples,
        backend: str,
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(model, optimiser, plan, samples)
        self._backend = partial(Program.to, backend=backend, **options)
        self._parameters = _parameters(model, optimiser)
        self._values = [v for tensor in self._parameters.values() for _, v in elements(tensor)]
        self._trained = _places(optimiser.parameters, self._values)
        self._theta = np.empty(0)
        self._begun = False
        self._programs: dict[int, _Step] = {}
        self._penalties: list[_Step] = []  # one or none

    def begin(self) -> None:
        """Take the parameters' numbers from their Values, and record what has to be if this is the first time."""
        if self._begun:
            return
        if not len(self._theta):
            self._prepare()
        for step in [*self._programs.values(), *self._penalties]:
            step.check()
        self._theta = np.array([v.data for v in self._values])
        self._begun = True

    def sources(self) -> list[str]:
        """Return the source of the program for the first mini-batch, and of the penalty if there is one."""
        self.begin()
        size = min(self.plan.batch_size or len(self.samples), len(self.samples))
        return [step.source for step in [self._step(size), *self._penalties]]

    def end(self) -> None:
        """Put the parameters' numbers into their Values. Ctrl-C does not tear that apart."""
        if not self._begun:
            return
        try:
            self._write()
        except KeyboardInterrupt:
            self._write()
            raise
        finally:
            self._begun = False

    def _write(self) -> None:
        self.optimiser.assign(self._theta[self._trained])

    # ------------------------------------------------------------ steps

    def _computed(self, numbers: Sequence[int]) -> tuple[float, Sequence[Any], Array]:
        chosen = np.array(numbers)
        step = self._step(len(chosen))
        others, cost, gradient = step(
            self._rows.take(chosen, 0), self._targets.take(chosen, 0), self._scales(chosen), self._theta
        )
        for of_weights in self._penalties:
            _, penalty, slope = of_weights(self._theta)
            cost, gradient = cost + penalty, gradient + slope
        return cost, self._outputs(others, len(chosen)), gradient[self._trained]

    def _update(self, gradient: Array) -> None:
        theta = self._theta.copy()
        theta[self._trained] = self.optimiser.advance(self._theta[self._trained], gradient)
        self._theta = theta

    def _scales(self, chosen: NDArray[np.int64]) -> Array:
        """Return what the loss of each sample is multiplied by, before all are added up."""
        mean, size = self.plan.reduction == "mean", len(chosen)
        if self._weights is None:
            return np.full(size, 1.0 / size if mean else 1.0)
        weights = self._weights.take(chosen)
        return weights / (weights.sum() or 1.0) if mean else weights

    def _outputs(self, others: Array, size: int) -> Sequence[Any]:
        """Return the outputs, which metrics alone ask for, as plain numbers."""
        if not self.plan.metrics:
            return []
        count = len(members(self._output))
        table = np.broadcast_to(others, (size, count)) if self._alone else others[: size * count].reshape(size, count)
        return table[:, 0].tolist() if isinstance(self._output, Value) else list(map(tuple, table.tolist()))

    def _explain(self, numbers: Sequence[int], cost: float, undo: Callable[[], None]) -> NoReturn:
        self._write()
        super()._explain(numbers, cost, undo)

    # ------------------------------------------------------------ recording

    def _prepare(self) -> None:
        """Put the samples into arrays, find out how the model is to be recorded, and record the penalty."""
        samples, plan = self.samples, self.plan
        trained = set(self.optimiser.parameters)
        if any([not trained.isdisjoint(row) for row in samples.rows]):
            raise ArgumentError("an input is one of the optimiser's parameters: leave backend out to train inputs")
        self._rows = as_array("inputs", samples.rows)
        self._weights = None if samples.weights is None else np.array(samples.weights)
        self._output, self._alone = self._tried()
        self._targets = encoded(plan.loss, self._output, samples.targets)
        if plan.penalty is not None:
            self._penalties = [_Step(self._penalised, {}, self._parameters, self._backend, batch=False)]

    def _tried(self) -> tuple[Any, bool]:
        """Return an output of the model, and whether outputs depend on nothing but their own inputs and the parameters.

        The same sample has to have the same output wherever it stands, and in batches of two sizes.
        """
        first, last, again = [tuple([Value(v.data) for v in self.samples.rows[i]]) for i in (0, -1, 0)]
        rows = [set(first), set(last), set(again)]
        undo, before = self._snapshot(), self._states()
        with recorded() as effects:
            pair = outputs_of(self.model, [first, last])
            three = outputs_of(self.model, [first, last, again])
        if self._states() != before:
            undo()
            raise ArgumentError(
                f"{self.model!r:.60} draws numbers or changes a buffer in a way that cannot be repeated: use drawn and "
                "observed of nn.effects for that, or leave backend out"
            )
        a, b, *_ = map(_numbers, pair)
        same = [a, b, a] == list(map(_numbers, three))
        apart = all(
            [
                row.isdisjoint(_leaves_of(output))
                for i, output in enumerate(three)
                for j, row in enumerate(rows)
                if i != j
            ]
        )
        return pair[0], not effects.draws and not effects.kept and same and apart

    def _states(self) -> Sequence[object]:
        return [buffer.tobytes() for buffer in self._buffers] + [rng.getstate() for rng in self._generators]

    def _step(self, size: int) -> _Step:
        """Return the recorded step for mini-batches of a size."""
        key = 0 if self._alone else size
        if key not in self._programs:
            shapes = {"x": self._rows.shape[1:], "y": self._targets.shape[1:]}
            if not self._alone:
                shapes = {name: (size, *shape) for name, shape in (shapes | {"w": ()}).items()}
            record = self._one if self._alone else self._all
            self._programs[key] = _Step(record, shapes, self._parameters, self._backend, batch=self._alone)
        return self._programs[key]

    def _one(self, x: Row, y: Any) -> tuple[Value, Sequence[Any]]:
        (output,) = outputs_of(self.model, [x])
        return self.plan.loss(output, y), [output] if self.plan.metrics else []

    def _all(self, xs: Sequence[Row], ys: Sequence[Any], weights: Row) -> tuple[Value, Sequence[Any]]:
        outputs = outputs_of(self.model, xs)
        losses = [self.plan.loss(output, y) for output, y in zip(outputs, ys, strict=True)]
        return dot(weights, losses), outputs if self.plan.metrics else []

    def _penalised(self) -> tuple[Value, Sequence[Any]]:
        penalty: object = cast("Any", self.plan.penalty)(self.model)
        return penalty if isinstance(penalty, Value) else constant(penalty), []


class _Step:
    """A function of Values that was recorded with its effects, as a function of arrays.

    Parameters
    ----------
    f : returns a Value, and others that are wanted beside it.
    shapes : of what f is called with, by names.
    parameters : by name.
    backend : puts a program on what it runs on.
    batch : whether f is for one sample of a mini-batch, and is given weights for all.
    """

    def __init__(
        self,
        f: Recordable,
        shapes: Mapping[str, Size],
        parameters: Mapping[str, Tensor],
        backend: Backend,
        *,
        batch: bool,
    ) -> None:
        self.effects = Effects(iter(()))
        count = -1
        while len(self.effects.draws) != count:  # how many numbers are drawn is known once f has been called
            count = len(self.effects.draws)
            self._record(f, {**shapes, "drawn": count} if count else shapes, parameters, backend, batch=batch)
        self._run = self._program.on_vectors(weighted=batch)

    def _record(
        self,
        f: Recordable,
        shapes: Mapping[str, Size],
        parameters: Mapping[str, Tensor],
        backend: Backend,
        *,
        batch: bool,
    ) -> None:
        inputs = {_free(name, parameters): shape for name, shape in shapes.items()}

        def recordable(**given: Any) -> tuple[Value, Sequence[Any]]:
            arguments = dict(zip(shapes, given.values(), strict=True))
            with recorded(arguments.pop("drawn", ())) as self.effects:
                result, others = f(*arguments.values())
            return result, [others, self.effects.observed]

        try:
            self._program = backend(lift(recordable, inputs, parameters, batch=batch, has_aux=True))
        except GraphCutError as cut:
            raise ArgumentError(f"a step cannot be recorded: {cut}; or leave backend out") from None

    @property
    def source(self) -> str:
        """The program as NumPy source."""
        return self._program.source

    def check(self) -> None:
        """Raise StaleGraphError if what was recorded is no longer what would be."""
        self._program.arrays()

    def __call__(self, *arrays: Array) -> tuple[Array, float, Array]:
        """Return the other results, the result, and its gradient; the last of the arrays is the parameters' vector."""
        effects = self.effects
        if effects.draws:
            arrays = (*arrays[:-1], np.array(effects.draw()), arrays[-1])
        *others, result, gradient = self._run(*arrays)
        if effects.kept:
            effects.keep(others[0][-len(effects.observed) :].tolist())
        return others[0] if others else _NONE, float(result), gradient


_NONE = np.empty(0)


def _parameters(model: Callable[[Row], Any], optimiser: Optimiser) -> dict[str, Tensor]:
    """Return all parameters by name, each once: the model's, and what else the optimiser has."""
    named = dict(model.named_tensors()) if isinstance(model, Module) else {}
    seen, found = set[Value](), dict[str, Tensor]()
    for name, tensor in {**named, "parameters": optimiser.parameters}.items():
        values = [v for _, v in elements(tensor)]
        new = [v for v in dict.fromkeys(values) if v not in seen]
        seen.update(new)
        if new:
            found[name] = tensor if len(new) == len(values) else new
    return found


def _numbers(output: Any) -> list[str]:
    """Return the numbers of an output, as texts that are the same for nan too."""
    return [repr(v.data if isinstance(v, Value) else v) for v in members(output)]


def _leaves_of(output: Any) -> list[Value]:
    """Return what the Values of an output were computed from."""
    return walk(tuple([v for v in members(output) if isinstance(v, Value)]))[1]


def _places(chosen: Sequence[Value], values: Sequence[Value]) -> NDArray[np.int64] | slice:
    """Return where the chosen Values are; a slice, which is faster, if they are all there are."""
    if list(chosen) == list(values):
        return slice(None)
    places = {v: i for i, v in enumerate(values)}
    return np.array([places[v] for v in chosen])


def _free(name: str, taken: Mapping[str, object]) -> str:
    while name in taken:
        name += "_"
    return name
