"""MAC001."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.macros import platform_of_macro
from opparity.checker.analysis.translation import TORCH_MACROS
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
    Test the macro that the build defines.

    ## Before and after
    Before, in `csrc/bindings.cpp`:

    ```cpp
    #ifndef IS_ROCM
      ops.def("machete(Tensor input) -> Tensor");
      ops.impl("machete", torch::kCUDA, &machete);
    #endif
    ```

    After:

    ```cpp
    #ifndef USE_ROCM
      ops.def("machete(Tensor input) -> Tensor");
      ops.impl("machete", torch::kCUDA, &machete);
    #endif
    ```
    """

    code = "MAC001"
    name = "unknown-platform-macro"
    severity = Severity.WARNING
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield the first test of each such macro in each built file."""
        for test in analysis.undefined_macros:
            near = self._nearest(analysis, test.name)
            statement = state("MAC001.unknown", macro=test.name)
            if near:
                statement = state("MAC001.near", macro=test.name, known=near[0])
            yield self.finding(test.location, statement, symbol=test.name)

    def _nearest(self, analysis: Analysis, name: str) -> list[str]:
        """Return the nearest macro for the platform: the tree's own before torch's."""
        platform = platform_of_macro(name)
        for known in (analysis.own_macros, TORCH_MACROS):
            same = [each for each in sorted(known) if platform_of_macro(each) == platform]
            if same:
                return analysis.suggestions.nearest(name, same, 1, 0.0)
        return []
