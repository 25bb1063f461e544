"""What Levine's page prints and does not mean."""
# pyright: reportUnusedFunction=false
# The registry holds the errata; nothing calls them by name.

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from autograd_core.ops import dot, log
from autograd_core.value import Value
from nn.lectures.graph import slopes, values
from nn.lectures.item import Array, Miss, erratum
from nn.lectures.levine.nets import NEGATIVE, POSITIVE, Net, as_values, likelihood, propagate
from nn.lectures.levine.network import backward, forward, log_likelihood, output_slope, weight_slope

__all__: list[str] = []


def _output(net: Net) -> Array:
    return forward(net.weights, net.biases, net.x).activations[-1]


@erratum(
    "E-LEV-1",
    kind="m",
    lecture="levine",
    printed="By cases, the objective adds up 1 - h for label 0 and h for label 1.",
    right="It adds up log(1 - h) and log h, as the sum of log p before it and the cases of §2 do.",
    lesson="A product of probabilities becomes a sum by the logarithm. Without it the objective adds up probabilities, "
    "and its slope h(1 - h) vanishes where the network is surely wrong: just where y - h is largest.",
)
def _log_is_missing() -> Iterator[Miss]:
    for net in (POSITIVE, NEGATIVE):
        h, y = _output(net), net.y
        weights, biases = as_values(net)
        truth = cast("Value", likelihood(weights, biases, net.x.T.tolist(), y))
        sign = np.where(y == 1.0, 1.0, -1.0)
        case = f"y = {y.item():.0f}"
        likely = np.where(y == 1.0, h, 1.0 - h).reshape(())
        yield Miss(f"L, {case}", likely, np.array(log_likelihood(h, y)), np.array(truth.data))
        right = cast("Array", backward(net.weights, net.biases, net.x, y).biases[-1])
        yield Miss(f"dL/db(3), {case}", (sign * h * (1.0 - h))[:, 0], right, slopes(truth, biases[-1]))


@erratum(
    "E-LEV-2",
    kind="m",
    lecture="levine",
    printed="When dL/dz is derived, dL/dh is said to be known already, and to be 1 or -1.",
    right="It is 1/h or -1/(1 - h), as derived just before.",
    lesson="1 and -1 are the slopes of the objective without its log, so one slip carries the other on. With the right "
    "slope the factors of σ' cancel, and dL/dz is simply y - h.",
)
def _slope_is_no_sign() -> Iterator[Miss]:
    for net in (POSITIVE, NEGATIVE):
        h, y = _output(net), net.y
        leaf = Value(h.item())
        sign = np.where(y == 1.0, 1.0, -1.0)
        truth = slopes(log(leaf) if y.item() else log(1.0 - leaf), leaf)
        case = f"y = {y.item():.0f}"
        yield Miss(f"dL/dh, {case}", sign.reshape(()), output_slope(h, y).reshape(()), truth)
        z, outputs = propagate(*as_values(net), net.x[:, 0].tolist())
        p = cast("Value", log(outputs[-1][0]) if y.item() else log(1.0 - outputs[-1][0]))
        yield Miss(f"dL/dz, {case}", (sign * h * (1.0 - h))[:, 0], (y - h)[:, 0], slopes(p, z[-1]))


@erratum(
    "E-LEV-3",
    kind="m",
    lecture="levine",
    printed="z_i is said to depend on W_ij for j from 1 to M_1.",
    right="The range is j from 1 to M_0: a row of W has one entry for each input.",
    lesson="A row index runs over outputs and a column index over inputs. Shapes that are not square catch such a slip, "
    "and here M_0 = 3 and M_1 = 2.",
)
def _range_of_inputs() -> Iterator[Miss]:
    W, x = POSITIVE.weights[0], POSITIVE.x
    M1 = len(W)
    row = values(W[0], "W1")
    right = weight_slope(np.ones((1, 1)), x)[0]
    printed = np.where(np.arange(len(x)) < M1, right, 0.0)
    yield Miss("dz_1/dW_1", printed, right, slopes(cast("Value", dot(row, x[:, 0].tolist())), row))


erratum(
    "E-LEV-4",
    kind="n",
    lecture="levine",
    printed="df/dx = AB has a row for each result, and beside it dL/dW and dL/dh have the shapes of W and h.",
    right="Say which: with columns for gradients, the chain rule reads gradient = Jᵀg.",
    lesson="In one layout the chain multiplies Jacobians left to right, in the other transposed ones right to left. "
    "Mixed, a column of M entries would be multiplied by an M by M matrix, which has no meaning.",
)(None)

erratum(
    "E-LEV-5",
    kind="n",
    lecture="levine",
    printed="The objective of a network is said to be not convex.",
    right="The objective here is maximised, and what it lacks is to be concave; -L is what is not convex.",
    lesson="Climbing is safe on concave functions, descending on convex ones. Logistic regression's log-likelihood is "
    "concave, so it is not convex either, and yet easy to climb.",
)(None)

erratum(
    "E-LEV-6",
    kind="n",
    lecture="levine",
    printed="Several data points are promised for later, and never come.",
    right="L is a sum over the data points, so its slopes are the sums of theirs.",
    lesson="That the derivative of a sum is the sum of the derivatives is all that a batch needs: with a column for "
    "each point, the product dL/dz hᵀ adds them up.",
)(None)
