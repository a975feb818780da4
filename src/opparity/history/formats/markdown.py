"""An operator's life as Markdown: a table of its points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.formats.marking import code, platform, say, table
from opparity.change.model import CellChangeKind
from opparity.change.statements import state as statement
from opparity.history.formats.words import verdict

if TYPE_CHECKING:
    from opparity.change.languages import Catalogue
    from opparity.history.model import OperatorHistory, PlatformState, Point


def render(history: OperatorHistory, catalogue: Catalogue) -> str:
    """Return the table with what it is of."""
    looked = statement("history.looked", count=history.looked_through, points=len(history.points))
    lines = [
        f"# {say(catalogue, statement('history.of', operator=history.operator))}",
        "",
        say(catalogue, looked),
        "",
    ]
    if history.left_out:
        left = statement("history.left_out", count=history.left_out)
        lines += [say(catalogue, left), ""]
    header = [catalogue.word("column.period"), *map(platform, history.platforms)]
    has_commits = any(point.subject for point in history.points)
    if has_commits:
        header.append(catalogue.word("column.subject"))
    rows = [
        [
            " ".join(filter(None, [point.date, code(point.label)])),
            *(_cell(each, catalogue) for each in point.states),
            *([code(point.subject)] if has_commits else []),
        ]
        for point in history.points
    ]
    return "\n".join([*lines, *table(header, rows), "", *_guards(history, catalogue)])


def _cell(state: PlatformState | None, catalogue: Catalogue) -> str:
    word = verdict(state, catalogue)
    is_same = state is None or state.change is CellChangeKind.SAME
    return word if is_same else f"**{word}**"


def _guards(history: OperatorHistory, catalogue: Catalogue) -> list[str]:
    """Return the guards that the operator stood under, with the first point of each."""
    lines = []
    before = ""
    for point in history.points:
        guard = _guard(point)
        if guard != before:
            shown = code(guard) if guard else catalogue.word("text.no_guard")
            lines.append(f"- {code(point.label)} {shown}")
        before = guard
    if not lines:
        return []
    return [catalogue.word("history.guards"), "", *lines, ""]


def _guard(point: Point) -> str:
    guards = dict.fromkeys(state.guard for state in point.states if state and state.guard)
    return " / ".join(guards) if point.names else ""
