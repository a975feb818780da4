"""Places in a tree, and what is said of them.

Paths are relative to the tree's root, with forward slashes. Lines and columns count from 1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in the tree."""

    path: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that a finding rests on."""

    location: Location
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read; listed, and never a silent gap."""

    location: Location
    message: str
