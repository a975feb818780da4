"""What every format is a function of."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.results.entries import entries
from opparity.checker.results.groups import Group, group_by_platform
from opparity.checker.rules.findings import Finding, Severity, Unknown
from opparity.checker.tree.names import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opparity.checker.analysis.basis import Basis
    from opparity.checker.facts.places import Location
    from opparity.checker.results.suppressions import Accepted
    from opparity.checker.rules.base import Rule

# What stands for the platform of a finding that holds for every platform.
EVERY_PLATFORM = "all"


@dataclass(frozen=True)
class Report:
    """The result of a check, after suppressions and baseline.

    Attributes:
        project: the tree's name.
        platforms: the labels of those that were checked.
        findings: sorted by place.
        unknowns: what could not be decided, sorted by place.
        rules: those that were applied.
        basis: what was understood of the tree, and what was not.
        suppressed: the findings and unknowns that comments accepted.
        accepted: how many findings and unknowns the baseline accepted, one for all platforms.
        ignored: how many findings and unknowns `per-file-ignores` leaves out.
        within: the folder of the tree that alone is reported, "" for all of it.
        elsewhere: how many errors and warnings the rest of the tree has.
        start: the current folder as seen from the tree: "csrc" where that lies inside the tree.
        prefix: what leads from the current folder to the tree, "" or ending in "/".
        excerpts: the line of source at each finding's place.
    """

    project: str
    platforms: tuple[str, ...]
    findings: tuple[Finding, ...]
    unknowns: tuple[Unknown, ...]
    rules: tuple[type[Rule], ...]
    basis: Basis
    suppressed: tuple[Accepted[Finding] | Accepted[Unknown], ...] = ()
    accepted: int = 0
    ignored: int = 0
    within: str = ""
    elsewhere: int = 0
    start: str = ""
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

    @cached_property
    def entries(self) -> list[Group]:
        """Return the findings as they are told: one entry for each mistake."""
        return entries(self.findings)

    @cached_property
    def doubts(self) -> list[Group]:
        """Return the unknowns as they are told: one entry for all platforms."""
        return group_by_platform(self.unknowns)

    def count(self, severity: Severity) -> int:
        """Return the number of entries whose finding is of a severity."""
        return sum(getattr(each.first, "severity", None) is severity for each in self.entries)

    def remedy(self, code: str) -> str:
        """Return what to do about a finding of a rule, in one sentence."""
        return next((rule.remedy() for rule in self.rules if rule.code == code), "")

    def place(self, location: Location) -> str:
        """Return path:line:column as seen from the current folder."""
        return f"{self.shown(location.path)}:{location.line}:{location.column}"

    def shown(self, path: str) -> str:
        """Return a path as seen from the current folder."""
        return printable(
            posixpath.relpath(path, self.start) if self.start else f"{self.prefix}{path}"
        )


def plural(count: int, noun: str) -> str:
    """Return the count with its noun; "information" and "unknown" have no plural."""
    has_plural = noun not in {"information", "unknown"}
    return f"{count} {noun}{'s' if has_plural and count != 1 else ''}"


def summary_of_counts(report: Report, show: Callable[[str], str] = printable) -> str:
    """Return the counts in one sentence; `show` makes a folder's name harmless."""
    parts = [plural(report.count(severity), severity.value) for severity in Severity]
    parts.append(plural(len(report.doubts), "unknown"))
    if report.suppressed:
        parts.append(f"{len(report.suppressed)} suppressed")
    if report.accepted:
        parts.append(f"{report.accepted} in the baseline")
    if report.ignored:
        parts.append(f"{report.ignored} left out by per-file-ignores")
    if report.within:
        noun = "error or warning" if report.elsewhere == 1 else "errors and warnings"
        parts.append(f"{report.elsewhere} {noun} outside {show(report.within)}")
    return ", ".join(parts)


def summary_line(report: Report) -> str:
    """Return what was checked, and the counts, in one line."""
    platforms = ", ".join(map(printable, report.platforms)) or "no platform"
    return f"{printable(report.project)} on {platforms}: {summary_of_counts(report)}"
