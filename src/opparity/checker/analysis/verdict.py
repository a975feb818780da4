"""What a platform has of an operator, in one word: the answers of the matrix taken together."""

from __future__ import annotations

from enum import StrEnum
from itertools import product
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth, any_of

if TYPE_CHECKING:
    from opparity.checker.analysis.matrix import Cell


class CellVerdict(StrEnum):
    """What a platform has of an operator."""

    WORKS = "works"  # registered, implemented and built
    BROKEN = "broken"  # an implementation is registered and its source not built: no import
    INCOMPLETE = "incomplete"  # its schema or its implementation is registered, and not both
    UNDECIDED = "undecided"
    ABSENT = "absent"  # not registered


def implementation_of(cell: Cell) -> Truth:
    """Return whether an implementation for any dispatch key is registered."""
    return any_of(answer.truth for _, answer in cell.implemented)


def verdict_of(cell: Cell) -> CellVerdict:
    """Return what the answers of a cell come to."""
    return verdict(cell.defined.truth, implementation_of(cell), cell.built.truth)


def verdict(registered: Truth, implemented: Truth, built: Truth) -> CellVerdict:
    """Return what three answers come to: schema and implementation are registered, and built.

    Where some are unknown it is what every way to decide them comes to.
    """
    possible = {
        _decided(*world) for world in product(*map(_ways, (registered, implemented, built)))
    }
    return possible.pop() if len(possible) == 1 else CellVerdict.UNDECIDED


def _ways(answer: Truth) -> tuple[bool, ...]:
    return (True, False) if answer is Truth.UNKNOWN else (answer is Truth.TRUE,)


def _decided(is_registered: bool, is_implemented: bool, is_built: bool) -> CellVerdict:
    if is_implemented and not is_built:
        # Whatever the schema is: to register the function its address is taken.
        return CellVerdict.BROKEN
    if is_registered and is_implemented:
        return CellVerdict.WORKS
    return CellVerdict.INCOMPLETE if is_registered or is_implemented else CellVerdict.ABSENT
