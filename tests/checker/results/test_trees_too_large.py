"""A tree of too many sources is refused, and what its settings exclude does not count."""

from __future__ import annotations

import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder, write_zip
from opparity.checker.results.configuration import Configuration
from opparity.checker.results.configured_tree import open_as, open_configured
from opparity.checker.tree import opening
from opparity.checker.tree.contents import Limits, TreeTooLarge

if TYPE_CHECKING:
    from pathlib import Path

MEBIBYTE = 1 << 20
FILES = {
    "csrc/ops.cpp": b"int a;\n",
    **{f"3rdparty/{number}.cu": b" " * (MEBIBYTE // 2) for number in range(5)},
}
SETTINGS = {"opparity.toml": b'exclude = ["3rdparty/"]\n'}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "Limits", partial(Limits, kept_bytes=2 * MEBIBYTE))


def commit(folder: Path) -> None:
    for arguments in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "a"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


@pytest.mark.parametrize("revision", [None, "HEAD"])
def test_it_is_refused_with_what_to_do(tmp_path: Path, revision: str | None) -> None:
    commit(write_folder(tmp_path / "a", FILES))
    with pytest.raises(TreeTooLarge, match=r"more than 2 MiB of source; .*`exclude` in its oppari"):
        open_configured(tmp_path / "a", revision)


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {**FILES, **SETTINGS})
    with pytest.raises(TreeTooLarge, match="more than 2 MiB of source; unpack it, and leave"):
        open_configured(archive)


@pytest.mark.parametrize("revision", [None, "HEAD"])
@pytest.mark.parametrize("place", ["", "above/"])
def test_what_is_excluded_does_not_count(tmp_path: Path, revision: str | None, place: str) -> None:
    files = {f"{place}{name}": content for name, content in FILES.items()}
    commit(write_folder(tmp_path / "a", {**files, **SETTINGS}))
    tree, configuration = open_configured(tmp_path / "a" / place, revision)
    assert configuration.exclude == ("3rdparty/",)
    assert [path for path in tree.files if path.endswith((".cpp", ".cu"))] == ["csrc/ops.cpp"]
    assert len(tree.excluded) == 5


def test_nor_does_what_the_other_side_of_a_report_excludes(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", FILES)
    tree = open_as(folder, None, Configuration(exclude=("3rdparty/",)))
    assert [*tree.files] == ["csrc/ops.cpp"]
    with pytest.raises(TreeTooLarge):
        open_as(folder, None, Configuration())
