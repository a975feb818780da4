"""HIP's binary interface as the library assumes it, against AMD's declarations of it."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import distribution
from pathlib import Path

from native_programs import HERE, compile_cpp

# AMD's bindings for Cython carry HIP's records, enumerations and functions as text, in a wheel of
# 3 MB.
BINDINGS = Path(str(distribution("rocm-bindings-hip").locate_file("rocm/bindings")))
RECORDS = ("hipDeviceArch_t", "hipUUID_t", "hipDeviceProp_t")
ENUMERATIONS = ("hipError_t", "hipStreamCaptureMode", "hiprtcResult")
POINTERS = ("hipStream_t", "hipModule_t", "hipFunction_t", "hiprtcProgram")
FUNCTIONS = (
    *("hipInit", "hipGetErrorName", "hipGetErrorString", "hipGetDeviceProperties", "hipGetDevice"),
    *("hipSetDevice", "hipThreadExchangeStreamCaptureMode", "hipModuleLoadData"),
    *("hipModuleGetFunction", "hipModuleLaunchKernel", "hipMemsetAsync"),
    *("hiprtcVersion", "hiprtcGetErrorString", "hiprtcCreateProgram", "hiprtcCompileProgram"),
    *("hiprtcGetProgramLogSize", "hiprtcGetProgramLog", "hiprtcDestroyProgram"),
    *("hiprtcGetCodeSize", "hiprtcGetCode"),
)
CONSTANTS = {
    "kParameterBuffer": "HIP_LAUNCH_PARAM_BUFFER_POINTER",
    "kParameterSize": "HIP_LAUNCH_PARAM_BUFFER_SIZE",
    "kParameterEnd": "HIP_LAUNCH_PARAM_END",
}


def found(pattern: str, text: str) -> str:
    """Return the first group of the one place where a pattern matches."""
    [match] = re.findall(pattern, text, re.MULTILINE)
    return str(match)


def members(kind: str, name: str, text: str) -> list[str]:
    block = found(rf'^    c(?:type)?def {kind} {name}(?: "\w+")?:\n((?: {{8}}.+\n)+)', text)
    return [line.strip() for line in block.splitlines()]


def declarations() -> str:
    """Return C++ of what HIP declares."""
    text = "".join((BINDINGS / name).read_text("utf-8") for name in ("cyhip.pxd", "cyhiprtc.pxd"))
    values = (BINDINGS / "cyhip.pyx").read_text("utf-8")
    lines = ["#include <cstddef>"]
    for name in RECORDS:
        # Flags of one bit each, which Cython cannot say.
        end = " : 1;" if name == "hipDeviceArch_t" else ";"
        lines += [f"struct {name} {{", *(f"{m}{end}" for m in members("struct", name, text)), "};"]
    for name in ENUMERATIONS:
        lines.append(f"enum {name} {{ {', '.join(members('enum', name, text))} }};")
    lines += (
        f"typedef struct {found(rf'^    ctypedef (.+) {name}$', text)}{name};" for name in POINTERS
    )
    lines += (
        f'extern "C" {found(rf"^cdef (.+ {name}[(].*[)]) (?:except|noexcept)", text)};'
        for name in FUNCTIONS
    )
    lines += (
        f"constexpr size_t {ours} = {found(rf'^cdef size_t {theirs} = ([0-9]+)$', values)};"
        for ours, theirs in CONSTANTS.items()
    )
    return "\n".join(lines) + "\n"


def test_the_binary_interface_that_is_assumed_is_hips(tmp_path: Path) -> None:
    (tmp_path / "hip_declarations.h").write_text(declarations())
    program = compile_cpp(tmp_path / "interface", f"-I{tmp_path}", HERE / "hip_interface.cpp")
    subprocess.run([program], check=True)
