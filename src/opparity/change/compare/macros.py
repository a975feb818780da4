"""The platform macros of the guards that a change touches: who tests them and who defines them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.compare.build_lists import defined_macros
from opparity.change.model import MacroUse, Place, RowChange
from opparity.checker.analysis.macros import platform_of_macro
from opparity.checker.analysis.translation import set_by_torch
from opparity.checker.facts.conditions import Comparison, Defined, atoms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import MatrixChange
    from opparity.checker.facts.conditions import Condition

_MOST_PLACES = 8


def guards_touched(before: Inspected, after: Inspected, matrix: MatrixChange) -> dict[str, str]:
    """Return operator -> its guard after the change, where the change made or altered it."""
    found = {}
    for row in matrix.changed:
        guard = after.guard(row.operator)
        old = before.guard(row.operator)
        is_new = row.change is RowChange.ADDED
        if guard and (is_new or guard != old):
            found[row.operator] = guard
    return found


def macro_uses(
    after: Inspected, operators: Iterable[str], changed: Iterable[str]
) -> tuple[MacroUse, ...]:
    """Return the platform macros that the guards of these operators test."""
    files = set(changed)
    names = dict.fromkeys(
        name
        for operator in operators
        for registration in after.registrations.get(operator, ())
        for name in macros_of(registration.condition)
        if platform_of_macro(name)
    )
    return tuple(_use(after, name, files) for name in names)


def macros_of(condition: Condition) -> Iterator[str]:
    """Yield the macros that a condition tests."""
    for atom in atoms(condition):
        if isinstance(atom, Defined):
            yield atom.macro
        elif isinstance(atom, Comparison):
            yield atom.left


def _use(after: Inspected, name: str, files: set[str]) -> MacroUse:
    platform = platform_of_macro(name)
    tested = [
        Place(path, test.location.line)
        for path in after.macro_files.get(name, ())
        if path in files
        for test in after.project.native[path].macro_tests
        if test.name == name
    ]
    defined: dict[str, list[str]] = {}
    for label, location in defined_macros(after).get(name, {}).items():
        defined.setdefault(f"{location.path}:{location.line}", []).append(label)
    others = [
        other
        for other in after.macro_files
        if other != name and platform_of_macro(other) == platform
    ]
    return MacroUse(
        name=name,
        platform=platform,
        tested=tuple(tested[:_MOST_PLACES]),
        defined=tuple((place, tuple(labels)) for place, labels in defined.items()),
        by_torch=tuple(each.label for each in after.project.asked if set_by_torch(name, each)),
        files=len(after.macro_files.get(name, ())),
        others=tuple(sorted(others)),
    )
