"""What the checker finds in one of the trees and not in the other."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from opparity.change.compare.identity import without
from opparity.change.model import HiddenFinding, Place, Review, ReviewedFinding
from opparity.change.tell.suggestions import suggest
from opparity.checker.results.groups import group_by_platform
from opparity.checker.rules.findings import Finding, Severity
from opparity.words.statements import Statement, state

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from opparity.change.compare.inspection import Inspected
    from opparity.change.compare.trust import Concealed

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFORMATION: 2}


def review(
    before: Inspected,
    after: Inspected,
    touched: Collection[str],
    remarks: tuple[Statement, ...],
    concealed: Concealed,
) -> Review:
    """Return the findings that the change introduces, fixes, or leaves at operators it touches."""
    introduced = without(after.report.findings, before.report.findings)
    accepted = [each.result for each in after.accepted_findings]
    gone = without(before.report.findings, [*after.report.findings, *accepted])
    unread = [each for each in gone if after.loss.hides(each)]
    fixed = [each for each in gone if not after.loss.hides(each)]
    left = without(after.report.findings, introduced)
    return Review(
        introduced=(*_reviewed(after, introduced), *_by_own_settings(concealed, introduced)),
        fixed=_reviewed(before, fixed),
        unresolved=_reviewed(after, [each for each in left if _operator(after, each) in touched]),
        remaining=len(after.report.findings) - len(introduced),
        remarks=remarks,
        hidden=_hidden(after, concealed),
        settings=concealed.settings,
        is_trusted=concealed.is_trusted,
        unread=_reviewed(before, unread),
        understands_less=after.loss.is_of_builds,
    )


def _by_own_settings(concealed: Concealed, known: list[Finding]) -> tuple[ReviewedFinding, ...]:
    """Return what the change introduces by its own settings alone: these may be stricter."""
    if concealed.by_after is None:
        return ()
    before, after = concealed.by_after.before, concealed.by_after.after
    introduced = without(after.report.findings, before.report.findings)
    return _reviewed(after, without(introduced, known))


def _hidden(after: Inspected, concealed: Concealed) -> tuple[HiddenFinding, ...]:
    """Return what the tree after hides, each platform of a finding taken together."""
    groups: dict[tuple[bool, Statement], list[Finding]] = {}
    for each in concealed.hidden:
        groups.setdefault((each.is_new, each.reason), []).append(each.finding)
    return tuple(
        HiddenFinding(finding, is_new, reason)
        for (is_new, reason), findings in groups.items()
        for finding in _reviewed(after, findings)
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
