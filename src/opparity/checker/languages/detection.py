"""Which platforms a tree can be built for, by what its build descriptions speak of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts.platforms import Platform

if TYPE_CHECKING:
    from opparity.checker.tree.contents import Tree

# What a build description says when it knows a platform.
_MARKS = {
    "cuda": rb"CUDAExtension|CUDA_HOME|CUDAToolkit|enable_language\(\s*CUDA|CMAKE_CUDA|"
    rb"LANGUAGES[^)]{0,500}\bCUDA\b|nvcc|backend\s*=\s*\"cuda\"|\.cu\b",
    "rocm": rb"(?i:\brocm|_rocm\b|\bhip_found\b|is_hip_extension|torch[._]version\.hip|hipify|"
    rb"enable_language\(\s*hip|STREQUAL\s+\"?hip\b|languages[^)]{0,500}\bhip\b)",
    "cpu": rb"STREQUAL\s+\"?(?i:cpu)\b|CPU_ONLY|CppExtension|==\s*[\"']cpu[\"']|"
    rb"backend\s*=\s*\"cpu\"|define_cpu_extension|check_language\(\s*CUDA",
    "xpu": rb"IntelSYCL|-fsycl\b|\bicpx\b|enable_language\(\s*SYCL|LANGUAGES[^)]{0,500}\bSYCL\b|"
    rb"SyclExtension|STREQUAL\s+\"?(?i:xpu)\b|backend\s*=\s*\"xpu\"|DPCPPExtension",
    "mlu": rb"FORCE_MLU|MLUExtension",
    "npu": rb"FORCE_NPU|NpuExtension|\bNPUOpBuilder\b|ascendc_library|\bASCEND_HOME_PATH\b",
    "musa": rb"FORCE_MUSA|MUSAExtension",
    "mps": rb"FORCE_MPS|STREQUAL\s+\"?(?i:mps|metal)\b|backend\s*=\s*\"metal\"",
}
_EXPRESSIONS = {name: re.compile(marks) for name, marks in _MARKS.items()}
_BUILD_FILE = re.compile(
    r"(^|/)(CMakeLists\.txt|setup[^/]*\.py|build\.toml|[^/]*\.cmake|op_builder/.*\.py)$"
)
FOREIGN = re.compile(r"(^|/)(third[_-]?party|3rd_?party|external|vendor|submodules|tests?)/")
# Files that are no part of what a tree ships, with those of other projects.
NOT_SHIPPED = re.compile(
    r"(^|/)(third[_-]?party|3rd_?party|extern(?:al)?s?|vendor|submodules|deps|tests?|testing|unittests?"
    r"|examples?|docs?|bench|benchmarks?|tools|cutlass|composable_kernel)/",
    re.IGNORECASE,
)
COMPILED = (".c", ".cc", ".cpp", ".cu", ".cxx", ".hip", ".mm", ".mu", ".sycl")
# A registration for XPU, or a kernel of SYCL.
_FOR_XPU = re.compile(rb"\bkXPU\b|DispatchKey::XPU|_IMPL\(\w+,\s*XPU\b|<sycl/sycl\.hpp>")
_GPU_SOURCE = (".cu", ".cuh", ".hip")


def known_platforms(tree: Tree) -> tuple[Platform, ...]:
    """Return the platforms that a tree's build knows; CPU where it speaks of none."""
    found = _named(tree)
    if not found and any(_FOR_XPU.search(tree.read(path)) for path in tree.native):
        return (Platform("xpu"),)
    if not found:
        has_gpu_sources = any(path.endswith(_GPU_SOURCE) for path in tree.native)
        return (Platform("cuda" if has_gpu_sources else "cpu"),)
    return tuple(Platform(name) for name in _MARKS if name in found)


def build_descriptions(tree: Tree) -> list[str]:
    """Return the build descriptions of the tree's own."""
    return [
        path for path in tree.build_files if _BUILD_FILE.search(path) and not FOREIGN.search(path)
    ]


def _named(tree: Tree) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for path in build_descriptions(tree):
        found |= platforms_in(tree.read(path), known=found)
    return found


def platforms_in(content: bytes, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the platforms that a build description or script speaks of, but those known."""
    return frozenset(
        name for name, marks in _EXPRESSIONS.items() if name not in known and marks.search(content)
    )
