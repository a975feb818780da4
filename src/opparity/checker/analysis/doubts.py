"""Why it is not known whether a library has a function: each reason as a clause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import UNDECIDED, Truth, describe, evaluate, negation
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.checker.analysis.linking import Compiled, Link, Use
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.analysis.translation import TranslationUnit
    from opparity.checker.analysis.whereabouts import Whereabouts
    from opparity.checker.facts.builds import Target
    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import Definition
    from opparity.words.statements import Statement


def because(told: Statement, doubts: Iterator[Statement]) -> Statement:
    """Return a sentence with what is not known behind it, each reason once."""
    reasons = tuple(dict.fromkeys(doubts))
    return state("doubt.because", told=told, doubts=reasons) if reasons else told


def whether(condition: Condition, place: str) -> Statement:
    """Return that a condition is in question, as a clause; one that was not understood by place."""
    if condition == UNDECIDED:
        return state("doubt.somewhere", place=place)
    return state("doubt.condition", condition=describe(condition))


def doubts_of(
    analysis: Analysis, link: Link, symbol: str, use: Use, found: Whereabouts
) -> Iterator[Statement]:
    """Yield what is not known of a library, of a place that needs a function, and of both."""
    if link.target.built is Truth.UNKNOWN:
        yield state("doubt.built", target=link.target.name)
    if use.truth is Truth.UNKNOWN:
        yield from _of_line(use.condition, use.unit, use.path)
    if link.is_complete is Truth.UNKNOWN and found.answer is not Truth.TRUE:
        target = _open_list(analysis, link)
        place = f"{target.location.path}:{target.location.line}"
        yield state("doubt.list", target=target.name, place=place)
    if found.is_nowhere:
        yield state("doubt.outside", symbol=symbol)
    elif found.answer is Truth.UNKNOWN:
        yield from _of_definitions(link.definitions.get(symbol.rpartition("::")[2], ()))


def _of_definitions(definitions: Iterable[tuple[Definition, Compiled]]) -> Iterator[Statement]:
    seen: set[Condition] = set()
    for definition, compiled in definitions:
        condition = definition.condition
        if compiled.source.built is Truth.UNKNOWN:
            yield state("doubt.listed", source=compiled.source.path)
        is_open = evaluate(condition, compiled.unit) is Truth.UNKNOWN
        if is_open and negation(condition) not in seen:  # `#if A` and `#else` are one question
            yield whether(condition, compiled.file.path)
        seen.add(condition)


def _of_line(condition: Condition, unit: TranslationUnit, path: str) -> Iterator[Statement]:
    if evaluate(condition, unit) is Truth.UNKNOWN:
        yield whether(condition, path)
    else:
        yield state("doubt.listed", source=path)


def _open_list(analysis: Analysis, link: Link) -> Target:
    """Return the target whose list is open: the library itself, or one that it takes in."""
    waiting, seen = [link.target], {link.target.name}
    targets = {each.name: each for each in analysis.project.targets_on(link.platform)}
    while waiting:
        target = waiting.pop()
        if target.is_complete is Truth.UNKNOWN:
            return target
        taken = [targets[name] for name in target.links if name in targets and name not in seen]
        seen.update(each.name for each in taken)
        waiting.extend(taken)
    return link.target
