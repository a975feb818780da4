"""Which platforms a file is for, and a function, by the words of their names."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.checker.facts.platforms import Platform
    from opparity.checker.facts.python import Call

# A word in a file's path -> the platforms whose code the file is. ROCm's torch calls its device
# "cuda"; "cpu" keeps a file to no platform, since every platform's code speaks of the host.
PLATFORM_WORDS = {
    "rocm": ("rocm",),
    "amd": ("rocm",),
    "aiter": ("rocm",),
    "hip": ("rocm",),
    "cuda": ("cuda", "rocm"),
    "nvidia": ("cuda",),
    "xpu": ("xpu",),
    "npu": ("npu",),
    "hpu": ("hpu",),
    "tpu": ("tpu",),
    "musa": ("musa",),
    "mlu": ("mlu",),
}


@lru_cache(maxsize=10_000)
def platforms_of(path: str) -> frozenset[str]:
    """Return the platforms that a file's path keeps it to; none where it names none, or several."""
    words = re.split(r"[/_.]", path.lower())
    found = {PLATFORM_WORDS[word] for word in words if word in PLATFORM_WORDS}
    return frozenset(next(iter(found))) if len(found) == 1 else frozenset()


def own_platform(path: str) -> str:
    """Return the platform that a file's path keeps it to; "" for none or several."""
    found = platforms_of(path)
    return next(iter(found)) if len(found) == 1 else ""


def concerns(call: Call, platform: Platform) -> bool:
    """Return whether a call's file and function are for a platform, or for all."""
    # `forward_xpu` is XPU's; get_cuda_view_from_cpu_tensor is whoever's calls it.
    names = (call.location.path, call.inside.rpartition("_")[2])
    return all(platform.name in found for name in names if (found := platforms_of(name)))
