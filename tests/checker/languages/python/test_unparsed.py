"""Python that nothing reads and that does not parse is named, and the rest of it is not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checker.trees_on_disk import write_folder
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.languages.python import unparsed as module
from opparity.checker.languages.python.unparsed import unparsed
from opparity.checker.languages.workers import Workers
from opparity.checker.results.basis import not_followed
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from pathlib import Path

OLD = b'import sys\n\nprint "usage:", sys.argv[0]\n'


def test_all_files_of_a_small_tree_are_parsed() -> None:
    contents = {"a.py": b"def f(:\n    pass\n", "b.py": b"x = 1\n", "c.py": OLD}
    assert unparsed(contents, Workers(1)) == ("a.py", "c.py")


def test_of_a_large_tree_only_what_looks_like_python_2_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 10)
    talk = b'"""\n  print it\n"""\nprint ("more")\n'
    contents = {"a.py": b"def f(:\n    pass\n", "c.py": OLD, "d.py": talk}
    assert unparsed(contents, Workers(1)) == ("c.py",)


@pytest.mark.parametrize("use", [b"", b"import torch\ntorch.ops.demo.turn(1)\n"])
def test_one_line_says_so_of_many_files_and_none_of_what_is_named_already(
    tmp_path: Path, use: bytes
) -> None:
    """A file that touches operators by its text is read, and an unknown of its own."""
    files = {f"demo/old_{number:03}.py": OLD for number in range(300)}
    files["csrc/ops.cpp"] = b'TORCH_LIBRARY(demo, m) { m.def("turn(Tensor x) -> Tensor"); }\n'
    files["setup.py"] = (
        b"from torch.utils.cpp_extension import CppExtension\n"
        b'setup(ext_modules=[CppExtension("demo._C", ["csrc/ops.cpp"])])\n'
    )
    write_folder(tmp_path, {**files, "demo/broken.py": use + b"def f(:\n"})
    analysis = Analysis(read_project(tmp_path))
    said = [english(each) for each in not_followed(analysis.basis) if each.key == "basis.unparsed"]
    expected = 300 if use else 301
    assert len(said) == 1
    assert said[0].startswith(f"not read: {expected} Python files that Python 3 cannot parse (")
    problems = {each.location.path for each in analysis.project.problems}
    assert problems == ({"demo/broken.py"} if use else set())
