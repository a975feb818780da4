"""The report as SARIF 2.1.0, as GitHub's code scanning and editors read it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from opparity import __version__
from opparity.checker.reports.addresses import address_of
from opparity.checker.rules.findings import Finding, Severity
from opparity.escapes import in_json, in_sarif
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from opparity.checker.facts.places import Location
    from opparity.checker.results.groups import Group
    from opparity.checker.results.report import Report
    from opparity.checker.rules.base import Rule

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFORMATION: "note"}
_ROOT = "SRCROOT"


def render(report: Report) -> str:
    """Return a SARIF log with one run; what could not be decided has kind "open"."""
    indices = {rule.code: index for index, rule in enumerate(report.rules)}
    groups = (*report.entries, *report.doubts)
    results = [_result(report, each, indices) for each in groups]
    run = {
        "tool": {
            "driver": {
                "name": "opparity",
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in report.rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return in_json(json.dumps(document, indent=2)) + "\n"


def _rule(rule: type[Rule]) -> dict[str, object]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary()},
        "fullDescription": {"text": rule.summary()},
        **({"helpUri": address} if (address := address_of(rule.code)) else {}),
        "help": {"text": rule.page(), "markdown": rule.page()},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(report: Report, group: Group, indices: dict[str, int]) -> dict[str, object]:
    result = group.first
    where = f" {group.where}" if group.where else ""
    # SARIF has a kind for what a tool could not decide; its level must then be "none".
    verdict = (
        {"kind": "fail", "level": _LEVELS[result.severity]}
        if isinstance(result, Finding)
        else {"kind": "open", "level": "none"}
    )
    return {
        "ruleId": result.rule,
        "ruleIndex": indices.get(result.rule, -1),
        **verdict,
        "message": _message(f"{group.message}{where}"),
        "locations": [_location(report, result.location)],
        "relatedLocations": [
            {**_location(report, related.location), "message": _message(english(related.note))}
            for related in result.related
        ]
        + [
            {**_location(report, other.first.location), "message": _message(_beside(other))}
            for other in group.others
        ],
        "partialFingerprints": {"opparity/v1": _fingerprint(group)},
        "properties": {
            "platforms": list(group.platforms),
            "operator": result.operator or None,
            "symbol": result.symbol or None,
        },
    }


def _location(report: Report, location: Location) -> dict[str, object]:
    return {
        "physicalLocation": {
            "artifactLocation": {
                "uri": _uri(report.shown(location.path)),
                "uriBaseId": _ROOT,
            },
            "region": {"startLine": location.line, "startColumn": location.column},
        }
    }


def _uri(path: str) -> str:
    """Return a relative address: one that begins with slashes would be another host's."""
    quoted = quote(path, errors="backslashreplace")
    return f".{quoted}" if quoted.startswith("/") else quoted


def _message(text: str) -> dict[str, str]:
    return {"text": in_sarif(text)}


def _beside(other: Group) -> str:
    """Return what is said of another finding of the same mistake."""
    parts = (other.first.rule, other.where, other.message)
    return " ".join(part for part in parts if part)


def _fingerprint(group: Group) -> str:
    """Return what stays the same when lines move."""
    result = group.first
    subject = result.operator or result.symbol or result.location.path
    parts = (result.rule, subject, " ".join(group.platforms))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]
