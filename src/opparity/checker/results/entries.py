"""One mistake is one entry: findings that would be gone together are told together.

A source that a list lacks leaves each of its operators undefined, on each platform, and the list
differs from the next one; a macro that nobody defines is tested in many files. Of such findings
the gravest is told, with the others beside it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker.results.groups import Group, group_by_platform
from opparity.checker.rules.findings import Finding, Severity
from opparity.words.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from opparity.words.statements import Value

_WORD = re.compile(r"\w+")
_GRAVITY = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFORMATION: 2}


def entries(findings: Iterable[Finding]) -> list[Group]:
    """Return findings with those of one mistake taken together, and those of all platforms."""
    groups = group_by_platform(findings)
    macros = {name for group in groups for name in _values(group.first.statement, {"macro"})}
    together: dict[tuple[object, ...], list[Group]] = {}
    for number, group in enumerate(groups):
        together.setdefault(_mistake(group, macros) or (number,), []).append(group)
    return [_entry(each) for each in together.values()]


def _entry(groups: list[Group]) -> Group:
    gravest = min(groups, key=lambda group: _GRAVITY[_severity(group)])
    others = tuple(group for group in groups if group is not gravest)
    about_macro = [group for group in groups if any(_values(group.first.statement, {"macro"}))]
    cause = about_macro[0].first.rule if about_macro else ""
    return replace(gravest, others=others, cause=cause)


def _severity(group: Group) -> Severity:
    assert isinstance(group.first, Finding)
    return group.first.severity


def _mistake(group: Group, macros: AbstractSet[str]) -> tuple[object, ...]:
    """Return what is to be mended: a macro, a source that is not built, an operator; or ()."""
    said = group.first.statement
    guards = {word for guard in _values(said, {"guard"}) for word in _WORD.findall(guard)}
    for macro in [*_values(said, {"macro"}), *sorted(guards & macros)]:
        return ("macro", macro)
    # With `source` and `sources` sentences name what is not built.
    for source in _values(said, {"source", "sources"}):
        return ("source", source)
    if group.first.operator:
        return (group.first.rule, _severity(group), group.first.operator)
    return ()


def _values(said: Statement, names: AbstractSet[str]) -> Iterator[str]:
    """Yield the texts that a sentence and its clauses have for values of some names."""
    for name, value in said.values:
        yield from _texts(value, names, is_meant=name in names)


def _texts(value: Value, names: AbstractSet[str], *, is_meant: bool) -> Iterator[str]:
    if isinstance(value, Statement):
        yield from _values(value, names)
    elif isinstance(value, tuple):
        for each in value:
            yield from _texts(each, names, is_meant=is_meant)
    elif is_meant and isinstance(value, str):
        yield value
