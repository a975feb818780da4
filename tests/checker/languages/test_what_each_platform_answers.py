"""What a build learns of the machine is another thing on each platform, in setup.py and CMake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.platforms import parse_platform
from opparity.checker.languages.cmake.evaluation import CMakeReader
from opparity.checker.languages.setup_py.reader import read_setup_scripts
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from opparity.checker.facts.builds import Build

PLATFORMS = ("cuda:8.6,9.0", "rocm:gfx942", "cpu", "xpu", "npu")
ALL, NONE = " ".join(PLATFORMS), ""
CUDA, ROCM, CPU, XPU, NPU = PLATFORMS
NOT_CPU = f"{CUDA} {ROCM} {XPU} {NPU}"
SCRIPT = """
import os, sys
import torch
from torch.utils.cpp_extension import CUDA_HOME, IS_HIP_EXTENSION, ROCM_HOME, CppExtension
try:
    import torch_npu
    has_npu = True
except ImportError:
    has_npu = False
try:
    import cupy
    has_cupy = True
except ImportError:
    has_cupy = False
try:
    import numpy
    has_numpy = True
except ImportError:
    has_numpy = False
if {}:
    CppExtension("m", ["a.cpp"])
"""
# A condition, and the platforms where it holds; it is decided on all of them.
OF_SCRIPTS = [
    ("os.environ.get('DEMO_CPU_ONLY', 'OFF') == 'ON'", CPU),
    ("torch.version.cuda", CUDA),
    ("torch.version.hip", ROCM),
    ("torch.version.hip is None", f"{CUDA} {CPU} {XPU} {NPU}"),
    ("torch.version.xpu is not None", XPU),
    ("torch.cuda.is_available()", f"{CUDA} {ROCM}"),
    ("torch.cuda.is_available() and torch.version.hip is None", CUDA),
    ("torch.xpu.is_available()", XPU),
    ("torch.npu.is_available()", NPU),
    ("torch.backends.mps.is_available()", NONE),
    ("torch.cuda.device_count()", f"{CUDA} {ROCM}"),
    ("CUDA_HOME", CUDA),
    ("CUDA_HOME is None", f"{ROCM} {CPU} {XPU} {NPU}"),
    ("ROCM_HOME is not None", ROCM),
    ("IS_HIP_EXTENSION", ROCM),
    ("has_npu", NPU),
    ("has_cupy", CUDA),
    ("has_numpy", ALL),
    ("hasattr(torch, 'npu')", NPU),
    ("hasattr(torch, 'cuda')", ALL),
    ("os.environ.get('FORCE_CUDA') == '1'", CUDA),
    ("os.environ.get('DEMO_FORCE_ROCM', '0') == '1'", ROCM),
    ("os.getenv('FORCE_XPU')", XPU),
    ("os.getenv('FORCE_CPU', 'no') == '1'", CPU),
    ("os.environ.get('CUDA_HOME') == '/usr/local/cuda'", CUDA),
    ("os.environ.get('CUDA_PATH')", CUDA),
    ("'ROCM_PATH' in os.environ", ROCM),
    ("os.environ.get('NO_CUDA', '0') == '1'", CPU),
    ("os.environ.get('DEMO_DISABLE_GPU', 'false') == 'true'", CPU),
    ("os.environ.get('CPU_ONLY', 'OFF') == 'ON'", CPU),
    ("os.environ.get('NO_CUDA', '1') == '1'", ALL),
    ("os.environ.get('USE_CUDA', '1') == '1'", NOT_CPU),
    ("os.environ.get('DEMO_WITH_GPU', 'ON') == 'ON'", NOT_CPU),
    ("os.environ.get('DEMO_WITH_GPU', 'ON') == 'OFF'", CPU),
    ("os.environ.get('DEMO_ENABLE_CUDA', 'True') == 'False'", NONE),
    ("os.environ.get('DEMO_ENABLE_CUDA', 'true') == 'false'", CPU),
    ("os.environ.get('TORCH_CUDA_ARCH_LIST') == '8.6;9.0'", CUDA),
    ("os.environ.get('CUDA_ARCHS') == '86;90'", CUDA),
    ("os.environ.get('PYTORCH_ROCM_ARCH') == 'gfx942'", ROCM),
    ("os.environ.get('DEMO_GPU_ARCHS', '') == 'gfx942'", ROCM),
    ("os.environ.get('DEMO_GPU_ARCHS', '') == '86;90'", CUDA),
    ("os.environ.get('DEMO_ARCHS', '') == ''", ALL),
]
# Where it holds, and where nobody knows whether it does.
OPEN_IN_SCRIPTS = [
    ("torch.cuda.device_count() == 0", f"{CPU} {XPU} {NPU}", f"{CUDA} {ROCM}"),
    ("torch.cuda.get_device_capability() == (9, 0)", CUDA, f"{ROCM} {CPU} {XPU} {NPU}"),
    ("torch.cuda.get_device_capability()[0] >= 9", CUDA, f"{ROCM} {CPU} {XPU} {NPU}"),
    ("torch.cuda.get_device_properties(0).major == 9", CUDA, f"{ROCM} {CPU} {XPU} {NPU}"),
]
OF_CMAKE = [
    ("DEFINED ENV{CUDA_HOME}", CUDA),
    ("DEFINED ENV{ROCM_PATH}", ROCM),
    ("CUDA_FOUND", CUDA),
    ("CUDAToolkit_FOUND", CUDA),
    ("CMAKE_CUDA_COMPILER", CUDA),
    ("CMAKE_CUDA_COMPILER_ID STREQUAL NVIDIA", CUDA),
    ("NOT CUDA_FOUND", f"{ROCM} {CPU} {XPU} {NPU}"),
    ("HIP_FOUND", ROCM),
    ("hip_FOUND OR PYTORCH_FOUND_HIP", ROCM),
    ("CMAKE_HIP_COMPILER", ROCM),
    ("CMAKE_HIP_COMPILER_ID STREQUAL Clang", ROCM),
    ("USE_CUDA", CUDA),
    ("USE_ROCM", ROCM),
    ("USE_XPU", XPU),
    ("DEMO_WITH_SYCL", XPU),
    ("BUILD_NPU", NPU),
    ("ENABLE_HIP", ROCM),
    ("NOT DEMO_USE_CUDA", f"{ROCM} {CPU} {XPU} {NPU}"),
    ("EXISTS /opt/rocm/include", ROCM),
    ("EXISTS /usr/local/cuda", CUDA),
    ("UNIX AND NOT APPLE", ALL),
    ("WIN32 OR MSVC", NONE),
    ("CMAKE_SYSTEM_NAME STREQUAL Linux", ALL),
    ("CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64", ALL),
    ("CMAKE_SYSTEM_PROCESSOR MATCHES arm", NONE),
    ("CMAKE_SIZEOF_VOID_P EQUAL 8", ALL),
    ("CUDA_VERSION VERSION_GREATER_EQUAL 12.8", CUDA),
    ("CUDAToolkit_VERSION_MAJOR GREATER 12", CUDA),
    ("HIP_VERSION VERSION_GREATER 6.0", ROCM),
    ("ROCM_VERSION_DEV_MAJOR EQUAL 7", ROCM),
    ("90 IN_LIST CMAKE_CUDA_ARCHITECTURES", CUDA),
    ("80 IN_LIST CMAKE_CUDA_ARCHITECTURES", NONE),
    ('CMAKE_CUDA_FLAGS MATCHES "code=sm_86"', CUDA),
    ('"$ENV{TORCH_CUDA_ARCH_LIST}" STREQUAL "8.6;9.0"', CUDA),
    ('CMAKE_HIP_ARCHITECTURES STREQUAL "gfx942"', ROCM),
    ('"$ENV{PYTORCH_ROCM_ARCH}" MATCHES gfx950', NONE),
    ("CUDA IN_LIST LANGUAGES_FOUND", CUDA),
    ("HIP IN_LIST LANGUAGES_FOUND", ROCM),
    ("CXX IN_LIST LANGUAGES_FOUND", ALL),
    ('DEVICE STREQUAL "cuda"', CUDA),
    ('DEVICE STREQUAL "rocm"', ROCM),
    ('DEVICE STREQUAL "cpu"', CPU),
    ('DEVICE STREQUAL "xpu"', XPU),
    ('DEVICE STREQUAL "npu"', NPU),
    ('BACKEND STREQUAL "HIP"', ROCM),
    ('BACKEND STREQUAL "CUDA"', CUDA),
]
LISTS = """cmake_minimum_required(VERSION 3.26)
project(demo LANGUAGES CXX)
get_property(LANGUAGES_FOUND GLOBAL PROPERTY ENABLED_LANGUAGES)
if(BACKEND STREQUAL "CUDA")
elseif(BACKEND STREQUAL "HIP")
elseif(DEVICE STREQUAL "cuda")
endif()
if({})
add_library(m MODULE a.cpp)
endif()
"""


def truths(builds: Iterable[Build]) -> dict[str, Truth]:
    found = dict.fromkeys(PLATFORMS, Truth.FALSE)
    found |= {build.platform: build.targets[0].built for build in builds if build.targets}
    return found


def expected(holding: str, undecided: str = "") -> dict[str, Truth]:
    return {
        **dict.fromkeys(PLATFORMS, Truth.FALSE),
        **dict.fromkeys(holding.split(), Truth.TRUE),
        **dict.fromkeys(undecided.split(), Truth.UNKNOWN),
    }


@pytest.mark.parametrize(
    ("condition", "holding", "undecided"),
    [*((*each, "") for each in OF_SCRIPTS), *OPEN_IN_SCRIPTS],
)
def test_a_script_takes_the_branch_of_its_platform(
    tmp_path: Path, condition: str, holding: str, undecided: str
) -> None:
    (tmp_path / "setup.py").write_text(SCRIPT.format(condition))
    builds = read_setup_scripts(open_tree(tmp_path), [*map(parse_platform, PLATFORMS)])
    assert truths(builds) == expected(holding, undecided)


@pytest.mark.parametrize(("condition", "holding"), OF_CMAKE)
def test_cmake_takes_the_branch_of_its_platform(
    tmp_path: Path, condition: str, holding: str
) -> None:
    (tmp_path / "CMakeLists.txt").write_text(LISTS.replace("{}", condition))
    builds = CMakeReader(open_tree(tmp_path)).read((*map(parse_platform, PLATFORMS),))
    defaults = [build for build in builds if build.choice is None]
    assert truths(defaults) == expected(holding)


@pytest.mark.parametrize(
    ("languages", "refused"),
    [("CXX", NONE), ("CXX CUDA", ROCM), ("CUDA", ROCM), ("CXX HIP", NONE)],
)
def test_a_project_in_cuda_alone_is_no_build_for_rocm(
    tmp_path: Path, languages: str, refused: str
) -> None:
    text = f"project(demo LANGUAGES {languages})\nadd_library(m MODULE a.cpp)\n"
    (tmp_path / "CMakeLists.txt").write_text(text)
    builds = CMakeReader(open_tree(tmp_path)).read((*map(parse_platform, PLATFORMS),))
    assert {build.platform for build in builds if build.targets} == {*PLATFORMS} - {refused}
