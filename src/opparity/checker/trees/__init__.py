"""The input of the checker: a folder, an archive or a git revision, read without trusting it.

Nothing of a tree is executed, written to disk or followed out of the tree, and every size has a
limit.
What is left out is said in `SourceTree.not_read`.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a tree is looked at; a legitimate one stays far below.

    Attributes:
        file_bytes: a longer file counts as existing, but is not read.
        kept_bytes: the files to be read, together.
        unpacked_bytes: all that an archive may decompress to, the files not read included.
        archive_bytes: the archive itself.
        entries: files and folders.
    """

    # The largest source of vLLM 0.33.0, FBGEMM and flash-attention has 0.4 MB.
    file_bytes: int = 8 << 20
    kept_bytes: int = 1 << 30
    unpacked_bytes: int = 2 << 30
    archive_bytes: int = 1 << 30
    entries: int = 500_000


class TreeRefused(OpparityError):  # noqa: N818 -- named as errors.py names its classes
    """The input is no tree that can be checked."""

    message = "{path}: {detail}"


class FileNotReadable(OpparityError):  # noqa: N818 -- the same
    """A file of the tree cannot be read as source."""

    message = "{path}: {detail}"


@dataclass(frozen=True, slots=True)
class NotRead:
    """Something of the tree that the checker does not look at, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class SourceTree:
    """The files of a tree.

    Attributes:
        name: the project's name as far as the input tells it.
        files: every regular file, by its path inside the tree; the value is its content, where it
            lies on disk, or None where an archive's or a revision's file is no source.
        not_read: what was left out.
    """

    name: str
    files: Mapping[str, Path | bytes | None]
    not_read: tuple[NotRead, ...] = ()
    limits: Limits = Limits()

    def read(self, path: str) -> bytes:
        """Return a file's content without a byte order mark.

        Raises:
            FileNotReadable: there is no such file, or it is too long, binary or out of reach.
        """
        place = self.files.get(path)
        if place is None:
            raise FileNotReadable(path=path, detail="no source file of this tree")
        content = place if isinstance(place, bytes) else _read_from_disk(path, place, self.limits)
        # git's own test for a binary file: a NUL among the first bytes.
        if b"\0" in content[:8000]:
            raise FileNotReadable(path=path, detail="a binary file (it holds NUL bytes), not read")
        return content.removeprefix(b"\xef\xbb\xbf")


def _read_from_disk(path: str, place: Path, limits: Limits) -> bytes:
    # The file may have been exchanged since it was listed, for a link or a pipe that never ends.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with open(os.open(place, flags), "rb") as stream:  # noqa: PTH123 -- needs the flags
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise FileNotReadable(path=path, detail="no regular file")
            content = stream.read(limits.file_bytes + 1)
    except OSError as error:
        raise FileNotReadable(path=path, detail=f"cannot be read: {error.strerror}") from error
    if len(content) > limits.file_bytes:
        raise FileNotReadable(path=path, detail=too_long(len(content), limits))
    return content


# What the readers read; of an archive's other files only the names are kept.
_SOURCE_SUFFIXES = frozenset(
    {".c", ".cc", ".cpp", ".cxx", ".cu", ".cuh", ".m", ".mm", ".mu", ".hip", ".jinja"}
    | {".h", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".ipp", ".tpp"}
    | {".py", ".pyi", ".cmake", ".in", ".txt", ".toml", ".cfg", ".json", ".bzl"}
)


def is_source(path: str) -> bool:
    """Tell whether a file's name is one that the checker's readers may ask for."""
    return PurePosixPath(path).suffix.lower() in _SOURCE_SUFFIXES


def too_long(size: int, limits: Limits) -> str:
    """Say that a file is over the limit."""
    return f"{size / 1e6:.1f} MB or more, not read: the limit is {limits.file_bytes / 1e6:.1f} MB"


def open_tree(path: Path, revision: str | None = None, limits: Limits | None = None) -> SourceTree:
    """Return the tree at a path: a folder, a tar or zip archive, or a git revision of a folder.

    Raises:
        TreeRefused: the path is none of these, or exceeds a limit.
    """
    from opparity.checker.trees.archive import read_archive  # noqa: PLC0415 -- used by one kind
    from opparity.checker.trees.folder import read_folder  # noqa: PLC0415
    from opparity.checker.trees.revision import read_revision  # noqa: PLC0415

    limits = limits or Limits()
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TreeRefused(path=path, detail=f"{reason}; give a folder, or an archive") from error
    if revision is not None:
        return read_revision(path, revision, limits)
    if stat.S_ISDIR(mode):
        return read_folder(path, limits)
    if stat.S_ISREG(mode):
        return read_archive(path, limits)
    raise TreeRefused(
        path=path, detail="neither a folder nor a file; give a source tree, an sdist or a zip"
    )
