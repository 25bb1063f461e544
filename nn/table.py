"""Tables with a header, read from CSV files and written as such: whatever is wrong is named by its line."""

from __future__ import annotations

import codecs
import csv
import io
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from autograd_core.errors import ArgumentError

__all__ = ["MISSING", "Table", "counted", "is_missing", "listed", "option", "plain", "quoted", "read"]

MISSING = ("", "na", "n/a", "nan", "null", "?")
"""What stands for a value that is missing, in small letters or capitals."""

DELIMITERS = {",": "','", ";": "';'", "\t": "tab", "|": "'|'", " ": "' '"}
"""The characters that are tried where a table seems to have one column only, as --delimiter takes them."""

SHOWN = 12
"""How many names a message lists."""

WIDEST = 60
"""How many characters of a field or a name a message shows."""

NO_TABLES = {b"PK\x03\x04": "a zip archive, as workbooks of spreadsheets are", b"\x1f\x8b": "compressed by gzip"}


def is_missing(text: str) -> bool:
    """Tell whether a field holds no value: it is empty or says NA, N/A, NaN, null or ?.

    >>> is_missing(" NaN "), is_missing("0")
    (True, False)
    """
    return text.strip().lower() in MISSING


def quoted(text: str) -> str:
    r"""Return text of any length and kind as a message shows it: between quotes, on one line, and not too long.

    >>> print(quoted("petal\nwidth"))
    'petal\nwidth'
    """
    shown = repr(text)
    return shown if len(shown) <= WIDEST else f"{shown[: WIDEST - 2]}…{shown[-1]}"


def plain(text: str) -> str:
    """Return text as a report shows it: as it is, unless only quotes tell what it is.

    >>> plain("petal width"), plain("")
    ('petal width', "''")
    """
    return text if text.strip() == text != "" and text.isprintable() and len(text) <= WIDEST else quoted(text)


def option(flag: str, names: Iterable[str]) -> str:
    """Return an option for each name, as a shell takes them.

    >>> print(option("--drop", ["id", "petal width"]))
    --drop id --drop 'petal width'
    """
    return " ".join([f"{flag} {shlex.quote(name) if name.isprintable() else quoted(name)}" for name in names])


def listed(names: Sequence[str]) -> str:
    """Return names with commas between them, at most a dozen."""
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return ", ".join([*[plain(name) for name in names[:SHOWN]], *more])


