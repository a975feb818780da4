"""Which of vLLM's kernel tests do not pass with our operators, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# What no reason is needed for.
_EXPECTED_OF_ALL = ("passed", "skipped")


@dataclass(frozen=True, slots=True)
class Expectation:
    """Tests that do not pass.

    Attributes:
        tests: a regular expression, found in "file::test[parameters]".
        outcome: failed, refused or interpreter.
        reason: why.
        every: whether each of these tests that is not skipped has this outcome; else one at least.
        most: how many tests of a run at most, where roundings decide; none is fine then.
        device: "cpu" or "cuda" where it is of one alone.
        custom_ops: "all" or "none" where it is of one mode alone.
    """

    tests: str
    outcome: str
    reason: str
    every: bool = False
    most: int | None = None
    device: str | None = None
    custom_ops: str | None = None

    def is_for(self, device: str, custom_ops: str) -> bool:
        """Return whether it is about such a run."""
        return self.device in (None, device) and self.custom_ops in (None, custom_ops)


_NORM = r"test_fused_quant_layernorm\.py::test_rms_norm\["
EXPECTED = (
    Expectation(
        _NORM + r".*-scale-ub-True\]",
        "refused",
        "its bound is a mean, which is below 0 in half of the tests",
    ),
    Expectation(
        _NORM + r".*-dtype1-.*-float8_e4m3fn-.*-scale-ub-False\]",
        "failed",
        "a code or two of millions, at ties: float32 norms differ in their last place",
        most=8,
    ),
    Expectation(
        r"test_per_token_group_quant\.py::test_per_token_group_quant_int8\[",
        "failed",
        "vLLM's group quantiser cuts int8 codes off; ours rounds them to nearest",
    ),
    Expectation(
        r"_colmajor\.py::test_silu_mul_fp8_quant_deep_gemm",
        "failed",
        "its Triton reference divides by amax * (1 / 448); ours multiplies by a reciprocal",
    ),
    Expectation(
        r"/test_silu_mul_fp8_quant_deep_gemm\.py::",
        "failed",
        "its reference computes scales, reciprocals and codes in bfloat16; ours in float32",
    ),
    Expectation(
        r"test_activation\.py::test_act_and_mul\[",
        "failed",
        "it asks for torch's own bits, with no tolerance",
        custom_ops="all",
    ),
    Expectation(
        r"test_relu2_fp8_quant\.py::test_relu2_static_fp8_quant_all_bf16_values\[",
        "failed",
        "on a CPU torch's cast keeps the sign of NaN",
        device="cpu",
    ),
    Expectation(
        r"test_relu2_fp8_quant\.py::test_relu2_static_fp8_quant_all_bf16_values\[",
        "failed",
        "one code of 65,536, at a tie: the compiled product differs in its last place",
        device="cuda",
    ),
    Expectation(
        r"test_fp8_quant\.py::test_dynamic_per_token_fp8_quant\[",
        "failed",
        "its reference divides by the scale; ours multiplies by the reciprocal: up to 33 codes",
        device="cuda",
    ),
    Expectation(
        r"test_relu2_fp8_quant\.py::test_relu2_static_fp8_quant_torch_compile_dynamic",
        "failed",
        "vLLM fuses on a GPU alone, and a trace does not take a CPU for one",
        every=True,
        device="cpu",
    ),
    Expectation(
        r"test_fp8_quant\.py::test_static_fp8_quant_(group_2d|1d_scale)\[",
        "refused",
        "scales are for groups, tokens or channels; ours has one for the tensor",
    ),
    Expectation(
        r"::test_per_token_group_quant_fp8_packed_zero_fills_padded_output_q\[",
        "refused",
        "values have padded rows",
    ),
    Expectation(
        r"test_int8_kernel\.py::",
        "interpreter",
        "Triton's interpreter cannot run the kernel of vLLM's that it calls",
        every=True,
        device="cpu",
    ),
)


def surprises(found: Mapping[str, tuple[str, str]], device: str, custom_ops: str) -> list[str]:
    """Return what is not as expected, a line each.

    Args:
        found: test -> outcome and reason.
        device: "cpu" or "cuda".
        custom_ops: "all" or "none".
    """
    listed = [each for each in EXPECTED if each.is_for(device, custom_ops)]
    lines = []
    for test, (outcome, reason) in found.items():
        known = any(e.outcome == outcome and re.search(e.tests, test) for e in listed)
        if outcome not in _EXPECTED_OF_ALL and not known:
            lines.append(f"{test}: {outcome}, which was not expected: {reason}")
    for each in listed:
        met = {
            test: outcome
            for test, (outcome, _) in found.items()
            if outcome != "skipped" and re.search(each.tests, test)
        }
        others = [test for test, outcome in met.items() if outcome != each.outcome]
        if each.most is not None:
            number = len(met) - len(others)
            if number > each.most:
                lines.append(
                    f"{number} {each.outcome}, expected {each.most} at most: {each.reason}"
                )
        elif met and (len(others) == len(met) or (each.every and others)):
            lines.append(f"{others[0]}: {met[others[0]]}, expected {each.outcome}: {each.reason}")
    return lines
