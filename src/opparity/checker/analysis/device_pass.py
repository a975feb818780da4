"""What a source's macros are in a pass of nvcc for an architecture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Comparison, Defined, Truth, truth_of
from opparity.checker.facts.numbers import c_number
from opparity.checker.facts.records import fact
from opparity.checker.languages.cmake.configuration import CUDA_ARCHITECTURES
from opparity.checker.languages.cpp.preprocessor import compare_numbers

if TYPE_CHECKING:
    from opparity.checker.analysis.translation import TranslationUnit
    from opparity.checker.facts.conditions import Atom
    from opparity.checker.facts.platforms import Platform

_ARCHITECTURE = "__CUDA_ARCH__"
_NUMBER = re.compile(r"^([0-9]{1,6})\.([0-9])")


def architecture_numbers(platform: Platform) -> tuple[int, ...]:
    """Return the architectures as `__CUDA_ARCH__` has them: 8.6 is 860."""
    listed = platform.architectures or CUDA_ARCHITECTURES
    found = [_NUMBER.match(name) for name in listed]
    if not all(found):
        return ()
    return tuple(int(match[1]) * 100 + int(match[2]) * 10 for match in found if match)


@fact
class DevicePass:
    """What a source's macros are while it is compiled for an architecture."""

    unit: TranslationUnit
    number: int

    def truth(self, atom: Atom) -> Truth:
        """Return what is known of a macro test there."""
        match atom:
            case Defined(name) if name == _ARCHITECTURE:
                return Truth.TRUE
            case Comparison(left, operator, right) if _ARCHITECTURE in {left, right}:
                values = [self._value(each) for each in (left, right)]
                if None in values:
                    return Truth.UNKNOWN
                return truth_of(compare_numbers(values[0] or 0, operator, values[1] or 0))
            case _:
                return self.unit.truth(atom)

    def _value(self, text: str) -> int | None:
        if text == _ARCHITECTURE:
            return self.number
        return c_number(text)
