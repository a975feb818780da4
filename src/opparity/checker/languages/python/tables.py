"""Module-level tables across files: who stores a key, and who needs it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.python import TableUse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.languages.python.names import Names
    from opparity.checker.languages.python.records import ModuleFacts, NameUse


def link_tables(names: Names) -> dict[str, list[TableUse]]:
    """Return the table uses of each file, with the table's file and the guards followed.

    A class or function that reads `TABLE[self.key]` needs whatever keys it is given: each call
    of it with a name that is a key of the table is a read of that key.
    """
    linked = _Tables(names)
    for path, facts in names.modules.items():
        for use in facts.table_uses:
            linked.add(path, use)
    for path, facts in names.modules.items():
        for named in facts.uses:
            if named.is_call and named.candidates:
                linked.add_passed(path, named)
    return linked.by_file


@dataclass(slots=True)
class _Tables:
    names: Names
    by_file: dict[str, list[TableUse]] = field(default_factory=dict)
    keys: dict[str, set[str]] = field(default_factory=dict)
    needed: dict[tuple[str, str], list[TableUse]] = field(default_factory=dict)

    def add(self, path: str, use: TableUse) -> None:
        """Add a store or a read as written."""
        table = self._qualified(path, use.table)
        if table is None:
            return
        guards = self.names.guards(use.guards, path)
        linked = replace(use, table=table, guards=guards)
        self.by_file.setdefault(path, []).append(linked)
        if use.is_store:
            self.keys.setdefault(table, set()).add(use.key)
        else:
            owner = use.inside.partition(".")[0]
            if owner:
                self.needed.setdefault((path, owner), []).append(linked)

    def add_passed(self, path: str, use: NameUse) -> None:
        """Add the keys that a call passes to something that reads them from a table."""
        target = self.names.target(path, use.name)
        if target is None:
            return
        guards = self.names.guards(use.guards, path)
        found = {
            TableUse(
                need.table,
                key,
                use.location,
                is_store=False,
                guards=guards + need.guards,
                at_import=use.at_import,
                inside=use.inside,
                through=use.name,
            )
            for need in self._needs(*target)
            for key in use.candidates
            if key in self.keys.get(need.table, ())
        }
        self.by_file.setdefault(path, []).extend(sorted(found, key=lambda read: read.key))

    def _needs(self, path: str, name: str) -> Iterator[TableUse]:
        """Yield the reads of tables by a class, its bases or a function."""
        seen: set[tuple[str, str]] = set()
        waiting = [(path, name)]
        while waiting:
            key = waiting.pop()
            if key in seen:
                continue
            seen.add(key)
            yield from self.needed.get(key, ())
            facts = self.names.modules.get(key[0])
            for base in facts.bases.get(key[1], ()) if facts else ():
                target = self.names.target(key[0], base)
                if target:
                    waiting.append(target)

    def _qualified(self, path: str, table: str) -> str | None:
        facts: ModuleFacts | None = self.names.modules.get(path)
        if facts and table in facts.variables:
            return f"{path}:{table}"
        target = self.names.target(path, table)
        return f"{target[0]}:{target[1]}" if target else None
