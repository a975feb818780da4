from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opparity.checker.project import Project, read_project
from opparity.checker.readers import native
from opparity.checker.remembering import RememberingWorkers
from opparity.checker.tree import Tree, open_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opparity.checker.facts import NativeFile

PROJECTS = sorted((Path(__file__).parents[1] / "projects").iterdir())


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
    original = native.read_native_text

    def counted(path: str, text: str) -> NativeFile:
        read.append(path)
        return original(path, text)

    monkeypatch.setattr(native, "read_native_text", counted)
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
