"""The README tells the truth: its examples run, its table of ops is the table, its commands are two."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from autograd_core.op import OPS, Kink, Op, Parametric

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf8")


def row(op: Op) -> str:
    names = op.operand_names
    shown = [f"{name}={op.default:g}" if isinstance(op, Parametric) and i else name for i, name in enumerate(names)]
    domain = " × ".join(map(str, op.domain)) + (f", {op.constraint[0]}" if op.constraint else "")
    return f"| `{op.name}({', '.join(shown)})` | `{op.code.format(*names)}` | {domain} | {taken(op.kink)} |"


def taken(kink: Kink | None) -> str:
    """Return the convention at a kink in words; rows are shown as they are."""
    if kink is None:
        return ""
    return f"{kink.where}: at {numbers(kink.at)} take {numbers(kink.partials)}"


def numbers(operands: tuple[object, ...]) -> str:
    return ", ".join([f"({numbers(x)})" if isinstance(x, tuple) else f"{x:g}" for x in operands])


def op_table() -> str:
    """Return the README's table of ops, made from the ops."""
    lines = ["| op | definition | domain | derivative taken at a kink |", "|---|---|---|---|"]
    for group in dict.fromkeys(op.group for op in OPS.values()):
        lines += [row(op) for op in OPS.values() if op.group == group]
    return "\n".join(lines)


def test_every_example_in_the_readme_runs():
    results = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert results.attempted >= 20
    assert results.failed == 0


def test_every_example_in_the_readme_of_lifting_runs():
    results = doctest.testfile(str(ROOT / "autograd_core" / "lift" / "README.md"), module_relative=False)
    assert results.attempted >= 30
    assert results.failed == 0


def test_the_readme_starts_with_exactly_two_commands():
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert blocks[0].splitlines() == [
        'pip install -e ".[demo]" && autograd-core demo',
        'pip install -e ".[test]" && pytest -n auto',
    ]


def test_the_table_of_ops_says_what_the_ops_say():
    """Every row is true. A new op need not be listed: adding one is a single edit, somewhere else."""
    printed = re.search(r"<!-- ops -->\n(.*?)\n<!-- /ops -->", README, re.DOTALL)
    assert printed is not None
    assert len(printed[1].splitlines()) >= 50
    assert set(printed[1].splitlines()) <= set(op_table().splitlines())


def test_the_worked_example_of_contributing_is_an_op_that_works():
    """Run the block word for word where the table stands, and hold the new op to what the old ones are held to."""
    from autograd_core import Value, gradcheck, ops

    block = re.search(r"^```python\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text("utf8"), re.MULTILINE | re.DOTALL)
    assert block is not None
    namespace = dict(vars(ops))
    try:
        exec(block[1], namespace)
        softsign = namespace["softsign"]
        assert softsign(-3.0) == -0.75
        assert softsign(Value(1.0)).data == 0.5
        assert gradcheck(softsign, -1.5, order=2)
        assert gradcheck(softsign, 0.7, order=2)
    finally:
        OPS.pop("softsign", None)


if __name__ == "__main__":  # run this file to bring the README's table of ops up to date
    fresh = f"<!-- ops -->\n{op_table()}\n<!-- /ops -->"
    text = re.sub(r"<!-- ops -->\n.*?\n<!-- /ops -->", lambda _: fresh, README, flags=re.DOTALL)
    (ROOT / "README.md").write_text(text, "utf8")
