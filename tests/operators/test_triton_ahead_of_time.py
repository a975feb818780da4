"""The Triton kernel compiles for every architecture of the platform table, without a GPU."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from opparity.code_objects.compilation import Variant, compile_kernel, wave_size
from opparity.formats import INPUT_DTYPES, VALUE_FORMATS
from opparity.operators.silu_and_mul_per_block_quant import triton_constants, triton_launch
from opparity.operators.silu_and_mul_per_block_quant.triton_kernel import (
    silu_and_mul_per_block_quant_kernel,
)
from opparity.platforms import PLATFORMS

ARCHITECTURES = [name for facts in PLATFORMS.values() for name in facts.architectures]
POINTERS = {"float16": "*fp16", "bfloat16": "*bf16", "float32": "*fp32"}


def assembly(
    architecture: str, value_format: str, input_dtype: str, intermediate: str = "float32"
) -> str:
    is_nvidia = architecture.startswith("sm_")
    parameters = triton_launch.launch_parameters(4096, 56, 128, wave_size(architecture))
    constants = triton_constants.compile_time_arguments(
        value_format=value_format,
        input_dtype=input_dtype,
        group_size=128,
        groups_per_program=parameters.groups_per_program,
        intermediate=intermediate,
        architecture=architecture,
    )
    pointers = {
        "out": "*u8",
        "input": POINTERS[input_dtype],
        "scales": "*fp32",
        "scale_ub": "*fp32",
    }
    numbers = dict.fromkeys(("hidden_size", "num_groups", "programs_per_token", "has_bound"), "i32")
    strides = dict.fromkeys(
        ("input_row_stride", "out_row_stride", "scale_token_stride", "scale_group_stride"), "i64"
    )
    variant = Variant(
        name="kernel",
        arguments={**pointers, **numbers, **strides},
        constants=constants,
        aligned=frozenset({"out", "input", "hidden_size", "input_row_stride", "out_row_stride"}),
        num_warps=parameters.num_warps,
    )
    compiled = compile_kernel(silu_and_mul_per_block_quant_kernel, architecture, variant)
    binary = "cubin" if is_nvidia else "hsaco"
    assert len(compiled.asm[binary]) > 1000
    return str(compiled.asm["ptx" if is_nvidia else "amdgcn"])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_format_and_input_compiles(architecture: str) -> None:
    for value_format, input_dtype in itertools.product(VALUE_FORMATS, INPUT_DTYPES):
        assembly(architecture, value_format, input_dtype, "input_dtype")


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name[:2] == "sm"])
def test_nothing_is_fused_approximated_or_flushed_behind_the_contracts_back(
    architecture: str,
) -> None:
    text = assembly(architecture, "float8_e4m3fn", "bfloat16")
    for forbidden in ("div.full", "div.approx", "ex2.", "fma.rn.ftz", "mul.ftz", "add.ftz", "mad."):
        assert forbidden not in text.replace("mad.lo", "").replace("mad.wide", ""), forbidden
    assert ("cvt.rn.satfinite.e4m3x2" in text) == (architecture != "sm_80")


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name[:3] == "gfx"])
def test_amd_divides_exactly_keeps_subnormals_and_converts_where_it_can(architecture: str) -> None:
    for value_format in VALUE_FORMATS:
        text = assembly(architecture, value_format, "bfloat16")
        opcodes = Counter(line.split()[0] for line in text.splitlines() if line.startswith("\tv_"))
        # The two divisions of a group, by their instructions' common ending.
        assert opcodes["v_div_fixup_f32"] == 2
        # Those have one approximate reciprocal each, and SiLU one for each of eight elements.
        assert sum(n for name, n in opcodes.items() if name.startswith("v_rcp_f32")) == 2 + 8
        # An unfused multiplication and addition flushes subnormals, whatever the mode.
        assert not [name for name in opcodes if name.startswith(("v_exp", "v_mad_f32", "v_mac_f"))]
        # 3 keeps subnormals on input and output; this one is of float32, the next of the others.
        assert ".amdhsa_float_denorm_mode_32 3" in text
        assert ".amdhsa_float_denorm_mode_16_64 3" in text
        packed = triton_constants.encoder(value_format, architecture) == "packed"
        assert opcodes["v_cvt_pk_fp8_f32"] == (8 if packed else 0)


@pytest.mark.parametrize("wave", [32, 64])
@pytest.mark.parametrize("group_size", [16, 32, 64, 128, 256])
def test_a_launch_is_what_triton_takes_and_wastes_less_than_it_does(
    wave: int, group_size: int
) -> None:
    for num_tokens in (1, 64, 4096, 1 << 20):
        for num_groups in (1, 3, 56, 1152):
            chosen = triton_launch.launch_parameters(num_tokens, num_groups, group_size, wave)
            for number in (chosen.groups_per_program, chosen.num_warps):
                assert number > 0
                assert number & (number - 1) == 0
            # Fewer than half of a program's groups lie beyond the row.
            assert chosen.groups_per_program < 2 * num_groups
            # No thread holds more than sixteen elements.
            elements = chosen.groups_per_program * group_size
            assert elements <= 16 * wave * chosen.num_warps
