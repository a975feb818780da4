from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opparity.checker.trees import FileNotReadable, TreeRefused, is_source, open_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from opparity.checker.trees import SourceTree

Files = dict[str, bytes]

PATHS = st.from_regex(r"\A[a-z]{1,3}(/[a-z]{1,3}){0,3}\.(cu|h|py|bin|o)\Z", fullmatch=True)
TREES = st.dictionaries(PATHS, st.binary(max_size=300), min_size=2, max_size=8)


def write_folder(root: Path, files: Mapping[str, bytes]) -> Path:
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return root


def write_tar(place: Path, files: Mapping[str, bytes], top: str = "project-1.0/") -> Path:
    mode = {"gz": "w:gz", "xz": "w:xz", "bz2": "w:bz2", "tar": "w:"}[place.suffix[1:]]
    with tarfile.open(place, mode) as archive:  # type: ignore[call-overload]
        for path, content in files.items():
            member = tarfile.TarInfo(top + path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return place


def write_zip(place: Path, files: Mapping[str, bytes], top: str = "project-1.0/") -> Path:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(top + path, content)
    return place


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "core.symlinks=true"]
    completed = subprocess.run(
        ["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return completed.stdout.strip()


def commit_all(root: Path) -> str:
    git(root, "init", "--quiet")
    git(root, "add", "--all", "--force")
    git(root, "commit", "--quiet", "--allow-empty", "--no-verify", "--message", "A tree")
    return git(root, "rev-parse", "HEAD")


def contents(tree: SourceTree) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    for path in tree.files:
        try:
            found[path] = tree.read(path)
        except FileNotReadable as error:
            found[path] = str(error)
    return found


@given(files=TREES)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_tree_reads_the_same_from_a_folder_an_archive_and_a_revision(
    files: Files, tmp_path_factory: pytest.TempPathFactory
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
    assert list(tree.files) == ["csrc/a.cu", "setup.py"]


def test_an_archive_without_a_top_folder_keeps_its_paths(tmp_path: Path) -> None:
    tree = open_tree(write_zip(tmp_path / "release.zip", {"csrc/a.cu": b"1", "b.h": b""}, top=""))
    assert tree.name == "release"
    assert list(tree.files) == ["b.h", "csrc/a.cu"]


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
        assert [each.path for each in tree.not_read] == ["folder"]


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
    assert list(open_tree(root).files) == ["csrc/a.cu"]


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
