"""Program: a lifted function, and what can be asked of it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from autograd_core.errors import ArgumentError, OperandTypeError, StaleGraphError
from autograd_core.lift.backends import Compiled, compiler
from autograd_core.lift.graph import AUX, LOSS, SLOPE, TOTAL, Recording, tangent_of
from autograd_core.lift.ir import Routine
from autograd_core.lift.lower import SEED
from autograd_core.lift.source import written
from autograd_core.lift.trace import Params, Shape, Trace, frozen, tensors_of, unchanged
from autograd_core.value import latest_change

if TYPE_CHECKING:
    from graphviz import Digraph  # pyright: ignore[reportMissingTypeStubs] - it has none

    from autograd_core.lift.explain import Explanation

__all__ = ["Array", "LiftWarning", "Program", "Reduce"]

Array: TypeAlias = NDArray[np.float64]
Arrays: TypeAlias = dict[str, Array]
Reduce: TypeAlias = Literal["mean", "sum"]

WEIGHTED = "weights"

LARGE = 2_000
"""From how many operations on a program is said to be a long list of scalars,"""

FEW = 4
"""if these stand for fewer nodes of the graph than so many each."""


class LiftWarning(UserWarning):
    """A graph has next to no structure, and its program is a long list of scalars."""


_NOTHING = np.zeros((1, 0))


class Program:
    """A function of Values as a function of arrays; made by `autograd_core.lift`.

    It reads the parameters' numbers from their Values, so that what an optimiser has changed counts at the next call.

    Parameters
    ----------
    recording : what the function recorded, and its derivatives.
    params : where the parameters come from.
    backend : what it runs on: "numpy", "numba", "jax" or "torch".
    options : the backend's own.
    """

    def __init__(
        self, recording: Recording, params: Params, *, backend: str = "numpy", options: Mapping[str, Any] | None = None
    ) -> None:
        self.backend, self.options = backend, dict(options or {})
        self._compile = compiler(backend, self.options)
        self._params, self._recording = params, recording
        self._tensors = {name: frozen(tensor) for name, tensor in tensors_of(params).items()}
        self._routines: dict[object, Routine] = {}
        self._compiled: dict[object, Compiled] = {}
        self._numbers: tuple[int, Arrays] = (-1, {})

    @property
    def inputs(self) -> dict[str, Shape]:
        """The shape of each input, for one sample."""
        return {name: leaves.shape for name, leaves in self._trace.inputs.items()}

    @property
    def params(self) -> dict[str, Shape]:
        """The shape of each parameter."""
        return {name: leaves.shape for name, leaves in self._trace.params.items()}

    def arrays(self) -> Arrays:
        """Return the parameters' present numbers, as arrays of their own."""
        return {name: array.copy() for name, array in self._current().items()}

    def to(self, backend: str, **options: Any) -> Program:
        """Return the same program on another backend.

        Parameters
        ----------
        backend : "numpy", "numba", "jax" or "torch"; all but the first are extras.
        options : of JAX, ``dtype="float32"``; of PyTorch that, and ``device="cuda"``.

        Raises
        ------
        ArgumentError : no such backend, or an option that it has not.
        MissingExtraError : it is not installed.
        """
        return Program(self._recording, self._params, backend=backend, options=options)

    # ------------------------------------------------------------ running it

    def __call__(self, *, params: Mapping[str, Any] | None = None, **inputs: Any) -> Any:
        """Return f for each sample; with ``has_aux`` the pair of that and of the other results.

        Parameters
        ----------
        params : arrays to take in place of the parameters' numbers; nothing is read from the Values then.
        inputs : by name, one array each, with the batch axis first. Without it they are one sample.

        Raises
        ------
        ArgumentError : an input is missing or unknown, or has another shape.
        StaleGraphError : a parameter has been replaced, or another Value that f used has changed.
        """
        batch = _Batch(self._trace, self._recording.batch, inputs)
        found = self._run("forward", batch, self._parameters(params))
        return (found[LOSS], batch.nested(found.get(AUX, _NOTHING))) if self._trace.has_aux else found[LOSS]

    def value_and_grad(
        self, *, reduce: Reduce = "mean", weights: Any = None, params: Mapping[str, Any] | None = None, **inputs: Any
    ) -> tuple[Any, Arrays]:
        """Return the mean, or the sum, of f over the batch, and its gradient by each parameter.

        Parameters
        ----------
        reduce : "mean" or "sum".
        weights : in place of ``reduce``, a number for each sample, by which f is multiplied before all are added up.
        params, inputs : those of a call; errors too.

        Returns
        -------
        a float, and arrays by the parameters' names. With ``has_aux`` the float comes as a pair with the other results.
        """
        batch = _Batch(self._trace, self._recording.batch, inputs)
        given, how = self._parameters(params), self._weighing(batch, _reduction(reduce), weights)
        if isinstance(how, np.ndarray):
            how, given[SEED] = WEIGHTED, how
        found = self._run(("gradient", how), batch, given)
        total = float(found[TOTAL])
        gradients = {name: found[name] for name in self.params}
        return ((total, batch.nested(found.get(AUX, _NOTHING))) if self._trace.has_aux else total), gradients

    def per_sample_grad(self, *, params: Mapping[str, Any] | None = None, **inputs: Any) -> Arrays:
        """Return the gradient of each sample's f, with the batch axis first. Parameters and errors are those of a call."""
        batch = _Batch(self._trace, self._recording.batch, inputs)
        return self._run("per sample", batch, self._parameters(params))

    def jvp(
        self, tangents: Mapping[str, Any], *, params: Mapping[str, Any] | None = None, **inputs: Any
    ) -> tuple[Array, Array]:
        """Return f for each sample, and its derivative in the direction of the tangents.

        Parameters
        ----------
        tangents : by name, an array in the shape of a parameter or of what is passed for an input; those that are not
            named stay where they are.
        params, inputs : those of a call; errors too.
        """
        batch = _Batch(self._trace, self._recording.batch, inputs)
        along, given = self._tangents(tangents, batch)
        found = self._run(("jvp", along), batch, self._parameters(params) | given)
        return found[LOSS], found[SLOPE]

    def hvp(
        self,
        vectors: Mapping[str, Any],
        *,
        reduce: Reduce = "mean",
        params: Mapping[str, Any] | None = None,
        **inputs: Any,
    ) -> Arrays:
        """Return the Hessian of the mean, or the sum, of f over the batch, times vectors.

        Parameters
        ----------
        vectors : by the parameters' names, arrays of their shapes; those that are not named count as zeros.
        reduce, params, inputs : those of ``value_and_grad``; errors too.
        """
        batch = _Batch(self._trace, self._recording.batch, inputs)
        along, given = self._tangents(vectors, batch)
        how = self._weighing(batch, _reduction(reduce), None)
        if isinstance(how, np.ndarray):
            how, given[SEED] = WEIGHTED, how
        return self._run(("hvp", how, along), batch, self._parameters(params) | given)

    def on_arrays(self, *, reduce: Reduce = "mean", weighted: bool = False) -> Compiled:
        """Return the same function with an array for each parameter in place of the vector, and one for each gradient."""
        if self._on_mesh and not weighted:
            raise ArgumentError("on a mesh samples have weights: pass weighted=True, and the weights after the inputs")
        return self._function(("gradient", WEIGHTED if weighted else _reduction(reduce)))

    def _weighing(self, batch: _Batch, reduce: str, weights: Any) -> str | Array:
        """Return how samples are added up: the reduction, or the weight of each; on a mesh it is always the latter."""
        if weights is not None:
            return batch.weights(weights)
        if self._on_mesh:
            return np.full(batch.size, 1.0 / batch.size if reduce == "mean" else 1.0)
        return reduce

    @property
    def _on_mesh(self) -> bool:
        return self._recording.batch and self.options.get("mesh") is not None

    def on_vectors(self, *, reduce: Reduce = "mean", weighted: bool = False) -> Compiled:
        """Return the compiled function behind ``value_and_grad``, for loops in which every microsecond counts.

        It takes the inputs in their order, with ``weighted`` the samples' weights after them, and last all parameters as
        one vector: one after the other, each row by row. It returns the other results if f has some, as one row a sample;
        then the number; then the gradient, as one vector. All are contiguous arrays of float64, and nothing is checked.
        """
        if self._on_mesh and not weighted:
            run = self.on_vectors(weighted=True)

            def unweighted(*arrays: Array) -> tuple[Array, ...]:
                size = len(arrays[0])
                weights = np.full(size, 1.0 / size if reduce == "mean" else 1.0)
                return run(*arrays[:-1], weights, arrays[-1])

            return unweighted
        kind = ("gradient", WEIGHTED if weighted else _reduction(reduce))
        return self._function(kind, vector=True)

    # ------------------------------------------------------------ reading it

    @property
    def source(self) -> str:
        """The program as NumPy source: f for each sample, and its gradient summed over the batch."""
        return written(self._routine("source")).text

    @property
    def latex(self) -> str:
        r"""The program of ``.source`` in LaTeX, one line a statement; rows are samples, and dW is the derivative by W.

        >>> from autograd_core import Value
        >>> from autograd_core.lift import lift
        >>> w = [Value(1.0), Value(-1.0)]
        >>> print(lift(lambda x: w[0] * x[0] + w[1] * x[1], inputs={"x": 2}, params={"w": w}).latex.splitlines()[-2])
        \mathrm{d}w &= x^{\top} \mathbf{1}
        """
        from autograd_core.lift.formula import formula_of  # noqa: PLC0415 - for those who read

        return formula_of(self._routine("source"))

    def explain(self) -> Explanation:
        """Return which scalars became which array of ``.source``, and why; it prints itself.

        >>> from autograd_core import Value
        >>> from autograd_core.lift import lift
        >>> w = [Value(1.0), Value(-1.0)]
        >>> print(lift(lambda x: w[0] * x[0] + w[1] * x[1], inputs={"x": 2}, params={"w": w}).explain().summary)
        5 scalars of 3 kinds became 3 statements: 0 matrix products, 1 sum over the batch, 0 gathers
        """
        from autograd_core.lift.explain import explanation  # noqa: PLC0415 - for those who read

        return explanation(self._routine("source"), self._recording.gradient)

    def draw(self, *, format: str = "svg", rankdir: str = "LR", max_statements: int | None = 100) -> Digraph:
        """Draw the program of ``.source``: arrays are boxes, and circles what is done to them. A notebook shows it.

        Parameters
        ----------
        format : what ``.render()`` and ``.pipe()`` make of it: "svg", "png", "pdf" or "dot".
        rankdir : which way it goes: "LR", "RL", "TB" or "BT".
        max_statements : the most statements; the drawing says how many there are beyond. None sets no limit.

        Raises
        ------
        ArgumentError : an option that there is not.

        >>> from autograd_core import Value
        >>> from autograd_core.lift import lift
        >>> w = Value(2.0)
        >>> lift(lambda x: w * x, inputs={"x": ()}, params={"w": w}).draw().source.splitlines()[0]
        'digraph program {'
        """
        from autograd_core.lift.picture import picture  # noqa: PLC0415 - for those who look

        return picture(self._routine("source"), format=format, rankdir=rankdir, max_statements=max_statements)

    # ------------------------------------------------------------ routines

    @property
    def _trace(self) -> Trace:
        return self._recording.trace

    def _run(self, kind: Any, batch: _Batch, given: Mapping[str, Array]) -> Arrays:
        """Run the routine of a kind on arrays by their names, and return its results by theirs, as callers see them."""
        function, routine = self._function(kind), self._routine(kind)
        given = {**given, **batch.arrays}
        results = function(*[given[key] for key in routine.arguments()])
        return {
            output.name: _own(array, given) if output.summed else batch.each(_own(array, given), batched=output.batched)
            for output, array in zip(routine.outputs, results, strict=True)
        }

    def _function(self, kind: Any, *, vector: bool = False) -> Compiled:
        key = (kind, vector)
        if key not in self._compiled:
            self._compiled[key] = self._compile(self._routine(kind), vector=vector)
        return self._compiled[key]

    def _routine(self, kind: Any) -> Routine:
        if kind not in self._routines:
            routine = self._routines[kind] = self._made(kind)
            nodes, size = routine.nodes, routine.size()
            if size > LARGE and nodes < FEW * size:
                warnings.warn(_too_long(nodes, size), LiftWarning, stacklevel=5)
        return self._routines[kind]

    def _made(self, kind: Any) -> Routine:
        """Return the routine of a kind: what it returns, and what it multiplies each sample's f by."""
        recording = self._recording
        aux = [AUX] if self._trace.aux else []
        if kind == "forward":
            return recording.routine(recording.value, each=[LOSS, *aux])
        if kind == "source":
            return recording.routine(recording.gradient, each=[LOSS], summed=self.params)
        if kind == "per sample":
            return recording.routine(recording.gradient, each=self.params)
        what, how, *_ = kind
        if what == "jvp":
            moved = [tangent_of(name) for name in how if name in self.inputs]
            return recording.routine(recording.slope(how), each=[LOSS, SLOPE], inputs=moved)
        scale = None if how == "mean" and recording.batch else 1.0
        seeds = [SEED] if how == WEIGHTED else []
        if what == "hvp":
            return recording.routine(recording.slope(kind[2]), summed=self.params, scale=scale, inputs=seeds)
        return recording.routine(recording.gradient, each=aux, summed=[TOTAL, *self.params], scale=scale, inputs=seeds)

    # ------------------------------------------------------------ parameters

    def _parameters(self, params: Mapping[str, Any] | None) -> Arrays:
        """Return the parameters' arrays: those passed, or the present numbers of their Values."""
        if params is None:
            return dict(self._current())
        return _named_arrays("parameter", params, self.params)

    def _current(self) -> Arrays:
        """Return the numbers of the Values behind the parameters; they are read anew when any leaf has changed."""
        tensors = tensors_of(self._params)
        if tensors.keys() != self._tensors.keys() or not all(
            [unchanged(tensor, self._tensors[name]) for name, tensor in tensors.items()]
        ):
            raise StaleGraphError("the parameters are not the Values that f was lifted with: lift it again")
        now, numbers = self._numbers
        if now != latest_change() or not numbers:
            for v, before in self._trace.constants:
                if v._primal != before and not (math.isnan(v._primal) and math.isnan(before)):
                    raise StaleGraphError(
                        f"{v!r} was {before!r} when f was lifted, as a constant: lift f again, or name it among the parameters"
                    )
            numbers = {
                name: np.array([v._primal for v in leaves.values]).reshape(leaves.shape)
                for name, leaves in self._trace.params.items()
            }
            self._numbers = latest_change(), numbers
        return numbers

    def _tangents(self, tangents: Mapping[str, Any], batch: _Batch) -> tuple[tuple[str, ...], Arrays]:
        """Return the names that tangents are given for, in order, and the arrays of these."""
        known = {**self.inputs, **self.params}
        unknown = [name for name in tangents if name not in known]
        if unknown:
            raise ArgumentError(f"there is a tangent for {unknown[0]!r}: the names are {', '.join(known)}")
        given: Arrays = {}
        for name, tangent in tangents.items():
            moves_input = name in self.inputs
            expected = batch.arrays[name].shape if moves_input else self.params[name]
            given[tangent_of(name)] = batch.like_input(tangent) if moves_input else _array(name, tangent)
            if given[tangent_of(name)].shape != expected:
                raise ArgumentError(
                    f"the tangent for {name} has the shape {np.shape(tangent)}: give it that of {name}, {expected}"
                )
        return tuple([name for name in known if name in tangents]), given


