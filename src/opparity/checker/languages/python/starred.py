"""How many arguments `f(*arguments)` gives, where one statement lists them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.checker.languages.python.bindings import Function


def count_of(call: ast.Call, around: list[Function]) -> int:
    """Return how many positional arguments a call gives; -1 where that is not known.

    A list counts that the innermost function around the call makes in one statement, and that
    nothing but starred arguments reads.
    """
    count = 0
    for argument in call.args:
        if not isinstance(argument, ast.Starred):
            count += 1
            continue
        value = argument.value
        if isinstance(value, ast.Name):
            listed = _listed(value.id, around[-1]) if around else None
        else:
            listed = value
        if not isinstance(listed, ast.List | ast.Tuple) or _has_stars(listed):
            return -1
        count += len(listed.elts)
    return count


def _has_stars(listed: ast.List | ast.Tuple) -> bool:
    return any(isinstance(each, ast.Starred) for each in listed.elts)


def _listed(name: str, function: Function) -> ast.expr | None:
    """Return what a function gives a name once, and does nothing with but star it."""
    given: list[ast.expr] = []
    starred = uses = 0
    for node in ast.walk(function):
        match node:
            case ast.Assign([ast.Name(target)], value) if target == name:
                given.append(value)
            case ast.Starred(ast.Name(used), ast.Load()) if used == name:
                starred += 1
            case ast.Name(used) if used == name:
                uses += 1
            case ast.arg(used) if used == name:
                return None
    # Each starred use, and the target of the assignment, is a name too.
    return given[0] if len(given) == 1 and uses == starred + 1 else None
