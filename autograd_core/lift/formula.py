r"""Formulas: a routine in LaTeX, one line a statement, as matrix algebra where it is that and with indices where not.

Rows are samples. Functions, fractions and powers go element by element, and so does ⊙; a derivative by an array is that
array with an upright d. Indices count from 0, as in the program's source, and s counts the samples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from autograd_core import ops
from autograd_core.lift.axes import Indices
from autograd_core.lift.ir import Apply, Array, Contract, Expression, Number, Routine, View, views_in
from autograd_core.lift.matrices import (
    Constant,
    Elementwise,
    Leaf,
    Matrix,
    Ones,
    Product,
    RowFold,
    Transposed,
    is_scalar,
    matrices,
    parts_of,
)
from autograd_core.lift.trace import Shape
from autograd_core.notation import LATEX, Form, Slot, Written
from autograd_core.op import APPLICATION, CLOSED, POWER, PRODUCT, SUM, Op
from autograd_core.spelling import spelling_of

__all__ = ["formula_of", "latex_name", "matrix_latex", "statement_lines"]

ATOM = CLOSED + 1
LETTERS = "sijklpqruvwabcegmoyz"
"""Of the samples, and of the digits; those that an array is called by are left out."""

LONGEST_ROW = 8
NOTE = r"&\text{rows are samples; } \odot \text{, functions, powers and fractions go element by element}"

_HADAMARD = Form([Slot(0, PRODUCT, opens=True), r" \odot ", Slot(1, PRODUCT, opens=False)], PRODUCT)
_MATRIX_FORMS: dict[Op, Form] = {
    ops.mul: _HADAMARD,
    ops.strong_mul: _HADAMARD,
    ops.square: Form([Slot(0, ATOM, opens=False), r"^{\odot 2}"], POWER),
    ops.pow: Form([Slot(0, ATOM, opens=False), r"^{\odot ", Slot(1, 0, opens=True), "}"], POWER),
    ops.exp: Form([r"\exp(", Slot(0, 0, opens=True), ")"], ATOM),
    ops.expm1: Form([r"\exp(", Slot(0, 0, opens=True), ") - 1"], SUM),
    ops.softplus: Form([r"\log(1 + \exp(", Slot(0, 0, opens=True), "))"], ATOM),
}
_PRODUCT = Form([Slot(0, APPLICATION, opens=True), " ", Slot(1, APPLICATION, opens=False)], APPLICATION)
_TRANSPOSED = Form([Slot(0, ATOM, opens=False), r"^{\top}"], POWER)
_FOLDS = {
    "sum": Form([r"\sum", Slot(0, 0, opens=True), " ", Slot(1, PRODUCT, opens=False)], SUM),
    "max": Form([r"\max", Slot(0, 0, opens=True), " ", Slot(1, APPLICATION, opens=False)], APPLICATION),
    "min": Form([r"\min", Slot(0, 0, opens=True), " ", Slot(1, APPLICATION, opens=False)], APPLICATION),
    "logsumexp": Form([r"\log(\sum", Slot(0, 0, opens=True), " e^{", Slot(1, 0, opens=True), "})"], ATOM),
}


def formula_of(routine: Routine) -> str:
    """Return a routine as an aligned environment, to stand in displayed LaTeX."""
    tables = [
        rf"\pi_{{{number}}} &= {_row([str(place) for place in table.ravel().tolist()])} \quad \text{{places in an array, row by row}}"
        for number, table in _tables(routine).values()
    ]
    lines = [
        NOTE,
        *tables,
        *_constant_lines(routine),
        *[f"{left} &= {right}" for left, right in statement_lines(routine)],
        *_output_lines(routine),
    ]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _constant_lines(routine: Routine) -> Iterator[str]:
    """Yield the numbers of each array of constants that is read."""
    used = {view.array for statement in routine.statements for view in views_in(statement.expression)}
    for i, array in enumerate(routine.arrays):
        if i in used and array.data is not None:
            numbers = [LATEX.write(x) for x in array.data.ravel().tolist()]
            yield f"{latex_name(array.name, set())} &= {_row(numbers)}"


def _tables(routine: Routine) -> dict[bytes, tuple[int, Indices]]:
    """Return the tables of places that are read, each once, with a number from 1."""
    found: dict[bytes, tuple[int, Indices]] = {}
    for statement in routine.statements:
        for view in views_in(statement.expression):
            if view.table is not None:
                table = routine.tables[view.table]
                found.setdefault(table.tobytes(), (len(found) + 1, table))
    return found


def statement_lines(routine: Routine) -> list[tuple[str, str]]:
    """Return each statement as the two sides of an equation."""
    names = {array.name for array in routine.arrays}
    indexed = _Indexed(routine, names)
    lines: list[tuple[str, str]] = []
    for statement, matrix in zip(routine.statements, matrices(routine), strict=True):
        array = routine.arrays[statement.out]
        if matrix is not None and not _has_fold(matrix):
            lines.append((latex_name(array.name, names), matrix_latex(matrix, names)))
        else:
            lines.append(indexed.line(array, statement.expression))
    return lines


def latex_name(name: str, names: set[str]) -> str:
    r"""Return the name of an array in LaTeX: what follows an underscore is an index, and a derivative's d is upright.

    >>> latex_name("dZ1", {"Z1", "dZ1"}), latex_name("Z_V", set())
    ('\\mathrm{d}Z_{1}', 'Z_{V}')
    """
    if name[:1] == "d" and (name[1:] in names or name[1:2].isupper()):
        return rf"\mathrm{{d}}{latex_name(name[1:], names)}"
    stem, _, index = name.partition("_")
    latex = spelling_of(stem).latex if stem else r"\_"
    if not index:
        return latex
    index = index if index.isdigit() else spelling_of(index).latex
    if latex.endswith("}") and "_{" in latex:
        return f"{latex[:-1]},{index}}}"
    return f"{latex}_{{{index}}}"


def _row(texts: Sequence[str]) -> str:
    shown = texts if len(texts) <= LONGEST_ROW else [*texts[: LONGEST_ROW - 2], r"\ldots", texts[-1]]
    return f"({', '.join(shown)})"


def _output_lines(routine: Routine) -> Iterator[str]:
    """Yield what each result is put together from, where that is not one array as it is."""
    names = {array.name for array in routine.arrays}
    parameters = {array.key: array.name for array in routine.arrays if array.kind == "parameter"}
    for output in routine.outputs:
        if len(output.parts) > 1 or output.order is not None:
            name = f"d{parameters[output.name]}" if output.name in parameters else output.name
            parts = ", ".join([latex_name(routine.arrays[part].name, names) for part in output.parts])
            yield rf"{latex_name(name, names)} &\leftarrow {parts}"


# ---------------------------------------------------------------- matrix algebra


def matrix_latex(matrix: Matrix, names: set[str]) -> str:
    r"""Return a matrix in LaTeX.

    Parameters
    ----------
    names : of all arrays, by which a derivative is told from a name with a d.

    >>> matrix_latex(Product(Transposed(Leaf("dZ1")), Leaf("x")), {"Z1", "dZ1", "x"})
    '\\mathrm{d}Z_{1}^{\\top} x'
    """
    return str(_matrix(matrix, names))


def _matrix(matrix: Matrix, names: set[str]) -> Written:
    match matrix:
        case Leaf(name):
            written = LATEX.together([latex_name(name, names)])
        case Ones():
            written = LATEX.together([r"\mathbf{1}"])
        case Constant(value):
            written = LATEX.written(value)
        case Transposed(of):
            written = LATEX.filled(_TRANSPOSED, [_matrix(of, names)])
        case Product(left, right):
            written = LATEX.filled(_PRODUCT, [_matrix(left, names), _matrix(right, names)])
        case Elementwise(op, operands):
            written = _elementwise(op, operands, names)
        case RowFold(fold, of):
            written = LATEX.together([rf"\mathrm{{row{fold}}}(", _matrix(of, names), ")"])
    return written


def _elementwise(op: Op, operands: Sequence[Matrix], names: set[str]) -> Written:
    """Return an op element by element; beside ⊙ a matrix product stands in brackets."""
    written = [_matrix(operand, names) for operand in operands]
    scaled = op in (ops.mul, ops.strong_mul) and any([is_scalar(operand) for operand in operands])
    form = _MATRIX_FORMS.get(op)
    if form is None or scaled or all([is_scalar(operand) for operand in operands]):
        return LATEX.filled(LATEX.form(op), written)
    if form is _HADAMARD:
        written = [
            LATEX.together(["(", one, ")"]) if isinstance(operand, Product) else one
            for operand, one in zip(operands, written, strict=True)
        ]
    return LATEX.filled(form, written)


def _has_fold(matrix: Matrix) -> bool:
    """Tell whether a matrix holds a fold that matrix algebra has no sign for."""
    return any([isinstance(part, RowFold) for part in parts_of(matrix)])


# ---------------------------------------------------------------- indices


class _Indexed:
    """Writes a statement with an index for each axis."""

    def __init__(self, routine: Routine, names: set[str]) -> None:
        self.routine, self.names, self.tables = routine, names, _tables(routine)
        self.letters = [letter for letter in LETTERS if letter not in names]

    def line(self, array: Array, e: Expression) -> tuple[str, str]:
        """Return both sides of an equation, with the ranges of the indices on the left."""
        axes = [(self._letter(d), size) for d, size in enumerate(array.shape) if size > 1]
        batch = [self.letters[0]] if array.batched else []
        ranges = "".join([rf",\quad {letter} = 0, \ldots, {size - 1}" for letter, size in axes])
        left = self._with_indices(latex_name(array.name, self.names), [*batch, *[letter for letter, _ in axes]])
        return left, f"{self._written(e, array.shape)}{ranges}"

    def _letter(self, digit: int) -> str:
        return self.letters[digit + 1]

    def _with_indices(self, name: str, indices: Sequence[str]) -> str:
        if not indices:
            return name
        stem = f"({name})" if "_" in name else name
        return f"{stem}_{{{', '.join(indices)}}}"

    def _written(self, e: Expression, sizes: Shape) -> Written:
        if isinstance(e, Number):
            return LATEX.written(e.value)
        if isinstance(e, View):
            return LATEX.together([self._view(e, sizes)])
        if isinstance(e, Apply):
            return LATEX.filled(LATEX.form(e.op), [self._written(operand, sizes) for operand in e.operands])
        return self._contract(e, sizes)

    def _contract(self, e: Contract, sizes: Shape) -> Written:
        own = [(d, n) for d, n in enumerate(e.sizes, start=len(sizes)) if n > 1]
        factors = [self._written(factor, sizes + e.sizes) for factor in e.factors]
        body = LATEX.filled(LATEX.form(ops.mul), factors) if len(factors) == 2 else factors[0]
        limits = [f"_{{{self._letter(d)}=0}}^{{{n - 1}}}" for d, n in own]
        limits = [f"_{{{self.letters[0]}}}", *limits] if e.batch else limits
        for limit in reversed(limits):
            body = LATEX.filled(_FOLDS[e.fold], [LATEX.together([limit]), body])
        return body

    def _view(self, view: View, sizes: Shape) -> str:
        array = self.routine.arrays[view.array]
        indices = [self.letters[0]] if array.batched else []
        if view.table is not None:
            number, _ = self.tables[self.routine.tables[view.table].tobytes()]
            moving = [self._letter(d) for d in range(len(sizes)) if sizes[d] > 1]
            indices.append(rf"\pi_{{{number}}}({', '.join(moving)})")
        else:
            axes = zip(array.shape, view.base, view.steps, strict=True)
            indices += [self._place(base, steps, sizes) for length, base, steps in axes if length > 1]
        return self._with_indices(latex_name(array.name, self.names), indices)

    def _place(self, base: int, steps: Sequence[int], sizes: Shape) -> str:
        """Return a place along an axis, such as 2i + k + 1."""
        moving = [(d, step) for d, step in enumerate(steps) if step and sizes[d] > 1]
        text = "".join([f"{step:+d}{self._letter(d)}" for d, step in moving]) + (f"{base:+d}" if base else "")
        text = re.sub(r"(?<=[+-])1(?=[a-z])", "", text)
        return text.removeprefix("+") or "0"
