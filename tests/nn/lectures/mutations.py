"""Mutation tests of closed forms: a slip in one of them has to turn an item red.

A mutant is a closed form with one slip: a sign flipped, the operands of ``@`` swapped, a ``.T`` dropped, a constant
index changed. It takes the place of the form's code, so that whoever holds the function runs the mutant, by whatever
name or in whatever table.
"""

import __future__

import ast
import inspect
import textwrap
from contextlib import contextmanager
from copy import deepcopy
from functools import cache

from nn.lectures.item import CLOSED_FORMS, ITEMS

SIGNS = {ast.Add: ast.Sub, ast.Sub: ast.Add}


def forms_of(lecture):
    """Return a lecture's closed forms by their full names, such as ``nn.lectures.levine.forward.sigmoid``."""
    home = f"nn.lectures.{lecture}"
    return {name: form for name, form in CLOSED_FORMS.items() if f"{name}.".startswith(f"{home}.")}


def mutants(module, name):
    """Yield (description, function) for each slip that the source of a module's function allows."""
    form = getattr(module, name)
    first = inspect.getsourcelines(form)[1]
    tree = ast.parse(textwrap.dedent(inspect.getsource(form)))
    (definition,) = tree.body
    definition.decorator_list = []  # or each mutant would be declared a closed form
    for place, node in enumerate(ast.walk(tree)):
        for slip, change in slips(node):
            mutated = deepcopy(tree)
            change(list(ast.walk(mutated))[place])
            line = first + node.lineno - 1
            yield f"{name}, line {line}, {ast.unparse(node)!r}: {slip}", compiled(mutated, module, name)


def slips(node):
    """Yield (what is done, function that does it to the same node of a copy) for one node of a syntax tree."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in SIGNS:
        yield "sign flipped", flip
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "minus dropped", lambda copy: setattr(copy, "op", ast.UAdd())
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield "operands swapped", swap
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield ".T dropped", lambda copy: setattr(copy, "attr", "real")  # of a real array, the array itself
    if isinstance(node, ast.Subscript):
        indices = [i for i, inner in enumerate(ast.walk(node.slice)) if is_whole(inner)]
        for i in indices:
            yield "index changed", lambda copy, i=i: bump(list(ast.walk(copy.slice))[i])


def is_whole(node):
    return isinstance(node, ast.Constant) and type(node.value) is int


def flip(node):
    node.op = SIGNS[type(node.op)]()


def swap(node):
    node.left, node.right = node.right, node.left


def bump(constant):
    constant.value += 1


def compiled(tree, module, name):
    """Return the function that a syntax tree defines, with the module's own names around it."""
    code = compile(
        ast.fix_missing_locations(tree),
        f"<mutant of {name}>",
        "exec",
        flags=__future__.annotations.compiler_flag,
        dont_inherit=True,
    )
    found = {}
    exec(code, vars(module), found)
    return found[name]


@contextmanager
def in_place_of(form, mutant):
    """Let everybody who calls the form run the mutant."""
    original = form.__code__
    form.__code__ = mutant.__code__
    try:
        yield
    finally:
        form.__code__ = original


def is_noticed(lecture, form, mutant):
    """Tell whether some item of the lecture disagrees, or raises, with a mutant in place of a closed form."""
    with in_place_of(form, mutant):
        return any(not agrees(item) for item in ITEMS.values() if item.lecture == lecture)


def agrees(item):
    """Tell whether an item's evidence can be had, and agrees."""
    try:
        return all(evidence.agrees for evidence in item.evidence())
    except Exception:  # noqa: BLE001 - a mutant may fail in any way
        return False


@cache
def disagreeing(lecture):
    """Return the ids of the lecture's items that disagree without any slip."""
    return tuple(item.id for item in ITEMS.values() if item.lecture == lecture and not agrees(item))


def survivors(lecture, full_name):
    """Return the descriptions of the mutants of a closed form that no item notices."""
    assert disagreeing(lecture) == (), "an item that is red anyway would notice every slip"
    form = CLOSED_FORMS[full_name]
    module = inspect.getmodule(form)
    return [what for what, mutant in mutants(module, form.__name__) if not is_noticed(lecture, form, mutant)]
