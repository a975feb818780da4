"""Modules that pass on what an extension module gives them, and who takes it from there.

`from demo._C import scale` in a package's `__init__`, and `import demo` and `demo.scale(x)` in
another file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opparity.checker.languages.python.import_graph import ImportGraph
    from opparity.checker.languages.python.records import ImportSite, ModuleFacts

# Dotted name of a module -> name in it -> the last name of an extension module, and the name there.
Passed = dict[str, dict[str, tuple[str, str]]]
_WORD = re.compile(rb"\w+")


def passed_on(
    modules: Mapping[str, ModuleFacts], extensions: frozenset[str]
) -> dict[str, dict[str, tuple[str, str]]]:
    """Return what each file has of extension modules' names: the file, the name and its origin.

    A name that is bound elsewhere in the file too, or in a function, is left out.
    """
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for path, facts in modules.items():
        bound: dict[str, list[ImportSite]] = {}
        for site in facts.imports:
            bound.setdefault(site.bound, []).append(site)
        for name, sites in bound.items():
            module = sites[0].module.rpartition(".")[2]
            is_plain = len(sites) == 1 and sites[0].at_import and sites[0].name not in {"", "*"}
            is_torchs = sites[0].module.partition(".")[0] == "torch"
            if is_plain and module in extensions and not is_torchs and name not in facts.functions:
                found.setdefault(path, {})[name] = (module, sites[0].name)
    return found


def by_module(passed: Mapping[str, dict[str, tuple[str, str]]], paths: Mapping[str, str]) -> Passed:
    """Return the same by the dotted names of the files."""
    return {name: passed[path] for name, path in paths.items() if path in passed}


def takers(
    passed: Mapping[str, dict[str, tuple[str, str]]],
    graph: ImportGraph,
    contents: Mapping[str, bytes],
) -> Iterator[str]:
    """Yield the files that import such a module and may call one of its names."""
    wanted: dict[str, set[bytes]] = {}
    for path, names in passed.items():
        for importer in graph.importers.get(path, ()):
            wanted.setdefault(importer, set()).update(name.encode() for name in names)
    for importer, words in wanted.items():
        content = contents.get(importer, b"")
        is_named = any(word in content for word in words)
        if is_named and not words.isdisjoint(_WORD.findall(content)):
            yield importer
