"""Networks to and from PyTorch's Sequential, and from scikit-learn: the same function, the same numbers.

An activation is PyTorch's if torch.nn has a module of the op's name, however it is written: LeakyReLU is leaky_relu.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import Parameter, signature
from random import Random
from typing import TYPE_CHECKING, Any, cast

from autograd_core.errors import ArgumentError
from autograd_core.extras import load
from autograd_core.op import OPS, Parametric, Unary, as_float
from autograd_core.ops import softmax
from autograd_core.value import Number, Row, as_row
from nn.batchnorm import BatchNorm
from nn.dropout import Dropout
from nn.init import generator
from nn.module import Module
from nn.neuron import MLP, Layer, Sequential

if TYPE_CHECKING:
    from torch import nn as torch_nn

__all__ = ["Elementwise", "from_sklearn", "from_torch", "to_torch"]

SKLEARN_NAMES = {"logistic": "sigmoid"}
"""What scikit-learn calls otherwise."""

SOFTPLUS_THRESHOLD = 40.0
"""Above it PyTorch takes z for log(1 + e**z); at its own 20 that is 2e-9 too little, at 40 it is rounded away."""


class Elementwise(Module):
    """An activation by itself, as PyTorch has it: the same function of each number in a row.

    Parameters
    ----------
    activation : the name of an op of one number, such as "tanh".
    parameter : the op's own parameter, such as leaky_relu's slope; by default the usual one.

    Raises
    ------
    ArgumentError : there is no such op, or it has no parameter.

    >>> [y.data for y in Elementwise("leaky_relu", 0.5)([-2.0, 2.0])]
    [-1.0, 2.0]
    """

    def __init__(self, activation: str, parameter: float | None = None) -> None:
        op = OPS.get(activation)
        if not isinstance(op, Unary | Parametric):
            names = ", ".join(sorted(name for name, op in OPS.items() if isinstance(op, Unary | Parametric)))
            raise ArgumentError(f"there is no activation named {activation!r}: choose one of {names}")
        if parameter is not None and isinstance(op, Unary):
            raise ArgumentError(f"{activation} has no parameter: leave {parameter!r} out")
        self.op, self.parameter = op, None if parameter is None else as_float(parameter)

    @property
    def output_activation(self) -> str | None:
        """The name of the op, unless it has a parameter of its own."""
        return self.op.name if self.parameter is None else None

    def forward(self, x: Iterable[Number]) -> Row:
        """Return the function of each number."""
        apply = cast("Callable[..., Any]", self.op)
        parameters = () if self.parameter is None else (self.parameter,)
        return tuple([apply(z, *parameters) for z in as_row(x)])

    def __repr__(self) -> str:
        return f"Elementwise({self.op.name!r}{'' if self.parameter is None else f', {self.parameter!r}'})"


# ---------------------------------------------------------------- to PyTorch


def to_torch(model: Module) -> torch_nn.Sequential:
    """Return a PyTorch network of float64 that computes the same, with a copy of the weights.

    A Layer becomes a Linear and, unless that is the identity, its activation; a network inside a network a Sequential
    inside a Sequential. So names are the same on both sides if activations are modules of their own on this side too:
    Sequential(Layer(2, 3, "identity"), Elementwise("tanh")). A module that is used twice stays one.

    Parameters
    ----------
    model : a Layer, MLP or Sequential, of Layers, Elementwise, softmax, Dropout and BatchNorm.

    Raises
    ------
    ArgumentError : PyTorch has no such module.
    MissingExtraError : PyTorch is not installed.
    """
    torch = load("torch", "torch", "to_torch()")
    parts = _modules_of(model, _Torch(torch))
    made = parts[0] if isinstance(model, MLP | Sequential) else torch.nn.Sequential(*parts)
    made.training = model.training
    return made


class _Torch:
    """PyTorch, what it calls our ops, and what was made with it so far."""

    def __init__(self, torch: Any) -> None:
        self.nn: Any = torch.nn
        self.tensor = torch.from_numpy
        self.float64 = torch.float64
        self.made: dict[int, list[Any]] = {}
        spelt = {name.lower(): kind for name, kind in cast("dict[str, Any]", vars(torch.nn)).items()}
        ops = [op for op in OPS.values() if isinstance(op, Unary | Parametric)]
        found = {op: spelt.get(op.name.replace("_", "")) for op in ops}
        self.kinds = {op: kind for op, kind in found.items() if kind is not None}


def _modules_of(module: object, torch: _Torch) -> list[Any]:
    if id(module) not in torch.made:
        parts = _made(module, torch)
        for part in parts:
            part.training = module.training if isinstance(module, Module) else True
        torch.made[id(module)] = parts
    return torch.made[id(module)]


def _made(module: object, torch: _Torch) -> list[Any]:
    kind = type(module)  # a subclass may compute anything
    if kind is Layer:
        return _linear(cast("Layer", module), torch)
    if kind in (MLP, Sequential):
        inner = cast("MLP", module).layers if kind is MLP else cast("Sequential", module).modules
        return [torch.nn.Sequential(*[part for child in inner for part in _modules_of(child, torch)])]
    if kind is Elementwise:
        return [_activation(cast("Elementwise", module), torch)]
    if kind is Dropout and cast("Dropout", module).inverted:
        return [torch.nn.Dropout(1.0 - cast("Dropout", module).keep)]
    if kind is BatchNorm and cast("BatchNorm", module).eps_inside_root:
        return [_batch_norm(cast("BatchNorm", module), torch)]
    if module is softmax:
        return [torch.nn.Softmax(dim=-1)]
    raise ArgumentError(f"PyTorch has no module that computes what {module!r} does: {_takes(torch)}")


def _takes(torch: _Torch) -> str:
    names = ", ".join(sorted([op.name for op in torch.kinds]))
    return (
        f"build the model of Layer, MLP, Sequential, Elementwise, softmax, Dropout and BatchNorm, with {names}; "
        "dropout inverted, and ε inside the root"
    )


def _linear(layer: Layer, torch: _Torch) -> list[Any]:
    nin, nout = len(layer.neurons[0].w), len(layer.neurons)
    bias = layer.neurons[0].b is not None
    # skip_init, since PyTorch would draw weights from its one generator, which others draw from too.
    linear = torch.nn.utils.skip_init(torch.nn.Linear, nin, nout, bias=bias, dtype=torch.float64)
    _fill(linear, layer, torch)
    if layer.softmax:
        return [linear, torch.nn.Softmax(dim=-1)]
    if layer.neurons[0]._activate is None:
        return [linear]
    if layer.output_activation is None:
        raise ArgumentError(f"PyTorch has no module that computes what {layer!r} does: {_takes(torch)}")
    return [linear, _activation(Elementwise(layer.output_activation), torch)]


def _activation(module: Elementwise, torch: _Torch) -> Any:
    kind = torch.kinds.get(module.op)
    if kind is None:
        raise ArgumentError(f"PyTorch has no module that computes what {module!r} does: {_takes(torch)}")
    if isinstance(module.op, Unary):
        made = kind()
        if isinstance(made, torch.nn.Softplus):
            made.threshold = SOFTPLUS_THRESHOLD
        return made
    return kind(module.op.default if module.parameter is None else module.parameter)


def _batch_norm(module: BatchNorm, torch: _Torch) -> Any:
    size, affine = len(module.running_mean), module.weight is not None
    made = torch.nn.BatchNorm1d(size, module.eps, module.momentum, affine, dtype=torch.float64)
    _fill(made, module, torch)
    return made


def _fill(made: Any, module: Module, torch: _Torch) -> None:
    made.load_state_dict({name: torch.tensor(array) for name, array in module.state_dict().items()})


# ---------------------------------------------------------------- from PyTorch


def from_torch(model: torch_nn.Sequential, *, rng: Random | int | None = None) -> Sequential:
    """Return a network that computes the same as a PyTorch Sequential, with a copy of the weights under the same names.

    Names that a Sequential was given for its modules become their places in the row. A module that is used twice stays
    one, but a weight that two modules share becomes two. Weights of float32 and less are converted exactly; from then on the arithmetic is that of float64.

    Parameters
    ----------
    model : a Sequential of Linear, activations, Softmax over each row, Dropout, BatchNorm1d, Identity and Sequentials.
    rng : what Dropout draws from: a random.Random or an int seed. Without one the masks differ each time.

    Raises
    ------
    ArgumentError : anything else, or a weight that is not finite.
    MissingExtraError : PyTorch is not installed.
    """
    torch = _Torch(load("torch", "torch", "from_torch()"))
    if type(model) is not torch.nn.Sequential:
        raise ArgumentError(f"{_brief(model)} is no torch.nn.Sequential: wrap its modules in one, in their order")
    made = cast("Sequential", _from(model, torch, generator(rng)))
    made.load_state_dict(
        {
            name: (tensor.double() if tensor.is_floating_point() else tensor).cpu().numpy()
            for name, tensor in _state(model, torch).items()
        }
    )
    return made


def _state(module: Any, torch: _Torch, path: str = "") -> dict[str, Any]:
    """Return PyTorch's arrays by name, where the modules of each Sequential are called by their places."""
    if type(module) is not torch.nn.Sequential:
        return {f"{path}{name}": tensor for name, tensor in module.state_dict().items()}
    children = enumerate(cast("Iterable[Any]", module))
    return {name: tensor for i, child in children for name, tensor in _state(child, torch, f"{path}{i}.").items()}


