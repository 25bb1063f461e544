"""What is written into a drawing: numbers, names, and HTML-like labels in which any text comes out as itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

__all__ = ["cells", "escaped", "lines", "shown", "span"]

_PIECE = 2000
"""Dot refuses an HTML-like label with more than 16384 bytes in a row; it drops line feeds, so those may stand between."""


def shown(x: float) -> str:
    """Return a number as drawings show it, with five digits.

    >>> shown(0.6347395899824584)
    '0.63474'
    """
    return f"{x:.5g}"


def span(numbers: Iterable[float]) -> str:
    """Return the range of some numbers, or the one that they all are; a nan among them is named beside it.

    >>> span([0.7, -0.5, 0.1])
    '-0.5 … 0.7'
    """
    numbers = list(numbers)
    known = [x for x in numbers if not math.isnan(x)]
    parts = [] if len(known) == len(numbers) else ["nan"]
    if known:
        low, high = shown(min(known)), shown(max(known))
        parts.insert(0, low if low == high else f"{low} … {high}")
    return ", ".join(parts)


def escaped(text: str) -> str:
    r"""Return text for an HTML-like label, in which dot shows it as it is.

    Control characters, which no XML may hold, are shown by their pictures, and what is no character by U+FFFD.

    >>> escaped("a < b\\N")
    'a &lt; b\\\\N'
    """
    import html  # noqa: PLC0415 - only those who draw wait for it

    text = text.replace("\r\n", "\n").expandtabs(4)
    pieces = [text[i : i + _PIECE].translate(_UNSEEN) for i in range(0, len(text), _PIECE)]
    return "\n".join([html.escape(piece).translate(_MEANT) for piece in pieces])


_MEANT = {ord("\\"): "\\\\", ord("\n"): "<BR/>", ord("]"): "&#93;"}
"""A backslash starts an escape even here, and dot takes a bracket by itself for the end of something."""


_UNSEEN = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) != "\n"},
    0x7F: 0x2421,
    **dict.fromkeys([*range(0xD800, 0xE000), 0xFFFE, 0xFFFF], 0xFFFD),
}


def cells(texts: Sequence[str]) -> str:
    """Return an HTML-like label of cells in a row; an empty text has no cell."""
    row = "<VR/>".join([f"<TD>{escaped(text)}</TD>" for text in texts if text])
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4"><TR>{row}</TR></TABLE>>'


def lines(title: str, texts: Sequence[str]) -> str:
    """Return an HTML-like label of lines, one below the other, the first one bold."""
    return f"<{'<BR/>'.join([f'<B>{escaped(title)}</B>', *map(escaped, texts)])}>"
