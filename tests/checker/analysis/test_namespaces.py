"""Which written name means which function: namespaces left out, macros for names, lost braces."""

from __future__ import annotations

import pytest

from opparity.checker.analysis.wanted import Wanted, is_part, is_same, is_within, names
from opparity.checker.facts.native import Definition, Parameter, Signature
from opparity.checker.facts.places import Location


def function(qualified: str, parameters: int = 0, *, is_guessed: bool = False) -> Definition:
    *namespace, name = qualified.split("::")
    taken = tuple(Parameter("int") for _ in range(parameters))
    signature = Signature(name, tuple(namespace), taken, "void")
    return Definition(signature, Location("a.cpp", 1), is_guessed=is_guessed)


def parts(text: str) -> tuple[str, ...]:
    return tuple(text.split("::")) if text else ()


@pytest.mark.parametrize(
    ("one", "other", "same", "part"),
    [
        ("", "", True, True),
        ("a", "a", True, True),
        ("a", "b", False, False),
        ("a", "a::b", False, True),
        ("b", "a::b", False, True),
        ("", "a", False, True),
        ("a::b", "b::a", False, False),
        ("a::c", "a::b::c", False, True),
        # A macro may be any name, but not another macro.
        ("a::NAMESPACE", "a::b", True, True),
        ("FIRST", "SECOND", False, False),
        ("FIRST", "FIRST", True, True),
    ],
)
def test_namespaces_are_compared_part_by_part(
    one: str, other: str, *, same: bool, part: bool
) -> None:
    for first, second in ((one, other), (other, one)):
        assert is_same(parts(first), parts(second)) is same
        assert is_part(parts(first), parts(second)) is part


@pytest.mark.parametrize(
    ("written", "namespace", "is_there"),
    [
        ("", "a::b", True),
        ("a", "a::b", True),
        ("a::b", "a::x::b", True),
        ("b::a", "a::b", False),
        ("a::a", "a", False),
        ("a", "NAMESPACE", True),
        ("NAMESPACE", "a", False),
    ],
)
def test_written_parts_stand_in_a_namespace_in_order(
    written: str, namespace: str, *, is_there: bool
) -> None:
    assert is_within(parts(written), parts(namespace)) is is_there


@pytest.mark.parametrize(
    ("symbol", "definition", "is_meant"),
    [
        ("f", function("f"), True),
        ("f", function("a::f"), True),
        ("a::f", function("a::f"), True),
        ("a::f", function("a::b::f"), True),
        ("b::f", function("a::b::f"), True),
        ("::f", function("a::f"), True),
        ("b::f", function("a::f"), False),
        ("a::f", function("f"), False),
        ("a::g", function("a::f"), False),
        ("b::f", function("a::f", is_guessed=True), True),
        ("b::g", function("a::f", is_guessed=True), False),
    ],
)
def test_a_name_as_written_may_leave_namespaces_out(
    symbol: str, definition: Definition, *, is_meant: bool
) -> None:
    assert names(symbol, definition) is is_meant
    assert Wanted(symbol).may_be(definition) is is_meant


@pytest.mark.parametrize(
    ("definition", "certain", "open_"),
    [
        (function("a::b::f"), True, True),
        (function("a::NAMESPACE::f"), True, True),
        (function("a::f"), False, True),
        (function("b::f"), False, True),
        (function("c::f"), False, False),
        (function("a::b::g"), False, False),
        # It takes other arguments than any that is declared.
        (function("a::f", 3), False, False),
        (function("a::b::f", 3), True, True),
    ],
)
def test_where_braces_may_be_lost_a_part_of_the_namespace_is_enough(
    definition: Definition, *, certain: bool, open_: bool
) -> None:
    namespaces, counts = frozenset({("a", "b")}), frozenset({0, 1})
    for is_certain, expected in ((True, certain), (False, open_)):
        wanted = Wanted("f", namespaces, is_certain=is_certain, counts=counts)
        assert wanted.may_be(definition) is expected
