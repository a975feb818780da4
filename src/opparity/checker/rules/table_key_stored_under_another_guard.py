"""CAL005."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.guards import is_caught
from opparity.checker.analysis.operators import Process
from opparity.checker.facts.conditions import Truth, any_of, describe
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.platforms import Platform
    from opparity.checker.facts.python import TableUse


class TableKeyStoredUnderAnotherGuard(Rule):
    """A table's key is stored under one guard and read under another that is wider.

    ## Why is this bad?
    On a platform that only the reader's guard lets through the key is missing: the read raises
    `KeyError`, or the assertion `key in TABLE` fails, often at start-up.

    ## Example
    `if is_cuda(): QUANT_OPS[key] = torch.ops._C.quant.default` in one file, and in another
    `if is_cuda_alike(): register(Pattern(key))`, whose constructor asserts `key in QUANT_OPS`.

    ## Use instead
    Use the same guard in both places, or read with a test: `if key in QUANT_OPS:`.

    ## Before and after
    Before, in `demo/fusion.py`:

    ```python
            if current_platform.is_cuda_alike():
                for key, transposed in itertools.product([kBlock], [False, True]):
                    self.patterns.append(BlockPattern(key, transposed))
    ```

    After:

    ```python
            if current_platform.is_cuda():
                for key, transposed in itertools.product([kBlock], [False, True]):
                    self.patterns.append(BlockPattern(key, transposed))
    ```
    """

    code = "CAL005"
    name = "table-key-stored-under-one-guard-read-under-another"
    severity = Severity.ERROR
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each read of a key on a platform where no store of it runs."""
        stores: dict[tuple[str, str], list[TableUse]] = {}
        reads: list[TableUse] = []
        for path in sorted(analysis.project.python):
            for use in analysis.project.python[path].table_uses:
                if use.is_store:
                    stores.setdefault((use.table, use.key), []).append(use)
                else:
                    reads.append(use)
        for read in reads:
            stored = stores.get((read.table, read.key))
            if stored and not any(is_caught(guard.condition) for guard in read.guards):
                for platform in analysis.project.platforms:
                    yield from self._check(analysis, platform, read, stored)

    def _check(
        self, analysis: Analysis, platform: Platform, read: TableUse, stored: list[TableUse]
    ) -> Iterator[Finding | Unknown]:
        process = Process(platform, analysis.operators)
        runs = process.truth_of(read.guards)
        filled = any_of(process.truth_of(store.guards) for store in stored)
        if filled is not Truth.FALSE or runs is Truth.FALSE:
            return
        if not read.at_import and not process.admits(read.guards):
            return
        table = read.table.rpartition(":")[2]
        values = {
            "entry": f"{table}[{read.key}]",
            "platform": platform.label,
            "guard": _stored_where(stored),
        }
        told = state("CAL005.read", **values)
        if read.through:
            told = state("CAL005.read_through", function=read.through, **values)
        related = [Related(store.location, state("place.stored")) for store in stored]
        report = self.finding if runs is Truth.TRUE else self.unknown
        yield report(read.location, told, platform=platform.label, symbol=table, related=related)


def _stored_where(stored: list[TableUse]) -> str:
    conditions = [
        " and ".join(describe(guard.condition) for guard in store.guards) for store in stored
    ]
    return " or ".join(dict.fromkeys(conditions))
