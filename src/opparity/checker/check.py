"""A check: the rules applied to a project, and everything a report may want to print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.facts import Finding, Problem, Unknown
from opparity.checker.rules import RULES, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.checker.project import Project


@dataclass(frozen=True, slots=True)
class Check:
    """What the rules say of a project."""

    project: str
    platforms: tuple[str, ...]
    findings: tuple[Finding, ...]
    unknowns: tuple[Unknown, ...]
    problems: tuple[Problem, ...]


def check_project(project: Project, rules: Iterable[type[Rule]] = RULES) -> Check:
    """Apply rules to a project; results are sorted by place, then by rule and platform."""
    findings: list[Finding] = []
    unknowns: list[Unknown] = []
    for rule in rules:
        for result in rule().check(project):
            if isinstance(result, Finding):
                findings.append(result)
            else:
                unknowns.append(result)
    return Check(
        project=project.name,
        platforms=tuple(platform.label for platform in project.platforms),
        findings=tuple(sorted(set(findings), key=_order)),
        unknowns=tuple(sorted(set(unknowns), key=_order)),
        problems=project.problems,
    )


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
        result.message,
    )
