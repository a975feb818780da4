"""What the handlers of a `try` catch."""

from __future__ import annotations

import ast

from opparity.checker.languages.python.tests_of_platform import dotted

CATCHES_ABSENCE = frozenset({"AttributeError", "RuntimeError", "Exception", "BaseException"})
CATCHES_IMPORT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def caught_by(handler: ast.ExceptHandler) -> set[str]:
    """Return the exceptions that a handler catches, unless it raises them again."""
    if any(isinstance(statement, ast.Raise) for statement in handler.body):
        return set()
    if handler.type is None:
        return {"BaseException"}
    parts = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {dotted(part).rpartition(".")[2] for part in parts}
