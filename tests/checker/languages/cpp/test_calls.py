from __future__ import annotations

from opparity.checker.facts.conditions import ALWAYS, Defined, Not
from opparity.checker.languages.cpp.calls import read_further_uses
from opparity.checker.languages.cpp.reader import read_native_text

TEXT = """
template <typename T, int N> void run(int x);
template <typename T> void indirect(int x) { run<T, 1>(x); }
void direct(int x) {
#ifdef WIDE
  ns::run<std::pair<int, float>, (N > 2)>(x);
#endif
  bool less = run < 3;
  run<Half, 64>(x);
}
"""


def test_calls_with_written_arguments_outside_of_templates_are_read() -> None:
    file = read_native_text("x.cpp", TEXT)
    assert [template.signature.name for template in file.templates] == ["run"]
    calls = [each for each in file.references if each.symbol == "run" and each.arguments]
    assert [(call.arguments, call.location.line) for call in calls] == [
        (("std::pair<int,float>", "(N>2)"), 6),
        (("Half", "64"), 9),
    ]


USES = """
struct Tensor {};
namespace ops { __global__ void kernel(int* x) {} }
static int table(const Tensor &given, Tensor &&moved) { return 0; }
template <typename T> void generic() { helper(1); }
inline void inlined() { shared(1); std::sort(2); __syncthreads(); TORCH_CHECK(3); }
void kernel(Tensor& x) {
  ops::kernel<<<1, 1>>>(nullptr);
  bool both = first && second;
  int masked = left & right;
  take(&given, (void*)&addressed, &ns::inner::deep);
  x.method(3);
  p->other(4);
  // commented(5)
#ifdef WIDE
  kernel_of_wide(6);
#endif
  return &last;
}
#define CALLS_A_MACRO(x) in_a_macro(x)
int at_file_scope = outside(7);
"""


def test_uses_of_functions_are_calls_launches_and_addresses() -> None:
    file = read_native_text("x.cu", USES)
    inside = {
        "::".join((*each.qualifier, each.symbol))
        for each in file.references
        if each.inside == "kernel"
    }
    assert inside == {
        *("ops::kernel", "take", "given", "addressed", "ns::inner::deep", "kernel_of_wide"),
        "last",
    }
    assert {"outside", "in_a_macro", "helper"} <= file.called
    assert file.called.isdisjoint({"method", "other", "commented", "second", "right", "moved"})


def test_a_use_says_where_it_stands() -> None:
    uses = {each.symbol: each for each in read_native_text("x.cu", USES).references}
    assert uses["kernel_of_wide"].condition == Defined("WIDE")
    assert uses["take"].condition == ALWAYS
    assert uses["shared"].is_in_inline
    assert not uses["take"].is_in_inline
    assert "helper" not in uses
    assert uses.keys().isdisjoint({"in_a_macro", "sort", "__syncthreads", "TORCH_CHECK"})
    assert "outside" not in uses


LOST = """void known() {}
#ifdef A
DEFINE(x, (int first(int y) const {
#else
DEFINE(x, (int second(int y) const {
#endif
}
}}} )(
"""


def test_a_body_that_the_grammar_lost_is_still_a_definition() -> None:
    assert [
        (each.signature.name, each.location.line, each.condition, each.is_guessed)
        for each in read_native_text("x.cpp", LOST).definitions
    ] == [
        ("known", 1, ALWAYS, False),
        ("first", 3, Defined("A"), True),
        ("second", 5, Not(Defined("A")), True),
    ]


OTHERWISE = """
struct Scaler { void rescale(int x); };
inline void wrap(Scaler& scaler, int number) {
  scaler.rescale(number);
  spread(&number, launch, detail::helper);
}
void apply(Scaler* scaler) { scaler->rescale(2); }
"""


def test_methods_and_passed_functions_are_uses_of_their_own_kinds() -> None:
    file = read_native_text("x.cpp", OTHERWISE)
    further = read_further_uses("x.cpp", OTHERWISE, file.definitions)
    assert [(each.symbol, each.inside, each.is_in_inline) for each in further.methods] == [
        ("rescale", "wrap", True),
        ("rescale", "apply", False),
    ]
    assert [(each.symbol, each.qualifier) for each in further.passed] == [
        ("launch", ()),
        ("helper", ("detail",)),
    ]
    assert "Scaler" in further.types
    assert "rescale" not in {each.symbol for each in file.references}


def test_an_instantiation_and_a_specialisation_keep_their_arguments() -> None:
    text = "template void run<Half, 64>(int x);\ntemplate <>\nvoid ns::run<float, 1>(int x) {}\n"
    file = read_native_text("x.cu", text)
    assert [(d.arguments, d.is_instantiation) for d in file.definitions] == [
        (("Half", "64"), True),
        (("float", "1"), False),
    ]


BOUND = """
TORCH_LIBRARY(demo, m) {
  m.def("plain", &plain);
  m.def("wrapped", TORCH_FN(ns::wrapped));
  m.def("static", static_cast<at::Tensor (*)(int)>(&chosen));
  m.def("cast", (at::Tensor (*)(int))&old);
  m.def("bracketed", (&bracketed));
  m.impl("keyed", torch::dispatch(c10::DispatchKey::CPU, &keyed));
  m.def("computed", choose(1));
}
"""


def test_a_bound_function_is_found_behind_casts_and_wrappers() -> None:
    registrations = read_native_text("x.cpp", BOUND).registrations
    assert {each.operator: each.symbol for each in registrations if each.symbol} == {
        "plain": "plain",
        "wrapped": "ns::wrapped",
        "static": "chosen",
        "cast": "old",
        "bracketed": "bracketed",
        "keyed": "keyed",
    }
