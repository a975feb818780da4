"""The report for a pull request's comment or a job's summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.results.basis import not_followed, understood
from opparity.checker.results.report import summary_of_counts
from opparity.checker.rules.findings import Finding
from opparity.escapes import code, platform_label
from opparity.words.catalogue import catalogue
from opparity.words.language import Language
from opparity.words.marking import say, table

if TYPE_CHECKING:
    from opparity.checker.results.groups import Group
    from opparity.checker.results.report import Report
    from opparity.words.statements import Statement


_COLUMNS = ("rule", "platform", "place", "what")


def render(report: Report) -> str:
    """Return Markdown: a table of findings and, folded, one of what could not be decided."""
    platforms = ", ".join(map(platform_label, report.platforms)) or "no platform"
    said = [*understood(report.basis), *not_followed(report.basis)]
    lines = [
        "# Opparity",
        "",
        f"{code(report.project)} on {platforms}: {summary_of_counts(report, code)}",
        "",
        *(f"- {_said(each)}" for each in said),
        "",
    ]
    findings = report.entries
    if findings:
        rows = (_row(report, group) for group in findings)
        lines += [*table(("severity", *_COLUMNS), rows), ""]
    unknowns = report.doubts
    if unknowns:
        lines += ["<details>", "<summary>What could not be decided</summary>", ""]
        lines += table(_COLUMNS, (_row(report, group) for group in unknowns))
        lines += ["", "</details>", ""]
    return "\n".join(lines)


def _said(statement: Statement) -> str:
    return say(catalogue(Language.ENGLISH), statement)


def _row(report: Report, group: Group) -> list[str]:
    first = group.first
    message = _said(group.statement)
    if group.subject:
        message = f"{code(group.subject)}: {message}"
    parts = [
        message,
        *(f"{code(report.place(each.location))} {_said(each.note)}" for each in first.related),
        *(_other(report, each) for each in group.others),
    ]
    if isinstance(first, Finding) and report.remedy(group.advisor):
        parts.append(f"→ {_advice(report.remedy(group.advisor))}")
    cells = [
        f"{first.rule} {first.name}",
        ", ".join(map(platform_label, group.platforms)) or "all",
        code(report.place(first.location)),
        "<br>".join(parts),
    ]
    return [first.severity.value, *cells] if isinstance(first, Finding) else cells


def _other(report: Report, group: Group) -> str:
    """Return a finding beside the one that is told of a mistake."""
    location = group.first.location
    place = code(f"{report.shown(location.path)}:{location.line}")
    platforms = ", ".join(map(platform_label, group.platforms))
    where = f" on {platforms}" if platforms else ""
    return f"also {place} {group.first.rule}{where}: {_said(group.statement)}"


def _advice(text: str) -> str:
    """Return a rule's own words: they are Markdown, and harmless."""
    return text.replace("|", "\\|")
