"""A progress bar on standard error, shown on a terminal alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from opparity.checker.tree.names import printable

if TYPE_CHECKING:
    from types import TracebackType


class Progress:
    """How many of so many steps are begun, and the name of the present one."""

    def __init__(self, total: int) -> None:
        console = Console(file=sys.stderr)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=total)
        self._begun = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def begin(self, total: int) -> None:
        """Say how many steps there are, once that is known."""
        self._begun = 0
        self._bar.update(self._task, total=total, completed=0)

    def next(self, name: str) -> None:
        """Begin the next step."""
        self._bar.update(self._task, completed=self._begun, description=escape(printable(name)))
        self._begun += 1
