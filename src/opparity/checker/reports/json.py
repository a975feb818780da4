"""The report for programs: docs/checker-report.schema.json describes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opparity.checker.results.basis import record
from opparity.checker.results.report import EVERY_PLATFORM
from opparity.checker.rules.findings import Finding, Severity, Unknown
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from opparity.checker.results.report import Report

SCHEMA_VERSION = 1


def render(report: Report) -> str:
    """Return the report as JSON; paths are relative to the tree."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "project": report.project,
        "platforms": list(report.platforms),
        "basis": record(report.basis),
        "findings": [_finding(each) for each in report.findings],
        "unknowns": [_result(each) for each in report.unknowns],
        "summary": {
            "errors": report.count(Severity.ERROR),
            "warnings": report.count(Severity.WARNING),
            "information": report.count(Severity.INFORMATION),
            "unknowns": len(report.unknowns),
            "suppressed": report.suppressed,
            "accepted_by_baseline": report.accepted,
        },
    }
    return json.dumps(document, indent=2) + "\n"


def _finding(finding: Finding) -> dict[str, object]:
    result = _result(finding)
    names = {"rule": result.pop("rule"), "name": result.pop("name")}
    return {**names, "severity": finding.severity.value, **result}


def _result(result: Finding | Unknown) -> dict[str, object]:
    return {
        "rule": result.rule,
        "name": result.name,
        "effect": result.effect.value,
        "operator": result.operator or None,
        "symbol": result.symbol or None,
        "platform": result.platform or EVERY_PLATFORM,
        "path": result.location.path,
        "line": result.location.line,
        "column": result.location.column,
        "message": english(result.statement),
        "related": [
            {
                "path": related.location.path,
                "line": related.location.line,
                "message": english(related.note),
            }
            for related in result.related
        ],
    }
