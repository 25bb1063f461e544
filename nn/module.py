"""Module: something with parameters, which may hold other modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from random import Random
from typing import Any, Self, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from autograd_core.errors import ArgumentError
from autograd_core.modes import Scope, scope
from autograd_core.value import Value
from nn.checks import array_of

__all__ = ["Array", "Module", "Tensor", "elements"]

Array: TypeAlias = NDArray[np.float64]

Tensor: TypeAlias = "Value | Sequence[Tensor]"
"""A Value, or a nested list or tuple of Values: an array, as far as names and files are concerned."""

_T = TypeVar("_T")

_running: ContextVar[Module | None] = ContextVar("nn_running", default=None)
"""The module whose forward is being run, which has a name for each module that it calls."""


class Module:
    """The base of everything that has parameters.

    A subclass keeps its parameters and its inner modules in attributes, and computes in ``forward``. An attribute may
    be a Value, a Module, or a nested list or tuple of either. Parameters are found by looking through the attributes
    in the order in which they were set, a module's own before those of the modules in it. A Value that is a result,
    kept to be looked at, is no parameter. A NumPy array of float64 in an attribute is a buffer: saved with the
    parameters, but not trained, such as a running mean.

    Calling a module runs ``forward`` in a scope of the module's name, so that drawings can fold it into one box.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...
    ...     def forward(self, x):
    ...         return self.slope * x + self.offset
    >>> Line()(3.0).data
    7.0
    >>> sorted(Line().state_dict())
    ['offset', 'slope']
    """

    training = True
    """Whether the module is being trained; dropout and batch normalisation compute something else when it is not."""

    _owns_parameters = False

    def forward(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - what goes in and out is the subclass's to say
        """Compute the module's output; each subclass says what it takes and gives."""
        raise ArgumentError(f"{type(self).__name__} does not say what it computes: give it a forward method")

    def forward_batch(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Compute the outputs of several samples; a subclass whose samples depend on each other says how."""
        return [self.forward(row) for row in rows]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` in a scope of the name that the calling module has for this one, or else of its class's."""
        return self._run(self.forward, *args, **kwargs)

    def on_batch(self, rows: Iterable[Any]) -> Sequence[Any]:
        """Return the output for each of several samples: those of one mini-batch, which batch normalisation has to see together.

        >>> from nn import MLP
        >>> len(MLP(2, [1], rng=0).on_batch([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]))
        3
        """
        return self._run(self.forward_batch, list(rows))

    def _run(self, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        caller = _running.get()
        if caller is None:
            name = type(self).__name__
            if not self._owns_parameters:
                self._own_parameters()
        else:
            name = caller._name_of(self)
        token = _running.set(self)
        try:
            with scope(name):
                return forward(*args, **kwargs)
        finally:
            _running.reset(token)

    def _name_of(self, child: Module) -> str:
        names: dict[Module, str] = vars(self).setdefault("_names", {})
        if child not in names:
            names.update({module: path for path, module in self.children().items()})
            child._own_parameters()
        return names.setdefault(child, type(child).__name__)

    def _own_parameters(self) -> None:
        """Note on each parameter that a module made it, so that a drawing folds it into the same box as its results."""
        here = Scope(type(self).__name__)
        for parameter in self.parameters():
            if parameter.origin is None:
                parameter._origin = here
        self._owns_parameters = True

    # ------------------------------------------------------------ parameters

    def children(self) -> dict[str, Module]:
        """Return the inner modules by name; those in a list are named ``layers.0``, ``layers.1`` and so on."""
        return {path: child for name, attribute in vars(self).items() for path, child in _modules_in(name, attribute)}

    def named_modules(self, path: str = "") -> Iterator[tuple[str, Module]]:
        """Yield this module and all those in it, with their names; its own is empty."""
        yield path, self
        for name, child in self.children().items():
            yield from child.named_modules(f"{path}.{name}" if path else name)

    def train(self, training: bool = True) -> Self:
        """Set the mode of this module and of those in it to training, or with False to evaluation, and return it.

        >>> from nn import MLP
        >>> MLP(2, [1], rng=0).train(False).training
        False
        """
        for _, module in self.named_modules():
            module.training = training
        return self

    def eval(self) -> Self:
        """Set the mode of this module and of those in it to evaluation, and return it."""
        return self.train(training=False)

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every parameter array of this module and of those in it, with its name, such as ``layers.0.weight``."""
        for name, attribute in vars(self).items():
            yield from _tensors_in(name, attribute)
        for path, child in self.children().items():
            for name, tensor in child.named_tensors():
                yield f"{path}.{name}", tensor

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Yield every parameter with its name, such as ``layers.0.weight[2,1]``; a shared one comes once."""
        seen: set[Value] = set()
        for name, tensor in self.named_tensors():
            for index, value in elements(tensor):
                if value not in seen:
                    seen.add(value)
                    yield f"{name}[{','.join(map(str, index))}]" if index else name, value

    def parameters(self) -> list[Value]:
        """Return every parameter, in the order of ``state_dict()``, rows first; a shared one comes once.

        >>> from nn import MLP
        >>> len(MLP(2, [16, 16, 1], rng=0).parameters())
        337
        """
        return [value for _, value in self.named_parameters()]

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for p in self.parameters():
            p.grad = 0.0

    # ------------------------------------------------------------ weights as arrays

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """Yield the arrays that are kept beside the parameters and not trained, with names such as ``1.running_mean``."""
        for name, array in self._attributes(np.ndarray):
            if array.dtype == np.float64:
                yield name, array

    def named_generators(self) -> Iterator[tuple[str, Random]]:
        """Yield the generators that the modules draw from while they compute, such as dropout's, with their names."""
        yield from self._attributes(Random)

    def _attributes(self, kind: type[_T]) -> Iterator[tuple[str, _T]]:
        for path, module in self.named_modules():
            for name, attribute in vars(module).items():
                if isinstance(attribute, kind):
                    yield f"{path}.{name}" if path else name, attribute

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of every parameter array and buffer, as float64 NumPy arrays by name.

        Names and layout are PyTorch's: ``layers.0.weight`` has the shape (out, in), ``layers.0.bias`` (out,).
        """
        state = {name: np.array(_numbers(tensor), dtype=np.float64) for name, tensor in self.named_tensors()}
        return state | {name: buffer.copy() for name, buffer in self.named_buffers()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Set every parameter and buffer from arrays, such as those of ``state_dict()``.

        Parameters
        ----------
        state : one array, or nested list of numbers, for each name in ``state_dict()``, in its shape.

        Raises
        ------
        ArgumentError : a name is missing or unknown, a shape differs, or a number is not finite. Nothing has changed.
        """
        own: dict[str, Tensor | Array] = {**dict(self.named_tensors()), **dict(self.named_buffers())}
        missing, unknown = own.keys() - state.keys(), state.keys() - own.keys()
        if missing or unknown:
            raise ArgumentError(
                f"the state lacks {sorted(missing) or 'nothing'} and has {sorted(unknown) or 'nothing'} that the "
                "model does not: load it into a model of the same make"
            )
        arrays = {
            name: array_of(
                name, state[name], tensor.shape if isinstance(tensor, np.ndarray) else _shape(tensor), owner="model"
            )
            for name, tensor in own.items()
        }
        for name, tensor in own.items():
            if isinstance(tensor, np.ndarray):
                tensor[...] = arrays[name]
            else:
                for index, value in elements(tensor):
                    value.data = float(arrays[name][index])


def _modules_in(path: str, attribute: object) -> Iterator[tuple[str, Module]]:
    if isinstance(attribute, Module):
        yield path, attribute
    elif isinstance(attribute, list | tuple):
        for i, member in enumerate(cast("list[object]", attribute)):
            yield from _modules_in(f"{path}.{i}", member)


def _tensors_in(path: str, attribute: object) -> Iterator[tuple[str, Tensor]]:
    if _shape(attribute) is not None:
        yield path, cast("Tensor", attribute)
    elif isinstance(attribute, list | tuple):
        for i, member in enumerate(cast("list[object]", attribute)):
            yield from _tensors_in(f"{path}.{i}", member)


def _shape(attribute: object) -> tuple[int, ...] | None:
    """Return the shape of an attribute that is an array of parameters, else None."""
    if isinstance(attribute, list | tuple):
        shapes = {_shape(member) for member in cast("list[object]", attribute)}
        inner = shapes.pop() if len(shapes) == 1 else None
        return None if inner is None else (len(cast("list[object]", attribute)), *inner)
    return () if isinstance(attribute, Value) and attribute.op is None and not attribute.is_constant else None


def elements(tensor: Tensor, index: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Value]]:
    """Yield the Values of an array with their indices, rows first."""
    if isinstance(tensor, Value):
        yield index, tensor
    else:
        for i, member in enumerate(tensor):
            yield from elements(member, (*index, i))


def _numbers(tensor: Tensor) -> float | list[object]:
    return tensor.data if isinstance(tensor, Value) else [_numbers(member) for member in tensor]
