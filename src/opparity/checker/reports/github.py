"""The report as workflow commands: annotations on the lines of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.reports.others import other_line
from opparity.checker.results.report import summary_line
from opparity.checker.rules.findings import Finding, Severity
from opparity.escapes import in_log, in_workflow_message, in_workflow_property
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from opparity.checker.results.groups import Group
    from opparity.checker.results.report import Report

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFORMATION: "notice"}


def render(report: Report) -> str:
    """Return one command a line, and the summary as the last line."""
    groups = (*report.entries, *report.doubts)
    lines = [_command(report, group) for group in groups]
    return "\n".join([*lines, in_log(summary_line(report))]) + "\n"


def _command(report: Report, group: Group) -> str:
    first = group.first
    is_finding = isinstance(first, Finding)
    command = _COMMANDS[first.severity] if isinstance(first, Finding) else "notice"
    properties = {
        "file": report.shown(first.location.path),
        "line": str(first.location.line),
        "col": str(first.location.column),
        "title": f"{first.rule} {first.name}",
    }
    listed = ",".join(f"{key}={in_workflow_property(text)}" for key, text in properties.items())
    parts = [
        "" if is_finding else "could not be decided:",
        group.where,
        group.subject,
        group.message,
        *(f"\n{report.place(each.location)}: {english(each.note)}" for each in first.related),
    ]
    parts += [f"\n{other_line(report, other)}" for other in group.others]
    if is_finding:
        remedy = report.remedy(group.advisor)
        parts.append(f"\n{remedy + ' ' if remedy else ''}(opparity explain {group.advisor})")
    message = " ".join(part for part in parts if part).replace(" \n", "\n")
    return f"::{command} {listed}::{in_workflow_message(message)}"
