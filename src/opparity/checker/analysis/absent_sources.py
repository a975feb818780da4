"""Sources that a build lists and the tree lacks, and what may make them after all."""

from __future__ import annotations

import posixpath
import re
from functools import cached_property
from typing import TYPE_CHECKING

import re2

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.records import fact
from opparity.checker.languages.cmake.state import hipified_name
from opparity.checker.languages.detection import COMPILED
from opparity.checker.tree.contents import IGNORED, NATIVE_SUFFIXES, SUBMODULES
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.mentions import Mentions
    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.builds import Build, Source, Target
    from opparity.words.statements import Statement

_PATH_OF_SUBMODULE = re.compile(r"^\s*path\s*=\s*(\S+)\s*$", re.MULTILINE)
# A text in a script that is a source's name with some parts left open: `f"fwd_{width}.cu"`.
_COMPUTED = re.compile(
    r"""["']([^"'\n]{0,200}(?:\}|%[sdi])[^"'\n{}%]{0,100}\.(?:cu|cpp|cc|hip))["']"""
)
_OPEN_PART = re.compile(r"\{[^{}]*\}|%[sdi]")
# setup.py names its sources from its own folder; where other scripts run, nobody knows.
_RUNS_WHERE_IT_LIES = re.compile(r"(?:^|/)(?:setup(?:[_-]\w+)?\.py|build\.toml|CMakeLists\.txt)$")


@fact
class Absent:
    """A listed source that the tree lacks; `doubt` is what may make it, a clause, or None."""

    source: Source
    doubt: Statement | None


class AbsentSources:
    """Tells of each target which of its sources are not there, and whether they should be."""

    def __init__(self, project: Project, mentions: Mentions) -> None:
        self.project = project
        self.tree = project.tree
        self.mentions = mentions

    def of(self, build: Build, target: Target) -> Iterator[Absent]:
        """Yield the sources that a target lists and nothing has."""
        for source in (*target.absent, *target.sources):
            path = source.path
            is_there = path in self.tree.files or path in self.tree.excluded
            if not is_there and path.endswith(COMPILED) and not self._is_made(path):
                yield Absent(source, self._doubt(build, target, source))

    def _is_made(self, path: str) -> bool:
        """Return whether a step of the build makes a file of one that the tree has.

        hipify does of a CUDA file, and what another language is translated from has the same name:
        `ops.pyx`, `kernel.cu.in`.
        """
        if path in self._hipified:
            return True
        stem = posixpath.splitext(path)[0]
        return any(
            each.startswith(f"{stem}.") and posixpath.splitext(each)[1] not in NATIVE_SUFFIXES
            for each in self._by_folder.get(posixpath.dirname(path), ())
        )

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.tree.files:
            found.setdefault(posixpath.dirname(path), []).append(path)
        return found

    @cached_property
    def _hipified(self) -> frozenset[str]:
        """Return the names that hipify gives to the tree's files."""
        found: set[str] = set()
        for path in self.tree.files:
            stem, suffix = posixpath.splitext(path)
            if suffix in NATIVE_SUFFIXES:
                found |= {hipified_name(path), f"{stem}_hip{suffix}", f"{stem}.hip"}
        return frozenset(found) - self.tree.files

    def _doubt(self, build: Build, target: Target, source: Source) -> Statement | None:
        """Return why a source may be there when the build runs, as a clause; None for no reason."""
        path, folder = source.path, posixpath.dirname(source.path)
        submodule = next((each for each in self._submodules if path.startswith(f"{each}/")), "")
        if submodule:
            return state("absent.submodule", folder=submodule)
        if any(f"{path}/".startswith(f"{each.location.path}/") for each in self.tree.problems):
            return state("absent.unread", folder=folder)
        if folder and folder not in self._by_folder:
            return state("absent.folder", folders=(folder,))
        if target.built is not Truth.TRUE or source.built is not Truth.TRUE:
            return state("absent.perhaps", count=1)
        if target.kind == "jit" or not _RUNS_WHERE_IT_LIES.search(build.description):
            return state("absent.place", script=build.description)
        if self._ignored(path):
            return state("absent.ignored", count=1)
        writer = self._writer(path)
        if writer:
            return state("absent.written", script=writer)
        places = {each.location for each in self._lists_of(path)}
        other = self.mentions.further(path, {(each.path, each.line) for each in places})
        return state("absent.named", path=other, count=1) if other else None

    def _lists_of(self, path: str) -> Iterator[Source]:
        for build in (*self.project.builds, *self.project.variants):
            for target in build.targets:
                yield from (s for s in (*target.absent, *target.sources) if s.path == path)

    @cached_property
    def _submodules(self) -> tuple[str, ...]:
        if not self.tree.is_readable(SUBMODULES):
            return ()
        return tuple(_PATH_OF_SUBMODULE.findall(self.tree.read_text(SUBMODULES)))

    def _ignored(self, path: str) -> bool:
        """Return whether a .gitignore names a file: what is not committed is made."""
        folder = posixpath.dirname(path)
        while True:
            listing = posixpath.join(folder, IGNORED)
            if self.tree.is_readable(listing):
                lines = self.tree.read_text(listing).splitlines()
                inside = path.removeprefix(f"{folder}/") if folder else path
                if _matches(lines, inside):
                    return True
            if not folder:
                return False
            folder = posixpath.dirname(folder)

    def _writer(self, path: str) -> str:
        """Return a script that may write a source under a name that it works out; "" for none.

        A name of which only the ending is written down may be any: of a source beside the script.
        """
        name, (top, *_) = posixpath.basename(path), path.split("/")
        return next(
            (
                script
                for script, names, is_any in self._computed
                if names.fullmatch(name) and (not is_any or script.split("/")[0] == top)
            ),
            "",
        )

    @cached_property
    def _computed(self) -> tuple[tuple[str, re.Pattern[str], bool], ...]:
        """Return the scripts that write files, each with a name that it works out.

        The last part is whether nothing of the name but its ending is written down.
        """
        found: list[tuple[str, re.Pattern[str], bool]] = []
        for script in self.tree.python:
            text = self.tree.read_text(script)
            if "write" not in text:
                continue
            for name in sorted({posixpath.basename(each) for each in _COMPUTED.findall(text)}):
                parts = _OPEN_PART.split(name)
                is_any = not any(map(str.isalnum, "".join(parts[:-1]))) and parts[-1][0] == "."
                expression = re.compile("[^/]*".join(map(re.escape, parts)))
                found.append((script, expression, is_any))
        return tuple(found)


def _matches(patterns: list[str], path: str) -> bool:
    """Return whether a .gitignore's patterns mean a path, or cannot be understood."""
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 -- few trees lack a source

    try:
        return GitIgnoreSpec.from_lines(patterns).match_file(path)
    except (ValueError, re.error, re2.error):
        return True
