"""What decorators say of a function or class: where it runs, and who calls it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS, negation
from opparity.checker.languages.python.tests_of_platform import condition_of, dotted

if TYPE_CHECKING:
    from opparity.checker.facts.conditions import Condition

# Decorators that leave the function reachable by its name alone.
_PLAIN_DECORATORS = frozenset(
    {"staticmethod", "classmethod", "property", "cached_property", "contextmanager", "overload"}
    | {"lru_cache", "cache", "wraps", "no_grad", "inference_mode", "dataclass", "override"}
)
_GUARDING_KEYWORDS = frozenset({"supported", "enabled", "condition", "available"})


def condition_of_decorator(decorator: ast.expr, inside: str) -> Condition:
    """Return where `@decorator(supported=is_cuda)` and its like let a function run."""
    if not isinstance(decorator, ast.Call):
        return ALWAYS
    for keyword in decorator.keywords:
        if keyword.arg in _GUARDING_KEYWORDS:
            return condition_of(keyword.value, inside)
    if dotted(decorator.func).endswith("skipif") and decorator.args:
        return negation(condition_of(decorator.args[0], inside))
    return ALWAYS


def is_plain(decorator: ast.expr) -> bool:
    """Return whether a decorator leaves the function reachable by its name alone."""
    name = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return name.rpartition(".")[2] in _PLAIN_DECORATORS
