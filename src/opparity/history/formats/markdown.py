"""An operator's life as Markdown: a table of its points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.model import CellChangeKind
from opparity.escapes import code, platform_label
from opparity.history.formats.words import looked, verdict
from opparity.words.marking import say, table
from opparity.words.statements import state as statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.history.model import OperatorHistory, PlatformState, Point
    from opparity.words.catalogue import Catalogue


def render(history: OperatorHistory, catalogue: Catalogue) -> str:
    """Return the table with what it is of."""
    lines = [
        f"# {say(catalogue, statement('history.of', operator=history.operator))}",
        "",
        say(catalogue, looked(history)),
        "",
    ]
    if history.left_out:
        left = statement("history.left_out", count=history.left_out)
        lines += [say(catalogue, left), ""]
    if history.is_shallow:
        lines += [say(catalogue, statement("history.shallow")), ""]
    header = [catalogue.word("column.period"), *map(platform_label, history.platforms)]
    has_commits = any(point.subject for point in history.points)
    if has_commits:
        header.append(catalogue.word("column.subject"))
    rows = [
        [
            _period(run),
            *(_cell(each, catalogue) for each in run[0].states),
            *([code(run[0].subject)] if has_commits else []),
        ]
        for run in _runs(history)
    ]
    return "\n".join([*lines, *table(header, rows), "", *_guards(history, catalogue)])


def _runs(history: OperatorHistory) -> Iterator[list[Point]]:
    """Yield the points, successive releases of one state together; commits stand alone."""
    run: list[Point] = []
    for point in history.points:
        is_changed = any(
            state is not None and state.change is not CellChangeKind.SAME for state in point.states
        )
        if run and (is_changed or point.subject):
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _period(run: list[Point]) -> str:
    first = " ".join(filter(None, [run[0].date, code(run[0].label)]))
    return first if len(run) == 1 else f"{first} … {code(run[-1].label)}"


def _cell(state: PlatformState | None, catalogue: Catalogue) -> str:
    word = verdict(state, catalogue)
    is_same = state is None or state.change is CellChangeKind.SAME
    return word if is_same else f"**{word}**"


def _guards(history: OperatorHistory, catalogue: Catalogue) -> list[str]:
    """Return the guards that the operator stood under, with the first point of each."""
    lines = []
    before: str | None = None
    for point in history.points:
        if not point.names:
            continue
        guards = dict.fromkeys(state.guard for state in point.states if state and state.guard)
        guard = " / ".join(guards)
        if guard != before:
            shown = code(guard) if guard else catalogue.word("text.no_guard")
            lines.append(f"- {code(point.label)} {shown}")
        before = guard
    if not lines:
        return []
    return [catalogue.word("history.guards"), "", *lines, ""]
