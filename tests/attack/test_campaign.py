"""Random calls of every operator, and whether who judges them sees what is wrong."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

import opparity
from attack import judge
from attack.campaign import Result, run, without
from attack.memory import SIZE, Arena, place, watch
from attack.plans import BY_NAME, Plan
from opparity.errors import OperatorMissing
from opparity.operators import native_library
from opparity.operators.gradients import overload_of
from opparity.operators.selection import select
from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.operators.declaration import Operator

CALLS = 100_000
# So few that a part has some ten answered calls even of the operator that has fewest.
PARTS = 5
# The reference takes some thirty times as long as the native library.
SHARE_COMPARED = 0.01
TOOL = Path(__file__).parents[2] / "tools" / "attack_operators.py"


@pytest.mark.parametrize("part", range(PARTS))
def test_random_calls_are_answered_right_or_refused_in_words(part: int) -> None:
    count = CALLS // PARTS
    result = run(0, part * count, count, SHARE_COMPARED)
    assert result.findings == []
    # Not all were refused, and each operator had calls of both kinds.
    assert result.outcomes["compared"] > count * SHARE_COMPARED / 2
    assert without(result.answered) == []
    assert without(result.refused) == []


def _broken(operator: Operator, flaw: str) -> Callable[..., Any]:
    """Return an operator that does one thing wrong."""
    overload = overload_of(operator)

    def call(**arguments: Any) -> object:  # noqa: ANN401 -- as an operator takes them
        input: Tensor = arguments["input"]
        if flaw == "refuses without words":
            raise RuntimeError("bad argument")
        if flaw == "raises an error of another kind":
            raise KeyError("input")
        found = overload(**arguments)
        if flaw == "writes to its input":
            _other_bit(input)
        if flaw == "writes behind its input":
            _other_bit(input.as_strided((1,), (1,), input.storage_offset() - 1))
        if flaw == "another bit":
            _other_bit(found[0])
        return found

    return call


def _other_bit(tensor: Tensor) -> None:
    first = tensor.as_strided((1,), (1,)).view(torch.uint8)[:1]
    first.bitwise_xor_(1)


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ("writes to its input", "which is not its to write"),
        ("writes behind its input", "which is not its to write"),
        ("another bit", "differs from the reference's in 1 bytes"),
        ("refuses without words", "raised what is no refusal of the operator's"),
        ("raises an error of another kind", "raised KeyError"),
    ],
)
def test_a_flaw_is_found_and_told_so_that_it_can_be_made_again(
    flaw: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opparity.load()
    monkeypatch.setattr(judge, "overload_of", lambda operator: _broken(operator, flaw))
    # The first operator of the table, in calls of which some have nothing wrong.
    attack = judge.Attack(0, 1.0)
    numbers = [n for n in range(0, 20 * len(BY_NAME), len(BY_NAME)) if not attack.plan(n).mistakes]
    findings = [run(0, number, 1, 1.0).findings for number in numbers]
    texts = [text for found in findings for text in found]
    assert any(words in text for text in texts), texts
    assert all("again: make attack SEED=0 CALL=" in text for text in texts)


def test_a_write_between_or_behind_an_outputs_elements_is_seen() -> None:
    arena = Arena()
    output = place(arena, (2, 3), (5, 1), torch.int8, SIZE)
    assert (output.begin, output.end) == (SIZE - 8, SIZE)
    for byte, foreign in ((SIZE - 8, None), (SIZE - 6, None), (SIZE - 5, SIZE - 5), (7, None)):
        arena.bytes.zero_()
        watched = watch([output], [output])
        arena.bytes[byte] = 1
        assert [one.foreign_write(answered=True) for one in watched] == [foreign]
        assert [one.foreign_write(answered=False) for one in watched] == [
            byte if byte > 7 else None
        ]


@pytest.mark.parametrize("typed", [True, False])
def test_a_write_between_an_outputs_elements_is_wrong_unless_the_reference_does_it(
    typed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = place(Arena(), (2, 3), (5, 1), torch.int8, SIZE)
    plan = Plan(BY_NAME["quantize.out"], typed=typed)
    ready = judge.Ready(plan, {"values": output.tensor}, {"values": output})

    def pads(values: Tensor) -> None:
        _other_bit(values.as_strided((1,), (1,), values.storage_offset() + 3))

    monkeypatch.setattr(judge, "overload_of", lambda _: pads)
    for reference, wrong in ((pads, ""), (lambda values: None, "wrote other bytes")):  # noqa: ARG005
        output.arena.bytes.zero_()
        monkeypatch.setattr(judge, "_reference", lambda _, reference=reference: reference)
        verdict = judge.judge(ready, compare=False)
        assert verdict.compared
        assert verdict.wrong.startswith(wrong)
        assert bool(verdict.wrong) == bool(wrong)


def test_the_native_library_serves_whatever_the_environment_says() -> None:
    served: list[str] = []

    def before(_: int) -> None:
        served.append(select("silu_and_mul", Platform.CPU).provider)

    with opparity.providers(forbid=["native"]):
        run(0, 0, 3, 0.0, before)
    run(0, 0, 3, 0.0, before)
    assert served == ["native"] * 6


def test_without_the_native_library_nothing_is_attacked() -> None:
    opparity.load()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native_library, "availability", lambda _: "it is gone")
        with pytest.raises(OperatorMissing, match="it is gone"):
            run(0, 0, 3, 0.0)
    # What serves is decided where a block ends, and that block ended without the library.
    with opparity.providers():
        pass


def test_what_a_process_found_before_it_ended_is_kept() -> None:
    ours, theirs = multiprocessing.Pipe(duplex=False)

    def work() -> None:
        theirs.send("a finding")
        theirs.send("another one")
        os.kill(os.getpid(), signal.SIGKILL)

    context = multiprocessing.get_context("fork")
    at = context.Value("q", 0, lock=False)
    process = context.Process(target=work)
    process.start()
    theirs.close()
    told, is_whole = runpy.run_path(str(TOOL))["_wait"](process, at, ours)
    assert (told.findings, told.outcomes["wrong"]) == (["a finding", "another one"], 2)
    assert not is_whole
    assert process.exitcode == -signal.SIGKILL


def test_kernels_that_cannot_be_loaded_are_not_left_out_as_unknown() -> None:
    completed = subprocess.run(
        [sys.executable, TOOL, "--calls", "10"],
        env={**os.environ, "OPPARITY_FORCE": "nobody"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 1
    assert "the kernels for avx512 cannot be loaded (exit code 1)" in completed.stderr


def test_what_came_of_every_call_is_printed() -> None:
    outcomes = Counter({"calls": 9, "answered": 4, "refused": 2, "turned away": 2})
    outcomes["no such tensor"] = 1
    assert "2 turned away, 1 no such tensor" in str(Result(outcomes))


@pytest.mark.parametrize("offset", [-1, SIZE])
def test_nobody_reads_beyond_an_arena(offset: int) -> None:
    text = (
        "import ctypes, sys; from attack.memory import Arena; arena = Arena(); print('made');"
        f"sys.stdout.flush(); print(ctypes.string_at(arena.address + {offset}, 1))"
    )
    completed = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert completed.stdout == "made\n"
    assert completed.returncode < 0


def test_a_call_can_be_made_again_by_itself() -> None:
    completed = subprocess.run(
        [sys.executable, TOOL, "--seed", "0", "--call", "205"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    assert "again: make attack SEED=0 CALL=205" in completed.stdout
    assert completed.stdout.endswith("; nothing wrong\n")
