from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import Any

import pytest
import torch

import opparity
from opparity import providers
from opparity.errors import OperatorMissing, OpparityError, ProviderUnknown
from opparity.operators import IMPLEMENTATIONS, PROVIDERS, selection, switching
from opparity.operators.reference import kernel as reference
from opparity.operators.reference import quantisation
from opparity.operators.selection import Refused, Selected, decisions, select
from opparity.platforms import Platform

NAME = "silu_and_mul"


def call() -> torch.Tensor:
    return opparity.silu_and_mul_per_block_quant(torch.ones(1, 256)).values


@pytest.fixture
def reference_calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    original = quantisation.compute

    def spy(*arguments: object, **named: object) -> object:
        calls.append(1)
        return original(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(reference, "compute", spy)
    return calls


def test_every_implementation_gets_a_decision_and_every_refusal_a_reason() -> None:
    for platform in Platform:
        listed = decisions(platform)
        assert [d.implementation for d in listed] == list(IMPLEMENTATIONS)
        for decision in listed:
            assert isinstance(decision, Selected) or len(decision.reason) > 10


def test_the_native_library_serves_the_cpu_by_default() -> None:
    assert select(NAME, Platform.CPU).provider == "native"


def test_forcing_and_forbidding_hold_inside_the_block_only(reference_calls: list[int]) -> None:
    call()
    assert len(reference_calls) == 0
    with providers(force="reference"):
        call()
        assert len(reference_calls) == 1
        with providers(force="native"):
            call()
            assert len(reference_calls) == 1
        call()
        assert len(reference_calls) == 2
    call()
    assert len(reference_calls) == 2
    with providers(forbid=["native"]):
        call()
    assert len(reference_calls) == 3


def test_the_block_ends_by_an_exception_too() -> None:
    with pytest.raises(KeyError), providers(force="reference"):
        raise KeyError
    assert select(NAME, Platform.CPU).provider == "native"


def test_a_block_that_cannot_begin_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, reference_calls: list[int]
) -> None:
    opparity.load()
    before, original = selection.policy(), switching.apply

    def fail_once(**named: bool) -> None:
        original(**named)
        monkeypatch.setattr(switching, "apply", original)
        raise UserWarning

    monkeypatch.setattr(switching, "apply", fail_once)
    with pytest.raises(UserWarning), providers(force="reference"):
        pytest.fail("the block began")
    assert selection.policy() is before
    call()
    assert reference_calls == []


def test_with_nothing_left_the_call_says_why_each_is_out() -> None:
    with providers(forbid=PROVIDERS), pytest.raises(OperatorMissing) as caught:
        call()
    name = "silu_and_mul_per_block_quant"
    assert str(caught.value).startswith(f"{name} has no implementation left on cpu: ")
    for provider in PROVIDERS:
        assert f"{provider}: " in str(caught.value)
    call()


def test_an_unknown_provider_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ProviderUnknown, match="did you mean native"), providers(force="nativ"):
        pass
    with pytest.raises(ProviderUnknown, match="allowed: native, reference"):
        opparity.providers(forbid=["cuda"]).__enter__()
    call()


def test_threads_enter_and_leave_blocks_at_the_same_time_while_others_call() -> None:
    mistakes: list[BaseException] = []
    expected = call()
    done = threading.Event()

    def enter(force: str) -> None:
        try:
            for _ in range(1000):
                with providers(force=force):
                    assert torch.equal(call().view(torch.uint8), expected.view(torch.uint8))
        except BaseException as mistake:  # noqa: BLE001 -- whatever it is, the test tells
            mistakes.append(mistake)

    def keep_calling() -> None:
        try:
            while not done.is_set():
                assert torch.equal(call().view(torch.uint8), expected.view(torch.uint8))
        except BaseException as mistake:  # noqa: BLE001 -- the same
            mistakes.append(mistake)

    caller = threading.Thread(target=keep_calling)
    threads = [threading.Thread(target=enter, args=(name,)) for name in ("reference", "native") * 2]
    # A block is open when the threads begin, as the documentation asks.
    with providers(force="reference"):
        caller.start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done.set()
        caller.join()
    assert mistakes == []
    assert select(NAME, Platform.CPU).provider == "native"


def test_after_the_last_block_calls_go_to_the_native_kernels_themselves() -> None:
    script = """
import opparity
from opparity.operators import switching
from opparity.platforms import Platform
covered = lambda: Platform.CPU in switching._covers
opparity.load()
found = [covered()]
with opparity.providers(force="native"):
    found.append(covered())
with opparity.providers(force="reference"):
    found.append(covered())
print(*found, covered())
"""
    completed = run(script)
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout.split() == ["False", "False", "True", "False"]


