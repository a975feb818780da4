"""What a reviewer would remark on the guards of a change: their macros, and whether they agree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.change.compare.inspection import guard_text
from opparity.change.tell.suggestions import known_macro
from opparity.checker.analysis.macros import platform_of_macro
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import MacroUse, Motivation
    from opparity.words.statements import Statement

_WORD = re.compile(r"\b[A-Z_]{2,}[A-Z0-9_]*\b")
_MOST_TEXT_MACROS = 6
# A prototype without a guard does no harm: it is remarked where the change is about few guards.
_MOST_UNGUARDED = 4


def remark(
    after: Inspected, guards: dict[str, str], macros: tuple[MacroUse, ...], motivation: Motivation
) -> tuple[Statement, ...]:
    """Return the remarks."""
    return (
        *_on_macros(after, macros),
        *_on_agreement(after, guards),
        *_on_texts(after, motivation, {each.name for each in macros}),
    )


def _on_macros(after: Inspected, macros: tuple[MacroUse, ...]) -> Iterator[Statement]:
    for macro in macros:
        if macro.name in after.undefined_macros:
            known = known_macro(after, macro.name)
            if known:
                yield state("remark.macro_undefined", macro=macro.name, known=known)
            else:
                yield state("remark.macro_unknown", macro=macro.name)
        elif macro.defined:
            places = tuple(place for place, _ in macro.defined)
            platforms = tuple(dict.fromkeys(label for _, each in macro.defined for label in each))
            yield state(
                "remark.macro_defined",
                macro=macro.name,
                places=places,
                platforms=platforms,
                files=macro.files,
            )
        elif macro.by_torch:
            yield state(
                "remark.macro_by_torch",
                macro=macro.name,
                platforms=macro.by_torch,
                files=macro.files,
            )


def _on_agreement(after: Inspected, guards: dict[str, str]) -> Iterator[Statement]:
    """Compare the guards of each operator's registrations with those of its prototypes."""
    agreeing: dict[str, dict[str, dict[str, None]]] = {}
    for operator, guard in guards.items():
        # An operator may be registered for each platform in a file of its own.
        own = {guard_text(each.condition) for each in after.registrations.get(operator, ())}
        for symbol in after.symbols.get(operator, ()):
            for declaration in after.project.declarations.get(symbol.rpartition("::")[2], ()):
                seen = guard_text(declaration.condition)
                place = str(declaration.location).rpartition(":")[0]
                if seen in own:
                    found = agreeing.setdefault(seen, {"operators": {}, "places": {}})
                    found["operators"][operator] = found["places"][place] = None
                elif seen:
                    yield state(
                        "remark.guards_differ",
                        operator=operator,
                        guard=guard,
                        place=place,
                        other=seen,
                    )
                elif len(guards) <= _MOST_UNGUARDED:
                    yield state(
                        "remark.guards_differ_none", operator=operator, guard=guard, place=place
                    )
    for guard, found in agreeing.items():
        if guard:
            listed = {name: tuple(values) for name, values in found.items()}
            yield state("remark.guards_agree", **listed, guard=guard)


def _on_texts(after: Inspected, motivation: Motivation, known: set[str]) -> Iterator[Statement]:
    """Name the platform macros that the author's texts speak of and that nobody defines."""
    texts = [motivation.description, *(f"{c.subject}\n{c.body}" for c in motivation.commits)]
    words = dict.fromkeys(word for text in texts for word in _WORD.findall(text))
    named = [word for word in words if platform_of_macro(word) and "_" in word]
    if not named:
        return
    defined = after.analysis.known_macros
    for word in named[:_MOST_TEXT_MACROS]:
        if word not in known and word not in defined:
            better = known_macro(after, word)
            if better:
                yield state("remark.text_macro", macro=word, known=better)
