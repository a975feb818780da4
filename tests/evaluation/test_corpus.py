from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from opparity.errors import CorpusRefused
from opparity.evaluation.corpus import (
    SourceFile,
    Split,
    read_split,
    sample_windows,
    split_of,
    stream,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_the_splits_of_the_standard_library_are_disjoint_and_whole() -> None:
    names = {split: {file.name for file in read_split(split)} for split in Split}
    assert not names[Split.HELD_OUT] & (names[Split.TRAIN] | names[Split.VALIDATION])
    assert not names[Split.TRAIN] & names[Split.VALIDATION]
    everything = set().union(*names.values())
    assert {"json/decoder.py", "argparse.py", "asyncio/tasks.py"} <= everything
    assert not [name for name in everything if "test" in name.split("/")]
    assert not [name for name in everything if "site-packages" in name]
    assert 0.02 < len(names[Split.HELD_OUT]) / len(everything) < 0.09


def test_the_split_of_a_file_is_the_same_on_every_machine() -> None:
    assert {name: split_of(name) for name in KNOWN} == KNOWN


# The shipped model was trained with these sides.
KNOWN = {
    "functools.py": Split.HELD_OUT,
    "textwrap.py": Split.VALIDATION,
    "argparse.py": Split.TRAIN,
}


def test_reading_a_split_again_gives_the_same_files_in_the_same_order() -> None:
    assert read_split(Split.HELD_OUT) == read_split(Split.HELD_OUT)


def test_tests_and_packages_of_others_are_left_out(tmp_path: Path) -> None:
    for name in ("library.py", "test/library.py", "site-packages/other.py", "pkg/tests/case.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    found = read_split(split_of("library.py"), root=tmp_path)
    assert [file.name for file in found] == ["library.py"]


def test_a_folder_without_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusRefused, match=r"holds no held-out Python source; use a Python"):
        read_split(Split.HELD_OUT, root=tmp_path)


def test_files_follow_one_another_each_after_a_start() -> None:
    files = (SourceFile("a.py", b"ab"), SourceFile("b.py", b"c"))
    assert stream(files).tolist() == [0, 97, 98, 0, 99]


def test_windows_are_whole_spread_evenly_and_never_repeated() -> None:
    content = bytes(range(100))
    files = (SourceFile("a.py", content), SourceFile("b.py", b"short"), SourceFile("c.py", content))
    everything = sample_windows(files, length=10, num_bytes=10_000)
    assert everything.dtype is torch.uint8
    assert everything.tolist() == [list(range(at, at + 10)) for at in range(0, 100, 10)] * 2
    some = sample_windows(files, length=10, num_bytes=59)
    assert some[:, 0].tolist() == [0, 40, 80, 20, 60]


@pytest.mark.parametrize(("num_bytes", "reason"), [(9, "9 bytes were asked"), (99, "none of the")])
def test_text_without_one_whole_window_is_refused(num_bytes: int, reason: str) -> None:
    with pytest.raises(CorpusRefused, match=reason):
        sample_windows((SourceFile("a.py", b"short"),), length=10, num_bytes=num_bytes)
