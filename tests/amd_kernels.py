"""Kernels compiled for AMD GPUs by clang, which needs no ROCm, and what their assembly has to show.

ziglang from PyPI brings clang with the AMD target; HIPRTC is the same compiler.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import ziglang

from native_programs import SOURCES
from opparity.formats import VALUE_FORMATS, ScaleRule
from opparity.operators import producer_named
from opparity.operators.embed_sources import collect

if TYPE_CHECKING:
    from kernel_variants import Variant

_CLANG = Path(ziglang.__file__).parent / "zig"
# As gpu/hip_compiler.cpp has them.
_OPTIONS = ("-O3", "-std=c++20", "-ffp-contract=off")
_TEXT = '#include "native/gpu/kernel.h"\n'


@dataclass(frozen=True, slots=True)
class Chip:
    """An AMD GPU.

    Attributes:
        lanes: of a wave.
        converts: value formats that an instruction converts to, directly or through its double.
    """

    name: str
    lanes: int
    converts: frozenset[str] = frozenset()


_FN = frozenset({"float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2"})
CHIPS = (
    Chip("gfx90a", 64),
    Chip("gfx942", 64, frozenset({"float8_e4m3fnuz"})),
    Chip("gfx950", 64, _FN),
    Chip("gfx1100", 32),
    Chip("gfx1200", 32, _FN),
    Chip("gfx1201", 32, _FN),
    Chip("gfx1250", 32, _FN),
)


class Compiler:
    """clang with the sources that the library carries, in a folder."""

    def __init__(self, folder: Path, tables: Path) -> None:
        """Write the sources into `folder`; `tables` has the tables' header."""
        self.folder = folder
        for name, text in collect([SOURCES, tables]).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def assembly(self, chip: Chip, defines: tuple[str, ...], text: str = _TEXT) -> str:
        """Return the assembly of a program; raises CalledProcessError with clang's words."""
        completed = subprocess.run(
            [
                *(_CLANG, "clang", "-x", "hip", "--cuda-device-only", "-nogpulib", "-nogpuinc"),
                *("--no-gpu-bundle-output", f"--offload-arch={chip.name}", f"-I{self.folder}"),
                *_OPTIONS,
                *(f"-D{define}" for define in defines),
                *("-S", "-o", "-", "-"),
            ],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
        return completed.stdout

    def code_object(self, chip: Chip, assembly: str, output: Path) -> Path:
        """Assemble and link what HIP would load."""
        source, unlinked = output.with_suffix(".s"), output.with_suffix(".o")
        source.write_text(assembly, encoding="utf-8")
        target = ("--target=amdgcn-amd-amdhsa", f"-mcpu={chip.name}")
        command = (_CLANG, "clang", "-x", "assembler", *target, "-c", "-o", unlinked, source)
        subprocess.run(command, check=True)
        subprocess.run([_CLANG, "ld.lld", "-shared", unlinked, "-o", output], check=True)
        return output


@dataclass(frozen=True)
class Assembly:
    """Assembly as text, and what can be read from it."""

    text: str

    @cached_property
    def instructions(self) -> Counter[str]:
        """How often there is each instruction, without the suffixes of its encoding."""
        names = re.findall(r"^\t([a-z]\w+)", self.text, re.MULTILINE)
        # Two in one of RDNA's double instructions.
        names += re.findall(r" :: (v_dual_\w+)", self.text)
        return Counter(re.sub(r"_e32$|_e64$|_sdwa$|_dpp$", "", name) for name in names)

    def count(self, pattern: str) -> int:
        """Return how many instructions match a pattern from end to end."""
        return sum(n for name, n in self.instructions.items() if re.fullmatch(pattern, name))

    def numbers(self, name: str) -> list[int]:
        """Return the numbers behind a directive or a key of the metadata."""
        return list(
            map(int, re.findall(rf"^\s*(?:- )?\.{name}:?\s+(\d+)$", self.text, re.MULTILINE))
        )


def _shared_bytes(variant: Variant) -> int:
    """Return the bytes of memory that a block's threads share: rows.h."""
    if variant.shape not in ("kBlockRow", "kUnalignedRow", "kWideRow", "kStayingRow"):
        return 0
    reduces = producer_named(variant.producer).reduces
    # Of 32 lanes each, which have eight elements.
    warps = -(-(variant.width or 0) // 2048) * 8 if variant.shape == "kWideRow" else 8
    return 4 * (256 * reduces + warps * variant.by_token)


def objections(chip: Chip, variant: Variant, assembly: Assembly, argument_bytes: int) -> list[str]:
    """Return what is wrong with a kernel's assembly."""
    expected = {
        "vgpr_spill_count": 0,
        "sgpr_spill_count": 0,
        "private_segment_fixed_size": 0,
        "group_segment_fixed_size": _shared_bytes(variant),
        "wavefront_size": chip.lanes,
        # One argument, the record: none that HIP's runtime would have to add.
        "kernarg_segment_size": argument_bytes,
        "offset": 0,
        "size": argument_bytes,
        # Subnormal numbers count, and results are rounded to nearest even.
        "amdhsa_float_denorm_mode_32": 3,
        "amdhsa_float_denorm_mode_16_64": 3,
        "amdhsa_float_round_mode_32": 0,
        "amdhsa_float_round_mode_16_64": 0,
    }
    found = [
        f".{name} is {assembly.numbers(name)}, not [{number}]"
        for name, number in expected.items()
        if assembly.numbers(name) != [number]
    ]
    # Of rows, how many loads there are is the compiler's choice: a lane behind the end has none.
    counts = {} if variant.width is not None else _expected_counts(chip, variant)
    found += [
        f"{assembly.count(pattern)} instructions are {pattern}, not {number}"
        for pattern, number in counts.items()
        if assembly.count(pattern) != number
    ]
    return found


def _expected_counts(chip: Chip, variant: Variant) -> dict[str, int]:
    """Return how many instructions there have to be, by patterns of their names."""
    elements = elements_of(variant)
    lanes = (variant.group_size or elements) // elements
    bits = VALUE_FORMATS[variant.value].bits if variant.value in VALUE_FORMATS else 0
    converts = bits == 8 and variant.value in chip.converts
    divides = variant.bound or variant.rule in {ScaleRule.GIVEN, ScaleRule.GLOBAL}
    parts = pieces_of_a_thread(variant)
    counts = {
        # Pairs of numbers to FP8.
        r"v_cvt_(pk|sr|scalef32)\w*(fp8|bf8|fp4)\w*": parts * elements // 2 if converts else 0,
        "ds_swizzle_b32": parts * (lanes.bit_length() - 1),
        r"ds_(?!swizzle).*": 0,
        r"(flat|scratch|buffer)_(load|store).*": 0,
        r"s_barrier.*": 0,
        # Of division by a number that is given, or, once in a group, by a scale of E4M3.
        "v_div_fixup_f32": parts * divides,
        "v_div_scale_f32": parts * 2 * divides,
        # They round what the contract rounds twice, and make +0 of a product that is -0.
        r"v_(fma|mad)_mix\w*": 0,
        # Approximations, and products and sums that flush subnormals.
        r"v_(exp|log|rsq|sqrt|sin|cos|rcp_iflag|mad|mac|madmk|madak)_(legacy_)?f32": 0,
    }
    if variant.shape != "kUnaligned":
        counts |= _expected_accesses(variant, elements, bits)
    return counts


def _expected_accesses(variant: Variant, elements: int, bits: int) -> dict[str, int]:
    """Return the loads and stores of elements, each as wide as can be; and those of a scale."""
    size, gradient_size = (
        4 if dtype == "float32" else 2 for dtype in (variant.input, variant.gradient)
    )
    parts = 2 if producer_named(variant.producer).gated else 1
    loads, stores = Counter[int](), Counter[int]()
    read = elements * (4 if variant.sums else size)
    inputs = Counter({width_of(read): parts * pieces_of(read)})
    gradients = elements
    if variant.interleaved and variant.quantises:
        # A piece of the output is one of the input, with gates and ups in turns.
        inputs, gradients = Counter({width_of(read): pieces_of(read)}), elements // 2
    elif variant.interleaved:
        inputs = Counter({width_of(2 * read): pieces_of(2 * read)})
    loads += inputs
    if variant.sums:
        # Of the columns' scales, as many, and the row's, which blocks of one row have as a scalar.
        loads += inputs
        loads[4] += variant.shape != "kSmall"
    if variant.gradient is not None:
        loads[width_of(gradients * gradient_size)] += pieces_of(gradients * gradient_size)
    reads_scale = variant.bound or variant.rule in {ScaleRule.GIVEN, ScaleRule.GLOBAL}
    if reads_scale and variant.group_size is not None and pieces_of_a_thread(variant) > 1:
        # For the second piece behind the first one's scale, and so by each lane.
        loads[4] += 1
    if variant.gradient is not None and not variant.quantises:
        stores += inputs
    elif bits == 0:
        stores[width_of(elements * size)] += pieces_of(elements * size)
    else:
        stores[elements * bits // 8] += pieces_of_a_thread(variant)
        if variant.group_size is not None:
            stores[1 if variant.byte else 4] += pieces_of_a_thread(variant)
    names = {1: "b8|byte", 2: "b16|short", 4: "b32|dword", 8: "b64|dwordx2", 16: "b128|dwordx4"}
    counts = {rf"global_load_(u?{name})": loads[width] for width, name in names.items()}
    if variant.order == "kInTiles":
        # Besides, zeros are written to what is padding, in loops.
        del names[1]
    return counts | {rf"global_store_({name})": stores[width] for width, name in names.items()}


def pieces_of_a_thread(variant: Variant) -> int:
    """Return how many pieces of the output a thread has: of gates and of ups in their halves."""
    gated = producer_named(variant.producer).gated
    return 2 if variant.quantises and gated and not variant.interleaved else 1


def width_of(size: int) -> int:
    """Return the bytes of the widest access to so many."""
    return min(size, 16)


def pieces_of(size: int) -> int:
    """Return how many widest accesses there are to so many bytes."""
    return size // width_of(size)


def elements_of(variant: Variant) -> int:
    """Return the elements of a thread, as arguments.h has them."""
    wide = {"kLarge": 16, "kMedium": 8}
    return wide.get(variant.shape, 8 if (variant.group_size or 0) > 128 else 4)
