"""A tar or zip archive as a source tree: read into memory, never unpacked to disk."""

from __future__ import annotations

import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.facts.places import Location, Problem, problem
from opparity.checker.tree.contents import (
    BINARY_TEST,
    Tree,
    TreeRefused,
    TreeTooLarge,
    is_source,
    too_long,
)
from opparity.checker.tree.decompression import ForwardReader, TooLong
from opparity.checker.tree.members import SourceMember
from opparity.checker.tree.names import inside, printable, target_of_link

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opparity.checker.tree.contents import Limits, Place

# What tarfile, zipfile and the decompressors raise on damaged or hostile input.
# RecursionError: tarfile calls itself for each long-name header in a row.
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RecursionError,
    struct.error,
)
# A header of a tar member, pax attributes included; a real one has less than 1 KiB.
_TAR_HEADER = 1 << 20
_TAR_GLOBAL_ATTRIBUTES = 1000
# 65,535 members, the most that a zip without zip64 can hold, with names of 200 characters.
_ZIP_DIRECTORY = 16 << 20
_ZIP64 = 0xFFFF


@dataclass(slots=True)
class _Unpacking:
    """The state of reading one archive."""

    path: Path
    limits: Limits
    files: dict[str, Place] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    entries: int = 0
    kept: int = 0

    def refuse(self, detail: str) -> TreeRefused:
        return TreeRefused(path=self.path, detail=detail)

    def count_entry(self) -> None:
        self.entries += 1
        if self.entries > self.limits.entries:
            raise self.refuse(f"holds more than {self.limits.entries} entries")

    def leave_out(self, path: str, key: str) -> None:
        self.problems.append(problem(printable(path[:200]), key))

    def wants(self, path: str, size: int) -> bool:
        """Record a file; tell whether its content is to be kept."""
        self.files[path] = None
        if not is_source(path):
            return False
        if size > self.limits.file_bytes:
            self.problems.append(too_long(path, size, self.limits))
            return False
        self.kept += size
        bounds.allow(size)
        if self.kept > self.limits.kept_bytes:
            raise TreeTooLarge(
                path=self.path,
                mebibytes=self.limits.kept_bytes >> 20,
                advice="unpack it, and leave folders out by `exclude` in its opparity.toml",
            )
        return True

    def keep(self, path: str, content: bytes) -> None:
        if b"\0" in content[:BINARY_TEST]:
            self.leave_out(path, "unread.binary")
        else:
            self.files[path] = content

    def tree(self) -> Tree:
        for path, target in self.links.items():
            if target in self.files:
                self.files[path] = self.files[target]
            else:
                self.leave_out(path, "unread.link_to_nothing")
        name, files, problems = _without_top_folder(self.files, self.problems)
        return Tree(
            name or self.path.name.split(".")[0], dict(sorted(files.items())), problems, self.limits
        )


def read_archive(path: Path, limits: Limits) -> Tree:
    """Return the tree of an archive whose every size stays within the limits."""
    unpacking = _Unpacking(path, limits)
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, io.SEEK_END)
            if size > limits.archive_bytes:
                raise unpacking.refuse(
                    f"has {size / 1e6:.0f} MB, the limit is {limits.archive_bytes / 1e6:.0f} MB; "
                    "unpack it and give the folder"
                )
            stream.seek(0)
            start = stream.read(4)
            stream.seek(0)
            if start.startswith(b"PK"):
                _read_zip(unpacking, stream, size)
            else:
                _read_tar(unpacking, stream)
    except TooLong as error:
        raise unpacking.refuse(
            f"unpacks to more than {limits.unpacked_bytes / 1e6:.0f} MB, or has an oversized "
            "header; if it is no decompression bomb, unpack it and give the folder"
        ) from error
    except _DAMAGE as error:
        if isinstance(error, TreeRefused):
            raise
        detail = printable(str(error)) or type(error).__name__
        raise unpacking.refuse(
            f"no readable archive ({detail}); give a folder, a tar (gzip, bzip2, xz) or a zip"
        ) from error
    return unpacking.tree()


