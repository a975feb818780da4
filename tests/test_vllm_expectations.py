"""What tools/run_vllm_tests.py takes for a surprise."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / "tools"
FILE = "moe/test_silu_mul_per_token_group_quant_fp8_colmajor.py"
COLMAJOR = f"{FILE}::test_silu_mul_fp8_quant_deep_gemm"
COMPILED = "test_relu2_fp8_quant.py::test_relu2_static_fp8_quant_torch_compile_dynamic"
INT8 = "quantization/test_per_token_group_quant.py::test_per_token_group_quant_int8"


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])


def surprises(found: dict[str, str], device: str = "cpu", custom_ops: str = "none") -> list[str]:
    import vllm_expectations  # noqa: PLC0415 -- the path is a fixture's

    outcomes = {test: (outcome, "why") for test, outcome in found.items()}
    return vllm_expectations.surprises(outcomes, device, custom_ops)


def test_what_is_expected_is_none() -> None:
    assert surprises({}) == []
    found = {f"{COLMAJOR}[1]": "failed", f"{COLMAJOR}[2]": "skipped", "a.py::test": "passed"}
    assert surprises(found) == []


def test_another_failure_is_one() -> None:
    found = {f"{COLMAJOR}[1]": "failed", "a.py::test": "failed"}
    assert surprises(found) == ["a.py::test: failed, which was not expected: why"]
    # A refusal is not the failure that was expected.
    assert len(surprises({f"{COLMAJOR}[1]": "refused"})) == 2


def test_an_expected_failure_that_does_not_come_is_one() -> None:
    found = {f"{COMPILED}[1]": "failed", f"{COMPILED}[2]": "passed"}
    [line] = surprises(found, device="cpu")
    assert re.match(r".*\[2\]: passed, expected failed: vLLM fuses on a GPU alone", line)


def test_of_some_expectations_one_failure_is_enough_and_none_is_too_few() -> None:
    found = {f"{INT8}[1]": "failed", f"{INT8}[2]": "passed"}
    assert surprises(found) == []
    assert len(surprises(found | {f"{INT8}[1]": "passed"})) == 1


def test_where_roundings_decide_few_may_fail_or_none() -> None:
    norm = "core/test_fused_quant_layernorm.py::test_rms_norm"
    tests = [
        f"{norm}[False-cuda:0-0-dtype1-True-{tokens}x64-float8_e4m3fn-per-token-tma-0-scale-ub-False]"
        for tokens in range(9)
    ]
    assert surprises(dict.fromkeys(tests, "passed")) == []
    assert surprises(dict.fromkeys(tests[:8], "failed")) == []
    [line] = surprises(dict.fromkeys(tests, "failed"))
    assert line.startswith("9 failed, expected 8 at most: a code or two of millions")


def test_an_interpreters_error_is_no_skip() -> None:
    kernel = {"quantization/test_int8_kernel.py::test_w8a8[1]": "interpreter"}
    assert surprises(kernel) == []
    assert len(surprises(kernel, device="cuda")) == 1
    assert len(surprises({"a.py::test": "interpreter"})) == 1


def test_an_expectation_of_another_mode_excuses_nothing() -> None:
    found = {"core/test_activation.py::test_act_and_mul[1]": "failed"}
    assert surprises(found, custom_ops="all") == []
    assert len(surprises(found, custom_ops="none")) == 1
