"""Findings that hold with some version of the tools, and not with today's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker.rules.findings import Effect
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.rules.findings import Finding


def in_each_version(
    analysis: Analysis, link: Link, check: Callable[[Link], Iterable[Finding]]
) -> Iterator[Finding]:
    """Yield what a check finds in a target, and what it finds with other versions of its tools.

    The latter has no effect on the build as it is at its defaults.
    """
    found = {each.statement: each for each in check(link)}
    yield from found.values()
    for other, functions in analysis.other_versions.of(link):
        for each in check(other):
            last = each.symbol.rpartition("::")[2]
            if last in functions and each.statement not in found:
                told = state("result.version", told=each.statement)
                yield replace(each, statement=told, effect=Effect.NONE)
