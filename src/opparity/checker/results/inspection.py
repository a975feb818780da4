"""A tree and its settings to a report: rules, then suppressions, then the baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.analysis.loose_ends import LooseKind
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.facts.places import Location
from opparity.checker.results.baseline import compare
from opparity.checker.results.check import check_project
from opparity.checker.results.entries import entries
from opparity.checker.results.groups import group_by_platform
from opparity.checker.results.report import Report
from opparity.checker.results.suppressions import read_suppressions, suppress
from opparity.checker.rules.findings import Finding, Severity
from opparity.checker.rules.stale_baseline_entry import StaleBaselineEntry
from opparity.checker.rules.suppression_not_understood import SuppressionNotUnderstood
from opparity.checker.rules.suppression_without_reason import SuppressionWithoutReason
from opparity.checker.rules.table import RULES
from opparity.checker.rules.unused_suppression import UnusedSuppression
from opparity.checker.rules.used_under_a_name_nobody_binds import UsedUnderANameNobodyBinds
from opparity.checker.tree.names import printable
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.checker.analysis.basis import Basis
    from opparity.checker.results.baseline import Entry
    from opparity.checker.results.check import Check
    from opparity.checker.results.request import Request
    from opparity.checker.results.suppressions import Suppression
    from opparity.checker.rules.findings import Unknown
    from opparity.checker.tree.contents import Tree
    from opparity.words.statements import Value

# A longer line of source is cut in an excerpt: minified or generated.
_EXCERPT = 200


def inspect_tree(tree: Tree, request: Request) -> Report:
    """Return the report of a tree."""
    return inspect_project(Analysis(read_project(tree, request.platforms)), request)


def inspect_project(analysis: Analysis, request: Request) -> Report:
    """Return the report of a tree that was read."""
    tree = analysis.project.tree
    with bounds.stage(bounds.RULES, "applying the rules to it", tree.name, tree.places):
        return _inspected(analysis, request)


def _inspected(analysis: Analysis, request: Request) -> Report:
    tree = analysis.project.tree
    check = check_project(analysis, request.rules)
    if request.is_strict:
        check = _strict(check)
    suppressions = read_suppressions(tree)
    findings = suppress(check.findings, suppressions)
    unknowns = suppress(check.unknowns, suppressions)
    applied = {rule.code for rule in request.rules}
    left = [
        *findings.left,
        *(
            finding
            for finding in _about_suppressions(suppressions, findings.used | unknowns.used, request)
            if finding.rule in applied
        ),
    ]
    here = [each for each in left if not request.ignores(each.location.path, each.rule)]
    doubts = [each for each in unknowns.left if not request.ignores(each.location.path, each.rule)]
    ignored = len(left) + len(unknowns.left) - len(here) - len(doubts)
    left = here
    accepted = 0
    if request.baseline is not None:
        comparison = compare(left, dict(request.baseline), doubts)
        accepted = _told(comparison.accepted)
        doubts = [*comparison.undecided]
        left = [*comparison.new, *_about_baseline(comparison.stale, check, request)]
    return Report(
        project=printable(check.project),
        platforms=check.platforms,
        findings=tuple(sorted(left, key=lambda each: each.location)),
        unknowns=tuple(doubts),
        rules=request.rules,
        basis=_without_told(analysis.basis, check),
        suppressed=(*findings.accepted, *unknowns.accepted),
        accepted=accepted,
        ignored=ignored,
        excerpts=_excerpts(tree, [*left, *(each.result for each in findings.accepted)]),
    )


def _told(results: Iterable[Finding | Unknown]) -> int:
    """Return as how many entries results are told: one for all platforms."""
    results = list(results)
    findings = [each for each in results if isinstance(each, Finding)]
    unknowns = [each for each in results if not isinstance(each, Finding)]
    return len(entries(findings)) + len(group_by_platform(unknowns))


def _without_told(basis: Basis, check: Check) -> Basis:
    """Return a basis without the idle functions that a finding names."""
    told = {each.symbol for each in check.findings if each.rule == UsedUnderANameNobodyBinds.code}
    kept = tuple(
        each for each in basis.loose_ends if not (each.kind is LooseKind.IDLE and each.name in told)
    )
    return replace(basis, loose_ends=kept)


def _strict(check: Check) -> Check:
    undecided = tuple(
        Finding(
            rule=each.rule,
            name=each.name,
            severity=Severity.WARNING,
            effect=each.effect,
            location=each.location,
            statement=state("result.undecided", told=each.statement),
            platform=each.platform,
            operator=each.operator,
            symbol=each.symbol,
            related=each.related,
        )
        for each in check.unknowns
    )
    return replace(check, findings=(*check.findings, *undecided), unknowns=())


def _about_suppressions(
    suppressions: Iterable[Suppression], used: frozenset[tuple[Location, str]], request: Request
) -> Iterator[Finding]:
    """Yield what is wrong with the suppressions themselves."""
    known = {rule.code for rule in RULES}
    applied = {rule.code for rule in request.rules}
    for each in suppressions:
        strangers = [code for code in each.codes if code not in known]
        if not each.codes or strangers:
            told = state("SUP003.no_allow")
            if strangers:
                told = state("SUP003.no_rule", codes=tuple(strangers))
            yield SuppressionNotUnderstood().finding(each.location, told)
        elif not each.reason:
            told = state("SUP002.unreasoned", codes=each.codes)
            yield SuppressionWithoutReason().finding(each.location, told)
        elif not request.is_narrowed:
            for code in each.codes:
                if code in applied and (each.location, code) not in used:
                    told = state("SUP001.unused", code=code, line=each.line)
                    yield UnusedSuppression().finding(each.location, told)


def _about_baseline(
    stale: Iterable[tuple[Entry, int, int]], check: Check, request: Request
) -> Iterator[Finding]:
    """Yield the entries that accept too much, of the rules and platforms that were looked at."""
    applied = {rule.code for rule in request.rules}
    if StaleBaselineEntry.code not in applied:
        return
    for entry, allowed, found in stale:
        if entry.rule not in applied or entry.platform not in {"", *check.platforms}:
            continue
        values: dict[str, Value] = {
            "allowed": allowed,
            "code": entry.rule,
            "subject": entry.operator or entry.symbol or entry.path,
            "found": found,
        }
        told = state("SUP004.stale_everywhere", **values)
        if entry.platform:
            told = state("SUP004.stale", platform=entry.platform, **values)
        yield StaleBaselineEntry().finding(
            Location(request.baseline_path, 1),
            told,
            platform=entry.platform,
            operator=entry.operator,
            symbol=entry.symbol,
        )


def _excerpts(tree: Tree, findings: Iterable[Finding]) -> dict[tuple[str, int], str]:
    """Return the line of source at each finding's place, where the tree has one."""
    wanted: dict[str, set[int]] = {}
    for finding in findings:
        wanted.setdefault(finding.location.path, set()).add(finding.location.line)
    excerpts: dict[tuple[str, int], str] = {}
    for path, numbers in wanted.items():
        if tree.places.get(path) is None:
            continue
        lines = tree.read_text(path).split("\n")
        for number in numbers:
            if 0 < number <= len(lines):
                line = lines[number - 1].expandtabs(4).rstrip()
                excerpts[path, number] = printable(line[:_EXCERPT])
    return excerpts
