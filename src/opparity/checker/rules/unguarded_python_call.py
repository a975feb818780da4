"""CAL001."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.guards import handles_absence
from opparity.checker.analysis.operators import Absence, Process
from opparity.checker.analysis.platform_words import concerns, own_platform
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Location, Related
from opparity.checker.facts.python import Call, CallKind
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.platforms import Platform
    from opparity.words.statements import Statement

_CPU_WORD = re.compile(r"(?:^|[/_.])cpu(?=[/_.])")


class UnguardedPythonCall(Rule):
    """A platform's own Python code calls an operator that the platform does not register.

    ## Why is this bad?
    The call raises `AttributeError` when it is reached.
    A call in code that is for every platform is listed as unknown: its callers may keep the
    platforms apart by means that cannot be read, a model's configuration for one.
    A comparison with the operator needs no call to fail: it reads the operator whatever it is
    compared with. It is an error in code that a module uses without a condition which imports
    something else for that platform, and a warning where the tree registers the operator under a
    condition of its own.

    ## Example
    `torch.ops._C.awq_dequantize(...)` in `rocm_linear.py`, with the operator's source in the CUDA
    list only; `node.target == torch.ops._C.awq_dequantize.default` in a pass that runs everywhere.

    ## Use instead
    Test for the operator, `if hasattr(torch.ops._C, "awq_dequantize")`, and say what happens
    without it; or build it for the platform.

    ## Before and after
    Before, in `demo/rocm_linear.py`:

    ```python
        def apply(self, out, input, scale):
            torch.ops._C.silu_and_mul_quant(out, input, scale)
    ```

    After:

    ```python
        def apply(self, out, input, scale):
            if hasattr(torch.ops._C, "silu_and_mul_quant"):
                torch.ops._C.silu_and_mul_quant(out, input, scale)
            else:
                out.copy_(silu_and_mul(input) / scale)
    ```
    """

    code = "CAL001"
    name = "unguarded-python-call"
    severity = Severity.WARNING
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield calls in a platform's own files, and per file what could not be decided."""
        open_calls: dict[tuple[str, str, Statement], list[Call]] = {}
        unbuilt: dict[str, list[Call]] = {}
        for platform, call, lacks in _open_calls(analysis):
            is_own = own_platform(call.location.path) == platform.name
            if is_own and lacks.truth is Truth.TRUE:
                yield self._own_file(platform, call, lacks)
            elif _is_asked_after(analysis, platform, call, lacks):
                yield self._compared(platform, call, lacks)
            elif analysis.operators.is_unbuilt_module(platform, call):
                unbuilt.setdefault(platform.label, []).append(call)
            elif not call.through:
                reason = lacks.reason
                if lacks.truth is Truth.TRUE:
                    reason = state("absence.unreached", platform=platform.label, count=1)
                key = (call.location.path, platform.label, reason)
                open_calls.setdefault(key, []).append(call)
        for (path, label, reason), calls in sorted(
            open_calls.items(), key=lambda item: (*item[0][:2], item[0][2].key)
        ):
            yield self._undecided(path, label, reason, calls)
        for label, calls in sorted(unbuilt.items()):
            yield self._without_modules(label, calls)

    def _own_file(self, platform: Platform, call: Call, lacks: Absence) -> Finding:
        return self.finding(
            call.location,
            state(
                "CAL001.own",
                operator=call.qualified,
                platform=platform.label,
                reason=lacks.reason,
            ),
            platform=platform.label,
            operator=call.qualified,
        )

    def _compared(self, platform: Platform, call: Call, lacks: Absence) -> Finding:
        return self.finding(
            call.location,
            state(
                "CAL001.compared",
                operator=call.qualified,
                platform=platform.label,
                reason=lacks.reason,
            ),
            platform=platform.label,
            operator=call.qualified,
            severity=Severity.ERROR if lacks.truth is Truth.TRUE else Severity.WARNING,
        )

    def _without_modules(self, label: str, calls: list[Call]) -> Unknown:
        """Return one unknown for all extensions that a platform comes without.

        Their import fails before any call does: whether the platform comes there is one question.
        """
        first: dict[str, Call] = {}
        for call in sorted(calls, key=lambda call: call.location):
            first.setdefault(call.qualified, call)
        names = sorted({call.library for call in calls})
        return self.unknown(
            min(call.location for call in calls),
            state("CAL001.unbuilt", platform=label, extensions=tuple(names)),
            platform=label,
            related=[
                Related(call.location, state("place.called_name", name=name))
                for name, call in first.items()
            ],
        )

    def _undecided(self, path: str, label: str, reason: Statement, calls: list[Call]) -> Unknown:
        first: dict[str, Call] = {}
        for call in calls:
            first.setdefault(call.qualified, call)
        names = tuple(first)
        return self.unknown(
            Location(path, min(call.location.line for call in calls)),
            state("CAL001.open", operators=names, reason=reason.having(count=len(names))),
            platform=label,
            operator=names[0] if len(names) == 1 else "",
            related=[
                Related(call.location, state("place.called_name", name=name))
                for name, call in first.items()
            ],
        )


def _open_calls(analysis: Analysis) -> Iterator[tuple[Platform, Call, Absence]]:
    """Yield the calls that no guard keeps from a platform which may lack the operator."""
    for call in analysis.operators.every_touch():
        if call.at_import or call.kind is CallKind.REGISTER_FAKE or handles_absence(call):
            continue
        for platform in analysis.project.platforms:
            lacks = analysis.operators.lacks(platform, call)
            if lacks.truth is not Truth.FALSE and _is_open(analysis, platform, call):
                yield platform, call, lacks


def _is_open(analysis: Analysis, platform: Platform, call: Call) -> bool:
    """Return whether a call has no guard that speaks of the platform or the operator."""
    if not concerns(call, platform) or _is_cpus_own(analysis, call):
        return False
    process = Process(platform, analysis.operators)
    runs = process.truth_of(call.guards)
    return runs is not Truth.FALSE and not process.admits(call.guards)


def _is_asked_after(analysis: Analysis, platform: Platform, call: Call, lacks: Absence) -> bool:
    """Return whether code that a platform shares compares something with what it may lack."""
    is_told = lacks.truth is Truth.TRUE or lacks.is_conditional
    return is_told and Process(platform, analysis.operators).is_named(call.shared)


def _is_cpus_own(analysis: Analysis, call: Call) -> bool:
    """Return whether code that speaks of the CPU calls what the CPU alone has.

    The word by itself keeps code to no platform: every platform's code speaks of the host.
    """
    if not (_CPU_WORD.search(call.location.path) or _CPU_WORD.search(f"{call.inside}.")):
        return False
    having = {
        platform.name
        for platform in analysis.project.platforms
        if analysis.operators.definitions(platform, call.qualified)
    }
    return having == {"cpu"}
