"""What a comparison found, as a table in text, HTML, JSON or pandas."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.errors import MissingExtraError
from autograd_core.extras import load
from autograd_core.files import write_whole
from nn.lectures.item import Array, Comparison, Evidence, Lifted, Miss

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - it has none

__all__ = ["Line", "Remark", "Report"]

HEAD = ("item", "quantity", "autograd", "lecture's formula", "central difference", "largest difference", "ulps", "")

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
{body}
</body>
</html>
"""

STYLE = """<style>
.lectures { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif; border-collapse: collapse; }
.lectures th, .lectures td { text-align: left; padding: 3px 10px; border-bottom: 1px solid #8886; vertical-align: top; }
.lectures td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.lectures tr.item td { padding-top: 12px; font-weight: 600; border-bottom: none; }
.lectures tr.item td span { font-weight: normal; }
.lectures .differs { background: #d55e0044; font-weight: bold; }
</style>"""


@dataclass(frozen=True)
class Remark:
    """Something that is listed and needs no numbers, such as a slip in a letter."""

    text: str


@dataclass(frozen=True)
class Line:
    """One line of a report: a piece of evidence, and what it is evidence for.

    Parameters
    ----------
    id : the item's or erratum's.
    evidence : a comparison of numbers, a finding in words, a formula beside a lifted program, a printed form that misses, or
        a remark.
    latex, statement : what the item says, for the headings of the HTML form.
    """

    id: str
    evidence: Evidence | Miss | Remark
    latex: str = ""
    statement: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the evidence shows what it should; a remark has nothing to show."""
        if isinstance(self.evidence, Remark):
            return True
        return bool(self.evidence.shown if isinstance(self.evidence, Miss) else self.evidence.agrees)

    def cells(self) -> tuple[str, ...]:
        """Return what stands in the columns of the table."""
        verdict = "agrees" if self.agrees else "DIFFERS"
        evidence = self.evidence
        if isinstance(evidence, Remark):
            return self.id, evidence.text, "", "", "", "", "", "listed"
        if isinstance(evidence, Comparison):
            at = _worst(evidence)
            numbers = [_number(a, at) for a in (evidence.autograd, evidence.formula, evidence.central)]
            place = f"{evidence.quantity}{_place(at)}"
            return self.id, place, *numbers, f"{evidence.difference:.1e}", f"{evidence.ulps:.1f}", verdict
        if isinstance(evidence, Miss):
            what = (
                f"printed {_short(evidence.printed)}, right {_short(evidence.right)}, in truth {_short(evidence.truth)}"
            )
            return self.id, f"{evidence.quantity}: {what}", "", "", "", "", "", "shown" if self.agrees else "NOT SHOWN"
        if isinstance(evidence, Lifted):
            return self.id, f"{evidence.quantity}: {_beside(evidence)}", "", "", "", "", "", verdict
        return self.id, f"{evidence.what}: {evidence.found}", "", "", "", "", "", verdict


@dataclass(frozen=True)
class Report:
    """The lines of a comparison; printed it is a table, in Jupyter one with the formulas typeset.

    Parameters
    ----------
    title : what was compared.
    lines : one for each quantity.
    notes : conventions that were converted on the way, in words.
    """

    title: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether every line agrees."""
        return all([line.agrees for line in self.lines])

    @property
    def differing(self) -> tuple[Line, ...]:
        """The lines that do not agree."""
        return tuple([line for line in self.lines if not line.agrees])

    def __str__(self) -> str:
        rows = [HEAD, *[line.cells() for line in self.lines]]
        numeric = [row for row in rows if any(row[2:7])]
        widths = [max([len(row[column]) for row in numeric]) for column in range(len(HEAD))]
        written = [
            "  ".join([cell.ljust(width) for cell, width in zip(row, widths, strict=True)]).rstrip() for row in rows
        ]
        for i, row in enumerate(rows):
            if not any(row[2:7]):
                written[i] = f"{row[0].ljust(widths[0])}  {row[1]}  {row[7]}"
        return "\n".join([self.title, "", written[0], *written[1:], "", *self.notes, self._verdict()])

    def _verdict(self) -> str:
        count = len(self.lines)
        differing = len(self.differing)
        lines = "1 line" if count == 1 else f"{count} lines"
        return f"{lines}, all agree" if not differing else f"{lines}, {differing} of which differ"

    def _repr_html_(self) -> str:
        body: list[str] = []
        for i, line in enumerate(self.lines):
            if line.statement and (i == 0 or self.lines[i - 1].id != line.id):
                said = f"{html.escape(line.id)} <span>{html.escape(line.statement)} {_typeset(line.latex)}</span>"
                body.append(f'<tr class="item"><td colspan="{len(HEAD)}">{said}</td></tr>')
            body.append(_html_row(line))
        head = "".join([f"<th>{html.escape(name)}</th>" for name in HEAD])
        notes = "".join([f"<p>{html.escape(note)}</p>" for note in (*self.notes, self._verdict())])
        return (
            f"{STYLE}<h2>{html.escape(self.title)}</h2>"
            f'<table class="lectures"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>{notes}'
        )

    def to_html(self, path: str | PathLike[str]) -> None:
        """Write the report as a page of its own, which needs no network."""
        page = PAGE.format(title=html.escape(self.title), body=self._repr_html_())
        write_whole(Path(path), page.encode())

    def to_json(self) -> str:
        """Return the report as JSON: title, notes, and a record for each line, numbers in full."""
        import json  # noqa: PLC0415 - for those who want it

        records = [_record(line) for line in self.lines]
        whole = {"title": self.title, "agrees": self.agrees, "notes": self.notes, "lines": records}
        return json.dumps(whole, indent=1, ensure_ascii=False)

    def to_frame(self) -> pd.DataFrame:
        """Return the report as a pandas DataFrame, one row for each line.

        Raises
        ------
        MissingExtraError : pandas is not installed.
        """
        pandas = load("pandas", "frame", "a report as a DataFrame")
        return pandas.DataFrame([_record(line) for line in self.lines])


