"""Source lists and macros of the builds, by platform."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opparity.change.compare.differences import Differences
    from opparity.change.compare.inspection import Inspected
    from opparity.checker.facts.places import Location

# Source or macro -> platform -> where the build names it.
Places = dict[str, dict[str, "Location"]]


def compare(differences: Differences) -> None:
    """Compare what each platform compiles, and with which macros."""
    operators = _operators_of_sources(differences)
    found = _moved(
        _by_description(differences.before), _by_description(differences.after), differences
    )
    for key, items in found.items():
        path, gained, lost = key
        difference = differences.at(path)
        difference.terms.update(posixpath.basename(item) for item in items)
        for item in items:
            difference.operators.update(operators.get(item, {}))
        if gained:
            difference.changes.append(
                state("change.listed", sources=tuple(items), platforms=gained)
            )
        unread = tuple(item for item in items if item in differences.after.loss.sources)
        unlisted = tuple(item for item in items if item not in unread)
        if lost and unlisted:
            difference.changes.append(state("change.unlisted", sources=unlisted, platforms=lost))
        if lost and unread:
            difference.changes.append(state("change.list_unread", sources=unread, platforms=lost))
    macros = _moved(_macros(differences.before), _macros(differences.after), differences)
    for (path, gained, lost), items in macros.items():
        difference = differences.at(path)
        difference.terms.update(items)
        if gained:
            difference.changes.append(
                state("change.macro_set", macros=tuple(items), platforms=gained)
            )
        if lost:
            difference.changes.append(
                state("change.macro_unset", macros=tuple(items), platforms=lost)
            )


def _by_description(inspected: Inspected) -> dict[tuple[str, str], dict[str, Location]]:
    """Return (build description, source) -> platform -> where the list names it.

    A tree may have a setup.py and a loader that builds the same extension: each has its own list.
    """
    found: dict[tuple[str, str], dict[str, Location]] = {}
    for platform in inspected.project.asked:
        for build in inspected.project.builds_on(platform):
            for target in build.targets:
                for source in target.sources:
                    if source.built is not Truth.FALSE and target.built is not Truth.FALSE:
                        places = found.setdefault((build.description, source.path), {})
                        places.setdefault(platform.label, source.location)
    return found


def listed_sources(inspected: Inspected) -> Places:
    """Return the sources that each platform's builds compile."""
    found: Places = {}
    for platform in inspected.project.asked:
        for target in inspected.project.targets_on(platform):
            for source in target.sources:
                if source.built is not Truth.FALSE and target.built is not Truth.FALSE:
                    places = found.setdefault(source.path, {})
                    places.setdefault(platform.label, source.location)
    return found


def _macros(inspected: Inspected) -> dict[tuple[str, str], dict[str, Location]]:
    return {("", name): places for name, places in defined_macros(inspected).items()}


def defined_macros(inspected: Inspected) -> Places:
    """Return the macros that each platform's builds define."""
    found: Places = {}
    for platform in inspected.project.asked:
        for target in inspected.project.targets_on(platform):
            for macro in target.macros:
                if macro.is_set is not Truth.FALSE and not macro.removed:
                    found.setdefault(macro.name, {}).setdefault(platform.label, macro.location)
    return found


def _moved(
    first: Mapping[tuple[str, str], dict[str, Location]],
    second: Mapping[tuple[str, str], dict[str, Location]],
    differences: Differences,
) -> dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]]:
    """Return (file, platforms gained, platforms lost) -> what is named there."""
    found: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for key in sorted({*first, *second}):
        before, after = first.get(key, {}), second.get(key, {})
        gained = tuple(label for label in after if label not in before)
        lost = tuple(label for label in before if label not in after)
        if gained or lost:
            item = key[1]
            path = _file(item, [*_of(after, gained), *_of(before, lost)], differences.changed)
            found.setdefault((path, gained, lost), []).append(item)
    return found


def _of(places: Mapping[str, Location], labels: tuple[str, ...]) -> list[str]:
    return [places[label].path for label in labels]


def _file(item: str, paths: list[str], changed: frozenset[str]) -> str:
    """Return the changed file to tell it at: the list's, else the source that a pattern took in."""
    return next((path for path in (*paths, item) if path in changed), paths[0])


def _operators_of_sources(differences: Differences) -> dict[str, dict[str, None]]:
    """Return source -> the operators that it defines."""
    found: dict[str, dict[str, None]] = {}
    for side in (differences.before, differences.after):
        for operator in side.states:
            for source in side.sources(operator):
                found.setdefault(source, {})[operator] = None
    return found
