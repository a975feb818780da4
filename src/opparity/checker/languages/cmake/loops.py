"""What CMake's `foreach` runs over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.numbers import whole_number
from opparity.checker.languages.cmake.values import split_list
from opparity.checker.languages.interpreting import OutOfSteps

if TYPE_CHECKING:
    from collections.abc import Callable

# A loop over more takes longer than a build may.
_MOST_NUMBERS = 100_000


def loop_values(arguments: list[str], read: Callable[[str], str]) -> list[str]:
    """Return what a loop runs over.

    Raises:
        OutOfSteps: it is a range of more numbers than any build has.
    """
    if not arguments:
        return []
    if arguments[0] == "RANGE":
        given = map(whole_number, arguments[1:])
        numbers = [number for number in given if number is not None]
        if len(numbers) == 1:
            numbers = [0, numbers[0]]
        if len(numbers) < 2 or (len(numbers) > 2 and numbers[2] == 0):  # noqa: PLR2004
            return []
        step = numbers[2] if len(numbers) > 2 else 1  # noqa: PLR2004
        found = range(numbers[0], numbers[1] + 1, step)
        if found[_MOST_NUMBERS:]:
            raise OutOfSteps
        return [str(number) for number in found]
    if arguments[0] == "IN":
        values: list[str] = []
        mode = ""
        for argument in arguments[1:]:
            if argument in {"LISTS", "ITEMS", "ZIP_LISTS"}:
                mode = argument
            elif mode == "ITEMS":
                values.append(argument)
            else:
                values.extend(part for part in split_list(read(argument)) if part)
        return values
    return arguments
