"""An operator's life as a table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.tree.names import printable
from opparity.escapes import in_log
from opparity.history.formats.words import changes, head, verdict

if TYPE_CHECKING:
    from opparity.history.model import OperatorHistory
    from opparity.words.catalogue import Catalogue


def render(history: OperatorHistory, catalogue: Catalogue) -> str:
    """Return the table; widths count East Asian characters twice, as terminals do."""
    from rich.cells import cell_len  # noqa: PLC0415 -- used by this format alone

    rows = [[catalogue.word("column.period"), *map(printable, history.platforms), ""]]
    for point in history.points:
        what = " · ".join(filter(None, [point.subject, "; ".join(changes(point, catalogue))]))
        rows.append(
            [
                printable(" ".join(filter(None, [point.date, point.label]))),
                *(verdict(state, catalogue) for state in point.states),
                printable(what),
            ]
        )
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    return in_log("\n".join([*map(printable, head(history, catalogue)), "", *lines])) + "\n"
