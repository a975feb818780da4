"""A tree as its own settings have it: what they exclude is no part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.platforms import parse_platform
from opparity.checker.results.configuration import read_configuration
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from opparity.checker.facts.platforms import Platform
    from opparity.checker.results.configuration import Configuration
    from opparity.checker.tree.contents import Tree


def open_configured(path: Path, revision: str | None = None) -> tuple[Tree, Configuration]:
    """Return the tree without what its configuration excludes, and the configuration."""
    tree = open_tree(path, revision)
    configuration = read_configuration(tree)
    return configured(tree, configuration), configuration


def configured(tree: Tree, configuration: Configuration) -> Tree:
    """Return a tree without what a configuration excludes, be it the tree's own or another's."""
    if not configuration.exclude:
        return tree
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 -- few projects exclude anything

    return tree.without(GitIgnoreSpec.from_lines(configuration.exclude).match_file)


def parse_platforms(labels: Iterable[str]) -> tuple[Platform, ...]:
    """Return the platforms that labels name, each once."""
    return tuple(dict.fromkeys(parse_platform(label) for label in labels))
