"""Whether less of the tree after is understood than of the tree before, and what is lost to that.

What was read before and cannot be read now is neither gone nor fixed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.change.compare.loss import Loss
from opparity.checker.facts.conditions import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.change.compare.inspection import Inspected


def with_loss(before: Inspected, after: Inspected) -> Inspected:
    """Return the tree after, with what is not understood of it any more."""
    old, new = before.report.basis, after.report.basis
    extensions = tuple(_lost_extensions(before, after))
    compiled = set(new.compiled) | set(new.compiled_at_run_time)
    built = _sources_of(before, frozenset(extensions))
    sources = tuple(path for path in sorted(built & after.tree.files) if path not in compiled)
    known = {each.location.path for each in before.project.problems}
    problems = {each.location.path for each in after.project.problems} - known
    files = tuple(
        path for path in sorted(before.tree.files) if problems and _is_lost(path, problems, before)
    )
    followed = {(each.text, each.location.path) for each in old.unfollowed}
    registrations = {
        each.location.path
        for each in new.unfollowed
        if (each.text, each.location.path) not in followed
    }
    lost = {*sources, *files, *registrations}
    operators = frozenset(
        name
        for name, found in before.registrations.items()
        if name not in after.states and lost & {each.location.path for each in found}
    )
    loss = Loss(
        extensions=extensions,
        lists=frozenset(e.location.path for e in old.extensions if e.name in extensions),
        sources=sources,
        files=files,
        registrations=tuple(sorted(registrations)),
        operators=operators,
    )
    return replace(after, loss=loss)


def _is_lost(path: str, problems: set[str], before: Inspected) -> bool:
    """Tell whether a file that could be read, or a folder of it, cannot be read any more."""
    parts = path.split("/")
    folders = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    return before.tree.is_readable(path) and any(folder in problems for folder in folders)


def _lost_extensions(before: Inspected, after: Inspected) -> Iterator[str]:
    """Yield the extensions of known sources whose sources the tree after does not tell.

    One that is not described any more is lost where its bindings are still there and no build
    compiles them: then it is made in some other way, which was not understood.
    """
    old, new = before.report.basis, after.report.basis
    open_now = {each.name for each in new.open_lists}
    described = {each.name for each in new.extensions}
    bindings = {*old.binding_files, *new.binding_files}
    left = {*new.unlisted} | {path for path in bindings if path not in new.listed}
    for name in dict.fromkeys(
        each.name
        for each in old.extensions
        if each.sources and each.is_complete is not Truth.UNKNOWN
    ):
        own = _sources_of(before, frozenset({name}))
        is_unlisted = name not in described and own & bindings & left & after.tree.files
        if name in open_now or is_unlisted:
            yield name


def _sources_of(inspected: Inspected, extensions: frozenset[str]) -> set[str]:
    return {
        source.path
        for platform in inspected.project.platforms
        for target in inspected.project.targets_on(platform)
        if target.name in extensions
        for source in target.sources
    }
