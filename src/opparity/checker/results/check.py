"""A check: the rules applied to a project, and everything a report may want to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.facts.places import Location
from opparity.checker.facts.records import fact
from opparity.checker.rules.findings import Finding, Unknown
from opparity.checker.rules.table import RULES
from opparity.words.catalogue import english
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.places import Problem
    from opparity.checker.rules.base import Rule


@fact
class Check:
    """What the rules say of a project."""

    project: str
    platforms: tuple[str, ...]
    findings: tuple[Finding, ...]
    unknowns: tuple[Unknown, ...]
    problems: tuple[Problem, ...]


def check_project(analysis: Analysis, rules: Iterable[type[Rule]] = RULES) -> Check:
    """Apply rules to a project; results are sorted by place, then by rule and platform."""
    # What was worked out of the other platforms only bears on what is said of these.
    wanted = {"", *(platform.label for platform in analysis.project.asked)}
    results = [
        result for rule in rules for result in _said(rule, analysis) if result.platform in wanted
    ]
    findings = [each for each in results if isinstance(each, Finding)]
    unknowns = [each for each in results if not isinstance(each, Finding)]
    return Check(
        project=analysis.project.name,
        platforms=tuple(platform.label for platform in analysis.project.asked),
        findings=tuple(sorted(set(findings), key=_order)),
        unknowns=tuple(sorted(set(unknowns), key=_order)),
        problems=analysis.project.problems,
    )


def _said(rule: type[Rule], analysis: Analysis) -> list[Finding | Unknown]:
    """Return what a rule says of a project; where that takes too much, that it was not applied."""

    def give_up() -> list[Finding | Unknown]:
        largest = bounds.largest(analysis.project.tree.places)
        return [rule().unknown(Location(largest, 1), state("unread.rule"))]

    return bounds.share(lambda: list(rule().check(analysis)), give_up)


def _order(result: Finding | Unknown) -> tuple[object, ...]:
    location = result.location
    return (
        location.path,
        location.line,
        location.column,
        result.rule,
        result.platform,
        result.operator,
        result.symbol,
        english(result.statement),
    )
