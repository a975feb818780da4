"""Headers of a tar archive's members, of which only what a source tree needs is read."""

from __future__ import annotations

import re
import tarfile
from typing import Self

# Plain files, and the headers with their long names: nearly every member of a source archive.
_COMMON = frozenset({tarfile.REGTYPE, tarfile.XHDTYPE})
_OCTAL = re.compile(rb"[0-7]+[ \0]*")
_SPACES_FOR_THE_SUM = 8 * ord(" ")


class SourceMember(tarfile.TarInfo):
    """A member without owner, mode, time and device.

    Reading those of vLLM 0.33.0's 19,259 headers takes 0.25 s, a fifth of the time for its archive.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Return the member of a header; one that is in any way special is left to tarfile."""
        size, kept_sum = buf[124:136], buf[148:156]
        is_common = (
            len(buf) == tarfile.BLOCKSIZE
            and bytes(buf[156:157]) in _COMMON
            and _OCTAL.fullmatch(size)
            and _OCTAL.fullmatch(kept_sum)
        )
        if not is_common:
            return super().frombuf(buf, encoding, errors)
        if sum(buf) - sum(kept_sum) + _SPACES_FOR_THE_SUM != _number(kept_sum):
            return super().frombuf(buf, encoding, errors)  # perhaps a sum of signed bytes
        member = cls()
        member.name = _text(buf[0:100], encoding, errors)
        member.type = bytes(buf[156:157])
        member.size = _number(size)
        prefix = _text(buf[345:500], encoding, errors)
        if prefix:
            member.name = f"{prefix}/{member.name}"
        return member


def _number(field: bytes | bytearray) -> int:
    return int(field.rstrip(b" \0"), 8)


def _text(field: bytes | bytearray, encoding: str, errors: str) -> str:
    return field.partition(b"\0")[0].decode(encoding, errors)
