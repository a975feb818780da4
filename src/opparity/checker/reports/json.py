"""The report for programs: docs/schemas/check.schema.json describes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opparity.checker.results.basis import record
from opparity.checker.results.report import EVERY_PLATFORM
from opparity.checker.rules.findings import Finding, Severity
from opparity.escapes import in_json
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from opparity.checker.results.groups import Group
    from opparity.checker.results.report import Report

SCHEMA_VERSION = 1


def render(report: Report) -> str:
    """Return the report as JSON; paths are relative to the tree."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "project": report.project,
        "platforms": list(report.platforms),
        "basis": record(report.basis),
        "findings": [_finding(report, each) for each in report.entries],
        "unknowns": [_result(each) for each in report.doubts],
        "summary": {
            "errors": report.count(Severity.ERROR),
            "warnings": report.count(Severity.WARNING),
            "information": report.count(Severity.INFORMATION),
            "unknowns": len(report.doubts),
            "suppressed": len(report.suppressed),
            "accepted_by_baseline": report.accepted,
        },
    }
    return in_json(json.dumps(document, indent=2)) + "\n"


def _finding(report: Report, group: Group) -> dict[str, object]:
    first = group.first
    assert isinstance(first, Finding)
    result = _result(group)
    names = {"rule": result.pop("rule"), "name": result.pop("name")}
    return {
        **names,
        "severity": first.severity.value,
        **result,
        "also": [_other(each) for each in group.others],
        "remedy": report.remedy(group.advisor),
    }


def _other(group: Group) -> dict[str, object]:
    result = _result(group)
    assert isinstance(group.first, Finding)
    names = ("rule", "name", "operator", "symbol", "platforms", "path", "line", "message")
    return {"severity": group.first.severity.value, **{name: result[name] for name in names}}


def _result(group: Group) -> dict[str, object]:
    result = group.first
    return {
        "rule": result.rule,
        "name": result.name,
        "effect": result.effect.value,
        "operator": result.operator or None,
        "symbol": result.symbol or None,
        "platform": " ".join(group.platforms) or EVERY_PLATFORM,
        "platforms": list(group.platforms),
        "path": result.location.path,
        "line": result.location.line,
        "column": result.location.column,
        "message": group.message,
        "related": [
            {
                "path": related.location.path,
                "line": related.location.line,
                "message": english(related.note),
            }
            for related in result.related
        ],
    }
