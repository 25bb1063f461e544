"""An expression's text as statements: which characters and words it is made of, where each part starts, how deep it nests.

The depth is bounded before Python's own parser sees the text, to keep that within its stack. What is refused is shown
with carets under it.
"""

from __future__ import annotations

import ast
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from keyword import iskeyword
from typing import Final

from autograd_core.errors import ArgumentError

__all__ = ["Statement", "refusal", "shown", "statements_of"]

LONGEST: Final = 100_000
LONGEST_NAME: Final = 100
BRACKETS: Final = 100
IN_A_ROW: Final = 1000
WINDOW: Final = 60
"""So many characters of a long line are shown on either side of a caret."""

GRAMMAR: Final = "an expression has numbers, names, operators and calls of ops"
NAME_PARTS: Final = "give parts of it names, as in d = a*b; tanh(d + c)"


def statements_of(text: str) -> list[Statement]:
    """Return the statements of a text, of which there is at least one; they end with a ; or a line.

    Raises
    ------
    ArgumentError : the text is too long, nests too deep, is empty, or has a character or word that no expression has.

    >>> [statement.source for statement in statements_of("d = a*b; tanh(d)")]
    ['d = a*b', 'tanh(d)']
    """
    if len(text) > LONGEST:
        raise ArgumentError(f"an expression of {len(text):,} characters is too long: {LONGEST:,} is the limit")
    _check_words(text)
    statements = [Statement(text, start, stop) for start, stop in _split(text)]
    if not statements:
        raise ArgumentError("the expression is empty: write one, such as 'a*b + c'")
    return statements


# ---------------------------------------------------------------- what is shown of an expression


def refusal(text: str, start: int, stop: int, why: str) -> ArgumentError:
    """Return an error that shows the line around a part of the text, carets under that part, and why it is refused.

    A character that takes two columns has a blank of two columns under it, so that the carets stand where they belong.
    """
    first = text.rfind("\n", 0, start) + 1
    end = text.find("\n", start)
    last = len(text) if end < 0 else end
    left, right = max(first, start - WINDOW), min(last, start + WINDOW)
    lead = "…" if left > first else ""
    tail = "…" if right < last else ""
    carets = "^" * max(1, min(stop, right) - start)
    pad = "".join(["\u3000" if unicodedata.east_asian_width(c) in "WF" else " " for c in lead + text[left:start]])
    return ArgumentError(f"{lead}{shown(text[left:right])}{tail}\n{pad}{carets}\n{why}")


def shown(text: str) -> str:
    """Return the beginning of a text, with nothing in it that a terminal would act on."""
    cut = text if len(text) <= 2 * WINDOW else f"{text[: 2 * WINDOW]}…"
    return "".join([c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in cut])


# ---------------------------------------------------------------- characters, words and depth

_TOKEN = re.compile(
    r"""(?P<blank>\s+)
      | (?P<number>(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?)
      | (?P<word>[^\s!-/:-@\[-^`{-~]+)  # a run of anything but blanks and ASCII's punctuation
      | (?P<mark>\*\*|//|[<>=!:]=|.)""",
    re.VERBOSE,
)
_MARKS: Final = frozenset(["+", "-", "*", "/", "**", "//", "%", "@", "=", ",", ";", "(", ")", "[", "]"])
_COMPARISONS: Final = dict.fromkeys(
    ["<", ">", "<=", ">=", "==", "!=", "if", "else"], "choose with where(step(a - b), x, y)"
)
_MENDS: Final = _COMPARISONS | {
    "^": "a power is written **",
    "×": "a product is written *",
    "·": "a product is written *",
    "÷": "a quotient is written /",
    "−": "a minus sign is written -",
    ".": "give the number a name of its own",
    ":=": "write d = a*b; and use d after it",
    "{": "put a row in [ ]",
    "'": "leave the quotes out",
    '"': "leave the quotes out",
}


