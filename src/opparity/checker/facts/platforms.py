"""Platforms as the checker means them: a configuration in which a tree can be built."""

from __future__ import annotations

import re
from dataclasses import dataclass

from opparity.errors import OpparityError

# Platform name -> the build language that CMake files and compilers know it by.
LANGUAGES = {
    "cuda": "CUDA",
    "rocm": "HIP",
    "cpu": "CPU",
    "xpu": "XPU",
    "npu": "NPU",
    "mlu": "MLU",
    "musa": "MUSA",
    "mps": "MPS",
    "hpu": "HPU",
    "tpu": "TPU",
}

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,39}")
# `12.0a`, `gfx942:sramecc+`, `x86_64`.
_ARCHITECTURE = re.compile(r"[a-z0-9_.+:-]{1,40}")
_SHOWN = 80
_ALIASES = {"hip": "rocm", "amd": "rocm", "nvidia": "cuda", "sycl": "xpu", "ascend": "npu"}


class PlatformUnknown(OpparityError, ValueError):
    """A platform's name that is not one word of letters."""

    message = (
        "platform {given!r} is not NAME or NAME:ARCH,ARCH; examples: rocm, cuda:9.0,12.0, "
        "rocm:gfx942, cpu"
    )


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """One configuration: what it is built for.

    Attributes:
        name: "cuda", "rocm", "cpu", "xpu", or any word that the tree's build names.
        architectures: those asked for; empty means every one that the build supports.
        compiler_version: of nvcc or hipcc; empty means a release newer than every threshold.
    """

    name: str
    architectures: tuple[str, ...] = ()
    compiler_version: str = ""

    @property
    def language(self) -> str:
        """Return the build language: CUDA, HIP, CPU, or the name in capitals."""
        return LANGUAGES.get(self.name, self.name.upper())

    @property
    def label(self) -> str:
        """Return what `--platform` would take to ask for this platform."""
        if not self.architectures:
            return self.name
        return f"{self.name}:{','.join(self.architectures)}"


def parse_platform(text: str) -> Platform:
    """Return the platform that `NAME[:ARCH,ARCH…]` names.

    Raises:
        PlatformUnknown: the name is not one word, or an architecture is none.
    """
    name, colon, listed = text.strip().lower().partition(":")
    architectures = tuple(part.strip() for part in listed.split(",")) if colon else ()
    if not _NAME.fullmatch(name) or not all(map(_ARCHITECTURE.fullmatch, architectures)):
        raise PlatformUnknown(given=text[:_SHOWN])
    return Platform(_ALIASES.get(name, name), architectures)
