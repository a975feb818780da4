"""MAC001."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from opparity.checker.analysis.macros import platform_of_macro
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis


class UnknownPlatformMacro(Rule):
    """A macro that looks like a platform's is tested, and nobody defines it.

    ## Why is this bad?
    An undefined macro is false without a word: `#ifndef IS_ROCM` guards nothing, and the code that
    it should keep from ROCm is compiled there.

    ## Example
    `#ifndef IS_ROCM` in a tree whose build, like torch, defines `USE_ROCM`.

    ## Use instead
    The macro that the build defines.
    """

    code = "MAC001"
    name = "unknown-platform-macro"
    severity = Severity.WARNING
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield the first test of each such macro in each built file."""
        known = analysis.known_macros if analysis.undefined_macros else ()
        for test in analysis.undefined_macros:
            platform = platform_of_macro(test.name)
            same = [name for name in sorted(known) if platform_of_macro(name) == platform]
            near = difflib.get_close_matches(test.name, same, n=1, cutoff=0.0)
            statement = state("MAC001.unknown", macro=test.name)
            if near:
                statement = state("MAC001.near", macro=test.name, known=near[0])
            yield self.finding(test.location, statement, symbol=test.name)
