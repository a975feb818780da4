"""Which platform a file's path, a macro, a build description or a function speaks of."""

from __future__ import annotations

import pytest

from opparity.checker.analysis.macros import platform_of_macro
from opparity.checker.analysis.platform_words import concerns, own_platform, platforms_of
from opparity.checker.analysis.translation import is_foreign_macro, language_of
from opparity.checker.facts.places import Location
from opparity.checker.facts.platforms import Platform, parse_platform
from opparity.checker.facts.python import Call, CallKind
from opparity.checker.languages.detection import known_platforms
from opparity.checker.tree.contents import Tree


@pytest.mark.parametrize(
    ("path", "platforms"),
    [
        ("demo/layers.py", ""),
        ("demo/rocm/layers.py", "rocm"),
        ("demo/layers_rocm.py", "rocm"),
        ("demo/HIP/layers.py", "rocm"),
        ("demo/aiter_ops.py", "rocm"),
        ("demo/xpu.py", "xpu"),
        ("demo/nvidia/ops.py", "cuda"),
        # ROCm runs what is called CUDA.
        ("demo/cuda/ops.py", "cuda rocm"),
        ("demo/cuda_to_rocm.py", ""),
        ("demo/rocm_hip.py", "rocm"),
        ("demo/microcmpt.py", ""),
        ("demo/processor.py", ""),
    ],
)
def test_a_path_keeps_a_file_to_the_platform_that_it_names(path: str, platforms: str) -> None:
    assert platforms_of(path) == frozenset(platforms.split())
    assert own_platform(path) == (platforms if platforms.count(" ") == 0 else "")


@pytest.mark.parametrize(
    ("path", "inside", "platforms"),
    [
        ("demo/layers.py", "forward", "cuda rocm xpu cpu"),
        ("demo/layers.py", "forward_xpu", "xpu"),
        ("demo/layers.py", "Layer.forward_hip", "rocm"),
        ("demo/layers.py", "forward_cuda", "cuda rocm"),
        ("demo/layers.py", "xpu_forward", "cuda rocm xpu cpu"),
        ("demo/xpu/layers.py", "forward", "xpu"),
        ("demo/xpu/layers.py", "forward_xpu", "xpu"),
        ("demo/xpu/layers.py", "forward_hip", ""),
        ("demo/layers.py", "", "cuda rocm xpu cpu"),
    ],
)
def test_a_call_is_for_the_platform_of_its_file_and_its_functions_last_word(
    path: str, inside: str, platforms: str
) -> None:
    call = Call(CallKind.CALL, "_C", "op", Location(path, 1), (), inside=inside)
    meant = [each for each in ("cuda", "rocm", "xpu", "cpu") if concerns(call, Platform(each))]
    assert meant == platforms.split()


@pytest.mark.parametrize(
    ("macro", "platform"),
    [
        ("USE_ROCM", "rocm"),
        ("IS_ROCM", "rocm"),
        ("ROCM", "rocm"),
        ("WITH_HIP", "rocm"),
        ("DEMO_USE_AMD", "rocm"),
        ("ENABLE_CUDA", "cuda"),
        ("CUDA_ENABLED", "cuda"),
        ("BUILD_NVIDIA", "cuda"),
        ("DEMO_WITH_CUDA", "cuda"),
        ("__HIP_PLATFORM__", "rocm"),
        ("USE_XPU", "xpu"),
        ("SYCL_BACKEND", "xpu"),
        ("USE_ASCEND", "npu"),
        ("WITH_METAL", "mps"),
        ("USE_FAST_MATH", ""),
        ("HIP_CHECK", ""),
        ("CUDA_ARCH_LIST", ""),
        ("CUDA_VERSION", ""),
        ("use_rocm", ""),
        ("USE_ROCMX", ""),
    ],
)
def test_a_switch_speaks_of_the_platform_in_its_name(macro: str, platform: str) -> None:
    assert platform_of_macro(macro) == platform


