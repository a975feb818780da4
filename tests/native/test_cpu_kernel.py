"""The CPU kernel's arithmetic by itself, for every capability that this machine can run."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from native_programs import HERE, SOURCES, compile_cpp

KERNEL = SOURCES / "operators" / "silu_and_mul_per_block_quant" / "cpu_kernel.cpp"
# As CMakeLists.txt has them.
COMMON = ("-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Werror")
FLAGS = {
    "baseline": (),
    "avx2": ("-mavx2", "-mfma", "-mf16c", "-mtune=haswell"),
    "avx512": (
        *("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mf16c"),
        "-mprefer-vector-width=512",
    ),
}
NEEDED = {"baseline": (), "avx2": ("avx2", "fma", "f16c"), "avx512": ("avx512dq", "avx512vl")}
AARCH64_COMPILER, AARCH64_EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64"


def need(capability: str) -> None:
    """Skip where this processor cannot run a capability."""
    cpu = Path("/proc/cpuinfo").read_text("utf-8")
    missing = [flag for flag in NEEDED[capability] if flag not in cpu]
    if missing:
        pytest.skip(f"this processor has no {', '.join(missing)}")


def digests(
    program: Path, *runner: str, least_group: int = 16, looks_up: bool = False
) -> list[str]:
    completed = subprocess.run(
        [*runner, program, str(least_group), str(int(looks_up))],
        capture_output=True,
        text=True,
        check=True,
    )
    return completed.stdout.splitlines()


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    program = tmp_path_factory.mktemp("baseline") / "program"
    return digests(compile_program(program, "baseline"))


def compile_program(output: Path, capability: str) -> Path:
    return compile_cpp(
        output,
        *COMMON,
        *FLAGS[capability],
        f"-DOPPARITY_CAPABILITY={capability}",
        KERNEL,
        HERE / "cpu_kernel_program.cpp",
    )


@pytest.mark.parametrize(("capability", "step"), [("baseline", 257), ("avx2", 1), ("avx512", 1)])
def test_silu_of_every_float32_gate_has_the_bits_of_the_contracts_steps(
    capability: str, step: int, tmp_path: Path
) -> None:
    # Without the instruction fma is a function of the C library, too slow for every gate.
    need(capability)
    program = compile_cpp(tmp_path / "silu", *COMMON, *FLAGS[capability], HERE / "silu.cpp")
    completed = subprocess.run([program, str(step)], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout
    assert int(completed.stdout) >= 2**32 // step


@pytest.mark.skipif(platform.machine() != "x86_64", reason="needs an x86-64 processor")
@pytest.mark.parametrize("looks_up", [False, True])
@pytest.mark.parametrize("capability", ["baseline", "avx2", "avx512"])
def test_every_capability_gives_the_same_bytes(
    capability: str,
    looks_up: bool,
    baseline: list[str],
    tmp_path: Path,
) -> None:
    need(capability)
    # The AVX-512 kernel is not called for groups smaller than two of its vectors.
    least_group = 32 if capability == "avx512" else 16
    program = compile_program(tmp_path / "program", capability)
    got = digests(program, least_group=least_group, looks_up=looks_up)
    expected = [line for line in baseline if least_group == 16 or "group 16 " not in line]
    assert len(got) == len(expected) >= 3 * 3 * 4 * 2 * 3
    assert got == expected


def test_neon_gives_the_same_bytes(baseline: list[str], tmp_path: Path) -> None:
    # On an aarch64 machine the baseline is NEON, and the golden digests say so.
    for tool in (AARCH64_COMPILER, AARCH64_EMULATOR):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (Debian: g++-aarch64-linux-gnu, qemu-user)")
    program = tmp_path / "program"
    subprocess.run(
        [
            *(AARCH64_COMPILER, "-std=c++20", "-static", "-Wall", "-Wextra", *COMMON),
            *(f"-I{SOURCES}", "-DOPPARITY_CAPABILITY=baseline", "-o", program),
            *(KERNEL, HERE / "cpu_kernel_program.cpp"),
        ],
        check=True,
    )
    assert digests(program, AARCH64_EMULATOR) == baseline
