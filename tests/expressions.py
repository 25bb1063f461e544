"""Random programs for Hypothesis: up to 200 instructions over a few inputs, each free to use any earlier result.

A program is written once and run on any *namespace* of functions: autograd_core's ops, or HIPS autograd's NumPy.

Every instruction takes numbers from [-1, 1] to [-1, 1] and has first and second derivatives of moderate size there, so
that no program of any length overflows, leaves a domain, or makes a small difference of large numbers: what two correct
engines compute for it differs by a few roundings. The result is the mean of everything that nothing else used, so that
gradients do not fade to nothing over a long program.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import autograd.numpy as hips
from autograd.scipy.special import erf as hips_erf
from autograd.scipy.special import logsumexp as hips_logsumexp
from hypothesis import strategies as st

import autograd_core
from autograd_core import Value, topological_order

__all__ = ["HIPS", "OURS", "Program", "close_to_a_kink", "programs"]

OURS = autograd_core


def _on_rows(f: Callable) -> Callable:
    return lambda row: f(hips.array(row))


HIPS = SimpleNamespace(
    **{name: getattr(hips, name) for name in ("exp", "expm1", "log", "log1p", "sqrt", "square", "sin", "cos", "tan")},
    **{name: getattr(hips, name) for name in ("sinh", "cosh", "tanh", "maximum", "minimum", "where")},
    **{name: _on_rows(getattr(hips, name)) for name in ("sum", "mean", "max", "min")},
    abs=lambda x: x * hips.sign(x),  # the second derivative of HIPS's own is 1/|x| - 1/|x|: noise near 0
    atan=hips.arctan,
    asin=hips.arcsin,
    atan2=hips.arctan2,
    erf=hips_erf,
    hypot=lambda a, b: hips.sqrt(a * a + b * b),
    sigmoid=lambda x: 1.0 / (1.0 + hips.exp(-x)),
    softplus=lambda x: hips.logaddexp(0.0, x),
    relu=lambda x: hips.where(x > 0.0, x, 0.0),
    clip=hips.clip,
    pow=lambda a, b: hips.exp(b * hips.log(a)),  # the second derivative of HIPS's own a**b is wrong at b = 0
    dot=lambda ws, xs: hips.dot(hips.array(ws), hips.array(xs)),
    logsumexp=_on_rows(hips_logsumexp),
    softmax=lambda row: hips.exp(hips.array(row)) / hips.sum(hips.exp(hips.array(row))),
)

# Instructions on two earlier results (the second may be ignored), and on two rows of them.
SCALAR: dict[str, Callable] = {
    "add": lambda m, a, b: (a + b) / 2,
    "add a float": lambda m, a, b: (a + 0.5) / 1.5,
    "add to a float": lambda m, a, b: (-0.5 + a) / 1.5,
    "sub": lambda m, a, b: (a - b) / 2.0,
    "sub a float": lambda m, a, b: (a - 0.25) / 1.25,
    "sub from a float": lambda m, a, b: (1 - a) / 2,
    "mul": lambda m, a, b: a * b,
    "mul a float": lambda m, a, b: 0.9 * a * 1.1,
    "div": lambda m, a, b: a / (2 + b),
    "div a float": lambda m, a, b: 1 / (2 - a),
    "pow": lambda m, a, b: m.pow(2.0 + a, b) / 3,
    "pow of a float": lambda m, a, b: 2.0**a / 2,
    "cube": lambda m, a, b: a**3,
    "neg": lambda m, a, b: -a,
    "abs": lambda m, a, b: m.abs(a),
    "square": lambda m, a, b: m.square(a),
    "sqrt": lambda m, a, b: m.sqrt(2 + a) / 2,
    "hypot": lambda m, a, b: m.hypot(a, 2 + b) / 3.2,
    "exp": lambda m, a, b: m.exp(a) / 3,
    "expm1": lambda m, a, b: m.expm1(a) / 2,
    "log": lambda m, a, b: m.log(2 + a) / 1.1,
    "log1p": lambda m, a, b: m.log1p(a / 2),
    "sin": lambda m, a, b: m.sin(2 * a),
    "cos": lambda m, a, b: m.cos(2 * a),
    "tan": lambda m, a, b: m.tan(a / 2),
    "atan": lambda m, a, b: m.atan(a),
    "asin": lambda m, a, b: m.asin(a / 2),
    "atan2": lambda m, a, b: m.atan2(a, 2 + b),
    "sinh": lambda m, a, b: m.sinh(a) / 2,
    "cosh": lambda m, a, b: m.cosh(a) - 1,
    "tanh": lambda m, a, b: m.tanh(2 * a),
    "erf": lambda m, a, b: m.erf(a),
    "sigmoid": lambda m, a, b: m.sigmoid(a),
    "softplus": lambda m, a, b: m.softplus(a) / 1.4,
    "relu": lambda m, a, b: m.relu(a),
    "maximum": lambda m, a, b: m.maximum(a, b),
    "minimum": lambda m, a, b: m.minimum(a, b),
    "clip": lambda m, a, b: m.clip(a, -0.5, 0.5),
    "where": lambda m, a, b: m.where(a > b, a, b * b),
}
ROWS: dict[str, Callable] = {
    "sum": lambda m, xs, ys: m.sum(xs) / len(xs),
    "mean": lambda m, xs, ys: m.mean(xs),
    "dot": lambda m, xs, ys: m.dot(xs, ys) / len(xs),
    "dot with itself": lambda m, xs, ys: m.dot(xs, xs) / len(xs),
    "max": lambda m, xs, ys: m.max(xs),
    "min": lambda m, xs, ys: m.min(xs),
    "logsumexp": lambda m, xs, ys: m.logsumexp(xs) / 3,
    "softmax": lambda m, xs, ys: m.softmax(xs)[0],
}
WIDTH = 4  # of every row; a new one is made after so many instructions, and those between share it


@dataclass(frozen=True)
class Program:
    """Instructions by name, each with two numbers that choose its operands among what there is by then."""

    at: tuple[float, ...]
    steps: tuple[tuple[str, int, int], ...]

    def __call__(self, m: object, xs: Sequence) -> list:
        """Run on a namespace and return every number computed, inputs first, the overall result last."""
        results = list(xs)
        rows = [tuple(results[i % len(results)] for i in range(WIDTH))]
        used: set[int] = set()
        for name, first, second in self.steps:
            if name in SCALAR:
                i, j = first % len(results), second % len(results)
                used |= {i, j}
                results.append(SCALAR[name](m, results[i], results[j]))
            else:
                results.append(ROWS[name](m, rows[first % len(rows)], rows[second % len(rows)]))
            if len(results) % WIDTH == 0:
                rows.append(tuple(results[-WIDTH:]))
        unused = [result for i, result in enumerate(results) if i not in used]
        return [*results, m.mean([*unused, results[-1]])]


@st.composite
def programs(draw: st.DrawFn, longest: int = 200) -> Program:
    """Draw a program and where to differentiate it."""
    length = draw(st.integers(1, longest))
    choice = st.integers(0, 9999)
    step = st.tuples(st.sampled_from([*SCALAR, *ROWS]), choice, choice)
    at = draw(st.lists(st.floats(-1.0, 1.0, width=32), min_size=2, max_size=5))
    return Program(tuple(at), tuple(draw(st.lists(step, min_size=length, max_size=length))))


def close_to_a_kink(y: Value) -> bool:
    """Tell whether some op below y is so close to its kink that one rounding decides on which side: no exact tie is."""
    for node in topological_order(y):
        if node.op is not None and node.op.kink is not None:
            operands = [[v.data for v in arg] if isinstance(arg, tuple) else arg.data for arg in node.operands]
            if 0.0 < abs(node.op.kink.margin(*operands)) < 1e-9:
                return True
    return False
