"""What a compiler would know of macros: one source file of one target on one platform."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.analysis.settling import Settled
from opparity.checker.facts.builds import UNKNOWN_PART
from opparity.checker.facts.conditions import (
    Atom,
    Comparison,
    Defined,
    Predicate,
    Truth,
    any_of,
    evaluate,
    truth_of,
)
from opparity.checker.facts.numbers import c_number
from opparity.checker.languages.cpp.preprocessor import compare_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opparity.checker.facts.builds import Target
    from opparity.checker.facts.native import MacroDefinition
    from opparity.checker.facts.platforms import Platform

# Macros that torch's build files put on every command line for a platform.
_TORCH_MACROS: dict[str, dict[str, str | None]] = {
    "HIP": {
        "USE_ROCM": "1",
        "__HIP_PLATFORM_AMD__": "1",
        "__HIP_PLATFORM_HCC__": "1",
        "TORCH_HIP_VERSION": None,
    },
}
# What compilers define themselves, by compile language; None: defined, with a value not known here.
_COMPILER_MACROS: dict[str, dict[str, str | None]] = {
    "CUDA": {"__CUDACC__": "1", "__NVCC__": "1"},
    "HIP": {"__HIPCC__": "1", "__HIP__": "1", "HIP_VERSION": None},
}
_NEWEST_CUDA = "13.9"
# Device passes define these; symbols are linked from the host pass.
_DEVICE_PASS = re.compile(
    r"^(__CUDA_ARCH__|__CUDA_ARCH_FEAT_\w+|__HIP_DEVICE_COMPILE__|__gfx\w+__)$"
)
_PROCESSOR_MACROS = {
    "x86_64": ("__x86_64__", "__amd64__", "__x86_64", "__SSE2__"),
    "aarch64": ("__aarch64__", "__ARM_NEON"),
    "ppc64le": ("__powerpc64__", "__powerpc__", "__VSX__"),
    "s390x": ("__s390x__", "__s390__"),
    "riscv64": ("__riscv", "__riscv_v"),
}
_OTHER_PROCESSORS = re.compile(
    r"^(__aarch64__|__arm\w*|__ARM_\w+|__powerpc\w*|__PPC\w*|__VSX__|__s390\w*|__riscv\w*|"
    r"__x86_64\w*|__amd64\w*|__i386__)$"
)
# Instruction sets that a compiler uses only where a flag asks for them.
_INSTRUCTION_SETS = re.compile(r"^__(AVX\w*|AMX\w*|F16C|FMA|SSE3|SSSE3|SSE4_\d)__$")
_COMPILED_FOR_GPU = (".cu", ".cuh", ".hip")
# Names that belong to compilers, systems and third-party headers: not ours to call undefined.
_RESERVED = re.compile(
    r"^(__\w+|_[A-Z]\w*|\w*VERSION\w*|\w+_H_?|\w+_HPP_?|(C10|AT|TORCH|CUTE|CUTLASS)_\w+)$"
)
_ABSENT_ON_LINUX = frozenset({"_WIN32", "_WIN64", "_MSC_VER", "WIN32", "__APPLE__", "__MINGW32__"})
_CUDA_ONLY = frozenset({"__CUDACC__", "__NVCC__", "CUDA_VERSION", "CUDART_VERSION"})
_HIP_ONLY = frozenset(
    {
        "__HIPCC__",
        "__HIP__",
        "__HIP_PLATFORM_AMD__",
        "__HIP_PLATFORM_HCC__",
        "HIP_VERSION",
        "__HIP_DEVICE_COMPILE__",
    }
)


def language_of(path: str, platform: Platform) -> str:
    """Return the compile language of a source: CXX, CUDA or HIP; a `.cu` is hipified for HIP."""
    if path.endswith(_COMPILED_FOR_GPU):
        return "HIP" if platform.language == "HIP" else "CUDA"
    return "CXX"


@dataclass(slots=True, eq=False)
class TranslationUnit:
    """The macros of one source file in one target on one platform; one for all that have the same.

    Attributes:
        macros: name -> value (None: defined, value unknown) that certainly are defined.
        doubtful: names that may be defined.
        in_tree: `#define`s of the tree, by name.
        settled: what was found of the macros that only the tree defines.
    """

    platform: Platform
    language: str
    macros: dict[str, str | None]
    doubtful: frozenset[str]
    in_tree: Mapping[str, tuple[MacroDefinition, ...]]
    settled: Settled = field(default_factory=Settled, repr=False)

    def truth(self, atom: Atom) -> Truth:
        """Return what is known of a macro test; predicates of other languages are UNKNOWN."""
        match atom:
            case Defined(macro):
                return self._defined(macro)
            case Comparison(left, operator, right):
                return self._compare(left, operator, right)
            case Predicate():
                return Truth.UNKNOWN

    def _defined(self, name: str) -> Truth:
        if name in self.macros:
            return Truth.TRUE
        if name in self.doubtful:
            return Truth.UNKNOWN
        if name in _ABSENT_ON_LINUX or _DEVICE_PASS.match(name):
            return Truth.FALSE
        if _OTHER_PROCESSORS.match(name) or _INSTRUCTION_SETS.match(name):
            return Truth.FALSE
        if name in _CUDA_ONLY and self.platform.language != "CUDA":
            return Truth.FALSE
        if name in _HIP_ONLY and self.platform.language != "HIP":
            return Truth.FALSE
        definitions = self.in_tree.get(name)
        if definitions:
            # Whether the file of a definition that can hold is included is not known.
            return self.settled.of(
                name, lambda: any_of(evaluate(each.condition, self) for each in definitions)
            )
        return Truth.UNKNOWN if _RESERVED.match(name) else Truth.FALSE

    def _compare(self, left: str, operator: str, right: str) -> Truth:
        values = [self._value(left), self._value(right)]
        first, second = values
        if first is None or second is None:
            return Truth.UNKNOWN
        return truth_of(compare_numbers(first, operator, second))

    def _value(self, text: str) -> int | None:
        """Return an operand's number; an undefined macro is 0, and None is not known."""
        if text[0].isdigit():
            return c_number(text)
        if text not in self.macros:
            return 0 if self._defined(text) is Truth.FALSE else None
        value = self.macros[text]
        if value is None:
            return None
        return c_number(value.strip() or "1")


