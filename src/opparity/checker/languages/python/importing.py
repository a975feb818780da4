"""The condition under which a module is imported at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS, UNDECIDED, conjunction, disjunction
from opparity.checker.facts.places import Location
from opparity.checker.facts.python import Guard
from opparity.checker.languages.python.serving import names_platform

if TYPE_CHECKING:
    from opparity.checker.facts.conditions import Condition
    from opparity.checker.languages.python.import_graph import ImportGraph
    from opparity.checker.languages.python.names import Names
    from opparity.checker.languages.python.records import ImportSite

_MOST_DEPTH = 4


@dataclass(slots=True)
class Importing:
    """Who imports which module, and under which guards.

    Attributes:
        surely_imported: files that are imported whenever the tree's packages are.
        graph: who imports whom, files that were not read included.
        sites: file -> where it is imported.
    """

    names: Names
    surely_imported: frozenset[str]
    graph: ImportGraph
    sites: dict[str, list[tuple[str, ImportSite]]] = field(default_factory=dict)
    loaded: dict[str, Condition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path, facts in self.names.modules.items():
            for site in facts.imports:
                module = self.names.file_of(f"{site.module}.{site.name}") if site.name else None
                for imported in {module, self.names.file_of(site.module)} - {None, path}:
                    self.sites.setdefault(str(imported), []).append((path, site))

    def guards(self, path: str) -> tuple[Guard, ...]:
        """Return what guards everything in a module: the condition of its import."""
        imported = self.condition(path)
        if imported == ALWAYS:
            return ()
        return (Guard(imported, Location(path, 1), is_of_module=True),)

    def condition(self, path: str, depth: int = 0) -> Condition:
        """Return the condition under which a module is imported.

        An import under a test of the platform counts as happening where the test holds;
        an import that only some function makes is undecided.
        """
        if path in self.surely_imported:
            return ALWAYS
        if path in self.loaded:
            return self.loaded[path]
        if depth > _MOST_DEPTH:
            return UNDECIDED
        self.loaded[path] = UNDECIDED
        sites = [
            self._site_condition(importer, site, depth)
            for importer, site in self.sites.get(path, ())
        ]
        unread = self.graph.importers.get(path, set()) - self.names.modules.keys()
        conditional = unread & self.graph.elsewhere.get(path, set())
        at_margin = sorted(unread - conditional)
        sites.extend(self.condition(importer, depth + 1) for importer in at_margin)
        if conditional:
            sites.append(UNDECIDED)
        if sites:
            self.loaded[path] = ALWAYS if ALWAYS in sites else disjunction(*sites)
        return self.loaded[path]

    def _site_condition(self, importer: str, site: ImportSite, depth: int) -> Condition:
        guards = self.names.guards(site.guards, importer)
        own = conjunction(*(guard.condition for guard in guards))
        if names_platform(own):
            return own
        if site.at_import:
            return conjunction(own, self.condition(importer, depth + 1))
        return conjunction(own, UNDECIDED)
