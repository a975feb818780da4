"""What each platform of a tree has of an operator, whatever library registers it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.change.compare.inspection import Inspected, inspect
from opparity.change.compare.matrix import change_of
from opparity.change.model import CellState
from opparity.checker.analysis.verdict import CellVerdict
from opparity.checker.results.configured_tree import open_configured, parse_platforms
from opparity.checker.results.request import Request
from opparity.errors import OpparityError
from opparity.history.model import OperatorHistory, PlatformState, Point

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from opparity.checker.languages.remembering import RememberingWorkers

# Where several libraries register an operator of one name, the first of these is told.
_ORDER = (
    CellVerdict.BROKEN,
    CellVerdict.WORKS,
    CellVerdict.UNDECIDED,
    CellVerdict.INCOMPLETE,
    CellVerdict.ABSENT,
)
_MOST_SIMILAR = 5


class OperatorUnknown(OpparityError, LookupError):
    """An operator that no tree of a history registers."""

    message = "no operator {given!r} in {trees} trees; {remedy}"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one tree has of the operator, before it is compared with the tree before it.

    Attributes:
        states: platform -> what it has, for each platform that the tree knows.
        known: every operator of the tree, without libraries.
        symbols: the functions bound to it, and `sources` the files that define them.
    """

    label: str
    date: str
    subject: str
    names: tuple[str, ...]
    states: dict[str, CellState]
    known: frozenset[str]
    symbols: tuple[str, ...]
    sources: tuple[str, ...]


def look(
    path: Path,
    operator: str,
    platforms: Sequence[str],
    workers: RememberingWorkers,
    *,
    revision: str | None = None,
    label: str = "",
    date: str = "",
    subject: str = "",
) -> Sighting:
    """Return what a tree has of an operator, given with its library or without."""
    tree, configuration = open_configured(path, revision)
    request = Request(
        platforms=parse_platforms(platforms or configuration.platforms),
        rules=(),  # the matrix has it all
    )
    inspected = inspect(tree, label or tree.name, request, workers)
    return sight(inspected, operator, date=date, subject=subject)


def sight(inspected: Inspected, operator: str, *, date: str = "", subject: str = "") -> Sighting:
    """Return what an inspected tree has of an operator."""
    names = tuple(name for name in inspected.states if _is_meant(name, operator))
    return Sighting(
        label=inspected.label,
        date=date,
        subject=subject,
        names=names,
        states={platform: _best(inspected, names, platform) for platform in inspected.platforms},
        known=frozenset(name.rpartition("::")[2] for name in inspected.states),
        symbols=tuple(dict.fromkeys(s for name in names for s in inspected.symbols[name])),
        sources=tuple(dict.fromkeys(s for name in names for s in inspected.sources(name))),
    )


def _is_meant(name: str, operator: str) -> bool:
    return name == operator or name.endswith(f"::{operator}")


def _best(inspected: Inspected, names: Sequence[str], platform: str) -> CellState:
    found = [inspected.states[name][platform] for name in names]
    absent = CellState(CellVerdict.ABSENT, "no", "no", "no", "no", "no", "")
    return min(found, key=lambda state: _ORDER.index(state.verdict), default=absent)


def tell(
    operator: str, sightings: Sequence[Sighting], looked_through: int, left_out: int = 0
) -> OperatorHistory:
    """Return the history that sightings, oldest first, come to.

    Raises:
        OperatorUnknown: none of them has the operator.
    """
    if not any(each.names for each in sightings):
        known = sorted({name for each in sightings for name in each.known})
        near = difflib.get_close_matches(operator.rpartition("::")[2], known, n=_MOST_SIMILAR)
        remedy = f"similar: {', '.join(near)}" if near else "`opparity matrix` lists them"
        raise OperatorUnknown(given=operator, trees=len(sightings), remedy=remedy)
    platforms = tuple(dict.fromkeys(label for each in sightings for label in each.states))
    points = []
    before: dict[str, CellState] | None = None
    for each in sightings:
        states = tuple(_state(platform, before, each.states) for platform in platforms)
        points.append(Point(each.label, each.date, each.subject, each.names, states))
        before = each.states
    return OperatorHistory(operator, platforms, tuple(points), looked_through, left_out)


def _state(
    platform: str, before: dict[str, CellState] | None, after: dict[str, CellState]
) -> PlatformState | None:
    state = after.get(platform)
    if state is None:
        return None
    old = state if before is None else before.get(platform)
    return PlatformState(platform, state.verdict, state.guard, change_of(old, state))
