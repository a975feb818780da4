"""Where a symbol's definition is, seen from one target on one platform."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.conditions import Truth, describe
from opparity.checker.facts import Related
from opparity.checker.linking import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.facts import Definition
    from opparity.checker.linking import Link, Use
    from opparity.checker.project import Project

_MOST_PLACES = 3


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Whether a target defines a symbol, and why not.

    Attributes:
        is_nowhere: the tree has no definition at all.
        reason: the end of a sentence: "where …".
        provider: another target of the platform that defines it; "" for none.
    """

    answer: Truth
    is_nowhere: bool
    reason: str
    related: tuple[Related, ...] = ()
    provider: str = ""


def find_symbol(project: Project, link: Link, symbol: str, use: Use) -> Whereabouts:
    """Return where a symbol that a target needs is defined."""
    answer = link.defined(symbol, use)
    if answer is Truth.TRUE:
        return Whereabouts(Truth.TRUE, is_nowhere=False, reason="it is built")
    elsewhere = [
        definition
        for definition in project.definitions.get(_last(symbol), ())
        if names(symbol, definition) and not definition.is_local
    ]
    related = tuple(_places(project, symbol, elsewhere))
    is_beside = any(
        names(symbol, each) or part.file.has_errors
        for each, part in link.definitions.get(_last(symbol), ())
    )
    if not elsewhere and not (answer is Truth.UNKNOWN and is_beside):
        reason = "no file of the tree defines it"
        return Whereabouts(Truth.UNKNOWN, is_nowhere=True, reason=reason, related=related)
    if answer is Truth.UNKNOWN:
        reason = "it could not be decided whether its definition is built"
        return Whereabouts(Truth.UNKNOWN, is_nowhere=False, reason=reason, related=related)
    return _not_built(project, link, elsewhere, related)


def _last(symbol: str) -> str:
    """Return a symbol's name without its namespaces."""
    return symbol.rpartition("::")[2]


def _extension(link: Link) -> str:
    """Return the name that Python imports a target by, without its package."""
    return link.target.name.rpartition(".")[2]


def _not_built(
    project: Project, link: Link, elsewhere: list[Definition], related: tuple[Related, ...]
) -> Whereabouts:
    paths = sorted({definition.location.path for definition in elsewhere})
    compiled = {part.file.path for part in link.compiled}
    for other in project.linker.links_on(link.platform):
        others = {part.file.path for part in other.compiled}
        is_twin = _extension(other) == _extension(link)  # built instead of this one, not beside
        if other is not link and not is_twin and others & set(paths):
            reason = f"its definition is built into another target, {other.target.name}"
            return Whereabouts(
                Truth.UNKNOWN,
                is_nowhere=False,
                reason=reason,
                related=related,
                provider=other.target.name,
            )
    if link.is_complete is Truth.UNKNOWN and not _is_left_out(project, link, paths):
        reason = "the target's source list could not be read to its end"
        return Whereabouts(Truth.UNKNOWN, is_nowhere=False, reason=reason, related=related)
    excluded = [path for path in paths if path in compiled]
    if excluded:
        conditions = {
            describe(definition.condition)
            for definition in elsewhere
            if definition.location.path in excluded
        }
        reason = f"{excluded[0]} defines it only under `{min(conditions)}`"
    else:
        listed = ", ".join(paths[:_MOST_PLACES])
        reason = f"{listed} defines it and is not among that target's sources"
    return Whereabouts(Truth.FALSE, is_nowhere=False, reason=reason, related=related)


def _is_left_out(project: Project, link: Link, paths: list[str]) -> bool:
    """Return whether an open list lacks these sources all the same.

    Nothing in the tree names them, and the target lists others of each one's folder by name: a
    pattern in the part that could not be read would have to take some files of a folder twice.
    """
    folders = {
        posixpath.dirname(part.file.path)
        for part in link.compiled
        if part.is_listed and part.source.built is Truth.TRUE
    }
    return all(posixpath.dirname(path) in folders and project.is_unlisted(path) for path in paths)


def _places(project: Project, symbol: str, elsewhere: list[Definition]) -> Iterator[Related]:
    for definition in elsewhere[:_MOST_PLACES]:
        yield Related(definition.location, f"{definition.signature.qualified} is defined here")
        for build in project.builds:
            for target in build.targets:
                for source in target.sources:
                    if source.path == definition.location.path:
                        text = f"listed for {build.platform}, target {target.name}"
                        yield Related(source.location, text)
    for declaration in project.declarations.get(symbol.rpartition("::")[2], ())[:_MOST_PLACES]:
        yield Related(declaration.location, "declared here")
