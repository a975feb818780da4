"""What a file reads of objects by name, in code alone: `kernels.scale(x)`, `package._C.scale`."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.languages.python.catching import CATCHES_ABSENCE, caught_by
from opparity.checker.languages.python.syntax import parse_quietly
from opparity.checker.languages.python.tests_of_platform import dotted
from opparity.checker.tree.contents import FileNotReadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.tree.contents import Tree

_ASKING = frozenset({"hasattr", "getattr"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class AttributeRead:
    """A name that is read of an object.

    Attributes:
        owner: the object's dotted name.
        is_handled: the file asks for the name first, or catches that it is not there.
    """

    owner: str
    name: str
    line: int
    is_handled: bool


def read_attributes(tree: Tree, path: str) -> tuple[AttributeRead, ...]:
    """Return what a file reads of objects that have a dotted name, in the order of its lines."""
    try:
        syntax = parse_quietly(tree.read_text(path))
    except (FileNotReadable, SyntaxError, ValueError, RecursionError, MemoryError):
        return ()  # an unknown of the Python reader's already
    asked: set[tuple[str, str]] = set()
    found: list[tuple[ast.Attribute, str, bool]] = []
    for node, is_caught in _nodes(syntax):
        match node:
            case ast.Call(ast.Name(str() as function), [owner, ast.Constant(str() as name), *_]):
                if function in _ASKING:
                    asked.add((dotted(owner), name))
            case ast.Attribute(value=value, ctx=ast.Load()) if owner_name := dotted(value):
                found.append((node, owner_name, is_caught))
            case _:
                pass
    reads = (
        AttributeRead(owner, node.attr, node.lineno, is_caught or (owner, node.attr) in asked)
        for node, owner, is_caught in found
    )
    return tuple(sorted(reads, key=lambda read: read.line))


def _nodes(syntax: ast.Module) -> Iterator[tuple[ast.AST, bool]]:
    """Yield every node, and whether the absence of what it reads is caught."""
    waiting: list[tuple[ast.AST, bool]] = [(syntax, False)]
    while waiting:
        node, is_caught = waiting.pop()
        yield node, is_caught
        inner = is_caught and not isinstance(node, _FUNCTIONS)
        attempted = frozenset(_attempted(node))
        waiting.extend((child, inner or child in attempted) for child in ast.iter_child_nodes(node))


def _attempted(node: ast.AST) -> list[ast.stmt]:
    """Return the statements around which a node catches that a name is not there."""
    match node:
        case ast.Try() | ast.TryStar():
            caught = {name for handler in node.handlers for name in caught_by(handler)}
        case ast.With() | ast.AsyncWith():
            calls = [each.context_expr for each in node.items]
            caught = {
                dotted(argument)
                for call in calls
                if isinstance(call, ast.Call) and dotted(call.func).endswith("suppress")
                for argument in call.args
            }
        case _:
            return []
    return [] if CATCHES_ABSENCE.isdisjoint(caught) else node.body
