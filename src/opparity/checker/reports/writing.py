"""A check's report as it is asked for: its format, what is listed, and where it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.reports import OutputFormat, Show, renderer

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.checker.results.report import Report


def render(
    report: Report, output_format: OutputFormat, show: frozenset[Show], file: Path | None
) -> str:
    """Return the report in a format; in a file, text has neither colours nor links."""
    if output_format is not OutputFormat.TEXT:
        return renderer(output_format)(report)
    from opparity.checker.reports import text  # noqa: PLC0415 -- it loads rich

    return text.render(report, show) if file is None else text.render_for(report, show=show)