class _Batch:
    """The inputs of one call: arrays with a batch axis first, whether they came with one or as a single sample."""

    def __init__(self, trace: Trace, batched: bool, inputs: Mapping[str, Any]) -> None:
        self._trace, self._batched = trace, batched
        shapes = {name: leaves.shape for name, leaves in trace.inputs.items()}
        given = _named_arrays("input", inputs, None, names=shapes)
        self._single = batched and bool(shapes) and all([given[name].shape == shape for name, shape in shapes.items()])
        self.arrays = {name: self.like_input(array) for name, array in given.items()}
        sizes = {len(array) for array in self.arrays.values() if array.shape} if batched else set[int]()
        for name, shape in shapes.items():
            found = given[name].shape
            seen = self.arrays[name].shape
            if (seen[1:] if batched and seen else found) != shape or (batched and not seen):
                wanted = (
                    f"(batch, {', '.join(map(str, shape))})" if batched and shape else "(batch,)" if batched else shape
                )
                raise ArgumentError(f"the input {name} has the shape {found}: pass an array of the shape {wanted}")
        if len(sizes) > 1:
            lengths = ", ".join([f"{name} {len(array)}" for name, array in self.arrays.items()])
            raise ArgumentError(
                f"the inputs have batches of different sizes ({lengths}): pass one row for each sample in each"
            )
        self.size = sizes.pop() if sizes else 1
        if self.size == 0:
            raise ArgumentError("the batch is empty: pass at least one sample")

    def like_input(self, array: Any) -> Array:
        """Return what belongs to an input, with a batch axis."""
        found = _array("input", array)
        return found[None] if self._single else found

    def weights(self, weights: Any) -> Array:
        """Return the samples' weights."""
        found = _array("weights", weights)
        expected = (self.size,) if self._batched else ()
        if found.shape != expected:
            raise ArgumentError(
                f"weights has the shape {found.shape}: pass one number for each of the {self.size} samples"
            )
        return found

    def each(self, array: Array, *, batched: bool) -> Array:
        """Return what there is for each sample, as the caller is to see it."""
        if self._batched and not batched:  # it depends on no input
            array = np.repeat(np.asarray(array)[None], self.size, axis=0)
        return array[0] if self._single else array

    def nested(self, flat: Array) -> Any:
        """Return other results, one row a sample, nested as f returned them; a row of numbers is one array."""
        columns = iter(range(len(self._trace.aux)))

        def built(nesting: object) -> Any:
            if nesting is None:
                return flat[..., next(columns)]
            branches = cast("list[object]", nesting)
            if branches and all([branch is None for branch in branches]):
                return flat[..., [next(columns) for _ in branches]]
            return tuple([built(branch) for branch in branches])

        return built(self._trace.nesting)


