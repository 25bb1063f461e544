"""Neurons, layers and networks, built from Values alone: their backward pass is the chain rule, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from autograd_core.errors import ArgumentError
from autograd_core.op import OPS, Op, Parametric, Unary
from autograd_core.ops import dot, softmax
from autograd_core.value import Number, Row, Value, as_row
from nn.checks import whole_from_one
from nn.init import Initialiser, generator, initialiser
from nn.module import Module, Tensor

__all__ = ["MLP", "Activation", "Layer", "Neuron", "Sequential", "output_activation"]

Activation: TypeAlias = str | Callable[[Value], Value]


class Neuron(Module):
    """One neuron: g(Σ w x + b).

    Parameters
    ----------
    nin : how many inputs it has.
    activation : g; the name of an op of one number, such as "tanh", or a function of a Value.
    bias : whether there is a b.
    rng : a random.Random or an int seed. Without one the weights differ each time.
    init : how the weights start: a name from `nn.init`, or such a function.
    nonlin : micrograd's switch between ReLU and no activation at all.
    nout : how many neurons share the inputs; only initialisers look at it.
    bias_init : how b starts, which is drawn after the weights: a name from `nn.init`, or such a function.

    Raises
    ------
    ArgumentError : no inputs, or an unknown activation or initialiser.

    >>> neuron = Neuron(2, activation="identity", init="zero")
    >>> neuron([1.0, 2.0]).data
    0.0
    """

    def __init__(
        self,
        nin: int,
        activation: Activation = "relu",
        bias: bool = True,
        rng: Random | int | None = None,
        *,
        init: str | Initialiser = "he",
        nonlin: bool | None = None,
        nout: int = 1,
        bias_init: str | Initialiser = "zero",
    ) -> None:
        nin = whole_from_one("nin", nin)
        rng, draw, draw_bias = generator(rng), initialiser(init), initialiser(bias_init)
        self.activation = activation if nonlin is None else "relu" if nonlin else "identity"
        self._activate = _function(self.activation)
        self.w = tuple([Value(draw(rng, nin, nout), f"w{i}") for i in range(nin)])
        self.b = Value(draw_bias(rng, nin, nout), "b") if bias else None

    @property
    def output_activation(self) -> str | None:
        """The name of the activation, if it is an op."""
        return _op_name(self.activation)

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield ``weight``, of shape (nin,), and ``bias``, one number."""
        yield "weight", self.w
        if self.b is not None:
            yield "bias", self.b

    def forward(self, x: Iterable[Number]) -> Value:
        """Return the activation of the weighted sum of nin inputs."""
        x = _inputs(x, len(self.w), self)
        z = Value.apply_op(dot, (self.w, x))  # where dot(self.w, x) ends up, once it has seen what is in the rows
        if self.b is not None:
            z = z + self.b
        return z if self._activate is None else self._activate(z)

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)}, {_name(self.activation)!r}{', bias=False' if self.b is None else ''})"

    if TYPE_CHECKING:

        def __call__(self, x: Iterable[Number]) -> Value: ...  # noqa: D102 - for type checkers


class Layer(Module):
    """A row of neurons on the same inputs.

    Parameters
    ----------
    nin, nout : how many inputs it has, and how many neurons.
    activation : that of `Neuron`, or "softmax", which is of all its outputs together: its neurons then have none.

    The others, and what is raised, are those of `Neuron`. The weights have the layout (out, in).

    >>> layer = Layer(3, 2, activation="tanh", rng=0)
    >>> layer.state_dict()["weight"].shape
    (2, 3)
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        activation: Activation = "relu",
        bias: bool = True,
        rng: Random | int | None = None,
        *,
        init: str | Initialiser = "he",
        nonlin: bool | None = None,
        bias_init: str | Initialiser = "zero",
    ) -> None:
        nout = whole_from_one("nout", nout)
        rng = generator(rng)
        self.softmax = activation == "softmax" and nonlin is None
        g = "identity" if self.softmax else activation
        self.neurons = tuple(
            [Neuron(nin, g, bias, rng, init=init, nonlin=nonlin, nout=nout, bias_init=bias_init) for _ in range(nout)]
        )

    @property
    def output_activation(self) -> str | None:
        """The name of the activation, if all neurons have the same op, or "softmax"."""
        names = {neuron.output_activation for neuron in self.neurons}
        return "softmax" if self.softmax else names.pop() if len(names) == 1 else None

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield ``weight``, of shape (out, in), and ``bias``, of shape (out,)."""
        yield "weight", [neuron.w for neuron in self.neurons]
        biases = [neuron.b for neuron in self.neurons if neuron.b is not None]
        if biases:
            yield "bias", biases

    def forward(self, x: Iterable[Number]) -> Row:
        """Return the outputs of all neurons, as many as there are."""
        x = _inputs(x, len(self.neurons[0].w), self)
        row = [neuron(x) for neuron in self.neurons]
        return tuple(softmax(row) if self.softmax else row)

    def __repr__(self) -> str:
        first = self.neurons[0]
        bias = ", bias=False" if first.b is None else ""
        g = "softmax" if self.softmax else _name(first.activation)
        return f"Layer({len(first.w)}, {len(self.neurons)}, {g!r}{bias})"

    if TYPE_CHECKING:

        def __call__(self, x: Iterable[Number]) -> Row: ...  # noqa: D102 - for type checkers


