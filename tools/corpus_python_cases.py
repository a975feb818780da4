"""Cases of Python that uses what a platform lacks: trees before and after their repair.

Commits are of a clone of each project with its history; a platform that the tree's build does not
know is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PythonCase:
    """A defect and its repair.

    Attributes:
        project: the clone's name.
        broken, fixed: revisions; "" where the repaired tree is not known.
        symbol: what a result must name, in its message or in a place that it refers to.
        platform: where it is missing.
        weight: "error", "warning" or "unknown".
        asked: the platforms to check for; empty for every one that the build knows.
    """

    name: str
    project: str
    broken: str
    fixed: str
    symbol: str
    platform: str
    weight: str
    asked: tuple[str, ...] = ()


PYTHON_CASES = (
    PythonCase(
        "vLLM #28501", "vllm", "68c09efc37", "edb59a9470", "fused_qk_norm_rope", "rocm", "error"
    ),
    PythonCase(
        "vLLM #23916",
        "vllm",
        "0dc9532065^",
        "0dc9532065",
        "silu_and_mul_nvfp4_quant",
        "rocm",
        "unknown",
    ),
    PythonCase(
        "vLLM #29976",
        "vllm",
        "c719c40540",
        "afe9eb408e",
        "flashinfer_trtllm_fused_allreduce_norm",
        "rocm",
        "unknown",
    ),
    PythonCase("vLLM #39387", "vllm", "56c976c1b5", "d5f75fdf50", "QUANT_OPS", "rocm", "error"),
    PythonCase(
        "vLLM #17095", "vllm", "bf03ff3575^", "bf03ff3575", "machete_prepack_B", "rocm", "unknown"
    ),
    PythonCase(
        "intel-extension-for-pytorch #869",
        "vllm",
        "e969a169ef^",
        "e969a169ef",
        "get_cuda_view_from_cpu_tensor",
        "xpu",
        "unknown",
        ("xpu",),
    ),
    PythonCase(
        "vllm-ascend #4229", "vllm", "80b6080ddc", "", "_C::rms_norm", "npu", "unknown", ("npu",)
    ),
    PythonCase(
        "ROCm/aiter #2420",
        "vllm",
        "7d6917bef5^",
        "7d6917bef5",
        "persistent_masked_m_silu_mul_quant",
        "rocm",
        "warning",
    ),
    PythonCase(
        "SGLang #4311", "sglang", "690e1f237^", "690e1f237", "PyInit_common_ops", "rocm", "error"
    ),
    PythonCase(
        "SGLang #5668", "sglang", "ce5412b62", "7750b91ca", "awq_dequantize", "rocm", "unknown"
    ),
    PythonCase(
        "SGLang #6419",
        "sglang",
        "ce5412b62",
        "cfe48c590",
        "rotary_position_embedding_cpu",
        "cpu",
        "error",
    ),
)
