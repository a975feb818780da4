"""DEF003."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker.analysis.guards import handles_absence
from opparity.checker.analysis.operators import Process
from opparity.checker.analysis.platform_words import concerns, own_platform
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.names import library_name, plain_library
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.facts.places import Related
from opparity.checker.facts.python import CallKind
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import Statement, state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.builds import Target
    from opparity.checker.facts.native import Registration
    from opparity.checker.facts.platforms import Platform
    from opparity.checker.facts.python import Call


# What stands before an operator's name in that of its implementation.
_IMPLEMENTS = re.compile(
    r"(?:_|cpu|cuda|hip|gpu|xpu|npu|musa|mps|meta|fake|abstract|impl|kernel|torch|native|ref|reference"
    r"|py|python|triton|custom|op|ops|do|run|call|register|eager|functional|naive|default|\W)*$"
)
# What is said of a definition -> the same where Python calls the operator.
_CALLED = {
    "DEF003.defined": "DEF003.called",
    "DEF003.guarded": "DEF003.guarded_called",
    "DEF003.nowhere": "DEF003.nowhere_called",
}


class DefWithoutImpl(Rule):
    """An operator is defined on a platform that builds none of its implementations.

    ## Why is this bad?
    `hasattr(torch.ops.library, "operator")` is true and the call raises `NotImplementedError`.
    Where implementations are registered in the kernels' own sources, and those are built for some
    architectures only, this is how it is meant to be: so it is information. It is a warning where
    Python calls the operator in the platform's own files, or under a guard that names the platform,
    and where nothing of the tree implements it, for no platform.
    An implementation for `Meta` has no data to work on, and does not count.
    Of two builds that both define an operator, one that implements it nowhere is told as well.

    ## Example
    `ops.def("machete_mm(…)")` everywhere, `m.impl("machete_mm", …)` in a source for Hopper.

    ## Use instead
    Ask a capability function rather than `hasattr`, or define the operator beside its kernel.

    ## Before and after
    Before, in `csrc/bindings.cpp`:

    ```cpp
    TORCH_LIBRARY_IMPL(demo, CUDA, m) {
      m.impl("shift", &shift);
    }
    ```

    After:

    ```cpp
    TORCH_LIBRARY_IMPL(demo, CUDA, m) {
      m.impl("shift", &shift);
      m.impl("scale", &scale);
    }
    ```
    """

    code = "DEF003"
    name = "def-without-impl"
    severity = Severity.INFORMATION
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each definition whose implementations are all in sources that are not built."""
        places: dict[str, list[Registration]] = {}
        for registration in analysis.project.registrations:
            if _computes(registration):
                places.setdefault(registration.operator, []).append(registration)
        calls: dict[str, list[Call]] = {}
        for call in analysis.operators.touches():
            if call.kind is CallKind.CALL:
                calls.setdefault(call.qualified, []).append(call)
        for platform in analysis.project.platforms:
            for finding in self._check(analysis, platform, places):
                process = Process(platform, analysis.operators)
                reached = [
                    each for each in calls.get(finding.operator, ()) if _is_made(each, process)
                ]
                yield _called(finding, reached[0]) if reached else finding
            yield from self._rivals(analysis, platform)

    def _rivals(self, analysis: Analysis, platform: Platform) -> Iterator[Finding]:
        """Yield what one build of a library implements, and another one only defines."""
        made = [_Made(link) for link in analysis.linker.links_on(platform)]
        told: set[str] = set()
        for each in made:
            for operator, registration in each.defined.items():
                having = [other for other in made if operator in other.implemented]
                is_alone = operator in each.implemented or not having or operator in told
                # What is implemented in a library of its own is loaded beside this one.
                if is_alone or not all(operator in other.named for other in having):
                    continue
                told.add(operator)
                yield self.finding(
                    registration.location,
                    state(
                        "DEF003.rival",
                        operator=operator,
                        target=each.link.target.name,
                        other=having[0].link.target.name,
                        platform=platform.label,
                    ),
                    platform=platform.label,
                    operator=operator,
                )

    def _check(
        self, analysis: Analysis, platform: Platform, places: dict[str, list[Registration]]
    ) -> Iterator[Finding]:
        defined, implemented_in, named = _registered(analysis, platform)
        compiled = _compiled(analysis, platform)
        seen: set[tuple[str, str]] = set()
        for registration, target in defined:
            library = library_name(registration.library, target)
            name = (library, registration.operator)
            if registration.operator in implemented_in[library] or name in seen:
                continue
            seen.add(name)
            elsewhere = [
                impl
                for impl in places.get(registration.operator, [])
                if plain_library(impl.library) in {library, plain_library(registration.library)}
            ]
            if not elsewhere:
                ours = implemented_in[library]
                # An implementation without a definition is DEF001's: perhaps it is this one's.
                if ours and ours <= named:
                    yield from self._nowhere(analysis, platform, registration, library)
                continue
            operator = f"{library}::{registration.operator}"
            sources = {impl.location.path for impl in elsewhere}
            # Of a source that is compiled there the preprocessor has left the lines out.
            unbuilt = sources - compiled
            yield self.finding(
                registration.location,
                state(
                    "DEF003.defined" if unbuilt else "DEF003.guarded",
                    operator=operator,
                    platform=platform.label,
                    sources=tuple(sorted(unbuilt or sources)),
                ),
                platform=platform.label,
                operator=operator,
                related=[
                    Related(impl.location, state("place.implemented")) for impl in elsewhere[:3]
                ],
            )

    def _nowhere(
        self, analysis: Analysis, platform: Platform, registration: Registration, library: str
    ) -> Iterator[Finding]:
        """Yield an operator that nothing of the tree implements, Python included."""
        doubtful = {
            plain_library(each.library)
            for file in analysis.project.native.values()
            for each in file.unfollowed
            if each.library or not each.text.isidentifier()
        }
        is_open = bool({library, plain_library(registration.library), ""} & doubtful)
        if is_open or _may_python_implement(analysis, registration.operator):
            return
        operator = f"{library}::{registration.operator}"
        yield self.finding(
            registration.location,
            state("DEF003.nowhere", operator=operator, platform=platform.label),
            platform=platform.label,
            operator=operator,
            severity=Severity.WARNING,
        )


