"""Python files: where operators are touched, and under which guards."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.languages.python.aliases import written_out
from opparity.checker.languages.python.defined import defined_in_python, defining_in_python
from opparity.checker.languages.python.import_graph import imports_of, read_import_graph
from opparity.checker.languages.python.linking import Linker
from opparity.checker.languages.python.names import Names, module_paths
from opparity.checker.languages.python.offers import Offers, needs_users, packages_around
from opparity.checker.languages.python.operator_texts import read_operator_text
from opparity.checker.languages.python.parsing import Leads, question_to, read_module
from opparity.checker.languages.python.passing_on import by_module, passed_on, takers
from opparity.checker.languages.python.records import ModuleFacts
from opparity.checker.languages.python.unparsed import unparsed
from opparity.checker.languages.workers import costly
from opparity.checker.tree.marks import OF_IMPORTED_MODULES, OF_OPERATORS, OF_OTHER_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from opparity.checker.facts.python import PythonFile
    from opparity.checker.languages.workers import Workers
    from opparity.checker.tree.contents import Tree

# Tests call operators on the platform that they are run on; they are no users' code.
_NOT_SHIPPED = re.compile(
    r"(?:^|/)(?:tests?|testing|bench|benchmarks?|examples?|docs?|tools|\.\w+)/"
)
# Below this many bytes other processes cost more than they save (their start: about 0.05 s).
_WORTH_A_POOL = 400_000


class PythonReader:
    """Finds the Python files that touch operators, reads them and links them with each other.

    What can be said without the build and the native files is worked out at once.

    Args:
        tree: the tree.
        workers: processes to read with.

    Attributes:
        unparsed: the files that touch no operator and are not Python, once the others are read.
    """

    def __init__(self, tree: Tree, workers: Workers) -> None:
        self.workers = workers
        shipped = [path for path in tree.python if not _NOT_SHIPPED.search(path)]
        renaming = frozenset(tree.marked(*OF_OTHER_NAMES, *OF_IMPORTED_MODULES))
        self.contents = {
            path: written_out(tree.read(path)) if path in renaming else tree.read(path)
            for path in shipped
        }
        self.graph = read_import_graph(workers.text_facts(imports_of, self.contents))
        marks = (*OF_OPERATORS, *OF_OTHER_NAMES)
        marked = [path for path in tree.marked(*marks) if path in self.contents]
        texts = workers.text_facts(
            read_operator_text, {path: self.contents[path] for path in marked}
        )
        self.texts = {path: text for path, text in texts.items() if text is not None}
        self.unparsed: tuple[str, ...] = ()

    def read(self, libraries: frozenset[str], extensions: frozenset[str]) -> dict[str, PythonFile]:
        """Return the facts of every file that touches operators.

        Args:
            libraries: the namespaces that native files register operators in; who imports a module
                is followed where the module touches these.
            extensions: the last names of the extension modules that the tree builds.
        """
        touching = {path for path, text in self.texts.items() if text.touches(libraries)}
        touching |= self.graph.importing(extensions)
        touching |= defined_in_python(self.texts, libraries, self.graph)
        # Who uses these matters no more than before.
        alone = defining_in_python(self.texts) - touching
        if not touching and not alone:
            self.unparsed = unparsed(self.contents, self.workers)
            return {}
        paths = module_paths(self.contents)
        # What these files offer each other is not known before they are read: with all that they
        # import from each other as leads, each is read once (in vLLM 0.33.0, 70 were read twice).
        around = touching | packages_around(touching, self.graph)
        around_names = _names_of(around, paths)
        leads = Leads(extensions, around_names, None)
        modules = self._modules(sorted(touching | alone), leads)
        followed = {
            path: modules[path]
            for path in sorted(touching)
            if needs_users(modules[path], libraries)
        }
        offers = Offers(followed, self.graph, self.contents)
        leading = followed.keys() | offers.packages.keys()
        leads = Leads(extensions, _names_of(leading, paths), offers.names)
        users = self._modules(sorted(offers.users() - modules.keys()), leads)
        modules |= users
        modules |= self._taking(modules, Leads(extensions, leads.modules | around_names, None))
        others = {path: text for path, text in self.contents.items() if path not in modules}
        self.unparsed = unparsed(others, self.workers)
        roots = [path for path in self.contents if _is_root(path, self.contents)]
        linker = Linker(
            Names(modules, paths, contents=self.contents),
            self.graph.surely_imported(roots),
            frozenset(followed),
            extensions,
            self.graph,
        )
        return linker.files()

    def _taking(self, modules: Mapping[str, ModuleFacts], leads: Leads) -> dict[str, ModuleFacts]:
        """Return anew the files that take extension modules' names from other modules."""
        passed = passed_on(modules, leads.extensions)
        if not passed:
            return {}
        taking = sorted(takers(passed, self.graph, self.contents))
        paths = module_paths(self.contents)
        return self._modules(taking, replace(leads, passed=by_module(passed, paths)))

    def _modules(self, paths: Iterable[str], leads: Leads) -> dict[str, ModuleFacts]:
        contents = {path: self.contents[path] for path in paths}
        results = self.workers.map(
            partial(_read_batch, leads),
            contents,
            worthwhile=_WORTH_A_POOL,
            question=partial(question_to, leads),
        )
        facts = {module.path: module for module in results}
        return {path: facts[path] for path in contents}


def _read_batch(leads: Leads, files: Sequence[tuple[str, bytes]]) -> list[ModuleFacts]:
    return [_within_bounds(path, content, leads) for path, content in files]


def _within_bounds(path: str, content: bytes, leads: Leads) -> ModuleFacts:
    return bounds.share(
        lambda: read_module(path, content, leads), lambda: ModuleFacts(path, problem=costly(path))
    )


def _names_of(files: AbstractSet[str], paths: Mapping[str, str]) -> frozenset[str]:
    """Return the dotted names of some files."""
    return frozenset(name for name, path in paths.items() if path in files)


def _is_root(path: str, contents: dict[str, bytes]) -> bool:
    """Return whether a file is a package's __init__ that lies in no package itself."""
    folder, _, name = path.rpartition("/")
    outer = folder.rpartition("/")[0]
    return name == "__init__.py" and (f"{outer}/__init__.py" if outer else "") not in contents
