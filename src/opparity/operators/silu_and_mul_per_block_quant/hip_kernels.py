"""The Triton kernel's variants that are compiled ahead of time for AMD GPUs.

hip_launch.h knows the same names and numbers, and tests/native/test_hip_kernels.py compares them.
"""

from __future__ import annotations

import itertools

from opparity.code_objects.compilation import Variant, wave_size
from opparity.formats import GROUP_SIZES, INPUT_DTYPES, VALUE_FORMATS, Intermediate
from opparity.operators.silu_and_mul_per_block_quant.triton_constants import compile_time_arguments
from opparity.operators.silu_and_mul_per_block_quant.triton_kernel import (
    silu_and_mul_per_block_quant_kernel as KERNEL,  # noqa: N812 -- what the compiler takes
)

__all__ = ["KERNEL", "variants"]

_ELEMENTS = {"Wide": 1024, "Narrow": 256, "Unaligned": 1024}
_ELEMENTS_OF_A_THREAD = 8
_NAMES = {
    "float16": "Float16",
    "bfloat16": "BFloat16",
    "float32": "Float32",
    "float8_e4m3fn": "Float8E4M3FN",
    "float8_e4m3fnuz": "Float8E4M3FNUZ",
    "int8": "Int8",
}
_POINTERS = {"float16": "*fp16", "bfloat16": "*bf16", "float32": "*fp32"}
# A group is at least 16 wide, and so is what it divides.
_ALWAYS_ALIGNED = frozenset({"hidden_size"})
_ALIGNED = _ALWAYS_ALIGNED | {"out", "input", "input_row_stride", "out_row_stride"}


def variants(architecture: str) -> tuple[Variant, ...]:
    """Return every variant that the launcher may ask for on an architecture."""
    return tuple(
        _variant(architecture, input_dtype, intermediate, value_format, group_size, shape)
        for input_dtype, intermediate, value_format, group_size, shape in itertools.product(
            INPUT_DTYPES, Intermediate, VALUE_FORMATS, GROUP_SIZES, _ELEMENTS
        )
        # float32 has nothing to round to.
        if (input_dtype, intermediate) != ("float32", Intermediate.INPUT_DTYPE)
    )


def _variant(
    architecture: str,
    input_dtype: str,
    intermediate: Intermediate,
    value_format: str,
    group_size: int,
    shape: str,
) -> Variant:
    mode = "exact" if intermediate is Intermediate.FLOAT32 else "rounded"
    elements = _ELEMENTS[shape]
    return Variant(
        name=f"{_NAMES[input_dtype]}_{_NAMES[value_format]}_{mode}_{group_size}_{shape}",
        arguments={
            "out": "*u8",
            "input": _POINTERS[input_dtype],
            "scales": "*fp32",
            "scale_ub": "*fp32",
            "hidden_size": "i32",
            "num_groups": "i32",
            "programs_per_token": "i32",
            "has_bound": "i32",
            "input_row_stride": "i64",
            "out_row_stride": "i64",
            "scale_token_stride": "i64",
            "scale_group_stride": "i64",
        },
        constants=compile_time_arguments(
            value_format=value_format,
            input_dtype=input_dtype,
            group_size=group_size,
            groups_per_program=elements // group_size,
            intermediate=intermediate,
            architecture=architecture,
        ),
        aligned=_ALWAYS_ALIGNED if shape == "Unaligned" else _ALIGNED,
        num_warps=max(1, elements // _ELEMENTS_OF_A_THREAD // wave_size(architecture)),
    )
