"""What is said of a description in data that takes more than its share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.builds import Build
from opparity.checker.languages.workers import costly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.checker.facts.platforms import Platform


def given_up(path: str, platforms: Sequence[Platform]) -> list[Build]:
    """Return a build for each platform that says so."""
    return [Build(path, platform.label, problems=(costly(path),)) for platform in platforms]
