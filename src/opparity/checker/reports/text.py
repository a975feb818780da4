"""The report for people at a terminal: each finding with its line of source."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from opparity.checker.results.basis import not_followed, understood
from opparity.checker.results.report import group_by_platform, summary_line
from opparity.checker.rules.findings import Finding, Severity
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from opparity.checker.results.report import Group, Report

_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.INFORMATION: "bold blue",
}
_UNKNOWN_STYLE = "bold magenta"


def render(report: Report) -> str:
    """Return the report for standard output: coloured on a terminal, plain elsewhere."""
    return render_for(report, is_terminal=sys.stdout.isatty())


def render_for(report: Report, *, is_terminal: bool) -> str:
    """Return the report as text; NO_COLOR takes the colours away."""
    console = Console(
        file=io.StringIO(),
        force_terminal=is_terminal,
        no_color=bool(os.environ.get("NO_COLOR")) or not is_terminal,
        color_system="standard" if is_terminal else None,
        # Lines are as long as they are: a wrapped path can be neither clicked nor searched for.
        width=10_000,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for group in group_by_platform(report.findings):
        _print_group(console, report, group)
    unknowns = group_by_platform(report.unknowns)
    if unknowns:
        console.print(Text("Could not be decided:", style="bold"))
        for group in unknowns:
            console.print(_headline(report, group), soft_wrap=True)
        console.print()
    console.print(Text(summary_line(report), style="bold"), soft_wrap=True)
    for said in (*understood(report.basis), *not_followed(report.basis)):
        console.print(Text(f"  {english(said)}"), soft_wrap=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _print_group(console: Console, report: Report, group: Group) -> None:
    finding = group.first
    console.print(_headline(report, group), soft_wrap=True)
    line = finding.location.line
    source = report.excerpts.get((finding.location.path, line))
    if source:
        margin = len(str(line))
        body = source.lstrip()
        marker = max(finding.location.column - 1 - (len(source) - len(body)), 0)
        console.print(Text.assemble((f"  {line} | ", "blue"), body), soft_wrap=True)
        if marker < len(body):
            pointer = " " * marker + "^"
            console.print(Text.assemble((f"  {' ' * margin} | ", "blue"), (pointer, "bold")))
    for related in finding.related:
        note = f"{report.place(related.location)}: {english(related.note)}"
        console.print(Text.assemble(("  = ", "blue"), note), soft_wrap=True)
    console.print()


def _headline(report: Report, group: Group) -> Text:
    first = group.first
    word, style = (
        (first.severity.value, _STYLES[first.severity])
        if isinstance(first, Finding)
        else ("unknown", _UNKNOWN_STYLE)
    )
    parts: list[str | tuple[str, str]] = [
        f"{report.place(first.location)}: ",
        (f"{word} {first.rule} ", style),
        f"{first.name} ",
    ]
    if group.where:
        parts.append((f"{group.where} ", "cyan"))
    if group.subject:
        parts.append((f"{group.subject} ", "bold"))
    return Text.assemble(*parts, group.message)
