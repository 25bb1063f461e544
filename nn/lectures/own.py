"""A user's own network in a lecture's notation: autograd beside the lecture's formulas, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from autograd_core.errors import ArgumentError
from autograd_core.op import OPS
from autograd_core.ops import dot, log, logsumexp, square, sum
from autograd_core.value import Number, Value
from nn.lectures.graph import Nested, central, data, slopes, values
from nn.lectures.item import Array, Comparison
from nn.lectures.registry import checked_lecture
from nn.lectures.report import Line, Report
from nn.module import Module
from nn.neuron import MLP, Layer, Neuron, Sequential

__all__ = ["compare_own"]

MANY = 20_000
"""So many runs of the network central differences may take; beyond that their column stays empty."""

Loss: TypeAlias = Callable[[Sequence[Number], Sequence[Number], Sequence[float]], Number]
"""One sample's loss, from the last layer's pre-activations and activations and the labels."""


# ---------------------------------------------------------------- the losses, as graphs


def _log_likelihood(_z: Sequence[Number], h: Sequence[Number], y: Sequence[float]) -> Number:
    return sum([log(p) if label == 1.0 else log(1.0 - p) for p, label in zip(h, y, strict=True)])


def _binary_nll(z: Sequence[Number], h: Sequence[Number], y: Sequence[float]) -> Number:
    return -1.0 * _log_likelihood(z, h, y)


def _softmax_of_activations(_z: Sequence[Number], h: Sequence[Number], y: Sequence[float]) -> Number:
    return logsumexp(h) - dot([(label + 1.0) / 2.0 for label in y], h)


def _half_squares(_z: Sequence[Number], h: Sequence[Number], y: Sequence[float]) -> Number:
    return 0.5 * sum([square(o - t) for o, t in zip(h, y, strict=True)])


def _softmax_of_scores(z: Sequence[Number], _h: Sequence[Number], y: Sequence[float]) -> Number:
    return logsumexp(z) - dot(y, z)


def _squares(_z: Sequence[Number], h: Sequence[Number], y: Sequence[float]) -> Number:
    return sum([square(a - t) for a, t in zip(h, y, strict=True)])


# ---------------------------------------------------------------- what each notation can express


@dataclass(frozen=True)
class _Notation:
    """What a lecture's forms take, and what they call it.

    Parameters
    ----------
    loss : the loss of one sample.
    labels : the coding of y: "0/1", "±1", "one-hot" or "numbers".
    scores : whether the softmax is the loss's, so that the model gives scores and the lecture's last layer is called "softmax".
    delta_of : which of a layer's two numbers the lecture's delta is the slope of.
    said : its conventions in words.
    """

    loss: Loss
    labels: str
    said: str
    scores: bool = False
    delta_of: str = "pre-activation"


NOTATIONS = {
    "levine": _Notation(_log_likelihood, "0/1", "log-likelihood, summed over the data, to be maximised; columns; W is (out, in)"),
    "ai50021": _Notation(
        _softmax_of_activations, "±1",
        "softmax of the activated outputs, negative log-likelihood summed over samples; rows; W is (in, out); "
        "its delta is the slope by the activation", delta_of="activation",
    ),
    "malik": _Notation(_half_squares, "numbers", "½ Σ (o - y)², summed over outputs and samples; rows; w is (in, out)"),
    "lai": _Notation(
        _softmax_of_scores, "one-hot", "softmax and cross-entropy, mean over the samples; rows; W is (in, out); its delta is that of one sample",
        scores=True,
    ),
    "mit6036": _Notation(_squares, "numbers", "Σ (A - Y)² without ½, summed over samples; columns; W is (in, out)"),
}  # fmt: skip

WITH_SIGMOID = {
    "lai": _Notation(
        _binary_nll, "0/1", "sigmoid and cross-entropy, mean over the samples; rows; W is (in, out); its delta is that of one sample"
    ),
    "mit6036": _Notation(_binary_nll, "0/1", "NLL of sigmoid outputs, summed over samples; columns; W is (in, out)"),
}  # fmt: skip
"""The loss that goes with sigmoid outputs, in the lectures that have another one for other outputs."""


def _rules(notation: str, parts: Sequence[_Part]) -> _Notation:
    plain = NOTATIONS[notation]
    return WITH_SIGMOID.get(notation, plain) if parts[-1].activation == "sigmoid" else plain


# ---------------------------------------------------------------- the model, taken apart


@dataclass(frozen=True)
class _Part:
    """One layer of the user's model; weights (out, in)."""

    neurons: tuple[Neuron, ...]
    activation: str

    def weights(self) -> list[tuple[Value, ...]]:
        return [neuron.w for neuron in self.neurons]

    def biases(self) -> list[Value] | None:
        found = [neuron.b for neuron in self.neurons if neuron.b is not None]
        return found if len(found) == len(self.neurons) else None


