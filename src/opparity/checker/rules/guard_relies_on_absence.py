"""MAC003."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.macros import platform_of_macro
from opparity.checker.analysis.wanted import names
from opparity.checker.facts.conditions import (
    And,
    Comparison,
    Condition,
    Defined,
    Not,
    Truth,
    describe,
)
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Registration


class GuardReliesOnAbsence(Rule):
    """A registration says on which platform it is not, and its source is built on one alone.

    ## Why is this bad?
    `#ifndef USE_ROCM` is true wherever ROCm is not: in a build for CPU or XPU, too, which lacks
    the CUDA source just as well. The day that such a build takes the file in, its import fails.

    ## Example
    `#ifndef USE_ROCM` around `ops.impl("cutlass_mla_decode", …)`, whose source is in the CUDA list,
    in a tree that also builds for CPU.

    ## Use instead
    Test what the code needs (`#ifdef USE_CUDA`), or register beside the definition.

    ## Before and after
    Before, in `csrc/bindings.cpp`:

    ```cpp
    #ifndef USE_ROCM
      ops.def("silu(Tensor input) -> Tensor");
      ops.impl("silu", torch::kCUDA, &silu);
    #endif
    ```

    After:

    ```cpp
    #ifdef USE_CUDA
      ops.def("silu(Tensor input) -> Tensor");
      ops.impl("silu", torch::kCUDA, &silu);
    #endif
    ```
    """

    code = "MAC003"
    name = "guard-relies-on-absence"
    severity = Severity.INFORMATION
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield the first such registration of each file."""
        languages = {platform.language for platform in analysis.project.platforms}
        if not languages - {"CUDA", "HIP"}:
            return
        built_on = _languages_of_sources(analysis.project)
        seen: set[str] = set()
        for registration in analysis.project.registrations:
            absent = _absences(registration.condition)
            path = registration.location.path
            if not absent or path in seen or not registration.symbol:
                continue
            defining = [
                definition
                for definition in analysis.project.definitions.get(
                    registration.symbol.rpartition("::")[2], ()
                )
                if names(registration.symbol, definition)
            ]
            listed = {
                language
                for definition in defining
                for language in built_on.get(definition.location.path, ())
            }
            others = built_on.get(path, set()) - listed
            third = sorted(languages - listed - {"HIP", "CUDA"})
            if len(listed) == 1 and third and (others or "CUDA" in listed):
                seen.add(path)
                yield self._finding(registration, listed.pop(), third)

    def _finding(self, registration: Registration, language: str, third: list[str]) -> Finding:
        return self.finding(
            registration.location,
            # Of the first of many, so that its operator is no part of what is found.
            state(
                "MAC003.absent",
                guard=describe(registration.condition),
                others=tuple(third),
                symbol=registration.symbol,
                language=language,
            ),
            related=[Related(registration.location, state("place.absence"))],
        )


def _absences(condition: Condition) -> list[str]:
    """Return the platform macros whose absence a condition asks for; none if one is asked for."""
    parts = condition.operands if isinstance(condition, And) else (condition,)
    absent: list[str] = []
    for part in parts:
        inner = part.operand if isinstance(part, Not) else part
        if isinstance(inner, Comparison):
            macro = inner.left
        elif isinstance(inner, Defined):
            macro = inner.macro
        else:
            return []
        if platform_of_macro(macro):
            if not isinstance(part, Not):
                return []
            absent.append(macro)
    return absent


def _languages_of_sources(project: Project) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for platform in project.platforms:
        for target in project.targets_on(platform):
            for source in target.sources:
                if source.built is not Truth.FALSE:
                    found.setdefault(source.path, set()).add(platform.language)
    return found
