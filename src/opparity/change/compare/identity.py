"""Which findings of two trees are the same one, though lines and files moved."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.checker.rules.findings import Finding


def identity(finding: Finding) -> tuple[str, ...]:
    """Return what stays the same of a finding; lines and files may move."""
    subject = (finding.operator, finding.symbol)
    path = "" if any(subject) else finding.location.path
    return (finding.rule, finding.platform, *subject, path)


def without(findings: Iterable[Finding], known: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are not among the known ones, each counted once."""
    left = Counter(identity(finding) for finding in known)
    found = []
    for finding in findings:
        name = identity(finding)
        if left[name]:
            left[name] -= 1
        else:
            found.append(finding)
    return found
