"""Who imports whom, by the text of import lines: enough to know which files to read."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.readers.python.names import module_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_IMPORT = re.compile(
    rb"^([ \t]*)(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+([^\n#]+))",
    re.MULTILINE,
)
_NAME = re.compile(rb"\w+")


@dataclass(slots=True)
class ImportGraph:
    """Edges between the files of a tree.

    Attributes:
        importers: file -> the files that import it, anywhere.
        unconditional: file -> the files that it imports at its left margin.
        outside: last name of a module that is no file of the tree -> who imports it.
    """

    importers: dict[str, set[str]] = field(default_factory=dict)
    unconditional: dict[str, set[str]] = field(default_factory=dict)
    outside: dict[str, set[str]] = field(default_factory=dict)

    def surely_imported(self, roots: Iterable[str]) -> frozenset[str]:
        """Return the files that are imported whenever the roots are."""
        reached: set[str] = set()
        waiting = deque(roots)
        while waiting:
            file = waiting.popleft()
            if file not in reached:
                reached.add(file)
                waiting.extend(self.unconditional.get(file, ()))
        return frozenset(reached)


def read_import_graph(contents: Mapping[str, bytes]) -> ImportGraph:
    """Return the import graph of Python files, given their bytes."""
    paths = {module_name(path): path for path in contents}
    graph = ImportGraph()
    for path, content in contents.items():
        package = tuple(module_name(path).split("."))
        if not path.endswith("__init__.py"):
            package = package[:-1]
        for indent, module in _imports(content, package):
            file = paths.get(module)
            if file is None:
                graph.outside.setdefault(module.rpartition(".")[2], set()).add(path)
                continue
            if file == path:
                continue
            graph.importers.setdefault(file, set()).add(path)
            if not indent:
                graph.unconditional.setdefault(path, set()).add(file)
    return graph


def _imports(content: bytes, package: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield (indentation, dotted module) of everything that import lines may name."""
    for found in _IMPORT.finditer(content):
        indent, base, names, plain = (part or b"" for part in found.groups())
        if plain:
            for piece in plain.split(b","):
                yield indent.decode(), _text(piece.split()[0] if piece.split() else b"")
            continue
        module = _absolute(_text(base), package)
        yield indent.decode(), module
        for name in _NAME.findall(names):
            yield indent.decode(), f"{module}.{_text(name)}"


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")


def _absolute(module: str, package: tuple[str, ...]) -> str:
    level = len(module) - len(module.lstrip("."))
    if level == 0:
        return module
    base = package[: len(package) - level + 1]
    rest = module[level:]
    return ".".join([*base, *([rest] if rest else [])])
