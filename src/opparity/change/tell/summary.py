"""One paragraph, made of facts: operators, platforms, defects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.model import (
    CellChangeKind,
    PlatformVerdict,
    Review,
    RowChange,
    Summary,
    Verdict,
)
from opparity.change.tell.review import counted
from opparity.checker.analysis.verdict import CellVerdict
from opparity.words.statements import Statement, moved_guard, state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.change.model import MatrixChange, MatrixRow, Outlook

_PLATFORM_CHANGES = (
    CellChangeKind.BROKE,
    CellChangeKind.VANISHED,
    CellChangeKind.EMPTIED,
    CellChangeKind.WITHDRAWN,
    CellChangeKind.MENDED,
    CellChangeKind.COMPLETED,
    CellChangeKind.APPEARED,
)
# In this order the summary tells what became of imports and calls.
_GRAVE = ("now_fail", "still_fail", "mended")
_QUIET = ("fine", "undecided", "unread")
# More guards than these are counted alone.
_MOST_GUARDS = 3


def summarise(
    matrix: MatrixChange,
    review: Review,
    verdicts: tuple[PlatformVerdict, ...],
    undefined: tuple[str, ...] = (),
    understood: tuple[Statement, ...] = (),
) -> Summary:
    """Return the summary.

    Args:
        matrix: with `review` and `verdicts`, what there is to sum up.
        review: see there.
        verdicts: see there.
        undefined: the macros of its guards that nobody defines.
        understood: what is to be said first: how much of the trees the rest is based on.
    """
    imports, calls = _fates(verdicts, "imports"), _fates(verdicts, "calls")
    both = _shared(imports, calls)
    is_quiet = not (
        matrix.changed or review.introduced or review.fixed or review.hidden or understood
    )
    sentences = [
        *understood,
        *([state("summary.nothing")] if is_quiet else []),
        *_whole(matrix),
        *_told("imports", imports, _GRAVE),
        *_operators(matrix),
        *_platforms(matrix),
        *_guards(matrix, undefined),
        *_findings(review),
        *_told("both", both, _QUIET),
        *_told("imports", imports, _QUIET),
        *_told("calls", calls, (*_GRAVE, *_QUIET)),
    ]
    return Summary(paragraph=tuple(sentences), verdicts=verdicts, understood=understood)


def _whole(matrix: MatrixChange) -> Iterator[Statement]:
    """Yield whether a tree registers no operator at all."""
    changes = {row.change for row in matrix.rows}
    if not changes:
        yield state("summary.no_operators")
    elif changes == {RowChange.ADDED}:
        yield state("summary.first_operators")
    elif changes == {RowChange.REMOVED}:
        yield state("summary.last_operators")


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


def _guards(matrix: MatrixChange, undefined: tuple[str, ...]) -> Iterator[Statement]:
    """Yield which registrations moved from which guard to which, where these are few."""
    moved: dict[tuple[str, str], list[str]] = {}
    for row in matrix.changed:
        for cell in row.cells:
            if cell.kind is CellChangeKind.GUARD and cell.before and cell.after:
                operators = moved.setdefault((cell.before.guard, cell.after.guard), [])
                if row.operator not in operators:
                    operators.append(row.operator)
    if len(moved) > _MOST_GUARDS:
        operators = [*dict.fromkeys(each for group in moved.values() for each in group)]
        yield state("summary.guards", count=len(operators), operators=tuple(operators))
    else:
        for (before, after), group in moved.items():
            yield moved_guard("summary.guard", before, after, operators=tuple(group))
    if moved:
        yield from (state("summary.guard_undefined", macro=macro) for macro in undefined)


def _findings(review: Review) -> Iterator[Statement]:
    hidden = tuple(each.finding for each in review.hidden)
    for key, findings in (
        ("introduced", review.introduced),
        ("accepted" if review.is_trusted else "hidden", hidden),
        ("fixed", review.fixed),
        ("unread", review.unread),
    ):
        counts = counted(findings)
        if counts:
            yield state(f"summary.{key}", findings=counts)


def _fates(verdicts: tuple[PlatformVerdict, ...], aspect: str) -> dict[str, list[str]]:
    """Return fate -> platforms; where the import fails nothing more is said of calls."""
    fates: dict[str, list[str]] = {}
    for verdict in verdicts:
        fate = _fate(_of(verdict.before, aspect), _of(verdict.after, aspect), aspect)
        if fate in {"mended", "undecided"} and verdict.after and verdict.after.is_unread:
            fate = "unread"
        is_told = aspect == "calls" and _of(verdict.after, "imports") is Verdict.FAILS
        if fate and not is_told:
            fates.setdefault(fate, []).append(verdict.platform)
    return fates


def _shared(imports: dict[str, list[str]], calls: dict[str, list[str]]) -> dict[str, list[str]]:
    """Take out and return the platforms on which import and calls have one quiet fate."""
    shared: dict[str, list[str]] = {}
    for fate in _QUIET:
        platforms = [each for each in imports.get(fate, ()) if each in calls.get(fate, ())]
        if platforms:
            shared[fate] = platforms
            for fates in (imports, calls):
                fates[fate] = [each for each in fates[fate] if each not in platforms]
    return shared


def _told(aspect: str, fates: dict[str, list[str]], wanted: tuple[str, ...]) -> Iterator[Statement]:
    """Yield what holds of the import or the calls, platforms of one fate taken together."""
    for fate in wanted:
        if fates.get(fate):
            yield state(f"summary.{aspect}_{fate}", platforms=tuple(fates[fate]))


def _of(outlook: Outlook | None, aspect: str) -> Verdict | None:
    if outlook is None:
        return None
    return outlook.imports if aspect == "imports" else outlook.calls


def _fate(before: Verdict | None, after: Verdict | None, aspect: str) -> str:
    """Return what became of a verdict; "" for a platform that the tree knows no more."""
    if after is None:
        return ""
    if after is Verdict.FAILS:
        return "still_fail" if before is Verdict.FAILS else "now_fail"
    # Calls that failed and are undecided now are no repair.
    if before is Verdict.FAILS and (aspect == "imports" or after is Verdict.WORKS):
        return "mended"
    return "fine" if after is Verdict.WORKS else "undecided"
