"""The import statements of a file, each with whether its failure is caught."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker.facts.places import Location
from opparity.checker.facts.records import fact
from opparity.checker.languages.python.catching import CATCHES_IMPORT, caught_by, suppressed_by
from opparity.checker.languages.python.syntax import parse_quietly
from opparity.checker.languages.python.tests_of_platform import dotted
from opparity.checker.tree.contents import FileNotReadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.tree.contents import Tree

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@fact
class ImportStatement:
    """What an import statement names.

    Attributes:
        module: as it is written, with the dots of a relative import.
        name: what is taken from the module; "" for the module itself.
        bound: the name that the file has it by.
        is_caught: a `try` or `with` around it catches that it fails.
        is_tested: an `if`, or an `except` that something else failed in, decides whether it runs.
        is_at_import: it runs when the file is imported.
    """

    module: str
    name: str
    bound: str
    location: Location
    is_caught: bool = False
    is_tested: bool = False
    is_at_import: bool = True


@fact
class _Place:
    is_caught: bool = False
    is_tested: bool = False
    is_at_import: bool = True


def read_import_statements(tree: Tree, path: str) -> tuple[ImportStatement, ...]:
    """Return the imports of a file, but for those that only type checkers follow."""
    syntax = _syntax(tree, path)
    return tuple(_imports(syntax, path, _Place())) if syntax is not None else ()


def names_bound(tree: Tree, path: str, package: str) -> frozenset[str] | None:
    """Return the names that a package's file binds, but for modules of the package itself.

    None where it may have any: it takes whole modules' names, answers for what it lacks, or does
    not parse.
    """
    syntax = _syntax(tree, path)
    if syntax is None:
        return None
    found: set[str] = set()
    for node in ast.walk(syntax):
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                found.add(name)
            case ast.Name(name, ast.Store()):
                found.add(name)
            case ast.ImportFrom(names=[ast.alias("*")]):
                return None
            case ast.Call(function) if dotted(function) in {"globals", "setattr", "exec"}:
                return None
            case ast.Import(names):
                others = [each for each in names if each.name.rpartition(".")[0] != package]
                found |= {each.asname or each.name for each in others}
            case ast.ImportFrom(str() as module, names) if module != package:
                found |= {each.asname or each.name for each in names}
            case _:
                pass
    return None if found & {"__getattr__", "__path__"} else frozenset(found)


def _syntax(tree: Tree, path: str) -> ast.Module | None:
    try:
        return parse_quietly(tree.read_text(path))
    except (FileNotReadable, SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # an unknown of the Python reader's already


def _imports(node: ast.AST, path: str, place: _Place) -> Iterator[ImportStatement]:
    waiting = [(node, place)]
    while waiting:
        node, place = waiting.pop()
        match node:
            case ast.Import(names):
                for each in names:
                    bound = each.asname or each.name
                    yield _statement(node, path, place, each.name, "", bound)
            case ast.ImportFrom(module, names, level):
                base = "." * (level or 0) + (module or "")
                for each in names:
                    bound = each.asname or each.name
                    yield _statement(node, path, place, base, each.name, bound)
            case _:
                waiting.extend(_inside(node, place))


def _statement(
    node: ast.stmt, path: str, place: _Place, module: str, name: str, bound: str
) -> ImportStatement:
    where = Location(path, node.lineno, node.col_offset + 1)
    return ImportStatement(
        module, name, bound, where, place.is_caught, place.is_tested, place.is_at_import
    )


def _inside(node: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    """Yield the parts of a node, each with its place."""
    tried: tuple[ast.AST, ...] = ()
    match node:
        case ast.If(test=test) if dotted(test).rpartition(".")[2] == "TYPE_CHECKING":
            yield from ((each, place) for each in node.orelse)
            return
        case ast.Try() | ast.TryStar():
            caught = {name for handler in node.handlers for name in caught_by(handler)}
            tried = tuple(node.body) if caught & CATCHES_IMPORT else ()
        case ast.With() | ast.AsyncWith() if suppressed_by(node) & CATCHES_IMPORT:
            tried = tuple(node.body)
        case _:
            pass
    is_test = isinstance(node, (ast.If, ast.Match, ast.While, ast.For, ast.ExceptHandler))
    here = replace(
        place,
        is_tested=place.is_tested or is_test,
        is_at_import=place.is_at_import and not isinstance(node, _FUNCTIONS),
    )
    for each in ast.iter_child_nodes(node):
        yield each, replace(here, is_caught=True) if each in tried else here
