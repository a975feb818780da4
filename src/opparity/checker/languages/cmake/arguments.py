"""A command's arguments and a condition's words, expanded and split, at the cost that this has."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from opparity.checker.facts.places import Location
from opparity.checker.languages.cmake.expansion import expand
from opparity.checker.languages.cmake.values import LONGEST_VALUE, split_list
from opparity.checker.languages.interpreting import OutOfSteps, charge, charge_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.checker.languages.cmake.predicates import Token
    from opparity.checker.languages.cmake.state import State
    from opparity.checker.languages.cmake.syntax import Argument, Command

# As `charge` counts them: a word of a condition is a step.
_PARTS_OF_A_TOKEN = 50
# Of one command, in characters.
_LONGEST_ARGUMENTS = 4 * LONGEST_VALUE
_SOURCE_NAME = re.compile(r"\.(c|cc|cpp|cxx|cu|hip|mm|sycl)$", re.IGNORECASE)


def arguments_of(command: Command, state: State) -> list[str]:
    """Return a command's arguments, expanded and split."""
    values: list[str] = []
    remembers = (
        command.name in {"set", "list", "target_sources"}
        or "add_" in command.name
        or (command.name in state.routines)
    )
    for argument in command.arguments:
        expanded = _expanded(argument, state)
        if argument.is_quoted:
            values.append(expanded)
        else:
            values.extend(filter(None, split_list(expanded)))
        if remembers and _names_source(argument.text):
            location = Location(command.location.path, argument.line)
            for part in split_list(expanded):
                state.places.setdefault(part, location)
    _weigh_all(values)
    return values


def _weigh_all(values: list[str]) -> None:
    """Count the time that it takes to make, and to go through, a command's arguments.

    Raises:
        OutOfSteps: it was too much, or they are more text than any command is given.
    """
    length = sum(map(len, values))
    charge(4 * len(values))
    charge_text(length)
    if length > _LONGEST_ARGUMENTS:
        raise OutOfSteps


def _expanded(argument: Argument, state: State) -> str:
    text = argument.text
    is_plain = argument.is_raw or ("$" not in text and "\\" not in text)
    return text if is_plain else expand(text, state.read)


def tokens_of(arguments: Iterable[Argument], state: State) -> list[Token]:
    """Return a condition's arguments as tokens; lists in them are several."""
    found: list[Token] = []
    for argument in arguments:
        if argument.is_raw and not argument.is_quoted:
            found.append((argument.text, False))
            continue
        expanded = _expanded(argument, state)
        if argument.is_quoted:
            found.append((expanded, True))
        else:
            found.extend((part, False) for part in split_list(expanded))
    _weigh_all([text for text, _ in found])
    charge(_PARTS_OF_A_TOKEN * len(found))
    return found


@lru_cache(maxsize=10_000)  # asked on every platform, of each argument
def _names_source(text: str) -> bool:
    return any(_SOURCE_NAME.search(part) for part in text.split(";"))
