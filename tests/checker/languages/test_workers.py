"""What other processes read is what this one would have read."""

from __future__ import annotations

import gc
import multiprocessing
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.languages.cpp.reader import read_native_files
from opparity.checker.languages.workers import WorkerLost, Workers, apart, collector_paused, in_turn
from opparity.checker.results import check
from opparity.checker.tree.contents import Tree, TreeRefused
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.checker.languages.workers import Steps

SOURCE = """
#include "a.h"
#ifndef USE_ROCM
namespace vllm { template <typename T> __global__ void kernel(const T* __restrict__ in, int n) {
  __shfl_xor_sync(0xffffffff, n, 1); } }
void silu(torch::Tensor& out, const torch::Tensor& in = {});
void silu(torch::Tensor& out, const torch::Tensor& in) { kernel<<<1, 2>>>(in); }
#endif
TORCH_LIBRARY(_C, m) { m.def("silu(Tensor! out, Tensor x) -> ()");
  m.impl("silu", torch::kCUDA, &silu); }
#define WIDTH 4
"""


def test_records_are_the_same_whichever_process_made_them() -> None:
    places = {f"{number}.cu": SOURCE.encode() * 40 for number in range(40)}
    tree = Tree("t", places)
    with Workers(1) as alone, Workers(2) as shared:
        here = {file.path: file for file in read_native_files(tree, alone)}
        there = {file.path: file for file in read_native_files(tree, shared)}
    assert there == here
    assert here["0.cu"].registrations[1].symbol == "silu"


def process_of(files: Sequence[tuple[str, bytes]]) -> list[int]:
    return [os.getpid() for _ in files]


def test_few_bytes_are_read_in_this_process_and_many_are_not() -> None:
    contents = {f"{number}": b"x" * 100 for number in range(50)}
    with Workers(2) as workers:
        assert set(workers.map(process_of, contents, worthwhile=5001)) == {os.getpid()}
        assert os.getpid() not in set(workers.map(process_of, contents, worthwhile=5000))


def die(files: Sequence[tuple[str, bytes]]) -> list[int]:
    os._exit(len(files))


def test_a_process_that_ends_unexpectedly_is_said_to_have() -> None:
    with Workers(2) as workers, pytest.raises(WorkerLost, match="ended unexpectedly"):
        list(workers.map(die, {"a": b"x", "b": b"y"}, worthwhile=1))


def test_the_collector_is_as_it_was_after_a_pause() -> None:
    assert gc.isenabled()
    with collector_paused(), collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def described(shared: object, suffix: str) -> tuple[int, str]:
    return os.getpid(), f"{shared}{suffix}"


def refused(path: Path) -> None:
    raise TreeRefused(path=path, detail="is refused")


def test_what_is_worked_out_beside_inherits_what_cannot_be_sent() -> None:
    unsendable = lambda: None  # noqa: E731 -- pickle takes no lambda
    with Workers(2) as workers:
        process, text = workers.beside(described, unsendable, "!")()
    assert text == f"{unsendable}!"
    assert (process == os.getpid()) == (multiprocessing.get_start_method() != "fork")


@pytest.mark.parametrize("count", [1, 2])
def test_it_is_worked_out_here_where_no_process_could_inherit_it(count: int) -> None:
    with Workers(count) as workers:
        list(workers.map(process_of, {"a": b"x"}, worthwhile=1))
        assert workers.beside(described, 1, "!")() == (os.getpid(), "1!")


def test_what_another_process_refuses_is_refused_here_in_its_words() -> None:
    wait = apart(refused, Path("a.zip"))
    with pytest.raises(TreeRefused, match=r"^a\.zip: is refused$") as caught:
        wait()
    assert caught.value.values == {"path": Path("a.zip"), "detail": "is refused"}


def test_a_process_of_its_own_gives_its_result_or_is_said_to_be_lost() -> None:
    process, text = apart(described, "x", "!")()
    assert (process != os.getpid(), text) == (Workers().count > 1, "x!")
    if Workers().count > 1:
        with pytest.raises(WorkerLost):
            apart(os._exit, 0)()


def test_each_in_turn_is_begun_at_the_second_wait_of_the_one_before() -> None:
    done: list[str] = []

    def steps(name: str, waits: int) -> Steps[str]:
        for number in range(waits):
            done.append(f"{name}{number}")
            yield
        done.append(f"{name}!")
        return name

    assert list(in_turn(steps(*each) for each in (("a", 3), ("b", 4), ("c", 0), ("d", 1)))) == [
        *("a", "b", "c", "d")
    ]
    assert " ".join(done) == "a0 a1 b0 a2 b1 a! b2 b3 c! b! d0 d!"


@pytest.mark.skipif(
    multiprocessing.get_start_method() != "fork", reason="processes inherit nothing here"
)
@pytest.mark.parametrize("name", ["cases/deepspeed_7894/broken", "call_suits_no_schema"])
def test_rules_find_the_same_whichever_process_applies_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis = Analysis(read_project(open_tree(Path(__file__).parents[2] / "projects" / name)))
    expected = check.check_project(analysis)
    started: list[object] = []

    def spied(*arguments: object) -> object:
        started.append(arguments)
        return apart(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(check, "apart", spied)
    monkeypatch.setattr(check, "inherits", lambda: True)
    monkeypatch.setattr(check, "_WORTH_A_PROCESS", 0)
    assert check.check_project(analysis) == expected
    assert expected.findings
    assert len(started) == 1
