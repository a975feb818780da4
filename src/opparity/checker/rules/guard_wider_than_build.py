"""CAL003."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.guards import handles_absence
from opparity.checker.analysis.operators import Process
from opparity.checker.facts.conditions import Truth, describe
from opparity.checker.facts.places import Related
from opparity.checker.languages.python.serving import names_platform
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.platforms import Platform
    from opparity.checker.facts.python import Call
    from opparity.words.statements import Value


class GuardWiderThanBuild(Rule):
    """Python's guard lets a platform through that does not register the operator.

    ## Why is this bad?
    The guard says that the code is for the platform, and the first call there raises
    `AttributeError: '_OpNamespace' '_C' object has no attribute …`.

    ## Example
    `if current_platform.is_cuda_alike(): self.op = torch.ops._C.gelu_and_mul`, where
    `is_cuda_alike()` is true on ROCm and the operator is registered for CUDA only.

    ## Use instead
    Test the narrower predicate (`is_cuda()`), or build and register the operator for the platform.

    ## Before and after
    Before, in `demo/layers.py`:

    ```python
            if current_platform.is_cuda_alike():
                self.op = torch.ops._C.silu_and_mul_quant
    ```

    After:

    ```python
            if current_platform.is_cuda():
                self.op = torch.ops._C.silu_and_mul_quant
    ```
    """

    code = "CAL003"
    name = "guard-wider-than-build"
    severity = Severity.ERROR
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each guarded use of an operator that a platform let through does not have."""
        told: set[tuple[str, str, str]] = set()
        # Uses of wrappers first: what a wrapper's users are told need not be said of it again.
        for call in sorted(analysis.operators.every_touch(), key=lambda call: not call.through):
            if call.at_import or handles_absence(call):
                continue
            for platform in analysis.project.platforms:
                if not call.through and (platform.label, call.qualified, call.inside) in told:
                    continue
                for result in self._check(analysis, platform, call):
                    told.add((platform.label, call.qualified, call.through))
                    yield result

    def _check(
        self, analysis: Analysis, platform: Platform, call: Call
    ) -> Iterator[Finding | Unknown]:
        operators = analysis.operators
        lacks = operators.lacks(platform, call)
        if lacks.truth is Truth.FALSE:
            return
        process = Process(platform, operators)
        runs = process.truth_of(call.guards)
        if runs is Truth.FALSE or not process.admits(call.guards):
            return
        tested = [guard for guard in call.guards if names_platform(guard.condition)]
        related = [
            Related(guard.location, state("place.guard", guard=describe(guard.condition)))
            for guard in tested
        ]
        values: dict[str, Value] = {
            "operator": call.qualified,
            "platform": platform.label,
            "reason": lacks.reason,
        }
        told = state("CAL003.used", **values)
        if call.through:
            told = state("CAL003.used_through", function=call.through, **values)
        if runs is Truth.TRUE and lacks.truth is Truth.TRUE:
            yield self.finding(
                call.location,
                told,
                platform=platform.label,
                operator=call.qualified,
                related=related,
            )
        else:
            yield self.unknown(
                call.location,
                told if runs is Truth.TRUE else state("CAL003.doubted", told=told),
                platform=platform.label,
                operator=call.qualified,
                related=related,
            )
