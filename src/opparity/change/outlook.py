"""Whether an extension imports and its calls succeed on a platform, by what the rules found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.model import Outlook, PlatformVerdict, Verdict
from opparity.checker.facts import Finding, Severity, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.change.inspection import Inspected

# An error of these rules means that the extension cannot be built, loaded or imported.
_IMPORT = frozenset({"BLD001", "BLD002", "BLD005", "DEF002", "DEF005"})
# An error of these means that Python fails when it gets there.
_CALL = frozenset({"BLD007", "CAL001", "CAL002", "CAL003", "CAL005", "CAL006", "DEF001", "DEF004"})


def compare_outlooks(before: Inspected, after: Inspected) -> tuple[PlatformVerdict, ...]:
    """Return the verdicts of every platform that either tree knows."""
    return tuple(
        PlatformVerdict(platform, outlook(before, platform), outlook(after, platform))
        for platform in dict.fromkeys((*before.platforms, *after.platforms))
    )


def outlook(inspected: Inspected, platform: str) -> Outlook | None:
    """Return what a tree does on a platform; None where it does not know it."""
    if platform not in inspected.platforms:
        return None
    report = inspected.report
    findings = [
        each
        for each in report.findings
        if each.platform in {"", platform} and each.severity is not Severity.INFORMATION
    ]
    unknowns = [each for each in report.unknowns if each.platform in {"", platform}]
    return Outlook(
        imports=_verdict(findings, unknowns, _IMPORT),
        calls=_verdict(findings, unknowns, _CALL),
        undecided=sum(each.rule in _IMPORT | _CALL for each in unknowns),
    )


def _verdict(
    findings: Iterable[Finding], unknowns: Iterable[Unknown], rules: frozenset[str]
) -> Verdict:
    if any(each.rule in rules for each in findings):
        return Verdict.FAILS
    if any(each.rule in rules for each in unknowns):
        return Verdict.UNDECIDED
    return Verdict.WORKS
