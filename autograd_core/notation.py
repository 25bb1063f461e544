"""Three ways to write a formula: LaTeX, MathML and Python. Which brackets it needs is decided here, for all of them.

LaTeX comes from the table's templates and MathML from the same ones; Python from the operator that an op stands behind,
or from its name. An operand gets brackets unless it holds together as tightly as its place asks for, and when a minus
sign leads it anywhere but at the start. Python's brackets keep every rounding as it is, while LaTeX writes
``a + (b + c)`` without them.

Conventions: numbers are exact in Python, with inf and nan for themselves, and have five digits elsewhere. Rows of more
than six are cut short to the first three and the last, formulas of more than a million characters from the inside out;
Python's rows never are, except in BRIEF.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Protocol, TypeAlias

from autograd_core.mathml import SLOTS, tokens, translated
from autograd_core.op import APPLICATION, CLOSED, POWER, PRODUCT, SUM, Op
from autograd_core.spelling import Spelling

__all__ = ["BRIEF", "LATEX", "MATHML", "TEXT", "Expression", "Form", "Formula", "Notation", "Slot", "Written"]

ATOM: Final = CLOSED + 1
LONGEST_ROW: Final = 6
LONGEST_FORMULA: Final = 1_000_000


class Expression(Protocol):
    """A name, or an op on operands; without either, the number that is its one operand."""

    @property
    def spelling(self) -> Spelling | None: ...  # noqa: D102 - see symbol.py
    @property
    def op(self) -> Op | None: ...  # noqa: D102
    @property
    def operands(self) -> tuple[Formula, ...]: ...  # noqa: D102


Formula: TypeAlias = "Expression | float | tuple[Expression | float, ...]"


@dataclass(frozen=True)
class Slot:
    """The place of an operand in a form.

    Parameters
    ----------
    index : which operand stands there.
    least : how tightly it has to hold together to stand there without brackets.
    opens : whether no more than an opening bracket stands before it, so that it may start with a minus sign.
    """

    index: int
    least: int
    opens: bool


@dataclass(frozen=True)
class Form:
    """How an op is written: its parts in order, and how tightly they hold together."""

    parts: Sequence[str | Slot]
    precedence: int


@dataclass(frozen=True, eq=False)
class Written:
    """A formula as it is written, still in parts: a long one is put together but once, at the end."""

    parts: Sequence[str | Written]
    precedence: int
    negative: bool
    tall: bool
    length: int

    def __str__(self) -> str:
        flat: list[str] = []
        stack: list[str | Written] = [self]
        while stack:
            part = stack.pop()
            if isinstance(part, str):
                flat.append(part)
            else:
                stack += part.parts[::-1]
        return "".join(flat)


@dataclass(frozen=True)
class Notation:
    """One way to write formulas.

    Parameters
    ----------
    name : picks a name's spelling.
    number : writes a number that is not negative.
    form : how an op is written.
    brackets, tall_brackets : what goes around an operand, and around one taller than a line.
    minus : what a formula that a minus sign leads starts with.
    comma, dots : what stands between the members of a row, and in place of those left out.
    alone : what follows the only member of a row.
    longest_row : up to how many members a row is written in full.
    """

    name: Callable[[Spelling], str]
    number: Callable[[float], Written]
    form: Callable[[Op], Form]
    brackets: tuple[str, str]
    tall_brackets: tuple[str, str]
    minus: str
    comma: str
    dots: str
    alone: str = ""
    longest_row: float = LONGEST_ROW

    def write(self, formula: Formula) -> str:
        """Return a formula as text of this notation."""
        return str(self.written(formula))

    def written(self, formula: Formula) -> Written:
        """Return a formula in parts: operands before results, each once, with a stack in place of recursion."""
        done: dict[int, Written] = {}
        stack: list[Formula] = [formula]
        while stack:
            item = stack[-1]
            waiting = [x for x in self._shown(item) if not isinstance(x, float | int) and id(x) not in done]
            if waiting and id(item) not in done:
                stack += waiting
                continue
            stack.pop()
            if id(item) not in done:
                done[id(item)] = self._one(item, done)
        return done[id(formula)]

    def filled(self, form: Form, operands: Sequence[Written]) -> Written:
        """Return a form with its operands in their places, in brackets where they need them."""
        parts: list[str | Written] = []
        for part in form.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            operand = operands[part.index]
            if operand.precedence < part.least or (operand.negative and not part.opens):
                left, right = self.tall_brackets if operand.tall else self.brackets
                parts += [left, operand, right]
            else:
                parts.append(operand)
        return self.together(parts, form.precedence)

    def together(self, parts: Sequence[str | Written], precedence: int = ATOM) -> Written:
        """Return parts as one formula."""
        lead = parts[0] if parts else ""
        negative = lead.startswith(self.minus) if isinstance(lead, str) else lead.negative
        tall = any([r"\frac" in part or r"\begin" in part if isinstance(part, str) else part.tall for part in parts])
        length = sum([len(part) if isinstance(part, str) else part.length for part in parts])
        if length > LONGEST_FORMULA:
            return Written([self.dots], ATOM, negative=False, tall=False, length=len(self.dots))
        return Written(parts, precedence, negative, tall, length)

    def _one(self, item: Formula, done: dict[int, Written]) -> Written:
        operands = [self._number(x) if isinstance(x, float | int) else done[id(x)] for x in self._shown(item)]
        if isinstance(item, float | int):
            return self._number(item)
        if isinstance(item, tuple):
            return self._row(operands, len(item))
        if item.spelling is not None:
            return self.together([self.name(item.spelling)])
        return self.filled(self.form(item.op), operands) if item.op is not None else operands[0]

    def _shown(self, item: Formula) -> Sequence[Formula]:
        """Return the operands of a formula that are written out."""
        if isinstance(item, float | int):
            return ()
        if not isinstance(item, tuple):
            return item.operands
        return item if len(item) <= self.longest_row else (*item[:3], item[-1])

    def _row(self, members: Sequence[Written], length: int) -> Written:
        left, right = self.brackets
        parts: list[str | Written] = [left]
        for i, member in enumerate(members):
            if i > 0:
                parts.append(self.comma)
            if i == len(members) - 1 < length - 1:
                parts += [self.dots, self.comma]
            parts.append(member)
        return self.together([*parts, self.alone if length == 1 else "", right])

    def _number(self, x: float) -> Written:
        if math.copysign(1.0, x) > 0.0 or math.isnan(x):
            return self.number(x)
        return self.together([self.minus, self.number(-x)], PRODUCT)


# ---------------------------------------------------------------- Python


# The operators that Python has, how tightly each binds, and how tightly its operands have to.
_PYTHON: Final = {
    "add": Form([Slot(0, SUM, opens=True), " + ", Slot(1, SUM + 1, opens=False)], SUM),
    "sub": Form([Slot(0, SUM, opens=True), " - ", Slot(1, SUM + 1, opens=False)], SUM),
    "mul": Form([Slot(0, PRODUCT, opens=True), " * ", Slot(1, PRODUCT + 1, opens=False)], PRODUCT),
    "truediv": Form([Slot(0, PRODUCT, opens=True), " / ", Slot(1, PRODUCT + 1, opens=False)], PRODUCT),
    "neg": Form(["-", Slot(0, POWER, opens=False)], PRODUCT),
    "pos": Form(["+", Slot(0, POWER, opens=False)], PRODUCT),
    "pow": Form([Slot(0, ATOM, opens=False), " ** ", Slot(1, ATOM, opens=False)], POWER),
}


def _python_form(op: Op) -> Form:
    if op.operator in _PYTHON:
        return _PYTHON[op.operator]
    parts: list[str | Slot] = [f"{op.name}("]
    for i in range(len(op.partials)):
        parts += [Slot(i, 0, opens=True), ", " if i + 1 < len(op.partials) else ")"]
    return Form(parts, ATOM)


def _atom(text: str) -> Written:
    return Written([text], ATOM, negative=False, tall=False, length=len(text))


TEXT: Final = Notation(
    name=lambda spelling: spelling.text,
    number=lambda x: _atom(repr(x)),
    form=_python_form,
    brackets=("(", ")"),
    tall_brackets=("(", ")"),
    minus="-",
    comma=", ",
    dots="...",
    alone=",",
    longest_row=math.inf,
)
BRIEF: Final = replace(TEXT, longest_row=LONGEST_ROW)


# ---------------------------------------------------------------- LaTeX

# How tightly what stands beside a slot pulls at it; brackets and relations do not, what is not listed multiplies.
_LOOSE = {"", "{", "}", "(", ")", "[", "]", "|", ",", "&", r"\\", "<", ">", "=", r"\le", r"\ge", r"\ne"}
_PULLS: Final = {
    **dict.fromkeys([*_LOOSE, r"\begin{cases}", r"\end{cases}", r"\right"], 0),
    "+": SUM,
    "-": SUM,
    r"\cdot": PRODUCT,
}


@cache
def _latex_form(op: Op) -> Form:
    parts: list[str | Slot] = []
    found = tokens(op.latex.format(*SLOTS))
    solid = ["", *[token for token in found if not token.isspace()], ""]
    places = iter([i for i, token in enumerate(solid) if token and token in SLOTS])
    for token in found:
        if token in SLOTS:
            i = next(places)
            parts.append(_slot(op, SLOTS.index(token), solid[i - 1], solid[i + 1]))
        elif parts and isinstance(parts[-1], str):
            parts[-1] += token
        else:
            parts.append(token)
    return Form(parts, op.precedence)


def _slot(op: Op, index: int, before: str, after: str) -> Slot:
    """Return a slot of a template, given the tokens on either side."""
    left = _PULLS.get(before, APPLICATION if before.startswith("\\") else PRODUCT)
    right = CLOSED if after in ("^", "_") else _PULLS.get(after, PRODUCT)
    if before == after == "":
        return Slot(index, op.precedence, opens=True)
    pull = max(left, right)
    as_tight = pull in (SUM, PRODUCT) and (left == 0 or "commutative" in op.laws)
    return Slot(index, pull if as_tight or pull == 0 else pull + 1, opens=left == 0)


def _latex_number(x: float) -> str:
    if math.isinf(x):
        return r"\infty"
    if math.isnan(x):
        return r"\mathrm{nan}"
    mantissa, _, exponent = f"{x:.5g}".partition("e")
    if not exponent:
        return mantissa
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"{mantissa} \cdot {power}"


def _of_parts(text: str, shown: str) -> Written:
    """Return a number that is a power of ten, or a product with one, or a single piece."""
    precedence = PRODUCT if r"\cdot" in text else POWER if "^" in text else ATOM
    return Written([shown], precedence, negative=False, tall=False, length=len(shown))


LATEX: Final = Notation(
    name=lambda spelling: spelling.latex,
    number=lambda x: _of_parts(_latex_number(x), _latex_number(x)),
    form=_latex_form,
    brackets=("(", ")"),
    tall_brackets=(r"\left(", r"\right)"),
    minus="-",
    comma=", ",
    dots=r"\ldots",
)


# ---------------------------------------------------------------- MathML


def _markup(latex: str) -> str:
    return "".join(map(str, translated(latex)))


@cache
def _mathml_form(op: Op) -> Form:
    form = _latex_form(op)
    slots = iter([part for part in form.parts if isinstance(part, Slot)])
    parts = [piece if isinstance(piece, str) else next(slots) for piece in translated(op.latex.format(*SLOTS))]
    return Form(parts, form.precedence)


MATHML: Final = Notation(
    name=lambda spelling: spelling.mathml,
    number=lambda x: _of_parts(_latex_number(x), _markup(_latex_number(x))),
    form=_mathml_form,
    brackets=("<mrow><mo>(</mo>", "<mo>)</mo></mrow>"),
    tall_brackets=("<mrow><mo>(</mo>", "<mo>)</mo></mrow>"),
    minus=_markup("-"),
    comma=_markup(","),
    dots=_markup(r"\ldots"),
)
