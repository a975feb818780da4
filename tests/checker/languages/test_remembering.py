from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opparity.checker.analysis.reading import read_project
from opparity.checker.languages.cpp import reader as native_reader
from opparity.checker.languages.python import reader as python_reader
from opparity.checker.languages.python.parsing import read_module
from opparity.checker.languages.remembering import RememberingWorkers
from opparity.checker.tree.contents import Tree
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.native import NativeFile
    from opparity.checker.languages.python.parsing import Leads
    from opparity.checker.languages.python.records import ModuleFacts

PROJECTS = sorted((Path(__file__).parents[2] / "projects").iterdir())


def facts(project: Project) -> tuple[object, ...]:
    return project.native, project.builds, project.python, project.problems


@pytest.fixture
def workers() -> Iterator[RememberingWorkers]:
    with RememberingWorkers() as found:
        yield found


def test_a_tree_is_read_the_same_after_another(workers: RememberingWorkers) -> None:
    for path in (*PROJECTS, *PROJECTS[::-1]):
        workers.next_tree()
        tree = open_tree(path)
        assert facts(read_project(tree, (), workers)) == facts(read_project(tree))


def test_only_files_that_are_other_ones_are_read_again(
    workers: RememberingWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = native_reader.read_native_text

    def counted(path: str, text: str) -> NativeFile:
        read.append(path)
        return original(path, text)

    monkeypatch.setattr(native_reader, "read_native_text", counted)
    before = Tree("a", {"a.cpp": b"int a;\n", "b.cpp": b"int b;\n", "c.cpp": b"int c;\n"})
    after = Tree("a", {"a.cpp": b"int a;\n", "b.cpp": b"int x;\n", "d.cpp": b"int c;\n"})
    again: list[Sequence[str]] = []
    for tree in (before, after, after):
        workers.next_tree()
        assert set(read_project(tree, (), workers).native) == tree.files
        again.append(sorted(read))
        read.clear()
    assert again == [["a.cpp", "b.cpp", "c.cpp"], ["b.cpp", "d.cpp"], []]


def test_a_tree_before_the_last_is_forgotten(workers: RememberingWorkers) -> None:
    trees = [Tree(str(n), {f"{n}.cpp": b"int a;\n"}) for n in range(4)]
    for first, second in pairwise(trees):
        for tree in (first, second):
            workers.next_tree()
            read_project(tree, (), workers)
    assert {key[1] for key in (*workers._before, *workers._now)} == {"2.cpp", "3.cpp"}


def test_a_file_is_read_again_where_it_imports_what_leads_to_operators_only_now(
    workers: RememberingWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = read_module

    def counted(path: str, content: bytes, leads: Leads) -> ModuleFacts:
        read.append(path)
        return original(path, content, leads)

    monkeypatch.setattr(python_reader, "read_module", counted)
    fused = b"import torch\ndef fused(x):\n    torch.ops._C.silu(x)\n"
    user = b"from pkg.%s import fused\nimport torch\ndef f(x):\n    torch.ops._C.silu(fused(x))\n"
    bindings = b'TORCH_LIBRARY(_C, m) { m.def("silu(Tensor x) -> Tensor"); }\n'
    script = b"from torch.utils.cpp_extension import CppExtension\nCppExtension('_C', ['a.cpp'])\n"
    before = {
        "a.cpp": bindings,
        "setup.py": script,
        "pkg/ops.py": fused,
        "pkg/more.py": b"def fused(x): ...\n",
        "pkg/user.py": user % b"ops",
        "pkg/other.py": user % b"more",
    }
    after = {**before, "pkg/more.py": fused}
    again = []
    for places in (before, after, after):
        workers.next_tree()
        read_project(Tree("a", places), (), workers)
        again.append(sorted(read))
        read.clear()
    assert again == [
        ["pkg/ops.py", "pkg/other.py", "pkg/user.py"],
        ["pkg/more.py", "pkg/other.py"],
        [],
    ]
