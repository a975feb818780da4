"""Which macros decide what a source and the headers that it includes have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Comparison, Defined, atoms

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from opparity.checker.analysis.linking import Linker
    from opparity.checker.analysis.translation import TranslationUnit
    from opparity.checker.facts.conditions import Condition


class Relevance:
    """Tells sets of macros apart by what a source asks for.

    An option of a build often defines a macro for every source, and few ask for it: Mooncake's
    1,002 files are compiled with 18,813 sets of macros, and 2,241 of these differ for the file.
    """

    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._of_files: dict[str, frozenset[str]] = {}
        self._of_sources: dict[str, frozenset[str]] = {}
        self._views: dict[tuple[str, TranslationUnit], Hashable] = {}

    def view(self, path: str, unit: TranslationUnit) -> Hashable:
        """Return what is equal wherever a source's prototypes and definitions are compiled alike.

        That is: its own definitions, and the prototypes that it and its headers have.
        """
        key = (path, unit)
        if key not in self._views:
            asked = self._asked(path)
            given = tuple(
                sorted((name, unit.macros[name] or "") for name in asked & unit.macros.keys())
            )
            unknown = tuple(sorted(n for n in asked & unit.macros.keys() if unit.macros[n] is None))
            self._views[key] = (
                unit.platform,
                unit.language,
                given,
                unknown,
                asked & unit.doubtful,
            )
        return self._views[key]

    def _asked(self, path: str) -> frozenset[str]:
        """Return the macros that a source and all that it may include ask for, and their own."""
        if path not in self._of_sources:
            found: set[str] = set()
            seen = {path}
            pending = [path]
            while pending:
                current = pending.pop()
                found |= self._asked_by_file(current)
                for included, _ in self._linker.included_by(current):
                    if included not in seen:
                        seen.add(included)
                        pending.append(included)
            self._of_sources[path] = self._with_definitions(found)
        return self._of_sources[path]

    def _asked_by_file(self, path: str) -> frozenset[str]:
        if path not in self._of_files:
            file = self._linker.project.native[path]
            conditions = (
                *(each.condition for each in file.declarations),
                *(each.condition for each in file.definitions),
                *(each.condition for each in file.includes),
            )
            self._of_files[path] = frozenset(_names(conditions))
        return self._of_files[path]

    def _with_definitions(self, names: set[str]) -> frozenset[str]:
        """Return macros and those that the `#define`s of the tree for them hang on."""
        found = set(names)
        pending = list(names)
        while pending:
            for definition in self._linker.project.macro_definitions.get(pending.pop(), ()):
                further = _names((definition.condition,)) - found
                found |= further
                pending.extend(further)
        return frozenset(found)


def _names(conditions: Iterable[Condition]) -> set[str]:
    """Return the macros that conditions ask for."""
    found: set[str] = set()
    # Of one region of a file, all that stands there has the same object.
    for condition in {id(each): each for each in conditions}.values():
        for atom in atoms(condition):
            match atom:
                case Defined(macro):
                    found.add(macro)
                case Comparison(left, _, right):
                    found |= {left, right}
    return found
