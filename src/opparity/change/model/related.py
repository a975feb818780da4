"""Earlier changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.words.statements import Statement


@dataclass(frozen=True, slots=True)
class RelatedChange:
    """An earlier change.

    Attributes:
        identity: a commit's short name, a release, or "" for an entry of a file.
        date: YYYY-MM-DD, or "".
        numbers: "#32996", as the subject has them.
        operators: those of the change that it touched.
        reasons: why it is listed.
    """

    identity: str
    date: str
    subject: str
    numbers: tuple[str, ...]
    operators: tuple[str, ...]
    reasons: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """What was gained and lost in a release or a month; the counts are of the whole tree."""

    period: str
    operators_gained: int
    operators_lost: int
    guards_gained: int
    guards_lost: int


@dataclass(frozen=True, slots=True)
class RelatedChanges:
    """Earlier changes.

    Attributes:
        direct: they touched the same operators, sources or build lines.
        indirect: they restrict or restore operators by platform.
        trend: oldest first.
        notes: what was looked through, and what was not.
    """

    direct: tuple[RelatedChange, ...]
    indirect: tuple[RelatedChange, ...]
    trend: tuple[TrendPoint, ...]
    notes: tuple[Statement, ...]
