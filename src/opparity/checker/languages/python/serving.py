"""Which modules are there for a platform, as the imports around them show."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import (
    NEVER,
    Condition,
    Nowhere,
    Predicate,
    Truth,
    atoms,
    conjunction,
    disjunction,
    evaluate,
)

if TYPE_CHECKING:
    from opparity.checker.languages.python.import_graph import ImportGraph
    from opparity.checker.languages.python.names import Names


@dataclass
class Serving:
    """Modules that import something for a platform, and the modules that they need for it."""

    names: Names
    graph: ImportGraph
    _admitted: dict[str, Condition] = field(default_factory=dict)

    def admitted(self, path: str) -> Condition:
        """Return where a module imports something under a guard that lets platforms through."""
        if path not in self._admitted:
            guarded = [
                conjunction(*(guard.condition for guard in self.names.guards(site.guards, path)))
                for site in self.names.modules[path].imports
                if site.at_import and site.guards
            ]
            self._admitted[path] = disjunction(*filter(_admits_by_name, guarded))
        return self._admitted[path]

    def served(self, path: str) -> Condition:
        """Return where a file is there for a platform: what is there imports it at its margin."""
        return self._served.get(path, NEVER)

    @cached_property
    def _served(self) -> dict[str, Condition]:
        roots: dict[Condition, list[str]] = {}
        for path in self.names.modules:
            roots.setdefault(self.admitted(path), []).append(path)
        found: dict[str, list[Condition]] = {}
        for condition, paths in roots.items():
            if condition != NEVER:
                for path in self.graph.surely_imported(paths):
                    found.setdefault(path, []).append(condition)
        return {path: disjunction(*conditions) for path, conditions in found.items()}


def names_platform(condition: Condition) -> bool:
    """Return whether a condition speaks of platforms."""
    return any(isinstance(atom, Predicate) and atom.name == "platform" for atom in atoms(condition))


def _admits_by_name(condition: Condition) -> bool:
    """Return whether a condition names platforms, and not only to turn them away."""
    return names_platform(condition) and evaluate(condition, Nowhere()) is not Truth.TRUE
