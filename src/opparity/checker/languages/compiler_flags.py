"""What compiler flags say beside `-D`: the instruction sets, whose macros sources test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.facts.builds import MacroSetting
from opparity.checker.facts.conditions import Truth

if TYPE_CHECKING:
    from opparity.checker.facts.places import Location

_INSTRUCTION_SET = re.compile(r"^-m(avx|amx|f16c|fma|sse|ssse)([\w.-]*)$")
# Flags that turn instruction sets on, by the processor that compiles: which, is not known.
_WHOLE_PROCESSOR = re.compile(r"^-m(?:arch|cpu)=(.*)$")
_SETS_OF_A_PROCESSOR = (
    "__AVX__",
    "__AVX2__",
    "__AVX512F__",
    "__AVX512BF16__",
    "__AVX512VNNI__",
    "__AVX512BW__",
    "__AVX512VL__",
    "__AVX512DQ__",
    "__F16C__",
    "__FMA__",
)


def instruction_sets(
    flag: str, location: Location, languages: frozenset[str], sources: frozenset[str]
) -> list[MacroSetting]:
    """Return the macros that a compiler defines for `-mavx2` and its kind."""
    bare = flag.rstrip("\ue001")
    found = _INSTRUCTION_SET.match(bare)
    if found:
        name = (found.group(1) + found.group(2)).upper()
        # -mavx512f is __AVX512F__, -mamx-bf16 is __AMX_BF16__, -msse4.2 is __SSE4_2__.
        names = [f"__{name.replace('-', '_').replace('.', '_')}__"]
        is_set = Truth.UNKNOWN if flag != bare else Truth.TRUE
    elif _WHOLE_PROCESSOR.match(bare):
        names, is_set = list(_SETS_OF_A_PROCESSOR), Truth.UNKNOWN
    else:
        return []
    return [MacroSetting(name, "1", location, languages, sources, is_set) for name in names]
