"""One Python file's bytes to its facts: parsed as far as it can matter, and read."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.readers.python.interest import (
    SearchedText,
    interest_of,
    may_answer,
    places_of_interest,
)
from opparity.checker.readers.python.module_reader import ModuleReader
from opparity.checker.readers.python.names import module_name
from opparity.checker.readers.python.pruning import blocks_of, without_bodies
from opparity.checker.readers.python.records import ModuleFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

# Whatever may be an import, one in a string or after a semicolon too.
_IMPORT = re.compile(r"import\b\s*(\([^)]*+\)?|(?:[^\n\\]++|\\\n?)*+)")
_BASE = re.compile(r"from[\s\\]*([\w.]+)[\s\\]*$")
_LONGEST_BASE = 300
_IMPORTED = re.compile(r"([\w.]+)(?:[\s\\]+as[\s\\]+(\w+))?")
_COMMENT = re.compile(r"#[^\n]*")


@dataclass(frozen=True, slots=True)
class Leads:
    """Modules that lead to operators.

    Attributes:
        extensions: the last names of extension modules.
        modules: dotted names of the tree's modules whose functions touch operators.
    """

    extensions: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()


def read_module(path: str, content: bytes, leads: Leads) -> ModuleFacts:
    """Return what one file says, before its names are followed into others.

    Args:
        path: the file's path.
        content: its bytes.
        leads: modules that lead to operators.
    """
    text = SearchedText(content.decode("utf-8", errors="replace"))
    possible = _possibly_bound(text.text, leads)
    try:
        syntax = _parse(text, possible)
        package = tuple(module_name(path).split("."))
        if not path.endswith("__init__.py"):
            package = package[:-1]
        wanted = _bound_from(syntax, package, leads) if possible else set()
        interest = interest_of(text, syntax, wanted)
        return ModuleReader(path, package, interest, leads.extensions).read(syntax)
    except (SyntaxError, ValueError) as error:
        return ModuleFacts(path, problem=f"cannot be parsed: {error}")
    except (RecursionError, MemoryError):
        return ModuleFacts(path, problem="is nested too deeply; not read")


def _parse(text: SearchedText, wanted: set[str]) -> ast.Module:
    """Return the syntax of a file; functions that cannot matter may have lost their bodies."""
    blocks = blocks_of(text.text)
    places = places_of_interest(text, blocks, wanted)
    pruned = without_bodies(
        text.text, blocks, lambda block: not (block.holds(places) or may_answer(block.name))
    )
    with warnings.catch_warnings():
        # The tree's own invalid escapes are its business.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(pruned)
        except SyntaxError:
            return ast.parse(text.text)


def _possibly_bound(text: str, leads: Leads) -> set[str]:
    """Return the names that `_bound_from` may come to, and some more, before a file is parsed."""
    lasts = {_last(module) for module in leads.modules} | leads.extensions
    found: set[str] = set()
    for match in _IMPORT.finditer(text):
        before = _BASE.search(text[max(0, match.start() - _LONGEST_BASE) : match.start()])
        base = before[1] if before else None
        # What `from . import` takes from is known by the file's own place.
        any_name = base is not None and (not base.strip(".") or _last(base) in lasts)
        for name, alias in _IMPORTED.findall(_COMMENT.sub("", match[1])):
            if any_name or _last(name) in lasts:
                found.add(alias or (name if before else name.partition(".")[0]))
    return found


def _bound_from(syntax: ast.Module, package: tuple[str, ...], leads: Leads) -> set[str]:
    """Return the names that a file binds from modules whose functions touch operators."""
    found: set[str] = set()
    for node in _statements(syntax):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in leads.modules or _last(alias.name) in leads.extensions:
                    found.add(alias.asname or alias.name.partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                named = {module, f"{module}.{alias.name}"}
                if named & leads.modules or alias.name in leads.extensions:
                    found.add(alias.asname or alias.name)
    return found


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _statements(syntax: ast.Module) -> Iterator[ast.stmt]:
    """Yield every statement, nested ones included, without looking into expressions."""
    waiting: list[ast.AST] = [syntax]
    while waiting:
        node = waiting.pop()
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            children = getattr(node, name, ())
            if isinstance(children, list):
                waiting.extend(children)
        if isinstance(node, ast.stmt):
            yield node
