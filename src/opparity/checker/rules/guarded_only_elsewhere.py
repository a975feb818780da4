"""CAL008."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.guards import handles_absence
from opparity.checker.analysis.operators import Process
from opparity.checker.analysis.platform_words import concerns
from opparity.checker.facts.conditions import Truth, describe
from opparity.checker.facts.places import Related
from opparity.checker.languages.python.serving import names_platform
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.platforms import Platform
    from opparity.checker.facts.python import Call, Guard


class GuardedOnlyElsewhere(Rule):
    """One module imports a kernel's function for one platform alone, another one for all.

    ## Why is this bad?
    Where the platform does not register the operator behind the function, the import works and the
    call raises `AttributeError`.
    The guard in the first module shows that the platform comes without it; the second forgot it.

    ## Example
    `attention.py` has `if is_cuda(): from kernels import dequantize`, `linear.py` has the import
    without the test and calls `dequantize`, and `setup_rocm.py` does not list its source.

    ## Use instead
    Import it under the same test, and say what happens without it; or build the operator for the
    platform.

    ## Before and after
    Before, in `python/demo/runtime/layers/linear.py`:

    ```python
    from fused import silu_and_mul_quant
    ```

    After:

    ```python
    from demo.runtime.platforms import is_cuda

    if is_cuda():
        from fused import silu_and_mul_quant
    else:

        def silu_and_mul_quant(out, x, scale):
            out.copy_(x * scale)
    ```
    """

    code = "CAL008"
    name = "guarded-only-elsewhere"
    severity = Severity.WARNING
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Yield the unguarded calls of functions that are imported under a guard elsewhere."""
        by_function: dict[tuple[str, str], list[Call]] = {}
        for call in analysis.operators.every_touch():
            if call.through and "." not in call.named:
                by_function.setdefault((call.qualified, call.through), []).append(call)
        for calls in by_function.values():
            for platform in analysis.project.platforms:
                yield from self._check(analysis, platform, calls)

    def _check(
        self, analysis: Analysis, platform: Platform, calls: list[Call]
    ) -> Iterator[Finding]:
        lacks = analysis.operators.lacks(platform, calls[0])
        if lacks.truth is not Truth.TRUE:
            return
        process = Process(platform, analysis.operators)
        guarded = next(
            (guard for call in calls for guard in call.bound if _turns_away(process, guard)), None
        )
        if guarded is None:
            return
        told: set[str] = set()
        for call in calls:
            if call.location.path in told or not _is_open(process, platform, call):
                continue
            told.add(call.location.path)
            yield self.finding(
                call.location,
                state(
                    "CAL008.called",
                    operator=call.qualified,
                    function=call.through,
                    reason=lacks.reason,
                    path=guarded.location.path,
                    platform=platform.label,
                ),
                platform=platform.label,
                operator=call.qualified,
                related=[
                    Related(
                        guarded.location, state("place.guard", guard=describe(guarded.condition))
                    )
                ],
            )


def _turns_away(process: Process, guard: Guard) -> bool:
    return names_platform(guard.condition) and process.truth_of([guard]) is Truth.FALSE


def _is_open(process: Process, platform: Platform, call: Call) -> bool:
    """Return whether a platform imports the module of a call, and no guard names platforms."""
    speaks = any(names_platform(guard.condition) for guard in call.guards)
    return (
        concerns(call, platform)
        and not speaks
        and not call.bound
        and not handles_absence(call)
        and process.is_named(call.imported)
        and process.truth_of(call.guards) is not Truth.FALSE
    )
