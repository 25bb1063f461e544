"""Every error that autograd-core raises, in one tree.

    AutogradError
    ├── OperandTypeError    (TypeError)        something that is no real number met a Value
    │   └── GraphCutError                      float(v), math.sin(v): the graph would be lost silently
    ├── ArgumentError       (ValueError)       a right type with a wrong value, length or name
    │   └── UnconnectedError                   a derivative was asked for where no path leads
    ├── ImmutableNodeError  (AttributeError)   a recorded result was assigned to
    ├── StaleGraphError     (RuntimeError)     a leaf changed between recording and the sweep
    ├── AnomalyError        (ArithmeticError)  the first nan or infinity, under detect_anomaly()
    ├── RenderError         (RuntimeError)     Graphviz could not draw a picture
    ├── PeerError           (ConnectionError)  another process of a run on several of them is gone
    ├── GradcheckError      (AssertionError)   a derivative and its finite difference disagree
    └── MissingExtraError   (ImportError)      an optional dependency is not installed

Each message names the offending value and says how to mend it; whoever raises one leaves every graph,
parameter and gradient as it was. The second base is the built-in that Python users would expect, so both
``except AutogradError`` and ``except TypeError`` do what they say.
"""

__all__ = [
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
]


class AutogradError(Exception):
    """The root of the tree: catch this to catch everything that this project raises on purpose."""


class OperandTypeError(AutogradError, TypeError):
    """Something that is not a real number was used as one."""


class GraphCutError(OperandTypeError):
    """A conversion would take the number out of a Value and lose the graph behind it."""


class ArgumentError(AutogradError, ValueError):
    """An argument has the right type but a value, length or name that cannot work."""


class UnconnectedError(ArgumentError):
    """A strict gradient was asked for with respect to something that the result does not depend on."""


class ImmutableNodeError(AutogradError, AttributeError):
    """The number of a recorded result, or of a constant, was assigned to."""


class StaleGraphError(AutogradError, RuntimeError):
    """A leaf was changed after an op had used it, so that the recorded numbers no longer hold."""


class AnomalyError(AutogradError, ArithmeticError):
    """A nan or an infinity appeared where only finite numbers went in."""


class RenderError(AutogradError, RuntimeError):
    """Graphviz, or what makes a PDF of its picture, ended with an error."""


class PeerError(AutogradError, ConnectionError):
    """Another process of a run on several of them has ended, cannot be reached, or does something else."""


class GradcheckError(AutogradError, AssertionError):
    """A derivative differs from its finite difference, or cannot be compared with one."""


class MissingExtraError(AutogradError, ImportError):
    """A feature needs an optional dependency that is not installed."""
