from __future__ import annotations

import gzip
import lzma
import os
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker.trees_on_disk import commit_all, contents, git, write_folder, write_tar, write_zip
from opparity.checker.tree.contents import FileNotReadable, Limits, Tree, TreeRefused
from opparity.checker.tree.opening import open_tree
from opparity.words.catalogue import english
from processor_time import least_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEGABYTE = 1 << 20
SMALL = Limits(
    file_bytes=64 << 10,
    kept_bytes=MEGABYTE,
    unpacked_bytes=4 * MEGABYTE,
    archive_bytes=MEGABYTE,
    entries=1000,
)


@pytest.fixture
def memory() -> Iterator[Callable[[], int]]:
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def reasons(tree: Tree) -> dict[str, str]:
    return {each.location.path: english(each.reason) for each in tree.problems}


# --- folders


def test_symbolic_links_that_loop_or_lead_out_are_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret.h"
    secret.write_text("int password;")
    root = write_folder(tmp_path / "project", {"a.cu": b"1", "sub/b.cu": b"2"})
    (root / "self.cu").symlink_to("self.cu")
    (root / "one.cu").symlink_to("two.cu")
    (root / "two.cu").symlink_to("one.cu")
    (root / "sub/up").symlink_to("..")
    (root / "out.h").symlink_to("../secret.h")
    (root / "absolute.h").symlink_to(secret)
    (root / "zeros.cu").symlink_to("/dev/zero")
    tree = open_tree(root)
    assert contents(tree) == {"a.cu": b"1", "sub/b.cu": b"2"}
    assert set(reasons(tree)) == {
        *("self.cu", "one.cu", "two.cu", "sub/up", "out.h", "absolute.h", "zeros.cu")
    }
    assert "leads out of the tree" in reasons(tree)["zeros.cu"]


def test_pipes_and_sockets_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.cu")
    tree = open_tree(write_folder(tmp_path, {"a.cu": b"1"}))
    assert contents(tree) == {"a.cu": b"1"}
    assert reasons(tree) == {"pipe.cu": "neither a file nor a folder, not read"}


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_a_file_exchanged_while_the_folder_is_listed_is_neither_waited_for_nor_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    root = write_folder(tmp_path / "project", {"a.cu": b"1", "b.cu": b"2"})
    opens = os.open

    def exchange_and_open(place: str, flags: int) -> int:
        if place.endswith("a.cu"):
            Path(place).unlink()
            os.mkfifo(place) if kind == "pipe" else Path(place).symlink_to("/etc/passwd")
        return opens(place, flags)

    monkeypatch.setattr("opparity.checker.tree.folders.os.open", exchange_and_open)
    tree = open_tree(root)
    assert tree.native == ("b.cu",)
    assert set(reasons(tree)) == {"a.cu"}


def test_a_file_exchanged_after_the_listing_is_read_as_it_was(tmp_path: Path) -> None:
    tree = open_tree(write_folder(tmp_path, {"a.cu": b"1"}))
    (tmp_path / "a.cu").unlink()
    assert tree.read("a.cu") == b"1"


def test_a_hundred_megabyte_file_exists_and_is_problems(
    tmp_path: Path, memory: Callable[[], int]
) -> None:
    with (tmp_path / "huge.cu").open("wb") as stream:
        stream.truncate(100 * MEGABYTE)
    tree = open_tree(tmp_path)
    assert "huge.cu" in tree.files
    assert "104.9 MB, above 4.0 MB; not read" in reasons(tree)["huge.cu"]
    with pytest.raises(FileNotReadable):
        tree.read("huge.cu")
    assert memory() < MEGABYTE