def test_of_blocks_that_overlap_the_last_to_begin_holds_and_each_ends_its_own() -> None:
    first, second = providers(force="reference"), providers(force="native")
    first.__enter__()
    second.__enter__()
    assert select(NAME, Platform.CPU).provider == "native"
    first.__exit__(None, None, None)
    assert select(NAME, Platform.CPU).provider == "native"
    assert len([d for d in decisions(Platform.CPU) if isinstance(d, Refused)]) == 1
    second.__exit__(None, None, None)
    assert not [d for d in decisions(Platform.CPU) if isinstance(d, Refused)]


def test_operators_are_loaded_once_by_threads_that_come_together() -> None:
    script = """
import threading
import opparity
mistakes = []
barrier = threading.Barrier(8)
def load():
    barrier.wait()
    try:
        opparity.load()
    except BaseException as mistake:
        mistakes.append(mistake)
threads = [threading.Thread(target=load) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert not mistakes, mistakes
"""
    completed = run(script)
    assert completed.returncode == 0, completed.stderr


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


DOCTOR = """
from opparity.doctor import examine
print(examine().to_json())
"""


@pytest.mark.parametrize(
    ("environment", "statuses", "reason"),
    [
        ({}, {"native": "selected", "reference": "available"}, None),
        (
            {"OPPARITY_FORCE": "reference"},
            {"native": "refused", "reference": "selected"},
            "the environment forces reference",
        ),
        (
            {"OPPARITY_FORBID": "native"},
            {"native": "refused", "reference": "selected"},
            "the environment forbids it",
        ),
    ],
)
def test_doctor_shows_what_the_environment_chose(
    environment: dict[str, str], statuses: dict[str, str], reason: str | None
) -> None:
    completed = run(DOCTOR, **environment)
    assert completed.returncode == 0, completed.stderr
    report = json.loads(completed.stdout)
    assert report["schema_version"] == 2
    rows = {row["provider"]: row for row in report["rows"] if row["platform"] == "cpu"}
    assert {name: row["status"] for name, row in rows.items()} == statuses
    assert rows["native"]["reason"] == reason


@pytest.mark.parametrize(
    ("forbid", "words"),
    [
        ("native", "forbid is 'native'; allowed: a list of providers' names; write ['native']"),
        (b"native", "provider 110 is unknown; allowed: native, reference"),
        (3, "forbid is 3; allowed: a list of providers' names; write [] for none"),
        (None, "forbid is None; allowed: a list of providers' names; write [] for none"),
        ([["native"]], "provider ['native'] is unknown; allowed: native, reference"),
    ],
)
def test_what_is_no_list_of_providers_is_answered_in_words(forbid: Any, words: str) -> None:  # noqa: ANN401
    block = opparity.providers(forbid=forbid)
    with pytest.raises(OpparityError) as caught, block:
        pytest.fail("the block has begun")
    assert words in str(caught.value)


def test_a_capability_that_the_processor_lacks_is_an_error_before_anything_is_registered() -> None:
    script = """
import torch, opparity
for _ in range(2):
    try:
        opparity.load()
    except opparity.OpparityError as error:
        print(error)
print(hasattr(torch.ops.opparity, "refuse_gradient"))
"""
    completed = run(script, OPPARITY_CPU_CAPABILITY="sse9")
    assert completed.returncode == 0, completed.stderr
    *said, registered = completed.stdout.splitlines()
    assert len(said) == 2
    assert all(line.startswith("OPPARITY_CPU_CAPABILITY is 'sse9'; allowed on") for line in said)
    assert registered == "False"


def test_an_unknown_provider_in_the_environment_is_an_error() -> None:
    completed = run("import opparity; opparity.load()", OPPARITY_FORCE="fastest")
    assert completed.returncode == 1
    assert "provider 'fastest' is unknown; allowed: native, reference" in completed.stderr


def test_without_the_native_library_the_reference_serves_and_doctor_says_why() -> None:
    script = f"""
import opparity.operators.native_library as library
library.FILE_NAME = "not_built.so"
import opparity, torch
values, scales = opparity.silu_and_mul_per_block_quant(torch.ones(1, 256))
assert (values.view(torch.uint8) == 0x7E).all()
{DOCTOR}"""
    completed = run(script)
    assert completed.returncode == 0, completed.stderr
    rows = [r for r in json.loads(completed.stdout)["rows"] if r["platform"] == "cpu"]
    assert rows[0]["status"] == "refused"
    assert "--no-build-isolation" in rows[0]["reason"]
    assert rows[1]["status"] == "selected"


def test_without_torch_the_doctor_still_speaks() -> None:
    script = f"""
import sys
from importlib import metadata
original = metadata.version
def version(name):
    if name == "torch":
        raise metadata.PackageNotFoundError(name)
    return original(name)
metadata.version = version
sys.modules["torch"] = None
{DOCTOR}"""
    completed = run(script)
    assert completed.returncode == 0, completed.stderr
    assert all(
        "torch is not installed" in row["reason"] for row in json.loads(completed.stdout)["rows"]
    )
