"""The pass for torch.compile on code that nobody here wrote: vLLM's, torchao's, transformers'."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from real_packages.packages import FOLDER, REPOSITORY, run, vllm

# docs/compile.md says how many codes differ, those of 48 tokens here.
MOST_CODES = 0.002
SILU_TO_INT8 = "left, silu_and_mul, 'int8/row/"
OTHER = "left, its numbers are those of no operator"


def found(package: str, paths: list[str], word: str = "RESULT") -> dict[str, Any]:
    script = f"tests/real_packages/{package}_spellings.py"
    # Where vLLM knows that this is a CPU, it takes the library that the processor can run.
    ended = run([*paths, str(REPOSITORY / "tests")], script, VLLM_TARGET_DEVICE="cpu")
    assert ended.status == 0, ended.said[-4000:]
    results: dict[str, Any] = json.loads(ended.after(f"{word} "))
    return results


def torchao() -> list[str]:
    return [str(FOLDER / "torchao")]


def is_same(result: dict[str, Any], start: str) -> bool:
    """Return whether an operator took a spelling's place, and each byte is that of eager calls."""
    (match,) = result["matches"]
    return f": {start}" in match and "the same bytes" in match and not result["scales"]


@pytest.mark.parametrize("version", ["0.32.0", "0.33.0"])
def test_each_quantiser_of_vllm_behind_silu_is_near_an_operator(version: str) -> None:
    results = found("vllm", vllm(version), "NEAR")
    recipes = {
        "blocks": "float8_e4m3fn/128/float32/amax/row_major",
        "tokens": "float8_e4m3fn/row/float32/amax/row_major",
        "UE8M0": "float8_e4m3fn/128/ue8m0_float32/ceil/row_major",
    }
    for name, recipe in recipes.items():
        (match,) = results[name]["matches"]
        assert f": silu_and_mul, '{recipe}'" in match
        assert results[name]["codes"] <= MOST_CODES
        assert results[name]["scales"] == 0


@pytest.mark.parametrize("version", ["0.32.0", "0.33.0"])
def test_of_vllm_what_has_the_same_bytes_is_taken(version: str) -> None:
    # vLLM's SiLU by AVX2 differs from ours in half of the products, by one bit: too many to name
    # ours. That by AVX-512 differs in fewer.
    has_avx512 = "avx512f" in Path("/proc/cpuinfo").read_text("utf-8")
    results = found("vllm", vllm(version))
    assert is_same(results["tokens"], "silu_and_mul, 'float8_e4m3fn/row/")
    assert results["tokens"]["codes"] == 0
    assert is_same(results["written, tokens"], "quantize, 'float8_e4m3fn/row/")
    assert results["written, tokens"]["codes"] == 0
    for name, reason in {
        "blocks": "left, silu_and_mul",
        "UE8M0": "left, silu_and_mul",
        "written, int8 written": SILU_TO_INT8 if has_avx512 else OTHER,
        "int8 written": "is one operator already",
    }.items():
        (match,) = results[name]["matches"]
        assert reason in match


def test_of_torchao_nothing_is_taken() -> None:
    results = found("torchao", torchao())
    assert OTHER in results["float8_rows"]["matches"][0]
    assert OTHER in results["float8_blocks"]["matches"][0]
    assert OTHER in results["int8_rows"]["matches"][0]
    for name in ("float8_axiswise", "float8_training_blocks"):
        assert "left, silu_and_mul" in results[name]["matches"][0]
    for result in found("torchao", torchao(), "FLOAT32").values():
        assert "left, " in result["matches"][0]


def test_of_transformers_mlps_those_with_packed_weights_are_taken() -> None:
    results = found("transformers", [])
    assert is_same(results["Phi3, tokens"], "silu_and_mul, 'float8_e4m3fn/row/")
    assert results["Phi3, tokens"]["codes"] == 0
    # Gate and up are two tensors in Llama, and the operators take one.
    (match,) = results["Llama, tokens"]["matches"]
    assert ": quantize, 'float8_e4m3fn/row/" in match
    assert "the same bytes" in match
    for name in ("Phi3, blocks divided", "Phi3, BitLinear", "Llama, blocks divided"):
        assert "left, " in results[name]["matches"][0]