def _check_words(text: str) -> None:
    """Refuse the first character or word that no expression has in it."""
    number_end = -1
    for token in _TOKEN.finditer(text):
        word, start, stop = token[0], token.start(), token.end()
        if token.lastgroup == "number":
            number_end = stop
            digits = word.replace("_", "")
            if digits.isdecimal() and float(digits) == math.inf:
                raise refusal(text, start, stop, "the number is beyond float64's 1.8e308: scale it down")
        elif token.lastgroup == "word":
            if not word.isidentifier():
                start += next(i for i, c in enumerate(word) if not f"{'_' if i else ''}{c}".isidentifier())
                stop, word = start + 1, text[start]
            elif len(word) > LONGEST_NAME:
                raise refusal(text, start, stop, f"a name has at most {LONGEST_NAME} characters: take a shorter one")
            elif start == number_end:
                raise refusal(text, start, stop, f"a name follows a number: write * {word} for a product")
            elif not iskeyword(word):
                continue
            raise refusal(text, start, stop, _stranger(word))
        elif token.lastgroup == "mark" and word not in _MARKS:
            raise refusal(text, start, stop, _stranger(word))


def _stranger(word: str) -> str:
    return f"{word!r} has no place here: {_MENDS.get(word, GRAMMAR)}"


def _split(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each statement starts and stops, and refuse what nests too deep for Python's parser.

    The depth of a tree is at most the number of operators and brackets in a row, from one comma to the next.
    """
    start = 0
    levels = [[0, 0]]  # of each open bracket: how deep its parts before the last comma go, and the part after it
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "([":
            levels.append([0, 0])
        elif mark in ")]" and len(levels) > 1:
            inside = levels.pop()
            levels[-1][1] += 1 + max(inside)
        elif mark == ",":
            levels[-1] = [max(levels[-1]), 0]
        elif len(levels) == 1 and (mark == ";" or "\n" in mark):
            yield from _span(text, start, token.start())
            start = token.end()
            levels = [[0, 0]]
        elif token.lastgroup == "mark":
            levels[-1][1] += 1
        if len(levels) - 1 > BRACKETS:
            raise refusal(text, token.start(), token.end(), f"more than {BRACKETS} brackets are open: {NAME_PARTS}")
        if levels[-1][1] > IN_A_ROW:
            raise refusal(text, token.start(), token.end(), f"more than {IN_A_ROW:,} operators in a row: {NAME_PARTS}")
    yield from _span(text, start, len(text))


def _span(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the ends of a statement without the blanks around it, if anything is left of it."""
    words = text[start:stop]
    if words.strip():
        yield start + len(words) - len(words.lstrip()), start + len(words.rstrip())


# ---------------------------------------------------------------- grammar


@dataclass(frozen=True)
class Statement:
    """One expression, or one name given to it, by its place in the whole text."""

    text: str
    start: int
    stop: int

    @property
    def source(self) -> str:
        """The statement in one line, since between brackets a new line is a blank."""
        return "".join([" " if c.isspace() else c for c in self.text[self.start : self.stop]])

    def tree(self) -> ast.stmt:
        """Return what Python reads in it."""
        try:
            (statement,) = ast.parse(self.source).body
        except SyntaxError as fault:
            start = self.start + max(fault.offset or 1, 1) - 1
            stop = self.start + max(fault.end_offset or 1, 1) - 1
            words = re.split("[.;]", fault.msg)[0]  # what follows is advice for programs
            raise refusal(self.text, start, stop, f"Python cannot read this ({words}): mend what stands here") from None
        except (RecursionError, MemoryError):  # near the end of the caller's own stack
            raise refusal(self.text, self.start, self.stop, f"this nests too deep: {NAME_PARTS}") from None
        return statement

    def refusal(self, node: ast.expr | ast.stmt | ast.keyword, why: str) -> ArgumentError:
        """Return an error with carets under a part of the tree."""
        return refusal(self.text, self.place(node.col_offset), self.place(node.end_col_offset or 0), why)

    def place(self, offset: int) -> int:
        """Return the place in the text of an offset that Python counts in bytes of UTF-8."""
        return self.start + len(self.source.encode()[:offset].decode())
