"""The report for people at a terminal: each finding with its line of source and what to do."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.style import Style
from rich.text import Text

from opparity.checker.reports import Show, counts
from opparity.checker.reports.addresses import address_of
from opparity.checker.results.basis import not_followed, understood
from opparity.checker.results.report import summary_line
from opparity.checker.rules.findings import Finding, Severity
from opparity.checker.tree.names import printable
from opparity.colours import are_wanted
from opparity.escapes import in_log
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from opparity.checker.results.groups import Group
    from opparity.checker.results.report import Report

_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.INFORMATION: "bold blue",
}
_UNKNOWN_STYLE = "bold magenta"


def render(report: Report, show: frozenset[Show] = frozenset()) -> str:
    """Return the report for standard output: coloured on a terminal, plain elsewhere."""
    return render_for(report, show=show, is_coloured=are_wanted(sys.stdout))


def render_for(
    report: Report, *, show: frozenset[Show] = frozenset(), is_coloured: bool = False
) -> str:
    """Return the report as text; what is not listed is counted, with the option that lists it."""
    console = Console(
        file=io.StringIO(),
        force_terminal=is_coloured,
        no_color=not is_coloured,
        color_system="standard" if is_coloured else None,
        # Lines are as long as they are: a wrapped path can be neither clicked nor searched for.
        width=10_000,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for group in report.entries:
        assert isinstance(group.first, Finding)
        if group.first.severity is not Severity.INFORMATION or _is_shown(Show.INFORMATION, show):
            _print_group(console, report, group)
    unknowns = report.doubts
    if unknowns and _is_shown(Show.UNKNOWN, show):
        console.print(Text("Could not be decided:", style="bold"))
        for group in unknowns:
            console.print(_headline(report, group), soft_wrap=True)
        console.print()
    _print_counts(console, report, show)
    console.print(Text(summary_line(report), style="bold"), soft_wrap=True)
    for said in (*understood(report.basis), *not_followed(report.basis)):
        console.print(Text(f"  {english(said)}"), soft_wrap=True)
    assert isinstance(console.file, io.StringIO)
    return in_log(console.file.getvalue())


def _is_shown(kind: Show, show: frozenset[Show]) -> bool:
    return bool(show & {kind, Show.ALL})


def _print_counts(console: Console, report: Report, show: frozenset[Show]) -> None:
    """Print how often each rule speaks, and by which option what is not listed would be."""
    listed = counts.counts(report)
    for count, line in zip(listed, counts.lines(listed), strict=True):
        is_counted_alone = count.severity in set(Show) and not _is_shown(Show(count.severity), show)
        hint = f"  (--show {count.severity} lists them)" if is_counted_alone else ""
        console.print(Text.assemble(line, (hint, "dim")), soft_wrap=True)
    if listed:
        console.print()


def _print_group(console: Console, report: Report, group: Group) -> None:
    finding = group.first
    console.print(_headline(report, group), soft_wrap=True)
    line = finding.location.line
    source = printable(report.excerpts.get((finding.location.path, line), ""))
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
    for other in group.others:
        console.print(
            Text.assemble(("  = also ", "blue"), _headline(report, other)), soft_wrap=True
        )
    remedy = report.remedy(group.advisor)
    parts = [part for part in (remedy, f"(opparity explain {group.advisor})") if part]
    console.print(Text.assemble(("  = help: ", "blue"), " ".join(parts)), soft_wrap=True)
    console.print()


def _headline(report: Report, group: Group) -> Text:
    first = group.first
    word, style = (
        (first.severity.value, _STYLES[first.severity])
        if isinstance(first, Finding)
        else ("unknown", _UNKNOWN_STYLE)
    )
    linked = Style.parse(style) + Style(link=address_of(first.rule) or None)
    parts: list[str | tuple[str, str | Style]] = [
        f"{report.place(first.location)}: ",
        (f"{word} ", style),
        (first.rule, linked),
        f" {first.name} ",
    ]
    if group.where:
        parts.append((f"{group.where} ", "cyan"))
    if group.subject:
        parts.append((f"{group.subject} ", "bold"))
    return Text.assemble(*parts, group.message)
