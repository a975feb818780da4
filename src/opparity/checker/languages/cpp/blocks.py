"""A registration block, and what blocks say together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from opparity.checker.facts.conditions import conjunction
from opparity.checker.facts.native import HandedOn, LibraryBlock, Registration, Unfollowed
from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.places import Location


@fact
class Block:
    """The body that registrations stand in.

    Attributes:
        helper: the function whose body it is, where that is given the library.
    """

    variable: str
    library: str
    key: str
    style: str
    scope: tuple[str, ...] = ()
    helper: str = ""


@dataclass(slots=True)
class Registered:
    """What registration blocks say."""

    registrations: list[Registration] = field(default_factory=list)
    handed_on: list[HandedOn] = field(default_factory=list)
    unfollowed: list[Unfollowed] = field(default_factory=list)
    owned: list[LibraryBlock] = field(default_factory=list)
    named: set[str] = field(default_factory=set)

    def moved(self, move: Callable[[Location], Location], condition: Condition) -> Registered:
        """Return the same at other places, under a further condition."""
        return Registered(
            [_moved(each, move, condition) for each in self.registrations],
            [_moved(each, move, condition) for each in self.handed_on],
            [_moved(each, move, condition) for each in self.unfollowed],
            [_moved(each, move, condition) for each in self.owned],
            set(self.named),
        )

    def without(self, known: Registered) -> Registered:
        """Return the same but for what other blocks say already."""
        told = {*known.registrations, *known.handed_on, *known.unfollowed, *known.owned}
        return Registered(
            [each for each in self.registrations if each not in told],
            [each for each in self.handed_on if each not in told],
            [each for each in self.unfollowed if each not in told],
            [each for each in self.owned if each not in told],
            set(self.named),
        )

    def add(self, other: Registered) -> None:
        """Add what other blocks say."""
        self.registrations += other.registrations
        self.handed_on += other.handed_on
        self.unfollowed += other.unfollowed
        self.owned += other.owned
        self.named |= other.named


_Placed = TypeVar("_Placed", Registration, HandedOn, Unfollowed, LibraryBlock)


def _moved(each: _Placed, move: Callable[[Location], Location], condition: Condition) -> _Placed:
    return replace(
        each,
        location=move(each.location),
        condition=conjunction(condition, each.condition),
    )
