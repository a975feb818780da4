"""SUP003."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis


class SuppressionNotUnderstood(Rule):
    """A comment addresses Opparity and is no suppression, or names a rule that does not exist.

    ## Why is this bad?
    It looks like a suppression and suppresses nothing.

    ## Example
    `# opparity: ignore BLD001`, `// opparity: allow(BLD01) a reason`

    ## Use instead
    Write `opparity: allow(CODE, CODE) reason` in a comment on the line of the finding, or alone on
    the line before it. `opparity rules` lists the codes.

    ## Before and after
    Before, in `csrc/bindings.cpp`:

    ```cpp
      // opparity: ignore BLD001, the plugin has it
      ops.impl("twist", torch::kCUDA, &twist);
    ```

    After:

    ```cpp
      // opparity: allow(BLD001) the plugin has it
      ops.impl("twist", torch::kCUDA, &twist);
    ```
    """

    code = "SUP003"
    name = "suppression-not-understood"
    severity = Severity.ERROR
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield nothing: `inspection` reports it, once every other rule has spoken."""
        del analysis
        yield from ()
