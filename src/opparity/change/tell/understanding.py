"""How much of the two trees the report is based on, where that is not all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.change.compare.inspection import Inspected
    from opparity.change.compare.loss import Loss
    from opparity.words.statements import Statement


def understood(before: Inspected, after: Inspected) -> tuple[Statement, ...]:
    """Return what a reader must know first: a side that is empty, or not understood."""
    return (*_sides(before, after), *lost(after.loss))


def _sides(before: Inspected, after: Inspected) -> Iterator[Statement]:
    for name, side in (("before", before), ("after", after)):
        if side.report.basis.is_empty:
            yield state(f"understood.{name}_empty")
        elif side.is_unread:
            yield state(f"understood.{name}_unread")


def lost(loss: Loss) -> Iterator[Statement]:
    """Yield what was understood of the tree before and is not of the tree after."""
    if loss.extensions:
        yield state(
            "understood.lists",
            extensions=loss.extensions,
            count=len(loss.sources),
            files=loss.sources,
        )
    if loss.files:
        yield state("understood.files", files=loss.files)
    if loss.registrations:
        yield state("understood.registrations", files=loss.registrations)
    if loss.operators:
        operators = tuple(sorted(loss.operators))
        yield state("understood.operators", count=len(operators), operators=operators)
