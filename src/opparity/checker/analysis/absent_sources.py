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
from opparity.checker.languages.detection import COMPILED, FOREIGN
from opparity.checker.tree.contents import IGNORED, NATIVE_SUFFIXES, SUBMODULES
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.mentions import Mentions
    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.builds import Build, Source, Target
    from opparity.words.statements import Statement

_PATH_OF_SUBMODULE = re.compile(r'^\s*path\s*=\s*"?([^"\n]+?)"?\s*$', re.MULTILINE)
# What a source of the same name is translated from: `ops.pyx`, `kernel.cu.in`.
_TRANSLATED = frozenset(
    {".in", ".i", ".jinja", ".jinja2", ".j2", ".mako", ".proto", ".pyx", ".template", ".tpl"}
)
# Steps that write files; which ones, a build says in too many ways to know all of them.
_WRITES = re.compile(
    r"write_text|write_bytes|\.write\(|\.writelines\(|dump\(|shutil\.|copyfile|with_suffix\("
    r"|os\.(?:chdir|link|rename|replace|symlink)\(|hipify\w*\("
)
_NAMES_A_SOURCE = re.compile(r"\.(?:cc|cpp|cu|cxx|hip)\b")
_CMAKE_WRITES = re.compile(
    r"^\s*(?:add_custom_\w+|configure_file|execute_process|ExternalProject_\w+|FetchContent_\w+"
    r"|include\s*\(\s*(?:ExternalProject|FetchContent)|protobuf_\w+|swig_\w+|\w*hipify\w*"
    r"|file\s*\(\s*(?:APPEND|ARCHIVE_EXTRACT|CONFIGURE|COPY|COPY_FILE|CREATE_LINK|DOWNLOAD"
    r"|GENERATE|INSTALL|RENAME|WRITE))\b",
    re.MULTILINE | re.IGNORECASE,
)
_CMAKE = re.compile(r"(?:^|/)CMakeLists\.txt$|\.cmake$")
# What is run by hand, or says how to use what is built.
_BESIDE = re.compile(
    r"(?:^|/)(?:benchmarks?|docs?|examples?|tests?)/|(?:^|/)test_[^/]*$|_test\.py$"
)
# At the root of a source distribution alone.
_OF_AN_SDIST = "PKG-INFO"
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
        """Return whether hipify makes it of a file of the tree, or another language's compiler."""
        if path in self._hipified:
            return True
        stem = posixpath.splitext(path)[0]
        return any(
            each.startswith(f"{stem}.") and posixpath.splitext(each)[1] in _TRANSLATED
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
        # What fills a folder of a repository fills none of an sdist.
        if folder and folder not in self._by_folder and _OF_AN_SDIST not in self.tree.files:
            return state("absent.folder", folders=(folder,))
        if target.built is not Truth.TRUE or source.built is not Truth.TRUE:
            return state("absent.perhaps", count=1)
        if target.kind == "jit" or not _RUNS_WHERE_IT_LIES.search(build.description):
            return state("absent.place", script=build.description)
        if self._ignored(path):
            return state("absent.ignored", count=1)
        writer = self._writer(build, path)
        if writer:
            return state("absent.written", script=writer, count=1)
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

    def _writer(self, build: Build, path: str) -> str:
        """Return a file of the tree that may write a source, or what does; "" for none."""
        if "hip" in posixpath.basename(path).lower():
            return "hipify"
        script = self._script_beside(build.description)
        return script or next(iter(self._writers), "")

    @cached_property
    def _writers(self) -> tuple[str, ...]:
        """Return the files with steps that write others, under names that they may work out."""
        found = [
            path
            for path in self.tree.python
            if _is_of_the_build(path) and _may_write(self.tree.read_text(path))
        ]
        described = [
            path
            for path in self.tree.files
            if _CMAKE.search(path) and self.tree.is_readable(path) and _is_of_the_build(path)
        ]
        found += [p for p in described if _CMAKE_WRITES.search(self.tree.read_text(p))]
        return tuple(found)

    def _script_beside(self, description: str) -> str:
        """Return a script of another language that a build names: what it does is not read."""
        scripts = [path for path in self.tree.files if path.endswith((".bash", ".pl", ".sh"))]
        text = self.tree.read_text(description) if scripts else ""
        return next((each for each in scripts if posixpath.basename(each) in text), "")


def _is_of_the_build(path: str) -> bool:
    return not _BESIDE.search(path) and not FOREIGN.search(path)


def _may_write(text: str) -> bool:
    """Return whether a script writes files and names a source's suffix."""
    return _WRITES.search(text) is not None and _NAMES_A_SOURCE.search(text) is not None


def _matches(patterns: list[str], path: str) -> bool:
    """Return whether a .gitignore's patterns mean a path, or cannot be understood."""
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 -- few trees lack a source

    try:
        return GitIgnoreSpec.from_lines(patterns).match_file(path)
    except (ValueError, re.error, re2.error):
        return True
