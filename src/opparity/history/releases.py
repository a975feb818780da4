"""An operator's life over a list of trees: folders, sdists, archives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from opparity.checker.languages.remembering import RememberingWorkers
from opparity.history.states import Sighting, look, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from opparity.history.model import OperatorHistory

_VERSION = re.compile(r"-v?(\d[^/]*?)(\.tar(\.\w+)?|\.tgz|\.zip)?$")


def follow_releases(
    paths: Sequence[Path], operator: str, platforms: Sequence[str], say: Callable[[str], None]
) -> OperatorHistory:
    """Return an operator's life over trees, by the versions in their names, else as given."""
    sightings: list[Sighting] = []
    with RememberingWorkers() as workers:
        for path in ordered(paths):
            say(path.name)
            version = _version(path)
            label = str(version) if version else path.name
            sightings.append(look(path, operator, platforms, workers, label=label))
    return tell(operator, sightings, looked_through=len(sightings))


def ordered(paths: Sequence[Path]) -> list[Path]:
    """Return paths by version; as given where one of them has none in its name."""
    versions = [(_version(path), path) for path in paths]
    known = [(version, path) for version, path in versions if version is not None]
    if len(known) < len(paths):
        return list(paths)
    return [path for _, path in sorted(known, key=lambda pair: pair[0])]


def _version(path: Path) -> Version | None:
    found = _VERSION.search(path.name)
    try:
        return Version(found.group(1)) if found else None
    except InvalidVersion:
        return None
