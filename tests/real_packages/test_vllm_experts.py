"""vLLM's own functions on experts' rows take Opparity's operators, and give their bytes.

vLLM calls them on CUDA alone, so they are defined when asked for, and the tensors are a CPU's.
"""

from __future__ import annotations

import json

import pytest

from opparity.integrations.vllm.table import TRIED
from real_packages.packages import run, vllm

MASKED = "persistent_masked_m_silu_mul_quant"
FP4 = [
    f"{prefix}{kind}_experts_quant"
    for kind in ("scaled_fp4", "mxfp4")
    for prefix in ("", "silu_and_mul_")
]


@pytest.mark.parametrize("version", TRIED)
def test_each_function_has_our_bytes(version: str) -> None:
    ended = run(
        vllm(version),
        "tests/real_packages/vllm_experts.py",
        VLLM_TARGET_DEVICE="cpu",
        OPPARITY_VLLM=",".join(f"define:{name}" for name in (MASKED, *FP4)),
    )
    same, calls = json.loads(ended.after("RESULT "))
    assert same == dict.fromkeys((*FP4, "masked FLOAT32", "masked UE8M0"), True)
    assert calls == {MASKED: 2} | dict.fromkeys(FP4, 1)
