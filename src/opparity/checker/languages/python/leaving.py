"""What holds after a statement: after an assertion, or a branch that leaves the block."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS, conjunction, negation
from opparity.checker.languages.python.tests_of_platform import ASSERTED, condition_of, dotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.checker.facts.conditions import Condition

_LEAVING_CALLS = frozenset({"sys.exit", "exit", "quit", "os._exit", "pytest.skip"})


def condition_after(statement: ast.stmt, inside: str) -> Condition:
    """Return what holds once a statement is passed, in a function ("" for the module)."""
    match statement:
        case ast.Assert(test):
            condition = conjunction(ASSERTED, condition_of(test, inside))
        case ast.If(test, body, orelse) if _leaves(body) != _leaves(orelse):
            condition = condition_of(test, inside)
            leaving = body if _leaves(body) else orelse
            met = negation(condition) if leaving is body else condition
            raises = isinstance(leaving[-1], ast.Raise)
            condition = conjunction(ASSERTED, met) if raises else met
        case _:
            return ALWAYS
    return ALWAYS if condition == ASSERTED else condition


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """Return whether a block never reaches its end."""
    for statement in body:
        match statement:
            case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
                return True
            case ast.If(_, inner, orelse) if orelse and _leaves(inner) and _leaves(orelse):
                return True
            case ast.Expr(ast.Call(function)) if dotted(function) in _LEAVING_CALLS:
                return True
            case ast.With(_, inner) if _leaves(inner):
                return True
    return False
