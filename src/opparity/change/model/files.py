"""The files of a change: what is different in each, and its lines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.words.statements import Statement


class FileKind(StrEnum):
    """What a file is for."""

    BINDINGS = "bindings"
    HEADER = "header"
    SOURCE = "source"
    BUILD = "build"
    PYTHON = "python"
    OTHER = "other"


class FileStatus(StrEnum):
    """What became of a file."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"


class LineKind(StrEnum):
    """A line of an excerpt."""

    CONTEXT = "context"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class ExcerptLine:
    """A line with its numbers; None on the side that lacks it."""

    kind: LineKind
    text: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Neighbouring lines around a change."""

    lines: tuple[ExcerptLine, ...]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A row of the implementation table.

    Attributes:
        changes: what is different in the file.
        effects: what follows for operators and platforms.
        operators: those that the change is about.
        excerpts: the lines of it, as far as they fit.
        omitted: changed lines that the excerpts leave out.
    """

    path: str
    kind: FileKind
    status: FileStatus
    added_lines: int
    removed_lines: int
    changes: tuple[Statement, ...]
    effects: tuple[Statement, ...]
    operators: tuple[str, ...]
    excerpts: tuple[Excerpt, ...]
    omitted: int


@dataclass(frozen=True, slots=True)
class OtherFiles:
    """Changed files that touch no operator, counted."""

    kind: FileKind
    added: int
    removed: int
    modified: int


@dataclass(frozen=True, slots=True)
class Implementation:
    """The files of the change; `left_out` rows were beyond the limit."""

    rows: tuple[FileChange, ...]
    others: tuple[OtherFiles, ...]
    left_out: int
