"""SUP004."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis


class StaleBaselineEntry(Rule):
    """The baseline accepts more findings than there are.

    ## Why is this bad?
    A baseline is to shrink with every repair. An entry that nothing needs any more would accept
    the same defect when it comes back.

    ## Example
    The source of `_C::x` was added to ROCm's list, and the baseline still accepts BLD001 for it.

    ## Use instead
    Run `opparity check --write-baseline FILE`, and commit the smaller file.

    ## Before and after
    Before, in `opparity-baseline.json`:

    ```json
      "accepted": [
        {
          "rule": "BLD001",
          "operator": "demo::turn",
          "symbol": "turn",
          "platform": "cuda",
          "path": "csrc/bindings.cpp",
          "count": 1
        }
      ]
    ```

    After:

    ```json
      "accepted": []
    ```
    """

    code = "SUP004"
    name = "stale-baseline-entry"
    severity = Severity.ERROR
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield nothing: `inspection` reports it, once every other rule has spoken."""
        del analysis
        yield from ()