@pytest.mark.parametrize(
    ("macro", "is_foreign"),
    [
        *(
            (name, True)
            for name in ("__CUDA_ARCH__", "_OPENMP", "CUDA_VERSION", "MY_VERSION_MAJOR")
        ),
        *((name, True) for name in ("TORCH_CHECK", "C10_API", "CUTLASS_ARCH", "OPS_H", "OPS_HPP_")),
        *((name, True) for name in ("WIN32", "__HIPCC__", "CUDART_VERSION", "__NVCC__")),
        *((name, False) for name in ("USE_ROCM", "MY_FLAG", "WITH_TORCH", "AUTO", "ENABLE_X")),
    ],
)
def test_names_of_compilers_and_libraries_are_not_the_trees(
    macro: str, *, is_foreign: bool
) -> None:
    assert is_foreign_macro(macro) is is_foreign


@pytest.mark.parametrize(
    ("path", "platform", "language"),
    [
        ("a.cpp", "cuda", "CXX"),
        ("a.cu", "cuda", "CUDA"),
        ("a.cu", "rocm", "HIP"),
        ("a.hip", "rocm", "HIP"),
        ("a.cuh", "cuda", "CUDA"),
        ("a.cpp", "rocm", "CXX"),
        ("a.cu", "cpu", "CUDA"),
    ],
)
def test_a_source_is_compiled_as_its_name_and_platform_say(
    path: str, platform: str, language: str
) -> None:
    assert language_of(path, Platform(platform)) == language


SETUP = b"setup(ext_modules=[%s('m', ['a.cpp'])])"


@pytest.mark.parametrize(
    ("files", "platforms"),
    [
        ({"setup.py": SETUP % b"CUDAExtension"}, "cuda"),
        ({"setup.py": SETUP % b"CppExtension"}, "cpu"),
        ({"setup.py": SETUP % b"Extension"}, "cpu"),
        ({"setup.py": SETUP % b"Extension", "a.cu": b""}, "cuda"),
        ({"setup.py": SETUP % b"SyclExtension"}, "xpu"),
        ({"setup.py": SETUP % b"NpuExtension"}, "npu"),
        ({"setup.py": SETUP % b"MUSAExtension"}, "musa"),
        ({"setup.py": SETUP % b"CUDAExtension if CUDA_HOME else CppExtension"}, "cuda cpu"),
        (
            {"setup.py": SETUP % b"CUDAExtension", "cmake/hip.cmake": b"enable_language(HIP)"},
            "cuda rocm",
        ),
        ({"CMakeLists.txt": b"project(x LANGUAGES CXX CUDA)"}, "cuda"),
        ({"CMakeLists.txt": b"project(x LANGUAGES CXX HIP)"}, "rocm"),
        ({"CMakeLists.txt": b"project(x LANGUAGES CXX)"}, "cpu"),
        ({"CMakeLists.txt": b'if(DEVICE STREQUAL "cpu")'}, "cpu"),
        ({"CMakeLists.txt": b"find_package(IntelSYCL)"}, "xpu"),
        ({"build.toml": b'backend = "metal"'}, "mps"),
        ({"third_party/x/setup.py": SETUP % b"CUDAExtension", "a.cpp": b""}, "cpu"),
        ({"a.cpp": b"TORCH_LIBRARY_IMPL(demo, XPU, m) {}"}, "xpu"),
        ({"a.cpp": b"TORCH_LIBRARY_IMPL(demo, CPU, m) {}"}, "cpu"),
    ],
)
def test_a_tree_is_for_the_platforms_that_its_build_speaks_of(
    files: dict[str, bytes], platforms: str
) -> None:
    found = known_platforms(Tree("demo", files))
    assert [each.name for each in found] == platforms.split()


@pytest.mark.parametrize(
    ("text", "label", "language"),
    [
        ("cuda", "cuda", "CUDA"),
        (" ROCm ", "rocm", "HIP"),
        ("hip:gfx942", "rocm:gfx942", "HIP"),
        ("cuda:9.0, 12.0a", "cuda:9.0,12.0a", "CUDA"),
        ("sycl", "xpu", "XPU"),
        ("cpu:aarch64", "cpu:aarch64", "CPU"),
        ("tenstorrent", "tenstorrent", "TENSTORRENT"),
    ],
)
def test_a_platform_is_read_as_it_is_written(text: str, label: str, language: str) -> None:
    platform = parse_platform(text)
    assert (platform.label, platform.language) == (label, language)
