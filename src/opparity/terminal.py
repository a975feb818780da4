"""What `doctor` and `verify` found, as tables for a terminal of 80 columns."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from opparity.faults import PAGE

if TYPE_CHECKING:
    from rich.console import RenderableType

    from opparity.doctor import Examination
    from opparity.integrations.vllm.examination import VllmExamination
    from opparity.verification import GroupResult, Result, Verification

_STYLES = {
    "selected": "green",
    "available": "green",
    "equal": "green",
    "refused": "yellow",
    "different": "bold red",
    "present": "",
    "defined": "green",
    "replaced": "green",
    "done": "green",
    "only when asked": "yellow",
    "not defined": "dim",
    "not here": "dim",
    "left out": "dim",
}


def examination(found: Examination, *, lists_operators: bool = False) -> RenderableType:
    """Return the machine, the operators or how many they are, and a table of what serves them."""
    installed = [f"{name} {number}" for name, number in found.versions.items() if number]
    absent = [name for name, number in found.versions.items() if not number]
    lines = [", ".join(installed), *found.devices, f"compiler of GPU kernels: {found.compiler}"]
    if absent:
        lines.insert(1, f"not installed: {', '.join(absent)}")
    if found.faults:
        lines += ["", f"what is wrong with this installation ({PAGE} says more):"]
        lines += [f"- {fault}" for fault in found.faults]
    names = ", ".join(found.operators)
    if not lists_operators:
        names = f"{len(found.operators)} by name; `opparity doctor --operators` lists them"
    lines += ["", f"operators: {names}", ""]
    table = _table("every operator", "platform", "provider", "status", "reason")
    for row in found.rows:
        table.add_row(row.platform, row.provider, _status(row.status), row.reason or "")
    more = [_products(found), *(_vllm(found.vllm) if found.vllm else ())]
    return Group(*map(Text, lines), table, *more)


def _products(found: Examination) -> RenderableType:
    """Return which product of matrices serves opparity.nn's linear modules, or why none."""
    if found.no_products is not None:
        return Text(f"opparity.nn cannot be used: {found.no_products}\n")
    title = "linear modules of opparity.nn, 4096 x 4096"
    table = _table(title, "device", "activations", "product", "status", "reason")
    for row in found.products:
        table.add_row(row.device, row.recipe, row.product, _status(row.status), row.reason or "")
    return table


def _vllm(found: VllmExamination) -> list[RenderableType]:
    """Return what a running vLLM gets: a line of why nothing, and a table for each kind."""
    said: list[RenderableType] = []
    if found.objection is not None:
        said.append(Text(f"vLLM {found.version or ''} gets nothing: {found.objection}\n"))
    title = f"what vLLM {found.version} gets on {found.platform}"
    for kind, rows in (("operator", found.operators), ("part", found.parts)):
        table = _table(title if kind == "operator" else "", kind, "status", "reason")
        for row in rows:
            table.add_row(row.name, _status(row.status), row.reason)
        if rows:
            said.append(table)
    return said


def verification(found: Verification) -> RenderableType:
    """Return what became of the golden cases, and of groups of random calls."""
    golden: RenderableType = _golden(found)
    if not found.results:
        golden = Text("golden calls: not run, since groups of random calls were asked for\n")
    if found.seed is None:
        return golden
    parts: list[RenderableType] = [golden]
    for (platform, provider), rows in groupby(found.groups, attrgetter("platform", "provider")):
        parts += _groups(f"random calls, seed {found.seed}: {provider} on {platform}", list(rows))
    return Group(*parts)


def _golden(found: Verification) -> Table:
    """Return a row for each implementation, and one for each operator that it computes wrongly."""
    table = _table(
        "",
        *("provider", "platform", "status", "wrong\nvalues", "wrong\nscales", "what, or reason"),
    )
    table.columns[3].justify = table.columns[4].justify = "right"
    for _, group in groupby(found.results, attrgetter("platform", "provider")):
        results = list(group)
        _add(table, results, _summary(results))
        for result in results:
            if result.status == "different":
                _add(table, [result], f"{result.operator}: {result.reason}")
    return table


def _groups(title: str, rows: list[GroupResult]) -> list[RenderableType]:
    """Return a table of groups, and of each that differs its first call and how to repeat it."""
    if rows[0].status == "refused":
        return [Text(f"{title}: refused, {rows[0].reason}")]
    table = _table(f"{title}, {rows[0].device}", "group", "calls", "values", "differ", "status")
    for column in table.columns[1:4]:
        column.justify = "right"
    for row in rows:
        counts = (f"{number:,}" for number in (row.calls, row.values, row.mismatched))
        table.add_row(row.group, *counts, _status(row.status))
    wrong = [row for row in rows if row.status == "different"]
    told = [
        Text(f"{row.group}, {row.reason}\n" + f"to repeat it: {row.repeat}\n" * bool(row.repeat))
        for row in wrong
    ]
    return [table, *told]


def _summary(results: list[Result]) -> str:
    """Return how much was compared, or why nothing was."""
    first = results[0]
    if first.status == "refused":
        return first.reason or ""
    calls, values = sum(r.cases for r in results), sum(r.values for r in results)
    return f"{len(results)} operators, {calls:,} calls, {values:,} values on {first.device}"


def _add(table: Table, results: list[Result], words: str) -> None:
    first, refused = results[0], results[0].status == "refused"
    wrong = [sum(r.mismatched_values for r in results), sum(r.mismatched_scales for r in results)]
    different = any(result.status == "different" for result in results)
    status = "different" if different else first.status
    counts = ["" if refused else f"{count:,}" for count in wrong]
    table.add_row(first.provider, first.platform, _status(status), *counts, words)


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for name in columns[:-1]:
        table.add_column(name, no_wrap=True)
    # Long reasons are folded, never cut.
    table.add_column(columns[-1], overflow="fold")
    return table


def _status(status: str) -> Text:
    return Text(status, style=_STYLES[status])
