"""Two build descriptions of one library: one of them is used, and gives the other nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.checker.analysis.linking import Link
    from opparity.checker.facts.builds import Target

# Lists with less in common than this are lists of different things.
COMMON_SHARE = 0.6
# One file in common is a helper that several libraries have.
_FEWEST_COMMON = 2


def name_of(target: Target) -> str:
    """Return a target's name without its package and the `lib` that a linker puts before it."""
    return target.name.rpartition(".")[2].removeprefix("lib")


def shares_most(one: Target, other: Target) -> bool:
    """Return whether the shorter of two lists of sources has most of them from the other."""
    mine = {source.path for source in one.sources}
    others = {source.path for source in other.sources}
    return len(mine & others) >= COMMON_SHARE * min(len(mine), len(others))


def are_twins(one: Link, other: Link) -> bool:
    """Return whether two libraries of two descriptions are one: by name, or by their sources."""
    if one.description == other.description:
        return False
    if name_of(one.target) == name_of(other.target):
        return True
    mine = {source.path for source in one.target.sources}
    common = sum(source.path in mine for source in other.target.sources)
    return common >= _FEWEST_COMMON and shares_most(one.target, other.target)
