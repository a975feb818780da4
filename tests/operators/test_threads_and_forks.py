"""Many threads call operators at once, and processes are forked that have called some."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import torch

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


def test_a_process_forked_before_any_thread_computes_on_several() -> None:
    """What a server does that loads its code once and then forks its workers."""
    text = """
import os, signal
import torch, opparity

opparity.load()
alone = len(os.listdir("/proc/self/task")) == 1
if os.fork() == 0:
    torch.set_num_threads(3)
    opparity.silu_and_mul(torch.randn(2048, 1024), "fp8_block")
    threads = len(os.listdir("/proc/self/task"))
    print("several" if threads >= 3 or not alone else threads, flush=True)
    os._exit(0)
os.wait()
"""
    completed = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False
    )
    assert completed.stdout == "several\n", completed.stderr[-2000:]


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
