"""The report for a pull request's comment or a job's summary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.reports.others import other_line
from opparity.checker.results.basis import not_followed, understood
from opparity.checker.results.report import summary_line
from opparity.checker.rules.findings import Finding
from opparity.checker.tree.names import printable
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from opparity.checker.results.groups import Group
    from opparity.checker.results.report import Report

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&@])")


def render(report: Report) -> str:
    """Return Markdown: a table of findings and, folded, one of what could not be decided."""
    lines = ["# Opparity", "", _escaped(summary_line(report)), ""]
    said = [*understood(report.basis), *not_followed(report.basis)]
    lines += [*(f"- {_escaped(english(each))}" for each in said), ""]
    findings = report.entries
    if findings:
        lines += [
            "| severity | rule | platform | place | what |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [_row(report, group) for group in findings]
        lines.append("")
    unknowns = report.doubts
    if unknowns:
        lines += ["<details>", "<summary>What could not be decided</summary>", ""]
        lines += ["| rule | platform | place | what |", "| --- | --- | --- | --- |"]
        lines += [_row(report, group) for group in unknowns]
        lines += ["", "</details>", ""]
    return "\n".join(lines)


def _row(report: Report, group: Group) -> str:
    first = group.first
    message = _escaped(group.message)
    if group.subject:
        message = f"{_code(group.subject)}: {message}"
    related = "".join(
        f"<br>{_code(report.place(each.location))} {_escaped(english(each.note))}"
        for each in first.related
    )
    related += "".join(f"<br>{_escaped(other_line(report, each))}" for each in group.others)
    if isinstance(first, Finding) and report.remedy(group.advisor):
        related += f"<br>→ {_advice(report.remedy(group.advisor))}"
    cells = [
        f"{first.rule} {first.name}",
        ", ".join(group.platforms) or "all",
        _code(report.place(first.location)),
        message + related,
    ]
    if isinstance(first, Finding):
        cells.insert(0, first.severity.value)
    return f"| {' | '.join(cells)} |"


def _advice(text: str) -> str:
    """Return a rule's own words: they are Markdown, and harmless."""
    return text.replace("|", "\\|")


def _escaped(text: str) -> str:
    """Return text that Markdown prints as it is, mentions and HTML included."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def _code(text: str) -> str:
    """Return text as code inside a table's cell."""
    return "`" + printable(text).replace("`", "'").replace("|", "\\|") + "`"
