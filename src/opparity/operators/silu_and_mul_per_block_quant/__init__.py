"""The declaration of silu_and_mul_per_block_quant: SiLU(gate) * up, quantised by groups."""

from __future__ import annotations

from opparity.operators.declaration import Implementation, Operator
from opparity.platforms import Platform

_HERE = "opparity.operators.silu_and_mul_per_block_quant"

OPERATOR = Operator(
    name="silu_and_mul_per_block_quant",
    summary="SiLU(gate) * up, quantised with one scale for each group of a token.",
    schemas={
        # To the letter the schema of vLLM's operator.
        "": (
            "(Tensor! out, Tensor input, Tensor! scales, int group_size, "
            "Tensor? scale_ub=None, bool is_scale_transposed=False) -> ()"
        ),
        "intermediate": (
            "(Tensor! out, Tensor input, Tensor! scales, int group_size, "
            "Tensor? scale_ub, bool is_scale_transposed, str intermediate) -> ()"
        ),
    },
    fakes={"": f"{_HERE}.shapes:fake", "intermediate": f"{_HERE}.shapes:fake_intermediate"},
    implementations=(
        Implementation(
            provider="native",
            platforms=frozenset(Platform),
            availability="opparity.operators.native_library:availability",
            overloads={},
            sources=(
                "checks.cpp",
                "cpu_kernel.cpp",
                "cpu_operator.cpp",
                "cuda_operator.cpp",
                "hip_operator.cpp",
            ),
        ),
        Implementation(
            provider="triton",
            platforms=frozenset({Platform.CUDA, Platform.ROCM}),
            availability="opparity.operators.triton_support:availability",
            overloads={
                "": f"{_HERE}.triton_launch:launch",
                "intermediate": f"{_HERE}.triton_launch:launch_intermediate",
            },
        ),
        Implementation(
            provider="reference",
            platforms=frozenset(Platform),
            availability="opparity.operators.reference_support:availability",
            overloads={
                "": f"{_HERE}.reference:write",
                "intermediate": f"{_HERE}.reference:write_intermediate",
            },
        ),
    ),
    cases=f"{_HERE}.cases:cases",
    workloads=f"{_HERE}.workloads:workloads",
    warm_up=f"{_HERE}.warming:warm_up",
)
