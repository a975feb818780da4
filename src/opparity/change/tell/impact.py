"""For whom the change is good and for whom it is bad, and how far it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.model import CellChangeKind, RowChange, Verdict
from opparity.change.tell.review import counted
from opparity.checker.analysis.verdict import CellVerdict
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import LostOperator, MatrixChange, PlatformVerdict, Review
    from opparity.words.statements import Statement


def by_platform(matrix: MatrixChange, *kinds: CellChangeKind) -> dict[str, tuple[str, ...]]:
    """Return platform -> the operators to which one of these happened there."""
    found: dict[str, list[str]] = {}
    for row in matrix.changed:
        for cell in row.cells:
            if cell.kind in kinds:
                found.setdefault(cell.platform, []).append(row.operator)
    return {platform: tuple(operators) for platform, operators in found.items()}


def _told(matrix: MatrixChange, key: str, *kinds: CellChangeKind) -> Iterator[Statement]:
    for platform, operators in by_platform(matrix, *kinds).items():
        yield state(key, platform=platform, count=len(operators), operators=operators)


def positive(
    matrix: MatrixChange, review: Review, verdicts: tuple[PlatformVerdict, ...]
) -> Iterator[Statement]:
    """Yield what gets better."""
    mended = [
        each.platform
        for each in verdicts
        if each.before is not None
        and each.after is not None
        and each.before.imports is Verdict.FAILS
        and each.after.imports is not Verdict.FAILS
        and not each.after.is_unread
    ]
    if mended:
        yield state("impact.import_mended", platforms=tuple(mended))
    for platform, operators in by_platform(matrix, CellChangeKind.MENDED).items():
        yield state("impact.mended", platform=platform, count=len(operators), operators=operators)
    for platform, operators in by_platform(matrix, CellChangeKind.COMPLETED).items():
        yield state(
            "impact.completed", platform=platform, count=len(operators), operators=operators
        )
    for platform, operators in by_platform(matrix, CellChangeKind.APPEARED).items():
        yield state("impact.gained", platform=platform, count=len(operators), operators=operators)
    fixed = counted(review.fixed)
    if fixed:
        yield state("impact.fixed", findings=fixed)


def negative(
    matrix: MatrixChange,
    review: Review,
    verdicts: tuple[PlatformVerdict, ...],
    lost: tuple[LostOperator, ...],
) -> Iterator[Statement]:
    """Yield what gets worse, or stays bad."""
    failing = [
        each.platform
        for each in verdicts
        if each.after is not None and each.after.imports is Verdict.FAILS
    ]
    if failing:
        yield state("impact.import_fails", platforms=tuple(failing))
    yield from _told(matrix, "impact.lost", CellChangeKind.VANISHED, CellChangeKind.WITHDRAWN)
    yield from _told(matrix, "impact.emptied", CellChangeKind.EMPTIED)
    callers = {
        f"{caller.path}:{caller.line}"
        for each in lost
        for caller in each.callers
        if caller.may_fail
    }
    if callers:
        yield state("impact.callers", count=len(callers), places=tuple(sorted(callers)))
    introduced = counted(review.introduced)
    if introduced:
        yield state("impact.introduced", findings=introduced)


def scope(before: Inspected, after: Inspected, matrix: MatrixChange) -> Iterator[Statement]:
    """Say how far the change reaches, and where it does not."""
    changed = matrix.changed
    if changed:
        yield state("impact.operators", changed=len(changed), total=len(matrix.rows))
    touched = {
        cell.platform
        for row in changed
        for cell in row.cells
        if cell.kind not in {CellChangeKind.SAME, CellChangeKind.GUARD}
    }
    known = [each for each in after.platforms if each in before.platforms]
    if touched:
        yield state(
            "impact.platforms", platforms=tuple(p for p in matrix.platforms if p in touched)
        )
    untouched = tuple(each for each in known if each not in touched)
    if untouched:
        yield state("impact.untouched", platforms=untouched)
    fresh = tuple(each for each in after.platforms if each not in before.platforms)
    if fresh:
        yield state("impact.new_platforms", platforms=fresh)
    absent = _absent_additions(matrix)
    for platform, operators in absent.items():
        yield state("impact.absent", platform=platform, count=len(operators), operators=operators)


def _absent_additions(matrix: MatrixChange) -> dict[str, tuple[str, ...]]:
    """Return platform -> the new operators that it does not have, though another has them."""
    found: dict[str, list[str]] = {}
    for row in matrix.changed:
        if row.change is RowChange.ADDED:
            for cell in row.cells:
                if cell.after is None or cell.after.verdict is CellVerdict.ABSENT:
                    found.setdefault(cell.platform, []).append(row.operator)
    return {platform: tuple(operators) for platform, operators in found.items()}
