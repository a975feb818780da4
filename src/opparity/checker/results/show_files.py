"""`opparity check --show-files`: what would be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from opparity.checker.tree.contents import is_source
from opparity.escapes import in_log

if TYPE_CHECKING:
    from opparity.checker.tree.contents import Tree


def files_of(tree: Tree, root: Path, path: Path) -> str:
    """Return the files of a tree that a check reads, a line each, in the folder that is asked."""
    inside = f"{path.resolve().relative_to(root.resolve()).as_posix()}/" if path != root else ""
    names = [
        name
        for name in sorted(tree.files)
        if is_source(name) and tree.is_readable(name) and name.startswith(inside)
    ]
    # A root that was found above is absolute; the folder was given as seen from here.
    start = Path(os.path.relpath(root)) if path != root else root
    return in_log("".join(f"{start / name if root.is_dir() else name}\n" for name in names))
