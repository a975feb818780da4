"""Names that an `except ImportError` leaves without a value, and what needs them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.languages.python.lost_names import read_lost_names
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

IMPORTED = """import torch

try:
    from demo._C import Barrier
except {caught}:
    {otherwise}
"""


def lost(
    root: Path, use: str, caught: str = "ImportError", otherwise: str = "pass"
) -> list[tuple[str, int]]:
    text = IMPORTED.format(caught=caught, otherwise=otherwise) + use
    tree = open_tree(write_folder(root, {"demo/__init__.py": text.encode()}))
    found = read_lost_names(tree, ["demo/__init__.py"], {"_C"})
    return [(each.name, each.used.line) for each in found]


@pytest.mark.parametrize(
    "use",
    [
        "def wait(barrier: Barrier): ...\n",
        "def wait() -> Barrier | None: ...\n",
        "def wait(kind=Barrier): ...\n",
        "class Further(Barrier): ...\n",
        "@Barrier\ndef wait(): ...\n",
    ],
)
def test_what_a_definition_evaluates_at_once_needs_the_name(tmp_path: Path, use: str) -> None:
    assert lost(tmp_path, use) == [("Barrier", 7)]


def test_a_method_of_a_class_needs_the_name_too(tmp_path: Path) -> None:
    use = "class Queue:\n    def wait(self, *barriers: Barrier): ...\n"
    assert lost(tmp_path, use) == [("Barrier", 8)]


@pytest.mark.parametrize(
    ("use", "caught", "otherwise"),
    [
        ("def wait(): return Barrier()\n", "ImportError", "pass"),
        ("def wait(barrier: 'Barrier'): ...\n", "ImportError", "pass"),
        ("def wait(barrier: Barrier): ...\n", "ImportError", "Barrier = None"),
        ("def wait(barrier: Barrier): ...\n", "ImportError", "raise"),
        ("def wait(barrier: Barrier): ...\n", "KeyError", "pass"),
        ("class Barrier: ...\ndef wait(barrier: Barrier): ...\n", "ImportError", "pass"),
    ],
)
def test_no_name_is_lost(tmp_path: Path, use: str, caught: str, otherwise: str) -> None:
    assert lost(tmp_path, use, caught, otherwise) == []


def test_annotations_may_wait(tmp_path: Path) -> None:
    text = IMPORTED.format(caught="ImportError", otherwise="pass")
    text = "from __future__ import annotations\n" + text + "def wait(barrier: Barrier): ...\n"
    tree = open_tree(write_folder(tmp_path, {"demo/__init__.py": text.encode()}))
    assert not [*read_lost_names(tree, ["demo/__init__.py"], {"_C"})]