def _named_arrays(
    what: str, given: Mapping[str, Any], shapes: Mapping[str, Shape] | None, names: Mapping[str, Shape] | None = None
) -> Arrays:
    """Return arrays by name, in order; ArgumentError if a name is missing or unknown, or a shape another."""
    known = shapes if shapes is not None else names or {}
    missing, unknown = [name for name in known if name not in given], [name for name in given if name not in known]
    if missing or unknown:
        raise ArgumentError(
            f"the {what}s are {', '.join(known) or 'none'}, and "
            + (f"{missing[0]} is missing" if missing else f"{unknown[0]} is not one of them")
            + ": pass an array for each by its name"
        )
    arrays = {name: _array(name, given[name]) for name in known}
    for name, shape in (shapes or {}).items():
        if arrays[name].shape != shape:
            raise ArgumentError(
                f"the {what} {name} has the shape {arrays[name].shape}: pass an array of the shape {shape}"
            )
    return arrays


def _array(name: str, numbers: Any) -> Array:
    """Return numbers as a contiguous array of float64."""
    try:
        found = np.asarray(numbers)
    except ValueError:
        raise ArgumentError(f"{name} makes no array: pass rows of one length") from None
    if found.dtype.kind not in "biuf":
        raise OperandTypeError(f"{name} holds {found.dtype} numbers: pass real ones")
    return np.ascontiguousarray(found, dtype=np.float64).reshape(found.shape)


def _own(array: Array, given: Mapping[str, Array]) -> Array:
    """Return a result that shares no memory with another array."""
    found = np.asarray(array)
    return found.copy() if found.base is not None or any([found is other for other in given.values()]) else found


def _reduction(reduce: object) -> str:
    if reduce not in ("mean", "sum"):
        raise ArgumentError(f"reduce is {reduce!r}: choose 'mean' or 'sum'")
    return cast("str", reduce)


def _too_long(nodes: int, size: int) -> str:
    return (
        f"the graph has next to no structure: its {nodes} nodes became {size} operations, most of them on single numbers. The "
        "program is right, but it takes long to compile and hardly runs faster than the graph"
    )
