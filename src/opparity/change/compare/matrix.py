"""Operator by platform, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.compare.inspection import WORDS
from opparity.change.model import (
    CellChange,
    CellChangeKind,
    CellState,
    MatrixChange,
    MatrixRow,
    RowChange,
)
from opparity.checker.analysis.verdict import CellVerdict
from opparity.checker.facts.conditions import Truth

if TYPE_CHECKING:
    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import ArchitectureRow


_ORDER = (
    CellChangeKind.BROKE,
    CellChangeKind.EMPTIED,
    CellChangeKind.WITHDRAWN,
    CellChangeKind.MENDED,
    CellChangeKind.COMPLETED,
    CellChangeKind.VANISHED,
    CellChangeKind.OTHER,
    CellChangeKind.GUARD,
    CellChangeKind.APPEARED,
    CellChangeKind.SAME,
)


def compare_matrices(
    before: Inspected, after: Inspected, architectures: tuple[ArchitectureRow, ...] = ()
) -> MatrixChange:
    """Return every operator of either tree; changed rows first, then by name."""
    platforms = every_platform(before, after)
    operators = sorted({*before.states, *after.states})
    rows = [_row(operator, platforms, before, after) for operator in operators]
    return MatrixChange(
        platforms=platforms,
        rows=tuple(sorted(rows, key=_rank)),
        architectures=architectures,
    )


def every_platform(before: Inspected, after: Inspected) -> tuple[str, ...]:
    """Return the platforms that either tree knows, in the order of the one that knows more."""
    first, second = before.platforms, after.platforms
    if len(second) > len(first):
        first, second = second, first
    return tuple(dict.fromkeys((*first, *second)))


def _rank(row: MatrixRow) -> int:
    """Return how far down a row goes; what breaks is on top."""
    return min((_ORDER.index(cell.kind) for cell in row.cells), default=0)


def _row(
    operator: str, platforms: tuple[str, ...], before: Inspected, after: Inspected
) -> MatrixRow:
    old, new = before.states.get(operator), after.states.get(operator)
    if operator in after.loss.operators and old is not None:
        new = {platform: _unread(each) for platform, each in old.items()}
    cells = tuple(
        _cell(platform, (old or {}).get(platform), (new or {}).get(platform))
        for platform in platforms
    )
    if old is None:
        change = RowChange.ADDED
    elif new is None:
        change = RowChange.REMOVED
    elif any(cell.kind is not CellChangeKind.SAME for cell in cells):
        change = RowChange.CHANGED
    else:
        change = RowChange.SAME
    return MatrixRow(
        operator=operator,
        change=change,
        symbols=tuple(
            dict.fromkeys((*before.symbols.get(operator, ()), *after.symbols.get(operator, ())))
        ),
        sources=tuple(sorted({*before.sources(operator), *after.sources(operator)})),
        cells=cells,
    )


def _unread(before: CellState) -> CellState:
    """Return what is known of what was there and cannot be read any more: nothing."""
    if before.verdict is CellVerdict.ABSENT:
        return before
    unknown = WORDS[Truth.UNKNOWN]
    return CellState(
        verdict=CellVerdict.UNDECIDED,
        declared=unknown,
        registered=unknown,
        implemented=unknown,
        built=unknown,
        called=unknown,
        guard="",
    )


def _cell(platform: str, old: CellState | None, new: CellState | None) -> CellChange:
    return CellChange(platform, change_of(old, new), old, new)


def change_of(old: CellState | None, new: CellState | None) -> CellChangeKind:
    """Return how a cell changed; what a side does not know counts as absent."""
    first = old.verdict if old else CellVerdict.ABSENT
    second = new.verdict if new else CellVerdict.ABSENT
    match first, second:
        case _ if first is second:
            # What is absent before and after is absent whatever guard stands elsewhere.
            guards = {state.guard for state in (old, new) if state is not None}
            is_guard = len(guards) > 1 and first is not CellVerdict.ABSENT
            return CellChangeKind.GUARD if is_guard else CellChangeKind.SAME
        case CellVerdict.BROKEN, CellVerdict.ABSENT:
            return CellChangeKind.WITHDRAWN
        case CellVerdict.BROKEN, CellVerdict.WORKS:
            return CellChangeKind.MENDED
        case _, CellVerdict.BROKEN:
            return CellChangeKind.BROKE
        case ((CellVerdict.WORKS | CellVerdict.BROKEN), CellVerdict.INCOMPLETE) if _is_schema(new):
            return CellChangeKind.EMPTIED
        case CellVerdict.INCOMPLETE, CellVerdict.WORKS if _is_schema(old):
            return CellChangeKind.COMPLETED
        case (CellVerdict.ABSENT, CellVerdict.UNDECIDED) | (
            CellVerdict.UNDECIDED,
            CellVerdict.ABSENT,
        ):
            # Nobody can say that it came or went.
            return CellChangeKind.OTHER
        case CellVerdict.ABSENT, _:
            return CellChangeKind.APPEARED
        case _, CellVerdict.ABSENT:
            return CellChangeKind.VANISHED
        case _:
            return CellChangeKind.OTHER


def _is_schema(state: CellState | None) -> bool:
    """Return whether an operator is registered without an implementation."""
    return state is not None and state.registered == WORDS[Truth.TRUE]
