"""The places of vLLM that a CPU gets to call Opparity's operators, and fail without them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from real_packages.packages import run, vllm

BLOCK, STATIC = "silu_and_mul_per_block_quant", "silu_and_mul_quant"


def said(version: str, asked: str) -> Any:  # noqa: ANN401 -- a document
    script = "tests/real_packages/vllm_paths.py"
    ended = run(vllm(version), script, VLLM_TARGET_DEVICE="cpu", OPPARITY_VLLM=asked)
    return json.loads(ended.after("RESULT "))


@pytest.mark.parametrize("version", ["0.33.0", "0.32.0"])
def test_each_place_has_our_bytes(version: str) -> None:
    assert said(version, "") == {
        "static": True,
        "row": "QuantizedActivation",
        "block": True,
        "transposed False": True,
        "transposed True": True,
        "calls": {STATIC: 1, BLOCK: 3},
    }


def test_without_the_plugin_they_fail_or_fuse_nothing() -> None:
    found = said("0.33.0", "off")
    assert STATIC in found["static"]
    assert found["row"] == "Tensor"
    assert BLOCK in found["transposed False"]
    assert found["calls"] == {}
