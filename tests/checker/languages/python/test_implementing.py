"""Which words stand in files that implement operators of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checker.trees_on_disk import write_folder
from opparity.checker.languages.python.implementing import implementing_words
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path


def test_only_files_with_a_library_and_an_implementation_count(tmp_path: Path) -> None:
    files = {
        "both.py": b'lib = Library("demo", "IMPL")\nlib.impl("shift", f)\n',
        "decorated.py": b'@torch.library.impl("demo::turn", "CPU")\ndef turn_cpu(): ...\n',
        "no_library.py": b'register.impl("lost", f)\n',
        "no_impl.py": b'lib = Library("demo", "DEF")\nlib.define("gone() -> ()")\n',
    }
    write_folder(tmp_path, files)
    words = implementing_words(open_tree(tmp_path))
    assert {"shift", "turn", "turn_cpu"} <= words
    assert words.isdisjoint({"lost", "gone"})
