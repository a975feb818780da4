"""What a file reads of objects by name, in code alone: `kernels.scale(x)`, `package._C.scale`."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker.facts.records import fact
from opparity.checker.languages.python.catching import (
    CATCHES_ATTRIBUTE,
    caught_by,
    gives_up,
    suppressed_by,
)
from opparity.checker.languages.python.syntax import parse_quietly
from opparity.checker.languages.python.tests_of_platform import dotted
from opparity.checker.tree.contents import FileNotReadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.tree.contents import Tree

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_TESTS = (ast.If, ast.IfExp, ast.While, ast.Assert)


@fact
class AttributeRead:
    """A name that is read of an object.

    Attributes:
        owner: the object's dotted name.
        is_caught: its absence is caught around it.
        is_asked: what is caught is AttributeError by its name, or the name is asked for: anywhere,
            or, where the answer only decides a test within a function, in that one.
    """

    owner: str
    name: str
    line: int
    is_caught: bool
    is_asked: bool

    @property
    def is_handled(self) -> bool:
        """Return whether the code goes on where the name is not there."""
        return self.is_caught or self.is_asked


def read_attributes(tree: Tree, path: str) -> tuple[AttributeRead, ...]:
    """Return what a file reads of objects that have a dotted name, in the order of its lines."""
    try:
        syntax = parse_quietly(tree.read_text(path))
    except (FileNotReadable, SyntaxError, ValueError, RecursionError, MemoryError):
        return ()  # an unknown of the Python reader's already
    asked: set[tuple[ast.AST | None, str, str]] = set()
    found: list[tuple[str, str, int, _Place]] = []
    for node, place in _nodes(syntax):
        match node:
            case ast.Call(ast.Name("hasattr"), [owner, ast.Constant(str() as name)]) | ast.Call(
                ast.Name("getattr"), [owner, ast.Constant(str() as name), _]
            ):
                asked.add((place.functions[-1] if place.is_test else None, dotted(owner), name))
            case ast.Call(ast.Name("getattr"), [owner, ast.Constant(str() as name)]):
                found.append((dotted(owner), name, node.lineno, place))
            case ast.Attribute(value=value, ctx=ast.Load()) if owner_name := dotted(value):
                found.append((owner_name, node.attr, node.lineno, place))
            case _:
                pass
    reads = (
        AttributeRead(
            owner,
            name,
            line,
            place.is_caught,
            place.is_expected or any((each, owner, name) in asked for each in place.functions),
        )
        for owner, name, line, place in found
    )
    return tuple(sorted(reads, key=lambda read: read.line))


@fact
class _Place:
    """Where a node stands.

    Attributes:
        functions: those around it, from the outermost in, behind None for the file.
        is_caught: a `try` or `with` around it catches that what it reads is not there; and
        is_expected: it does so by the name of what that raises.
        is_test: it decides an `if` or its like, and nothing else.
    """

    functions: tuple[ast.AST | None, ...] = (None,)
    is_caught: bool = False
    is_expected: bool = False
    is_test: bool = False


def _nodes(syntax: ast.Module) -> Iterator[tuple[ast.AST, _Place]]:
    """Yield every node with its place."""
    waiting: list[tuple[ast.AST, _Place]] = [(syntax, _Place())]
    while waiting:
        node, place = waiting.pop()
        yield node, place
        inner = _Place((*place.functions, node)) if isinstance(node, _FUNCTIONS) else place
        test = node.test if isinstance(node, _TESTS) else None
        caught = _caught(node)
        attempted = frozenset(getattr(node, "body", ())) if caught & CATCHES_ATTRIBUTE else ()
        for child in ast.iter_child_nodes(node):
            is_tried = child in attempted
            here = replace(
                inner,
                is_caught=inner.is_caught or is_tried,
                is_expected=inner.is_expected or (is_tried and "AttributeError" in caught),
                is_test=child is test or (inner.is_test and isinstance(child, ast.expr)),
            )
            waiting.append((child, here))


def _caught(node: ast.AST) -> set[str]:
    """Return the exceptions that a node catches around its body."""
    match node:
        case ast.Try() | ast.TryStar():
            kept = [handler for handler in node.handlers if not gives_up(handler.body)]
            return {name for handler in kept for name in caught_by(handler)}
        case ast.With() | ast.AsyncWith():
            return suppressed_by(node)
        case _:
            return set()
