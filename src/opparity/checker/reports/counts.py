"""How often each rule speaks: the table that ends the text, and `opparity check --statistics`."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from opparity.checker.facts.records import fact
from opparity.checker.reports import OutputFormat, StatisticsRefused
from opparity.checker.rules.findings import Finding, Severity

if TYPE_CHECKING:
    from opparity.checker.results.report import Report

# Of docs/schemas/statistics.schema.json.
SCHEMA_VERSION = 1
UNDECIDED = "unknown"
_ORDER = [*(severity.value for severity in Severity), UNDECIDED]


@fact
class Count:
    """How many findings, or unknowns, a rule has of a severity; one mistake is one."""

    severity: str
    rule: str
    name: str
    number: int


def counts(report: Report) -> list[Count]:
    """Return the counts: errors first, and the most frequent rule first."""
    found: Counter[tuple[str, str, str]] = Counter()
    for group in (*report.entries, *report.doubts):
        first = group.first
        severity = first.severity.value if isinstance(first, Finding) else UNDECIDED
        found[severity, first.rule, first.name] += 1
    listed = [Count(*key, number) for key, number in found.items()]
    return sorted(listed, key=lambda each: (_ORDER.index(each.severity), -each.number, each.rule))


def lines(listed: list[Count]) -> list[str]:
    """Return a table without borders."""
    rows = [(str(each.number), each.severity, f"{each.rule} {each.name}") for each in listed]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    return [
        f"{number:>{widths[0]}}  {severity:{widths[1]}}  {rule}" for number, severity, rule in rows
    ]


def render(report: Report, output_format: OutputFormat) -> str:
    """Return the counts alone.

    Raises:
        StatisticsRefused: the format is neither text nor JSON.
    """
    listed = counts(report)
    if output_format is OutputFormat.TEXT:
        return "".join(f"{line}\n" for line in lines(listed))
    if output_format is not OutputFormat.JSON:
        raise StatisticsRefused(given=output_format.value)
    found = [
        {"rule": e.rule, "name": e.name, "severity": e.severity, "count": e.number} for e in listed
    ]
    document = {"schema_version": SCHEMA_VERSION, "counts": found}
    return json.dumps(document, indent=2) + "\n"
