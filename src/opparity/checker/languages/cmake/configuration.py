"""The variables with which a build is evaluated for a platform: what CMake and torch would set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.checker.facts.platforms import Platform

SOURCE = "/@source"
BINARY = "/@binary"

CUDA_ARCHITECTURES = (
    "7.0",
    "7.5",
    "8.0",
    "8.6",
    "8.7",
    "8.9",
    "9.0",
    "10.0",
    "10.1",
    "10.3",
    "11.0",
    "12.0",
    "12.1",
)
HIP_ARCHITECTURES = (
    "gfx906",
    "gfx908",
    "gfx90a",
    "gfx942",
    "gfx950",
    "gfx1030",
    "gfx1100",
    "gfx1101",
    "gfx1200",
    "gfx1201",
)
# Newer than every threshold seen in the trees of the corpus (13.4 in vLLM 0.33.0).
_NEWEST_CUDA = "13.9"
_NEWEST_ROCM = "7.9"
# What `find_package` sets, not a person: a build that asks for it by `CACHE` has none so far.
SET_BY_PACKAGES = frozenset({"CUDA_VERSION", "HIP_VERSION", "ROCM_VERSION_DEV"})
# CMake's own commands that set no variable.
COMMANDS_WITHOUT_OUTPUT = frozenset(
    {
        "add_custom_command",
        "add_custom_target",
        "add_dependencies",
        "add_link_options",
        "add_test",
        "cmake_minimum_required",
        "cmake_policy",
        "cmake_pop_check_state",
        "cmake_push_check_state",
        "configure_file",
        "configure_package_config_file",
        "define_property",
        "enable_testing",
        "endif",
        "export",
        "fetchcontent_makeavailable",
        "include_directories",
        "include_guard",
        "install",
        "link_directories",
        "link_libraries",
        "mark_as_advanced",
        "message",
        "set_target_properties",
        "source_group",
        "target_compile_features",
        "target_include_directories",
        "target_link_directories",
        "target_link_options",
        "target_precompile_headers",
        "torch_cuda_get_nvcc_gencode_flag",
        "variable_watch",
        "write_basic_package_version_file",
    }
)


# What /proc/cpuinfo says of a current server processor.
_PROCESSORS = {
    "x86_64": "flags: sse4_2 avx avx2 f16c fma avx512f avx512bw avx512vl avx512_vnni avx512_bf16 "
    "amx_bf16 amx_tile amx_int8",
    "aarch64": "Features: asimd asimddp bf16 i8mm sve",
    "ppc64le": "cpu: POWER10",
    "s390x": "vendor_id: IBM/S390",
    "riscv64": "isa: rv64gcv zvl256b zvfhmin",
}
# A word that says which platform a boolean option is about.
_PLATFORM_WORDS = {
    "CUDA": "cuda",
    "ROCM": "rocm",
    "HIP": "rocm",
    "XPU": "xpu",
    "SYCL": "xpu",
    "NPU": "npu",
    "MLU": "mlu",
    "MUSA": "musa",
    "MPS": "mps",
    "METAL": "mps",
    "HPU": "hpu",
}
# Values by which builds name a platform.
_PLATFORM_VALUES = {
    "cuda": ("cuda", "CUDA", "gpu", "GPU"),
    "rocm": ("rocm", "ROCM", "hip", "HIP", "ROCm"),
    "cpu": ("cpu", "CPU"),
    "xpu": ("xpu", "XPU", "sycl", "SYCL"),
}


def processor(platform: Platform) -> str:
    """Return the processor that a platform is built for."""
    named = platform.architectures[:1] if platform.language == "CPU" else ()
    return named[0] if named and named[0] in _PROCESSORS else "x86_64"


def processor_text(platform: Platform) -> str:
    """Return what /proc/cpuinfo says there."""
    return _PROCESSORS[processor(platform)]


def initial_variables(platform: Platform) -> dict[str, str]:
    """Return what is defined before the first command."""
    variables = {
        "CMAKE_SOURCE_DIR": SOURCE,
        "PROJECT_SOURCE_DIR": SOURCE,
        "CMAKE_CURRENT_SOURCE_DIR": SOURCE,
        "CMAKE_CURRENT_LIST_DIR": SOURCE,
        "CMAKE_HOME_DIRECTORY": SOURCE,
        "CMAKE_BINARY_DIR": BINARY,
        "PROJECT_BINARY_DIR": BINARY,
        "CMAKE_CURRENT_BINARY_DIR": BINARY,
        "CMAKE_VERSION": "3.31.0",
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_HOST_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": processor(platform),
        "CMAKE_HOST_SYSTEM_PROCESSOR": processor(platform),
        "CMAKE_SIZEOF_VOID_P": "8",
        "CMAKE_CXX_COMPILER_ID": "GNU",
        "CMAKE_CXX_COMPILER_VERSION": "13.3",
        "CMAKE_C_COMPILER_ID": "GNU",
        "CMAKE_CXX_FLAGS": "",
        "CMAKE_CUDA_FLAGS": "",
        "CMAKE_HIP_FLAGS": "",
        "CMAKE_BUILD_TYPE": "Release",
        "UNIX": "1",
        "LINUX": "1",
        "TORCH_FOUND": "1",
        "Torch_FOUND": "1",
        "Python_FOUND": "1",
        "Python3_FOUND": "1",
    }
    if platform.language == "CUDA":
        variables.update(_cuda(platform))
    elif platform.language == "HIP":
        variables.update(_hip(platform))
    if platform.language != "CUDA":
        variables.update({"CUDA_FOUND": "0", "CUDAToolkit_FOUND": "0", "CMAKE_CUDA_COMPILER": ""})
    if platform.language != "HIP":
        variables.update({"HIP_FOUND": "0", "PYTORCH_FOUND_HIP": "0", "hip_FOUND": "0"})
    return variables


def _cuda(platform: Platform) -> dict[str, str]:
    version = platform.compiler_version or _NEWEST_CUDA
    major, _, minor = version.partition(".")
    listed = platform.architectures or CUDA_ARCHITECTURES
    numbers = [architecture.replace(".", "") for architecture in listed]
    gencode = " ".join(f"-gencode arch=compute_{n},code=sm_{n}" for n in numbers)
    return {
        "CUDA_FOUND": "1",
        "CUDAToolkit_FOUND": "1",
        "USE_CUDA": "1",
        "CUDA_VERSION": version,
        "CUDA_VERSION_MAJOR": major,
        "CUDA_VERSION_MINOR": minor,
        "CUDAToolkit_VERSION": version,
        "CUDAToolkit_VERSION_MAJOR": major,
        "CUDAToolkit_VERSION_MINOR": minor,
        "CMAKE_CUDA_COMPILER_VERSION": version,
        "CMAKE_CUDA_COMPILER": "nvcc",
        "CMAKE_CUDA_COMPILER_ID": "NVIDIA",
        "CMAKE_CUDA_FLAGS": gencode,
        "CMAKE_CUDA_ARCHITECTURES": ";".join(numbers),
        "TORCH_CUDA_ARCH_LIST": ";".join(listed),
        "ENV{TORCH_CUDA_ARCH_LIST}": ";".join(listed),
        "ENV{CUDA_HOME}": "/usr/local/cuda",
    }


def _hip(platform: Platform) -> dict[str, str]:
    version = platform.compiler_version or _NEWEST_ROCM
    major, _, minor = version.partition(".")
    listed = ";".join(platform.architectures or HIP_ARCHITECTURES)
    return {
        "HIP_FOUND": "1",
        "hip_FOUND": "1",
        "PYTORCH_FOUND_HIP": "1",
        "USE_ROCM": "1",
        "ROCM_VERSION_DEV": version,
        "ROCM_VERSION_DEV_MAJOR": major,
        "ROCM_VERSION_DEV_MINOR": minor,
        "HIP_VERSION": version,
        "CMAKE_HIP_COMPILER_ID": "Clang",
        "CMAKE_HIP_COMPILER": "hipcc",
        "CMAKE_HIP_ARCHITECTURES": listed,
        "ENV{PYTORCH_ROCM_ARCH}": listed,
        "ENV{ROCM_PATH}": "/opt/rocm",
        "ENV{ROCM_HOME}": "/opt/rocm",
    }


def switch_value(name: str, compared_with: Iterable[str], platform: Platform) -> str | None:
    """Return the platform's own word for a variable that the build compares with platforms.

    `VLLM_TARGET_DEVICE STREQUAL "rocm"` makes VLLM_TARGET_DEVICE such a switch.
    None where the build compares it with no platform, or not with enough to be a switch.
    """
    words = set(compared_with)
    del name
    known = [word for values in _PLATFORM_VALUES.values() for word in values if word in words]
    if not known:
        return None
    for word in _PLATFORM_VALUES.get(platform.name, (platform.name, platform.language)):
        if word in words:
            return word
    # Not compared with this platform: as a project's own set-up would name it.
    return platform.name.upper() if known[0].isupper() else platform.name


def option_value(name: str, platform: Platform) -> str | None:
    """Return ON or OFF for an option whose name says a platform (USE_ROCM, BUILD_CUDA)."""
    if not re.search(r"^(USE|WITH|BUILD|ENABLE|\w+_(USE|WITH|BUILD|ENABLE))_", name):
        return None
    last = name.rpartition("_")[2]
    if last not in _PLATFORM_WORDS:
        return None
    return "ON" if _PLATFORM_WORDS[last] == platform.name else "OFF"
