"""How Python loads libraries without an import statement: by their files, or as texts."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from opparity.checker.facts.places import Location
from opparity.checker.facts.records import fact
from opparity.checker.languages.python.syntax import parse_quietly
from opparity.checker.tree.contents import FileNotReadable
from opparity.checker.tree.marks import LOADERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from opparity.checker.tree.contents import Tree

_TEXT = re.compile(rb"[\"']([\w./-]{3,})[\"']")
# Who finds files by patterns may load any.
_FINDERS = (b".so", b"glob", b"torch.ops.load")


@fact
class ModuleLoad:
    """A call whose first argument is the name of a module that is built on demand."""

    module: str
    is_by_ctypes: bool
    location: Location


def may_be_loaded(tree: Tree, name: str) -> bool:
    """Return whether Python may load a module by its file, or by its name as a text."""
    wanted = (name.encode(), *_FINDERS)
    contents = map(tree.read, tree.marked(*LOADERS))
    return any(each in content for content in contents for each in wanted)


def names_of_loaded(tree: Tree) -> frozenset[str]:
    """Return the last parts of the texts in files that load libraries: `"ops/demo_ops"`."""
    found: set[str] = set()
    for path in tree.marked(b"load_library("):
        for text in _TEXT.findall(tree.read(path)):
            name = text.decode(errors="replace").rpartition("/")[2]
            found |= {name, name.removeprefix("lib").partition(".")[0]}
    return frozenset(found)


def read_module_loads(tree: Tree, modules: Collection[str]) -> tuple[ModuleLoad, ...]:
    """Return where modules are loaded, of those that ctypes loads somewhere."""
    if not modules:
        return ()
    speaking = [path for path in tree.marked(b"ctypes") if b'"ctypes"' in tree.read(path)]
    found = [*_loads(tree, speaking, modules)]
    known = {each.module for each in found if each.is_by_ctypes}
    quoted = [b'"%s"' % name.encode() for name in known]
    others = [
        path
        for path in tree.python
        if path not in speaking and any(name in tree.read(path) for name in quoted)
    ]
    return (*found, *_loads(tree, others, known))


def _loads(tree: Tree, paths: Iterable[str], modules: Collection[str]) -> Iterator[ModuleLoad]:
    for path in paths:
        try:
            syntax = parse_quietly(tree.read_text(path))
        except (FileNotReadable, SyntaxError, ValueError, RecursionError, MemoryError):
            continue  # an unknown of the Python reader's already
        for node in ast.walk(syntax):
            match node:
                case ast.Call(args=[ast.Constant(str() as name), *_]) if name in modules:
                    values = [keyword.value for keyword in node.keywords]
                    is_by_ctypes = any(
                        isinstance(value, ast.Constant) and value.value == "ctypes"
                        for value in values
                    )
                    yield ModuleLoad(name, is_by_ctypes, Location(path, node.lineno))