class _Made:
    """What a target defines and implements: surely, if all of it is known, and perhaps."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.defined: dict[str, Registration] = {}
        self.named: set[str] = set()
        self.implemented: set[str] = set()
        for registration, use in link.registrations():
            library = library_name(registration.library, link.target)
            operator = f"{library}::{registration.operator}"
            if use.truth is Truth.FALSE:
                continue
            if _computes(registration):
                self.implemented.add(operator)
            elif registration.kind is RegistrationKind.DEF:
                self.named.add(operator)
                is_sure = use.truth is Truth.TRUE and link.target.built is Truth.TRUE
                if is_sure and link.is_complete is Truth.TRUE:
                    self.defined.setdefault(operator, registration)


def _registered(
    analysis: Analysis, platform: Platform
) -> tuple[list[tuple[Registration, Target]], dict[str, set[str]], set[str]]:
    """Return the definitions of a platform, what it implements by library, and what it may name."""
    defined: list[tuple[Registration, Target]] = []
    implemented: dict[str, set[str]] = defaultdict(set)
    named: set[str] = set()
    for link in analysis.linker.links_on(platform):
        for registration, use in link.registrations():
            if _computes(registration):
                library = library_name(registration.library, link.target)
                implemented[library].add(registration.operator)
            elif registration.kind is RegistrationKind.DEF and use.truth is not Truth.FALSE:
                named.add(registration.operator)
                if use.truth is Truth.TRUE:
                    defined.append((registration, link.target))
    return defined, implemented, named


def _compiled(analysis: Analysis, platform: Platform) -> set[str]:
    """Return the files that a platform may compile."""
    return {
        part.file.path
        for link in analysis.linker.links_on(platform)
        for part in link.compiled
        if part.source.built is not Truth.FALSE
    }


def _computes(registration: Registration) -> bool:
    """Return whether a registration is an implementation, and not one that has no data alone."""
    return registration.kind is RegistrationKind.IMPL and registration.key != "Meta"


def _may_python_implement(analysis: Analysis, operator: str) -> bool:
    """Return whether a file that implements some operator has this one's name in a word.

    `kimi_moe_gate` is no implementation of `moe_gate`; `cpu_moe_gate` and `moe_gate_fake` may be.
    """
    return any(
        operator in word and _IMPLEMENTS.match(word.partition(operator)[0])
        for word in analysis.implementing_words
    )


def _is_made(call: Call, process: Process) -> bool:
    """Return whether a call is certain to be meant for a platform, and to be made there."""
    platform = process.platform
    is_meant = own_platform(call.location.path) == platform.name or process.admits(call.guards)
    return (
        is_meant
        and concerns(call, platform)
        and not handles_absence(call)
        and process.truth_of(call.guards) is Truth.TRUE
    )


def _called(finding: Finding, call: Call) -> Finding:
    return replace(
        finding,
        severity=Severity.WARNING,
        statement=Statement(_CALLED[finding.statement.key], finding.statement.values),
        related=(*finding.related, Related(call.location, state("place.called"))),
    )
