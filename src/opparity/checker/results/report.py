"""What every format is a function of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.rules.findings import Finding, Severity, Unknown
from opparity.checker.tree.names import printable
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opparity.checker.analysis.basis import Basis
    from opparity.checker.facts.places import Location
    from opparity.checker.rules.base import Rule
    from opparity.words.statements import Statement

# What stands for the platform of a finding that holds for every platform.
EVERY_PLATFORM = "all"


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check, after suppressions and baseline.

    Attributes:
        project: the tree's name.
        platforms: the labels of those that were checked.
        findings: sorted by place.
        unknowns: what could not be decided, sorted by place.
        rules: those that were applied.
        basis: what was understood of the tree, and what was not.
        suppressed: how many findings and unknowns comments accepted.
        accepted: how many findings the baseline accepted.
        prefix: what leads from the current folder to the tree, "" or ending in "/".
        excerpts: the line of source at each finding's place.
    """

    project: str
    platforms: tuple[str, ...]
    findings: tuple[Finding, ...]
    unknowns: tuple[Unknown, ...]
    rules: tuple[type[Rule], ...]
    basis: Basis
    suppressed: int = 0
    accepted: int = 0
    prefix: str = ""
    excerpts: Mapping[tuple[str, int], str] = field(default_factory=dict)

    @property
    def results(self) -> list[Finding | Unknown]:
        """Return the findings and after them the unknowns."""
        return [*self.findings, *self.unknowns]

    @property
    def fails(self) -> bool:
        """Tell whether there is an error or a warning; information alone is no failure."""
        return any(finding.severity is not Severity.INFORMATION for finding in self.findings)

    def count(self, severity: Severity) -> int:
        """Return the number of findings of a severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def place(self, location: Location) -> str:
        """Return path:line:column as seen from the current folder."""
        return f"{self.prefix}{location}"


@dataclass(frozen=True, slots=True)
class Group:
    """One finding, or one unknown, and every platform for which it was made."""

    first: Finding | Unknown
    platforms: tuple[str, ...]

    @property
    def where(self) -> str:
        """Return the platforms in brackets, or nothing where it holds for all."""
        return f"[{' '.join(self.platforms)}]" if self.platforms else ""

    @property
    def subject(self) -> str:
        """Return the operator, else the symbol, where the message does not name it."""
        subject = printable(self.first.operator or self.first.symbol)
        return "" if subject in self.message else subject

    @property
    def statement(self) -> Statement:
        """Return what is said of all these platforms."""
        said = self.first.statement
        return said.having(platform=self.platforms) if self.platforms else said

    @property
    def message(self) -> str:
        """Return the statement in English."""
        return english(self.statement)


def group_by_platform(results: Iterable[Finding | Unknown]) -> list[Group]:
    """Return results with those that differ only in their platform taken together."""
    groups: dict[tuple[object, ...], list[Finding | Unknown]] = {}
    for each in results:
        severity = each.severity if isinstance(each, Finding) else None
        said = each.statement.having(platform="")
        key = (severity, each.rule, each.location, said, each.operator, each.symbol)
        groups.setdefault((*key, each.related), []).append(each)
    return [
        Group(group[0], tuple(dict.fromkeys(each.platform for each in group if each.platform)))
        for group in groups.values()
    ]


def plural(count: int, noun: str) -> str:
    """Return the count with its noun; "information" and "unknown" have no plural."""
    has_plural = noun not in {"information", "unknown"}
    return f"{count} {noun}{'s' if has_plural and count != 1 else ''}"


def summary_line(report: Report) -> str:
    """Return the counts in one sentence."""
    parts = [plural(report.count(severity), severity.value) for severity in Severity]
    parts.append(plural(len(report.unknowns), "unknown"))
    if report.suppressed:
        parts.append(f"{report.suppressed} suppressed")
    if report.accepted:
        parts.append(f"{report.accepted} in the baseline")
    return f"{report.project} on {', '.join(report.platforms) or 'no platform'}: {', '.join(parts)}"