def _read_tar(unpacking: _Unpacking, stream: IO[bytes]) -> None:
    limits = unpacking.limits
    reader = ForwardReader(stream, longest=limits.unpacked_bytes, longest_read=_TAR_HEADER)
    with tarfile.open(fileobj=reader, mode="r:", errorlevel=2, tarinfo=SourceMember) as archive:
        while (member := archive.next()) is not None:
            # The list would keep every header of an archive with millions of members.
            archive.members.clear()  # type: ignore[attr-defined]
            unpacking.count_entry()
            if len(archive.pax_headers) > _TAR_GLOBAL_ATTRIBUTES:
                raise unpacking.refuse("has too many global attributes for a source archive")
            path = inside(member.name)
            if path is None:
                if not member.isdir():
                    unpacking.leave_out(member.name, "unread.name_outside")
            elif member.issparse():
                unpacking.leave_out(path, "unread.sparse")
            elif member.isreg():
                if unpacking.wants(path, member.size):
                    unpacking.keep(path, _tar_content(reader, member))
            elif member.issym() or member.islnk():
                _record_link(unpacking, path, member.linkname, symbolic=member.issym())
            elif not member.isdir():
                unpacking.leave_out(path, "unread.no_file")


def _tar_content(reader: ForwardReader, member: tarfile.TarInfo) -> bytes:
    """Return a file's bytes; tarfile's own objects for them take as long as decompressing them."""
    reader.seek(member.offset_data)
    content = reader.read_content(member.size)
    if len(content) < member.size:
        raise tarfile.ReadError("unexpected end of data")
    return content


def _record_link(unpacking: _Unpacking, path: str, target: str, *, symbolic: bool) -> None:
    resolved = target_of_link(path, target) if symbolic else inside(target)
    if resolved is None:
        unpacking.leave_out(path, "unread.link_outside")
    else:
        unpacking.links[path] = resolved


def _read_zip(unpacking: _Unpacking, stream: IO[bytes], size: int) -> None:
    _check_zip_directory(unpacking, stream, size)
    unpacked = 0
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            unpacking.count_entry()
            path = inside(member.filename)
            mode = member.external_attr >> 16
            if path is None:
                unpacking.leave_out(member.filename, "unread.name_outside")
            elif member.is_dir():
                continue
            elif member.flag_bits & 1:
                unpacking.leave_out(path, "unread.encrypted")
            # LZMA in a zip lets the archive choose how much memory is taken.
            elif member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                unpacking.leave_out(path, "unread.compression")
            elif stat.S_ISLNK(mode):
                target = b"".join(_zip_content(archive, member, 4096))
                _record_link(unpacking, path, target.decode("utf-8", "replace"), symbolic=True)
            elif unpacking.wants(path, member.file_size):
                content = b"".join(_zip_content(archive, member, unpacking.limits.file_bytes))
                unpacking.keep(path, content)
                unpacked += len(content)
            if unpacked > unpacking.limits.unpacked_bytes:
                raise TooLong


def _zip_content(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, longest: int
) -> Iterator[bytes]:
    """Yield a member's bytes; its header may lie about their number."""
    with archive.open(member) as content:
        while piece := content.read(1 << 16):
            longest -= len(piece)
            if longest < 0:
                raise TooLong
            yield piece


def _check_zip_directory(unpacking: _Unpacking, stream: IO[bytes], size: int) -> None:
    """Refuse an archive whose directory alone would fill the memory: zipfile reads it at once."""
    stream.seek(max(0, size - (1 << 16) - 22))
    tail = stream.read()
    stream.seek(0)
    position = tail.find(b"PK\5\6")
    # Any of several end records may be the one that zipfile believes.
    while position >= 0 and position + 22 <= len(tail):
        members, directory = struct.unpack_from("<HL", tail, position + 10)
        if members == _ZIP64 or directory > _ZIP_DIRECTORY:
            raise unpacking.refuse(
                "has a larger directory than a source archive needs; unpack it and give the folder"
            )
        position = tail.find(b"PK\5\6", position + 1)


def _without_top_folder(
    files: dict[str, Place], problems: list[Problem]
) -> tuple[str | None, dict[str, Place], tuple[Problem, ...]]:
    """Drop the folder that an sdist puts everything in, and return its name."""
    tops = {path.partition("/")[0] for path in files}
    if len(tops) != 1 or any("/" not in path for path in files):
        return None, files, tuple(problems)
    (top,) = tops
    return (
        top,
        {path.removeprefix(f"{top}/"): content for path, content in files.items()},
        tuple(
            Problem(Location(each.location.path.removeprefix(f"{top}/"), 1), each.reason)
            for each in problems
        ),
    )
