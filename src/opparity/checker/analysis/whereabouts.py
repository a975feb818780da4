"""Where a symbol's definition is, seen from one target on one platform."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from opparity.checker.analysis.linked_libraries import unmade_in
from opparity.checker.analysis.twins import are_twins, name_of
from opparity.checker.facts.conditions import Truth, describe
from opparity.checker.facts.places import Related
from opparity.checker.facts.records import fact
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link, Use
    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.analysis.wanted import Namespace, Wanted
    from opparity.checker.facts.native import Definition
    from opparity.words.statements import Statement

_MOST_PLACES = 3


@fact
class Whereabouts:
    """Whether a target defines a symbol, and why not.

    Attributes:
        is_nowhere: the tree has no definition at all.
        reason: a clause: "where …".
        provider: another target of the platform that defines it; "" for none.
        folders: those of the tree with libraries that no known build makes and that may have it.
    """

    answer: Truth
    is_nowhere: bool
    reason: Statement
    related: tuple[Related, ...] = ()
    provider: str = ""
    folders: tuple[str, ...] = ()

    @property
    def is_borrowed(self) -> bool:
        """Return whether something else that is linked or loaded may have it."""
        return bool(self.provider or self.folders)


def find_symbol(
    analysis: Analysis,
    link: Link,
    symbol: str,
    use: Use,
    scope: Namespace = (),
    *,
    qualifier: Namespace = (),
) -> Whereabouts:
    """Return where a symbol is defined that a target needs.

    It is written inside the namespaces and classes of `scope`. A `qualifier` before it helps where
    several namespaces have the name, and is nothing that the definition must have: a class may have
    its function from another one.
    """
    wanted = analysis.lookup.find(symbol, use, scope, qualifier)
    answer = link.defined(wanted, use)
    if answer is Truth.TRUE:
        return Whereabouts(Truth.TRUE, is_nowhere=False, reason=state("whereabouts.built"))
    elsewhere = [
        definition
        for definition in analysis.project.definitions.get(_last(symbol), ())
        if not definition.is_local
        and (wanted.may_be(definition) or _is_astray(analysis.project, wanted, definition))
    ]
    related = tuple(_places(analysis.project, wanted, elsewhere))
    is_beside = any(
        wanted.may_be(each) or (part.file.has_errors and wanted.may_be_astray(each))
        for each, part in link.definitions.get(_last(symbol), ())
    )
    if not elsewhere and not (answer is Truth.UNKNOWN and is_beside):
        reason = state("whereabouts.nowhere")
        return Whereabouts(Truth.UNKNOWN, is_nowhere=True, reason=reason, related=related)
    if answer is Truth.UNKNOWN:
        reason = state("whereabouts.undecided")
        return Whereabouts(Truth.UNKNOWN, is_nowhere=False, reason=reason, related=related)
    keeper = _keeper(link, wanted, use)
    if keeper:
        reason = state("whereabouts.hidden", target=keeper)
        return Whereabouts(Truth.FALSE, is_nowhere=False, reason=reason, related=related)
    return _not_built(analysis, link, elsewhere, related)


def _keeper(link: Link, wanted: Wanted, use: Use) -> str:
    """Return the library that is linked and keeps a function to itself; "" for none."""
    last = _last(wanted.symbol)
    return next(
        (
            part.keeper
            for definition, part in link.definitions.get(last, ())
            if part.keeper
            and wanted.may_be(definition)
            and part.truth(definition.condition) is Truth.TRUE
            and link.is_kept(definition, part, use.path)
        ),
        "",
    )


def _is_astray(project: Project, wanted: Wanted, definition: Definition) -> bool:
    """Return whether a definition may be the one, although a namespace of its file says no."""
    is_looked_up = bool(wanted.namespaces)
    has_errors = project.native[definition.location.path].has_errors
    return is_looked_up and has_errors and wanted.may_be_astray(definition)


def _last(symbol: str) -> str:
    """Return a symbol's name without its namespaces."""
    return symbol.rpartition("::")[2]


