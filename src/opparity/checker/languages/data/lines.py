"""Where a description in data says something: its lines are looked through once, however often."""

from __future__ import annotations

import re
from bisect import bisect_left

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"')


class Lines:
    """The lines of a text, by the strings in them and by what stands alone in one."""

    def __init__(self, text: str) -> None:
        self._places: dict[str, list[int]] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            self._note(line.partition("#")[0].strip(), number)
            for quoted in _QUOTED.findall(line):
                self._note(f'"{quoted}"', number)
                self._note(quoted.rpartition("/")[2].strip("'"), number)

    def _note(self, what: str, number: int) -> None:
        self._places.setdefault(what, []).append(number)

    def find(self, what: str, after: int = 1) -> int | None:
        """Return the first line from `after` on that has a quoted string, its last part, or a head.

        None where none has.
        """
        places = self._places.get(what, [])
        index = bisect_left(places, after)
        return places[index] if index < len(places) else None
