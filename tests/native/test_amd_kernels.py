"""The GPU kernel compiled for AMD: what the assembly and the code object's metadata show."""

from __future__ import annotations

import subprocess
from itertools import cycle
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
from elftools.elf.elffile import ELFFile

from amd_kernels import CHIPS, Assembly, Chip, Compiler, objections
from kernel_calls import defines_of
from kernel_kinds import kinds_of
from kernel_variants import Variant, backward, covering, forward, of_gradients, of_sums, rows
from opparity.formats import Intermediate, ScaleRule

if TYPE_CHECKING:
    from pathlib import Path

    from kernel_launches import Launcher

# `make amd` compiles more.
VARIANTS = (
    covering(forward()) + covering(backward()) + rows() + of_sums()[::2] + of_gradients()[::2]
)
USUAL = Variant(
    *("silu_and_mul", False, "bfloat16", Intermediate.FLOAT32, "float8_e4m3fn", 128),
    *(ScaleRule.AMAX, False, "kStrided", False, False, "kLarge"),
)
# Of either kind of types, as versions of HIPRTC declare them before a program.
HIPRTC_NAMES = """
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __forceinline__ inline __attribute__((always_inline))
typedef signed char int8_t;
typedef int int32_t;
typedef {long} int64_t;
typedef unsigned char uint8_t;
typedef unsigned int uint32_t;
typedef unsigned {long} uint64_t;
typedef unsigned {long} uintptr_t;
"""


@pytest.fixture(scope="module")
def compiler(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    return Compiler(tmp_path_factory.mktemp("sources"), launcher.folder)


@pytest.mark.parametrize(
    ("chip", "variant"),
    list(zip(cycle(CHIPS), VARIANTS, strict=False)),
    ids=lambda given: given.name,
)
def test_a_kernels_assembly_is_as_it_has_to_be(
    launcher: Launcher, compiler: Compiler, chip: Chip, variant: Variant
) -> None:
    assembly = Assembly(compiler.assembly(chip, defines_of(launcher, variant)))
    assert objections(chip, variant, assembly, launcher.argument_bytes) == []


@pytest.mark.parametrize("chip", CHIPS[1:3], ids=lambda chip: chip.name)
def test_kernels_of_experts_columns_and_gradients_keep_to_their_registers(
    launcher: Launcher, compiler: Compiler, chip: Chip
) -> None:
    for name, defines in kinds_of(launcher).items():
        assembly = Assembly(compiler.assembly(chip, defines))
        for fact, number in (
            # Scalar registers may spill to lanes of vector registers, which is no memory.
            ("vgpr_spill_count", 0),
            ("private_segment_fixed_size", 0),
            ("kernarg_segment_size", launcher.argument_bytes),
            ("amdhsa_float_denorm_mode_32", 3),
        ):
            assert assembly.numbers(fact) == [number], (name, fact)


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
def test_a_code_object_has_the_kernel_with_one_record_of_arguments(
    launcher: Launcher, compiler: Compiler, chip: Chip, tmp_path: Path
) -> None:
    assembly = compiler.assembly(chip, defines_of(launcher, USUAL))
    assert objections(chip, USUAL, Assembly(assembly), launcher.argument_bytes) == []
    path = compiler.code_object(chip, assembly, tmp_path / "kernel.hsaco")
    with path.open("rb") as file:
        elf: Any = ELFFile(file)
        [note] = elf.get_section_by_name(".note").iter_notes()
        symbols = {symbol.name for symbol in elf.get_section_by_name(".dynsym").iter_symbols()}
    described = msgpack.unpackb(note["n_descdata"])
    assert described["amdhsa.target"] == f"amdgcn-amd-amdhsa--{chip.name}"
    [kernel] = described["amdhsa.kernels"]
    assert kernel[".name"] == "opparity_kernel"
    assert kernel[".symbol"] == "opparity_kernel.kd"
    assert symbols >= {"opparity_kernel", "opparity_kernel.kd"}
    [argument] = kernel[".args"]
    assert argument[".value_kind"] == "by_value"
    assert (argument[".offset"], argument[".size"]) == (0, launcher.argument_bytes)
    assert kernel[".max_flat_workgroup_size"] == 256


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
@pytest.mark.parametrize("long", ["long", "long long"])
def test_arguments_lie_where_the_host_puts_them_whatever_hiprtc_declares(
    launcher: Launcher, compiler: Compiler, chip: Chip, long: str
) -> None:
    text = HIPRTC_NAMES.replace("{long}", long) + '#include "native/gpu/kernel.h"\n'
    compiler.assembly(chip, defines_of(launcher, USUAL), text + launcher.argument_layout())
    moved = launcher.argument_layout().replace("== 8)", "== 12)")
    with pytest.raises(subprocess.CalledProcessError) as failure:
        compiler.assembly(chip, defines_of(launcher, USUAL), text + moved)
    assert "static assertion failed" in failure.value.stderr


def test_what_is_wrong_with_an_assembly_is_said(launcher: Launcher, compiler: Compiler) -> None:
    def wrong(chip: Chip, *changes: tuple[str, str]) -> str:
        text = compiler.assembly(chip, defines_of(launcher, USUAL))
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return "\n".join(objections(chip, USUAL, Assembly(text), launcher.argument_bytes))

    gfx942, gfx950 = CHIPS[1:3]
    assert ".vgpr_spill_count is [3], not [0]" in wrong(
        gfx942, (".vgpr_spill_count: 0", ".vgpr_spill_count: 3")
    )
    assert ".amdhsa_float_denorm_mode_32 is [0], not [3]" in wrong(
        gfx942, ("denorm_mode_32 3", "denorm_mode_32 0")
    )
    assert "0 instructions are global_load_(u?b128|dwordx4), not 4" in wrong(
        gfx942, ("global_load_dwordx4", "global_load_dwordx2")
    )
    assert "v_cvt_pk_fp8_f32" not in wrong(gfx950)
    assert ", not 8" in wrong(gfx950, ("v_cvt_pk_fp8_f32", "v_cvt_pk_u8_f32"))
    assert "1 instructions are v_div_fixup_f32, not 0" in wrong(
        gfx950, ("\ts_endpgm", "\tv_div_fixup_f32 v0, v1, v2\n\ts_endpgm")
    )
