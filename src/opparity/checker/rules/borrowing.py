"""What a target takes from another target or library of the tree: one unknown for all of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.facts.places import Related
from opparity.checker.facts.records import fact
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.whereabouts import Whereabouts
    from opparity.checker.facts.places import Location
    from opparity.checker.rules.base import Rule
    from opparity.checker.rules.findings import Unknown


@fact
class _Borrowed:
    symbol: str
    location: Location
    related: tuple[Related, ...]


@dataclass(slots=True)
class Borrowing:
    """The symbols of one link that other targets of its platform define, by their names.

    That the other one is linked, or loaded first, is one question however many symbols there are:
    TransformerEngine's extension for torch takes 226 functions from one library.
    """

    link: Link
    by_provider: dict[tuple[str, tuple[str, ...]], dict[str, _Borrowed]] = field(
        default_factory=dict
    )

    def note(self, found: Whereabouts, symbol: str, location: Location) -> None:
        """Note a symbol, where it is defined, and where it is needed."""
        taken = self.by_provider.setdefault((found.provider, found.folders), {})
        taken.setdefault(symbol, _Borrowed(symbol, location, found.related))

    def unknowns(self, rule: Rule) -> Iterator[Unknown]:
        """Yield one unknown for each target, or folder of libraries, that is taken from."""
        label = self.link.platform.label
        for (provider, folders), taken in sorted(self.by_provider.items()):
            in_order = sorted(taken.values(), key=lambda each: each.location)
            names = sorted(taken)
            yield rule.unknown(
                in_order[0].location,
                state(
                    "borrowed.linked" if folders else "borrowed.symbols",
                    target=self.link.target.name,
                    symbols=tuple(names),
                    platform=label,
                    **({"folders": folders} if folders else {"provider": provider}),
                ),
                platform=label,
                symbol=names[0] if len(names) == 1 else "",
                related=_places(in_order),
            )


def _places(taken: list[_Borrowed]) -> list[Related]:
    """Return where the only symbol is defined and listed, or where each of several is needed."""
    if len(taken) == 1:
        return list(taken[0].related)
    return [Related(each.location, state("place.needed", name=each.symbol)) for each in taken]