def _from(module: Any, torch: _Torch, rng: Random) -> Callable[[Any], Any]:
    if id(module) not in torch.made:
        made = _translated(module, torch, rng)
        if isinstance(made, Module):
            made.training = module.training
        torch.made[id(module)] = [made]
    return torch.made[id(module)][0]


def _translated(module: Any, torch: _Torch, rng: Random) -> Callable[[Any], Any]:
    """Return our module for one of PyTorch's; its weights are still to come."""
    kind = cast("type[Any]", type(module))
    if kind is torch.nn.Sequential:
        return Sequential(*[_from(child, torch, rng) for child in module])
    if kind is torch.nn.Linear:
        return Layer(module.in_features, module.out_features, "identity", bias=module.bias is not None, init="zero")
    if kind is torch.nn.Dropout:
        return Dropout(drop=module.p, rng=rng)
    if kind is torch.nn.BatchNorm1d and module.track_running_stats and (module.bias is not None) == module.affine:
        return BatchNorm(module.num_features, eps=module.eps, momentum=module.momentum, affine=module.affine)
    if kind is torch.nn.Softmax and module.dim in (-1, 1):
        return softmax
    for op, known in torch.kinds.items():
        if kind is known and _is_usual(module, op):
            return _elementwise(module, op)
    raise ArgumentError(
        f"{_brief(module)} has no counterpart here: use Linear, Softmax(dim=-1), Dropout, BatchNorm1d, Sequential or one "
        f"of {', '.join(sorted([known.__name__ for known in torch.kinds.values()]))}, with their usual settings"
    )