class MLP(Module):
    """A multi-layer perceptron: layers, each on the outputs of the one before.

    Parameters
    ----------
    nin : how many inputs it has.
    nouts : how many neurons each layer has, the output layer last.
    activation : of all layers but the last; see `Neuron`.
    output : the activation of the last layer; "softmax" makes its outputs probabilities that add up to 1.
    init : how the weights start: a name from `nn.init`, or such a function.
    rng : a random.Random or an int seed. Without one the weights differ each time.
    bias_init : how the biases start, in the same words.

    Raises
    ------
    ArgumentError : no layers or a layer without neurons, or an unknown activation or initialiser.

    >>> model = MLP(2, [16, 16, 1], rng=0)
    >>> model([1.0, -2.0]).op.name, len(model.parameters())
    ('add', 337)
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Activation = "relu",
        output: Activation = "identity",
        init: str | Initialiser = "he",
        rng: Random | int | None = None,
        *,
        bias_init: str | Initialiser = "zero",
    ) -> None:
        if not isinstance(nouts, Sequence) or not nouts:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentError(f"nouts is {nouts!r}: name the size of each layer, as in [16, 1]")
        rng = generator(rng)
        activations = [activation] * (len(nouts) - 1) + [output]
        self.layers = [
            Layer(size_in, size_out, g, rng=rng, init=init, bias_init=bias_init)
            for size_in, size_out, g in zip([nin, *nouts], nouts, activations)  # noqa: B905 - stops at the last layer
        ]

    @property
    def output_activation(self) -> str | None:
        """The name of the last layer's activation, if it is an op, or "softmax"."""
        return output_activation(self.layers[-1])

    def forward(self, x: Iterable[Number]) -> Any:
        """Return one Value if there is one output, else a tuple of Values."""
        row = as_row(x)
        for layer in self.layers:
            row = layer(row)
        return row[0] if len(row) == 1 else row

    def forward_batch(self, rows: Sequence[Iterable[Number]]) -> Sequence[Any]:
        """Return the outputs of several samples, layer by layer."""
        outputs: Sequence[Row] = [as_row(row) for row in rows]
        for layer in self.layers:
            outputs = layer.on_batch(outputs)
        return [row[0] if len(row) == 1 else row for row in outputs]

    def __repr__(self) -> str:
        return f"MLP([{', '.join(map(repr, self.layers))}])"


class Sequential(Module):
    """Modules in a row, each on the output of the one before.

    Parameters
    ----------
    modules : Modules, or functions of what the one before returns. Parameters are named ``0.weight``, ``1.weight``.

    >>> model = Sequential(Layer(2, 4, rng=0), Layer(4, 1, activation="sigmoid", rng=1))
    >>> sorted(model.state_dict())
    ['0.bias', '0.weight', '1.bias', '1.weight']
    """

    def __init__(self, *modules: Callable[[Any], Any]) -> None:
        self.modules = list(modules)

    @property
    def output_activation(self) -> str | None:
        """The name of the activation that the last module ends in, or of the op that it is, if that is known."""
        return output_activation(self.modules[-1]) if self.modules else None

    def children(self) -> dict[str, Module]:
        """Return the Modules by their place in the row."""
        return {str(i): module for i, module in enumerate(self.modules) if isinstance(module, Module)}

    def forward(self, x: Any) -> Any:
        """Return what the last module returns."""
        for module in self.modules:
            x = module(x)
        return x

    def forward_batch(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return what the last module returns for each of several samples, module by module."""
        for module in self.modules:
            rows = module.on_batch(rows) if isinstance(module, Module) else [module(row) for row in rows]
        return rows

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.modules))})"


def output_activation(model: object) -> str | None:
    """Return the name of the activation that a model's outputs have come through; None if it is not known.

    A Module says it in a property of this name. One with a ``forward`` of its own below that property computes something
    else than what the property speaks of, and nothing is known of it.

    Parameters
    ----------
    model : a Module, an op, ``softmax``, or any other function.

    >>> output_activation(MLP(2, [3, 1], output="sigmoid", rng=0))
    'sigmoid'
    """
    for kind in type(model).__mro__:
        if "output_activation" in vars(kind):
            return cast("Any", model).output_activation
        if "forward" in vars(kind):
            return None
    return _op_name(model)


def _op_name(activation: object) -> str | None:
    if isinstance(activation, str):
        return activation
    return activation.name if isinstance(activation, Op) else "softmax" if activation is softmax else None


def _inputs(x: Iterable[Number], size: int, module: Module) -> Row:
    row = as_row(x)
    if len(row) != size:
        raise ArgumentError(f"{module!r} takes {size} inputs and was given {len(row)}: pass one number for each")
    return row


def _function(activation: Activation) -> Callable[[Value], Value] | None:
    """Return the function of a Value that an activation means; None for the identity, which records nothing."""
    if callable(activation):
        return activation
    if activation == "softmax":
        raise ArgumentError("softmax is of a whole row of outputs: give it to a Layer, or to an MLP as its output")
    op = OPS.get(activation)
    if not isinstance(op, Unary | Parametric):
        names = ", ".join(sorted(name for name, op in OPS.items() if isinstance(op, Unary | Parametric)))
        raise ArgumentError(f"there is no activation named {activation!r}: choose one of {names}")
    return None if activation == "identity" else getattr(Value, activation)


def _name(activation: Activation) -> str:
    return activation if isinstance(activation, str) else getattr(activation, "__name__", repr(activation))
