"""What is launched on AMD GPUs suits the shipped code objects, by the objects' own metadata."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
from elftools.elf.elffile import ELFFile

from native_programs import HERE, LAUNCHER, compile_cpp, compile_library, run_with
from opparity.code_objects import assembly, hip, manifest

if TYPE_CHECKING:
    from pathlib import Path

OPERATOR = "silu_and_mul_per_block_quant"
ENTRY = manifest.read()[OPERATOR]["hip"]
KERNELS = json.loads((manifest.FOLDER / ENTRY["kernels"]).read_text("utf-8"))
ARCHITECTURES = list(ENTRY["files"])
# The kernel's parameters as struct letters, with Triton's two behind them.
PARAMETERS = {
    "out": "Q",
    "input": "Q",
    "scales": "Q",
    "scale_ub": "Q",
    "hidden_size": "i",
    "num_groups": "i",
    "programs_per_token": "i",
    "has_bound": "i",
    "input_row_stride": "q",
    "out_row_stride": "q",
    "scale_token_stride": "q",
    "scale_group_stride": "q",
    "global_scratch": "Q",
    "profile_scratch": "Q",
}


def section(data: bytes, name: str) -> Any:  # noqa: ANN401 -- each kind has its own methods
    """Return a section of an ELF file."""
    found = ELFFile(io.BytesIO(data)).get_section_by_name(name)
    assert found is not None, name
    return found


@cache
def metadata(architecture: str) -> dict[str, Any]:
    """Return what the object says of itself, by the name of each kernel."""
    path = manifest.FOLDER / ENTRY["files"][architecture]["file"]
    [note] = section(path.read_bytes(), ".note").iter_notes()
    described = msgpack.unpackb(note["n_descdata"])
    assert described["amdhsa.target"] == f"amdgcn-amd-amdhsa--{architecture}"
    return {kernel[".name"]: kernel for kernel in described["amdhsa.kernels"]}


def instructions(data: bytes) -> dict[str, bytes]:
    """Return the instructions of each kernel of a code object."""
    text = section(data, ".text")
    found = {}
    for symbol in section(data, ".dynsym").iter_symbols():
        if symbol["st_info"]["type"] == "STT_FUNC":
            start = symbol["st_value"] - text["sh_addr"]
            found[symbol.name] = text.data()[start : start + symbol["st_size"]]
    return found


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calls")
    compile_library(folder / "driver" / "libamdhip64.so", HERE / "stand_in_hip.cpp")
    return compile_cpp(folder / "call", HERE / "hip_call_program.cpp", *LAUNCHER)


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch as the stand-in recorded it."""

    kernel: str
    image: str
    programs: int
    threads: int
    shared: int
    stream: int
    arguments: bytes

    @classmethod
    def parse(cls, line: str) -> Launch:
        """Read "hipModuleLaunchKernel name on 0 image ELF 7x1x1 of 128x1x1 shared ..."."""
        words = line.split()
        x, y, z = words[6].split("x")
        threads, threads_y, threads_z = words[8].split("x")
        assert (y, z, threads_y, threads_z) == ("1", "1", "1", "1")
        return cls(
            kernel=words[1],
            image=words[5],
            programs=int(x),
            threads=int(threads),
            shared=int(words[10]),
            stream=int(words[12]),
            arguments=bytes.fromhex(words[14]),
        )


def call(program: Path, architecture: str, *numbers: int) -> list[Launch]:
    """Return what one call launches, or raise RuntimeError with the refusal."""
    lines = run_with(
        program.parent / "driver",
        program,
        "call",
        manifest.FOLDER / OPERATOR,
        "0",
        *map(str, numbers),
        STAND_IN_ARCHITECTURES=architecture,
    )
    if lines[-1].startswith("refused: "):
        raise RuntimeError(lines[-1])
    return [Launch.parse(line) for line in lines if line.startswith("hipModuleLaunchKernel")]


