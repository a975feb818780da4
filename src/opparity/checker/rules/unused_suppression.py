"""SUP001."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis


class UnusedSuppression(Rule):
    """A comment accepts a finding that is not there.

    ## Why is this bad?
    The defect was repaired and its excuse stayed: it would hide the next one on the same line.

    ## Example
    `// opparity: allow(BLD001) until the ROCm port` above a registration whose source is built
    for ROCm by now.

    ## Use instead
    Delete the comment.

    It is reported only by a check of every platform and every rule that the project selects: with
    `--platform`, `--select` or `--ignore` on the command line the finding may be out of sight.

    ## Before and after
    Before, in `csrc/bindings.cpp`:

    ```cpp
      // opparity: allow(BLD001) until the port to ROCm is done
      ops.impl("turn", torch::kCUDA, &turn);
    ```

    After:

    ```cpp
      ops.impl("turn", torch::kCUDA, &turn);
    ```
    """

    code = "SUP001"
    name = "unused-suppression"
    severity = Severity.WARNING
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield nothing: `inspection` reports it, once every other rule has spoken."""
        del analysis
        yield from ()