def _parts_of(model: Module) -> list[_Part]:
    """Return the layers of a model that is nothing but layers of neurons in a row."""
    modules: Sequence[object] = (
        model.layers if isinstance(model, MLP) else model.modules if isinstance(model, Sequential) else [model]
    )
    parts: list[_Part] = []
    for module in modules:
        if isinstance(module, MLP):
            parts += _parts_of(module)
        elif isinstance(module, Layer) and module.softmax:
            raise ArgumentError(
                f"{module!r} ends in a softmax, which no neuron has by itself: give it the activation 'identity' (where "
                "a lecture has a softmax, it is part of the loss)"
            )
        elif isinstance(module, Layer | Neuron):
            parts.append(_part(module.neurons if isinstance(module, Layer) else (module,), module))
        else:
            raise ArgumentError(f"{module!r} is no layer of neurons: compare an MLP, or a Sequential of Layers")
    return parts


def _part(neurons: tuple[Neuron, ...], module: Module) -> _Part:
    (activation,) = {neuron.activation for neuron in neurons} if len({n.activation for n in neurons}) == 1 else {None}
    if not isinstance(activation, str):
        raise ArgumentError(
            f"{module!r} has no single activation with a name: give all its neurons the same, such as 'tanh'"
        )
    if len({neuron.b is None for neuron in neurons}) != 1:
        raise ArgumentError(f"some neurons of {module!r} have a bias and some have none: give all one, or none")
    return _Part(neurons, activation)


# ---------------------------------------------------------------- the user's data


def _rows(name: str, array: ArrayLike, width: int) -> Array:
    """Return data as a matrix with one sample in each row."""
    try:
        matrix = np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} is no array of numbers: pass one row for each sample") from None
    if matrix.ndim == 1:
        matrix = matrix[None, :] if matrix.size == width else matrix[:, None] if width == 1 else matrix
    if matrix.ndim != 2 or matrix.shape[1] != width or not matrix.shape[0]:
        raise ArgumentError(
            f"{name} has the shape {np.shape(array)}: pass rows of {width} numbers, one row for each sample"
        )
    if not np.isfinite(matrix).all():
        raise ArgumentError(f"{name} holds numbers that are not finite: leave out those samples")
    return matrix


def _labels(y: ArrayLike, coding: str, samples: int, width: int) -> tuple[Array, list[str]]:
    """Return the labels in the coding of the lecture, one row for each sample, and what was converted."""
    array = np.asarray(y)
    if array.dtype.kind not in "fiub":
        raise ArgumentError(
            f"y is {y!r:.60}, no array of numbers: pass classes from 0, rows of 0 and 1, or rows of numbers"
        )
    notes: list[str] = []
    if (
        coding in ("one-hot", "±1")
        and width > 1
        and array.ndim <= 1
        and array.size == samples
        and not (samples == 1 and array.size == width)
    ):
        if not np.isin(array, np.arange(width)).all():
            raise ArgumentError(f"y has classes {np.unique(array).tolist()}: number them from 0 to {width - 1}")
        array = np.eye(width)[np.atleast_1d(array).astype(int)]
        notes.append("the classes in y were written one-hot")
    rows = _rows("y", array, width)
    if rows.shape[0] != samples:
        raise ArgumentError(f"y has {rows.shape[0]} rows and x has {samples}: pass one of each for every sample")
    if coding == "numbers":
        return rows, notes
    low = 0.0 if coding in ("0/1", "one-hot") else -1.0
    other = -1.0 if low == 0.0 else 0.0
    if not np.isin(rows, (low, other, 1.0)).all() or (low in rows and other in rows):
        raise ArgumentError(f"y has the labels {np.unique(rows).tolist()}: this lecture codes them {low:g} and 1")
    if other in rows:
        rows = np.where(rows == other, low, rows)
        notes.append(f"labels {other:g} in y were written {low:g}, as this lecture does")
    if coding != "0/1" and (np.sum(rows == 1.0, axis=1) != 1).any():
        raise ArgumentError("some row of y has not exactly one 1: this lecture's classes exclude each other")
    return rows, notes


