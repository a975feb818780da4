from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

import opparity
from opparity import providers
from opparity.errors import OperatorMissing, ProviderUnknown
from opparity.operators import OPERATORS, PROVIDERS
from opparity.operators.selection import Refused, Selected, decisions, select
from opparity.operators.silu_and_mul_per_block_quant import reference
from opparity.platforms import Platform

OPERATOR = OPERATORS[0]


def call() -> torch.Tensor:
    return opparity.silu_and_mul_per_block_quant(torch.ones(1, 256)).values


def test_every_implementation_gets_a_decision_and_every_refusal_a_reason() -> None:
    for operator in OPERATORS:
        for platform in Platform:
            listed = decisions(operator, platform)
            assert [d.implementation for d in listed] == list(operator.implementations)
            for decision in listed:
                assert isinstance(decision, Selected) or len(decision.reason) > 10


def test_the_native_library_serves_the_cpu_by_default() -> None:
    assert select(OPERATOR, Platform.CPU).provider == "native"


def test_forcing_and_forbidding_hold_inside_the_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = reference.silu_and_mul_per_block_quant

    def spy(*arguments: object, **named: object) -> object:
        calls.append(1)
        return original(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(reference, "silu_and_mul_per_block_quant", spy)
    call()
    assert len(calls) == 0
    with providers(force="reference"):
        call()
        assert len(calls) == 1
        with providers(force="native"):
            call()
            assert len(calls) == 1
        call()
        assert len(calls) == 2
    call()
    assert len(calls) == 2
    with providers(forbid=["native"]):
        call()
    assert len(calls) == 3


def test_the_block_ends_by_an_exception_too() -> None:
    with pytest.raises(KeyError), providers(force="reference"):
        raise KeyError
    assert select(OPERATOR, Platform.CPU).provider == "native"


def test_with_nothing_left_the_call_says_why_each_is_out() -> None:
    with providers(forbid=PROVIDERS), pytest.raises(OperatorMissing) as caught:
        call()
    for provider in PROVIDERS:
        assert f"{provider}: " in str(caught.value)
    call()


def test_an_unknown_provider_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ProviderUnknown, match="did you mean triton"), providers(force="tritn"):
        pass
    with pytest.raises(ProviderUnknown, match="allowed: native, triton, reference"):
        opparity.providers(forbid=["cuda"]).__enter__()
    call()


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
            {"OPPARITY_FORBID": "native, triton"},
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
    assert report["schema_version"] == 1
    rows = {row["provider"]: row for row in report["rows"] if row["platform"] == "cpu"}
    assert {name: row["status"] for name, row in rows.items()} == statuses
    assert rows["native"]["reason"] == reason


def test_an_unknown_provider_in_the_environment_is_an_error() -> None:
    completed = run("import opparity; opparity.load()", OPPARITY_FORCE="fastest")
    assert completed.returncode == 1
    assert "provider 'fastest' is unknown; allowed: native, triton, reference" in completed.stderr


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


def test_a_library_that_does_not_load_is_refused_with_the_linkers_words() -> None:
    script = f"""
import pathlib, tempfile
import opparity.operators.native_library as library
broken = pathlib.Path(tempfile.mkdtemp(), "libopparity.so")
broken.write_bytes(b"no library")
library.path = lambda: broken
{DOCTOR}"""
    completed = run(script)
    assert completed.returncode == 0, completed.stderr
    rows = [r for r in json.loads(completed.stdout)["rows"] if r["platform"] == "cpu"]
    assert "does not load" in rows[0]["reason"]


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


def test_refused_and_selected_are_told_apart_by_type() -> None:
    kinds = {type(decision) for decision in decisions(OPERATOR, Platform.CPU)}
    assert kinds == {Selected, Refused}
