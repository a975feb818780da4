"""A tree as its settings have it: what they exclude is no part of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker.facts.platforms import parse_platform
from opparity.checker.results.configuration import Configuration, read_configuration
from opparity.checker.results.files_above import above, settings_at_revision, settings_on_disk
from opparity.checker.tree.contents import Tree
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


def open_side(path: Path, revision: str | None) -> Tree:
    """Return a tree to be compared with another one; a folder that a revision lacks is empty."""
    if revision is not None and path.is_dir() and not has_folder(path, revision):
        return Tree(path.resolve().name, {})
    return open_tree(path, revision)


def open_configured(
    path: Path,
    revision: str | None = None,
    opening: Callable[[Path, str | None], Tree] = open_tree,
) -> tuple[Tree, Configuration]:
    """Return the tree without what its configuration excludes, and the configuration."""
    tree = opening(path, revision)
    configuration = read_configuration(tree)
    if configuration is None and path.is_dir():
        configuration = _from_above(path, revision)
    configuration = configuration or Configuration()
    return configured(tree, configuration), configuration


def configured(tree: Tree, configuration: Configuration) -> Tree:
    """Return a tree without what a configuration excludes, be it the tree's own or another's."""
    if not configuration.exclude:
        return tree
    return tree.without(matching(configuration.exclude, configuration.inner))


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
