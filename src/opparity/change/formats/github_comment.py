"""The report as a comment on a pull request: the verdict first, and short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.formats import sections
from opparity.change.formats.findings import finding_lines, hidden_lines
from opparity.words.marking import heading, say

if TYPE_CHECKING:
    from opparity.change.model import ChangeReport, ReviewedFinding
    from opparity.words.catalogue import Catalogue

# By this line a workflow finds the comment that it wrote before, to write it anew.
MARKER = "<!-- opparity report -->"
# GitHub takes 65,536 characters; nobody reads so many, and a diff beside it needs room, too.
LONGEST = 16_000
_MOST_ROWS = 12
_MOST_FINDINGS = 6


def render(report: ChangeReport, catalogue: Catalogue) -> str:
    """Return the comment; parts that do not fit are left out whole, the last first."""
    parts = [
        "\n".join([MARKER, f"## {catalogue.word('heading.report')}"]),
        "\n".join(sections.summary_body(report, catalogue)),
        *_folded(report, catalogue),
    ]
    closing = catalogue.word("text.made_by")
    shortened = f"{catalogue.word('text.shortened')} {closing}"
    kept: list[str] = []
    for part in parts:
        if len("\n\n".join([*kept, part, shortened])) > LONGEST:
            return "\n\n".join([*kept, shortened]) + "\n"
        kept.append(part)
    return "\n\n".join([*kept, closing]) + "\n"


def _folded(report: ChangeReport, catalogue: Catalogue) -> list[str]:
    """Return the other parts: findings open, the rest folded."""
    found = report.review
    parts = []
    if found.hidden:
        name = "accepted" if found.is_trusted else "hidden"
        lines = [*heading(catalogue, name, 3), *hidden_lines(found, catalogue, _MOST_FINDINGS)]
        parts.append("\n".join(lines).rstrip())
    for name in ("introduced", "unresolved", "unread", "fixed"):
        findings: tuple[ReviewedFinding, ...] = getattr(found, name)
        if findings:
            advised = name not in {"unread", "fixed"}
            lines = finding_lines(findings, catalogue, _MOST_FINDINGS, is_advised=advised)
            parts.append("\n".join([*heading(catalogue, name, 3), *lines]).rstrip())
    if report.risks.risks:
        risks = [f"- {say(catalogue, each)}" for each in report.risks.risks]
        parts.append("\n".join([*heading(catalogue, "risk_list", 3), *risks]))
    if found.settings:
        parts.append("\n".join(f"- {say(catalogue, each)}" for each in found.settings))
    remarks = [f"- {say(catalogue, each)}" for each in found.remarks]
    if remarks:
        parts.append(_details(catalogue.word("heading.remarks"), remarks))
    if report.matrix.changed:
        matrix = sections.matrix(report, catalogue, _MOST_ROWS)[2:]
        parts.append(_details(catalogue.word("heading.matrix"), matrix))
    if report.implementation.rows:
        rows = sections.implementation_table(report, catalogue)
        parts.append(_details(catalogue.word("heading.implementation"), rows))
    return parts


def _details(title: str, lines: list[str]) -> str:
    return "\n".join(["<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>"])