def counted(n: int, what: str) -> str:
    """Return a number of things.

    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{n} {what}{'' if n == 1 else 's'}"


@dataclass(frozen=True)
class Table:
    """Rows of text below the names of their columns.

    Parameters
    ----------
    source : the name of the file, for messages.
    names : of the columns; no two are alike, and none is empty.
    rows : the fields of each row as they are in the file, as many as there are names.
    lines : the line of the file on which each row begins, counted from 1.
    delimiter : the character between two fields.

    >>> table = Table("pets.csv", ("name", "legs"), [["Rex", "4"], ["Polly", "2"]], [2, 3])
    >>> table.column("legs"), table.take([1]).column("name"), len(table)
    (['4', '2'], ['Polly'], 2)
    """

    source: str
    names: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]
    delimiter: str = ","

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[str]:
        """Return the fields of one column, without spaces around them; ArgumentError names the nearest if there is none."""
        self.require([name])
        i = self.names.index(name)
        return [row[i].strip() for row in self.rows]

    def require(self, names: Iterable[str]) -> None:
        """Raise ArgumentError unless there are columns of these names."""
        missing = [name for name in names if name not in self.names]
        if not missing:
            return
        folded = {name.casefold(): name for name in self.names}
        near = [folded[match] for name in missing for match in get_close_matches(name.casefold(), folded, n=1)]
        hint = f"did you mean {', '.join([quoted(name) for name in dict.fromkeys(near)])}? " if near else ""
        raise ArgumentError(
            f"{self.source} has no column{'s' if len(missing) > 1 else ''} "
            f"{', '.join([quoted(name) for name in missing])}: {hint}it has {listed(self.names)}{self._headless()}"
        )

    def _headless(self) -> str:
        numbers = [name for name in self.names if name.lstrip("-").replace(".", "", 1).isdecimal()]
        return ": does its first line hold the names of its columns?" if numbers else ""

    def take(self, rows: Iterable[int]) -> Table:
        """Return the table of some of the rows, by their numbers counted from 0."""
        chosen = list(rows)
        return replace(self, rows=[self.rows[i] for i in chosen], lines=[self.lines[i] for i in chosen])

    def beside(self, columns: Mapping[str, Sequence[str]]) -> Table:
        """Return the table with more columns at its right; ArgumentError if there is one of the same name already."""
        taken = [name for name in columns if name in self.names]
        if taken:
            raise ArgumentError(
                f"{self.source} has a column {quoted(taken[0])} already, which is to be added: rename it or leave it out"
            )
        rows = [[*row, *more] for row, more in zip(self.rows, zip(*columns.values(), strict=True), strict=True)]
        return replace(self, names=(*self.names, *columns), rows=rows)

    def place(self, i: int, name: str) -> str:
        """Name a field, for messages."""
        return f"{self.source}, line {self.lines[i]}, column {quoted(name)}"

    def to_csv(self) -> str:
        """Return the text of a CSV file; fields are quoted where they have to be.

        >>> print(Table("t.csv", ("a", "b"), [["1,5", ""]], [2]).to_csv(), end="")
        a,b
        "1,5",
        """
        return "".join(
            [self.delimiter.join([self._quoted(field) for field in row]) + "\n" for row in (self.names, *self.rows)]
        )

    def _quoted(self, field: str) -> str:
        # Not csv.writer: with "\n" between rows, that of Python 3.11 leaves a "\r" in a field bare.
        special = any([character in field for character in (self.delimiter, '"', "\n", "\r")])
        return '"' + field.replace('"', '""') + '"' if special else field


def read(path: Path, *, delimiter: str = ",", encoding: str = "utf-8") -> Table:
    """Read a CSV file with a header on its first line.

    Blank lines are passed over; a byte order mark is too. Lines may end in LF, CRLF or CR.

    Parameters
    ----------
    path : the file.
    delimiter : the character between two fields.
    encoding : that of the file, by Python's name for it.

    Raises
    ------
    ArgumentError : there is no such file, or it is no table. The message names the line and what is wrong there.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise ArgumentError(f"the delimiter is {delimiter!r}: pass one character, such as ';', or the word tab")
    source = str(path)
    text = _text(source, _bytes(path), encoding)
    records = _records(source, text, delimiter)
    _, header = next(records, (1, list[str]()))
    names = _names(source, header)
    if len(names) == 1:
        _look_for_delimiter(source, text, delimiter)
    rows: list[list[str]] = []
    lines: list[int] = []
    for line, row in records:
        if len(row) != len(names):
            raise ArgumentError(
                f"{source}, line {line}, has {counted(len(row), 'field')} where the header has {len(names)}: "
                f"mend it; a {_shown(delimiter)} in a field needs double quotes around the field"
            )
        rows.append(row)
        lines.append(line)
    if not rows:
        raise ArgumentError(f"{source} has a header and no rows: there is nothing in it to compute with")
    return Table(source, names, rows, lines, delimiter)


# ---------------------------------------------------------------- bytes and characters


def _bytes(path: Path) -> bytes:
    if path.is_dir():
        raise ArgumentError(f"{path} is a folder: name a CSV file")
    if not path.exists():
        near = _near_files(path)
        raise ArgumentError(f"there is no file {path}: {f'did you mean {near}?' if near else 'name a CSV file'}")
    if not path.is_file() and not path.is_fifo():
        raise ArgumentError(f"{path} is a device, not a file: name a CSV file")
    try:
        return path.read_bytes()
    except OSError as fault:
        raise ArgumentError(f"{path} cannot be read ({fault.strerror}): name a CSV file that can") from None


def _near_files(path: Path) -> str:
    if str(path) == "-":
        return "/dev/stdin"
    try:
        names = [found.name for found in path.parent.iterdir() if found.name != path.name]
    except OSError:
        return ""
    near = get_close_matches(path.name, names, n=1, cutoff=0.75)
    return str(path.with_name(near[0])) if near else ""


