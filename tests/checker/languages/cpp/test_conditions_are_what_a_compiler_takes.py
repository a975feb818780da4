"""Which lines are compiled is what g++ says: one text, read by both with the same macros."""

from __future__ import annotations

import re
import subprocess

import pytest

from opparity.checker.analysis.translation import translation_unit
from opparity.checker.facts.builds import MacroSetting, Target
from opparity.checker.facts.conditions import Truth, evaluate, truth_of
from opparity.checker.facts.places import Location
from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.cpp.preprocessor import read_directives

PLACE = Location("CMakeLists.txt", 1)
# What a build gives; a build that takes a macro back gives it first.
MACROS = {"ONE": "1", "ZERO": "0", "TEN": "10", "HEX": "0x1F", "OCTAL": "010", "LONG": "7UL"}
GIVEN = (*(MacroSetting(name, value, PLACE) for name, value in MACROS.items()),)
TAKEN = (MacroSetting("GONE", "1", PLACE), MacroSetting("GONE", "", PLACE, removed=True))
EXPRESSIONS = """
0
1
2
ONE
ZERO
ABSENT
!ONE
!ZERO
!!ONE
!!ABSENT
(ONE)
((ZERO))
!(ONE)
defined(ONE)
defined ONE
defined(ZERO)
defined ( ABSENT )
defined ABSENT
!defined(ABSENT)
!defined ONE
defined(GONE)
GONE
ONE && ZERO
ONE && TEN
ONE || ZERO
ZERO || ABSENT
ONE || ZERO && ZERO
(ONE || ZERO) && ZERO
ZERO && ONE || ONE
!ONE || ONE
!(ONE && ZERO)
!(ONE || ZERO)
!(ZERO || ABSENT) && ONE
ONE and TEN
ZERO or ONE
not ZERO
not defined(ONE) or ZERO
TEN == 10
TEN == 11
TEN != 10
TEN != 9
TEN < 10
TEN < 11
TEN <= 9
TEN <= 10
TEN > 10
TEN > 9
TEN >= 11
TEN >= 10
10 > TEN
9 < TEN
TEN > ONE
ONE > TEN
TEN == TEN
ABSENT == 0
ABSENT < 1
ABSENT > 0
HEX == 31
HEX > 0x1e
OCTAL == 8
OCTAL == 10
LONG == 7
LONG >= 8L
0b101 == 5
007 == 7
1 == 1
1 > 2
TEN >= 10 && TEN < 20
TEN >= 10 && !(TEN > 10)
defined(ONE) && ONE > 0
defined(ABSENT) && ABSENT > 0
defined(ONE) && !defined(ABSENT)
defined(ABSENT) || defined(ZERO)
(defined(ONE) || defined(ABSENT)) && (ZERO || TEN == 10)
(TEN == 10)
!(TEN == 10)
ONE /* a remark */ && TEN // another
__linux__
__cplusplus >= 201103L
__cplusplus < 201103L
__GNUC__ >= 9
__GNUC__ < 9
_WIN32
defined(_MSC_VER)
defined(__APPLE__) || defined(__linux__)
__x86_64__
__aarch64__
defined(__ARM_NEON)
__AVX2__
defined(__AVX512F__)
__CUDACC__
defined(__CUDA_ARCH__)
defined(__HIPCC__) || defined(__HIP_PLATFORM_AMD__)
CUDA_VERSION >= 12000
""".strip().splitlines()
# `@` stands where a line is looked for.
TEXTS = [
    *(f"#if {each}\n@\n#else\n@\n#endif" for each in EXPRESSIONS),
    *(f"#ifdef {name}\n@\n#else\n@\n#endif\n@" for name in ("ONE", "ZERO", "ABSENT", "GONE")),
    *(f"#ifndef {name}\n@\n#else\n@\n#endif\n@" for name in ("ONE", "ZERO", "ABSENT", "GONE")),
    "#if ONE\n@\n#elif TEN\n@\n#else\n@\n#endif",
    "#if ZERO\n@\n#elif TEN\n@\n#elif ONE\n@\n#else\n@\n#endif",
    "#if ZERO\n@\n#elif ABSENT\n@\n#else\n@\n#endif",
    "#if ZERO\n@\n#elifdef ZERO\n@\n#else\n@\n#endif",
    "#ifdef ABSENT\n@\n#elifndef ONE\n@\n#elifndef ABSENT\n@\n#else\n@\n#endif",
    "#if ONE\n#if ZERO\n@\n#else\n@\n#endif\n@\n#else\n#if ONE\n@\n#endif\n@\n#endif\n@",
    "#ifdef ONE\n#ifdef ABSENT\n@\n#elif defined(TEN)\n@\n#ifndef TEN\n@\n#endif\n#endif\n#endif",
    "#if ONE && \\\n    ZERO\n@\n#else\n@\n#endif",
    "#if defined(ABSENT) || \\\n  \\\n defined(TEN)\n@\n#endif\n@",
    "/*\n#if ZERO\n*/\n@\n/* one line */\n@",
    "int x; /* opened here\n#else\n*/ int y;\n@",
    "// /*\n@\n#if ZERO // */\n@\n#endif",
    'const char* text = "/*";\n#if ZERO\n@\n#else\n@\n#endif\n// */',
    "#  if ZERO\n@\n # else\n@\n#\tendif\n@",
    "#if ZERO\n#define ONE_MORE\n@\n#endif\n#ifdef ONE\n#pragma once_more\n@\n#endif",
    "#if ZERO\n#error no\n@\n#elif 1\n@\n#endif",
]


def numbered() -> list[str]:
    """Return the lines of all texts, each place with a word of its own."""
    number = iter(range(10_000))
    text = "\n".join(TEXTS)
    return re.sub("@", lambda _: f"place_{next(number)}_end", text).split("\n")


LINES = numbered()


@pytest.fixture(scope="module")
def taken() -> str:
    """Return what g++ takes of the lines."""
    flags = [*(f"-D{name}={value}" for name, value in MACROS.items()), "-DGONE", "-UGONE"]
    command = ["g++", "-E", "-P", "-w", "-x", "c++", "-std=c++2b", *flags, "-"]
    text = "\n".join(LINES)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def test_each_line_is_compiled_where_a_compiler_takes_it(taken: str) -> None:
    directives = read_directives("a.cpp", "\n".join(LINES))
    target = Target("_C", "module", (), PLACE, (*GIVEN, *TAKEN))
    unit = translation_unit(Platform("cpu"), target, "a.cpp", {})
    places = [
        (number, line) for number, line in enumerate(LINES, start=1) if line.startswith("place_")
    ]
    wrong = [
        (line, LINES[number - 4 : number], truth)
        for number, line in places
        for truth in [evaluate(directives.condition_at(number), unit)]
        if truth is not truth_of(line in taken)
    ]
    assert not wrong
    assert len(places) > 2 * len(EXPRESSIONS)
    assert {truth_of(line in taken) for _, line in places} == {Truth.TRUE, Truth.FALSE}
