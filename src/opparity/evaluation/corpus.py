"""Text for training and evaluation: the source of the Python standard library on this machine.

A file belongs to the same split on every machine and in every Python version, since its relative
path alone decides; so the model has never seen what it is evaluated on. (A module that a later
Python moves to another path may change sides.)
"""

from __future__ import annotations

import hashlib
import os
import sysconfig
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from opparity.errors import CorpusRefused
from opparity.evaluation.language_model import START

if TYPE_CHECKING:
    from collections.abc import Iterator

# Not the library: its tests are as large as itself, the packages are other people's.
EXCLUDED = frozenset(
    {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}
)
NUM_SHARES = 20


class Split(StrEnum):
    """What a file serves for."""

    HELD_OUT = "held-out"
    VALIDATION = "validation"
    TRAIN = "train"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the standard library.

    Attributes:
        name: path below the library's folder, with forward slashes.
        content: its bytes.
    """

    name: str
    content: bytes


def split_of(name: str) -> Split:
    """Return the split of a relative path: a twentieth held out, a twentieth for validation."""
    share = int.from_bytes(hashlib.sha256(name.encode()).digest()) % NUM_SHARES
    return {0: Split.HELD_OUT, 1: Split.VALIDATION}.get(share, Split.TRAIN)


def standard_library() -> Path:
    """Return the folder of the standard library of the running Python."""
    return Path(sysconfig.get_paths()["stdlib"])


def read_split(split: Split, *, root: Path | None = None) -> tuple[SourceFile, ...]:
    """Return the files of a split, ordered by the hash of their names.

    That order is as good as random, so that the first few files are no worse a sample than any.

    Raises:
        CorpusRefused: the folder holds no Python source of that split.
    """
    folder = standard_library() if root is None else root
    files = [
        SourceFile(name, path.read_bytes())
        for name, path in _source_paths(folder)
        if split_of(name) is split
    ]
    files = [file for file in files if file.content]
    if not files:
        raise CorpusRefused(
            detail=f"{folder} holds no {split} Python source",
            remedy="use a Python whose standard library is installed as .py files",
        )
    return tuple(sorted(files, key=lambda file: hashlib.sha256(file.name.encode()).digest()))


def _source_paths(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the relative name and the path of each file, excluded folders not entered."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in EXCLUDED]
        for path in (Path(parent, name) for name in names if name.endswith(".py")):
            if path.is_file():
                yield path.relative_to(folder).as_posix(), path


def stream(files: tuple[SourceFile, ...]) -> Tensor:
    """Return the files as one uint8 tensor, START before each."""
    joined = b"".join(bytes([START]) + file.content for file in files)
    return torch.from_numpy(np.frombuffer(joined, dtype=np.uint8).copy())


def sample_windows(files: tuple[SourceFile, ...], *, length: int, num_bytes: int) -> Tensor:
    """Return evenly spread windows of the files, uint8 [windows, length].

    Files are cut into windows that do not overlap, and the tail shorter than a window is left
    out. All windows are returned when they hold fewer bytes than asked for.

    Raises:
        CorpusRefused: fewer bytes than one window were asked for, or no file fills one.
    """
    if num_bytes < length:
        raise CorpusRefused(
            detail=f"{num_bytes} bytes were asked for, and a window has {length}",
            remedy=f"ask for {length} bytes or more",
        )
    rows = [
        np.frombuffer(file.content, dtype=np.uint8)[: len(file.content) // length * length]
        for file in files
    ]
    windows = np.concatenate(rows).reshape(-1, length)
    if not len(windows):
        raise CorpusRefused(
            detail=f"none of the {len(files)} files has the {length} bytes of a window",
            remedy="take more files",
        )
    wanted = min(num_bytes // length, len(windows))
    chosen = np.arange(wanted) * len(windows) // wanted
    return torch.from_numpy(windows[chosen].copy())
