"""Operator by platform, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.checker.analysis.verdict import CellVerdict


@dataclass(frozen=True, slots=True)
class CellState:
    """One answer of the matrix: each of the five is "yes", "no" or "unknown".

    Attributes:
        guard: the preprocessor's condition of the registration, as C has it; "" for none. Where
            the operator is absent it is the condition that keeps it away.
    """

    verdict: CellVerdict
    declared: str
    registered: str
    implemented: str
    built: str
    called: str
    guard: str


class CellChangeKind(StrEnum):
    """How a cell of the matrix changed."""

    SAME = "same"
    APPEARED = "appeared"
    VANISHED = "vanished"
    BROKE = "broke"
    MENDED = "mended"  # broken before, and works
    WITHDRAWN = "withdrawn"  # broken before, and not registered any more: the import works
    EMPTIED = "emptied"  # its schema is still registered, and no implementation any more
    COMPLETED = "completed"  # its schema was registered alone, and works now
    GUARD = "guard"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class CellChange:
    """An operator on a platform; None where that side has no such operator or platform."""

    platform: str
    kind: CellChangeKind
    before: CellState | None
    after: CellState | None


class RowChange(StrEnum):
    """How a row of the matrix changed."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """An operator; `cells` is parallel to `MatrixChange.platforms`.

    Attributes:
        symbols: the functions that are bound to it.
        sources: the files that define them.
    """

    operator: str
    change: RowChange
    symbols: tuple[str, ...]
    sources: tuple[str, ...]
    cells: tuple[CellChange, ...]


@dataclass(frozen=True, slots=True)
class ArchitectureRow:
    """An operator whose state differs between architectures, or changed for some of them.

    Attributes:
        before: "8.0" -> verdict, for each architecture asked; empty on a side without it.
    """

    operator: str
    platform: str
    before: tuple[tuple[str, CellVerdict], ...]
    after: tuple[tuple[str, CellVerdict], ...]


@dataclass(frozen=True, slots=True)
class MatrixChange:
    """Every operator on every platform, before and after; changed rows come first."""

    platforms: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    architectures: tuple[ArchitectureRow, ...]

    @property
    def changed(self) -> tuple[MatrixRow, ...]:
        """Return the rows in which anything changed."""
        return tuple(row for row in self.rows if row.change is not RowChange.SAME)
