"""The files of a tree, wherever they come from, and how much of it is looked at."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.facts.places import Problem, problem
from opparity.checker.facts.records import fact
from opparity.checker.tree.marks import MARKS, marks_in
from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A file's content; None for one that exists and is not read.
Place = bytes | None

NATIVE_SUFFIXES = frozenset(
    {".c", ".cc", ".cpp", ".cxx", ".cu", ".cuh", ".mm", ".mu", ".mlu", ".hip", ".sycl"}
    | {".h", ".hh", ".hpp", ".hxx", ".inl", ".inc", ".ipp", ".tpp"}
)
_PYTHON_SUFFIX = ".py"
# Read for the functions that they name alone.
CYTHON_SUFFIXES = (".pyx", ".pxi", ".pxd")
_BUILD_SUFFIXES = frozenset({".cmake", ".in", ".txt", ".toml", ".cfg", ".json"})
_SOURCE_SUFFIXES = NATIVE_SUFFIXES | _BUILD_SUFFIXES | {_PYTHON_SUFFIX, *CYTHON_SUFFIXES}
# Read for the macros that they name alone.
_MAKEFILES = frozenset({"Makefile", "makefile", "GNUmakefile"})
_BUILD_FILE = re.compile(
    r"CMakeLists\.txt|[Mm]akefile|GNUmakefile|build\.toml|.*\.(?:cmake|in)|.*(?:setup|build).*\.py"
)
# Read for what they say of files that the tree lacks.
IGNORED, SUBMODULES = ".gitignore", ".gitmodules"
_READ_BY_NAME = _MAKEFILES | {IGNORED, SUBMODULES}
# git's own test for a binary file: a NUL among the first bytes.
BINARY_TEST = 8000


class TreeRefused(OpparityError):
    """The input is no tree that can be checked."""

    message = "{path}: {detail}"


class TreeTooLarge(TreeRefused):
    """The sources that a tree wants read are too many; what is excluded need not be among them."""

    message = "{path}: holds more than {mebibytes} MiB of source; {advice}"


class FileNotReadable(OpparityError):
    """The tree has no such file, or has named it as a problem."""

    message = "{path}: {detail}"

    @property
    def detail(self) -> str:
        """Return the reason without the path."""
        return str(self.values["detail"])


def nothing(path: str) -> bool:
    """Exclude no file."""
    del path
    return False


@fact
class Limits:
    """How much of a tree is looked at; a legitimate one stays far below.

    Attributes:
        file_bytes: a longer file counts as existing, but is not read.
        kept_bytes: the files to be read, together.
        unpacked_bytes: all that an archive may decompress to, the files not read included.
        archive_bytes: the archive itself.
        entries: files and folders.
    """

    # Above this a file is data or generated; vLLM 0.33.0's largest hand-written one has 0.3 MB.
    file_bytes: int = 4_000_000
    kept_bytes: int = 512 << 20
    unpacked_bytes: int = 1 << 30
    archive_bytes: int = 512 << 20
    entries: int = 500_000


@dataclass(frozen=True)
class Tree:
    """The files of a tree; paths are relative, with forward slashes, and sorted.

    Attributes:
        name: the project's name as far as the input tells it.
        places: each file's content, or None for a file that exists and is not read.
        problems: what was left out, and why.
        excluded: the files that somebody's settings take out.
    """

    name: str
    places: Mapping[str, Place]
    problems: tuple[Problem, ...] = ()
    limits: Limits = field(default_factory=Limits)
    excluded: frozenset[str] = frozenset()

    @cached_property
    def files(self) -> frozenset[str]:
        """Return every regular file, whether it can be read or not."""
        return frozenset(self.places)

    @cached_property
    def native(self) -> tuple[str, ...]:
        """Return the C++, CUDA and HIP files that can be read."""
        return self._readable(NATIVE_SUFFIXES.__contains__)

    @cached_property
    def python(self) -> tuple[str, ...]:
        """Return the Python files that can be read."""
        return self._readable(_PYTHON_SUFFIX.__eq__)

    @cached_property
    def build_files(self) -> tuple[str, ...]:
        """Return the files that can be read and whose paths say that they describe a build."""
        return tuple(
            path
            for path, place in self.places.items()
            if place is not None and _may_describe_build(path)
        )

    @cached_property
    def marks(self) -> Mapping[str, frozenset[bytes]]:
        """Return the marks of each Python file that can be read."""
        return {path: marks_in(self.read(path)) for path in self.python}

    def marked(self, *marks: bytes) -> list[str]:
        """Return the Python files that have one of some marks."""
        assert MARKS.issuperset(marks)
        return [path for path, found in self.marks.items() if not found.isdisjoint(marks)]

    def _readable(self, accepts: Callable[[str], bool]) -> tuple[str, ...]:
        return tuple(
            path
            for path, place in self.places.items()
            if place is not None and accepts(_suffix(path))
        )

    def read(self, path: str) -> bytes:
        """Return a file's bytes without a byte order mark.

        Raises:
            FileNotReadable: the tree has no such file, or it was named as a problem.
        """
        place = self.places.get(path)
        if place is None:
            raise FileNotReadable(path=path, detail="no file of this tree that can be read")
        return place.removeprefix(b"\xef\xbb\xbf")

    def read_text(self, path: str) -> str:
        """Return a file's text; bytes that are no UTF-8 become U+FFFD."""
        return self.read(path).decode("utf-8", errors="replace")

    def is_readable(self, path: str) -> bool:
        """Return whether a file is there and was not left out."""
        return self.places.get(path) is not None

    def without(self, is_excluded: Callable[[str], bool]) -> Tree:
        """Return the tree as if some of its files were not there."""
        excluded = frozenset(filter(is_excluded, self.places))
        return Tree(
            self.name,
            {path: place for path, place in self.places.items() if path not in excluded},
            tuple(each for each in self.problems if not is_excluded(each.location.path)),
            self.limits,
            self.excluded | excluded,
        )


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 -- a Path per file costs 4x


def _may_describe_build(path: str) -> bool:
    is_builder = path.endswith(_PYTHON_SUFFIX) and "/op_builder/" in f"/{path}"
    return is_builder or _BUILD_FILE.fullmatch(path.rpartition("/")[2]) is not None


def is_source(path: str) -> bool:
    """Tell whether a file's name is one that the checker's readers may ask for."""
    return _suffix(path) in _SOURCE_SUFFIXES or path.rpartition("/")[2] in _READ_BY_NAME


def too_long(path: str, size: int, limits: Limits) -> Problem:
    """Return the problem of a file that is over the limit."""
    size_of, most = (f"{each / 1e6:.1f}" for each in (size, limits.file_bytes))
    return problem(path, "unread.too_long", size=size_of, most=most)
