"""The report in each format: one line of the table and one module a format."""

from __future__ import annotations

import importlib
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.change.model import ChangeReport
    from opparity.words.catalogue import Catalogue


class ReportFormat(StrEnum):
    """What `opparity report --output-format` takes; RENDERERS has a line for each."""

    MARKDOWN = "markdown"
    JSON = "json"
    GITHUB_COMMENT = "github-comment"
    HTML = "html"


# Format -> the module beside this one whose `render(report, catalogue)` writes it.
RENDERERS: dict[ReportFormat, str] = {
    ReportFormat.MARKDOWN: "markdown",
    ReportFormat.JSON: "json",
    ReportFormat.GITHUB_COMMENT: "github_comment",
    ReportFormat.HTML: "html",
}


def renderer(output_format: ReportFormat) -> Callable[[ChangeReport, Catalogue], str]:
    """Return the function that writes a format; no other format's module is imported."""
    module = importlib.import_module(f"{__name__}.{RENDERERS[output_format]}")
    render: Callable[[ChangeReport, Catalogue], str] = module.render
    return render
