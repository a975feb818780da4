"""SUP002."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis


class SuppressionWithoutReason(Rule):
    """A comment accepts a finding and does not say why.

    ## Why is this bad?
    Nobody can tell later whether the reason still holds. The finding stays until there is one.

    ## Example
    `// opparity: allow(BLD001)`

    ## Use instead
    Write the reason behind the code: `// opparity: allow(BLD001) the plugin registers this kernel
    on ROCm`.

    ## Before and after
    Before, in `csrc/bindings.cpp`:

    ```cpp
      // opparity: allow(BLD001)
      ops.impl("twist", torch::kCUDA, &twist);
    ```

    After:

    ```cpp
      // opparity: allow(BLD001) another library of the process defines it
      ops.impl("twist", torch::kCUDA, &twist);
    ```
    """

    code = "SUP002"
    name = "suppression-without-reason"
    severity = Severity.ERROR
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield nothing: `inspection` reports it, once every other rule has spoken."""
        del analysis
        yield from ()
