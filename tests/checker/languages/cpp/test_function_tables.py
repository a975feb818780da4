"""Functions that stand in initialisers outside of functions: tables are uses of them."""

from __future__ import annotations

from opparity.checker.facts.conditions import ALWAYS, Defined
from opparity.checker.languages.cpp.reader import read_native_text

TEXT = """#include "x.h"
int first(int x) { return x; }
Function* table[] = {first, &second, ns::inner::third, nullptr, LIMIT};
Entry entries[2] = {
  {"a_name", fourth, sizeof(int), true},
#ifdef WITH_FIFTH
  {"b", fifth, 3},
#endif
  {"c", (void*)sixth, object.member, pointer->other},  // remarked
};
Single single{{seventh}};
static const Entry never_used[] = {{"x", eighth}};
static const Entry used[] = {{"y", ninth}};
int number = 3;
int called() { return used[0].x; }
void within() {
  Entry local[] = {{"z", tenth}};
}
namespace inner {
  Entry more[] = {{"w", eleventh}};
}
"""


def test_names_in_tables_are_uses_with_their_place_and_condition() -> None:
    tabled = read_native_text("x.cpp", TEXT).tabled
    found = {
        "::".join((*each.qualifier, each.symbol)): (each.location.line, each.condition)
        for each in tabled
    }
    assert found == {
        "first": (3, ALWAYS),
        "second": (3, ALWAYS),
        "ns::inner::third": (3, ALWAYS),
        "fourth": (5, ALWAYS),
        "fifth": (7, Defined("WITH_FIFTH")),
        "sixth": (9, ALWAYS),
        "object": (9, ALWAYS),
        "pointer": (9, ALWAYS),
        "seventh": (11, ALWAYS),
        "ninth": (13, ALWAYS),
        "eleventh": (20, ALWAYS),
    }
    assert len(tabled) == len(found)
