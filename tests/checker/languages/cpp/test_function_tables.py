"""Functions that stand in initialisers outside of functions: tables are uses of them."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS, Defined
from opparity.checker.languages.cpp.reader import read_native_text

if TYPE_CHECKING:
    from pathlib import Path

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


# Each line is a table of NAME, a function that is declared alone.
TABLES = """
Function* table_NAME[] = {NAME};
Function* table_NAME[2][1] = {{NAME}, {}};
int (*table_NAME[])(int) = {NAME};
int (*table_NAME[3])(int) = {NAME, nullptr};
int (* const table_NAME [2][1])(int) = {{NAME}}; Function* const* last_NAME = table_NAME[1];
static int (*table_NAME[])(int) = {NAME}; int called_NAME() { return table_NAME[0](1); }
static int (*table_NAME[])(int) = {NAME};
int (*table_NAME[])(int x) noexcept = {NAME##_quiet};
Taking* table_NAME[] = {NAME##_taking};
void (*table_NAME[])(float (*)(int), int) = {NAME##_taking};
int (*table_NAME[])(int) __attribute__((unused)) = {&NAME};
int (Holder::*table_NAME[])(int) = {&Holder::NAME};
struct Entry_NAME { const char* name; Function* function; } table_NAME[] = {{"a", NAME}};
auto table_NAME = std::array{&NAME, &NAME};
auto table_NAME = std::array<int (*)(int), 1>{NAME};
static const auto table_NAME = std::array{NAME};
const char* text_NAME; Function* table_NAME[] = {NAME};
std::vector<Function*> table_NAME{{NAME}};
std::map<int, Function*> table_NAME = {{1, NAME}};
auto table_NAME = std::map<int, Function*>{{1, NAME}};
int count_NAME = sizeof(Function*[2]) == 2 ? 1 : 0;
"""
HEAD = """
#include <array>
#include <map>
#include <vector>
using Function = int(int);
using Taking = void(float (*)(int), int);
"""


def _lines() -> tuple[str, str]:
    """Return the tables, each of a function of its own, and what declares these."""
    tables, declared = [], []
    for number, line in enumerate(TABLES.strip().splitlines()):
        name = f"taken_{number}"
        tables.append(line.replace("##", "").replace("NAME", name))
        declared.append(f"int {name}(int); int {name}_quiet(int) noexcept;")
        declared.append(f"void {name}_taking(float (*)(int), int);")
    methods = "".join(f"int taken_{number}(int); " for number in range(len(tables)))
    return "\n".join(tables) + "\n", "\n".join([*declared, f"struct Holder {{ {methods}}};", ""])


def test_a_table_uses_what_the_compiler_asks_for_because_of_it(tmp_path: Path) -> None:
    tables, declared = _lines()
    (tmp_path / "x.cpp").write_text(HEAD + declared + tables)
    subprocess.run(["g++", "-std=c++17", "-O1", "-w", "-c", "x.cpp"], cwd=tmp_path, check=True)
    listed = subprocess.run(["nm", "-Cu", "x.o"], cwd=tmp_path, check=True, capture_output=True)
    needed = set(re.findall(r"\btaken_\w+", listed.stdout.decode()))
    found = read_native_text("x.cpp", HEAD + declared + tables).tabled
    assert {each.symbol for each in found if each.symbol.startswith("taken_")} == needed
    assert len(needed) == len(tables.splitlines()) - 3  # two that nobody reads, and a count
