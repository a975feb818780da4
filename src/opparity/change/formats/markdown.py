"""The report in Markdown: every section, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.formats import sections

if TYPE_CHECKING:
    from opparity.change.model import ChangeReport
    from opparity.words.catalogue import Catalogue


def render(report: ChangeReport, catalogue: Catalogue) -> str:
    """Return the whole report."""
    parts = [
        sections.head(report, catalogue),
        sections.summary(report, catalogue),
        sections.motivation(report, catalogue),
        sections.implementation(report, catalogue),
        sections.matrix(report, catalogue),
        sections.review(report, catalogue),
        sections.risks(report, catalogue),
        sections.related(report, catalogue),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"