class TranslationUnits:
    """Makes the translation units of a project: those with the same macros are the same object.

    So what was worked out of one source's headers serves its neighbours, and other targets:
    Mooncake's 348 targets with an option turned over have 169 sets of macros between them.
    """

    def __init__(self, in_tree: Mapping[str, tuple[MacroDefinition, ...]]) -> None:
        self.in_tree = in_tree
        self.known: dict[tuple[object, ...], TranslationUnit] = {}

    def of(self, platform: Platform, target: Target, path: str) -> TranslationUnit:
        """Return the macros that a target's build gives to one of its sources."""
        unit = translation_unit(platform, target, path, self.in_tree)
        key = (unit.platform, unit.language, frozenset(unit.macros.items()), unit.doubtful)
        return self.known.setdefault(key, unit)


def translation_unit(
    platform: Platform,
    target: Target,
    path: str,
    in_tree: Mapping[str, tuple[MacroDefinition, ...]],
) -> TranslationUnit:
    """Return the macros that a target's build gives to one of its sources."""
    language = language_of(path, platform)
    macros = _initial_macros(platform, language)
    doubtful: set[str] = set()
    torch_macros = _TORCH_MACROS.get(platform.language, {})
    if _links_torch(target):
        macros.update(torch_macros)
    else:
        doubtful.update(torch_macros)
    for setting in target.macros:
        if setting.languages and language not in setting.languages:
            continue
        if setting.sources and path not in setting.sources:
            continue
        if setting.is_set is not Truth.TRUE:
            doubtful.add(setting.name)
        elif setting.removed:
            macros.pop(setting.name, None)
        else:
            macros[setting.name] = setting.value
    return TranslationUnit(platform, language, macros, frozenset(doubtful - macros.keys()), in_tree)


def _initial_macros(platform: Platform, language: str) -> dict[str, str | None]:
    """Return what the compiler defines before it reads anything."""
    processor = (
        platform.architectures[0]
        if platform.language == "CPU" and (platform.architectures)
        else "x86_64"
    )
    macros: dict[str, str | None] = dict.fromkeys(_PROCESSOR_MACROS.get(processor, ()), "1")
    macros["__linux__"] = "1"
    macros["__GNUC__"] = "13"
    macros["__cplusplus"] = "202002"
    macros.update(_COMPILER_MACROS.get(language, {}))
    if language == "CUDA":
        major, _, minor = (platform.compiler_version or _NEWEST_CUDA).partition(".")
        minor = minor or "0"
        version = str(int(major) * 1000 + int(minor) * 10) if f"{major}{minor}".isdigit() else None
        macros.update({"CUDA_VERSION": version, "CUDART_VERSION": version})
        macros.update({"__CUDACC_VER_MAJOR__": major, "__CUDACC_VER_MINOR__": minor})
    return macros


def _links_torch(target: Target) -> bool:
    """Return whether torch's own flags reach a target; extensions of setup.py always get them."""
    if target.location.path.endswith((".py", "build.toml", ".json")):
        return True
    return any("torch" in name.lower() or UNKNOWN_PART in name for name in target.links)


def is_foreign_macro(name: str) -> bool:
    """Return whether a compiler or a library outside the tree may define a macro."""
    return bool(_RESERVED.match(name)) or name in _ABSENT_ON_LINUX | _CUDA_ONLY | _HIP_ONLY


# What torch's build files may define on some platform.
TORCH_MACROS = frozenset(name for macros in _TORCH_MACROS.values() for name in macros)


# The macros of compilers that tell one platform from another.
COMPILER_SWITCHES = frozenset(_CUDA_ONLY | _HIP_ONLY | {"__CUDA_ARCH__"})


def set_by_torch(name: str, platform: Platform) -> bool:
    """Return whether torch's build files define a macro on a platform, whatever the tree does."""
    return name in _TORCH_MACROS.get(platform.language, {})
