"""Which rules apply: codes, what codes begin with, names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.results.configuration import unknown
from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opparity.checker.rules.base import Rule


_CODE = re.compile(r"[A-Za-z]+[- ]?[0-9]+")


class RuleUnknown(OpparityError, LookupError):
    """A code, family or name that no rule has."""

    message = "{detail}"


def find_rule(word: str, rules: Iterable[type[Rule]]) -> type[Rule]:
    """Return the rule with a code or a name.

    Raises:
        RuleUnknown: there is none.
    """
    table = {rule.code: rule for rule in rules}
    names = {rule.name: rule for rule in table.values()}
    found = table.get(word.upper()) or names.get(word.lower())
    if found is None:
        is_code = _CODE.fullmatch(word) is not None or "-" not in word
        near = word.upper() if is_code else word.lower()
        raise RuleUnknown(detail=unknown("rule", near, table if is_code else names))
    return found


def select_rules(
    rules: Sequence[type[Rule]], select: Iterable[str], ignore: Iterable[str]
) -> tuple[type[Rule], ...]:
    """Return the rules that are selected (all where nothing is) and not ignored, in order.

    Raises:
        RuleUnknown: a word of either list fits no rule.
    """
    chosen = {code for word in select for code in _codes(word, rules)}
    left_out = {code for word in ignore for code in _codes(word, rules)}
    return tuple(
        rule for rule in rules if (not chosen or rule.code in chosen) and rule.code not in left_out
    )


def _codes(word: str, rules: Sequence[type[Rule]]) -> set[str]:
    if word.upper() == "ALL":
        return {rule.code for rule in rules}
    begun = {rule.code for rule in rules if rule.code.startswith(word.upper())}
    return begun or {find_rule(word, rules).code}
