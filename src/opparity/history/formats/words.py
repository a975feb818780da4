"""What the formats say in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.model import CellChangeKind
from opparity.words.statements import state as statement

if TYPE_CHECKING:
    from opparity.history.model import OperatorHistory, PlatformState, Point
    from opparity.words.catalogue import Catalogue
    from opparity.words.statements import Statement


def head(history: OperatorHistory, catalogue: Catalogue) -> list[str]:
    """Return what the history is of, and how much was looked through."""
    said = [statement("history.of", operator=history.operator)]
    said.append(looked(history))
    if history.left_out:
        said.append(statement("history.left_out", count=history.left_out))
    if history.is_shallow:
        said.append(statement("history.shallow"))
    return [catalogue.text(each) for each in said]


def looked(history: OperatorHistory) -> Statement:
    """Return how much was looked through."""
    has_commits = any(point.subject for point in history.points)
    key = "history.looked_commits" if has_commits else "history.looked"
    return statement(key, count=history.looked_through, points=len(history.points))


def verdict(state: PlatformState | None, catalogue: Catalogue) -> str:
    """Return what a platform has."""
    if state is None:
        return catalogue.word("verdict.unknown_platform")
    return catalogue.word(f"cell.{state.verdict.value}")


def changes(point: Point, catalogue: Catalogue) -> list[str]:
    """Return what changed at a point, platforms of one change taken together."""
    found: dict[str, list[str]] = {}
    for state in point.states:
        if state is not None and state.change is not CellChangeKind.SAME:
            found.setdefault(state.change.value, []).append(state.platform)
    return [
        catalogue.text(statement(f"history.{change}", platforms=tuple(platforms)))
        for change, platforms in found.items()
    ]
