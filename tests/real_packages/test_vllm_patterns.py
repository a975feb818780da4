"""vLLM's own fusion pass replaces block patterns by operators that make what was asked for."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

import opparity
from real_packages.packages import run, vllm

BLOCK = "silu_and_mul_per_block_quant"
PLUGIN = "without:linear"  # its modules cannot be imported where a GPU is pretended


@cache
def fused(version: str, platform: str, flags: str, asked: str = PLUGIN) -> Any:  # noqa: ANN401
    script = "tests/real_packages/fused_by_vllm.py"
    ended = run(vllm(version), script, platform, *flags, OPPARITY_VLLM=asked)
    return json.loads(ended.after("RESULT "))


@pytest.mark.parametrize("flags", ["000", "100", "010", "110", "001", "101", "111"])
def test_each_pattern_gets_the_scales_it_asks_for(flags: str) -> None:
    transposed, ue8m0, aligned = (flag == "1" for flag in flags)
    found = fused("0.33.0", "cuda", flags)
    assert found["matched"] == 1
    assert found["patterns"] == 17
    # Those of UE8M0 and TMA go to torch.ops.opparity, and so are not counted.
    assert found["calls"] == ({} if ue8m0 or aligned else {BLOCK: 2})
    for tokens, row in zip((33, 6), found["rows"], strict=True):
        columns = -(-tokens // 4) * 4 if aligned else tokens
        assert row == {
            "stride": [1, columns] if transposed else [4, 1],
            "powers_of_two": ue8m0,
            "same_codes": True,
            "same_scales": True,
        }


def test_vllm_by_itself_makes_neither() -> None:
    found = fused("0.33.0", "cuda", "111", f"{PLUGIN},without:patterns")
    assert found["matched"] == 1
    assert found["calls"] == {BLOCK: 2}
    assert [(row["stride"], row["powers_of_two"]) for row in found["rows"]] == [
        ([1, 33], False),
        ([1, 6], False),
    ]


@pytest.mark.parametrize("flags", ["000", "100"])
def test_rocm_has_the_plain_patterns_too(flags: str) -> None:
    found = fused("0.33.0", "rocm", flags)
    assert (found["matched"], found["patterns"]) == (1, 5)
    assert found["calls"] == {BLOCK: 2}
    assert all(row["same_codes"] and row["same_scales"] for row in found["rows"])
    by_itself = fused("0.33.0", "rocm", flags, f"{PLUGIN},without:patterns")
    assert (by_itself["matched"], by_itself["patterns"]) == (0, 1)
    assert by_itself["calls"] == {"silu_and_mul": 2, "per_token_group_fp8_quant": 2}


def test_graphs_with_the_plugin_have_another_name() -> None:
    ours = fused("0.33.0", "cuda", "111")["uuid"]
    theirs = fused("0.33.0", "cuda", "111", f"{PLUGIN},without:patterns")["uuid"]
    assert ours == f"{theirs}-opparity-{opparity.__version__}"
