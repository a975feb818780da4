"""For which platforms a build script is meant, where a tree has several scripts.

torch's CUDAExtension builds for ROCm as well, so that a script need not say it. But beside a script
that speaks of ROCm, one of another project that speaks of CUDA alone (flash-attention's `hopper`,
for Hopper GPUs) is not meant for ROCm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.languages.detection import known_platforms, platforms_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opparity.checker.facts.builds import Build
    from opparity.checker.tree.contents import Tree

# The platforms that build a CUDAExtension without being asked.
_FOLLOWING = frozenset({"rocm", "musa"})


@dataclass(slots=True)
class Audience:
    """What each script speaks of.

    Attributes:
        spoken: script -> the platforms that it, or a module of the tree that it runs, names.
    """

    tree: Tree
    spoken: dict[str, frozenset[str]] = field(default_factory=dict)
    _in_file: dict[str, frozenset[str]] = field(default_factory=dict)

    def note(self, script: str, modules: Iterable[str]) -> None:
        """Note the modules that a script runs, itself among them."""
        found = self.spoken.get(script, frozenset())
        for path in modules:
            if path not in self._in_file:
                self._in_file[path] = platforms_in(self.tree.read(path))
            found |= self._in_file[path]
        self.spoken[script] = found

    def meant(self, builds: Sequence[Build]) -> list[Build]:
        """Return the builds without those for a platform that their scripts are not meant for."""
        open_question = [build for build in builds if self._is_silent(build)]
        if not open_question:
            return list(builds)
        known = {platform.name for platform in known_platforms(self.tree)}
        return [
            build
            for build in builds
            if build not in open_question
            or _platform(build) not in known
            or self._is_shared(build, builds)
        ]

    def _is_silent(self, build: Build) -> bool:
        spoken = self.spoken.get(build.description, frozenset())
        platform = _platform(build)
        return platform in _FOLLOWING and platform not in spoken and "cuda" in spoken

    def _is_shared(self, build: Build, builds: Sequence[Build]) -> bool:
        """Return whether a script that speaks of the platform builds one of the same sources."""
        own = _sources(build)
        return any(
            other.platform == build.platform
            and not self._is_silent(other)
            and own & _sources(other)
            for other in builds
        )


def _platform(build: Build) -> str:
    return build.platform.partition(":")[0]


def _sources(build: Build) -> set[str]:
    return {source.path for target in build.targets for source in target.sources}
