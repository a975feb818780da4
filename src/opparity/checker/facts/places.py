"""Places in a tree, and what is said of them.

Paths are relative to the tree's root, with forward slashes. Lines and columns count from 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.records import fact
from opparity.words.statements import state

if TYPE_CHECKING:
    from opparity.words.statements import Statement, Value


@fact
class Location:
    """A place in the tree."""

    path: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"

    def __lt__(self, other: Location) -> bool:
        return (self.path, self.line, self.column) < (other.path, other.line, other.column)


@fact
class Related:
    """Another place that a finding rests on, and what is to be seen there."""

    location: Location
    note: Statement


@fact
class Problem:
    """Something that could not be read; listed, and never a silent gap."""

    location: Location
    reason: Statement


def problem(place: str | Location, key: str, /, **values: Value) -> Problem:
    """Return the problem of a file, a folder or a line: a sentence's name and its values."""
    location = Location(place, 1) if isinstance(place, str) else place
    return Problem(location, state(key, **values))
