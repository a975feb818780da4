"""MAC002."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from opparity.checker.analysis.macros import platform_of_macro
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import MacroTest

# A spelling used at most this much of the time is the exception, not a second convention.
_RARE = 0.1


class InconsistentMacroSpelling(Rule):
    """One platform is tested by several macros, one of them rarely.

    ## Why is this bad?
    The macros are set in different places: `USE_ROCM` by torch's flags, `USE_HIP` by
    the project's own build. A file that tests the rare one behaves otherwise where only one is set.

    ## Example
    24 tests of `USE_ROCM` and one of `USE_HIP`.

    ## Use instead
    Use the spelling that the rest of the tree uses.

    ## Before and after
    Before, in `csrc/ops.cu`:

    ```cuda
    #ifdef USE_HIP
    constexpr int kWarp = 64;
    ```

    After:

    ```cuda
    #ifdef USE_ROCM
    constexpr int kWarp = 64;
    ```
    """

    code = "MAC002"
    name = "inconsistent-macro-spelling"
    severity = Severity.INFORMATION
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield the first test of each rare spelling."""
        uses: dict[str, dict[str, list[MacroTest]]] = defaultdict(lambda: defaultdict(list))
        for file in analysis.project.native.values():
            for test in file.macro_tests:
                platform = platform_of_macro(test.name)
                if platform:
                    uses[platform][test.name].append(test)
        for platform, spellings in uses.items():
            usual = max(spellings, key=lambda name: (len(spellings[name]), name))
            for name, tests in spellings.items():
                if len(tests) <= _RARE * len(spellings[usual]):
                    yield self.finding(
                        tests[0].location,
                        state(
                            "MAC002.rare",
                            macro=name,
                            count=len(tests),
                            family=platform,
                            usual=usual,
                            total=len(spellings[usual]),
                        ),
                        symbol=name,
                    )
