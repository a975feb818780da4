"""What is read of a tar's headers is what tarfile reads of them."""

from __future__ import annotations

import io
import tarfile
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opparity.checker.tree.members import SourceMember

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
KINDS = [tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE]


@given(
    name=NAMES | st.sampled_from(["a/" * 80 + "b", "dir/", "x" * 100]),
    size=st.integers(0, 10**7) | st.just(8 << 30),
    kind=st.sampled_from(KINDS),
    form=st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_a_member_has_the_name_size_and_kind_that_tarfile_gives_it(
    name: str, size: int, kind: bytes, form: Literal[0, 1, 2]
) -> None:
    written = tarfile.TarInfo(name)
    written.type, written.linkname = kind, "a/b"
    written.size = size if kind in {tarfile.REGTYPE, tarfile.AREGTYPE} else 0
    try:
        header = written.tobuf(form)
    except ValueError:
        return  # longer than this format takes
    found = [
        [
            (each.name, each.size, each.type, each.linkname if each.issym() or each.islnk() else "")
            for each in members(header, kind)
        ]
        for kind in (tarfile.TarInfo, SourceMember)
    ]
    assert found[1] == found[0]
    assert found[0]


def members(header: bytes, kind: type[tarfile.TarInfo]) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(header + bytes(1024)), tarinfo=kind) as archive:
        member = archive.next()
        return [member] if member else []


@pytest.mark.parametrize("place", [0, 124, 148, 156, 345])
@given(byte=st.integers(0, 255))
def test_a_damaged_header_is_refused_as_tarfile_refuses_it(place: int, byte: int) -> None:
    damaged = bytearray(tarfile.TarInfo("a").tobuf())
    damaged[place] = byte
    outcomes = []
    for kind in (tarfile.TarInfo, SourceMember):
        try:
            member = kind.frombuf(bytes(damaged), "utf-8", "surrogateescape")
            outcomes.append((member.name, member.size, member.type))
        except tarfile.HeaderError as error:
            outcomes.append((str(error), 0, b""))
    assert outcomes[1] == outcomes[0]
