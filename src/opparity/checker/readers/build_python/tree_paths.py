"""Paths and globs of a tree, as a build script at one place in it would see them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import TYPE_CHECKING

from opparity.checker.conditions import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

# Stands for the tree's own absolute path; no real path begins so.
ROOT = "/<tree>"
# A longer pattern is no build's.
_LONGEST_PATTERN = 300
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class TreePaths:
    """A tree's files, seen from the folder in which a script runs."""

    files: frozenset[str]
    folders: frozenset[str]
    folder: str

    @property
    def absolute_folder(self) -> str:
        """Return the script's folder under ROOT."""
        return posixpath.join(ROOT, self.folder) if self.folder else ROOT

    def absolute(self, path: str) -> str:
        """Return a path under ROOT where it is relative or already there."""
        return posixpath.normpath(posixpath.join(self.absolute_folder, path))

    def relative(self, path: str) -> str | None:
        """Return a path relative to the tree's root; None where it leads outside."""
        absolute = self.absolute(path)
        if absolute == ROOT:
            return ""
        return absolute[len(ROOT) + 1 :] if absolute.startswith(ROOT + "/") else None

    def exists(self, path: str) -> Truth:
        """Return whether a path is in the tree; a submodule's contents may only be absent here."""
        relative = self.relative(path)
        if relative is None:
            return Truth.UNKNOWN
        if relative in self.files or relative in self.folders or not relative:
            return Truth.TRUE
        if relative.rpartition("/")[2].startswith(".git"):
            return Truth.UNKNOWN
        parent = posixpath.dirname(relative)
        return Truth.FALSE if not parent or parent in self.folders else Truth.UNKNOWN

    def is_file(self, path: str) -> Truth:
        """Return whether a path is a file of the tree."""
        relative = self.relative(path)
        return Truth.TRUE if relative in self.files else self.exists(path)

    def glob(self, pattern: str, *, recursive: bool) -> Iterator[str]:
        """Yield the paths that match, in the form of the pattern: relative stays relative."""
        absolute = self.absolute(pattern)
        if not absolute.startswith(ROOT + "/"):
            return
        relative = absolute[len(ROOT) + 1 :]
        if len(relative) > _LONGEST_PATTERN:
            return
        wanted = tuple((relative if recursive else relative.replace("**", "*")).split("/"))
        literal = "/".join(takewhile(lambda part: not _WILD.search(part), wanted[:-1]))
        for file in sorted(self.files):
            if file.startswith(literal) and _matches(tuple(file.split("/")), wanted):
                yield self._as_given(file, pattern)

    def listing(self, folder: str) -> Iterator[str]:
        """Yield the names directly in a folder."""
        relative = self.relative(folder)
        if relative is None:
            return
        for path in sorted(self.files | self.folders):
            if path and posixpath.dirname(path) == relative:
                yield posixpath.basename(path)

    def walk(self, top: str) -> Iterator[tuple[str, list[str], list[str]]]:
        """Yield (folder, its folders, its files), as os.walk does, top first."""
        relative = self.relative(top)
        if relative is None:
            return
        inside = [
            folder
            for folder in sorted(self.folders | {""})
            if folder == relative or not relative or folder.startswith(relative + "/")
        ]
        for folder in inside:
            names = [
                posixpath.join(ROOT, folder, name) for name in self.listing(ROOT + "/" + folder)
            ]
            subfolders = [
                posixpath.basename(name) for name in names if name[len(ROOT) + 1 :] in self.folders
            ]
            files = [
                posixpath.basename(name) for name in names if name[len(ROOT) + 1 :] in self.files
            ]
            yield self._as_given(folder, top), subfolders, files

    def _as_given(self, file: str, pattern: str) -> str:
        if pattern.startswith("/"):
            return posixpath.join(ROOT, file)
        return posixpath.relpath(posixpath.join(ROOT, file), self.absolute_folder)


def folders_of(files: frozenset[str]) -> frozenset[str]:
    """Return every folder that a file lies in, at any depth."""
    found: set[str] = set()
    for file in files:
        folder = posixpath.dirname(file)
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return frozenset(found)


def _matches(parts: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Return whether a path's parts match a pattern's; `**` stands for any number of parts."""
    reached = {0}  # how many of the path's parts the pattern so far may have used up
    for position, pattern in enumerate(wanted):
        if pattern == "**":
            least = min(reached)
            last = position == len(wanted) - 1
            reached = set(range(least + (1 if last else 0), len(parts) + 1))
        else:
            reached = {
                used + 1
                for used in reached
                if used < len(parts) and fnmatchcase(parts[used], pattern)
            }
        if not reached:
            return False
    return len(parts) in reached