# ---------------------------------------------------------------- the comparison


def compare_own(model: Module, x: ArrayLike, y: ArrayLike, notation: str) -> Report:
    """Return every quantity of a network in one lecture's notation, from its graph and from the lecture's formulas.

    Parameters
    ----------
    model : an MLP, a Layer, a Neuron, or a Sequential of these.
    x : the samples, of shape (samples, in); one sample may be a plain row.
    y : what they should give, of shape (samples, out), or one class from 0 for each.
    notation : the lecture's name.

    Raises
    ------
    ArgumentError : an unknown lecture, a network or labels that its notation cannot express, data of another shape.

    >>> report = compare_own(MLP(2, [3, 1], "tanh", "tanh", rng=0), [[0.5, -1.0]], [[0.25]], "malik")
    >>> report.agrees
    True
    """
    if checked_lecture(notation) not in NOTATIONS:
        raise ArgumentError(f"{notation!r} has no notation of its own: choose one of {', '.join(NOTATIONS)}")
    lecture = cast("Any", import_module(f"nn.lectures.{notation}"))
    parts = _parts_of(model)
    rules = _rules(notation, parts)
    xs = _rows("x", x, len(parts[0].neurons[0].w))
    ys, notes = _labels(y, rules.labels, len(xs), len(parts[-1].neurons))
    weights, biases = [data(part.weights()) for part in parts], [_data_or_none(part.biases()) for part in parts]
    oriented = _Oriented(lecture.NOTATION)
    arguments = [oriented.weights(w) for w in weights], biases, oriented.samples(xs)
    names = _activations(parts, rules, notation)
    trace = lecture.forward(*arguments, names)
    found = lecture.backward(*arguments, oriented.samples(ys), names)
    graph = _Graph(parts, xs, ys, rules.loss, mean=oriented.mean)
    lines = _lines(oriented, trace, found, graph, rules)
    said = f"{notation}: {rules.said}"
    return Report(
        f"your network in the notation of {notation}",
        tuple([Line(notation, line) for line in lines]),
        (said, *notes, *graph.notes),
    )


def _data_or_none(biases: list[Value] | None) -> Array | None:
    return None if biases is None else data(biases)


def _activations(parts: Sequence[_Part], rules: _Notation, notation: str) -> list[str]:
    """Return the activations as the lecture is told them: scores are the input of its softmax."""
    names = [part.activation for part in parts]
    if rules.scores:
        if names[-1] != "identity":
            raise ArgumentError(
                f"the last layer's activation is {names[-1]!r}, and {notation}'s network ends in a softmax of scores: "
                "give the model output='identity', the softmax is part of the loss"
            )
        names[-1] = "softmax"
    return names


class _Oriented:
    """Between rows and (out, in), as here, and what a lecture has."""

    def __init__(self, letters: dict[str, str]) -> None:
        self.letters = letters
        self.columns = "columns" in (letters.get("data"), letters.get("samples"))
        self.inward = letters["layout"] == "(in, out)"
        self.mean = "mean" in (letters.get("scale"), letters.get("reduction"))

    def samples(self, rows: Array) -> Array:
        return rows.T if self.columns else rows

    def weights(self, matrix: Array) -> Array:
        return matrix.T if self.inward else matrix