def _text(source: str, raw: bytes, encoding: str) -> str:
    for magic, what in NO_TABLES.items():
        if raw.startswith(magic):
            raise ArgumentError(f"{source} is {what}: save the table in it as CSV")
    wide = _wide_encoding(raw)
    if wide and encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig"):
        raise ArgumentError(f"{source} is in {wide.upper()}, not in UTF-8: say --encoding {wide}")
    try:
        text = raw.decode(encoding)
        text.encode()  # some encodings can spell what is no character
    except UnicodeDecodeError as fault:
        before = raw[: fault.start].decode(encoding, "replace")
        raise ArgumentError(
            f"{source}, line {_line_after(before)}: byte {raw[fault.start]:#04x}, number {fault.start} in the file counted "
            f"from 0, is not in {encoding.upper()}: name the file's encoding, as in --encoding cp1252 or --encoding latin-1"
        ) from None
    except UnicodeError:
        raise ArgumentError(
            f"{source} is not in {encoding.upper()}: name the file's encoding with --encoding"
        ) from None
    except (LookupError, ValueError):
        raise ArgumentError(
            f"there is no encoding {encoding!r} of text: pass one such as utf-8, utf-16, cp1252 or latin-1"
        ) from None
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise ArgumentError(
            f"{source}, line {_line_after(text[: text.index(chr(0))])}, holds a NUL character, which no text has: "
            "save the table as CSV in UTF-8"
        )
    return text


def _wide_encoding(raw: bytes) -> str:
    """Return the encoding in which every character takes two bytes or more, if this looks like it."""
    if raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = raw[:1000:2], raw[1:1000:2]
    for name, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if others and 0 not in others and zeros.count(0) > len(zeros) / 2:
            return name
    return ""


def _line_after(text: str) -> int:
    return 1 + len(re.findall(r"\r\n?|\n", text))


# ---------------------------------------------------------------- records


def _records(source: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each record that is not blank, after the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            raise ArgumentError(f"{source}, line {line}{_mend(str(fault), reader.line_num)}") from None
        if len(record) > 1 or (record and record[0].strip()):
            yield line, record
        line = reader.line_num + 1


def _mend(fault: str, last: int) -> str:
    if "end of data" in fault:
        return ': a double quote is opened that is never closed: close it, or write "" for one inside a field'
    if "field limit" in fault:
        return (
            f": a field is longer than {csv.field_size_limit()} characters: close its double quote if that is missing, "
            "or leave the column out of the file"
        )
    return f': a field goes on after its closing double quote, on line {last}: write "" for one inside a field'


def _names(source: str, header: list[str]) -> tuple[str, ...]:
    names = tuple([name.strip() for name in header])
    if not names:
        raise ArgumentError(
            f"{source} is empty: a table has the names of its columns on the first line, and rows below"
        )
    places: dict[str, int] = {}
    for i, name in enumerate(names):
        if not name:
            raise ArgumentError(
                f"{source}: column {i + 1} of {len(names)} has no name on the first line: give it one, or leave it out "
                "(pandas does with to_csv(index=False))"
            )
        if places.setdefault(name, i) != i:
            raise ArgumentError(
                f"{source}: columns {places[name] + 1} and {i + 1} are both called {quoted(name)}: rename one of them"
            )
    return names


def _look_for_delimiter(source: str, text: str, delimiter: str) -> None:
    """Raise ArgumentError if the table, which has one column, would have equally many fields in each row with another delimiter."""
    for other, shown in DELIMITERS.items():
        try:
            widths = {len(record) for _, record in _records(source, text, other)}
        except ArgumentError:
            continue
        if len(widths) == 1 and (width := widths.pop()) > 1:
            raise ArgumentError(
                f"{source} has one column only if its fields are separated by {_shown(delimiter)}, and {width} if by "
                f"{_shown(other)}: say --delimiter {shown}"
            )


def _shown(delimiter: str) -> str:
    return DELIMITERS.get(delimiter, repr(delimiter))
