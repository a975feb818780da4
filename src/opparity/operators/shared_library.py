"""What the file of a shared library says of itself, read before it is loaded.

A library that is cut short ends the process when it is loaded, by a signal and without a word, and
one whose code is damaged when it is called. So the header and the segments are read first. ELF
alone, of 64 bits, as on every Linux that torch is built for.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = b"\x7fELF"
_HEADER = struct.Struct("=16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("=IIQQQQQQ")
_SECTION = struct.Struct("=IIQQQQIIQQ")
_IS_LOADED, _IS_PROGRAM, _IS_SHARED_LIBRARY = 1, 1, 3
_WRITABLE, _IN_MEMORY = 1, 2
# Where the header has the class, the byte order and the machine.
_KIND, _MACHINE = slice(4, 6), slice(18, 20)
_OF_64_BITS, _BIG = 2, 2
_MACHINES = {3: "32-bit x86", 40: "32-bit Arm", 62: "x86-64", 183: "AArch64", 243: "RISC-V"}


class Unloadable(Exception):
    """Why a file cannot be loaded as a shared library, as the end of a sentence about it."""


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes of a file, and where they are in memory once it is loaded."""

    address: int
    offset: int
    size: int


class SharedLibrary:
    """A shared library's bytes, as far as loading it depends on them.

    Raises:
        Unloadable: for what the loader would refuse, or would not survive.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        _check_header(data)
        header = _HEADER.unpack_from(data)
        self._segments = (header[5], header[9], header[10])
        self._sections = (header[6], header[11], header[12])
        self.loaded = [
            Range(address, offset, size)
            for kind, _, offset, address, _, size, *_ in self._table(_SEGMENT, *self._segments)
            if kind == _IS_LOADED
        ]
        needed = max((each.offset + each.size for each in self.loaded), default=0)
        if not self.loaded:
            raise Unloadable("has nothing to load")
        if needed > len(data):
            raise Unloadable(
                f"is cut short: it has {len(data):,} bytes, and what is loaded of it needs "
                f"{needed:,}"
            )

    def code(self) -> list[Range]:
        """Return the sections of code and constants, which no tool that edits libraries changes."""
        wanted = []
        for section in self._table(_SECTION, *self._sections):
            _, kind, flags, address, offset, size, *_ = section
            if kind == _IS_PROGRAM and flags & _IN_MEMORY and not flags & _WRITABLE:
                wanted.append(Range(address, offset, size))
        return wanted

    def at(self, address: int, size: int) -> bytes:
        """Return what is at an address once the library is loaded; less where it has less."""
        for each in self.loaded:
            if each.address <= address < each.address + each.size:
                start = each.offset + address - each.address
                return self.data[start : min(start + size, each.offset + each.size)]
        return b""

    def _table(
        self, entry: struct.Struct, offset: int, size: int, count: int
    ) -> Iterator[tuple[int, ...]]:
        if count and (size != entry.size or offset + count * size > len(self.data)):
            raise Unloadable(
                f"is cut short: it has {len(self.data):,} bytes, and a table of its sections or "
                "segments ends behind them"
            )
        for number in range(count):
            yield entry.unpack_from(self.data, offset + number * size)


def _check_header(data: bytes) -> None:
    if not data:
        raise Unloadable("is empty")
    if not data.startswith(_MAGIC):
        raise Unloadable("is no shared library")
    if len(data) < _HEADER.size:
        raise Unloadable(f"is cut short: it has {len(data):,} bytes")
    own = _own_header()
    if own is not None and (data[_KIND], data[_MACHINE]) != (own[_KIND], own[_MACHINE]):
        raise Unloadable(f"is for {_machine(data)}, and this process is for {_machine(own)}")
    if data[_KIND][0] != _OF_64_BITS:
        raise Unloadable(f"is for {_machine(data)}, of 32 bits")
    if _HEADER.unpack_from(data)[1] != _IS_SHARED_LIBRARY:
        raise Unloadable("is a program or an object file, and no shared library")


def _machine(header: bytes) -> str:
    number = int.from_bytes(header[_MACHINE], "big" if header[_KIND][1] == _BIG else "little")
    return _MACHINES.get(number, f"machine {number} of ELF")


def _own_header() -> bytes | None:
    """Return the beginning of the interpreter's file; None where it is unknown or none of ELF."""
    if not sys.executable:
        return None
    try:
        with Path(sys.executable).open("rb") as file:
            header = file.read(_HEADER.size)
    except OSError:
        return None
    return header if header.startswith(_MAGIC) else None
