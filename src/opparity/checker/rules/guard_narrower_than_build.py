"""CAL004."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.operators import Process
from opparity.checker.facts.conditions import Truth, evaluate
from opparity.checker.facts.places import Related
from opparity.checker.facts.python import Call, CallKind
from opparity.checker.languages.python.serving import names_platform
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.platforms import Platform


class GuardNarrowerThanBuild(Rule):
    """An operator is built for a platform, and every use in Python turns the platform away.

    ## Why is this bad?
    The kernel costs build time and wheel size on the platform, and nobody there ever runs it;
    often a guard outlived the reason that it was written for.

    ## Example
    `if current_platform.is_cuda(): torch.ops._C.rms_norm_per_block_quant(...)` as the only use of
    an operator whose source is in the list of ROCm as well.

    ## Use instead
    Widen the guard, or take the source out of the platform's list.

    ## Before and after
    Before, in `demo/layers.py`:

    ```python
        if current_platform.is_cuda():
            torch.ops._C.gelu_and_mul(out, input)
        else:
            out.copy_(input)
    ```

    After:

    ```python
        if current_platform.is_cuda_alike():
            torch.ops._C.gelu_and_mul(out, input)
        else:
            out.copy_(input)
    ```
    """

    code = "CAL004"
    name = "guard-narrower-than-build"
    severity = Severity.INFORMATION
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each operator that a platform has and that no use of it can reach."""
        uses: dict[str, list[Call]] = {}
        for call in analysis.operators.touches():
            if call.kind is not CallKind.REGISTER_FAKE:
                uses.setdefault(call.qualified, []).append(call)
        for name, calls in uses.items():
            for platform in analysis.project.platforms:
                yield from self._check(analysis, platform, name, calls)

    def _check(
        self, analysis: Analysis, platform: Platform, name: str, calls: list[Call]
    ) -> Iterator[Finding]:
        operators = analysis.operators
        process = Process(platform, operators)
        if operators.exists(platform, name) is not Truth.TRUE:
            return
        if not all(_turned_away(call, process) for call in calls):
            return
        yield self.finding(
            calls[0].location,
            state("CAL004.turned_away", operator=name, platform=platform.label),
            platform=platform.label,
            operator=name,
            related=[Related(call.location, state("place.used")) for call in calls[1:]],
        )


def _turned_away(call: Call, process: Process) -> bool:
    return any(
        names_platform(guard.condition) and evaluate(guard.condition, process) is Truth.FALSE
        for guard in call.guards
    )
