from __future__ import annotations

import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker.trees_on_disk import commit_all, contents, git, write_folder, write_tar, write_zip
from opparity.checker.tree.contents import TreeRefused, is_source
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

PATHS = st.from_regex(r"\A[a-z]{1,3}(/[a-z]{1,3}){0,3}\.(cu|h|py|bin|o)\Z", fullmatch=True)
TREES = st.dictionaries(PATHS, st.binary(max_size=300), min_size=2, max_size=8)


@given(files=TREES)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_tree_reads_the_same_from_a_folder_an_archive_and_a_revision(
    files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("trees")
    folder = write_folder(place / "project", files)
    expected = contents(open_tree(folder))
    assert set(expected) == set(files)
    for path, content in files.items():
        if is_source(path) and b"\0" not in content:
            assert expected[path] == content.removeprefix(b"\xef\xbb\xbf")
    for suffix in ("tar", "tar.gz", "tar.xz", "tar.bz2"):
        assert contents(open_tree(write_tar(place / f"a.{suffix}", files))) == expected
    assert contents(open_tree(write_zip(place / "a.zip", files))) == expected
    commit_all(folder)
    assert contents(open_tree(folder, revision="HEAD")) == expected


def test_an_sdist_names_the_project_and_its_top_folder_is_no_part_of_a_path(
    tmp_path: Path,
) -> None:
    tree = open_tree(write_tar(tmp_path / "x.tar.gz", {"csrc/a.cu": b"1", "setup.py": b"2"}))
    assert tree.name == "project-1.0"
    assert sorted(tree.files) == ["csrc/a.cu", "setup.py"]


def test_an_archive_without_a_top_folder_keeps_its_paths(tmp_path: Path) -> None:
    tree = open_tree(write_zip(tmp_path / "release.zip", {"csrc/a.cu": b"1", "b.h": b""}, top=""))
    assert tree.name == "release"
    assert sorted(tree.files) == ["b.h", "csrc/a.cu"]


def test_a_revision_shows_what_was_committed_and_not_the_work_tree(tmp_path: Path) -> None:
    write_folder(tmp_path, {"csrc/a.cu": b"old", "csrc/b.cu": b"gone", "other/c.cu": b"1"})
    first = commit_all(tmp_path)
    write_folder(tmp_path, {"csrc/a.cu": b"new"})
    (tmp_path / "csrc/b.cu").unlink()
    tree = open_tree(tmp_path / "csrc", revision=first)
    assert contents(tree) == {"a.cu": b"old", "b.cu": b"gone"}
    assert contents(open_tree(tmp_path / "csrc")) == {"a.cu": b"new"}
    assert git(tmp_path, "status", "--porcelain") == "M csrc/a.cu\n D csrc/b.cu"


def test_links_inside_the_tree_are_read_through(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "project", {"real/a.cu": b"1"})
    (root / "alias.cu").symlink_to("real/a.cu")
    (root / "folder").symlink_to("real")
    revision = commit_all(root)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(root, "project", filter=lambda m: None if ".git" in m.name else m)
    for tree in (
        open_tree(root),
        open_tree(root, revision=revision),
        open_tree(tmp_path / "a.tar.gz"),
    ):
        assert contents(tree) == {"real/a.cu": b"1", "alias.cu": b"1"}
        assert [each.location.path for each in tree.problems] == ["folder"]


def test_environments_builds_and_caches_are_passed_over(tmp_path: Path) -> None:
    root = write_folder(
        tmp_path,
        {
            "csrc/a.cu": b"",
            "venv/pyvenv.cfg": b"",
            "venv/include/torch.h": b"",
            "build/CMakeCache.txt": b"",
            "build/copy.cu": b"",
            "node_modules/x.py": b"",
        },
    )
    assert sorted(open_tree(root).files) == ["csrc/a.cu"]


@pytest.mark.parametrize("revision", ["nothing", "--help", "-c core.pager=x", "HEAD:csrc", ""])
def test_an_unknown_revision_is_refused_by_name(tmp_path: Path, revision: str) -> None:
    write_folder(tmp_path, {"csrc/a.cu": b""})
    commit_all(tmp_path)
    with pytest.raises(TreeRefused, match="no revision"):
        open_tree(tmp_path, revision=revision)


def test_a_folder_outside_git_has_no_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(TreeRefused, match="not a git repository"):
        open_tree(tmp_path, revision="HEAD")


def test_what_is_no_tree_is_refused_with_what_would_be_one(tmp_path: Path) -> None:
    with pytest.raises(TreeRefused, match="No such file or directory; give a folder"):
        open_tree(tmp_path / "missing")
    source = tmp_path / "a.cu"
    source.write_text("int x;")
    with pytest.raises(TreeRefused, match="give a folder, a tar"):
        open_tree(source)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0o120777, b"the file's"),
        (0o120644, b"the file's"),
        (0o100644, b"b.cpp"),
        (0o100777, b"b.cpp"),
        (0, b"b.cpp"),
    ],
)
def test_a_zips_member_is_a_link_where_its_mode_says_so(
    tmp_path: Path, mode: int, expected: bytes
) -> None:
    place = tmp_path / "demo.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("demo/b.cpp", b"the file's")
        member = zipfile.ZipInfo("demo/a.cpp")
        member.external_attr = mode << 16
        archive.writestr(member, b"b.cpp")
    assert open_tree(place).read("a.cpp") == expected
