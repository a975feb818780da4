from __future__ import annotations

from opparity.checker.languages.cpp.reader import read_native_text
from opparity.checker.languages.cpp.template_calls import template_calls

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
    calls = list(template_calls(file, TEXT, frozenset({"run"})))
    assert [(call.arguments, call.location.line) for call in calls] == [
        (("std::pair<int,float>", "(N>2)"), 6),
        (("Half", "64"), 9),
    ]


def test_an_instantiation_and_a_specialisation_keep_their_arguments() -> None:
    text = "template void run<Half, 64>(int x);\ntemplate <>\nvoid ns::run<float, 1>(int x) {}\n"
    file = read_native_text("x.cu", text)
    assert [(d.arguments, d.is_instantiation) for d in file.definitions] == [
        (("Half", "64"), True),
        (("float", "1"), False),
    ]
