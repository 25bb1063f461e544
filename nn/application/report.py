"""What a training run on a table says: what became of each column, and how good the model is on held-out rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from nn import metrics
from nn.preprocess import Category, Preprocessing, counts_rows, number
from nn.table import Table, counted, is_missing, listed, option, plain, quoted
from nn.target import Amount, Target

__all__ = ["aligned", "classification", "columns", "regression"]

LONG = 20
"""Of more columns, those that are plain numbers share one line."""

WIDE = 10
"""Of more classes, no table is printed of which is taken for which."""


def aligned(rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return rows of cells as a table; the first columns are aligned to the left, the others to the right.

    >>> print(aligned([["", "this"], ["accuracy", "0.5"]]))
              this
    accuracy   0.5
    """
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = [
        "  ".join([f"{c:<{w}}" if i < left else f"{c:>{w}}" for i, (c, w) in enumerate(zip(row, widths, strict=True))])
        for row in rows
    ]
    return "\n".join([line.rstrip() for line in lines])


def figure(x: float) -> str:
    """Return a number as people write it, with five digits or all before the point.

    >>> figure(0.123456), figure(8345260.7)
    ('0.12346', '8345261')
    """
    return f"{x:.0f}" if 1e5 <= abs(x) < 1e15 else f"{x:.5g}"


# ---------------------------------------------------------------- columns


def columns(table: Table, used: Preprocessing, target: Target, left_out: Mapping[str, str]) -> str:
    """Return a table of what each column of a table is taken as, and why."""
    known = {column.name: column for column in used.columns}
    lines: list[tuple[str, str, str]] = []
    ordinary: list[str] = []
    for name in table.names:
        if name == target.name:
            lines.append((plain(name), "target", _target(table, target)))
        elif name in left_out:
            lines.append((plain(name), "left out", left_out[name]))
        elif isinstance(column := known[name], Category):
            lines.append((plain(name), "category", _categories(table, column)))
        elif len(table.names) > LONG and not _notes(table, name):
            ordinary.append(name)
        else:
            lines.append((plain(name), "number", _range(table, name) + _notes(table, name)))
    if ordinary:
        lines.insert(0, (counted(len(ordinary), "column"), "number", f"{plain(ordinary[0])} … {plain(ordinary[-1])}"))
    return aligned([("column", "read as", "what is in it"), *lines], left=3)


def _target(table: Table, target: Target) -> str:
    if isinstance(target, Amount):
        return _range(table, target.name)
    counts = Counter(target.numbers(table))
    return (
        f"{len(counts)} classes: {listed([f'{plain(label)} ({counts[k]})' for k, label in enumerate(target.labels)])}"
    )


def _range(table: Table, name: str) -> str:
    present = [float(text) for text in table.column(name) if not is_missing(text)]
    return f"{figure(min(present))} to {figure(max(present))}"


def _notes(table: Table, name: str) -> str:
    texts = table.column(name)
    gaps = sum([is_missing(text) for text in texts])
    if gaps:
        return f"; {gaps} missing, the median stands in"
    if counts_rows([float(text) for text in texts]):
        return f"; counts the rows: if that is all it does, leave it out with {option('--drop', [name])}"
    return ""


def _categories(table: Table, column: Category) -> str:
    gaps = sum([is_missing(text) for text in table.column(column.name)])
    note = f"; {gaps} missing, {quoted(column.fill)} stands in" if gaps and column.fill else ""
    if all([number(category) is not None for category in column.categories]):
        note += "; taken as text with --categorical"
    if new := column.unseen(table):
        note += f"; none of them in rows that are not trained on: {listed(new)}"
    return f"{len(column.categories)}: {listed(column.categories)}{note}"


# ---------------------------------------------------------------- scores


def classification(labels: Sequence[str], truth: Sequence[int], guesses: Sequence[int], usual: int) -> str:
    """Return the accuracy beside that of always guessing the usual class, and what was taken for what.

    Parameters
    ----------
    labels : of the classes.
    truth, guesses : the number of each held-out row's class, and what the model says.
    usual : the number of the class that most rows to train on have.
    """
    scores = [
        ("held-out rows", "this model", f"always {quoted(labels[usual])}"),
        ("accuracy", _share(truth, guesses), _share(truth, [usual] * len(truth))),
    ]
    pairs, true, said = Counter(zip(truth, guesses, strict=True)), Counter(truth), Counter(guesses)
    ks = range(len(labels))
    recall = [_percent(pairs[k, k], true[k]) for k in ks]
    precision = [_percent(pairs[k, k], said[k]) for k in ks]
    names = [plain(label) for label in labels]
    if len(labels) > WIDE:
        found = [("class", "rows", "recall", "precision")]
        found += [(names[k], str(true[k]), recall[k], precision[k]) for k in ks]
    else:
        found = [("true \\ guessed", *names, "recall")]
        found += [(names[k], *[str(pairs[k, j]) for j in ks], recall[k]) for k in ks]
        found += [("precision", *precision, "")]
    no_better = _right(truth, guesses) <= _right(truth, [usual] * len(truth))
    warning = f"\n\nthat is no better than always guessing {quoted(labels[usual])}" if no_better else ""
    return f"{aligned(scores)}\n\n{aligned(found)}{warning}"


def _right(truth: Sequence[int], guesses: Sequence[int]) -> int:
    return sum([guess == true for guess, true in zip(guesses, truth, strict=True)])


def _share(truth: Sequence[int], guesses: Sequence[int]) -> str:
    right = _right(truth, guesses)
    return f"{right} of {len(truth)} = {_percent(right, len(truth))}"


def _percent(part: int, whole: int) -> str:
    return f"{100.0 * part / whole:.1f} %" if whole else "-"


def regression(truth: Sequence[float], guesses: Sequence[float], mean: float) -> str:
    """Return how far off the model is, beside always guessing the mean of the rows to train on."""
    rivals = [list(guesses), [mean] * len(truth)]
    errors = [metrics.root_mean_squared_error(rival, truth) for rival in rivals]
    scores = [
        ["held-out rows", "this model", f"always {figure(mean)}, the mean"],
        ["R²", *[f"{metrics.r2(rival, truth):.3f}" for rival in rivals]],
        ["mean absolute error", *[figure(metrics.mean_absolute_error(rival, truth)) for rival in rivals]],
        ["root mean squared error", *[figure(error) for error in errors]],
    ]
    warning = "" if errors[0] < errors[1] else "\n\nthat is no better than always guessing the mean"
    return aligned(scores) + warning
