"""The findings beside the one that is told of a mistake, each in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.checker.results.groups import Group
    from opparity.checker.results.report import Report


def other_line(report: Report, group: Group) -> str:
    """Return a finding in a line of plain text."""
    first = group.first
    place = f"{report.shown(first.location.path)}:{first.location.line}"
    return " ".join(
        part for part in ("also", place, first.rule, group.where, group.message) if part
    )
