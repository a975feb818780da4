from __future__ import annotations

import pytest

from opparity.checker.facts.native import MacroBody
from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.macro_expansion import expand_macro, expanded_blocks
from opparity.checker.languages.cpp.registration_macros import substituted


@pytest.mark.parametrize(
    ("value", "arguments", "expected"),
    [
        ("(name) m.impl(#name, &name)", ["fused"], ' m.impl("fused", &fused)'),
        ("(a, b) m.impl(a, &fu##b)", ['"x"', "sed"], ' m.impl("x", &fused)'),
        ("(a, ...) m.impl(a, __VA_ARGS__)", ['"x"', "k", "&f"], ' m.impl("x", k, &f)'),
        ("(a, b) m.impl(a, b)", ["one"], ""),
        ("(a) m.impl(a)", ["x" * 5000], ""),
        ("m.impl(a)", [], ""),
    ],
)
def test_a_macro_is_expanded_where_its_arguments_fit(
    value: str, arguments: list[str], expected: str
) -> None:
    assert expand_macro(value, arguments) == expected


def test_a_macro_that_makes_a_block_is_found_where_it_stands_alone() -> None:
    macros = {"REGISTER": "(f) TORCH_LIBRARY_IMPL(ext, CUDA, m) { m.impl(#f, &f); }"}
    text = "int x = REGISTER(no);\nREGISTER(fused)\n"
    assert list(expanded_blocks(text, macros)) == [
        (
            text.index("REGISTER(fused)"),
            ' TORCH_LIBRARY_IMPL(ext, CUDA, m) { m.impl("fused", &fused); }',
        )
    ]


@pytest.mark.parametrize(
    ("parameters", "text", "arguments", "expected"),
    [
        (("a", "..."), "f(a, __VA_ARGS__)", ("x", "y", "z"), "f(x, y, z)"),
        (("...",), "f(__VA_ARGS__)", ("x", "y"), "f(x, y)"),
        (("a",), 'm.def("a", #a, &a##_b, aa)', ("x",), 'm.def("a", "x", &x_b, aa)'),
    ],
)
def test_arguments_stand_where_the_preprocessor_puts_them(
    parameters: tuple[str, ...], text: str, arguments: tuple[str, ...], expected: str
) -> None:
    body = MacroBody("M", parameters, text, Location("m.h", 1))
    assert substituted(body, arguments) == expected
