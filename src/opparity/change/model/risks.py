"""What can go wrong, and for whom the change is good or bad."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.change.model.review import Place
    from opparity.words.statements import Statement


class CallerOutcome(StrEnum):
    """What becomes of a Python caller whose operator is gone."""

    FAILS = "fails"  # nothing keeps the call from that platform
    MAY_FAIL = "may_fail"  # a condition that could not be decided is all that keeps it away
    FALLS_BACK = "falls_back"  # hasattr, or an except, handles the absence
    NOT_REACHED = "not_reached"  # a platform test keeps it away


@dataclass(frozen=True, slots=True)
class Caller:
    """A use of an operator from Python."""

    path: str
    line: int
    inside: str
    outcome: CallerOutcome

    @property
    def may_fail(self) -> bool:
        """Return whether nothing is known to keep it from failing."""
        return self.outcome in {CallerOutcome.FAILS, CallerOutcome.MAY_FAIL}


@dataclass(frozen=True, slots=True)
class LostOperator:
    """An operator that a platform has no more, and who calls it there.

    Attributes:
        was_broken: it was registered and not built, so that the import failed.
        is_registered: its schema still is, so that a call raises NotImplementedError.
    """

    operator: str
    platform: str
    was_broken: bool
    callers: tuple[Caller, ...]
    is_registered: bool = False


@dataclass(frozen=True, slots=True)
class MacroUse:
    """A platform macro in the guards that the change touches.

    Attributes:
        tested: places of the change's files that test it.
        defined: "path:line" -> platforms: what the builds define it at; empty for nobody.
        by_torch: platforms on which torch's own build files define it.
        files: how many files of the tree test it.
        others: other spellings for the same platform that the tree tests.
    """

    name: str
    platform: str
    tested: tuple[Place, ...]
    defined: tuple[tuple[str, tuple[str, ...]], ...]
    by_torch: tuple[str, ...]
    files: int
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Risks:
    """Risks, and the impact in three parts."""

    risks: tuple[Statement, ...]
    positive: tuple[Statement, ...]
    negative: tuple[Statement, ...]
    scope: tuple[Statement, ...]
    lost: tuple[LostOperator, ...]
    macros: tuple[MacroUse, ...]
