"""From the LaTeX that the table uses to MathML: a small grammar, and anything outside of it is an error.

A slot for an operand is one private-use character, so that a template can be cut into tokens like any formula.
"""

from __future__ import annotations

import re
from typing import Final

from autograd_core.errors import ArgumentError

__all__ = ["GREEK", "SLOTS", "Piece", "escaped", "tokens", "translated"]

Piece = str | int
"""A stretch of markup, or the number of the operand that stands there."""

SLOTS: Final = "\ue000\ue001\ue002"

_WORDS = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu
    nu xi omicron pi rho sigma tau upsilon phi chi psi omega
"""
GREEK: Final[dict[str, str]] = dict(zip(_WORDS.split(), "αβγδεζηθικλμνξοπρστυφχψω", strict=True))
GREEK.update({word.capitalize(): letter.upper() for word, letter in GREEK.items()})

_NAMED = re.compile(rf"\\(operatorname|mathrm|text)\{{([^{{}}{SLOTS}]*)\}}")
_TOKEN = re.compile(
    rf"\\(?:begin|end)\{{[a-z]*\}}|{_NAMED.pattern}|\\[A-Za-z]+|\\.|[0-9]+(?:\.[0-9]+)?|\s+|.", re.DOTALL
)
_FUNCTIONS = re.compile(r"\\(?:(?:arc)?(?:sin|cos|tan)|(?:sin|cos|tan)h|log|exp|max|min)")
_OPERATORS: Final = {
    "-": "−", "+": "+", "=": "=", "<": "&lt;", ">": "&gt;", "(": "(", ")": ")", "[": "[", "]": "]", "|": "|", ",": ",",
    r"\cdot": "⋅", r"\le": "≤", r"\ge": "≥", r"\ne": "≠", r"\sum": "∑", r"\ldots": "…",
}  # fmt: skip
_SYMBOLS: Final = {r"\infty": "∞", r"\partial": "∂"}
_SYMBOLS.update({f"\\{word}": letter for word, letter in GREEK.items()})


def escaped(text: str) -> str:
    """Return text as it stands between two tags.

    >>> escaped("a < b & c")
    'a &lt; b &amp; c'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def tokens(latex: str) -> list[str]:
    r"""Cut LaTeX into what cannot be cut further; blanks stay, so that joining the tokens gives it back.

    >>> tokens(r"\frac{1}{x}")
    ['\\frac', '{', '1', '}', '{', 'x', '}']
    """
    return [token[0] for token in _TOKEN.finditer(latex)]


def translated(latex: str) -> list[Piece]:
    r"""Return LaTeX as MathML, in pieces around the slots of its operands.

    Raises
    ------
    ArgumentError : the LaTeX holds something that is not among what this understands.

    >>> translated(r"\sigma(x)")
    ['<mi>σ</mi><mo>(</mo><mi>x</mi><mo>)</mo>']
    """
    reader = _Reader(latex)
    atoms = reader.row()
    if reader.here is not None:
        raise reader.unknown()
    return _joined(atoms)


Atom = list[Piece]


