from __future__ import annotations

import pytest

from opparity.checker.tree.contents import Tree
from opparity.checker.tree.marks import MARKS, marks_in


@pytest.mark.parametrize("mark", sorted(MARKS))
def test_a_mark_is_found_among_bytes_that_are_no_text(mark: bytes) -> None:
    within = frozenset(other for other in MARKS if other in mark)
    assert marks_in(b"\xff\x00(" + mark + b"\n\xfe") == within


def test_each_mark_of_a_file_is_found_wherever_the_others_stand() -> None:
    every = sorted(MARKS)
    assert marks_in(b" ".join(every)) == marks_in(b" ".join(reversed(every))) == MARKS


def test_a_file_without_a_mark_has_none() -> None:
    assert marks_in(b"import os\nprint(os.getcwd())\n") == frozenset()
    assert marks_in(b"") == frozenset()


def test_files_with_one_of_some_marks_are_listed_in_the_order_of_the_tree() -> None:
    texts = {"a.py": b"import ctypes", "b.py": b"import os", "c.py": b"cffi = 1", "d.c": b"ctypes"}
    assert Tree("demo", texts).marked(b"ctypes", b"cffi") == ["a.py", "c.py"]


def test_a_text_that_is_no_mark_cannot_be_asked_for() -> None:
    with pytest.raises(AssertionError):
        Tree("demo", {}).marked(b"nobody looked for this")
