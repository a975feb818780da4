"""Paths and globs of a tree, as a build script at one place in it would see them."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.records import fact
from opparity.checker.languages.interpreting import charge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Stands for the tree's own absolute path; no real path begins so.
ROOT = "/<tree>"
# A longer pattern is no build's.
LONGEST_PATTERN = 300
_WILD = re.compile(r"[*?\[]")


class TreeFiles:
    """A tree's files and folders, in order, and what its scripts have looked for in them."""

    def __init__(
        self, files: frozenset[str], text_of: Callable[[str], str | None] = lambda _: None
    ) -> None:
        self.files = files
        self.text_of = text_of
        self.folders = folders_of(files)
        self.in_order = sorted(files)
        self._in_folder: dict[str, list[str]] = {}
        self._matching: dict[tuple[str, ...], tuple[str, ...]] = {}

    def starting_with(self, start: str) -> Iterator[str]:
        """Yield the files whose paths start with a text, in order."""
        for position in range(bisect_left(self.in_order, start), len(self.in_order)):
            if not self.in_order[position].startswith(start):
                return
            yield self.in_order[position]

    def matching(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Return the files that match a pattern's parts, in order."""
        if wanted not in self._matching:
            charge(len(self.in_order))
            literal = "/".join(takewhile(lambda part: not _WILD.search(part), wanted[:-1]))
            self._matching[wanted] = tuple(
                file
                for file in self.starting_with(literal)
                if _matches(tuple(file.split("/")), wanted)
            )
        return self._matching[wanted]

    def names_in(self, folder: str) -> list[str]:
        """Return the names directly in a folder, in order."""
        if not self._in_folder:
            for path in sorted(self.files | self.folders):
                outer, _, name = path.rpartition("/")
                self._in_folder.setdefault(outer, []).append(name)
        return self._in_folder.get(folder, [])


@fact
class TreePaths:
    """A tree's files, seen from the folder in which a script runs."""

    tree: TreeFiles
    folder: str

    @property
    def files(self) -> frozenset[str]:
        """Return the tree's files."""
        return self.tree.files

    @property
    def folders(self) -> frozenset[str]:
        """Return the tree's folders."""
        return self.tree.folders

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
        is_folder = relative == "" or relative in self.folders
        return Truth.FALSE if is_folder else self.exists(path)

    def is_folder(self, path: str) -> Truth:
        """Return whether a path is a folder of the tree."""
        return Truth.FALSE if self.relative(path) in self.files else self.exists(path)

    def text(self, path: str) -> str | None:
        """Return the text of a file of the tree; None for any other, and for one that is long."""
        relative = self.relative(path)
        return self.tree.text_of(relative) if relative in self.files and relative else None

    def glob(self, pattern: str, *, recursive: bool) -> Iterator[str]:
        """Yield the paths that match, in the form of the pattern: relative stays relative."""
        absolute = self.absolute(pattern)
        if not absolute.startswith(ROOT + "/"):
            return
        relative = absolute[len(ROOT) + 1 :]
        if len(relative) > LONGEST_PATTERN:
            return
        wanted = tuple((relative if recursive else relative.replace("**", "*")).split("/"))
        found = self.tree.matching(wanted)
        charge(5 * len(found))
        for file in found:
            yield self._as_given(file, pattern)

    def listing(self, folder: str) -> Iterator[str]:
        """Yield the names directly in a folder."""
        relative = self.relative(folder)
        if relative is not None:
            yield from self.tree.names_in(relative)

    def walk(self, top: str) -> Iterator[tuple[str, list[str], list[str]]]:
        """Yield (folder, its folders, its files), as os.walk does, top first."""
        relative = self.relative(top)
        if relative is None:
            return
        charge(10 * len(self.folders))
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
