"""The pass for torch.compile finds vLLM's unfused layers, which nobody here wrote."""

from __future__ import annotations

import json

import pytest

from real_packages.packages import run, vllm

# docs/compile.md says how many codes differ, those of 48 tokens here.
MOST_CODES = 0.002


@pytest.mark.parametrize("version", ["0.32.0", "0.33.0"])
def test_each_quantiser_behind_silu_is_one_operator(version: str) -> None:
    ended = run(vllm(version), "tests/real_packages/vllm_spellings.py")
    found = json.loads(ended.after("RESULT "))
    recipes = {
        "blocks": "float8_e4m3fn/128/float32/amax/row_major",
        "tokens": "float8_e4m3fn/row/float32/amax/row_major",
        "UE8M0": "float8_e4m3fn/128/ue8m0_float32/ceil/row_major",
    }
    for name, recipe in recipes.items():
        (match,) = found[name]["matches"]
        assert f"silu_and_mul, '{recipe}'" in match
        assert found[name]["codes"] <= MOST_CODES
        assert found[name]["scales"] == 0
