"""Cases of Python that uses what a platform lacks: trees before and after their repair.

Commits are of a clone of each project with its history; a platform that the tree's build does not
know is asked for.
"""

from __future__ import annotations

from corpus_cases import Case, Expected


def _pair(
    name: str,
    project: str,
    broken: str,
    fixed: str,
    symbol: str,
    platform: str,
    weight: str,
    asked: tuple[str, ...] = (),
) -> tuple[Case, ...]:
    """Return the tree before a repair, and the repaired one where it is known."""
    expected = (Expected(symbol, platform, weight),)
    before = Case(name, f"commit {project} {broken}", expected, (), asked)
    if not fixed:
        return (before,)
    return before, Case("its fix", f"commit {project} {fixed}", (), expected, asked)


PYTHON_CASES: tuple[Case, ...] = (
    *_pair(
        "vLLM #28501", "vllm", "68c09efc37", "edb59a9470", "fused_qk_norm_rope", "rocm", "error"
    ),
    *_pair(
        "vLLM #23916",
        "vllm",
        "0dc9532065^",
        "0dc9532065",
        "silu_and_mul_nvfp4_quant",
        "rocm",
        "error",
    ),
    *_pair(
        "vLLM #29976",
        "vllm",
        "c719c40540",
        "afe9eb408e",
        "flashinfer_trtllm_fused_allreduce_norm",
        "rocm",
        "warning",
    ),
    *_pair("vLLM #39387", "vllm", "56c976c1b5", "d5f75fdf50", "QUANT_OPS", "rocm", "error"),
    *_pair(
        "vLLM #17095", "vllm", "bf03ff3575^", "bf03ff3575", "machete_prepack_B", "rocm", "unknown"
    ),
    *_pair(
        "intel-extension-for-pytorch #869",
        "vllm",
        "e969a169ef^",
        "e969a169ef",
        "get_cuda_view_from_cpu_tensor",
        "xpu",
        "unknown",
        ("xpu",),
    ),
    *_pair(
        "vllm-ascend #4229", "vllm", "80b6080ddc", "", "_C::rms_norm", "npu", "unknown", ("npu",)
    ),
    *_pair(
        "ROCm/aiter #2420",
        "vllm",
        "7d6917bef5^",
        "7d6917bef5",
        "persistent_masked_m_silu_mul_quant",
        "rocm",
        "warning",
    ),
    *_pair(
        "SGLang #4311", "sglang", "690e1f237^", "690e1f237", "PyInit_common_ops", "rocm", "error"
    ),
    *_pair("SGLang #5668", "sglang", "ce5412b62", "7750b91ca", "awq_dequantize", "rocm", "warning"),
    *_pair(
        "SGLang #6419",
        "sglang",
        "ce5412b62",
        "cfe48c590",
        "rotary_position_embedding_cpu",
        "cpu",
        "error",
    ),
)