class _Graph:
    """The user's network on the user's data as one graph, and the slopes of its loss."""

    def __init__(self, parts: Sequence[_Part], xs: Array, ys: Array, loss: Loss, *, mean: bool) -> None:
        self.parts, self.xs, self.ys, self.loss_of, self.mean = parts, xs, ys, loss, mean
        self.z: list[list[list[Value]]] = [[] for _ in parts]
        self.h: list[list[list[Value]]] = [[] for _ in parts]
        self.notes: list[str] = []
        losses: list[Number] = []
        for row, labels in zip(xs.tolist(), ys.tolist(), strict=True):
            h: Sequence[Any] = values(row)
            for layer, part in enumerate(parts):
                z = _pre_activations(part.weights(), part.biases(), h)
                h = [_activated(part.activation, s) for s in z]
                self.z[layer].append(cast("list[Value]", z))
                self.h[layer].append(cast("list[Value]", h))
            losses.append(loss(self.z[-1][-1], self.h[-1][-1], labels))
        self.loss = cast("Value", self._reduced(losses))

    def _reduced(self, losses: Sequence[Number]) -> Number:
        total = sum(losses)
        return total / len(losses) if self.mean else total

    def central(self, layer: int, *, bias: bool) -> Array | None:
        """Return the central differences of one layer's weights or biases, if that does not take too long."""
        part = self.parts[layer]
        at = data(part.biases() if bias else part.weights())
        runs = len(self.xs) * np.sum([len(p.neurons) * (len(p.neurons[0].w) + 1) for p in self.parts])
        if runs > MANY:
            self.notes = [f"central differences of {runs:,.0f} products would take long and were left out"]
            return None
        return central(lambda moved: self._loss_with(layer, moved, bias=bias), at)

    def _loss_with(self, layer: int, moved: Nested, *, bias: bool) -> Number:
        weights = [data(part.weights()).tolist() for part in self.parts]
        biases = [None if b is None else b.tolist() for b in [_data_or_none(part.biases()) for part in self.parts]]
        (biases if bias else weights)[layer] = moved
        losses: list[Number] = []
        for row, labels in zip(self.xs.tolist(), self.ys.tolist(), strict=True):
            h: Sequence[Number] = row
            z: Sequence[Number] = row
            for part, w, b in zip(self.parts, weights, biases, strict=True):
                z = _pre_activations(w, b, h)
                h = [_activated(part.activation, s) for s in z]
            losses.append(self.loss_of(z, h, labels))
        return self._reduced(losses)


def _pre_activations(weights: Nested, biases: Nested, x: Iterable[Any]) -> list[Number]:
    x = tuple(x)
    return [dot(w, x) if biases is None else dot(w, x) + biases[j] for j, w in enumerate(weights)]


def _activated(name: str, z: Number) -> Number:
    return cast("Any", OPS[name])(z)


def _lines(oriented: _Oriented, trace: Any, found: Any, graph: _Graph, rules: _Notation) -> list[Comparison]:
    letters = oriented.letters
    z, a, w, b = (letters.get(k, k[0]) for k in ("pre-activation", "activation", "weight", "bias"))
    loss = letters["loss"].removeprefix("\\mathcal ")
    lines = [Comparison(loss, np.asarray(found.loss), np.asarray(graph.loss.data))]
    samples = len(graph.xs) if oriented.mean else 1  # the delta of one sample has no part in the mean
    for layer in range(len(graph.parts)):
        n = layer + 1
        lines.append(Comparison(f"{z}{n}", trace.pre_activations[layer], oriented.samples(data(graph.z[layer]))))
        if not (rules.scores and n == len(graph.parts)):
            lines.append(Comparison(f"{a}{n}", trace.activations[n], oriented.samples(data(graph.h[layer]))))
        delta_of = graph.z[layer] if rules.delta_of == "pre-activation" else graph.h[layer]
        name = z if rules.delta_of == "pre-activation" else a
        lines.append(
            Comparison(
                f"δ{n} = ∂{loss}/∂{name}{n}",
                found.deltas[layer],
                oriented.samples(samples * slopes(graph.loss, delta_of)),
            )
        )
        part = graph.parts[layer]
        numeric = graph.central(layer, bias=False)
        lines.append(
            Comparison(
                f"∂{loss}/∂{w}{n}", found.weights[layer], oriented.weights(slopes(graph.loss, part.weights())),
                None if numeric is None else oriented.weights(numeric),
            )
        )  # fmt: skip
        biases = part.biases()
        if biases is not None:
            lines.append(
                Comparison(
                    f"∂{loss}/∂{b}{n}", found.biases[layer], slopes(graph.loss, biases), graph.central(layer, bias=True)
                )
            )
    return lines
