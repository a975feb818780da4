"""What the handlers of a `try` catch."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from opparity.checker.languages.python.tests_of_platform import dotted

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENDING = frozenset({"sys.exit", "exit", "quit", "os._exit", "os.abort"})
CATCHES_ABSENCE = frozenset({"AttributeError", "RuntimeError", "Exception", "BaseException"})
# An attribute that a module lacks raises AttributeError; an operator that torch lacks may raise
# RuntimeError too.
CATCHES_ATTRIBUTE = CATCHES_ABSENCE - {"RuntimeError"}
CATCHES_IMPORT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def caught_by(handler: ast.ExceptHandler) -> set[str]:
    """Return the exceptions that a handler catches, unless it raises them again."""
    if any(isinstance(statement, ast.Raise) for statement in handler.body):
        return set()
    if handler.type is None:
        return {"BaseException"}
    parts = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {dotted(part).rpartition(".")[2] for part in parts}


def gives_up(body: Sequence[ast.stmt]) -> bool:
    """Return whether every way through a handler raises an exception or ends the process."""
    for statement in body:
        match statement:
            case ast.Raise():
                return True
            case ast.Expr(ast.Call(function)) if dotted(function) in _ENDING:
                return True
            case ast.If(_, then, otherwise) if gives_up(then) and gives_up(otherwise):
                return True
            case ast.With(_, inner) if gives_up(inner):
                return True
    return False


def suppressed_by(node: ast.With | ast.AsyncWith) -> set[str]:
    """Return the exceptions that `with suppress(…)` catches."""
    calls = [each.context_expr for each in node.items]
    return {
        dotted(argument).rpartition(".")[2]
        for call in calls
        if isinstance(call, ast.Call) and dotted(call.func).endswith("suppress")
        for argument in call.args
    }
