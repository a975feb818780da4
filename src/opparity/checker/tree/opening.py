"""A tree from whatever a path leads to."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.tree.contents import Limits, TreeRefused, nothing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opparity.checker.tree.contents import Tree


def open_tree(
    path: Path,
    revision: str | None = None,
    is_excluded: Callable[[str], bool] = nothing,
    limits: Limits | None = None,
) -> Tree:
    """Return the tree at a path: a folder, a tar or zip archive, or a git revision of a folder.

    Args:
        path: of the folder, or of the archive.
        revision: of the folder's repository.
        is_excluded: which files of a folder, or of a revision, are listed and not read.
        limits: on what is looked at.

    Raises:
        TreeTooLarge: its sources exceed a limit together.
        TreeRefused: the path is none of these, or exceeds another limit.
    """
    bounds.allow_tree()
    limits = limits or Limits()
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TreeRefused(path=path, detail=f"{reason}; give a folder, or an archive") from error
    # Each is imported where it is asked for: archives alone load four libraries.
    if revision is not None:
        from opparity.checker.tree.revisions import read_revision  # noqa: PLC0415

        return read_revision(path, revision, limits, is_excluded)
    if stat.S_ISDIR(mode):
        from opparity.checker.tree.folders import read_folder  # noqa: PLC0415

        return read_folder(path, limits, is_excluded)
    if stat.S_ISREG(mode):
        from opparity.checker.tree.archives import read_archive  # noqa: PLC0415

        return read_archive(path, limits)
    raise TreeRefused(
        path=path, detail="neither a folder nor a file; give a source tree, an sdist or a zip"
    )
