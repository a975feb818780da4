"""CAL011."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.places import Related
from opparity.checker.languages.python.lost_names import read_lost_names
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis


class NameLostWithItsImport(Rule):
    """A module does without an extension where it is missing, and needs a name of it all the same.

    ## Why is this bad?
    `except ImportError: pass` says that the extension may not be there. An annotation, a base class
    or a decorator that names what was imported from it is evaluated while the module is imported,
    and raises `NameError` then: the module cannot be imported just where it was meant to be.
    (Python 3.14 evaluates annotations later.)

    ## Example
    `from demo._C import Barrier` in a `try:` whose `except ImportError:` does nothing, and
    `def wait(barrier: Barrier | None = None)` below.

    ## Use instead
    Give the name another value in the `except`, or let the annotations wait
    (`from __future__ import annotations`).

    ## Before and after
    Before, in `demo/__init__.py`:

    ```python
    except ImportError:
        has_barrier = False
    ```

    After:

    ```python
    except ImportError:
        has_barrier = False
        Barrier = None
    ```
    """

    code = "CAL011"
    name = "name-lost-with-its-import"
    severity = Severity.WARNING
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each such name at the first place that needs it."""
        project = analysis.project
        modules = {
            target.name.rpartition(".")[2]
            for platform in project.platforms
            for target in project.targets_on(platform)
            if target.kind in {"module", "jit"}
        } - {""}
        for lost in read_lost_names(project.tree, sorted(project.python), modules):
            yield self.finding(
                lost.used,
                state("CAL011.lost", name=lost.name, module=lost.module),
                symbol=lost.name,
                related=[Related(lost.imported, state("place.imported"))],
            )
