"""The CPU kernel by itself against the reference, for every capability that runs here."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kernel_cases import Case, cases, encode
from kernel_random_cases import random_cases
from machine_tools import CROSS_TOOLS, lacking
from native_programs import HERE, SOURCES, compile_cpp, write_tables
from opparity.formats import VALUE_FORMATS, ScaleLayout, ScaleRule
from opparity.operators import PRODUCERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.operators.declaration import Producer

ROOT = Path(__file__).parents[2]
CPU = SOURCES / "native" / "cpu"
PROGRAM = HERE / "cpu_kernel_program.cpp"
# As CMakeLists.txt has them, but for -O3, which takes longer.
COMMON = ("-O2", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Werror")
FLAGS = {
    "baseline": (),
    "avx2": ("-mavx2", "-mfma", "-mf16c", "-mtune=haswell"),
    "avx512": (
        *("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mf16c"),
        "-mprefer-vector-width=512",
    ),
}
NEEDED = {"baseline": (), "avx2": ("avx2", "fma", "f16c"), "avx512": ("avx512dq", "avx512vl")}
AARCH64_COMPILER, AARCH64_EMULATOR = CROSS_TOOLS
COMPILERS_AT_ONCE = 2
# `python tools/attack_kernel.py` makes as many as one likes.
RANDOM_CASES = 1000


def need(capability: str) -> None:
    """Skip where this processor cannot run a capability."""
    cpu = Path("/proc/cpuinfo").read_text("utf-8")
    missing = [flag for flag in NEEDED[capability] if flag not in cpu]
    if missing:
        pytest.skip(f"this processor has no {', '.join(missing)}")


def compile_kernel(
    folder: Path, compiler: str, capability: str, *flags: str, link: tuple[str, ...] = ("-static",)
) -> Path:
    """Compile the kernel and link it to the program that calls it; return that."""
    command = [*_command(folder, compiler, capability), *flags]

    def compile_object(source: Path, producer: Producer | None = None) -> Path:
        output = folder / f"{source.stem if producer is None else producer.name}.o"
        defines = [] if producer is None else producer_defines(producer)
        subprocess.run([*command, *defines, "-c", "-o", output, source], check=True)
        return output

    with ThreadPoolExecutor(COMPILERS_AT_ONCE) as pool:
        objects = [
            *pool.map(lambda p: compile_object(CPU / source_of(p), p), PRODUCERS),
            *pool.map(compile_object, (CPU / "kernel.cpp", PROGRAM)),
        ]
    program = folder / "program"
    subprocess.run([*command, *link, "-pthread", "-o", program, *objects], check=True)
    return program


def link_the_librarys(folder: Path, capability: str) -> Path:
    """Link the objects that the library is linked from to the same program."""
    builds = list(ROOT.glob("build/py3-none-*"))
    assert len(builds) == 1, f"{ROOT}/build has {len(builds)} builds; run `make clean` and `make`"
    built = builds[0]
    sources = {"kernel": "kernel.cpp"} | {p.name: source_of(p) for p in PRODUCERS}
    objects = [
        f"CMakeFiles/{name}_{capability}.dir/{CPU.relative_to(ROOT) / source}.o"
        for name, source in sources.items()
    ]
    # Those that an edit has made old are compiled.
    subprocess.run([Path(sys.executable).with_name("ninja"), *objects], cwd=built, check=True)
    program = folder / "program"
    command = [*_command(folder, "g++", capability), "-static", "-pthread", "-o", program, PROGRAM]
    subprocess.run([*command, *(built / file for file in objects)], check=True)
    return program


def _command(folder: Path, compiler: str, capability: str) -> list[str | Path]:
    write_tables(folder)
    return [
        *(compiler, "-std=c++20", "-Wall", "-Wextra", *COMMON),
        *(f"-I{SOURCES}", f"-I{folder}", f"-DOPPARITY_CAPABILITY={capability}"),
    ]


def source_of(producer: Producer) -> str:
    return "reduce.cpp" if producer.reduces else "produce.cpp"


def producer_defines(producer: Producer) -> list[str]:
    return [
        f"-DOPPARITY_PRODUCER={producer.functor}",
        f'-DOPPARITY_PRODUCER_FILE="native/producers/{producer.name}.h"',
    ]


@pytest.fixture(scope="module")
def calls() -> list[tuple[Case, bytes, bytes]]:
    """Each case with the bytes of its call and the bytes that the reference writes."""
    return encoded((*cases(), *random_cases(RANDOM_CASES)))


def encoded(chosen: Iterable[Case]) -> list[tuple[Case, bytes, bytes]]:
    return [(case, *encode(case, seed, looks_up=seed % 2 == 1)) for seed, case in enumerate(chosen)]


def differences(program: Path, calls: list[tuple[Case, bytes, bytes]], *runner: str) -> list[str]:
    """Return the cases whose result is not the reference's."""
    given, results = program.parent / "calls", program.parent / "results"
    given.write_bytes(b"".join(call for _, call, _ in calls))
    subprocess.run([*runner, program, given, results], check=True)
    written = results.read_bytes()
    assert len(written) == sum(len(expected) for _, _, expected in calls)
    different, start = [], 0
    for case, _, expected in calls:
        got = written[start : start + len(expected)]
        start += len(expected)
        if got != expected:
            count = sum(a != b for a, b in zip(got, expected, strict=True))
            different.append(f"{case}: {count} of {len(expected)} bytes differ")
    return different


