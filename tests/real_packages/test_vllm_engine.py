"""vLLM's engine on this CPU generates tokens through Opparity's operators."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from real_packages.packages import Ended, run, vllm

NEW, OLD = "0.33.0", "0.32.0"
BLOCK = "silu_and_mul_per_block_quant"


@cache
def generated(version: str, quantisation: str, compiled: bool, asked: str, force: str) -> Ended:
    arguments = ["examples/vllm_generate.py", quantisation, *(["--compile"] if compiled else [])]
    environment = {"VLLM_TARGET_DEVICE": "cpu", "OPPARITY_VLLM": asked}
    if force:
        environment["OPPARITY_FORCE"] = force
    return run(vllm(version), *arguments, **environment)


def tokens(
    quantisation: str, *, compiled: bool, asked: str = "", force: str = "", version: str = NEW
) -> list[int]:
    ended = generated(version, quantisation, compiled, asked, force)
    found: list[int] = ast.literal_eval(ended.after("tokens: "))
    assert len(found) == 8
    return found


def counts(quantisation: str, *, compiled: bool, version: str = NEW) -> dict[str, int]:
    ended = generated(version, quantisation, compiled, "", "")
    found: dict[str, int] = ast.literal_eval(ended.after("calls of Opparity's operators: "))
    return found


@pytest.mark.parametrize("version", [NEW, OLD])
def test_vllm_by_itself_has_no_block_fp8_on_this_cpu(version: str) -> None:
    ended = generated(version, "block", False, "off", "")
    assert ended.status != 0
    assert "Failed to find a kernel that can implement the ScaledMM linear layer" in ended.said


@pytest.mark.parametrize("version", [NEW, OLD])
def test_with_the_plugin_each_layer_is_fused_in_each_step(version: str) -> None:
    assert len(set(tokens("block", compiled=False, version=version))) > 3
    # Two layers, and eight steps of which the first reads the prompt.
    assert counts("block", compiled=False, version=version) == {BLOCK: 16}


@pytest.mark.parametrize("compiled", [False, True])
def test_the_reference_says_the_same_tokens(compiled: bool) -> None:
    native = tokens("block", compiled=compiled)
    assert tokens("block", compiled=compiled, force="reference") == native


def test_compiled_code_calls_it_as_often_and_once_more_to_warm_up() -> None:
    assert counts("block", compiled=True) == {BLOCK: 18}


@pytest.mark.parametrize("compiled", [False, True])
def test_a_model_without_quantisation_is_untouched(compiled: bool) -> None:
    with_it = tokens("bfloat16", compiled=compiled)
    assert counts("bfloat16", compiled=compiled) == {}
    assert tokens("bfloat16", compiled=compiled, asked="off") == with_it
    assert len(set(with_it)) > 3
