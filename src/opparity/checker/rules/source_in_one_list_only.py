"""BLD006."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.twins import name_of, shares_most
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Related
from opparity.checker.facts.records import fact
from opparity.checker.languages.detection import COMPILED
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.builds import Build, Target
    from opparity.checker.facts.places import Location

_HOST_SUFFIXES = (".c", ".cc", ".cpp", ".cxx")


class SourceInOneListOnly(Rule):
    """Two lists build the same extension, and one of them lacks a source of the other.

    ## Why is this bad?
    A new source is added to the list that its author builds with: the just-in-time loader and
    not setup.py, the CUDA builder and not the NPU's.
    Where a file of the shorter list calls into the missing one, the extension dies with
    `undefined symbol`; that is reported as an error of its own.

    ## Example
    `sources=[…, "cuda/softcap.cu"]` for `cpp_extension.load`, and setup.py's list without it.

    ## Use instead
    Keep one list in one place, and import it in both.

    ## Before and after
    Before, in `op_builder/npu/async_io.py`:

    ```python
        def sources(self):
            return ["csrc/aio/py_ds_aio.cpp", "csrc/aio/io_handle.cpp"]
    ```

    After:

    ```python
        def sources(self):
            return ["csrc/aio/py_ds_aio.cpp", "csrc/aio/io_handle.cpp", "csrc/aio/io_op_desc.cpp"]
    ```
    """

    code = "BLD006"
    name = "source-in-one-list-only"
    severity = Severity.WARNING
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each source that one of two lists for an extension lacks on a platform."""
        lists = [
            _List(build, target)
            for build in analysis.project.builds
            for target in build.targets
            if target.built is not Truth.FALSE and len(target.sources) > 1
        ]
        found: dict[tuple[str, int], Finding] = {}
        for longer in sorted(lists, key=lambda each: each.build.platform):
            for number, shorter in enumerate(lists):
                if longer.is_twin_of(shorter):
                    for path, finding in self._compare(longer, shorter):
                        known = found.setdefault((path, number), finding)
                        if known.severity is Severity.INFORMATION:
                            found[path, number] = finding
        yield from found.values()

    def _compare(self, longer: _List, shorter: _List) -> Iterator[tuple[str, Finding]]:
        platform = shorter.build.platform
        same = longer.build.platform == platform
        present = {source.path for source in shorter.target.sources}
        for source in longer.target.sources:
            # Kernels of one platform are rightly absent from the list of another.
            shared = same or source.path.endswith(_HOST_SUFFIXES)
            is_missing = source.path not in present and source.path.endswith(COMPILED)
            if is_missing and source.built is Truth.TRUE and shared:
                yield (
                    source.path,
                    self.finding(
                        source.location,
                        state(
                            "BLD006.missing",
                            source=source.path,
                            target=longer.target.name,
                            build=longer.build.description,
                            other=shorter.target.name,
                            place=shorter.build.description,
                            platform=platform,
                        ),
                        severity=Severity.WARNING if same else Severity.INFORMATION,
                        platform=platform,
                        symbol=source.path.rpartition("/")[2],
                        related=[Related(shorter.place, state("place.shorter"))],
                    ),
                )


@fact
class _List:
    build: Build
    target: Target

    @property
    def place(self) -> Location:
        return self.target.sources[0].location if self.target.sources else self.target.location

    def is_twin_of(self, other: _List) -> bool:
        """Return whether both lists make one extension, by name and by most of their sources."""
        if self.build.description == other.build.description or self.target is other.target:
            return False
        if name_of(self.target) != name_of(other.target):
            return False
        whole = (self.target.is_complete, other.target.is_complete)
        if whole != (Truth.TRUE, Truth.TRUE):
            return False
        return shares_most(self.target, other.target)
