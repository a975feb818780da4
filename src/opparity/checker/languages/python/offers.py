"""What files that touch operators offer to those that import them, and who takes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opparity.checker.languages.python.import_graph import ImportGraph
    from opparity.checker.languages.python.records import FunctionFacts, ModuleFacts


@dataclass(slots=True)
class Offers:
    """The names that matter of some files, and the packages that pass them on.

    Attributes:
        followed: the files that touch operators for whoever imports them.
        names: what touches operators or tables in them, and what uses it in the same file.
        offered: file -> its functions, classes and tables that touch operators; those alone say
            who has to be read.
        packages: the packages that offer the functions of their modules, and those functions.
    """

    followed: Mapping[str, ModuleFacts]
    graph: ImportGraph
    contents: Mapping[str, bytes]
    names: frozenset[str] = frozenset()
    offered: dict[str, frozenset[str]] = field(default_factory=dict)
    packages: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names: set[str] = set()
        for path, facts in self.followed.items():
            touching = _touching(facts, self._settled(path, facts))
            handed = {name for name in touching if _is_handed_on(facts.functions.get(name))}
            self.offered[path] = touching - handed
            names |= _with_users(facts, touching)
        self.names = frozenset(names)
        self._pass_on()

    def users(self) -> set[str]:
        """Return the importers of modules that matter: they say what the modules offer.

        Where a module touches operators at import, every importer matters that may be conditional.
        """
        found: set[str] = set()
        for path, facts in self.followed.items():
            if facts.registrations or any(call.at_import for call in facts.calls):
                # What an import at the left margin says is known from the graph: with those of it,
                # 553 files of vLLM 0.33.0 were read here, and 320 without.
                found |= self.graph.elsewhere.get(path, set())
            found |= self._mentioning(path, self.offered[path])
        for path, names in self.packages.items():
            found |= self._mentioning(path, names)
        return found

    def _mentioning(self, path: str, names: Iterable[str]) -> set[str]:
        words = [name.encode() for name in names]
        return {
            importer
            for importer in self.graph.importers.get(path, ())
            if any(_has_word(self.contents[importer], word) for word in words)
        }

    def _settled(self, path: str, facts: ModuleFacts) -> frozenset[str]:
        """Return the tables that are filled at import under no guard, and nowhere else.

        Whoever reads them finds the keys on every platform. `_CUSTOM_OP_NAMES` of vLLM 0.33.0's
        activation.py would have 37 files read for nothing else.
        """
        stores = [use for use in facts.table_uses if use.is_store]
        filled = {use.table for use in stores if use.at_import and not use.guards}
        filled -= {use.table for use in stores if use.guards or not use.at_import}
        if not filled:
            return frozenset()
        importers = [self.contents[each] for each in self.graph.importers.get(path, ())]
        return frozenset(
            table
            for table in filled
            if not any(_is_stored_in(content, table.encode()) for content in importers)
        )

    def _pass_on(self) -> None:
        waiting = [(path, set(names)) for path, names in self.offered.items()]
        while waiting:
            path, names = waiting.pop()
            for importer in self.graph.importers.get(path, set()):
                if not importer.endswith("__init__.py"):
                    continue
                content = self.contents[importer]
                passed = {name for name in names if name.encode() in content} or (
                    names if b"import *" in content else set()
                )
                new = passed - self.packages.get(importer, set())
                if new:
                    self.packages.setdefault(importer, set()).update(new)
                    waiting.append((importer, new))


def packages_around(paths: Iterable[str], graph: ImportGraph) -> set[str]:
    """Return the packages that may offer the functions of some files, or of each other."""
    found: set[str] = set()
    waiting = list(paths)
    while waiting:
        importers = graph.importers.get(waiting.pop(), ())
        new = {each for each in importers if each.endswith("__init__.py")} - found
        found |= new
        waiting += new
    return found


def needs_users(facts: ModuleFacts, libraries: frozenset[str]) -> bool:
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


def _touching(facts: ModuleFacts, settled: frozenset[str]) -> frozenset[str]:
    """Return the functions, classes and tables of a file that touch operators or tables."""
    uses = [use for use in facts.table_uses if use.table not in settled]
    inside = {call.inside for call in facts.calls} | {use.inside for use in uses}
    inside |= {registration.inside for registration in facts.registrations}
    inside |= {use.table for use in uses}
    return frozenset({name.partition(".")[0] for name in inside} - {""})


def _is_handed_on(definition: FunctionFacts | None) -> bool:
    """Return whether a decorator hands a class to somebody: who uses it cannot be known."""
    return definition is not None and definition.is_class and definition.is_implicit


def _with_users(facts: ModuleFacts, names: frozenset[str]) -> set[str]:
    """Return names with the functions and classes of the file that use them, one by the other."""
    users: dict[str, set[str]] = {}
    for use in facts.uses:
        users.setdefault(use.name.partition(".")[0], set()).add(use.inside.partition(".")[0])
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name and name not in found:
            found.add(name)
            waiting.extend(users.get(name, ()))
    return found


def _is_stored_in(content: bytes, table: bytes) -> bool:
    """Return whether a file may store something in a table: `TABLE[key] = value`."""
    return table + b"[" in content and bool(
        re.search(re.escape(table) + rb"\[[^\]\n]*\]\s*=[^=]", content)
    )


def _has_word(content: bytes, word: bytes) -> bool:
    """Return whether a text has a word that is no part of another one."""
    place = content.find(word)
    while place >= 0:
        end = place + len(word)
        if not (_is_part(content[place - 1 : place]) or _is_part(content[end : end + 1])):
            return True
        place = content.find(word, place + 1)
    return False


def _is_part(character: bytes) -> bool:
    return character.isalnum() or character == b"_"
