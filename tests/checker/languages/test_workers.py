"""What other processes read is what this one would have read."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import pytest

from opparity.checker.languages.cpp.reader import read_native_files
from opparity.checker.languages.workers import WorkerLost, Workers
from opparity.checker.tree.contents import Tree
from opparity.collector import collector_paused

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def test_where_no_process_can_be_started_files_are_read_here_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("multiprocessing.process.BaseProcess.start", refuse)
    with Workers(2) as workers:
        for _ in range(2):
            found = workers.map(process_of, {"a": b"x", "b": b"y"}, worthwhile=1)
            assert set(found) == {os.getpid()}
    assert capsys.readouterr().err == (
        "opparity: no further process can be started ([Errno 11] Resource temporarily "
        "unavailable): files are read by this one, which takes longer\n"
    )


def test_the_collector_is_as_it_was_after_a_pause() -> None:
    assert gc.isenabled()
    with collector_paused(), collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
