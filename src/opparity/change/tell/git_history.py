"""Earlier commits that have to do with a change, found in the repository's history."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.change.compare.build_lists import listed_sources
from opparity.change.git.patches import Patch, read_patches
from opparity.change.git.revisions import boundary, commits
from opparity.change.model import RelatedChange, RelatedChanges, TrendPoint
from opparity.change.tell.motivation import numbers_in
from opparity.change.tell.restrictions import (
    Interest,
    interest_of,
    python_paths,
    rank,
    read_restriction,
    reasons,
)
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.change.compare.inspection import Inspected
    from opparity.change.git.revisions import Range
    from opparity.change.model import ChangeReport, Commit
    from opparity.words.statements import Statement

# vLLM's bindings and build lists are touched by some 600 commits a year.
_MOST_COMMITS = 1_000
_MOST_LISTED = 20
# Of what has to do with the change by its platforms alone, the nearest.
_MOST_INDIRECT = 8
# Python that tests its platform changes daily.
_MOST_RECENT = 400
_MOST_TERMS = 200
_MOST_MONTHS = 24
_DEFINITION = re.compile(r"\.def\(")
_BUILD_TEST = r"(?:STREQUAL|MATCHES)\s+\"?(?:CUDA|HIP|CPU|XPU|NPU)\b|\bis_(?:cuda|rocm|cpu|xpu)\b"


@dataclass(slots=True)
class _Reading:
    """What is looked for in a history."""

    operators: dict[str, str]
    sources: frozenset[str]
    names: re.Pattern[str]
    basenames: re.Pattern[str]
    guards: re.Pattern[str]


@dataclass(slots=True)
class _Touched:
    """What one commit touched."""

    operators: dict[str, None] = field(default_factory=dict)
    guarded: dict[str, None] = field(default_factory=dict)
    sources: dict[str, None] = field(default_factory=dict)
    guards: dict[str, int] = field(default_factory=lambda: {"+": 0, "-": 0})
    definitions: dict[str, int] = field(default_factory=lambda: {"+": 0, "-": 0})


def relate(
    revisions: Range, before: Inspected, after: Inspected, report: ChangeReport
) -> RelatedChanges:
    """Return the commits before the change that have to do with it."""
    paths = _paths(before, after, report)
    beside = python_paths(before, after)
    ends = boundary(revisions.git)
    found = commits(revisions.git, _MOST_COMMITS, revisions.base, paths=paths)
    window = [each for each in found if each.identity not in ends]
    patches, is_whole = read_patches(revisions.git, [each.identity for each in window], paths)
    reading = _reading(before, after, report)
    touched = {patch.commit: _read(patch, reading) for patch in patches}
    both = tuple(sorted({*paths, *beside}))
    recent = [
        each
        for each in commits(revisions.git, _MOST_COMMITS, revisions.base, paths=both)
        if each.identity not in ends
    ]
    others, is_all = read_patches(
        revisions.git, [each.identity for each in recent[:_MOST_RECENT]], beside
    )
    in_python = {patch.commit: patch for patch in others}
    for patch in others:
        _read_callers(patch, reading, touched.setdefault(patch.commit, _Touched()))
    notes = [state("related.window", count=len(window), base=revisions.base[:12])]
    if beside:
        looked = min(len(recent), _MOST_RECENT)
        notes.append(state("related.python_window", count=looked))
    if not (is_whole and is_all):
        notes.append(state("related.cut"))
    if ends:
        notes.append(state("related.shallow"))
    every = _in_order(recent, window)
    direct = [_direct(each, found) for each, found in _found(every, touched) if _is_direct(found)]
    indirect = _indirect(every, touched, in_python, interest_of(report, _guards_of(report)))
    if len(indirect) > _MOST_INDIRECT:
        notes.append(state("related.nearest", count=len(indirect), shown=_MOST_INDIRECT))
    return RelatedChanges(
        direct=tuple(direct[:_MOST_LISTED]),
        indirect=tuple(indirect[:_MOST_INDIRECT]),
        trend=_trend(window, touched),
        notes=tuple(notes),
    )


def _in_order(recent: list[Commit], window: list[Commit]) -> list[Commit]:
    """Return the commits of both, newest first; those of the longer window are older."""
    known = {each.identity for each in recent}
    return [*recent, *(each for each in window if each.identity not in known)]


def _guards_of(report: ChangeReport) -> list[str]:
    cells = [cell for row in report.matrix.changed for cell in row.cells]
    return [side.guard for cell in cells for side in (cell.before, cell.after) if side]


def _indirect(
    every: list[Commit],
    touched: dict[str, _Touched],
    in_python: dict[str, Patch],
    interest: Interest,
) -> list[RelatedChange]:
    """Return what restricts or returns something by platform, the nearest first."""
    ranked: list[tuple[float, int, RelatedChange]] = []
    for between, commit in enumerate(every):
        found = touched.get(commit.identity, _Touched())
        restriction = read_restriction(commit, in_python.get(commit.identity))
        has_guards = any(found.guards.values())
        if _is_direct(found) or not (has_guards or restriction.is_one):
            continue
        points = rank(commit, restriction, interest, guards=has_guards, between=between)
        change = _related(commit, (), [*reasons(restriction), *_guards(found)])
        ranked.append((-points, between, change))
    return [change for *_, change in sorted(ranked, key=lambda each: each[:2])]


def _read_callers(patch: Patch, reading: _Reading, touched: _Touched) -> None:
    """Add the operators that a commit's lines of Python name: it changes who calls them."""
    for place in patch.places:
        for sign, line in place:
            if sign != " ":
                names = [reading.operators[name] for name in reading.names.findall(line)]
                touched.operators.update(dict.fromkeys(names))


