"""Many threads call operators at once, and processes are forked that have called some."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from native_programs import compile_library
from operator_calls import BY_NAME, CPU, bytes_of, run_case
from opparity.operators.case_calls import call
from opparity.operators.cases import cases

if TYPE_CHECKING:
    from opparity.operators.case import Case

THREADS = 8
# Much longer than any of these processes computes, on a machine with much else to do.
PATIENCE_SECONDS = 120

# Each is a process that ends with "done"; one that would wait forever is ended by its alarm.
_BEGIN = """
import multiprocessing, os, signal, threading, zlib
import torch
import opparity

signal.alarm({patience})
torch.set_num_threads(4)
input = torch.randn(2048, 1024).bfloat16()
norm = torch.randn(512, 2048)


def compute():
    found = [*opparity.silu_and_mul(input, "fp8_block")]
    found += opparity.rms_norm(norm, None, "fp8_token")
    # Not by torch's own sum, whose threads are lost too, and which waits for them.
    return [zlib.crc32(part.view(torch.uint8).numpy().tobytes()) for part in found]


def fork_and_compare():
    child = os.fork()
    if child == 0:
        signal.alarm({patience} // 2)
        os._exit(0 if compute() == expected else 3)
    status = os.waitpid(child, 0)[1]
    assert status == 0, status


expected = compute()
"""
FORKS = {
    "after use": "fork_and_compare()",
    "from a thread that used none": (
        "thread = threading.Thread(target=fork_and_compare); thread.start(); thread.join()"
    ),
    "a grandchild": """
child = os.fork()
if child == 0:
    fork_and_compare()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
""",
    "while other threads compute": """
going = True


def go_on():
    while going:
        assert compute() == expected


threads = [threading.Thread(target=go_on) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(10):
    fork_and_compare()
going = False
for thread in threads:
    thread.join()
""",
    "while another thread chooses providers": """
going = True


def choose():
    while going:
        with opparity.providers(force="native"):
            pass


def compute_by(provider="native"):
    with opparity.providers(force=provider):
        return compute()


thread = threading.Thread(target=choose)
thread.start()
for _ in range(10):
    child = os.fork()
    if child == 0:
        signal.alarm({patience} // 2)
        os._exit(0 if compute_by() == expected else 3)
    status = os.waitpid(child, 0)[1]
    assert status == 0, status
going = False
thread.join()
""",
    "a pool's workers": """
with multiprocessing.get_context("fork").Pool(3) as pool:
    for found in pool.starmap(compute, [()] * 6):
        assert found == expected
""",
}


@pytest.mark.parametrize("what", FORKS)
def test_a_forked_process_computes_the_same_and_does_not_wait_forever(what: str) -> None:
    text = (_BEGIN + FORKS[what]).replace("{patience}", str(PATIENCE_SECONDS))
    completed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", text + "\nprint('done')"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.stdout == "done\n", (completed.returncode, completed.stderr[-2000:])


# A parent that has one thread, one that only BLAS has given several, and one whose pool of OpenMP's
# is lost in the child.
PARENTS = {
    "one thread": ("1", "assert len(os.listdir('/proc/self/task')) == 1"),
    "threads of others": (
        "1",
        "threading.Thread(target=threading.Event().wait, daemon=True).start()",
    ),
    "threads of OpenMP": ("3", "torch.ones(4096, 4096).sigmoid()"),
}


@pytest.mark.parametrize("parent", PARENTS)
def test_a_forked_process_computes_on_several_threads(parent: str) -> None:
    """What a server does that loads its code once and then forks its workers."""
    threads, prepare = PARENTS[parent]
    text = f"""
import os, signal, threading, time
import torch, opparity

opparity.load()
input = torch.ones(2048, 1024)
{prepare}
if os.fork() == 0:
    signal.alarm({PATIENCE_SECONDS} // 2)
    torch.set_num_threads(3)
    opparity.silu_and_mul(input, "fp8_block")
    whole, own = time.process_time(), time.thread_time()
    for _ in range(100):
        opparity.silu_and_mul(input, "fp8_block")
    whole, own = time.process_time() - whole, time.thread_time() - own
    # Two thirds are computed by others, or nothing.
    print("several" if whole > 1.3 * own else (whole, own), flush=True)
    os._exit(0)
os.wait()
"""
    completed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", text],
        # numpy's BLAS would start as many.
        env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.stdout == "several\n", completed.stderr[-2000:]


def test_where_no_thread_can_be_started_a_forked_process_computes_alone(tmp_path: Path) -> None:
    without = compile_library(
        tmp_path / "without.so", Path(__file__).parents[1] / "faults" / "without.cpp"
    )
    text = (
        _BEGIN
        + """
child = os.fork()
if child == 0:
    signal.alarm({patience} // 2)
    os.environ["WITHOUT"] = "threads"
    os._exit(0 if compute() == expected else 3)
print(os.waitpid(child, 0)[1])
"""
    )
    completed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", text.replace("{patience}", str(PATIENCE_SECONDS))],
        env={**os.environ, "LD_PRELOAD": str(without)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.stdout == "0\n", completed.stderr[-2000:]


def _few_cases() -> list[Case]:
    """Return a case of each operator."""
    return list({case.operator: case for case in cases()}.values())


def test_threads_that_call_the_same_and_different_operators_get_what_one_gets() -> None:
    chosen = _few_cases()
    assert {case.operator for case in chosen} == set(BY_NAME)
    expected = [[bytes_of(part) for part in run_case("native", case)] for case in chosen]
    barrier = threading.Barrier(THREADS)

    def go_through(first: int) -> list[str]:
        barrier.wait()
        # Half of them in the same order at once, the others each from another place on.
        start = 0 if first % 2 else first * len(chosen) // THREADS
        wrong = []
        for place in (*range(start, len(chosen)), *range(start)):
            case = chosen[place]
            found = [bytes_of(part) for part in call(case, BY_NAME[case.operator], CPU)]
            if not all(map(torch.equal, found, expected[place])):
                wrong.append(case.operator)
        return wrong

    with ThreadPoolExecutor(THREADS) as pool:
        wrong = [name for names in pool.map(go_through, range(THREADS)) for name in names]
    assert wrong == []
