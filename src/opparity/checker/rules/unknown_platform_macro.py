"""MAC001."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from opparity.checker.analysis.macros import defined_by_somebody, is_foreign, platform_of_macro
from opparity.checker.analysis.translation import TORCH_MACROS
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import MacroTest


class UnknownPlatformMacro(Rule):
    """A macro that looks like a platform's is tested, and nobody defines it.

    ## Why is this bad?
    An undefined macro is false without a word: `#ifndef IS_ROCM` guards nothing, and the code that
    it should keep from ROCm is compiled there.

    ## Example
    `#ifndef IS_ROCM` in a tree whose build, like torch, defines `USE_ROCM`.

    ## Use instead
    Test the macro that the build defines.
    """

    code = "MAC001"
    name = "unknown-platform-macro"
    severity = Severity.WARNING
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield the first test of each such macro in each built file."""
        compiled = {
            part.file.path
            for platform in analysis.project.platforms
            for link in analysis.linker.links_on(platform)
            for part in link.compiled
        }
        if not compiled:
            return
        own = defined_by_somebody(analysis.project)
        known = own | TORCH_MACROS
        for path in sorted(compiled):
            seen: set[str] = set()
            for test in analysis.project.native[path].macro_tests:
                platform = platform_of_macro(test.name)
                if not platform or test.name in seen or test.name in known or is_foreign(test.name):
                    continue
                seen.add(test.name)
                yield self._finding(test, platform, own)

    def _finding(self, test: MacroTest, platform: str, own: frozenset[str]) -> Finding:
        # What the tree itself defines is meant more likely than what torch does.
        same = [name for name in sorted(own) if platform_of_macro(name) == platform]
        same = same or [name for name in TORCH_MACROS if platform_of_macro(name) == platform]
        near = difflib.get_close_matches(test.name, same, n=1, cutoff=0.0)
        statement = state("MAC001.unknown", macro=test.name)
        if near:
            statement = state("MAC001.near", macro=test.name, known=near[0])
        return self.finding(
            test.location,
            statement,
            symbol=test.name,
        )
