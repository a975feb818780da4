"""Earlier changes and the trend as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.escapes import code
from opparity.words.marking import heading, say, table

if TYPE_CHECKING:
    from opparity.change.model import RelatedChange, RelatedChanges
    from opparity.words.catalogue import Catalogue

_MOST = 20


def related_lines(related: RelatedChanges, catalogue: Catalogue) -> list[str]:
    """Return direct and indirect changes, the trend, and what was looked through."""
    lines: list[str] = []
    for name, changes in (("direct", related.direct), ("indirect", related.indirect)):
        lines += heading(catalogue, name, 3)
        if changes:
            header = [catalogue.word(f"column.{each}") for each in ("date", "subject", "reason")]
            lines += [*table(header, [_row(each, catalogue) for each in changes[:_MOST]]), ""]
        else:
            lines += [catalogue.word("text.no_related"), ""]
    lines += heading(catalogue, "trend", 3)
    if related.trend:
        columns = ("period", "gained", "lost", "guards_gained", "guards_lost")
        header = [catalogue.word(f"column.{each}") for each in columns]
        rows = [
            [
                code(each.period),
                f"{each.operators_gained}",
                f"{each.operators_lost}",
                f"{each.guards_gained}",
                f"{each.guards_lost}",
            ]
            for each in related.trend
        ]
        lines += [*table(header, rows), ""]
    else:
        lines += [catalogue.word("text.no_trend"), ""]
    lines += [say(catalogue, each) for each in related.notes]
    return lines


def _row(change: RelatedChange, catalogue: Catalogue) -> list[str]:
    name = code(change.identity) if change.identity else ""
    numbers = " ".join(code(each) for each in change.numbers if each not in change.subject)
    subject = code(change.subject) if change.subject else ""
    return [
        code(change.date),
        " ".join(part for part in (name, subject, numbers) if part) or "—",
        "<br>".join(say(catalogue, each) for each in change.reasons) or "—",
    ]
