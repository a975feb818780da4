"""One paragraph, made of facts: operators, platforms, defects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.model import (
    CellChangeKind,
    CellVerdict,
    PlatformVerdict,
    Review,
    RowChange,
    Summary,
    Verdict,
)
from opparity.change.statements import Statement, state
from opparity.checker.facts import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.change.model import MatrixChange, MatrixRow, Outlook, ReviewedFinding

_PLATFORM_CHANGES = (
    CellChangeKind.BROKE,
    CellChangeKind.VANISHED,
    CellChangeKind.WITHDRAWN,
    CellChangeKind.MENDED,
    CellChangeKind.APPEARED,
)


def summarise(
    matrix: MatrixChange, review: Review, verdicts: tuple[PlatformVerdict, ...]
) -> Summary:
    """Return the summary."""
    sentences = [
        *_operators(matrix),
        *_platforms(matrix),
        *_guards(matrix),
        *_findings(review),
        *_verdicts(verdicts),
    ]
    is_quiet = not matrix.changed and not review.introduced and not review.fixed
    opening = [state("summary.nothing")] if is_quiet else []
    return Summary(paragraph=(*opening, *sentences), verdicts=verdicts)


def _operators(matrix: MatrixChange) -> Iterator[Statement]:
    """Yield what was added, by the platforms that have it, and what was removed."""
    added: dict[tuple[str, ...], list[str]] = {}
    for row in matrix.rows:
        if row.change is RowChange.ADDED:
            added.setdefault(_working(row), []).append(row.operator)
    for platforms, operators in added.items():
        listed = tuple(operators)
        if platforms:
            yield state("summary.added", count=len(listed), operators=listed, platforms=platforms)
        else:
            yield state("summary.added_nowhere", count=len(listed), operators=listed)
    removed = [row.operator for row in matrix.rows if row.change is RowChange.REMOVED]
    if removed:
        yield state("summary.removed", count=len(removed), operators=tuple(removed))


def _working(row: MatrixRow) -> tuple[str, ...]:
    return tuple(
        cell.platform
        for cell in row.cells
        if cell.after is not None and cell.after.verdict is CellVerdict.WORKS
    )


def _platforms(matrix: MatrixChange) -> Iterator[Statement]:
    """Yield, for each kind of change and platform, the operators that it happened to."""
    for kind in _PLATFORM_CHANGES:
        by_platform: dict[str, list[str]] = {}
        for row in matrix.changed:
            is_whole = row.change in {RowChange.ADDED, RowChange.REMOVED}
            if is_whole and kind is not CellChangeKind.BROKE:
                continue
            for cell in row.cells:
                if cell.kind is kind:
                    by_platform.setdefault(cell.platform, []).append(row.operator)
        for platform, operators in by_platform.items():
            yield state(
                f"summary.{kind.value}",
                count=len(operators),
                operators=tuple(operators),
                platform=platform,
            )


def _guards(matrix: MatrixChange) -> Iterator[Statement]:
    guarded = [
        row.operator
        for row in matrix.changed
        if any(cell.kind is CellChangeKind.GUARD for cell in row.cells)
    ]
    if guarded:
        yield state("summary.guards", count=len(guarded), operators=tuple(guarded))


def _findings(review: Review) -> Iterator[Statement]:
    for key, findings in (("introduced", review.introduced), ("fixed", review.fixed)):
        errors, warnings = _count(findings, Severity.ERROR), _count(findings, Severity.WARNING)
        if errors or warnings:
            yield state(f"summary.{key}", errors=errors, warnings=warnings)


def _count(findings: Iterable[ReviewedFinding], severity: Severity) -> int:
    return sum(each.severity is severity for each in findings)


def _verdicts(verdicts: tuple[PlatformVerdict, ...]) -> Iterator[Statement]:
    """Yield what holds of the import and the calls, platforms of one fate taken together."""
    for aspect in ("imports", "calls"):
        fates: dict[str, list[str]] = {}
        for verdict in verdicts:
            fate = _fate(_of(verdict.before, aspect), _of(verdict.after, aspect))
            if fate:
                fates.setdefault(fate, []).append(verdict.platform)
        for fate, platforms in fates.items():
            yield state(f"summary.{aspect}_{fate}", platforms=tuple(platforms))


def _of(outlook: Outlook | None, aspect: str) -> Verdict | None:
    if outlook is None:
        return None
    return outlook.imports if aspect == "imports" else outlook.calls


def _fate(before: Verdict | None, after: Verdict | None) -> str:
    """Return what became of a verdict; "" for a platform that the tree knows no more."""
    if after is None:
        return ""
    if after is Verdict.FAILS:
        return "still_fail" if before is Verdict.FAILS else "now_fail"
    if before is Verdict.FAILS:
        return "mended"
    return "fine" if after is Verdict.WORKS else "undecided"
