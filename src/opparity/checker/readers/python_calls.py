"""Python files: where operators are touched, and under which guards."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from opparity.checker.readers.python.defined import defined_in_python
from opparity.checker.readers.python.import_graph import read_import_graph
from opparity.checker.readers.python.linking import Linker
from opparity.checker.readers.python.names import Names, module_paths
from opparity.checker.readers.python.offers import Offers, needs_users, packages_around
from opparity.checker.readers.python.parsing import Leads, read_module

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from opparity.checker.facts import PythonFile
    from opparity.checker.readers.python.records import ModuleFacts
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
        paths = module_paths(self.contents)
        # What these files offer each other is not known before they are read: with all that they
        # import from each other as leads, each is read once (in vLLM 0.33.0, 70 were read twice).
        leads = self._leads(paths, touching | packages_around(touching, self.graph), None)
        modules = self._modules(sorted(touching), leads)
        followed = {path: facts for path, facts in modules.items() if needs_users(facts, libraries)}
        offers = Offers(followed, self.graph, self.contents)
        leads = self._leads(paths, followed.keys() | offers.packages.keys(), offers.names)
        modules |= self._modules(sorted(offers.users() - modules.keys()), leads)
        roots = [path for path in self.contents if _is_root(path, self.contents)]
        linker = Linker(
            Names(modules, paths),
            self.graph.surely_imported(roots),
            frozenset(followed),
            self.extensions,
            importers=self.graph.importers,
            elsewhere=self.graph.elsewhere,
        )
        return linker.files()

    def _leads(
        self, paths: Mapping[str, str], leading: AbstractSet[str], names: frozenset[str] | None
    ) -> Leads:
        modules = frozenset(name for name, path in paths.items() if path in leading)
        return Leads(self.extensions, modules, names)

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
