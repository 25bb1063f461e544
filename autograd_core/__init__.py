"""A scalar reverse-mode autodiff engine: every number and every step of the chain rule in sight.

>>> from autograd_core import Value, tanh
>>> a, b = Value(2.0, label="a"), Value(-0.5, label="b")
>>> y = tanh(a * b + 1)
>>> y.backward()
>>> a.grad, b.grad
(-0.5, 2.0)
"""

from autograd_core import ops
from autograd_core.backward import gradients
from autograd_core.check import gradcheck
from autograd_core.derive import derive
from autograd_core.draw import draw, save
from autograd_core.errors import (
    AnomalyError,
    ArgumentError,
    AutogradError,
    GradcheckError,
    GraphCutError,
    ImmutableNodeError,
    MissingExtraError,
    OperandTypeError,
    PeerError,
    RenderError,
    StaleGraphError,
    UnconnectedError,
)
from autograd_core.graph import topological_order
from autograd_core.lift import lift as lift  # the function takes the place of the package of that name
from autograd_core.modes import detect_anomaly, no_grad, scope
from autograd_core.ops import *  # every op of the table is a public function
from autograd_core.stepper import (
    step as step,  # takes the place of the op of that name, which is ops.step and Value.step
)
from autograd_core.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd_core.value import Value

__version__ = "0.1.0"

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll] - the ops' names come from the table
    "AnomalyError",
    "ArgumentError",
    "AutogradError",
    "GradcheckError",
    "GraphCutError",
    "ImmutableNodeError",
    "MissingExtraError",
    "OperandTypeError",
    "PeerError",
    "RenderError",
    "StaleGraphError",
    "UnconnectedError",
    "Value",
    "derive",
    "detect_anomaly",
    "draw",
    "grad",
    "gradcheck",
    "gradients",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "lift",
    "no_grad",
    "save",
    "scope",
    "topological_order",
    "value_and_grad",
    "vjp",
    *ops.__all__,
]
