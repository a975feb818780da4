"""Platforms by name: a word that neither Opparity nor the tree's build knows is a mistake."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from opparity.checker.facts.platforms import LANGUAGES
from opparity.checker.languages.detection import build_descriptions
from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.checker.facts.platforms import Platform
    from opparity.checker.tree.contents import Tree


class PlatformNotKnown(OpparityError, ValueError):
    """A platform that nobody speaks of."""

    message = (
        "no platform {given!r} is known, and no build description of the tree speaks of it; "
        "{hint}known: {known}"
    )


def refuse_unknown(tree: Tree, platforms: Iterable[Platform]) -> None:
    """Do nothing where Opparity or a build description of the tree knows every platform.

    Raises:
        PlatformNotKnown: one is known to neither.
    """
    for platform in platforms:
        if platform.name not in LANGUAGES and not _is_spoken_of(tree, platform.name):
            near = get_close_matches(platform.name, LANGUAGES, n=1)
            raise PlatformNotKnown(
                given=platform.name,
                hint=f"did you mean {near[0]!r}? " if near else "",
                known=", ".join(LANGUAGES),
            )


def _is_spoken_of(tree: Tree, name: str) -> bool:
    expression = re.compile(rb"(?:\b|_)" + re.escape(name).encode() + rb"(?:\b|_)", re.IGNORECASE)
    return any(expression.search(tree.read(path)) for path in build_descriptions(tree))
