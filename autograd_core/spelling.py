"""How a name is spelt in a formula: ``w12`` as w with an index, ``alpha`` as α, and anything at all without harm.

A name may come from anywhere, so what is special in LaTeX or MathML is escaped, and what does not print is shown by its
number. Names of more than 40 characters are cut short with an ellipsis.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from autograd_core.mathml import GREEK, escaped

__all__ = ["Spelling", "spelling_of"]

LONGEST_NAME: Final = 40

_INDEXED = re.compile(rf"([A-Za-z]|{'|'.join(GREEK)})(?:_?([0-9]+))?", re.ASCII)
_NUMBERED = re.compile(r"(.*[^\]])((?:\[[0-9]+\])+)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

# Of the Greek letters, those that look like Latin ones have no command.
_WITHOUT_COMMAND: Final = {
    "Alpha": "A", "Beta": "B", "Epsilon": "E", "Zeta": "Z", "Eta": "H", "Iota": "I", "Kappa": "K", "Mu": "M", "Nu": "N",
    "Omicron": "O", "Rho": "P", "Tau": "T", "Chi": "X", "omicron": "o",
}  # fmt: skip

# Outside of \text, these are understood alike by LaTeX, MathJax and KaTeX; inside of it some are not. The inner braces
# keep a relation from being spaced like one.
_SPECIAL: Final = {
    "\\": r"{\backslash}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"{\wedge}", "~": r"{\sim}", "<": "{<}", ">": "{>}",
}  # fmt: skip


@dataclass(frozen=True)
class Spelling:
    """A name in the three notations."""

    text: str
    latex: str
    mathml: str


def spelling_of(name: str) -> Spelling:
    r"""Return how a name is written: letters as they are, Greek words as Greek, digits after one letter as its index.

    The number in brackets that tells nodes of one label apart stays as it is.

    >>> spelling_of("w12").latex, spelling_of("alpha_3").latex, spelling_of("loss").latex
    ('w_{12}', '\\alpha_{3}', '\\mathrm{loss}')
    """
    text = "".join([c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name])
    if len(text) > LONGEST_NAME:
        text = text[: LONGEST_NAME - 1] + "…"
    numbered = _NUMBERED.fullmatch(text)
    latex, mathml = _spelt(numbered[1]) if numbered else _spelt(text)
    if numbered:
        latex, mathml = latex + numbered[2], f"<mrow>{mathml}<mtext>{numbered[2]}</mtext></mrow>"
    return Spelling(text, latex, mathml)


def _spelt(text: str) -> tuple[str, str]:
    """Return a name without numbers in brackets, in LaTeX and MathML."""
    indexed = _INDEXED.fullmatch(text)
    if indexed:
        return _indexed(indexed[1], indexed[2])
    if _WORD.fullmatch(text):
        word = text.replace("_", r"\_")
        return rf"\mathrm{{{word}}}", f"<mi>{text}</mi>"
    return _quoted(text), f"<mtext>{escaped(text)}</mtext>"


def _indexed(letter: str, index: str | None) -> tuple[str, str]:
    """Return a letter, Latin or Greek, with or without an index, in LaTeX and MathML."""
    latex, mathml = letter, f"<mi>{GREEK.get(letter, letter)}</mi>"
    if letter in GREEK:
        latex = rf"\mathrm{{{_WITHOUT_COMMAND[letter]}}}" if letter in _WITHOUT_COMMAND else rf"\{letter}"
    if index is None:
        return latex, mathml
    return f"{latex}_{{{index}}}", f"<msub>{mathml}<mn>{index}</mn></msub>"


def _quoted(text: str) -> str:
    r"""Return text in LaTeX: plain stretches in \text, what is special on its own between them."""
    stretches = re.split(r"([\\{}$&#%_^~<>])", text)
    return "".join([_SPECIAL.get(s, rf"\text{{{s}}}") for s in stretches if s])