def _is_usual(module: Any, op: Unary | Parametric) -> bool:
    """Return whether an activation has no settings but those that change nothing, and the op's own parameter."""
    settings = _settings(module)[len(op.partials) - 1 :]
    return all(
        [
            getattr(module, setting.name) == setting.default
            for setting in settings
            if hasattr(module, setting.name) and setting.name not in ("inplace", "threshold")
        ]
    )


def _settings(module: object) -> list[Parameter]:
    return list(signature(type(module)).parameters.values())


def _elementwise(module: Any, op: Unary | Parametric) -> Elementwise:
    if isinstance(op, Unary):
        return Elementwise(op.name)
    parameter: float = getattr(module, _settings(module)[0].name)
    return Elementwise(op.name, None if parameter == op.default else parameter)


def _brief(thing: object) -> str:
    return repr(thing).partition("\n")[0][:80]


# ---------------------------------------------------------------- from scikit-learn


def from_sklearn(estimator: Any) -> MLP:
    """Return an MLP that computes what a fitted MLPClassifier or MLPRegressor of scikit-learn predicts.

    Its outputs are ``predict`` of a regressor, and ``predict_proba`` of a classifier; with two classes that is the
    probability of the second, ``classes_[1]``.

    Parameters
    ----------
    estimator : as its ``fit`` left it.

    Raises
    ------
    ArgumentError : it is no such estimator, or not fitted.
    MissingExtraError : scikit-learn is not installed.

    >>> from sklearn.neural_network import MLPRegressor
    >>> estimator = MLPRegressor(hidden_layer_sizes=(3,)).partial_fit([[0.0], [1.0]], [1.0, 3.0])
    >>> round(from_sklearn(estimator)([0.5]).data - float(estimator.predict([[0.5]])[0]), 12) == 0.0
    True
    """
    sklearn = load("sklearn.neural_network", "sklearn", "from_sklearn()")
    if not isinstance(estimator, sklearn.MLPClassifier | sklearn.MLPRegressor):
        raise ArgumentError(f"{_brief(estimator)} is no MLPClassifier or MLPRegressor of scikit-learn: pass one")
    if not hasattr(estimator, "coefs_"):
        raise ArgumentError(f"{_brief(estimator)} has no weights yet: call its fit first")
    coefs, intercepts = cast("list[Any]", estimator.coefs_), cast("list[Any]", estimator.intercepts_)
    activation, output = [
        SKLEARN_NAMES.get(name, name) for name in cast("list[str]", [estimator.activation, estimator.out_activation_])
    ]
    model = MLP(len(coefs[0]), [len(b) for b in intercepts], activation, output, init="zero")
    state = {f"layers.{i}.weight": W.T for i, W in enumerate(coefs)}
    model.load_state_dict(state | {f"layers.{i}.bias": b for i, b in enumerate(intercepts)})
    return model