class _Reader:
    """Where a formula has been read to. Its grammar nests as deep as one op's formula does, which is not deep."""

    def __init__(self, latex: str) -> None:
        self.latex = latex
        self.rest = [token for token in tokens(latex) if not token.isspace()][::-1]

    @property
    def here(self) -> str | None:
        return self.rest[-1] if self.rest else None

    def unknown(self) -> ArgumentError:
        where = f"{_shown(self.here)!r} in" if self.here else "the end of"
        return ArgumentError(
            f"{where} the LaTeX {_shown(self.latex)!r} cannot be written as MathML: use fractions, roots, powers, indices, "
            r"\operatorname{...} and the other forms that ops.py uses, or teach mathml.py this one"
        )

    def expect(self, token: str) -> None:
        if self.here != token:
            raise self.unknown()
        self.rest.pop()

    def row(self) -> list[Atom]:
        """Read up to whatever ends a row; a power takes the atom before it, and a minus at the start is a sign."""
        atoms: list[Atom] = []
        while self.here not in (None, "}", r"\right", "&", r"\\", r"\end{cases}"):
            if self.here in ("^", "_"):
                if not atoms:
                    raise self.unknown()
                tag = "msup" if self.rest.pop() == "^" else "msub"
                atoms[-1] = _element(tag, _element("mrow", atoms[-1]), self.argument())
            elif self.here == "-" and not atoms:
                self.rest.pop()
                atoms.append(['<mo form="prefix">−</mo>'])
            else:
                atoms.append(self.atom())
        return atoms

    def argument(self) -> Atom:
        """Read a group in braces, or a single atom."""
        return _element("mrow", self.group() if self.here == "{" else self.atom())

    def group(self) -> Atom:
        self.expect("{")
        atoms = self.row()
        self.expect("}")
        return _joined(atoms)

    def atom(self) -> Atom:
        if self.here == "{":
            return _element("mrow", self.group())
        if self.here in _FORMS:
            return _FORMS[self.rest.pop()](self)
        leaf = _leaf(self.here or "")
        if leaf is None:
            raise self.unknown()
        self.rest.pop()
        return [leaf]

    def fraction(self) -> Atom:
        above = _element("mrow", self.group())
        return _element("mfrac", above, _element("mrow", self.group()))

    def root(self) -> Atom:
        return _element("msqrt", self.group())

    def fence(self) -> Atom:
        left = self.delimiter()
        inside = _joined(self.row())
        self.expect(r"\right")
        return _element("mrow", [left], inside, [self.delimiter()])

    def delimiter(self) -> str:
        if self.here not in ("(", ")", "[", "]", "|"):
            raise self.unknown()
        return f"<mo>{self.rest.pop()}</mo>"

    def cases(self) -> Atom:
        lines: list[Atom] = []
        cells: list[Atom] = []
        while True:
            cells.append(_element("mtd", _joined(self.row())))
            if self.here == "&":
                self.rest.pop()
                continue
            lines.append(_element("mtr", *cells))
            cells = []
            if self.here == r"\\":
                self.rest.pop()
                continue
            self.expect(r"\end{cases}")
            return _element("mrow", ["<mo>{</mo>"], _element("mtable", *lines))


_FORMS = {
    r"\frac": _Reader.fraction,
    r"\sqrt": _Reader.root,
    r"\left": _Reader.fence,
    r"\begin{cases}": _Reader.cases,
}


def _leaf(token: str) -> Piece | None:
    """Return the markup of a token that stands for itself; None if it does not."""
    if token and token in SLOTS:
        return SLOTS.index(token)
    if token in _OPERATORS:
        return f"<mo>{_OPERATORS[token]}</mo>"
    named = _NAMED.fullmatch(token)
    if named and named[1] == "text":
        return f"<mtext>{escaped(named[2])}</mtext>"
    if token[:1].isdecimal():
        return f"<mn>{token}</mn>"
    name = escaped(named[2]) if named else _name(token)
    return f"<mi>{name}</mi>" if name else None


def _name(token: str) -> str | None:
    if _FUNCTIONS.fullmatch(token):
        return token[1:]
    return token if token.isascii() and token.isalpha() else _SYMBOLS.get(token)


def _element(tag: str, *insides: Atom) -> Atom:
    return _joined([[f"<{tag}>"], *insides, [f"</{tag}>"]])


def _joined(atoms: list[Atom]) -> Atom:
    """Run pieces together, so that a slot stands between two stretches of markup at most."""
    pieces: Atom = []
    for atom in atoms:
        for piece in atom:
            if pieces and isinstance(piece, str) and isinstance(pieces[-1], str):
                pieces[-1] += piece
            else:
                pieces.append(piece)
    return pieces


def _shown(latex: str) -> str:
    """Return a template as the table spells its slots."""
    for i, slot in enumerate(SLOTS):
        latex = latex.replace(slot, f"{{{i}}}")
    return latex
