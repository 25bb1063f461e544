"""Definitions: an op that no backend has a function for is defined by its ``code``, the formula in the table."""

from __future__ import annotations

import ast
from typing import cast

from autograd_core.lift.ir import Apply, Expression, Routine, children
from autograd_core.lift.spelling import Spelling
from autograd_core.op import OPS, Op

__all__ = ["definitions"]


def definitions(routine: Routine, spelling: Spelling) -> list[str]:
    """Return the source of a function for each op of a routine that the backend cannot spell; in the order of their names."""
    used: set[Op] = set()
    stack: list[Expression] = [statement.expression for statement in routine.statements]
    while stack:
        e = stack.pop()
        stack += children(e)
        if isinstance(e, Apply) and not spelling.knows(e.op.name):
            used.add(e.op)
    return [_defined(op, spelling) for op in sorted(used, key=lambda op: op.name)]


def _defined(op: Op, spelling: Spelling) -> str:
    names = op.operand_names
    formula = ast.parse(op.code.format(*names), mode="eval")
    body = ast.unparse(_OnArrays(spelling).visit(formula))
    return f"def {op.name}({', '.join(names)}):\n    return {body}\n\n\n"


class _OnArrays(ast.NodeTransformer):
    """Turns a formula of numbers into one of arrays: choices become ``where``, and functions the backend's."""

    def __init__(self, spelling: Spelling) -> None:
        self._spelling = spelling

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """Return where(condition, a, b)."""
        test, body, orelse = [cast("ast.expr", self.visit(part)) for part in (node.test, node.body, node.orelse)]
        return ast.Call(self._function("where"), [test, body, orelse], [])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Return the call of the backend's function of that name."""
        name = cast("ast.Name", node.func).id
        arguments = [cast("ast.expr", self.visit(argument)) for argument in node.args]
        return ast.Call(self._function({"max": "maximum", "min": "minimum"}.get(name, name)), arguments, [])

    def _function(self, name: str) -> ast.expr:
        call = self._spelling.op(name)[0] if name in OPS else name
        return ast.parse(call.partition("(")[0], mode="eval").body
