from __future__ import annotations

from opparity.checker.facts.conditions import Defined, Not
from opparity.checker.languages.cpp.branches import variants
from opparity.checker.languages.cpp.reader import read_native_text

CLOSED_TWICE = """namespace inner {
#ifdef A
void first() {}
}
void outside() {}
#else
}
void other() {}
#endif
void last() {}
"""


def test_each_branch_that_closes_a_brace_is_read_in_the_namespace_that_it_leaves() -> None:
    found = {
        each.signature.qualified: each.condition
        for each in read_native_text("x.cu", CLOSED_TWICE).definitions
    }
    assert found["inner::first"] == found["outside"] == Defined("A")
    assert found["other"] == Not(Defined("A"))
    assert "last" in found
    assert set(found) == {"inner::first", "outside", "other", "last"}


def test_lines_keep_their_numbers() -> None:
    found = {
        each.signature.name: each.location.line
        for each in read_native_text("x.cu", CLOSED_TWICE).definitions
    }
    assert found == {"first": 3, "outside": 5, "other": 8, "last": 10}


def test_a_text_whose_branches_close_what_they_open_is_read_once() -> None:
    balanced = "#if A\nvoid f() {}\n#else\nvoid f(int) {}\n#endif\n"
    assert variants(balanced, balanced) == (balanced,)


def test_a_brace_that_is_opened_under_a_condition_alone_is_read_with_and_without() -> None:
    text = "#ifdef A\nnamespace a {\n#endif\nvoid f() {}\n#ifdef A\n}\n#endif\n"
    assert {each.signature.qualified for each in read_native_text("x.h", text).definitions} == {
        "a::f"
    }


ENDED_TWICE = """void f(int count)
#if defined(A)
;
#else
{}
#endif

void g(int count)
#ifdef A
{
  first();
}
#else
{
  other();
}
#endif
"""


def test_a_head_that_each_branch_ends_otherwise_is_read_with_each() -> None:
    read = read_native_text("x.cpp", ENDED_TWICE)
    assert [(each.signature.name, each.condition) for each in read.declarations] == [
        ("f", Defined("A"))
    ]
    assert [(each.signature.name, each.condition) for each in read.definitions] == [
        ("g", Defined("A")),
        ("f", Not(Defined("A"))),
        ("g", Not(Defined("A"))),
    ]
    assert not read.has_errors
