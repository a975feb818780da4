"""Build scripts that are for one platform by their name: setup_rocm.py beside setup.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.platform_words import PLATFORM_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.checker.facts.builds import Build

_SCRIPT = re.compile(r"setup(?P<words>(?:[_.-]\w++)+)\.py$")
_WORDS = {**PLATFORM_WORDS, "cpu": ("cpu",)}


def without_foreign_builds(builds: Iterable[Build]) -> tuple[Build, ...]:
    """Return the builds without those that a platform does not use.

    A script whose name says a platform is for that one alone, and where a folder has one for a
    platform, the other descriptions of that folder are not for it: SGLang builds for ROCm with
    setup_rocm.py, and its CMakeLists.txt, which speaks of no platform, with CUDA.
    """
    kept = [(build, fit) for build in builds if (fit := _fit(build)) is not None]
    best: dict[tuple[str, str], int] = {}
    for build, fit in kept:
        if build.targets:
            key = _place(build)
            best[key] = max(fit, best.get(key, 0))
    return tuple(build for build, fit in kept if fit >= best.get(_place(build), 0))


def _fit(build: Build) -> int | None:
    """Return how well a description's name fits its platform; None where it names others.

    2: it names this platform alone; 1: this one among others, as "cuda" does; 0: it names none.
    """
    found = _SCRIPT.match(build.description.rpartition("/")[2].lower())
    words = re.split(r"[_.-]", found["words"]) if found else []
    named = {name for word in words for name in _WORDS.get(word, ())}
    platform = build.platform.partition(":")[0]
    if not named:
        return 0
    if platform not in named:
        return None
    return 2 if len(named) == 1 else 1


def _place(build: Build) -> tuple[str, str]:
    return build.description.rpartition("/")[0], build.platform
