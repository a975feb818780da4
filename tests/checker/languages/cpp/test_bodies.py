"""Function bodies are left out of what is parsed, and nothing that is found changes for it."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from opparity.checker.languages.cpp import reader
from opparity.checker.languages.cpp.bodies import without_idle_bodies
from opparity.checker.languages.cpp.reader import read_native_text

STATEMENTS = [
    "x = first(x);",
    "call<float>(x);",
    'print("}");',
    "// }",
    "/* nothing\n   here { */",
    "",
    "#pragma unroll",
    "#ifdef USE_ROCM",
    "#else",
    "#endif",
    'm.def("silu", [](int x) {\n  return silu_of(x);\n});',
    'm.impl("silu", &silu);',
]
HEADS = [
    "void work(int x) {",
    "template <typename T>\n__global__ void kernel(T* x,\n                       int y) {",
    "int Work::run() const\n{",
    "static inline int narrow(int x) noexcept {",
    "if (x) {",
    "for (int i = 0; i < x; ++i) {",
    "TORCH_LIBRARY_FRAGMENT(_C, m) {",
    "PYBIND11_MODULE(ext, m) {",
    "void bind(torch::Library& m) {",
    "struct alignas(16) Half {",
    "namespace inner {",
    "class Base : public Other<decltype(work(0))> {",
]


def block(head: str, body: list[str], indentation: int) -> str:
    inner = textwrap.indent("\n".join(body), " " * indentation, lambda line: line[:1] != "#")
    return f"{head}\n{inner}\n}}{';' if head.startswith(('struct', 'class')) else ''}"


blocks = st.recursive(
    st.sampled_from(STATEMENTS),
    lambda inner: st.builds(
        block,
        st.sampled_from(HEADS),
        st.lists(inner, min_size=1, max_size=4),
        st.sampled_from([2, 4]),
    ),
    max_leaves=12,
)
files = st.lists(blocks, min_size=1, max_size=5).map(lambda parts: "\n".join(parts) + "\n")


# An empty body, and a brace in a comment behind it.
EMPTY = "void work(int x) {\n  void work(int x) {\n  \n  }\n  x = first(x);\n  /* { */\n}\n"


# The same with a directive in it.
HINT = "void work(int x) {\n  // }\n  /* nothing\n     here { */\n#pragma unroll\n}\n"


@given(files)
@example(EMPTY)
@example(HINT)
def test_a_file_says_the_same_with_and_without_idle_bodies(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "without_idle_bodies", lambda text: text)
        whole = read_native_text("a.cu", text)
    assume(not whole.has_errors)
    assert read_native_text("a.cu", text) == whole


@given(files)
def test_lines_keep_their_numbers(text: str) -> None:
    assert without_idle_bodies(text).count("\n") == text.count("\n")


def test_what_the_grammar_does_not_know_in_a_body_is_no_matter() -> None:
    body = "  x = ((;\n  return ]]] nobody knows what >>>>> ;\n"
    text = f"namespace {{\nvoid local(int x) {{\n{body}}}\n}}\nvoid f();\n"
    facts = read_native_text("a.cu", text)
    assert not facts.has_errors
    assert [(each.signature.name, each.is_local) for each in facts.definitions] == [("local", True)]
    assert [each.signature.name for each in facts.declarations] == ["f"]


@pytest.mark.parametrize(
    "body",
    [
        "  // to be done, some day, by somebody\n",
        "  /* to be done,\n     some day, by somebody */\n",
        "\n\n                                             \n\n",
    ],
)
def test_a_body_of_comments_is_still_empty(body: str) -> None:
    (definition,) = read_native_text("a.cu", f"void f(int x) {{\n{body}}}\n").definitions
    assert definition.is_empty


def test_a_body_under_a_directive_still_has_its_condition() -> None:
    text = "void f(int x) {\n#ifdef USE_ROCM\n  launch_of_a_kernel_on_rocm(x);\n#endif\n}\n"
    (definition,) = read_native_text("a.cu", text).definitions
    (without,) = read_native_text(
        "a.cu", text.replace("#ifdef USE_ROCM", "").replace("#endif", "")
    ).definitions
    assert definition != replace(without, content=without.content)
    assert str(definition.content) == "Defined(macro='USE_ROCM')"


@pytest.mark.parametrize(
    "text",
    ["f() {\n " * 20_000, "f() {\n" + " x;\n" * 100_000, ") {\n \n" * 20_000, "{\n\n" * 50_000],
)
def test_braces_that_nothing_closes_are_left_as_they_are(text: str) -> None:
    assert without_idle_bodies(text) == text
