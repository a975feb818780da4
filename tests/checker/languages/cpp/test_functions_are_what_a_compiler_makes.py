"""Which functions a file defines and which it needs is what g++ says, name by name."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from opparity.checker.facts.conditions import Atom, Defined, Truth, evaluate
from opparity.checker.languages.cpp.reader import read_native_text

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.checker.facts.native import Definition

SOURCE = r"""
struct Tensor { int size; float* data; };
using Scalar = double;
int needed_first(int);
float* needed_second(float* x, const Tensor& t);
namespace other { void needed_third(); struct Helper { static int needed_static(int x); }; }
extern "C" { void needed_fourth(void); int needed_unused(int); }

void plain() {}
int
split_head(
    int first,
    int second
)
{
  return needed_first(first);
}
Tensor by_value(Tensor t) { return t; }
const float* pointers(float* out, int** table) { return needed_second(out, Tensor{}); }
Tensor& references(Tensor& t, Tensor&& moved) { return t; }
auto trailing(int x) -> long { return x; }
[[nodiscard]] int attributed(int x) noexcept { return x; }
__attribute__((visibility("default"))) void visible(long x) {}
unsigned long long words(unsigned int a, long long b, unsigned char c) { return a; }
void with_default(int x, float y = 1.5f) {}
void array_given(float values[], int sizes[3]) {}
void callback(void (*function)(int), int x) { function(x); other::needed_third(); }
double scalar(Scalar x) { return x; }
static int hidden(int x) { return x; }
namespace { void also_hidden(float x) {} namespace inner { void hidden_too() {} } }
namespace a { namespace b { void nested(int x) {} } void less_nested(bool x) {} }
namespace c::d { int joined(char x) { return hidden(x); } }
namespace a::b { void nested(float x) { other::Helper::needed_static(1); } }
inline namespace v1 { void versioned(short x) {} }
extern "C" int c_function(int x) { return x; }
extern "C" {
void c_block(void) { needed_fourth(); }
}
namespace a { void declared_here(int x); struct Box { void member(int x); static int fixed(); }; }
void a::declared_here(int x) {}
void a::Box::member(int x) { also_hidden(1.0f); inner::hidden_too(); }
int a::Box::fixed() { return 3; }
template <typename T> T generic(T x) { return x; }
template float generic<float>(float x);
template <> int generic<int>(int x) { return x + 1; }
template <typename T, int N> void sized(T* x) {}
template void sized<double, 4>(double* x);
inline int inlined(int x) { return x; }
constexpr int folded(int x) { return x + 1; }
int uses_inline(int x) { return inlined(x) + needed_first(x) + generic(2); }
#ifdef NEVER_SET
void left_out() {}
#endif
#ifndef NEVER_SET
void taken() {
  if (true) { for (int i = 0; i < 3; ++i) { plain(); } }
  auto local = [](int x) { return x; };
  struct Local { void inside() {} };
  const char* text = "void quoted() {}";
  // void remarked() {}
}
#else
void taken_otherwise() {}
#endif
int value = 3;
"""
SYMBOL = re.compile(r"[0-9a-f ]{16} ([TtWU]) ([^\n]*)")
# Lambdas and local classes are no functions that another can name.
WITHOUT_NAME = re.compile(r"taken\(\)::")
RETURNED = re.compile(r"^\w+ (?=\w+<)")
# What C knows by its name alone.
OF_C = {"c_function", "c_block", "needed_fourth"}


@pytest.fixture(scope="module")
def symbols(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return what g++ makes of the text: `nm`'s letter, and names with parameters."""
    root: Path = tmp_path_factory.mktemp("compiled")
    (root / "x.cpp").write_text(SOURCE)
    compile_it = ["g++", "-std=c++20", "-O0", "-w", "-c", "x.cpp", "-o", "x.o"]
    subprocess.run(compile_it, cwd=root, check=True)
    listed = subprocess.run(["nm", "-C", "x.o"], cwd=root, check=True, capture_output=True)
    found: dict[str, set[str]] = {letter: set() for letter in "TtWU"}
    for letter, name in SYMBOL.findall(listed.stdout.decode()):
        if not WITHOUT_NAME.search(name):
            bare = name.replace("(anonymous namespace)::", "")
            found[letter].add(RETURNED.sub("", bare))
    return found


def as_demangled(definition: Definition) -> str:
    """Return a definition's name and parameters in `nm`'s words."""
    signature = definition.signature
    if signature.name in OF_C:
        return signature.name
    name = signature.qualified + f"<{', '.join(definition.arguments)}>" * bool(definition.arguments)
    return f"{name}({', '.join(map(decayed, (each.type for each in signature.parameters)))})"


def decayed(written: str) -> str:
    """Return a parameter's type as the compiler takes it, its `const` behind."""
    spelt = re.sub(r"^const (\w+)", r"\1 const", written).replace("(*)(", " (*)(")
    return re.sub(r" \[\d*\]", "*", spelt).replace("Scalar", "double")


def is_compiled(definition: Definition) -> bool:
    is_set = Case({Defined("NEVER_SET"): Truth.FALSE})
    return evaluate(definition.condition, is_set) is Truth.TRUE


class Case(dict[Atom, Truth]):
    """What is known of macros."""

    def truth(self, atom: Atom) -> Truth:
        return self[atom]


def test_what_others_can_link_is_what_the_compiler_exports(symbols: dict[str, set[str]]) -> None:
    found = read_native_text("x.cpp", SOURCE).definitions
    linkable = {
        as_demangled(each)
        for each in found
        if is_compiled(each)
        and not (each.is_local or each.is_inline or each.is_template or each.is_instantiation)
    }
    assert linkable == symbols["T"]


def test_what_is_the_files_own_is_local_for_the_compiler(symbols: dict[str, set[str]]) -> None:
    found = read_native_text("x.cpp", SOURCE).definitions
    assert {as_demangled(each) for each in found if each.is_local} == symbols["t"]


def test_what_is_instantiated_or_inline_is_emitted_where_it_is_used(
    symbols: dict[str, set[str]],
) -> None:
    found = read_native_text("x.cpp", SOURCE).definitions
    emitted = {as_demangled(each) for each in found if each.is_inline or each.is_instantiation}
    assert emitted - symbols["W"] == {"folded(int)"}  # which nothing uses
    assert symbols["W"] <= emitted
    templates = {as_demangled(each) for each in found if each.is_template}
    assert templates == {"generic(T)", "sized(T*)"}


def test_what_is_left_out_is_what_the_compiler_never_sees(symbols: dict[str, set[str]]) -> None:
    found = read_native_text("x.cpp", SOURCE).definitions
    assert {as_demangled(each) for each in found if not is_compiled(each)} == {
        "left_out()",
        "taken_otherwise()",
    }
    assert not any("left_out" in name for names in symbols.values() for name in names)


def test_what_the_compiler_needs_from_elsewhere_is_referred_to(
    symbols: dict[str, set[str]],
) -> None:
    file = read_native_text("x.cpp", SOURCE)
    needed = {name.partition("(")[0] for name in symbols["U"]}
    used = {"::".join((*each.qualifier, each.symbol)) for each in file.references}
    assert needed <= used
    unknown = used - {each.signature.name for each in file.definitions} - needed
    # A parameter, an attribute and a word: no declaration makes functions of them.
    declared = {each.signature.qualified for each in file.declarations}
    assert not unknown & declared
    assert "needed_unused" in declared - used
