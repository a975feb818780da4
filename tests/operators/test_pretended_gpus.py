"""An operator down to the driver's launch on GPUs that are not there, against stand-ins."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from native_programs import HERE, compile_library

if TYPE_CHECKING:
    from pathlib import Path

START = """
import sys
import pretended_gpu
pretended_gpu.pretend("{platform}")
import opparity, torch
from pretended_gpu import on_gpu
"""
CALL = """
opparity.load()
input = on_gpu(torch.zeros(3, 2 * 7168, dtype=torch.bfloat16), {device})
out = on_gpu(torch.zeros(3, 7168, dtype=torch.float8_e4m3fnuz), {device})
scales = on_gpu(torch.zeros(56, 3), {device})
bound = on_gpu(torch.ones(1), {device})
print("pointers", input.data_ptr(), out.data_ptr(), scales.data_ptr(), bound.data_ptr())
sys.stdout.flush()
torch.ops.opparity.silu_and_mul_per_block_quant(out, input, scales, 128, bound, True)
print("compiled", torch.ops.opparity.compiled_kernels(), torch.ops.opparity.compile_seconds() > 0)
"""
DOCTOR = """
from opparity.doctor import examine
print(examine().to_json())
"""
# Of the kernel's arguments: the pointers, and the bytes from one row to the next.
POINTERS = ("input", "gradient", "values", "scales", "given_scale", "scale_bound")
ROWS = ("input", "gradient", "values")
LEADING = struct.Struct(f"<{len(POINTERS)}Q{len(ROWS)}q")
NVRTC = "libnvrtc.so.13"
# Of the stand-in's devices.
ARCHITECTURES = ("gfx942", "gfx1100")


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gpus")
    driver = "libamdhip64.so"
    compile_library(folder / "rocm" / driver, f"-Wl,-soname,{driver}", HERE / "stand_in_hip.cpp")
    compile_library(folder / "rocm" / "libhiprtc.so", HERE / "stand_in_compiler.cpp")
    compile_library(folder / "cuda" / "libcuda.so.1", HERE / "stand_in_driver.cpp")
    flags = ("-DNVRTC", f"-Wl,-soname,{NVRTC}")
    compile_library(folder / "cuda" / NVRTC, *flags, HERE / "stand_in_compiler.cpp")
    for place, name in (
        ("cuda", "libtorch_cuda.so"),
        ("rocm", "libtorch_hip.so"),
        ("rocm_without_compiler", "libtorch_hip.so"),
    ):
        compile_library(folder / place / name, f"-Wl,-soname,{name}", HERE / "stand_in_torch.cpp")
    return folder


def run(script: str, platform: str, libraries: Path) -> list[str]:
    # The tests have the real NVRTC beside torch; one that is loaded already comes first.
    loaded = {"LD_PRELOAD": str(libraries / NVRTC)} if platform == "cuda" else {}
    completed = subprocess.run(
        [sys.executable, "-c", START.format(platform=platform) + script],
        env={
            **os.environ,
            "LD_LIBRARY_PATH": str(libraries),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            **loaded,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout.splitlines()


def after(word: str, line: str) -> str:
    words = line.split()
    return words[words.index(word) + 1]


@pytest.mark.parametrize("device", [0, 1])
def test_on_rocm_the_operator_compiles_its_kernel_and_launches_it_on_torchs_stream(
    libraries: Path, device: int
) -> None:
    lines = run(CALL.format(device=device), "rocm", libraries / "rocm")
    assert lines[-1] == "compiled 1 True"
    [created] = [line for line in lines if line.startswith("hiprtcCreateProgram")]
    for source in ("gpu/kernel.h", "producers/silu_and_mul.h", "platforms/hip.h"):
        assert f"| native/{source}: " in created
    [launch] = [line for line in lines if line.startswith("hipModuleLaunchKernel")]
    assert launch.startswith(f"hipModuleLaunchKernel {ARCHITECTURES[device]} ")
    for macro in ("PRODUCER=SiluAndMul", "FORMAT=Float8E4M3FNUZ", "GROUP_SIZE=128"):
        assert f" OPPARITY_{macro} " in launch
    assert after("on", launch) == str(device)
    assert after("stream", launch) == str(1000 + device)
    arguments = LEADING.unpack_from(bytes.fromhex(after("arguments", launch)))
    [pointers] = [line.split()[1:] for line in lines if line.startswith("pointers")]
    input, values, scales, bound = map(int, pointers)
    assert arguments == (input, 0, values, scales, 0, bound, 2 * 14336, 0, 7168)


def test_on_cuda_it_does_the_same(libraries: Path) -> None:
    lines = run(CALL.format(device=1), "cuda", libraries / "cuda")
    assert lines[-1] == "compiled 1 True"
    [launch] = [line for line in lines if line.startswith("cuLaunchKernelEx")]
    assert launch.startswith("cuLaunchKernelEx sm_90 OPPARITY_PRODUCER=SiluAndMul ")
    assert after("stream", launch) == "1001"
    # The stand-in shows the first half of the first pointer.
    [pointers] = [line.split()[1:] for line in lines if line.startswith("pointers")]
    assert int(after("argument", launch)) % 2**32 == int(pointers[0]) % 2**32


@dataclass(frozen=True, slots=True)
class Report:
    """What doctor says of a platform: status and reason by provider, and of the compiler."""

    rows: dict[str, tuple[str, str | None]]
    compiler: str


def report(platform: str, libraries: Path) -> Report:
    document = json.loads("\n".join(run(DOCTOR, platform, libraries)))
    rows = {
        row["provider"]: (row["status"], row["reason"])
        for row in document["rows"]
        if row["platform"] == platform
    }
    return Report(rows, document["compiler"])


@pytest.mark.parametrize(
    ("platform", "compiler"), [("cuda", "NVRTC 13.7"), ("rocm", "HIPRTC 13.7")]
)
def test_native_serves_where_there_is_a_compiler_and_doctor_names_it(
    libraries: Path, platform: str, compiler: str
) -> None:
    found = report(platform, libraries / platform)
    assert found.rows == {"native": ("selected", None), "reference": ("available", None)}
    file = {"cuda": NVRTC, "rocm": "libhiprtc.so"}[platform]
    assert found.compiler == f"{compiler}, {libraries / platform / file}"


def test_the_reference_serves_where_there_is_none_and_doctor_says_what_to_do(
    libraries: Path,
) -> None:
    found = report("rocm", libraries / "rocm_without_compiler")
    assert found.rows["reference"] == ("selected", None)
    status, reason = found.rows["native"]
    assert status == "refused"
    assert found.compiler == f"none: {reason}"
    assert "HIPRTC does not load: libhiprtc.so" in found.compiler
    assert "install ROCm's libhiprtc" in found.compiler
