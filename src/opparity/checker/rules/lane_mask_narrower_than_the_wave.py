"""BLD005."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth, all_of, any_of
from opparity.checker.rules.base import LinkRule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import LaneMask
    from opparity.words.statements import Statement


class LaneMaskNarrowerThanTheWave(LinkRule):
    """A 32-bit lane mask is given to a warp function in a source that is also built for HIP.

    ## Why is this bad?
    A wave of AMD's data-centre GPUs has 64 lanes and HIP's `__shfl_*_sync` functions refuse
    a mask of any other width: the build for ROCm fails in a static assertion.

    ## Example
    `__shfl_xor_sync(0xffffffffu, value, 16)` in a `.cu` that the ROCm source list names.

    ## Use instead
    Use a mask of the platform's own type: `using lane_mask_t = uint64_t` on HIP, or the functions
    without `_sync` under `#ifdef USE_ROCM`.

    ## Before and after
    Before, in `csrc/reduce.cu`:

    ```cuda
    __global__ void everywhere(float* x) {
      *x = __shfl_xor_sync(0xffffffffu, *x, 1);
    }
    ```

    After:

    ```cuda
    #ifdef USE_ROCM
    using lane_mask_t = uint64_t;
    #else
    using lane_mask_t = uint32_t;
    #endif

    __global__ void everywhere(float* x) {
      *x = __shfl_xor_sync(~lane_mask_t{0}, *x, 1);
    }
    ```
    """

    code = "BLD005"
    name = "lane-mask-narrower-than-the-wave"
    severity = Severity.ERROR
    effect = Effect.BUILD

    def check_link(self, analysis: Analysis, link: Link) -> Iterator[Finding | Unknown]:
        """Yield each narrow mask that HIP compiles."""
        if link.platform.language != "HIP":
            return
        for compiled in link.compiled:
            for mask in compiled.file.lane_masks:
                truth = _truth(analysis, compiled, mask)
                if truth is not Truth.FALSE:
                    make = self.finding if truth is Truth.TRUE else self.unknown
                    yield make(mask.location, _statement(mask), platform=link.platform.label)


def _truth(analysis: Analysis, compiled: Compiled, mask: LaneMask) -> Truth:
    """Return whether the call with the mask is compiled.

    A template or inline function is compiled where something uses it. A use in the same source,
    outside any template, is certain; a use from a template, or anything in a header, is not.
    """
    truth = all_of((compiled.truth(mask.condition), _replaced(analysis, compiled, mask).negate()))
    if not compiled.is_listed:
        # A header's function may be inline by a macro, and then compiled only where it is used.
        return all_of((truth, Truth.UNKNOWN))
    if truth is Truth.FALSE or not mask.is_in_template:
        return truth
    used = Truth.FALSE
    for reference in compiled.file.references:
        if reference.symbol != mask.inside:
            continue
        is_certain = compiled.is_listed and not (reference.is_in_template or reference.is_in_inline)
        held = compiled.truth(reference.condition)
        used = any_of((used, held if is_certain else all_of((held, Truth.UNKNOWN))))
    return all_of((truth, used))


def _replaced(analysis: Analysis, compiled: Compiled, mask: LaneMask) -> Truth:
    """Return whether a macro of the tree stands for the function."""
    macros = [
        each
        for each in analysis.project.macro_definitions.get(mask.function, ())
        if each.is_function
    ]
    if not macros:
        return Truth.FALSE
    path = compiled.file.path
    visible = {path, *analysis.linker.closure(path, compiled.unit)}
    return any_of(
        compiled.truth(each.condition) for each in macros if each.location.path in visible
    )


def _statement(mask: LaneMask) -> Statement:
    return state("BLD005.narrow", function=mask.function, mask=mask.mask)
