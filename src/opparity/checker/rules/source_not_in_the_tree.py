"""BLD018."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from opparity.checker.facts.places import Location, Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.absent_sources import Absent
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.builds import Source, Target


class SourceNotInTheTree(Rule):
    """A build lists a source that the tree does not have and that nothing makes.

    ## Why is this bad?
    The build ends with an error before it compiles anything: `Cannot find source file`.
    Mostly the file was renamed or removed and its line in the list was forgotten, or the file was
    never committed.

    ## Example
    `sources=["csrc/bindings.cpp", "csrc/old_kernel.cu"]`, after `csrc/old_kernel.cu` was removed.

    ## Use instead
    Take the source out of the list, name it as the file is called, or commit the file.
    A file that a step of the build writes is no mistake.
    Where a build file or a script of the tree writes files, runs other scripts or translates
    sources, the one that is missing may be one of those, and is listed among the unknowns.

    ## Before and after
    Before, in `setup.py`:

    ```python
            CUDAExtension(
                "demo._C",
                sources=["csrc/bindings.cpp", "csrc/turn.cu", "csrc/shift.cu"],
    ```

    After:

    ```python
            CUDAExtension(
                "demo._C",
                sources=["csrc/bindings.cpp", "csrc/turn.cu"],
    ```
    """

    code = "BLD018"
    name = "source-not-in-the-tree"
    severity = Severity.ERROR
    effect = Effect.BUILD

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each source that is surely missing, and one unknown for those of each reason."""
        for build in analysis.project.builds:
            for target in build.targets:
                doubted: dict[str, list[Absent]] = {}
                for each in analysis.absent_sources.of(build, target):
                    if each.doubt is None:
                        yield self._missing(analysis, build.platform, target, each.source)
                    else:
                        doubted.setdefault(each.doubt.key, []).append(each)
                for several in doubted.values():
                    yield self._open(build.platform, target, several)

    def _open(self, platform: str, target: Target, several: list[Absent]) -> Unknown:
        """Return what may be made after all, for one kind of reason."""
        names = tuple(each.source.path for each in several)
        folders = tuple(dict.fromkeys(map(posixpath.dirname, names)))
        first = several[0].doubt or state("absent.perhaps")
        doubt = first.having(count=len(names), folders=folders)
        return self.unknown(
            several[0].source.location,
            state("BLD018.open", sources=names, target=target.name, platform=platform, doubt=doubt),
            platform=platform,
            symbol=posixpath.basename(names[0]) if len(names) == 1 else "",
        )

    def _missing(
        self, analysis: Analysis, platform: str, target: Target, source: Source
    ) -> Finding:
        name = posixpath.basename(source.path)
        namesakes = sorted(
            path for path in analysis.project.tree.files if posixpath.basename(path) == name
        )
        return self.finding(
            source.location,
            state("BLD018.missing", source=source.path, target=target.name, platform=platform),
            platform=platform,
            symbol=name,
            related=[Related(Location(path, 1), state("place.namesake")) for path in namesakes[:3]],
        )