def _gives_nothing(link: Link, other: Link) -> bool:
    """Return whether one library cannot have from another one what it lacks.

    The other is built instead of this one, and not beside it; or it is a static library of another
    build, which this one does not link by its name.
    """
    is_named = other.target.name.removeprefix("lib") in link.target.libraries
    is_foreign = other.description != link.description and not is_named
    is_archive = is_foreign and other.target.kind in {"static", "object"}
    return is_archive or name_of(other.target) == name_of(link.target) or are_twins(link, other)


def _not_built(
    analysis: Analysis, link: Link, elsewhere: list[Definition], related: tuple[Related, ...]
) -> Whereabouts:
    paths = sorted({definition.location.path for definition in elsewhere})
    compiled = {part.file.path for part in link.compiled}
    for other in analysis.linker.links_on(link.platform):
        others = {part.file.path for part in other.compiled}
        if other is not link and not _gives_nothing(link, other) and others & set(paths):
            reason = state("whereabouts.other_target", target=other.target.name)
            return Whereabouts(
                Truth.UNKNOWN,
                is_nowhere=False,
                reason=reason,
                related=related,
                provider=other.target.name,
            )
    if link.target.kind in {"static", "object"} and not (
        _is_taken_in(analysis.project, link) or _is_own_elsewhere(analysis.project, link, paths)
    ):
        reason = state("whereabouts.library")
        return Whereabouts(Truth.UNKNOWN, is_nowhere=False, reason=reason, related=related)
    if link.is_complete is Truth.UNKNOWN and not _is_left_out(analysis, link, paths):
        reason = state("whereabouts.open")
        return Whereabouts(Truth.UNKNOWN, is_nowhere=False, reason=reason, related=related)
    folders = unmade_in(analysis.project, link)
    if folders:
        reason = state("whereabouts.linked", folders=folders)
        return Whereabouts(
            Truth.UNKNOWN, is_nowhere=False, reason=reason, related=related, folders=folders
        )
    excluded = [path for path in paths if path in compiled]
    if excluded:
        conditions = {
            describe(definition.condition)
            for definition in elsewhere
            if definition.location.path in excluded
        }
        reason = state("whereabouts.guarded", source=excluded[0], guard=min(conditions))
    else:
        reason = state("whereabouts.unlisted", sources=tuple(paths))
    return Whereabouts(Truth.FALSE, is_nowhere=False, reason=reason, related=related)


def _is_taken_in(project: Project, link: Link) -> bool:
    """Return whether a target of the tree links a library, a program at least."""
    return any(link.target.name in target.links for target in project.targets_on(link.platform))


def _is_own_elsewhere(project: Project, link: Link, paths: list[str]) -> bool:
    """Return whether the library has one of these sources itself, on another platform."""
    return any(
        source.path in paths
        for build in project.builds
        for target in build.targets
        if target.name == link.target.name
        for source in target.sources
    )


def _is_left_out(analysis: Analysis, link: Link, paths: list[str]) -> bool:
    """Return whether an open list lacks these sources all the same.

    Nothing in the tree names them, and the target lists others of each one's folder by name: a
    pattern in the part that could not be read would have to take some files of a folder twice.
    """
    folders = {
        posixpath.dirname(part.file.path)
        for part in link.compiled
        if part.is_listed and part.source.built is Truth.TRUE
    }
    return all(
        posixpath.dirname(path) in folders and analysis.mentions.is_unlisted(path) for path in paths
    )


def _places(project: Project, wanted: Wanted, elsewhere: list[Definition]) -> Iterator[Related]:
    for definition in elsewhere[:_MOST_PLACES]:
        note = state("place.defined_name", name=definition.signature.qualified)
        yield Related(definition.location, note)
        for build in project.builds:
            for target in build.targets:
                for source in target.sources:
                    if source.path == definition.location.path:
                        note = state("place.listed", platform=build.platform, target=target.name)
                        yield Related(source.location, note)
    declared = [
        declaration
        for declaration in project.declarations.get(_last(wanted.symbol), ())
        if not wanted.namespaces or declaration.signature.namespace in wanted.namespaces
    ]
    for declaration in declared[:_MOST_PLACES]:
        yield Related(declaration.location, state("place.declared"))
