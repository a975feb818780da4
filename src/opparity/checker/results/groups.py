"""Results that differ only in their platform, taken together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.records import fact
from opparity.checker.rules.findings import Finding, Unknown
from opparity.checker.tree.names import printable
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.words.statements import Statement


@fact
class Group:
    """One finding, or one unknown, and every platform for which it was made.

    Attributes:
        others: findings of the same mistake; see `entries`.
        cause: the rule that names the mistake itself, where that is another than `first`'s.
    """

    first: Finding | Unknown
    platforms: tuple[str, ...]
    others: tuple[Group, ...] = ()
    cause: str = ""

    @property
    def advisor(self) -> str:
        """Return the rule that says what to do."""
        return self.cause or self.first.rule

    @property
    def where(self) -> str:
        """Return the platforms in brackets, or nothing where it holds for all."""
        return f"[{' '.join(map(printable, self.platforms))}]" if self.platforms else ""

    @property
    def subject(self) -> str:
        """Return the operator, else the symbol, where the message does not name it."""
        subject = printable(self.first.operator or self.first.symbol)
        return "" if subject in self.message else subject

    @property
    def statement(self) -> Statement:
        """Return what is said of all these platforms."""
        said = self.first.statement
        return said.having(platform=self.platforms) if self.platforms else said

    @property
    def message(self) -> str:
        """Return the statement in English."""
        return english(self.statement)


def group_by_platform(results: Iterable[Finding | Unknown]) -> list[Group]:
    """Return results with those that differ only in their platform taken together."""
    groups: dict[tuple[object, ...], list[Finding | Unknown]] = {}
    for each in results:
        severity = each.severity if isinstance(each, Finding) else None
        said = each.statement.having(platform="")
        key = (severity, each.rule, each.location, said, each.operator, each.symbol)
        groups.setdefault((*key, each.related), []).append(each)
    return [
        Group(group[0], tuple(dict.fromkeys(each.platform for each in group if each.platform)))
        for group in groups.values()
    ]
