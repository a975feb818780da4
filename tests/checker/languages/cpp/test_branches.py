from __future__ import annotations

from opparity.checker.facts.conditions import ALWAYS, Defined, Not
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


TWO_HEADS = """#ifdef AS_FRAGMENT
TORCH_LIBRARY_FRAGMENT(demo, m) {
  m.def("first(Tensor x) -> Tensor");
#else
TORCH_LIBRARY(%s, m) {
#endif
  m.def("turn(Tensor x) -> Tensor", &turn);
  register_more(m);
  REGISTER_MORE(m);
}
"""


def test_what_two_heads_of_one_block_share_is_registered_once() -> None:
    file = read_native_text("x.cpp", TWO_HEADS % "demo")
    found = [(each.operator, each.kind.value, each.condition) for each in file.registrations]
    assert found == [
        ("first", "def", Defined("AS_FRAGMENT")),
        ("turn", "def", ALWAYS),
        ("turn", "impl", ALWAYS),
    ]
    assert [each.function for each in file.handed_on] == ["register_more"]
    assert [each.name for each in file.macro_uses] == ["REGISTER_MORE"]
    assert [each.condition for each in file.owned] == [Not(Defined("AS_FRAGMENT"))]


def test_what_two_heads_make_of_one_block_is_under_the_condition_of_each() -> None:
    file = read_native_text("x.cpp", TWO_HEADS % "other")
    found = [(each.qualified, each.condition) for each in file.registrations if each.schema]
    assert found == [
        ("demo::first", Defined("AS_FRAGMENT")),
        ("demo::turn", Defined("AS_FRAGMENT")),
        ("other::turn", Not(Defined("AS_FRAGMENT"))),
    ]
