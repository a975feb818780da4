"""BLD005."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.conditions import Truth, all_of, any_of
from opparity.checker.facts import Finding, LaneMask, Severity, Unknown
from opparity.checker.readers.text_scan import references_to
from opparity.checker.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.linking import Compiled
    from opparity.checker.platforms import Platform
    from opparity.checker.project import Project


class LaneMaskNarrowerThanTheWave(Rule):
    """A 32-bit lane mask is given to a warp function in a source that is also built for HIP.

    ## Why is this bad?
    A wave of AMD's data-centre GPUs has 64 lanes and HIP's `__shfl_*_sync` functions refuse
    a mask of any other width: the build for ROCm fails in a static assertion.

    ## Example
    `__shfl_xor_sync(0xffffffffu, value, 16)` in a `.cu` that the ROCm source list names.

    ## Use instead
    A mask of the platform's own type: `using lane_mask_t = uint64_t` on HIP,
    or the functions without `_sync` under `#ifdef USE_ROCM`.
    """

    code = "BLD005"
    name = "lane-mask-narrower-than-the-wave"
    severity = Severity.ERROR

    def check(self, project: Project) -> Iterator[Finding | Unknown]:
        """Yield each narrow mask under each HIP platform that compiles it."""
        for platform in project.platforms:
            if platform.language == "HIP":
                yield from self._check_platform(project, platform)

    def _check_platform(self, project: Project, platform: Platform) -> Iterator[Finding | Unknown]:
        for link in project.linker.links_on(platform):
            for compiled in link.compiled:
                for mask in compiled.file.lane_masks:
                    truth = _truth(project, compiled, mask)
                    if truth is Truth.TRUE:
                        yield self.finding(mask.location, _message(mask), platform=platform.label)
                    elif truth is Truth.UNKNOWN:
                        yield self.unknown(mask.location, _message(mask), platform=platform.label)


def _truth(project: Project, compiled: Compiled, mask: LaneMask) -> Truth:
    """Return whether the call with the mask is compiled.

    A template or inline function is compiled where something uses it. A use in the same source,
    outside any template, is certain; a use from a template, or anything in a header, is not.
    """
    truth = all_of((compiled.truth(mask.condition), _replaced(project, compiled, mask).negate()))
    if not compiled.is_listed:
        # A header's function may be inline by a macro, and then compiled only where it is used.
        return all_of((truth, Truth.UNKNOWN))
    if truth is Truth.FALSE or not mask.is_in_template:
        return truth
    text = project.tree.read_text(compiled.file.path)
    used = Truth.FALSE
    for reference in references_to(compiled.file, text, frozenset({mask.inside})):
        is_certain = compiled.is_listed and not reference.is_in_template
        held = compiled.truth(reference.condition)
        used = any_of((used, held if is_certain else all_of((held, Truth.UNKNOWN))))
    return all_of((truth, used))


def _replaced(project: Project, compiled: Compiled, mask: LaneMask) -> Truth:
    """Return whether a macro of the tree stands for the function."""
    macros = [each for each in project.macro_definitions.get(mask.function, ()) if each.is_function]
    if not macros:
        return Truth.FALSE
    path = compiled.file.path
    visible = {path, *project.linker.closure(path, compiled.unit)}
    return any_of(
        compiled.truth(each.condition) for each in macros if each.location.path in visible
    )


def _message(mask: LaneMask) -> str:
    return f"{mask.function} is given the 32-bit mask {mask.mask}; HIP's waves need 64 bits"
