"""A derivative written out by the chain rule: its paths as plain data, and how they are printed.

Printed are the nodes on the way, then the sum over the paths four times over: in partial derivatives, in their
formulas, in numbers and as products; last the total. What would only repeat the line before is left out, and so is
the middle of anything long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from autograd_core.ieee import row_sum
from autograd_core.mathml import escaped
from autograd_core.notation import ATOM, BRIEF, LATEX, MATHML, Form, Notation, Slot, Written
from autograd_core.op import PRODUCT, SUM
from autograd_core.symbol import Symbol

__all__ = ["MANY", "Definition", "Derivation", "Edge", "Path"]

MANY: Final = 10**100
"""Where the counting of paths ends: a count of this says that there are as many or more."""

LONGEST_LIST: Final = 40
LONGEST_PATH: Final = 12
HALF: Final = LONGEST_PATH // 2
LONGEST_SUM: Final = 6
NO_BREAK: Final = "\u00a0"


@dataclass(frozen=True)
class Edge:
    """One step of the chain rule.

    Parameters
    ----------
    node, input : the numbers, in topological order, of a result and of what it was computed from.
    position : which of the node's inputs that is.
    symbol, number : the partial derivative, as a formula and at this point.
    """

    node: int
    input: int
    position: int
    symbol: Symbol
    number: float


@dataclass(frozen=True)
class Path:
    """The steps from the result to the variable, and the product of their numbers."""

    edges: tuple[Edge, ...]
    product: float


@dataclass(frozen=True)
class Definition:
    """What a node is called, how it was computed, unless it is a leaf, and its number."""

    node: int
    name: Symbol
    formula: Symbol | None
    number: float


@dataclass(frozen=True)
class Derivation:
    """A derivative with all that leads to it. It prints itself, and shows itself in a notebook.

    Parameters
    ----------
    y, x : what is differentiated, and with respect to what.
    definitions : the nodes on the paths, in topological order.
    paths : the first paths, in the order of the inputs.
    count : how many there are; MANY stands for that many or more.
    total : the derivative itself.
    depends : whether y was computed from x at all.
    """

    y: Symbol
    x: Symbol
    definitions: tuple[Definition, ...]
    paths: tuple[Path, ...]
    count: int
    total: float
    depends: bool

    @property
    def text(self) -> str:
        """The derivation as lines of text; numbers are exact."""
        return "\n\n".join([_columns(section) for section in _sections(self, _TEXT)])

    @property
    def latex(self) -> str:
        """The derivation as an aligned environment, to stand in displayed LaTeX."""
        lines = [
            f"{left} &{relation} {right}".strip()
            for section in _sections(self, _LATEX)
            for left, relation, right in section
        ]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    @property
    def mathml(self) -> str:
        """The derivation as a whole ``<math>`` element."""
        rows = [_table_row(line) for section in _sections(self, _MATHML) for line in section]
        return f'<math display="block"><mtable displaystyle="true">{"".join(rows)}</mtable></math>'

    def __str__(self) -> str:
        return self.text

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"


# ---------------------------------------------------------------- styles

Line: TypeAlias = tuple[str, str, str]
"""The left side, which may be empty; the relation; and the right side."""


@dataclass(frozen=True)
class _Style:
    """A notation with what derivations need beside formulas.

    Parameters
    ----------
    slope : the form of a partial derivative.
    times, plus : what stands between factors and between terms.
    equals, added, none : what stands between the sides of a line: of an equation, of a sum that goes on, of a remark.
    words : plain words among formulas.
    """

    notation: Notation
    slope: Form
    times: str
    plus: str
    equals: str
    added: str
    none: str
    words: Callable[[str], str]

    def dots(self) -> Written:
        return self.notation.together([self.notation.dots])

    def of(self, y: Symbol, x: Symbol) -> Written:
        """Return the partial derivative of y with respect to x as a symbol."""
        return self.notation.filled(self.slope, [self.notation.written(y), self.notation.written(x)])

    def joined(self, sign: str, precedence: int, operands: Sequence[Written]) -> Written:
        """Return a sum or product of any length; single parts stay apart by brackets."""
        if len(operands) == 1:
            return operands[0]
        parts: list[str | Slot] = []
        for i in range(len(operands)):
            parts += [sign] if i > 0 else []
            parts.append(Slot(i, precedence + 1, opens=i == 0))
        return self.notation.filled(Form(parts, precedence), operands)


def _fraction(before: str, between: str, after: str) -> Form:
    return Form([before, Slot(0, 0, opens=True), between, Slot(1, 0, opens=True), after], ATOM)


_TEXT: Final = _Style(
    notation=BRIEF,
    slope=_fraction("∂", "/∂", ""),
    times=" · ",
    plus=" + ",
    equals="=",
    added="+",
    none=" ",
    words=lambda text: text,
)
_LATEX: Final = _Style(
    notation=LATEX,
    slope=_fraction(r"\frac{\partial ", r"}{\partial ", "}"),
    times=r" \cdot ",
    plus=" + ",
    equals="=",
    added=r"\quad +",
    none=r"\quad",
    words=lambda text: rf"\text{{{text}}}",
)
_MATHML: Final = _Style(
    notation=MATHML,
    slope=_fraction("<mfrac><mrow><mo>∂</mo>", "</mrow><mrow><mo>∂</mo>", "</mrow></mfrac>"),
    times="<mo>⋅</mo>",
    plus="<mo>+</mo>",
    equals="<mo>=</mo>",
    added="<mo>+</mo>",
    none="",
    words=lambda text: f"<mtext>{escaped(text.replace(' ', NO_BREAK))}</mtext>",
)


def _columns(lines: Sequence[Line]) -> str:
    """Return lines of text with their relations below each other."""
    width = max([len(left) for left, _, _ in lines])
    return "\n".join([f"{left:>{width}} {relation} {right}".rstrip() for left, relation, right in lines])


def _table_row(line: Line) -> str:
    left, relation, right = line
    return (
        f'<mtr><mtd style="text-align: right">{left}</mtd><mtd>{relation}</mtd>'
        f'<mtd style="text-align: left">{right}</mtd></mtr>'
    )


# ---------------------------------------------------------------- what is printed


def _sections(d: Derivation, style: _Style) -> Iterator[list[Line]]:
    if d.definitions:
        yield list(_definitions(d.definitions, style))
    yield list(_chain_rule(d, style))


def _definitions(definitions: Sequence[Definition], style: _Style) -> Iterator[Line]:
    left_out = max(len(definitions) - LONGEST_LIST, 0)
    for i, definition in enumerate(definitions):
        if left_out and i == LONGEST_LIST - 1:
            yield "", style.none, style.words(f"… and {left_out:,} more, up to")
        if i < LONGEST_LIST - 1 or i == len(definitions) - 1:
            written = [style.notation.write(definition.number)]
            if definition.formula is not None:
                written.insert(0, style.notation.write(definition.formula))
            yield style.notation.write(definition.name), style.equals, f" {style.equals} ".join(written)


def _chain_rule(d: Derivation, style: _Style) -> Iterator[Line]:
    left = str(style.of(d.y, d.x))
    if not d.paths:
        yield left, style.equals, style.notation.write(d.total)
        yield "", style.none, _why_zero(d, style)
        return
    name = {definition.node: definition.name for definition in d.definitions}
    written = style.notation.written
    blocks = [
        _terms(d, style, lambda edge: style.of(name[edge.node], name[edge.input])),
        _terms(d, style, lambda edge: written(edge.symbol)),
        _terms(d, style, lambda edge: written(edge.number)),
        _products(d, style),
        [style.notation.write(d.total)],
    ]
    before = [left]
    for block in blocks:
        if block and block != before:
            yield left, style.equals, block[0]
            yield from [("", style.added, term) for term in block[1:]]
            before, left = block, ""


def _terms(d: Derivation, style: _Style, factor: Callable[[Edge], Written]) -> list[str]:
    """Return the product of each path's edges, and dots if there are more paths."""
    if d.y is d.x:
        return []
    terms: list[str] = []
    for path in d.paths:
        if len(path.edges) <= LONGEST_PATH:
            factors = [factor(edge) for edge in path.edges]
        else:
            ends = [factor(edge) for edge in (*path.edges[:HALF], *path.edges[-HALF:])]
            factors = [*ends[:HALF], style.dots(), *ends[HALF:]]
        terms.append(str(style.joined(style.times, PRODUCT, factors)))
    return [*terms, style.notation.dots] if d.count > len(d.paths) else terms


def _products(d: Derivation, style: _Style) -> list[str]:
    """Return the paths' numbers, several to a line, and what the paths come to that are not shown."""
    products = [style.notation.written(path.product) for path in d.paths]
    lines = [
        str(style.joined(style.plus, SUM, products[i : i + LONGEST_SUM])) for i in range(0, len(products), LONGEST_SUM)
    ]
    if d.count > len(d.paths):
        rest = d.total - row_sum([path.product for path in d.paths])
        words = style.words(f"… and {_counted(d.count - len(d.paths))}; together ")
        lines.append(words + style.notation.write(rest))
    return lines


def _counted(count: int) -> str:
    if count >= MANY // 2:
        return "1e+100 or more paths"
    if count >= 10**15:
        return f"about {float(count):.1e} more paths"
    return f"{count:,} more path{'s' if count > 1 else ''}"


def _why_zero(d: Derivation, style: _Style) -> str:
    y, x = style.notation.write(d.y), style.notation.write(d.x)
    if d.depends:
        return style.words("every path from ") + y + style.words(" to ") + x + style.words(" is cut")
    return y + style.words(" does not depend on ") + x
