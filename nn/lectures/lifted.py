"""Networks built from scalars and lifted to arrays, whose program is held against a lecture's formula, symbol by symbol.

The lecture's side is a formula in `algebra`, written from the page. The other side is what `autograd_core.lift` finds in
the scalars' graph. Both are put in normal form, written out down to data and parameters, and have to be equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from autograd_core.lift import lift
from autograd_core.lift.formula import statement_lines
from autograd_core.lift.matrices import Leaf, Matrix, matrices, parts_of
from autograd_core.lift.trace import Shape, Size
from autograd_core.value import Value
from nn.lectures.algebra import Algebra, Formula, Normal, applied, name, softmax
from nn.lectures.graph import Nested
from nn.lectures.item import Lifted

__all__ = ["LiftedNet", "derivative", "lifted_net"]

SIZES = (3, 4, 2, 5, 3)
"""The widths of the network of four layers, all its neighbours different; shallower ones begin with the same."""

Loss = Callable[[Sequence[Nested], Sequence[Nested], Nested, Nested], Value]
"""A function of weights, biases, one sample and its target: the scalars' side."""


@dataclass(frozen=True)
class LiftedNet:
    """A lifted network beside the lecture's letters for it.

    Parameters
    ----------
    x, y : the data, as the lecture lays them out.
    weights, biases : of each layer, in the layout of the lecture; biases are columns.
    columns : whether the lecture has a column for each sample, where the program has a row.
    activations : the name of each layer's.
    lines : of the program, by the array that each fills: its source, and its LaTeX.
    matrices : what each line says in matrix algebra.
    outputs : the array that holds the gradient of each parameter.
    """

    x: Formula
    y: Formula
    weights: tuple[Formula, ...]
    biases: tuple[Formula, ...]
    columns: bool
    activations: tuple[str, ...]
    lines: dict[str, tuple[str, str]]
    matrices: dict[str, Matrix]
    outputs: dict[str, str]

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return len(self.weights)

    def states(
        self, layer: Callable[[Formula, Formula, Formula | None], Formula]
    ) -> tuple[list[Formula], list[Formula]]:
        """Return z of each layer, and a of each with x before them, by a lecture's formula for z from a, W and b."""
        z: list[Formula] = []
        a = [self.x]
        for i, W in enumerate(self.weights):
            z.append(layer(a[-1], W, self.biases[i] if self.biases else None))
            softened = self.activations[i] == "softmax"
            a.append(softmax(z[-1], SIZES[i + 1]) if softened else applied(self.activations[i], z[-1]))
        return z, a

    def holds(self, quantity: str, formula: str, values: Sequence[Formula]) -> Lifted:
        """Return whether the program computes some quantities, each somewhere, in whole samples.

        Parameters
        ----------
        quantity, formula : what the lecture calls them, and how it writes them.
        values : the formula, filled in, for each layer.
        """
        algebra = Algebra(self.matrices)
        places: dict[Normal, str] = {}
        for array, matrix in self.matrices.items():
            for part in parts_of(matrix):
                places.setdefault(algebra.normal(part), array)
        found = [places.get(algebra.normal(value.matrix, transposed=self.columns), "") for value in values]
        return self._row(quantity, formula, found)

    def has_gradients(
        self, quantity: str, formula: str, values: Sequence[Formula], *, of: str, scale: Formula | None = None
    ) -> Lifted:
        """Return whether the program's gradients, by the parameters of that letter, are what a lecture says.

        Parameters
        ----------
        scale : what the sum over the samples is divided by, if the lecture's loss is a mean.
        """
        algebra = Algebra(self.matrices)
        found: list[str] = []
        for i, value in enumerate(values, start=1):
            array = self.outputs[f"{of}{i}"]
            ours = Formula(Leaf(array)) if scale is None else Formula(Leaf(array)) / scale
            found.append(array if algebra.normal(ours.matrix) == algebra.normal(value.matrix) else "")
        return self._row(quantity, formula, found)

    def _row(self, quantity: str, formula: str, found: Sequence[str]) -> Lifted:
        lines = [self.lines[array] for array in dict.fromkeys(found) if array]
        layers = "1 layer" if self.depth == 1 else f"{self.depth} layers"
        sources, typeset = tuple([source for source, _ in lines]), tuple([latex for _, latex in lines])
        return Lifted(f"{quantity}, {layers}", formula, sources, typeset, bool(found) and all(found))


def lifted_net(
    loss: Loss, activations: Sequence[str], *, out_in: bool, columns: bool, biased: bool = True
) -> LiftedNet:
    """Return the network of so many layers, built from scalars by a loss of one sample, and lifted.

    Parameters
    ----------
    out_in : whether weights have the layout (out, in), not (in, out).
    columns : whether the lecture has a column for each sample.
    """
    sizes = SIZES[: len(activations) + 1]
    shapes: dict[str, Shape] = {
        f"W{i}": (n, m) if out_in else (m, n) for i, (m, n) in enumerate(pairwise(sizes), start=1)
    }
    biases: dict[str, Shape] = {f"b{i}": (n,) for i, n in enumerate(sizes[1:], start=1)} if biased else {}
    params = {key: _leaves(shape) for key, shape in {**shapes, **biases}.items()}

    def of_sample(x: Nested, y: Nested) -> Value:
        return loss([params[key] for key in shapes], [params[key] for key in biases], x, y)

    inputs: dict[str, Size] = {"x": sizes[0], "y": sizes[-1]}
    program = lift(of_sample, inputs=inputs, params=params)
    routine = program._routine("source")
    arrays = [routine.arrays[statement.out].name for statement in routine.statements]
    sources = [line.strip() for line in program.source.splitlines() if " = " in line]
    latex = [f"{left} = {right}" for left, right in statement_lines(routine)]
    known = dict(zip(arrays, matrices(routine), strict=True))
    return LiftedNet(
        x=_laid_out("x", columns=columns),
        y=_laid_out("y", columns=columns),
        weights=tuple([name(key) for key in shapes]),
        biases=tuple([name(key) for key in biases]),
        columns=columns,
        activations=tuple(activations),
        lines=dict(zip(arrays, zip(sources, latex, strict=True), strict=True)),
        matrices={array: matrix for array, matrix in known.items() if matrix is not None},
        outputs={output.name: routine.arrays[output.parts[0]].name for output in routine.outputs},
    )


def derivative(activation: str, a: Formula, z: Formula) -> Formula:
    """Return g'(z): a (1 - a) of the logistic function, 1 - a² of tanh, [z > 0] of ReLU, 1 of the identity."""
    match activation:
        case "sigmoid":
            return a * (1.0 - a)
        case "tanh":
            return 1.0 - a * a
        case "relu":
            return applied("step", z)
        case _:
            return a * 0.0 + 1.0


def _laid_out(data: str, *, columns: bool) -> Formula:
    return name(data).T if columns else name(data)


def _leaves(shape: Shape) -> Nested:
    """Return Values in nested lists; what numbers they have does not matter to a program."""
    if not shape:
        return Value(0.5)
    return [_leaves(shape[1:]) for _ in range(shape[0])]