def test_a_folder_nested_four_hundred_deep_is_left_at_the_limit(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(os.open("a.cu", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    tree = open_tree(write_folder(tmp_path, {"b.cu": b"1"}))
    assert sorted(tree.files) == ["b.cu"]
    assert [*reasons(tree).values()] == ["more than 64 folders deep, not read"]


def test_a_folder_with_too_many_entries_is_refused(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number}.cu").touch()
    with pytest.raises(TreeRefused, match="more than 50 entries"):
        open_tree(tmp_path, limits=Limits(entries=50))


def test_names_that_would_steer_a_terminal_are_escaped(tmp_path: Path) -> None:
    os.close(os.open(os.fsencode(tmp_path) + b"/\xff\x1b[2J\n.cu", os.O_CREAT))
    assert sorted(open_tree(tmp_path).files) == ["\\udcff\\x1b[2J\\n.cu"]


@pytest.mark.parametrize("junk", [b"\0" * 100, os.urandom(5000) + b"\0", b"\x7fELF\2\1\1\0"])
def test_binary_junk_under_a_source_name_is_said_to_be_binary(tmp_path: Path, junk: bytes) -> None:
    root = write_folder(tmp_path / "p", {"a.cu": b"x" * 10 + junk[:7000], "b.cu": b"1"})
    archive = write_tar(tmp_path / "a.tar", {"a.cu": junk, "b.cu": b"1"})
    commit_all(root)
    for tree in (open_tree(root), open_tree(archive), open_tree(root, revision="HEAD")):
        assert "binary" in reasons(tree)["a.cu"]
        assert tree.native == ("b.cu",)
        assert tree.files == {"a.cu", "b.cu"}
        with pytest.raises(FileNotReadable):
            tree.read("a.cu")


# --- archives

OUTSIDE = ["../a.cu", "/etc/a.cu", "x/../../a.cu", "C:/a.cu", "..\\a.cu", "a\\..\\..\\b.cu", ".."]


@pytest.mark.parametrize("name", OUTSIDE)
def test_members_that_lead_out_are_named_and_left(tmp_path: Path, name: str) -> None:
    for archive in (
        write_tar(tmp_path / "a.tar.gz", {name: b"evil", "p/good.cu": b"1"}, top=""),
        write_zip(tmp_path / "a.zip", {name: b"evil", "p/good.cu": b"1"}, top=""),
    ):
        tree = open_tree(archive)
        assert contents(tree) == {"good.cu": b"1"}
        assert len(tree.problems) == 1
        assert "leads out of the tree" in english(tree.problems[0].reason)
    assert not (tmp_path.parent / "a.cu").exists()


def special_members() -> Iterator[tarfile.TarInfo]:
    for name, kind, target in (
        ("p/out.cu", tarfile.SYMTYPE, "../../etc/passwd"),
        ("p/absolute.cu", tarfile.SYMTYPE, "/etc/passwd"),
        ("p/loop.cu", tarfile.SYMTYPE, "loop.cu"),
        ("p/hard.cu", tarfile.LNKTYPE, "/etc/passwd"),
        ("p/device.cu", tarfile.CHRTYPE, ""),
        ("p/block.cu", tarfile.BLKTYPE, ""),
        ("p/pipe.cu", tarfile.FIFOTYPE, ""),
    ):
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        yield member


def test_links_and_devices_of_an_archive_are_never_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for member in special_members():
            archive.addfile(member)
        archive.addfile(tarfile.TarInfo("p/good.cu"))
    tree = open_tree(tmp_path / "a.tar")
    assert contents(tree) == {"good.cu": b""}
    assert set(reasons(tree)) == {
        *("out.cu", "absolute.cu", "loop.cu", "hard.cu", "device.cu", "block.cu", "pipe.cu")
    }


@pytest.mark.parametrize("suffix", ["tar.gz", "tar.xz", "tar.bz2"])
@pytest.mark.parametrize("name", ["bomb.cu", "bomb.bin"])
def test_a_decompression_bomb_is_refused_in_little_memory(
    tmp_path: Path, memory: Callable[[], int], suffix: str, name: str
) -> None:
    archive = write_tar(tmp_path / f"a.{suffix}", {name: bytes(16 * MEGABYTE)})
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    with pytest.raises(TreeRefused, match="unpacks to more than 4 MB"):
        open_tree(archive, limits=SMALL)
    # The bomb has 16 MB; xz alone takes its dictionary of 8 MB.
    assert memory() - before < (10 if suffix == "tar.xz" else 3) * MEGABYTE


def test_a_zip_bomb_is_refused_in_little_memory(tmp_path: Path, memory: Callable[[], int]) -> None:
    archive = write_zip(tmp_path / "a.zip", {f"{n}.cu": bytes(60 << 10) for n in range(100)})
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    with pytest.raises(TreeRefused, match="holds more than 1 MiB of source"):
        open_tree(archive, limits=SMALL)
    assert memory() - before < 4 * MEGABYTE


def test_a_zip_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"a.cu": bytes(MEGABYTE)})
    raw = archive.read_bytes()
    archive.write_bytes(raw.replace(struct.pack("<L", MEGABYTE), struct.pack("<L", 10)))
    # zipfile stops at the declared size and then compares checksums.
    with pytest.raises(TreeRefused, match="CRC"):
        open_tree(archive, limits=SMALL)


def test_xz_cannot_choose_how_much_memory_is_taken(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    header = lzma.compress(b"x", filters=filters)
    (tmp_path / "a.tar.xz").write_bytes(header)
    with pytest.raises(TreeRefused, match="Memory usage limit"):
        open_tree(tmp_path / "a.tar.xz")


def test_lzma_and_encryption_in_a_zip_are_left(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("p/a.cu", b"1" * 100)
        archive.writestr("p/b.cu", b"2" * 100, zipfile.ZIP_DEFLATED)
    tree = open_tree(tmp_path / "a.zip")
    assert contents(tree)["b.cu"] == b"2" * 100
    assert set(reasons(tree)) == {"a.cu"}


def test_a_zip_directory_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    end = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFF0, 0, 0)
    (tmp_path / "a.zip").write_bytes(b"PK\3\4" + bytes(100) + end)
    with pytest.raises(TreeRefused, match="larger directory"):
        open_tree(tmp_path / "a.zip")


def tar_header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
    fields = [name, b"0000644\0", b"0000000\0", b"0000000\0", size, b"00000000000\0"]
    widths = [100, 8, 8, 8, 12, 12]
    start = b"".join(field.ljust(width, b"\0") for field, width in zip(fields, widths, strict=True))
    rest = (kind + bytes(100) + b"ustar\x0000").ljust(512 - 156, b"\0")
    checksum = sum(start) + sum(rest) + 8 * 32
    return start + b"%06o\0 " % checksum + rest


def test_a_member_of_negative_size_does_not_loop(tmp_path: Path) -> None:
    negative = b"\xff" * 10 + b"\xfc\x00"  # -1024: the next header would be the one before
    archive = tmp_path / "a.tar"
    archive.write_bytes(tar_header(b"a.bin", negative) + bytes(2048))
    with pytest.raises(TreeRefused, match="no readable archive"):
        open_tree(archive)


def test_a_thousand_long_name_headers_in_a_row_are_refused(tmp_path: Path) -> None:
    one = tar_header(b"././@LongLink", b"00000000001\0", b"L") + b"x".ljust(512, b"\0")
    (tmp_path / "a.tar").write_bytes(one * 5000 + tar_header(b"a.cu", b"00000000000\0"))
    with pytest.raises(TreeRefused, match="recursion"):
        open_tree(tmp_path / "a.tar")


def test_an_oversized_header_is_refused_before_it_is_read(
    tmp_path: Path, memory: Callable[[], int]
) -> None:
    start = tar_header(b"pax", b"17777777777\0", b"x")
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(start + bytes(32 * MEGABYTE)))
    tracemalloc.reset_peak()
    with pytest.raises(TreeRefused, match="oversized header"):
        open_tree(tmp_path / "a.tar.gz")
    assert memory() < 36 * MEGABYTE


def test_global_attributes_copied_into_every_member_are_refused(tmp_path: Path) -> None:
    attributes = {f"key{number}": "v" for number in range(5000)}
    with tarfile.open(
        tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT, pax_headers=attributes
    ) as archive:
        archive.addfile(tarfile.TarInfo("a.cu"))
    with pytest.raises(TreeRefused, match="global attributes"):
        open_tree(tmp_path / "a.tar")


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    place = tmp_path_factory.mktemp("whole")
    files = {"csrc/a.cu": b"int a;" * 50, "csrc/b.h": os.urandom(300), "setup.py": b"x = 1\n"}
    made = [
        write_tar(place / f"a.{kind}", files) for kind in ("tar", "tar.gz", "tar.xz", "tar.bz2")
    ]
    return [each.read_bytes() for each in [*made, write_zip(place / "a.zip", files)]]


@given(data=st.data())
@settings(
    max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_archive_is_a_tree_or_refused(
    archives: list[bytes], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = bytearray(data.draw(st.sampled_from(archives)))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    place = tmp_path_factory.getbasetemp() / "damaged"
    place.write_bytes(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    try:
        tree = open_tree(place, limits=SMALL)
    except TreeRefused as error:
        refusal = str(error)
    else:
        assert all(path.isprintable() and ".." not in path.split("/") for path in tree.files)
        refusal = f"{place}: "
    assert refusal.startswith(f"{place}: ")
    assert refusal.isprintable()


# --- git


def test_a_repository_cannot_run_its_own_programs(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a.cu": b"1"})
    commit_all(tmp_path)
    witness = tmp_path / "ran"
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external"):
        git(tmp_path, "config", key, f"touch {witness}")
    (tmp_path / ".gitattributes").write_text("*.cu filter=evil diff=evil\n")
    git(tmp_path, "config", "filter.evil.smudge", f"touch {witness}")
    git(tmp_path, "config", "diff.evil.textconv", f"touch {witness}")
    assert contents(open_tree(tmp_path, revision="HEAD"))["a.cu"] == b"1"
    assert not witness.exists()


def test_a_revision_s_links_and_submodules_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a.cu": b"1"})
    (tmp_path / "out.cu").symlink_to("/etc/passwd")
    (tmp_path / "loop.cu").symlink_to("loop.cu")
    (tmp_path / "big.cu").write_bytes(bytes(100 << 10))
    commit_all(tmp_path)
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},third_party/cutlass")
    git(tmp_path, "commit", "--quiet", "--no-verify", "--message", "Add a submodule")
    tree = open_tree(tmp_path, revision="HEAD", limits=SMALL)
    assert tree.read("a.cu") == b"1"
    assert set(reasons(tree)) == {"out.cu", "loop.cu", "big.cu", "third_party/cutlass"}


def test_an_object_that_is_missing_is_an_error_and_is_not_fetched(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a.cu": b"1"})
    commit_all(tmp_path)
    blob = git(tmp_path, "rev-parse", "HEAD:a.cu")
    (tmp_path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    tree = open_tree(tmp_path, revision="HEAD")
    assert "git has no such object" in reasons(tree)["a.cu"]
    with pytest.raises(FileNotReadable):
        tree.read("a.cu")


def test_the_limits_are_those_of_a_real_machine(tmp_path: Path) -> None:
    """Three gigabytes of zeros in 3 MB: refused within the default limits, in seconds."""
    place = tmp_path / "a.tar.gz"
    header = tar_header(b"zeros.bin", b"\x80" + (3 << 30).to_bytes(11, "big"))
    zeros = gzip.compress(bytes(64 * MEGABYTE))
    place.write_bytes(gzip.compress(header) + zeros * (3 << 4))

    def refuse() -> None:
        with pytest.raises(TreeRefused, match="unpacks to more than 1074 MB"):
            open_tree(place)

    assert least_seconds(refuse, 30) < 30