def _found(window: Iterable[Commit], touched: dict[str, _Touched]) -> list[tuple[Commit, _Touched]]:
    return [(each, touched[each.identity]) for each in window if each.identity in touched]


def _paths(before: Inspected, after: Inspected, report: ChangeReport) -> tuple[str, ...]:
    """Return the files to look through: those that register, build, and that the change touched."""
    found = {row.path for row in report.implementation.rows}
    for row in report.matrix.changed:
        found.update(row.sources)
    for side in (before, after):
        found.update(path for path, file in side.project.native.items() if file.registrations)
        found.update(build.description for build in side.project.builds)
    return tuple(sorted(path for path in found if path)) or (".",)


def _reading(before: Inspected, after: Inspected, report: ChangeReport) -> _Reading:
    rows = report.matrix.changed
    operators: dict[str, str] = {}
    for row in rows:
        for name in (row.operator.rpartition("::")[2], *row.symbols):
            operators.setdefault(name.rpartition("::")[2], row.operator)
    kept = dict(list(operators.items())[:_MOST_TERMS])
    sources = {source for row in rows for source in row.sources}
    sources &= {*listed_sources(before), *listed_sources(after)}
    macros = sorted({*before.macro_files, *after.macro_files})
    tests = [rf"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*\b(?:{_any(macros)})\b"] if macros else []
    return _Reading(
        operators=kept,
        sources=frozenset(sources),
        names=re.compile(rf"\b(?:{_any(kept)})\b"),
        basenames=re.compile(rf"\b(?:{_any(posixpath.basename(each) for each in sources)})\b"),
        guards=re.compile("|".join([*tests, _BUILD_TEST])),
    )


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in words) or "(?!)"


def _read(patch: Patch, reading: _Reading) -> _Touched:
    """Return what a commit's lines name."""
    touched = _Touched()
    for place in patch.places:
        beside: dict[str, None] = {}
        is_guard = False
        for sign, line in place:
            names = [reading.operators[name] for name in reading.names.findall(line)]
            if sign == " ":
                beside.update(dict.fromkeys(names))
                continue
            touched.operators.update(dict.fromkeys(names))
            touched.sources.update(dict.fromkeys(reading.basenames.findall(line)))
            if reading.guards.search(line):
                is_guard = True
                touched.guards[sign] += 1
            touched.definitions[sign] += len(_DEFINITION.findall(line))
        if is_guard:
            touched.guarded.update(beside)
    return touched


def _is_direct(touched: _Touched) -> bool:
    return bool(touched.operators or touched.guarded or touched.sources)


def _direct(commit: Commit, touched: _Touched) -> RelatedChange:
    listed = []
    if touched.operators:
        listed.append(state("related.touched_operators", operators=tuple(touched.operators)))
    guarded = tuple(each for each in touched.guarded if each not in touched.operators)
    if guarded:
        listed.append(state("related.guard_beside", operators=guarded))
    if touched.sources:
        listed.append(state("related.touched_build", sources=tuple(touched.sources)))
    operators = (*touched.operators, *guarded)
    said = read_restriction(commit, None)
    taken_back = [state("related.reverts", subject=said.reverts)] if said.reverts else []
    return _related(commit, operators, [*taken_back, *listed, *_guards(touched)])


def _guards(touched: _Touched) -> list[Statement]:
    added, removed = touched.guards["+"], touched.guards["-"]
    return [state("related.guards", added=added, removed=removed)] if added or removed else []


def _related(commit: Commit, operators: tuple[str, ...], reasons: list[Statement]) -> RelatedChange:
    return RelatedChange(
        identity=commit.identity[:12],
        date=commit.date,
        subject=commit.subject,
        numbers=numbers_in([commit.subject]),
        operators=operators,
        reasons=tuple(reasons),
    )


def _trend(window: list[Commit], touched: dict[str, _Touched]) -> tuple[TrendPoint, ...]:
    """Return the definitions and guards that each month's commits added and removed."""
    months: dict[str, list[_Touched]] = {}
    for commit, found in _found(window, touched):
        months.setdefault(commit.date[:7], []).append(found)
    points = (
        TrendPoint(
            period=month,
            operators_gained=sum(max(_net(each.definitions), 0) for each in found),
            operators_lost=sum(max(-_net(each.definitions), 0) for each in found),
            guards_gained=sum(max(_net(each.guards), 0) for each in found),
            guards_lost=sum(max(-_net(each.guards), 0) for each in found),
        )
        for month, found in sorted(months.items())
    )
    return tuple(each for each in points if _is_something(each))[-_MOST_MONTHS:]


def _is_something(point: TrendPoint) -> bool:
    return any(
        (point.operators_gained, point.operators_lost, point.guards_gained, point.guards_lost)
    )


def _net(counts: dict[str, int]) -> int:
    """Return how many more lines a commit added than it removed; moved lines cancel out."""
    return counts["+"] - counts["-"]
