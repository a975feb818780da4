"""Earlier releases: what happened to operators between each and the next."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from opparity.change.compare.matrix import compare_matrices
from opparity.change.model import (
    CellChangeKind,
    RelatedChange,
    RelatedChanges,
    RowChange,
    TrendPoint,
)
from opparity.checker.analysis.macros import platform_of_macro
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import MatrixChange
    from opparity.words.statements import Statement

_KEYS = {
    CellChangeKind.VANISHED: "related.release_lost",
    CellChangeKind.APPEARED: "related.release_restored",
    CellChangeKind.BROKE: "related.release_broke",
    CellChangeKind.WITHDRAWN: "related.release_mended",
    CellChangeKind.MENDED: "related.release_mended",
    CellChangeKind.EMPTIED: "related.release_emptied",
    CellChangeKind.COMPLETED: "related.release_completed",
}


def relate_releases(releases: Sequence[Inspected], touched: frozenset[str]) -> RelatedChanges:
    """Return what each release changed for the touched operators, and for others by platform."""
    direct: list[RelatedChange] = []
    indirect: list[RelatedChange] = []
    trend = []
    for old, new in pairwise(releases):
        matrix = compare_matrices(old, new)
        own = _changes(matrix, touched, is_ours=True)
        others = _changes(matrix, touched, is_ours=False)
        for found, reasons in ((direct, own), (indirect, others)):
            if reasons:
                found.append(
                    RelatedChange(
                        identity=new.label,
                        date="",
                        subject="",
                        numbers=(),
                        operators=tuple(sorted(_operators(reasons))),
                        reasons=tuple(reasons),
                    )
                )
        trend.append(_point(old, new, matrix))
    return RelatedChanges(
        direct=tuple(reversed(direct)),
        indirect=tuple(reversed(indirect)),
        trend=tuple(trend),
        notes=(state("related.releases", count=len(releases)),),
    )


def _changes(matrix: MatrixChange, touched: frozenset[str], *, is_ours: bool) -> list[Statement]:
    """Return what happened by platform; an operator that is new everywhere is no restriction."""
    found: dict[tuple[CellChangeKind, str], list[str]] = {}
    for row in matrix.changed:
        if (row.operator in touched) is not is_ours:
            continue
        is_whole = row.change in {RowChange.ADDED, RowChange.REMOVED}
        for cell in row.cells:
            if cell.kind in _KEYS and (
                is_ours or not is_whole or cell.kind is CellChangeKind.BROKE
            ):
                found.setdefault((cell.kind, cell.platform), []).append(row.operator)
    return [
        state(_KEYS[kind], platform=platform, operators=tuple(operators))
        for (kind, platform), operators in found.items()
    ]


def _operators(statements: list[Statement]) -> set[str]:
    return {
        operator
        for statement in statements
        for name, value in statement.values
        if name == "operators" and isinstance(value, tuple)
        for operator in value
        if isinstance(operator, str)
    }


def _point(old: Inspected, new: Inspected, matrix: MatrixChange) -> TrendPoint:
    first, second = _guarded(old), _guarded(new)
    return TrendPoint(
        period=new.label,
        operators_gained=sum(row.change is RowChange.ADDED for row in matrix.rows),
        operators_lost=sum(row.change is RowChange.REMOVED for row in matrix.rows),
        guards_gained=len(second - first),
        guards_lost=len(first - second),
    )


def _guarded(inspected: Inspected) -> set[str]:
    """Return the operators whose registration tests a platform's macro."""
    return {operator for operator in inspected.states if _names_platform(inspected.guard(operator))}


def _names_platform(guard: str) -> bool:
    return any(platform_of_macro(word) for word in _words(guard))


def _words(text: str) -> list[str]:
    return "".join(each if each.isalnum() or each == "_" else " " for each in text).split()