def test_cases_have_every_producer_format_rule_and_layout(
    calls: list[tuple[Case, bytes, bytes]],
) -> None:
    recipes = {case.recipe for case, _, _ in calls}
    assert {case.producer for case, _, _ in calls} == set(PRODUCERS)
    assert {recipe.value for recipe in recipes} == {*VALUE_FORMATS, "none"}
    assert {recipe.rule for recipe in recipes} == set(ScaleRule)
    assert {recipe.layout for recipe in recipes} == set(ScaleLayout)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="needs an x86-64 processor")
@pytest.mark.parametrize("capability", ["baseline", "avx2", "avx512"])
def test_every_capability_writes_the_references_bytes_and_no_others(
    capability: str,
    calls: list[tuple[Case, bytes, bytes]],
    tmp_path: Path,
) -> None:
    need(capability)
    assert differences(link_the_librarys(tmp_path, capability), calls) == []


def test_neon_writes_the_references_bytes_and_no_others(
    calls: list[tuple[Case, bytes, bytes]], tmp_path: Path
) -> None:
    # On an aarch64 machine the baseline is NEON, and the golden digests say so.
    for tool in (AARCH64_COMPILER, AARCH64_EMULATOR):
        if shutil.which(tool) is None:
            lacking(f"{tool} is not installed (Debian: g++-aarch64-linux-gnu, qemu-user)")
    program = compile_kernel(tmp_path, AARCH64_COMPILER, "baseline")
    assert differences(program, calls, AARCH64_EMULATOR) == []


@pytest.mark.parametrize("capability", ["baseline", "avx2", "avx512"])
def test_a_fused_product_and_sum_is_rounded_once(capability: str, tmp_path: Path) -> None:
    need(capability)
    program = compile_cpp(tmp_path / "fused", *COMMON, *FLAGS[capability], HERE / "fused.cpp")
    completed = subprocess.run([program, "10000000"], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout
    assert int(completed.stdout) >= 10_000_000


@pytest.mark.parametrize(("capability", "step"), [("baseline", 257), ("avx2", 1), ("avx512", 1)])
def test_silu_of_every_float32_gate_has_the_bits_of_the_contracts_steps(
    capability: str, step: int, tmp_path: Path
) -> None:
    # Without the instruction fma is a function of the C library, too slow for every gate.
    need(capability)
    write_tables(tmp_path)
    program = compile_cpp(
        tmp_path / "silu", *COMMON, *FLAGS[capability], f"-I{tmp_path}", HERE / "silu.cpp"
    )
    completed = subprocess.run([program, str(step)], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout
    assert int(completed.stdout) >= 2**32 // step
