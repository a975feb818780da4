"""Which words stand in files that implement operators of some library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checker.trees_on_disk import write_folder
from opparity.checker.languages.python.implementing import implementing_words
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path


def test_only_files_that_implement_count(tmp_path: Path) -> None:
    files = {
        "both.py": b'lib = Library("demo", "IMPL")\nlib.impl("shift", f)\n',
        "decorated.py": b'@torch.library.impl("demo::turn", "CPU")\ndef turn_cpu(): ...\n',
        "of_another_file.py": b'from both import lib\nlib.impl("turned", f)\n',
        "by_a_helper.py": b'fill(Library("demo", "IMPL"), {"folded": f})\n',
        "kernel.py": b'@shift.register_kernel("cpu")\ndef shift_cpu(): ...\n',
        "defines.py": b'lib = Library("demo", "DEF")\nlib.define("gone() -> ()")\n',
        "fake.py": b'@torch.library.register_fake("demo::lost")\ndef lost_fake(): ...\n',
    }
    write_folder(tmp_path, files)
    words = implementing_words(open_tree(tmp_path))
    assert {"shift", "turn", "turn_cpu", "turned", "folded", "shift_cpu"} <= words
    assert words.isdisjoint({"lost", "gone"})
