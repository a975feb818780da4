"""Tests of macros in forms that the reader has no arithmetic for, and include guards."""

from __future__ import annotations

import pytest

from opparity.checker.facts.conditions import ALWAYS, Defined, Predicate, describe, negation
from opparity.checker.languages.cpp.preprocessor import parse_expression, read_directives


@pytest.mark.parametrize(
    ("words", "signs"),
    [
        ("defined(A) and B", "defined(A) && B"),
        ("not defined(A) or B > 3", "!defined(A) || B > 3"),
    ],
)
def test_words_mean_what_signs_mean(words: str, signs: str) -> None:
    assert parse_expression(words) == parse_expression(signs)


def test_what_is_not_understood_is_the_same_wherever_it_stands() -> None:
    first = parse_expression("MAJOR * 100 + MINOR >= 1208 && defined(A)")
    assert first == parse_expression("MAJOR*100 + MINOR>=1208 && defined(A)")
    assert first != parse_expression("MAJOR * 100 + MINOR >= 1209 && defined(A)")
    assert describe(parse_expression("A ? B : C")) == "A ? B : C"
    assert isinstance(parse_expression("A + 1"), Predicate)


def test_an_include_guard_is_no_condition() -> None:
    text = "#ifndef OPS_CUH\n#define OPS_CUH\nvoid f();\n#ifdef A\nvoid g();\n#endif\n#endif\n"
    directives = read_directives("ops.cuh", text)
    assert directives.condition_at(3) is ALWAYS
    assert directives.condition_at(5) == Defined("A")


@pytest.mark.parametrize(
    "text",
    [
        "#ifndef LIMIT\n#define LIMIT 4\nvoid f();\n#endif\n",
        "#ifdef A\n#endif\n#ifndef LIMIT\n#define LIMIT\nvoid f();\n#endif\n",
        "#ifndef LIMIT\n#define OTHER\nvoid f();\n#endif\n",
    ],
)
def test_what_only_looks_like_an_include_guard_stays_a_condition(text: str) -> None:
    line = text[: text.index("void f")].count("\n") + 1
    assert read_directives("ops.h", text).condition_at(line) == negation(Defined("LIMIT"))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("HAS(a, b) && defined(C)", "HAS ( a , b ) && defined(C)"),
        ("HAS(a && b) || defined(C)", "HAS ( a && b ) || defined(C)"),
        ("HAS(f(a) || b) == 3 && C", "HAS ( f ( a ) || b ) == 3 && C"),
        ("defined(C) || A + (B && D) > 2", "defined(C) || A + ( B && D ) > 2"),
        ("(A + (B || D)) > 2 && C", "( A + ( B || D ) ) > 2 && C"),
        ("(HAS(a) || B) && C", "(HAS ( a ) || B) && C"),
        ("!HAS(a) && B", "!HAS ( a ) && B"),
        ("A - (B) && C", "A - ( B ) && C"),
    ],
)
def test_what_is_not_understood_reaches_to_the_next_connective_around_it(
    text: str, meaning: str
) -> None:
    assert describe(parse_expression(text)) == meaning
    operands = getattr(parse_expression(text), "operands", ())
    assert len(operands) == 2


@pytest.mark.parametrize(
    ("directive", "tests", "calls"),
    [
        ("#ifdef A", ["A"], []),
        ("#ifndef A", ["A"], []),
        ("#ifdef A // and then b(x)", ["A"], []),
        ("#ifndef A(x)", [], []),
        ("#if defined(A)", ["A"], []),
        ("#if defined A && !defined(B)", ["A", "B"], []),
        ("#if A", ["A"], []),
        ("#if A > 3 || 4 > B", ["A", "B"], []),
        ("#if A == B", ["A", "B"], []),
        ("#if AT_LEAST(3, 2)", [], ["AT_LEAST"]),
        ("#if 1", [], []),
        ("#if 0 // A(3)", [], []),
    ],
)
def test_which_macros_a_directive_tests_and_calls(
    directive: str, tests: list[str], calls: list[str]
) -> None:
    read = read_directives("ops.h", f"int before;\n{directive}\nint within;\n#endif\n")
    assert [(each.name, each.location.line) for each in read.macro_tests] == [
        (name, 2) for name in tests
    ]
    assert [each.name for each in read.macro_calls] == calls
