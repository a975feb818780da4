"""What else an option of a CMake build can be set to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.builds import Choice
from opparity.checker.languages.cmake.values import is_decided, split_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.facts.places import Location

_ON = frozenset({"ON", "TRUE", "YES", "1"})
_OFF = frozenset({"OFF", "FALSE", "NO", "0"})


def alternatives(name: str, default: str, location: Location) -> Iterator[Choice]:
    """Yield a switch turned over, and a list without each of its elements."""
    if not is_decided(default):
        return
    if default.upper() in _OFF:
        yield Choice(name, "ON", location, is_offered=True)
    elif default.upper() in _ON:
        yield Choice(name, "OFF", location)
    elif ";" in default:
        elements = split_list(default)
        for element in elements:
            left = ";".join(each for each in elements if each != element)
            yield Choice(name, left, location)