def decoded(launch: Launch, architecture: str) -> dict[str, int]:
    """Read the recorded bytes at the offsets that the code object gives."""
    listed = metadata(architecture)[launch.kernel][".args"]
    return {
        name: struct.unpack_from("<" + letter, launch.arguments, argument[".offset"])[0]
        for (name, letter), argument in zip(PARAMETERS.items(), listed, strict=True)
    }


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_kernel_takes_its_parameters_where_the_launcher_puts_them(architecture: str) -> None:
    layout, offset = [], 0
    for letter in PARAMETERS.values():
        size = struct.calcsize(letter)
        offset = -(-offset // size) * size
        layout.append((offset, size))
        offset += size
    assert set(metadata(architecture)) == set(KERNELS)
    for name, kernel in metadata(architecture).items():
        assert [(a[".offset"], a[".size"]) for a in kernel[".args"]] == layout, name
        kinds = [a[".value_kind"] for a in kernel[".args"]]
        assert kinds == [
            "global_buffer" if letter == "Q" else "by_value" for letter in PARAMETERS.values()
        ]
        # Nothing hidden, nothing behind the launcher's 96 bytes, and no memory of its own.
        assert kernel[".kernarg_segment_size"] == offset == 96
        assert kernel[".private_segment_fixed_size"] == 0
        assert kernel[".group_segment_fixed_size"] == 0


def test_the_launcher_asks_for_each_kernel_with_the_threads_and_memory_it_was_compiled_for(
    program: Path,
) -> None:
    asked = {}
    for line in run_with(program.parent / "driver", program, "kernels"):
        name, *numbers = line.split()
        asked[name] = [int(number) for number in numbers]
    assert len(asked) == 225
    assert set(asked) == set(KERNELS)
    for architecture in ARCHITECTURES:
        wave = ENTRY["files"][architecture]["wave_size"]
        for name, kernel in metadata(architecture).items():
            elements, *threads, shared = asked[name]
            facts = KERNELS[name][architecture]
            constants = KERNELS[name]["constants"]
            assert constants["GROUPS"] * constants["GROUP_SIZE"] == elements
            assert threads[wave == 64] == kernel[".max_flat_workgroup_size"]
            assert threads[wave == 64] == facts["warps"] * wave
            assert kernel[".wavefront_size"] == wave
            assert shared >= facts["shared"]


# Pointers and strides that no two parameters share.
OUT, INPUT, SCALES, BOUND = 0x7F0000001000, 0x7F0000002000, 0x7F0000003000, 0x7F0000004004


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("bound", [0, BOUND])
def test_a_call_passes_each_number_to_its_parameter(
    program: Path, architecture: str, bound: int
) -> None:
    # bfloat16 to float8_e4m3fnuz, rounded, 5 tokens of 7168 in groups of 128.
    numbers = (1, 1, 1, 5, 7168, 128, OUT, INPUT, SCALES, bound, 14352, 7184, 56, 1)
    [launch] = call(program, architecture, *numbers)
    assert launch.kernel == "BFloat16_Float8E4M3FNUZ_rounded_128_Wide"
    assert launch.image == "\x7fELF"
    assert (launch.programs, launch.threads) == (5 * 7, 128)
    assert (launch.shared, launch.stream) == (256, 9)
    assert len(launch.arguments) == 96
    assert decoded(launch, architecture) == {
        "out": OUT,
        "input": INPUT,
        "scales": SCALES,
        "scale_ub": bound,
        "hidden_size": 7168,
        "num_groups": 56,
        "programs_per_token": 7,
        "has_bound": int(bound != 0),
        "input_row_stride": 14352,
        "out_row_stride": 7184,
        "scale_token_stride": 56,
        "scale_group_stride": 1,
        "global_scratch": 0,
        "profile_scratch": 0,
    }


@pytest.mark.parametrize(
    ("changed", "shape", "programs"),
    [
        ({}, "Wide", 7),
        ({"hidden_size": 384}, "Narrow", 2),
        ({"hidden_size": 1536}, "Narrow", 6),
        ({"hidden_size": 2048}, "Wide", 2),
        # An eighth of a row may be idle, and not more.
        ({"hidden_size": 8 * 1024 - 128}, "Wide", 8),
        ({"hidden_size": 4 * 1024 + 128}, "Narrow", 17),
        ({"out": OUT + 8}, "Unaligned", 7),
        ({"input": INPUT + 2}, "Unaligned", 7),
        ({"input_row_stride": 14344}, "Unaligned", 7),
        ({"out_row_stride": 7176}, "Unaligned", 7),
    ],
)
def test_the_shape_follows_from_width_and_alignment(
    program: Path, changed: dict[str, int], shape: str, programs: int
) -> None:
    given = {
        "hidden_size": 7168,
        "out": OUT,
        "input": INPUT,
        "input_row_stride": 14352,
        "out_row_stride": 7184,
    } | changed
    [launch] = call(
        program,
        "gfx942",
        *(0, 0, 0, 3, given["hidden_size"], 128, given["out"], given["input"], SCALES, 0),
        *(given["input_row_stride"], given["out_row_stride"], 1, 3),
    )
    assert launch.kernel == f"Float16_Float8E4M3FN_exact_128_{shape}"
    assert launch.programs == 3 * programs
    assert decoded(launch, "gfx942")["programs_per_token"] == programs
    assert launch.threads == (64 if shape == "Narrow" else 128)


def test_more_threads_than_hip_counts_are_launched_in_slices_that_follow_each_other(
    program: Path,
) -> None:
    # 2^32 - 1 threads are 33,554,431 programs of 128, and these are 7 for each token.
    tokens = 12_000_000
    launches = call(
        program, "gfx942", *(2, 2, 0, tokens, 7168, 64, OUT, INPUT, SCALES, 0, 14336, 7168, 112, 1)
    )
    assert [launch.programs * launch.threads < 2**32 for launch in launches] == [True] * 3
    assert sum(launch.programs for launch in launches) == 7 * tokens
    first = 0
    for launch in launches:
        arguments = decoded(launch, "gfx942")
        # float32 is four bytes wide.
        assert arguments["input"] == INPUT + first * 14336 * 4
        assert arguments["out"] == OUT + first * 7168
        assert arguments["scales"] == SCALES + first * 112 * 4
        first += launch.programs // 7
    assert first == tokens


def test_a_row_whose_columns_do_not_fit_31_bits_is_refused(program: Path) -> None:
    width = 2**30 + 256
    numbers = (0, 0, 0, 1, width, 256, OUT, INPUT, SCALES, 0, 2 * width, width, 1, 1)
    with pytest.raises(RuntimeError, match="hidden_size is 1073742080; allowed on an AMD GPU"):
        call(program, "gfx942", *numbers)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_shipped_instructions_are_those_that_this_compiler_makes(architecture: str) -> None:
    assert ENTRY["compiler"] == hip.compiler(), "install the version of constraints.txt"
    chosen = [
        "BFloat16_Float8E4M3FN_exact_128_Wide",
        "Float16_Float8E4M3FNUZ_rounded_32_Narrow",
        "Float32_Int8_exact_64_Unaligned",
    ]
    variants = [v for v in hip.variants(OPERATOR, architecture) if v.name in chosen]
    assemblies = {
        variant.name: hip.compile_variant(OPERATOR, architecture, variant)[0]
        for variant in variants
    }
    fresh = instructions(assembly.assemble(assembly.merge(assemblies), architecture))
    shipped = instructions((manifest.FOLDER / ENTRY["files"][architecture]["file"]).read_bytes())
    assert set(fresh) == set(chosen)
    assert {name: shipped[name] for name in chosen} == fresh


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_where_the_chip_converts_to_a_format_the_kernels_use_it(architecture: str) -> None:
    converts = {"gfx942": "FNUZ", "gfx950": "FN", "gfx1200": "FN", "gfx1201": "FN"}
    for name, facts in KERNELS.items():
        value = name.split("_")[1]
        expected = "int8" if value == "Int8" else value.removeprefix("Float8").lower()
        if value == f"Float8E4M3{converts.get(architecture)}":
            expected = "packed"
        assert facts[architecture]["encoder"] == expected, name
