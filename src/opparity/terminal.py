"""What `doctor` and `verify` found, as tables for a terminal of 80 columns."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from opparity.doctor import Examination
    from opparity.verification import Result, Verification

_STYLES = {
    "selected": "green",
    "available": "green",
    "equal": "green",
    "refused": "yellow",
    "different": "bold red",
}


def examination(found: Examination) -> RenderableType:
    """Return the machine, and one table for each operator."""
    installed = [f"{name} {number}" for name, number in found.versions.items() if number]
    absent = [name for name, number in found.versions.items() if not number]
    lines = [", ".join(installed), *found.devices]
    if absent:
        lines.insert(1, f"not installed: {', '.join(absent)}")
    tables = []
    for operator, rows in groupby(found.rows, attrgetter("operator")):
        table = _table(operator, "platform", "provider", "status", "reason")
        for row in rows:
            table.add_row(row.platform, row.provider, _status(row.status), row.reason or "")
        tables.append(table)
    return Group(*map(Text, [*lines, ""]), *tables)


def verification(found: Verification) -> RenderableType:
    """Return one table for each operator; its title says how much each row compared."""
    return Group(
        *(
            _compared(operator, list(results))
            for operator, results in groupby(found.results, attrgetter("operator"))
        )
    )


def _compared(operator: str, results: list[Result]) -> Table:
    cases, values = max((result.cases, result.values) for result in results)
    table = _table(
        f"{operator}: {cases:,} cases, {values:,} values each",
        *("provider", "platform", "status", "wrong\nvalues", "wrong\nscales", "device, or reason"),
    )
    table.columns[3].justify = table.columns[4].justify = "right"
    for result in results:
        refused = result.status == "refused"
        where = [] if refused else [result.device]
        table.add_row(
            result.provider,
            result.platform,
            _status(result.status),
            "" if refused else f"{result.mismatched_values:,}",
            "" if refused else f"{result.mismatched_scales:,}",
            "\n".join([*where, *([result.reason] if result.reason else [])]),
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False
    )
    for name in columns[:-1]:
        table.add_column(name, no_wrap=True)
    # Long reasons are folded, never cut.
    table.add_column(columns[-1], overflow="fold")
    return table


def _status(status: str) -> Text:
    return Text(status, style=_STYLES[status])
