"""Macros that say which platform code is compiled for, and who defines them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.translation import is_foreign_macro
from opparity.checker.facts.places import Location

if TYPE_CHECKING:
    from opparity.checker.analysis.project import Project

# A word of a macro's name -> the platform that it speaks of.
_WORDS = {
    "ROCM": "rocm",
    "HIP": "rocm",
    "AMD": "rocm",
    "AMDGPU": "rocm",
    "CUDA": "cuda",
    "NVIDIA": "cuda",
    "NVCC": "cuda",
    "XPU": "xpu",
    "SYCL": "xpu",
    "NPU": "npu",
    "ASCEND": "npu",
    "MLU": "mlu",
    "MUSA": "musa",
    "MPS": "mps",
    "METAL": "mps",
    "HPU": "hpu",
}
# Words that mark a switch; `HIP_CHECK` or `CUDA_ARCH_LIST` are something else.
_SWITCH = re.compile(
    r"^(?:(?:IS|USE|USING|WITH|HAS|HAVE|ENABLE|BUILD|FOR|TARGET|ON|\w+_(?:IS|USE|WITH|FOR|ENABLE))_)?"
    r"([A-Z]+)(?:_(?:BUILD|ENABLED|PLATFORM|SUPPORT|BACKEND))?$|^\w+_WITH_([A-Z]+)$"
)


def platform_of_macro(name: str) -> str:
    """Return the platform that a switch's name speaks of; "" for any other macro."""
    bare = name.strip("_")
    found = _SWITCH.match(bare)
    if not found:
        return ""
    return _WORDS.get(found.group(1) or found.group(2) or "", "")


_DEFINED = re.compile(r"-D\s*([A-Za-z_]\w*)|[\"']([A-Z_][A-Z0-9_]*)[\"']")
# `-DNAME` in quotes or after a space: no part of a longer word.
_FLAG = re.compile(r"(?<![\w-])-D([A-Z_][A-Z0-9_]*)\b")
_DEFINITIONS = re.compile(r"(?:compile_definitions|add_definitions)\s*\(([^()]{1,2000})\)")
_MACRO_NAME = re.compile(r"(?<![\w$}{/.-])(?:-D)?([A-Z_][A-Z0-9_]{4,})(?![\w/.])")


def flags_of_builds(project: Project) -> dict[str, Location]:
    """Return the macros that `-D…` in a build description names, evaluated or not."""
    found: dict[str, Location] = {}
    for path in project.tree.build_files:
        text = project.tree.read_text(path)
        for flag in _FLAG.finditer(text) if "-D" in text else ():
            place = Location(path, text.count("\n", 0, flag.start()) + 1)
            found.setdefault(flag[1], place)
    return found


def named_in_cmake(project: Project) -> frozenset[str]:
    """Return the macros that `add_compile_definitions(…)` and its like name."""
    found: set[str] = set()
    for path in project.tree.build_files:
        if path.endswith((".cmake", "CMakeLists.txt")):
            for command in _DEFINITIONS.findall(project.tree.read_text(path)):
                found.update(_MACRO_NAME.findall(command))
    return frozenset(found)


def defined_by_somebody(project: Project) -> frozenset[str]:
    """Return every macro that a build sets or a file of the tree defines.

    A name that stands in a build description counts as defined, evaluated or not: what could not
    be decided is no finding.
    """
    found = {
        macro.name
        for build in project.builds
        for target in build.targets
        for macro in target.macros
    }
    found.update(project.macro_definitions)
    for path in project.tree.build_files:
        for pair in _DEFINED.findall(project.tree.read_text(path)):
            found.update(name for name in pair if name)
    return frozenset(found)


def is_foreign(name: str) -> bool:
    """Return whether a compiler or a library outside the tree may define a macro."""
    return is_foreign_macro(name)
