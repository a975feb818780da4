from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opparity.checker.facts.conditions import (
    ALWAYS,
    NEVER,
    And,
    Comparison,
    Condition,
    Constant,
    Defined,
    Not,
    Or,
    Predicate,
    Truth,
    conjunction,
    describe,
    disjunction,
    evaluate,
    negation,
    permissive,
)
from opparity.checker.languages.cpp.preprocessor import parse_expression, read_directives

NAMES = ["A", "B", "C"]


class _Known:
    """Answers `defined` from a dictionary; anything else is unknown."""

    def __init__(self, known: dict[str, Truth]) -> None:
        self.known = known

    def truth(self, atom: object) -> Truth:
        return self.known[atom.macro] if isinstance(atom, Defined) else Truth.UNKNOWN


CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    st.sampled_from([ALWAYS, NEVER, *map(Defined, NAMES)]),
    lambda inner: (
        inner.map(negation)
        | st.lists(inner, max_size=3).map(lambda parts: conjunction(*parts))
        | st.lists(inner, max_size=3).map(lambda parts: disjunction(*parts))
    ),
    max_leaves=12,
)
KNOWN = st.fixed_dictionaries({name: st.sampled_from(list(Truth)) for name in NAMES})


@given(CONDITIONS, KNOWN)
def test_deciding_an_unknown_never_changes_what_was_decided(
    condition: Condition, known: dict[str, Truth]
) -> None:
    before = evaluate(condition, _Known(known))
    for name in NAMES:
        for value in (Truth.TRUE, Truth.FALSE):
            if known[name] is Truth.UNKNOWN and before is not Truth.UNKNOWN:
                assert evaluate(condition, _Known({**known, name: value})) is before


@given(CONDITIONS, KNOWN)
def test_a_condition_survives_being_written_and_read_again(
    condition: Condition, known: dict[str, Truth]
) -> None:
    text = describe(condition).replace("always", "1").replace("never", "0")
    assert evaluate(parse_expression(text), _Known(known)) is evaluate(condition, _Known(known))


@given(CONDITIONS, KNOWN)
def test_a_condition_and_its_negation_are_opposite(
    condition: Condition, known: dict[str, Truth]
) -> None:
    environment = _Known(known)
    assert evaluate(negation(condition), environment) is evaluate(condition, environment).negate()


def test_else_and_elif_exclude_what_came_before() -> None:
    text = "#if A\na\n#elif defined(B) && C >= 3\nb\n#else\nc\n#endif\nalways"
    directives = read_directives("x.h", text)
    assert describe(directives.condition_at(2)) == "A"
    assert describe(directives.condition_at(4)) == "!(A) && defined(B) && C >= 3"
    assert describe(directives.condition_at(6)) == "!(A) && !(defined(B) && C >= 3)"
    assert directives.condition_at(8) == ALWAYS
    assert [test.name for test in directives.macro_tests] == ["A", "B", "C"]


def test_directives_in_block_comments_are_no_directives() -> None:
    directives = read_directives("x.h", "/*\n#if A\n*/\nint x;\n// /*\n#ifdef B\nint y;\n#endif\n")
    assert directives.condition_at(4) == ALWAYS
    assert directives.condition_at(7) == Defined("B")


@pytest.mark.parametrize("text", ["(" * 5000, "A <", "defined(", "A + 1 > 2", "f(x) == 3", ""])
def test_what_is_no_known_expression_is_unknown(text: str) -> None:
    assert evaluate(parse_expression(text), _Known(dict.fromkeys(NAMES, Truth.TRUE))) is (
        Truth.UNKNOWN
    )


def test_a_bare_macro_is_compared_with_zero() -> None:
    assert parse_expression("USE_X") == Comparison("USE_X", "!=", "0")


ON_CUDA, ON_ROCM = Predicate("platform", ("cuda",)), Predicate("platform", ("rocm",))
ANYTHING, NOT_KNOWN = Defined("ANYTHING"), Constant(Truth.UNKNOWN)


@pytest.mark.parametrize(
    ("condition", "weakest"),
    [
        (ON_CUDA, ON_CUDA),
        (ANYTHING, ALWAYS),
        (NOT_KNOWN, ALWAYS),
        (ALWAYS, ALWAYS),
        (NEVER, NEVER),
        (Not(ON_CUDA), Not(ON_CUDA)),
        (Not(ANYTHING), ALWAYS),
        (And((ON_CUDA, ANYTHING)), ON_CUDA),
        (Or((ON_CUDA, ON_ROCM)), Or((ON_CUDA, ON_ROCM))),
        (Or((ON_CUDA, ANYTHING)), ALWAYS),
        (Not(Or((ON_CUDA, ANYTHING))), Not(ON_CUDA)),
        (Not(And((ON_CUDA, ANYTHING))), ALWAYS),
        (Not(Not(And((ON_CUDA, ANYTHING)))), ON_CUDA),
    ],
)
def test_the_weakest_condition_over_platforms(condition: Condition, weakest: Condition) -> None:
    assert permissive(condition) == weakest
