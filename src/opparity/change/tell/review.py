"""What the checker finds in one of the trees and not in the other."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from opparity.change.model import Place, Review, ReviewedFinding
from opparity.change.tell.suggestions import suggest
from opparity.checker.results.report import group_by_platform
from opparity.checker.rules.findings import Finding, Severity
from opparity.words.statements import Statement, state

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from opparity.change.compare.inspection import Inspected

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFORMATION: 2}


def review(
    before: Inspected,
    after: Inspected,
    touched: Collection[str],
    remarks: tuple[Statement, ...] = (),
) -> Review:
    """Return the findings that the change introduces, fixes, or leaves at operators it touches."""
    introduced = _without(after.report.findings, before.report.findings)
    fixed = _without(before.report.findings, after.report.findings)
    left = _without(after.report.findings, introduced)
    return Review(
        introduced=_reviewed(after, introduced),
        fixed=_reviewed(before, fixed),
        unresolved=_reviewed(after, [each for each in left if _operator(after, each) in touched]),
        remaining=len(after.report.findings) - len(introduced),
        remarks=remarks,
    )


def counted(findings: Iterable[ReviewedFinding]) -> tuple[Statement, ...]:
    """Return how many errors and warnings there are; information is no defect."""
    counts = Counter(each.severity for each in findings)
    named = (("errors", Severity.ERROR), ("warnings", Severity.WARNING))
    return tuple(
        state(f"summary.{name}", count=counts[severity])
        for name, severity in named
        if counts[severity]
    )


def _identity(finding: Finding) -> tuple[str, ...]:
    """Return what makes two findings of two trees the same one; lines and files may move."""
    subject = (finding.operator, finding.symbol)
    path = "" if any(subject) else finding.location.path
    return (finding.rule, finding.platform, *subject, path)


def _without(findings: Iterable[Finding], known: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are not among the known ones, each counted once."""
    left = Counter(_identity(finding) for finding in known)
    found = []
    for finding in findings:
        identity = _identity(finding)
        if left[identity]:
            left[identity] -= 1
        else:
            found.append(finding)
    return found


def _operator(inspected: Inspected, finding: Finding) -> str:
    """Return a finding's operator; a rule for all targets leaves a macro in the library's name."""
    if not finding.operator:
        return ""
    return inspected.registered_at.get(finding.location, finding.operator)


def _reviewed(inspected: Inspected, findings: list[Finding]) -> tuple[ReviewedFinding, ...]:
    """Return findings as the report has them: errors first, platforms taken together."""
    reviewed = []
    for group in group_by_platform(findings):
        first = group.first
        assert isinstance(first, Finding)
        place = (first.location.path, first.location.line)
        reviewed.append(
            ReviewedFinding(
                rule=first.rule,
                name=first.name,
                severity=first.severity,
                effect=first.effect,
                platforms=group.platforms,
                operator=_operator(inspected, first),
                symbol=first.symbol,
                path=first.location.path,
                line=first.location.line,
                statement=group.statement,
                excerpt=inspected.report.excerpts.get(place, "").strip(),
                related=tuple(
                    Place(each.location.path, each.location.line, each.note)
                    for each in first.related
                ),
                suggestion=suggest(inspected, first, group.platforms),
            )
        )
    return tuple(sorted(reviewed, key=lambda each: _ORDER[each.severity]))
