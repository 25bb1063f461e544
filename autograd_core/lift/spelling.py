"""Spelling: how ops and array operations are written in the source of each backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ADD", "ATOM", "JAX", "MATRIX", "MULTIPLY", "NUMPY", "TORCH", "UNARY", "Spelling"]

# How tightly an expression holds together. A matrix product stands in brackets beside a product of elements.

ADD, MATRIX, MULTIPLY, UNARY, POWER, ATOM = range(6)

_OPERATORS = {
    "add": ("{} + {}", ADD),
    "sub": ("{} - {}", ADD),
    "mul": ("{} * {}", MULTIPLY),
    "div": ("{} / {}", MULTIPLY),
    "reciprocal": ("1.0 / {}", MULTIPLY),
    "neg": ("-{}", UNARY),
    "square": ("{}**2", POWER),
    "identity": ("{}", ATOM),
    "detach": ("{}", ATOM),
}

_NUMPY = {
    "relu": "np.maximum({}, 0.0)", "exp": "np.exp({})", "expm1": "np.expm1({})", "log": "np.log({})",
    "log1p": "np.log1p({})", "sqrt": "np.sqrt({})", "sin": "np.sin({})", "cos": "np.cos({})", "tan": "np.tan({})",
    "asin": "np.arcsin({})", "acos": "np.arccos({})", "atan": "np.arctan({})", "atan2": "np.arctan2({}, {})",
    "sinh": "np.sinh({})", "cosh": "np.cosh({})", "tanh": "np.tanh({})", "abs": "np.abs({})", "sign": "np.sign({})",
    "maximum": "np.maximum({}, {})", "minimum": "np.minimum({}, {})", "hypot": "np.hypot({}, {})",
    "pow": "np.power({}, {})",
}  # fmt: skip

_UNARY = (
    "relu", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "abs",
    "erf", "erfc", "sigmoid",
)  # fmt: skip
_TORCH = {name: f"torch.{name}({{}})" for name in _UNARY}


@dataclass(frozen=True)
class Spelling:
    """One backend's way of writing.

    Parameters
    ----------
    prefix : of its array functions.
    calls : by the name of an op, its call.
    functions : the names of the ops that the backend has a function of its own for.
    folds : by the name of a fold, how an array is folded along axes, kept as units or not.
    keep : what is added to a fold that keeps its axes as units.
    transpose : how an array's axes are put in another order.
    full : how an array of a shape is made that holds one number everywhere, behind the prefix.
    mask : what a product with a step function is multiplied by.
    backwards : whether slices may run backwards.
    """

    prefix: str
    calls: Mapping[str, str]
    functions: frozenset[str]
    folds: Mapping[str, str] = field(
        default_factory=lambda: {
            "sum": "{}.sum({}{})",
            "max": "{}.max({}{})",
            "min": "{}.min({}{})",
            "logsumexp": "logsumexp({}, {}{})",
        }
    )
    keep: str = ", keepdims=True"
    transpose: str = "{}.transpose({})"
    full: str = "{}.full({}, {})"
    mask: str = "({} > 0.0)"
    backwards: bool = True

    def knows(self, name: str) -> bool:
        """Tell whether there is a way of writing an op; another one is defined by its formula."""
        return name in _OPERATORS or name in self.calls or name in self.functions

    def op(self, name: str) -> tuple[str, int]:
        """Return how an op is written, with a place for each operand, and how tightly that holds together."""
        if name in _OPERATORS:
            return _OPERATORS[name]
        return self.calls.get(name, name + "({}, {}, {})"), ATOM


# What has no function in an array library is in each backend's own module, under the op's name.
_SHAPED = {
    "clip",
    "elu",
    "gelu",
    "leaky_relu",
    "log_sigmoid",
    "same",
    "silu",
    "softplus",
    "step",
    "strong_mul",
    "where",
}
_OWN = frozenset({*_SHAPED, "erf", "erfc", "relu", "sigmoid"})

NUMPY = Spelling("np", _NUMPY, _OWN)
JAX = Spelling("jnp", {name: call.replace("np.", "jnp.") for name, call in _NUMPY.items()}, _OWN)
TORCH = Spelling(
    "torch",
    _TORCH,
    frozenset({*_SHAPED, "atan2", "hypot", "maximum", "minimum", "pow", "sign"}),
    folds={
        "sum": "{}.sum({}{})",
        "max": "{}.amax({}{})",
        "min": "{}.amin({}{})",
        "logsumexp": "{}.logsumexp({}{})",
    },
    keep=", keepdim=True",
    transpose="{}.permute({})",
    full="full({1}, {2})",
    mask="positive({})",
    backwards=False,
)
