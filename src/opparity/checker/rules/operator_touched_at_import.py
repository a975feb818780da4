"""CAL002."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.guards import handles_absence
from opparity.checker.analysis.operators import Process
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Related
from opparity.checker.facts.python import Call, CallKind
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.platforms import Platform


class OperatorTouchedAtImport(Rule):
    """A module reads an operator while it is imported, on a platform that does not register it.

    ## Why is this bad?
    `torch.ops.library.operator` raises `AttributeError` where nobody registered the operator, and
    `register_fake` raises `RuntimeError`: the module cannot be imported, nor can what imports it,
    whether or not anybody wanted the operator.
    `hasattr(torch.ops, "library")` is no guard: torch makes a namespace for every name it is asked.

    ## Example
    `FUSED_OP = torch.ops._C.fused_qk_norm_rope.default` at the top of a module that ROCm imports
    too, where the operator is registered under `#ifndef USE_ROCM`.

    ## Use instead
    Read the operator in the function that needs it, or guard the line with the test that guards
    the registration: `if hasattr(torch.ops._C, "fused_qk_norm_rope"):`.

    ## Before and after
    Before, in `demo/fusion.py`:

    ```python
    FUSED_OP = torch.ops._C.silu_and_mul_quant.default
    ```

    After:

    ```python
    FUSED_OP = None
    if hasattr(torch.ops._C, "silu_and_mul_quant"):
        FUSED_OP = torch.ops._C.silu_and_mul_quant.default
    ```
    """

    code = "CAL002"
    name = "operator-touched-at-import"
    severity = Severity.ERROR
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each operator read at import where it does not exist."""
        for call in analysis.operators.every_touch():
            if call.at_import and not handles_absence(call):
                for platform in analysis.project.platforms:
                    yield from self._check(analysis, platform, call)

    def _check(
        self, analysis: Analysis, platform: Platform, call: Call
    ) -> Iterator[Finding | Unknown]:
        operators = analysis.operators
        lacks = operators.lacks(platform, call)
        runs = Process(platform, operators).truth_of(call.guards)
        if Truth.FALSE in {lacks.truth, runs}:
            return
        told = state(_KEYS[call.kind], operator=call.qualified, reason=lacks.reason)
        related = [Related(each.location, state("place.tested")) for each in call.guards]
        # A package that a platform builds nothing of is perhaps not for it.
        is_meant = not operators.is_of_another_package(platform, call)
        if is_meant and runs is Truth.TRUE and lacks.truth is Truth.TRUE:
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
                told if runs is Truth.TRUE else state("CAL002.doubted", told=told),
                platform=platform.label,
                operator=call.qualified,
                related=related,
            )


_KEYS = {
    CallKind.CALL: "CAL002.called",
    CallKind.READ: "CAL002.read",
    CallKind.REGISTER_FAKE: "CAL002.faked",
    CallKind.IMPORT: "CAL002.imported",
}