# ---------------------------------------------------------------- cells


def _worst(evidence: Comparison) -> tuple[int, ...]:
    """Return the index at which a comparison is worst, and where all is equal that of the largest number."""
    beside = evidence.central if evidence.autograd is None else evidence.autograd
    if beside is None or beside.shape != evidence.formula.shape or not evidence.formula.size:
        return ()
    gap = np.abs(evidence.formula - beside)
    ranked = gap if np.any(gap) else np.abs(evidence.formula)
    return tuple([int(i) for i in np.unravel_index(int(np.argmax(ranked)), ranked.shape)])


def _number(array: Array | None, at: tuple[int, ...]) -> str:
    if array is None:
        return ""
    if np.ndim(array) != len(at):
        return f"shape {np.shape(array)}"
    return f"{float(array[at]):.10g}"


def _place(at: tuple[int, ...]) -> str:
    return f" at [{','.join([str(i + 1) for i in at])}]" if at else ""


def _short(array: Array) -> str:
    numbers = np.asarray(array, dtype=float)
    if numbers.ndim == 0:
        return f"{float(numbers):.5g}"
    if numbers.size > 6:
        return f"an array of shape {numbers.shape} with norm {float(np.linalg.norm(numbers)):.5g}"
    return str(np.round(numbers, 5).tolist())


def _beside(evidence: Lifted) -> str:
    """Return a lecture's formula beside what was lifted from scalars."""
    return f"{evidence.formula}; lifted: {', '.join(evidence.lines) or 'no line of the program'}"


def _html_row(line: Line) -> str:
    if isinstance(line.evidence, Lifted):
        return _lifted_row(line, line.evidence)
    _, quantity, *numbers, verdict = line.cells()
    kind = "" if line.agrees else ' class="differs"'
    cells = "".join([f'<td class="number">{html.escape(cell)}</td>' for cell in numbers])
    return f"<tr{kind}><td></td><td>{html.escape(quantity)}</td>{cells}<td>{verdict}</td></tr>"


def _lifted_row(line: Line, evidence: Lifted) -> str:
    """Return a row with the lifted lines typeset beside the lecture's formula."""
    kind = "" if line.agrees else ' class="differs"'
    lines = "<br>".join(map(_typeset, evidence.latex)) or "no line of the program"
    said = f"{html.escape(evidence.quantity)}: {html.escape(evidence.formula)}"
    wide = f'<td colspan="{len(HEAD) - 3}">lifted from scalars: {lines}</td>'
    return f"<tr{kind}><td></td><td>{said}</td>{wide}<td>{line.cells()[-1]}</td></tr>"


def _typeset(latex: str) -> str:
    """Return a formula as MathML if the extra ``lectures`` is installed, else as the LaTeX that it is."""
    if not latex:
        return ""
    try:
        convert: Any = load("latex2mathml.converter", "lectures", "typeset formulas").convert
    except MissingExtraError:
        return f"<code>{html.escape(latex)}</code>"
    return convert(latex)


def _record(line: Line) -> dict[str, object]:
    evidence = line.evidence
    record: dict[str, object] = {"id": line.id, "agrees": line.agrees}
    if isinstance(evidence, Comparison):
        ways = {"autograd": evidence.autograd, "formula": evidence.formula, "central": evidence.central}
        record |= {"quantity": evidence.quantity}
        record |= {way: None if array is None else np.asarray(array).tolist() for way, array in ways.items()}
        return record | {"difference": evidence.difference, "ulps": evidence.ulps}
    if isinstance(evidence, Remark):
        return record | {"quantity": evidence.text}
    if isinstance(evidence, Miss):
        forms = {"printed": evidence.printed, "right": evidence.right, "truth": evidence.truth}
        return record | {"quantity": evidence.quantity} | {k: np.asarray(v).tolist() for k, v in forms.items()}
    if isinstance(evidence, Lifted):
        return record | {"quantity": evidence.quantity, "formula": evidence.formula, "lifted": list(evidence.lines)}
    return record | {"quantity": evidence.what, "found": evidence.found}
