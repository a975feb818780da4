"""Names that an import gives or leaves out in silence, and that the module needs all the same."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import TYPE_CHECKING

from opparity.checker.facts.places import Location
from opparity.checker.facts.records import fact
from opparity.checker.languages.python.syntax import parse_quietly
from opparity.checker.tree.contents import FileNotReadable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from opparity.checker.tree.contents import Tree

_CAUGHT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_ATTEMPT = re.compile(rb"\ntry:[^\n]*\n((?:[ \t]+[^\n]*\n|\n)+)except\b")
_WORD = re.compile(rb"\w+")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@fact
class LostName:
    """A name that a module reads while it is imported, and that may never be bound.

    Attributes:
        name: the name.
        module: the extension that it is imported from.
        imported: where; and
        used: the first place that needs it.
    """

    name: str
    module: str
    imported: Location
    used: Location


def read_lost_names(
    tree: Tree, paths: Iterable[str], modules: Collection[str]
) -> Iterator[LostName]:
    """Yield the names from extensions that an `except ImportError` leaves without a value."""
    names = {name.encode() for name in modules}
    for path in paths:
        content = tree.read(path)
        attempts = _ATTEMPT.findall(b"\n" + content) if b"try:" in content else []
        taking = [attempt for attempt in attempts if b"from" in attempt]
        if names.isdisjoint(word for attempt in taking for word in _WORD.findall(attempt)):
            continue
        try:
            syntax = parse_quietly(tree.read_text(path))
        except (FileNotReadable, SyntaxError, ValueError, RecursionError, MemoryError):
            continue  # an unknown of the Python reader's already
        yield from _lost(path, syntax, modules)


def _lost(path: str, syntax: ast.Module, modules: Collection[str]) -> Iterator[LostName]:
    is_lazy = any(
        isinstance(each, ast.ImportFrom)
        and each.module == "__future__"
        and any(alias.name == "annotations" for alias in each.names)
        for each in syntax.body
    )
    bound = [set(_bound(each)) for each in syntax.body]
    counts = Counter(name for names in bound for name in names)
    uses: dict[str, list[tuple[ast.stmt, ast.Name]]] = {}
    for each in syntax.body:
        for read in _uses(each, is_lazy=is_lazy):
            uses.setdefault(read.id, []).append((each, read))
    for attempt, own in zip(syntax.body, bound, strict=True):
        if not isinstance(attempt, ast.Try) or not _swallows(attempt):
            continue
        handled = {
            name for each in (*attempt.handlers, *attempt.finalbody) for name in _bound(each)
        }
        for statement in attempt.body:
            for name, module in _imported(statement, modules):
                others = (read for owner, read in uses.get(name, ()) if owner is not attempt)
                use = next(others, None)
                is_elsewhere = name in handled or counts[name] > (name in own)
                if use is not None and not is_elsewhere:
                    place = Location(path, statement.lineno, statement.col_offset + 1)
                    used = Location(path, use.lineno, use.col_offset + 1)
                    yield LostName(name, module, place, used)


def _swallows(attempt: ast.Try) -> bool:
    """Return whether the module goes on where an import in the block fails."""
    for handler in attempt.handlers:
        kinds = ast.walk(handler.type) if handler.type else ()
        names = {each.id for each in kinds if isinstance(each, ast.Name)}
        if names & _CAUGHT or handler.type is None:
            return not any(isinstance(each, ast.Raise) for each in ast.walk(handler))
    return False


def _imported(statement: ast.stmt, modules: Collection[str]) -> Iterator[tuple[str, str]]:
    if isinstance(statement, ast.ImportFrom):
        last = (statement.module or "").rpartition(".")[2]
        for alias in statement.names:
            if last in modules or alias.name in modules:
                yield alias.asname or alias.name, last if last in modules else alias.name


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement of the module may bind, and some more."""
    for each in ast.walk(node):
        match each:
            case ast.Name(name, ast.Store()) | ast.alias(asname=str(name)):
                yield name
            case ast.alias(name=name):
                yield name.partition(".")[0]
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name


def _uses(statement: ast.stmt, *, is_lazy: bool) -> Iterator[ast.Name]:
    """Yield where a statement that runs whatever happens reads names while it is defined."""
    for expression in _evaluated(statement, is_lazy=is_lazy):
        for each in ast.walk(expression):
            if isinstance(each, ast.Name):
                yield each


def _evaluated(statement: ast.stmt, *, is_lazy: bool) -> Iterator[ast.expr]:
    """Yield the expressions that a definition evaluates at once."""
    if isinstance(statement, _FUNCTIONS):
        given = statement.args
        yield from statement.decorator_list
        yield from (each for each in (*given.defaults, *given.kw_defaults) if each)
        every = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
        hints = [each.annotation for each in every if each] + [statement.returns]
        yield from (each for each in hints if each and not is_lazy)
    elif isinstance(statement, ast.ClassDef):
        yield from (*statement.decorator_list, *statement.bases)
        for inner in statement.body:
            yield from _evaluated(inner, is_lazy=is_lazy)
