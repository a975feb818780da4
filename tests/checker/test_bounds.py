"""What stands behind the readers' own limits: processor time and memory, file by file."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from opparity.checker import bounds
from opparity.checker.facts.native import NativeFile
from opparity.checker.languages.cpp import reader
from opparity.checker.languages.workers import Workers
from opparity.checker.results.inspection import inspect_tree
from opparity.checker.results.request import Request
from opparity.checker.rules.file_not_read import FileNotRead
from opparity.checker.tree.contents import Tree
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from opparity.checker.rules.findings import Unknown

TREE = Tree(
    "endless",
    {
        "CMakeLists.txt": b"project(x LANGUAGES CXX CUDA)\nadd_library(_C MODULE a.cu b.cpp)\n",
        "a.cu": b"void x() {}\n// the largest file of this tree" + b"\n" * 100,
        "b.cpp": b'TORCH_LIBRARY(_C, m) { m.def("x() -> ()"); m.impl("x", &x); }\n',
    },
)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a tree's seconds be few: the endless work below takes its share of them."""
    monkeypatch.setattr(bounds, "_SECONDS", 2.0)


def endless() -> str:
    while True:
        pass


def out_of_memory() -> str:
    raise MemoryError


def too_deep() -> str:
    return too_deep()


@pytest.mark.parametrize("work", [endless, out_of_memory, too_deep])
def test_work_that_takes_too_much_gives_way_and_the_next_has_time(
    work: Callable[[], str],
) -> None:
    with bounds.watched():
        assert bounds.share(work, lambda: "given up") == "given up"
        assert bounds.share(lambda: "done", lambda: "given up") == "done"


def test_one_piece_of_work_after_another_takes_what_there_is_and_no_more() -> None:
    with bounds.watched():
        found = [bounds.share(endless, lambda: "given up") for _ in range(40)]
        with (
            pytest.raises(bounds.TreeTooCostly, match=r"reading it takes more .* a\.cu"),
            bounds.stage(0.0, "reading it", "x", TREE.places),
        ):
            endless()
    assert found == ["given up"] * 40


def test_without_a_command_nothing_is_timed() -> None:
    assert bounds.share(lambda: "done", lambda: "given up") == "done"
    assert bounds.share(out_of_memory, lambda: "given up") == "given up"
    assert bounds.shared() is None


def test_the_timer_is_left_as_it_was() -> None:
    before = signal.getsignal(signal.SIGPROF)
    with bounds.watched():
        assert signal.getitimer(signal.ITIMER_PROF)[1] > 0
        with bounds.watched():
            pass
        assert signal.getitimer(signal.ITIMER_PROF)[1] > 0
    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)
    assert signal.getsignal(signal.SIGPROF) is before


def test_a_second_thread_is_not_interrupted() -> None:
    found: list[float] = []

    def work() -> None:
        with bounds.watched():
            found.append(signal.getitimer(signal.ITIMER_PROF)[1])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [0]


def test_each_tree_of_a_command_has_its_own_seconds(tmp_path: Path) -> None:
    (tmp_path / "a.cu").write_bytes(b"x" * 500_000)
    with bounds.watched():
        assert bounds._watch is not None
        found = []
        for _ in range(3):
            open_tree(tmp_path)
            found.append(bounds._watch.ledger.allowed[0])
    assert found == [3.0, 6.0, 9.0]


def read_batch(files: Sequence[tuple[str, bytes]]) -> list[tuple[str, str]]:
    return [
        (path, bounds.share(endless if b"endless" in content else str, lambda: "given up"))
        for path, content in files
    ]


def test_processes_of_a_pool_share_the_bounds_of_their_command() -> None:
    contents = {f"{number}.cu": b"endless" * (number % 4 == 0) for number in range(16)}
    with bounds.watched(), Workers(2) as workers:
        found = dict(workers.map(read_batch, contents, worthwhile=0))
        used = bounds._watch.used if bounds._watch else 0.0
    assert {path for path, said in found.items() if said} == {f"{n}.cu" for n in (0, 4, 8, 12)}
    # What the other processes used is known here: more than a test's own work, of some 0.05 s. They
    # may take 1 s together, and each file 0.4 of what is left.
    assert used > 0.2


def unknowns(tree: Tree) -> dict[str, Unknown]:
    with bounds.watched():
        report = inspect_tree(tree, Request())
    return {each.statement.key: each for each in report.unknowns}


def test_a_file_that_takes_too_much_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    read = reader._read_file

    def slow(path: str, content: bytes) -> NativeFile:
        return read(path, content) if path == "b.cpp" else NativeFile(endless())

    monkeypatch.setattr(reader, "_read_file", slow)
    found = unknowns(TREE)
    assert found["unread.costly"].location.path == "a.cu"
    assert found["unread.costly"].rule == "INP001"


def test_a_rule_that_takes_too_much_says_so_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileNotRead, "check", lambda *_: iter(endless, ""))
    found = unknowns(TREE)
    assert found["unread.rule"].rule == FileNotRead.code
    assert found["unread.rule"].location.path == "a.cu"
