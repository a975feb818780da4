"""A tree as its settings have it: what they exclude is no part of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from opparity.checker.facts.platforms import parse_platform
from opparity.checker.results.configuration import Configuration, read_configuration
from opparity.checker.results.files_above import above, settings_at_revision, settings_on_disk
from opparity.checker.tree.contents import Tree, TreeTooLarge, nothing
from opparity.checker.tree.opening import open_tree
from opparity.checker.tree.revisions import has_folder
from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from opparity.checker.facts.platforms import Platform


class PatternRefused(OpparityError, ValueError):
    """A pattern of `exclude` or `per-file-ignores` that is none."""

    message = "one of the patterns {patterns} is none that .gitignore could have: {detail}"


class Opening(Protocol):
    """What opens a tree: `open_tree`, or `open_side`."""

    def __call__(
        self, path: Path, revision: str | None, is_excluded: Callable[[str], bool] = ...
    ) -> Tree:
        """Return the tree, without the contents of what is excluded."""


def open_side(
    path: Path, revision: str | None, is_excluded: Callable[[str], bool] = nothing
) -> Tree:
    """Return a tree to be compared with another one; a folder that a revision lacks is empty."""
    if revision is not None and path.is_dir() and not has_folder(path, revision):
        return Tree(path.resolve().name, {})
    return open_tree(path, revision, is_excluded)


def open_configured(
    path: Path, revision: str | None = None, opening: Opening = open_tree
) -> tuple[Tree, Configuration]:
    """Return the tree without what its configuration excludes, and the configuration."""
    try:
        tree = opening(path, revision)
    except TreeTooLarge:
        # Its settings are asked first only where it would not be read otherwise.
        settings = _own(path, revision) or _from_above(path, revision) if path.is_dir() else None
        if settings is None or not settings.exclude:
            raise
        tree = opening(path, revision, matching(settings.exclude, settings.inner))
    configuration = read_configuration(tree)
    if configuration is None and path.is_dir():
        configuration = _from_above(path, revision)
    if configuration is None or not configuration.exclude:
        return tree, configuration or Configuration()
    return tree.without(matching(configuration.exclude, configuration.inner)), configuration


def open_as(path: Path, revision: str | None, configuration: Configuration) -> Tree:
    """Return a tree to be compared with another one, by that one's configuration."""
    if not configuration.exclude:
        return open_side(path, revision)
    is_excluded = matching(configuration.exclude, configuration.inner)
    return open_side(path, revision, is_excluded).without(is_excluded)


def matching(patterns: Iterable[str], inner: str) -> Callable[[str], bool]:
    """Return what tells whether patterns mean a path; `inner` leads from theirs to its root."""
    import re2  # noqa: PLC0415 -- few projects exclude anything
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    listed = list(patterns)
    try:
        spec = GitIgnoreSpec.from_lines(listed)
    except (ValueError, re.error, re2.error) as error:
        raise PatternRefused(patterns=f"{listed!r:.200}", detail=f"{error!s:.200}") from error
    return lambda path: bool(spec.match_file(f"{inner}{path}"))


def parse_platforms(labels: Iterable[str]) -> tuple[Platform, ...]:
    """Return the platforms that labels name, each once."""
    return tuple(dict.fromkeys(parse_platform(label) for label in labels))


def _own(path: Path, revision: str | None) -> Configuration | None:
    """Return the settings in a folder itself."""
    files = settings_at_revision(path, revision) if revision else settings_on_disk(path)
    return read_configuration(Tree(path.resolve().name, files))


def _from_above(path: Path, revision: str | None) -> Configuration | None:
    """Return the settings of the nearest folder above that has any.

    A folder that those settings exclude is no part of that project, and has none.
    """
    folder = path.resolve()
    for each in above(folder):
        inner = folder.relative_to(each).as_posix()
        files = settings_at_revision(each, revision) if revision else settings_on_disk(each)
        found = read_configuration(Tree(each.name, files))
        if found is None:
            continue
        if found.exclude and matching(found.exclude, f"{inner}/")("any file"):
            return None
        return replace(found, inner=f"{inner}/")
    return None
