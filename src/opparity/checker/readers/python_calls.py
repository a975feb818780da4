"""Python files: where operators are touched, and under which guards."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from opparity.checker.readers.python.defined import defined_in_python
from opparity.checker.readers.python.import_graph import read_import_graph
from opparity.checker.readers.python.linking import Linker
from opparity.checker.readers.python.names import Names, module_paths
from opparity.checker.readers.python.parsing import Leads, read_module

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opparity.checker.facts import PythonFile
    from opparity.checker.readers.python.import_graph import ImportGraph
    from opparity.checker.readers.python.records import FunctionFacts, ModuleFacts
    from opparity.checker.tree import Tree
    from opparity.checker.workers import Workers

_PREDICATES = re.compile(rb"def (?<!\wdef )_?is_(?:cuda|rocm|hip|cpu|npu|xpu|musa|mlu)\w*\s*\(")
# Tests call operators on the platform that they are run on; they are no users' code.
_NOT_SHIPPED = re.compile(
    r"(?:^|/)(?:tests?|testing|bench|benchmarks?|examples?|docs?|tools|\.\w+)/"
)
# Below this many bytes other processes cost more than they save (their start: about 0.05 s).
_WORTH_A_POOL = 400_000


class PythonReader:
    """Finds the Python files that touch operators, reads them and links them with each other.

    Args:
        tree: the tree.
        extensions: the last names of the extension modules that the tree builds.
        workers: processes to read with.
    """

    def __init__(self, tree: Tree, extensions: frozenset[str], workers: Workers) -> None:
        self.extensions = extensions
        self.workers = workers
        shipped = [path for path in tree.python if not _NOT_SHIPPED.search(path)]
        self.contents = {path: tree.read(path) for path in shipped}
        self.graph = read_import_graph(self.contents, extensions)

    def read(self, libraries: frozenset[str]) -> dict[str, PythonFile]:
        """Return the facts of every file that touches operators.

        Args:
            libraries: the namespaces that native files register operators in; who imports a module
                is followed where the module touches these.
        """
        touching = self._touching(libraries) | defined_in_python(
            self.contents, libraries, self.graph
        )
        if not touching:
            return {}
        modules = self._modules(sorted(touching), Leads(self.extensions))
        followed = {path for path, facts in modules.items() if _needs_users(facts, libraries)}
        passing = _passing_on(self.graph, {path: modules[path] for path in followed}, self.contents)
        paths = module_paths(self.contents)
        leading = followed | passing.keys()
        leads = Leads(
            self.extensions, frozenset(name for name, path in paths.items() if path in leading)
        )
        users = _users(self.graph, {path: modules[path] for path in followed}, self.contents)
        for path, names in passing.items():
            users |= _mentioning(self.graph.importers.get(path, set()), names, self.contents)
        modules |= self._modules(sorted(users), leads)
        roots = [path for path in self.contents if _is_root(path, self.contents)]
        linker = Linker(
            Names(modules, paths),
            self.graph.surely_imported(roots),
            frozenset(followed),
            self.extensions,
            self.graph,
        )
        return linker.files()

    def _touching(self, libraries: frozenset[str]) -> set[str]:
        calls = [f"torch.ops.{name}".encode() for name in libraries]
        texts = [f'"{name}::'.encode() for name in libraries]
        found = {
            path for path, content in self.contents.items() if _is_marked(content, calls, texts)
        }
        return found.union(*(self.graph.outside.get(name, ()) for name in self.extensions))

    def _modules(self, paths: Iterable[str], leads: Leads) -> dict[str, ModuleFacts]:
        contents = {path: self.contents[path] for path in paths}
        read = partial(_read_batch, leads)
        facts = {
            module.path: module
            for module in self.workers.map(read, contents, worthwhile=_WORTH_A_POOL)
        }
        return {path: facts[path] for path in contents}


def _read_batch(leads: Leads, files: Sequence[tuple[str, bytes]]) -> list[ModuleFacts]:
    return [read_module(path, content, leads) for path, content in files]


def _users(
    graph: ImportGraph, followed: dict[str, ModuleFacts], contents: dict[str, bytes]
) -> set[str]:
    """Return the importers of modules that matter: they say what the modules offer.

    Where a module touches operators at import, every importer matters that may be conditional.
    """
    found: set[str] = set()
    for path, facts in followed.items():
        importers = graph.importers.get(path, set())
        if facts.registrations or any(call.at_import for call in facts.calls):
            # What an import at the left margin says is known from the graph: with those of it, 553
            # files of vLLM 0.33.0 were read here, and 320 without.
            found |= graph.elsewhere.get(path, set())
        found |= _mentioning(importers, _offered(facts), contents)
    return found


def _mentioning(
    paths: Iterable[str], names: Iterable[bytes], contents: dict[str, bytes]
) -> set[str]:
    return {path for path in paths if any(name in contents[path] for name in names)}


def _passing_on(
    graph: ImportGraph, followed: dict[str, ModuleFacts], contents: dict[str, bytes]
) -> dict[str, set[bytes]]:
    """Return the packages that offer the functions of their modules, and those functions."""
    found: dict[str, set[bytes]] = {}
    waiting = [(path, _offered(facts)) for path, facts in followed.items()]
    while waiting:
        path, names = waiting.pop()
        for importer in graph.importers.get(path, set()):
            if not importer.endswith("__init__.py"):
                continue
            content = contents[importer]
            passed = {name for name in names if name in content} or (
                names if b"import *" in content else set()
            )
            new = passed - found.get(importer, set())
            if new:
                found.setdefault(importer, set()).update(new)
                waiting.append((importer, new))
    return found


def _offered(facts: ModuleFacts) -> set[bytes]:
    """Return the functions and classes of a module that touch operators or tables, and the tables.

    Without classes that a decorator hands to somebody: who uses those cannot be known.
    """
    inside = {call.inside for call in facts.calls} | {use.inside for use in facts.table_uses}
    inside |= {registration.inside for registration in facts.registrations}
    inside |= {use.table for use in facts.table_uses}
    names = {name.partition(".")[0] for name in inside - {""}}
    handed = {name for name in names if _is_handed_on(facts.functions.get(name))}
    return {name.encode() for name in names - handed}


def _is_handed_on(definition: FunctionFacts | None) -> bool:
    return definition is not None and definition.is_class and definition.is_implicit


def _needs_users(facts: ModuleFacts, libraries: frozenset[str]) -> bool:
    """Return whether it matters who imports a file: it touches operators for its importers.

    Either at import, in a plain function or in a comparison; what other code of methods touches is
    judged where it stands.
    """
    return (
        bool(facts.registrations)
        or any(
            (call.library in libraries or call.is_compared)
            and (call.at_import or call.is_compared or "." not in call.inside)
            for call in facts.calls
        )
        or any(use.at_import and use.is_store for use in facts.table_uses if facts.calls)
    )


def _is_marked(content: bytes, calls: list[bytes], texts: list[bytes]) -> bool:
    """Return whether a file touches one of some libraries, or says what a platform is.

    Plain texts, the rare part of them first: a search of vLLM 0.33.0's 43 MB takes 0.02 s for each.
    """
    return (
        (b"torch.ops." in content and any(mark in content for mark in calls))
        or (b"::" in content and any(mark in content for mark in texts))
        or (b"def is_" in content and _PREDICATES.search(content) is not None)
    )


def _is_root(path: str, contents: dict[str, bytes]) -> bool:
    """Return whether a file is a package's __init__ that lies in no package itself."""
    folder, _, name = path.rpartition("/")
    outer = folder.rpartition("/")[0]
    return name == "__init__.py" and (f"{outer}/__init__.py" if outer else "") not in contents
