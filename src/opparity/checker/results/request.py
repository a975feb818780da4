"""What a check is asked: the settings of a tree, and what the command line says before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.records import fact
from opparity.checker.results.configured_tree import matching, parse_platforms
from opparity.checker.results.selection import select_rules
from opparity.checker.rules.table import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opparity.checker.facts.platforms import Platform
    from opparity.checker.results.baseline import Entry
    from opparity.checker.results.configuration import Configuration
    from opparity.checker.rules.base import Rule


@fact
class Request:
    """What a check is asked.

    Attributes:
        platforms: none means every one that the build knows.
        rules: those to apply.
        ignored_in: files, and the codes of rules that do not apply to them.
        is_narrowed: the command line left out platforms or rules, so that what is not found may
            only be out of sight.
        is_strict: what cannot be decided is a finding.
        baseline: how many findings each entry accepts.
        baseline_path: the baseline's name, for findings about it.
    """

    platforms: tuple[Platform, ...] = ()
    rules: tuple[type[Rule], ...] = RULES
    ignored_in: tuple[tuple[Callable[[str], bool], frozenset[str]], ...] = ()
    is_narrowed: bool = False
    is_strict: bool = False
    baseline: Mapping[Entry, int] | None = None
    baseline_path: str = ""

    def ignores(self, path: str, rule: str) -> bool:
        """Tell whether a rule does not apply to a file."""
        return any(rule in rules and is_meant(path) for is_meant, rules in self.ignored_in)


def request_of(
    configuration: Configuration,
    *,
    platforms: Sequence[str] = (),
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    is_strict: bool = False,
) -> Request:
    """Return what is asked of a check; what is given goes before the configuration.

    Raises:
        OpparityError: a platform or a rule is unknown.
    """
    return Request(
        platforms=parse_platforms(platforms or configuration.platforms),
        rules=select_rules(RULES, select or configuration.select, [*ignore, *configuration.ignore]),
        ignored_in=tuple(
            (
                matching([pattern], configuration.inner),
                frozenset(rule.code for rule in select_rules(RULES, rules, ())),
            )
            for pattern, rules in configuration.per_file_ignores
            if rules
        ),
        is_narrowed=bool(platforms or select or ignore),
        is_strict=is_strict or configuration.strict,
    )
