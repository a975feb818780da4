"""The folders above a tree, up to its repository's root if it is in one, and their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.results.configuration import OWN_FILE, SHARED_FILE
from opparity.checker.tree.contents import Limits
from opparity.checker.tree.revisions import Git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST = Limits().file_bytes


def above(folder: Path) -> Iterator[Path]:
    """Yield the folders above one, up to the root of its repository if it is in one."""
    if (folder / ".git").exists():
        return
    for each in folder.parents:
        yield each
        if (each / ".git").exists():
            return


def settings_on_disk(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder that may hold settings."""
    return {
        name: place.read_bytes()
        for name in (OWN_FILE, SHARED_FILE)
        if (place := folder / name).is_file() and place.stat().st_size <= _LONGEST
    }


def settings_at_revision(folder: Path, revision: str) -> dict[str, bytes]:
    """Return the same of a git revision."""
    git = Git(folder)
    commit = git.commit(revision)
    found = {name: git.blob(f"{commit}:./{name}", _LONGEST) for name in (OWN_FILE, SHARED_FILE)}
    return {name: content for name, content in found.items() if content}
