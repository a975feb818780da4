"""Whether a build in isolation has torch: what setup.py imports, and pyproject.toml requires."""

from __future__ import annotations

import ast
import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker.facts.builds import MissingTorch
from opparity.checker.facts.places import Location
from opparity.checker.languages.data.toml import TomlRefused, parse_toml
from opparity.checker.languages.python.syntax import parse_quietly
from opparity.checker.languages.python.tests_of_platform import dotted
from opparity.checker.tree.contents import FileNotReadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.tree.contents import Tree

_TORCH = re.compile(r"torch(?:\.|$)")
_REQUIRED = re.compile(r"\s*torch\b", re.IGNORECASE)
_CATCHING = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException", ""})
_ENDING = frozenset({"exit", "sys.exit", "os._exit", "quit"})
_REQUIRES = re.compile(r"^[ \t]*requires[ \t]*=", re.MULTILINE)


def missing_torch(tree: Tree, script: str) -> MissingTorch | None:
    """Return what a setup.py lacks that pip builds in isolation; None where nothing is known to be.

    setuptools alone runs setup.py, and a back end of the tree's own may ask for more.
    """
    description = posixpath.join(posixpath.dirname(script), "pyproject.toml")
    try:
        text = tree.read_text(description)
        system = parse_toml(text).get("build-system")
        syntax = parse_quietly(tree.read_text(script))
    except (FileNotReadable, TomlRefused, SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # an unknown of others, or no file at all
    if not isinstance(system, dict) or "backend-path" in system or _asks_itself(syntax):
        return None
    required = system.get("requires")
    is_setuptools = str(system.get("build-backend", "setuptools")).startswith("setuptools")
    if not is_setuptools or not isinstance(required, list):
        return None
    if any(_REQUIRED.match(str(each)) for each in required):
        return None
    imports = sorted(_imports(syntax.body, is_caught=False))
    if not imports:
        return None
    is_caught, line = imports[0]  # one that nothing catches goes first
    found = _REQUIRES.search(text)
    at = text.count("\n", 0, found.end()) + 1 if found else 1
    return MissingTorch(Location(script, line), is_caught, Location(description, at))


def _asks_itself(syntax: ast.Module) -> bool:
    """Return whether `setup_requires` has torch: setuptools then tells pip."""
    return any(
        isinstance(text, ast.Constant) and _REQUIRED.match(str(text.value))
        for node in ast.walk(syntax)
        if isinstance(node, ast.keyword) and node.arg == "setup_requires"
        for text in ast.walk(node.value)
    )


def _imports(body: list[ast.stmt], *, is_caught: bool) -> Iterator[tuple[bool, int]]:
    """Yield (whether a failure is caught, line) of each import of torch."""
    for node in body:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        if any(_TORCH.match(name) for name in names):
            yield is_caught, node.lineno
        catches = isinstance(node, ast.Try) and any(map(_goes_on, node.handlers))
        for name in ("body", "handlers", "orelse", "finalbody"):
            inner = getattr(node, name, [])
            blocks = [each.body for each in inner] if name == "handlers" else [inner]
            for block in blocks:
                caught = is_caught or (catches and name == "body")
                yield from _imports(block, is_caught=caught)


def _goes_on(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler catches a failed import, and does not end the build."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    ends = any(
        isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and dotted(node.func) in _ENDING)
        for statement in handler.body
        for node in ast.walk(statement)
    )
    return not ends and any((dotted(kind) if kind else "") in _CATCHING for kind in kinds)
