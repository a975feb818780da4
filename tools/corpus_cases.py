"""The trees that the checker is run on, and what is known of each.

A source is "release NAME VERSION", "commit PROJECT REVISION" or "replay GUARD" (replay_38750.py).
A revision that ends in ^ is the tree before the commit that repaired it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expected:
    """What a tree must have: a finding, or at least an unknown, on a platform ("" for any)."""

    symbol: str
    platform: str = ""
    weight: str = "error"  # "error", "warning", "unknown"


@dataclass(frozen=True, slots=True)
class Case:
    """A tree and what is known of it.

    Attributes:
        expected: what is wrong with it; none for a tree that is known to work.
        absent: what a repaired tree must not have any more.
        platforms: those that it is checked for; none means every one that its build knows.
    """

    name: str
    source: str
    expected: tuple[Expected, ...] = ()
    absent: tuple[Expected, ...] = ()
    platforms: tuple[str, ...] = ()


def _pair(
    name: str,
    project: str,
    revision: str,
    *expected: Expected,
    platforms: tuple[str, ...] = (),
) -> tuple[Case, Case]:
    """Return the tree before a repair, and the repaired one."""
    return (
        Case(name, f"commit {project} {revision}^", expected, (), platforms),
        Case("its fix", f"commit {project} {revision}", (), expected, platforms),
    )


def _error(symbol: str, *platforms: str) -> tuple[Expected, ...]:
    return tuple(Expected(symbol, platform) for platform in platforms or ("",))


SILU = "silu_and_mul_per_block_quant"
QUANT = Expected("per_token_group_quant_8bit", "rocm")
SUPPORTS = Expected("cutlass_scaled_mm_supports_fp8")
MLA = Expected("cutlass_mla_decode", "rocm")
MOE = Expected("cutlass_moe_mm_sm100", "cuda:12.0")

# Registered or called, and not built.
NOT_BUILT = (
    Case("vLLM #38750", "replay unguarded", _error(SILU, "rocm")),
    Case("its draft, IS_ROCM", "replay IS_ROCM", _error(SILU, "rocm")),
    Case("its fix, USE_ROCM", "replay USE_ROCM", (), _error(SILU, "rocm")),
    *_pair("vLLM #38750, as it was", "vllm", "3aab680e3e", *_error(SILU, "rocm")),
    Case("vLLM #17289", "release vllm 0.8.5", (MLA,)),
    Case("vLLM #17289, again", "release vllm 0.8.5.post1", (MLA,)),
    Case("its fix", "release vllm 0.9.0", (), (MLA,)),
    *_pair(
        "vLLM #20513",
        "vllm",
        "40b86aa05e",
        *_error("cutlass_blockwise_scaled_grouped_mm", "cuda:9.0"),
        platforms=("cuda:9.0", "cuda:10.0"),
    ),
    *_pair(
        "vLLM #26138",
        "vllm",
        "173c8a9520",
        *_error("cutlass_fp4_group_mm", "cuda:9.0"),
        platforms=("cuda:9.0", "cuda:10.0"),
    ),
    *_pair(
        "vLLM #40191",
        "vllm",
        "d0359f3e04",
        *_error("mxfp4_experts_quant", "cuda:8.6", "cuda:12.0"),
        *_error("silu_and_mul_mxfp4_experts_quant", "cuda:8.6", "cuda:12.0"),
        platforms=("cuda:8.6", "cuda:10.0", "cuda:12.0"),
    ),
    *_pair(
        "vLLM #23925",
        "vllm",
        "0dc9532065",
        *_error("silu_and_mul_nvfp4_quant", "cuda:9.0"),
        platforms=("cuda:9.0", "cuda:10.0"),
    ),
    Case("vLLM #21476", "commit vllm 75d29cf4e1", (QUANT,)),
    Case(
        "its first fix, #21647",
        "commit vllm 9ba1c88a93",
        (
            *_error("static_scaled_int8_quant", "rocm"),
            *_error("dynamic_scaled_int8_quant", "rocm"),
        ),
    ),
    Case("its fix, #21766 and #21850", "commit vllm 176bbce1db", (), (QUANT,)),
    Case(
        "vLLM #29030",
        "release vllm 0.11.1",
        (MOE,),
        platforms=("cuda:9.0", "cuda:10.0", "cuda:12.0"),
    ),
    Case(
        "vllm-gptq #1",
        "commit vllm-gptq e676265",
        _error("gptq_to_marlin", "cuda:7.0"),
        platforms=("cuda:7.0", "cuda:8.0"),
    ),
    *_pair("DeepSpeed #7894", "DeepSpeed", "f88d0f8d4", *_error("get_block_size", "npu")),
    *_pair("exllamav2 softcap_", "exllamav2", "cba8f6c", *_error("softcap_")),
    *_pair("exllamav2 sampling_avx2", "exllamav2", "329087f", *_error("softmax_cpu_avx2")),
    *_pair(
        "FBGEMM #5325",
        "FBGEMM",
        "191e1724f",
        *_error("remap_indices_update_utils_cpu", "cuda", "rocm"),
    ),
    *_pair("FBGEMM #687", "FBGEMM", "f744bd648", *_error("bounds_check_indices")),
    *_pair("lucebox #215", "lucebox", "d198b6c0", *_error("flash_prefill_forward_bf16", "rocm")),
    *_pair("aiter #2603", "aiter", "45defe6686", Expected("module_moe_asm", "rocm", "unknown")),
)
# Template instantiations and generated sources.
TEMPLATES = (
    *_pair(
        "flashinfer #956",
        "flashinfer",
        "594febea6",
        Expected("PODWithKVCacheTensorDispatched", "", "unknown"),
    ),
    *_pair(
        "flash-attention #111",
        "flash-attention",
        "86f8f157",
        Expected("run_mha_fwd_", "", "unknown"),
        platforms=("cuda",),
    ),
    *_pair(
        "FlashRT 3cc290b4",
        "FlashRT",
        "3cc290b4",
        Expected("run_mha_fwd_<cutlass::bfloat16_t, 256, true>", "", "unknown"),
    ),
)
# Signatures and names that disagree.
SIGNATURES = (
    *_pair("mmcv #1524", "mmcv", "e3327ca6", Expected("iou3d", "", "warning")),
    *_pair("mmcv #1781", "mmcv", "bdabdffc", *_error("deform_conv_backward_input")),
    Case("vLLM #14796", "release vllm 0.7.2", (SUPPORTS,)),
    Case("vLLM #14796, again", "release vllm 0.7.3", (SUPPORTS,)),
    Case("its fix", "release vllm 0.8.0", (), (SUPPORTS,)),
)
VLLM = (
    *("0.6.0", "0.6.3", "0.6.6", "0.7.0", "0.8.3", "0.8.4", "0.9.0.1", "0.9.1", "0.9.2"),
    *("0.10.0", "0.10.1", "0.10.2", "0.11.0", "0.11.1", "0.11.2", "0.12.0", "0.13.0", "0.14.0"),
    *("0.16.0", "0.17.0", "0.18.0", "0.19.0", "0.19.1", "0.20.0", "0.21.0", "0.22.0"),
    *("0.24.0", "0.26.0", "0.28.0", "0.30.0", "0.31.0", "0.32.0", "0.33.0"),
)
CASES = (
    *NOT_BUILT,
    *TEMPLATES,
    *SIGNATURES,
    *(Case(f"vLLM {version}", f"release vllm {version}") for version in VLLM),
)
